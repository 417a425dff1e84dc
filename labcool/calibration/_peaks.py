"""Lines in the spectrum of a lamp: where they are, to a fraction of a pixel."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import find_peaks, peak_widths

from labcool.errors import LimitError
from labcool.fitting.curve import fit_curve
from labcool.models.line_shapes import FWHM_PER_SIGMA

Floats = NDArray[np.float64]

LEAST_SIGNIFICANCE: Final = 10.0
"""A peak counts if it stands this many standard deviations above what lies around it."""
_WIDEST: Final = 1.6
"""Peaks wider than this many times the usual are several lines, or none."""
_MAD_TO_SIGMA: Final = 1.4826


class Peaks(NamedTuple):
    """Peaks of a spectrum in order of position, shape (n,) each.

    :param position: of the centre, pixels from 0, with its standard uncertainty ``std``.
    :param height: counts above the background.
    :param fwhm: pixels.
    """

    position: Floats
    std: Floats
    height: Floats
    fwhm: Floats


def lamp_peaks(counts: ArrayLike, *, saturation: float | None = None) -> Peaks:
    """Find the single lines of a lamp and fit a Gaussian to each.

    :param counts: shape (pixel,), dark subtracted, finite.
    :param saturation: counts from which a pixel is saturated; such peaks are left out.
    :raises LimitError: if the spectrum is no row of finite numbers.
    """
    spectrum = np.asarray(counts, np.float64)
    if spectrum.ndim != 1 or spectrum.size < 16 or not np.isfinite(spectrum).all():
        raise LimitError("lamp spectrum", f"shape {spectrum.shape}", "(pixel,), finite, 16 or more")
    noise = _MAD_TO_SIGMA * float(np.median(np.abs(np.diff(spectrum)))) / np.sqrt(2)
    places, _ = find_peaks(spectrum, prominence=max(LEAST_SIGNIFICANCE * noise, 1e-300), width=1)
    widths = peak_widths(spectrum, places, rel_height=0.5)[0]
    found = []
    for place, width in zip(places, widths, strict=True):
        if saturation is not None and spectrum[place] >= saturation:
            continue
        peak = _fitted(spectrum, int(place), float(width), max(noise, 1e-12))
        if peak is not None:
            found.append(peak)
    table = np.array(found, np.float64).reshape(-1, 4)
    if len(table):
        table = table[table[:, 3] <= _WIDEST * np.median(table[:, 3])]
    return Peaks(*table.T)


def _fitted(
    spectrum: Floats, place: int, width: float, noise: float
) -> tuple[float, float, float, float] | None:
    """Return position, its std, height and FWHM; None if there is no Gaussian."""
    reach = max(3, round(1.5 * width))
    first, last = max(0, place - reach), min(spectrum.size, place + reach + 1)
    x = np.arange(first, last, dtype=np.float64) - place
    y = spectrum[first:last]
    if len(x) < 6:
        return None
    base = float(y.min())
    start = {
        "base": base,
        "height": float(spectrum[place]) - base,
        "centre": 0.0,
        "sigma": max(width / FWHM_PER_SIGMA, 0.4),
    }

    def line(base: float, height: float, centre: float, sigma: float) -> Floats:
        return base + height * np.exp(-(((x - centre) / sigma) ** 2) / 2)

    # The noise of the flat parts does for all pixels: what the fit misses enlarges the std.
    fit = fit_curve(line, y, noise, start=start, lowest={"sigma": 0.2, "height": 0.0})
    if not fit.converged or abs(fit["centre"]) > reach:
        return None
    return (
        place + fit["centre"],
        fit.std("centre"),
        fit["height"],
        FWHM_PER_SIGMA * fit["sigma"],
    )

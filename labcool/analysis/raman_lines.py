"""How wide the spectrograph shows a Raman line: from the strong one in the mean spectrum."""

from __future__ import annotations

from typing import Final

import numpy as np

from labcool.analysis.measurement import Measurement
from labcool.fitting.guess import guess_line
from labcool.fitting.line_summary import line_fwhm
from labcool.fitting.spectra import CountNoise, fit_spectra
from labcool.fitting.spectral_model import Line, SpectralModel
from labcool.thermometry.reference import dark_at

_HALF_WINDOW_NM: Final = 6.0
_LEAST_SIGNIFICANCE: Final = 8.0
_WIDEST: Final = 0.5
"""A line wider than this part of the window is no line of silicon."""


def raman_line_width(measured: Measurement, centre: float) -> float | None:
    """Return the full width at half maximum of the Stokes line, nm; None if it is not seen.

    :param centre: where it should be, nm.
    """
    near = np.abs(measured.wavelengths - centre) <= _HALF_WINDOW_NM
    same = np.flatnonzero(measured.exposure == measured.exposure[0])
    if near.sum() < 8:
        return None
    dark = dark_at(measured.darks, float(measured.exposure[0]))
    block = measured.spectra[same][:, near].astype(np.float64)
    counts = np.nan_to_num(block).mean(axis=0) - np.asarray(dark.spectrum, np.float64)[near]
    noise = measured.noise
    frames = len(same) * measured.averages
    model = SpectralModel([Line("line", "lorentzian")], 1)
    x = measured.wavelengths[near]
    start = guess_line(model, x, counts)
    lower, upper = model.bounds(x)
    for name, low, high in zip(model.names, lower, upper, strict=True):
        start[name] = np.clip(start[name], low, high)
    floor = noise.read_noise_counts**2 / frames + noise.read_noise_counts**2 / dark.frames
    fit = fit_spectra(
        model,
        x,
        counts,
        start=start,
        noise=CountNoise(noise.variance_per_count / frames, max(floor, 1e-6)),
    )
    width = float(line_fwhm(model.lines[0], fit).value[0])
    area, std = float(fit.value("line.area")[0]), float(fit.std("line.area")[0])
    seen = fit.converged[0] and area > _LEAST_SIGNIFICANCE * std
    placed = abs(float(fit.value("line.centre")[0]) - centre) <= max(width, 0.5)
    return width if seen and placed and width < _WIDEST * 2 * _HALF_WINDOW_NM else None

"""Wavelength axis of a spectrometer from the lines of a lamp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.polynomial.polynomial import polyfit, polyval
from numpy.typing import ArrayLike, NDArray

from labcool.calibration._determined import covariance_rows, determined
from labcool.calibration._matching import match_lines
from labcool.calibration._peaks import lamp_peaks
from labcool.calibration.lamp_lines import LampLine, Medium, lamp_lines
from labcool.calibration.origin import Origin
from labcool.calibration.wavelength import WavelengthCalibration
from labcool.errors import LimitError
from labcool.fitting.curve import fit_curve

Floats = NDArray[np.float64]

_APART: Final = 1.5
"""Lines nearer to each other than this many widths pull at one another and are not used."""
_FAINT: Final = 0.02
"""... unless the neighbour has less than this part of the brightness."""
_CLOSE: Final = 0.5
"""A peak is a line if it lies within this part of its width."""


def calibrate_axis(
    counts: ArrayLike,
    rough: ArrayLike,
    *,
    lamps: Sequence[str],
    origin: Origin,
    degree: int = 3,
    tolerance: float = 5.0,
    medium: Medium = "air",
    saturation: float | None = None,
) -> WavelengthCalibration:
    """Fit a polynomial to the positions of the lamp's lines.

    :param counts: lamp spectrum, shape (pixel,), dark subtracted.
    :param rough: wavelength of each pixel as far as it is known, nm, shape (pixel,), ascending.
    :param lamps: symbols of the lamps that were on, e.g. ``["Hg", "Ar"]``.
    :param origin: which spectrometer (serial number and grating), and when.
    :param degree: of the polynomial.
    :param tolerance: how far ``rough`` may be off, nm.
    :param saturation: counts from which a pixel is saturated; such lines are left out.
    :raises LimitError: if too few lines are recognised, or a shape does not fit.
    """
    axis = np.asarray(rough, np.float64)
    if axis.shape != np.shape(counts) or not (np.diff(axis) > 0).all():
        raise LimitError("rough wavelengths (nm)", f"shape {axis.shape}", "(pixel,), ascending")
    if not degree >= 1:
        raise LimitError("degree of the axis", degree, "1 or more")
    peaks = lamp_peaks(counts, saturation=saturation)
    pixels = np.arange(axis.size, dtype=np.float64)
    width = _width_in_nm(peaks.fwhm, peaks.position, axis)
    lines = _single_lines(lamp_lines(lamps, medium), width)
    inside = (lines > axis[0] - tolerance) & (lines < axis[-1] + tolerance)
    match = match_lines(
        np.interp(peaks.position, pixels, axis),
        peaks.height,
        lines[inside],
        tolerance=tolerance,
        close=_CLOSE * width,
        degree=degree,
    )
    least = degree + 2
    if len(match.peaks) < least:
        raise LimitError(
            "lines of the lamp that are recognised",
            f"{len(match.peaks)} (of {len(peaks.position)} peaks)",
            f"{least} or more for a polynomial of degree {degree}",
            "Expose longer, name all lamps that were on, or allow a larger tolerance.",
        )
    return _fitted(
        peaks.position[match.peaks],
        peaks.std[match.peaks],
        lines[inside][match.lines],
        degree,
        origin,
        f"{', '.join(lamps)} lamp, {len(match.peaks)} lines",
        medium,
    )


def _fitted(
    position: Floats,
    position_std: Floats,
    wavelength: Floats,
    degree: int,
    origin: Origin,
    method: str,
    medium: Medium,
) -> WavelengthCalibration:
    middle = float(round(position.mean()))
    names = [f"c{power}" for power in range(degree + 1)]
    start = polyfit(position - middle, wavelength, degree)
    dispersion = abs(float(start[1]))

    def model(**c: float) -> Floats:
        coefficients = np.array([c[name] for name in names])
        return np.asarray(polyval(position - middle, coefficients), np.float64)

    fit = determined(
        fit_curve(
            model,
            wavelength,
            np.maximum(position_std * dispersion, 1e-6),
            start=dict(zip(names, map(float, start), strict=True)),
        ),
        "wavelength axis",
    )
    return WavelengthCalibration(
        tuple(fit[name] for name in names),
        covariance_rows(fit),
        middle,
        medium,
        valid_range=(float(position.min()), float(position.max())),
        **origin.stated(method, fit),
    )


def _width_in_nm(fwhm: Floats, position: Floats, axis: Floats) -> float:
    if not len(fwhm):
        return float(np.median(np.diff(axis)))
    dispersion = np.interp(position, np.arange(axis.size), np.gradient(axis))
    return float(np.median(fwhm * dispersion))


def _single_lines(lines: Sequence[LampLine], width: float) -> Floats:
    """Return the lines that no other disturbs, nm."""
    alone = [
        line.wavelength
        for line in lines
        if not any(
            other is not line
            and abs(other.wavelength - line.wavelength) < _APART * width
            and other.brightness > _FAINT * line.brightness
            for other in lines
        )
    ]
    return np.array(alone, np.float64)

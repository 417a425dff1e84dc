"""Spectral response from the spectrum of a lamp that is known."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.calibration.checks import not_negative, positive
from labcool.calibration.origin import Origin
from labcool.calibration.response import ResponseCalibration
from labcool.errors import LimitError
from labcool.fitting.spectral_model import pixel_widths
from labcool.units import BOLTZMANN_EV_PER_K, HC_EV_NM

Floats = NDArray[np.float64]

LEAST_SIGNIFICANCE: Final = 5.0
"""The response is known where the lamp is seen with this many standard deviations."""


def response_from_blackbody(
    counts: ArrayLike,
    wavelengths: ArrayLike,
    *,
    counts_std: ArrayLike,
    temperature: float,
    temperature_std: float,
    origin: Origin,
) -> ResponseCalibration:
    """Compare a lamp spectrum with Planck's law: photons per nm ``∝ λ⁻⁴/(exp(hc/λkT) − 1)``.

    For a halogen lamp take its *colour* temperature, which has the emissivity of tungsten in it;
    behind filters or fibres use a table instead.

    :param counts: lamp spectrum, shape (pixel,), dark subtracted.
    :param wavelengths: nm, shape (pixel,), ascending.
    :param counts_std: standard deviation of each pixel, one number or shape (pixel,), above 0.
    :param temperature: of the lamp, K, with ``temperature_std``, K.
    :param origin: which lamp and which spectrometer, and when.
    :raises LimitError: if a number is outside its range, or the lamp is not seen.
    """
    kelvin = positive("temperature of the lamp (K)", temperature)
    spread = not_negative("std of the temperature of the lamp (K)", temperature_std)
    nanometres = _checked_axis(wavelengths)
    photons = nanometres**-4 / np.expm1(HC_EV_NM / (nanometres * BOLTZMANN_EV_PER_K * kelvin))
    return _compared(
        counts,
        nanometres,
        counts_std,
        photons,
        np.zeros_like(nanometres),
        # d ln(photons)/dE = -1/kT (but for the denominator), so an error of T tilts it by dT/kT².
        spread / (BOLTZMANN_EV_PER_K * kelvin**2),
        origin,
        f"lamp spectrum, black body of {kelvin:g} ± {spread:g} K",
    )


def response_from_table(
    counts: ArrayLike,
    wavelengths: ArrayLike,
    *,
    counts_std: ArrayLike,
    lamp_wavelengths: ArrayLike,
    irradiance: ArrayLike,
    relative_std: ArrayLike,
    origin: Origin,
) -> ResponseCalibration:
    """Compare a lamp spectrum with the certificate of the lamp.

    :param lamp_wavelengths: of the certificate, nm, ascending; pixels outside get no response.
    :param irradiance: power per area and nm there, any unit, above 0.
    :param relative_std: its relative standard uncertainty, one number or as many.
    :raises LimitError: as :func:`response_from_blackbody`, which has the other parameters.
    """
    nanometres, known = _checked_axis(wavelengths), _checked_axis(lamp_wavelengths)
    power = np.asarray(irradiance, np.float64)
    if power.shape != known.shape or not (np.isfinite(power) & (power > 0)).all():
        raise LimitError("irradiance of the lamp", f"shape {power.shape}", f"{known.shape}, > 0")
    std = np.broadcast_to(np.asarray(relative_std, np.float64), known.shape)
    not_negative("relative std of the irradiance", float(std.min()))
    # The logarithm of a lamp's spectrum is nearly straight over 1/λ.
    log_power = np.interp(-1 / nanometres, -1 / known, np.log(power), np.nan, np.nan)
    return _compared(
        counts,
        nanometres,
        counts_std,
        np.exp(log_power) * nanometres,
        np.interp(nanometres, known, std, np.nan, np.nan),
        0.0,
        origin,
        "lamp spectrum, certificate of the lamp",
    )


def _compared(
    counts: ArrayLike,
    wavelengths: Floats,
    counts_std: ArrayLike,
    photons: Floats,
    photons_std: Floats,
    slope_std: float,
    origin: Origin,
    method: str,
) -> ResponseCalibration:
    lamp = np.asarray(counts, np.float64)
    std = np.broadcast_to(np.asarray(counts_std, np.float64), wavelengths.shape)
    if lamp.shape != wavelengths.shape or not (std > 0).all():
        raise LimitError(
            "lamp spectrum and its std", (lamp.shape, float(std.min())), "(pixel,), std above 0"
        )
    seen = np.isfinite(photons) & np.isfinite(lamp) & (lamp > LEAST_SIGNIFICANCE * std)
    first, last = _longest(seen)
    if last - first < 2:
        raise LimitError(
            "lamp spectrum (counts)",
            float(np.nanmax(lamp)),
            f"above {LEAST_SIGNIFICANCE:g} times its noise in neighbouring pixels",
            "Expose longer.",
        )
    part = slice(first, last)
    response = (lamp / (photons * pixel_widths(wavelengths)))[part]
    relative = np.hypot(std[part] / lamp[part], photons_std[part])
    return ResponseCalibration(
        tuple(map(float, wavelengths[part])),
        tuple(map(float, response / response.max())),
        tuple(map(float, relative)),
        slope_std,
        valid_range=(float(wavelengths[first]), float(wavelengths[last - 1])),
        **origin.stated(method),
    )


def _checked_axis(wavelengths: ArrayLike) -> Floats:
    axis = np.asarray(wavelengths, np.float64)
    if axis.ndim != 1 or axis.size < 2 or not (axis[0] > 0 and (np.diff(axis) > 0).all()):
        raise LimitError("wavelengths (nm)", f"shape {axis.shape}", "(pixel,), ascending, above 0")
    return axis


def _longest(seen: NDArray[np.bool_]) -> tuple[int, int]:
    """Return begin and end of the longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    if not edges.size:
        return 0, 0
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    return int(begins[longest]), int(ends[longest])

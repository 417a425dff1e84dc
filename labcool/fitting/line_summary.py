"""What is read off a fitted line: maximum, full width at half maximum, mean; each with its std.

The shape of an exponentially modified Gaussian depends only on the ratio of its tail to its sigma,
so that maximum and width are functions of one variable, tabulated once.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize_scalar

from labcool.fitting.spectra import SpectralFit
from labcool.fitting.spectral_model import Line
from labcool.models.line_shapes import FWHM_PER_SIGMA, exponentially_modified_gaussian

Floats = NDArray[np.float64]

_LEAST_RATIO: Final = 1e-2
_LARGEST_RATIO: Final = 1e2
_NODES: Final = 121
_DROWNED: Final = 0.5
"""Variance of the tail over its square."""
_SHORT: Final = 0.1
"""In sigmas."""


class Observable(NamedTuple):
    """A quantity of n lines, on the axis of the fit; NaN where a fit did not converge.

    :param value: shape (n,).
    :param std: standard uncertainty (1 σ), shape (n,).
    """

    value: Floats
    std: Floats


def line_maximum(line: Line, fit: SpectralFit) -> Observable:
    """Return where each line is highest."""
    if line.shape != "emg":
        return _of(line, fit, {"centre": np.ones(len(fit))}, fit.value(f"{line.name}.centre"))
    offset, slope = _shape_of(0, line, fit)
    sigma = fit.value(f"{line.name}.sigma")
    ratio = fit.value(f"{line.name}.tail") / sigma
    leaning = 1.0 if line.tail == "high" else -1.0
    value = fit.value(f"{line.name}.centre") + leaning * sigma * offset
    gradient = {
        "centre": np.ones(len(fit)),
        "sigma": leaning * (offset - ratio * slope),
        "tail": leaning * slope,
    }
    return _of(line, fit, gradient, value)


def line_fwhm(line: Line, fit: SpectralFit) -> Observable:
    """Return the full width at half maximum of each line."""
    if line.shape == "gaussian":
        width = FWHM_PER_SIGMA * fit.value(f"{line.name}.sigma")
        return _of(line, fit, {"sigma": np.full(len(fit), FWHM_PER_SIGMA)}, width)
    if line.shape != "emg":
        return _of(line, fit, {"fwhm": np.ones(len(fit))}, fit.value(f"{line.name}.fwhm"))
    width, slope = _shape_of(1, line, fit)
    sigma = fit.value(f"{line.name}.sigma")
    ratio = fit.value(f"{line.name}.tail") / sigma
    gradient = {"sigma": width - ratio * slope, "tail": slope}
    return _of(line, fit, gradient, sigma * width)


def line_mean(line: Line, fit: SpectralFit) -> Observable:
    """Return the mean of each line; for a Lorentzian, which has none, its centre."""
    value, gradient = fit.value(f"{line.name}.centre"), {"centre": np.ones(len(fit))}
    if line.shape == "emg":
        leaning = 1.0 if line.tail == "high" else -1.0
        value = value + leaning * fit.value(f"{line.name}.tail")
        gradient["tail"] = np.full(len(fit), leaning)
    return _of(line, fit, gradient, value)


def _of(line: Line, fit: SpectralFit, gradient: dict[str, Floats], value: Floats) -> Observable:
    rows = np.zeros((len(fit), len(fit.names)))
    for name, slope in gradient.items():
        rows[:, fit.index(f"{line.name}.{name}")] = slope
    covariance = fit.covariance
    if line.shape == "emg":
        covariance = _given_the_tail(line, fit)
    used = [fit.index(f"{line.name}.{name}") for name in gradient]
    part = covariance[:, used][:, :, used]
    variance = np.einsum("nj,njk,nk->n", rows[:, used], part, rows[:, used])
    return Observable(value, np.sqrt(np.maximum(variance, 0.0)))


def _given_the_tail(line: Line, fit: SpectralFit) -> Floats:
    """Return the covariance, with a short tail that drowns in its uncertainty taken as it is.

    Without a tail, centre and tail do the same to a line, and the linear errors of all parameters
    grow without limit along a valley that is curved, in which maximum and width stay what they are.
    """
    covariance, tail = fit.covariance, fit.index(f"{line.name}.tail")
    length = fit.parameters[:, tail]
    drowned = (covariance[:, tail, tail] > _DROWNED * length**2) & (
        length < _SHORT * fit.value(f"{line.name}.sigma")
    )
    if not drowned.any():
        return covariance
    some = covariance[drowned]
    column = some[:, :, tail]
    share = column[:, :, np.newaxis] * column[:, np.newaxis] / some[:, tail, tail, None, None]
    given = covariance.copy()
    given[drowned] = some - share
    return given


def _shape_of(which: int, line: Line, fit: SpectralFit) -> tuple[Floats, Floats]:
    """Return a quantity (0 maximum, 1 width, in sigmas) and its derivative by the ratio r.

    Tabulated is what is left of ``r`` and of ``√(1 + r²)``, which they are for a short tail: there
    sigma, centre and tail are nearly degenerate, and their errors cancel only if derivatives are
    exact.
    """
    ratio = fit.value(f"{line.name}.tail") / fit.value(f"{line.name}.sigma")
    inside = np.clip(ratio, _LEAST_RATIO, _LARGEST_RATIO)
    spline = _tables()[which]
    rest = spline(np.log(inside))
    slope_of_rest = np.where(ratio == inside, spline(np.log(inside), 1) / inside, 0.0)
    if which == 0:
        return ratio * rest, rest + ratio * slope_of_rest
    root = np.sqrt(1 + ratio * ratio)
    return root * rest, ratio / root * rest + root * slope_of_rest


@cache
def _tables() -> tuple[CubicSpline, CubicSpline]:
    ratios = np.geomspace(_LEAST_RATIO, _LARGEST_RATIO, _NODES)
    pairs = np.array([_maximum_and_width(float(ratio)) for ratio in ratios])
    maxima, widths = pairs[:, 0] / ratios, pairs[:, 1] / np.sqrt(1 + ratios * ratios)
    return CubicSpline(np.log(ratios), maxima), CubicSpline(np.log(ratios), widths)


def _maximum_and_width(ratio: float) -> tuple[float, float]:
    """Return maximum and FWHM of an EMG with sigma 1 and a tail of ``ratio`` to large x."""

    def shape(x: float) -> float:
        return float(exponentially_modified_gaussian(np.array([x]), 0.0, 1.0, ratio)[0])

    top = minimize_scalar(
        lambda x: -shape(x), bounds=(-1.0, 6.0), method="bounded", options={"xatol": 1e-10}
    ).x
    half = shape(top) / 2
    low = brentq(lambda x: shape(x) - half, top - 6.0, top, xtol=1e-12)
    high = brentq(lambda x: shape(x) - half, top, top + 6.0 + 6.0 * ratio, xtol=1e-12)
    return float(top), float(high - low)

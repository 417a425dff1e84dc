"""How the shape of a spectrum changes with temperature, from two spectra on a stage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.numbers import above_zero, real, whole
from labcool.thermometry.estimate import flag_names
from labcool.thermometry.reference import Reference
from labcool.thermometry.smoothing import mean_of_neighbours
from labcool.thermometry.spectral_window import SpectralWindow, WindowedSpectra

Floats = NDArray[np.float64]

_LEAST_COUNTS: Final = 100.0
_MOST_OF_NOISE: Final = 0.2
"""Part of the derivative's own square that may be its noise; about 1/4 of it is uncertain then."""


@dataclass(frozen=True, slots=True, eq=False)
class LogDerivative:
    """How the logarithm of the spectral shape changes with temperature.

    :param value: ``d ln s/dT`` of each pixel of the window, 1/K, shape (pixel of the window,); NaN
        where it is not known: such pixels do not count.
    :param relative_std: standard uncertainty of its scale, 0.02 means 2 %, as that of the
        temperatures of the stage makes it; all temperature changes share it.
    :param temperature: at which it was measured, K.
    :param basis: polynomials whose sum it is, shape (coefficient, pixel of the window); None: it is
        known without noise.
    :param covariance: of their coefficients, 1/K², shape (coefficient, coefficient).
    """

    value: Floats
    relative_std: float
    temperature: float
    basis: Floats | None = None
    covariance: Floats | None = None

    def __post_init__(self) -> None:
        """Check it.

        :raises LimitError: if a number is out of range, or a shape does not fit.
        """
        if real("relative std of the log-derivative", self.relative_std) < 0:
            raise LimitError("relative std of the log-derivative", self.relative_std, "0 or more")
        above_zero("temperature of the log-derivative (K)", self.temperature)
        if self.basis is None or self.covariance is None:
            return
        count = len(self.basis)
        if self.basis.shape[1:] != self.value.shape or self.covariance.shape != (count, count):
            raise LimitError(
                "basis and covariance of the log-derivative",
                f"shapes {self.basis.shape} and {self.covariance.shape}",
                f"(coefficient, {self.value.size}) and (coefficient, coefficient)",
            )

    @property
    def known(self) -> NDArray[np.bool_]:
        """Pixels in which it is known, shape (pixel of the window,)."""
        return np.isfinite(self.value)

    def of_noise(self, weights: Floats) -> tuple[float, float]:
        """Return what its noise does to temperature changes that are fitted with it.

        Noise makes the derivative look larger than it is (its square grows), and the changes too
        small. To first order in the covariance this is known and taken off.

        :param weights: information of each known pixel, 1/variance of the logarithm of its ratio.
        :return: the factor by which to multiply changes, NaN if the noise is too large for that;
            and their relative standard uncertainty.
        """
        if self.basis is None or self.covariance is None:
            return 1.0, 0.0
        away = _centred(self.value[self.known], weights)
        basis = _centred(self.basis[:, self.known], weights)
        square = float(np.sum(weights * away * away))
        spread = (basis * weights) @ basis.T @ self.covariance
        without_noise = square - float(np.trace(spread))
        if not without_noise > 0.5 * square:
            return math.nan, math.nan
        lever = (basis * weights) @ away
        variance = lever @ self.covariance @ lever + 2 * np.trace(spread @ spread)
        return square / without_noise, float(np.sqrt(variance)) / without_noise


def log_derivative(
    window: SpectralWindow, cold: Reference, hot: Reference, *, degree: int = 4
) -> LogDerivative:
    """Return ``d ln s/dT`` from two spectra on a stage, as a polynomial in the photon energy.

    The polynomial's own constant is of no consequence: it is the height of the spectrum. It is
    known where both spectra are bright (100 counts), and nowhere else: a polynomial says nothing
    outside the pixels it was fitted to. If it scatters about the data by more than their noise
    (χ²), the degree is too low, and its uncertainty grows accordingly.

    :param window: of the thermometer.
    :param cold: spectrum at the lower temperature, bright.
    :param hot: spectrum at the higher one, close enough for the change to be linear.
    :param degree: of the polynomial.
    :raises LimitError: if the temperatures are not in order, a reference is flagged, too few pixels
        are bright, or the derivative is lost in the noise of the references.
    """
    whole("degree of the polynomial", degree, 1)
    step = hot.temperature - cold.temperature
    if not step > 0:
        raise LimitError(
            "temperatures of the references (K)", (cold.temperature, hot.temperature), "cold < hot"
        )
    first, second = (
        window.cut(each.spectrum, exposure=each.exposure, averages=each.frames)
        for each in (cold, hot)
    )
    flags = int(first.flags[0] | second.flags[0])
    if flags:
        raise LimitError(
            "references", ", ".join(flag_names(flags)), "neither saturated nor below the dark"
        )
    # Which pixels count, and how much, must not depend on the noise of the very pixel.
    one, other = (mean_of_neighbours(each.counts[0]) for each in (first, second))
    bright = (one > _LEAST_COUNTS) & (other > _LEAST_COUNTS)
    bright &= (first.counts[0] > 0) & (second.counts[0] > 0)
    if bright.sum() < 2 * (degree + 1):
        raise LimitError(
            "pixels with 100 counts",
            int(bright.sum()),
            f"{2 * (degree + 1)} or more",
            "Take brighter references, or a lower degree.",
        )
    of_cold = _relative_variance(first, one)[bright]
    of_hot = _relative_variance(second, other)[bright]
    # The mean of the logarithm of a noisy number lies half its relative variance too low.
    log_ratio = np.log(second.counts[0, bright] / first.counts[0, bright]) + (of_hot - of_cold) / 2
    basis = _polynomials(window.energies, bright, degree)
    weights = 1 / (of_cold + of_hot)
    design = basis[:, bright]
    covariance = np.asarray(np.linalg.inv((design * weights) @ design.T), np.float64)
    coefficients = covariance @ (design * weights) @ log_ratio
    residual = log_ratio - coefficients @ design
    freedom = bright.sum() - degree - 1
    covariance = covariance * max(1.0, float(np.sum(weights * residual**2)) / freedom) / step**2
    value = np.where(bright, coefficients @ basis, np.nan) / step
    of_stage = float(np.hypot(cold.temperature_std, hot.temperature_std)) / step
    middle = (cold.temperature + hot.temperature) / 2
    found = LogDerivative(value, of_stage, middle, basis, covariance)
    factor, relative_std = found.of_noise(weights)
    if not factor <= 1 / (1 - _MOST_OF_NOISE):
        raise LimitError(
            "noise of d ln s/dT (relative)",
            f"{relative_std:.2g}",
            "small against the derivative itself",
            "Average more frames of the references, take them further apart, or a lower degree.",
        )
    return found


def _polynomials(energies: Floats, bright: NDArray[np.bool_], degree: int) -> Floats:
    low, high = energies[bright].min(), energies[bright].max()
    basis: Floats = legvander((2 * energies - low - high) / (high - low), degree).T
    return basis


def _centred(rows: Floats, weights: Floats) -> Floats:
    """Return rows less their weighted mean: the height of the spectrum is always fitted."""
    centred: Floats = rows - np.average(rows, axis=-1, weights=weights, keepdims=True)
    return centred


def _relative_variance(cut: WindowedSpectra, counts: Floats) -> Floats:
    positive = np.maximum(counts, 1.0)
    variance = cut.shot * (positive + cut.light) + cut.floor + cut.dark_variance
    relative: Floats = variance / positive**2
    return relative

"""How much the pump changes the temperature: spectra with the pump on against their neighbours off.

A weak probe excites the luminescence all the time, and the pump is switched on and off. What both
have in common (detector, filter, drift, sample) cancels; what is left is the change of the spectral
shape, ``ln(s_on/s_off) = ΔT · d ln s/dT``, with the derivative from a stage calibration: the
differential luminescence thermometry of Ha et al. (Pokryshkin et al. 2023, section 6).

The relation is linear in ΔT: with the derivative taken at the base temperature, changes of CsPbBr3
come out wrong by some 0.6 % for each kelvin.

Each spectrum with the pump on is compared with the mean of the spectra without it just before and
after, so that a slow drift cancels. Fits are those of :mod:`labcool.thermometry.tail_reference`,
with the log-derivative in the place of the photon energy: noise of both sides is in the std, and no
noisy spectrum is divided by another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.reference import Reference
from labcool.thermometry.smoothing import mean_of_neighbours
from labcool.thermometry.spectral_window import (
    SpectralWindow,
    WindowedSpectra,
    checked_exposure,
    finite_or_nothing,
)

Floats = NDArray[np.float64]

_LEAST_COUNTS: Final = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class LogDerivative:
    """How the logarithm of the spectral shape changes with temperature.

    :param value: ``d ln s/dT`` of each pixel of the window, 1/K, shape (pixel of the window,).
    :param relative_std: standard uncertainty of its scale, 0.02 means 2 %; all temperature changes
        share it.
    :param temperature: at which it was measured, K.
    """

    value: Floats
    relative_std: float
    temperature: float


class DifferentialThermometer:
    """Thermometer for changes: ``estimate`` needs to know for which spectra the pump was on.

    :param window: pixels, noise and darks.
    :param derivative: of the logarithm of the shape; see :func:`log_derivative`.
    :param base_temperature: of the sample without pump, K, to which the change is added.
    :param base_std: its standard uncertainty, K.
    :param calibration_id: identity of the stage calibration.
    :raises LimitError: if the derivative is not that of the window.
    """

    name: Final = "differential"

    def __init__(
        self,
        window: SpectralWindow,
        derivative: LogDerivative,
        *,
        base_temperature: float,
        base_std: float = 0.0,
        calibration_id: str = "",
    ) -> None:
        if derivative.value.shape != window.pixels.shape:
            raise LimitError(
                "log-derivative", f"shape {derivative.value.shape}", f"{window.pixels.shape}"
            )
        if not (np.isfinite(base_temperature) and base_temperature > 0):
            raise LimitError("base temperature (K)", base_temperature, "a finite number above 0")
        self.window = window
        self.derivative = derivative
        self.base_temperature = base_temperature
        self.base_std = base_std
        self.calibration_id = calibration_id

    def estimate(
        self,
        spectra: ArrayLike,
        *,
        pump_on: ArrayLike,
        exposure: float | Floats,
        averages: int = 1,
        saturated: ArrayLike | None = None,
    ) -> Estimate:
        """Get the temperatures with the pump on; those with the pump off are NaN.

        :param spectra: shape (n, pixel), raw counts in order of time, dark included.
        :param pump_on: True where the pump was on, shape (n,).
        :param exposure: integration time, s, the same for all.
        :param averages: exposures averaged in each spectrum.
        :param saturated: True where a spectrum is saturated, one bool or shape (n,).
        :return: shape (n,); statistical is the noise of a spectrum and its neighbours, systematic
            what all share: the calibration's scale and the base temperature.
        :raises LimitError: if ``pump_on`` does not fit, or no spectrum has the pump off.
        """
        cut = self.window.cut(spectra, exposure=checked_exposure(exposure), averages=averages)
        on = np.asarray(pump_on, np.bool_)
        if on.shape != (len(cut.counts),) or on.all():
            raise LimitError(
                "pump_on", f"shape {on.shape}", f"({len(cut.counts)},), off for one or more"
            )
        change, own = np.full(len(on), np.nan), np.full(len(on), np.nan)
        for index in np.flatnonzero(on).tolist():
            change[index], own[index] = self._change(cut, index, _neighbours(on, index))
        known = np.isfinite(change)
        systematic = np.hypot(change * self.derivative.relative_std, self.base_std)
        bad = cut.bad & on
        flags = int(Flag.NO_REFERENCE) * (~on) + int(Flag.BAD_PIXELS) * bad
        flags += int(Flag.NOT_CONVERGED) * (on & ~known & ~bad)
        if saturated is not None:
            flags += int(Flag.SATURATED) * np.asarray(saturated, np.bool_)
        value = self.base_temperature + change
        total = np.hypot(own, systematic)
        systematic = np.where(known, systematic, np.nan)
        return Estimate(value, total, own, systematic, flags.astype(np.int64))

    def _change(
        self, cut: WindowedSpectra, index: int, neighbours: list[int]
    ) -> tuple[float, float]:
        from labcool.thermometry._tail_kernels import fit_tail_ratio  # compiled: only where used

        off = finite_or_nothing(cut.counts[neighbours]).mean(axis=0)
        if not np.isfinite(off).all() or not off.sum() > 0:
            return np.nan, np.nan
        smooth = mean_of_neighbours(off)
        smooth = np.maximum(smooth, 1e-3 * smooth.max())
        own = (cut.shot * (off + cut.light) + cut.floor) / len(neighbours)
        for_weights = (cut.shot * (smooth + cut.light) + cut.floor) / len(neighbours)
        u = -self.derivative.value
        found = np.empty((1, 4))
        fit_tail_ratio(
            u - np.average(u, weights=smooth),
            off,
            own,
            smooth,
            for_weights,
            cut.light,
            finite_or_nothing(cut.counts[index : index + 1]),
            cut.shot,
            cut.floor,
            cut.dark_variance,
            True,  # one dark for both
            found,
        )
        change, of_spectrum, of_neighbours, _ = found[0]
        return float(change), float(np.sqrt(of_spectrum + of_neighbours))


def log_derivative(
    window: SpectralWindow, cold: Reference, hot: Reference, *, degree: int = 4
) -> LogDerivative:
    """Return ``d ln s/dT`` from two spectra on a stage, as a polynomial in the photon energy.

    The polynomial's own constant is of no consequence: it is the height of the spectrum.

    :param window: of the thermometer; pixels with fewer than 100 counts in either do not count.
    :param cold: spectrum at the lower temperature, bright.
    :param hot: spectrum at the higher one, close enough for the change to be linear.
    :param degree: of the polynomial.
    :raises LimitError: if the temperatures are not in order, or too few pixels are bright.
    """
    step = hot.temperature - cold.temperature
    if not step > 0:
        raise LimitError(
            "temperatures of the references (K)", (cold.temperature, hot.temperature), "cold < hot"
        )
    first, second = (
        window.cut(each.spectrum, exposure=each.exposure, averages=each.frames)
        for each in (cold, hot)
    )
    one, other = first.counts[0], second.counts[0]
    bright = (one > _LEAST_COUNTS) & (other > _LEAST_COUNTS)
    if bright.sum() < 2 * (degree + 1):
        raise LimitError("pixels with 100 counts", int(bright.sum()), f"{2 * (degree + 1)} or more")
    variance = _relative_variance(first, one) + _relative_variance(second, other)
    line = Polynomial.fit(
        window.energies[bright],
        np.log(other[bright] / one[bright]),
        degree,
        w=1 / np.sqrt(variance[bright]),
    )
    value = line(window.energies) / step
    away = value - np.average(value, weights=np.maximum(one, 0.0))
    information = np.sum((away[bright] ** 2) / variance[bright])
    of_noise = 1 / (step * np.sqrt(information))
    of_stage = np.hypot(cold.temperature_std, hot.temperature_std) / step
    middle = (cold.temperature + hot.temperature) / 2
    return LogDerivative(value, float(np.hypot(of_noise, of_stage)), middle)


def _relative_variance(cut: WindowedSpectra, counts: Floats) -> Floats:
    positive = np.maximum(counts, 1.0)
    variance = cut.shot * (positive + cut.light) + cut.floor + cut.dark_variance
    relative: Floats = variance / positive**2
    return relative


def _neighbours(on: NDArray[np.bool_], index: int) -> list[int]:
    """Return the last spectrum without pump before and the first after, as far as there are."""
    off = np.flatnonzero(~on)
    before, after = off[off < index], off[off > index]
    return [int(found) for found in (*before[-1:], *after[:1])]

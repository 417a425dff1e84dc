"""How much the pump changes the temperature: spectra with the pump on against their neighbours off.

A weak probe excites the luminescence all the time, and the pump is switched on and off. What both
have in common (detector, filter, drift, sample) cancels; what is left is the change of the spectral
shape, ``ln(s_on/s_off) = ΔT · d ln s/dT``, with the derivative from a stage calibration
(:mod:`labcool.thermometry.shape_derivative`): the differential luminescence thermometry of Ha et
al. (Pokryshkin et al. 2023, section 6).

The relation is linear in ΔT. The derivative of CsPbBr3 changes by some 1.2 % for each kelvin, so a
change comes out wrong by that much for each kelvin between the temperature of the derivative and
the middle of the change: by 0.6 % for each kelvin of it, if the derivative was taken at the base
temperature. That is part of the systematic uncertainty.

Each spectrum with the pump on is compared with the mean of the stretches without it just before and
after, so that a slow drift cancels (:mod:`labcool.thermometry.pump_stretches`). Fits are those of
:mod:`labcool.thermometry.tail_reference`, with the log-derivative in the place of the photon
energy: noise of both sides is in the std, and no noisy spectrum is divided by another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.quality import POOR_FIT
from labcool.numbers import above_zero, real
from labcool.thermometry.agreement import UNUSABLE
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.inverse import checked_range
from labcool.thermometry.pump_stretches import Comparison, comparisons
from labcool.thermometry.quantity import Quantity, not_determined
from labcool.thermometry.shape_derivative import LogDerivative
from labcool.thermometry.smoothing import mean_of_neighbours
from labcool.thermometry.spectral_window import SpectralWindow, WindowedSpectra, finite_or_nothing
from labcool.thermometry.window_thermometer import (
    checked_exposure,
    checked_saturated,
    number_of_spectra,
    out_of_range,
)

Floats = NDArray[np.float64]

LINEAR_WITHIN: Final = 10.0
"""From the temperature of the derivative, K, if no range of validity is given."""
CHANGE_OF_DERIVATIVE: Final = 0.012
"""Relative change of the derivative with temperature, 1/K, of CsPbBr3."""
LEAST_SIGNIFICANCE: Final = 10.0
"""Signal over noise of the window, below which the change is visibly biased."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DifferentialEstimate(Estimate):
    """Temperatures with the pump on, and what their means need. Arrays have shape (n,) or (n, 2).

    :param change: of the temperature by the pump, K.
    :param off_std: std that the spectra without pump make, K, one column for the stretch before
        and one for that after; part of ``systematic``, because all spectra of a stretch with pump
        share it.
    :param off_stretch: number of those stretches in order of time; −1: there is none.
    :param common: std that all spectra share, K: calibration, base temperature and dark.
    """

    change: Floats
    off_std: Floats
    off_stretch: NDArray[np.int64]
    common: Floats

    def mean_change(self) -> Quantity:
        """Return the mean change by the pump, K, with all that its points have in common.

        Noise of the spectrum itself averages away; that of a stretch without pump is the same for
        all spectra that were compared with it; the calibration does not average away. Points with a
        flag of :data:`labcool.thermometry.agreement.UNUSABLE` do not count.
        """
        known = np.isfinite(self.change) & ((self.flags & int(UNUSABLE)) == 0)
        if not known.any():
            return not_determined("K")
        own, off = self.statistical[known], self.off_std[known]
        weight = 1 / (own**2 + (off**2).sum(axis=1))
        weight /= weight.sum()
        # The noise of a stretch without pump enters everything with the same sign.
        shared = np.zeros(self.off_stretch.max() + 1)
        for column in (0, 1):
            there = self.off_stretch[known, column] >= 0
            number = self.off_stretch[known, column][there]
            np.add.at(shared, number, (weight * off[:, column])[there])
        variance = np.sum((weight * own) ** 2) + np.sum(shared**2)
        variance += np.sum(weight * self.common[known]) ** 2
        return Quantity(float(np.sum(weight * self.change[known])), float(np.sqrt(variance)), "K")


class DifferentialThermometer:
    """Thermometer for changes: ``estimate`` needs to know for which spectra the pump was on.

    :param window: pixels, noise and darks.
    :param derivative: of the logarithm of the shape; see :func:`log_derivative`.
    :param base_temperature: of the sample without pump, K, to which the change is added.
    :param base_std: its standard uncertainty, K.
    :param valid_range: temperatures in which the result is trusted, K; None: 10 K to both sides of
        that at which the derivative was measured.
    :param calibration_id: identity of the stage calibration.
    :raises LimitError: if the derivative is not that of the window, or a number is out of range.
    """

    name: Final = "differential"

    def __init__(
        self,
        window: SpectralWindow,
        derivative: LogDerivative,
        *,
        base_temperature: float,
        base_std: float = 0.0,
        valid_range: tuple[float, float] | None = None,
        calibration_id: str = "",
    ) -> None:
        if derivative.value.shape != window.pixels.shape:
            raise LimitError(
                "log-derivative", f"shape {derivative.value.shape}", f"{window.pixels.shape}"
            )
        if derivative.known.sum() < 3:
            raise LimitError(
                "log-derivative", f"known in {derivative.known.sum()} pixels", "known in 3 or more"
            )
        if not real("std of the base temperature (K)", base_std) >= 0:
            raise LimitError("std of the base temperature (K)", base_std, "0 or more")
        if valid_range is None:
            middle = derivative.temperature
            valid_range = (max(middle - LINEAR_WITHIN, 1.0), middle + LINEAR_WITHIN)
        self.window = window
        self.derivative = derivative
        self.base_temperature = above_zero("base temperature (K)", base_temperature)
        self.base_std = base_std
        self.valid_range = checked_range(valid_range)
        self.calibration_id = calibration_id

    def estimate(
        self,
        spectra: ArrayLike,
        *,
        pump_on: ArrayLike,
        exposure: float | Floats,
        fluence: object = None,  # noqa: ARG002 (the same call for every thermometer)
        averages: int = 1,
        saturated: ArrayLike | None = None,
    ) -> DifferentialEstimate:
        """Get the temperatures with the pump on; those with the pump off are NaN.

        Spectra without pump that are saturated, or not finite where it matters, are left out: the
        others of their stretch take their place, or the next stretch.

        :param spectra: shape (n, pixel), raw counts in order of time, dark included.
        :param pump_on: True where the pump was on, shape (n,).
        :param exposure: integration time, s, the same for all.
        :param fluence: not needed.
        :param averages: exposures averaged in each spectrum.
        :param saturated: True where a spectrum is saturated, one bool or shape (n,).
        :return: shape (n,); statistical is the noise of the spectrum itself, systematic what it
            shares with others: the noise of the spectra without pump before and after, scale,
            noise and linearity of the calibration, the base temperature. For a mean over several
            stretches, :meth:`DifferentialEstimate.mean_change` knows who shares what.
        :raises LimitError: if ``pump_on`` or another shape does not fit, or no spectrum has the
            pump off.
        """
        n = number_of_spectra(spectra)
        cut = self.window.cut(spectra, exposure=checked_exposure(exposure, n), averages=averages)
        on = np.asarray(pump_on)
        if on.shape != (n,) or on.dtype != np.bool_ or on.all():
            raise LimitError(
                "pump_on", f"{on.dtype}, shape {on.shape}", f"bool, ({n},), off for one or more"
            )
        objections = cut.flags | int(Flag.SATURATED) * checked_saturated(saturated, n)
        counts = cut.counts[:, self.derivative.known]
        finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(counts), axis=1)
        table = _Table(n)
        for each in comparisons(on, finite & (on | _fit_for_reference(objections, on))):
            if each.off:
                self._compare(cut, each, table)
        return self._estimate(table, on, finite, objections)

    def _estimate(
        self,
        table: _Table,
        on: NDArray[np.bool_],
        finite: NDArray[np.bool_],
        objections: NDArray[np.int64],
    ) -> DifferentialEstimate:
        change = table.change
        known = np.isfinite(change)
        of_noise = np.hypot(self.derivative.relative_std, table.relative_std)
        away = self.base_temperature + change / 2 - self.derivative.temperature
        of_calibration = change * np.hypot(of_noise, CHANGE_OF_DERIVATIVE * away)
        common = np.sqrt(of_calibration**2 + self.base_std**2 + table.dark_variance)
        systematic = np.sqrt(common**2 + table.off_variance.sum(axis=1))
        value = self.base_temperature + change
        compared = (table.off_stretch >= 0).any(axis=1)
        flags = int(Flag.NO_REFERENCE) * (~on | (on & ~compared & finite))
        flags += int(Flag.NOT_CONVERGED) * (compared & ~known)
        flags += int(Flag.TOO_FEW_COUNTS) * (compared & ~(table.significance > LEAST_SIGNIFICANCE))
        flags += int(Flag.POOR_FIT) * (table.lack_of_fit > POOR_FIT)
        flags += out_of_range(value, known, self.valid_range)
        flags |= objections
        statistical = np.sqrt(table.own_variance)
        return DifferentialEstimate(
            value=value,
            std=np.hypot(statistical, systematic),
            statistical=statistical,
            systematic=systematic,
            flags=flags.astype(np.int64),
            change=change,
            off_std=np.sqrt(table.off_variance),
            off_stretch=table.off_stretch,
            common=common,
        )

    def _compare(self, cut: WindowedSpectra, comparison: Comparison, table: _Table) -> None:
        from labcool.thermometry._tail_kernels import fit_tail_ratio  # compiled: only where used

        known = self.derivative.known
        light, floor, dark = (each[known] for each in (cut.light, cut.floor, cut.dark_variance))
        off, off_variance, parts = np.zeros(light.size), np.zeros(light.size), []
        for stretch in comparison.off:
            mean = cut.counts[stretch.spectra][:, known].mean(axis=0)
            scatter = stretch.weight**2 / len(stretch.spectra)
            variance = scatter * (cut.shot * (mean + light) + floor)
            off += stretch.weight * mean
            off_variance += variance
            parts.append(max(float(variance.sum()), 0.0))
        rows = comparison.on
        table.off_stretch[rows, : len(parts)] = [stretch.number for stretch in comparison.off]
        smooth = mean_of_neighbours(off)
        if not (off.sum() > 0 and smooth.max() > 0):
            return
        smooth = np.maximum(smooth, 1e-3 * smooth.max())
        scatter = sum(each.weight**2 / len(each.spectra) for each in comparison.off)
        for_weights = scatter * (cut.shot * (smooth + light) + floor)
        counts = np.ascontiguousarray(finite_or_nothing(cut.counts[rows][:, known]))
        u = -self.derivative.value[known]
        u = u - np.average(u, weights=smooth)

        def fit(variance: Floats) -> Floats:
            found = np.empty((len(rows), 4))
            fit_tail_ratio(
                u,
                off,
                variance,
                smooth,
                for_weights,
                light,
                counts,
                cut.shot,
                floor,
                dark,
                True,  # one dark for both
                found,
            )
            return found

        found, of_dark = fit(off_variance), fit(np.zeros_like(off_variance))[:, 2]
        ratio = np.maximum(counts.sum(axis=1, keepdims=True) / off.sum(), 1e-6)
        expected = smooth * ratio
        noise = cut.shot * (expected + light) + floor + ratio**2 * for_weights
        information = expected**2 / (noise + (1 - ratio) ** 2 * dark)
        factor, relative_std = self.derivative.of_noise(information.mean(axis=0))
        of_off = np.maximum(found[:, 2] - of_dark, 0.0)[:, np.newaxis] * parts / sum(parts)
        table.change[rows] = factor * found[:, 0]
        table.own_variance[rows] = factor**2 * found[:, 1]
        table.off_variance[rows, : len(parts)] = factor**2 * of_off
        table.dark_variance[rows] = factor**2 * of_dark
        table.relative_std[rows] = relative_std
        table.lack_of_fit[rows] = found[:, 3]
        table.significance[rows] = np.sqrt(information.sum(axis=1))


def _fit_for_reference(flags: NDArray[np.int64], on: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the spectra that others may be compared with, shape (n,): as good as there are."""
    lit: NDArray[np.bool_] = (flags & int(Flag.SATURATED)) == 0
    clean: NDArray[np.bool_] = flags == 0
    # A pixel that is dead in all of them is in the spectra with pump, too, and cancels.
    return clean if (clean & ~on).any() else lit


class _Table:
    """What comparisons gave for each spectrum; NaN for those without one."""

    def __init__(self, n: int) -> None:
        self.change, self.own_variance, self.dark_variance = np.full((3, n), np.nan)
        self.relative_std, self.significance, self.lack_of_fit = np.full((3, n), np.nan)
        self.off_variance = np.zeros((n, 2))
        self.off_stretch = np.full((n, 2), -1, np.int64)

"""Temperature from width and position of the photoluminescence line.

On cooling the line of CsPbBr3 becomes narrower and shifts to the red (Roman et al. 2020, Fig. 1c
and 1d). How much is a matter of the sample, so both need a calibration on a stage. Neither depends
on intensity, fluence or focus; both are fooled by re-absorption in thick samples, by another part
of the sample in the spot, and by filling of states at high fluence.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.line_summary import Observable, line_fwhm, line_maximum
from labcool.fitting.quality import POOR_FIT
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.line_fitter import LINE, LineFit, LineFitter
from labcool.thermometry.window_thermometer import WindowThermometer, is_outdated, out_of_range

Floats = NDArray[np.float64]

LEAST_SIGNIFICANCE: Final = 4.0
_TABLE: Final = 513


class TemperatureCurve(Protocol):
    """What is asked of a calibration, e.g. of a ``PolynomialCalibration``."""

    @property
    def id(self) -> str:
        """Identity of the record."""

    @property
    def valid_range(self) -> tuple[float, float]:
        """Lowest and highest temperature, K."""

    @property
    def covariance(self) -> tuple[tuple[float, ...], ...]:
        """Of the coefficients."""

    def value(self, temperature: Floats) -> Floats:
        """Return the observable at temperatures (K)."""

    def slope(self, temperature: Floats) -> Floats:
        """Return its derivative by temperature."""

    def gradient(self, temperature: Floats) -> Floats:
        """Return its derivatives by the coefficients, shape (..., coefficient)."""


class LineShapeThermometer(WindowThermometer):
    """Thermometer that fits the line of every spectrum and looks the result up in a calibration.

    Statistical is the noise of the spectrum, through the covariance of the fit. Systematic is what
    all points share: the noise of the dark, and the covariance of the calibration.

    :param fitter: how the line is fitted; share one between the two thermometers.
    :param calibration: of that observable.
    :param observable: ``"fwhm"`` or ``"peak"``.
    :param today: for the age of the calibration; None: it is not checked.
    :raises LimitError: for another observable.
    """

    def __init__(
        self,
        fitter: LineFitter,
        calibration: TemperatureCurve,
        *,
        observable: Literal["fwhm", "peak"],
        today: datetime.date | None = None,
    ) -> None:
        if observable not in ("fwhm", "peak"):
            raise LimitError("observable", repr(observable), "'fwhm' or 'peak'")
        self.name = {"fwhm": "line_width", "peak": "peak_shift"}[observable]
        self.fitter = fitter
        self.calibration = calibration
        self.observable = observable
        self.calibration_id = calibration.id
        self.valid_range = calibration.valid_range
        self._outdated = is_outdated(calibration, today)
        self._kelvin, self._rising = _monotonic_part(calibration)

    def _estimate(self, spectra: ArrayLike, exposure: float, averages: int) -> Estimate:
        return self.from_fit(self.fitter.fit(spectra, exposure=exposure, averages=averages))

    def from_fit(self, fit: LineFit) -> Estimate:
        """Get the temperatures from fits of :attr:`fitter`: one fit serves several thermometers."""
        read = line_fwhm if self.observable == "fwhm" else line_maximum
        found = read(self.fitter.line, fit)
        value, slope = self._look_up(found)
        statistical = found.std / np.abs(slope)
        # Of the dark; both parts together, because std of a line is read off one covariance.
        together = replace(fit, covariance=fit.covariance + fit.shared_covariance)
        of_dark = np.maximum(read(self.fitter.line, together).std ** 2 - found.std**2, 0.0)
        gradient = self.calibration.gradient(value)
        shared = np.einsum("nj,jk,nk->n", gradient, np.array(self.calibration.covariance), gradient)
        systematic = np.sqrt(shared + of_dark) / np.abs(slope)
        area = fit.value(f"{LINE}.area") / fit.std(f"{LINE}.area")
        total = np.hypot(statistical, systematic)
        # A value whose std is not known (a width at its bound) is none.
        lost = ~fit.converged | (np.isfinite(value) & ~np.isfinite(total))
        value = np.where(lost, np.nan, value)
        known = np.isfinite(value)
        flags = int(Flag.NOT_CONVERGED) * lost
        flags += out_of_range(value, ~lost, self.valid_range)
        flags += int(Flag.TOO_FEW_COUNTS) * (known & ~(area > LEAST_SIGNIFICANCE))
        flags += int(Flag.OUTDATED) * self._outdated
        flags += int(Flag.POOR_FIT) * (fit.converged & (fit.lack_of_fit > POOR_FIT))
        flags |= fit.flags
        return Estimate(value, total, statistical, systematic, flags.astype(np.int64))

    def _look_up(self, found: Observable) -> tuple[Floats, Floats]:
        """Return temperature and slope of the curve there, NaN beyond half a range outside."""
        curve = self._rising * self.calibration.value(self._kelvin)
        value = np.interp(self._rising * found.value, curve, self._kelvin, np.nan, np.nan)
        for _ in range(2):  # the table is fine; Newton makes it exact
            miss = self.calibration.value(value) - found.value
            value = value - miss / self.calibration.slope(value)
        return value, self.calibration.slope(value)


def _monotonic_part(calibration: TemperatureCurve) -> tuple[Floats, float]:
    """Return temperatures (K) in and about the valid range in which the curve does not turn."""
    low, high = calibration.valid_range
    margin = (high - low) / 2
    kelvin = np.linspace(max(low - margin, 1.0), high + margin, _TABLE)
    slope = calibration.slope(kelvin)
    rising = float(np.sign(slope[np.searchsorted(kelvin, (low + high) / 2)]))
    turned = np.flatnonzero(rising * slope <= 0)
    first = turned[kelvin[turned] < low].max(initial=-1) + 1
    last = turned[kelvin[turned] > high].min(initial=_TABLE)
    return kelvin[first:last], rising

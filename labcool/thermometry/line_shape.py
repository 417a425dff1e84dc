"""Temperature from width and position of the photoluminescence line.

On cooling the line of CsPbBr3 becomes narrower and shifts to the red (Roman et al. 2020, Fig. 1c
and 1d). How much is a matter of the sample, so both need a calibration on a stage. Neither depends
on intensity, fluence or focus; both are fooled by re-absorption in thick samples, by another part
of the sample in the spot, and by filling of states at high fluence.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.guess import guess_line
from labcool.fitting.line_summary import Observable, line_fwhm, line_maximum
from labcool.fitting.spectra import CountNoise, SpectralFit, fit_spectra, replaced
from labcool.fitting.spectral_model import Line, Shape, SpectralModel
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark
from labcool.thermometry.spectral_window import (
    SpectralWindow,
    WindowedSpectra,
)
from labcool.thermometry.window_thermometer import WindowThermometer, out_of_range

Floats = NDArray[np.float64]

LINE: Final = "line"
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


class LineFitter:
    """Fits one line and a background to every spectrum, on the axis of photon energies.

    :param wavelengths: shape (pixel,), nm, ascending.
    :param window: lowest and highest photon energy of the fit, eV.
    :param noise: of the detector.
    :param dark: one dark for every exposure, or one for each exposure (s).
    :param shape: of the line; ``emg`` with its tail to the red for band-edge luminescence.
    :param background_degree: of the polynomial under it; None: none.
    :param response: relative efficiency, shape (pixel,), above 0 where it matters; None: even.
    :param good: True for pixels that may be used (no notch filter), shape (pixel,); None: all.
    :raises LimitError: if a shape does not fit.
    """

    def __init__(
        self,
        wavelengths: ArrayLike,
        window: tuple[float, float],
        *,
        noise: DetectorNoise,
        dark: Dark | Mapping[float, Dark],
        shape: Shape = "emg",
        background_degree: int | None = 0,
        response: ArrayLike | None = None,
        good: ArrayLike | None = None,
    ) -> None:
        self.window = SpectralWindow(wavelengths, window, noise=noise, dark=dark, good=good)
        self.line = Line(LINE, shape)
        self.model = SpectralModel([self.line], background_degree)
        efficiency = np.ones(self.window.pixel_count)
        if response is not None:
            efficiency = np.asarray(response, np.float64)
            if efficiency.shape != (self.window.pixel_count,):
                raise LimitError(
                    "response", f"shape {efficiency.shape}", f"({self.window.pixel_count},)"
                )
        self._scale = self.window.widths * efficiency[self.window.pixels]

    def fit(self, spectra: ArrayLike, *, exposure: float, averages: int = 1) -> SpectralFit:
        """Fit raw spectra, shape (n, pixel) or (pixel,); parameters as for a thermometer."""
        cut = self.window.cut(spectra, exposure=exposure, averages=averages)
        first = self._fit(cut, cut.counts, self._guess(cut.counts[:1]), warm_start=True)
        # Each spectrum begins where the one before ended; those that this leads astray begin anew.
        missed = np.flatnonzero(~first.converged)
        if missed.size == 0:
            return first
        counts = cut.counts[missed]
        again = self._fit(cut, counts, self._guess(counts), warm_start=False)
        return replaced(first, missed, again)

    def _guess(self, counts: Floats) -> dict[str, Floats]:
        start = guess_line(self.model, self.window.energies, counts, scale=self._scale)
        lower, upper = self.model.bounds(self.window.energies)
        return {
            name: np.clip(start[name], low, high)
            for name, low, high in zip(self.model.names, lower, upper, strict=True)
        }

    def _fit(
        self, cut: WindowedSpectra, counts: Floats, start: dict[str, Floats], *, warm_start: bool
    ) -> SpectralFit:
        if len(counts) > 1 and len(start[self.model.names[0]]) == 1:
            start = {name: each[0] for name, each in start.items()}
        return fit_spectra(
            self.model,
            self.window.energies,
            counts,
            start=start,
            noise=CountNoise(cut.shot, cut.floor + cut.shot * cut.light),
            scale=self._scale,
            warm_start=warm_start,
        )


class LineShapeThermometer(WindowThermometer):
    """Thermometer that fits the line of every spectrum and looks the result up in a calibration.

    Statistical is the noise of the spectrum, through the covariance of the fit. Systematic is the
    covariance of the calibration, which all points share.

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
        life, made = getattr(calibration, "life_days", 0.0), getattr(calibration, "date", None)
        self._outdated = bool(today and made and life and (today - made).days > life)
        self._kelvin, self._rising = _monotonic_part(calibration)

    def _estimate(self, spectra: ArrayLike, exposure: float, averages: int) -> Estimate:
        return self.from_fit(self.fitter.fit(spectra, exposure=exposure, averages=averages))

    def from_fit(self, fit: SpectralFit) -> Estimate:
        """Get the temperatures from fits of :attr:`fitter`: one fit serves several thermometers."""
        read = line_fwhm if self.observable == "fwhm" else line_maximum
        found = read(self.fitter.line, fit)
        value, slope = self._look_up(found)
        statistical = found.std / np.abs(slope)
        gradient = self.calibration.gradient(value)
        shared = np.einsum("nj,jk,nk->n", gradient, np.array(self.calibration.covariance), gradient)
        systematic = np.sqrt(shared) / np.abs(slope)
        area = fit.value(f"{LINE}.area") / fit.std(f"{LINE}.area")
        known = np.isfinite(value)
        flags = int(Flag.NOT_CONVERGED) * (~fit.converged)
        flags += out_of_range(value, fit.converged, self.valid_range)
        flags += int(Flag.TOO_FEW_COUNTS) * (known & ~(area > LEAST_SIGNIFICANCE))
        flags += int(Flag.OUTDATED) * self._outdated
        all_pixels = self.fitter.window.pixels.size - len(fit.names)
        flags += int(Flag.BAD_PIXELS) * (fit.degrees_of_freedom < all_pixels)
        total = np.hypot(statistical, systematic)
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

"""Temperature of silicon from the ratio of its anti-Stokes to its Stokes Raman line.

``I_AS/I_S = ((ν_l + ν_v)/(ν_l − ν_v))ⁿ exp(−hν_v/kB T)`` (Roman et al. 2020, equation 2;
:mod:`labcool.models.raman`). It is absolute: no reference is needed, only the relative response of
optics and detector at the two lines, which for 532 nm lie at 517.68 and 547.14 nm. The anti-Stokes
line sits on the anti-Stokes photoluminescence of CsPbBr3, the Stokes line behind the notch filter.

Positions and widths of the lines are those of the laser, the crystal and the spectrograph, and are
given; what is fitted are areas, over a polynomial background. When the sample cools, the
anti-Stokes line can sink into the noise. Then there is no temperature, but an upper limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.linear import fit_shapes
from labcool.fitting.quality import POOR_FIT
from labcool.fitting.spectra import CountNoise
from labcool.fitting.spectral_model import Line, SpectralModel, pixel_widths
from labcool.models.raman import (
    SILICON_WAVENUMBER,
    anti_stokes_wavelength,
    frequency_factor,
    stokes_wavelength,
    vibration_energy,
)
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.inverse import checked_range, from_noisy_inverse
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark, check_positive
from labcool.thermometry.spectral_window import SpectralWindow, WindowedSpectra
from labcool.thermometry.window_thermometer import WindowThermometer, out_of_range
from labcool.units import BOLTZMANN_EV_PER_K, HC_EV_NM

Floats = NDArray[np.float64]

LEAST_SIGNIFICANCE: Final = 4.0
"""A line counts as seen if its area is that many standard deviations."""
LEAST_UNBIASED: Final = 6.0
"""Of lines that are less clear than that, those are seen that noise has made brighter."""
ONE_SIDED_95: Final = 1.645


_HIGHEST_DEGREE: Final = 5


class _RamanLine:
    """One line in its window: the area of every spectrum, and its variance."""

    def __init__(
        self,
        wavelengths: Floats,
        centre: float,
        *,
        fwhm: float,
        half_window: float,
        shape: Literal["gaussian", "lorentzian", "pseudo_voigt"],
        mixing: float,
        degree: int,
        response: Floats | None,
        background: Floats | None,
        noise: DetectorNoise,
        dark: Dark | Mapping[float, Dark],
        good: ArrayLike | None,
    ) -> None:
        edges = (HC_EV_NM / (centre + half_window), HC_EV_NM / (centre - half_window))
        self.window = SpectralWindow(wavelengths, edges, noise=noise, dark=dark, good=good)
        x = self.window.wavelengths
        line = Line("line", shape)
        widths = {
            "gaussian": [fwhm / (2 * math.sqrt(2 * math.log(2)))],
            "lorentzian": [fwhm],
            "pseudo_voigt": [fwhm, mixing],
        }
        pixel = pixel_widths(wavelengths)[self.window.pixels]
        efficiency = np.ones(x.size) if response is None else response[self.window.pixels]
        profile = SpectralModel([line], None)(x, [1.0, centre, *widths[shape]], scale=pixel)
        u = (x - centre) / half_window
        under = [u**k for k in range(degree + 1)]
        if background is not None:
            under.append(background[self.window.pixels])
        self._shapes = np.vstack([profile * efficiency, *under])

    def areas(self, spectra: ArrayLike, exposure: float, averages: int) -> _Areas:
        cut = self.window.cut(spectra, exposure=exposure, averages=averages)
        own = fit_shapes(self._shapes, cut.counts, CountNoise(cut.shot, cut.floor), light=cut.light)
        return _Areas(
            own.values[:, 0],
            own.covariance[:, 0, 0],
            self._dark_variance(cut),
            cut,
            own.lack_of_fit,
        )

    def _dark_variance(self, cut: WindowedSpectra) -> float:
        inverse = np.linalg.inv(self._shapes @ self._shapes.T)
        lever = (inverse @ self._shapes)[0]
        return float(np.sum(lever * lever * cut.dark_variance))


class _Areas:
    def __init__(
        self,
        value: Floats,
        variance: Floats,
        shared: float,
        cut: WindowedSpectra,
        lack_of_fit: Floats,
    ) -> None:
        self.value, self.bad = value, cut.bad
        self.flags = cut.flags | int(Flag.POOR_FIT) * (lack_of_fit > POOR_FIT)
        self.std: Floats = np.sqrt(variance)
        self.shared_std = math.sqrt(shared)

    @property
    def seen(self) -> NDArray[np.bool_]:
        return self.value > LEAST_SIGNIFICANCE * self.std

    @property
    def log(self) -> Floats:
        """Logarithm of the area, without the bias that its noise makes (to second order)."""
        log_area: Floats = np.log(self.positive) + (self.std / self.positive) ** 2 / 2
        return log_area

    @property
    def positive(self) -> Floats:
        """Areas that are above 0, NaN for the others."""
        return np.where(self.value > 0, self.value, np.nan)


class RamanRatio(WindowThermometer):
    """Thermometer that reads both first-order Raman lines of silicon in each spectrum.

    Statistical is the noise of the spectrum. Systematic is what all points share: the response and
    the noise of the dark. Where a line is not seen the value is NaN and flagged ``LINE_LOST``; if
    only the anti-Stokes line is not, the estimate has an upper limit (95 %).

    :param wavelengths: shape (pixel,), nm, ascending; both lines must lie within.
    :param laser: wavelength of the laser, nm.
    :param fwhm: of both lines as the spectrograph shows them, nm.
    :param half_window: half of the fit window about each line, nm.
    :param noise: of the detector.
    :param dark: one dark for every exposure, or one for each exposure (s).
    :param response: relative efficiency, shape (pixel,), above 0 (in photons for ``power`` 3); with
        the notch filter in it. None: the same at both lines.
    :param response_std: relative standard uncertainty of the ratio of the responses at the lines.
    :param wavenumber: of the vibration, cm⁻¹.
    :param power: n, 3 for detectors that count photons, 4 for spectra calibrated in power.
    :param shape: of the lines, ``lorentzian``, ``gaussian`` or ``pseudo_voigt`` (``mixing``).
    :param mixing: Lorentzian part of a pseudo-Voigt, 0 to 1.
    :param degree: of the polynomial background under each line, 0 to 5.
    :param background: shape of the luminescence under the lines, measured without silicon, shape
        (pixel,), any scale; its height is fitted under each line beside the polynomial.
    :param valid_range: temperatures in which the result is trusted, K.
    :param calibration_id: identity of the response calibration.
    :param good: True for pixels that may be used, shape (pixel,); None: all.
    :raises LimitError: if a line is not on the detector, or a number is out of range.
    """

    name = "raman"

    def __init__(
        self,
        wavelengths: ArrayLike,
        *,
        laser: float,
        fwhm: float,
        half_window: float,
        noise: DetectorNoise,
        dark: Dark | Mapping[float, Dark],
        response: ArrayLike | None = None,
        response_std: float = 0.0,
        wavenumber: float = SILICON_WAVENUMBER,
        power: int = 3,
        shape: Literal["gaussian", "lorentzian", "pseudo_voigt"] = "lorentzian",
        mixing: float = 0.5,
        degree: int = 3,
        background: ArrayLike | None = None,
        valid_range: tuple[float, float] = (50.0, 1000.0),
        calibration_id: str = "",
        good: ArrayLike | None = None,
    ) -> None:
        check_positive("laser wavelength (nm)", laser)
        check_positive("line width (nm)", fwhm)
        check_positive("half window (nm)", half_window)
        if isinstance(degree, bool) or not 0 <= degree <= _HIGHEST_DEGREE:
            raise LimitError("degree of the background", degree, f"0 to {_HIGHEST_DEGREE}")
        if not 0 <= mixing <= 1:
            raise LimitError("mixing (Lorentzian part)", mixing, "0 to 1")
        if not (math.isfinite(response_std) and response_std >= 0):
            raise LimitError("relative std of the response", response_std, "finite, 0 or more")
        self.valid_range = checked_range(valid_range)
        self.calibration_id = calibration_id
        self.response_std = response_std
        self._energy = vibration_energy(wavenumber)
        self._log_factor = math.log(frequency_factor(laser, wavenumber, power))
        nanometres = np.asarray(wavelengths, np.float64)
        efficiency = _checked_row("response", response, nanometres)
        under = _checked_row("background", background, nanometres)
        lines = []
        for centre in (
            anti_stokes_wavelength(laser, wavenumber),
            stokes_wavelength(laser, wavenumber),
        ):
            if not nanometres.min() <= centre - fwhm < centre + fwhm <= nanometres.max():
                raise LimitError(
                    "Raman line (nm)",
                    f"{centre:.2f}",
                    f"on the detector, {nanometres.min():g} to {nanometres.max():g} nm",
                )
            lines.append(
                _RamanLine(
                    nanometres, centre, fwhm=fwhm, half_window=half_window, shape=shape,
                    mixing=mixing, degree=degree, response=efficiency, background=under,
                    noise=noise, dark=dark, good=good,
                )
            )  # fmt: skip
        self._anti_stokes, self._stokes = lines

    def _estimate(self, spectra: ArrayLike, exposure: float, averages: int) -> Estimate:
        weak = self._anti_stokes.areas(spectra, exposure, averages)
        strong = self._stokes.areas(spectra, exposure, averages)
        seen = weak.seen & strong.seen
        inverse = self._inverse(np.where(seen, weak.log - strong.log, np.nan))
        warm = inverse > 0
        scale = BOLTZMANN_EV_PER_K / self._energy
        log_std = np.hypot(weak.std / weak.positive, strong.std / strong.positive)
        value, statistical = from_noisy_inverse(np.where(warm, inverse, np.nan), scale * log_std)
        per_log = scale * value * value
        shared = np.hypot(weak.shared_std / weak.positive, strong.shared_std / strong.positive)
        systematic = per_log * np.hypot(shared, self.response_std)
        bad = weak.bad | strong.bad
        flags = int(Flag.LINE_LOST) * (~seen & ~bad) + int(Flag.NOT_CONVERGED) * (seen & ~warm)
        flags += out_of_range(value, warm, self.valid_range)
        weakest = np.minimum(weak.value / weak.std, strong.value / strong.std)
        flags += int(Flag.TOO_FEW_COUNTS) * (seen & (weakest < LEAST_UNBIASED))
        flags |= weak.flags | strong.flags
        return Estimate(
            value,
            np.hypot(statistical, systematic),
            statistical,
            systematic,
            flags.astype(np.int64),
            self._limit(weak, strong),
        )

    def _inverse(self, log_ratio: Floats) -> Floats:
        """Return 1/T, 1/K, from the logarithm of anti-Stokes over Stokes."""
        return (self._log_factor - log_ratio) * BOLTZMANN_EV_PER_K / self._energy

    def _limit(self, weak: _Areas, strong: _Areas) -> Floats:
        lost = strong.seen & ~weak.seen
        most = np.maximum(weak.value, 0.0) + ONE_SIDED_95 * np.hypot(weak.std, weak.shared_std)
        least = np.where(lost, strong.value - ONE_SIDED_95 * strong.std, np.nan)
        log_ratio = np.log(most / least) + ONE_SIDED_95 * self.response_std
        inverse = self._inverse(log_ratio)
        limit: Floats = np.where(inverse > 0, 1 / np.where(inverse > 0, inverse, 1.0), np.inf)
        return np.where(lost, limit, np.nan)


def _checked_row(field: str, row: ArrayLike | None, wavelengths: Floats) -> Floats | None:
    if row is None:
        return None
    numbers = np.asarray(row, np.float64)
    if numbers.shape != wavelengths.shape or not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise LimitError(field, f"shape {numbers.shape}", f"{wavelengths.shape}, 0 or more")
    return numbers

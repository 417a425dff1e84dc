"""Temperature from the intensity of anti-Stokes photoluminescence.

Below-gap pumping needs thermal energy, so the emission follows an Arrhenius law, and
``1/T = 1/T0 − (kB/Ea) ln(I/I0)`` (Roman et al. 2020, equation 1) with I0 the intensity at the known
temperature T0. The sign is that of a signal that grows with temperature.

A smaller intensity is read as cold, whatever its cause: bleaching, focus drift and a drifting pump
imitate cooling. The statistical limit is ``σ = (kB T²/Ea)/√N`` for N detected photoelectrons,
54.7 K/√N at 298 K with Ea = 0.140 eV.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import (
    SAME_EXPOSURE,
    Dark,
    Reference,
    check_averages,
    check_positive,
    dark_at,
)
from labcool.thermometry.window_thermometer import checked_saturated, is_outdated
from labcool.units import BOLTZMANN_EV_PER_K

SAME_FLUENCE: Final = 0.01
"""A reference is at the same fluence if the two differ by at most this part."""
SMALLEST_SIGNAL_TO_NOISE: Final = 4.0
"""Below it the logarithm biases the value by about a tenth of its std, and it is flagged."""
_CONDITIONS_KEPT: Final = 64
_ROWS_AT_ONCE: Final = 32
_DRIFTED: Final = 0.01
"""Part of all pixels that lie below the dark if that has drifted."""
_SATURATED, _OUT_OF_RANGE, _TOO_FEW_COUNTS, _BAD_PIXELS = (
    int(flag) for flag in (Flag.SATURATED, Flag.OUT_OF_RANGE, Flag.TOO_FEW_COUNTS, Flag.BAD_PIXELS)
)

Numbers: TypeAlias = "float | NDArray[np.float64]"
Row: TypeAlias = tuple[float, ...]


class ActivationEnergy(Protocol):
    """What the thermometer asks of a calibration, e.g. of an ``ArrheniusCalibration``."""

    @property
    def activation_energy(self) -> float:
        """Activation energy, eV."""

    @property
    def std(self) -> float:
        """Standard uncertainty of the activation energy, eV."""

    @property
    def valid_range(self) -> tuple[float, float]:
        """Lowest and highest temperature at which it holds, K."""


class _Condition(NamedTuple):
    """What spectra of one fluence and exposure share; each of shape (1,) or one for each spectrum.

    The variances are those of 1/T, in 1/K².
    """

    dark: NDArray[np.float64]
    pedestal: NDArray[np.float64]
    scale: NDArray[np.float64]
    """I/I0 of one count of signal."""
    inverse_t0: NDArray[np.float64]
    slope: NDArray[np.float64]
    """kB/Ea, 1/K."""
    fixed_variance: NDArray[np.float64]
    """What T0, the reference and the pump contribute."""
    dark_variance: NDArray[np.float64]
    """For a signal of one count."""
    shared_dark: NDArray[np.float64]
    """1/(reference signal) if the same dark is subtracted there, else 0."""
    energy_variance: NDArray[np.float64]
    """For ln(I/I0) = 1."""
    flags: NDArray[np.float64]


class _Band(NamedTuple):
    reference: Reference
    signal: float
    variance: float
    dark: Dark
    dark_variance: float


class Arrhenius:
    """Thermometer that reads the band-integrated anti-Stokes emission of raw spectra.

    Counts are divided by fluence × exposure and compared with the reference taken at the *same*
    fluence, because the emission per unit fluence itself depends on the fluence (traps fill,
    absorption saturates). Without one, the nearest on a logarithmic scale is used and the point
    flagged ``OTHER_FLUENCE``; what the other fluence does is then in the value and not in the std.

    Statistical is the counting and read noise of the spectrum itself. Systematic is what all
    points of a reference share: noise of the reference and of the dark (whose effect vanishes at
    I = I0 if both were taken at one exposure), std of T0 and of Ea, and the drift of the pump.

    :param calibration: activation energy, its std (eV) and the range in which it holds (K).
    :param references: spectra at known temperatures; with none, every value is NaN and flagged
        ``NO_REFERENCE``. Of several at one fluence, that of the nearest exposure is used.
    :param dark: one dark for all exposures, or one for each exposure (s).
    :param band: lower and upper wavelength of the integrated band, nm.
    :param wavelengths: shape (pixel,), nm, ascending.
    :param noise: noise of the detector.
    :param fluence_relative_std: relative standard deviation of the true pump fluence between the
        reference and a measurement at nominally the same fluence.
    :param today: for the age of the calibration (``OUTDATED``); None: it is not checked.
    :raises LimitError: if the band holds no pixel, a shape does not fit, a number is out of range,
        a dark is missing, or a reference has no signal above the dark.
    """

    name: Final = "arrhenius"

    def __init__(
        self,
        calibration: ActivationEnergy,
        *,
        references: Sequence[Reference],
        dark: Dark | Mapping[float, Dark],
        band: tuple[float, float],
        wavelengths: ArrayLike,
        noise: DetectorNoise,
        fluence_relative_std: float = 0.0,
        today: datetime.date | None = None,
    ) -> None:
        check_positive("activation energy (eV)", calibration.activation_energy)
        if not (math.isfinite(fluence_relative_std) and fluence_relative_std >= 0):
            raise LimitError(
                "relative std of the fluence", fluence_relative_std, "a finite number, 0 or more"
            )
        self.calibration = calibration
        self.calibration_id = str(getattr(calibration, "id", ""))
        self.valid_range = calibration.valid_range
        self._age = Flag.OUTDATED if is_outdated(calibration, today) else Flag(0)
        self.band = band
        self.noise = noise
        self.fluence_relative_std = fluence_relative_std
        self._pixel_count, self._pixels = _band_pixels(np.asarray(wavelengths, np.float64), band)
        self._width = self._pixels.stop - self._pixels.start
        self._dark = dark
        self._bands = [self._measure(reference) for reference in references]
        self._inverse_energy = BOLTZMANN_EV_PER_K / calibration.activation_energy
        low, high = self.valid_range
        self._hottest, self._coldest = 1 / high, 1 / low
        self._conditions: dict[tuple[float, float], _Condition] = {}
        self._least: dict[float, NDArray[np.float64]] = {}

    def band_counts(self, spectra: ArrayLike) -> NDArray[np.float64]:
        """Return the raw band sums, shape (n,), counts, of (n, pixel) or (pixel,) spectra.

        :raises LimitError: if the number of pixels is not that of the wavelengths.
        """
        return self._band_sums(self._block(spectra))

    def signal(self, spectrum: ArrayLike, *, exposure: float) -> float:
        """Return the dark-corrected band sum of one raw spectrum of shape (pixel,), counts.

        :raises LimitError: if no dark was taken at this exposure (s).
        """
        dark = dark_at(self._dark, exposure)
        return float(self.band_counts(spectrum)[0]) - self._band_total("dark", dark.spectrum)

    def relative_intensity(
        self, spectra: ArrayLike, *, fluence: Numbers, exposure: Numbers
    ) -> NDArray[np.float64]:
        """Return I/I0, shape (n,): dark-corrected, per fluence and exposure; NaN without reference.

        Parameters and errors are those of :meth:`estimate`.
        """
        total = self.band_counts(spectra)
        condition = self._condition(fluence, exposure, len(total))
        ratio: NDArray[np.float64] = (total - condition.dark) * condition.scale
        return ratio

    def estimate(
        self,
        spectra: ArrayLike,
        *,
        fluence: Numbers,
        exposure: Numbers,
        saturated: ArrayLike | None = None,
        averages: int = 1,
    ) -> Estimate:
        """Get the temperatures of one spectrum or of a block of them.

        :param spectra: shape (n, pixel) or (pixel,), raw counts of any real dtype, dark included.
        :param fluence: irradiance at the sample, W/cm², one number or shape (n,). 0 or NaN gives
            NaN and ``NO_REFERENCE``.
        :param exposure: integration time, s, one number or shape (n,).
        :param saturated: True where a spectrum is saturated, one bool or shape (n,).
        :param averages: exposures averaged in each spectrum.
        :return: temperatures in K; NaN and ``TOO_FEW_COUNTS`` where no signal is left.
        :raises LimitError: for a wrong shape, a negative fluence, an exposure that is not positive
            or has no dark, averages that are no whole number of 1 or more.
        """
        check_averages(averages)
        block = self._block(spectra)
        total, lowest = self._sums_and_lowest(block)
        broken = ~np.isfinite(total)
        if broken.any():
            total = np.where(broken, np.nan, total)
        c = self._condition(fluence, exposure, len(total))
        noise = np.sqrt(self.noise.band_variance(total - c.pedestal, self._width, averages))
        signal = total - c.dark
        enough = signal > SMALLEST_SIGNAL_TO_NOISE * noise
        if not enough.all():
            signal = np.where(signal > 0, signal, np.nan)
        log_ratio = np.log(signal * c.scale)
        inverse = c.inverse_t0 - c.slope * log_ratio
        fine = enough & (inverse >= self._hottest) & (inverse <= self._coldest)
        flags = np.empty(len(total), np.int64)
        flags[...] = c.flags
        flags |= self._flags_of_counts(block, lowest, exposure)
        if not fine.all():
            flags += self._objections(inverse, enough)
            inverse = np.where(inverse > 0, inverse, np.nan)
        value = 1 / inverse
        squared = value * value
        per_signal = 1 / signal
        statistical = c.slope * squared * noise * per_signal
        unshared_dark = per_signal - c.shared_dark
        variance = (
            c.fixed_variance
            + c.dark_variance * unshared_dark * unshared_dark
            + c.energy_variance * log_ratio * log_ratio
        )
        systematic = squared * np.sqrt(variance)
        if broken.any():
            flags |= _BAD_PIXELS * broken
        if saturated is not None:
            flags |= _SATURATED * checked_saturated(saturated, len(total))
        return Estimate(value, np.hypot(statistical, systematic), statistical, systematic, flags)

    def fluence_drift_std(self, temperature: float) -> float:
        """Return the part of the systematic std that is the drift of the pump, K.

        It is the part that does not cancel in a difference of two temperatures read against the
        same reference.

        :param temperature: K.
        """
        return self._inverse_energy * temperature**2 * self.fluence_relative_std

    def _block(self, spectra: ArrayLike) -> NDArray[Any]:
        """Return spectra as (n, pixel)."""
        counts = np.asarray(spectra)
        if counts.shape[-1:] != (self._pixel_count,) or counts.ndim > 2:
            raise LimitError(
                "spectra", f"shape {counts.shape}", f"(n, {self._pixel_count}) or (pixel,)"
            )
        return counts if counts.ndim == 2 else counts[np.newaxis]

    def _band_sums(self, block: NDArray[Any]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):  # infinities of both signs: NaN
            sums: NDArray[np.float64] = np.add.reduce(
                block[:, self._pixels], axis=1, dtype=np.float64
            )
        return sums

    def _sums_and_lowest(self, block: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return the band sums and the lowest counts of each pixel, NaN aside.

        In one pass over the memory: what was read for one is still in the cache for the other.
        """
        sums = np.empty(len(block))
        lowest = np.full(self._pixel_count, np.inf)
        for begin in range(0, len(block), _ROWS_AT_ONCE):
            rows = block[begin : begin + _ROWS_AT_ONCE]
            np.fmin(lowest, np.fmin.reduce(rows, axis=0), out=lowest)
            sums[begin : begin + _ROWS_AT_ONCE] = self._band_sums(rows)
        return sums, lowest

    def _flags_of_counts(
        self, block: NDArray[Any], lowest: NDArray[Any], exposure: Numbers
    ) -> NDArray[np.int64]:
        """Return ``SATURATED`` and ``BAD_PIXELS`` as the counts themselves show them, shape (n,).

        A band that is bright throughout does not show a dark that has drifted; the rest does.
        """
        flags = np.zeros(len(block), np.int64)
        exposures = np.broadcast_to(np.asarray(exposure, np.float64), (len(block),))
        for each in np.unique(exposures).tolist():
            rows = slice(None) if (exposures == each).all() else exposures == each
            least = self._least_at(each)
            if (lowest < least).any():
                below = block[rows] < least
                drifted = below.mean(axis=1) > _DRIFTED
                flags[rows] = _BAD_PIXELS * (drifted | below[:, self._pixels].any(axis=1))
        return flags | self.noise.saturation(block[:, self._pixels])

    def _least_at(self, exposure: float) -> NDArray[np.float64]:
        least = self._least.get(exposure)
        if least is None:
            dark = dark_at(self._dark, exposure)
            level = np.asarray(dark.spectrum, np.float64)
            single = np.asarray(self.noise.variance(level, pedestal=level))
            variance = single * (1 + 1 / dark.frames)
            least = self._least[exposure] = self.noise.least_credible(level, variance)
        return least

    def _objections(
        self, inverse: NDArray[np.float64], enough: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        outside = (inverse < self._hottest) | (inverse > self._coldest)
        objections: NDArray[np.int64] = _OUT_OF_RANGE * outside + _TOO_FEW_COUNTS * ~enough
        return objections

    def _measure(self, reference: Reference) -> _Band:
        dark = dark_at(self._dark, reference.exposure)
        total = self._band_total("reference", reference.spectrum)
        dark_total = self._band_total("dark", dark.spectrum)
        pedestal = self.noise.pedestal_of_band(dark_total, self._width)
        variance = self.noise.band_variance(total - pedestal, self._width, reference.frames)
        signal = total - dark_total
        if signal <= SMALLEST_SIGNAL_TO_NOISE * math.sqrt(variance):
            raise LimitError(
                "signal of the reference (counts)",
                f"{signal:g}",
                f"above {SMALLEST_SIGNAL_TO_NOISE:g} times its noise, {math.sqrt(variance):.3g}",
                "Average more frames, or check the light path and the band.",
            )
        return _Band(reference, signal, variance, dark, self._dark_variance(dark))

    def _band_total(self, name: str, spectrum: NDArray[Any]) -> float:
        if np.shape(spectrum) != (self._pixel_count,):
            raise LimitError(
                f"{name} spectrum",
                f"shape {np.shape(spectrum)}",
                f"({self._pixel_count},), as the wavelengths",
                f"Take the {name} with the same pixels as the spectra.",
            )
        return float(self.band_counts(spectrum)[0])

    def _dark_variance(self, dark: Dark) -> float:
        total = self._band_total("dark", dark.spectrum)
        above = total - self.noise.pedestal_of_band(total, self._width)
        return float(self.noise.band_variance(above, self._width, dark.frames))

    def _condition(self, fluence: Numbers, exposure: Numbers, count: int) -> _Condition:
        if isinstance(fluence, float | int) and isinstance(exposure, float | int):
            return self._condition_at(float(fluence), float(exposure))
        pairs = np.empty((count, 2))
        for column, name, numbers in ((0, "fluence", fluence), (1, "exposure", exposure)):
            given = np.asarray(numbers, np.float64)
            if given.shape not in ((), (count,)):
                raise LimitError(name, f"shape {given.shape}", f"one number or of shape ({count},)")
            pairs[:, column] = given
        distinct, index = np.unique(pairs, axis=0, return_inverse=True)
        conditions = [self._condition_at(f, e) for f, e in distinct.tolist()]
        table = np.array(conditions).reshape(-1, len(_Condition._fields))
        return _Condition(*table[index.reshape(-1)].T)

    def _condition_at(self, fluence: float, exposure: float) -> _Condition:
        key = (fluence, exposure)
        condition = self._conditions.get(key)
        if condition is None:
            condition = self._make_condition(fluence, exposure)
            if len(self._conditions) >= _CONDITIONS_KEPT:
                self._conditions.clear()
            self._conditions[key] = condition
        return condition

    def _make_condition(self, fluence: float, exposure: float) -> _Condition:
        check_positive("exposure (s)", exposure)
        if fluence < 0:
            raise LimitError("fluence (W/cm²)", fluence, "0 or more")
        dark = dark_at(self._dark, exposure)
        dark_total = self._band_total("dark", dark.spectrum)
        pedestal = self.noise.pedestal_of_band(dark_total, self._width)
        band = self._nearest(fluence, exposure)
        if band is None:
            compared: Row = (math.nan,) * 7 + (float(self._age | Flag.NO_REFERENCE),)
        else:
            compared = self._compare(band, dark, fluence, exposure)
        return _Condition(*np.array([[dark_total], [pedestal], *([x] for x in compared)]))

    def _compare(self, band: _Band, dark: Dark, fluence: float, exposure: float) -> Row:
        reference = band.reference
        slope = self._inverse_energy
        log_variance = band.variance / band.signal**2 + self.fluence_relative_std**2
        if band.dark is not dark:
            log_variance += band.dark_variance / band.signal**2
        t0_variance = reference.temperature_std**2 / reference.temperature**4
        same_fluence = _same_fluence(reference.fluence, fluence)
        return (
            reference.fluence * reference.exposure / (fluence * exposure * band.signal),
            1 / reference.temperature,
            slope,
            slope**2 * log_variance + t0_variance,
            slope**2 * self._dark_variance(dark),
            1 / band.signal if band.dark is dark else 0.0,
            slope**2 * (self.calibration.std / self.calibration.activation_energy) ** 2,
            float(self._age if same_fluence else self._age | Flag.OTHER_FLUENCE),
        )

    def _nearest(self, fluence: float, exposure: float) -> _Band | None:
        if not self._bands or not math.isfinite(fluence) or fluence == 0:
            return None

        def distance(band: _Band) -> tuple[float, float]:
            other = band.reference
            exposures = abs(math.log(other.exposure / exposure))
            if _same_fluence(other.fluence, fluence):
                return 0.0, exposures if exposures > SAME_EXPOSURE else 0.0
            return abs(math.log(other.fluence / fluence)), exposures

        return min(self._bands, key=distance)


def _same_fluence(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=SAME_FLUENCE)


def _band_pixels(wavelengths: NDArray[np.float64], band: tuple[float, float]) -> tuple[int, slice]:
    if wavelengths.ndim != 1 or not (np.diff(wavelengths) > 0).all():
        raise LimitError("wavelengths (nm)", f"shape {wavelengths.shape}", "(pixel,) and ascending")
    low, high = band
    start, stop = (
        int(np.searchsorted(wavelengths, low, "left")),
        int(np.searchsorted(wavelengths, high, "right")),
    )
    if not (low < high and stop > start):
        raise LimitError(
            "band (nm)",
            band,
            f"(low, high) with pixels in it, within {wavelengths[0]:g} to {wavelengths[-1]:g}",
        )
    return wavelengths.size, slice(start, stop)

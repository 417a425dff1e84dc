"""Ocean Optics Flame-S, USB2000+ and USB4000 spectrometers, through seabreeze.

Not on PyMeasure's ``Instrument``: there is no line of text or bytes to hand to an adapter, because
seabreeze owns the USB traffic. What seabreeze does not do, or does otherwise, is mended here:

* It rescales the counts by the saturation level in the EEPROM; :meth:`OceanSpectrometer.acquire`
  returns what the converter gave.
* It has no saturation flag, no averaging and no board temperature.
* pyseabreeze waits 656 s for a first spectrum unless the integration time is set; it is set first.
* USB errors come up unwrapped; here all are :mod:`labcool.errors`.
* After a failed read, a spectrum that comes late would be taken for the next one. Before the device
  is used again it is reset and reopened, one spectrum is taken for nothing, and before and after
  that whatever arrives within an exposure is thrown away. This is logged as a warning.
* Listing devices resets those in use (see ``drivers/_ocean_devices.py``).

The first spectrum after opening or after a change of the integration time may have been started
before (reported for the USB2000+ and USB4000 in seabreeze's issues 110 and 177), so it is
discarded. In its normal mode the detector runs freely: whether any other spectrum may contain light
from before the request is UNVERIFIED on hardware; ``discard_stale="always"`` excludes it at the
price of half the spectra.

Reads end after the integration time plus 2 s with pyseabreeze; cseabreeze has its own time-out,
UNVERIFIED. Checked with seabreeze 2.11's ``Spectrometer`` and scripted devices; no class here has
seen hardware. UNVERIFIED besides: all of cseabreeze over USB, and the board temperature (0x6C).
A replugged device is found again by a new object, not by this one: a run must not go on silently.
An object is for one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal, Protocol

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from drivers import _bench_advice, _ocean_devices, _ocean_usb
from drivers._ocean_counts import is_saturated, raw_counts
from drivers._ocean_errors import ocean_errors
from drivers._ocean_models import FULL_SCALE, MODELS
from drivers._with_block import WithBlock
from labcool.clock import Clock, RealClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    LimitError,
    WrongInstrument,
)
from labcool.numbers import above_zero, real, whole, within
from labcool.spectrum import Spectrum

log = logging.getLogger(__name__)

NORMAL_TRIGGER: Final = 0
LONGEST_BELIEVABLE_NM: Final = 5000.0
READ_MARGIN_S: Final = 2.0


class OceanLink(Protocol):
    """Where a spectrometer may be had from instead of the USB bus (a simulated one)."""

    def open(self, **settings: Any) -> Any:
        """Return an opened ``seabreeze.spectrometers.Spectrometer``."""


class OceanSpectrometer(WithBlock):
    """An Ocean Optics array spectrometer; fills the role Spectrometer. Safe state: idle.

    :param resource: None, or an :class:`OceanLink`. USB spectrometers are found by ``serial``.
    :param clock: runs the waiting; default: the wall's time.
    :param serial: serial number, as on the case; None: the only spectrometer connected.
    :param model: seabreeze's name of the model expected; None: any that is known.
    :param backend: seabreeze's backend; pyseabreeze bounds the time of every read.
    :param usb_backend: name of pyusb's backend for pyseabreeze, e.g. ``"libusb1"``.
    :param exposure: integration time to begin with, s.
    :param averages: exposures per spectrum to begin with.
    :param discard_stale: throw one spectrum away after opening and after a change of the
        integration time; ``"always"``: before every spectrum.
    :param saturation_level: counts at which a pixel is saturated; None: as stored in the device.
    :param electrons_per_count: gain; None: typical of the model.
    :param read_noise: counts; None: typical of the model.
    :raises LimitError: if a keyword is out of range.
    :raises InstrumentDisconnected: if the spectrometer is not there, or in use.
    :raises WrongInstrument: if it is another model or serial number.
    """

    bench_advice = _bench_advice.OCEAN

    def __init__(
        self,
        resource: OceanLink | None = None,
        name: str = "Ocean spectrometer",
        *,
        clock: Clock | None = None,
        serial: str | None = None,
        model: Literal["FLAMES", "USB2000PLUS", "USB4000"] | None = None,
        backend: _ocean_devices.Backend = "pyseabreeze",
        usb_backend: str | None = None,
        exposure: float = 0.1,
        averages: int = 1,
        discard_stale: bool | Literal["always"] = True,
        saturation_level: Annotated[float, Interval(gt=0, le=FULL_SCALE)] | None = None,
        electrons_per_count: Annotated[float, Interval(gt=0)] | None = None,
        read_noise: Annotated[float, Interval(gt=0)] | None = None,
    ) -> None:
        self.name = name
        self._clock: Clock = clock or RealClock()
        self._averages = self._checked_averages(averages)
        if discard_stale != "always" and not isinstance(discard_stale, bool):
            raise LimitError(f"{name} discard_stale", discard_stale, "true, false or 'always'")
        self._discard_stale = discard_stale
        exposure = real(f"{name} exposure (s)", exposure)
        if saturation_level is not None:
            field = f"{name} saturation_level (counts)"
            within(field, above_zero(field, saturation_level), 0.0, FULL_SCALE)
        if electrons_per_count is not None:
            above_zero(f"{name} electrons_per_count", electrons_per_count)
        if read_noise is not None:
            above_zero(f"{name} read_noise (counts)", read_noise)
        if backend not in ("cseabreeze", "pyseabreeze"):
            raise LimitError(f"{name} backend", backend, "'cseabreeze' or 'pyseabreeze'")
        self._backend: _ocean_devices.Backend = backend
        self._out_of_step = False
        self._claimed: str | None = None
        self._device: Any = self._open(resource, serial, model, usb_backend)
        try:
            self._limits_us: tuple[int, int] = self._device.integration_time_micros_limits
            self._exposure_us = self._checked_exposure(exposure)
            self._earlier_exposure = 0.0
            with ocean_errors(name):
                self._prepare(self._device)
                self._learn(self._device, serial, model)
        except BaseException:
            self.shutdown()
            raise
        self._discard_next = bool(discard_stale)
        stored = self._saturation_slot or FULL_SCALE
        self._saturation_level = float(stored if saturation_level is None else saturation_level)
        typical = self._model
        self._electrons_per_count = electrons_per_count or typical.electrons_per_count
        self._read_noise = read_noise or typical.read_noise

    # What the role asks for

    @property
    def identity(self) -> str:
        """Get maker, model and serial number (str)."""
        return f"Ocean Optics {self._model.name} {self._serial}"

    @property
    def wavelengths(self) -> NDArray[Any]:
        """Get the wavelength of each pixel, shape (pixel,), nm, ascending, from the EEPROM."""
        return self._wavelengths

    @property
    def exposure(self) -> float:
        """Control the integration time of one exposure, s, in whole microseconds.

        :raises LimitError: outside :attr:`exposure_range`, whose upper end is excluded.
        """
        return self._exposure_us / 1e6

    @exposure.setter
    def exposure(self, seconds: float) -> None:
        microseconds = self._checked_exposure(seconds)
        self._get_in_step()
        if microseconds == self._exposure_us:
            return
        with self._talking() as device:
            self._earlier_exposure, self._exposure_us = self.exposure, microseconds
            device.integration_time_micros(microseconds)
        self._discard_next = bool(self._discard_stale)

    @property
    def exposure_range(self) -> tuple[float, float]:
        """Get the shortest and (excluded) longest integration time, s."""
        low, high = self._limits_us
        return low / 1e6, high / 1e6

    @property
    def averages(self) -> int:
        """Control the number of exposures in a spectrum, 1 or more; averaged by the computer."""
        return self._averages

    @averages.setter
    def averages(self, number: int) -> None:
        self._averages = self._checked_averages(number)

    @property
    def saturation_level(self) -> float:
        """Get the raw ADC counts at which a pixel is saturated (EEPROM slot 17, or 65535)."""
        return self._saturation_level

    @property
    def electrons_per_count(self) -> float:
        """Get the gain, photoelectrons per raw count."""
        return self._electrons_per_count

    @property
    def read_noise(self) -> float:
        """Get the read noise of a pixel in one exposure, raw counts (standard deviation)."""
        return self._read_noise

    @property
    def excess_noise_factor(self) -> float:
        """Get the factor by which multiplication widens shot noise: 1, nothing is multiplied."""
        return 1.0

    def acquire(self) -> Spectrum:
        """Measure a spectrum of raw ADC counts, shape (pixel,), dark pixels included.

        uint16 if :attr:`averages` is 1, else the mean (float64). ``saturated`` is True if any
        exposure has a pixel at 98 % of :attr:`saturation_level` or a flat top.

        :raises InstrumentTimeout: if a spectrum does not come within its exposure and 2 s.
        :raises InstrumentDisconnected: if the device is gone.
        :raises GarbledAnswer: if a spectrum is incomplete or not made of whole counts.
        """
        self._get_in_step()
        if self._discard_next or self._discard_stale == "always":
            self._discard()
        first = self._read()
        saturated = is_saturated(first, self._saturation_level)
        if self._averages == 1:
            return Spectrum(first, self.exposure, 1, saturated)
        total = first.astype(np.float64)
        for _ in range(self._averages - 1):
            counts = self._read()
            saturated = saturated or is_saturated(counts, self._saturation_level)
            total += counts
        return Spectrum(total / self._averages, self.exposure, self._averages, saturated)

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return model, settings and stored calibration; asks the device nothing."""
        coefficients = {f"nonlinearity_{i}": c for i, c in enumerate(self._nonlinearity)}
        return {
            "model": self._model.name,
            "serial": self._serial,
            "backend": self._backend,
            "exposure_s": self.exposure,
            "averages": self._averages,
            "discard_stale": self._discard_stale,
            "trigger": "normal",
            "saturation_level_counts": self._saturation_level,
            "electrons_per_count": self._electrons_per_count,
            "read_noise_counts": self._read_noise,
            "first_dark_pixel": int(self._dark_pixels[0]),
            "last_dark_pixel": int(self._dark_pixels[-1]),
            **coefficients,
        }

    def make_safe(self) -> None:
        """Do nothing: a spectrometer moves nothing and emits nothing."""

    def shutdown(self) -> None:
        """Release the device; a second call does nothing."""
        device, self._device = self._device, None
        if device is None:
            return
        try:
            with ocean_errors(self.name):
                device.close()
        finally:
            if self._claimed is not None:
                _ocean_devices.release(self._claimed)

    # Beyond the role

    @property
    def dark_pixels(self) -> NDArray[Any]:
        """Get the indices of the pixels that light does not reach, shape (dark pixel,)."""
        return self._dark_pixels

    @property
    def nonlinearity(self) -> tuple[float, ...]:
        """Get the stored polynomial by which dark-corrected counts are divided, lowest order first.

        Empty if none is stored.
        """
        return self._nonlinearity

    @property
    def board_temperature(self) -> float:
        """Measure the temperature of the circuit board, K. UNVERIFIED on hardware.

        :raises InstrumentRefused: if seabreeze offers no raw access to this device.
        """
        self._get_in_step()
        with self._talking() as device:
            return _ocean_usb.board_temperature(device, self.name)

    # Talking to the device

    def _open(
        self, resource: object, serial: str | None, model: str | None, usb_backend: str | None
    ) -> Any:
        if resource is None:
            device = _ocean_devices.open_by_serial(self.name, serial, self._backend, usb_backend)
            self._claimed = str(device.serial_number)
            return device
        if not hasattr(resource, "open"):
            raise ConfigurationError(
                f"{self.name}: resource = {resource!r} means nothing to a USB spectrometer. Leave "
                "it out, and give its serial number as serial."
            )
        with ocean_errors(self.name):
            return resource.open(serial=serial, model=model)

    def _prepare(self, device: Any) -> None:
        device.integration_time_micros(self._exposure_us)
        _ocean_usb.bound_reads(device, READ_MARGIN_S)
        device.trigger_mode(NORMAL_TRIGGER)

    def _learn(self, device: Any, serial: str | None, model: str | None) -> None:
        self._serial = str(device.serial_number)
        if not (self._serial.isascii() and self._serial.isprintable()):
            raise GarbledAnswer(self.name, f"{self._serial!r} is no serial number.")
        if serial is not None and self._serial != serial:
            raise WrongInstrument(self.name, f"{self._serial} answers instead of {serial}.")
        if device.model not in MODELS or model not in (None, device.model):
            expected = model or ", ".join(MODELS)
            raise WrongInstrument(self.name, f"the model is {device.model}, not {expected}.")
        self._model = MODELS[device.model]
        self._wavelengths = np.array(device.wavelengths(), dtype=np.float64)
        self._wavelengths.setflags(write=False)
        if not np.all(np.diff(self._wavelengths) > 0):
            raise GarbledAnswer(
                self.name, "the stored wavelength calibration does not ascend. Calibrate it again."
            )
        if not 0 < self._wavelengths[0] < self._wavelengths[-1] < LONGEST_BELIEVABLE_NM:
            ends = f"{self._wavelengths[0]:g} to {self._wavelengths[-1]:g} nm"
            raise GarbledAnswer(
                self.name,
                f"the stored wavelength calibration, {ends}, is none. Calibrate it again.",
            )
        first, last = self._model.dark_pixels
        # seabreeze nests the USB4000's indices one level deeper than those of the others.
        indices = np.ravel(device.f.spectrometer.get_electric_dark_pixel_indices()).astype(int)
        self._dark_pixels = indices if indices.size else np.arange(first, last + 1)
        self._saturation_slot = _ocean_usb.saturation_slot(device, self.name)
        self._nonlinearity = tuple(_ocean_usb.nonlinearity(device, self.name))

    @contextmanager
    def _talking(self) -> Iterator[Any]:
        if self._device is None:
            raise InstrumentDisconnected(self.name, "its use has ended. Connect again.")
        try:
            with ocean_errors(self.name):
                yield self._device
        except InstrumentRefused:
            raise
        except InstrumentError:
            self._out_of_step = True
            raise

    def _get_in_step(self) -> None:
        if not self._out_of_step:
            return
        log.warning("%s: resetting the USB device after a failed transfer.", self.name)
        with self._talking() as device:
            device.close()
            device.open()
            self._prepare(device)
            self._flush(device)
            self._discard()
            self._flush(device)
        self._out_of_step = False

    def _flush(self, device: Any) -> None:
        """Wait for a spectrum that may still be under way, and throw it away."""
        self._clock.sleep(self.exposure)
        _ocean_usb.flush(device, self._model.spectrum_pipes)

    def _discard(self) -> None:
        """Take a spectrum for nothing; it may be the end of an exposure of the earlier length."""
        with self._talking() as device:
            _ocean_usb.bound_reads(device, READ_MARGIN_S + self._earlier_exposure)
        self._read()
        with self._talking() as device:
            _ocean_usb.bound_reads(device, READ_MARGIN_S)
        self._earlier_exposure = 0.0
        self._discard_next = False

    def _read(self) -> NDArray[np.uint16]:
        with self._talking() as device:
            counts = raw_counts(device.intensities(), self._saturation_slot, self.name)
            if counts.shape != self._wavelengths.shape:
                raise GarbledAnswer(
                    self.name, f"{counts.size} pixels instead of {self._wavelengths.size}."
                )
            return counts

    def _checked_exposure(self, seconds: float) -> int:
        field = f"{self.name} exposure (s)"
        low, high = self._limits_us
        allowed = f"at least {low / 1e6:g} and less than {high / 1e6:g}"
        seconds = real(field, seconds, allowed)
        if not low <= round(seconds * 1e6) < high:
            raise LimitError(field, seconds, allowed)
        return round(seconds * 1e6)

    def _checked_averages(self, number: int) -> int:
        return whole(f"{self.name} averages", number, 1)

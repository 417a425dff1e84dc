"""Andor iXon EMCCD cameras (SDK2), alone or on a Shamrock/Kymera: the role Spectrometer.

Through pylablib, an optional extra: ``pip install "labcool[andor]"``. Not on PyMeasure's
``Instrument``: the vendor's library owns the connection. What pylablib 1.4.5 does otherwise is
mended here:

* It opens with the fan off and the cooler on at 20 % of its range, whatever temperature is given.
  Here the fan is full before anything else, and the cooler goes on when a temperature is given.
* ``set_acquisition_mode`` sets the wrong mode (one too high); the mode is set together with its
  parameters, and the exposure sent again after it.
* It passes over frames that were overwritten. Here all frames are asked for by number, as 32-bit
  numbers; a missing one is an error (``drivers/_andor_frames.py``).
* It leaves shutter, gain and cooler as they are when it closes: see :meth:`shutdown`.
* It waits on the wall's time; here the SDK is asked on the injected clock. Opening and closing,
  which the SDK does not come back from before they are done, are given up after 60 s and 30 s.

Safety
    Connecting closes the camera's shutter and switches the EM gain off; so do :meth:`make_safe` and
    :meth:`shutdown`. The shutter's position and the fan cannot be read back (SDK2 has no such
    function): what counts is that the SDK took the order. EM gain: ``drivers/_andor_em.py``.
    Cooler: ``drivers/_andor_cooler.py``. The grating moves only with the EM gain off.

Checked with pylablib 1.4.5 on doubles of the libraries and on ``simulators/andor.py``. UNVERIFIED
on hardware: everything, above all which amplifier's image is mirrored (look at a calibration lamp
with both, set ``mirrored_amplifier``), typical read noise, what the EM register holds, whether the
sensor stays cold after release (``keep cold``), the baseline of 1000 counts at most, gain 0 as
"off". Known not to work: a real camera on Linux (``drivers/_andor_library.py``). An object is for
one thread.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from drivers import _bench_advice
from drivers._andor_axis import WavelengthAxis
from drivers._andor_camera import AndorCamera
from drivers._andor_controls import LONGEST_WAIT_S, AndorControls, first_error
from drivers._andor_cooler import AndorCooler
from drivers._andor_em import ElectronMultiplication
from drivers._andor_frames import exposure_range, set_read_mode, set_timing, take_series
from drivers._andor_library import SdkLibraries
from drivers._andor_readout import choose_readout, read_noise_of, saturation_of, sensitivity_of
from drivers._andor_shutter import MODES, CameraShutter
from drivers._andor_spectrograph import GuardedShamrock, moved_to
from drivers.shamrock import Slit
from labcool.clock import Clock, RealClock
from labcool.errors import InstrumentError, LimitError
from labcool.numbers import above_zero, one_of, truth, whole, within
from labcool.spectrum import Spectrum

log = logging.getLogger(__name__)

SATURATED_ABOVE: Final = 0.98
PERIOD_TOLERANCE: Final = 1e-3
LONGEST_SERIES: Final = 100_000
MIRRORED: Final = ("em", "conventional", "none")


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumSeries:
    """Spectra that a camera has taken one after another.

    :param counts: shape (spectrum, pixel), int32, in the order of the wavelengths.
    :param exposure: of each, s.
    :param period: from the start of one to the start of the next, s, as the camera realises it.
    :param saturated: shape (spectrum,), whether any of its pixels reached the limit.
    """

    counts: NDArray[np.int32]
    exposure: float
    period: float
    saturated: NDArray[np.bool_]


class AndorSpectrometer(AndorControls):
    """An iXon, alone or with its spectrograph. Safe state: idle, shutter closed, EM gain off.

    :param resource: None (the vendor's library), or libraries to load from instead.
    :param clock: runs the waiting; default: the wall's time.
    :param serial: the camera's serial number; None: any. ``camera_index`` chooses among several.
    :param model: beginning of the head's model, e.g. ``"DU897"``; None: any.
    :param exposure: to begin with, s.
    :param averages: exposures per spectrum to begin with; taken as one kinetic series.
    :param temperature: of the sensor, K; None: the cooler stays as it is.
    :param require_cold: take spectra only once the sensor has its temperature.
    :param cooling_timeout: longest time that :meth:`acquire` waits for that, s; 0: it refuses.
    :param on_shutdown: ``"warm"``: the cooler goes off; ``"keep cold"``: it stays on.
    :param warm_up_timeout: longest time that :meth:`shutdown` waits for -20 °C, s; 0: it does not
        (newer cameras warm up by themselves, classic ones must not lose their power before).
    :param shutter: ``"auto"``: open while spectra are taken; ``"open"``: from the first one until
        :meth:`make_safe`; ``"closed"``: dark spectra.
    :param read_mode: all rows binned on the chip, or those from ``first_row`` to ``last_row``,
        counted from 1.
    :param horizontal_speed, vertical_speed: MHz and µs/row; None: slowest, fastest recommended.
    :param mirrored_amplifier: whose counts come in the reverse order of the calibration's pixels.
    :param spectrograph: whether a Shamrock or Kymera gives the wavelengths; ``slit``: which of its
        slits ``slit_width`` is about.
    :param grating, centre_wavelength, slit_width: to move it to (nm, µm) on connecting, if given.
    :param wavelength_coefficients: without a spectrograph of Andor's (an Acton): polynomial in the
        pixel's number from 0, nm, lowest order first. See :attr:`wavelength_coefficients`.
    :param saturation_level: counts; None: the end of the converter, or of the EM register.
    :param electrons_per_count: without gain; None: from the camera.
    :param read_noise_electrons: before multiplication; None: typical of the readout.
    :raises LimitError: if a keyword is out of range.
    :raises ConfigurationError: if pylablib or the library is missing, or settings do not fit.
    :raises InstrumentDisconnected: if camera or spectrograph are not there.
    :raises WrongInstrument: if it is another model or serial number.
    """

    bench_advice = _bench_advice.ANDOR

    def __init__(
        self,
        resource: SdkLibraries | None = None,
        name: str = "Andor camera",
        *,
        clock: Clock | None = None,
        serial: int | None = None,
        model: str | None = None,
        camera_index: Annotated[int, Interval(ge=0, le=7)] = 0,
        exposure: float = 0.1,
        averages: int = 1,
        temperature: float | None = None,
        require_cold: bool = True,
        cooling_timeout: Annotated[float, Interval(ge=0, le=LONGEST_WAIT_S)] = 0.0,
        on_shutdown: Literal["warm", "keep cold"] = "warm",
        warm_up_timeout: Annotated[float, Interval(ge=0, le=LONGEST_WAIT_S)] = 0.0,
        shutter: Literal["auto", "open", "closed"] = "auto",
        read_mode: Literal["fvb", "single track"] = "fvb",
        first_row: int | None = None,
        last_row: int | None = None,
        amplifier: Literal["em", "conventional"] = "conventional",
        horizontal_speed: float | None = None,
        vertical_speed: float | None = None,
        preamp_gain: float | None = None,
        mirrored_amplifier: Literal["em", "conventional", "none"] = "em",
        spectrograph: bool = False,
        spectrograph_serial: str | None = None,
        slit: Slit = "input side",
        grating: int | None = None,
        centre_wavelength: float | None = None,
        slit_width: float | None = None,
        wavelength_coefficients: list[float] | None = None,
        saturation_level: float | None = None,
        electrons_per_count: float | None = None,
        read_noise_electrons: float | None = None,
        allow_linux: bool = False,
    ) -> None:
        self.name = name
        self._clock: Clock = clock or RealClock()
        self._averages = whole(f"{name} averages", averages, 1, LONGEST_SERIES)
        self._require_cold = truth(f"{name} require_cold", require_cold)
        self._cooling_timeout = within(
            f"{name} cooling_timeout (s)", cooling_timeout, 0.0, LONGEST_WAIT_S
        )
        self._warm_up_timeout = within(
            f"{name} warm_up_timeout (s)", warm_up_timeout, 0.0, LONGEST_WAIT_S
        )
        one_of(f"{name} on_shutdown", on_shutdown, ("warm", "keep cold"))
        self._on_shutdown = on_shutdown
        mirrored = one_of(f"{name} mirrored_amplifier", mirrored_amplifier, MIRRORED)
        self._spectrograph = None
        self._camera = AndorCamera(
            name, resource, index=camera_index, serial=serial, model=model, allow_linux=allow_linux
        )
        try:
            self._shutter = CameraShutter(
                self._camera, self._clock, one_of(f"{name} shutter", shutter, MODES)
            )
            self._readout = choose_readout(
                self._camera, amplifier, horizontal_speed, vertical_speed, preamp_gain
            )
            self._sensitivity = sensitivity_of(self._readout, electrons_per_count, name)
            self._read_noise = read_noise_of(self._readout, read_noise_electrons, name)
            self._saturation_level = saturation_of(
                self._readout, self._sensitivity, self._camera.model, saturation_level, name
            )
            self._saturated = SATURATED_ABOVE * self._saturation_level
            self._em = ElectronMultiplication(
                self._camera, available=amplifier == "em", saturated=self._saturated
            )
            self._rows = set_read_mode(self._camera, read_mode, first_row, last_row)
            if truth(f"{name} spectrograph", spectrograph):
                self._spectrograph = GuardedShamrock(
                    resource,
                    name,
                    clock=self._clock,
                    serial=spectrograph_serial,
                    slit=slit,
                    allow_linux=allow_linux,
                    before=self._before_move,
                    after=self._after_move,
                )
            self._axis = WavelengthAxis(
                name,
                pixels=self._camera.pixels,
                pixel_width=self._camera.pixel_width_um,
                mirrored=mirrored == amplifier,
                spectrograph=self._spectrograph,
                coefficients=wavelength_coefficients,
            )
            moved_to(
                self._spectrograph,
                name,
                spectrograph_serial,
                grating,
                centre_wavelength,
                slit_width,
            )
            self._exposure_range = exposure_range(self._camera)
            self._set_exposure(exposure)
            self._cooler = AndorCooler(self._camera, self._clock)
            if temperature is not None:
                self._cooler.cool_to(temperature)
        except BaseException:
            self._release_quietly()
            raise

    @property
    def identity(self) -> str:
        """Get maker, the head's model and serial number (str)."""
        return f"Andor {self._camera.model} {self._camera.serial}"

    @property
    def wavelengths(self) -> NDArray[Any]:
        """Get the wavelength of each pixel, shape (pixel,), nm, ascending.

        :raises InstrumentRefused: if the spectrograph stands at zero order.
        """
        return self._axis.wavelengths

    @property
    def exposure(self) -> float:
        """Control the integration time of one exposure, s; what the camera realises of it.

        :raises LimitError: outside :attr:`exposure_range`; nothing is sent.
        :raises InstrumentRefused: if the light would be too bright for the EM gain.
        """
        return self._timing.exposure

    @exposure.setter
    def exposure(self, seconds: float) -> None:
        self._set_exposure(seconds)

    @property
    def exposure_range(self) -> tuple[float, float]:
        """Get the shortest and longest exposure of this readout, s, as the camera tells."""
        return self._exposure_range

    @property
    def averages(self) -> int:
        """Control the number of exposures in a spectrum, 1 or more; one kinetic series."""
        return self._averages

    @averages.setter
    def averages(self, number: int) -> None:
        self._averages = whole(f"{self.name} averages", number, 1, LONGEST_SERIES)

    @property
    def saturation_level(self) -> float:
        """Get the counts at which a pixel is saturated."""
        return self._saturation_level

    @property
    def electrons_per_count(self) -> float:
        """Get the photoelectrons per count, at the EM gain that is set."""
        return self._sensitivity / self.em_gain

    @property
    def read_noise(self) -> float:
        """Get the read noise of a pixel in one exposure, counts (standard deviation)."""
        return self._read_noise / self._sensitivity

    def acquire(self) -> Spectrum:
        """Measure a spectrum of counts, shape (pixel,), in the order of the wavelengths.

        int32 if :attr:`averages` is 1, else the mean (float64). ``saturated`` is True if any
        exposure has a pixel at 98 % of :attr:`saturation_level`.

        :raises InstrumentRefused: if the sensor is not cold, its cooler overheats, the spectrograph
            is at zero order, the EM gain was switched off by saturation, or frames are lost.
        :raises InstrumentTimeout: if the series is not done 5 s after its time, or the sensor not
            cold within ``cooling_timeout``.
        :raises InstrumentDisconnected: if the camera is gone.
        """
        series = self.acquire_series(self._averages)
        counts = series.counts[0] if self._averages == 1 else series.counts.mean(axis=0)
        return Spectrum(counts, series.exposure, self._averages, bool(series.saturated.any()))

    def acquire_series(self, number: int, period: float | None = None) -> SpectrumSeries:
        """Measure spectra one after another, as fast as the camera can or with a period (s).

        :raises LimitError: if the period is shorter than the camera can; nothing is taken.
        :raises InstrumentRefused, InstrumentTimeout, InstrumentDisconnected: as :meth:`acquire`;
            a series is never shorter than asked for.
        """
        whole(f"{self.name} number of spectra", number, 1, LONGEST_SERIES)
        field = f"{self.name} period (s)"
        wanted = 0.0 if period is None else above_zero(field, period)
        self._prepare()
        timing = set_timing(self._camera, number, self._asked, wanted)
        if period is not None and abs(timing.period - period) > PERIOD_TOLERANCE * period:
            raise LimitError(field, period, f"at least {timing.period:g} with this exposure")
        gain = self.em_gain
        frames = take_series(self._camera, self._clock, number, timing)
        self._timing = timing
        if self.shutter != "closed":
            self._em.judge(frames, timing.exposure, gain)
        saturated = np.any(frames >= self._saturated, axis=1)
        counts = self._axis.in_order(frames)
        return SpectrumSeries(counts, timing.exposure, timing.period, saturated)

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return the camera's and the spectrograph's settings and the sensor's temperature."""
        temperature, status = self._cooler.read()
        first, last = self._rows
        settings: dict[str, float | int | str | bool] = {
            "model": self._camera.model,
            "serial": self._camera.serial,
            "controller": self._camera.controller,
            "exposure_s": self.exposure,
            "averages": self._averages,
            "first_row": first,
            "last_row": last,
            "amplifier": self._readout.amplifier,
            "horizontal_speed_MHz": self._readout.horizontal_speed,
            "vertical_speed_us": self._readout.vertical_speed,
            "preamp_gain": self._readout.preamp_gain,
            "bits": self._readout.bits,
            "em_gain": self.em_gain,
            "excess_noise_factor": self.excess_noise_factor,
            "saturation_level_counts": self._saturation_level,
            "electrons_per_count": self.electrons_per_count,
            "read_noise_counts": self.read_noise,
            "shutter": self.shutter,
            "fan": "full",
            "trigger": "internal",
            "cooler_on": self._cooler.is_on,
            "temperature_K": temperature,
            "temperature_status": status,
            "temperature_drifted": self._cooler.drifted,
            "require_cold": self._require_cold,
            "on_shutdown": self._on_shutdown,
        }
        if self.temperature_setpoint is not None:
            settings["temperature_setpoint_K"] = self.temperature_setpoint
        for index, coefficient in enumerate(self._axis.coefficients or ()):
            settings[f"wavelength_coefficient_{index}_nm"] = coefficient
        if self._spectrograph is not None:
            found = self._spectrograph.settings()
            settings.update({f"spectrograph_{key}": value for key, value in found.items()})
        return settings

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        temperature, status = self._cooler.read()
        if status == "stabilized":
            return ()
        return (f"The sensor is at {temperature:.1f} K; cooler: {status}.",)

    def shutdown(self) -> None:
        """Make safe, leave the cooler as ``on_shutdown`` says, release; a second call does nothing.

        Everything is tried, whatever fails; the first error is raised then.

        :raises InstrumentTimeout: if the sensor is not above -20 °C within ``warm_up_timeout``.
        """
        if not self._camera.is_open:
            return
        first_error(
            self.name,
            self.make_safe,
            lambda: self._cooler.end(self._on_shutdown, self._warm_up_timeout),
            self._release,
        )

    def _set_exposure(self, seconds: float) -> None:
        field = f"{self.name} exposure (s)"
        asked = within(field, seconds, *self._exposure_range)
        self._em.check_light(self._em.gain, asked)
        self._timing = set_timing(self._camera, 1, asked)
        self._asked = asked

    def _release(self) -> None:
        steps = [] if self._spectrograph is None else [self._spectrograph.shutdown]
        first_error(self.name, *steps, self._camera.close)

    def _release_quietly(self) -> None:
        try:
            self._release()
        except InstrumentError as error:
            log.info("%s: releasing the camera failed, too (%s).", self.name, error)

"""Thorlabs PM100D (PM100USB, PM100A) optical power meter: SCPI over USBTMC, ended by LF.

Built on PyMeasure's ``ThorlabsPM100USB``, whose commands for wavelength, power and sensor are used;
it clips a wavelength to the sensor's limits, this class refuses it. Added: unit, averaging, range,
attenuation, zero, and the error queue, which is read after every command.

The responsivity of a photodiode depends on the wavelength by a factor of two and more over its
range, so no power is read before :attr:`PM100D.wavelength` has been set by this program; and at
each reading the meter must still be at that wavelength and in watts, whoever used its front panel.

Retries, each logged as a warning
    A question with a broken or missing answer is asked once more, after ``*IDN?`` has brought
    question and answer back into step and the error queue has not named a reason. Commands are not
    repeated.

Checked: the commands that PyMeasure's class and the package ThorlabsPM100 1.2.2 send; the sensor
flags of the *PM100D* manual, chapter "SCPI Commands". UNVERIFIED on hardware: how long zeroing
takes (``zero_timeout``); the rounding of a wavelength (0.5 nm is allowed); the largest averaging
count (what the meter refuses shows in its error queue); that a reading out of range is 9.9E37; the
bits of the questionable condition register, which is read after each power (those of SCPI).
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from annotated_types import Interval
from pymeasure.instruments.generic_types import SCPIUnknownMixin
from pymeasure.instruments.thorlabs import ThorlabsPM100USB

from drivers import _bench_advice
from drivers._in_step import NUMBER, InStep
from drivers._wire import Resource, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    WrongInstrument,
)
from labcool.numbers import above_zero, real, truth, whole, within

log = logging.getLogger(__name__)

IDENTITY: Final = r"(?i:thorlabs),\s*PM100.*"
ERROR: Final = r"\s*[+-]?\d{1,5}\s*,.*"
SENSOR: Final = r"[^,]+,[^,]*,[^,]*,\s*\d{1,5}\s*,\s*\d{1,5}\s*,\s*\d{1,3}\s*"
NO_SENSOR: Final = r"\W*(?i:no sensor).*"
ANSWERS: Final = {
    "*IDN?": ".+",
    "SYST:ERR?": ERROR,
    "SYST:SENSOR:IDN?": f"(?:{SENSOR})|(?:{NO_SENSOR})",
    "SENS:POW:RANG:AUTO?": r"\s*[01]\s*",
    "SENS:POW:UNIT?": r"\s*(?i:W|DBM)\s*",
    "SENS:AVER:COUN?": r"\s*\+?\d{1,6}\s*",
    "SENS:CORR:COLL:ZERO:STAT?": r"\s*[01]\s*",
    "STAT:QUES:COND?": r"\s*\+?\d{1,5}\s*",
}
"""What a question may be answered by; any other: a number."""
HIGHEST_FLAGS: Final = 511
DOUBTS: Final = {1: "voltage", 2: "current", 8: "power"}
"""Bits of the questionable condition register, as SCPI has them, that make a power wrong."""
OUT_OF_RANGE: Final = 9e37
LIMITS: Final = {
    "SENSE:CORR:WAV?": (100.0, 30_000.0),
    "SENS:CORR:WAV? MIN": (100.0, 30_000.0),
    "SENS:CORR:WAV? MAX": (100.0, 30_000.0),
    "SENS:AVER:COUN?": (1.0, 1e6),
    "SENS:POW:RANG:UPP?": (1e-15, 1e4),
    "SENS:CORR:LOSS?": (-60.0, 60.0),
}
"""Where a number must lie to be believed, in the unit of its question."""
HIGHEST_BELIEVABLE_W: Final = 1e4
"""The largest sensors take some hundred watts."""
WAVELENGTH_TOLERANCE_NM: Final = 0.5
MOST_AVERAGES: Final = 10_000
SAMPLE_S: Final = 0.003
USED_PART_OF_TIMEOUT: Final = 0.7
LARGEST_ATTENUATION_DB: Final = 60.0
ATTENUATION_TOLERANCE_DB: Final = 0.01
MOST_ERRORS: Final = 32
POLL_S: Final = 0.1


class PM100D(InStep, ThorlabsPM100USB):
    """A PM100D with its sensor; fills the role PowerMeter. Measures only: always safe.

    Connecting reads; only a ``wavelength`` that is given is set.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param wavelength: of the light to be measured, nm; None: the program sets it before it reads.
    :param timeout: longest wait for an answer, s; limits the averages (3 ms each).
    :param zero_timeout: longest time a zero adjustment may take, s.
    :raises WrongInstrument: if something else than a PM100 answers.
    :raises InstrumentRefused: if no power sensor is connected.
    """

    bench_advice = _bench_advice.PM100D

    def __init__(
        self,
        resource: Resource,
        name: str = "PM100D",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        wavelength: Annotated[float, Interval(ge=100.0, le=30_000.0)] | None = None,
        timeout: Annotated[float, Interval(ge=0.2, le=60.0)] = 2.0,
        zero_timeout: Annotated[float, Interval(ge=1.0, le=300.0)] = 60.0,
    ) -> None:
        if wavelength is not None:
            within(f"{name} wavelength (nm)", wavelength, 100.0, 30_000.0)
        self._timeout = within(f"{name} timeout (s)", timeout, 0.2, 60.0)
        self._zero_timeout = within(f"{name} zero_timeout (s)", zero_timeout, 1.0, 300.0)
        self._clock = clock or RealClock()
        self._chosen: float | None = None
        self._zeroing = False
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\n",
            read_termination="\n",
            timeout=round(self._timeout * 1000),
        )
        with released_on_failure(adapter):
            # Passes over SCPIUnknownMixin, whose only work is to warn that it does not know SCPI.
            super(SCPIUnknownMixin, self).__init__(adapter, name)
            if not re.fullmatch(IDENTITY, self._identify(IDENTITY)):
                raise WrongInstrument(name, f"{self._identity!r} answers here, not a PM100D.")
            self._read_error_queue()
            self._set_flags()
            if not self.is_power_sensor:
                raise InstrumentRefused(name, f"{self.sensor_name} is not a power sensor.")
            if wavelength is not None:
                self.wavelength = wavelength

    @property
    def identity(self) -> str:
        """Get the meter's maker, model, serial number, firmware, and its sensor (str)."""
        return f"{self._identity}; sensor {self.sensor_name} {self.sensor_serial}"

    @property
    def sensor_serial(self) -> str:
        """Get the sensor's serial number (str)."""
        return _text(self.sensor_sn)

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Get the shortest and longest wavelength of the sensor, nm."""
        return float(self.wavelength_min), float(self.wavelength_max)

    @property
    def wavelength(self) -> float:
        """Control the wavelength for which the meter converts to watts, nm.

        :raises LimitError: outside :attr:`wavelength_range`; nothing is sent.
        :raises InstrumentRefused: if the meter does not take it.
        """
        return self._number("SENSE:CORR:WAV?")

    @wavelength.setter
    def wavelength(self, nanometres: float) -> None:
        field = f"{self.name} wavelength (nm)"
        nanometres = real(field, nanometres)
        if not self.wavelength_settable:
            raise InstrumentRefused(self.name, f"{self.sensor_name} has no wavelength to set.")
        lowest, highest = self.wavelength_range
        advice = f"These are the limits of the sensor {self.sensor_name}."
        within(field, nanometres, lowest, highest, advice)
        self._chosen = None
        self._command(f"SENSE:CORR:WAV {nanometres:g}")
        self._command("SENS:POW:UNIT W")
        kept = self.wavelength
        if abs(kept - nanometres) > WAVELENGTH_TOLERANCE_NM:
            raise InstrumentRefused(self.name, f"is at {kept:g} nm instead of {nanometres:g} nm.")
        self._chosen = kept

    @property
    def power(self) -> float:
        """Measure the optical power, W, averaged as :attr:`averages` says.

        :raises ConfigurationError: if :attr:`wavelength` has not been set since connecting.
        :raises InstrumentRefused: if the power is out of range, or somebody changed wavelength or
            unit at the meter.
        """
        self._require_known_scale()
        watts = self._number("MEAS:POW?")
        if abs(watts) >= OUT_OF_RANGE or self.doubts:
            raise InstrumentRefused(
                self.name, "the power is out of the present range, or beyond what the sensor takes."
            )
        if abs(watts) > HIGHEST_BELIEVABLE_W:
            raise GarbledAnswer(self.name, f"no sensor measures {watts:g} W.")
        return watts

    @property
    def doubts(self) -> tuple[str, ...]:
        """Get what the meter calls questionable of its last reading: voltage, current, power."""
        condition = int(self.ask("STAT:QUES:COND?"))
        return tuple(words for bit, words in DOUBTS.items() if condition & bit)

    @property
    def energy(self) -> float:
        """Refused: this class measures power only.

        :raises ConfigurationError: always.
        """
        raise ConfigurationError(f"{self.name}: pulse energies are not measured by this driver.")

    @property
    def averages(self) -> int:
        """Control how many samples of about 3 ms a reading averages, 1 to 10000.

        :raises LimitError: also if they would last longer than 0.7 of the time-out.
        :raises InstrumentRefused: if the meter does not take the number.
        """
        return int(self.ask("SENS:AVER:COUN?"))

    @averages.setter
    def averages(self, number: int) -> None:
        most = min(MOST_AVERAGES, int(USED_PART_OF_TIMEOUT * self._timeout / SAMPLE_S))
        advice = "A longer timeout in the bench file allows more." if most < MOST_AVERAGES else ""
        number = whole(f"{self.name} averages", number, 1, most, advice)
        self._command(f"SENS:AVER:COUN {number}")
        if (kept := self.averages) != number:
            raise InstrumentRefused(self.name, f"averages {kept} samples instead of {number}.")

    @property
    def auto_range(self) -> bool:
        """Control whether the meter chooses its range itself (bool)."""
        return self.ask("SENS:POW:RANG:AUTO?") == "1"

    @auto_range.setter
    def auto_range(self, automatic: bool) -> None:
        automatic = truth(f"{self.name} auto_range", automatic)
        self._command(f"SENS:POW:RANG:AUTO {int(automatic)}")
        if self.auto_range != automatic:
            raise InstrumentRefused(self.name, "does not take the choice of automatic range.")

    @property
    def power_range(self) -> float:
        """Control the largest power to be measured, W; the meter takes its next larger range.

        Setting it ends the automatic choice.

        :raises LimitError: if it is not a finite number above 0.
        :raises InstrumentRefused: if the meter has no range that is large enough.
        """
        return self._number("SENS:POW:RANG:UPP?")

    @power_range.setter
    def power_range(self, watts: float) -> None:
        watts = above_zero(f"{self.name} power_range (W)", watts)
        self.auto_range = False
        self._command(f"SENS:POW:RANG:UPP {watts:.6E}")
        if (kept := self.power_range) < watts * (1 - 1e-3):
            raise InstrumentRefused(self.name, f"its range is {kept:g} W, below {watts:g} W.")

    @property
    def attenuation(self) -> float:
        """Control the loss before the sensor that the meter adds to its readings, -60 to 60 dB.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if the meter does not take it.
        """
        return self._number("SENS:CORR:LOSS?")

    @attenuation.setter
    def attenuation(self, decibels: float) -> None:
        largest = LARGEST_ATTENUATION_DB
        decibels = within(f"{self.name} attenuation (dB)", decibels, -largest, largest)
        self._command(f"SENS:CORR:LOSS {decibels:g}")
        if abs((kept := self.attenuation) - decibels) > ATTENUATION_TOLERANCE_DB:
            raise InstrumentRefused(self.name, f"adds {kept:g} dB instead of {decibels:g} dB.")

    @property
    def zero_offset(self) -> float:
        """Get the dark value that the last zero adjustment stored, in the sensor's own unit."""
        return self._number("SENS:CORR:COLL:ZERO:MAGN?")

    def zero(self, *, beam_blocked: bool) -> float:
        """Take what the sensor sees now as darkness; return the value stored (sensor's unit).

        :param beam_blocked: must be True: the caller has blocked all beams onto the sensor.
        :raises ConfigurationError: if it is not; nothing is sent.
        :raises InstrumentTimeout: if it lasts longer than ``zero_timeout``; it is then aborted.
        """
        if beam_blocked is not True:
            raise ConfigurationError(
                f"{self.name}: block the beam, then zero with beam_blocked=True."
            )
        deadline = self._clock.now() + self._zero_timeout
        self._zeroing = True
        self._command("SENS:CORR:COLL:ZERO:INIT")
        while self.ask("SENS:CORR:COLL:ZERO:STAT?") == "1":
            if self._clock.now() >= deadline:
                self.make_safe()
                raise InstrumentTimeout(
                    self.name, f"zeroing took longer than {self._zero_timeout:g} s; aborted."
                )
            self._clock.sleep(POLL_S)
        self._zeroing = False
        self.check_errors()
        log.info("%s: zero adjusted to %g.", self.name, offset := self.zero_offset)
        return offset

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what decides how a reading is made, and the sensor."""
        return {
            "sensor": _text(self.sensor_name),
            "sensor_serial": self.sensor_serial,
            "sensor_calibration": _text(self.sensor_cal_msg),
            "wavelength_nm": self.wavelength,
            "wavelength_set_by_program": self._chosen is not None,
            "unit": self.ask("SENS:POW:UNIT?"),
            "averages": self.averages,
            "auto_range": self.auto_range,
            "power_range_W": self.power_range,
            "attenuation_dB": self.attenuation,
            "zero_offset": self.zero_offset,
        }

    def make_safe(self) -> None:
        """Abort a zero adjustment that was begun; there is nothing else to make safe."""
        if self._zeroing:
            self._command("SENS:CORR:COLL:ZERO:ABOR")
            self._zeroing = False

    def shutdown(self) -> None:
        """Release the port; the first time only."""
        self.end_use(self.make_safe)

    def ask(self, command: str, _query_delay: float | None = None) -> str:
        """Send a question and return its answer, without white space around it.

        :raises GarbledAnswer: if it cannot be the answer to this question.
        """
        return self._question(command, ANSWERS.get(command, NUMBER))

    def check_errors(self) -> list[Any]:
        """Read the error queue until it is empty.

        :raises InstrumentRefused: if there was anything in it.
        """
        if errors := self._read_error_queue():
            raise InstrumentRefused(self.name, "; ".join(errors))
        return []

    def _question_once(self, question: str, pattern: str, *, surplus_allowed: bool = True) -> str:
        answer = super()._question_once(question, pattern, surplus_allowed=surplus_allowed)
        limits = LIMITS.get(question)
        if limits is not None and not limits[0] <= float(answer) <= limits[1]:
            raise GarbledAnswer(self.name, f"{question!r} was answered by {answer!r}.")
        return answer

    def _explain(self, question: str) -> None:
        if errors := self._read_error_queue():
            raise InstrumentRefused(self.name, f"{question!r} was refused: {'; '.join(errors)}.")

    def _command(self, command: str) -> None:
        self._order(command)
        self._explain(command)

    def _read_error_queue(self) -> list[str]:
        """Return all errors of the queue, which is empty afterwards."""
        errors: list[str] = []
        while int((entry := self._question_once("SYST:ERR?", ERROR)).partition(",")[0]) != 0:
            errors.append(entry)
            if len(errors) >= MOST_ERRORS:
                raise GarbledAnswer(self.name, f"its error queue has no end: {entry!r}.")
        return errors

    def _number(self, question: str) -> float:
        value = float(self.ask(question))
        if not math.isfinite(value):
            raise GarbledAnswer(self.name, f"{question!r} was answered by {value}.")
        return value

    def _require_known_scale(self) -> None:
        if self.wavelength_settable:
            if self._chosen is None:
                raise ConfigurationError(
                    f"{self.name}: set the wavelength of the light (nm) before reading its power."
                )
            if abs((now := self.wavelength) - self._chosen) > WAVELENGTH_TOLERANCE_NM:
                raise InstrumentRefused(
                    self.name,
                    f"is at {now:g} nm although {self._chosen:g} nm was set. Set it once more.",
                )
        if (unit := self.ask("SENS:POW:UNIT?").upper()) != "W":
            raise InstrumentRefused(
                self.name, f"measures in {unit}. Choose W at the meter or set the wavelength anew."
            )

    def _set_flags(self) -> None:
        """Read what the sensor is and can, before PyMeasure interprets it."""
        answer = self.ask("SYST:SENSOR:IDN?")
        if re.fullmatch(NO_SENSOR, answer):
            raise InstrumentRefused(self.name, "no sensor is connected.")
        if int(answer.rpartition(",")[2]) > HIGHEST_FLAGS:
            raise GarbledAnswer(self.name, f"unknown sensor flags in {answer!r}.")
        super()._set_flags()


def _text(value: object) -> str:
    """Return an entry of the sensor's identity as text; PyMeasure makes digits a float."""
    return f"{value:.0f}" if isinstance(value, float) else str(value).strip().strip('"')

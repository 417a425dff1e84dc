"""Thorlabs PM100D optical power meter with a photodiode sensor, as bytes.

Source: Thorlabs PM100D operation manual, SCPI commands (chapter 6.4): keywords in their short or
long form, upper or lower case, several commands on a line separated by semicolons, each line ended
by LF (CR before it is accepted). ``SYST:SENS:IDN?`` gives name, serial number, calibration, type,
subtype and flags. A reading averages ``AVER:COUN`` samples of about 3 ms. A query whose answer
nobody reads leaves it in front of the next one.

The sensor gives a current: incident power times its responsivity, which depends on the wavelength.
The meter divides by the responsivity at the wavelength it was *told*, so that a wrong wavelength
makes every reading wrong by the ratio. ``ZERO`` takes whatever current flows for darkness.

UNVERIFIED on hardware: the texts of errors (numbers and words are those of the SCPI standard), that
an error ends its line and that a measurement without a sensor gives no answer; the ranges (decades
of 50 nA to 5 mA, told as powers at the set wavelength), and that a range is rounded up to the next
there is; 9.9E37 for a reading above range; the bits of the questionable condition register (here 8,
power, while the last reading was above range); the duration of zeroing (here 1 s, even in bright
light, which spoils all readings); that ``*RST`` keeps the zero; the largest averaging count.

A frequency is that at which the light crosses its mean, counted for a second. The sensor's
temperature is told if its flags say that it has a thermometer.

Checked against PyMeasure's ThorlabsPM100USB. Not simulated: energy, and the analogue output.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np

from labcool.clock import Clock
from simulators._pm100d_panel import SWITCH, Panel, Register
from simulators._pm100d_scpi import (
    ErrorQueue,
    Getter,
    Message,
    ScpiError,
    Setter,
    choice,
    hardware_missing,
    header_pattern,
    limits_or,
    number,
    plain,
    refuse,
    scientific,
    told,
    undefined_header,
)
from simulators._pm100d_sensor import RANGES_A, Sensor, range_that_holds, responsivity
from simulators.device import LineDevice, Switch

OVER_RANGE: Final = 9.9e37

_SAMPLE_S: Final = 0.003
_ZEROING_S: Final = 1.0
_ANSWER_TIME_S: Final = 0.002
_OVERLOAD_W: Final = 1e6
_LOOKS_PER_READING: Final = 32
_LARGEST_COUNT: Final = 10_000
_LARGEST_LOSS_DB: Final = 60.0
_STANDARD_WAVELENGTH_NM: Final = 635.0
_QUESTIONABLE_POWER: Final = 8
_ZEROING, _MEASURING = 1, 16
_HOUSING_CELSIUS: Final = 24.3
_GATE_S: Final = 1.0
_LOOKS_PER_GATE: Final = 4096
_TEMPERATURE_FLAG: Final = 256
_POWER_ON, _COMMAND_ERROR, _EXECUTION_ERROR, _COMPLETE = 128, 32, 16, 1
_ERROR_AVAILABLE, _MESSAGE_AVAILABLE = 4, 16
_UNITS: Final = {"W": 0, "DBM": 1}

_MEASURE: Final = header_pattern("MEASure[:SCALar][:POWer]"), header_pattern("READ")
_MEASURE_FREQUENCY: Final = header_pattern("MEASure[:SCALar]:FREQuency")


class PM100D(LineDevice):
    """PM100D with its standard settings: automatic range, one sample, watts.

    :param power: power on the sensor (W) by moment (s).
    :param wavelength: of that light, nm.
    :param dark_current: that flows without any light, A.
    :param noise: rms of a single sample, relative to the range.
    :param rng: draws the noise.
    :param sensor: what is plugged in.
    :param serial: serial number of the meter.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        power: Callable[[float], float],
        wavelength: float,
        dark_current: float = 1e-9,
        noise: float = 1e-5,
        rng: np.random.Generator | None = None,
        sensor: Sensor | None = None,
        serial: str = "P0000001",
    ) -> None:
        super().__init__(clock, terminator=b"\n", limit=512)
        self.sensor_connected = True
        self._surplus_W = 0.0
        self.wavelength = wavelength
        self._power = power
        self._dark_current = dark_current
        self._noise = noise
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._sensor = sensor or Sensor()
        self._identity = f"Thorlabs,PM100D,{serial},2.7.0"
        self._errors = ErrorQueue()
        self.panel = Panel()
        self._operation = Register(self._operating)
        self._questionable = Register(self._doubts)
        self._events = _POWER_ON
        self._enables = {"*ESE": 0, "*SRE": 0}
        self._zero = 0.0
        self._zeroing: int | None = None
        self._is_measuring = False
        self._is_above_range = False
        self._last_reading = OVER_RANGE
        self._waiting: deque[tuple[str, str]] = deque()
        self._reset()
        self._commands = [
            (header_pattern(header), setter, getter)
            for header, setter, getter in self._command_table()
        ]

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: its sensor is unplugged, or gets far too much light."""
        return self._by_attribute(sensor_open="sensor_unplugged", saturation="overloaded")

    @property
    def sensor_unplugged(self) -> bool:
        """Control whether the sensor is unplugged."""
        return not self.sensor_connected

    @sensor_unplugged.setter
    def sensor_unplugged(self, unplugged: bool) -> None:
        self.sensor_connected = not unplugged

    @property
    def overloaded(self) -> bool:
        """Control whether far more light comes than the largest range takes."""
        return self._surplus_W > 0

    @overloaded.setter
    def overloaded(self, overloaded: bool) -> None:
        self._surplus_W = _OVERLOAD_W if overloaded else 0.0

    def _begin_anew(self) -> None:
        """Start with the standard settings; the zero is stored."""
        self._reset()
        self._errors.clear()
        self._events = _POWER_ON
        self._enables = {"*ESE": 0, "*SRE": 0}
        self._zeroing = None
        self._is_measuring = self._is_above_range = False
        self._last_reading = OVER_RANGE
        self._waiting.clear()

    def _reset(self) -> None:
        self._set_wavelength = _STANDARD_WAVELENGTH_NM
        self._count = 1
        self._loss = 0.0
        self._range = len(RANGES_A) - 1
        self._is_automatic = True
        self._unit = 0
        self._low_bandwidth = 1
        self.panel.reset()

    def _command_table(self) -> list[tuple[str, Setter | None, Getter | None]]:
        zero = "[SENSe:]CORRection:COLLect:ZERO"
        power = "[SENSe:]POWer[:DC]"
        return [
            ("*IDN", None, told(lambda: self._identity)),
            ("*RST", plain(self._reset), None),
            ("*CLS", plain(self._clear), None),
            ("*ESR", None, told(self._tell_events)),
            ("*STB", None, told(lambda: str(self._status_byte()))),
            ("*ESE", self._enabler("*ESE"), told(lambda: str(self._enables["*ESE"]))),
            ("*SRE", self._enabler("*SRE"), told(lambda: str(self._enables["*SRE"]))),
            ("*OPC", plain(self._complete), told(lambda: "1")),
            ("*TST", None, told(lambda: "0")),
            ("*WAI", plain(lambda: None), None),
            ("SYSTem:ERRor[:NEXT]", None, told(self._errors.take)),
            ("SYSTem:VERSion", None, told(lambda: "1999.0")),
            ("SYSTem:SENSor:IDN", None, told(self._tell_sensor)),
            ("STATus:PRESet", plain(self._preset), None),
            *self._operation.commands("STATus:OPERation"),
            *self._questionable.commands("STATus:QUEStionable"),
            *self.panel.commands(),
            ("MEASure[:SCALar]:TEMPerature", None, told(self._tell_temperature)),
            ("CONFigure[:SCALar][:POWer]", plain(lambda: None), None),
            ("CONFigure", None, told(lambda: "POW")),
            ("INITiate[:IMMediate]", plain(self._measure), None),
            ("FETCh", None, told(lambda: scientific(self._last_reading))),
            ("[SENSe:]CORRection:WAVelength", self._tune, self._tell_wavelength),
            ("[SENSe:]CORRection:LOSS[:INPut[:MAGNitude]]", self._set_loss, self._tell_loss),
            (
                "[SENSe:]CORRection:POWer[:PDIode][:RESPonse]",
                None,
                told(lambda: scientific(responsivity(self._set_wavelength))),
            ),
            (f"{zero}[:INITiate]", plain(self._start_zeroing), None),
            (f"{zero}:ABORt", plain(self._abort_zeroing), None),
            (f"{zero}:STATe", None, told(lambda: f"{self._zeroing is not None:d}")),
            (f"{zero}:MAGNitude", None, told(lambda: scientific(self._zero))),
            ("[SENSe:]AVERage[:COUNt]", self._set_count, self._tell_count),
            (f"{power}:RANGe[:UPPer]", self._set_range, self._tell_range),
            (f"{power}:RANGe:AUTO", self._set_automatic, told(lambda: f"{self._is_automatic:d}")),
            (f"{power}:UNIT", self._set_unit, told(lambda: ("W", "DBM")[self._unit])),
            (
                "INPut[:PDIode]:FILTer[:LPASs][:STATe]",
                self._set_bandwidth,
                told(lambda: str(self._low_bandwidth)),
            ),
        ]

    def _handle(self, line: bytes) -> None:
        path = ""
        for text in line.decode("latin-1").split(";"):
            if text.strip():
                self._waiting.append((text.strip(), path))
                path = Message.parse(text, path).path
        self._waiting.append(("", ""))
        self._work()

    def _work(self) -> None:
        while self._waiting and not self._is_measuring:
            text, path = self._waiting.popleft()
            try:
                if text:
                    self._obey(Message.parse(text, path))
            except ScpiError as error:
                self._report(error)
                while self._waiting.popleft()[0]:
                    pass

    def _obey(self, message: Message) -> None:
        if message.is_query and any(form.fullmatch(message.header) for form in _MEASURE):
            refuse(message.parameter)
            self._measure(answers=True)
            return
        if message.is_query and _MEASURE_FREQUENCY.fullmatch(message.header):
            refuse(message.parameter)
            self._count_crossings()
            return
        for pattern, setter, getter in self._commands:
            if pattern.fullmatch(message.header):
                if message.is_query and getter:
                    self._answer(getter(message.parameter))
                    return
                if not message.is_query and setter:
                    setter(message.parameter)
                    return
        raise undefined_header()

    def _handle_overrun(self) -> None:
        self._report(ScpiError(-363, "Input buffer overrun"))

    def _report(self, error: ScpiError) -> None:
        self._errors.put(error)
        self._events |= _COMMAND_ERROR if error.code > -200 else _EXECUTION_ERROR

    def _answer(self, text: str) -> None:
        self._send(f"{text}\n".encode(), _ANSWER_TIME_S)

    def _clear(self) -> None:
        self._errors.clear()
        self._events = 0
        self._operation.clear()
        self._questionable.clear()

    def _complete(self) -> None:
        self._events |= _COMPLETE

    def _tell_events(self) -> str:
        events, self._events = self._events, 0
        return str(events)

    def _status_byte(self) -> int:
        byte = _ERROR_AVAILABLE if len(self._errors) else 0
        byte |= _MESSAGE_AVAILABLE if self._outbox else 0
        return byte | (32 if self._events & self._enables["*ESE"] else 0)

    def _enabler(self, register: str) -> Setter:
        def enable(parameter: str) -> None:
            self._enables[register] = round(number(parameter, 0, 255, 0))

        return enable

    def _tell_sensor(self) -> str:
        return self._sensor.identity if self.sensor_connected else "no sensor,,,0,0,0"

    def _doubts(self) -> int:
        return _QUESTIONABLE_POWER if self._is_above_range else 0

    def _operating(self) -> int:
        zeroing = self._zeroing is not None
        return _ZEROING * zeroing | _MEASURING * self._is_measuring

    def _preset(self) -> None:
        self._operation.preset()
        self._questionable.preset()

    def _look(self) -> None:
        self._operation.look()
        self._questionable.look()

    def _tell_temperature(self) -> str:
        if not (self.sensor_connected and self._sensor.flags & _TEMPERATURE_FLAG):
            raise hardware_missing()
        return scientific(_HOUSING_CELSIUS)

    def _tune(self, parameter: str) -> None:
        shortest, longest = self._sensor.shortest, self._sensor.longest
        self._set_wavelength = number(parameter, shortest, longest, _STANDARD_WAVELENGTH_NM)

    def _tell_wavelength(self, parameter: str) -> str:
        limits = (self._sensor.shortest, self._sensor.longest, _STANDARD_WAVELENGTH_NM)
        return scientific(limits_or(parameter, self._set_wavelength, *limits))

    def _set_loss(self, parameter: str) -> None:
        self._loss = number(parameter, -_LARGEST_LOSS_DB, _LARGEST_LOSS_DB, 0.0)

    def _tell_loss(self, parameter: str) -> str:
        limits = (-_LARGEST_LOSS_DB, _LARGEST_LOSS_DB, 0.0)
        return scientific(limits_or(parameter, self._loss, *limits))

    def _set_count(self, parameter: str) -> None:
        self._count = round(number(parameter, 1, _LARGEST_COUNT, 1))

    def _tell_count(self, parameter: str) -> str:
        return str(round(limits_or(parameter, self._count, 1, _LARGEST_COUNT, 1)))

    def _set_range(self, parameter: str) -> None:
        tops = [self._as_power(top) for top in RANGES_A]
        wanted = number(parameter, 0.0, tops[-1], tops[-1])
        self._range = next(index for index, top in enumerate(tops) if wanted <= top)
        self._is_automatic = False

    def _tell_range(self, parameter: str) -> str:
        top = self._as_power(RANGES_A[self._range])
        lowest, highest = self._as_power(RANGES_A[0]), self._as_power(RANGES_A[-1])
        return scientific(limits_or(parameter, top, lowest, highest, highest))

    def _set_automatic(self, parameter: str) -> None:
        self._is_automatic = bool(choice(parameter, SWITCH))

    def _set_unit(self, parameter: str) -> None:
        self._unit = choice(parameter, _UNITS)

    def _set_bandwidth(self, parameter: str) -> None:
        self._low_bandwidth = choice(parameter, SWITCH)

    def _as_power(self, current: float) -> float:
        """Return the power (W) that the meter takes a current (A) for."""
        return float(current / responsivity(self._set_wavelength) * 10 ** (self._loss / 10))

    def _current(self, begin: float, end: float) -> float:
        """Return the mean current (A) that the sensor gives between two moments."""
        looks = min(_LOOKS_PER_READING, max(1, round((end - begin) / _SAMPLE_S)))
        moments = [begin + (end - begin) * (look + 0.5) / looks for look in range(looks)]
        mean = sum(map(self._power, moments)) / looks + self._surplus_W
        return mean * responsivity(self.wavelength) + self._dark_current

    def _measure(self, *, answers: bool = False) -> None:
        if not self.sensor_connected:
            raise hardware_missing()
        begin = self._now

        def finish(end: float) -> None:
            self._last_reading = self._reading(self._current(begin, end))
            self._is_measuring = False
            self._look()
            if answers:
                self._answer(scientific(self._last_reading))
            self._work()

        self._is_measuring = True
        self._look()
        self._appoint(begin + self._count * _SAMPLE_S, finish)

    def _count_crossings(self) -> None:
        """Answer, a second later, how often the power has risen through its mean, Hz."""
        if not self.sensor_connected:
            raise hardware_missing()
        begin = self._now

        def finish(_: float) -> None:
            step = _GATE_S / _LOOKS_PER_GATE
            powers = [self._power(begin + look * step) for look in range(_LOOKS_PER_GATE)]
            mean = sum(powers) / _LOOKS_PER_GATE
            rises = sum(a <= mean < b for a, b in pairwise(powers))
            self._is_measuring = False
            self._answer(scientific(rises / _GATE_S))
            self._work()

        self._is_measuring = True
        self._appoint(begin + _GATE_S, finish)

    def _reading(self, current: float) -> float:
        """Return what the meter shows for a mean current (A)."""
        holds = range_that_holds(current)
        if self._is_automatic:
            self._range = len(RANGES_A) - 1 if holds is None else holds
        self._is_above_range = holds is None or holds > self._range
        if self._is_above_range:
            return OVER_RANGE
        spread = self._noise * RANGES_A[self._range] / math.sqrt(self._count)
        noisy = current + spread * float(self._rng.standard_normal())
        power = self._as_power(noisy - self._zero)
        if self._unit == _UNITS["W"]:
            return power
        return 10 * math.log10(power / 1e-3) if power > 0 else -OVER_RANGE

    def _start_zeroing(self) -> None:
        if not self.sensor_connected:
            raise hardware_missing()
        self._abort_zeroing()
        begin = self._now

        def finish(end: float) -> None:
            self._zeroing = None
            self._zero = self._current(begin, end)
            self._look()

        self._zeroing = self._appoint(begin + _ZEROING_S, finish)
        self._look()

    def _abort_zeroing(self) -> None:
        self._cancel(self._zeroing)
        self._zeroing = None

    @property
    def _now(self) -> float:
        return self.clock.now() if self._acting_at is None else self._acting_at

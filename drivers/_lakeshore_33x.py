"""The commands that the Models 335 and 336 share and a 331 does not have, or has otherwise."""

from __future__ import annotations

from typing import ClassVar, Final

from drivers._lakeshore_setup import LakeShoreSetup, _numbers, _pid
from drivers._lakeshore_words import (
    AUTOTUNES,
    INPUTS,
    OPERATION,
    OUTPUT_MODES,
    RANGES,
    SENSORS,
    UNITS,
    Alarm,
    InputType,
    OutputMode,
    Tuning,
    Zone,
    bits,
    fields,
    flag,
    name_of,
    number,
    whole,
    words,
)
from drivers._wire import within
from labcool.errors import InstrumentRefused, LimitError

INPUT_CODES: Final = dict(enumerate(INPUTS))
LONGEST_NAME: Final = 15


class LakeShore33x(LakeShoreSetup):
    """A Model 335 or 336."""

    SENSORS: ClassVar[dict[int, str]] = SENSORS

    def _range_question(self, output: int) -> str:
        return f"RANGE? {output}"

    def _range_command(self, output: int, code: int) -> str:
        return f"RANGE {words(output, code)}"

    def _heater_status_question(self) -> str:
        return f"HTRST? {self._output}"

    def _loop_mode_and_unit(self) -> tuple[str, str, str]:
        def parse(mode: str, sensor: str) -> tuple[str, str, str]:
            found = _output_mode(mode)
            return found.mode, found.input, _input_type(sensor).unit

        return self._ask(parse, f"OUTMODE? {self._output}", f"INTYPE? {self._input}")

    @property
    def output_mode(self) -> OutputMode:
        """Control what the output does, ``OUTMODE``. Open loop heats at the manual output."""
        return self._ask(_output_mode, f"OUTMODE? {self._output}")

    @output_mode.setter
    def output_mode(self, wanted: OutputMode) -> None:
        mode = self._code("output mode", wanted.mode, OUTPUT_MODES)
        allowed = {code: name for code, name in INPUT_CODES.items() if name in self._control_inputs}
        control_input = self._code("control input", wanted.input, allowed)
        self._started = self._started or wanted.mode != "off"
        self._tell(f"OUTMODE {words(self._output, mode, control_input, wanted.powerup)}")

    @property
    def input_type(self) -> InputType:
        """Control sensor and preferred unit of the input, ``INTYPE``."""
        return self._ask(_input_type, f"INTYPE? {self._input}")

    @input_type.setter
    def input_type(self, wanted: InputType) -> None:
        sensor = self._code("sensor", wanted.sensor, self.SENSORS)
        unit = self._code("unit", wanted.unit, UNITS)
        self._whole("sensor range", wanted.range, 0, 8)
        chosen = 0 if wanted.autorange else wanted.range
        text = words(self._input, sensor, wanted.autorange, chosen, wanted.compensation, unit)
        self._tell(f"INTYPE {text}")

    @property
    def temperature_limit(self) -> float:
        """Control the input's limit, ``TLIMIT``, K; above it the controller ends all heating.

        The only guard that works without a computer. 0: off.
        """
        return self._ask(number, f"TLIMIT? {self._input}")

    @temperature_limit.setter
    def temperature_limit(self, kelvin: float) -> None:
        limit = self._check_temperature("temperature limit", kelvin)
        self._tell(f"TLIMIT {words(self._input, limit)}")

    def zone(self, number_: int) -> Zone:
        """Return line 1 to 10 of the output's zone table, ``ZONE?``."""
        self._whole("zone", number_, 1, 10)
        return self._ask(_zone, f"ZONE? {self._output},{number_}")

    def set_zone(self, number_: int, zone: Zone) -> None:
        """Set line 1 to 10 of the output's zone table, ``ZONE``.

        :raises LimitError: if a value is out of range; nothing has been sent.
        """
        self._whole("zone", number_, 1, 10)
        upper = self._check_temperature("zone's upper bound", zone.upper)
        self._check_pid(zone.pid)
        manual = within(f"{self.name} manual output (%)", float(zone.manual), 0.0, 100.0)
        heater_range = self._code("heater range", zone.heater_range, RANGES)
        rate = self._checked_rate(zone.rate)
        allowed = {code: name for code, name in INPUT_CODES.items() if name in self._control_inputs}
        control_input = self._code("control input", zone.input, allowed)
        pid = _numbers(zone.pid)
        line = words(self._output, number_, upper, *pid, manual, heater_range, control_input, rate)
        self._tell(f"ZONE {line}")

    def autotune(self, kind: str) -> None:
        """Start autotuning of the loop: P, PI or PID, ``ATUNE``; see :attr:`tuning`.

        :raises InstrumentRefused: if the controller does not begin.
        """
        code = self._code("autotune", kind, AUTOTUNES)
        self._require_closed_loop()
        self._started = True
        self._tell(f"ATUNE {words(self._output, code)}", again=False)
        tuning = self.tuning
        if tuning.failed:
            raise InstrumentRefused(self.name, f"autotuning failed in stage {tuning.stage}.")

    @property
    def tuning(self) -> Tuning:
        """Get the state of autotuning, ``TUNEST?``."""
        return self._ask(_tuning, "TUNEST?")

    @property
    def input_name(self) -> str:
        """Control the name of the input, ``INNAME``: up to 15 characters, no quotation marks."""
        return self._ask(_name, f"INNAME? {self._input}")

    @input_name.setter
    def input_name(self, wanted: str) -> None:
        if len(wanted) > LONGEST_NAME or not wanted.isascii() or not wanted.isprintable():
            raise LimitError(f"{self.name} input name", wanted, "up to 15 printable characters")
        if set(wanted) & set("\";,'"):
            raise LimitError(f"{self.name} input name", wanted, "without quotes, commas and ';'")
        self._tell(f'INNAME {self._input},"{wanted}"')

    @property
    def alarm(self) -> Alarm | None:
        """Control the alarm of the input, ``ALARM``; None: off."""
        return self._ask(_alarm, f"ALARM? {self._input}")

    @alarm.setter
    def alarm(self, wanted: Alarm | None) -> None:
        if wanted is None:
            self._tell(f"ALARM {self._input},0,,,,,,")
            return
        high = self._check_temperature("high alarm", wanted.high)
        low = self._check_temperature("low alarm", wanted.low)
        deadband = self._check_temperature("deadband", wanted.deadband)
        switches = (wanted.latched, wanted.audible, wanted.visible)
        self._tell(f"ALARM {words(self._input, True, high, low, deadband, *switches)}")

    @property
    def operation_status(self) -> str:
        """Get the operational status, ``OPST?``, in words."""
        return bits(self._ask(whole, "OPST?"), OPERATION)

    @property
    def operation_events(self) -> str:
        """Get what has happened since this was last asked, ``OPSTR?``, in words; clears it."""
        return bits(self._ask(whole, "OPSTR?"), OPERATION)

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return the state of input, output and loop, and the input's temperature limit."""
        return {**super().settings(), "temperature_limit_K": self.temperature_limit}

    @property
    def _control_inputs(self) -> tuple[str, ...]:
        return ("none", *self.INPUTS)


def _name(text: str) -> str:
    return text.strip('" ')


def _output_mode(text: str) -> OutputMode:
    mode, control_input, powerup = fields(text, 3)
    return OutputMode(
        name_of(mode, OUTPUT_MODES), name_of(control_input, INPUT_CODES), flag(powerup)
    )


def _input_type(text: str) -> InputType:
    sensor, autorange, sensor_range, compensation, unit = fields(text, 5)
    return InputType(
        name_of(sensor, SENSORS),
        flag(autorange),
        whole(sensor_range),
        flag(compensation),
        name_of(unit, UNITS),
    )


def _zone(text: str) -> Zone:
    upper, p, i, d, manual, heater_range, control_input, rate = fields(text, 8)
    return Zone(
        number(upper),
        _pid(f"{p},{i},{d}"),
        number(manual),
        name_of(heater_range, RANGES),
        name_of(control_input, INPUT_CODES),
        number(rate),
    )


def _alarm(text: str) -> Alarm | None:
    on, high, low, deadband, latched, audible, visible = fields(text, 7)
    if not flag(on):
        return None
    return Alarm(
        number(high), number(low), number(deadband), flag(latched), flag(audible), flag(visible)
    )


def _tuning(text: str) -> Tuning:
    active, _, failed, stage = fields(text, 4)
    return Tuning(flag(active), flag(failed), whole(stage))

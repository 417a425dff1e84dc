"""The commands that the Models 335 and 336 share and a 331 does not have, or has otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from drivers import _bench_advice
from drivers._lakeshore_loop import FASTEST_RAMP, HIGHEST_TEMPERATURE_K
from drivers._lakeshore_outputs import LakeShoreOutputs
from drivers._lakeshore_setup import _pid
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
    believable,
    bits,
    fields,
    flag,
    name_of,
    number,
    percent,
    whole,
    words,
)
from labcool.errors import InstrumentRefused, LimitError
from labcool.numbers import truth
from labcool.numbers import whole as checked_whole

INPUT_CODES: Final = dict(enumerate(INPUTS))
LONGEST_NAME: Final = 15
LIMIT_ROUNDING_K: Final = 0.051


class LakeShore33x(LakeShoreOutputs):
    """A Model 335 or 336."""

    bench_advice = _bench_advice.LAKESHORE

    SENSORS: ClassVar[dict[int, str]] = SENSORS

    def _heater_output_question(self) -> str:
        return f"HTR? {self._output}"

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
        """Control what the output does, ``OUTMODE``; read back.

        Open loop heats at the manual output.

        :raises LimitError: if there is no such mode or input; nothing has been sent.
        :raises InstrumentRefused: if the controller does not take it.
        """
        return self._ask(_output_mode, f"OUTMODE? {self._output}")

    @output_mode.setter
    def output_mode(self, wanted: OutputMode) -> None:
        wanted = self._a(OutputMode, "output_mode", wanted)
        mode = self._code("output mode", wanted.mode, OUTPUT_MODES)
        allowed = {code: name for code, name in INPUT_CODES.items() if name in self._control_inputs}
        control_input = self._code("control input", wanted.input, allowed)
        powerup = truth(f"{self.name} output_mode powerup", wanted.powerup)
        self._started = self._started or wanted.mode != "off"
        self._tell(f"OUTMODE {words(self._output, mode, control_input, powerup)}")
        self._confirm(lambda: self.output_mode == wanted, f"it does not take {wanted}")

    @property
    def input_type(self) -> InputType:
        """Control sensor and preferred unit of the input, ``INTYPE``; read back.

        With autorange, which range is read back is the controller's affair.

        :raises LimitError: if a value is not allowed; nothing has been sent.
        :raises InstrumentRefused: if the controller does not take it.
        """
        return self._ask(_input_type, f"INTYPE? {self._input}")

    @input_type.setter
    def input_type(self, wanted: InputType) -> None:
        field = f"{self.name} input_type"
        wanted = self._a(InputType, "input_type", wanted)
        sensor = self._code("sensor", wanted.sensor, self.SENSORS)
        unit = self._code("unit", wanted.unit, UNITS)
        autorange = truth(f"{field} autorange", wanted.autorange)
        compensation = truth(f"{field} compensation", wanted.compensation)
        range_ = checked_whole(f"{field} range", wanted.range, 0, 8)
        chosen = 0 if autorange else range_
        text = words(self._input, sensor, autorange, chosen, compensation, unit)
        self._tell(f"INTYPE {text}")

        def taken() -> bool:
            kept = self.input_type
            return kept == (replace(wanted, range=kept.range) if autorange else wanted)

        self._confirm(taken, f"it does not take {wanted}")

    @property
    def temperature_limit(self) -> float:
        """Control the input's limit, ``TLIMIT``, K; above it the controller ends all heating.

        The only guard that works without a computer; so it is read back. 0: off.

        :raises InstrumentRefused: if the controller does not take it.
        """
        return self._ask(
            lambda text: number(text, 0.0, HIGHEST_TEMPERATURE_K), f"TLIMIT? {self._input}"
        )

    @temperature_limit.setter
    def temperature_limit(self, kelvin: float) -> None:
        limit = self._checked_temperature("temperature_limit", kelvin)
        self._tell(f"TLIMIT {words(self._input, limit)}")
        self._confirm(
            lambda: abs(self.temperature_limit - limit) <= LIMIT_ROUNDING_K,
            f"it does not take the temperature limit {limit:g} K. NOTHING GUARDS THE SAMPLE",
        )

    def zone(self, number_: int) -> Zone:
        """Return line 1 to 10 of the output's zone table, ``ZONE?``."""
        number_ = checked_whole(f"{self.name} zone", number_, 1, 10)
        return self._ask(_zone, f"ZONE? {self._output},{number_}")

    def set_zone(self, number_: int, zone: Zone) -> None:
        """Set line 1 to 10 of the output's zone table, ``ZONE``.

        :raises LimitError: if a value is out of range; nothing has been sent.
        """
        number_ = checked_whole(f"{self.name} zone", number_, 1, 10)
        zone = self._a(Zone, "zone", zone)
        upper = self._checked_temperature("zone upper", zone.upper)
        pid = self._checked_pid(zone.pid, "zone pid")
        manual = self._checked_percent("zone manual", zone.manual)
        heater_range = self._code("heater range", zone.heater_range, RANGES)
        rate = self._checked_rate(zone.rate, "zone rate")
        allowed = {code: name for code, name in INPUT_CODES.items() if name in self._control_inputs}
        control_input = self._code("control input", zone.input, allowed)
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
        if not isinstance(wanted, str):
            raise LimitError(f"{self.name} input_name", wanted, "a text")
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
        wanted = self._a(Alarm, "alarm", wanted)
        high = self._checked_temperature("alarm high", wanted.high)
        low = self._checked_temperature("alarm low", wanted.low)
        deadband = self._checked_temperature("alarm deadband", wanted.deadband)
        switches = tuple(
            truth(f"{self.name} alarm {switch}", getattr(wanted, switch))
            for switch in ("latched", "audible", "visible")
        )
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

    def _sensor_settings(self) -> dict[str, int | str | bool]:
        sensor = self.input_type
        return {
            "sensor": sensor.sensor,
            "sensor_autorange": sensor.autorange,
            "sensor_range": sensor.range,
            "sensor_compensation": sensor.compensation,
        }

    @property
    def _control_inputs(self) -> tuple[str, ...]:
        return ("none", *self.INPUTS)


def _name(text: str) -> str:
    name = text.strip('" ')
    if len(name) > LONGEST_NAME:
        raise ValueError(f"{text!r} is longer than a name can be")
    return name


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
        whole(sensor_range, 8),
        flag(compensation),
        name_of(unit, UNITS),
    )


def _zone(text: str) -> Zone:
    upper, p, i, d, manual, heater_range, control_input, rate = fields(text, 8)
    return Zone(
        believable(upper),
        _pid(f"{p},{i},{d}"),
        percent(manual),
        name_of(heater_range, RANGES),
        name_of(control_input, INPUT_CODES),
        number(rate, 0.0, FASTEST_RAMP),
    )


def _alarm(text: str) -> Alarm | None:
    on, high, low, deadband, latched, audible, visible = fields(text, 7)
    levels = believable(high), believable(low), believable(deadband)
    alarm = Alarm(*levels, flag(latched), flag(audible), flag(visible))
    return alarm if flag(on) else None


def _tuning(text: str) -> Tuning:
    active, output, failed, stage = fields(text, 4)
    whole(output)
    return Tuning(flag(active), flag(failed), whole(stage))

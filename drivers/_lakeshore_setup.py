"""What a Lake Shore controller can be set up to do, besides ramping to a temperature.

Everything concerns the input and the output chosen on connecting.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Final, TypeVar

from drivers._lakeshore_loop import HIGHEST_TEMPERATURE_K, LakeShoreLoop
from drivers._lakeshore_words import (
    HEATER_STATES,
    READING_FAULTS,
    REMOTE_MODES,
    Filter,
    Pid,
    believable,
    bits,
    code_of,
    fields,
    flag,
    heater_percent,
    name_of,
    number,
    percent,
    whole,
    words,
)
from labcool.errors import LimitError
from labcool.numbers import truth, within
from labcool.numbers import whole as checked_whole

Kind = TypeVar("Kind")

LAST_CURVE: Final = 59
PID_ROUNDING: Final = 0.051


class LakeShoreSetup(LakeShoreLoop):
    """What all models can be set to in the same words."""

    @property
    def reading_status(self) -> str:
        """Get what is wrong with the reading, ``RDGST?``, in words; empty: nothing (str)."""
        return bits(self._ask(whole, f"RDGST? {self._input}"), READING_FAULTS)

    @property
    def sensor_value(self) -> float:
        """Measure the input in the sensor's own unit, ``SRDG?`` (V, Ω or mV)."""
        return self._ask(number, f"SRDG? {self._input}")

    @property
    def heater_output(self) -> float:
        """Measure the heater output, ``HTR?``, % of its range."""
        return self._ask(heater_percent, self._heater_output_question())

    @property
    def heater_status(self) -> str:
        """Get ``ok``, ``open load`` or ``short``, ``HTRST?``; asking may clear it (UNVERIFIED)."""
        return self._ask(lambda text: name_of(text, HEATER_STATES), self._heater_status_question())

    @property
    def heater_range(self) -> str:
        """Control the range of the output: off, low, medium, high (off, on for a voltage output).

        :raises LimitError: for any other value; nothing has been sent.
        :raises InstrumentRefused: if the output is not on, or not off, afterwards.
        """
        return self._ranges[self._range_code(self._output)]

    @heater_range.setter
    def heater_range(self, wanted: str) -> None:
        code = self._code("heater_range", wanted, self._ranges)
        self._started = self._started or code > 0
        self._target = None if code == 0 else self._target
        self._tell(self._range_command(self._output, code), again=code == 0)
        self._confirm(
            # A zone table chooses the range by itself.
            lambda: (self._range_code(self._output) > 0) == (code > 0),
            f"it does not take the heater range {wanted!r}",
        )

    @property
    def pid(self) -> Pid:
        """Control the PID values: P and I 0.1 to 1000, D 0 to 200 %; they are read back.

        :raises InstrumentRefused: if the controller does not take them.
        """
        return self._ask(_pid, f"PID? {self._output}")

    @pid.setter
    def pid(self, values: Pid) -> None:
        wanted = self._checked_pid(values)
        self._tell(f"PID {words(self._output, *wanted)}")

        def taken() -> bool:
            kept = self.pid
            pairs = zip((kept.p, kept.i, kept.d), wanted, strict=True)
            return all(abs(one - other) <= PID_ROUNDING for one, other in pairs)

        self._confirm(taken, f"it does not take P, I, D = {words(*wanted)}")

    @property
    def manual_output(self) -> float:
        """Control the manual output, ``MOUT``, 0 to 100 %; added to a closed loop's output."""
        return self._ask(percent, f"MOUT? {self._output}")

    @manual_output.setter
    def manual_output(self, percent: float) -> None:
        value = self._checked_percent("manual_output", percent)
        self._started = self._started or value > 0
        self._tell(f"MOUT {words(self._output, value)}")

    @property
    def curve(self) -> int:
        """Control the number of the input's curve, ``INCRV``: 0 none, 1 to 20 standard, then user.

        The controller uses 0 if the curve does not suit the sensor; this is read back.
        """
        return self._ask(lambda text: whole(text, LAST_CURVE), f"INCRV? {self._input}")

    @curve.setter
    def curve(self, curve: int) -> None:
        curve = checked_whole(f"{self.name} curve", curve, 0, LAST_CURVE)
        self._tell(f"INCRV {self._input},{curve}")
        self._confirm(lambda: self.curve == curve, f"curve {curve} does not suit the sensor")

    @property
    def averaging(self) -> Filter:
        """Control the averaging of the input, ``FILTER``."""
        return self._ask(_filter, f"FILTER? {self._input}")

    @averaging.setter
    def averaging(self, wanted: Filter) -> None:
        wanted = self._a(Filter, "averaging", wanted)
        on = truth(f"{self.name} averaging on", wanted.on)
        points = checked_whole(f"{self.name} averaging points", wanted.points, 2, 64)
        window = checked_whole(f"{self.name} averaging window (%)", wanted.window, 1, 10)
        self._tell(f"FILTER {words(self._input, on, points, window)}")

    @property
    def remote_mode(self) -> str:
        """Control ``MODE``: local, remote, or remote with lockout (of the front panel)."""
        return self._ask(lambda text: name_of(text, REMOTE_MODES), "MODE?")

    @remote_mode.setter
    def remote_mode(self, wanted: str) -> None:
        self._tell(f"MODE {self._code('remote mode', wanted, REMOTE_MODES)}")

    def reset_alarms(self) -> None:
        """Clear the states of all latched alarms, ``ALMRST``."""
        self._tell("ALMRST")

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        reading = self.reading_status
        told = [f"Input {self._input} reads no temperature: {reading}."] if reading else []
        if not self._is_voltage and (heater := self.heater_status) != "ok":
            told.append(f"The heater of output {self._output} reports: {heater}.")
        return tuple(told)

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return the state of input, output and loop; a value that is not there is NaN."""
        mode, control_input, unit = self._loop_mode_and_unit()
        status = self.reading_status
        temperature = math.nan if status else self._ask(believable, f"KRDG? {self._input}")
        pid, filter_ = self.pid, self.averaging
        on, rate = self._ramp()
        heater = {} if self._is_voltage else self._heater_settings()
        return {
            "input": self._input,
            "output": self._output,
            "temperature_K": temperature,
            "reading_status": status,
            "loop_mode": mode,
            "loop_input": control_input,
            "setpoint_unit": unit,
            "setpoint_K": self._setpoint() if unit == "K" else math.nan,
            "ramping": self.is_ramping,
            "ramp_on": on,
            "ramp_rate_K_per_min": rate,
            "heater_range": self.heater_range,
            "pid_p": pid.p,
            "pid_i": pid.i,
            "pid_d": pid.d,
            "manual_output_percent": self.manual_output,
            **self._sensor_settings(),
            "curve": self.curve,
            "filter_on": filter_.on,
            "filter_points": filter_.points,
            "filter_window_percent": filter_.window,
            "on_shutdown": self._on_shutdown,
            **heater,
        }

    def _heater_settings(self) -> dict[str, float | str]:
        return {"heater_output_percent": self.heater_output, "heater_status": self.heater_status}

    @abstractmethod
    def _sensor_settings(self) -> dict[str, int | str | bool]:
        """Return what kind of sensor the input is set to."""

    def _checked_pid(self, values: Pid, field: str = "pid") -> tuple[float, float, float]:
        values = self._a(Pid, field, values)
        return (
            within(f"{self.name} {field} p", values.p, 0.1, 1000.0),
            within(f"{self.name} {field} i", values.i, 0.1, 1000.0),
            within(f"{self.name} {field} d (%)", values.d, 0.0, 200.0),
        )

    def _checked_temperature(self, field: str, value: float) -> float:
        return within(f"{self.name} {field} (K)", value, 0.0, HIGHEST_TEMPERATURE_K)

    def _checked_percent(self, field: str, value: float) -> float:
        return within(f"{self.name} {field} (%)", value, 0.0, 100.0)

    def _a(self, kind: type[Kind], field: str, value: Kind) -> Kind:
        if not isinstance(value, kind):
            raise LimitError(f"{self.name} {field}", value, f"a {kind.__name__}")
        return value

    def _code(self, field: str, wanted: str, names: dict[int, str]) -> int:
        try:
            return code_of(wanted, names)
        except ValueError as error:
            raise self._refusal(field, wanted, names.values()) from error


def _pid(text: str) -> Pid:
    p, i, d = fields(text, 3)
    return Pid(number(p, 0.0, 1000.0), number(i, 0.0, 1000.0), number(d, 0.0, 200.0))


def _filter(text: str) -> Filter:
    on, points, window = fields(text, 3)
    return Filter(flag(on), whole(points, 64, 2), whole(window, 10, 1))

"""What a Lake Shore controller can be set up to do, besides ramping to a temperature.

Everything concerns the input and the output chosen on connecting.
"""

from __future__ import annotations

import math
from typing import Final

from drivers._lakeshore_loop import HIGHEST_TEMPERATURE_K, LakeShoreLoop
from drivers._lakeshore_words import (
    HEATER_STATES,
    READING_FAULTS,
    REMOTE_MODES,
    Filter,
    Pid,
    bits,
    code_of,
    fields,
    flag,
    name_of,
    number,
    whole,
    words,
)
from drivers._wire import within
from labcool.errors import LimitError

LAST_CURVE: Final = 59


class LakeShoreSetup(LakeShoreLoop):
    """What all models can be set to in the same words."""

    def _heater_output_question(self) -> str:
        return f"HTR? {self._output}"

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
        return self._ask(number, self._heater_output_question())

    @property
    def heater_status(self) -> str:
        """Get ``ok``, ``open load`` or ``short``, ``HTRST?``; asking may clear it (UNVERIFIED)."""
        return self._ask(lambda text: name_of(text, HEATER_STATES), self._heater_status_question())

    @property
    def heater_range(self) -> str:
        """Control the range of the output: off, low, medium, high (off, on for a voltage output).

        :raises LimitError: for any other value; nothing has been sent.
        """
        return self._ranges[self._range_code(self._output)]

    @heater_range.setter
    def heater_range(self, wanted: str) -> None:
        code = self._code("heater_range", wanted, self._ranges)
        self._started = self._started or code > 0
        self._target = None if code == 0 else self._target
        self._tell(self._range_command(self._output, code), again=code == 0)

    @property
    def pid(self) -> Pid:
        """Control the PID values: P and I 0.1 to 1000, D 0 to 200 %."""
        return self._ask(_pid, f"PID? {self._output}")

    @pid.setter
    def pid(self, values: Pid) -> None:
        self._check_pid(values)
        self._tell(f"PID {words(self._output, *_numbers(values))}")

    @property
    def manual_output(self) -> float:
        """Control the manual output, ``MOUT``, 0 to 100 %; added to a closed loop's output."""
        return self._ask(number, f"MOUT? {self._output}")

    @manual_output.setter
    def manual_output(self, percent: float) -> None:
        value = within(f"{self.name} manual output (%)", float(percent), 0.0, 100.0)
        self._started = self._started or value > 0
        self._tell(f"MOUT {words(self._output, value)}")

    @property
    def curve(self) -> int:
        """Control the number of the input's curve, ``INCRV``: 0 none, 1 to 20 standard, then user.

        The controller uses 0 if the curve does not suit the sensor; this is read back.
        """
        return self._ask(whole, f"INCRV? {self._input}")

    @curve.setter
    def curve(self, curve: int) -> None:
        self._whole("curve", curve, 0, LAST_CURVE)
        self._tell(f"INCRV {self._input},{curve}")
        self._confirm(lambda: self.curve == curve, f"curve {curve} does not suit the sensor")

    @property
    def averaging(self) -> Filter:
        """Control the averaging of the input, ``FILTER``."""
        return self._ask(_filter, f"FILTER? {self._input}")

    @averaging.setter
    def averaging(self, wanted: Filter) -> None:
        self._whole("filter points", wanted.points, 2, 64)
        self._whole("filter window (%)", wanted.window, 1, 10)
        self._tell(f"FILTER {words(self._input, wanted.on, wanted.points, wanted.window)}")

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

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return the state of input, output and loop; a value that is not there is NaN."""
        mode, control_input, unit = self._loop_mode_and_unit()
        status = self.reading_status
        temperature = math.nan if status else self._ask(number, f"KRDG? {self._input}")
        pid = self.pid
        heater = {} if self._is_voltage else self._heater_settings()
        return {
            "input": self._input,
            "output": self._output,
            "temperature_K": temperature,
            "reading_status": status,
            "loop_mode": mode,
            "loop_input": control_input,
            "setpoint_unit": unit,
            "setpoint_K": self._ask(number, f"SETP? {self._output}") if unit == "K" else math.nan,
            "ramping": self.is_ramping,
            "ramp_rate_remembered_K_per_min": self.ramp_rate,
            "heater_range": self.heater_range,
            "pid_p": pid.p,
            "pid_i": pid.i,
            "pid_d": pid.d,
            "curve": self.curve,
            "on_shutdown": self._on_shutdown,
            **heater,
        }

    def _heater_settings(self) -> dict[str, float | str]:
        return {"heater_output_percent": self.heater_output, "heater_status": self.heater_status}

    def _check_pid(self, values: Pid) -> None:
        within(f"{self.name} P", values.p, 0.1, 1000.0)
        within(f"{self.name} I", values.i, 0.1, 1000.0)
        within(f"{self.name} D (%)", values.d, 0.0, 200.0)

    def _check_temperature(self, field: str, value: float) -> float:
        return within(f"{self.name} {field} (K)", float(value), 0.0, HIGHEST_TEMPERATURE_K)

    def _whole(self, field: str, value: int, lowest: int, highest: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise LimitError(
                f"{self.name} {field}", value, f"a whole number from {lowest} to {highest}"
            )

    def _code(self, field: str, wanted: str, names: dict[int, str]) -> int:
        try:
            return code_of(wanted, names)
        except ValueError as error:
            raise self._refusal(field, wanted, names.values()) from error


def _numbers(pid: Pid) -> tuple[float, float, float]:
    return float(pid.p), float(pid.i), float(pid.d)


def _pid(text: str) -> Pid:
    p, i, d = fields(text, 3)
    return Pid(number(p), number(i), number(d))


def _filter(text: str) -> Filter:
    on, points, window = fields(text, 3)
    return Filter(flag(on), whole(points), whole(window))

"""The words of Lake Shore controllers: what a field of an answer may be, and what it means.

Fields as in the manuals of the Models 331, 335 and 336, chapter "Interface Commands".
A parser raises ValueError for anything else; the wire makes a typed error of it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

NUMBER: Final = re.compile(r"[+-]?(?:\d{1,7}(?:\.\d{0,6})?|\.\d{1,6})(?:E[+-]?\d)?")
WHOLE: Final = re.compile(r"\+?\d{1,3}")

HOTTEST_BELIEVABLE_K: Final = 2000.0
MOST_HEATER_PERCENT: Final = 110.0

INPUTS: Final = ("none", "A", "B", "C", "D", "D2", "D3", "D4", "D5")
UNITS: Final = {1: "K", 2: "degC", 3: "sensor"}
RANGES: Final = {0: "off", 1: "low", 2: "medium", 3: "high"}
VOLTAGE_RANGES: Final = {0: "off", 1: "on"}
HEATER_STATES: Final = {0: "ok", 1: "open load", 2: "short"}
OUTPUT_MODES: Final = {
    0: "off",
    1: "closed loop",
    2: "zone",
    3: "open loop",
    4: "monitor out",
    5: "warm-up supply",
}
LOOP_MODES_331: Final = {
    1: "closed loop",
    2: "zone",
    3: "open loop",
    4: "autotune PID",
    5: "autotune PI",
    6: "autotune P",
}
AUTOTUNES: Final = {0: "P", 1: "PI", 2: "PID"}
REMOTE_MODES: Final = {0: "local", 1: "remote", 2: "remote with lockout"}
SENSORS: Final = {
    0: "disabled",
    1: "diode",
    2: "platinum RTD",
    3: "NTC RTD",
    4: "thermocouple",
    5: "capacitance",
}
SENSORS_331: Final = {
    0: "silicon diode",
    1: "GaAlAs diode",
    2: "100 Ohm platinum/250",
    3: "100 Ohm platinum/500",
    4: "1000 Ohm platinum",
    5: "NTC RTD",
    6: "thermocouple 25 mV",
    7: "thermocouple 50 mV",
}
READING_FAULTS: Final = {
    1: "invalid reading (sensor open, shorted or not set up)",
    2: "an old reading",
    16: "temperature below the range of the curve",
    32: "temperature above the range of the curve",
    64: "sensor units zero",
    128: "sensor units over range (an open sensor does this)",
}
REFUSALS: Final = {
    4: "query error",
    8: "device-dependent error",
    16: "execution error: a value is out of range, or not possible in the present state",
    32: "command error: the controller does not know this command",
}
POWER_ON: Final = 128
OPERATION: Final = {
    1: "alarm",
    2: "sensor overload",
    4: "loop 2 ramp done",
    8: "loop 1 ramp done",
    16: "new reading",
    32: "autotune done",
    64: "calibration error",
    128: "processor communication error",
}


@dataclass(frozen=True, slots=True)
class Pid:
    """Proportional 0.1 to 1000, integral 0.1 to 1000, derivative 0 to 200 %."""

    p: float
    i: float
    d: float


@dataclass(frozen=True, slots=True)
class OutputMode:
    """What an output does.

    :param mode: a value of ``OUTPUT_MODES``.
    :param input: the control input: none, A to D, D2 to D5.
    :param powerup: whether the output stays on after a power cut.
    """

    mode: str
    input: str
    powerup: bool = False


@dataclass(frozen=True, slots=True)
class HeaterSetup:
    """The heater on a current output of a 335 or 336 (``HTRSET``).

    :param resistance: of the heater, 25 or 50 Ohm.
    :param max_current: largest current that the output may give, A.
    :param shows_power: whether :attr:`heater_output` is in percent of power instead of current.
    :param voltage: whether output 2 of a 335 is a voltage output.
    """

    resistance: int
    max_current: float
    shows_power: bool = False
    voltage: bool = False


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What a voltage output of a 335 or 336 does as a warm-up supply (``WARMUP``).

    :param continuous: whether it goes on after the set point has been reached.
    :param percent: voltage, 0 to 100 % of 10 V.
    """

    continuous: bool
    percent: float


@dataclass(frozen=True, slots=True)
class InputType:
    """Sensor of an input of a 335 or 336.

    :param sensor: a value of ``SENSORS``.
    :param range: number of the range, 0 to 8, as the manual's table for the sensor says.
    :param unit: the preferred unit, K, degC or sensor; set points are in it.
    """

    sensor: str
    autorange: bool
    range: int
    compensation: bool
    unit: str = "K"


@dataclass(frozen=True, slots=True)
class InputType331:
    """Sensor of an input of a 331: a value of ``SENSORS_331``, and its compensation."""

    sensor: str
    compensation: bool


@dataclass(frozen=True, slots=True)
class Loop331:
    """Control loop of a 331 (``CSET``).

    :param unit: unit of the set point, K, degC or sensor.
    :param power_display: whether the heater is shown in power instead of current.
    """

    input: str
    unit: str
    powerup: bool = False
    power_display: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """One line of the zone table.

    :param upper: highest set point of the zone, K.
    :param manual: manual output, 0 to 100 %.
    :param heater_range: off, low, medium or high.
    :param input: control input, or "none" for the one set; a 331 has no choice.
    :param rate: ramp rate, 0.1 to 100 K/min; a 331 has none.
    """

    upper: float
    pid: Pid
    manual: float
    heater_range: str
    input: str = "none"
    rate: float = 10.0


@dataclass(frozen=True, slots=True)
class Filter:
    """Averaging of an input: 2 to 64 points; a change beyond window (1 to 10 %) restarts it."""

    on: bool
    points: int
    window: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """Alarm of an input, in K. A 331 neither beeps nor blinks by input: leave those True."""

    high: float
    low: float
    deadband: float = 0.0
    latched: bool = False
    audible: bool = True
    visible: bool = True


@dataclass(frozen=True, slots=True)
class Tuning:
    """State of autotuning; ``stage`` is the one that failed, if it failed."""

    active: bool
    failed: bool = False
    stage: int = 0


def number(text: str, lowest: float = -math.inf, highest: float = math.inf) -> float:
    """Return a decimal number from ``lowest`` to ``highest``, as ``+295.123``."""
    if not NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no number")
    if not lowest <= float(text) <= highest:
        raise ValueError(f"{text!r} is not from {lowest:g} to {highest:g}")
    return float(text)


def whole(text: str, highest: int = 255, lowest: int = 0) -> int:
    """Return a whole number from ``lowest`` to ``highest``, as ``001``."""
    if not WHOLE.fullmatch(text.strip()) or not lowest <= int(text) <= highest:
        raise ValueError(f"{text!r} is no whole number from {lowest} to {highest}")
    return int(text)


def percent(text: str) -> float:
    """Return a number from 0 to 100 %."""
    return number(text, 0.0, 100.0)


def heater_percent(text: str) -> float:
    """Return a heater output, % of its range; a little more than 100 is possible."""
    return number(text, 0.0, MOST_HEATER_PERCENT)


def believable(text: str) -> float:
    """Return a temperature in K that there can be."""
    return number(text, 0.0, HOTTEST_BELIEVABLE_K)


def flag(text: str) -> bool:
    """Return whether a field says 1."""
    return whole(text, 1) == 1


def name_of(text: str, names: dict[int, str]) -> str:
    """Return the name of a coded field."""
    code = whole(text)
    if code not in names:
        raise ValueError(f"{text!r} is none of {sorted(names)}")
    return names[code]


def code_of(name: str, names: dict[int, str]) -> int:
    """Return the code of a name.

    :raises ValueError: if there is no such name.
    """
    for code, known in names.items():
        if known == name:
            return code
    raise ValueError(f"{name!r} is none of {', '.join(names.values())}")


def fields(text: str, count: int) -> list[str]:
    """Return the ``count`` fields between commas, without blanks around them."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != count:
        raise ValueError(f"{len(parts)} instead of {count} fields")
    return parts


def bits(code: int, names: dict[int, str]) -> str:
    """Return the names of the bits set, joined; an unknown bit by its weight."""
    weights = [1 << bit for bit in range(8) if code & 1 << bit]
    return "; ".join(names.get(weight, f"unknown bit {weight}") for weight in weights)


def words(*values: float | int | bool | str) -> str:
    """Return values as the fields of a command, as ``1,280.0``."""
    return ",".join(_word(value) for value in values)


def _word(value: float | int | bool | str) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return repr(round(value, 4)) if isinstance(value, float) else str(value)

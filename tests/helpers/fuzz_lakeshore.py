"""What the fuzz knows of the temperature controllers Lake Shore 331, 335 and 336."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from cases_of_temperature import CASES
from fuzz_case import Action, FuzzCase, Log, Oracle, Reading, assigned, attribute, called, same
from fuzz_lakeshore_answers import (
    HEATERS,
    HIGHEST_K,
    HOTTEST_K,
    INPUTS,
    MODES,
    MODES_331,
    PRESETS_A,
    RANGES,
    REMOTE,
    SENSORS,
    SENSORS_331,
    UNITS,
    answers,
    bits,
    fields,
    flag,
    name,
    number,
    numbers,
    one,
    part,
)

from drivers.lakeshore import (
    Alarm,
    Filter,
    HeaterSetup,
    InputType,
    InputType331,
    Loop331,
    OutputMode,
    Pid,
    WarmUp,
    Zone,
)


def temperature(log: Log, value: float) -> bool:
    found = answers(log, "KRDG? A", "RDGST? A")
    if found is None or number(found[1], 0, 255) != 0:
        return False
    return same(value, number(found[0], 0, HOTTEST_K) or 0.0)


def temperature_or_nan(log: Log, value: float) -> bool:
    return math.isnan(value) or one("KRDG? A", 0, HOTTEST_K)(log, value)


def setpoint_or_nan(log: Log, value: float) -> bool:
    return math.isnan(value) or one("SETP? 1", 0, HIGHEST_K)(log, value)


def text_name(log: Log, value: str) -> bool:
    found = answers(log, "INNAME? A")
    return found is not None and found[0].strip('" ') == value and len(value) <= 15


def holding(log: Log, value: Any) -> bool:
    return isinstance(value, bool) and bool(log)


PID_LIMITS = ((0, 1000), (0, 1000), (0, 200))
PERCENT = (0, 100)
BELIEVABLE_K = (0, HOTTEST_K)


def alarm(model: str) -> Oracle:
    def accepts(log: Log, value: Alarm | None) -> bool:
        switches = ((0, 1),) * (1 if model == "331" else 3)
        head = ((0, 1), (0, 3)) if model == "331" else ((0, 1),)
        anything = (-1e30, 1e30)
        if value is None:
            levels = anything if model == "331" else BELIEVABLE_K
            found = numbers(log, "ALARM? A", *head, *(levels,) * 3, *switches)
            return found is not None and (found[0] == 0 or (model == "331" and found[1] != 1))
        found = numbers(log, "ALARM? A", *head, *(BELIEVABLE_K,) * 3, *switches)
        meant = [value.high, value.low, value.deadband, value.latched]
        meant += [] if model == "331" else [value.audible, value.visible]
        return found is not None and found[0] == 1 and found[len(head) :] == list(map(float, meant))

    return accepts


def zone(model: str) -> Oracle:
    def parts(value: Zone) -> list[float]:
        common = [value.upper, value.pid.p, value.pid.i, value.pid.d, value.manual]
        more = [RANGES.index(value.heater_range)]
        return common + more + ([] if model == "331" else [INPUTS.index(value.input), value.rate])

    limits = (BELIEVABLE_K, *PID_LIMITS, PERCENT, (0, 3))
    limits += () if model == "331" else ((0, 8), (0, 100))
    return fields("ZONE? 1,3", *limits, of=parts)


def heater_setup(model: str) -> Oracle:
    largest = {"335": 1.732, "336": 2.0}[model]

    def accepts(log: Log, value: HeaterSetup) -> bool:
        kind = ((0, 1),) if model == "335" else ()
        found = numbers(log, "HTRSET? 1", *kind, (1, 2), (0, 4), (0, 99), (1, 2))
        if found is None:
            return False
        voltage = found.pop(0) if kind else 0
        presets = {**PRESETS_A, 4: largest}
        current = presets.get(int(found[1]), found[2])
        return (
            within_largest(current, largest)
            and (value.resistance, value.voltage) == (25 * found[0], bool(voltage))
            and same(value.max_current, current)
            and value.shows_power is (found[3] == 2)
        )

    return accepts


def within_largest(current: float, largest: float) -> bool:
    return 0 <= current <= largest


def common(model: str) -> dict[str, Reading]:
    output, htr, htrst = (
        ("RANGE?", "HTR?", "HTRST?") if model == "331" else ("RANGE? 1", "HTR? 1", "HTRST? 1")
    )
    oracles: dict[str, Oracle] = {
        "temperature": temperature,
        "setpoint": one("SETP? 1", 0, HIGHEST_K),
        "is_ramping": flag("RAMPST? 1"),
        "is_holding": holding,
        "reading_status": bits("RDGST? A"),
        "sensor_value": one("SRDG? A"),
        "heater_output": one(htr, 0, 110),
        "heater_status": name(htrst, HEATERS),
        "heater_range": name(output, RANGES),
        "pid": fields("PID? 1", *PID_LIMITS, of=lambda v: (v.p, v.i, v.d)),
        "manual_output": one("MOUT? 1", *PERCENT),
        "curve": one("INCRV? A", 0, 59),
        "averaging": fields(
            "FILTER? A", (0, 1), (2, 64), (1, 10), of=lambda v: (v.on, v.points, v.window)
        ),
        "remote_mode": name("MODE?", REMOTE),
        "alarm": alarm(model),
    }
    readings = {key: attribute(key, oracle) for key, oracle in oracles.items()}
    readings["zone(3)"] = Reading(lambda c: c.zone(3), zone(model))
    readings["attention"] = Reading(lambda c: c.attention(), lambda log, told: bool(log))
    return readings


def tuning(log: Log, value: Any) -> bool:
    found = numbers(log, "TUNEST?", (0, 1), (0, 255), (0, 1), (0, 255))
    return found is not None and [found[0], *found[2:]] == [
        float(value.active),
        float(value.failed),
        float(value.stage),
    ]


def of_331() -> dict[str, Oracle]:
    def loop(log: Log, value: Loop331) -> bool:
        found = answers(log, "CSET? 1")
        parts = [part.strip() for part in found[0].split(",")] if found else []
        rest = [number(p, *b) for p, b in zip(parts[1:], ((1, 3), (0, 1), (1, 2)), strict=False)]
        meant = [list(UNITS.values()).index(value.unit) + 1, value.powerup, 1 + value.power_display]
        return len(parts) == 4 and parts[0] == value.input in ("A", "B") and rest == meant

    return {
        "loop_mode": name("CMODE? 1", MODES_331),
        "loop": loop,
        "input_type": fields(
            *("INTYPE? A", (0, 7), (0, 1)),
            of=lambda v: (SENSORS_331.index(v.sensor), v.compensation),
        ),
        "tuning": lambda log, v: flag("TUNEST?")(log, v.active) and not v.failed,
    }


def of_33x(model: str) -> dict[str, Oracle]:
    units = list(UNITS.values())
    return {
        "output_mode": fields(
            *("OUTMODE? 1", (0, 5), (0, 8), (0, 1)),
            of=lambda v: (MODES.index(v.mode), INPUTS.index(v.input), v.powerup),
        ),
        "input_type": fields(
            *("INTYPE? A", (0, 5), (0, 1), (0, 8), (0, 1), (1, 3)),
            of=lambda v: (
                *(SENSORS.index(v.sensor), v.autorange, v.range, v.compensation),
                units.index(v.unit) + 1,
            ),
        ),
        "temperature_limit": one("TLIMIT? A", 0, HIGHEST_K),
        "heater_setup": heater_setup(model),
        "input_name": text_name,
        "operation_status": bits("OPST?"),
        "operation_events": bits("OPSTR?"),
        "tuning": tuning,
        # Only a voltage output has it, and this is output 1.
        "warm_up": lambda log, value: False,
    }


def settings(model: str, read: dict[str, Reading]) -> dict[str, Oracle | None]:
    def told(log: Log, value: Any) -> bool:
        return bool(log)

    oracles = {key: reading.accepts for key, reading in read.items()}
    common: dict[str, Oracle | None] = {
        **dict.fromkeys(("input", "output", "on_shutdown")),
        "temperature_K": temperature_or_nan,
        "reading_status": oracles["reading_status"],
        **dict.fromkeys(("loop_mode", "loop_input", "setpoint_unit"), told),
        "setpoint_K": setpoint_or_nan,
        "ramping": flag("RAMPST? 1"),
        "ramp_on": part(0, "RAMP? 1", (0, 1), (0, 100)),
        "ramp_rate_K_per_min": part(1, "RAMP? 1", (0, 1), (0, 100)),
        "heater_range": oracles["heater_range"],
        **{f"pid_{key}": part(i, "PID? 1", *PID_LIMITS) for i, key in enumerate("pid")},
        "manual_output_percent": oracles["manual_output"],
        **{f"sensor{key}": told for key in ("", "_compensation", "_autorange", "_range")},
        "curve": oracles["curve"],
        **{
            f"filter_{key}": part(i, "FILTER? A", (0, 1), (2, 64), (1, 10))
            for i, key in enumerate(("on", "points", "window_percent"))
        },
        "heater_output_percent": oracles["heater_output"],
        "heater_status": oracles["heater_status"],
    }
    if model == "331":
        return common
    return {
        **common,
        "temperature_limit_K": oracles["temperature_limit"],
        "heater_resistance_Ohm": told,
        "heater_max_current_A": told,
    }


def ranges_are_off(model: str) -> Callable[[Log], bool]:
    questions = {"331": ("RANGE?",), "335": ("RANGE? 1", "RANGE? 2")}.get(
        model, tuple(f"RANGE? {output}" for output in range(1, 5))
    )

    def promise(log: Log) -> bool:
        found = answers(log, *questions)
        return found is not None and [number(code, 0, 3) for code in found] == [0] * len(questions)

    return promise


def ramp_begun(log: Log) -> bool:
    return (numbers(log, "RAMP? 1", (0, 1), (0, 100)) or [0])[0] == 1


def stable(controller: Any) -> Any:
    controller.go_to(300.0)
    return controller.wait_until_stable(5.0, 5.0, 5.0, 60.0)


def actions(model: str) -> dict[str, Action]:
    common: dict[str, Action] = {
        "go_to": called("go_to", 100.0, promise=ramp_begun),
        "hold": Action(lambda c: (c.go_to(100.0), c.hold())),
        "heaters_off": called("heaters_off", promise=ranges_are_off(model)),
        "wait_until_stable": Action(stable),
        "reset_alarms": called("reset_alarms"),
        "set_zone": called("set_zone", 3, Zone(100.0, Pid(50.0, 20.0, 0.0), 0.0, "low")),
        "heater_range=": assigned("heater_range", "low"),
        "pid=": assigned("pid", Pid(50.0, 20.0, 0.0)),
        "manual_output=": assigned("manual_output", 10.0),
        "curve=": assigned("curve", 2),
        "averaging=": assigned("averaging", Filter(True, 10, 2)),
        "remote_mode=": assigned("remote_mode", "remote"),
        "alarm=": assigned("alarm", Alarm(300.0, 10.0)),
    }
    if model == "331":
        return {
            **common,
            "loop_mode=": assigned("loop_mode", "closed loop"),
            "loop=": assigned("loop", Loop331("A", "K")),
            "input_type=": assigned("input_type", InputType331("silicon diode", False)),
        }
    return {
        **common,
        "output_mode=": assigned("output_mode", OutputMode("closed loop", "A")),
        "input_type=": assigned("input_type", InputType("diode", False, 0, False)),
        "temperature_limit=": assigned(
            *("temperature_limit", 300.0),
            lambda log: one("TLIMIT? A", 0, HIGHEST_K)(log, 300.0),
        ),
        "heater_setup=": assigned("heater_setup", HeaterSetup(25, 1.0)),
        "input_name=": assigned("input_name", "sample"),
        "warm_up=": assigned("warm_up", WarmUp(False, 10.0)),
        "autotune": called("autotune", "PI"),
    }


def identity(model: str) -> Callable[[Log, Any], bool]:
    pattern = rf"LSCI,MODEL{model}[A-Z]?,[^,;]*,[^,;]*"

    def accepts(log: Log, controller: Any) -> bool:
        said = [e.answered.decode("ascii", "replace") for e in log if e.asked == b"*IDN?\n"]
        lines = [line.strip("\r ") for answer in said for line in answer.split("\n")]
        return bool(re.fullmatch(pattern, controller.identity)) and controller.identity in lines

    return accepts


def case(model: str) -> FuzzCase:
    own = of_331() if model == "331" else of_33x(model)
    readings = common(model) | {key: attribute(key, oracle) for key, oracle in own.items()}
    return FuzzCase(
        CASES[f"LakeShore{model}"],
        readings=readings,
        actions=actions(model),
        identity=identity(model),
        settings=settings(model, readings),
        is_safe=ranges_are_off(model),
        kept=frozenset({"temperature_range", "ramp_rate", "ramp_rate="}),
    )


CONTROLLERS = {f"LakeShore{model}": case(model) for model in ("331", "335", "336")}

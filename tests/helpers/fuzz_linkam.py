"""What the fuzz knows of the stage controller Linkam T95."""

from __future__ import annotations

import re
from typing import Any

from cases_of_temperature import CASES
from fuzz_case import Action, FuzzCase, Log, Reading, attribute, called, same

STATES = {
    0x00: "stopped",
    0x10: "heating",
    0x20: "cooling",
    0x30: "holding_at_limit",
    0x40: "holding_limit_time",
    0x50: "holding_current",
}
"""By the high half of the first byte; bit 0 of the low half comes and goes."""
TENTHS = (-1960, 15000)
FASTEST_PUMP = 30
COOLING_TOO_FAST, SENSOR_OPEN = 0x01, 0x02


class Status:
    """What 11 bytes say; ValueError if they are no status."""

    def __init__(self, answer: bytes) -> None:
        if len(answer) != 11 or answer[10:] != b"\r" or answer[0] & 0xF0 not in STATES:
            raise ValueError("no status")
        self.state = STATES[answer[0] & 0xF0]
        self.errors, self.pump = answer[1] & 0x7F, answer[2] & 0x7F
        if self.pump > FASTEST_PUMP:
            raise ValueError("no such pump speed")
        self.kelvin = float("nan")
        if re.fullmatch(b"[0-9A-Fa-f]{4}", answer[6:10]):
            tenths = (int(answer[6:10], 16) ^ 0x8000) - 0x8000
            if TENTHS[0] <= tenths <= TENTHS[1] and not self.errors & SENSOR_OPEN:
                self.kelvin = tenths / 10 + 273.15
        if self.kelvin != self.kelvin and not self.errors & ~COOLING_TOO_FAST:
            raise ValueError("no temperature, and no fault that explains it")


def last(log: Log) -> Status | None:
    answers = [bytes(e.answered) for e in log if e.asked == b"T\r"]
    try:
        return Status(answers[-1])
    except (ValueError, IndexError):
        return None


def healthy_temperature(log: Log, kelvin: float) -> bool:
    status = last(log)
    return status is not None and not status.errors & 0x7E and same(kelvin, status.kelvin)


def status(log: Log, value: Any) -> bool:
    meant = last(log)
    return meant is not None and (
        value.state.name.lower() == meant.state
        and (value.errors, value.pump_speed) == (meant.errors, meant.pump)
        and same(value.temperature, meant.kelvin)
    )


def holding(log: Log, value: bool) -> bool:
    meant = last(log)
    return meant is not None and (not value or meant.state.startswith("holding"))


def of_status(name: str) -> Any:
    def accepts(log: Log, value: Any) -> bool:
        meant = last(log)
        return meant is not None and same(value, getattr(meant, name))

    return accepts


def in_state(*states: str) -> Any:
    def promise(log: Log) -> bool:
        meant = last(log)
        return meant is not None and meant.state in states

    return promise


def faults(log: Log, text: str) -> bool:
    meant = last(log)
    told = [words for words in text.split("; ") if words]
    return meant is not None and len(told) == (meant.errors & 0x7E).bit_count()


def stable(stage: Any) -> Any:
    stage.go_to(300.0)
    return stage.wait_until_stable(5.0, 5.0, 5.0, 100.0)


CASE = FuzzCase(
    CASES["LinkamT95"],
    readings={
        "temperature": attribute("temperature", healthy_temperature),
        "status": attribute("status", status),
        "is_holding": attribute("is_holding", holding),
        "attention": Reading(
            lambda s: s.attention(), lambda log, told: faults(log, "; ".join(told))
        ),
    },
    actions={
        "go_to": called("go_to", 350.0, promise=lambda log: not in_state("stopped")(log)),
        "hold": called("hold", promise=in_state("holding_current")),
        "stop": called("stop", promise=in_state("stopped")),
        "pump(5)": called("pump", 5),
        "pump(automatic)": called("pump", "automatic"),
        "wait_until_stable": Action(stable),
    },
    identity=lambda log, _: last(log) is not None,
    settings={
        "stage": None,
        "temperature_K": of_status("kelvin"),
        "sensor_open": lambda log, value: last(log) is not None,
        "state": of_status("state"),
        "faults": faults,
        "pump_speed": of_status("pump"),
        "pump_mode_remembered": None,
        "ramp_rate_remembered_K_per_min": None,
        "on_shutdown": None,
    },
    is_safe=in_state("stopped"),
    kept=frozenset({"temperature_range", "ramp_rate", "ramp_rate="}),
)

STAGES = {"LinkamT95": CASE}

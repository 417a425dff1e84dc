"""Answers of Lake Shore controllers: fields, their ranges, and the oracles made of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fuzz_case import Log, Oracle, same

NUMBER = re.compile(r"[+-]?(?:\d{1,7}(?:\.\d{0,6})?|\.\d{1,6})(?:E[+-]?\d)?", re.ASCII)
ERRORS = 4 | 8 | 16 | 32
"""Bits of ``*ESR?``: query, device-dependent, execution and command error."""
HOTTEST_K, HIGHEST_K = 2000.0, 1505.0
UNITS = {1: "K", 2: "degC", 3: "sensor"}
RANGES = ("off", "low", "medium", "high")
HEATERS = ("ok", "open load", "short")
INPUTS = ("none", "A", "B", "C", "D", "D2", "D3", "D4", "D5")
MODES = ("off", "closed loop", "zone", "open loop", "monitor out", "warm-up supply")
MODES_331 = ("", "closed loop", "zone", "open loop", "autotune PID", "autotune PI", "autotune P")
REMOTE = ("local", "remote", "remote with lockout")
SENSORS = ("disabled", "diode", "platinum RTD", "NTC RTD", "thermocouple", "capacitance")
SENSORS_331 = (
    *("silicon diode", "GaAlAs diode", "100 Ohm platinum/250", "100 Ohm platinum/500"),
    *("1000 Ohm platinum", "NTC RTD", "thermocouple 25 mV", "thermocouple 50 mV"),
)
PRESETS_A = {1: 0.707, 2: 1.0, 3: 1.414}


def answers(log: Log, *questions: str) -> list[str] | None:
    """Return the last answers to questions that went in one message, None if that has an error."""
    message = (";".join((*questions, "*ESR?")) + "\n").encode()
    said = [bytes(e.answered) for e in log if e.asked == message]
    if not said or not re.fullmatch(rb"\s*[ -~]+;?\s*\n", said[-1]):
        return None
    *parts, events = said[-1].decode().strip().rstrip(";").split(";")
    code = number(events, 0, 255)
    if code is None or int(code) & ERRORS or len(parts) != len(questions):
        return None
    return [part.strip() for part in parts]


def number(text: str, lowest: float, highest: float) -> float | None:
    """Return a number of that range, None if the text is none."""
    text = text.strip()
    if not NUMBER.fullmatch(text) or not lowest <= float(text) <= highest:
        return None
    return float(text)


def numbers(log: Log, question: str, *limits: tuple[float, float]) -> list[float] | None:
    """Return the numbers of the last answer, one for each range; None if they are not that."""
    found = answers(log, question)
    fields = found[0].split(",") if found else []
    values = [number(f, *pair) for f, pair in zip(fields, limits, strict=False)]
    if len(fields) != len(limits) or None in values:
        return None
    return [value for value in values if value is not None]


def one(question: str, lowest: float = -1e30, highest: float = 1e30) -> Oracle:
    """Return the oracle of a single number."""

    def accepts(log: Log, value: Any) -> bool:
        found = numbers(log, question, (lowest, highest))
        return found is not None and same(value, found[0])

    return accepts


def flag(question: str) -> Oracle:
    return lambda log, value: numbers(log, question, (0, 1)) == [float(value)]


def name(question: str, names: tuple[str, ...]) -> Oracle:
    def accepts(log: Log, value: Any) -> bool:
        found = numbers(log, question, (0, len(names) - 1))
        return found is not None and bool(value) and names[int(found[0])] == value

    return accepts


def bits(question: str) -> Oracle:
    """Accept words for as many bits as are set."""

    def accepts(log: Log, value: str) -> bool:
        found = numbers(log, question, (0, 255))
        told = [words for words in value.split("; ") if words]
        return found is not None and len(told) == int(found[0]).bit_count()

    return accepts


def fields(question: str, *limits: tuple[float, float], of: Callable[[Any], Any]) -> Oracle:
    """Return the oracle of a value made of several numbers, which ``of`` takes apart again."""

    def accepts(log: Log, value: Any) -> bool:
        found = numbers(log, question, *limits)
        return found is not None and all(map(same, map(float, of(value)), found))

    return accepts


def part(index: int, question: str, *limits: tuple[float, float]) -> Oracle:
    """Return the oracle of one of several numbers."""

    def accepts(log: Log, value: Any) -> bool:
        found = numbers(log, question, *limits)
        return found is not None and same(float(value), found[index])

    return accepts

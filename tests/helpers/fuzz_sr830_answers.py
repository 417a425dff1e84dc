"""Answers of an SR830: numbers and their ranges, points in three forms, and their oracles."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from fuzz_case import (
    Log,
    Oracle,
    Said,
    same,
)

DECIMAL = rb"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"
WHOLE = rb"\s*\+?(\d{1,9})\s*"
LARGEST_OUTPUT = 2.5
"""Full scale is 1 V (or 1 µA) at most, and an offset 105 % of it."""
LARGEST_AUX_V = 11.0
HIGHEST_HZ = 105_000.0
SPOILT = 0b1111
"""Bits of ``LIAS?``: three overloads, and the reference unlocked."""
STEPS = (1.0, 2.0, 5.0)
SENSITIVITIES_V = tuple(step * 10.0**power for power in range(-9, 1) for step in STEPS)[1:28]
TIME_CONSTANTS_S = tuple(step * 10.0**power for power in range(-5, 5) for step in (1.0, 3.0))
SLOPES = (6, 12, 18, 24)
RATES_HZ = tuple(62.5e-3 * 2**index for index in range(14))
EXPANDS = (1, 10, 100)
INPUTS = ("A", "A-B", "I 1 MOhm", "I 100 MOhm")
CHOICES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "reference_source": ("FMOD", ("external", "internal")),
    "reference_slope": ("RSLP", ("sine zero crossing", "TTL rising", "TTL falling")),
    "input_config": ("ISRC", INPUTS),
    "input_grounding": ("IGND", ("float", "ground")),
    "input_coupling": ("ICPL", ("AC", "DC")),
    "line_filter": ("ILIN", ("none", "line", "2 x line", "both")),
    "filter_slope": ("OFSL", SLOPES),
    "reserve": ("RMOD", ("high reserve", "normal", "low noise")),
    "buffer_mode": ("SEND", ("one shot", "loop")),
    "remote_state": ("LOCL", ("local", "remote", "lockout")),
    "filter_synchronous": ("SYNC", (False, True)),
    "trigger_starts_scan": ("TSTR", (False, True)),
    "panel_stays_usable": ("OVRM", (False, True)),
    "key_click": ("KCLK", (False, True)),
    "alarm": ("ALRM", (False, True)),
    "power_on_clears_masks": ("*PSC", (False, True)),
    "time_constant": ("OFLT", TIME_CONSTANTS_S),
    "sample_rate": ("SRAT", (*RATES_HZ, "trigger")),
}
MASKS = {
    "event_mask": "*ESE",
    "service_mask": "*SRE",
    "error_mask": "ERRE",
    "lock_in_mask": "LIAE",
    "status_byte": "*STB",
}


def number(question: str, lowest: float, highest: float) -> Said:
    return Said(
        f"{question}\n".encode(), DECIMAL + rb"\n", lambda found: float(found[1]), lowest, highest
    )


def whole(question: str, lowest: int, highest: int) -> Said:
    return Said(
        f"{question}\n".encode(), WHOLE + rb"\n", lambda found: int(found[1]), lowest, highest
    )


def pick(question: str, values: tuple[Any, ...]) -> Oracle:
    """Return the oracle of a value that goes by its number."""
    index = whole(question, 0, len(values) - 1)

    def accepts(log: Log, value: Any) -> bool:
        found = index.last(log)
        return found is not None and same(value, values[found])

    return accepts


def list_of(question: str, *limits: tuple[float, float]) -> Said:
    """Return the answer of several numbers with commas between."""

    def values(found: Any) -> tuple[float, ...]:
        told = tuple(map(float, found.groups()))
        if not all(low <= x <= high for x, (low, high) in zip(told, limits, strict=True)):
            raise ValueError("out of range")
        return told

    return Said(f"{question}\n".encode(), b",".join([DECIMAL] * len(limits)) + rb"\n", values)


STATUS, STANDARD, HARDWARE = (whole(f"{word}?", 0, 255) for word in ("LIAS", "*ESR", "ERRS"))


def unspoilt(oracle: Oracle) -> Oracle:
    """Return the oracle of a bare number, which there is only without overload and unlock."""

    def accepts(log: Log, value: Any) -> bool:
        flags = STATUS.last(log)
        return flags is not None and not flags & SPOILT and oracle(log, value)

    return accepts


OUTPUT = (-LARGEST_OUTPUT, LARGEST_OUTPUT)
ANGLE = (-360.0, 729.99)
AUX = (-LARGEST_AUX_V, LARGEST_AUX_V)
HERTZ = (0.0, HIGHEST_HZ)
SNAPPED = list_of("SNAP? 1,2,3,4", OUTPUT, OUTPUT, OUTPUT, ANGLE)
SNAPPED_AUX = list_of("SNAP? 5,9", AUX, HERTZ)
SENSITIVITY, INPUT = whole("SENS?", 0, 26), whole("ISRC?", 0, 3)
SLOPE, CONSTANT = whole("OFSL?", 0, 3), whole("OFLT?", 0, 19)
HARMONIC = whole("HARM?", 1, 19999)


def sensitivity(log: Log, value: float) -> bool:
    index, config = SENSITIVITY.last(log), INPUT.last(log)
    scale = 1e-6 if config in (2, 3) else 1.0
    known = index is not None and config is not None
    return known and math.isclose(value, SENSITIVITIES_V[index] * scale, rel_tol=1e-6)


def all_sensitivities(log: Log, values: tuple[float, ...]) -> bool:
    config = INPUT.last(log)
    return config is not None and math.isclose(values[-1], 1e-6 if config > 1 else 1.0)


def unit(log: Log, value: str) -> bool:
    config = INPUT.last(log)
    return config is not None and value == ("A" if config > 1 else "V")


def settling_time(log: Log, seconds: float) -> bool:
    slope, constant = SLOPE.last(log), CONSTANT.last(log)
    known = slope is not None and constant is not None
    return known and math.isfinite(seconds) and seconds >= 5 * TIME_CONSTANTS_S[constant] * 0.999


def reading(log: Log, value: Any) -> bool:
    flags = STATUS.last(log)
    return (
        SNAPPED(log, tuple(value[:4]))
        and flags is not None
        and ((value.overload, value.unlocked) == (bool(flags & 7), bool(flags & 8)))
    )


def display(number: int) -> Oracle:
    quantities = {
        1: ("X", "R", "X noise", "aux in 1", "aux in 2"),
        2: ("Y", "theta", "Y noise", "aux in 3", "aux in 4"),
    }[number]
    ratios = ("none", f"aux in {2 * number - 1}", f"aux in {2 * number}")
    codes = list_of(f"DDEF?{number}", (0, 4), (0, 2))

    def accepts(log: Log, value: Any) -> bool:
        found = codes.last(log)
        if found is None:
            return False
        quantity, ratio = (value, "none") if isinstance(value, str) else value
        if isinstance(value, str) and " / " in value:
            quantity, ratio = value.split(" / ")
        return (quantities.index(quantity), ratios.index(ratio)) == found

    return accepts


def offset(output: int) -> Said:
    return list_of(f"OEXP? {output}", (-105.0, 105.0), (0, 2))


def offset_of(output: int) -> Oracle:
    def accepts(log: Log, value: Any) -> bool:
        found = offset(output).last(log)
        return found is not None and found == (value.percent, EXPANDS.index(value.expand))

    return accepts


def part_of_offset(output: int, index: int) -> Oracle:
    def accepts(log: Log, value: float) -> bool:
        found = offset(output).last(log)
        return found is not None and same((found[0], EXPANDS[int(found[1])])[index], value)

    return accepts


def stored(form: str, question: str, count: int) -> Oracle:
    """Return the oracle of points in one of the three forms, which have an exact length."""

    def accepts(log: Log, values: Any) -> bool:
        said = [bytes(e.answered) for e in log if e.asked == f"{question}\n".encode()]
        return bool(said) and bool(
            np.array_equal(np.asarray(values), points(form, said[-1], count))
        )

    return accepts


def points(form: str, block: bytes, count: int) -> Any:
    """Return the points in a block; an empty array if it is none."""
    none = np.array([math.nan])
    if form == "text":
        found = list_of("", *[(-1e30, 1e30)] * count)
        said = found.meant(block.rstrip(b" \n").removesuffix(b",") + b"\n")
        return np.array(said[0]) if said else none
    if len(block) != 4 * count:
        return none
    if form == "binary":
        return np.array(struct.unpack(f"<{count}f", block))
    pairs = struct.iter_unpack("<hH", block)
    return np.array([m * 2.0 ** (e - 124) if e <= 248 else math.nan for m, e in pairs])


def recording(log: Log, value: Any) -> bool:
    one, two = (stored("native", f"TRCL?{n},0,8", 8) for n in (1, 2))
    flags = STATUS.last(log)
    return one(log, value.channel1) and two(log, value.channel2) and flags is not None


def fast(log: Log, value: Any) -> bool:
    pushed = [bytes(e.answered) for e in log if e.asked == b"FAST2;STRD\n"]
    enough = bool(pushed) and len(pushed[-1]) >= 40 and len(value.x) == 10
    return enough and bool(np.all(np.isfinite(np.concatenate((value.x, value.y)))))

"""What the fuzz knows of the chopper MC2000B."""

from __future__ import annotations

import math
import re
from typing import Any

from cases_of_light import CASES
from fuzz_case import FuzzCase, Log, Said, assigned, attribute, called, same

BLADES = (
    *("MC1F2", "MC1F10", "MC1F15", "MC1F30", "MC1F60", "MC1F100", "MC1F10HP", "MC1F2P10"),
    *("MC1F6P10", "MC1F10A", "MC2F330", "MC2F47", "MC2F57B", "MC2F860", "MC2F5360"),
)
"""``blade?`` 0 to 14."""
TWO_RINGS = {"MC1F2", "MC1F10HP", "MC1F2P10"}
SLOTS = (
    *((100, 2), (10,), (15,), (30,), (60,), (100,), (100, 10), (100, 2)),
    *((6,), (10,), (30,), (7,), (7,), (60,), (60,)),
)
"""Of the outer or only ring, and of the inner one where the reference may follow it."""
TURNS_PER_S = (2, 100)
FASTEST_HZ = 10_000.0
"""100 slots a hundred times a second."""
LARGEST_INPUT_HZ = 15 * FASTEST_HZ


def said(question: str, pattern: bytes, value: Any = None, **limits: Any) -> Said:
    echo = re.escape(question.encode())
    take = value or (lambda found: int(found[1]))
    return Said(question.encode() + b"\r", echo + rb"\r" + pattern + rb"\r> ", take, **limits)


def hertz(question: str, highest: float = FASTEST_HZ) -> Said:
    number = rb"(\d{1,9}(?:\.\d{1,9})?)"
    return said(question, number, lambda found: float(found[1]), lowest=0, highest=highest)


BLADE = said("blade?", rb"(\d{1,9})", lowest=0, highest=14)
REFERENCE = said("ref?", rb"(\d{1,9})")
FREQUENCY, INPUT = hertz("freq?"), hertz("input?", LARGEST_INPUT_HZ)
OUTPUT_HZ = hertz("refoutfreq?", 2 * FASTEST_HZ)
PHASE = said("phase?", rb"(\d{1,9})", lowest=0, highest=360)
ENABLED = said("enable?", rb"0*([01])", lambda found: found[1] == b"1")
MULTIPLIER = said("nharmonic?", rb"(\d{1,9})", lowest=1, highest=15)
DIVIDER = said("dharmonic?", rb"(\d{1,9})", lowest=1, highest=15)
IDENTITY = said("id?", rb"([ -~]*MC2000B[ -~]*)", lambda found: found[1].decode())


def blade_name(log: Log, name: str) -> bool:
    number = BLADE.last(log)
    return number is not None and BLADES[number] == name


def references(log: Log) -> tuple[str, ...]:
    number = BLADE.last(log)
    if number is None:
        return ()
    if BLADES[number] in TWO_RINGS:
        return ("internal-outer", "internal-inner", "external-outer", "external-inner")
    return ("internal", "external")


def reference_name(log: Log, name: str) -> bool:
    number, names = REFERENCE.last(log), references(log)
    return number is not None and number < len(names) and names[number] == name


def asked_frequency(log: Log, value: float) -> bool:
    number, names = REFERENCE.last(log), references(log)
    if number is None or number >= len(names):
        return False
    if names[number].startswith("internal"):
        return FREQUENCY(log, value)
    parts = INPUT.last(log), MULTIPLIER.last(log), DIVIDER.last(log)
    return None not in parts and same(value, parts[0] * parts[1] / parts[2])


def frequency_range(log: Log, limits: tuple[float, float]) -> bool:
    number, ring = BLADE.last(log), REFERENCE.last(log)
    if number is None or ring is None or ring >= len(references(log)):
        return False
    slots = SLOTS[number][ring % 2 if len(SLOTS[number]) == 2 else 0]
    return limits == tuple(float(turns * slots) for turns in TURNS_PER_S)


def locked(log: Log, value: bool) -> bool:
    """Locked needs a running motor and five readings near the frequency asked for."""
    if not value:
        return True
    readings = [OUTPUT_HZ.meant(bytes(e.answered)) for e in log if e.asked == OUTPUT_HZ.question]
    near = [one[0] for one in readings if one and any(math.isfinite(x) for x in one)]
    return ENABLED.last(log) is True and len(near) >= 5 and max(near[-5:]) - min(near[-5:]) < 50


def harmonics(log: Log, pair: tuple[int, int]) -> bool:
    return (MULTIPLIER.last(log), DIVIDER.last(log)) == pair


def output_name(log: Log, name: str) -> bool:
    return bool(name) and references(log) != ()


CASE = FuzzCase(
    CASES["MC2000B"],
    readings={
        "blade": attribute("blade", blade_name),
        "reference": attribute("reference", reference_name),
        "frequency": attribute("frequency", asked_frequency),
        "frequency_range": attribute("frequency_range", frequency_range),
        "output_frequency": attribute("output_frequency", OUTPUT_HZ),
        "phase": attribute("phase", PHASE),
        "harmonics": attribute("harmonics", harmonics),
        "is_running": attribute("is_running", ENABLED),
        "is_locked": attribute("is_locked", locked),
    },
    actions={
        "blade=": assigned("blade", "MC1F60", lambda log: blade_name(log, "MC1F60")),
        "reference=": assigned("reference", "internal", lambda log: REFERENCE.last(log) == 0),
        "frequency=": assigned("frequency", 150.0, lambda log: FREQUENCY.last(log) == 150.0),
        "phase=": assigned("phase", 90, lambda log: PHASE.last(log) == 90),
        "harmonics=": assigned("harmonics", (3, 2), lambda log: harmonics(log, (3, 2))),
        "start": called("start", promise=lambda log: ENABLED.last(log) is True),
        "stop": called("stop", promise=lambda log: ENABLED.last(log) is False),
        "attention": called("attention"),
    },
    identity=lambda log, chopper: IDENTITY(log, chopper.identity),
    settings={
        "running": ENABLED,
        "blade": blade_name,
        "reference": reference_name,
        "output": output_name,
        "frequency_Hz": asked_frequency,
        "output_frequency_Hz": OUTPUT_HZ,
        "phase_deg": PHASE,
        "harmonic_multiplier": MULTIPLIER,
        "harmonic_divider": DIVIDER,
    },
    is_safe=lambda log: ENABLED.last(log) is False,
)

CHOPPERS = {"MC2000B": CASE}

"""What the fuzz knows of the SuperK sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cases_of_spectral import CASES
from fuzz_case import FuzzCase, Log, assigned, attribute, called
from fuzz_interbus import (
    ABSOLUTE_ZERO_C,
    CURRENT_MODES,
    INTERLOCK,
    MODES,
    SOURCE,
    dark,
    data,
    emits,
    is_number,
    lit,
    number,
    resealed,
    statuses,
)

MODE = number(SOURCE, 0x31, sizes=(1, 2), highest=4)
POWER = number(SOURCE, 0x37, scale=0.1, lowest=0, highest=100.001)
CURRENT = number(SOURCE, 0x38, scale=0.1, lowest=0, highest=100.001)
RATIO = number(SOURCE, 0x34, sizes=(1, 2), lowest=1)
NIM = number(SOURCE, 0x39, highest=1023)
WATCHDOG = number(SOURCE, 0x36, size=1, sizes=(1, 2))
LOOP = number(SOURCE, 0x32)
INLET = number(SOURCE, 0x11, scale=0.1, signed=True, lowest=ABSOLUTE_ZERO_C)


def level(log: Log, percent: float) -> bool:
    mode = MODE(log)
    return mode is not None and is_number(CURRENT if mode in CURRENT_MODES else POWER)(log, percent)


def mode_name(log: Log, words: str) -> bool:
    mode = MODE(log)
    return mode is not None and MODES[int(mode)] == words


def interlock(log: Log, words: str) -> bool:
    found = LOOP(log)
    if found is None:
        return False
    state = int(found) & 0xFF
    known = INTERLOCK[state] if state < len(INTERLOCK) else "unknown"
    return words.startswith(known)


def told(log: Log, _: Any) -> bool:
    return bool(log)


def types(*modules: tuple[int, tuple[int, ...]]) -> Callable[[Log, Any], bool]:
    """Accept a connection only if every module has said that it is of one of its types."""

    def accepts(log: Log, _: Any) -> bool:
        found = [(data(log, module, 0x61), kinds) for module, kinds in modules]
        return all(
            what and (what[0] if len(what) == 1 else int.from_bytes(what[:2], "little")) in kinds
            for what, kinds in found
        )

    return accepts


def holds(read: Callable[[Log], float | None], value: float) -> Callable[[Log], bool]:
    return lambda log: is_number(read)(log, value)


SUPERK = FuzzCase(
    CASES["SuperK"],
    reseal=resealed,
    most_bytes=1 << 22,
    readings={
        "emission": attribute("emission", emits(SOURCE)),
        "interlock": attribute("interlock", interlock),
        "mode": attribute("mode", mode_name),
        "power_level": attribute("power_level", level),
        "pulse_picker_ratio": attribute("pulse_picker_ratio", is_number(RATIO)),
        "nim_delay": attribute("nim_delay", is_number(NIM)),
        "watchdog": attribute("watchdog", is_number(WATCHDOG)),
        "status": attribute("status", statuses(SOURCE)),
    },
    actions={
        "mode=": assigned("mode", "constant power", lambda log: mode_name(log, "constant power")),
        "power_level=": assigned("power_level", 40.0, lambda log: level(log, 40.0)),
        "pulse_picker_ratio=": assigned("pulse_picker_ratio", 300, holds(RATIO, 300)),
        "nim_delay=": assigned("nim_delay", 100, holds(NIM, 100)),
        "reset_interlock": called("reset_interlock", promise=lambda log: interlock(log, "ok")),
        "start_emission": called("start_emission", promise=lit(SOURCE)),
        "stop_emission": called("stop_emission", promise=dark(SOURCE)),
        "keep_alive": called("keep_alive"),
        "attention": called("attention"),
    },
    identity=types((SOURCE, (0x60, 0x88))),
    settings={
        "emission": emits(SOURCE),
        "interlock": interlock,
        "status": told,
        "mode": told,
        "power_level_percent": level,
        "pulse_picker_ratio": is_number(RATIO),
        "nim_delay": is_number(NIM),
        "watchdog_s": is_number(WATCHDOG),
        "inlet_temperature_C": is_number(INLET),
    },
    is_safe=dark(SOURCE),
)

"""What the fuzz knows of the SuperK filters: RF driver with SELECT, and VARIA."""

from __future__ import annotations

from typing import Any

from cases_of_spectral import CASES
from fuzz_case import FuzzCase, Log, Reading, assigned, attribute, called, same
from fuzz_interbus import (
    ABSOLUTE_ZERO_C,
    HOUSING,
    LONGEST_NM,
    RF,
    SOURCE,
    VARIA,
    dark,
    emits,
    flag_of,
    is_number,
    lit,
    number,
    resealed,
    status,
    statuses,
)
from fuzz_superk import SUPERK, holds, interlock, told, types

NM = {"size": 4, "scale": 0.001, "lowest": 0.0, "highest": LONGEST_NM}
LINE = number(RF, 0x90, **NM, sizes=(4, 16))
AMPLITUDE = number(RF, 0xB0, scale=0.1, sizes=(2, 4), highest=100.001)
SHORTEST, LONGEST = number(RF, 0x34, **NM), number(RF, 0x35, **NM)
CRYSTAL = number(RF, 0x75, size=1, highest=4)
CRYSTAL_C = number(RF, 0x38, scale=0.1, signed=True, lowest=ABSOLUTE_ZERO_C)
LIMITS = {
    crystal: (number(HOUSING, first, **NM), number(HOUSING, first + 1, **NM))
    for crystal, first in ((1, 0x90), (2, 0xA0))
}


def crystals(log: Log, value: Any) -> bool:
    found = {crystal: (low(log), high(log)) for crystal, (low, high) in LIMITS.items()}
    if any(None in pair for pair in found.values()):
        return False
    built_in = {c: p for c, p in found.items() if 0 < (p[0] or 0) < (p[1] or 0)}
    return value.keys() == built_in.keys() and all(
        all(map(same_nm, value[crystal], built_in[crystal])) for crystal in built_in
    )


def same_nm(one: Any, other: Any) -> bool:
    return same(round(float(one), 6), round(float(other), 6))


def crystal_range(log: Log, value: tuple[float, float]) -> bool:
    pair = SHORTEST(log), LONGEST(log)
    return None not in pair and all(map(same_nm, value, pair)) and bool(CRYSTAL(log))


def crystal_ranges(log: Log, value: Any) -> bool:
    return all(0 < low < high <= LONGEST_NM for low, high in value) and told(log, value)


def connected(log: Log, value: int) -> bool:
    found = CRYSTAL(log)
    return found is not None and value == ((int(found) - 1) % 2 + 1 if found else 0)


def amplitudes_are_zero(log: Log) -> bool:
    return all(
        number(RF, register, scale=0.1, sizes=(2, 4))(log) == 0 for register in range(0xB0, 0xB8)
    )


SELECT = FuzzCase(
    CASES["SuperKSelect"],
    reseal=resealed,
    most_bytes=1 << 22,
    readings={
        "emission": attribute("emission", emits(RF)),
        "wavelength": attribute("wavelength", is_number(LINE)),
        "power_level": attribute("power_level", is_number(AMPLITUDE)),
        "channel(0)": Reading(
            lambda s: s.channel(0),
            lambda log, v: is_number(LINE)(log, v[0]) and is_number(AMPLITUDE)(log, v[1]),
        ),
        "crystal": attribute("crystal", connected),
        "crystals": attribute("crystals", crystals),
        "crystal_temperature": attribute("crystal_temperature", is_number(CRYSTAL_C)),
        "wavelength_range": attribute("wavelength_range", crystal_range),
        "wavelength_ranges": attribute("wavelength_ranges", crystal_ranges),
        "status": attribute("status", statuses(RF, HOUSING)),
    },
    actions={
        "wavelength=": assigned("wavelength", 532.0, holds(LINE, 532.0)),
        "set_wavelength": called("set_wavelength", 0, 900.0, promise=holds(LINE, 900.0)),
        "power_level=": assigned("power_level", 33.0, holds(AMPLITUDE, 33.0)),
        "set_amplitude": called("set_amplitude", 0, 12.0, promise=holds(AMPLITUDE, 12.0)),
        "select_crystal": called("select_crystal", 2, promise=lambda log: connected(log, 2)),
        "start_emission": called("start_emission", promise=lit(RF)),
        "stop_emission": called("stop_emission", promise=dark(RF)),
        "keep_alive": called("keep_alive"),
        "attention": called("attention"),
    },
    identity=types((RF, (0x66,)), (HOUSING, (0x67,))),
    settings={
        "rf_on": emits(RF),
        "main_channel": None,
        "crystal": connected,
        "crystal_temperature_C": is_number(CRYSTAL_C),
        "lowest_wavelength_nm": is_number(SHORTEST),
        "highest_wavelength_nm": is_number(LONGEST),
        "status": told,
        **{f"monitor_{n}_percent": is_number(number(HOUSING, 0x0F + n, scale=0.1)) for n in (1, 2)},
        **{
            f"channel_{n}_wavelength_nm": is_number(number(RF, 0x90 + n, **NM, sizes=(4, 16)))
            for n in range(8)
        },
        **{
            f"channel_{n}_amplitude_percent": is_number(
                number(RF, 0xB0 + n, scale=0.1, sizes=(2, 4), highest=100.001)
            )
            for n in range(8)
        },
    },
    is_safe=lambda log: dark(RF)(log) and amplitudes_are_zero(log),
    kept=frozenset({"bandwidth"}),
)

EDGE = {"scale": 0.1, "lowest": 0.0, "highest": LONGEST_NM}
LOWER, UPPER = number(VARIA, 0x34, **EDGE), number(VARIA, 0x33, **EDGE)
ND = number(VARIA, 0x32, scale=0.1, highest=100.001)
MONITOR = number(VARIA, 0x13, scale=0.1)
MOVING = 0b111 << 12


def band(log: Log, value: tuple[float, float]) -> bool:
    pair = LOWER(log), UPPER(log)
    return None not in pair and all(map(same_nm, value, pair))


def centre(log: Log, value: float) -> bool:
    pair = LOWER(log), UPPER(log)
    return None not in pair and abs(value - sum(p or 0 for p in pair) / 2) < 0.02


def width(log: Log, value: float) -> bool:
    pair = LOWER(log), UPPER(log)
    return None not in pair and abs(value - ((pair[1] or 0) - (pair[0] or 0))) < 0.06


def in_range(log: Log, pairs: Any) -> bool:
    pairs = pairs if isinstance(pairs[0], tuple) else (pairs,)
    return told(log, pairs) and all(abs(x) <= LONGEST_NM + 1000 for pair in pairs for x in pair)


def stands_dark(log: Log) -> bool:
    return dark(SOURCE)(log) and flag_of(status(VARIA), MOVING)(log, False)


FILTER = FuzzCase(
    CASES["SuperKVaria"],
    reseal=resealed,
    most_bytes=1 << 22,
    readings={
        "emission": attribute("emission", emits(SOURCE)),
        "band": attribute("band", band),
        "wavelength": attribute("wavelength", centre),
        "bandwidth": attribute("bandwidth", width),
        "wavelength_range": attribute("wavelength_range", in_range),
        "wavelength_ranges": attribute("wavelength_ranges", in_range),
        "nd_setpoint": attribute("nd_setpoint", is_number(ND)),
        "power_level": attribute("power_level", is_number(ND)),
        "is_moving": attribute("is_moving", flag_of(status(VARIA), MOVING)),
        "status": attribute("status", statuses(VARIA)),
    },
    actions={
        "set_band": called("set_band", 520.0, 540.0, promise=lambda log: band(log, (520.0, 540.0))),
        "wavelength=": assigned("wavelength", 532.0, lambda log: centre(log, 532.0)),
        "bandwidth=": assigned("bandwidth", 20.0, lambda log: width(log, 20.0)),
        "nd_setpoint=": assigned("nd_setpoint", 50.0, holds(ND, 50.0)),
        "power_level=": assigned("power_level", 60.0, holds(ND, 60.0)),
        "start_emission": called("start_emission", promise=lit(SOURCE)),
        "stop_emission": called("stop_emission", promise=dark(SOURCE)),
        "keep_alive": called("keep_alive"),
        "attention": called("attention"),
    },
    identity=types((VARIA, (0x68,)), (SOURCE, (0x60, 0x88))),
    settings={
        "emission": emits(SOURCE),
        "interlock": interlock,
        "long_wave_pass_nm": is_number(LOWER),
        "short_wave_pass_nm": is_number(UPPER),
        "nd_setpoint_percent": is_number(ND),
        "monitor_percent": is_number(MONITOR),
        "status": told,
    },
    is_safe=stands_dark,
)

LIGHT = {"SuperK": SUPERK, "SuperKSelect": SELECT, "SuperKVaria": FILTER}

"""Cases of temperature controllers and probes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from instrument_rig import NOT_NUMBERS, Case, calls_of, settings_of

from drivers.digisense import DigiSense
from drivers.lakeshore import LakeShore331, LakeShore335, LakeShore336
from drivers.linkam import LinkamT95
from labcool.bench.roles import TemperatureController, TemperatureProbe
from labcool.clock import VirtualClock
from simulators import digisense as digisense_device
from simulators import lakeshore as lakeshore_device
from simulators import linkam as linkam_device

ROOM_K = 293.15


def lakeshore(model: str) -> Callable[[VirtualClock], lakeshore_device.LakeShore]:
    return lambda clock: lakeshore_device.LakeShore(clock, model=model)


def lakeshore_state(device: Any) -> list[object]:
    return [
        *lakeshore_ranges(device),
        *(device._query(q, [o]) for q in ("RAMP", "MOUT", "PID") for o in "12"),
        *(loop.target_K for loop in device._plant.loops.values()),
        device._query("MODE", []),
    ]


def lakeshore_ranges(device: Any) -> list[str]:
    if device.model == "331":
        return [device._query("RANGE", [])]
    return [device._query("RANGE", [output]) for output in device._born.outputs]


LAKE_SHORE: dict[str, Any] = {
    "role": TemperatureController,
    "keywords": {"heater_range": "high"},
    "state": lakeshore_state,
    "is_safe": lambda d: set(lakeshore_ranges(d)) == {"0"},
    "act": lambda s: s.go_to(100.0),
    "ask": lambda s: s.temperature,
    "patience": 5.0,
    "refused": {
        **calls_of("go_to", 1.0, 326.0, -1.0, *NOT_NUMBERS),
        **settings_of("ramp_rate", 0.0, -5.0, 100.1, *NOT_NUMBERS),
    },
    "look": {
        "ramp": (10.0, 97.0),
        "target": lambda d: d._plant.loops["1"].target_K,
        "start": "_command",
    },
}
LAKE_SHORE_RAMP = (b"RAMP 1,1,3\n", b"SETP 1,120\n")
CASES = {
    "LinkamT95": Case(
        role=TemperatureController,
        driver=LinkamT95,
        device=linkam_device.LinkamT95,
        bystander=(b"T\r", b"R11000\r", b"L1500\r", b"S\r"),
        state=lambda d: (
            *(d._state, d._ramp_limit, d._ramp_rate, d._held),
            *(d._pump_is_automatic, d._pump_speed, tuple(d._history)),
        ),
        is_safe=lambda d: d._state == linkam_device.STOPPED,
        act=lambda s: s.go_to(350.0),
        ask=lambda s: s.temperature,
        patience=3.5,
        refused={
            **calls_of("go_to", 70.0, 880.0, -1.0, *NOT_NUMBERS),
            **settings_of("ramp_rate", 0.0, -5.0, 150.1, *NOT_NUMBERS),
        },
        look={
            "ramp": (30.0, 223.15),
            "target": lambda d: d._ramp_limit + 273.15,
            "start": "_start",
        },
    ),
    "LakeShore331": Case(
        driver=LakeShore331,
        device=lakeshore("331"),
        bystander=(*LAKE_SHORE_RAMP, b"RANGE 3\n"),
        **LAKE_SHORE,
    ),
    "LakeShore335": Case(
        driver=LakeShore335,
        device=lakeshore("335"),
        bystander=(*LAKE_SHORE_RAMP, b"RANGE 1,3\n"),
        **LAKE_SHORE,
    ),
    "LakeShore336": Case(
        driver=LakeShore336,
        device=lakeshore("336"),
        bystander=(*LAKE_SHORE_RAMP, b"RANGE 1,3\n", b"RANGE 4,1\n"),
        **LAKE_SHORE,
    ),
    # Its only setting is the unit, which connecting sets; nothing about it is unsafe.
    "DigiSense": Case(
        role=TemperatureProbe,
        driver=DigiSense,
        device=lambda clock: digisense_device.DigiSense(clock, temperature=lambda _: ROOM_K),
        bystander=(),
        state=lambda d: (),
        is_safe=lambda d: True,
        act=lambda p: p.temperature,
        ask=lambda p: p.temperature,
        patience=1.2,
        ends_in_silence=True,
    ),
}

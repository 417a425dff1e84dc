"""Cases of light of a chosen wavelength: supercontinuum source, its filters, a monochromator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from instrument_rig import NOT_NUMBERS, Case, calls_of, ignore, settings_of

from drivers.acton import ActonSP2300
from drivers.superk import SuperK
from drivers.superk_select import SuperKSelect
from drivers.superk_varia import SuperKVaria
from labcool.bench.roles import Monochromator, SupercontinuumSource, TunableSource
from labcool.clock import VirtualClock
from simulators import superk as superk_device
from simulators.acton import ActonSP2300i

EXCHANGE_S = 3.6
"""Longest time of one exchange, as the drivers say."""
READ = 4
EMISSION_ON = bytes.fromhex("0D 0F A2 05 30 03 BC E1 0A")
RF_ON = bytes.fromhex("0D 10 A2 05 30 01 FD 00 0A")
HALF_AMPLITUDE = bytes.fromhex("0D 10 A2 05 B0 F4 01 F9 FD 0A")


def on_the_bus(**modules: Any) -> Callable[[VirtualClock], superk_device.SuperK]:
    def build(clock: VirtualClock) -> superk_device.SuperK:
        device = superk_device.SuperK(clock, light_changed=ignore, **modules)
        device.press_reset()
        return device

    return build


def source_state(device: superk_device.SuperK) -> tuple[object, ...]:
    source = device._source
    numbers = (source._power, source._current, source._ratio, source._watchdog, source._mode)
    return (source._emits(), source.interlock_is_ok, *(number.value for number in numbers))


def rf_state(device: superk_device.SuperK) -> tuple[object, ...]:
    rf, select = device._rf, device._select
    assert rf is not None
    assert select is not None
    tables = [[list(entries) for entries in table] for table in (rf._wavelengths, rf._amplitudes)]
    return (rf.is_on, select._switch.value, tables, source_state(device))


def varia_state(device: superk_device.SuperK) -> tuple[object, ...]:
    assert device._varia is not None
    return (dict(device._varia._travels), source_state(device))


def filter_stands(device: superk_device.SuperK) -> bool:
    return device._varia is not None and not device._varia.status()


INTERBUS: dict[str, Any] = {
    "act": lambda s: s.start_emission(),
    "patience": EXCHANGE_S,
    "is_question": lambda telegram: telegram[3] == READ,
}
CASES = {
    "SuperK": Case(
        role=SupercontinuumSource,
        driver=SuperK,
        device=on_the_bus(rf_driver=None, select=None),
        bystander=(EMISSION_ON,),
        state=source_state,
        is_safe=lambda d: not d._source._emits(),
        ask=lambda s: s.power_level,
        refused=settings_of("power_level", -0.1, 100.1, 1e9, True, *NOT_NUMBERS)
        | settings_of("pulse_picker_ratio", 0, -1, 65536, 2.5, True, *NOT_NUMBERS),
        **INTERBUS,
    ),
    "SuperKSelect": Case(
        role=TunableSource,
        driver=SuperKSelect,
        device=on_the_bus(),
        keywords={"rf_address": 16, "select_address": 18},
        bystander=(HALF_AMPLITUDE, RF_ON),
        state=rf_state,
        is_safe=lambda d: not d._rf.is_on,
        ask=lambda s: s.wavelength,
        limits_are_asked=True,
        refused=settings_of("wavelength", 399.9, 1100.1, 0.0, -600.0, True, *NOT_NUMBERS)
        | settings_of("power_level", -0.1, 100.1, True, *NOT_NUMBERS),
        look={
            "emits": lambda d: d._rf.is_on,
            "end_it": lambda d: setattr(d._rf._on, "value", 0),
            "tuned": lambda d: [nm for nm, _ in d._rf.lines()],
            "level": lambda d: d._rf._amplitudes[0][0] / 10,
            "ranges": ((400.0, 650.0), (640.0, 1100.0)),
            "targets": (400.0, 532.0, 650.0, 660.25, 1100.0, 500.0),
        },
        **INTERBUS,
    ),
    "SuperKVaria": Case(
        role=TunableSource,
        driver=SuperKVaria,
        device=on_the_bus(rf_driver=None, select=None, varia=17),
        bystander=(EMISSION_ON,),
        state=varia_state,
        is_safe=lambda d: not d._source._emits() and filter_stands(d),
        ask=lambda s: s.wavelength,
        limits_are_asked=True,
        refused=settings_of("wavelength", 424.9, 815.1, 0.0, True, *NOT_NUMBERS)
        | settings_of("power_level", -0.1, 100.1, True, *NOT_NUMBERS)
        | settings_of("bandwidth", 0.0, -1.0, 250.1, True, *NOT_NUMBERS),
        look={
            "emits": lambda d: d._source._emits(),
            "end_it": lambda d: setattr(d, "interlock_open", True),
            "tuned": lambda d: [
                (d._varia._travels["lwp"].target + d._varia._travels["swp"].target) / 20
            ],
            "level": lambda d: d._varia._travels["nd"].target / 10,
            "ranges": ((425.0, 815.0),),
            "targets": (425.0, 532.0, 815.0, 500.0),
        },
        **INTERBUS,
    ),
    "ActonSP2300": Case(
        role=Monochromator,
        driver=ActonSP2300,
        device=lambda clock: ActonSP2300i(clock, wavelength_changed=ignore),
        bystander=(b"50.0 NM/MIN\r",),
        state=lambda d: (d._grating, d._rate, d.wavelength_at(d.clock.now())),
        is_safe=lambda d: d._is_done(),
        act=lambda m: m.go_to(500.0),
        ask=lambda m: m.wavelength,
        patience=5.0,
        limits_are_asked=True,
        ends_in_silence=True,
        refused=calls_of("go_to", -0.1, 5600.1, 1e9, True, *NOT_NUMBERS)
        | settings_of("grating", 0, 4, 10, -1, True),
        look={"longest": {1: 5600.0, 2: 2800.0, 3: 1400.0}},
    ),
}

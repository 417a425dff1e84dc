"""Cases of the pump beam and of other light: shutters, lasers, mounts, attenuators, choppers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from instrument_rig import (
    NOT_NUMBERS,
    Case,
    blade_is_open,
    calls_of,
    ell14_stands,
    ignore,
    setting,
    settings_of,
    switch,
)

from drivers.cobolt import Cobolt06
from drivers.elliptec import ELL14
from drivers.finesse import Finesse
from drivers.k10cr1 import K10CR1
from drivers.ksc101 import KSC101
from drivers.mc2000b import MC2000B
from drivers.obis import Obis
from drivers.sc10 import SC10
from drivers.ttl_shutter import TTLShutter
from labcool.bench.attenuator import RotaryAttenuator
from labcool.bench.roles import Attenuator, Chopper, Laser, RotationMount, Shutter
from labcool.clock import VirtualClock
from labcool.errors import InstrumentDisconnected
from labcool.models import GradedFilter
from simulators import cobolt as cobolt_device
from simulators import elliptec as ell14_device
from simulators import finesse as finesse_device
from simulators import k10cr1 as k10cr1_device
from simulators import ksc101 as ksc101_device
from simulators import mc2000b as mc2000b_device
from simulators import obis as obis_device
from simulators import sc10 as sc10_device
from simulators import ttl_shutter as ttl_device
from simulators._trapezoid import rest

FILTER = GradedFilter(((0.0, 0.0), (300.0, 3.0)))


def ell14_at(device: ell14_device.ELL14, steps: int) -> None:
    device._motion = ell14_device.Motion(0.0, 0, steps, 1e9)
    device.clock.sleep(1.0)


def homed(clock: VirtualClock) -> k10cr1_device.K10CR1:
    device = k10cr1_device.K10CR1(clock, turned=ignore)
    device.receive(bytes.fromhex("43 04 01 00 50 01"))
    clock.sleep(60.0)
    assert device.transmit()[:2] == bytes.fromhex("44 04")
    return device


def k10cr1_at(device: k10cr1_device.K10CR1, steps: int) -> None:
    device._motion = rest(steps)


def ksc101(**options: Any) -> Callable[[VirtualClock], ksc101_device.KSC101]:
    return lambda clock: ksc101_device.KSC101(clock, moved=ignore, **options)


SHUTTER: dict[str, Any] = {
    "role": Shutter,
    "is_safe": lambda d: not blade_is_open(d),
    "act": lambda s: s.open(),
    "ask": lambda s: s.is_closed,
}
ELL14_MOUNT: dict[str, Any] = {
    "driver": ELL14,
    "device": lambda clock: ell14_device.ELL14(clock, turned=ignore),
    "bystander": (b"0ma00011800",),
    "state": lambda d: (
        *(d._motion.end, d._counter_zero, d._speed_percent, d._jog_step, d._home_offset),
        d._address,
    ),
    "is_safe": ell14_stands,
    "patience": 2.2,
    "look": {"step": 360 / ell14_device.PULSES_PER_TURN, "place": ell14_at},
}
K10CR1_MOUNT: dict[str, Any] = {
    "driver": K10CR1,
    "device": homed,
    "bystander": (bytes.fromhex("53 04 06 00 d0 01 01 00") + struct.pack("<i", 24_576_000),),
    "state": lambda d: (d._motion.end, d._counter_zero, d._is_homed, d._enabled, d._settings),
    "is_safe": lambda d: not d._is_moving(),
    "patience": 2.6,
    "look": {"step": 360 / (200 * 2048 * 120), "place": k10cr1_at},
}
ROTATION: dict[str, Any] = {
    "role": RotationMount,
    "act": lambda m: m.turn_to(123.0),
    "ask": lambda m: m.angle,
    "refused": calls_of("turn_to", -0.001, 360.0, 720.0, *NOT_NUMBERS),
}
ATTENUATOR: dict[str, Any] = {
    "role": Attenuator,
    "wrap": lambda mount: RotaryAttenuator(mount, FILTER),
    "act": setting("transmission", 0.1),
    "ask": lambda a: a.transmission,
    "refused": settings_of("transmission", 0.0, 0.00099, 1.001, -0.1, *NOT_NUMBERS),
}
CASES = {
    "SC10": Case(
        driver=SC10,
        device=lambda clock: sc10_device.SC10(clock, moved=ignore),
        bystander=(b"ens\r",),
        state=lambda d: (d._enabled, dict(d._values), d._interlock_tripped, blade_is_open(d)),
        patience=1.2,
        look={"hold": switch("interlock_tripped", True)},
        **SHUTTER | {"is_safe": lambda d: not blade_is_open(d) and not d._enabled},
    ),
    "KSC101": Case(
        driver=KSC101,
        device=ksc101(),
        bystander=(bytes.fromhex("cb 04 01 01 50 01"),),
        state=lambda d: (d._mode, d._cycle, d._interlock_mode, d._enabled, blade_is_open(d)),
        patience=2.6,
        look={"hold": switch("interlock_open", True)},
        **SHUTTER,
    ),
    "KSC101 that reports its blade": Case(
        driver=KSC101,
        device=ksc101(reports_blade=True, closed_code=2),
        bystander=(bytes.fromhex("cb 04 01 01 50 01"),),
        state=lambda d: (d._mode, d._cycle, d._interlock_mode, d._enabled, blade_is_open(d)),
        patience=2.6,
        look={"hold": switch("key_switch_on", False)},
        **SHUTTER,
    ),
    "TTLShutter": Case(
        driver=TTLShutter,
        device=lambda clock: ttl_device.TTLShutter(clock, moved=ignore),
        bystander=(lambda d: d.line_set(True, d.clock.now()),),
        state=lambda d: (d._line, blade_is_open(d)),
        patience=0.2,
        connecting_makes_safe=True,
        silence=InstrumentDisconnected,
        look={"hold": switch("powered", False)},
        **SHUTTER,
    ),
    "Finesse": Case(
        role=Laser,
        driver=Finesse,
        device=lambda clock: finesse_device.Finesse(clock, power_changed=ignore),
        bystander=(b"POWER=0.5\r", b"SHUTTER OPEN\r"),
        state=lambda d: (d._setpoint, d._emission, d._shutter_open, d._button_released),
        is_safe=lambda d: not d._shutter_open,
        act=lambda s: s.open_output(),
        ask=lambda s: s.power,
        patience=2.2,
        refused=settings_of("power_setpoint", -0.001, 1.001, 1e9, *NOT_NUMBERS),
    ),
    "Obis": Case(
        role=Laser,
        driver=Obis,
        device=lambda clock: obis_device.Obis(clock, power_changed=ignore),
        bystander=(b"SOUR:POW:LEV:IMM:AMPL 0.05\r\n", b"SOUR:AM:STAT ON\r\n"),
        state=lambda d: (d._setpoint, dict(d._switches), d._mode, d._emits_from),
        is_safe=lambda d: d._emits_from is None,
        act=lambda s: s.start_emission(),
        ask=lambda s: s.power,
        patience=5.0,
        refused=settings_of("power_setpoint", -0.001, 0.0, 0.101, 1e9, *NOT_NUMBERS),
        limits_are_asked=True,
    ),
    "Cobolt06": Case(
        role=Laser,
        driver=Cobolt06,
        device=lambda clock: cobolt_device.Cobolt06(clock, power_changed=ignore, start_up=0.0),
        bystander=(b"p 0.0500\r", b"l1\r"),
        state=lambda d: (dict(d._setpoints), dict(d._flags), d._mode, d._emits_from),
        is_safe=lambda d: d._emits_from is None,
        act=lambda s: s.start_emission(),
        ask=lambda s: s.power,
        patience=5.0,
        refused=settings_of("power_setpoint", -0.001, 0.101, 1e9, *NOT_NUMBERS),
        limits_are_asked=True,
    ),
    "ELL14": Case(**ELL14_MOUNT, **ROTATION),
    "K10CR1": Case(**K10CR1_MOUNT, **ROTATION),
    "RotaryAttenuator of ELL14": Case(**ELL14_MOUNT, **ATTENUATOR),
    "RotaryAttenuator of K10CR1": Case(**K10CR1_MOUNT, **ATTENUATOR),
    "MC2000B": Case(
        role=Chopper,
        driver=MC2000B,
        device=mc2000b_device.MC2000B,
        bystander=(b"enable=1\r",),
        state=lambda d: (dict(d._values), d._freq),
        is_safe=lambda d: not d._values["enable"],
        act=lambda c: c.start(),
        ask=lambda c: c.frequency,
        patience=2.0,
        limits_are_asked=True,
        refused=settings_of("frequency", 0.0, -1.0, 200.5, 1e6, *NOT_NUMBERS),
    ),
}

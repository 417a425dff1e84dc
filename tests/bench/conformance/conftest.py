"""Every class that fills a role, with its simulated device behind it.

The witness is always the simulated device: the blade, the encoder, the heater, the bytes received.
A class of tests may name the cases it is for in ``CASES``; others are run for all.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import seabreeze.pyseabreeze.protocol

from drivers.cobolt import Cobolt06
from drivers.digisense import DigiSense
from drivers.elliptec import ELL14
from drivers.finesse import Finesse
from drivers.k10cr1 import K10CR1
from drivers.ksc101 import KSC101
from drivers.lakeshore import LakeShore331, LakeShore335, LakeShore336
from drivers.linkam import LinkamT95
from drivers.mc2000b import MC2000B
from drivers.obis import Obis
from drivers.ocean import OceanSpectrometer
from drivers.pm100d import PM100D
from drivers.sc10 import SC10
from drivers.sr830 import SR830
from drivers.ttl_shutter import TTLShutter
from labcool.bench.attenuator import RotaryAttenuator
from labcool.bench.roles import (
    Attenuator,
    Chopper,
    Laser,
    LockIn,
    PowerMeter,
    RotationMount,
    Shutter,
    Spectrometer,
    TemperatureController,
    TemperatureProbe,
)
from labcool.clock import VirtualClock
from labcool.errors import InstrumentDisconnected, InstrumentTimeout
from labcool.models import GradedFilter
from simulators import cobolt as cobolt_device
from simulators import digisense as digisense_device
from simulators import elliptec as ell14_device
from simulators import finesse as finesse_device
from simulators import k10cr1 as k10cr1_device
from simulators import ksc101 as ksc101_device
from simulators import lakeshore as lakeshore_device
from simulators import linkam as linkam_device
from simulators import mc2000b as mc2000b_device
from simulators import obis as obis_device
from simulators import pm100d as pm100d_device
from simulators import sc10 as sc10_device
from simulators import sr830 as sr830_device
from simulators import ttl_shutter as ttl_device
from simulators._trapezoid import rest
from simulators.flame import Flame
from simulators.memory import MemoryLink
from simulators.usb_backend import FlameLink

NAME = "the one under test"
FILTER = GradedFilter(((0.0, 0.0), (300.0, 3.0)))
ELECTRONS = 50_000.0
SIGNAL_V = 3e-3 + 4e-3j
LIGHT_W = 2e-3
ROOM_K = 293.15
NOT_NUMBERS = [math.nan, math.inf, -math.inf]


class Lamp:
    """Light on the detector, and a record of the exposures."""

    def __init__(self, pixels: int) -> None:
        self.electrons = np.full(pixels, ELECTRONS)
        self.exposures: list[tuple[float, float]] = []

    def expose(self, start: float, duration: float) -> Callable[[], Any]:
        self.exposures.append((start, duration))
        return lambda: self.electrons


def flame(model: str, pixels: int) -> Callable[[VirtualClock], Flame]:
    def build(clock: VirtualClock) -> Flame:
        lamp = Lamp(pixels)
        device = Flame(clock, expose=lamp.expose, rng=np.random.default_rng(5), model=model)
        device.lamp = lamp  # type: ignore[attr-defined]
        return device

    return build


def ignore(*_: object) -> None:
    """Nobody looks at the light."""


@dataclass(frozen=True)
class Case:
    """One class, the device behind it, and how to look at that device.

    :param bystander: bytes (or what is done to the device) by which somebody else brings it into
        an unsafe state.
    :param state: what connecting and reading must not change.
    :param act: use of the role after which the device is not safe.
    :param ask: a question that goes over the wire.
    :param patience: longest time until a silent device is an error, virtual s.
    :param refused: calls outside the allowed range.
    :param keywords: for the driver's constructor.
    :param limits_are_asked: the device knows the allowed range, so that questions come first.
    :param ends_in_silence: shutting down needs no answer, because nothing has to be made safe.
    :param connecting_makes_safe: the way to the device is unsafe unless it is taken.
    :param silence: what a silent device is.
    :param look: what the tests of the role need to see or do, by name.
    """

    role: type
    driver: type
    device: Callable[[VirtualClock], Any]
    bystander: tuple[bytes | Callable[[Any], None], ...]
    state: Callable[[Any], object]
    is_safe: Callable[[Any], bool]
    act: Callable[[Any], object]
    ask: Callable[[Any], object]
    patience: float
    refused: dict[str, Callable[[Any], object]] = field(default_factory=dict)
    wrap: Callable[[Any], Any] = lambda instrument: instrument
    keywords: Mapping[str, Any] = field(default_factory=dict)
    limits_are_asked: bool = False
    ends_in_silence: bool = False
    connecting_makes_safe: bool = False
    silence: type[Exception] = InstrumentTimeout
    look: Mapping[str, Any] = field(default_factory=dict)


def setting(attribute: str, value: Any) -> Callable[[Any], object]:
    return lambda instrument: setattr(instrument, attribute, value)


def settings_of(attribute: str, *values: Any) -> dict[str, Callable[[Any], object]]:
    return {f"{attribute}={value}": setting(attribute, value) for value in values}


def calls_of(method: str, *values: Any) -> dict[str, Callable[[Any], object]]:
    return {f"{method}({v})": (lambda i, v=v: getattr(i, method)(v)) for v in values}


def blade_is_open(device: Any) -> bool:
    return bool(getattr(device, "_blade", device).is_open(device.clock.now()))


def switch(attribute: str, value: bool) -> Callable[[Any], None]:
    return lambda device: setattr(device, attribute, value)


def ell14_stands(device: ell14_device.ELL14) -> bool:
    return device._ending is None


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
SPECTROMETER: dict[str, Any] = {
    "role": Spectrometer,
    "driver": OceanSpectrometer,
    "bystander": (b"\x03\x01\x00",),
    "state": lambda d: (d.lamp_on, dict(d._slots), dict(d._registers)),
    "is_safe": lambda d: d._running is None,
    "act": lambda s: s.acquire(),
    "ask": lambda s: s.acquire(),
    "patience": 2.3,
    "ends_in_silence": True,
    "refused": {
        **settings_of("exposure", 0.0, -0.1, 1e-7, 1e4, *NOT_NUMBERS),
        **settings_of("averages", 0, -1, 1.5, True),
    },
}
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
    "Flame-S": Case(device=flame("FLAME-S", 2048), **SPECTROMETER),
    "USB2000+": Case(device=flame("USB2000+", 2048), **SPECTROMETER),
    "USB4000": Case(device=flame("USB4000", 3840), **SPECTROMETER),
    # It only measures: nothing about it is unsafe.
    "PM100D": Case(
        role=PowerMeter,
        driver=PM100D,
        device=lambda clock: pm100d_device.PM100D(
            clock, power=lambda _: LIGHT_W, wavelength=532.0, dark_current=0.0
        ),
        bystander=(b"SENS:CORR:WAV 600\n", b"SENS:AVER:COUN 7\n", b"SENS:POW:UNIT DBM\n"),
        state=lambda d: (d._set_wavelength, d._count, d._unit, d._loss, d._is_automatic, d._zero),
        is_safe=lambda d: True,
        act=setting("wavelength", 532.0),
        ask=lambda m: m.wavelength,
        patience=4.4,
        limits_are_asked=True,
        ends_in_silence=True,
        refused={
            **settings_of("wavelength", 0.0, -532.0, 399.0, 1101.0, *NOT_NUMBERS),
            **settings_of("averages", 0, -1, 1.5, True, 1_000_000),
        },
    ),
    "SR830": Case(
        role=LockIn,
        driver=SR830,
        device=lambda clock: sr830_device.SR830(
            clock,
            signal=lambda _: SIGNAL_V,
            reference=lambda _: None,
            rng=np.random.default_rng(4),
        ),
        bystander=(b"AUXV1,3\n", b"AUXV4,-2\n", b"SLVL2\n"),
        state=lambda d: (
            *(dict(d.settings.integers), dict(d.settings.reals), list(d.settings.aux_out)),
            *(list(d.settings.offsets), list(d.settings.expands)),
        ),
        is_safe=lambda d: d.settings.aux_out == [0.0] * 4 and d.sine_out == 0.004,
        act=lambda s: s.set_aux_output(1, 2.0),
        ask=lambda s: s.read(),
        patience=4.4,
        limits_are_asked=True,
        refused={
            **settings_of("sensitivity", 0.0, 3e-3, 2.0, -1e-3, *NOT_NUMBERS),
            **settings_of("time_constant", 0.0, 0.02, 1e5, *NOT_NUMBERS),
        },
    ),
}


class Rig:
    """A case set up: the clock, the device, what it has received, and the instrument."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.clock = VirtualClock()
        self.device = case.device(self.clock)
        self.look = SimpleNamespace(**case.look)
        self.received: list[bytes] = []
        if isinstance(self.device, ttl_device.TTLShutter):
            self.link: Any = ttl_device.ControlLinePort(self.device, None)
            self.link.port = "lines"
            self._record("line_set")
        else:
            link = FlameLink if isinstance(self.device, Flame) else MemoryLink
            self.link = link(self.device, self.clock)
            self._record("receive")

    def _record(self, method: str) -> None:
        original = getattr(self.device, method)

        def record(data: Any, *more: Any) -> None:
            self.received.append(data)
            original(data, *more)

        setattr(self.device, method, record)

    def connect(self, **settings: Any) -> Any:
        keywords = {**self.case.keywords, **settings}
        driver = self.case.driver(self.link, NAME, clock=self.clock, **keywords)
        return self.case.wrap(driver)

    def interfere(self) -> None:
        """Let somebody else bring the device into an unsafe state."""
        for command in self.case.bystander:
            self.clock.sleep(0.06)
            if callable(command):
                command(self.device)
            else:
                self.device.receive(command)
        self.clock.sleep(0.06)
        if not isinstance(self.device, Flame):
            self.device.transmit()

    def state(self) -> object:
        return self.case.state(self.device)

    @property
    def is_safe(self) -> bool:
        return self.case.is_safe(self.device)

    @property
    def blade_is_open(self) -> bool:
        return blade_is_open(self.device)

    @property
    def is_busy(self) -> bool:
        """Whether it is a mount that is asked for its name only while it stands, and turns."""
        return isinstance(self.device, ell14_device.ELL14) and not ell14_stands(self.device)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = getattr(metafunc.cls, "CASES", tuple(CASES))
    if "call" in metafunc.fixturenames:
        pairs = [(name, call) for name in names for call in CASES[name].refused]
        metafunc.parametrize(
            ("case", "call"),
            [(CASES[name], call) for name, call in pairs],
            ids=[f"{name}-{call}" for name, call in pairs],
        )
    elif "rig" in metafunc.fixturenames:
        metafunc.parametrize("case", [CASES[name] for name in names], ids=names)


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture
def cases() -> Mapping[str, Case]:
    return CASES


@pytest.fixture
def rig(case: Case) -> Rig:
    return Rig(case)

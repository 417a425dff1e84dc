"""Cases of what measures light and signals: spectrometers, power meter, lock-in amplifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from instrument_rig import NOT_NUMBERS, Case, setting, settings_of

from drivers.ocean import OceanSpectrometer
from drivers.pm100d import PM100D
from drivers.sr830 import SR830
from labcool.bench.roles import LockIn, PowerMeter, Spectrometer
from labcool.clock import VirtualClock
from simulators import pm100d as pm100d_device
from simulators import sr830 as sr830_device
from simulators.flame import Flame

ELECTRONS = 50_000.0
SIGNAL_V = 3e-3 + 4e-3j
LIGHT_W = 2e-3


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
CASES = {
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

"""The case of a photodiode, which has no port of its own: it reads through an SR830's driver."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np
from instrument_rig import NAME, NOT_NUMBERS, Case, Rig, setting, settings_of

from drivers.photodiode import Photodiode
from drivers.sr830 import SR830
from labcool.bench.roles import PowerMeter
from simulators import sr830 as sr830_device

LIGHT_V = 3.0

CASES: Mapping[str, Case] = {
    "photodiode": Case(
        role=PowerMeter,
        driver=Photodiode,
        device=lambda clock: sr830_device.SR830(
            clock,
            signal=lambda _: 0j,
            reference=lambda _: None,
            aux_in=lambda number, _: LIGHT_V if number == 2 else 0.0,
            rng=np.random.default_rng(6),
        ),
        # Neither what somebody else does with the lock-in nor what it is left with concerns it.
        bystander=(b"OFLT 5\n", b"AUXV1,3\n"),
        state=lambda d: (dict(d.settings.integers), list(d.settings.aux_out)),
        is_safe=lambda d: True,
        act=setting("wavelength", 532.0),
        ask=lambda p: p.voltage,
        patience=4.4,
        ends_in_silence=True,
        keywords={
            "input": 2,
            "calibrated": datetime.date(2025, 11, 3),
            "responsivity": ((450.0, 1000.0), (650.0, 2000.0)),
            "relative_std": 0.03,
        },
        refused={
            **settings_of("wavelength", 0.0, -532.0, 449.0, 651.0, True, *NOT_NUMBERS),
            **settings_of("averages", 0, -1, 1.5, True, 1_000_000),
        },
    )
}


class PhotodiodeRig(Rig):
    """The lock-in is connected before anything goes wrong, and stays so."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.lock_in = SR830(self.link, "the lock-in", clock=self.clock)

    def connect(self, **settings: Any) -> Any:
        keywords = {**self.case.keywords, **settings}
        return Photodiode(self.lock_in, NAME, clock=self.clock, **keywords)

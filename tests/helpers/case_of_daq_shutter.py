"""The case of a shutter on a line of a card, which has no wire of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases_of_light import SHUTTER, ignore
from instrument_rig import Case, Rig, blade_is_open, switch

from drivers.daq_shutter import DAQShutter
from labcool.errors import InstrumentDisconnected
from simulators import ttl_shutter as ttl_device
from simulators._daq_card import CardLine

CASES: Mapping[str, Case] = {
    "DAQShutter": Case(
        driver=DAQShutter,
        device=lambda clock: ttl_device.TTLShutter(clock, moved=ignore),
        bystander=(lambda d: d.line_set(True, d.clock.now()),),
        state=lambda d: (d._line, blade_is_open(d)),
        patience=0.2,
        connecting_makes_safe=True,
        silence=InstrumentDisconnected,
        keywords={"sensor": "Dev1/port0/line1"},
        look={"hold": switch("powered", False)},
        **SHUTTER,
    ),
}


class CardRig(Rig):
    """The shutter hangs on a line of a card."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.link = CardLine(self.device)

    def connect(self, **settings: Any) -> Any:
        self.link.take()
        return super().connect(**settings)

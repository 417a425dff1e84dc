"""What the table of faults asks of a shutter on a line of a card, and of its voltage inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import case_of_daq_shutter
import fault_light
from fault_rig import Exchange, FaultRig, Subject
from instrument_rig import Case

from drivers.daq_input import DAQInput
from labcool.errors import InstrumentDisconnected
from simulators._daq_card import CardInputs, CardLine, DaqCard
from simulators._fault_host import FaultHost
from simulators._faulty_line import FaultyLine
from simulators.faults import ANSWER_FAULTS


class CardRig(FaultRig):
    """The shutter hangs on a line of a card, and the line is taken anew with each connection."""

    def _host(self) -> FaultHost:
        self.link = CardLine(self.device)
        return FaultyLine(self.device, self.link)

    def connect(self, **settings: Any) -> Any:
        self.link.take()
        return super().connect(**settings)


class InputRig(CardRig):
    """The card has voltage inputs."""

    def _host(self) -> FaultHost:
        self.link = CardInputs(self.device)
        return FaultyLine(self.device, self.link)


def volts_are_right(rig: FaultRig, volts: float) -> bool:
    return abs(volts - rig.device._voltage(2, 0.0)) < 1e-3


def raise_voltage(rig: FaultRig) -> None:
    rig.device._voltage = lambda number, _: 4.5 if number == 2 else 0.0


INPUTS = Case(
    role=object,
    driver=DAQInput,
    device=lambda clock: DaqCard(clock, voltage=lambda number, _: float(number), inputs=2),
    bystander=(),
    state=lambda d: d.volts(),
    is_safe=lambda d: True,
    act=lambda s: s.aux_input(1),
    ask=lambda s: s.aux_input(2),
    patience=0.1,
    silence=InstrumentDisconnected,
    keywords={"channels": ("ai0", "ai1")},
)

SUBJECTS = {
    "DAQInput": Subject(
        INPUTS,
        {"question": Exchange(lambda s: s.aux_input(2), volts_are_right, 0.1)},
        vary=raise_voltage,
        rig=InputRig,
        exclusions={
            **dict.fromkeys(ANSWER_FAULTS, "a card has no wire on which answers could be hit"),
            "wrong_device": "an input cannot be asked what is connected to it",
        },
    ),
    "DAQShutter": replace(
        fault_light.SUBJECTS["TTLShutter"],
        case=case_of_daq_shutter.CASES["DAQShutter"],
        rig=CardRig,
    ),
}

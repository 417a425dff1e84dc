"""What the table of faults asks of a photodiode, whose faults are those of the lock-in it reads."""

from __future__ import annotations

from typing import Any

import case_of_photodiode
from fault_rig import Exchange, FaultRig, Subject
from instrument_rig import NAME

from drivers.photodiode import Photodiode
from drivers.sr830 import SR830


class PhotodiodeRig(FaultRig):
    """The lock-in is connected before anything goes wrong, and anew when its port has vanished."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._plug: int | None = None
        self.lock_in: Any = None

    def connect(self, **settings: Any) -> Any:
        plug = self.host.plug_number  # type: ignore[attr-defined]
        if self.lock_in is None or plug not in (None, self._plug):
            self.lock_in = SR830(self.link, f"the source of {NAME}", clock=self.clock)
            self._plug = plug
        keywords = {**self.case.keywords, **settings}
        return Photodiode(self.lock_in, NAME, clock=self.clock, **keywords)


def voltage_is_right(rig: FaultRig, volts: float) -> bool:
    return abs(volts - rig.device.front._aux_in(2, 0.0)) < 1e-3


def power_is_right(rig: FaultRig, watts: float) -> bool:
    # 532 nm lies between 1000 V/W at 450 nm and 2000 V/W at 650 nm.
    return abs(watts - rig.device.front._aux_in(2, 0.0) / 1410.0) < 1e-6


def brighten(rig: FaultRig) -> None:
    rig.device.front._aux_in = lambda number, _: 4.5 if number == 2 else 0.0


def prepare(diode: Any) -> None:
    diode.wavelength = 532.0


def zeroed(diode: Any) -> float:
    """Return what is taken for darkness, and take 0 V for it again: it was light."""
    dark = float(diode.zero(beam_blocked=True))
    diode._dark = 0.0
    return dark


SUBJECTS = {
    "Photodiode": Subject(
        case_of_photodiode.CASES["photodiode"],
        {
            "question": Exchange(lambda p: p.voltage, voltage_is_right, 4.4),
            "reading": Exchange(lambda p: p.power, power_is_right, 4.4),
            "action": Exchange(zeroed, voltage_is_right, 30.0),
        },
        prepare=prepare,
        vary=brighten,
        rig=PhotodiodeRig,
        exclusions={
            "saturation": "what overloads the lock-in's signal input leaves this one alone"
        },
    ),
}

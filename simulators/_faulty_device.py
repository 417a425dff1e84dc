"""A simulated device with faults between it and the host."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators._fault_answers import Answer, altered, whole
from simulators._fault_host import FaultHost
from simulators.device import SimulatedDevice, Switch
from simulators.finesse import Finesse
from simulators.sc10 import SC10


class FaultyDevice(SimulatedDevice, FaultHost):
    """Any simulated device of bytes; without a fault everything passes as it is.

    What a device says on one occasion (when a command arrives, or at an appointment) is one answer.
    Answers keep their order: behind a late one the others wait.

    :param device: the device behind.
    :param rng: dice for the faults.
    """

    def __init__(self, device: SimulatedDevice, rng: np.random.Generator | None = None) -> None:
        SimulatedDevice.__init__(self, device.clock)
        FaultHost.__init__(self, device.clock, rng)
        self.device = device
        self._speaker = device
        self._passed = 0
        self._before = b""
        self._plugs = 0
        self._gone = False
        self._booting = False

    @property
    def plug_number(self) -> int | None:
        """Get a number that changes each time the port comes back; None while it is gone."""
        self.poke()
        return None if self._gone else self._plugs

    @property
    def silent(self) -> bool:
        """Control whether the device is cut off, for tests of broken benches."""
        return self.device.silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._outbox.clear()
        self.device.silent = silent

    def states(self) -> Mapping[str, Switch]:
        """Return the lasting faults that the device can have, and those of its port."""
        states: dict[str, Switch] = {
            "disconnect": self._disconnect,
            "wrong_device": self._replace,
        }
        if type(self.device)._begin_anew is not SimulatedDevice._begin_anew:
            states["power_cycle"] = self._switch_off_and_on
        return states | self.device.conditions()

    def receive(self, data: bytes) -> None:
        """Take bytes from the host, at the clock's present moment."""
        self._live_on()
        if data and not self._is_deaf:
            self._speaker.receive(data)
            self._collect()

    def transmit(self) -> bytes:
        """Return, once, all bytes that have left by now."""
        self._live_on()
        sent = self._speaker.transmit()
        self._passed = len(self._speaker._outbox)
        sent += SimulatedDevice.transmit(self)
        return b"" if self._is_deaf else sent

    def next_transmission(self) -> float | None:
        """Return the moment (clock s) at which bytes may leave next, None if none are due."""
        self.poke()
        if self._is_deaf:
            return None
        return _first(self._speaker.next_transmission(), SimulatedDevice.next_transmission(self))

    def next_departure(self) -> float | None:
        """Return the moment (clock s) at which the rest of an answer leaves, None without one."""
        return _first(self._speaker.next_departure(), SimulatedDevice.next_departure(self))

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong with the device behind."""
        return self.device.conditions()

    def _begin_anew(self) -> None:
        self.device.power_cycle()

    def _accept(self, data: bytes) -> None:
        """Do nothing: :meth:`receive` has passed everything on."""

    @property
    def _is_deaf(self) -> bool:
        return self._gone or self._booting

    def _live_on(self) -> None:
        """Let device and faults do what they do by themselves up to now."""
        self.device.receive(b"")
        if self._speaker is not self.device:
            self.device.transmit()
        self._collect()
        self.poke()

    def _collect(self) -> None:
        """Let the faults act on what the device has just put on its way."""
        outbox = self._speaker._outbox
        new: Answer = list(outbox)[self._passed :]
        self._passed = len(outbox)
        if not new:
            return
        before, self._before = self._before, whole(new)
        hits = (
            self._hits(answer=self._before, before=before) if self._speaker is self.device else []
        )
        if not hits and not self._outbox:
            return
        for _ in new:
            outbox.pop()
        self._passed = len(outbox)
        for fault in hits:
            if new:
                new = altered(new, fault, before, self.device.telltale, self._fault_rng)
        for moment, piece in new:
            last = self._outbox[-1][0] if self._outbox else moment
            self._outbox.append((max(moment, last), piece))

    def _disconnect(self, gone: bool) -> None:
        self._gone = gone
        self._plugs += gone
        self._forget_answers()

    def _switch_off_and_on(self, off: bool) -> None:
        self._booting = off
        self._forget_answers()
        if off:
            self.device.power_cycle()
            self._passed = len(self._speaker._outbox)

    def _replace(self, replaced: bool) -> None:
        self._forget_answers()
        self._speaker = _other_than(self.device) if replaced else self.device
        self._passed = len(self._speaker._outbox)

    def _forget_answers(self) -> None:
        self._speaker.transmit()
        self._speaker._outbox.clear()
        self._passed = 0
        self._outbox.clear()


def _first(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _other_than(device: SimulatedDevice) -> SimulatedDevice:
    """Return a device of another kind; nothing sees what it does to light."""

    def unseen(_value: object, _moment: float) -> None:
        """Change nothing: it is not on this bench."""

    if isinstance(device, SC10):
        return Finesse(device.clock, power_changed=unseen)
    return SC10(device.clock, moved=unseen)

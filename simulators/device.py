"""A simulated instrument as bytes in and bytes out, without any input or output of its own.

A device is told what arrives (:meth:`SimulatedDevice.receive`) and asked what it has sent so far
(:meth:`SimulatedDevice.transmit`). Its delays are moments on the injected clock, so that the same
device runs over memory, TCP or a pseudo-terminal (``simulators/link.py``), in real or virtual time.

A device that does something by itself later (ends a move, closes after a set time) makes an
appointment. Appointments are kept whenever somebody next speaks to or listens to the device, in
order, each with the moment it was made for.

A device that acts on the light tells so by a callback ``(value, moment)``. It announces what it
knows of the future at once, in ascending order of ``moment``; a call replaces whatever was
announced before for that moment and later.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import ClassVar, TypeAlias

from labcool.clock import Clock

Switch: TypeAlias = Callable[[bool], None]
"""Called with True when something goes wrong, with False when it is right again."""


class SimulatedDevice(ABC):
    """Base of every simulated instrument."""

    telltale: ClassVar[slice] = slice(None)
    """Bytes of an answer in which the host can notice an error; not the data of a binary protocol
    without a checksum."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._silent = False
        self._outbox: deque[tuple[float, bytes]] = deque()
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._tickets = count()
        self._acting_at: float | None = None

    @property
    def silent(self) -> bool:
        """Control whether the device is cut off, for tests of broken benches.

        While it is True the device takes no commands and whatever it sends is lost.
        """
        return self._silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        if self._silent:
            self.transmit()
        self._silent = silent

    @property
    def plug_number(self) -> int | None:
        """Get a number that changes each time the port comes back; None while it is gone."""
        return 0

    def receive(self, data: bytes) -> None:
        """Take bytes from the host, at the clock's present moment."""
        self._keep_appointments()
        if data and not self.silent:
            self._accept(data)

    def transmit(self) -> bytes:
        """Return, once, all bytes that the device has sent by now."""
        self._keep_appointments()
        now = self.clock.now()
        sent = bytearray()
        while self._outbox and self._outbox[0][0] <= now:
            sent += self._outbox.popleft()[1]
        return b"" if self.silent else bytes(sent)

    def next_transmission(self) -> float | None:
        """Return the moment (clock seconds) at which bytes may leave next, None if none are due."""
        if self.silent:
            return None
        moments = [line[0][0] for line in (self._outbox, self._agenda) if line]
        return min(moments, default=None)

    def next_departure(self) -> float | None:
        """Return the moment (clock s) at which the rest of an answer leaves, None without one."""
        return self._outbox[0][0] if self._outbox else None

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong with the device itself, by the names of ``faults.py``."""
        return {}

    def power_cycle(self) -> None:
        """Switch off and on: whatever was going on is over, only what is stored is kept.

        :raises NotImplementedError: if the device does not know how it starts.
        """
        self._keep_appointments()
        self._outbox.clear()
        self._agenda.clear()
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Begin as after power-on."""
        raise NotImplementedError(f"{type(self).__name__} does not know how it starts")

    def _by_attribute(self, **attributes: str) -> dict[str, Switch]:
        """Return for each fault the setter of an attribute that is True while it lasts."""
        return {fault: partial(setattr, self, name) for fault, name in attributes.items()}

    @abstractmethod
    def _accept(self, data: bytes) -> None:
        """Work on bytes from the host; answers go through :meth:`_send`."""

    def _send(self, data: bytes, after: float = 0.0) -> None:
        """Send ``data`` ``after`` seconds later, never before what was sent earlier.

        Later than the moment of the appointment that is being kept, or else than now.
        """
        moment = (self.clock.now() if self._acting_at is None else self._acting_at) + after
        if self._outbox:
            moment = max(moment, self._outbox[-1][0])
        self._outbox.append((moment, data))

    def _appoint(self, moment: float, action: Callable[[float], None]) -> int:
        """Call ``action(moment)`` when the clock has reached ``moment``; return a ticket."""
        ticket = next(self._tickets)
        heapq.heappush(self._agenda, (moment, ticket, action))
        return ticket

    def _cancel(self, *tickets: int | None) -> None:
        """Cancel appointments; those already kept (or None) are ignored."""
        self._agenda = [entry for entry in self._agenda if entry[1] not in tickets]
        heapq.heapify(self._agenda)

    def _keep_appointments(self) -> None:
        now = self.clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            self._acting_at, _, action = heapq.heappop(self._agenda)
            action(self._acting_at)
        self._acting_at = None


class LineDevice(SimulatedDevice):
    """A device whose commands end with a terminator.

    :param terminator: the byte(s) that end a command.
    :param limit: longest command it can hold, bytes; a longer one is dropped whole.
    """

    def __init__(self, clock: Clock, terminator: bytes = b"\r", limit: int = 256) -> None:
        super().__init__(clock)
        self._terminator = terminator
        self._limit = limit
        self._inbox = bytearray()
        self._overrun = False

    def power_cycle(self) -> None:
        """Switch off and on; a command that has begun is forgotten."""
        self._inbox.clear()
        self._overrun = False
        super().power_cycle()

    def _accept(self, data: bytes) -> None:
        self._inbox += data
        while (end := self._inbox.find(self._terminator)) >= 0:
            line = bytes(self._inbox[:end])
            del self._inbox[: end + len(self._terminator)]
            too_long, self._overrun = self._overrun or len(line) > self._limit, False
            if too_long:
                self._handle_overrun()
            else:
                self._handle(line)
        if len(self._inbox) > self._limit:
            self._overrun = True
            del self._inbox[: -len(self._terminator)]

    def _handle_overrun(self) -> None:
        """React to the end of a command that was too long to hold; by default not at all."""

    @abstractmethod
    def _handle(self, line: bytes) -> None:
        """Work on one command, without its terminator."""

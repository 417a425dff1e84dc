"""A simulated instrument as bytes in and bytes out, without any input or output of its own.

A device is told what arrives (:meth:`SimulatedDevice.receive`) and asked what it has sent so far
(:meth:`SimulatedDevice.transmit`). Its delays are moments on the injected clock, so that the same
device runs over memory, TCP or a pseudo-terminal (``simulators/link.py``), in real or virtual time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque

from labcool.clock import Clock


class SimulatedDevice(ABC):
    """Base of every simulated instrument.

    ``silent`` is for tests of broken benches: while it is True the device neither acts nor answers.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.silent = False
        self._outbox: deque[tuple[float, bytes]] = deque()

    def receive(self, data: bytes) -> None:
        """Take bytes from the host, at the clock's present moment."""
        if not self.silent:
            self._accept(data)

    def transmit(self) -> bytes:
        """Return, once, all bytes that the device has sent by now."""
        now = self.clock.now()
        sent = bytearray()
        while self._outbox and self._outbox[0][0] <= now:
            sent += self._outbox.popleft()[1]
        return b"" if self.silent else bytes(sent)

    def next_transmission(self) -> float | None:
        """Return the moment (clock seconds) at which the next bytes leave, None if none are due."""
        return self._outbox[0][0] if self._outbox and not self.silent else None

    @abstractmethod
    def _accept(self, data: bytes) -> None:
        """Work on bytes from the host; answers go through :meth:`_send`."""

    def _send(self, data: bytes, after: float = 0.0) -> None:
        """Send ``data`` ``after`` seconds from now, never before what was sent earlier."""
        moment = self.clock.now() + after
        if self._outbox:
            moment = max(moment, self._outbox[-1][0])
        self._outbox.append((moment, data))


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

    def _accept(self, data: bytes) -> None:
        self._inbox += data
        while (end := self._inbox.find(self._terminator)) >= 0:
            line = bytes(self._inbox[:end])
            del self._inbox[: end + len(self._terminator)]
            if len(line) <= self._limit:
                self._handle(line)
        if len(self._inbox) > self._limit:
            self._inbox.clear()

    @abstractmethod
    def _handle(self, line: bytes) -> None:
        """Work on one command, without its terminator."""

"""A port whose instrument answers what a script makes of its answers, and counts what is read.

Behind it is a simulated device, so that questions have answers to start from and drivers get deep
into what they do; a script of :class:`~fuzz_bytes.Change` decides what the driver is given instead.
Reading is like PyVISA's: a text read goes on to the last byte of the terminator, however long that
takes; a read of a number of bytes ends there.
"""

from __future__ import annotations

import itertools
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fuzz_bytes import KEEP, Change

from labcool.clock import Clock
from simulators.device import SimulatedDevice
from simulators.memory import MemoryAdapter

LONGEST_READ = 4096
"""Bytes that one text read may take; no line of any instrument here is a tenth as long."""
SYSTEM_BUFFER = 4096
"""What a serial port keeps for a program that does not read, bytes; the rest is lost."""
MOST_LOOKS = 400_000
STREAM_PIECE = 64


class Unbounded(BaseException):
    """The driver reads, asks or waits without an end; no ``except Exception`` may hide it."""


@dataclass
class Exchange:
    """What was written at once, and all that came between it and the next."""

    asked: bytes
    answered: bytearray = field(default_factory=bytearray)


class FuzzedDevice:
    """A simulated device whose answers a script changes.

    :param reseal: makes a change inside a telegram and gives it a right checksum again.
    """

    plug_number = 0

    def __init__(
        self,
        device: SimulatedDevice,
        reseal: Callable[[bytes, Callable[[bytes], bytes]], bytes] | None = None,
    ) -> None:
        self.device, self.clock, self._reseal = device, device.clock, reseal
        self.log: list[Exchange] = []
        self.earlier: deque[bytes] = deque(maxlen=24)
        self.looks = 0
        self._script: Iterator[Change] = itertools.repeat(KEEP)
        self._change = KEEP
        self._stream: Iterator[int] | None = None
        self._interval, self._streamed = 0.0, 0.0

    def play(self, changes: Sequence[Change], afterwards: Change = KEEP) -> None:
        """Change the next answers so, and all later ones as ``afterwards`` says."""
        self._script = itertools.chain(changes, itertools.repeat(afterwards))
        self._stream = None
        self.log, self.looks = [], 0

    def receive(self, data: bytes) -> None:
        self._look()
        if data:
            self.log.append(Exchange(bytes(data)))
            if not self._change.forever:
                self._stream = None
        self.device.receive(data)

    def transmit(self) -> bytes:
        self._look()
        sent = self.device.transmit()
        if sent:
            self._change = next(self._script)
            changed = self._change.applied(sent, list(self.earlier), self._reseal)
            self.earlier.append(sent)
            if self._change.streams:
                self._begin_stream(changed)
            else:
                sent = changed
        streamed = self._take_stream()
        came = (b"" if self._stream and sent else sent) + streamed
        if came:
            self._note(came)
        return came

    def next_transmission(self) -> float | None:
        self._look()
        moments = [self.device.next_transmission()]
        if self._stream is not None:
            moments.append(self._streamed + self._interval)
        return min((m for m in moments if m is not None), default=None)

    def _begin_stream(self, pattern: bytes) -> None:
        self._stream = itertools.cycle(pattern or b"\0")
        self._interval = self._change.interval
        self._streamed = self.clock.now() - self._interval

    def _take_stream(self) -> bytes:
        if self._stream is None:
            return b""
        pieces = int((self.clock.now() - self._streamed) / self._interval + 1e-9)
        self._streamed += pieces * self._interval
        count = pieces * (STREAM_PIECE if self._interval < 0.1 else 1)
        return bytes(itertools.islice(self._stream, min(count, SYSTEM_BUFFER)))

    def _note(self, came: bytes) -> None:
        if not self.log:
            self.log.append(Exchange(b""))
        self.log[-1].answered += came

    def _look(self) -> None:
        self.looks += 1
        if self.looks > MOST_LOOKS:
            raise Unbounded(f"looked at the port {MOST_LOOKS} times in one call")


class FuzzAdapter(MemoryAdapter):
    """The host's end of the port; counts what is read.

    :ivar taken: bytes that have been read so far.
    """

    taken = 0

    def _take(self, count: int) -> bytes:
        taken = super()._take(count)
        self.taken += len(taken)
        return taken

    def _read(self, **_: Any) -> str:
        end = self._read_termination or b"\n"
        line = self._line(end, LONGEST_READ)
        if len(line) >= LONGEST_READ:
            raise Unbounded(f"a text read took {len(line)} bytes and did not end")
        text = line.decode("ascii")
        if not line.endswith(end):
            warnings.warn("read string doesn't end with termination characters", stacklevel=2)
        return text.removesuffix(end.decode())

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:
        if count < 0:
            raise Unbounded("asked for all bytes that would ever come")
        if break_on_termchar:
            return self._line(self._read_termination or b"\n", count)
        return super()._read_bytes(count)

    def _line(self, end: bytes, most: int) -> bytes:
        """Return bytes up to the last byte of the terminator, like VISA, ``most`` at most."""
        deadline = self._deadline()
        while (found := self._arrived.find(end[-1:], 0, most)) < 0 and len(self._arrived) < most:
            self._wait_for_more(deadline)
        return self._take(most if found < 0 else found + 1)


class FuzzLink:
    """Where a driver may connect to a :class:`FuzzedDevice`."""

    def __init__(self, device: FuzzedDevice, clock: Clock) -> None:
        self.device, self.clock = device, clock
        self.adapters: list[FuzzAdapter] = []

    def open(self, **settings: Any) -> FuzzAdapter:
        adapter = FuzzAdapter(self.device, self.clock, **settings)  # type: ignore[arg-type]
        self.adapters.append(adapter)
        return adapter

    @property
    def taken(self) -> int:
        """Number of bytes that have been read so far."""
        return sum(adapter.taken for adapter in self.adapters)

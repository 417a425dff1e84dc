"""A simulated device on the end of a wire that exists in memory only.

The adapter behaves as PyMeasure's ``VISAAdapter`` does on a serial port: the same terminators,
byte counts and time-outs (a VISA time-out error, and the part of an answer that had come by then is
lost), but time passes on the injected clock. If the device's port vanishes, the adapter fails as
one whose USB-to-serial converter was unplugged: for good, also when the port is there again.
"""

from __future__ import annotations

from typing import Any

from pymeasure.adapters import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import InvalidSession, VisaIOError

from labcool.clock import Clock, sleep_until
from simulators.device import SimulatedDevice


class MemoryLink:
    """Where a driver may connect instead of to a port.

    :param device: the simulated instrument.
    :param clock: the clock on which the device's delays and the adapter's time-outs run.
    """

    def __init__(self, device: SimulatedDevice, clock: Clock) -> None:
        self.device = device
        self.clock = clock

    def open(self, **settings: Any) -> MemoryAdapter:
        """Return an adapter with the settings that would have gone to a VISA resource.

        :raises VisaIOError: if the port is gone.
        """
        if self.device.plug_number is None:
            raise VisaIOError(StatusCode.error_resource_not_found)
        return MemoryAdapter(self.device, self.clock, **settings)


class MemoryAdapter(Adapter):
    """PyMeasure adapter whose other end is a simulated device.

    :param write_termination: sent after every text command.
    :param read_termination: ends a text answer; empty: a line feed, which stays in the answer.
    :param timeout: ms, as for VISA.
    """

    def __init__(
        self,
        device: SimulatedDevice,
        clock: Clock,
        *,
        write_termination: str = "",
        read_termination: str = "",
        timeout: float = 2000,
        **_port_settings: Any,
    ) -> None:
        super().__init__()
        self._device = device
        self._clock = clock
        self._write_termination = write_termination.encode()
        self._read_termination = read_termination.encode()
        self.timeout = timeout
        self._arrived = bytearray()
        self._closed = False
        self._plug = device.plug_number
        self.connection = _Buffer(self)

    def close(self) -> None:
        """End the session; using the adapter afterwards raises pyvisa's InvalidSession."""
        self._closed = True

    def _write(self, command: str, **_: Any) -> None:
        self._write_bytes(command.encode() + self._write_termination)

    def _write_bytes(self, content: bytes, **_: Any) -> None:
        self._require_open()
        self._device.receive(content)

    def _read(self, **_: Any) -> str:
        line = self._take_line(self._read_termination or b"\n")
        return line.removesuffix(self._read_termination).decode("ascii")

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:
        if break_on_termchar:
            return self._take_line(self._read_termination or b"\n", count)
        if count < 0:
            while self._more_comes(self._deadline()):
                pass
            return self._take(len(self._arrived))
        deadline = self._deadline()
        while len(self._arrived) < count:
            self._wait_for_more(deadline)
        return self._take(count)

    def flush_read_buffer(self) -> None:
        """Discard what has arrived by now."""
        self._fetch()
        self._arrived.clear()

    def _take_line(self, end: bytes, count: int = -1) -> bytes:
        deadline = self._deadline()
        while (found := self._arrived.find(end)) < 0 and not 0 <= count <= len(self._arrived):
            self._wait_for_more(deadline)
        length = found + len(end) if found >= 0 else count
        return self._take(length if count < 0 else min(length, count))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._arrived[:count])
        del self._arrived[:count]
        return taken

    def _deadline(self) -> float:
        return self._clock.now() + self.timeout / 1000

    def _require_open(self) -> None:
        if self._closed:
            raise InvalidSession
        if self._device.plug_number != self._plug:
            raise VisaIOError(StatusCode.error_connection_lost)

    def _fetch(self) -> None:
        self._require_open()
        self._arrived += self._device.transmit()

    def _wait_for_more(self, deadline: float) -> None:
        if not self._more_comes(deadline):
            self._arrived.clear()
            raise VisaIOError(StatusCode.error_timeout)

    def _more_comes(self, deadline: float) -> bool:
        """Let time pass until something new has arrived, and tell whether it came in time."""
        before = len(self._arrived)
        self._fetch()
        while len(self._arrived) == before:
            due = self._device.next_transmission()
            if due is None or due > deadline:
                sleep_until(self._clock, deadline)
                return False
            sleep_until(self._clock, due)
            self._fetch()
        return True

    def arrived(self) -> int:
        """Return how many bytes have arrived and were not read."""
        self._fetch()
        return len(self._arrived)

    def __repr__(self) -> str:
        return f"<MemoryAdapter({type(self._device).__name__})>"


class _Buffer:
    """What the connection of a serial port tells."""

    def __init__(self, adapter: MemoryAdapter) -> None:
        self._adapter = adapter

    @property
    def bytes_in_buffer(self) -> int:
        """Number of bytes that have arrived and were not read."""
        return self._adapter.arrived()

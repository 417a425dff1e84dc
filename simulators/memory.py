"""A simulated device on the end of a wire that exists in memory only.

The adapter behaves as PyMeasure's ``VISAAdapter`` does: the same terminators, byte counts and
time-outs (a VISA time-out error), but time passes on the injected clock.
"""

from __future__ import annotations

from typing import Any

from pymeasure.adapters import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

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
        """Return an adapter with the settings that would have gone to a VISA resource."""
        return MemoryAdapter(self.device, self.clock, **settings)


class MemoryAdapter(Adapter):
    """PyMeasure adapter whose other end is a simulated device.

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

    def _write(self, command: str, **_: Any) -> None:
        self._write_bytes(command.encode() + self._write_termination)

    def _write_bytes(self, content: bytes, **_: Any) -> None:
        self._device.receive(content)

    def _read(self, **_: Any) -> str:
        line = self._take_line(self._read_termination or b"\n")
        return line.removesuffix(self._read_termination).decode("ascii")

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:
        if break_on_termchar:
            return self._take_line(self._read_termination or b"\n", count)
        if count < 0:
            sleep_until(self._clock, self._deadline())
            self._fetch()
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

    def _fetch(self) -> None:
        self._arrived += self._device.transmit()

    def _wait_for_more(self, deadline: float) -> None:
        before = len(self._arrived)
        self._fetch()
        if len(self._arrived) > before:
            return
        due = self._device.next_transmission()
        if due is None or due > deadline:
            sleep_until(self._clock, deadline)
            raise VisaIOError(StatusCode.error_timeout)
        sleep_until(self._clock, due)

    def __repr__(self) -> str:
        return f"<MemoryAdapter({type(self._device).__name__})>"

"""Simulated devices on real ports of this computer: a TCP socket, or a pseudo-terminal on Linux.

A thread passes bytes between the host and the device. The device's delays pass on the injected
clock: on a real (or scaled) clock the thread goes on listening until an answer is due. A virtual
clock is moved by nobody while the host waits on its port, so the thread moves it: after something
has come from the host, through the device's appointments until it answers, and then to whatever of
the answer is still to leave; never for what the device does unasked. Time-outs of the host run on
the wall: a device that never answers costs its whole time-out.

Devices that act on one another (through the light) are served by one thread each, so that all
their links are given the same lock, which is held whenever one of them is spoken or listened to.

If the port of a device vanishes, a socket is closed and none is accepted until it is back; a
pseudo-terminal, which would come back under another name, only falls silent.

What a vanished host has left half-said stays in the device, as on a serial line; what the device
sends while nobody listens is lost. A second host waits until the first has gone.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import ClassVar, Protocol, Self, TypeAlias

from labcool.clock import Clock, ScaledClock, sleep_until
from labcool.errors import ConfigurationError, LimitError
from simulators.device import SimulatedDevice

_log = logging.getLogger(__name__)

Lock: TypeAlias = AbstractContextManager[object]

POLL_S = 0.05
"""A device that speaks unasked is heard this often, wall s."""
UNSENT_LIMIT = 1 << 20
"""Bytes kept for a host that does not read; the oldest are lost beyond."""


class _Wire(Protocol):
    def fileno(self) -> int: ...

    def receive(self) -> bytes:
        """Return what has come; raises EOFError or OSError if the host has gone."""

    def send(self, data: bytes) -> int:
        """Send what the wire takes at once and return how much that was."""


class _SocketWire:
    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection

    def fileno(self) -> int:
        return self._connection.fileno()

    def receive(self) -> bytes:
        data = self._connection.recv(4096)
        if not data:
            raise EOFError
        return data

    def send(self, data: bytes) -> int:
        return self._connection.send(data)


class _DescriptorWire:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def receive(self) -> bytes:
        return os.read(self._descriptor, 4096)

    def send(self, data: bytes) -> int:
        return os.write(self._descriptor, data)


class ServedLink(ABC):
    """A device served by a thread until :meth:`close`; a context manager.

    :param device: the simulated instrument; nobody else may talk to it meanwhile.
    :param clock: the clock on which the device's delays run.
    :param lock: held while the device is spoken or listened to; None: one of its own.
    """

    visa_library: ClassVar[str] = "@py"
    """The PyVISA backend that opens ``resource``."""
    can_vanish: ClassVar[bool] = False
    """Whether the port is taken away from the host together with that of the device."""

    def __init__(self, device: SimulatedDevice, clock: Clock, lock: Lock | None = None) -> None:
        self.device = device
        self.clock = clock
        self._lock = threading.Lock() if lock is None else lock
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(
            target=self._run, name=f"{type(device).__name__} link", daemon=True
        )

    @property
    @abstractmethod
    def resource(self) -> str:
        """VISA resource string under which the device can be reached."""

    @property
    @abstractmethod
    def address(self) -> str:
        """What programs without VISA open: ``host:port``, or the path of a serial port."""

    @abstractmethod
    def _run(self) -> None:
        """Serve until told to stop."""

    @abstractmethod
    def _release(self) -> None:
        """Free the port; the thread has ended."""

    def close(self) -> None:
        """End the thread and free the port; a second call does nothing."""
        if self._stop.fileno() < 0:
            return
        self._stop.send(b"\0")
        self._thread.join()
        self._stop.close()
        self._stopped.close()
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self, wire: _Wire) -> bool:
        """Pass bytes until the host has gone (True) or the link is told to stop (False)."""
        unsent = bytearray()
        asked = answered = False
        plug = self.device.plug_number
        while True:
            with self._lock:
                sent = self.device.transmit()
                unplugged = self.device.plug_number != plug
            if unplugged and self.can_vanish:
                _log.info("%s: the port has gone", self.resource)
                return True
            unsent += sent
            if len(unsent) > UNSENT_LIMIT:
                _log.warning("%s: the host does not read, bytes are lost", self.resource)
                del unsent[:-UNSENT_LIMIT]
            if unsent and not self._pass_on(wire, unsent):
                return True
            answered = answered or bool(sent)
            awaited = self._awaited(answered) if asked else None
            asked = awaited is not None
            heard: list[_Wire | socket.socket] = [wire, self._stopped]
            # What the wire does not take now waits until it does.
            readable, _, _ = select.select(
                heard, [wire] if unsent else [], [], self._patience(awaited)
            )
            if self._stopped in readable:
                return False
            try:
                if wire in readable:
                    data = wire.receive()
                    with self._lock:
                        self.device.receive(data)
                    asked, answered = True, False
            except BlockingIOError:
                continue
            except (EOFError, OSError) as reason:
                _log.info("%s: the host has gone (%r)", self.resource, reason)
                return True
            stands_still = not isinstance(self.clock, ScaledClock)
            if stands_still and awaited is not None and not readable:
                sleep_until(self.clock, awaited)

    def _pass_on(self, wire: _Wire, unsent: bytearray) -> bool:
        """Send what the wire takes at once; return False if the host has gone."""
        try:
            del unsent[: wire.send(bytes(unsent))]
        except BlockingIOError:
            pass
        except OSError as reason:
            _log.info("%s: the host has gone (%r)", self.resource, reason)
            return False
        return True

    def _awaited(self, answered: bool) -> float | None:
        """Return the moment (clock s) that a host which has asked waits for, None if for none."""
        if not answered:
            return self.device.next_transmission()
        return self.device.next_departure()

    def _patience(self, awaited: float | None) -> float:
        """Return how long to listen to the host before looking at the device again, wall s."""
        if isinstance(self.clock, ScaledClock):
            due = self.device.next_transmission()
            if due is None:
                return POLL_S
            return min(max((due - self.clock.now()) / self.clock.speed, 0.0), POLL_S)
        return POLL_S if awaited is None else 0.0


class TcpLink(ServedLink):
    """A device on a TCP port of this computer, out of reach for any other.

    :param port: 1 to 65535; 0: the system chooses one.
    :raises LimitError: if no port can have that number.
    :raises ConfigurationError: if the port is in use.
    """

    can_vanish = True

    def __init__(
        self, device: SimulatedDevice, clock: Clock, lock: Lock | None = None, *, port: int = 0
    ) -> None:
        if not 0 <= port <= 65535:
            raise LimitError("TCP port", port, "1 to 65535, or 0 for any free one")
        try:
            self._listener = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot serve a simulated device on TCP port {port} ({error}). "
                "Choose another, or leave the choice to the system."
            ) from error
        self.port: int = self._listener.getsockname()[1]
        super().__init__(device, clock, lock)
        self._thread.start()

    @property
    def resource(self) -> str:
        """VISA resource string of a raw socket."""
        return f"TCPIP::127.0.0.1::{self.port}::SOCKET"

    @property
    def address(self) -> str:
        """The socket, ``127.0.0.1:port``."""
        return f"127.0.0.1:{self.port}"

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            readable, _, _ = select.select([self._listener, self._stopped], [], [])
            if self._stopped in readable:
                return
            try:
                connection, _ = self._listener.accept()
            except OSError as reason:
                _log.info("%s: a host has gone before it came (%r)", self.resource, reason)
                continue
            with connection:
                with self._lock:
                    self.device.transmit()
                    unplugged = self.device.plug_number is None
                if unplugged:
                    continue
                goes_on = self._serve(_SocketWire(connection))

    def _release(self) -> None:
        self._listener.close()


class PtyLink(ServedLink):
    """A device on a pseudo-terminal, which a program opens like any serial port. Linux only.

    The number of data bits cannot be set to 7 on a pseudo-terminal; every byte passes as it is.

    :raises ConfigurationError: on Windows.
    """

    def __init__(self, device: SimulatedDevice, clock: Clock, lock: Lock | None = None) -> None:
        self._device_end, self._host_end, self._address = _open_terminal()
        super().__init__(device, clock, lock)
        self._thread.start()

    @property
    def resource(self) -> str:
        """VISA resource string of the serial port."""
        return f"ASRL{self._address}::INSTR"

    @property
    def address(self) -> str:
        """Path of the serial port, like ``/dev/pts/3``."""
        return self._address

    def _run(self) -> None:
        self._serve(_DescriptorWire(self._device_end))

    def _release(self) -> None:
        # The host's end stays open until here: without any holder the device's end reads EIO.
        os.close(self._host_end)
        os.close(self._device_end)


def _open_terminal() -> tuple[int, int, str]:
    """Return both ends of a new pseudo-terminal and the name under which the host opens its."""
    if sys.platform == "win32":
        raise ConfigurationError(
            "pseudo-terminals do not exist on this system: serve the simulated bench over TCP."
        )
    import pty
    import tty

    ends = pty.openpty()
    for end in ends:
        tty.setraw(end)
        os.set_blocking(end, False)
    return *ends, os.ttyname(ends[1])

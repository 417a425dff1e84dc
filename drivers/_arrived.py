"""Taking from a port what has arrived by now, without waiting for an answer.

A serial port knows how many bytes it holds; pyserial is asked for it past PyVISA's own backend,
whose way takes longer than the rest of a question. For a socket the system is asked, past it, too:
it waits forever when it empties a socket whose other end has gone, and a read without time-out
costs it 1 ms. With any other backend such a read is made. Instruments on GPIB and USBTMC keep their
answers until they are asked for them: there nothing arrives by itself.
"""

from __future__ import annotations

import select
import socket
from typing import Any, Final, NamedTuple

import serial
from pymeasure.adapters import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError
from pyvisa.resources import SerialInstrument, TCPIPSocket

MOST_BYTES: Final = 4096
MOST_CHUNKS: Final = 1024
QUIET_S: Final = 0.1
"""A socket is empty once nothing has come for so long."""


class _Socket(NamedTuple):
    """A socket of PyVISA's own backend, and what that has read ahead."""

    socket: socket.socket
    read_ahead: bytearray

    def has_more(self, wait: float) -> bool:
        """Return whether something comes within ``wait`` s.

        :raises ConnectionAbortedError: if the other end has closed the connection.
        """
        if not select.select([self.socket], [], [], wait)[0]:
            return False
        if not self.socket.recv(1, socket.MSG_PEEK):
            raise ConnectionAbortedError("the other end has closed the connection")
        return True


def take_arrived(adapter: Adapter) -> bytes:
    """Return all that has arrived and nobody has read; empty where the port cannot tell.

    :raises VisaIOError, OSError: if the connection fails.
    """
    connection = getattr(adapter, "connection", None)
    if isinstance(connection, TCPIPSocket):
        own = _socket_of(connection)
        if own is not None and not own.read_ahead and not own.has_more(0):
            return b""
        return _read_all(adapter, connection)
    waiting = _waiting(connection)
    return bytes(adapter.read_bytes(waiting)) if waiting > 0 else b""


def discard_until_quiet(adapter: Adapter) -> None:
    """Discard what has arrived; on a socket also what comes until it is quiet for 0.1 s.

    :raises VisaIOError, OSError: if the connection fails.
    """
    own = _socket_of(getattr(adapter, "connection", None))
    if own is None:
        adapter.flush_read_buffer()
        return
    own.read_ahead.clear()
    for _ in range(MOST_CHUNKS):
        if not own.has_more(QUIET_S):
            return
        own.socket.recv(MOST_BYTES)


def is_socket(adapter: Adapter) -> bool:
    """Return whether the port is a plain socket, which cannot be cleared, only emptied."""
    return isinstance(getattr(adapter, "connection", None), TCPIPSocket)


def _socket_of(connection: object) -> _Socket | None:
    """Return the socket below PyVISA's own backend; None for anything else."""
    if not isinstance(connection, TCPIPSocket):
        return None
    session = _session_of(connection)
    own, read_ahead = getattr(session, "interface", None), getattr(session, "_pending_buffer", None)
    if isinstance(own, socket.socket) and isinstance(read_ahead, bytearray):
        return _Socket(own, read_ahead)
    return None


def _waiting(connection: object) -> int:
    """Return how many bytes a port holds; 0 where it cannot tell."""
    if isinstance(connection, SerialInstrument):
        port = getattr(_session_of(connection), "interface", None)
        if isinstance(port, serial.Serial):
            return int(port.in_waiting)
    waiting = getattr(connection, "bytes_in_buffer", None)
    return waiting if isinstance(waiting, int) else 0


def _session_of(connection: TCPIPSocket | SerialInstrument) -> Any:
    """Return what PyVISA's own backend keeps of a connection; None with another backend."""
    return getattr(connection.visalib, "sessions", {}).get(connection.session)


def _read_all(adapter: Adapter, connection: TCPIPSocket) -> bytes:
    patience, connection.timeout = connection.timeout, 0
    arrived = bytearray()
    try:
        while len(arrived) < MOST_BYTES:
            arrived += adapter.read_bytes(1)
    except VisaIOError as error:
        if error.error_code != StatusCode.error_timeout:
            raise
    finally:
        connection.timeout = patience
    return bytes(arrived)

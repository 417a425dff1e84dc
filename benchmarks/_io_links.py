"""What io.py asks: an echo and simulated devices on links of this computer, in another process."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import ClassVar

from labcool.clock import Clock, RealClock
from simulators.device import LineDevice
from simulators.link import PtyLink, ServedLink, TcpLink

QUESTION = b"FREQ?\n"
ANSWER = b"1000\n"
LINKS: dict[str, type[ServedLink]] = {"TCP": TcpLink}
if sys.platform != "win32":
    LINKS["PTY"] = PtyLink

Ask = Callable[[], object]


class Prompt(LineDevice):
    """Says who it is and that its frequency is 1 kHz, at once."""

    ANSWERS: ClassVar = {
        b"*IDN?": b"Stanford_Research_Systems,SR830,s/n12345,ver1.07\n",
        b"FREQ?": ANSWER,
        b"SLVL?": b"0.004\n",
    }

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, terminator=b"\n")

    def _handle(self, line: bytes) -> None:
        if b"?" in line:
            self._send(self.ANSWERS.get(line, b"0\n"))


@contextmanager
def served(link: str, devices: int) -> Iterator[list[tuple[str, str]]]:
    """Serve in another process an echo and so many devices; yield where they are.

    (VISA resource, address) of the echo, then of the devices.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, link, devices), daemon=True)
    process.start()
    there.close()
    try:
        yield here.recv()
    finally:
        here.close()
        process.join()


def _serve(parent: Connection, link: str, devices: int) -> None:
    clock = RealClock()
    with ExitStack() as undo:
        echo = undo.enter_context(_echo() if link == "TCP" else _terminal_echo())
        links = [undo.enter_context(LINKS[link](Prompt(clock), clock)) for _ in range(devices)]
        parent.send([("", echo), *((each.resource, each.address) for each in links)])
        with suppress(EOFError):
            parent.recv()


@contextmanager
def _echo() -> Iterator[str]:
    """A plain socket that answers whatever comes at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with peer:
                while peer.recv(64):
                    peer.sendall(ANSWER)

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def _terminal_echo() -> Iterator[str]:
    """A plain pseudo-terminal that answers whatever comes at once."""
    import pty
    import tty

    ends = pty.openpty()
    for end in ends:
        tty.setraw(end)

    def answer() -> None:
        while os.read(ends[0], 64):
            os.write(ends[0], ANSWER)

    threading.Thread(target=answer, daemon=True).start()
    yield os.ttyname(ends[1])


def bare(link: str, address: str, undo: ExitStack) -> Ask:
    """Return a question by the barest of clients: one write, one read."""
    if link == "TCP":
        host, _, port = address.rpartition(":")
        client = undo.enter_context(socket.create_connection((host, int(port))))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask_socket() -> object:
            client.sendall(QUESTION)
            return client.recv(64)

        return ask_socket
    end = os.open(address, os.O_RDWR | os.O_NOCTTY)
    undo.callback(os.close, end)

    def ask_terminal() -> object:
        os.write(end, QUESTION)
        return os.read(end, 64)

    return ask_terminal

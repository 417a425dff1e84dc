"""Time of one question through labcool's SR830 driver, against PyMeasure's and a plain echo.

The question is ``FREQ?`` over memory, TCP and a pseudo-terminal, to a device that answers at once
(the simulated SR830 takes its time, as the real one does, and would hide what is compared). All
competitors are asked in turn, many times, in one run; the table gives medians and the ratio to
PyMeasure's own driver on the same link. Only ratios count.

    python benchmarks/io.py [--questions 300] [--rounds 7]
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import ClassVar

from pymeasure.adapters import VISAAdapter
from pymeasure.instruments import srs
from rich.console import Console
from rich.table import Table

from drivers.sr830 import SR830
from labcool.clock import Clock, RealClock
from simulators.device import LineDevice
from simulators.link import PtyLink, TcpLink
from simulators.memory import MemoryLink

Ask = Callable[[], object]


class Prompt(LineDevice):
    """Says who it is and that its frequency is 1 kHz, at once."""

    ANSWERS: ClassVar = {
        b"*IDN?": b"Stanford_Research_Systems,SR830,s/n12345,ver1.07\n",
        b"FREQ?": b"1000\n",
        b"SLVL?": b"0.004\n",
    }

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, terminator=b"\n")

    def _handle(self, line: bytes) -> None:
        if b"?" in line:
            self._send(self.ANSWERS.get(line, b"0\n"))


@contextmanager
def echo() -> Iterator[Ask]:
    """A plain socket that answers each line at once: what the link itself takes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                while peer.recv(64):
                    peer.sendall(b"1000\n")

        threading.Thread(target=answer, daemon=True).start()
        with socket.create_connection(server.getsockname()) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def ask() -> object:
                client.sendall(b"FREQ?\n")
                return client.recv(64)

            yield ask


def competitors(undo: ExitStack) -> dict[str, dict[str, Ask]]:
    """Return who is asked how, by link and name."""
    clock = RealClock()
    table: dict[str, dict[str, Ask]] = {
        "memory": {},
        "TCP": {"plain echo": undo.enter_context(echo())},
    }
    memory = MemoryLink(Prompt(clock), clock)
    ours = SR830(memory, clock=clock)
    undo.callback(ours.shutdown)
    theirs = srs.SR830(
        MemoryLink(Prompt(clock), clock).open(read_termination="\n", write_termination="\n")
    )
    table["memory"] |= {"labcool": lambda: ours.frequency, "PyMeasure": lambda: theirs.frequency}
    kinds = {"TCP": TcpLink} | ({} if sys.platform == "win32" else {"PTY": PtyLink})
    for name, kind in kinds.items():
        first = undo.enter_context(kind(Prompt(clock), clock))
        second = undo.enter_context(kind(Prompt(clock), clock))
        table.setdefault(name, {})
        mine = SR830(first.resource, clock=clock, visa_library="@py")
        undo.callback(mine.shutdown)
        adapter = VISAAdapter(
            second.resource, visa_library="@py", read_termination="\n", write_termination="\n"
        )
        undo.callback(adapter.close)
        other = srs.SR830(adapter)
        table[name]["labcool"] = lambda mine=mine: mine.frequency
        table[name]["PyMeasure"] = lambda other=other: other.frequency
    return table


def main() -> None:
    """Ask everybody in turn and print medians and ratios."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--questions", type=int, default=300)
    options.add_argument("--rounds", type=int, default=7)
    asked = options.parse_args()
    result = Table(box=None, title=f"{asked.questions} questions, median of {asked.rounds} rounds")
    for heading in ("link", "who", "µs a question", "ratio to PyMeasure"):
        result.add_column(heading, justify="left" if heading in ("link", "who") else "right")
    with ExitStack() as undo:
        for link, who in competitors(undo).items():
            times: dict[str, list[float]] = {name: [] for name in who}
            for _ in range(asked.rounds + 1):
                for name, ask in who.items():
                    began = time.perf_counter()
                    for _ in range(asked.questions):
                        ask()
                    times[name].append((time.perf_counter() - began) / asked.questions * 1e6)
            for name, each in times.items():
                against = zip(each[1:], times["PyMeasure"][1:], strict=True)
                ratio = statistics.median(a / b for a, b in against)
                result.add_row(link, name, f"{statistics.median(each[1:]):.0f}", f"{ratio:.2f}")
    Console(width=90).print(result)


if __name__ == "__main__":
    main()

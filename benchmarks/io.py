"""Time of one question through labcool's SR830 driver, against PyMeasure's and a plain echo.

The question is ``FREQ?`` over memory, TCP and a pseudo-terminal, to a device that answers at once
(the simulated SR830 takes its time, as the real one does, and would hide what is compared) and
lives in another process, as an instrument does. All competitors are asked in turn, many times, in
one run; the table gives medians, and the medians of the ratios of each round to PyMeasure's own
driver and to the plain echo on the same link. Only ratios count.

    python benchmarks/io.py [--questions 100] [--rounds 60] [--instrumentkit PYTHON]

InstrumentKit cannot be installed beside labcool: name an interpreter of another environment.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from _io_links import LINKS, Ask, Prompt, bare, served
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments import srs
from rich.console import Console
from rich.table import Table

from drivers.sr830 import SR830
from labcool.clock import RealClock
from simulators.memory import MemoryLink

Timed = Callable[[int], float]
"""Asks so many questions, and returns the seconds they took."""

ENDS = {"read_termination": "\n", "write_termination": "\n"}
ECHO, BARE, LABCOOL, PYMEASURE = "plain echo", "simulated device", "labcool", "PyMeasure"


@contextmanager
def one_core(wanted: bool) -> Iterator[None]:
    """Keep this process and what it starts on one core, where the system can (Linux).

    Waking another, sleeping core takes as long as a whole question on a socket, and whom that hits
    is chance. A pseudo-terminal has a worker of the kernel between its ends, which needs a core.
    """
    if not wanted or not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def timed(ask: Ask) -> Timed:
    """Return a question as something that is timed here."""

    def run(questions: int) -> float:
        began = time.perf_counter()
        for _ in range(questions):
            ask()
        return time.perf_counter() - began

    return run


def in_memory(undo: ExitStack) -> dict[str, Timed]:
    """Return who is asked over memory."""
    clock = RealClock()
    ours = SR830(MemoryLink(Prompt(clock), clock), clock=clock)
    undo.callback(ours.shutdown)
    theirs = srs.SR830(MemoryLink(Prompt(clock), clock).open(**ENDS))
    return {LABCOOL: timed(lambda: ours.frequency), PYMEASURE: timed(lambda: theirs.frequency)}


def on_link(link: str, python: str | None, undo: ExitStack) -> dict[str, Timed]:
    """Return who is asked on a link. Everybody has a device of his own."""
    places = undo.enter_context(served(link, devices=4))
    (_, echo), (_, device), (first, _), (second, _), (_, third) = places
    ours = SR830(first, clock=RealClock(), visa_library="@py")
    undo.callback(ours.shutdown)
    adapter = VISAAdapter(second, visa_library="@py", **ENDS)
    undo.callback(adapter.close)
    theirs = srs.SR830(adapter)
    who = {
        ECHO: timed(bare(link, echo, undo)),
        BARE: timed(bare(link, device, undo)),
        LABCOOL: timed(lambda: ours.frequency),
        PYMEASURE: timed(lambda: theirs.frequency),
    }
    if python is not None:
        who["InstrumentKit"] = instrumentkit(python, link, third, undo)
    return who


def instrumentkit(python: str, link: str, address: str, undo: ExitStack) -> Timed:
    """Return InstrumentKit's driver, which times itself in another interpreter."""
    script = Path(__file__).with_name("_io_instrumentkit.py")
    child = undo.enter_context(
        subprocess.Popen(
            [python, str(script), link, address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    assert child.stdin is not None
    assert child.stdout is not None
    if child.stdout.readline().strip() != "ready":
        raise SystemExit(f"{python} cannot run InstrumentKit (see above).")

    def run(questions: int) -> float:
        print(questions, file=child.stdin, flush=True)
        return float(child.stdout.readline())

    return run


def ratio(times: list[float], others: list[float] | None) -> str:
    """Return the median ratio of two competitors, round by round."""
    if others is None:
        return ""
    return f"{statistics.median(a / b for a, b in zip(times, others, strict=True)):.2f}"


def in_turn(who: dict[str, Timed], questions: int, rounds: int) -> dict[str, list[float]]:
    """Return by name how long a question took in each round, µs; the first round is left out."""
    times: dict[str, list[float]] = {name: [] for name in who}
    names = list(who)
    for number in range(rounds + 1):
        first = number % len(names)  # Nobody always comes after the same one.
        for name in names[first:] + names[:first]:
            times[name].append(who[name](questions) / questions * 1e6)
    return {name: each[1:] for name, each in times.items()}


def main() -> None:
    """Ask everybody in turn and print medians and ratios."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--questions", type=int, default=100)
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--instrumentkit", metavar="PYTHON")
    asked = options.parse_args()
    result = Table(box=None, title=f"{asked.questions} questions, median of {asked.rounds} rounds")
    for heading in ("link", "who", "µs a question", "to PyMeasure", "to the echo"):
        result.add_column(heading, justify="left" if heading in ("link", "who") else "right")
    for link in ("memory", *LINKS):
        with one_core(link != "PTY"), ExitStack() as undo:
            who = in_memory(undo) if link == "memory" else on_link(link, asked.instrumentkit, undo)
            times = in_turn(who, asked.questions, asked.rounds)
        for name, each in times.items():
            against = [ratio(each, times.get(other)) for other in (PYMEASURE, ECHO)]
            result.add_row(link, name, f"{statistics.median(each):.0f}", *against)
    Console(width=90).print(result)


if __name__ == "__main__":
    main()

"""The counts of the table of faults, printed when all tests are done."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import seabreeze.pyseabreeze.protocol
from fault_rig import Outcome
from fault_table import RESULTS

from simulators.faults import KINDS

COLUMNS = {
    Outcome.RETRIED: "retried",
    Outcome.ERROR: "typed error",
    Outcome.IN_TIME: "in time",
    Outcome.TOLD: "told by value",
    Outcome.UNAWAITED: "not awaited",
}


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not RESULTS:
        return
    write = terminalreporter.write_line
    drivers = {name for name, _ in RESULTS}
    tried = sum(bool(found) for found in RESULTS.values())
    write("")
    write(f"Table of faults: {len(drivers)} drivers x {len(KINDS)} faults = {len(RESULTS)} cells, ")
    write(f"{tried} tried in {sum(map(Counter.total, RESULTS.values()))} exchanges,")
    write(f"{len(RESULTS) - tried} not applicable (each with its reason).")
    write("")
    write("".join([f"{'fault':15}{'drivers':>8}", *(f"{words:>15}" for words in COLUMNS.values())]))
    for kind in KINDS:
        cells = [found for (_, of), found in RESULTS.items() if of == kind and found]
        write(_line(kind, len(cells), sum(cells, Counter())))
    write(_line("all", tried, sum(RESULTS.values(), Counter())))


def _line(words: str, drivers: int, counts: Counter[Outcome]) -> str:
    return "".join([f"{words:15}{drivers:8}", *(f"{counts[outcome]:15}" for outcome in COLUMNS)])

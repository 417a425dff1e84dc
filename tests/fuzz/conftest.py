"""What all fuzz tests need: no log, and the counts when they are done."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import seabreeze.pyseabreeze.protocol
from fuzz_settings import OUTCOMES


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Spare thousands of warnings of retries."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not OUTCOMES:
        return
    write = terminalreporter.write_line
    total = sum(OUTCOMES.values(), Counter())
    kinds = [kind for kind, _ in total.most_common() if kind != "value"]
    write("")
    write(f"Fuzz: {total.total()} calls of {len(OUTCOMES)} drivers, and what came of them:")
    for name, counts in OUTCOMES.items():
        errors = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind])
        write(f"  {name:16}{counts['value']:7} values, {errors}")

"""Overloads and lost references: no number of the SR830 hides them, no settling forgets them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers.sr830 import SR830, LockInStatus
from labcool.clock import VirtualClock
from labcool.errors import InstrumentRefused
from simulators import sr830 as simulated
from simulators.memory import MemoryLink

SIGNAL_V = 3e-3
SETTLING_S = 7.0
"""Of a filter of 12 dB/octave at 1 s."""


class Table:
    """A lock-in on 10 mV, its reference and signal given by the time since :meth:`begin`."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.reference: Callable[[float], float | None] = lambda _: 200.0
        self.signal: Callable[[float], complex] = lambda _: SIGNAL_V
        self.zero = 0.0
        self.device = simulated.SR830(
            self.clock,
            signal=lambda moment: self.signal(moment - self.zero),
            reference=lambda moment: self.reference(moment - self.zero),
            rng=np.random.default_rng(5),
        )
        self.lock_in = SR830(MemoryLink(self.device, self.clock), "lock-in", clock=self.clock)
        self.lock_in.reference_source = "external"
        self.lock_in.sensitivity = 0.01
        self.lock_in.time_constant = 1.0
        self.lock_in.settle()

    def settle(self) -> float:
        """Settle from time 0 on; return how long it took, s."""
        self.zero = self.clock.now()
        self.lock_in.settle()
        return self.clock.now() - self.zero


@pytest.fixture
def table() -> Table:
    return Table()


def test_settling_that_an_unlock_has_spoilt_is_done_again(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    table.reference = lambda time: None if 5.0 < time < 6.9 else 200.0
    with caplog.at_level(logging.WARNING):
        took = table.settle()
    assert caplog.messages == ["lock-in: reference unlocked while it settled. Settling again."]
    assert took == pytest.approx(2 * SETTLING_S, abs=0.2)
    reading = table.lock_in.read()
    assert reading.x == pytest.approx(SIGNAL_V, rel=0.01)
    assert (reading.overload, reading.unlocked) == (False, False)


def test_settling_that_an_overload_has_spoilt_is_done_again(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    table.signal = lambda time: 10.0 if 6.0 < time < 6.5 else SIGNAL_V
    with caplog.at_level(logging.WARNING):
        took = table.settle()
    assert "overload while it settled. Settling again." in caplog.text.replace("filter ", "")
    assert took > 1.9 * SETTLING_S
    reading = table.lock_in.read()
    assert reading.x == pytest.approx(SIGNAL_V, rel=0.01)
    assert reading.overload is False


def test_what_goes_on_is_told_by_the_next_reading_without_more_waiting(table: Table) -> None:
    table.reference = lambda time: None if time > 5.0 else 200.0
    assert table.settle() == pytest.approx(SETTLING_S, abs=0.2)
    assert table.lock_in.read().unlocked is True


def test_settling_that_is_spoilt_each_time_ends_and_is_told_once(table: Table) -> None:
    table.reference = lambda time: None if 3.0 < time % 5.0 < 4.0 else 200.0
    assert table.settle() == pytest.approx(3 * SETTLING_S, abs=0.5)
    table.reference = lambda _: 200.0
    assert table.lock_in.read().unlocked is True
    assert table.lock_in.read().unlocked is False


def test_a_range_is_not_chosen_while_the_reference_is_lost(table: Table) -> None:
    table.zero = table.clock.now()
    table.reference = lambda time: None if 3.0 < time % 5.0 < 4.0 else 200.0
    with pytest.raises(InstrumentRefused, match="lock-in: the reference is not locked"):
        table.lock_in.auto_range()


NUMBERS: dict[str, Callable[[SR830], Any]] = {
    "x": lambda s: s.x,
    "y": lambda s: s.y,
    "magnitude": lambda s: s.magnitude,
    "theta": lambda s: s.theta,
    "displayed": lambda s: s.displayed(1),
    "snap": lambda s: s.snap("x", "aux in 1"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_no_bare_number_hides_an_overload_or_an_unlock(table: Table, name: str) -> None:
    measure = NUMBERS[name]
    assert np.isfinite(measure(table.lock_in)).all()
    table.lock_in.sensitivity = 1e-3
    table.clock.sleep(SETTLING_S)
    with pytest.raises(InstrumentRefused, match=r"^lock-in: .*overload since the last look"):
        measure(table.lock_in)
    table.lock_in.sensitivity = 0.01
    table.settle()
    measure(table.lock_in)
    table.device.reference_unplugged = True
    table.clock.sleep(1.0)
    with pytest.raises(InstrumentRefused, match=r"^lock-in: reference unlocked since"):
        measure(table.lock_in)


def test_numbers_that_do_not_come_from_the_signal_are_returned(table: Table) -> None:
    table.lock_in.sensitivity = 1e-3
    table.clock.sleep(SETTLING_S)
    assert table.lock_in.snap("frequency", "aux in 2") == pytest.approx((200.0, 0.0))
    assert table.lock_in.aux_input(1) == 0.0
    assert table.lock_in.read().overload is True


def test_what_does_not_spoil_a_number_is_kept_for_whoever_asks(table: Table) -> None:
    table.lock_in.sample_rate = "trigger"
    table.lock_in.start_scan()
    table.device.trigger()
    assert table.lock_in.x == pytest.approx(SIGNAL_V, rel=0.01)
    assert table.lock_in.lock_in_status() == LockInStatus.STORAGE_TRIGGERED
    assert table.lock_in.lock_in_status() == LockInStatus(0)

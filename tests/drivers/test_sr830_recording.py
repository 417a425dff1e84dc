"""Recording with the SR830's buffer in one call, on the simulated instrument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drivers.sr830 import SR830, Recording
from labcool.clock import VirtualClock
from labcool.errors import InstrumentDisconnected, InstrumentTimeout, LimitError
from simulators import sr830 as simulated
from simulators.faults import Fault, FaultyDevice
from simulators.memory import MemoryLink

SLOPE_V_PER_S = 1e-4
LEVEL_V = 2e-3


class Table:
    """A lock-in with a short time constant, whose X rises and whose Y stands still."""

    def __init__(self, interface: Any = "gpib") -> None:
        self.clock = VirtualClock()
        self.locked = True
        self.device = simulated.SR830(
            self.clock,
            signal=lambda moment: complex(SLOPE_V_PER_S * moment, LEVEL_V),
            reference=lambda _: 1000.0 if self.locked else None,
            noise_density=0.0,
            interface=interface,
        )
        self.host = FaultyDevice(self.device)
        self.lock_in = SR830(
            MemoryLink(self.host, self.clock),
            "lock-in",
            clock=self.clock,
            interface=interface,
            baud_rate=9600,
        )
        self.lock_in.reference_source = "external"
        self.lock_in.sensitivity = 0.01
        self.lock_in.time_constant = 1e-3
        self.lock_in.settle()


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.mark.parametrize("interface", ["gpib", "rs232"])
def test_both_displays_are_recorded_with_their_times(interface: str) -> None:
    table = Table(interface)
    begun = table.clock.now()
    recording = table.lock_in.record(2.0, 64.0)
    assert isinstance(recording, Recording)
    assert recording.times == pytest.approx(np.arange(128) / 64)
    assert recording.sample_rate == 64.0
    slope, start = np.polyfit(recording.times, recording.channel1, 1)
    assert slope == pytest.approx(SLOPE_V_PER_S, rel=1e-3)
    assert begun < start / slope < begun + 0.5
    assert recording.channel2 == pytest.approx(np.full(128, LEVEL_V), rel=1e-4)
    assert (recording.overload, recording.unlocked, int(recording.flags)) == (False, False, 0)
    assert table.lock_in.sample_rate == 64.0


def test_what_was_stored_before_is_no_part_of_it(table: Table) -> None:
    table.lock_in.buffer_mode = "loop"
    table.lock_in.start_scan()
    table.clock.sleep(5.0)
    recording = table.lock_in.record(0.5, 16.0)
    assert len(recording.times) == len(recording.channel1) == len(recording.channel2) == 8
    assert recording.channel1[0] > SLOPE_V_PER_S * 5.0
    assert table.lock_in.buffer_mode == "one shot"
    stored = table.lock_in.buffer_count
    table.clock.sleep(5.0)
    assert table.lock_in.buffer_count == stored


def test_it_tells_of_its_own_time_only(table: Table) -> None:
    table.device.interference = 100.0
    table.clock.sleep(1.0)
    table.device.interference = 0.0
    assert table.lock_in.record(0.5, 16.0).overload is False
    table.device._appoint(table.clock.now() + 0.2, lambda _: setattr(table, "locked", False))
    recording = table.lock_in.record(0.5, 16.0)
    assert (recording.unlocked, recording.overload) == (True, False)


def test_stored_points_that_may_be_wrong_are_told_by_the_next_reading(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    table.lock_in.record(0.5, 16.0)
    table.locked = False
    table.clock.sleep(0.5)
    table.device.catch_up()
    table.locked = True
    table.lock_in.read_buffer(1)
    assert "lock-in: reference unlocked; stored points may be wrong." in caplog.messages
    assert table.lock_in.read().unlocked is True
    assert table.lock_in.read().unlocked is False


def test_the_fast_transfer_tells_too(table: Table) -> None:
    table.lock_in.sample_rate = 64.0
    scan = table.lock_in.fast_scan(16)
    assert (scan.overload, scan.unlocked) == (False, False)
    table.locked = False
    scan = table.lock_in.fast_scan(16)
    assert (scan.overload, scan.unlocked) == (False, True)


@pytest.mark.parametrize(
    ("duration", "rate", "words"),
    [
        (1.0, 100.0, "rate"),
        (1.0, "trigger", "rate"),
        (1.0, True, "rate"),
        (0.01, 64.0, "duration"),
        (256.0, 64.0, "duration"),
        (float("nan"), 64.0, "duration"),
        (True, 1.0, "duration"),
    ],
)
def test_what_does_not_fit_the_buffer_is_refused(
    table: Table, duration: Any, rate: Any, words: str
) -> None:
    before = list(table.device.scan.points)
    with pytest.raises(LimitError, match=f"lock-in {words}"):
        table.lock_in.record(duration, rate)
    assert list(table.device.scan.points) == before
    assert table.device.settings.integers["SRAT"] == 4


def test_the_longest_recording_fills_the_buffer(table: Table) -> None:
    recording = table.lock_in.record(16383 / 512, 512.0)
    assert recording.channel1.shape == (16383,)
    assert np.diff(recording.channel1) == pytest.approx(SLOPE_V_PER_S / 512, abs=3e-7)


def test_points_that_never_come_are_an_error_in_time(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table.device.scan, "start", lambda _: None)
    begun = table.clock.now()
    with pytest.raises(InstrumentTimeout, match=r"^lock-in: only 0 of 16 points"):
        table.lock_in.record(1.0, 16.0)
    assert table.clock.now() - begun < 4.0


def test_a_cable_that_is_pulled_meanwhile_is_an_error(table: Table) -> None:
    table.host.inject(Fault("disconnect", from_s=3.0))
    with pytest.raises(InstrumentDisconnected, match=r"^lock-in: "):
        table.lock_in.record(10.0, 16.0)

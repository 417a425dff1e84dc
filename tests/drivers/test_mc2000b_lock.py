"""When the MC2000B driver calls a blade locked, on the simulated chopper and on readings alone."""

from __future__ import annotations

import pytest

from drivers._mc2000b_lock import READINGS, could_be_locked, is_locked
from drivers.mc2000b import MC2000B
from labcool.clock import VirtualClock
from simulators import mc2000b as simulated
from simulators.memory import MemoryLink

TARGET_HZ = 317.0
TOLERANCE = 0.002


@pytest.mark.parametrize("lock_time", [2.0, 5.0, 12.0])
@pytest.mark.parametrize(("blade", "hertz"), [("MC1F10", 317), ("MC1F60", 5000), ("MC1F2", 20)])
def test_start_returns_when_the_blade_really_has_its_frequency(
    lock_time: float, blade: str, hertz: int
) -> None:
    clock = VirtualClock()
    device = simulated.MC2000B(clock, lock_time=lock_time)
    chopper = MC2000B(MemoryLink(device, clock), clock=clock)
    chopper.blade = blade
    if blade == "MC1F2":
        chopper.reference = "internal-inner"
    chopper.frequency = hertz
    chopper.start()
    half_a_count = 0.5 if hertz > 100 else 0.0
    off = abs(device.frequency_at(clock.now()) - hertz)
    assert off <= max(TOLERANCE * hertz, half_a_count)
    clock.sleep(1.0)
    assert abs(device.frequency_at(clock.now()) - hertz) < 0.001 * hertz
    assert clock.now() < lock_time + 6.0


@pytest.mark.parametrize(
    ("readings", "locked"),
    [
        ([317.0] * 5, True),
        ([317.0, 316.0, 317.0, 317.0, 316.0], True),
        ([318.0, 317.0, 317.0, 318.0, 317.0], True),
        ([316.0] * 5, False),
        ([316.0, 316.0, 316.0, 316.0, 317.0], False),
        ([318.0, 317.0, 317.0, 317.0, 316.0], False),
        ([316.0, 318.0, 316.0, 318.0, 317.0], False),
        ([315.0, 317.0, 317.0, 317.0, 317.0], False),
        ([316.9, 317.0, 317.0, 317.1, 317.0], True),
        ([316.5, 316.7, 316.9, 317.0, 317.0], False),
    ],
)
def test_readings_are_near_and_steady(readings: list[float], locked: bool) -> None:
    assert len(readings) == READINGS
    assert is_locked(readings, TARGET_HZ, TOLERANCE) is locked


def test_a_fast_blade_within_its_tolerance_but_drifting_is_not_locked() -> None:
    drifting = [4991.0, 4993.0, 4995.0, 4997.0, 4999.0]
    assert all(could_be_locked(reading, 5000.0, TOLERANCE) for reading in drifting)
    assert is_locked(drifting, 5000.0, TOLERANCE) is False
    assert is_locked([4999.0, 5001.0, 5000.0, 4998.0, 5000.0], 5000.0, TOLERANCE) is True


def test_nothing_is_locked_to_a_reference_that_is_not_there() -> None:
    assert could_be_locked(0.0, 0.0, TOLERANCE) is False

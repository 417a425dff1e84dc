"""Readings of the SR830, settling, and the search for a range, on a device scripted here."""

from __future__ import annotations

import math

import pytest
from scripted_sr830 import Amplifier, connect

from drivers._sr830_tables import (
    SENSITIVITIES_V,
    SETTLING_TIME_CONSTANTS,
    TIME_CONSTANTS_S,
)
from drivers.sr830 import SR830, LockInStatus
from labcool.clock import VirtualClock
from labcool.errors import (
    InstrumentRefused,
    InstrumentTimeout,
)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> Amplifier:
    return Amplifier(clock)


@pytest.fixture
def lock_in(device: Amplifier) -> SR830:
    return connect(device)


def test_a_reading_tells_of_overload_and_unlock(device: Amplifier, lock_in: SR830) -> None:
    device.signal = 5e-3
    reading = lock_in.read()
    assert reading[:4] == pytest.approx((3e-3, 4e-3, 5e-3, 53.1301), rel=1e-5)
    assert (reading.overload, reading.unlocked, reading.flags) == (False, False, LockInStatus(0))
    for bit in (1, 2, 4):
        device.lia = bit
        assert lock_in.read().overload is True
    device.lia = 8 + 64
    reading = lock_in.read()
    assert (reading.overload, reading.unlocked) == (False, True)
    assert reading.flags == LockInStatus.REFERENCE_UNLOCKED | LockInStatus.STORAGE_TRIGGERED


@pytest.mark.parametrize(("slope", "constants"), SETTLING_TIME_CONSTANTS.items())
def test_less_than_a_hundredth_of_a_step_is_left_after_settling(
    slope: int, constants: float
) -> None:
    poles = slope // 6
    left = math.exp(-constants) * sum(constants**k / math.factorial(k) for k in range(poles))
    assert 0.003 < left < 0.01


def test_settling_waits_on_the_clock_and_forgets_its_own_overload(
    device: Amplifier, lock_in: SR830
) -> None:
    device.state.update({b"OFSL": b"3", b"OFLT": b"10"})
    device.lia = 2
    begun = device.clock.now()
    lock_in.settle()
    assert device.clock.now() - begun == pytest.approx(11.0, abs=0.05)
    assert lock_in.read().overload is False
    device.state.update({b"SYNC": b"1", b"FREQ": b"10"})
    assert lock_in.settling_time == pytest.approx(11.0 + 0.2)
    device.state[b"FREQ"] = b"250"
    assert lock_in.settling_time == 11.0


@pytest.mark.parametrize("signal", [0.0, 1.1e-9, 3e-7, 4.4e-6, 0.02, 0.3, 0.86])
@pytest.mark.parametrize("start", [0, 13, 26])
def test_ranging_ends_on_the_most_sensitive_range_that_fits(
    device: Amplifier, lock_in: SR830, signal: float, start: int
) -> None:
    device.signal = signal
    device.state[b"SENS"] = b"%d" % start
    found = lock_in.auto_range()
    assert found == lock_in.sensitivity == device.full_scale
    assert lock_in.read().overload is False
    assert signal <= found
    below = [full for full in SENSITIVITIES_V if full < found]
    assert not below or below[-1] < 1.15 * signal or start == SENSITIVITIES_V.index(found)
    assert device.clock.now() < 24 * 0.75


def test_ranging_is_bounded_and_says_why_it_failed(device: Amplifier, lock_in: SR830) -> None:
    device.signal = 2.0
    with pytest.raises(InstrumentRefused, match="overload on 1"):
        lock_in.auto_range()
    device.signal = 1e-3
    device.lia = 0
    device.state[b"SENS"] = b"0"
    begun = device.clock.now()
    with pytest.raises(InstrumentRefused, match="no range was found within 2 s"):
        lock_in.auto_range(limit=2.0)
    assert device.clock.now() - begun < 3.0


def test_ranging_without_a_locked_reference_is_refused(
    device: Amplifier, lock_in: SR830, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "overload", lambda: 8)
    with pytest.raises(InstrumentRefused, match="not locked"):
        lock_in.auto_range()


@pytest.mark.parametrize("ready_bit", [True, False])
@pytest.mark.parametrize("function", ["auto_gain", "auto_reserve", "auto_phase"])
def test_automatic_functions_are_waited_for(
    device: Amplifier, lock_in: SR830, ready_bit: bool, function: str
) -> None:
    device.ready_bit = ready_bit
    device.auto_seconds = 7.0
    begun = device.clock.now()
    getattr(lock_in, function)()
    assert 7.0 <= device.clock.now() - begun < 10.0
    assert lock_in.harmonic == 1


def test_an_automatic_function_that_answers_that_it_is_busy_is_polled(
    device: Amplifier, lock_in: SR830
) -> None:
    device.auto_seconds = 0.0
    device.instead.extend([b"3", b"1", b"1", b"3"])
    lock_in.auto_phase()
    assert device.heard == [b"*STB?", b"APHS", *[b"*STB?"] * 3, b"*ESR?"]


def test_an_automatic_function_has_a_time_limit(device: Amplifier, lock_in: SR830) -> None:
    device.auto_seconds = 1000.0
    begun = device.clock.now()
    with pytest.raises(InstrumentTimeout, match="did not end in time"):
        lock_in.auto_gain(limit=20.0)
    assert device.clock.now() - begun < 25.0
    device.state[b"OFLT"] = b"%d" % TIME_CONSTANTS_S.index(3.0)
    device.busy_until = 0.0
    device.clock.sleep(1000.0)
    with pytest.raises(InstrumentRefused, match="time constant of 3 s"):
        lock_in.auto_gain()

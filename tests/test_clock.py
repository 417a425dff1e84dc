import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcool.clock import RealClock, ScaledClock, VirtualClock, sleep_until
from labcool.errors import LimitError


@given(st.lists(st.floats(-10, 1e4, allow_nan=False), max_size=20))
def test_virtual_time_is_the_sum_of_positive_sleeps(sleeps):
    clock = VirtualClock()
    for seconds in sleeps:
        clock.sleep(seconds)
    assert clock.now() == pytest.approx(math.fsum(s for s in sleeps if s > 0))


def test_virtual_date_moves_with_virtual_time():
    clock = VirtualClock()
    before = clock.date()
    clock.sleep(1800)
    assert (clock.date() - before).total_seconds() == 1800


def test_virtual_sleeps_of_two_threads_add_up():
    clock = VirtualClock()
    threads = [
        threading.Thread(target=lambda: [clock.sleep(0.5) for _ in range(1000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 2000


def test_sleep_until_a_past_moment_returns_at_once():
    clock = VirtualClock()
    clock.sleep(5)
    sleep_until(clock, 3)
    assert clock.now() == 5
    sleep_until(clock, 7.5)
    assert clock.now() == 7.5


def test_a_scaled_clock_sleeps_the_scaled_time_and_no_less(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    ScaledClock(60).sleep(30)
    RealClock().sleep(0.25)
    RealClock().sleep(-1)
    assert slept == [0.5, 0.25]


def test_a_scaled_clock_runs_at_its_speed(monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    clock = ScaledClock(60)
    start = clock.date()
    moment[0] += 2
    assert clock.now() == 120
    assert (clock.date() - start).total_seconds() == 120


@pytest.mark.parametrize("speed", [0, -1, math.inf, math.nan])
def test_an_impossible_speed_is_refused(speed):
    with pytest.raises(LimitError, match="clock speed"):
        ScaledClock(speed)

"""The criterion of stability against temperatures whose settling is known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._stability import Criterion, judge, wait_until_stable
from labcool.clock import VirtualClock
from labcool.errors import InstrumentTimeout, LimitError

CRITERION = Criterion(0.1, 0.05, 60.0)


def watched(values: dict[float, float]) -> list[tuple[float, float]]:
    return sorted(values.items())


@given(st.floats(-2.0, 2.0), st.floats(-0.5, 0.5))
def test_the_slope_of_a_straight_line_is_its_slope(slope: float, offset: float) -> None:
    readings = [(float(t), 300.0 + offset + slope * t / 60.0) for t in range(80)]
    verdict = judge(readings, 300.0, Criterion(10.0, 10.0, 60.0))
    assert verdict.slope == pytest.approx(slope, abs=1e-6)


def test_a_slow_drift_through_the_band_is_not_stable() -> None:
    readings = [(float(t), 299.92 + 0.15 * t / 70.0) for t in range(71)]
    verdict = judge(readings, 300.0, CRITERION)
    assert verdict.covered
    assert verdict.deviation < CRITERION.band
    assert not verdict.stable
    assert judge(readings, 300.0, Criterion(0.1, 0.2, 60.0)).stable


def test_a_plateau_beside_the_set_point_is_not_stable() -> None:
    readings = [(float(t), 300.2) for t in range(71)]
    verdict = judge(readings, 300.0, CRITERION)
    assert verdict.slope == pytest.approx(0.0, abs=1e-9)
    assert not verdict.stable


def test_one_reading_outside_the_band_is_not_stable_until_it_is_old() -> None:
    readings = [(float(t), 300.0) for t in range(71)]
    assert judge(readings, 300.0, CRITERION).stable
    readings[20] = (20.0, 300.11)
    assert not judge(readings, 300.0, Criterion(0.1, 1.0, 60.0)).stable
    readings += [(float(t), 300.0) for t in range(71, 82)]
    assert judge(readings, 300.0, Criterion(0.1, 1.0, 60.0)).stable


def test_readings_must_reach_back_over_the_whole_time() -> None:
    assert not judge([(float(t), 300.0) for t in range(60)], 300.0, CRITERION).covered
    assert judge([(float(t), 300.0) for t in range(61)], 300.0, CRITERION).covered
    assert not judge(watched({0.0: 300.0, 60.0: 300.0}), 300.0, CRITERION).covered
    assert math.isnan(judge([(0.0, 300.0)], 300.0, CRITERION).slope)


class Settling:
    """A temperature that approaches 300 K from 310 K with a time constant of 60 s."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.reads = 0

    def read(self) -> float:
        self.reads += 1
        self.clock.sleep(0.02)
        return 300.0 + 10.0 * math.exp(-self.clock.now() / 60.0)


def test_waiting_ends_as_soon_as_it_may() -> None:
    stage = Settling()
    verdict = wait_until_stable(
        stage.read, stage.clock, 300.0, CRITERION, timeout_s=1e4, check=lambda: None, name="stage"
    )
    assert verdict.stable
    # Within 0.1 K from 60 ln(100) = 276.3 s on; the slope is then 0.06 K/min in the mean.
    slope_reached = 60.0 * math.log(10.0 * (1 - math.exp(-1.0)) / 0.05)
    assert 336.3 <= stage.clock.now() <= max(336.3, slope_reached + 60.0) + 20.0
    assert abs(verdict.last - 300.0) < 0.04
    assert stage.reads == pytest.approx(stage.clock.now(), abs=3)


def test_time_out_says_what_was_reached() -> None:
    stage = Settling()
    with pytest.raises(
        InstrumentTimeout, match=r"stage: not stable in time at 300\.000 K: last"
    ) as e:
        wait_until_stable(
            stage.read, stage.clock, 300.0, CRITERION, timeout_s=90.0, check=lambda: None,
            name="stage",
        )  # fmt: skip
    assert 90.0 <= stage.clock.now() < 92.0
    assert "slope -" in str(e.value)


def test_check_comes_before_every_reading_and_may_end_the_wait() -> None:
    stage = Settling()

    class Stop(Exception):
        pass

    def check() -> None:
        if stage.clock.now() > 10.0:
            raise Stop

    with pytest.raises(Stop):
        wait_until_stable(
            stage.read, stage.clock, 300.0, CRITERION, timeout_s=90.0, check=check, name="stage"
        )
    assert 10.0 < stage.clock.now() < 11.1
    assert stage.reads == 11


def test_a_short_stretch_gets_enough_readings() -> None:
    clock = VirtualClock()
    verdict = wait_until_stable(
        lambda: 300.0, clock, 300.0, Criterion(0.1, 0.1, 1.0), timeout_s=5.0,
        check=lambda: None, name="stage",
    )  # fmt: skip
    assert verdict.stable
    assert 1.0 - 1e-6 <= clock.now() < 1.3


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_criterion_must_be_one(bad: float) -> None:
    for values in ((bad, 1.0, 1.0), (1.0, bad, 1.0), (1.0, 1.0, bad)):
        with pytest.raises(LimitError):
            Criterion(*values)


@pytest.mark.parametrize(("timeout", "every"), [(59.0, 1.0), (math.nan, 1.0), (90.0, 0.0)])
def test_bad_times_are_refused_before_reading(timeout: float, every: float) -> None:
    stage = Settling()
    with pytest.raises(LimitError):
        wait_until_stable(
            stage.read, stage.clock, 300.0, CRITERION, timeout_s=timeout, every_s=every,
            check=lambda: None, name="stage",
        )  # fmt: skip
    assert stage.reads == 0

"""Lasers and a monochromator against their simulated devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labcool.bench import Bench
from labcool.errors import InstrumentRefused, LimitError

Opened = Callable[..., Bench]
Pair = Callable[[Bench, str], tuple[Any, Any]]


@pytest.mark.parametrize("name", ["obis", "cobolt"])
def test_laser_emits_what_is_asked_and_stops(opened: Opened, pair: Pair, name: str) -> None:
    bench = opened(name)
    laser, device = pair(bench, name)
    clock = bench.clock
    assert laser.emission is False
    with pytest.raises(InstrumentRefused):
        laser.open_output()
    laser.power_setpoint = 0.05
    assert device.power_at(clock.now()) == 0.0
    laser.start_emission()
    clock.sleep(20.0)
    assert laser.emission is True
    assert device.power_at(clock.now()) == pytest.approx(0.05, rel=0.02)
    assert laser.power == pytest.approx(0.05, rel=0.05)
    with pytest.raises(LimitError):
        laser.power_setpoint = 0.5
    assert bench.close() == []
    clock.sleep(1.0)
    assert device.power_at(clock.now()) == 0.0


@pytest.mark.parametrize("name", ["obis", "cobolt"])
def test_laser_with_an_open_interlock_does_not_start(opened: Opened, pair: Pair, name: str) -> None:
    bench = opened(name)
    laser, device = pair(bench, name)
    device.interlock_open = True
    laser.power_setpoint = 0.05
    with pytest.raises(InstrumentRefused, match="interlock"):
        laser.start_emission()
    bench.clock.sleep(20.0)
    assert device.power_at(bench.clock.now()) == 0.0


def test_monochromator_stands_where_it_says(opened: Opened, pair: Pair) -> None:
    bench = opened("monochromator")
    monochromator, device = pair(bench, "monochromator")
    for nm in (532.0, 500.25, 0.0):
        monochromator.go_to(nm)
        assert device.wavelength_at(bench.clock.now()) == pytest.approx(nm, abs=0.01)
        assert monochromator.wavelength == pytest.approx(nm, abs=0.01)
    with pytest.raises(LimitError):
        monochromator.go_to(9999.0)
    assert monochromator.wavelength == pytest.approx(0.0, abs=0.01)

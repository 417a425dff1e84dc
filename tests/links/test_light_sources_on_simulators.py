"""Lasers, a monochromator and a supercontinuum source against their simulated devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.superk import SuperK
from drivers.superk_select import SuperKSelect
from drivers.superk_varia import SuperKVaria
from labcool.bench import Bench
from labcool.clock import VirtualClock
from labcool.errors import InstrumentRefused, LimitError
from simulators import superk as superk_device
from simulators.memory import MemoryLink

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


def supercontinuum(clock: VirtualClock, **modules: Any) -> superk_device.SuperK:
    device = superk_device.SuperK(clock, light_changed=lambda lines, moment: None, **modules)
    device.press_reset()
    return device


def test_supercontinuum_and_its_filter_make_one_line() -> None:
    clock = VirtualClock()
    device = supercontinuum(clock)
    link = MemoryLink(device, clock)
    source = SuperK(link, "source", clock=clock)
    select = SuperKSelect(link, "select", clock=clock, rf_address=16, select_address=18)
    assert source.emission is False
    assert device.light_at(clock.now()) == []

    source.power_level = 40.0
    source.start_emission()
    clock.sleep(5.0)
    source.keep_alive()
    assert device.light_at(clock.now()) == []
    select.wavelength = 532.0
    select.power_level = 50.0
    select.start_emission()
    clock.sleep(1.0)
    ((nm, relative),) = device.light_at(clock.now())
    assert (nm, relative) == (532.0, pytest.approx(0.2))

    with pytest.raises(LimitError):
        select.wavelength = 300.0
    select.make_safe()
    assert device.light_at(clock.now()) == []
    source.shutdown()
    clock.sleep(5.0)
    assert device.light_at(clock.now()) == []


def test_a_source_that_nobody_keeps_alive_goes_dark() -> None:
    clock = VirtualClock()
    device = supercontinuum(clock, rf_driver=None, select=None)
    source = SuperK(MemoryLink(device, clock), "source", clock=clock, watchdog=10)
    source.power_level = 40.0
    source.start_emission()
    clock.sleep(5.0)
    assert device.light_at(clock.now()) != []
    clock.sleep(20.0)
    assert device.light_at(clock.now()) == []


def test_band_filter_stands_where_it_says() -> None:
    clock = VirtualClock()
    device = supercontinuum(clock, rf_driver=None, select=None, varia=17)
    varia = SuperKVaria(MemoryLink(device, clock), "varia", clock=clock)
    varia.set_band(520.0, 540.0)
    assert varia.band == (520.0, 540.0)
    assert varia.wavelength == 530.0
    with pytest.raises(LimitError):
        varia.set_band(540.0, 520.0)
    assert varia.band == (520.0, 540.0)

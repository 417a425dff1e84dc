"""A supercontinuum source and its filters: several drivers on one bus, one simulated device behind.

As in ``test_drivers_on_simulators.py``. The witness is the device, and what its light does on the
bench.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from labcool.bench import Bench
from labcool.errors import InstrumentError, InstrumentRefused, InstrumentTimeout, LimitError
from simulators.faults import Fault

Opened = Callable[..., Bench]
Pair = Callable[[Bench, str], tuple[Any, Any]]
LINE_W = 2e-3
"""What the simulated bench says of a line at full source and full amplitude."""


def test_modules_on_one_port_are_one_device(opened: Opened, pair: Pair) -> None:
    bench = opened("white", "select", "varia")
    (white, device), (select, same), (varia, again) = (pair(bench, n) for n in bench.instruments)
    assert device is same is again
    assert sorted(device.modules) == [1, 15, 16, 17, 18]
    assert "EXTREME" in white.identity
    assert "SELECT" in select.identity
    assert "VARIA" in varia.identity
    assert device.light_at(bench.clock.now()) == []
    assert (white.interlock, white.emission, select.emission) == ("ok", False, False)


def test_one_line_from_the_white_source(opened: Opened, pair: Pair) -> None:
    bench = opened("white", "select")
    (white, device), (select, _) = pair(bench, "white"), pair(bench, "select")
    white.power_level = 40.0
    white.start_emission()
    bench.clock.sleep(5.0)
    assert device.light_at(bench.clock.now()) == []
    select.wavelength = 532.0
    select.power_level = 50.0
    select.start_emission()
    ((nm, relative),) = device.light_at(bench.clock.now())
    assert (nm, relative) == (532.0, pytest.approx(0.2))
    with pytest.raises(LimitError, match="from 400 to 650 or from 640 to 1100"):
        select.wavelength = 300.0
    with pytest.raises(InstrumentRefused, match="crystal 2"):
        select.wavelength = 800.0
    assert device.light_at(bench.clock.now()) == [(nm, relative)]
    select.stop_emission()
    select.wavelength = 800.0
    select.start_emission()
    assert device.light_at(bench.clock.now()) == [(800.0, relative)]
    assert bench.close() == []
    bench.clock.sleep(5.0)
    assert device.light_at(bench.clock.now()) == []
    assert not device._rf.is_on
    assert not device._source._emits()


def test_a_band_of_the_white_source(opened: Opened, pair: Pair) -> None:
    bench = opened("varia")
    varia, device = pair(bench, "varia")
    varia.wavelength = 530.0
    varia.bandwidth = 20.0
    assert device.light_at(bench.clock.now()) == []
    device._source._power.value = 1000
    varia.start_emission()
    bench.clock.sleep(3.0)
    lines = device.light_at(bench.clock.now())
    assert (min(lines)[0], max(lines)[0]) == (520.5, 539.5)
    assert sum(power for _, power in lines) == pytest.approx(20.0)
    varia.power_level = 25.0
    lines = device.light_at(bench.clock.now())
    assert sum(power for _, power in lines) == pytest.approx(5.0)
    assert varia.bandwidth == 20.0
    assert bench.close() == []
    assert device.light_at(bench.clock.now()) == []


def test_its_light_reaches_the_sample_through_the_shutter(opened: Opened, pair: Pair) -> None:
    bench = opened("white", "select", "shutter", "meter")
    (white, _), (select, _) = pair(bench, "white"), pair(bench, "select")
    (shutter, _), (meter, _) = pair(bench, "shutter"), pair(bench, "meter")
    simulation: Any = bench.simulation
    white.power_level = 50.0
    select.wavelength = 532.0
    select.power_level = 40.0
    white.start_emission()
    select.start_emission()
    bench.clock.sleep(5.0)
    meter.wavelength = 532.0
    dark = meter.power
    shutter.open()
    bench.clock.sleep(0.5)
    at_sample = LINE_W * 0.5 * 0.4 * simulation.light_path.optics.path_transmission
    assert meter.power - dark == pytest.approx(at_sample, rel=0.02)
    select.stop_emission()
    bench.clock.sleep(0.5)
    assert meter.power == pytest.approx(dark, rel=0.1)


def test_traffic_with_the_filter_keeps_the_source_alive(opened: Opened, pair: Pair) -> None:
    bench = opened("white", "select")
    (white, device), (select, _) = pair(bench, "white"), pair(bench, "select")
    white.start_emission()
    for _ in range(20):
        bench.clock.sleep(4.0)
        assert select.emission is False
    assert device._source._emits()
    white.keep_alive()
    bench.clock.sleep(11.0)
    assert not device._source._emits()
    with pytest.raises(InstrumentRefused, match="ended by itself"):
        white.keep_alive()


def test_without_the_source_s_driver_a_person_has_started_it(opened: Opened, pair: Pair) -> None:
    bench = opened("select")
    select, device = pair(bench, "select")
    select.wavelength = 600.0
    select.power_level = 100.0
    assert device.light_at(bench.clock.now()) == []
    select.start_emission()
    bench.clock.sleep(3.0)
    assert device.light_at(bench.clock.now()) == [(600.0, 1.0)]
    assert bench.close() == []
    assert device.light_at(bench.clock.now()) == []
    assert device._source._emits()


@pytest.mark.parametrize("delay", [0.3, 0.6, 1.1])
def test_late_answers_of_one_driver_are_not_taken_by_another(
    opened: Opened, pair: Pair, link: str, delay: float, caplog: pytest.LogCaptureFixture
) -> None:
    bench = opened("white", "select", "varia")
    (white, device), (select, _), (varia, _) = (pair(bench, n) for n in bench.instruments)
    simulation: Any = bench.simulation
    device._source._power.value = 555
    device._rf._wavelengths[0][0] = 601_000
    for name in bench.instruments:
        simulation.inject(name, Fault("late", after=1, delay_s=delay))
        for _ in range(4):
            for ask, right in (
                (lambda: white.power_level, 55.5),
                (lambda: select.wavelength, 601.0),
                (lambda: varia.band, (500.0, 550.0)),
            ):
                try:
                    assert ask() == right
                except InstrumentTimeout:
                    bench.clock.sleep(delay)
    # On a port the clock runs ahead of a host that waits, and a late answer is in time.
    assert any("passed over" in text for text in caplog.messages) is (link == "memory")


def test_two_drivers_at_once_get_their_own_answers(opened: Opened, pair: Pair) -> None:
    bench = opened("white", "select", "varia")
    (white, device), (select, _), (varia, _) = (pair(bench, n) for n in bench.instruments)
    device._source._power.value = 123
    device._rf._amplitudes[0][0] = 456
    found: dict[str, set[Any]] = {}

    def ask(name: str, question: Callable[[], Any]) -> None:
        found[name] = {question() for _ in range(15)}

    users = [
        Thread(target=ask, args=("white", lambda: white.power_level)),
        Thread(target=ask, args=("select", lambda: select.power_level)),
        Thread(target=ask, args=("varia", lambda: varia.band)),
    ]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert found == {"white": {12.3}, "select": {45.6}, "varia": {(500.0, 550.0)}}


def test_a_bus_that_vanishes_is_told_by_each_driver(opened: Opened, pair: Pair, link: str) -> None:
    if link == "pty":
        pytest.skip("a pseudo-terminal does not come back under its name: there it falls silent")
    bench = opened("white", "select")
    (white, device), (select, _) = pair(bench, "white"), pair(bench, "select")
    simulation: Any = bench.simulation
    simulation.inject("white", Fault("disconnect"))
    with pytest.raises(InstrumentError, match=r"^white \(SuperK\): "):
        _ = white.power_level
    with pytest.raises(InstrumentError, match=r"^select \(SuperKSelect\): "):
        _ = select.wavelength
    white.shutdown()
    select.shutdown()
    simulation.clear_faults("white")
    place = simulation.connection("select")
    again = type(select)(name="anew", clock=bench.clock, rf_address=16, select_address=18, **place)
    device._rf._wavelengths[0][0] = 602_000
    assert again.wavelength == 602.0
    again.shutdown()


def test_interlock_that_opens_is_told_in_words(
    opened: Opened, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    bench = opened("white", "select")
    (white, device), (select, _) = pair(bench, "white"), pair(bench, "select")
    assert (white.attention(), select.attention()) == ((), ())
    device.interlock_open = True
    (told,) = white.attention()
    assert told.startswith("Interlock open (door). Close the door")
    assert select.attention() == ("Its interlock is off: see the source.",)
    with pytest.raises(InstrumentRefused, match=r"emission not started: interlock open \(door\)"):
        white.start_emission()
    device.interlock_open = False
    assert "waiting for reset" in white.attention()[0]

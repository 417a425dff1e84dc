"""Every driver against its simulated device, from a bench file, over every kind of link.

The clock is virtual; only what a driver waits for on a port (draining a TCP socket: 0.1 s each
time) passes on the wall. The witness is the simulated device, never the driver alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labcool.bench import Bench
from labcool.errors import InstrumentTimeout, LimitError

HASTY_STAGE = {
    "driver": "drivers.linkam.LinkamT95",
    "resource": "ASRL4::INSTR",
    "timeout": 0.15,
}

Opened = Callable[..., Bench]
Pair = Callable[[Bench, str], tuple[Any, Any]]


def test_shutter_moves_the_blade(opened: Opened, pair: Pair) -> None:
    bench = opened("shutter")
    shutter, device = pair(bench, "shutter")

    def passes() -> bool:
        return bool(device._blade.is_open(bench.clock.now()))

    assert "SC10" in shutter.identity
    assert not passes()
    for _ in range(2):
        shutter.open()
        assert passes()
        assert not shutter.is_closed
        shutter.close()
        assert not passes()
    shutter.open()
    assert bench.close() == []
    assert not passes()


def test_laser_takes_its_set_point(opened: Opened, pair: Pair) -> None:
    bench = opened("pump")
    laser, device = pair(bench, "pump")
    laser.open_output()
    assert device._shutter_open
    for watts in (0.6, 0.05):
        laser.power_setpoint = watts
        bench.clock.sleep(20.0)
        assert laser.power == pytest.approx(watts, abs=1e-3)
        assert device.power_in_head(bench.clock.now()) == pytest.approx(watts, abs=1e-6)
    with pytest.raises(LimitError):
        laser.power_setpoint = 1.5
    assert laser.power_setpoint == 0.05
    assert laser.settings()["shutter_open"] is True
    assert bench.close() == []
    assert not device._shutter_open


def test_mount_turns_to_the_angle(opened: Opened, pair: Pair) -> None:
    bench = opened("attenuator")
    mount, device = pair(bench, "attenuator")
    for angle in (45.0, 359.99, 0.0, 123.456, 270.0):
        mount.turn_to(angle)
        truth = device.angle_at(bench.clock.now())
        assert abs((truth - angle + 180) % 360 - 180) <= 0.0065
        assert mount.angle == pytest.approx(truth, abs=1e-9)


def test_stage_cools_to_minus_50_and_holds(opened: Opened, pair: Pair) -> None:
    bench = opened("stage")
    stage, device = pair(bench, "stage")
    assert stage.temperature == pytest.approx(298.15, abs=0.15)
    stage.ramp_rate = 50.0
    stage.go_to(223.15)
    bench.clock.sleep(45.0)
    halfway = device.temperature_at(bench.clock.now())
    assert 250.0 < halfway < 270.0
    assert stage.temperature == pytest.approx(halfway, abs=0.15)
    assert not stage.is_holding
    bench.clock.sleep(60.0)
    assert stage.is_holding
    assert stage.temperature == pytest.approx(223.15, abs=0.15)
    assert device.temperature_at(bench.clock.now() + 3600.0) == pytest.approx(223.15, abs=0.05)
    assert bench.close() == []
    assert device.temperature_at(bench.clock.now() + 3600.0) == pytest.approx(298.15, abs=0.1)


def test_spectra_show_the_luminescence_while_the_light_is_on(opened: Opened, pair: Pair) -> None:
    bench = opened()
    spectrometer, _ = pair(bench, "spectrometer")
    light: Any = bench.illumination
    light.prepare(bench.clock.sleep)
    spectrometer.exposure = 0.4
    dark = spectrometer.acquire()
    with light.at(300.0) as fluence:
        lit = spectrometer.acquire()
    after = spectrometer.acquire()
    assert fluence == pytest.approx(300.0, rel=1e-3)
    assert not lit.saturated
    signal = lit.counts.astype(float) - dark.counts
    # The line lies at 2.42 eV; the notch filter takes what is above 524 nm.
    peak = spectrometer.wavelengths[np.argmax(signal)]
    assert 505.0 < peak < 524.0
    assert signal.max() > 100 * spectrometer.read_noise
    beyond = spectrometer.wavelengths > 600.0
    assert abs(signal[beyond].mean()) < 10.0
    assert abs((after.counts.astype(float) - dark.counts).mean()) < 10.0


def test_fluence_at_the_sample_is_the_one_that_was_set(opened: Opened, pair: Pair) -> None:
    bench = opened()
    light: Any = bench.illumination
    simulation: Any = bench.simulation
    light.prepare(bench.clock.sleep)
    for wanted in (3000.0, 30.0):
        with light.at(wanted):
            bench.clock.sleep(5.0)
            simulation.light_path.advance(bench.clock.now())
        truth = simulation.truth.values("fluence")[-4:]
        assert truth.mean() == pytest.approx(wanted, rel=5e-3)
        bench.clock.sleep(5.0)
        simulation.light_path.advance(bench.clock.now())
        assert simulation.truth.values("fluence")[-1] == 0.0


def test_stage_that_stops_answering_is_a_timeout_and_recovers(opened: Opened, pair: Pair) -> None:
    bench = opened(stage=HASTY_STAGE)
    stage, device = pair(bench, "stage")
    assert stage.temperature == pytest.approx(298.15, abs=0.15)
    device.silent = True
    start = bench.clock.now()
    with pytest.raises(InstrumentTimeout, match=r"^stage \(LinkamT95\): ") as caught:
        _ = stage.temperature
    assert caught.value.instrument == "stage (LinkamT95)"
    # Three attempts of 0.15 s with 0.1 s in between; on a port the attempts pass on the wall.
    assert bench.clock.now() - start < 0.9
    device.silent = False
    assert stage.temperature == pytest.approx(298.15, abs=0.15)


def test_port_is_free_after_shutdown(opened: Opened, pair: Pair) -> None:
    bench = opened("attenuator")
    mount, device = pair(bench, "attenuator")
    mount.turn_to(60.0)
    mount.shutdown()
    simulation: Any = bench.simulation
    again = type(mount)(name="again", clock=bench.clock, **simulation.connection("attenuator"))
    again.turn_to(30.0)
    assert device.angle_at(bench.clock.now()) == pytest.approx(30.0, abs=0.0065)
    again.shutdown()

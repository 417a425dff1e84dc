"""The other drivers against their simulated devices, over every kind of link.

As in ``test_drivers_on_simulators.py``. A shutter on a digital line has no link of bytes and is the
same over all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labcool.bench import Bench
from labcool.errors import ConfigurationError, InstrumentRefused, LimitError

Opened = Callable[..., Bench]
Pair = Callable[[Bench, str], tuple[Any, Any]]


@pytest.mark.parametrize("name", ["solenoid", "line"])
def test_shutter_moves_the_blade(opened: Opened, pair: Pair, name: str) -> None:
    bench = opened(name)
    shutter, device = pair(bench, name)

    def passes() -> bool:
        return bool(getattr(device, "_blade", device).is_open(bench.clock.now()))

    assert not passes()
    for _ in range(2):
        shutter.open()
        assert passes()
        assert not shutter.is_closed
        shutter.close()
        assert not passes()
        assert shutter.is_closed
    shutter.open()
    assert bench.close() == []
    bench.clock.sleep(0.1)
    assert not passes()


def test_locked_key_keeps_the_solenoid_shut(opened: Opened, pair: Pair) -> None:
    bench = opened("solenoid")
    shutter, device = pair(bench, "solenoid")
    assert shutter.settings()["key_unlocked"] is True
    device.key_switch_on = False
    with pytest.raises(InstrumentRefused, match="key switch is locked"):
        shutter.open()
    assert shutter.settings()["key_unlocked"] is False


def test_mount_that_counts_steps_homes_and_turns(opened: Opened, pair: Pair) -> None:
    bench = opened("rotator")
    mount, device = pair(bench, "rotator")
    with pytest.raises(InstrumentRefused, match="not homed"):
        mount.turn_to(45.0)
    mount.home()
    for angle in (45.0, 359.99, 0.0, 123.456):
        mount.turn_to(angle)
        truth = device.angle_at(bench.clock.now())
        assert abs((truth - angle + 180) % 360 - 180) <= 1e-4
        assert mount.angle == pytest.approx(truth, abs=1e-5)


def test_chopper_locks_at_its_frequency(opened: Opened, pair: Pair) -> None:
    bench = opened("chopper")
    chopper, device = pair(bench, "chopper")
    chopper.blade = "MC1F10"
    chopper.frequency = 130.0
    chopper.start()
    assert device.frequency_at(bench.clock.now()) == pytest.approx(130.0, abs=1.3)
    assert chopper.settings()["blade"] == "MC1F10"
    with pytest.raises(LimitError):
        chopper.frequency = 2000.0
    assert bench.close() == []
    bench.clock.sleep(60.0)
    assert device.frequency_at(bench.clock.now()) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("model", [331, 335, 336])
def test_cryostat_warms_and_holds(opened: Opened, pair: Pair, link: str, model: int) -> None:
    if link == "pty":
        pytest.skip("a pseudo-terminal has no 7 data bits with odd parity")
    name = f"cryostat_{model}"
    bench = opened(name)
    stage, device = pair(bench, name)
    assert str(model) in stage.identity
    assert stage.temperature == pytest.approx(77.0, abs=0.05)
    stage.ramp_rate = 10.0
    stage.go_to(87.0)
    bench.clock.sleep(30.0)
    assert device.temperature_at(bench.clock.now()) == pytest.approx(82.0, abs=1.0)
    assert not stage.is_holding
    bench.clock.sleep(150.0)
    assert stage.is_holding
    assert stage.temperature == pytest.approx(87.0, abs=0.1)
    assert device.heater_power() == pytest.approx(0.1 * 10.0, abs=0.1)
    assert bench.close() == []
    bench.clock.sleep(0.2)
    assert device.heater_power() == 0.0


def test_probe_reads_the_room(opened: Opened, pair: Pair) -> None:
    probe, device = pair(opened("probe"), "probe")
    assert device.units == "U2"
    assert probe.temperature == pytest.approx(298.15, abs=0.3)
    assert probe.settings()["address"] == 1


def test_power_meter_is_zeroed_in_the_dark(opened: Opened, pair: Pair) -> None:
    meter, device = pair(opened("meter"), "meter")
    with pytest.raises(ConfigurationError):
        _ = meter.power
    meter.wavelength = 532.0
    meter.averages = 20
    # 1 nA of dark current through 4.2 mA/W.
    assert meter.power == pytest.approx(1e-9 / 4.2e-3, rel=0.01)
    assert meter.zero(beam_blocked=True) == pytest.approx(1e-9, rel=1e-5)
    assert abs(meter.power) < 1e-9
    device._power = lambda _: 3e-3
    assert meter.power == pytest.approx(3e-3, rel=1e-4)


@pytest.mark.parametrize("name", ["lock_in", "lock_in_serial"])
def test_lock_in_reads_the_signal_and_leaves_its_outputs_low(
    opened: Opened, pair: Pair, name: str
) -> None:
    bench = opened(name)
    lock_in, device = pair(bench, name)
    assert "SR830" in lock_in.identity
    lock_in.time_constant = 0.1
    lock_in.sensitivity = 1e-6
    lock_in.settle()
    reading = lock_in.read()
    assert reading.r < 1e-7
    assert (reading.overload, reading.unlocked) == (False, False)
    device.detector._signal = lambda _: 6e-6j
    if name == "lock_in":
        assert lock_in.auto_range() == 1e-5
    else:
        # Spares the 0.1 s of wall time before each question on RS-232.
        lock_in.sensitivity = 1e-5
        lock_in.settle()
    assert lock_in.read().y == pytest.approx(6e-6, rel=0.02)
    lock_in.set_aux_output(2, 1.5)
    assert device.aux_out(2) == 1.5
    assert bench.close() == []
    assert device.settings.aux_out == [0.0] * 4
    assert device.sine_out == 0.004

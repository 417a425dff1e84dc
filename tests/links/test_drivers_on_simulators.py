"""Every driver against its simulated device, from a bench file, over every kind of link.

The clock is virtual; only what a driver waits for on a port (draining a TCP socket: 0.1 s each
time) passes on the wall. The witness is the simulated device, never the driver alone.
"""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import seabreeze.pyseabreeze.protocol
from ruamel.yaml import YAML

from labcool.bench import Bench, open_bench, read_bench
from labcool.errors import InstrumentTimeout, LimitError

INSTRUMENTS: dict[str, dict[str, Any]] = {
    "shutter": {"driver": "drivers.sc10.SC10", "resource": "ASRL1::INSTR"},
    "pump": {"driver": "drivers.finesse.Finesse", "resource": "ASRL2::INSTR"},
    "attenuator": {"driver": "drivers.elliptec.ELL14", "resource": "ASRL3::INSTR"},
    "stage": {"driver": "drivers.linkam.LinkamT95", "resource": "ASRL4::INSTR"},
    "spectrometer": {"driver": "drivers.ocean.OceanSpectrometer", "serial": "FLMS12345"},
}
HASTY_STAGE = {**INSTRUMENTS["stage"], "timeout": 0.15}
ILLUMINATION = {
    "laser": "pump",
    "power_W": 0.6,
    "shutter": "shutter",
    "attenuator": {
        "mount": "attenuator",
        "optic": {"kind": "graded_filter", "table": [[0, 0.0], [300, 4.0]]},
    },
    "spot": {
        "date": datetime.date(2025, 11, 3),
        "diameter_um": 100,
        "path_transmission": 0.62,
        "relative_std": 0.05,
        "method": "knife edge",
    },
    "power_stability": 0.001,
}

Opened = Callable[..., Bench]


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture(
    params=[
        "memory",
        "tcp",
        pytest.param(
            "pty",
            marks=pytest.mark.skipif(
                os.name != "posix", reason="no pseudo-terminals on this system"
            ),
        ),
    ]
)
def link(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path, link: str) -> Iterator[Opened]:
    """Open a bench with some of the instruments, all with the illumination if none are named."""
    benches: list[Bench] = []
    threads = set(threading.enumerate())

    def opened(*names: str, **more: dict[str, Any]) -> Bench:
        chosen = names or (() if more else tuple(INSTRUMENTS))
        data: dict[str, Any] = {
            "bench": "table 2",
            "instruments": {name: INSTRUMENTS[name] for name in chosen} | more,
            "simulation": {"sample": "roman2020-film", "link": link, "clock": "virtual"},
        }
        if chosen == tuple(INSTRUMENTS):
            data["illumination"] = ILLUMINATION
        path = tmp_path / "bench.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(data, file)
        benches.append(open_bench(read_bench(path)))
        return benches[-1]

    yield opened
    for bench in benches:
        bench.close()
    assert set(threading.enumerate()) <= threads


def pair(bench: Bench, name: str) -> tuple[Any, Any]:
    """The instrument, and the simulated device behind it."""
    simulation: Any = bench.simulation
    return bench.instruments[name], simulation.devices[name]


def test_shutter_moves_the_blade(opened: Opened) -> None:
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


def test_laser_takes_its_set_point(opened: Opened) -> None:
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


def test_mount_turns_to_the_angle(opened: Opened) -> None:
    bench = opened("attenuator")
    mount, device = pair(bench, "attenuator")
    for angle in (45.0, 359.99, 0.0, 123.456, 270.0):
        mount.turn_to(angle)
        truth = device.angle_at(bench.clock.now())
        assert abs((truth - angle + 180) % 360 - 180) <= 0.0065
        assert mount.angle == pytest.approx(truth, abs=1e-9)


def test_stage_cools_to_minus_50_and_holds(opened: Opened) -> None:
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


def test_spectra_show_the_luminescence_while_the_light_is_on(opened: Opened) -> None:
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


def test_fluence_at_the_sample_is_the_one_that_was_set(opened: Opened) -> None:
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


def test_stage_that_stops_answering_is_a_timeout_and_recovers(opened: Opened) -> None:
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


def test_port_is_free_after_shutdown(opened: Opened) -> None:
    bench = opened("attenuator")
    mount, device = pair(bench, "attenuator")
    mount.turn_to(60.0)
    mount.shutdown()
    simulation: Any = bench.simulation
    again = type(mount)(name="again", clock=bench.clock, **simulation.connection("attenuator"))
    again.turn_to(30.0)
    assert device.angle_at(bench.clock.now()) == pytest.approx(30.0, abs=0.0065)
    again.shutdown()

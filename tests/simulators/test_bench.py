"""The simulated bench as a whole: its dice, its beam, its stage, and what it cannot simulate.

Spectra and temperatures come through the real drivers, from bench files.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import seabreeze.pyseabreeze.protocol
from ruamel.yaml import YAML

import simulators._devices
from labcool.bench import Bench, open_bench, read_bench
from labcool.clock import VirtualClock
from labcool.errors import ConfigurationError, LimitError
from simulators.bench import DEVICES, SimulatedBench, Surroundings
from simulators.device import LineDevice

MOUNT = "drivers.elliptec.ELL14"
INSTRUMENTS: dict[str, dict[str, Any]] = {
    "shutter": {"driver": "drivers.sc10.SC10", "resource": "ASRL1::INSTR"},
    "pump": {"driver": "drivers.finesse.Finesse", "resource": "ASRL2::INSTR"},
    "attenuator": {"driver": MOUNT, "resource": "ASRL3::INSTR"},
    "stage": {"driver": "drivers.linkam.LinkamT95", "resource": "ASRL4::INSTR"},
    "spectrometer": {"driver": "drivers.ocean.OceanSpectrometer", "serial": "FLMS12345"},
}
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
OTHERS = {
    "analyser": {"driver": MOUNT, "resource": "ASRL5::INSTR"},
    "spare": {"driver": "drivers.sc10.SC10", "resource": "ASRL6::INSTR"},
    "probe": {"driver": "drivers.finesse.Finesse", "resource": "ASRL7::INSTR"},
    "cryostat": {"driver": "drivers.linkam.LinkamT95", "resource": "ASRL8::INSTR"},
    "other_spectrometer": {"driver": "drivers.ocean.OceanSpectrometer", "serial": "FLMS54321"},
    "solenoid": {"driver": "drivers.ksc101.KSC101", "resource": "ASRL10::INSTR"},
    "line": {"driver": "drivers.ttl_shutter.TTLShutter", "resource": "ASRL11::INSTR"},
    "rotator": {"driver": "drivers.k10cr1.K10CR1", "resource": "ASRL12::INSTR"},
    "chopper": {"driver": "drivers.mc2000b.MC2000B", "resource": "ASRL13::INSTR"},
    "lakeshore": {"driver": "drivers.lakeshore.LakeShore336", "resource": "ASRL14::INSTR"},
    "thermometer": {"driver": "drivers.digisense.DigiSense", "resource": "ASRL15::INSTR"},
    "meter": {"driver": "drivers.pm100d.PM100D", "resource": "ASRL16::INSTR"},
    "lock_in": {"driver": "drivers.sr830.SR830", "resource": "ASRL17::INSTR"},
}

FULL_W_CM2 = 0.6 * 0.62 / (np.pi / 4 * 0.01**2)

Opened = Callable[..., Bench]


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Open a bench with the named instruments (all if none are), and more."""
    benches: list[Bench] = []

    def opened(
        *names: str, seed: int = 1, illumination: bool | None = None, **more: dict[str, Any]
    ) -> Bench:
        chosen = names or tuple(INSTRUMENTS)
        data: dict[str, Any] = {
            "bench": "table 2",
            "instruments": {name: INSTRUMENTS[name] for name in chosen} | more,
            "simulation": {"sample": "roman2020-film", "seed": seed},
        }
        if illumination or (illumination is None and not names):
            data["illumination"] = ILLUMINATION
        path = tmp_path / "bench.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(data, file)
        benches.append(open_bench(read_bench(path)))
        return benches[-1]

    yield opened
    for bench in benches:
        assert bench.close() == []


def simulated(bench: Bench) -> SimulatedBench:
    assert isinstance(bench.simulation, SimulatedBench)
    return bench.simulation


def light_on(bench: Bench) -> Any:
    light: Any = bench.illumination
    light.prepare(bench.clock.sleep)
    light.set_fluence(300.0)
    light.open()
    return light


def fluence(bench: Bench) -> float:
    """True fluence over the next 4 s, W/cm²; good to about 0.1 %, the laser's noise."""
    simulation = simulated(bench)
    bench.clock.sleep(5.0)
    simulation.light_path.advance(bench.clock.now())
    return float(simulation.truth.values("fluence")[-8:].mean())


def lit_spectra(bench: Bench, number: int = 3) -> list[bytes]:
    """Light on, and the raw counts of a few spectra."""
    spectrometer: Any = bench.instruments["spectrometer"]
    light_on(bench)
    return [spectrometer.acquire().counts.tobytes() for _ in range(number)]


def noise(bench: Bench) -> dict[str, object]:
    """What every device with dice of its own gives in the dark."""
    parts: Any = bench.instruments
    parts["attenuator"].turn_to(100.0)
    devices: Any = simulated(bench).devices
    return {
        "attenuator": [
            parts["attenuator"].turn_to(angle) or devices["attenuator"].angle_at(bench.clock.now())
            for angle in range(0, 350, 25)
        ],
        "stage": [parts["stage"].temperature for _ in range(40)],
        "spectrometer": [parts["spectrometer"].acquire().counts.tobytes() for _ in range(3)],
    }


class TestDice:
    def test_same_seed_gives_the_same_spectra_bit_for_bit(self, opened: Opened) -> None:
        first, second = lit_spectra(opened(seed=7)), lit_spectra(opened(seed=7))
        assert first == second
        assert len(set(first)) == len(first)

    def test_other_seed_gives_other_noise_and_the_same_light(self, opened: Opened) -> None:
        spectra = [np.frombuffer(lit_spectra(opened(seed=s))[-1], "u2") for s in (7, 8)]
        first, second = (counts.astype(float) for counts in spectra)
        line = first > 5000
        assert line.sum() > 20
        assert first[line].sum() == pytest.approx(second[line].sum(), rel=0.01)
        # Read noise of 50 counts, and offsets of 8 counts, on each of both.
        assert np.std(first[-500:] - second[-500:]) == pytest.approx(72.0, rel=0.15)

    def test_other_seed_reaches_every_device(self, opened: Opened) -> None:
        first, second = noise(opened(seed=1)), noise(opened(seed=2))
        assert [name for name in first if first[name] == second[name]] == []

    def test_more_instruments_do_not_change_the_noise_of_the_others(self, opened: Opened) -> None:
        assert noise(opened()) == noise(opened(**OTHERS))

    def test_like_devices_have_unlike_noise(self, opened: Opened) -> None:
        parts: Any = opened(**OTHERS).instruments
        one, other = (
            parts[name].acquire().counts.astype(float)
            for name in ("spectrometer", "other_spectrometer")
        )
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
        assert parts["stage"].name != parts["cryostat"].name
        first, second = (
            [parts[name].temperature for _ in range(40)] for name in ("stage", "cryostat")
        )
        assert first != second


class TestBeam:
    def test_instruments_beside_the_beam_change_no_light(self, opened: Opened) -> None:
        bench = opened(**OTHERS)
        parts: Any = bench.instruments
        light_on(bench)
        assert fluence(bench) == pytest.approx(300.0, rel=5e-3)
        parts["analyser"].turn_to(17.0)
        parts["spare"].open()
        parts["spare"].close()
        parts["probe"].power_setpoint = 1.0
        parts["probe"].open_output()
        parts["rotator"].home()
        parts["rotator"].turn_to(17.0)
        for shutter in ("solenoid", "line"):
            parts[shutter].open()
            parts[shutter].close()
        assert fluence(bench) == pytest.approx(300.0, rel=5e-3)

    @pytest.mark.parametrize("shutter", ["solenoid", "line"])
    def test_any_shutter_and_mount_can_be_in_the_beam(self, opened: Opened, shutter: str) -> None:
        bench = opened(
            "pump", illumination=True, shutter=OTHERS[shutter], attenuator=OTHERS["rotator"]
        )
        parts: Any = bench.instruments
        parts["attenuator"].home()
        light = light_on(bench)
        assert fluence(bench) == pytest.approx(300.0, rel=5e-3)
        parts["attenuator"].turn_to(75.0)
        assert fluence(bench) == pytest.approx(0.1 * FULL_W_CM2, rel=5e-3)
        light.close()
        assert fluence(bench) == 0.0

    def test_instruments_in_the_beam_do_also_if_named_last(self, opened: Opened) -> None:
        bench = opened("stage", illumination=True, **OTHERS, **INSTRUMENTS)
        parts: Any = bench.instruments
        light = light_on(bench)
        assert fluence(bench) == pytest.approx(300.0, rel=5e-3)
        parts["attenuator"].turn_to(0.0)
        # 0.6 W through 0.62 onto 100 µm, with the filter at density 0.
        assert fluence(bench) == pytest.approx(FULL_W_CM2, rel=5e-3)
        light.close()
        assert fluence(bench) == 0.0

    def test_without_illumination_the_first_of_each_kind_is_in_the_beam(
        self, opened: Opened
    ) -> None:
        bench = opened("shutter", "pump", "attenuator", **OTHERS)
        assert bench.illumination is None
        parts: Any = bench.instruments
        for shutter in ("spare", "solenoid", "line"):
            parts[shutter].open()
        parts["pump"].open_output()
        assert fluence(bench) == 0.0
        parts["shutter"].open()
        full = fluence(bench)
        assert full > 0.0
        parts["analyser"].turn_to(75.0)
        parts["rotator"].home()
        parts["rotator"].turn_to(75.0)
        assert fluence(bench) == pytest.approx(full, rel=5e-3)
        parts["attenuator"].turn_to(75.0)
        assert fluence(bench) == pytest.approx(full / 10, rel=5e-3)

    def test_both_spectrometers_see_the_light(self, opened: Opened) -> None:
        bench = opened(**OTHERS)
        light_on(bench)
        parts: Any = bench.instruments
        one, other = (
            parts[name].acquire().counts.astype(float)
            for name in ("spectrometer", "other_spectrometer")
        )
        line = one > 5000
        assert line.sum() > 20
        np.testing.assert_allclose(other[line].sum(), one[line].sum(), rtol=0.02)


class TestStage:
    def test_sample_settles_on_the_stage(self, opened: Opened) -> None:
        bench = opened("stage")
        stage: Any = bench.instruments["stage"]
        stage.go_to(330.0)
        bench.clock.sleep(7200.0)
        simulation = simulated(bench)
        simulation.light_path.advance(bench.clock.now())
        assert simulation.truth.values("stage_temperature")[-1] == pytest.approx(330.0, abs=0.1)
        assert simulation.truth.values("temperature")[-1] == pytest.approx(330.0, abs=1.0)
        assert simulation.truth.values("temperature")[0] == pytest.approx(298.15, abs=1e-6)

    def test_first_stage_carries_the_sample(self, opened: Opened) -> None:
        bench = opened("stage", cryostat=OTHERS["cryostat"])
        cryostat: Any = bench.instruments["cryostat"]
        cryostat.go_to(200.0)
        bench.clock.sleep(1200.0)
        simulation = simulated(bench)
        simulation.light_path.advance(bench.clock.now())
        assert simulation.truth.values("stage_temperature")[-1] == pytest.approx(298.15, abs=1e-6)

    @pytest.mark.parametrize(("input_", "output"), [("A", 1), ("B", 2)])
    def test_lake_shore_carries_the_sample_where_there_is_no_linkam(
        self, opened: Opened, input_: str, output: int
    ) -> None:
        settings = {"input": input_, "output": output, "heater_range": "high", "ramp_rate": 20.0}
        bench = opened("shutter", cold={**OTHERS["lakeshore"], **settings})
        cold: Any = bench.instruments["cold"]
        cold.go_to(120.0)
        bench.clock.sleep(7200.0)
        simulation = simulated(bench)
        simulation.light_path.advance(bench.clock.now())
        assert simulation.truth.values("stage_temperature")[-1] == pytest.approx(120.0, abs=0.1)
        assert simulation.truth.values("temperature")[-1] == pytest.approx(120.0, abs=1.0)
        assert simulation.truth.values("temperature")[0] == pytest.approx(77.0, abs=1e-6)

    @pytest.mark.parametrize(
        ("settings", "target"),
        [
            ({"stage": "TS1500"}, 1700.0),
            ({"stage": "other", "temperature_range": [100.0, 1700.0]}, 1500.0),
            ({"stage": "THMS600"}, 850.0),
        ],
    )
    def test_is_the_one_of_the_bench_file(
        self, opened: Opened, settings: dict[str, Any], target: float
    ) -> None:
        bench = opened("shutter", oven={**INSTRUMENTS["stage"], **settings})
        oven: Any = bench.instruments["oven"]
        oven.ramp_rate = 30.0
        oven.go_to(target)
        bench.clock.sleep(3600.0)
        assert oven.is_holding
        assert oven.temperature == pytest.approx(target, abs=0.2)


class TestSpectrometer:
    @pytest.mark.parametrize(
        ("model", "pixels"), [("FLAMES", 2048), ("USB2000PLUS", 2048), ("USB4000", 3840)]
    )
    def test_is_the_model_of_the_bench_file(self, opened: Opened, model: str, pixels: int) -> None:
        eye = {**INSTRUMENTS["spectrometer"], "model": model}
        bench = opened("shutter", "pump", "attenuator", illumination=True, eye=eye)
        spectrometer: Any = bench.instruments["eye"]
        spectrometer.exposure = 0.5
        dark = spectrometer.acquire().counts.astype(float)
        light_on(bench)
        signal = spectrometer.acquire().counts - dark
        assert signal.shape == spectrometer.wavelengths.shape == (pixels,)
        assert 505.0 < spectrometer.wavelengths[np.argmax(signal)] < 524.0

    def test_two_models_see_the_same_line_each_on_its_own_pixels(self, opened: Opened) -> None:
        other = {**OTHERS["other_spectrometer"], "model": "USB4000"}
        bench = opened(
            "shutter", "pump", "attenuator", "spectrometer", illumination=True, other=other
        )
        peaks = []
        for name in ("spectrometer", "other"):
            spectrometer: Any = bench.instruments[name]
            spectrometer.exposure = 0.5
            dark = spectrometer.acquire().counts.astype(float)
            light_on(bench)
            signal = spectrometer.acquire().counts - dark
            bench.instruments["shutter"].close()
            smooth = np.convolve(signal, np.ones(15), "same")
            peaks.append(spectrometer.wavelengths[np.argmax(smooth)])
        assert len(bench.instruments["other"].wavelengths) == 3840
        assert peaks[0] == pytest.approx(peaks[1], abs=1.5)


class TestBesideTheBeam:
    def test_instruments_without_light_say_so(self, opened: Opened) -> None:
        bench = opened("shutter", **OTHERS)
        parts: Any = bench.instruments
        parts["meter"].wavelength = 532.0
        # 1 nA of dark current, and no light.
        assert parts["meter"].power == pytest.approx(1e-9 / 4.2e-3, rel=0.1)
        lock_in = parts["lock_in"]
        lock_in.sensitivity = 1e-6
        lock_in.settle()
        readings = [lock_in.read().r for _ in range(5)]
        # 1 MOhm behind the photodiode: 0.13 uV/rtHz, through 1.25 Hz.
        assert 0.0 < max(readings) < 7e-7
        assert parts["thermometer"].temperature == pytest.approx(298.15, abs=0.3)
        parts["chopper"].start()
        assert parts["chopper"].is_locked

    def test_shutter_on_a_line_is_driven_as_the_bench_file_says(self, opened: Opened) -> None:
        wiring = {"line": "RTS", "sensor": "CD", "sensor_closed_high": False}
        bench = opened("pump", line={**OTHERS["line"], **wiring})
        shutter: Any = bench.instruments["line"]
        assert shutter.is_closed
        shutter.open()
        assert not shutter.is_closed
        device: Any = simulated(bench).devices["line"]
        assert device.is_open(bench.clock.now())

    def test_shutter_without_a_sensor(self, opened: Opened) -> None:
        blind = {"sensor": "none", "accept_unverified": True}
        bench = opened("pump", line={**OTHERS["line"], **blind})
        shutter: Any = bench.instruments["line"]
        shutter.open()
        assert shutter.settings()["verification"] == "unverified: no sensor"
        device: Any = simulated(bench).devices["line"]
        assert device.is_open(bench.clock.now())
        assert not device.sensor_level(bench.clock.now() + 1.0)

    def test_what_cannot_be_served_says_why(self, opened: Opened) -> None:
        simulation = simulated(opened("shutter", "spectrometer", line=OTHERS["line"]))
        assert simulation.why_not_served("shutter") is None
        assert "seabreeze" in str(simulation.why_not_served("spectrometer"))
        assert "control lines" in str(simulation.why_not_served("line"))


class TestLaser:
    def test_reaches_the_power_the_bench_allows(self, opened: Opened) -> None:
        bench = opened("shutter", strong={**INSTRUMENTS["pump"], "max_power": 12.0})
        laser: Any = bench.instruments["strong"]
        laser.power_setpoint = 11.5
        bench.clock.sleep(30.0)
        assert laser.power == pytest.approx(11.5, abs=1e-3)

    def test_is_a_6_watt_laser_otherwise(self, opened: Opened) -> None:
        bench = opened("pump")
        assert simulated(bench).devices["pump"]._max_power == 6.0  # type: ignore[union-attr]


class TestSmallBenches:
    @pytest.mark.parametrize("name", INSTRUMENTS)
    def test_one_instrument_alone(self, opened: Opened, tmp_path: Path, name: str) -> None:
        bench = opened(name)
        bench.clock.sleep(10.0)
        assert bench.instruments[name].identity
        bench.instruments[name].make_safe()
        if name == "spectrometer":
            spectrometer: Any = bench.instruments[name]
            assert 1000 < spectrometer.acquire().counts.mean() < 2500
        path = tmp_path / "truth.csv"
        simulated(bench).write_truth(path, 0.0)
        rows = list(csv.DictReader(path.read_text("ascii").splitlines()))
        assert len(rows) >= 20
        assert {float(row["fluence"]) for row in rows} == {0.0}
        assert {round(float(row["stage_temperature"]), 3) for row in rows} == {298.15}


def test_truth_is_told_up_to_now_against_the_time_of_the_run(
    opened: Opened, tmp_path: Path
) -> None:
    bench = opened()
    bench.clock.sleep(100.0)
    zero = bench.clock.now()
    light_on(bench)
    bench.clock.sleep(60.0)
    path = tmp_path / "truth.csv"
    simulated(bench).write_truth(path, zero)
    rows = list(csv.DictReader(path.read_text("ascii").splitlines()))
    times = np.array([float(row["time"]) for row in rows])
    assert times[0] == pytest.approx(-zero)
    assert times[-1] == pytest.approx(bench.clock.now() - zero, abs=0.5)
    cooled = [float(row["temperature"]) for row in rows]
    assert cooled[0] == pytest.approx(298.15)
    assert cooled[-1] < cooled[0] - 1.0


class TestWhatCannotBeSimulated:
    def build(self, **changes: Any) -> SimulatedBench:
        arguments: dict[str, Any] = {
            "clock": VirtualClock(),
            "instruments": {"shutter": ("drivers.sc10.SC10", {})},
            "optics": {},
            "sample": "roman2020-film",
            "link": "memory",
            "seed": 1,
        }
        return SimulatedBench(**{**arguments, **changes})

    def test_unknown_sample(self) -> None:
        with pytest.raises(ConfigurationError, match=r"'gold'.*roman2020-film"):
            self.build(sample="gold")

    def test_driver_without_a_device(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            self.build(instruments={"camera": ("cameras.Snap", {})})
        assert "instruments.camera" in str(caught.value)
        assert "cameras.Snap" in str(caught.value)
        assert all(driver in str(caught.value) for driver in DEVICES)

    def test_driver_without_a_device_in_a_bench_file(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(DEVICES, "drivers.linkam.LinkamT95")
        with pytest.raises(ConfigurationError, match=r"instruments\.stage: .*LinkamT95\. Sim"):
            opened()

    def test_serial_number_that_no_spectrometer_can_have(self, opened: Opened) -> None:
        with pytest.raises(LimitError, match="serial number"):
            opened("shutter", eye={**INSTRUMENTS["spectrometer"], "serial": "x" * 15})

    def test_device_of_another_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Echo(LineDevice):
            def _handle(self, line: bytes) -> None:
                self._send(line + b"\r")

        seen: list[Surroundings] = []

        def echo(around: Surroundings) -> Echo:
            seen.append(around)
            return Echo(around.clock)

        point = SimpleNamespace(name="their.Parrot", load=lambda: echo)
        monkeypatch.setattr(simulators._devices, "entry_points", lambda group: [point])
        bench = self.build(instruments={"bird": ("their.Parrot", {"colour": "grey"})})
        adapter = bench.connection("bird")["resource"].open(read_termination="\r")
        adapter.write_bytes(b"hello\r")
        assert adapter.read() == "hello"
        assert seen[0].settings == {"colour": "grey"}
        with pytest.raises(ConfigurationError, match=r"their\.Parrot\.$"):
            self.build(instruments={"cat": ("their.Cat", {})})

    def test_close_twice(self) -> None:
        bench = self.build(link="tcp")
        bench.close()
        bench.close()

"""The photothermal bench of ``configs``, measured through the real drivers of its instruments."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import seabreeze.pyseabreeze.protocol

from labcool.bench import Bench, open_bench, read_bench
from labcool.errors import InstrumentRefused
from labcool.units import BOLTZMANN_EV_PER_K, HC_EV_NM
from simulators._excitation import Excitation
from simulators.bench import SimulatedBench
from simulators.presets import preset

CONFIG = "simulated_photothermal.yaml"
SPOT_CM2 = math.pi / 4 * 0.01**2

Opened = Callable[..., Bench]


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Open the bench, with parts of its file replaced."""
    benches: list[Bench] = []

    def opened(*replaced: tuple[str, str], seed: int = 1) -> Bench:
        text = (resources.files("configs") / CONFIG).read_text("ascii")
        for old, new in (*replaced, ("seed: 1", f"seed: {seed}")):
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / CONFIG
        path.write_text(text, "ascii")
        benches.append(open_bench(read_bench(path)))
        return benches[-1]

    yield opened
    for bench in benches:
        assert bench.close() == []


LUMINESCENCE = ("lock_in_input: photothermal", "lock_in_input: luminescence")
GREEN = ("wavelength: 488.0", "wavelength: 532.0")
BRIGHT = ("max_power: 0.06", "max_power: 2.0")
ROMAN = ("sample: zhang2024-film", "sample: roman2020-film")
NO_CRYOSTAT = (
    """  stage:
    driver: drivers.lakeshore.LakeShore336
    resource: TCPIP0::192.168.1.20::7777::SOCKET
    setpoint_range: [70, 300]       # K
    heater_range: high
    ramp_rate: 10.0                 # K/min
""",
    "  stage: {driver: drivers.linkam.LinkamT95, resource: ASRL/dev/ttyUSB9::INSTR}\n",
)
NO_MONOCHROMATOR = (
    "  monochromator: {driver: drivers.acton.ActonSP2300, resource: ASRL/dev/ttyUSB6::INSTR}\n",
    "",
)
ON_LINKAM = (
    NO_CRYOSTAT,
    ("stage_temperature_K: [70, 300]", "stage_temperature_K: [200, 400]"),
)


class Table:
    """The bench with everything on: pump, chopper at 4 kHz, probe of 50 mW, lock-in settled."""

    def __init__(self, bench: Bench, *, fluence: float, probe: bool = True) -> None:
        self.bench = bench
        self.parts: Any = bench.instruments
        simulation = bench.simulation
        assert isinstance(simulation, SimulatedBench)
        self.simulation = simulation
        self.sleep = bench.clock.sleep
        lock_in = self.lock_in = self.parts["lock_in"]
        lock_in.reference_source = "external"
        lock_in.time_constant = 0.03
        self.parts["chopper"].frequency = 4000.0
        self.parts["chopper"].start()
        self.parts["pump"].power_setpoint = 0.05
        self.parts["pump"].start_emission()
        if probe:
            self.parts["probe"].power_setpoint = 0.05
            self.parts["probe"].start_emission()
        light: Any = bench.illumination
        light.prepare(self.sleep)
        light.set_fluence(fluence)
        light.open()
        self.sleep(5.0)

    def readings(self, number: int, apart: float = 0.5) -> np.ndarray[Any, Any]:
        """Independent readings X + iY, V."""
        self.lock_in.settle()
        found = []
        for _ in range(number):
            self.sleep(apart)
            reading = self.lock_in.read()
            assert (reading.overload, reading.unlocked) == (False, False)
            found.append(reading.x + 1j * reading.y)
        return np.array(found)

    @property
    def film_kelvin(self) -> float:
        now = self.bench.clock.now()
        self.simulation.light_path.advance(now)
        return self.simulation.light_path.sample.temperature


def test_every_instrument_answers_and_the_bench_closes(opened: Opened) -> None:
    bench = opened()
    assert len(bench.instruments) == 14
    assert all(instrument.identity for instrument in bench.instruments.values())


class TestPhotothermal:
    def test_ten_averages_of_30_ms_are_good_to_one_percent_at_the_band_edge(
        self, opened: Opened
    ) -> None:
        """Z-bench: 4 kHz, 30 ms, ten averages; here with 0.26 mW of 500 nm on the sample."""
        edge = ("wavelength: 488.0", "wavelength: 500.0")
        table = Table(opened(edge, *ON_LINKAM), fluence=3.33)
        table.lock_in.sensitivity = 5e-6
        table.lock_in.filter_slope = 12
        found = table.readings(1000)
        signal, spread = abs(found.mean()), found.real.std(ddof=1)
        assert signal == pytest.approx(1.7e-6, rel=0.03)
        # Shot noise of 2.2 mA through 1 kOhm (and 6 nV/rtHz more) in 1/(8 T) = 4.2 Hz.
        assert spread == pytest.approx(27.3e-9 * math.sqrt(1 / 0.24), rel=0.10)
        assert found.imag.std(ddof=1) == pytest.approx(spread, rel=0.15)
        tens = np.abs(found.reshape(100, 10).mean(axis=1))
        assert tens.std(ddof=1) / signal == pytest.approx(0.0104, rel=0.25)

    def test_probe_off_means_no_signal(self, opened: Opened) -> None:
        table = Table(opened(*ON_LINKAM), fluence=3.0)
        table.lock_in.sensitivity = 1e-5
        lit = abs(table.readings(20).mean())
        table.parts["probe"].power_setpoint = 0.025
        assert abs(table.readings(20).mean()) == pytest.approx(lit / 2, rel=0.05)
        table.parts["probe"].stop_emission()
        assert abs(table.readings(50).mean()) < 0.01 * lit

    def test_pump_off_means_no_signal(self, opened: Opened) -> None:
        table = Table(opened(*ON_LINKAM), fluence=3.0)
        table.lock_in.sensitivity = 1e-5
        lit = abs(table.readings(20).mean())
        light: Any = table.bench.illumination
        light.close()
        assert abs(table.readings(50).mean()) < 0.01 * lit

    def test_cooling_and_heating_differ_by_half_a_turn(self, opened: Opened) -> None:
        angles = []
        for fluence in (300.0, 3.0):
            bench = opened(ROMAN, GREEN, *ON_LINKAM)
            table = Table(bench, fluence=fluence)
            table.parts["chopper"].frequency = 200.0
            table.sleep(20.0)
            table.lock_in.sensitivity = 1e-6
            table.lock_in.time_constant = 3.0
            found = table.readings(60, apart=30.0).mean()
            angles.append(np.degrees(np.angle(found)))
            cooled = table.film_kelvin - 298.15
            assert math.copysign(1.0, cooled) == (-1.0 if fluence == 300.0 else 1.0)
            expected = table.simulation.light_path.at(bench.clock.now())
            assert expected is not None
            assert abs(found) > 3 * 27e-9 / math.sqrt(8 * 3.0 * 60)
        lag = math.degrees(math.atan(200.0 / 127.32))
        assert abs(angles[0]) == pytest.approx(180.0 - lag, abs=6.0)
        assert angles[0] > 0

    def test_scan_of_the_tunable_pump_gives_absorptance_times_heat(self, opened: Opened) -> None:
        bench = opened(*ON_LINKAM)
        table = Table(bench, fluence=30.0)
        table.parts["pump"].stop_emission()
        white, lines = table.parts["white"], table.parts["lines"]
        white.power_level = 100.0
        white.start_emission()
        lines.set_wavelength(0, 480.0)
        lines.set_amplitude(0, 100.0)
        lines.start_emission()
        table.sleep(5.0)
        table.lock_in.sensitivity = 2e-5
        film = preset("zhang2024-film")
        scan, seen, expected = np.arange(480.0, 512.0, 4.0), [], []
        for wavelength in scan:
            white.keep_alive()
            lines.set_wavelength(0, float(wavelength))
            seen.append(table.readings(40, apart=0.4).mean())
            # 2 mW of laser light through the path and the filter, which stands at 30 W/cm².
            fluence = 30.0 * 2e-3 / 0.05
            light = Excitation(film, float(wavelength))
            kept = 0.84 * light.upconversion(298.2) * film.line.mean_energy(298.2)
            heat = fluence * light.absorptance(298.2) * (1 - kept / light.energy)
            expected.append(heat * 2.2 * 6.27e-4 * 0.4502 / math.hypot(1, 4000 / 127.32))
        phase = np.exp(1j * np.angle(seen[0]))
        noise = 27.3e-9 * math.sqrt(1 / 0.24 / 40)
        np.testing.assert_allclose(np.real(seen / phase), expected, rtol=0.015, atol=3 * noise)
        lines.stop_emission()
        assert abs(table.readings(20).mean()) < 5 * noise

    def test_lock_is_lost_when_the_chopper_stops(self, opened: Opened) -> None:
        table = Table(opened(*ON_LINKAM), fluence=3.0)
        table.lock_in.sensitivity = 1e-5
        lit = abs(table.readings(10).mean())
        assert table.lock_in.reference_frequency == pytest.approx(4000.0, abs=1.0)
        table.parts["chopper"].stop()
        table.sleep(30.0)
        reading = table.lock_in.read()
        assert reading.unlocked
        assert reading.r < 0.1 * lit  # the probe's shot noise
        with pytest.raises(InstrumentRefused):
            table.lock_in.auto_range()
        table.parts["chopper"].start()
        assert abs(table.readings(10).mean()) == pytest.approx(lit, rel=0.05)

    def test_lock_is_lost_when_the_cable_is_out(self, opened: Opened) -> None:
        table = Table(opened(*ON_LINKAM), fluence=3.0)
        device: Any = table.simulation.devices["lock_in"]
        device.reference_unplugged = True
        table.sleep(1.0)
        assert table.lock_in.read().unlocked
        device.reference_unplugged = False
        table.lock_in.settle()
        assert not table.lock_in.read().unlocked

    def test_stalled_blade_is_found_by_whoever_reads_the_lock(self, opened: Opened) -> None:
        table = Table(opened(*ON_LINKAM), fluence=3.0)
        device: Any = table.simulation.devices["chopper"]
        device.stalled = True
        table.sleep(30.0)
        assert table.lock_in.read().unlocked
        assert not table.parts["chopper"].is_locked
        device.stalled = False

    def test_same_seed_gives_the_same_readings_and_another_does_not(self, opened: Opened) -> None:
        def measured(seed: int) -> list[complex]:
            table = Table(opened(*ON_LINKAM, seed=seed), fluence=3.0)
            table.lock_in.sensitivity = 1e-5
            power = table.parts["power_meter"]
            power.wavelength = 488.0
            return [*table.readings(5), table.parts["monitor"].voltage, power.power]

        first = measured(5)
        assert measured(5) == first
        assert measured(6)[:5] != first[:5]


class TestLuminescence:
    def test_arrhenius_slope_is_the_activation_energy(self, opened: Opened) -> None:
        """R-Ea, the calibration of Roman et al. 2020: stage and lock-in, 10 to 24 °C, 140 meV."""
        # At 1 W/cm² the film is 0.3 to 0.4 K off its stage, which makes 1 meV.
        table = Table(
            opened(LUMINESCENCE, ROMAN, GREEN, NO_MONOCHROMATOR, *ON_LINKAM),
            fluence=1.0,
            probe=False,
        )
        stage = table.parts["stage"]
        table.lock_in.sensitivity = 2e-5
        table.lock_in.time_constant = 3.0
        kelvin, mean, std = [], [], []
        for target in np.linspace(283.15, 297.15, 6):
            stage.go_to(float(target))
            table.sleep(1.5 * 3600.0)
            found = np.abs(table.readings(10, apart=30.0))
            kelvin.append(stage.temperature)
            mean.append(found.mean())
            std.append(found.std(ddof=1) / math.sqrt(10) / found.mean())
        x = -1 / (BOLTZMANN_EV_PER_K * np.array(kelvin))
        # Beside the lock-in's noise: the laser's drift, and half a step of the stage's display.
        display = 0.05 / math.sqrt(3) * 0.140 / (BOLTZMANN_EV_PER_K * 290.0**2)
        sigma = np.full(6, math.sqrt(np.mean(np.square(std)) + 0.0005**2 + display**2))
        fit, covariance = np.polyfit(x, np.log(mean), 1, w=1 / sigma, cov="unscaled")
        std_of_slope = math.sqrt(covariance[0, 0])
        assert std_of_slope < 2e-3
        assert fit[0] == pytest.approx(0.139, abs=2 * std_of_slope)

    def test_monochromator_scans_the_line(self, opened: Opened) -> None:
        table = Table(opened(LUMINESCENCE, *ON_LINKAM), fluence=100.0, probe=False)
        table.lock_in.sensitivity = 1.0
        mono = table.parts["monochromator"]
        # Grating 1 has 300 grooves/mm: a slit of 0.5 mm passes 5.5 nm.
        scan = np.arange(496.0, 519.0, 2.0)
        seen = []
        for wavelength in scan:
            mono.go_to(float(wavelength))
            seen.append(abs(table.readings(3).mean()))
        axis = np.arange(480.0, 540.0, 0.1)
        film = preset("zhang2024-film")
        line = film.line.per_wavelength(axis, table.film_kelvin)
        notch = table.simulation.light_path.optics.filter_transmission(axis)
        expected = [
            (line * notch * np.maximum(1 - np.abs(axis - wavelength) / 5.46, 0.0)).sum()
            for wavelength in scan
        ]
        np.testing.assert_allclose(
            np.array(seen) / max(seen), np.array(expected) / max(expected), rtol=0.03
        )


class TestPower:
    def test_meter_tells_the_mean_power_at_the_sample(self, opened: Opened) -> None:
        table = Table(opened(), fluence=30.0)
        meter = table.parts["power_meter"]
        meter.wavelength = 488.0
        meter.averages = 200
        # Steps of the mount and the laser's noise: 0.2 %.
        assert meter.power == pytest.approx(30.0 * SPOT_CM2 / 2, rel=5e-3)
        table.bench.illumination.close()  # type: ignore[union-attr]
        assert meter.power == pytest.approx(1e-9 / 3.4e-3, rel=0.1)

    def test_meter_behind_the_laser(self, opened: Opened) -> None:
        place = ("power_meter: sample ", "power_meter: laser ")
        table = Table(opened(place), fluence=30.0)
        meter = table.parts["power_meter"]
        meter.wavelength = 488.0
        meter.averages = 200
        assert meter.power == pytest.approx(0.05, rel=5e-3)
        meter.wavelength = 532.0
        # Told another wavelength, it takes the current for less light.
        assert meter.power == pytest.approx(0.05 * 3.36e-3 / 4.2e-3, rel=1e-2)

    def test_monitor_is_linear_and_agrees_with_the_fluence(self, opened: Opened) -> None:
        table = Table(opened(), fluence=30.0)
        monitor = table.parts["monitor"]
        monitor.wavelength = 488.0
        monitor.averages = 100
        light: Any = table.bench.illumination
        light.close()
        assert monitor.zero(beam_blocked=True) == pytest.approx(0.002, abs=2e-4)
        light.open()
        for fluence in (30.0, 100.0, 300.0):
            light.set_fluence(fluence)
            light.open()
            table.sleep(1.0)
            # A step of the converter is 1/3 mV; the calibration in the file is rounded.
            step = 1 / 3000 / monitor.responsivity
            expected = pytest.approx(fluence * SPOT_CM2, rel=8e-3, abs=step)
            assert monitor.power == expected


class TestStage:
    def test_ramp_moves_stage_thermocouple_and_film(self, opened: Opened) -> None:
        table = Table(opened(), fluence=0.1)
        stage, bead = table.parts["stage"], table.parts["thermocouple"]
        assert table.film_kelvin == pytest.approx(77.0, abs=0.5)
        start = table.bench.clock.now()
        stage.go_to(180.0)
        times, seen, beads, film = [], [], [], []
        while table.bench.clock.now() < start + 2400.0:
            table.sleep(10.0)
            times.append(table.bench.clock.now() - start)
            seen.append(stage.temperature)
            beads.append(bead.temperature)
            film.append(table.film_kelvin)
        time, sensor, film_K = np.array(times), np.array(seen), np.array(film)
        ramping = (time > 120.0) & (time < 550.0)
        # 10 K/min, which the film follows and the thermocouple, too.
        for kelvin in (sensor, film_K):
            rate = np.polyfit(time[ramping], kelvin[ramping], 1)[0] * 60
            assert rate == pytest.approx(10.0, rel=0.03)
        late = np.interp(time[ramping], time, film_K) - film_K[ramping]
        assert np.abs(late).max() < 1.0
        end = time > 2000.0
        assert sensor[end].mean() == pytest.approx(180.0, abs=0.05)
        assert film_K[end].mean() == pytest.approx(180.0, abs=0.1)
        # Wires to the room: a hundredth of the way there.
        assert np.mean(np.array(beads)[end]) == pytest.approx(180.0 + 0.01 * 118.15, abs=0.1)
        overshoot = film_K.max() - 180.0
        assert 0.05 < overshoot < 5.0
        assert sensor.max() - 180.0 == pytest.approx(overshoot, abs=0.5)

    def test_without_a_stage_thermocouple_and_film_are_in_the_room(self, opened: Opened) -> None:
        no_stage = (NO_CRYOSTAT[0], "")
        table = Table(opened(no_stage, ON_LINKAM[1]), fluence=0.1)
        seen = [table.parts["thermocouple"].temperature for _ in range(50)]
        # Noise of 0.05 K and steps of 0.1 K.
        assert np.mean(seen) == pytest.approx(298.15, abs=0.05)
        assert 0.02 < np.std(seen) < 0.12
        assert table.film_kelvin == pytest.approx(298.15, abs=0.1)

    def test_sensor_noise_is_in_the_reading_and_not_in_the_film(self, opened: Opened) -> None:
        table = Table(opened(), fluence=0.1)
        stage = table.parts["stage"]
        readings, film = [], []
        for _ in range(60):
            table.sleep(1.0)
            readings.append(stage.temperature)
            film.append(table.film_kelvin)
        assert len(set(readings)) > 5
        assert np.std(readings) > 3 * np.std(np.diff(film))

    def test_linkam_ramps_the_film_and_its_signal(self, opened: Opened) -> None:
        table = Table(opened(*ON_LINKAM), fluence=3.0)
        table.lock_in.sensitivity = 1e-5
        warm = abs(table.readings(20).mean())
        stage = table.parts["stage"]
        stage.ramp_rate = 10.0
        start = table.bench.clock.now()
        stage.go_to(250.0)
        table.sleep(120.0)
        assert table.film_kelvin == pytest.approx(298.15 - 20.0, abs=2.5)
        while not stage.is_holding:
            table.sleep(5.0)
        assert table.bench.clock.now() - start == pytest.approx(60 * 48.15 / 10, rel=0.1)
        table.sleep(60.0)
        assert stage.temperature == pytest.approx(250.0, abs=0.2)
        assert table.film_kelvin == pytest.approx(250.0, abs=0.5)
        # 488 nm is further above the gap of the colder film: absorbed better, and more heat each.
        cold = abs(table.readings(20).mean())
        film = preset("zhang2024-film")
        energy = HC_EV_NM / 488.0

        def heat(kelvin: float) -> float:
            beyond = energy - film.gap - film.gap_slope * (kelvin - 298.15)
            absorbed = 2 - math.exp(-1.3 * beyond / (BOLTZMANN_EV_PER_K * kelvin))
            return absorbed * (energy - 0.84 * film.line.mean_energy(kelvin))

        assert cold / warm == pytest.approx(heat(250.0) / heat(298.3), rel=0.02)

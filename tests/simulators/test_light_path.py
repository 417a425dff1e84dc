import csv
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from labcool.models import HalfWavePlate
from labcool.units import BOLTZMANN_EV_PER_K
from simulators._laser_noise import CELL_S, LaserNoise
from simulators.light_path import LightPath, Optics
from simulators.presets import preset
from simulators.sample import Sample, SampleParameters
from simulators.truth import Truth

FILM = preset("roman2020-film")
STEADY_FILM = replace(
    FILM,
    activation_energy=0.0,
    dots_per_cm2=1e30,
    line=replace(FILM.line, slope=0.0, phonon_coupling=0.0),
)
"""Emits the same light whatever its temperature."""
QUIET = Optics(power_noise=0.0, power_drift=0.0)
WAVELENGTHS = 350.0 + 0.3735 * np.arange(2048) - 1.5e-5 * np.arange(2048) ** 2
ROOM = 298.15
FULL_SCALE_ELECTRONS = 160_000.0


def bench(
    *,
    fluence: float = 300.0,
    parameters: SampleParameters = FILM,
    optics: Optics = QUIET,
    seed: int = 1,
    is_open: bool = True,
    truth: Truth | None = None,
    stage: Callable[[float], float] = lambda _: ROOM,
) -> LightPath:
    path = LightPath(
        VirtualClock(),
        Sample(parameters),
        optics=optics,
        rng=np.random.default_rng(seed),
        stage_temperature=stage,
        truth=truth,
    )
    path.laser_power_changed(fluence * optics.spot_area_cm2 / optics.path_transmission, 0.0)
    path.mount_turned(0.0, 0.0)
    path.shutter_moved(is_open, 0.0)
    return path


def frames(path: LightPath, number: int, period: float, exposure: float) -> NDArray[np.float64]:
    return np.array([path.expose(k * period, exposure, WAVELENGTHS)() for k in range(number)])


def test_default_bench_uses_half_of_the_detector() -> None:
    peak = bench(fluence=300.0).expose(0.0, 0.8, WAVELENGTHS)().max() / FULL_SCALE_ELECTRONS
    dim = bench(fluence=30.0).expose(0.0, 0.8, WAVELENGTHS)().max() / FULL_SCALE_ELECTRONS
    assert 0.4 < peak < 0.6
    absorbed, eqe = (30.0 / 1.3) / (300.0 / 4.0), 0.97082 / 0.99481
    assert dim / peak == pytest.approx(absorbed * eqe, rel=0.01)


def test_electrons_are_the_photons_that_the_sample_emits() -> None:
    optics = replace(QUIET, notch_density=0.0, scatter=0.0)
    electrons = bench(optics=optics).expose(0.0, 0.8, WAVELENGTHS)()
    photons = Sample(FILM).advance(0.8, 300.0, ROOM)
    expected = photons * optics.spot_area_cm2 * optics.collection
    assert electrons.sum() == pytest.approx(expected, rel=1e-5)
    assert WAVELENGTHS[electrons.argmax()] == pytest.approx(515.5, abs=0.3)


def test_shutter_that_opens_during_the_exposure() -> None:
    whole = bench(parameters=STEADY_FILM).expose(0.0, 0.8, WAVELENGTHS)().sum()
    path = bench(parameters=STEADY_FILM, is_open=False)
    electrons = path.expose(0.0, 0.8, WAVELENGTHS)
    path.shutter_moved(True, 0.3)
    assert electrons().sum() / whole == pytest.approx(0.5 / 0.8, rel=1e-12)


def test_exposure_that_begins_while_the_shutter_is_open() -> None:
    path = bench(parameters=STEADY_FILM, is_open=False)
    path.shutter_moved(True, 1.0)
    path.shutter_moved(False, 2.0)
    electrons = path.expose(1.9, 0.8, WAVELENGTHS)
    whole = bench(parameters=STEADY_FILM).expose(0.0, 0.8, WAVELENGTHS)().sum()
    assert electrons().sum() / whole == pytest.approx(0.1 / 0.8, rel=1e-9)


def test_split_exposures_add_up() -> None:
    path = bench(fluence=4600.0, optics=Optics())
    together = path.expose(0.1, 0.8, WAVELENGTHS)
    parts = [path.expose(0.1, 0.33, WAVELENGTHS), path.expose(0.43, 0.47, WAVELENGTHS)]
    np.testing.assert_allclose(together(), sum(part() for part in parts), rtol=1e-11)
    alone = bench(fluence=4600.0, optics=Optics()).expose(0.1, 0.8, WAVELENGTHS)()
    np.testing.assert_allclose(together(), alone, rtol=1e-6, atol=1e-6)


def test_asking_late_or_often_changes_nothing() -> None:
    late = bench(optics=Optics())
    electrons = late.expose(0.0, 0.8, WAVELENGTHS)
    late.advance(50.0)
    soon = bench(optics=Optics()).expose(0.0, 0.8, WAVELENGTHS)()
    np.testing.assert_array_equal(electrons(), soon)
    np.testing.assert_array_equal(electrons(), soon)


def test_intensity_that_the_detector_sees_follows_the_published_activation_energy() -> None:
    path = bench()
    band = (WAVELENGTHS > 490.0) & (WAVELENGTHS < 522.0)
    intensities, temperatures = [], []
    for moment in (0.0, 5.0, 15.0, 40.0, 80.0, 120.0):
        intensities.append(path.expose(moment, 0.1, WAVELENGTHS)()[band].sum())
        temperatures.append(path.sample.temperature)
    assert temperatures[-1] == pytest.approx(283.15, abs=0.2)
    inverse = 1 / (BOLTZMANN_EV_PER_K * np.array(temperatures))
    energy = -np.polyfit(inverse, np.log(intensities), 1)[0]
    assert energy == pytest.approx(0.140, abs=5e-4)
    ratios = np.array(intensities) / intensities[0]
    read = 1 / (1 / temperatures[0] - BOLTZMANN_EV_PER_K / 0.140 * np.log(ratios))
    np.testing.assert_allclose(read, temperatures, atol=0.1)


def test_announcement_replaces_what_was_announced_for_later() -> None:
    path = bench(parameters=STEADY_FILM, is_open=False)
    path.shutter_moved(True, 1.0)
    path.shutter_moved(False, 2.0)
    path.shutter_moved(True, 0.5)
    dark, bright = path.expose(0.0, 0.5, WAVELENGTHS), path.expose(3.0, 0.5, WAVELENGTHS)
    assert dark().max() == 0.0
    assert bright().max() > 0.0


def test_late_announcement_acts_at_once_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    path = bench()
    path.advance(10.0)
    with caplog.at_level(logging.WARNING):
        path.shutter_moved(False, 9.0)
    assert "1.000 s" in caplog.text
    assert path.expose(10.0, 0.5, WAVELENGTHS)().max() == 0.0


def test_irradiance_is_the_power_over_the_area_of_the_spot() -> None:
    truth = Truth()
    path = LightPath(
        VirtualClock(),
        Sample(FILM),
        optics=QUIET,
        rng=np.random.default_rng(0),
        stage_temperature=lambda _: ROOM,
        truth=truth,
    )
    path.laser_power_changed(0.6, 0.0)
    path.mount_turned(75.0, 0.0)
    path.shutter_moved(True, 1.0)
    path.mount_turned(150.0, 2.0)
    path.laser_power_changed(0.3, 3.0)
    path.mount_turned(330.0, 4.0)
    path.advance(4.6)
    full = 0.6 * 0.62 / (np.pi * (100e-4) ** 2 / 4)
    assert full == pytest.approx(4736.45, abs=0.01)
    expected = np.repeat([0.0, 0.1, 0.01, 0.005, 0.5], 2) * full
    np.testing.assert_allclose(truth.values("fluence"), expected, rtol=1e-12)


def test_half_wave_plate_in_the_mount() -> None:
    plate = HalfWavePlate(zero_angle=0.0, extinction=0.0, maximum=1.0)
    path = bench(parameters=STEADY_FILM, optics=replace(QUIET, attenuation=plate))
    assert path.expose(0.0, 0.5, WAVELENGTHS)().max() == 0.0
    path.mount_turned(45.0, 0.5)
    assert path.expose(0.5, 0.5, WAVELENGTHS)().max() > 0.0


def test_notch_filter_cuts_the_pump_and_the_red_side() -> None:
    transmission = QUIET.filter_transmission(np.array([515.0, 520.0, 524.0, 532.0, 540.0, 550.0]))
    assert transmission[0] > 0.999
    assert transmission[1] > 0.999
    assert transmission[2] == pytest.approx(1e-3, rel=1e-6)
    assert transmission[3] == pytest.approx(1e-6, rel=1e-6)
    assert transmission[4] == pytest.approx(1e-3, rel=1e-6)
    assert transmission[5] > 0.999
    electrons = bench().expose(0.0, 0.8, WAVELENGTHS)()
    unfiltered = bench(optics=replace(QUIET, notch_density=0.0, scatter=0.0)).expose(
        0.0, 0.8, WAVELENGTHS
    )()
    blue, red = WAVELENGTHS < 519.0, abs(WAVELENGTHS - 527.0) < 1.0
    np.testing.assert_allclose(electrons[blue], unfiltered[blue], rtol=1e-3, atol=1e-6)
    assert electrons[red].sum() < 1e-4 * unfiltered[red].sum()


def test_scattered_pump_light_shows_at_532_nm_and_only_with_light() -> None:
    electrons = bench().expose(0.0, 0.8, WAVELENGTHS)()
    line = abs(WAVELENGTHS - 532.0) < 2.0
    assert WAVELENGTHS[line][electrons[line].argmax()] == pytest.approx(532.0, abs=0.2)
    assert 50.0 < electrons[line].max() < 5000.0
    brighter = bench(fluence=3000.0).expose(0.0, 0.8, WAVELENGTHS)()
    assert brighter[line].sum() / electrons[line].sum() == pytest.approx(10.0, rel=1e-3)
    assert bench(is_open=False).expose(0.0, 0.8, WAVELENGTHS)().max() == 0.0


def test_noise_of_the_laser_is_white_above_the_drift() -> None:
    optics = replace(QUIET, power_noise=5e-4)
    seen = frames(bench(parameters=STEADY_FILM, optics=optics), 1200, 1.0, 1.0).sum(axis=1)
    saturation = 1 / (1 + 300.0 / FILM.saturation_fluence)
    trap = 1 + FILM.trap_loss * (300.0 / FILM.trap_fluence) / (1 + 300.0 / FILM.trap_fluence) ** 2
    relative = seen / seen.mean() - 1
    assert relative.std() == pytest.approx(5e-4 * saturation * trap, rel=0.08)
    assert abs(np.corrcoef(relative[:-1], relative[1:])[0, 1]) < 0.1


def test_drift_forgets_with_its_correlation_time() -> None:
    noise = LaserNoise(np.random.default_rng(3), white=0.0, drift=5e-4, drift_time=2.0)
    seen = np.array([noise.next_cell() for _ in range(100_000)]) - 1
    assert seen.std() == pytest.approx(5e-4, rel=0.05)
    lag = round(2.0 / CELL_S)
    assert np.corrcoef(seen[:-lag], seen[lag:])[0, 1] == pytest.approx(np.exp(-1), abs=0.05)


def test_same_seed_same_light_bit_for_bit() -> None:
    first, again = (frames(bench(optics=Optics()), 20, 1.0, 0.8) for _ in range(2))
    other = frames(bench(optics=Optics(), seed=2), 20, 1.0, 0.8)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_noise_does_not_depend_on_who_looks() -> None:
    watched, left_alone = bench(optics=Optics()), bench(optics=Optics())
    frames(watched, 30, 1.0, 0.37)
    seen = [path.expose(40.0, 0.8, WAVELENGTHS)() for path in (watched, left_alone)]
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-6, atol=1e-6)


def test_sample_starts_at_the_stage_and_follows_it() -> None:
    path = bench(is_open=False, stage=lambda moment: 280.0 + 0.01 * moment)
    assert path.sample.temperature == 280.0
    path.advance(600.0)
    assert 280.0 < path.sample.temperature < 286.0


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan")])
def test_exposures_without_duration_are_refused(duration: float) -> None:
    with pytest.raises(LimitError, match="exposure"):
        bench().expose(0.0, duration, WAVELENGTHS)


@pytest.mark.parametrize("pixels", [WAVELENGTHS[::-1], WAVELENGTHS[:1], np.zeros(3)])
def test_wavelengths_must_ascend(pixels: NDArray[np.float64]) -> None:
    with pytest.raises(LimitError, match="wavelengths"):
        bench().expose(0.0, 0.8, pixels)


def test_two_detectors_see_the_same_light_on_their_own_pixels() -> None:
    path = bench(parameters=STEADY_FILM)
    coarse = WAVELENGTHS[::2]
    fine, half = path.expose(0.0, 0.8, WAVELENGTHS), path.expose(0.0, 0.8, coarse)
    per_nm = fine() / np.gradient(WAVELENGTHS)
    np.testing.assert_allclose(half() / np.gradient(coarse), per_nm[::2], rtol=1e-9, atol=1e-9)


def test_truth_is_noted_twice_a_second_whoever_looks() -> None:
    truth = Truth()
    path = bench(truth=truth)
    path.advance(0.13)
    path.expose(0.2, 1.77, WAVELENGTHS)()
    path.advance(10.0)
    np.testing.assert_allclose(truth.time, np.arange(0.0, 10.0, 0.5), atol=1e-12)
    untouched = Sample(FILM)
    untouched.advance(9.5, 300.0, ROOM)
    assert truth.values("temperature")[-1] == pytest.approx(untouched.temperature, abs=1e-9)
    between = truth.temperature_at(np.array([4.25]))[0]
    assert truth.values("temperature")[9] < between < truth.values("temperature")[8]


def test_truth_as_csv_loses_no_digit(tmp_path: Path) -> None:
    truth = Truth()
    bench(truth=truth, optics=Optics()).advance(5.0)
    file = tmp_path / "truth.csv"
    truth.write_csv(file, time_zero=2.0)
    with file.open(newline="", encoding="ascii") as text:
        rows = list(csv.DictReader(text))
    assert list(rows[0]) == [
        "time",
        "temperature",
        "surroundings_temperature",
        "stage_temperature",
        "fluence",
        "eqe",
        "cooling_power",
        "bleached",
    ]
    assert [float(row["time"]) for row in rows] == [moment - 2.0 for moment in truth.time]
    for quantity in ("temperature", "fluence", "eqe", "cooling_power"):
        assert [float(row[quantity]) for row in rows] == truth.values(quantity).tolist()

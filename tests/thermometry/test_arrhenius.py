from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcool.calibration import ArrheniusCalibration
from labcool.errors import LimitError
from labcool.spectrum import Spectrum
from labcool.thermometry import Arrhenius, Dark, DetectorNoise, Flag, Reference

KB = 8.617333262e-5
ROOM = 298.15
PIXELS = 256
WAVELENGTHS = np.linspace(400.0, 655.0, PIXELS)
BAND = (480.0, 530.0)
IN_BAND = (WAVELENGTHS >= 480.0) & (WAVELENGTHS <= 530.0)
SHAPE = np.exp(-(((WAVELENGTHS - 515.0) / 10.0) ** 2))
OFFSET = 100.0


def calibration(energy: float = 0.140, std: float = 0.0) -> ArrheniusCalibration:
    return ArrheniusCalibration(
        energy, std, valid_range=(200.0, 330.0), date=date(2020, 6, 1), source="ice bath"
    )


def noiseless(amplitude: float) -> np.ndarray:
    return OFFSET + amplitude * SHAPE


def reference(amplitude: float = 1000.0, **changes: Any) -> Reference:
    settings: dict[str, Any] = {
        "spectrum": noiseless(amplitude),
        "frames": 10**9,
        "exposure": 1.0,
        "fluence": 300.0,
        "temperature": ROOM,
        "temperature_std": 0.0,
    }
    return Reference(**settings | changes)


def thermometer(**changes: Any) -> Arrhenius:
    settings: dict[str, Any] = {
        "references": [reference()],
        "dark": Dark(np.full(PIXELS, OFFSET), 10**9),
        "band": BAND,
        "wavelengths": WAVELENGTHS,
        "noise": DetectorNoise(1.0, 0.0),
    }
    return Arrhenius(changes.pop("calibration", calibration()), **settings | changes)


@pytest.mark.parametrize(
    ("ratio", "celsius"), [(0.7493, 10.0), (0.5436, -5.0), (0.5851, -1.7), (1.0, 25.0)]
)
def test_published_intensity_ratios(ratio: float, celsius: float) -> None:
    estimate = thermometer().estimate(noiseless(1000 * ratio), fluence=300.0, exposure=1.0)
    assert estimate.value[0] - 273.15 == pytest.approx(celsius, abs=0.01)
    exact = np.exp(0.140 / KB * (1 / ROOM - 1 / (celsius + 273.15)))
    estimate = thermometer().estimate(noiseless(1000 * exact), fluence=300.0, exposure=1.0)
    assert estimate.value[0] == pytest.approx(celsius + 273.15, abs=1e-9)
    assert round(exact, 4) == ratio


@given(st.floats(205.0, 325.0), st.floats(0.05, 0.3))
def test_inverts_the_arrhenius_law(kelvin: float, energy: float) -> None:
    spectrum = noiseless(1e6 * np.exp(energy / KB * (1 / ROOM - 1 / kelvin)))
    sensor = thermometer(calibration=calibration(energy), references=[reference(1e6)])
    estimate = sensor.estimate(spectrum, fluence=300.0, exposure=1.0)
    assert estimate.value[0] == pytest.approx(kelvin, abs=1e-6)


@pytest.mark.parametrize("electrons", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("gain", [0.5, 1.0, 40.0])
def test_reaches_the_shot_noise_limit(electrons: float, gain: float) -> None:
    amplitude = electrons / gain / SHAPE[IN_BAND].sum()
    sensor = thermometer(references=[reference(amplitude)], noise=DetectorNoise(gain, 0.0))
    estimate = sensor.estimate(noiseless(amplitude), fluence=300.0, exposure=1.0)
    assert estimate.statistical[0] == pytest.approx(
        KB * ROOM**2 / 0.140 / np.sqrt(electrons), rel=1e-9
    )
    assert estimate.statistical[0] * np.sqrt(electrons) == pytest.approx(54.7, abs=0.05)


def test_averaging_and_read_noise() -> None:
    sensor = thermometer(noise=DetectorNoise(1.0, 20.0))
    one = sensor.estimate(noiseless(1000.0), fluence=300.0, exposure=1.0)
    four = sensor.estimate(noiseless(1000.0), fluence=300.0, exposure=1.0, averages=4)
    signal = 1000 * SHAPE[IN_BAND].sum()
    relative = np.sqrt(signal + IN_BAND.sum() * 20.0**2) / signal
    assert one.statistical[0] == pytest.approx(KB * ROOM**2 / 0.140 * relative, rel=1e-9)
    assert four.statistical[0] == pytest.approx(one.statistical[0] / 2, rel=1e-9)


def test_known_pedestal_adds_the_shot_noise_of_the_dark_current() -> None:
    noise = DetectorNoise(1.0, 0.0, pedestal_counts=40.0)
    estimate = thermometer(noise=noise).estimate(noiseless(1000.0), fluence=300.0, exposure=1.0)
    signal = 1000 * SHAPE[IN_BAND].sum()
    relative = np.sqrt(signal + 60.0 * IN_BAND.sum()) / signal
    assert estimate.statistical[0] == pytest.approx(KB * ROOM**2 / 0.140 * relative, rel=1e-9)


def test_each_systematic_part_by_finite_difference() -> None:
    ratio = 0.7493

    def value(energy: float, t0: float, reference_amplitude: float) -> float:
        sensor = thermometer(
            calibration=calibration(energy),
            references=[reference(reference_amplitude, temperature=t0)],
        )
        spectrum = noiseless(1000 * ratio)
        return float(sensor.estimate(spectrum, fluence=300.0, exposure=1.0).value[0])

    def systematic(**changes: Any) -> float:
        estimate = thermometer(**changes).estimate(
            noiseless(1000 * ratio), fluence=300.0, exposure=1.0
        )
        return float(estimate.systematic[0])

    floor = 1e-3
    by_energy = (value(0.1401, ROOM, 1000) - value(0.1399, ROOM, 1000)) / 0.0002 * 0.005
    assert systematic(calibration=calibration(std=0.005)) == pytest.approx(
        abs(by_energy), abs=floor
    )
    by_t0 = (value(0.14, ROOM + 0.01, 1000) - value(0.14, ROOM - 0.01, 1000)) / 0.02 * 0.5
    t0_unsure = [reference(temperature_std=0.5)]
    assert systematic(references=t0_unsure) == pytest.approx(abs(by_t0), abs=floor)
    by_intensity = (value(0.14, ROOM, 1001) - value(0.14, ROOM, 999)) / 0.002
    drift = systematic(fluence_relative_std=0.02)
    assert drift == pytest.approx(0.02 * abs(by_intensity), abs=2 * floor)
    counts = 1000 * SHAPE[IN_BAND].sum()
    noisy_reference = systematic(references=[reference(frames=1)])
    assert noisy_reference == pytest.approx(abs(by_intensity) / np.sqrt(counts), abs=2 * floor)
    temperature = value(0.14, ROOM, 1000)
    assert thermometer(fluence_relative_std=0.02).fluence_drift_std(temperature) == pytest.approx(
        drift, abs=floor
    )


def test_the_error_of_a_shared_dark_cancels_at_the_reference_intensity() -> None:
    sensor = thermometer(
        dark=Dark(np.full(PIXELS, OFFSET), 1),
        references=[reference()],
        noise=DetectorNoise(1.0, 20.0),
    )
    same = sensor.estimate(noiseless(1000.0), fluence=300.0, exposure=1.0)
    half = sensor.estimate(noiseless(500.0), fluence=300.0, exposure=1.0)
    assert same.systematic[0] < 0.002
    dark_std = 20.0 * np.sqrt(IN_BAND.sum())
    sensitivity = KB / 0.140 * half.value[0] ** 2
    expected = sensitivity * dark_std / (1000 * SHAPE[IN_BAND].sum())
    assert half.systematic[0] == pytest.approx(expected, rel=0.01)


def test_total_is_both_parts_in_quadrature() -> None:
    sensor = thermometer(calibration=calibration(std=0.01), fluence_relative_std=0.01)
    estimate = sensor.estimate(noiseless(800.0), fluence=300.0, exposure=1.0)
    assert estimate.std == pytest.approx(np.hypot(estimate.statistical, estimate.systematic))
    assert estimate.statistical[0] > 0.1
    assert estimate.systematic[0] > 0.5


def coverage_pulls(electrons: float, trials: int, seed: int) -> np.ndarray:
    """Draw every error anew in each trial: reference, dark, T0, Ea, pump and the spectrum."""
    random = np.random.default_rng(seed)
    gain, read_noise, dark_frames, reference_frames = 4.0, 0.5, 16, 4
    energy_std, t0_std, drift = 0.004, 0.2, 0.003
    noise = DetectorNoise(gain, read_noise)
    line = SHAPE / SHAPE[IN_BAND].sum() * electrons

    def frames(mean_electrons: np.ndarray, number: int) -> np.ndarray:
        total = random.poisson(mean_electrons * number) / gain / number
        return OFFSET + total + random.normal(0, read_noise / np.sqrt(number), PIXELS)

    pulls = np.empty(trials)
    for trial in range(trials):
        true_t0 = ROOM + random.normal(0, t0_std)
        true_energy = 0.140 + random.normal(0, energy_std)
        truth = random.uniform(270.0, 305.0)
        boost = np.exp(true_energy / KB * (1 / true_t0 - 1 / truth))
        exposure, fluence = 0.5, 30.0
        sensor = thermometer(
            calibration=calibration(std=energy_std),
            references=[
                reference(
                    spectrum=frames(line, reference_frames),
                    frames=reference_frames,
                    exposure=exposure,
                    fluence=fluence,
                    temperature_std=t0_std,
                )
            ],
            dark={exposure: Dark(frames(np.zeros(PIXELS), dark_frames), dark_frames)},
            noise=noise,
            fluence_relative_std=drift,
        )
        spectrum = frames(line * boost * (1 + random.normal(0, drift)), 1)
        estimate = sensor.estimate(spectrum, fluence=fluence, exposure=exposure)
        assert estimate.flags[0] == 0
        pulls[trial] = (estimate.value[0] - truth) / estimate.std[0]
    return pulls


@pytest.mark.parametrize("electrons", [500.0, 1e4, 1e6])
def test_blind_coverage(electrons: float) -> None:
    trials = 1500
    pulls = coverage_pulls(electrons, trials, seed=17)
    for sigmas, share in ((1, 0.6827), (2, 0.9545)):
        bound = 4 * np.sqrt(share * (1 - share) / trials)
        assert np.mean(np.abs(pulls) < sigmas) == pytest.approx(share, abs=bound)
    assert abs(pulls.mean()) < 0.1


def test_block_is_the_same_as_one_by_one_and_any_dtype() -> None:
    random = np.random.default_rng(1)
    block = random.poisson(noiseless(1000.0), (7, PIXELS)).astype(np.uint16)
    fluence = np.array([300.0, 300.0, 30.0, 300.0, 30.0, 0.0, 300.0])
    exposure = np.array([1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    sensor = thermometer(references=[reference(), reference(fluence=30.0)])
    together = sensor.estimate(block, fluence=fluence, exposure=exposure)
    for index, spectrum in enumerate(block.astype(np.float32)):
        alone = sensor.estimate(
            spectrum, fluence=float(fluence[index]), exposure=float(exposure[index])
        )
        for name in ("value", "std", "statistical", "systematic", "flags"):
            np.testing.assert_array_equal(
                getattr(alone, name)[0], getattr(together, name)[index], err_msg=name
            )


def test_reference_of_the_same_fluence_wins_and_another_is_flagged() -> None:
    references = [
        reference(1000.0, fluence=300.0),
        reference(50.0, fluence=30.0),
        reference(2000.0, fluence=300.0, exposure=2.0),
    ]
    sensor = thermometer(references=references)

    def at(amplitude: float, fluence: float, exposure: float = 1.0) -> tuple[float, int]:
        estimate = sensor.estimate(noiseless(amplitude), fluence=fluence, exposure=exposure)
        return float(estimate.value[0]), int(estimate.flags[0])

    assert at(1000.0, 300.0) == (pytest.approx(ROOM), 0)
    assert at(1002.0, 300.6) == (pytest.approx(ROOM), 0)
    assert at(50.0, 30.0) == (pytest.approx(ROOM), 0)
    assert at(100.0, 60.0) == (pytest.approx(ROOM), Flag.OTHER_FLUENCE)
    assert at(500.0, 150.0) == (pytest.approx(ROOM), Flag.OTHER_FLUENCE)
    assert at(2000.0, 300.0, 2.0) == (pytest.approx(ROOM), 0)


def test_relative_intensity_is_per_fluence_and_exposure() -> None:
    ratio = thermometer().relative_intensity(
        noiseless(500.0), fluence=300.0, exposure=np.array([0.5])
    )
    assert ratio == pytest.approx([1.0])


def test_signal_is_the_band_without_its_dark() -> None:
    darks = {1.0: Dark(np.full(PIXELS, OFFSET), 9), 2.0: Dark(np.full(PIXELS, 2 * OFFSET), 9)}
    sensor = thermometer(dark=darks)
    signal = 1000 * SHAPE[IN_BAND].sum()
    assert sensor.signal(noiseless(1000.0), exposure=1.0) == pytest.approx(signal)
    longer = sensor.signal(noiseless(1000.0), exposure=2.0)
    assert longer == pytest.approx(signal - OFFSET * IN_BAND.sum())
    with pytest.raises(LimitError, match="1, 2"):
        sensor.signal(noiseless(1000.0), exposure=3.0)


def test_flags() -> None:
    block = np.stack([noiseless(a) for a in (1000.0, -5.0, 0.0, 1e-9, 10.0, 1e9, 1e4)])
    saturated = np.array([True] + [False] * 6)
    sensor = thermometer(noise=DetectorNoise(1.0, 1.0))
    estimate = sensor.estimate(block, fluence=300.0, exposure=1.0, saturated=saturated)
    assert estimate.flags.tolist() == [
        Flag.SATURATED,
        Flag.TOO_FEW_COUNTS,
        Flag.TOO_FEW_COUNTS,
        Flag.TOO_FEW_COUNTS | Flag.OUT_OF_RANGE,
        Flag.OUT_OF_RANGE,
        Flag.OUT_OF_RANGE,
        Flag.OUT_OF_RANGE,
    ]
    assert np.isnan(estimate.value).tolist() == [False, True, True, False, False, True, False]
    assert np.isnan(estimate.std).tolist() == np.isnan(estimate.value).tolist()


@pytest.mark.parametrize("fluence", [0.0, float("nan")])
def test_no_light_or_no_reference_gives_no_temperature(fluence: float) -> None:
    lit = thermometer().estimate(noiseless(1000.0), fluence=fluence, exposure=1.0)
    bare = thermometer(references=[]).estimate(noiseless(1000.0), fluence=300.0, exposure=1.0)
    for estimate in (lit, bare):
        assert np.isnan(estimate.value[0])
        assert np.isnan(estimate.std[0])
        assert estimate.flags[0] == Flag.NO_REFERENCE


def test_first_spectrum_as_reference() -> None:
    first = Spectrum(noiseless(700.0), exposure=0.2, averages=5, saturated=False)
    made = Reference.from_spectrum(first, fluence=20.0, temperature=295.0, temperature_std=0.3)
    assert (made.frames, made.exposure, made.fluence) == (5, 0.2, 20.0)
    sensor = thermometer(references=[made])
    estimate = sensor.estimate(first.counts, fluence=20.0, exposure=0.2)
    assert estimate.value[0] == pytest.approx(295.0, abs=1e-9)
    clipped = Spectrum(noiseless(700.0), exposure=0.2, averages=5, saturated=True)
    with pytest.raises(LimitError, match="saturated"):
        Reference.from_spectrum(clipped, fluence=20.0, temperature=295.0, temperature_std=0.3)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: thermometer(band=(700.0, 800.0)), "band"),
        (lambda: thermometer(band=(530.0, 480.0)), "band"),
        (lambda: thermometer(wavelengths=WAVELENGTHS[::-1]), "wavelengths"),
        (lambda: thermometer(references=[reference(0.0)]), "signal of the reference"),
        (lambda: thermometer(dark={0.5: Dark(np.zeros(PIXELS), 1)}), "exposure"),
        (lambda: thermometer(fluence_relative_std=-0.1), "fluence"),
        (lambda: reference(temperature=0.0), "temperature"),
        (lambda: reference(frames=0), "frames"),
        (lambda: reference(spectrum=np.full(PIXELS, np.nan)), "reference spectrum"),
        (lambda: Dark(np.zeros((2, 2)), 1), "dark spectrum"),
        (lambda: DetectorNoise(0.0, 1.0), "electrons"),
        (lambda: DetectorNoise(1.0, float("nan")), "read noise"),
        (lambda: thermometer().estimate(np.zeros(5), fluence=1.0, exposure=1.0), "spectra"),
        (lambda: thermometer().estimate(noiseless(1.0), fluence=-1.0, exposure=1.0), "fluence"),
        (lambda: thermometer().estimate(noiseless(1.0), fluence=1.0, exposure=0.0), "exposure"),
        (
            lambda: thermometer().estimate(
                noiseless(1.0), fluence=np.array([1.0, 2.0]), exposure=1.0
            ),
            "fluence",
        ),
    ],
)
def test_impossible_input_is_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(LimitError) as refusal:
        call()
    assert field in refusal.value.field


def test_variance_of_raw_pixels_matches_a_simulated_detector() -> None:
    random = np.random.default_rng(2)
    counts = random.poisson(800.0, 200_000) / 4.0 + random.normal(0, 3.0, 200_000)
    noise = DetectorNoise(4.0, 3.0)
    assert noise.variance(200.0) == pytest.approx(counts.var(), rel=0.02)
    averaged = counts.reshape(-1, 4).mean(axis=1)
    assert noise.variance(200.0, averages=4) == pytest.approx(averaged.var(), rel=0.03)
    assert noise.variance(-5.0) == 9.0

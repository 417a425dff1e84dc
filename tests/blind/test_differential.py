"""Differential thermometry on spectra that drift, pump on and off in turn; and an EM camera."""

from __future__ import annotations

import blind_worlds as worlds
import numpy as np
import pytest
from blind_settings import DARK, EVERY, EXPOSURE_S, NOISE

from labcool.thermometry import (
    Dark,
    DetectorNoise,
    DifferentialThermometer,
    Reference,
    SpectralWindow,
    TailSlope,
    log_derivative,
)

WINDOW_EV = (2.30, 2.52)


def line(kelvin: float, peak: float) -> np.ndarray:
    shape = worlds.line_counts(kelvin)
    return peak * shape / shape.max()


def thermometer(window: SpectralWindow) -> DifferentialThermometer:
    def on_the_stage(kelvin: float) -> Reference:
        return Reference(
            worlds.BIAS_COUNTS + line(kelvin, 3e4), EVERY, EXPOSURE_S, 1.0, kelvin, 0.0
        )

    derivative = log_derivative(window, on_the_stage(295.0), on_the_stage(299.0), degree=8)
    return DifferentialThermometer(window, derivative, base_temperature=297.0)


@pytest.mark.parametrize("peak", [10, 300, 10_000])
@pytest.mark.parametrize("change", [-0.6, 0.8])
def test_change_under_the_pump(peak: float, change: float) -> None:
    window = SpectralWindow(worlds.PIXELS, WINDOW_EV, noise=NOISE, dark=DARK)
    differential = thermometer(window)
    rng = np.random.default_rng([1, peak])
    n = 4000
    on = np.arange(n) % 2 == 1
    drift = 1 + 0.3 * np.linspace(0, 1, n)
    light = np.where(on[:, None], line(297.0 + change, peak), line(297.0, peak)) * drift[:, None]
    counts = rng.poisson(light * worlds.GAIN_E_PER_COUNT) / worlds.GAIN_E_PER_COUNT
    raw = worlds.BIAS_COUNTS + counts + rng.normal(0, worlds.READ_NOISE_COUNTS, counts.shape)
    found = differential.estimate(raw, pump_on=on, exposure=EXPOSURE_S)
    assert np.isnan(found.value[~on]).all()
    error = found.value[on] - 297.0 - change
    z = error / found.std[on]
    assert abs(np.mean(np.abs(z) < 1) - 0.6827) <= 0.025
    assert abs(np.mean(np.abs(z) < 2) - 0.9545) <= 0.015
    assert abs(z.mean()) < 0.1


def drawn(kelvin: np.ndarray, peak: float, rng: np.random.Generator) -> np.ndarray:
    light = np.array([line(each, peak) for each in kelvin])
    counts = rng.poisson(light * worlds.GAIN_E_PER_COUNT) / worlds.GAIN_E_PER_COUNT
    return worlds.BIAS_COUNTS + counts + rng.normal(0, worlds.READ_NOISE_COUNTS, counts.shape)


@pytest.mark.parametrize(
    "pattern",
    [[False] * 10 + [True] * 40, [False, True] * 25, ([False] * 3 + [True] * 12) * 3 + [False] * 3],
    ids=["one stretch", "alternating", "three stretches"],
)
def test_means_know_what_their_spectra_share(pattern: list[bool]) -> None:
    """Off spectra are compared with many on spectra: their noise does not average away."""
    window = SpectralWindow(worlds.PIXELS, WINDOW_EV, noise=NOISE, dark=DARK)
    differential = thermometer(window)
    rng = np.random.default_rng(3)
    on = np.array(pattern)
    pulls, alone, stretch = [], [], []
    for _ in range(400):
        found = differential.estimate(
            drawn(297.0 - 0.6 * on, 1000.0, rng), pump_on=on, exposure=EXPOSURE_S
        )
        mean = found.mean_change()
        pulls.append((mean.value + 0.6) / mean.std)
        alone.append((found.change[on] + 0.6) / found.std[on])
        # By hand for the first stretch: own noise averages, the systematic part does not.
        first = on & (np.cumsum(~on) == pattern.index(True))
        std = np.hypot(np.sqrt(np.sum(found.statistical[first] ** 2)) / first.sum(),
                       found.systematic[first].mean())  # fmt: skip
        stretch.append((found.change[first].mean() + 0.6) / std)
    for z in (pulls, alone, stretch):
        assert np.std(z) == pytest.approx(1.0, abs=0.12)  # 400 draws: ± 0.035
        assert abs(np.mean(z)) < 0.16


@pytest.mark.parametrize(("peak", "frames"), [(300.0, 40), (3000.0, 20)])
@pytest.mark.parametrize("degree", [4, 8])
@pytest.mark.parametrize("window_ev", [WINDOW_EV, (2.22, 2.57)])
def test_noise_of_the_stage_is_in_the_systematic_part(
    peak: float, frames: int, degree: int, window_ev: tuple[float, float]
) -> None:
    """Each draw has its own pair of stage references; all temperature changes share their noise."""
    window = SpectralWindow(worlds.PIXELS, window_ev, noise=NOISE, dark=DARK)
    rng = np.random.default_rng([7, int(peak), degree])
    cold, hot, truth = 293.0, 301.0, -0.4
    bright = np.array([line(297.0, 3e4), line(297.0 + truth, 3e4)]) + worlds.BIAS_COUNTS
    spread = rng.normal(0, 0.05, (300, 2))

    def on_the_stage(kelvin: float, off: float) -> Reference:
        light = rng.poisson(line(kelvin + off, peak) * worlds.GAIN_E_PER_COUNT * frames)
        read = rng.normal(0, worlds.READ_NOISE_COUNTS / frames**0.5, light.size)
        counts = worlds.BIAS_COUNTS + light / worlds.GAIN_E_PER_COUNT / frames + read
        return Reference(counts, frames, EXPOSURE_S, 1.0, kelvin, 0.05)

    pulls = []
    for one, other in spread:
        derivative = log_derivative(
            window, on_the_stage(cold, one), on_the_stage(hot, other), degree=degree
        )
        found = DifferentialThermometer(window, derivative, base_temperature=297.0).estimate(
            bright, pump_on=[False, True], exposure=EXPOSURE_S, averages=EVERY
        )
        pulls.append((found.change[1] - truth) / found.systematic[1])
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)
    assert abs(np.mean(pulls)) < 0.25  # 300 draws: ± 0.06


def test_an_em_camera_scatters_by_the_root_of_two_more() -> None:
    """Gain register: each photoelectron counts with a gain drawn anew (variance doubled)."""
    world = worlds.tail_world(200.0)
    rng = np.random.default_rng(2)
    electrons = rng.poisson(world.expect(290.0, 1.0) * worlds.GAIN_E_PER_COUNT, (6000, 480))
    multiplied = rng.gamma(np.maximum(electrons, 1e-9), 1.0)
    raw = worlds.BIAS_COUNTS + multiplied / worlds.GAIN_E_PER_COUNT
    raw += rng.normal(0, 0.02, raw.shape)
    dark = Dark(np.full(480, worlds.BIAS_COUNTS), EVERY)
    for excess, width in ((2**0.5, 1.0), (1.0, 2**0.5)):
        noise = DetectorNoise(worlds.GAIN_E_PER_COUNT, 0.02, excess_noise=excess)
        slope = TailSlope(worlds.PIXELS, worlds.TAIL_WINDOW_EV, noise=noise, dark=dark)
        found = slope.estimate(raw, exposure=EXPOSURE_S)
        z = (found.value - 290.0) / found.statistical
        assert np.std(z) == pytest.approx(width, abs=0.04)
        assert abs(z.mean()) < 0.1

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
    z = error / found.statistical[on]
    assert abs(np.mean(np.abs(z) < 1) - 0.6827) <= 0.025
    assert abs(np.mean(np.abs(z) < 2) - 0.9545) <= 0.015
    assert abs(z.mean()) < 0.1


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

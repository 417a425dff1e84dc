"""Explanations by measured causes are compared fairly."""

import numpy as np
import pytest
from verdict_worlds import TIME, N, World, verdicts

from labcool.thermometry import Evidence
from labcool.thermometry._unexplained import Unexplained
from labcool.thermometry.causes import (
    Measured,
    best_explanation,
    explain,
    gain_over,
    measured_causes,
)

NO_MODES = np.empty((0, N))


def rest(log_factor: np.ndarray, std: float = 0.005) -> Unexplained:
    return Unexplained(log_factor, np.full(N, std), NO_MODES)


@pytest.mark.parametrize("understated", [1.0, 1.5, 2.5])
def test_taking_off_pure_noise_gains_nothing(understated: float) -> None:
    rng = np.random.default_rng(1)
    gains = []
    for _ in range(100):
        given = rest(rng.normal(0, 0.005 * understated, N))
        noise = Measured("focus drift", rng.normal(0, 0.003, N), 0.003, 0.003, significant=True)
        gains.append(gain_over(explain(given, ()), explain(given, (noise,))))
    assert np.mean(gains) < 0
    assert np.mean(np.array(gains) > 10) <= 0.01


def test_a_drift_as_it_was_measured_gains() -> None:
    rng = np.random.default_rng(2)
    drift = -0.02 * TIME / 1200
    given = rest(drift + rng.normal(0, 0.005, N))
    evidence = Evidence(monitor=np.exp(drift + rng.normal(0, 0.001, N)), monitor_std=0.001)
    best, gains = best_explanation(given, measured_causes(given, evidence))
    assert best.names == ("fluence drift",)
    assert gains[0][1] > 50
    assert best.suffices


def test_holes_in_a_measurement_gain_nothing() -> None:
    """What is not seen is not explained: a cause that did nothing, where it was known at all."""
    given = rest(-0.05 * TIME / 1200 + np.random.default_rng(3).normal(0, 0.005, N))
    nothing = np.where(TIME > 600, np.nan, 0.0)
    idle = Measured("fluence drift", nothing, 0.0, 0.0, significant=True)
    assert gain_over(explain(given, ()), explain(given, (idle,))) == 0.0
    best, _ = best_explanation(given, [idle])
    assert best.names == ()


def test_noise_of_a_measurement_is_told_from_a_drift() -> None:
    rng = np.random.default_rng(4)
    given = rest(np.zeros(N))
    drifted = []
    for size in (0.0, 0.01):
        found = []
        for _ in range(100):
            seen = np.exp(size * TIME / 1200 + rng.normal(0, 0.004, N))
            (cause,) = measured_causes(given, Evidence(scatter=seen, scatter_std=0.004))
            found.append(cause.significant)
        drifted.append(np.mean(found))
    assert drifted[0] <= 0.02
    assert drifted[1] == 1.0


def test_std_of_a_change_holds_the_noise_of_what_was_taken_off() -> None:
    """Averages of the scattered light are as noisy in a stretch as its readings are."""
    world = World(-3.0, focus=-0.06 * np.sin(TIME / 700))
    found = verdicts(world, 60)
    truth = np.mean(world.temperature[-N // 20 :]) - np.mean(world.temperature[: N // 20])
    pulls = [(v.change - truth) / v.change_std for v in found]
    assert np.std(pulls) < 1.3
    assert abs(np.mean(pulls)) < 1.6  # the clearest stretch of a noisy series lies beyond its end

import math

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.fitting import fit_exponential, fit_two_exponentials

TIME = np.arange(0.0, 1200.0, 2.0)
STD_K = 0.05


def cooling(time: np.ndarray) -> np.ndarray:
    return 280.0 + 9.0 * np.exp(-time / 30.0) + 8.0 * np.exp(-time / 420.0)


def noisy(seed: int, time: np.ndarray = TIME) -> np.ndarray:
    return cooling(time) + np.random.default_rng(seed).normal(0, STD_K, time.size)


def test_gives_back_both_time_constants() -> None:
    fit = fit_two_exponentials(TIME, noisy(1), STD_K)
    assert fit.converged
    for value, std, truth in (
        (fit.fast, fit.fast_std, 30.0),
        (fit.slow, fit.slow_std, 420.0),
        (fit.steady, fit.steady_std, 280.0),
        (fit.fast_amplitude, fit.fast_amplitude_std, 9.0),
        (fit.slow_amplitude, fit.slow_amplitude_std, 8.0),
    ):
        assert value == pytest.approx(truth, abs=4 * std)
        assert 0 < std < 0.05 * truth
    np.testing.assert_allclose(fit(TIME), cooling(TIME), atol=0.1)


def test_predicts_the_steady_state_while_it_is_far_away() -> None:
    """After 400 s the film is still 3 K from the end; the prediction's std is its scatter."""
    early = TIME[:200]
    fits = [fit_two_exponentials(early, noisy(seed, early), STD_K) for seed in range(60)]
    found = [fit for fit in fits if fit.converged]
    assert len(found) > 40
    pulls = [(fit.steady - 280.0) / fit.steady_std for fit in found]
    assert np.std(pulls) < 1.3
    assert abs(np.mean(pulls)) < 0.5
    single = fit_exponential(early, noisy(1, early), STD_K)
    assert single.steady - 280.0 > 5 * single.steady_std


def test_std_is_the_scatter() -> None:
    pulls = []
    for seed in range(60):
        fit = fit_two_exponentials(TIME, noisy(100 + seed), STD_K)
        pulls.append((fit.slow - 420.0) / fit.slow_std)
    assert 0.75 < np.std(pulls) < 1.2
    assert abs(np.mean(pulls)) < 0.4


def test_admits_a_single_time_constant() -> None:
    rng = np.random.default_rng(2)
    y = 280.0 + 9.0 * np.exp(-TIME / 100.0) + rng.normal(0, STD_K, TIME.size)
    fit = fit_two_exponentials(TIME, y, STD_K)
    assert not fit.converged
    assert fit.reason
    assert math.isnan(fit.slow)
    assert math.isnan(fit(10.0))


def test_few_points_and_wrong_ones() -> None:
    assert "8 points" in fit_two_exponentials(TIME[:6], noisy(1)[:6], STD_K).reason
    with pytest.raises(LimitError, match="ascending"):
        fit_two_exponentials(TIME[::-1], noisy(1), STD_K)
    with pytest.raises(LimitError, match="std"):
        fit_two_exponentials(TIME, noisy(1), 0.0)


def test_points_that_nobody_knows_are_left_out() -> None:
    y = noisy(1)
    y[3] = np.nan
    one = fit_two_exponentials(TIME, y, STD_K)
    other = fit_two_exponentials(np.delete(TIME, 3), np.delete(y, 3), STD_K)
    assert one.slow == pytest.approx(other.slow, rel=1e-6)

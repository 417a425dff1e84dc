from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.errors import LimitError
from labcool.fitting import ExponentialFit, fit_exponential

TIME = np.arange(0.0, 120.0, 1.0)


def approach(tau: float, start: float = 298.15, steady: float = 282.0) -> np.ndarray:
    return steady + (start - steady) * np.exp(-TIME / tau)


def fits_of(
    curve: np.ndarray, trials: int, seed: int, scatter: float = 0.15
) -> list[ExponentialFit]:
    random = np.random.default_rng(seed)
    return [
        fit_exponential(TIME, curve + random.normal(0, scatter, TIME.size), 0.15)
        for _ in range(trials)
    ]


@settings(max_examples=25, deadline=None)
@given(
    tau=st.floats(3.0, 150.0),
    start=st.floats(250.0, 320.0),
    drop=st.floats(-30.0, 30.0).filter(lambda drop: abs(drop) > 0.5),
)
def test_noise_free_data_give_their_own_parameters(tau: float, start: float, drop: float) -> None:
    fit = fit_exponential(TIME, approach(tau, start, start - drop), 0.01)
    assert fit.converged, fit.reason
    assert fit.tau == pytest.approx(tau, rel=1e-5)
    assert fit.start == pytest.approx(start, abs=1e-4)
    assert fit.steady == pytest.approx(start - drop, abs=1e-3)
    assert fit.end == pytest.approx(fit(TIME)[-1], abs=1e-12)
    assert fit.reduced_chi2 < 1e-6


@pytest.mark.parametrize("tau", [8.0, 40.0, 80.0])
def test_stated_uncertainties_are_those_of_repeated_trials(tau: float) -> None:
    trials = 150
    fits = fits_of(approach(tau), trials, seed=3)
    assert all(fit.converged for fit in fits)
    truth_at_end = approach(tau)[-1]
    for pulls in (
        np.array([(fit.tau - tau) / fit.tau_std for fit in fits]),
        np.array([(fit.start - 298.15) / fit.start_std for fit in fits]),
        np.array([(fit.steady - 282.0) / fit.steady_std for fit in fits]),
        np.array([(fit.end - truth_at_end) / fit.end_std for fit in fits]),
    ):
        assert abs(pulls.mean()) < 4 / math.sqrt(trials)
        # The std is at most inflated, by the square root of reduced χ² where that exceeds 1.
        assert 0.80 < pulls.std() < 1.0 + 4 / math.sqrt(2 * trials)
    chi2 = np.array([fit.reduced_chi2 for fit in fits])
    assert chi2.mean() == pytest.approx(1.0, abs=4 * math.sqrt(2 / 117 / trials))


@pytest.mark.parametrize(
    "curve",
    [
        np.full_like(TIME, 298.15),
        298.15 - 0.05 * TIME,
        approach(3000.0),
        approach(30.0, 298.15, 298.12),
    ],
    ids=["flat", "line", "far slower than the window", "amplitude below the noise"],
)
def test_data_that_do_not_bend_give_no_number(curve: np.ndarray) -> None:
    trials = 100
    fits = fits_of(curve, trials, seed=5)
    pretended = [fit for fit in fits if fit.converged]
    assert len(pretended) <= 0.01 * trials
    for fit in fits:
        if not fit.converged:
            assert math.isnan(fit.tau)
            assert math.isnan(fit.tau_std)
            assert math.isnan(fit.steady)
            assert fit.reason


@pytest.mark.parametrize("curve", [np.full_like(TIME, 298.15), 298.15 - 0.05 * TIME])
@pytest.mark.parametrize("std", [None, 0.1])
def test_a_perfect_line_is_not_an_exponential(curve: np.ndarray, std: float | None) -> None:
    fit = fit_exponential(TIME, curve, std)
    assert not fit.converged
    assert "do not bend" in fit.reason


def test_more_scatter_than_stated_widens_the_std_and_less_does_not_narrow_it() -> None:
    stated = np.median([f.tau_std for f in fits_of(approach(40.0), 40, seed=7)])
    thrice = np.median([f.tau_std for f in fits_of(approach(40.0), 40, seed=7, scatter=0.45)])
    third = np.median([f.tau_std for f in fits_of(approach(40.0), 40, seed=7, scatter=0.05)])
    assert thrice / stated == pytest.approx(3.0, rel=0.1)
    assert third / stated == pytest.approx(1.0, rel=0.1)


def test_without_weights_the_scatter_sets_the_std() -> None:
    random = np.random.default_rng(11)
    noisy = approach(40.0) + random.normal(0, 0.15, TIME.size)
    free = fit_exponential(TIME, noisy)
    weighted = fit_exponential(TIME, noisy, 0.15)
    assert math.isnan(free.reduced_chi2)
    assert free.tau == pytest.approx(weighted.tau, rel=1e-5)
    assert free.tau_std == pytest.approx(weighted.tau_std, rel=0.25)


def test_a_worse_point_weighs_less() -> None:
    bent = approach(40.0)
    bent[60] += 5.0
    std = np.full_like(TIME, 0.1)
    equal = fit_exponential(TIME, bent, std)
    std[60] = 100.0
    assert fit_exponential(TIME, bent, std).tau == pytest.approx(40.0, rel=1e-4)
    assert abs(equal.tau - 40.0) > 0.3


def test_an_earlier_origin_moves_only_the_start() -> None:
    at_first = fit_exponential(TIME, approach(40.0), 0.1)
    earlier = fit_exponential(TIME, approach(40.0), 0.1, origin=-10.0)
    assert earlier.tau == pytest.approx(at_first.tau, rel=1e-5)
    assert earlier.start == pytest.approx(282.0 + 16.15 * math.exp(10 / 40), abs=1e-3)
    assert earlier(0.0) == pytest.approx(298.15, abs=1e-4)


def test_missing_values_are_left_out() -> None:
    gapped = approach(40.0)
    gapped[10:20] = np.nan
    assert fit_exponential(TIME, gapped, 0.1).tau == pytest.approx(40.0, rel=1e-5)


@pytest.mark.parametrize("points", [0, 1, 4])
def test_a_handful_of_points_is_not_enough(points: int) -> None:
    fit = fit_exponential(TIME[:points], approach(40.0)[:points], 0.1)
    assert not fit.converged
    assert fit.reason == "fewer than 5 points"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_exponential(TIME, TIME[:-1]), "shapes"),
        (lambda: fit_exponential(TIME, TIME, 0.0), "std"),
        (lambda: fit_exponential(TIME[::-1], TIME), "ascending"),
        (lambda: fit_exponential(TIME, TIME, origin=5.0), "origin"),
    ],
)
def test_impossible_input_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(LimitError, match=message):
        call()

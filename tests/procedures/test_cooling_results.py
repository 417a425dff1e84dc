from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.thermometry import Quantity
from procedures.cooling.results import cooling_results
from procedures.shared.programme import Programme, parse

PROGRAMME = parse("120 s @ 300; 60 s @ 30; 300 s dark; 900 s @ 30")
ROOM = 298.15
UNITS = {
    "start_temperature": "K",
    "coldest_temperature": "K",
    "temperature_drop": "K",
    "cooling_time_constant": "s",
    "warming_time_constant": "s",
    "recovery_in_dark": "K",
    "reversibility": "%",
}


def run(
    *,
    programme: Programme = PROGRAMME,
    drop: float = 15.0,
    cooling: float = 40.0,
    warming: float = 500.0,
    noise: float = 0.15,
    systematic: float = 0.0,
    seed: int | None = 1,
) -> dict[str, Any]:
    """A sample that cools towards ROOM − drop at 300 W/cm² and warms towards ROOM otherwise."""
    times, truths, segments, fluences = [], [], [], []
    temperature = ROOM
    for index, (start, segment) in enumerate(zip(programme.starts, programme, strict=True)):
        steady, tau = (ROOM - drop, cooling) if segment.fluence >= 100 else (ROOM, warming)
        moments = np.arange(0.0, segment.duration, 1.0)
        if not segment.dark:
            times.append(start + moments)
            truths.append(steady + (temperature - steady) * np.exp(-moments / tau))
            segments.append(np.full(moments.size, index))
            fluences.append(np.full(moments.size, segment.fluence))
        temperature = steady + (temperature - steady) * math.exp(-segment.duration / tau)
    truth = np.concatenate(truths)
    scatter = 0.0 if seed is None else np.random.default_rng(seed).normal(0, noise, truth.size)
    return {
        "time": np.concatenate(times),
        "temperature": truth + scatter,
        "std": np.full(truth.size, noise),
        "systematic": np.full(truth.size, systematic),
        "fluence": np.concatenate(fluences),
        "segment": np.concatenate(segments),
        "programme": programme,
    }


def expected(drop: float = 15.0) -> dict[str, float]:
    at_119 = ROOM - drop * (1 - math.exp(-119 / 40))
    off = drop * (1 - math.exp(-120 / 40))
    before_dark = ROOM - off * math.exp(-59 / 500)
    after_dark = ROOM - off * math.exp(-360 / 500)
    end = ROOM - off * math.exp(-1259 / 500)
    return {
        "start_temperature": ROOM,
        "coldest_temperature": at_119,
        "temperature_drop": ROOM - at_119,
        "cooling_time_constant": 40.0,
        "warming_time_constant": 500.0,
        "recovery_in_dark": after_dark - before_dark,
        "reversibility": 100 * (end - at_119) / (ROOM - at_119),
    }


def pull(result: Quantity, truth: float) -> float:
    return (result.value - truth) / result.std


def test_exact_data_give_exact_results() -> None:
    results = cooling_results(**run(seed=None))
    assert {name: result.unit for name, result in results.items()} == UNITS
    for name, truth in expected().items():
        assert results[name].value == pytest.approx(truth, rel=1e-4), name


def test_results_of_noisy_runs_are_unbiased_and_their_std_honest() -> None:
    trials = 100
    all_results = [cooling_results(**run(seed=seed)) for seed in range(trials)]
    for name, truth in expected().items():
        pulls = np.array([pull(results[name], truth) for results in all_results])
        assert abs(pulls.mean()) < 4 / math.sqrt(trials), name
        assert 0.75 < pulls.std() < 1 + 4 / math.sqrt(2 * trials), name


def test_a_run_without_cooling_claims_none() -> None:
    drops = []
    for seed in range(60):
        results = cooling_results(**run(drop=0.0, seed=seed))
        drops.append(results["temperature_drop"].value)
        assert not results["cooling_time_constant"].determined
        assert not results["reversibility"].determined
        assert abs(results["temperature_drop"].value) < 4 * results["temperature_drop"].std
    points = run(drop=0.0, seed=0)
    assert ROOM - points["temperature"].min() > 0.4
    assert np.median(drops) < 0.15


def test_two_time_constants_do_not_bend_the_edges() -> None:
    points = run(seed=None)
    lit = points["segment"] == 0
    moments = points["time"][lit]
    curve = ROOM - 12 * (1 - np.exp(-moments / 15)) - 6 * (1 - np.exp(-moments / 200))
    random = np.random.default_rng(4)
    points["temperature"][lit] = curve + random.normal(0, 0.05, curve.size)
    points["std"][lit] = 0.05
    results = cooling_results(**points)
    assert results["coldest_temperature"].value == pytest.approx(curve[-1], abs=0.08)
    assert results["start_temperature"].value == pytest.approx(ROOM, abs=0.35)


def test_the_systematic_part_is_in_the_temperatures_and_may_cancel_in_the_drop() -> None:
    points = run(seed=None, systematic=0.5)
    careful = cooling_results(**points)
    assert careful["start_temperature"].std == pytest.approx(0.5, abs=0.01)
    assert careful["temperature_drop"].std == pytest.approx(0.5 * math.sqrt(2), abs=0.01)
    informed = cooling_results(**points, drift_std=0.1)
    assert informed["temperature_drop"].std == pytest.approx(
        math.hypot(0.1 * math.sqrt(2), cooling_results(**run(seed=None))["temperature_drop"].std),
        rel=1e-6,
    )
    points["systematic"][points["segment"] == 0] = np.linspace(0.3, 0.5, 120)
    growing = cooling_results(**points, drift_std=0.0)["temperature_drop"].std
    assert growing == pytest.approx(0.4, abs=0.03)


def test_a_run_that_ends_under_the_full_pump_says_nothing_of_reversibility() -> None:
    points = run(seed=None)
    first = points["segment"] == 0
    cut = {
        name: value[first] if isinstance(value, np.ndarray) else value
        for name, value in points.items()
    }
    assert math.isnan(cooling_results(**cut)["reversibility"].value)


def test_a_drifting_pump_makes_the_time_constants_less_certain() -> None:
    points = run(seed=3)
    steady, drifting = (
        cooling_results(**points, drift_std=drift)["warming_time_constant"] for drift in (0.0, 0.1)
    )
    assert drifting.value == steady.value
    assert drifting.std > 1.5 * steady.std


def test_a_bleached_sample_does_not_recover() -> None:
    points = run(seed=None)
    late = points["segment"] >= 1
    points["temperature"][late] = 283.9
    results = cooling_results(**points)
    assert results["recovery_in_dark"].value == pytest.approx(0.0, abs=1e-6)
    assert abs(results["reversibility"].value) < 5
    assert not results["warming_time_constant"].determined


def test_dark_stretches_add_up_and_consecutive_ones_are_one() -> None:
    programme = parse("60 s @ 300; 60 s dark; 60 s dark; 60 s @ 300; 120 s dark; 60 s @ 300")
    points = run(programme=programme, seed=None, noise=0.01)
    by_segment = {index: points["temperature"][points["segment"] == index] for index in (0, 3, 5)}
    rise = by_segment[3][0] - by_segment[0][-1] + by_segment[5][0] - by_segment[3][-1]
    results = cooling_results(**points)
    assert results["recovery_in_dark"].value == pytest.approx(rise, abs=1e-3)
    assert rise > 2


def test_without_dark_or_light_there_is_no_recovery() -> None:
    lit = cooling_results(**run(programme=parse("120 s @ 300; 60 s @ 30")))
    assert not lit["recovery_in_dark"].determined
    empty: Any = np.empty(0)
    results = cooling_results(empty, empty, empty, empty, empty, empty, PROGRAMME)
    assert {name: result.unit for name, result in results.items()} == UNITS
    assert not any(result.determined for result in results.values())


def test_unknown_temperatures_are_left_out_and_few_points_are_averaged() -> None:
    points = run(seed=None)
    points["temperature"][5:15] = np.nan
    assert cooling_results(**points)["cooling_time_constant"].value == pytest.approx(40.0, rel=1e-4)
    few = {
        name: column[:2] if isinstance(column, np.ndarray) else column
        for name, column in run(seed=None).items()
    }
    start = cooling_results(**few)["start_temperature"]
    assert start.value == pytest.approx(few["temperature"].mean())
    assert start.std == pytest.approx(0.15 / math.sqrt(2))


def test_impossible_input_is_refused() -> None:
    points = run(seed=None)
    with pytest.raises(LimitError, match="shapes"):
        cooling_results(**points | {"time": points["time"][:-1]})
    with pytest.raises(LimitError, match="segment"):
        cooling_results(**points | {"segment": points["segment"] + 1})

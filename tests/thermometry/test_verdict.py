"""Verdicts on runs that are made of known causes."""

import numpy as np
import pytest
from verdict_worlds import EA_EV, TIME, N, World, cut, drawn, verdicts

from labcool.errors import LimitError
from labcool.thermometry import Conclusion, Evidence, Verdict, judge

SLOW_LOSS = 0.08 * TIME / TIME[-1]
WANDERING = 0.0005 * np.sin(TIME / 300)

DIM = np.where((TIME > 300) & (TIME < 700), 0.03, 1.0)

WORLDS = {
    "cooling": (World(-8.0, pump=WANDERING), Conclusion.COOLING, None),
    "weak cooling": (World(-1.5, pump=WANDERING), Conclusion.COOLING, None),
    "heating": (World(5.0, pump=WANDERING), Conclusion.HEATING, None),
    "nothing": (World(0.0, pump=WANDERING), Conclusion.NO_CHANGE, None),
    "bleaching": (World(0.0, light=DIM, per_dose=0.08), Conclusion.BLEACHING, None),
    "cooling and bleaching": (World(-5.0, light=DIM, per_dose=0.08), Conclusion.BLEACHING, None),
    "slow loss": (World(0.0, bleached=SLOW_LOSS), Conclusion.BLEACHING_OR_FOCUS_DRIFT, None),
    "cooling and slow loss": (
        World(-5.0, bleached=SLOW_LOSS),
        Conclusion.BLEACHING_OR_FOCUS_DRIFT,
        None,
    ),
    "pump falls": (
        World(0.0, pump=-0.06 * np.sqrt(TIME / 1200)),
        Conclusion.NO_CHANGE,
        "fluence drift",
    ),
    "cooling and pump": (
        World(-8.0, pump=-0.01 * TIME / 1200),
        Conclusion.COOLING,
        "fluence drift",
    ),
    "cooling and focus": (
        World(-3.0, focus=-0.06 * np.sin(TIME / 700)),
        Conclusion.COOLING,
        "focus drift",
    ),
    "something else": (
        World(-2.0, bleached=0.1 * np.sin(TIME / 100)),
        Conclusion.INCONSISTENT,
        None,
    ),
    "loss in time, not in dose": (
        World(0.0, light=DIM, bleached=SLOW_LOSS),
        Conclusion.INCONSISTENT,
        None,
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_cause_is_named(name: str) -> None:
    world, conclusion, cause = WORLDS[name]
    right = []
    for verdict in verdicts(world):
        largest = verdict.disturbances[0].cause if verdict.disturbances else None
        right.append(verdict.conclusion is conclusion and largest == cause)
    assert np.mean(right) >= 0.95


@pytest.mark.parametrize("name", ["bleaching", "slow loss", "pump falls", "cooling and focus"])
def test_without_evidence_nobody_is_accused(name: str) -> None:
    for verdict in verdicts(WORLDS[name][0], 10, with_evidence=False):
        assert verdict.conclusion is Conclusion.INCONSISTENT
        assert verdict.disturbances == ()
        assert verdict.trusted == ("tail_ratio", "peak_shift")


def test_a_bleaching_sample_never_passes_for_a_cold_one() -> None:
    """The dispute: intensity alone says −10 K where nothing is cooled at all."""
    world = World(0.0, light=DIM, per_dose=-np.log(1 - 0.15))
    for verdict in verdicts(world, 10):
        assert verdict.conclusion is Conclusion.BLEACHING
        assert abs(verdict.change) < 4 * verdict.change_std + 0.2
        assert verdict.bleached == pytest.approx(0.15, abs=0.02)
        assert 0 < verdict.bleached_std < 0.02


def test_change_of_temperature_is_right_within_its_std() -> None:
    changes = np.array([(v.change, v.change_std) for v in verdicts(World(-8.0), 40)])
    end = 8.0 * (1 - np.exp(-1140.0 / 120))
    start = np.mean(8.0 * (1 - np.exp(-TIME[: N // 20] / 120)))
    pulls = (changes[:, 0] + (end - start)) / changes[:, 1]
    assert abs(np.mean(pulls)) < 1.6  # the extreme of a noisy series lies beyond its end
    assert np.std(pulls) < 1.3


def test_only_a_scattered_line_leaves_two_causes() -> None:
    rng = np.random.default_rng(4)
    world = World(0.0, pump=-0.06 * TIME / 1200)
    full = world.evidence(rng)
    evidence = Evidence(scatter=full.scatter, scatter_std=0.004)
    verdict = judge(world.readings(rng), activation_energy=EA_EV, evidence=evidence)
    assert verdict.conclusion is Conclusion.NO_CHANGE
    (disturbance,) = verdict.disturbances
    assert disturbance.cause == "fluence or focus drift"
    assert disturbance.size == pytest.approx(-0.058, abs=0.004)


def test_thermometers_that_contradict_each_other() -> None:
    rng = np.random.default_rng(5)
    readings = World(-5.0).readings(rng)
    readings["tail_ratio"] = drawn(World(2.0).temperature, 0.3, 0.1, rng)
    verdict = judge(readings, activation_energy=EA_EV)
    assert verdict.conclusion is Conclusion.INCONSISTENT


def test_one_thermometer_alone_decides_nothing() -> None:
    rng = np.random.default_rng(6)
    readings = World(-8.0).readings(rng)
    alone = judge({"arrhenius": readings["arrhenius"]}, activation_energy=EA_EV)
    assert alone.conclusion is Conclusion.UNDECIDED
    assert "bleaching" in str(alone)
    other = judge({"tail_ratio": readings["tail_ratio"]}, activation_energy=EA_EV)
    assert other.conclusion is Conclusion.UNDECIDED
    both = {name: readings[name] for name in ("tail_ratio", "peak_shift")}
    assert judge(both, activation_energy=EA_EV).conclusion is Conclusion.COOLING


def test_it_can_be_asked_while_the_run_goes_on() -> None:
    rng = np.random.default_rng(7)
    whole = World(-8.0).readings(rng)

    def so_far(n: int) -> Verdict:
        return judge({name: cut(e, slice(n)) for name, e in whole.items()}, activation_energy=EA_EV)

    assert so_far(3).conclusion is Conclusion.UNDECIDED
    assert so_far(60).conclusion is Conclusion.COOLING


def test_evidence_says_what_was_found_in_numbers() -> None:
    text = str(verdicts(WORLDS["cooling and bleaching"][0], 1)[0])
    assert text.startswith("bleaching, with a temperature change of -")
    assert "without the intensity (tail_ratio, peak_shift)" in text
    assert "% of the emitters" in text
    assert "no focus drift was seen" in text


def test_headline_tells_temperature_and_disturbances() -> None:
    (verdict,) = verdicts(WORLDS["cooling and pump"][0], 1)
    assert verdict.headline.startswith("consistent cooling, with a fluence drift of -")
    assert str(verdict).splitlines()[0] == verdict.headline
    assert verdict.disturbances[0].size == pytest.approx(-0.01, abs=0.001)
    assert verdict.change == pytest.approx(-6.4, abs=0.3)  # from the mean of the first minute
    (plain,) = verdicts(WORLDS["nothing"][0], 1)
    assert plain.headline == "no change"


def test_temperature_is_right_when_the_pump_has_drifted() -> None:
    """1 % of pump is 0.55 K of an intensity that is taken at its word."""
    world = World(-8.0, pump=-0.01 * TIME / 1200)
    for verdict in verdicts(world, 10):
        end = np.mean(world.temperature[-15:]) - np.mean(world.temperature[:15])
        assert abs(verdict.change - end) < 4 * verdict.change_std
        assert verdict.change_std < 0.12


def test_refuses_evidence_of_another_length() -> None:
    readings = World(-8.0).readings(np.random.default_rng(8))
    with pytest.raises(LimitError, match="length of the evidence"):
        judge(readings, activation_energy=EA_EV, evidence=Evidence(dose=np.arange(3.0)))


@pytest.mark.parametrize(
    ("series", "field"),
    [
        ({"monitor": np.ones(3), "dose": np.ones(4)}, "lengths"),
        ({"monitor": np.array([1.0, 0.0])}, "monitor"),
        ({"dose": np.array([1.0, 0.5])}, "dose"),
        ({"time": np.array([1.0, 0.5])}, "time"),
        ({"time": np.ones(3), "dose": np.ones(4)}, "lengths"),
        ({"monitor": np.ones(3), "monitor_std": np.nan}, "monitor_std"),
        ({"scatter": np.ones(3), "scatter_std": -0.1}, "scatter_std"),
    ],
)
def test_refuses_evidence_that_cannot_be(series: dict[str, np.ndarray], field: str) -> None:
    with pytest.raises(LimitError, match=field):
        Evidence(**series)  # type: ignore[arg-type]


def test_refuses_fluences_of_another_length_and_sizes_that_cannot_be() -> None:
    readings = World(-8.0).readings(np.random.default_rng(8))
    with pytest.raises(LimitError, match="fluence"):
        judge(readings, activation_energy=EA_EV, fluence=np.ones(3))
    for energy in (0.0, np.nan, np.inf):
        with pytest.raises(LimitError, match="activation_energy"):
            judge(readings, activation_energy=energy)
    for size in (0.0, -1.0, np.nan):
        with pytest.raises(LimitError, match="change_that_matters"):
            judge(readings, activation_energy=EA_EV, change_that_matters=size)

"""Verdicts on runs that are made of known causes. The generator knows nothing of the judge."""

from dataclasses import dataclass

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.thermometry import Estimate
from labcool.thermometry.evidence import Evidence
from labcool.thermometry.verdict import Conclusion, Verdict, judge

EA_EV = 0.14
KB = 8.617333262e-5
N = 300
TIME = np.linspace(0.0, 1200.0, N)


@dataclass
class World:
    """A run: what happens to the sample, the pump and the optics."""

    change: float = 0.0
    pump: np.ndarray | float = 0.0
    focus: np.ndarray | float = 0.0
    bleached: np.ndarray | float = 0.0

    @property
    def temperature(self) -> np.ndarray:
        return 298.0 + self.change * (1 - np.exp(-TIME / 120.0))

    def readings(self, rng: np.random.Generator) -> dict[str, Estimate]:
        intensity = np.exp(-EA_EV / KB / self.temperature) * np.exp(self.pump + self.focus)
        intensity = intensity * (1 - self.bleached)
        read = 1 / (1 / 298.0 - KB / EA_EV * np.log(intensity / np.exp(-EA_EV / KB / 298.0)))
        return {
            "arrhenius": drawn(read, 0.1, 0.2, rng),
            "tail_ratio": drawn(self.temperature, 0.8, 0.3, rng),
            "peak_shift": drawn(self.temperature, 0.3, 0.4, rng),
        }

    def evidence(self, rng: np.random.Generator) -> Evidence:
        pump, light = np.exp(self.pump + np.zeros(N)), np.exp(self.pump + self.focus + np.zeros(N))
        return Evidence(
            monitor=pump * (1 + rng.normal(0, 0.001, N)),
            monitor_std=0.001,
            scatter=light * (1 + rng.normal(0, 0.004, N)),
            scatter_std=0.004,
            dose=300.0 * TIME,
        )


def drawn(truth: np.ndarray, stat: float, syst: float, rng: np.random.Generator) -> Estimate:
    value = truth + rng.normal(0, syst) + rng.normal(0, stat, N)
    own, shared = np.full(N, stat), np.full(N, syst)
    return Estimate(value, np.hypot(own, shared), own, shared, np.zeros(N, np.int64))


def verdicts(world: World, count: int = 25, *, with_evidence: bool = True) -> list[Verdict]:
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        readings = world.readings(rng)
        evidence = world.evidence(rng) if with_evidence else None
        found.append(judge(readings, activation_energy=EA_EV, evidence=evidence))
    return found


SLOW_LOSS = 0.08 * TIME / TIME[-1]
WANDERING = 0.0005 * np.sin(TIME / 300)

WORLDS = {
    "cooling": (World(-8.0, pump=WANDERING), Conclusion.COOLING),
    "weak cooling": (World(-1.5, pump=WANDERING), Conclusion.COOLING),
    "heating": (World(5.0, pump=WANDERING), Conclusion.HEATING),
    "nothing": (World(0.0, pump=WANDERING), Conclusion.NO_CHANGE),
    "bleaching": (World(0.0, bleached=SLOW_LOSS), Conclusion.BLEACHING),
    "cooling and bleaching": (World(-5.0, bleached=SLOW_LOSS), Conclusion.BLEACHING),
    "pump falls": (
        World(0.0, pump=-0.06 * np.sqrt(TIME / 1200)),
        Conclusion.FLUENCE_DRIFT,
    ),
    "cooling and focus": (World(-3.0, focus=-0.06 * np.sin(TIME / 700)), Conclusion.FOCUS_DRIFT),
    "something else": (World(-2.0, bleached=0.1 * np.sin(TIME / 100)), Conclusion.INCONSISTENT),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_cause_is_named(name: str) -> None:
    world, conclusion = WORLDS[name]
    found = verdicts(world)
    right = [verdict.conclusion is conclusion for verdict in found]
    assert np.mean(right) >= 0.95


@pytest.mark.parametrize("name", ["bleaching", "pump falls", "cooling and focus"])
def test_without_evidence_nobody_is_accused(name: str) -> None:
    world, _ = WORLDS[name]
    for verdict in verdicts(world, 10, with_evidence=False):
        assert verdict.conclusion is Conclusion.INCONSISTENT
        assert verdict.trusted == ("tail_ratio", "peak_shift")


def test_a_bleaching_sample_never_passes_for_a_cold_one() -> None:
    """The dispute: intensity alone says −10 K where nothing is cooled at all."""
    world = World(0.0, bleached=0.15 * TIME / TIME[-1])
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
    assert verdict.conclusion is Conclusion.FLUENCE_OR_FOCUS_DRIFT


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
        cut = {
            name: Estimate(e.value[:n], e.std[:n], e.statistical[:n], e.systematic[:n], e.flags[:n])
            for name, e in whole.items()
        }
        return judge(cut, activation_energy=EA_EV)

    assert so_far(3).conclusion in (Conclusion.NO_CHANGE, Conclusion.COOLING)
    assert so_far(60).conclusion is Conclusion.COOLING


def test_evidence_says_what_was_found_in_numbers() -> None:
    text = str(verdicts(WORLDS["cooling and bleaching"][0], 1)[0])
    assert text.startswith("bleaching\n")
    assert "without the intensity (tail_ratio, peak_shift)" in text
    assert "% of the emitters" in text


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
    ],
)
def test_refuses_evidence_that_cannot_be(series: dict[str, np.ndarray], field: str) -> None:
    with pytest.raises(LimitError, match=field):
        Evidence(**series)  # type: ignore[arg-type]

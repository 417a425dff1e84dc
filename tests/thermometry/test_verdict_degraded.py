"""Verdicts where readings or monitors are missing, flagged, or few."""

from dataclasses import replace

import numpy as np
import pytest
from verdict_worlds import EA_EV, KB, TIME, N, Readings, World, cut, verdicts

from labcool.thermometry import Conclusion, Estimate, Evidence, Flag, Verdict, judge


def part_of(evidence: Evidence, rows: slice) -> Evidence:
    assert evidence.monitor is not None
    assert evidence.scatter is not None
    assert evidence.dose is not None
    return replace(
        evidence,
        monitor=evidence.monitor[rows],
        scatter=evidence.scatter[rows],
        dose=evidence.dose[rows],
        time=None,
    )


@pytest.mark.parametrize("missing", [0.0, 0.05, 0.1, 0.2, 0.5])
def test_holes_in_a_monitor_do_not_turn_its_drift_into_bleaching(missing: float) -> None:
    world, right = World(0.0, pump=-0.015 * TIME / 1200), []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        readings, evidence = world.readings(rng), world.evidence(rng)
        monitor = np.where(rng.random(N) < missing, np.nan, evidence.monitor)
        given = replace(evidence, monitor=monitor, scatter=None)
        verdict = judge(readings, activation_energy=EA_EV, evidence=given)
        causes = [each.cause for each in verdict.disturbances]
        right.append(verdict.conclusion is Conclusion.NO_CHANGE and causes == ["fluence drift"])
    assert np.mean(right) >= 0.95


def test_a_monitor_that_starts_late_is_used_from_where_it_starts() -> None:
    world = World(0.0, pump=np.where(TIME > 500, -0.05, 0.0))
    for seed in range(10):
        rng = np.random.default_rng(seed)
        readings, evidence = world.readings(rng), world.evidence(rng)
        assert evidence.monitor is not None
        monitor = np.where(np.arange(N) < N // 20, np.nan, evidence.monitor)
        given = replace(evidence, monitor=monitor, scatter=None)
        verdict = judge(readings, activation_energy=EA_EV, evidence=given)
        assert verdict.headline.startswith("no change, with a fluence drift of -4.")


def test_a_monitor_without_a_reading_is_no_monitor() -> None:
    world = World(-8.0)
    rng = np.random.default_rng(0)
    readings, evidence = world.readings(rng), world.evidence(rng)
    blind = replace(evidence, monitor=np.full(N, np.nan), scatter=np.full(N, np.nan))
    verdict = judge(readings, activation_energy=EA_EV, evidence=blind)
    assert verdict.conclusion is Conclusion.COOLING
    assert "drift as measured" not in str(verdict)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 8, 12])
def test_it_never_raises_however_few_points_there_are(n: int) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        world = World(-8.0, per_dose=0.05)
        readings = {name: cut(e, slice(n)) for name, e in world.readings(rng).items()}
        evidence = part_of(world.evidence(rng), slice(n))
        assert evidence.monitor is not None
        assert evidence.dose is not None
        holes = np.where(rng.random(n) < 0.4, np.nan, 1.0)
        for given in (
            None,
            evidence,
            Evidence(dose=evidence.dose),
            Evidence(dose=np.ones(n), time=np.ones(n)),
            Evidence(monitor=evidence.monitor, monitor_std=0.001, dose=evidence.dose),
            replace(evidence, monitor=evidence.monitor * holes),
            replace(evidence, monitor=np.full(n, np.nan)),
        ):
            verdict = judge(readings, activation_energy=EA_EV, evidence=given)
            assert verdict.evidence
            if n < 2:
                assert verdict.conclusion is Conclusion.UNDECIDED
            broken = dict(readings)
            tail = readings["tail_ratio"]
            broken["tail_ratio"] = replace(tail, value=tail.value * holes)
            judge(broken, activation_energy=EA_EV, evidence=given)


def test_nothing_to_read_is_undecided() -> None:
    nan = np.full(5, np.nan)
    none = Estimate(nan, nan, nan, nan, np.full(5, int(Flag.NO_REFERENCE)))
    names = ("arrhenius", "tail_ratio", "peak_shift")
    for dose in (np.arange(5.0), np.zeros(5)):
        verdict = judge(
            dict.fromkeys(names, none), activation_energy=EA_EV, evidence=Evidence(dose=dose)
        )
        assert verdict.conclusion is Conclusion.UNDECIDED
        assert np.isnan(verdict.change)


@pytest.mark.parametrize("flag", [Flag.SATURATED, Flag.TOO_FEW_COUNTS, Flag.BAD_PIXELS])
def test_intensities_that_cannot_be_believed_do_not_count(flag: Flag) -> None:
    def flagged(readings: Readings) -> Readings:
        a, early = readings["arrhenius"], TIME < 200
        wrong = replace(
            a, value=a.value - 6.0 * early, flags=np.where(early, int(flag), 0).astype(np.int64)
        )
        return {**readings, "arrhenius": wrong}

    found = verdicts(World(-8.0), change=flagged)
    assert np.mean([v.conclusion is Conclusion.COOLING for v in found]) >= 0.95


FLUENCE = np.where(TIME > 600, 300.0, 100.0)


def stepped(readings: Readings) -> Readings:
    """The fluence is changed on purpose, and the intensity over fluence is 8 % less there."""
    a, after = readings["arrhenius"], TIME > 600
    value = 1 / (1 / a.value - np.where(after, KB / EA_EV * np.log(0.92), 0.0))
    flags = np.where(after, int(Flag.OTHER_FLUENCE), 0).astype(np.int64)
    return {**readings, "arrhenius": replace(a, value=value, flags=flags)}


@pytest.mark.parametrize("fluence", [None, FLUENCE], ids=["unknown", "told"])
def test_a_step_of_the_fluence_on_purpose_is_no_contradiction(fluence: np.ndarray | None) -> None:
    right = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        world = World(-8.0)
        readings, evidence = stepped(world.readings(rng)), world.evidence(rng)
        verdict = judge(readings, activation_energy=EA_EV, evidence=evidence, fluence=fluence)
        right.append(verdict.conclusion is Conclusion.COOLING)
    assert np.mean(right) >= 0.95


def test_a_fluence_without_a_reference_still_shows_what_is_lost_at_it() -> None:
    """5 % are lost after the step; only who knows the fluence can look there."""
    lost = 0.05 * np.clip((TIME - 600) / 600, 0, 1)

    def verdict_of(seed: int, fluence: np.ndarray | None) -> Verdict:
        rng = np.random.default_rng(seed)
        world = World(0.0, bleached=lost)
        readings, evidence = stepped(world.readings(rng)), world.evidence(rng)
        return judge(readings, activation_energy=EA_EV, evidence=evidence, fluence=fluence)

    for seed in range(10):
        assert verdict_of(seed, None).conclusion is Conclusion.NO_CHANGE
        assert verdict_of(seed, FLUENCE).conclusion in (
            Conclusion.INCONSISTENT,
            Conclusion.BLEACHING_OR_FOCUS_DRIFT,
        )


def test_fluences_that_are_all_different_are_left_out() -> None:
    rng = np.random.default_rng(3)
    readings = stepped(World(-8.0).readings(rng))
    measured = FLUENCE * (1 + rng.normal(0, 0.01, N))
    verdict = judge(readings, activation_energy=EA_EV, fluence=measured)
    assert verdict.conclusion is Conclusion.COOLING


def test_a_thermometer_that_has_lost_its_line_is_no_second_one() -> None:
    def lost(readings: Readings) -> Readings:
        p = readings["peak_shift"]
        nothing = replace(p, value=np.full(N, np.nan), flags=np.full(N, int(Flag.LINE_LOST)))
        return {**readings, "peak_shift": nothing}

    for verdict in verdicts(World(-8.0), 5, change=lost, with_evidence=False):
        assert verdict.conclusion is Conclusion.COOLING
        assert "tail_ratio is the only thermometer" in str(verdict)
    (none,) = verdicts(World(-8.0), 1, change=lost, with_evidence=False, drop=("tail_ratio",))
    assert none.conclusion is Conclusion.UNDECIDED
    assert "there are not two temperatures" in str(none)


def test_it_never_raises_on_what_is_broken_in_places() -> None:
    every = np.array([0, *(int(flag) for flag in Flag)])
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 80))
        world = World(float(rng.normal(0, 6)), per_dose=float(rng.random() * 0.1))
        readings = {}
        for name, each in world.readings(rng, tail_ratio=float(rng.choice([0.5, 40.0]))).items():
            part = cut(each, slice(n))
            holes = np.where(rng.random(n) < rng.random(), np.nan, 1.0)
            flags = np.where(rng.random(n) < 0.2, rng.choice(every, n), 0)
            readings[name] = replace(
                part,
                value=part.value * holes,
                statistical=part.statistical * rng.choice([0.0, 1.0]),
                systematic=part.systematic * rng.choice([0.0, 1.0, np.nan], n),
                flags=flags.astype(np.int64),
            )
        evidence = part_of(world.evidence(rng), slice(n))
        assert evidence.scatter is not None
        given = replace(
            evidence,
            scatter=evidence.scatter * np.where(rng.random(n) < rng.random(), np.nan, 1.0),
            dose=np.sort(rng.integers(0, 6, n)).astype(float),
            time=np.sort(rng.integers(0, 60, n)).astype(float),
            monitor_std=float(rng.choice([0.0, 0.001, 10.0])),
        )
        fluence = rng.choice([100.0, 300.0, np.nan], n)
        verdict = judge(readings, activation_energy=EA_EV, evidence=given, fluence=fluence)
        assert verdict.headline

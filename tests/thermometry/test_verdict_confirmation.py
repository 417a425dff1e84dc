"""What is not contradicted is not confirmed: what a verdict needs before it names a temperature."""

import numpy as np
import pytest
from verdict_worlds import (
    EA_EV,
    TIME,
    N,
    World,
    drawn,
    verdicts,
    with_noise_understated,
)

from labcool.thermometry import Conclusion, Evidence, Verdict, judge

TEMPERATURE = (Conclusion.COOLING, Conclusion.HEATING)


def share(found: list[Verdict], *conclusions: Conclusion) -> float:
    return float(np.mean([verdict.conclusion in conclusions for verdict in found]))


@pytest.mark.parametrize("lost", [0.01, 0.02, 0.04])
@pytest.mark.parametrize("noise", [0.8, 5.0, 20.0])
def test_bleaching_is_never_cooling_because_the_others_are_coarse(
    lost: float, noise: float
) -> None:
    world = World(0.0, bleached=lost * TIME / 1200)
    found = verdicts(world, 40, drop=("peak_shift",), tail_ratio=noise)
    assert share(found, *TEMPERATURE) <= 0.03
    assert share(found, Conclusion.NO_CHANGE) <= 0.03
    for verdict in found:
        if verdict.conclusion is Conclusion.UNDECIDED:
            assert verdict.trusted == ("tail_ratio",)


def test_undecided_says_how_coarse_the_others_are() -> None:
    world = World(0.0, bleached=0.02 * TIME / 1200)
    (verdict,) = verdicts(world, 1, drop=("peak_shift",), tail_ratio=5.0)
    (sentence,) = [each for each in verdict.evidence if "too coarse" in each]
    assert sentence.startswith("the others know the change to ± 1.8 K: too coarse to tell -1.")
    assert sentence.endswith("K from bleaching or drift")


def test_cooling_that_a_coarse_thermometer_shows_by_itself_is_cooling() -> None:
    found = verdicts(World(-8.0), 40, drop=("peak_shift",), tail_ratio=2.0)
    assert share(found, Conclusion.COOLING) >= 0.95


def test_cooling_that_a_coarse_thermometer_cannot_see_is_undecided() -> None:
    found = verdicts(World(-2.0), 40, drop=("peak_shift",), tail_ratio=10.0)
    assert share(found, Conclusion.UNDECIDED) >= 0.95


def test_no_change_needs_a_bound() -> None:
    (fine,) = verdicts(World(0.0), 1)
    assert any("K is excluded (95 %)" in each for each in fine.evidence)
    coarse = verdicts(World(0.0), 25, drop=("peak_shift",), tail_ratio=5.0)
    assert share(coarse, Conclusion.UNDECIDED) == 1.0
    assert all("is not excluded (95 %)" in str(verdict) for verdict in coarse)


def test_the_change_that_matters_is_the_askers() -> None:
    readings = World(0.0).readings(np.random.default_rng(0))
    for size, conclusion in ((0.1, Conclusion.UNDECIDED), (3.0, Conclusion.NO_CHANGE)):
        found = judge(readings, activation_energy=EA_EV, change_that_matters=size)
        assert found.conclusion is conclusion


def test_two_thermometers_without_an_intensity_need_the_bound_as_well() -> None:
    fine = verdicts(World(0.0), 25, drop=("arrhenius",), with_evidence=False)
    assert share(fine, Conclusion.NO_CHANGE) >= 0.95
    coarse = verdicts(
        World(0.0), 25, drop=("arrhenius",), with_evidence=False, tail_ratio=9.0, peak_shift=7.0
    )
    assert share(coarse, Conclusion.UNDECIDED) == 1.0


@pytest.mark.parametrize("factor", [1.0, 1.25, 1.5])
def test_noise_above_the_stated_one_accuses_nobody(factor: float) -> None:
    found = verdicts(World(0.0), 60, change=lambda r: with_noise_understated(r, factor))
    assert share(found, Conclusion.NO_CHANGE) >= 0.95
    assert all(verdict.disturbances == () for verdict in found)
    if factor == 1.5:
        assert all("times the variance" in str(verdict) for verdict in found)


@pytest.mark.parametrize("factor", [2.0, 3.0])
def test_noise_far_above_the_stated_one_is_a_contradiction(factor: float) -> None:
    found = verdicts(World(0.0), 25, change=lambda r: with_noise_understated(r, factor))
    assert share(found, Conclusion.INCONSISTENT) >= 0.95
    assert all("no more is allowed for" in str(verdict) for verdict in found)


def test_std_of_the_change_holds_when_noise_is_understated() -> None:
    found = verdicts(World(0.0), 60, change=lambda r: with_noise_understated(r, 1.5))
    pulls = [abs(verdict.change) / verdict.change_std for verdict in found]
    assert np.mean(np.array(pulls) > 4) <= 0.03  # the extreme of twenty stretches


def test_jumps_between_spectra_are_not_noise() -> None:
    """A thermometer that reads 4 K less on every second spectrum."""
    for seed in range(25):
        rng = np.random.default_rng(seed)
        readings = World(0.0).readings(rng)
        jumping = 298.0 - 4.0 * (np.arange(N) % 2)
        readings["peak_shift"] = drawn(jumping, 0.3, 0.4, rng)
        verdict = judge(readings, activation_energy=EA_EV)
        assert verdict.conclusion is Conclusion.INCONSISTENT
        assert verdict.agreement.probability < 1e-9
        assert verdict.agreement.scatter == 2.5


@pytest.mark.parametrize("change", [-8.0, 6.0])
@pytest.mark.parametrize("off", [-0.05, -0.02, 0.02, 0.05])
def test_an_activation_energy_off_by_its_std_is_no_bleaching(change: float, off: float) -> None:
    conclusion = Conclusion.COOLING if change < 0 else Conclusion.HEATING
    found = verdicts(World(change), energy_off=off)
    assert share(found, conclusion) >= 0.95
    assert all(verdict.disturbances == () for verdict in found)


@pytest.mark.parametrize("off", [-0.1, 0.05, 0.1])
def test_a_slope_of_a_calibration_off_by_its_std_is_no_contradiction(off: float) -> None:
    assert share(verdicts(World(-8.0), slope_off=off), Conclusion.COOLING) >= 0.95


def test_an_activation_energy_far_off_is_still_found_out() -> None:
    """An error of 30 % where 1 % is stated."""
    world = World(-8.0)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        readings = world.readings(rng)
        wrong = 298.0 + 1.3 * (world.temperature - 298.0)
        readings["arrhenius"] = drawn(wrong, 0.1, 0.2, rng, 0.01)
        verdict = judge(readings, activation_energy=EA_EV)
        assert verdict.conclusion is Conclusion.INCONSISTENT


def test_an_uncertain_activation_energy_hides_no_bleaching() -> None:
    world = World(-8.0, bleached=0.08 * TIME / 1200)
    found = verdicts(world, energy_off=0.05)
    assert share(found, Conclusion.BLEACHING_OR_FOCUS_DRIFT) >= 0.95


def test_one_thermometer_beside_the_intensity_is_said_to_be_alone() -> None:
    """Its own axis drifts by 1.5 K: nothing can tell that from a loss of intensity."""

    def drifting(seed: int) -> Verdict:
        rng = np.random.default_rng(seed)
        world = World(0.0)
        readings = world.readings(rng)
        readings["peak_shift"] = drawn(298.0 + 1.5 * TIME / 1200, 0.3, 0.4, rng)
        del readings["tail_ratio"]
        return judge(readings, activation_energy=EA_EV, evidence=world.evidence(rng))

    for verdict in map(drifting, range(25)):
        assert verdict.conclusion is not Conclusion.BLEACHING
        assert "peak_shift is the only thermometer that does not use the intensity" in str(verdict)


@pytest.mark.parametrize("dim", [1.0, 0.03])
def test_a_focus_that_drifts_unwatched_is_not_bleaching(dim: float) -> None:
    light = np.where((TIME > 300) & (TIME < 700), dim, 1.0)
    world = World(0.0, focus=-0.05 * TIME / 1200, light=light)
    found = verdicts(world, without=("scatter",))
    expected = Conclusion.INCONSISTENT if dim < 1 else Conclusion.BLEACHING_OR_FOCUS_DRIFT
    assert share(found, expected) >= 0.95


def test_without_scattered_light_even_a_loss_by_dose_leaves_the_focus() -> None:
    light = np.where((TIME > 300) & (TIME < 700), 0.03, 1.0)
    found = verdicts(World(0.0, light=light, per_dose=0.08), without=("scatter",))
    assert share(found, Conclusion.BLEACHING_OR_FOCUS_DRIFT) >= 0.95
    assert all("scattered light was not watched" in str(verdict) for verdict in found)


def test_dim_stretches_show_that_a_loss_is_for_good() -> None:
    light = np.where((TIME > 300) & (TIME < 700), 0.03, 1.0)
    for verdict in verdicts(World(0.0, light=light, per_dose=0.08), 10):
        assert any("while the dose stood still (33% of the time)" in e for e in verdict.evidence)
        assert "did not come back" in str(verdict)
    back = 0.06 * np.clip((TIME - 300) / 400, 0, 1)
    recovering = World(0.0, light=light, per_dose=0.08, focus=back)
    for verdict in verdicts(recovering, 10, without=("scatter",)):
        assert verdict.conclusion is Conclusion.INCONSISTENT
        assert "it came back, as bleaching does not" in str(verdict)


def test_a_dark_gap_without_readings_tells_dose_from_time_as_well() -> None:
    """Nothing is read for 400 s; the times of the readings say so."""
    clock = TIME + 400.0 * (TIME > 600)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        world = World(0.0, per_dose=0.1)
        full = world.evidence(rng)
        evidence = Evidence(
            monitor=full.monitor,
            monitor_std=0.001,
            scatter=full.scatter,
            scatter_std=0.004,
            dose=world.dose,
            time=clock,
        )
        verdict = judge(world.readings(rng), activation_energy=EA_EV, evidence=evidence)
        assert verdict.conclusion is Conclusion.BLEACHING
        assert verdict.bleached == pytest.approx(0.095, abs=0.01)

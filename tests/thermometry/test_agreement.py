"""One temperature out of several thermometers, and how far they differ."""

from dataclasses import replace

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.thermometry import Estimate, Flag
from labcool.thermometry.agreement import combine


def reading(value: np.ndarray, stat: float, syst: float, flags: int = 0) -> Estimate:
    n = len(value)
    own, shared = np.full(n, stat), np.full(n, syst)
    return Estimate(value, np.hypot(own, shared), own, shared, np.full(n, flags, np.int64))


def drawn(truth: np.ndarray, stat: float, syst: float, rng: np.random.Generator) -> Estimate:
    return reading(truth + rng.normal(0, syst) + rng.normal(0, stat, len(truth)), stat, syst)


TRUTH = 290.0 + 5 * np.exp(-np.arange(50) / 12)


def test_without_systematics_it_is_the_weighted_mean() -> None:
    one, other = np.full(4, 290.0), np.full(4, 293.0)
    found = combine({"a": reading(one, 1.0, 0.0), "b": reading(other, 2.0, 0.0)})
    np.testing.assert_allclose(found.value, (290 * 4 + 293) / 5)
    np.testing.assert_allclose(found.statistical, np.sqrt(0.8))
    np.testing.assert_allclose(found.std, np.sqrt(0.8))
    assert found.chi2 == pytest.approx(4 * 9 / 5)
    assert found.degrees_of_freedom == 4
    np.testing.assert_allclose(found.chi2_at, 9 / 5)


def test_mean_is_unbiased_and_its_std_is_the_scatter() -> None:
    rng = np.random.default_rng(1)
    pulls, chance = [], []
    for _ in range(400):
        found = combine(
            {
                "a": drawn(TRUTH, 0.3, 0.5, rng),
                "b": drawn(TRUTH, 0.8, 0.2, rng),
                "c": drawn(TRUTH, 2.0, 0.0, rng),
            }
        )
        pulls.append((found.value[25] - TRUTH[25]) / found.std[25])
        chance.append(found.probability)
    assert abs(np.mean(pulls)) < 0.15
    assert np.std(pulls) == pytest.approx(1.0, abs=0.1)
    assert np.mean(np.array(chance) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(chance) == pytest.approx(0.5, abs=0.05)


def test_offsets_are_found_as_far_as_their_priors_allow() -> None:
    rng = np.random.default_rng(2)
    exact = reading(TRUTH + rng.normal(0, 0.2, 50), 0.2, 0.0)
    shifted = reading(TRUTH + 1.5 + rng.normal(0, 0.2, 50), 0.2, 1.0)
    found = combine({"exact": exact, "shifted": shifted})
    assert found.offsets[0] == 0
    assert found.offsets[1] == pytest.approx(1.5, abs=0.15)
    np.testing.assert_allclose(found.value, TRUTH, atol=0.6)
    assert found.probability > 1e-3


def test_an_offset_beyond_its_prior_is_a_contradiction() -> None:
    rng = np.random.default_rng(3)
    found = combine(
        {
            "a": reading(TRUTH + rng.normal(0, 0.2, 50), 0.2, 0.1),
            "b": reading(TRUTH + 3 + rng.normal(0, 0.2, 50), 0.2, 0.1),
        }
    )
    assert found.probability < 1e-9


@pytest.mark.parametrize("flag", [Flag.SATURATED, Flag.LINE_LOST, Flag.TOO_FEW_COUNTS])
def test_readings_that_cannot_be_believed_do_not_count(flag: Flag) -> None:
    good = reading(TRUTH, 0.5, 0.0)
    found = combine({"good": good, "bad": reading(TRUTH + 40, 0.1, 0.0, int(flag))})
    np.testing.assert_allclose(found.value, TRUTH)
    assert found.degrees_of_freedom == 0
    assert np.isnan(found.probability)


def test_old_calibrations_count_and_holes_do_not() -> None:
    holed = TRUTH.copy()
    holed[10] = np.nan
    found = combine(
        {"old": reading(holed, 0.5, 0.0, int(Flag.OUTDATED)), "b": reading(holed, 0.5, 0.1)}
    )
    assert np.isnan(found.value[10])
    assert np.isfinite(np.delete(found.value, 10)).all()
    assert found.degrees_of_freedom == 49


def test_a_slope_that_is_off_by_its_std_is_found() -> None:
    """An error that grows with temperature, on both sides of where it is 0."""
    rng = np.random.default_rng(4)
    truth = 298.0 + 10 * np.sin(np.arange(200) / 30)
    exact = reading(truth + rng.normal(0, 0.2, 200), 0.2, 0.0)
    steep = 298.0 + 1.05 * (truth - 298.0) + rng.normal(0, 0.2, 200)
    shared = 0.05 * np.abs(steep - 298.0)
    own = np.full(200, 0.2)
    off = Estimate(steep, np.hypot(own, shared), own, shared, np.zeros(200, np.int64))
    found = combine({"exact": exact, "steep": off})
    assert found.probability > 1e-3
    np.testing.assert_allclose(found.value, truth, atol=0.7)
    alone = combine({"steep": off})
    np.testing.assert_allclose(np.linalg.norm(alone.shared, axis=0), shared, atol=0.04)
    too_far = combine({"exact": exact, "steep": replace(off, systematic=0.03 * shared)})
    assert too_far.probability < 1e-9


def test_std_of_the_mean_holds_what_calibrations_share() -> None:
    """Slopes and offsets drawn from their stated std; the pull of a change has std 1."""
    rng = np.random.default_rng(5)
    pulls = []
    for _ in range(300):
        made = {}
        for name, stat, level, slope in (("a", 0.1, 0.3, 0.05), ("b", 0.4, 0.2, 0.02)):
            away = TRUTH - 298.0
            error = level * rng.normal() + slope * rng.normal() * away
            shared, own = np.hypot(level, slope * away), np.full(50, stat)
            value = TRUTH + error + rng.normal(0, stat, 50)
            made[name] = Estimate(value, np.hypot(own, shared), own, shared, np.zeros(50, np.int64))
        found = combine(made)
        pulls.append((found.value[[0, 49]] - TRUTH[[0, 49]]) / found.std[[0, 49]])
    assert np.std(pulls, axis=0) == pytest.approx([1.0, 1.0], abs=0.12)


def test_a_systematic_that_is_one_factor_of_temperature_squared_leaves_no_free_slope() -> None:
    kelvin = np.linspace(298.0, 288.0, 60)
    shared = 1.0 * (kelvin / 298.0) ** 2
    only = Estimate(kelvin, shared, np.full(60, 0.01), shared, np.zeros(60, np.int64))
    moved = combine({"only": only}).shared
    assert np.linalg.norm(moved[:, -1] - moved[:, 0]) == pytest.approx(0.066, abs=0.03)


def test_flicker_is_allowed_for_up_to_a_limit() -> None:
    rng = np.random.default_rng(6)
    found = {}
    for factor in (1.0, 1.4, 4.0):
        found[factor] = combine(
            {
                "a": reading(TRUTH + rng.normal(0, 0.2 * factor, 50), 0.2, 0.1),
                "b": reading(TRUTH + rng.normal(0, 0.2 * factor, 50), 0.2, 0.1),
            }
        )
    assert found[1.0].scatter == 1.0
    assert found[1.4].scatter == pytest.approx(2.0, abs=0.5)
    assert found[1.4].probability > 1e-3
    assert found[4.0].scatter == 2.5
    assert found[4.0].probability < 1e-9


def test_no_spectra_are_no_temperature() -> None:
    assert combine({"a": reading(np.empty(0), 1.0, 0.5)}).value.shape == (0,)


def test_refuses_readings_of_different_spectra() -> None:
    with pytest.raises(LimitError, match="readings"):
        combine({"a": reading(TRUTH, 1, 0), "b": reading(TRUTH[:3], 1, 0)})
    with pytest.raises(LimitError, match="readings"):
        combine({})

"""Cooling power of a dot, against numbers that a grid search and the publication give."""

import math

import numpy as np
import pytest

from labcool.models import AugerLimitedDot, best_pump_energy, gain_spectrum, urbach_tail

PUMP_EV = 2.33
LIFETIME_S = 29e-9


@pytest.mark.parametrize(
    ("mean_energy", "largest_fW", "occupation"),
    [(2.387, 2.09, 0.0134), (2.389, 2.24, 0.0139), (2.38, 1.61, 0.0117)],
)
def test_largest_cooling_power(mean_energy: float, largest_fW: float, occupation: float) -> None:
    where, power = AugerLimitedDot(mean_energy, PUMP_EV, LIFETIME_S).strongest()
    assert power * 1e15 == pytest.approx(largest_fW, abs=0.006)
    assert where == pytest.approx(occupation, abs=6e-5)


def test_the_published_pair_pins_the_mean_energy() -> None:
    """Y-gmax: 2.1 fW at 0.014 (Yamada et al. 2024), to the digits given there."""
    where, power = AugerLimitedDot(2.388, PUMP_EV, LIFETIME_S).strongest()
    assert round(power * 1e15 - 0.05, 1) == 2.1
    assert round(where, 3) == 0.014


@pytest.mark.parametrize(
    "dot",
    [
        AugerLimitedDot(2.388, PUMP_EV, LIFETIME_S),
        AugerLimitedDot(2.388, PUMP_EV, LIFETIME_S, trion_formation=2.0, trion_excitation=30.0),
        AugerLimitedDot(2.41, 2.25, LIFETIME_S, exciton_yield=0.97, trion_excitation=0.5),
    ],
)
def test_optimum_and_crossover_are_those_of_a_fine_grid(dot: AugerLimitedDot) -> None:
    occupation = np.linspace(1e-6, 0.3, 600_001)
    power = dot.power(occupation)
    where, largest = dot.strongest()
    assert where == pytest.approx(occupation[power.argmax()], abs=1e-6)
    assert largest == pytest.approx(power.max(), rel=1e-9)
    heats = occupation[np.flatnonzero(power < 0)[0]]
    assert dot.crossover() == pytest.approx(heats, abs=1e-6)
    assert dot.power(dot.crossover()) == pytest.approx(0.0, abs=1e-12 * largest)


def test_a_dot_that_never_cools() -> None:
    dot = AugerLimitedDot(2.388, PUMP_EV, LIFETIME_S, exciton_yield=0.97)
    assert dot.strongest() == (0.0, 0.0)
    assert dot.crossover() == 0.0


def test_a_dot_that_biexcitons_cannot_heat() -> None:
    dot = AugerLimitedDot(2.4, 2.3, LIFETIME_S, biexciton_yield=0.99)
    assert dot.crossover() == math.inf
    assert dot.power(1e6) > 0


def test_best_pump_energy_is_where_the_gain_peaks() -> None:
    energy = np.linspace(2.2, 2.4, 200_001)
    absorption = urbach_tail(energy, 2.4, 0.0155)
    gain = gain_spectrum(energy, absorption, mean_emitted_energy=2.388, eqe=0.985)
    best = energy[gain.argmax()]
    assert best == pytest.approx(best_pump_energy(2.388, 0.985, 0.0155), abs=1e-6)
    assert best == pytest.approx(0.985 * 2.388 - 0.0155, abs=1e-6)
    assert gain[energy > 0.985 * 2.388].max() < 0 < gain.max()


def test_urbach_tail_falls_by_e_per_urbach_energy() -> None:
    assert urbach_tail(2.4, 2.4, 0.0155, 7.0) == 7.0
    assert urbach_tail(2.4 - 0.0155, 2.4, 0.0155, 7.0) == pytest.approx(7 / math.e)

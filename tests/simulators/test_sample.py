import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.constants import Boltzmann, electron_volt
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from labcool.models import TwoNodeNetwork
from simulators.presets import preset
from simulators.sample import Sample, SampleParameters

FILM = preset("roman2020-film")
ROOM = 298.15

LINEAR = replace(
    FILM,
    activation_energy=0.0,
    dots_per_cm2=1e30,
    line=replace(FILM.line, slope=0.0),
    network=TwoNodeNetwork(5.8e-5, 6.4e-5, 9.66e-6, 6.4e-6),
)
"""A film that light cools by the same power at every temperature, with small heat capacities."""


def _matrix(parameters: SampleParameters) -> NDArray[np.float64]:
    n = parameters.network
    return np.array(
        [
            [-n.spot_conductance / n.spot_capacity, n.spot_conductance / n.spot_capacity],
            [
                n.spot_conductance / n.surroundings_capacity,
                -(n.spot_conductance + n.stage_conductance) / n.surroundings_capacity,
            ],
        ]
    )


@pytest.mark.parametrize(("fluence", "bleaching"), [(300.0, 0.0), (4600.0, 1e-6), (5.0, 0.0)])
def test_energy_balance_closes(fluence: float, bleaching: float) -> None:
    sample = Sample(replace(FILM, bleaching_rate=bleaching), ROOM)
    network = FILM.network
    before = network.stored(sample.temperature, sample.surroundings_temperature)
    sample.advance(60.0, fluence, 297.0)
    sample.advance(60.0, 0.0, 297.0)
    sample.advance(61.7, fluence, 299.0)
    stored = network.stored(sample.temperature, sample.surroundings_temperature) - before
    energy = sample.energy
    assert energy.absorbed > 0
    assert energy.absorbed == pytest.approx(energy.emitted + stored + energy.to_stage, rel=1e-9)


def test_agrees_with_an_independent_integration() -> None:
    p, n = FILM, FILM.network
    fluence, pump = 3000.0, 1239.8419843320026 / 532.0

    def slope(_: float, y: NDArray[np.float64]) -> list[float]:
        spot, around, _photons = y
        boltzmann_eV = Boltzmann / electron_volt
        assisted = math.exp(-p.activation_energy / boltzmann_eV * (1 / spot - 1 / 298.15))
        absorbed = p.absorptance * fluence / (1 + fluence / p.saturation_fluence) * assisted
        per_dot = absorbed / (pump * electron_volt) / p.dots_per_cm2 * p.exciton_lifetime
        eqe = (1 - p.trap_loss / (1 + fluence / p.trap_fluence)) * (1 + 0.09 * per_dot)
        eqe /= 1 + per_dot
        mean = p.line.centre - p.line.tail + p.line.slope * (spot - 298.15)
        heating = absorbed * (1 - eqe * mean / pump)
        into_around = n.spot_conductance * (spot - around)
        return [
            (heating - into_around) / n.spot_capacity,
            (into_around - n.stage_conductance * (around - 295.0)) / n.surroundings_capacity,
            eqe * absorbed / (pump * electron_volt),
        ]

    known = solve_ivp(slope, (0, 100), [ROOM, ROOM, 0], rtol=1e-11, atol=1e-9).y[:, -1]
    sample = Sample(p, ROOM)
    photons = sample.advance(100.0, fluence, 295.0)
    assert sample.temperature == pytest.approx(known[0], abs=1e-7)
    assert sample.surroundings_temperature == pytest.approx(known[1], abs=1e-7)
    assert photons == pytest.approx(known[2], rel=1e-9)


def test_linear_network_reaches_its_analytic_steady_state() -> None:
    sample = Sample(LINEAR, ROOM)
    heating = sample.heating_power(300.0, ROOM)
    sample.advance(40 * LINEAR.network.time_constants[1], 300.0, ROOM)
    spot, around = LINEAR.network.steady_state(heating, ROOM)
    assert spot < ROOM - 1
    assert sample.temperature == pytest.approx(spot, abs=1e-9)
    assert sample.surroundings_temperature == pytest.approx(around, abs=1e-9)


def test_linear_network_relaxes_by_its_matrix_exponential() -> None:
    sample = Sample(LINEAR, 290.0)
    start = np.array([290.0 - ROOM, 290.0 - ROOM])
    for moment in (1.3, 4.0, 17.0):
        sample = Sample(LINEAR, 290.0)
        sample.advance(moment, 0.0, ROOM)
        expected = ROOM + expm(_matrix(LINEAR) * moment) @ start
        found = (sample.temperature, sample.surroundings_temperature)
        assert found == pytest.approx(tuple(expected), abs=1e-6)


@pytest.mark.parametrize("mode", [0, 1])
def test_each_mode_decays_with_its_own_time_constant(mode: int) -> None:
    values, vectors = np.linalg.eig(_matrix(LINEAR))
    order = np.argsort(values)
    vector = vectors[:, order[mode]]
    sample = Sample(LINEAR, ROOM)
    sample._temperature, sample._surroundings = ROOM + vector[0], ROOM + vector[1]
    sample.advance(5.0, 0.0, ROOM)
    decay = (sample.temperature - ROOM) / vector[0]
    assert -5.0 / math.log(decay) == pytest.approx(LINEAR.network.time_constants[mode], rel=1e-6)


def test_in_the_dark_nothing_is_emitted_and_the_stage_is_followed() -> None:
    sample = Sample(FILM, ROOM)
    assert sample.advance(100.0, 0.0, 310.0) == 0.0
    assert ROOM < sample.temperature < sample.surroundings_temperature < 310.0
    assert sample.energy.absorbed == sample.energy.emitted == 0.0


def test_emission_follows_the_arrhenius_law() -> None:
    film = replace(FILM, activation_energy=0.140)
    photons = [Sample(film, t).advance(1e-6, 300.0, t) for t in (298.15, 283.15)]
    assert photons[1] / photons[0] == pytest.approx(0.7493, abs=1e-4)


def test_bleaching_is_off_by_default() -> None:
    sample = Sample(FILM, ROOM)
    sample.advance(100.0, 4600.0, ROOM)
    assert sample.bleached == 0.0


def test_bleaching_reduces_the_emission_for_good() -> None:
    rate = 1e-6
    sample = Sample(replace(FILM, bleaching_rate=rate), ROOM)
    sample.advance(100.0, 3000.0, ROOM)
    expected = 1 - math.exp(-rate * 100.0 * 3000.0)
    assert sample.bleached == pytest.approx(expected, rel=1e-9)
    sample.advance(3600.0, 0.0, ROOM)
    sample.settle(ROOM)
    assert sample.bleached == pytest.approx(expected, rel=1e-9)
    fresh = Sample(FILM, ROOM).advance(1e-6, 300.0, ROOM)
    assert sample.advance(1e-6, 300.0, ROOM) / fresh == pytest.approx(1 - expected, rel=1e-5)


def test_state_tells_what_happens() -> None:
    sample = Sample(FILM, ROOM)
    state = sample.state(300.0, 296.0)
    assert (state.temperature, state.stage_temperature, state.fluence) == (ROOM, 296.0, 300.0)
    efficiency = state.eqe * FILM.line.mean_energy(ROOM) / FILM.pump_energy - 1
    assert state.cooling_power == pytest.approx(state.absorbed_power * efficiency, rel=1e-12)
    assert state.cooling_power > 0
    assert sample.state(0.0, 296.0).cooling_power == 0.0

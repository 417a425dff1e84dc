"""The sample under light of any wavelength: absorption, heat per photon, several lines at once."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from labcool.models import anti_stokes_heat, arrhenius_factor, stokes_heat, urbach_tail
from labcool.units import BOLTZMANN_EV_PER_K, HC_EV_NM
from simulators._excitation import Excitation
from simulators.presets import PRESETS, preset
from simulators.sample import JOULE_PER_EV, Sample

ROMAN, ZHANG = preset("roman2020-film"), preset("zhang2024-film")
ROOM = 298.15


def wavelength(sample, missing):
    """Wavelength (nm) of light that lacks ``missing`` (eV) to the gap."""
    return HC_EV_NM / (sample.gap - missing)


@pytest.mark.parametrize("name", PRESETS)
def test_at_the_preset_s_own_pump_nothing_but_the_preset_s_numbers_count(name):
    sample = preset(name)
    pump = Excitation(sample, sample.pump_wavelength)
    assert pump.strength == 1.0
    assert pump.absorptance(sample.reference_temperature) == sample.absorptance


@pytest.mark.parametrize("kelvin", [80.0, 200.0, ROOM])
def test_absorption_below_the_gap_is_an_urbach_tail(kelvin):
    missing = np.array([0.0, 0.02, 0.05, 0.12])
    found = [Excitation(ROMAN, wavelength(ROMAN, m)).absorptance(kelvin) for m in missing]
    at_gap = ROMAN.absorptance * math.exp(0.120 / (BOLTZMANN_EV_PER_K * ROOM))
    assert at_gap == pytest.approx(0.0107, rel=0.01)
    expected = urbach_tail(-missing, 0.0, BOLTZMANN_EV_PER_K * kelvin, at_gap)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_what_phonons_give_is_what_is_missing_to_the_gap():
    for missing in (0.03, 0.07, 0.12):
        light = Excitation(ROMAN, wavelength(ROMAN, missing))
        ratio = light.absorptance(280.0) / light.absorptance(ROOM)
        assert ratio == pytest.approx(arrhenius_factor(280.0, ROOM, missing), rel=1e-9)


@pytest.mark.parametrize(("sample", "plateau"), [(ROMAN, 0.0214), (ZHANG, 0.3)])
def test_band_edge_is_smooth_and_ends_in_a_plateau(sample, plateau):
    energy = sample.gap + np.linspace(-0.05, 0.30, 7001)
    found = np.array([Excitation(sample, HC_EV_NM / e).absorptance(ROOM) for e in energy])
    slope = np.gradient(found, energy)
    assert (slope > 0).all()
    # A step broadened by a two-sided exponential: steepest at the gap, without a kink.
    assert energy[slope.argmax()] == pytest.approx(sample.gap, abs=1e-4)
    assert np.abs(np.diff(slope)).max() < 0.01 * slope.max()
    assert found[energy.searchsorted(sample.gap)] == pytest.approx(plateau / 2, rel=0.01)
    assert found[-1] == pytest.approx(plateau, rel=0.01)


def test_published_numbers_of_zhang_2024():
    """Z-pa: band edge 500 nm, PL 506 nm, Stokes shift 30 meV. Z-qy, Z-eta."""
    assert HC_EV_NM / ZHANG.gap == pytest.approx(500.0, abs=0.05)
    axis = np.linspace(480.0, 540.0, 6001)
    peak = axis[ZHANG.line.per_wavelength(axis, ROOM).argmax()]
    assert peak == pytest.approx(506.0, abs=0.05)
    assert ZHANG.gap - HC_EV_NM / peak == pytest.approx(0.030, abs=1e-3)
    for missing, eta in ((0.023, 0.75), (0.102, 0.32)):
        light = Excitation(ZHANG, wavelength(ZHANG, missing))
        assert light.upconversion(ROOM) == pytest.approx(eta, abs=2e-3)
    assert Excitation(ZHANG, 480.0).upconversion(ROOM) == 1.0
    film = Sample(ZHANG)
    for fluence in (1e-3, 1.0, 100.0):
        assert film.eqe(fluence, film.absorbed_power(fluence, ROOM)) == pytest.approx(0.84)


def test_the_gap_moves_with_the_line():
    cold = Excitation(ZHANG, 514.0)
    assert cold.missing(ROOM) - cold.missing(80.0) == pytest.approx(3e-4 * (ROOM - 80.0))
    assert cold.absorptance(80.0) > 10 * cold.absorptance(ROOM)


@pytest.mark.parametrize("missing", [-0.3, -0.1, -0.01, 0.023, 0.102])
def test_heat_per_photon_is_that_of_zhang_2024(missing):
    """Equations 3 and 4, with the mean energy of an emitted photon for the gap."""
    film, fluence = Sample(ZHANG), 0.1
    light = Excitation(ZHANG, wavelength(ZHANG, missing))
    film.shine([(light.wavelength, 1.0)])
    photons = film.absorbed_power(fluence, ROOM) / (light.energy * JOULE_PER_EV)
    heat = film.heating_power(fluence, ROOM) / photons / JOULE_PER_EV
    emitted = ZHANG.line.mean_energy(ROOM)
    if missing < 0:
        expected = stokes_heat(light.energy - emitted, 0.84, emitted)
    else:
        efficiency = light.upconversion(ROOM)
        expected = anti_stokes_heat(emitted - light.energy, efficiency, 0.84, emitted)
    assert heat == pytest.approx(expected, rel=1e-6)
    assert film.emission(fluence, ROOM) == pytest.approx(
        0.84 * light.upconversion(ROOM) * photons, rel=1e-6
    )


def test_light_cools_below_the_mean_emitted_energy_only():
    film = Sample(ROMAN)
    threshold = 0.9949 * ROMAN.line.mean_energy(ROOM)
    for energy, sign in ((threshold - 0.01, -1), (threshold + 0.01, 1), (ROMAN.gap + 0.1, 1)):
        film.shine([(HC_EV_NM / energy, 1.0)])
        # The fluence that excites it as often as 300 W/cm² at 532 nm, so that as many traps fill.
        fluence = 300.0 / Excitation(ROMAN, HC_EV_NM / energy).strength
        assert math.copysign(1, film.heating_power(fluence, ROOM)) == sign


def test_better_absorbed_light_fills_traps_and_saturates_accordingly():
    weak, strong = Sample(ROMAN), Sample(ROMAN)
    strong.shine([(506.0, 1.0)])
    factor = Excitation(ROMAN, 506.0).strength
    assert factor == pytest.approx(105.7, rel=1e-3)
    eqe = [s.eqe(f, s.absorbed_power(f, ROOM)) for s, f in ((weak, 30.0), (strong, 30.0 / factor))]
    assert eqe[0] == pytest.approx(eqe[1], rel=1e-6)
    assert strong.absorbed_power(100.0 * factor, ROOM) == pytest.approx(
        0.5 * factor**2 * ROMAN.absorptance * 100.0, rel=1e-9
    )


def test_lines_add_up():
    both, one, other = Sample(ZHANG), Sample(ZHANG), Sample(ZHANG)
    one.shine([(500.0, 1.0)])
    other.shine([(515.0, 1.0)])
    both.shine([(500.0, 0.25), (515.0, 0.75)])
    for quantity in ("absorbed_power", "heating_power", "emission"):
        parts = getattr(one, quantity)(1.0, ROOM), getattr(other, quantity)(3.0, ROOM)
        assert getattr(both, quantity)(4.0, ROOM) == pytest.approx(sum(parts), rel=1e-3)


def test_chopped_light_does_half_of_what_the_open_beam_does():
    """Half of the heat of the full fluence, which is not the heat of half the fluence."""
    chopped, steady, weak = Sample(ROMAN), Sample(ROMAN), Sample(ROMAN)
    photons = chopped.advance(0.25, 300.0, ROOM, 0.5)
    assert photons == pytest.approx(0.5 * steady.advance(0.25, 300.0, ROOM), rel=1e-3)
    weak.advance(0.25, 150.0, ROOM)
    assert chopped.energy.absorbed == pytest.approx(0.5 * steady.energy.absorbed, rel=1e-3)
    assert chopped.energy.absorbed < 0.7 * weak.energy.absorbed
    fallen, at_once = (ROOM - s.temperature for s in (chopped, steady))
    assert fallen == pytest.approx(0.5 * at_once, rel=1e-2)
    state = chopped.state(300.0, ROOM, 0.5)
    assert state.fluence == 150.0
    assert state.cooling_power == pytest.approx(0.5 * steady.state(300.0, ROOM).cooling_power, 1e-2)
    bleaching = replace(ROMAN, bleaching_rate=1e-3)
    half, whole = Sample(bleaching), Sample(bleaching)
    half.advance(1.0, 300.0, ROOM, 0.5)
    whole.advance(0.5, 300.0, ROOM)
    assert half.bleached == pytest.approx(whole.bleached, rel=1e-9)


def test_light_that_nothing_absorbs_does_nothing():
    film = Sample(ZHANG, 77.0)
    film.shine([(1064.0, 1.0)])
    film.advance(10.0, 1e4, 77.0)
    assert film.temperature == pytest.approx(77.0, abs=1e-9)

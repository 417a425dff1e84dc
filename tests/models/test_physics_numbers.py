"""Numbers that were published or worked out by hand, one test for each."""

import math

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.models import (
    Fluorophore,
    anti_stokes_heat,
    anti_stokes_wavelength,
    arrhenius_factor,
    arrhenius_sensitivity,
    cooling_efficiency,
    cooling_threshold,
    decay_curve,
    efficiency_from_line,
    emission_yield,
    frequency_factor,
    froehlich_coupling,
    log_upconversion_rate,
    power_law_exponent,
    quantum_yield_from_line,
    radiative_temperature_drop,
    raman_ratio,
    relative_quantum_yield,
    relative_sensitivity,
    signal_ratio,
    stokes_heat,
    stokes_wavelength,
    upconversion_efficiency,
    urbach_energy,
    urbach_steepness,
    varshni_gap,
    varshni_slope,
)
from labcool.units import BOLTZMANN_EV_PER_K

GAP_EV = 2.38


@pytest.mark.parametrize(("celsius", "ratio"), [(10, 0.7493), (-5, 0.5436), (-1.7, 0.5851)])
def test_emission_of_a_cooled_film(celsius: float, ratio: float) -> None:
    factor = arrhenius_factor(celsius + 273.15, 298.15, 0.140)
    assert factor == pytest.approx(ratio, abs=5e-5)


def test_silicon_lines_beside_a_532_nm_laser() -> None:
    assert anti_stokes_wavelength(532.0) == pytest.approx(517.68, abs=5e-3)
    assert stokes_wavelength(532.0) == pytest.approx(547.14, abs=5e-3)


@pytest.mark.parametrize(("power", "ratio"), [(3, 0.0960), (4, 0.1015)])
def test_silicon_raman_ratio_at_room_temperature(power: int, ratio: float) -> None:
    assert raman_ratio(298.15, 532.0, power=power) == pytest.approx(ratio, abs=5e-5)
    assert raman_ratio(1e9, 532.0, power=power) == pytest.approx(frequency_factor(532.0), rel=0.07)


def test_raman_refuses_other_powers_and_impossible_lines() -> None:
    with pytest.raises(LimitError, match=r"power n .* 3 .* or 4"):
        raman_ratio(300.0, 532.0, power=5)
    with pytest.raises(LimitError, match="wavenumber"):
        stokes_wavelength(532.0, 20_000.0)


def test_threshold_of_cooling_is_97_percent() -> None:
    """Roman et al. 2020: 70 to 90 meV above a pump of 532 nm."""
    pump = 2.3305
    low, high = cooling_threshold(pump + 0.070, pump), cooling_threshold(pump + 0.090, pump)
    assert low == pytest.approx(0.971, abs=5e-4)
    assert high == pytest.approx(0.963, abs=5e-4)
    assert cooling_efficiency(low, pump + 0.070, pump) == pytest.approx(0, abs=1e-15)


def test_cooling_map_changes_sign_at_the_threshold() -> None:
    pump = np.linspace(2.2, 2.4, 41)
    eqe = np.linspace(0.9, 1.0, 21)[:, np.newaxis]
    efficiency = cooling_efficiency(eqe, np.asarray(2.4), pump)
    assert efficiency.shape == (21, 41)
    threshold = cooling_threshold(np.asarray(2.4), pump)
    np.testing.assert_array_equal(efficiency > 1e-12, eqe > threshold + 1e-12)


def test_yields_of_trion_and_biexciton() -> None:
    """Yamada et al. 2024: radiative lifetimes 23/2 and 23/4 ns."""
    assert round(emission_yield(3.0e-9, 23e-9 / 2), 2) == 0.26
    assert round(emission_yield(0.5e-9, 23e-9 / 4), 2) == 0.09
    with pytest.raises(LimitError, match="not above the radiative lifetime"):
        emission_yield(24e-9, 23e-9)


def test_radiation_limits_a_single_dot_to_a_kelvin() -> None:
    """Yamada et al. 2024, SI 9: 2.1 fW of a dot of 8 nm at room temperature."""
    area = 6 * (8e-9) ** 2
    drop = radiative_temperature_drop(2.1e-15, area=area, temperature=298.0)
    assert 0.8 < drop < 1.1
    linear = 2.1e-15 / (4 * 5.670374419e-8 * area * 298.0**3)
    assert drop == pytest.approx(linear, rel=0.01)
    assert drop > linear
    with pytest.raises(LimitError, match="cooling power"):
        radiative_temperature_drop(1.0, area=area, temperature=298.0)


def test_ratio_of_signals_is_that_of_heats_and_lights() -> None:
    quantum_yield, efficiency, missing = 0.84, 0.75, 0.023
    above = np.linspace(0.05, 0.5, 7)
    direct = (efficiency / anti_stokes_heat(missing, efficiency, quantum_yield, GAP_EV)) / (
        1 / stokes_heat(above, quantum_yield, GAP_EV)
    )
    ratio = signal_ratio(
        above,
        anti_stokes_energy=missing,
        efficiency=efficiency,
        quantum_yield=quantum_yield,
        gap=GAP_EV,
    )
    np.testing.assert_allclose(ratio, direct, rtol=1e-14)
    slope, intercept = np.polyfit(above, ratio, 1)
    assert quantum_yield_from_line(slope, intercept, GAP_EV) == pytest.approx(0.84, abs=1e-12)
    found = efficiency_from_line(slope, 0.84, anti_stokes_energy=missing, gap=GAP_EV)
    assert found == pytest.approx(efficiency, abs=1e-12)


def test_light_cools_only_if_up_conversion_beats_the_gap() -> None:
    assert anti_stokes_heat(0.08, 1.0, 1.0, GAP_EV) == pytest.approx(-0.08)
    assert anti_stokes_heat(0.08, 0.97, 0.98, GAP_EV) > 0


@pytest.mark.parametrize(
    ("anchored", "at", "elsewhere", "there"),
    [(0.75, 0.023, 0.102, 0.07), (0.32, 0.102, 0.023, 0.95)],
)
def test_one_loss_rate_does_not_give_both_published_efficiencies(
    anchored: float, at: float, elsewhere: float, there: float
) -> None:
    """Zhang et al. 2024 at 250 K: equation 9 with g and ω_p as published contradicts Z-eta."""
    rate = log_upconversion_rate([at, elsewhere], 250.0, coupling=0.0411, phonon_energy=0.0234)
    loss = float(rate[0]) - math.log(anchored / (1 - anchored))
    both = upconversion_efficiency(
        [at, elsewhere], 250.0, coupling=0.0411, phonon_energy=0.0234, log_loss_rate=loss
    )
    assert both[0] == pytest.approx(anchored)
    assert round(float(both[1]), 2) == there


def test_multiphonon_rate_is_the_published_expression() -> None:
    missing, kelvin, g, phonon = 0.06, 80.0, 0.0214, 0.00517
    expected = (
        math.exp(-missing / (BOLTZMANN_EV_PER_K * kelvin))
        / math.sqrt(missing)
        * math.exp(missing / phonon * (1 - math.log(missing * phonon / g**2)))
    )
    rate = log_upconversion_rate(missing, kelvin, coupling=g, phonon_energy=phonon)
    assert math.exp(float(rate)) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(LimitError, match="anti-Stokes energy"):
        log_upconversion_rate([0.01, 0.0], kelvin, coupling=g, phonon_energy=phonon)


def test_exponent_goes_from_one_to_two() -> None:
    assert power_law_exponent(1e-9, 3.0, 0.2) == pytest.approx(1.0, abs=1e-9)
    assert power_law_exponent(15.0, 3.0, 0.2) == pytest.approx(1.5)
    assert power_law_exponent(1e9, 3.0, 0.2) == pytest.approx(2.0, abs=1e-7)


def test_froehlich_coupling_is_the_gaussian_expression() -> None:
    """Evaluated in Gaussian units with the constants of 2018."""
    electron, charge, hbar, erg_per_ev = (
        9.1093837e-28,
        4.80320471e-10,
        1.054571817e-27,
        1.602177e-12,
    )
    mass, phonon = 0.126, 0.0182
    frequency = phonon * erg_per_ev / hbar
    expected = (1 / 4.8 - 1 / 21.0) * math.sqrt(
        mass * electron * charge**4 / (2 * hbar**3 * frequency)
    )
    found = froehlich_coupling(
        mass, optical_permittivity=4.8, static_permittivity=21.0, phonon=phonon
    )
    assert found == pytest.approx(expected, rel=1e-5)


def test_urbach_energy_of_a_hot_and_a_cold_crystal() -> None:
    assert urbach_steepness(0.2, 0.1, 1.5) == pytest.approx(3.0)
    hot = urbach_energy(3000.0, 1.5, 0.018)
    assert hot == pytest.approx(BOLTZMANN_EV_PER_K * 3000 / 1.5, rel=1e-3)
    assert urbach_energy(1.0, 1.5, 0.018) == pytest.approx(0.018 / 3, rel=1e-6)


def test_varshni_slope_is_the_derivative() -> None:
    step = 1e-3
    numeric = (
        varshni_gap(300 + step, 2.3, -3e-4, 50.0) - varshni_gap(300 - step, 2.3, -3e-4, 50.0)
    ) / (2 * step)
    assert varshni_slope(300.0, -3e-4, 50.0) == pytest.approx(numeric, rel=1e-6)
    assert varshni_gap(310.0, 2.3, -3e-4, 50.0) > varshni_gap(300.0, 2.3, -3e-4, 50.0)


def test_sensitivity_of_the_arrhenius_law() -> None:
    kelvin = np.linspace(280.0, 300.0, 2001)
    measured = relative_sensitivity(kelvin, arrhenius_factor(kelvin, 290.0, 0.14))
    np.testing.assert_allclose(measured[1:-1], arrhenius_sensitivity(kelvin, 0.14)[1:-1], rtol=1e-5)
    assert arrhenius_sensitivity(298.15, 0.14) == pytest.approx(1.83, abs=5e-3)
    with pytest.raises(LimitError, match="in no order"):
        relative_sensitivity([1.0, 3.0, 2.0], [1.0, 1.0, 1.0])


def test_decay_of_two_species() -> None:
    time = np.array([0.0, 1e-9, 5e-9])
    expected = 3 * np.exp(-time / 29e-9) + 2 * np.exp(-time / 0.5e-9)
    np.testing.assert_allclose(decay_curve(time, [3, 2], [29e-9, 0.5e-9]), expected)
    with pytest.raises(LimitError, match="number of lifetimes"):
        decay_curve(time, [3.0], [1e-9, 2e-9])


class TestRelativeQuantumYield:
    STANDARD = Fluorophore(1.0e6, 0.0, 0.05, 0.0, 1.333)

    def test_same_as_the_standard(self) -> None:
        value, std = relative_quantum_yield(self.STANDARD, self.STANDARD, standard_yield=0.925)
        assert value == pytest.approx(0.925)
        assert std == 0

    def test_the_formula_with_numbers(self) -> None:
        sample = Fluorophore(1.2e6, 0.0, 0.06, 0.0, 1.375)
        value, _ = relative_quantum_yield(sample, self.STANDARD, standard_yield=0.925)
        by_hand = 0.925 * 1.2 * (1 - 10**-0.05) / (1 - 10**-0.06) * (1.375 / 1.333) ** 2
        assert value == pytest.approx(by_hand)

    def test_uncertainty_is_what_repeating_the_measurement_scatters(self) -> None:
        rng = np.random.default_rng(5)
        sample = Fluorophore(1.0e6, 8e3, 0.05, 1e-3, 1.375)
        standard = Fluorophore(0.9e6, 6e3, 0.045, 8e-4, 1.333)
        _, std = relative_quantum_yield(sample, standard, standard_yield=0.925, standard_std=0.02)
        repeated = [
            relative_quantum_yield(
                Fluorophore(rng.normal(1.0e6, 8e3), 0, rng.normal(0.05, 1e-3), 0, 1.375),
                Fluorophore(rng.normal(0.9e6, 6e3), 0, rng.normal(0.045, 8e-4), 0, 1.333),
                standard_yield=min(rng.normal(0.925, 0.02), 1.0),
            )[0]
            for _ in range(4000)
        ]
        assert np.std(repeated) == pytest.approx(std, rel=0.05)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"absorbance": 0.0}, "absorbance"),
            ({"emission": math.nan}, "emission"),
            ({"refractive_index": 0.9}, "refractive index"),
        ],
    )
    def test_refuses_what_cannot_be(self, change: dict[str, float], field: str) -> None:
        good = {
            "emission": 1e6,
            "emission_std": 0.0,
            "absorbance": 0.05,
            "absorbance_std": 0.0,
            "refractive_index": 1.33,
        }
        with pytest.raises(LimitError, match=field):
            Fluorophore(**{**good, **change})

"""Calibrations from simulated measurements, against the truth that was put in."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import erf

from labcool.calibration import PEAK_ENERGY
from labcool.calibration.fits import (
    Origin,
    fit_arrhenius_plot,
    fit_knife_edge,
    fit_polynomial_curve,
    fit_varshni_curve,
    spot_from_knife_edges,
)
from labcool.errors import LimitError
from labcool.fitting.both_axes import fit_both_axes

Floats = NDArray[np.float64]

KB = 8.617333262e-5
ORIGIN = Origin(date=date(2026, 3, 1), source="simulated", source_run="abc", life_days=90.0)
ICE_BATH = np.linspace(283.15, 297.15, 8)
"""10 to 24 °C, as Roman et al. 2020 have it."""


def arrhenius(kelvin: Floats, energy: float = 0.140) -> Floats:
    return 1.0e6 * np.exp(-energy / KB * (1 / kelvin - 1 / 290.0))


def test_an_exact_arrhenius_plot_gives_back_its_energy() -> None:
    record = fit_arrhenius_plot(
        ICE_BATH, arrhenius(ICE_BATH), temperature_std=0.1, intensity_std=1e3, origin=ORIGIN
    )
    assert record.activation_energy == pytest.approx(0.140, rel=1e-6)
    assert record.valid_range == (283.15, 297.15)
    assert record.chi2 == pytest.approx(0.0, abs=1e-6)
    assert record.degrees_of_freedom == 6
    assert (record.date, record.source, record.source_run, record.life_days) == (
        date(2026, 3, 1), "simulated", "abc", 90.0,
    )  # fmt: skip
    assert record.method == "Arrhenius plot"


def test_the_energy_is_within_its_std_as_often_as_it_should() -> None:
    rng = np.random.default_rng(1)
    true, measured = arrhenius(ICE_BATH), []
    for _ in range(2000):
        record = fit_arrhenius_plot(
            ICE_BATH + rng.normal(0.0, 0.3, ICE_BATH.size),
            true * (1 + rng.normal(0.0, 0.01, ICE_BATH.size)),
            temperature_std=0.3,
            intensity_std=0.01 * true,
            origin=ORIGIN,
        )
        scatter = max(1.0, np.sqrt(record.chi2 / record.degrees_of_freedom))
        measured.append((record.activation_energy, record.std, record.std / scatter, record.chi2))
    energy, std, stated, chi2 = np.array(measured).T
    pull = (energy - 0.140) / stated
    assert np.mean(np.abs(pull) < 1) == pytest.approx(0.683, abs=0.025)
    assert np.mean(np.abs(pull) < 2) == pytest.approx(0.954, abs=0.015)
    assert abs(np.mean(pull)) < 0.1
    assert chi2.mean() == pytest.approx(6.0, abs=4 * np.sqrt(12 / 2000))
    # A scatter beyond the stated errors may only make the std larger.
    assert (std >= stated).all()
    assert np.mean(np.abs(energy - 0.140) < std) > 0.66


def test_errors_in_both_axes_count_and_do_not_flatten_the_plot() -> None:
    rng = np.random.default_rng(2)
    energies, stds = [], []
    for _ in range(300):
        record = fit_arrhenius_plot(
            ICE_BATH + rng.normal(0.0, 1.5, ICE_BATH.size),
            arrhenius(ICE_BATH) * (1 + rng.normal(0.0, 0.005, ICE_BATH.size)),
            temperature_std=1.5,
            intensity_std=0.005 * arrhenius(ICE_BATH),
            origin=ORIGIN,
        )
        energies.append(record.activation_energy)
        stds.append(record.std)
    # Least squares of ln I alone would be flatter by 1.5²/(1.5² + 4.58²), a tenth.
    bias = np.mean(energies) - 0.140
    assert abs(bias) < 0.3 * np.mean(stds)
    assert abs(bias) < 0.05 * 0.140
    # What 1.5 K make of the slope: Ea σ_T/(T² √Σ(x−x̄)²) in 1/K.
    expected = 0.140 * 1.5 / np.sqrt(np.sum((ICE_BATH - ICE_BATH.mean()) ** 2))
    assert np.median(stds) == pytest.approx(expected, rel=0.15)


def test_an_offset_of_all_temperatures_is_in_the_std() -> None:
    measured = {"temperature_std": 0.01, "intensity_std": 1.0, "origin": ORIGIN}
    own = fit_arrhenius_plot(ICE_BATH, arrhenius(ICE_BATH), **measured)
    shifted = fit_arrhenius_plot(ICE_BATH + 1.0, arrhenius(ICE_BATH), **measured)
    record = fit_arrhenius_plot(ICE_BATH, arrhenius(ICE_BATH), offset_std=1.0, **measured)
    shared = np.sqrt(record.std**2 - own.std**2)
    assert shared == pytest.approx(shifted.activation_energy - own.activation_energy, rel=0.02)


def test_an_arrhenius_plot_of_nothing_is_refused() -> None:
    kelvin = ICE_BATH
    for temperature, intensity, field in (
        (kelvin[:2], arrhenius(kelvin[:2]), "points"),
        (kelvin, 0 * kelvin, "intensity"),
        (-kelvin, arrhenius(kelvin), "temperature"),
        (kelvin[:-1], arrhenius(kelvin), "temperatures and intensities"),
        (np.full(8, 290.0), arrhenius(kelvin), "Arrhenius plot"),
    ):
        with pytest.raises(LimitError) as refusal:
            fit_arrhenius_plot(
                temperature, intensity, temperature_std=0.1, intensity_std=10.0, origin=ORIGIN
            )
        assert field in refusal.value.field


def blade(x: Floats, diameter: float, centre: float, sign: float = 1.0) -> Floats:
    return 0.3 + 50.0 * (1 + sign * erf(np.sqrt(2) * (x - centre) / (diameter / 2))) / 2


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_knife_edge_gives_the_diameter_within_its_std(sign: float) -> None:
    rng = np.random.default_rng(3)
    x, pulls = np.linspace(-120.0, 140.0, 40), []
    for _ in range(300):
        edge = fit_knife_edge(
            x + rng.normal(0.0, 0.5, x.size),
            blade(x, 100.0, 12.0, sign) + rng.normal(0.0, 0.2, x.size),
            position_std_um=0.5,
            power_std=0.2,
        )
        scatter = max(1.0, np.sqrt(edge.fit.reduced_chi2))
        pulls.append((edge.diameter_um - 100.0) / (edge.diameter_std / scatter))
        assert edge.centre_um == pytest.approx(12.0, abs=2.0)
        assert edge.power == pytest.approx(50.0, abs=1.0)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)
    assert abs(np.mean(pulls)) < 0.25


def test_a_beam_that_is_not_gaussian_shows_in_chi2() -> None:
    x = np.linspace(-120.0, 140.0, 40)
    flat_top = 0.3 + 50.0 * np.clip((x + 40.0) / 100.0, 0.0, 1.0)
    edge = fit_knife_edge(x, flat_top, position_std_um=0.0, power_std=0.1)
    assert edge.fit.reduced_chi2 > 10


def test_two_edges_make_the_spot_of_an_ellipse() -> None:
    x = np.linspace(-150.0, 150.0, 60)
    edges = [
        fit_knife_edge(x, blade(x, diameter, 0.0), position_std_um=0.5, power_std=0.2)
        for diameter in (80.0, 125.0)
    ]
    spot = spot_from_knife_edges(
        *edges, path_transmission=0.6, transmission_relative_std=0.03, origin=ORIGIN
    )
    assert spot.diameter_um == pytest.approx(100.0, rel=1e-4)
    assert spot.area_cm2 == pytest.approx(np.pi / 4 * 80e-4 * 125e-4, rel=1e-4)
    own = [edge.diameter_std / edge.diameter_um for edge in edges]
    assert spot.relative_std == pytest.approx(np.sqrt(own[0] ** 2 + own[1] ** 2 + 0.03**2))
    assert spot.method.startswith("knife edge, 80.0 ± ")
    assert spot.degrees_of_freedom == 2 * 56


def test_a_blade_that_misses_the_beam_is_refused() -> None:
    x = np.linspace(-120.0, 140.0, 40)
    with pytest.raises(LimitError):
        fit_knife_edge(x, np.full(40, 50.0), position_std_um=0.5, power_std=0.2)
    with pytest.raises(LimitError, match="positions and powers"):
        fit_knife_edge(x[:4], x[:4], position_std_um=0.5, power_std=0.2)
    with pytest.raises(LimitError, match="finite"):
        fit_knife_edge(x * np.nan, x, position_std_um=0.5, power_std=0.2)


def test_a_curve_of_a_stage_reads_temperatures_within_its_covariance() -> None:
    rng = np.random.default_rng(4)
    kelvin, pulls = np.linspace(260.0, 310.0, 11), []
    for _ in range(500):
        curve = fit_polynomial_curve(
            kelvin + rng.normal(0.0, 0.2, 11),
            2.4 + 3e-4 * (kelvin - 298.15) + rng.normal(0.0, 5e-5, 11),
            temperature_std=0.2,
            observable_std=5e-5,
            degree=1,
            name=PEAK_ENERGY,
            unit="eV",
            origin=ORIGIN,
        )
        at = np.array([275.0])
        gradient = curve.gradient(at)[0]
        std = np.sqrt(gradient @ np.array(curve.covariance) @ gradient)
        scatter = max(1.0, np.sqrt(curve.chi2 / curve.degrees_of_freedom))
        pulls.append((curve.value(at)[0] - (2.4 + 3e-4 * (275.0 - 298.15))) / (std / scatter))
    assert np.mean(np.abs(pulls) < np.float64(1)) == pytest.approx(0.683, abs=0.07)
    assert curve.valid_range == pytest.approx((260.0, 310.0), abs=1.0)
    assert curve.reference_temperature == pytest.approx(285.0, abs=1.0)


def test_a_varshni_curve_over_a_wide_range_is_given_back() -> None:
    kelvin = np.linspace(80.0, 350.0, 28)
    true = (2.34, -4.5e-4, 250.0)
    energy = true[0] - true[1] * kelvin**2 / (kelvin + true[2])
    curve = fit_varshni_curve(kelvin, energy, temperature_std=0.1, energy_std=1e-5, origin=ORIGIN)
    assert curve.coefficients == pytest.approx(true, rel=1e-5)
    assert curve.value(np.array([200.0]))[0] == pytest.approx(2.34 + 4.5e-4 * 40000 / 450, rel=1e-9)


def test_a_straight_piece_does_not_tell_alpha_from_beta() -> None:
    rng = np.random.default_rng(5)
    kelvin = np.linspace(285.0, 298.0, 6)
    energy = 2.4 + 3e-4 * (kelvin - 298.15) + rng.normal(0.0, 2e-4, 6)
    with pytest.raises(LimitError):
        fit_varshni_curve(kelvin, energy, temperature_std=0.5, energy_std=2e-4, origin=ORIGIN)


def test_without_errors_of_x_both_axes_is_ordinary_least_squares() -> None:
    x = np.linspace(0.0, 1.0, 9)
    y = 1.0 + 2.0 * x + 0.1 * np.cos(9.0 * x)
    fits = [
        fit_both_axes(
            lambda x, a, b: a + b * x, x, y, x_std=spread, y_std=0.1, start={"a": 0.0, "b": 1.0}
        )
        for spread in (0.0, 1e-6)
    ]
    exact = np.polynomial.polynomial.polyfit(x, y, 1)
    for fit in fits:
        assert [fit["a"], fit["b"]] == pytest.approx(exact, rel=1e-6)
    assert fits[1].covariance == pytest.approx(fits[0].covariance, rel=1e-4)
    assert fits[1].chi2 == pytest.approx(fits[0].chi2, rel=1e-5)


def test_parameters_that_the_points_do_not_tell_apart_are_not_given() -> None:
    x = np.linspace(0.0, 1.0, 9)
    fit = fit_both_axes(
        lambda x, a, b: (a + b) * x, x, 2 * x, x_std=0.01, y_std=0.1, start={"a": 0.5, "b": 1.0}
    )
    assert not fit.converged
    assert fit.reason == "the data do not tell the parameters apart"
    assert np.isnan(fit["a"])


def test_points_that_are_none_are_refused() -> None:
    def fit(**changes: object) -> None:
        points = {"x": np.arange(5.0), "y": np.arange(5.0), "x_std": 0.1, "y_std": 0.1} | changes
        x, y = points.pop("x"), points.pop("y")
        fit_both_axes(lambda x, a: a * x, x, y, start={"a": 1.0}, **points)

    for changes in (
        {"x": np.arange(4.0)}, {"x": np.full(5, np.nan)}, {"y": np.full(5, np.inf)},
        {"y_std": 0.0}, {"x_std": -0.1}, {"x_std": np.array([0.0, 1, 1, 1, 1])},
    ):  # fmt: skip
        with pytest.raises(LimitError):
            fit(**changes)

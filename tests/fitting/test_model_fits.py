"""Fits give back what the models were made with, and their std is the scatter of repetitions."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.fitting import (
    RatioSeries,
    fit_crossover,
    fit_decays,
    fit_multiphonon,
    fit_power_law,
    fit_upconversion,
    fit_urbach,
    normalised_at,
)
from labcool.models import decay_curve, signal_ratio, upconversion_efficiency, urbach_tail

GAP_EV = 2.38
REPETITIONS = 300


def scatter(estimate: Callable[[np.random.Generator], tuple[float, float]]) -> tuple[float, float]:
    """Return mean and standard deviation of (estimate − truth)/std over many repetitions."""
    rng = np.random.default_rng(20201109)
    pulls = [deviation / std for deviation, std in (estimate(rng) for _ in range(REPETITIONS))]
    return float(np.mean(pulls)), float(np.std(pulls))


class TestPowerLaw:
    POWERS = np.geomspace(0.1, 30.0, 12)

    def test_exact(self) -> None:
        fit = fit_power_law(self.POWERS, 5.0 * self.POWERS**1.37, 1e-3)
        assert fit["exponent"] == pytest.approx(1.37, abs=1e-9)
        assert math.exp(fit["log_prefactor"]) == pytest.approx(5.0)

    def test_std_is_the_scatter(self) -> None:
        truth = 40.0 * self.POWERS**1.1
        sigma = np.sqrt(truth)

        def once(rng: np.random.Generator) -> tuple[float, float]:
            fit = fit_power_law(self.POWERS, truth + rng.normal(0, sigma), sigma)
            return fit["exponent"] - 1.1, fit.std("exponent")

        mean, width = scatter(once)
        assert abs(mean) < 0.15
        assert 0.85 < width < 1.05

    def test_crossover(self) -> None:
        y = 3.0 * self.POWERS + 0.2 * self.POWERS**2
        found = fit_crossover(self.POWERS, y, 0.01 * y)
        assert found.power == pytest.approx(15.0, rel=1e-6)
        assert found.fit["linear"] == pytest.approx(3.0)
        assert found.fit["quadratic"] == pytest.approx(0.2)

    def test_std_of_the_crossover_is_the_scatter(self) -> None:
        truth = 3.0 * self.POWERS + 0.2 * self.POWERS**2

        def once(rng: np.random.Generator) -> tuple[float, float]:
            noisy = truth * (1 + rng.normal(0, 0.02, truth.size))
            found = fit_crossover(self.POWERS, noisy, 0.02 * truth)
            return found.power - 15.0, found.power_std

        _, width = scatter(once)
        assert 0.85 < width < 1.1

    def test_no_two_photon_part(self) -> None:
        y = 3.0 * self.POWERS - 0.001 * self.POWERS**2
        assert fit_crossover(self.POWERS, y, 0.01 * y).power == math.inf

    @pytest.mark.parametrize("fit", [fit_power_law, fit_crossover])
    @pytest.mark.parametrize(
        ("intensity", "std"), [([1.0, 2.0], None), ([1.0, np.nan, 2.0], None), ([1, 2, 3], [1, 1])]
    )
    def test_refuses_wrong_shapes(
        self, fit: Callable[..., object], intensity: list[float], std: list[float] | None
    ) -> None:
        with pytest.raises(LimitError):
            fit([1.0, 2.0, 3.0], intensity, std)

    def test_refuses_no_power(self) -> None:
        with pytest.raises(LimitError, match="pump powers"):
            fit_power_law([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])


class TestUrbach:
    ENERGY = np.linspace(2.28, 2.36, 25)

    def test_published_energy_comes_back(self) -> None:
        rng = np.random.default_rng(3)
        truth = urbach_tail(self.ENERGY, 2.40, 0.0155, 1e6)
        fit = fit_urbach(self.ENERGY, rng.poisson(truth), np.sqrt(truth))
        assert fit["urbach_energy"] == pytest.approx(0.0155, abs=4 * fit.std("urbach_energy"))
        assert fit.std("urbach_energy") < 1e-4

    def test_std_is_the_scatter(self) -> None:
        truth = urbach_tail(self.ENERGY, 2.40, 0.0155, 3e4)

        def once(rng: np.random.Generator) -> tuple[float, float]:
            fit = fit_urbach(self.ENERGY, rng.poisson(truth), np.sqrt(truth))
            return fit["urbach_energy"] - 0.0155, fit.std("urbach_energy")

        mean, width = scatter(once)
        assert abs(mean) < 0.15
        assert 0.85 < width < 1.05

    @pytest.mark.parametrize("sign", [0.0, -1.0])
    def test_an_edge_that_does_not_rise_has_no_energy(self, sign: float) -> None:
        edge = 50.0 * np.exp(sign * (self.ENERGY - 2.3) / 0.02)
        fit = fit_urbach(self.ENERGY, edge, 0.5)
        assert not fit.converged
        assert "rise" in fit.reason
        assert math.isnan(fit["urbach_energy"])

    def test_noise_never_gives_a_negative_energy(self) -> None:
        rng = np.random.default_rng(12)
        for _ in range(40):
            fit = fit_urbach(self.ENERGY, 50.0 + rng.normal(0, 5.0, self.ENERGY.size), 5.0)
            assert not fit.converged or fit["urbach_energy"] > 0

    def test_refuses_energies_that_are_no_numbers(self) -> None:
        with pytest.raises(LimitError, match="energy"):
            fit_urbach([2.3, np.nan, 2.32], [1.0, 2.0, 4.0])

    def test_refuses_a_tail_of_nothing(self) -> None:
        with pytest.raises(LimitError, match="absorption"):
            fit_urbach(self.ENERGY, np.zeros_like(self.ENERGY))


class TestUpconversion:
    ABOVE = np.linspace(0.04, 0.5, 8)
    MISSING = (0.023, 0.06, 0.102)
    EFFICIENCIES = (0.75, 0.52, 0.32)

    def series(self, noise: float, rng: np.random.Generator) -> list[RatioSeries]:
        made = []
        for missing, efficiency in zip(self.MISSING, self.EFFICIENCIES, strict=True):
            ratio = signal_ratio(
                self.ABOVE,
                anti_stokes_energy=missing,
                efficiency=efficiency,
                quantum_yield=0.84,
                gap=GAP_EV,
            )
            std = noise * ratio
            made.append(RatioSeries(missing, self.ABOVE, ratio + rng.normal(0, std), std))
        return made

    def test_gives_back_yield_and_efficiencies(self) -> None:
        fit = fit_upconversion(self.series(1e-6, np.random.default_rng(1)), gap=GAP_EV)
        assert fit.quantum_yield == pytest.approx(0.84, abs=1e-4)
        np.testing.assert_allclose(fit.efficiencies, self.EFFICIENCIES, atol=1e-4)

    def test_std_is_the_scatter(self) -> None:
        def once(rng: np.random.Generator) -> tuple[float, float]:
            fit = fit_upconversion(self.series(0.01, rng), gap=GAP_EV)
            return fit.quantum_yield - 0.84, fit.quantum_yield_std

        mean, width = scatter(once)
        assert abs(mean) < 0.2
        assert 0.8 < width < 1.1

    def test_sharing_the_yield_is_better_than_one_series(self) -> None:
        series = self.series(0.01, np.random.default_rng(2))
        together = fit_upconversion(series, gap=GAP_EV)
        alone = fit_upconversion(series[:1], gap=GAP_EV)
        assert together.quantum_yield_std < 0.75 * alone.quantum_yield_std

    def test_refuses_an_energy_beyond_the_gap(self) -> None:
        one = self.series(0.01, np.random.default_rng(2))[0]
        with pytest.raises(LimitError, match="anti-Stokes energy"):
            fit_upconversion([RatioSeries(2.5, one.stokes_energy, one.ratio, 0.1)], gap=GAP_EV)


class TestMultiphonon:
    MISSING = np.linspace(0.015, 0.13, 14)

    @pytest.mark.parametrize(
        ("kelvin", "coupling", "phonon"), [(80.0, 0.0214, 0.00517), (250.0, 0.0411, 0.0234)]
    )
    def test_gives_back_the_published_pair(
        self, kelvin: float, coupling: float, phonon: float
    ) -> None:
        reference = upconversion_efficiency(
            self.MISSING, kelvin, coupling=coupling, phonon_energy=phonon, log_loss_rate=0.0
        )
        middle = float(np.median(np.log(reference / (1 - reference))))
        eta = upconversion_efficiency(
            self.MISSING, kelvin, coupling=coupling, phonon_energy=phonon, log_loss_rate=middle
        )
        fit = fit_multiphonon(self.MISSING, eta, 0.01, temperature=kelvin)
        assert fit.converged
        assert fit["coupling"] == pytest.approx(coupling, rel=1e-5)
        assert fit["phonon_energy"] == pytest.approx(phonon, rel=1e-5)
        assert fit["log_loss_rate"] == pytest.approx(middle, abs=1e-4)

    def test_std_is_the_scatter(self) -> None:
        truth = upconversion_efficiency(
            self.MISSING, 250.0, coupling=0.0411, phonon_energy=0.0234, log_loss_rate=1.0
        )

        def once(rng: np.random.Generator) -> tuple[float, float]:
            noisy = truth + rng.normal(0, 0.003, truth.size)
            fit = fit_multiphonon(self.MISSING, noisy, 0.003, temperature=250.0)
            return fit["phonon_energy"] - 0.0234, fit.std("phonon_energy")

        mean, width = scatter(once)
        assert abs(mean) < 0.2
        assert 0.8 < width < 1.1

    def test_admits_a_curve_that_bends_the_other_way(self) -> None:
        eta = 1 / (1 + np.exp(-2 + 20 * self.MISSING - 900 * self.MISSING**2))
        fit = fit_multiphonon(self.MISSING, eta, 0.01, temperature=80.0)
        assert not fit.converged
        assert fit.reason
        assert math.isnan(fit["phonon_energy"])


class TestDecays:
    TIME = np.arange(0.0, 150e-9, 0.25e-9)
    TAUS = (29e-9, 3.0e-9, 0.5e-9)

    def curves(self, rng: np.random.Generator, scale: float = 1.0) -> np.ndarray:
        amplitudes = [(4000, 300, 0), (4000, 900, 1500), (4000, 1500, 8000)]
        truth = [decay_curve(self.TIME, np.multiply(a, scale), self.TAUS) for a in amplitudes]
        return rng.poisson(np.array(truth) + 2.0)

    def test_the_three_lifetimes_of_yamada(self) -> None:
        fit = fit_decays(
            self.TIME, self.curves(np.random.default_rng(4)), start=[20e-9, 2e-9, 0.3e-9],
            background=2.0,
        )  # fmt: skip
        assert fit.fit.converged
        for found, std, truth in zip(fit.lifetimes, fit.lifetime_std, self.TAUS, strict=True):
            assert found == pytest.approx(truth, abs=4 * std)
            assert std < 0.1 * truth

    def test_few_counts_do_not_bias_the_slow_tail(self) -> None:
        def once(rng: np.random.Generator) -> tuple[float, float]:
            counts = rng.poisson(decay_curve(self.TIME, [60.0], [29e-9]) + 0.5)
            fit = fit_decays(self.TIME, counts, start=[20e-9], background=0.5)
            return float(fit.lifetimes[0]) - 29e-9, float(fit.lifetime_std[0])

        mean, width = scatter(once)
        assert abs(mean) < 0.2
        assert 0.85 < width < 1.15

    def test_normalised_curves_agree_late_and_differ_early(self) -> None:
        shown = normalised_at(
            self.TIME, self.curves(np.random.default_rng(5)) - 2.0, moment=60e-9, width=20e-9
        )
        late = np.abs(self.TIME - 60e-9) < 10e-9
        np.testing.assert_allclose(shown[:, late].mean(axis=1), 1.0)
        assert shown[2, 0] > 1.5 * shown[0, 0]
        with pytest.raises(LimitError, match="window"):
            normalised_at(self.TIME, np.ones((1, self.TIME.size)), moment=1.0, width=1e-9)

    def test_refuses_equal_guesses_and_negative_counts(self) -> None:
        with pytest.raises(LimitError, match="guessed lifetimes"):
            fit_decays(self.TIME, np.ones(self.TIME.size), start=[1e-9, 1e-9])
        with pytest.raises(LimitError, match="counts"):
            fit_decays(self.TIME, -np.ones(self.TIME.size), start=[1e-9])

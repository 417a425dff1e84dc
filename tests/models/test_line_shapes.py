import numpy as np
import pytest
from scipy.stats import exponnorm

from labcool.errors import LimitError
from labcool.models import (
    EmissionLine,
    energy_per_wavelength,
    exponentially_modified_gaussian,
    phonon_broadened_fwhm,
)
from labcool.units import HC_EV_NM

LINE = EmissionLine(
    centre=2.42,
    reference=298.15,
    slope=3e-4,
    tail=0.018,
    static_width=0.03,
    phonon_coupling=0.045,
    phonon_energy=0.018,
)


@pytest.mark.parametrize("sigma", [0.01, 0.035])
@pytest.mark.parametrize("tail", [0.02, -0.02, -0.0005, 0.2])
def test_area_mean_variance_and_skewness(sigma: float, tail: float) -> None:
    reach = 14 * sigma + 45 * abs(tail)
    x = 2.4 + np.linspace(-reach, reach, 400_001)
    density = exponentially_modified_gaussian(x, 2.4, sigma, tail)
    width = reach / 200_000
    mean = np.sum(x * density) * width
    variance = np.sum((x - mean) ** 2 * density) * width
    skewness = np.sum((x - mean) ** 3 * density) * width / variance**1.5
    assert np.sum(density) * width == pytest.approx(1, abs=1e-10)
    assert mean == pytest.approx(2.4 + tail, abs=1e-10)
    assert variance == pytest.approx(sigma**2 + tail**2, rel=1e-9)
    assert skewness == pytest.approx(2 * tail**3 / (sigma**2 + tail**2) ** 1.5, abs=1e-7)


def test_agrees_with_the_statisticians_distribution() -> None:
    x = np.linspace(-0.3, 0.6, 1001)
    ours = exponentially_modified_gaussian(x, 0.05, 0.03, 0.02)
    theirs = exponnorm.pdf(x, 0.02 / 0.03, loc=0.05, scale=0.03)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-300)
    mirrored = exponentially_modified_gaussian(-x, -0.05, 0.03, -0.02)
    np.testing.assert_allclose(mirrored, ours, rtol=1e-14)


def test_far_from_the_line_it_is_small_and_finite() -> None:
    density = exponentially_modified_gaussian(np.array([0.5, 1.2, 3.5, 50.0]), 2.4, 0.03, -0.018)
    assert np.isfinite(density).all()
    assert (density >= 0).all()
    assert density.max() < 1e-20


@pytest.mark.parametrize(("sigma", "tail"), [(0.0, 0.01), (-1.0, 0.01), (0.03, 0.0)])
def test_refuses_impossible_lines(sigma: float, tail: float) -> None:
    with pytest.raises(LimitError):
        exponentially_modified_gaussian(0.0, 0.0, sigma, tail)


def test_jacobian_is_the_derivative_of_the_energy() -> None:
    low, high = HC_EV_NM / 515.001, HC_EV_NM / 514.999
    assert energy_per_wavelength(515.0) == pytest.approx((high - low) / 0.002, rel=1e-9)


@pytest.mark.parametrize("temperature", [200.0, 298.15])
def test_photons_are_conserved_on_the_wavelength_axis(temperature: float) -> None:
    wavelength = np.linspace(430.0, 700.0, 27_001)
    photons = LINE.per_wavelength(wavelength, temperature)
    energies = HC_EV_NM / wavelength
    assert np.trapezoid(photons, wavelength) == pytest.approx(1, abs=1e-6)
    mean = np.trapezoid(energies * photons, wavelength)
    assert mean == pytest.approx(LINE.mean_energy(temperature), abs=1e-6)


def test_cooling_shifts_the_line_red_and_narrows_it_nearly_linearly() -> None:
    temperatures = np.linspace(268.0, 298.0, 7)
    widths = np.array([LINE.sigma(t) for t in temperatures])
    means = np.array([LINE.mean_energy(t) for t in temperatures])
    np.testing.assert_allclose(np.diff(means), 5 * 3e-4, rtol=1e-9)
    assert (np.diff(widths) > 0).all()
    assert np.ptp(np.diff(widths)) < 0.02 * np.mean(np.diff(widths))


def test_phonon_broadening_at_its_limits() -> None:
    assert phonon_broadened_fwhm(5.0, 0.03, 0.045, 0.018) == pytest.approx(0.03, abs=1e-12)
    twice = [phonon_broadened_fwhm(t, 0.0, 1.0, 0.001) for t in (3000.0, 6000.0)]
    assert twice[1] / twice[0] == pytest.approx(2, rel=2e-3)

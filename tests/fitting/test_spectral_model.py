"""The compiled shapes against plain formulas, and their derivatives against differences."""

import math

import numpy as np
import pytest
from scipy.special import erfcx, voigt_profile

from labcool.errors import LimitError
from labcool.fitting._fast_math import exponential, scaled_erfc
from labcool.fitting.axes import energy_widths, photon_energies, to_energy
from labcool.fitting.spectral_model import Line, SpectralModel, pixel_widths
from labcool.models import EmissionLine, exponentially_modified_gaussian

X = np.linspace(2.1, 2.7, 700)


@pytest.mark.parametrize("x", [-600.0, -3.7, -1e-9, 0.0, 1.0, 33.3, 600.0])
def test_exponential(x: float) -> None:
    assert exponential(x) == pytest.approx(math.exp(x), rel=1e-13)


@pytest.mark.parametrize("a", [0.0, 1e-6, 0.3, 3.75, 20.0, 1e4])
def test_scaled_erfc(a: float) -> None:
    assert scaled_erfc(a) == pytest.approx(float(erfcx(a)), rel=1e-12)


def shape(line: Line, *parameters: float) -> np.ndarray:
    return SpectralModel([line], None)(X, parameters, scale=1.0)


def test_gaussian() -> None:
    expected = 7 * np.exp(-((X - 2.4) ** 2) / 2 / 0.03**2) / 0.03 / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(shape(Line("a", "gaussian"), 7, 2.4, 0.03), expected, rtol=1e-10)


def test_lorentzian() -> None:
    expected = 7 * voigt_profile(X - 2.4, 0.0, 0.02)
    np.testing.assert_allclose(shape(Line("a", "lorentzian"), 7, 2.4, 0.04), expected, rtol=1e-10)


def test_pseudo_voigt_is_the_mixture() -> None:
    gauss = shape(Line("a", "gaussian"), 7, 2.4, 0.04 / math.sqrt(8 * math.log(2)))
    lorentz = shape(Line("a", "lorentzian"), 7, 2.4, 0.04)
    mixed = shape(Line("a", "pseudo_voigt"), 7, 2.4, 0.04, 0.3)
    np.testing.assert_allclose(mixed, 0.7 * gauss + 0.3 * lorentz, rtol=1e-10)


@pytest.mark.parametrize(("tail", "sign"), [("low", -1), ("high", 1)])
@pytest.mark.parametrize("ratio", [0.02, 0.5, 1.0, 30.0])
def test_emg_over_many_ratios_of_widths(tail: str, sign: int, ratio: float) -> None:
    found = shape(Line("a", "emg", tail), 7, 2.4, 0.02, 0.02 * ratio)  # type: ignore[arg-type]
    expected = 7 * exponentially_modified_gaussian(X, 2.4, 0.02, sign * 0.02 * ratio)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-250)


MODEL = SpectralModel(
    [
        Line("red", "emg"),
        Line("blue", "emg", "high"),
        Line("raman", "lorentzian"),
        Line("laser", "gaussian"),
        Line("other", "pseudo_voigt"),
    ],
    2,
)
VALUES = [900.0, 2.35, 0.03, 0.02, 400.0, 2.42, 0.02, 0.04, 60.0, 2.395, 0.004]
VALUES += [50.0, 2.33, 0.002, 300.0, 2.5, 0.03, 0.4, 5.0, -1.0, 0.5]


@pytest.mark.parametrize("index", range(len(VALUES)))
def test_derivatives(index: int) -> None:
    step = np.zeros(len(VALUES))
    step[index] = 1e-3 * (0.002 if "centre" in MODEL.names[index] else abs(VALUES[index]))
    near = MODEL(X, VALUES + step) - MODEL(X, VALUES - step)
    far = MODEL(X, VALUES + 2 * step) - MODEL(X, VALUES - 2 * step)
    numeric = (8 * near - far) / (12 * step[index])
    found = MODEL.jacobian(X, VALUES)[index]
    scale = np.abs(numeric).max()
    np.testing.assert_allclose(found / scale, numeric / scale, atol=3e-7)


def test_areas_are_counts() -> None:
    assert MODEL.names[:4] == ("red.area", "red.centre", "red.sigma", "red.tail")
    line = SpectralModel([Line("a")], None)
    assert line(X, [900.0, 2.4, 0.02, 0.02]).sum() == pytest.approx(900.0, rel=1e-6)
    wavelengths = np.linspace(450.0, 600.0, 2048)
    counts = line(
        photon_energies(wavelengths), [900.0, 2.4, 0.02, 0.02], scale=energy_widths(wavelengths)
    )
    assert counts.sum() == pytest.approx(900.0, rel=1e-5)


def test_a_spectrum_in_wavelengths_is_that_of_the_emission_line() -> None:
    """The Jacobian is in the model: counts per pixel equal those of photons per nm."""
    emission = EmissionLine(2.42, 298.0, 0.0, 0.02, 0.05, 0.0, 0.02)
    wavelengths = np.linspace(480.0, 560.0, 1500)
    expected = 1e5 * emission.per_wavelength(wavelengths, 298.0) * pixel_widths(wavelengths)
    found = SpectralModel([Line("pl")], None)(
        photon_energies(wavelengths),
        [1e5, 2.42, emission.sigma(298.0), 0.02],
        scale=energy_widths(wavelengths),
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_density_per_energy_keeps_the_number_of_photons() -> None:
    wavelengths = np.linspace(480.0, 560.0, 1500)
    counts = np.exp(-(((wavelengths - 515) / 8) ** 2)) * 1000
    energies, density = to_energy(wavelengths, np.array([counts, 2 * counts]))
    assert (np.diff(energies) > 0).all()
    assert density.shape == (2, 1500)
    assert np.trapezoid(density[1], energies) == pytest.approx(2 * counts.sum(), rel=1e-5)
    # λ² pulls the maximum to the red, here by a quarter of a nanometre.
    shift = 1239.842 / energies[density[0].argmax()] - 515.0
    assert shift == pytest.approx(8.0**2 / 515.0, abs=0.06)
    with pytest.raises(LimitError, match="wavelengths"):
        photon_energies([500.0, 0.0, 510.0])


@pytest.mark.parametrize(
    ("lines", "degree", "field"),
    [
        ([], 0, "names of the lines"),
        ([Line("a"), Line("a")], 0, "names of the lines"),
        ([Line("background")], 0, "names of the lines"),
        ([Line("a")], 6, "degree of the background"),
    ],
)
def test_refuses(lines: list[Line], degree: int, field: str) -> None:
    with pytest.raises(LimitError, match=field):
        SpectralModel(lines, degree)


def test_refuses_unknown_shapes_and_axes() -> None:
    with pytest.raises(LimitError, match="shape of a line"):
        Line("a", "sinc")  # type: ignore[arg-type]
    with pytest.raises(LimitError, match="axis"):
        pixel_widths([1.0, 2.0, 1.5])
    with pytest.raises(LimitError, match="parameter"):
        MODEL.index("green.area")

"""Where a fit begins must not decide where it ends."""

from typing import Any

import numpy as np
import pytest

from labcool.fitting.axes import energy_widths, photon_energies
from labcool.fitting.quality import POOR_FIT
from labcool.fitting.spectra import CountNoise, SpectralFit, fit_spectra
from labcool.fitting.spectral_model import Line, SpectralModel

CENTRE, SIGMA = 2.415, 0.022
WAVELENGTHS = np.linspace(470.0, 560.0, 2048)
AXES = {
    2048: (photon_energies(WAVELENGTHS), energy_widths(WAVELENGTHS)),
    600: (np.linspace(2.25, 2.55, 600), np.full(600, 0.0005)),
}
WIDTHS = {"emg": [SIGMA, 0.020], "lorentzian": [0.05]}


def world(shape: str, pixels: int, peak: float, n: int) -> tuple[SpectralModel, np.ndarray, Any]:
    model = SpectralModel([Line("a", shape)], 1)  # type: ignore[arg-type]
    x, scale = AXES[pixels]
    line = [1.0, CENTRE, *WIDTHS[shape]]
    unit = model(x, [*line, 0.0, 0.0], scale=scale).max()
    truth = np.array([peak / unit, *line[1:], 0.03 * peak, 0.0])
    rng = np.random.default_rng([pixels, int(peak)])
    return model, truth, rng.poisson(model(x, truth, scale=scale), (n, x.size))


@pytest.mark.parametrize("pixels", AXES)
@pytest.mark.parametrize("shape", WIDTHS)
@pytest.mark.parametrize("peak", [40, 400, 4000, 40_000])
def test_two_sigma_off_and_a_factor_of_two_in_the_widths(
    shape: str, pixels: int, peak: float
) -> None:
    model, truth, spectra = world(shape, pixels, peak, 200)
    x, scale = AXES[pixels]
    for side in (-1, 1):
        for factor in (0.5, 2.0):
            start = dict(zip(model.names, truth, strict=True))
            start["a.centre"] += side * 2 * SIGMA
            for name in model.names[2 : 2 + len(WIDTHS[shape])]:
                start[name] *= factor
            fit = fit_spectra(
                model, x, spectra, start=start, noise=CountNoise(), scale=scale, warm_start=False
            )
            assert fit.converged.mean() >= 0.995, (side, factor)
            away = (fit.parameters - truth)[fit.converged]
            std = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))[fit.converged]
            assert np.abs(away / std).max() < 8.0, (side, factor)


def broken(kind: str, spectrum: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(3)
    if kind == "zero":
        return np.zeros(spectrum.size)
    if kind == "saturated":
        return np.minimum(spectrum * 1000.0, 65_535.0)
    dark = rng.poisson(2.0, spectrum.size).astype(np.float64)
    dark[spectrum.size // 3] += 60_000.0
    return dark


def fitted(spectra: np.ndarray, model: SpectralModel, truth: np.ndarray) -> SpectralFit:
    x, scale = AXES[600]
    start = dict(zip(model.names, truth, strict=True))
    start["a.centre"] += 0.01
    return fit_spectra(model, x, spectra, start=start, noise=CountNoise(), scale=scale)


@pytest.mark.parametrize("kind", ["zero", "saturated", "cosmic ray"])
@pytest.mark.parametrize("index", [0, 10])
def test_one_broken_spectrum_does_not_spoil_the_others(kind: str, index: int) -> None:
    model, truth, spectra = world("emg", 600, 300, 40)
    clean = fitted(spectra, model, truth)
    spoiled = spectra.astype(np.float64)
    spoiled[index] = broken(kind, spoiled[index])
    fit = fitted(spoiled, model, truth)
    others = np.arange(40) != index
    assert fit.converged[others].all()
    std = np.sqrt(np.diagonal(clean.covariance, axis1=1, axis2=2))
    assert np.abs((fit.parameters - clean.parameters) / std)[others].max() < 0.01
    assert not fit.converged[index] or fit.lack_of_fit[index] > POOR_FIT


def test_what_is_no_line_does_not_converge() -> None:
    """A hole instead of a line, nothing at all, a line beyond the axis."""
    model, truth, _ = world("emg", 600, 300, 1)
    x, scale = AXES[600]
    hole = 400.0 - model(x, truth, scale=scale)
    beyond = model(x, [truth[0], 2.60, *truth[2:]], scale=scale)
    fit = fitted(np.array([hole, np.zeros(600), beyond]), model, truth)
    assert not fit.converged.any()
    assert np.isnan(fit.parameters).all()


def test_a_model_that_is_wrong_everywhere_is_followed_all_the_same() -> None:
    """Real lines are no EMG: every χ² is large, and none is a reason to begin anew each time."""
    model, truth, _ = world("emg", 600, 300, 1)
    x, scale = AXES[600]
    ripple = model(x, truth, scale=scale) * 100 * (1 + 0.2 * np.sin(x / 0.005))
    spectra = np.random.default_rng(4).poisson(ripple, (60, 600))
    fit = fitted(spectra, model, truth * [100.0, 1.0, 1.0, 1.0, 100.0, 1.0])
    assert fit.converged.all()
    assert (fit.lack_of_fit > POOR_FIT).all()
    assert np.median(fit.steps[5:]) < 10


def test_shared_noise_is_a_part_of_the_total() -> None:
    model, truth, spectra = world("emg", 600, 40, 20)
    x, scale = AXES[600]
    start = dict(zip(model.names, truth, strict=True))

    def fit(noise: CountNoise) -> SpectralFit:
        return fit_spectra(model, x, spectra, start=start, noise=noise, scale=scale)

    apart, together = fit(CountNoise(1.0, 3.0, 9.0)), fit(CountNoise(1.0, 12.0))
    np.testing.assert_allclose(
        apart.covariance + apart.shared_covariance, together.covariance, rtol=1e-9, atol=1e-15
    )
    assert (apart.shared_covariance[:, 1, 1] > 0).all()
    assert (apart.covariance[:, 1, 1] > 0).all()
    assert not together.shared_covariance.any()

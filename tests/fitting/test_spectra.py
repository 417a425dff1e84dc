"""Fits of blocks of spectra: unbiased, with honest covariances, and frank about failure."""

import numpy as np
import pytest
from scipy.optimize import minimize

from labcool.errors import LimitError
from labcool.fitting.guess import guess_line
from labcool.fitting.spectra import CountNoise, SpectralFit, fit_spectra
from labcool.fitting.spectral_model import Line, SpectralModel

X = np.linspace(2.25, 2.55, 600)
MODEL = SpectralModel([Line("pl")], 1)
SIGMA, TAIL, CENTRE = 0.025, 0.02, 2.41


def truth(peak: float, background: float = 2.0) -> np.ndarray:
    unit = MODEL(X, [1.0, CENTRE, SIGMA, TAIL, 0.0, 0.0]).max()
    return np.array([peak / unit, CENTRE, SIGMA, TAIL, background, 0.2 * background])


def counted(parameters: np.ndarray, n: int, seed: int) -> np.ndarray:
    expected = MODEL(X, parameters)
    return np.random.default_rng(seed).poisson(expected, (n, X.size)).astype(np.float64)


def start(parameters: np.ndarray) -> dict[str, float]:
    """Wrong by two sigma in position and by a factor of two in the widths."""
    wrong = dict(zip(MODEL.names, map(float, parameters), strict=True))
    wrong["pl.centre"] += 2 * SIGMA
    wrong["pl.sigma"] *= 2
    wrong["pl.tail"] *= 2
    return wrong


def pulls(fit: SpectralFit, parameters: np.ndarray) -> np.ndarray:
    spread = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
    return (fit.parameters - parameters)[fit.converged] / spread[fit.converged]


@pytest.mark.parametrize("peak", [40, 400, 4000, 40_000])
@pytest.mark.parametrize("warm", [True, False])
def test_converges_without_bias_and_the_covariance_is_the_scatter(peak: float, warm: bool) -> None:
    parameters = truth(peak)
    spectra = counted(parameters, 1000, seed=peak)
    fit = fit_spectra(
        MODEL, X, spectra, start=start(parameters), noise=CountNoise(), warm_start=warm
    )
    assert fit.converged.mean() >= 0.995
    z = pulls(fit, parameters)
    assert (np.abs(z.mean(axis=0)) < 0.1 + 3 / np.sqrt(1000)).all()
    assert (np.abs(z.std(axis=0) - 1) < 0.12).all()
    assert fit.chi2.mean() / fit.degrees_of_freedom[0] == pytest.approx(1, abs=0.02)


def test_is_the_maximum_of_the_poisson_likelihood() -> None:
    parameters = truth(25.0)
    spectrum = counted(parameters, 1, seed=3)[0]
    fit = fit_spectra(MODEL, X, spectrum, start=start(parameters), noise=CountNoise())

    def minus_log_likelihood(p: np.ndarray) -> float:
        expected = np.maximum(MODEL(X, p), 1e-12)
        return float(np.sum(expected - spectrum * np.log(expected)))

    best = minimize(
        minus_log_likelihood, parameters, method="Nelder-Mead",
        options={"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-9, "fatol": 1e-9},
    )  # fmt: skip
    spread = np.sqrt(np.diagonal(fit.covariance[0]))
    assert (np.abs(fit.parameters[0] - best.x) < 0.02 * spread).all()


def test_weights_from_the_data_would_be_biased() -> None:
    """Why weights come from the model: at a peak of 39 counts the others are off by sigmas."""
    parameters = truth(39.0)
    spectra = counted(parameters, 200, seed=4)
    good = fit_spectra(MODEL, X, spectra, start=start(parameters), noise=CountNoise())
    bad = [
        fit_spectra(
            MODEL, X, spectrum, start=start(parameters),
            noise=CountNoise(0.0, np.maximum(spectrum, 1.0)),
        )
        for spectrum in spectra
    ]  # fmt: skip
    area = np.array([fit.value("pl.area")[0] for fit in bad])
    scatter = good.std("pl.area").mean()
    assert (area.mean() - parameters[0]) / scatter < -1.0
    assert abs(good.value("pl.area").mean() - parameters[0]) / scatter < 0.2


def test_camera_noise_and_a_measured_background() -> None:
    """Gain 2.5 e/count, an EM register (variance doubled), read noise, stray light measured."""
    rng = np.random.default_rng(6)
    parameters = truth(600.0, 0.0)
    stray = 80.0 + 40.0 * np.sin(20 * X)
    electrons = 2.5 * (MODEL(X, parameters) + stray)
    noise = np.sqrt(2 * electrons)
    spectra = (electrons + rng.normal(size=(800, X.size)) * noise) / 2.5
    spectra += rng.normal(0, 3.0, spectra.shape)
    fit = fit_spectra(
        MODEL, X, spectra, start=start(parameters), offset=stray,
        noise=CountNoise(shot=2 / 2.5, floor=9.0),
    )  # fmt: skip
    z = pulls(fit, parameters)
    assert fit.converged.all()
    assert (np.abs(z.mean(axis=0)) < 0.15).all()
    assert (np.abs(z.std(axis=0) - 1) < 0.1).all()


def test_averages_of_different_number() -> None:
    parameters = truth(100.0)
    spectra = np.vstack(
        [counted(parameters, 1, seed=7), counted(parameters, 400, seed=8).mean(0, keepdims=True)]
    )
    fit = fit_spectra(
        MODEL, X, spectra, start=start(parameters), noise=CountNoise(shot=np.array([1.0, 1 / 400]))
    )
    assert fit.std("pl.centre")[0] == pytest.approx(20 * fit.std("pl.centre")[1], rel=0.15)
    assert (fit.chi2 / fit.degrees_of_freedom < 1.3).all()


def test_two_lines() -> None:
    model = SpectralModel([Line("first"), Line("second")], 0)
    parameters = np.array([4e5, 2.37, 0.015, 0.01, 2e5, 2.44, 0.012, 0.01, 20.0])
    rng = np.random.default_rng(9)
    spectra = rng.poisson(model(X, parameters), (200, X.size))
    begin = dict(zip(model.names, parameters * 1.01, strict=True))
    begin |= {"first.centre": 2.372, "second.centre": 2.437, "first.sigma": 0.02}
    fit = fit_spectra(model, X, spectra, start=begin, noise=CountNoise())
    assert fit.converged.all()
    z = pulls(fit, parameters)
    assert (np.abs(z.mean(axis=0)) < 0.25).all()
    assert (np.abs(z.std(axis=0) - 1) < 0.2).all()


def test_pixels_that_do_not_count() -> None:
    parameters = truth(400.0)
    spectra = counted(parameters, 50, seed=10)
    broken = spectra.copy()
    broken[:, 100:140] = 1e6
    broken[3, 300] = np.nan
    mask = np.ones(X.size, np.bool_)
    mask[100:140] = False
    fit = fit_spectra(MODEL, X, broken, start=start(parameters), noise=CountNoise(), mask=mask)
    whole = fit_spectra(MODEL, X, spectra, start=start(parameters), noise=CountNoise())
    assert fit.converged.all()
    assert (fit.degrees_of_freedom[[0, 3]] == [600 - 40 - 6, 600 - 41 - 6]).all()
    assert np.allclose(fit.value("pl.centre"), CENTRE, atol=6 * whole.std("pl.centre")[0])


def test_hopeless_spectra_are_said_to_be_so() -> None:
    parameters = truth(400.0)
    spectra = counted(parameters, 4, seed=11)
    spectra[1] = 0.0
    spectra[2] = np.nan
    fit = fit_spectra(MODEL, X, spectra, start=start(parameters), noise=CountNoise())
    assert fit.converged.tolist() == [True, False, False, True]
    assert np.isnan(fit.parameters[1:3]).all()
    assert np.isnan(fit.covariance[1:3]).all()
    assert fit.value("pl.centre")[3] == pytest.approx(CENTRE, abs=0.005)


def test_a_parameter_at_its_bound_has_no_uncertainty() -> None:
    model = SpectralModel([Line("g", "pseudo_voigt")], 0)
    rng = np.random.default_rng(12)
    gauss = SpectralModel([Line("g", "gaussian")], 0)
    spectra = rng.poisson(gauss(X, [1e6, 2.4, 0.02, 50.0]), (40, X.size))
    begin = {
        "g.area": 9e5, "g.centre": 2.41, "g.fwhm": 0.06, "g.mixing": 0.3, "background.0": 40.0
    }  # fmt: skip
    fit = fit_spectra(model, X, spectra, start=begin, noise=CountNoise())
    stuck = fit.at_bound[:, fit.index("g.mixing")]
    assert 0.2 < stuck.mean() < 0.8
    assert np.isnan(fit.std("g.mixing")[stuck]).all()
    assert np.isfinite(fit.std("g.fwhm")[fit.converged]).all()


@pytest.mark.parametrize("shape", ["gaussian", "lorentzian", "pseudo_voigt", "emg"])
@pytest.mark.parametrize("peak", [30, 3000])
def test_the_guess_is_good_enough(shape: str, peak: float) -> None:
    model = SpectralModel([Line("a", shape)], 1)  # type: ignore[arg-type]
    widths = {
        "gaussian": [0.02],
        "lorentzian": [0.04],
        "pseudo_voigt": [0.04, 0.5],
        "emg": [0.02, 0.03],
    }
    line = [1.0, 2.38, *widths[shape]]
    unit = model(X, [*line, 0.0, 0.0]).max()
    parameters = np.array([peak / unit, *line[1:], 4.0, 1.0])
    spectra = np.random.default_rng(13).poisson(model(X, parameters), (300, X.size))
    begin = guess_line(model, X, spectra)
    fit = fit_spectra(model, X, spectra, start=begin, noise=CountNoise(), warm_start=False)
    assert fit.converged.mean() > 0.98
    centre = fit.value("a.centre")[fit.converged]
    assert abs(np.median(centre) - 2.38) < 0.2 * np.std(centre) + 1e-4


@pytest.mark.parametrize("k", [2.0, 10.0])
def test_scaling_exposure_scales_area_and_signal_to_noise(k: float) -> None:
    parameters = truth(1000.0)
    expected = MODEL(X, parameters)
    noise = CountNoise(1.0, 4.0)
    once = fit_spectra(MODEL, X, expected, start=start(parameters), noise=noise)
    begin = start(truth(1000.0 * k, 2.0 * k))
    noise = CountNoise(1.0, 4.0 * k)
    longer = fit_spectra(MODEL, X, k * expected, start=begin, noise=noise)
    assert longer.value("pl.area")[0] == pytest.approx(k * once.value("pl.area")[0], rel=1e-6)
    assert longer.std("pl.centre")[0] == pytest.approx(once.std("pl.centre")[0] / k**0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": {"pl.area": 1.0}}, "start parameters"),
        ({"noise": CountNoise(-1.0)}, "shot noise"),
        ({"noise": CountNoise(1.0, np.nan)}, "noise floor"),
        ({"noise": CountNoise(1.0, np.ones(7))}, "noise floor"),
        ({"noise": CountNoise(1.0, np.ones((5, 600)))}, "noise floor"),
        ({"noise": CountNoise(1.0, 0.0, np.ones(7))}, "shared noise"),
        ({"start": {**start(truth(100.0)), "pl.area": np.ones(7)}}, "start of pl.area"),
        ({"mask": np.ones(3, bool)}, "mask"),
        ({"offset": np.ones(3)}, "offset"),
        ({"lower": {"pl.sigma": 0.08}}, "start of pl.sigma"),
        ({"upper": {"pl.sigma": -5.0}}, "bounds"),
    ],
)
def test_refuses(change: dict[str, object], field: str) -> None:
    parameters = truth(100.0)
    good = {"start": start(parameters), "noise": CountNoise()}
    with pytest.raises(LimitError, match=field):
        fit_spectra(MODEL, X, counted(parameters, 2, seed=1), **{**good, **change})  # type: ignore[arg-type]


def test_refuses_another_number_of_pixels() -> None:
    with pytest.raises(LimitError, match="spectra"):
        fit_spectra(MODEL, X, np.ones((2, 5)), start=start(truth(10.0)), noise=CountNoise())

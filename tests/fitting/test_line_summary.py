"""Maximum, width and mean of fitted lines, against plots read off finely and against scatter."""

import numpy as np
import pytest
from blind_worlds import unit_line

from labcool.fitting.line_summary import line_fwhm, line_maximum, line_mean
from labcool.fitting.spectra import CountNoise, SpectralFit, fit_spectra
from labcool.fitting.spectral_model import Line, SpectralModel

X = np.linspace(2.2, 2.6, 500)


def fitted(line: Line, *values: float, std: float = 1e-7) -> SpectralFit:
    count = len(values)
    return SpectralFit(
        SpectralModel([line], None).names,
        np.array([values]),
        np.diag(np.full(count, std**2))[np.newaxis],
        np.zeros((1, count, count)),
        np.ones(1),
        np.zeros(1),
        np.ones(1, np.int64),
        np.ones(1, np.bool_),
        np.zeros((1, count), np.bool_),
        np.ones(1, np.int64),
    )


@pytest.mark.parametrize("ratio", [1e-3, 0.01, 0.05, 0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize(("tail", "sign"), [("low", 1), ("high", -1)])
def test_emg(ratio: float, tail: str, sign: int) -> None:
    line = Line("pl", "emg", tail)  # type: ignore[arg-type]
    fit = fitted(line, 1.0, 2.4, 0.02, 0.02 * ratio)
    width, top = unit_line(max(ratio, 1e-9))
    assert line_fwhm(line, fit).value[0] == pytest.approx(0.02 * width, rel=2e-6)
    assert line_maximum(line, fit).value[0] == pytest.approx(2.4 + sign * 0.02 * top, abs=2e-7)
    assert line_mean(line, fit).value[0] == pytest.approx(2.4 - sign * 0.02 * ratio)


@pytest.mark.parametrize("ratio", [0.003, 0.02, 0.4, 1.0, 5.0])
def test_std_follows_from_derivatives(ratio: float) -> None:
    line = Line("pl")
    values = np.array([1.0, 2.4, 0.02, 0.02 * ratio])
    for read in (line_fwhm, line_maximum):
        gradient = []
        for index in range(4):
            step = np.zeros(4)
            step[index] = 2e-3 * values[index] if index != 1 else 1e-4
            high, low = (read(line, fitted(line, *(values + s))).value[0] for s in (step, -step))
            gradient.append((high - low) / (2 * step[index]))
        expected = np.sqrt(np.sum(np.square(gradient)))
        found = read(line, fitted(line, *values, std=1e-7)).std[0]
        assert found / 1e-7 == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "values", "fwhm"),
    [
        ("gaussian", (1.0, 2.4, 0.02), 0.02 * 2.3548200450309493),
        ("lorentzian", (1.0, 2.4, 0.03), 0.03),
        ("pseudo_voigt", (1.0, 2.4, 0.03, 0.4), 0.03),
    ],
)
def test_other_shapes(shape: str, values: tuple[float, ...], fwhm: float) -> None:
    line = Line("a", shape)  # type: ignore[arg-type]
    fit = fitted(line, *values)
    assert line_fwhm(line, fit).value[0] == pytest.approx(fwhm)
    assert line_maximum(line, fit).value[0] == 2.4
    assert line_mean(line, fit).value[0] == 2.4


@pytest.mark.parametrize("ratio", [0.05, 0.8])
def test_errors_of_a_nearly_gaussian_line_cancel(ratio: float) -> None:
    """Sigma, centre and tail are then hardly known, width and maximum as well as ever."""
    line, sigma = Line("pl"), 0.03
    model = SpectralModel([line], 0)
    truth = np.array([2e5, 2.4, sigma, ratio * sigma, 10.0])
    spectra = np.random.default_rng(1).poisson(model(X, truth), (400, X.size))
    start = dict(zip(model.names, truth, strict=True))
    fit = fit_spectra(model, X, spectra, start=start, noise=CountNoise())
    for read in (line_fwhm, line_maximum):
        found = read(line, fit)
        known = np.isfinite(found.std)
        assert known.mean() > 0.9
        scatter = np.std(found.value[known])
        assert np.quantile(found.std[known], 0.99) < 2.0 * scatter
        assert np.median(found.std[known]) == pytest.approx(scatter, rel=0.2)

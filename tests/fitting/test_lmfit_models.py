"""lmfit, given the same model and weights, ends where labcool ends."""

import numpy as np
import pytest

from labcool.fitting.lmfit_models import lmfit_model, lmfit_name, lmfit_parameters
from labcool.fitting.spectra import CountNoise, fit_spectra
from labcool.fitting.spectral_model import Line, SpectralModel

X = np.linspace(2.25, 2.55, 300)
MODEL = SpectralModel([Line("pl")], 0)
TRUTH = dict(zip(MODEL.names, [8e4, 2.41, 0.025, 0.02, 20.0], strict=True))


def test_same_optimum_and_same_uncertainties() -> None:
    expected = MODEL(X, list(TRUTH.values()))
    spectrum = np.random.default_rng(1).poisson(expected).astype(np.float64)
    std = np.sqrt(expected)
    begin = {**TRUTH, "pl.centre": 2.42, "pl.sigma": 0.03}
    ours = fit_spectra(MODEL, X, spectrum, start=begin, noise=CountNoise(0.0, std**2))
    theirs = lmfit_model(MODEL).fit(
        spectrum, lmfit_parameters(MODEL, X, begin), x=X, weights=1 / std, scale_covar=False
    )
    for name in MODEL.names:
        found = theirs.params[lmfit_name(name)]
        assert found.value == pytest.approx(ours.value(name)[0], abs=2e-3 * ours.std(name)[0])
        assert found.stderr == pytest.approx(ours.std(name)[0], rel=0.01)

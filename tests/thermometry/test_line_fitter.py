"""The fit of the line: order of spectra, masks, backgrounds, and what is refused."""

from __future__ import annotations

from typing import Any

import blind_worlds as worlds
import numpy as np
import pytest
from blind_settings import DARK, EXPOSURE_S, NOISE, exact_curve

from labcool.errors import LimitError
from labcool.fitting.quality import POOR_FIT
from labcool.thermometry import Flag, LineFitter, LineShapeThermometer

KELVIN = 283.0
WORLD = worlds.line_of_width(300.0)


def fitter(**more: Any) -> LineFitter:
    return LineFitter(worlds.PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=DARK, **more)


def drawn(n: int, seed: int = 1) -> np.ndarray:
    return WORLD.draw(KELVIN, n, np.random.default_rng(seed))


def dark_frame(rng: np.random.Generator) -> np.ndarray:
    return worlds.BIAS_COUNTS + rng.normal(0, worlds.READ_NOISE_COUNTS, worlds.PIXELS.size)


def broken(kind: str, spectrum: np.ndarray) -> np.ndarray:
    if kind == "zero":
        return np.zeros(spectrum.size)
    if kind == "saturated":
        return np.minimum((spectrum - worlds.BIAS_COUNTS) * 1000 + worlds.BIAS_COUNTS, 65_535.0)
    ray = dark_frame(np.random.default_rng(3))
    ray[300] += 60_000.0
    return ray


@pytest.mark.parametrize("kind", ["zero", "saturated", "cosmic ray"])
@pytest.mark.parametrize("index", [0, 10])
def test_one_broken_spectrum_in_a_block(kind: str, index: int) -> None:
    spectra = drawn(40)
    clean = fitter().fit(spectra, exposure=EXPOSURE_S)
    spectra[index] = broken(kind, spectra[index])
    fit = fitter().fit(spectra, exposure=EXPOSURE_S)
    others = np.arange(40) != index
    std = np.sqrt(np.diagonal(clean.covariance, axis1=1, axis2=2))
    assert fit.converged[others].all()
    assert np.abs((fit.parameters - clean.parameters) / std)[others].max() < 0.01
    curve = exact_curve("fwhm", worlds.line_fwhm)
    found = LineShapeThermometer(fitter(), curve, observable="fwhm").from_fit(fit)
    assert found.flags[index] != 0
    assert not found.flags[others].any()


@pytest.mark.parametrize("peak", [300.0, 20_000.0])
def test_several_broken_spectra_anywhere(peak: float) -> None:
    rng = np.random.default_rng(8)
    for _ in range(10):
        spectra = worlds.line_of_width(peak).draw(KELVIN, 40, rng)
        hit = rng.choice(40, 4, replace=False)
        spectra[hit[0]] = broken("saturated", spectra[hit[0]])
        spectra[hit[1]] = 0.0
        spectra[hit[2]] = dark_frame(rng)
        spectra[hit[3], rng.integers(480)] += 5e4
        fit = fitter().fit(spectra, exposure=EXPOSURE_S)
        fine = np.delete(np.arange(40), hit)
        assert fit.converged[fine].all()
        assert (fit.lack_of_fit[fine] < POOR_FIT).all()


def test_a_mask_for_each_spectrum() -> None:
    """Pixels that are masked may hold anything; the spectrum is not flagged for them."""
    spectra = drawn(30)
    mask = np.random.default_rng(9).random(spectra.shape) > 0.1
    expected = fitter().fit(spectra, exposure=EXPOSURE_S)
    spectra[~mask] = 60_000.0
    fit = fitter().fit(spectra, exposure=EXPOSURE_S, mask=mask)
    assert fit.converged.all()
    assert (fit.lack_of_fit < POOR_FIT).all()
    inside = fitter().window.pixels
    freedom = mask[:, inside].sum(axis=1) - len(fit.names)
    assert (fit.degrees_of_freedom == freedom).all()
    std = expected.std("line.centre")
    assert (np.abs(fit.value("line.centre") - expected.value("line.centre")) < 3 * std).all()
    curve = exact_curve("fwhm", worlds.line_fwhm)
    found = LineShapeThermometer(fitter(), curve, observable="fwhm").from_fit(fit)
    assert not found.flags.any()


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(LimitError, match="mask"):
        fitter().fit(drawn(3), exposure=EXPOSURE_S, mask=np.ones((2, 480), np.bool_))


def test_a_measured_background() -> None:
    """Stray light with a shape of its own, measured without the sample at another exposure."""
    per_second = 200.0 + 150.0 * np.sin(worlds.PIXELS / 6.0)
    light = WORLD.expect(KELVIN, *WORLD.nuisance) + per_second * EXPOSURE_S
    rng = np.random.default_rng(10)
    electrons = rng.poisson(light * worlds.GAIN_E_PER_COUNT, (1000, 480))
    spectra = worlds.BIAS_COUNTS + electrons / worlds.GAIN_E_PER_COUNT
    spectra += rng.normal(0, worlds.READ_NOISE_COUNTS, spectra.shape)
    curve = exact_curve("fwhm", worlds.line_fwhm)
    told = fitter(background=per_second)
    found = LineShapeThermometer(told, curve, observable="fwhm").estimate(
        spectra, exposure=EXPOSURE_S
    )
    pulls = (found.value - KELVIN) / found.std
    assert not found.flags.any()
    assert abs(pulls.mean()) < 0.12
    assert pulls.std() == pytest.approx(1.0, abs=0.07)
    blind = LineShapeThermometer(fitter(), curve, observable="fwhm").estimate(
        spectra, exposure=EXPOSURE_S
    )
    assert ((blind.flags & int(Flag.POOR_FIT)) != 0).all()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"response": np.full(480, -1.0)}, "response"),
        ({"response": np.zeros(480)}, "response"),
        ({"response": np.full(480, np.nan)}, "response"),
        ({"response": np.ones(479)}, "response"),
        ({"background": np.ones(3)}, "background"),
        ({"background": np.full(480, np.inf)}, "background"),
    ],
)
def test_refuses(more: dict[str, Any], field: str) -> None:
    with pytest.raises(LimitError, match=field):
        fitter(**more)

"""Inputs that are broken: a flag or a clear error, never a plausible wrong number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import blind_worlds as worlds
import numpy as np
import pytest
from blind_settings import (
    BAND_NM,
    DARK,
    EXPOSURE_S,
    FLUENCE,
    NOISE,
    exact_activation_energy,
    exact_curve,
)

from labcool.errors import LimitError
from labcool.thermometry import (
    Arrhenius,
    Estimate,
    Flag,
    LineFitter,
    LineShapeThermometer,
    RamanRatio,
    Reference,
    TailRatio,
    TailSlope,
)

KELVIN = 285.0
LINE = worlds.line_of_width(3000.0)
TAIL = worlds.tail_world(3000.0)
SILICON = worlds.raman_world(1e6)


def reference(world: worlds.World) -> Reference:
    light = world.draw(worlds.ROOM_K, 1, np.random.default_rng(1), 50)[0]
    return Reference(light, 50, EXPOSURE_S, FLUENCE, worlds.ROOM_K, 0.0)


def line_shape(observable: Any, curve: Callable[[float], float]) -> Any:
    fitter = LineFitter(worlds.PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=DARK)
    return LineShapeThermometer(
        fitter, exact_curve(observable, curve, (260.0, 310.0)), observable=observable
    )


MAKERS: dict[str, tuple[worlds.World, Callable[[], Any]]] = {
    "arrhenius": (
        worlds.arrhenius_world(3000.0),
        lambda: Arrhenius(
            exact_activation_energy(),
            references=[reference(worlds.arrhenius_world(3000.0))],
            dark=DARK,
            band=BAND_NM,
            wavelengths=worlds.PIXELS,
            noise=NOISE,
        ),
    ),
    "tail_slope": (
        TAIL,
        lambda: TailSlope(worlds.PIXELS, worlds.TAIL_WINDOW_EV, noise=NOISE, dark=DARK),
    ),
    "tail_ratio": (
        TAIL,
        lambda: TailRatio(
            worlds.PIXELS, worlds.TAIL_WINDOW_EV, reference=reference(TAIL), noise=NOISE, dark=DARK
        ),
    ),
    "line_width": (LINE, lambda: line_shape("fwhm", worlds.line_fwhm)),
    "peak_shift": (worlds.line_of_position(3000.0), lambda: line_shape("peak", worlds.line_centre)),
    "raman": (
        SILICON,
        lambda: RamanRatio(
            worlds.PIXELS, laser=worlds.LASER_NM, fwhm=worlds.RAMAN_FWHM_NM, half_window=5.0,
            noise=NOISE, dark=DARK,
        ),
    ),
}  # fmt: skip

every = pytest.mark.parametrize("name", MAKERS)
DISQUALIFIED = (
    Flag.TOO_FEW_COUNTS
    | Flag.LINE_LOST
    | Flag.NOT_CONVERGED
    | Flag.BAD_PIXELS
    | Flag.OUT_OF_RANGE
    | Flag.SATURATED
)


def good(name: str, n: int = 5) -> np.ndarray:
    return MAKERS[name][0].draw(KELVIN, n, np.random.default_rng(2))


def read(name: str, spectra: np.ndarray, **more: Any) -> Estimate:
    given = {"exposure": EXPOSURE_S, "fluence": FLUENCE, **more}
    return MAKERS[name][1]().estimate(spectra, **given)


def distrusted(estimate: Estimate) -> np.ndarray:
    return (estimate.flags & int(DISQUALIFIED)) != 0


@every
def test_one_spectrum_and_a_block_agree(name: str) -> None:
    spectra = good(name)
    block = read(name, spectra)
    single = read(name, spectra[0])
    assert single.value.shape == (1,)
    assert single.value[0] == pytest.approx(block.value[0], abs=1e-2 * block.std[0])
    assert not distrusted(block).any()


@every
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_no_number(name: str, hole: float) -> None:
    spectra = good(name)
    for pixel in range(40, 480, 3):
        spectra[2, pixel] = hole
    found = read(name, spectra)
    assert np.isnan(found.value[2]) or distrusted(found)[2]
    assert np.isfinite(np.delete(found.value, 2)).all()


@every
def test_no_light_at_all(name: str) -> None:
    spectra = good(name)
    rng = np.random.default_rng(3)
    spectra[1] = worlds.BIAS_COUNTS + rng.normal(0, worlds.READ_NOISE_COUNTS, 480)
    spectra[3] = worlds.BIAS_COUNTS
    spectra[4] = 0.0
    found = read(name, spectra)
    assert distrusted(found)[[1, 3, 4]].all()
    assert not distrusted(found)[[0, 2]].any()


@every
def test_saturation_is_told(name: str) -> None:
    found = read(name, good(name), saturated=[False, True, False, False, True])
    assert ((found.flags & int(Flag.SATURATED)) != 0).tolist() == [False, True, False, False, True]


@every
@pytest.mark.parametrize("shape", [(480,), (5, 479), (2, 3, 480)])
def test_a_wrong_number_of_pixels(name: str, shape: tuple[int, ...]) -> None:
    if shape == (480,):
        shape = (481,)
    with pytest.raises(LimitError, match="spectra"):
        read(name, np.ones(shape))


@every
def test_an_exposure_that_cannot_be(name: str) -> None:
    for exposure in (0.0, -1.0, np.nan):
        with pytest.raises(LimitError, match="exposure"):
            read(name, good(name), exposure=exposure)


@pytest.mark.parametrize("name", ["tail_slope", "tail_ratio"])
def test_an_empty_window_and_one_pixel(name: str) -> None:
    make = {"tail_slope": TailSlope, "tail_ratio": TailRatio}[name]
    more = {} if name == "tail_slope" else {"reference": reference(TAIL)}
    for window in ((3.0, 3.1), (2.5, 2.4), (2.5000, 2.5001)):
        with pytest.raises(LimitError, match="fit window"):
            make(worlds.PIXELS, window, noise=NOISE, dark=DARK, **more)


@every
def test_k_times_the_light_gives_the_same_temperature(name: str) -> None:
    """Counts × k: the temperature stays (Arrhenius: with the fluence × k), the std falls as √k."""
    world = MAKERS[name][0]
    clean = world.expect(KELVIN, *world.nuisance)
    one = read(name, worlds.BIAS_COUNTS + clean)
    many = read(name, worlds.BIAS_COUNTS + 16 * clean, fluence=16 * FLUENCE)
    assert many.value[0] == pytest.approx(one.value[0], abs=0.1 * one.statistical[0])
    assert one.statistical[0] / many.statistical[0] == pytest.approx(4.0, rel=0.12)


def test_another_exposure_than_the_reference_is_no_other_temperature() -> None:
    world, make = MAKERS["tail_ratio"]
    longer = worlds.BIAS_COUNTS + 3 * world.expect(KELVIN, *world.nuisance)
    found = make().estimate(longer, exposure=3 * EXPOSURE_S)
    assert found.value[0] == pytest.approx(KELVIN, abs=3 * found.std[0])
    world, make = MAKERS["arrhenius"]
    longer = worlds.BIAS_COUNTS + 3 * world.expect(KELVIN)
    found = make().estimate(longer, exposure=3 * EXPOSURE_S, fluence=FLUENCE)
    assert found.value[0] == pytest.approx(KELVIN, abs=3 * found.std[0])


def test_a_shifted_wavelength_axis_is_out_of_the_calibration_or_harmless() -> None:
    """3 nm: the peak reads far outside its calibration, width and tail ratio do not care."""
    shifted = np.roll(good("peak_shift"), 16, axis=1)
    assert (read("peak_shift", shifted).flags & int(Flag.OUT_OF_RANGE)).all()
    width = read("line_width", np.roll(good("line_width"), 16, axis=1))
    assert np.abs(width.value - KELVIN).max() < 6 * width.std.max() + 2.0


def test_a_notch_over_the_peak() -> None:
    """Told about it, the fit goes on without those pixels; not told, χ² betrays it."""
    spectra = LINE.draw(KELVIN, 20, np.random.default_rng(5))
    inside = (worlds.PIXELS > 511.0) & (worlds.PIXELS < 518.0)
    spectra[:, inside] = worlds.BIAS_COUNTS
    told = LineFitter(
        worlds.PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=DARK, good=~inside
    ).fit(spectra, exposure=EXPOSURE_S)
    assert told.converged.all()
    assert np.median(told.chi2 / told.degrees_of_freedom) < 1.2
    blind = LineFitter(worlds.PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=DARK)
    fit = blind.fit(spectra, exposure=EXPOSURE_S)
    assert (~fit.converged | (fit.chi2 / fit.degrees_of_freedom > 5)).all()
    curve = exact_curve("fwhm", worlds.line_fwhm)
    found = LineShapeThermometer(blind, curve, observable="fwhm").from_fit(fit)
    assert distrusted(found).all()


def test_the_anti_stokes_line_sinks_into_the_noise() -> None:
    """R-raman: then there is an upper limit, and it holds in 95 % of the spectra."""
    weak = worlds.raman_world(150.0)
    spectra = weak.draw(265.0, 2000, np.random.default_rng(6))
    found = read("raman", spectra)
    lost = (found.flags & int(Flag.LINE_LOST)) != 0
    assert lost.mean() > 0.9
    assert np.isnan(found.value[lost]).all()
    assert found.upper_limit is not None
    assert np.mean(found.upper_limit[lost] >= 265.0) >= 0.94
    assert np.isnan(found.upper_limit[~lost]).all()

"""The same call for every thermometer, and what it refuses by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
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

from labcool.calibration import ArrheniusCalibration
from labcool.errors import LimitError
from labcool.thermometry import (
    Arrhenius,
    Dark,
    DifferentialThermometer,
    Flag,
    LineFitter,
    LineShapeThermometer,
    LogDerivative,
    RamanRatio,
    Reference,
    SpectralWindow,
    TailRatio,
    TailSlope,
)

PIXELS = worlds.PIXELS
TAIL = worlds.tail_world(3000.0)
BAND = worlds.arrhenius_world(3000.0)


def reference(world: worlds.World) -> Reference:
    light = worlds.BIAS_COUNTS + world.expect(worlds.ROOM_K, *world.nuisance)
    return Reference(light, 50, EXPOSURE_S, FLUENCE, worlds.ROOM_K, 0.0)


def arrhenius(dark: Any = DARK, **more: Any) -> Arrhenius:
    calibration = more.pop("calibration", exact_activation_energy())
    settings = {"references": [reference(BAND)], **more}
    return Arrhenius(
        calibration, dark=dark, band=BAND_NM, wavelengths=PIXELS, noise=NOISE, **settings
    )


def line_shape(dark: Any) -> LineShapeThermometer:
    fitter = LineFitter(PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=dark)
    return LineShapeThermometer(fitter, exact_curve("fwhm", worlds.line_fwhm), observable="fwhm")


def differential(dark: Any) -> DifferentialThermometer:
    window = SpectralWindow(PIXELS, worlds.TAIL_WINDOW_EV, noise=NOISE, dark=dark)
    derivative = LogDerivative((window.energies - 2.5) / 2.2, 0.0, worlds.ROOM_K)
    return DifferentialThermometer(window, derivative, base_temperature=worlds.ROOM_K)


MAKERS: dict[str, tuple[worlds.World, Callable[[Any], Any]]] = {
    "arrhenius": (BAND, arrhenius),
    "tail_slope": (
        TAIL,
        lambda dark: TailSlope(PIXELS, worlds.TAIL_WINDOW_EV, noise=NOISE, dark=dark),
    ),
    "tail_ratio": (
        TAIL,
        lambda dark: TailRatio(
            PIXELS, worlds.TAIL_WINDOW_EV, reference=reference(TAIL), noise=NOISE, dark=dark
        ),
    ),
    "line_width": (worlds.line_of_width(3000.0), line_shape),
    "raman": (
        worlds.raman_world(1e6),
        lambda dark: RamanRatio(
            PIXELS, laser=worlds.LASER_NM, fwhm=worlds.RAMAN_FWHM_NM, half_window=5.0,
            noise=NOISE, dark=dark,
        ),
    ),
    "differential": (TAIL, differential),
}  # fmt: skip

every = pytest.mark.parametrize("name", MAKERS)


def read(name: str, *, dark: Any = DARK, **changes: Any) -> Any:
    world, make = MAKERS[name]
    spectra = world.draw(worlds.ROOM_K, 5, np.random.default_rng(2))
    given = {"exposure": EXPOSURE_S, "fluence": FLUENCE, **changes}
    if name == "differential":
        given["pump_on"] = np.array([False, True, True, True, False])
    return make(dark).estimate(spectra, **given)


@every
def test_says_what_it_is(name: str) -> None:
    made = MAKERS[name][1](DARK)
    assert made.name == name
    assert isinstance(made.calibration_id, str)
    low, high = made.valid_range
    assert 0 < low < worlds.ROOM_K < high
    assert np.isfinite(read(name).value[1:4]).all()


@every
@pytest.mark.parametrize("saturated", [[True] * 3, np.zeros((5, 480), np.bool_), [[True]]])
def test_saturated_of_a_wrong_shape(name: str, saturated: Any) -> None:
    with pytest.raises(LimitError, match=r"saturated = shape .* \(5,\)"):
        read(name, saturated=saturated)


@every
def test_all_saturated_in_one_word(name: str) -> None:
    flags = read(name, saturated=True).flags
    assert ((flags & int(Flag.SATURATED)) != 0).all()


@every
@pytest.mark.parametrize("count", [3, 1, 6])
def test_exposures_of_a_wrong_shape(name: str, count: int) -> None:
    with pytest.raises(LimitError, match=r"exposure.* = shape .* \(5,\)"):
        read(name, exposure=np.full(count, EXPOSURE_S))


@every
def test_exposures_that_are_the_same_but_for_rounding(name: str) -> None:
    rounded = EXPOSURE_S * (1 + np.array([0, 1, -2, 3, 2]) * 1e-4)
    assert read(name, exposure=rounded).value[1:4] == pytest.approx(read(name).value[1:4], abs=0.1)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "arrhenius"])
def test_several_exposures_go_one_by_one(name: str) -> None:
    several = np.array([EXPOSURE_S] * 4 + [EXPOSURE_S * 1.01])
    with pytest.raises(LimitError, match="Call once for each exposure"):
        read(name, exposure=several)


@every
@pytest.mark.parametrize("averages", [0, -1, np.nan, 2.5, True])
def test_averages_that_cannot_be(name: str, averages: Any) -> None:
    with pytest.raises(LimitError, match="averages"):
        read(name, averages=averages)


@every
@pytest.mark.parametrize("pixels", [500, 100])
@pytest.mark.parametrize("by_exposure", [True, False])
def test_a_dark_of_another_length(name: str, pixels: int, by_exposure: bool) -> None:
    dark = Dark(np.full(pixels, worlds.BIAS_COUNTS), 5)
    with pytest.raises(LimitError, match=rf"dark spectrum = shape \({pixels},\)"):
        read(name, dark={EXPOSURE_S: dark} if by_exposure else dark)


def test_a_dark_that_comes_later_is_checked_too() -> None:
    darks = {EXPOSURE_S: DARK}
    slope = MAKERS["tail_slope"][1](darks)
    darks[1.0] = Dark(np.ones(500), 5)
    with pytest.raises(LimitError, match="dark spectrum"):
        slope.estimate(np.ones(480), exposure=1.0)


def test_pixels_that_may_be_used_and_references_have_the_length_of_the_axis() -> None:
    with pytest.raises(LimitError, match="good pixels"):
        SpectralWindow(
            PIXELS, worlds.TAIL_WINDOW_EV, noise=NOISE, dark=DARK, good=np.ones(500, np.bool_)
        )
    long = Reference(np.full(500, 900.0), 5, EXPOSURE_S, FLUENCE, worlds.ROOM_K, 0.0)
    with pytest.raises(LimitError, match="reference spectrum = shape"):
        arrhenius(references=[long])


def test_infinities_of_both_signs_in_one_spectrum() -> None:
    spectra = BAND.draw(worlds.ROOM_K, 5, np.random.default_rng(2))
    spectra[1, [200, 210]] = np.inf, -np.inf
    found = arrhenius().estimate(spectra, exposure=EXPOSURE_S, fluence=FLUENCE)
    assert np.isnan(found.value).tolist() == [False, True, False, False, False]
    assert found.flags[1] & int(Flag.BAD_PIXELS)
    assert (np.delete(found.flags, 1) == 0).all()


@pytest.mark.parametrize(
    ("day", "old"), [(None, False), (date(2026, 2, 4), False), (date(2026, 2, 5), True)]
)
def test_arrhenius_knows_the_age_of_its_calibration(day: date | None, old: bool) -> None:
    calibration = ArrheniusCalibration(
        0.14, 0.0, valid_range=(250.0, 330.0), date=date(2026, 1, 5), source="x", life_days=30.0
    )
    made = arrhenius(calibration=calibration, today=day)
    assert made.calibration_id == calibration.id
    assert made.valid_range == (250.0, 330.0)
    spectra = BAND.draw(worlds.ROOM_K, 3, np.random.default_rng(2))
    for fluence, exposure in ((FLUENCE, EXPOSURE_S), (np.full(3, FLUENCE), np.full(3, EXPOSURE_S))):
        flags = made.estimate(spectra, exposure=exposure, fluence=fluence).flags
        assert flags.tolist() == [int(Flag.OUTDATED) * old] * 3
    dark = made.estimate(spectra, exposure=EXPOSURE_S, fluence=0.0).flags
    expected = Flag.NO_REFERENCE | Flag.OUTDATED if old else Flag.NO_REFERENCE
    assert (dark & int(Flag.NO_REFERENCE | Flag.OUTDATED) == int(expected)).all()

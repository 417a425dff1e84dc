"""With 30 % of the pixels left out every thermometer is as honest as with all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import blind_worlds as worlds
import numpy as np
import pytest
from blind_check import assert_honest, outcome
from blind_settings import DARK, EVERY, EXPOSURE_S, FLUENCE, NOISE, exact_curve

from labcool.thermometry import (
    LineFitter,
    LineShapeThermometer,
    RamanRatio,
    Reference,
    TailRatio,
    TailSlope,
)

KELVIN, LEVEL = 283.0, 100.0
GOOD = np.random.default_rng(3).random(worlds.PIXELS.size) > 0.3


def tail_slope(_world: worlds.World) -> Any:
    return TailSlope(worlds.PIXELS, worlds.TAIL_WINDOW_EV, noise=NOISE, dark=DARK, good=GOOD)


def tail_ratio(world: worlds.World) -> Any:
    clean = worlds.BIAS_COUNTS + world.expect(worlds.ROOM_K, *world.nuisance)
    reference = Reference(clean, EVERY, EXPOSURE_S, FLUENCE, worlds.ROOM_K, 0.0)
    return TailRatio(
        worlds.PIXELS, worlds.TAIL_WINDOW_EV, reference=reference, noise=NOISE, dark=DARK, good=GOOD
    )


def fitter() -> LineFitter:
    return LineFitter(worlds.PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=DARK, good=GOOD)


def line_width(_world: worlds.World) -> Any:
    curve = exact_curve("fwhm", worlds.line_fwhm)
    return LineShapeThermometer(fitter(), curve, observable="fwhm")


def peak_shift(_world: worlds.World) -> Any:
    curve = exact_curve("peak energy", worlds.line_centre)
    return LineShapeThermometer(fitter(), curve, observable="peak")


def raman(_world: worlds.World) -> Any:
    return RamanRatio(
        worlds.PIXELS, laser=worlds.LASER_NM, fwhm=worlds.RAMAN_FWHM_NM, half_window=5.0,
        noise=NOISE, dark=DARK, wavenumber=worlds.SILICON_PER_CM, good=GOOD,
    )  # fmt: skip


CASES = [
    (tail_slope, worlds.tail_world(LEVEL)),
    (tail_ratio, worlds.tail_world(LEVEL)),
    (line_width, worlds.line_of_width(LEVEL)),
    (peak_shift, worlds.line_of_position(LEVEL)),
    (raman, worlds.raman_world(300 * LEVEL)),
]


@pytest.mark.parametrize(("make", "world"), CASES, ids=[case[0].__name__ for case in CASES])
def test_pixels_left_out(make: Callable[[worlds.World], Any], world: worlds.World) -> None:
    spectra = world.draw(KELVIN, 6000, np.random.default_rng(5))
    spectra[:, ~GOOD] = 0.0  # they are not looked at, whatever is in them
    found = make(world).estimate(spectra, exposure=EXPOSURE_S, fluence=FLUENCE)
    assert_honest(outcome([found], KELVIN))
    assert not found.flags.any()

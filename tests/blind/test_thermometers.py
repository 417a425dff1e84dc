"""Blind tests: 20 000 spectra of a known temperature for each thermometer, level and temperature.

The generator (``blind_worlds``) knows nothing of the estimators. The reference and the dark are
bright here, so that what is tested is the statistics of one spectrum; references that are as noisy
as spectra are in ``test_references``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import blind_worlds as worlds
import numpy as np
import pytest
from blind_check import SEEDS, SPECTRA_PER_SEED, assert_honest, outcome
from blind_settings import (
    BAND_NM,
    DARK,
    EVERY,
    EXPOSURE_S,
    FLUENCE,
    NOISE,
    exact_activation_energy,
    exact_curve,
)

from labcool.thermometry import (
    Arrhenius,
    LineFitter,
    LineShapeThermometer,
    RamanRatio,
    Reference,
    TailRatio,
    TailSlope,
)


def reference(world: worlds.World) -> Reference:
    clean = worlds.BIAS_COUNTS + world.expect(worlds.ROOM_K, *world.nuisance)
    return Reference(clean, EVERY, EXPOSURE_S, FLUENCE, worlds.ROOM_K, 0.0)


def arrhenius(world: worlds.World) -> Any:
    return Arrhenius(
        exact_activation_energy(), references=[reference(world)], dark=DARK, band=BAND_NM,
        wavelengths=worlds.PIXELS, noise=NOISE,
    )  # fmt: skip


def tail_slope(_world: worlds.World) -> Any:
    return TailSlope(worlds.PIXELS, worlds.TAIL_WINDOW_EV, noise=NOISE, dark=DARK)


def tail_ratio(world: worlds.World) -> Any:
    return TailRatio(
        worlds.PIXELS, worlds.TAIL_WINDOW_EV, reference=reference(world), noise=NOISE, dark=DARK
    )


def fitter() -> LineFitter:
    return LineFitter(worlds.PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=DARK)


def line_width(_world: worlds.World) -> Any:
    curve = exact_curve("fwhm", worlds.line_fwhm)
    return LineShapeThermometer(fitter(), curve, observable="fwhm")


def peak_shift(_world: worlds.World) -> Any:
    curve = exact_curve("peak energy", worlds.line_centre)
    return LineShapeThermometer(fitter(), curve, observable="peak")


def raman(_world: worlds.World) -> Any:
    return RamanRatio(
        worlds.PIXELS, laser=worlds.LASER_NM, fwhm=worlds.RAMAN_FWHM_NM, half_window=5.0,
        noise=NOISE, dark=DARK, wavenumber=worlds.SILICON_PER_CM,
    )  # fmt: skip


CASES = [
    *[(arrhenius, worlds.arrhenius_world, level) for level in (10, 300, 20_000)],
    *[(tail_slope, worlds.tail_world, level) for level in (10, 300, 20_000)],
    *[(tail_ratio, worlds.tail_world, level) for level in (10, 300, 20_000)],
    *[(line_width, worlds.line_of_width, level) for level in (10, 300, 20_000)],
    *[(peak_shift, worlds.line_of_position, level) for level in (10, 300, 20_000)],
    *[(raman, worlds.raman_world, level) for level in (3e4, 3e5, 1e7)],
]


@pytest.mark.parametrize("kelvin", [268.0, 297.0])
@pytest.mark.parametrize(
    ("make", "world_of", "level"), CASES, ids=[f"{c[0].__name__}-{c[2]:g}" for c in CASES]
)
def test_coverage_bias_and_bound(
    make: Callable[[worlds.World], Any],
    world_of: Callable[[float], worlds.World],
    level: float,
    kelvin: float,
) -> None:
    world = world_of(level)
    thermometer = make(world)
    estimates = []
    for seed in SEEDS:
        spectra = world.draw(kelvin, SPECTRA_PER_SEED, np.random.default_rng([seed, int(level)]))
        estimates.append(thermometer.estimate(spectra, exposure=EXPOSURE_S, fluence=FLUENCE))
    found = outcome(estimates, kelvin)
    assert_honest(found)
    assert found.scatter <= 1.10 * world.bound(kelvin), (found, world.bound(kelvin))

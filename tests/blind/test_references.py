"""References and darks that are as noisy as spectra: the total std has to cover that, too.

Each trial has a reference and a dark of its own, and a few spectra: what their estimates share is
the systematic part, and how they scatter about their own mean the statistical one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import blind_worlds as worlds
import numpy as np
import pytest
from blind_check import assert_honest, outcome
from blind_settings import (
    BAND_NM,
    EXPOSURE_S,
    FLUENCE,
    NOISE,
    exact_activation_energy,
    exact_curve,
)

from labcool.calibration import PolynomialCalibration
from labcool.thermometry import (
    Arrhenius,
    Dark,
    LineFitter,
    LineShapeThermometer,
    RamanRatio,
    Reference,
    TailRatio,
)

TRIALS, SPECTRA, DARK_FRAMES = 2000, 4, 20
WIDTH_CURVE = exact_curve("fwhm", worlds.line_fwhm)
PEAK_CURVE = exact_curve("peak energy", worlds.line_centre)
Make = Callable[[worlds.World, Reference, Dark], Any]


def arrhenius(_world: worlds.World, reference: Reference, dark: Dark) -> Any:
    return Arrhenius(
        exact_activation_energy(), references=[reference], dark=dark, band=BAND_NM,
        wavelengths=worlds.PIXELS, noise=NOISE,
    )  # fmt: skip


def tail_ratio(_world: worlds.World, reference: Reference, dark: Dark) -> Any:
    return TailRatio(
        worlds.PIXELS, worlds.TAIL_WINDOW_EV, reference=reference, noise=NOISE, dark=dark
    )


def line(observable: Any, curve: PolynomialCalibration, dark: Dark) -> Any:
    fitter = LineFitter(worlds.PIXELS, worlds.LINE_WINDOW_EV, noise=NOISE, dark=dark)
    return LineShapeThermometer(fitter, curve, observable=observable)


def line_width(_world: worlds.World, _reference: Reference, dark: Dark) -> Any:
    return line("fwhm", WIDTH_CURVE, dark)


def peak_shift(_world: worlds.World, _reference: Reference, dark: Dark) -> Any:
    return line("peak", PEAK_CURVE, dark)


def raman(_world: worlds.World, _reference: Reference, dark: Dark) -> Any:
    return RamanRatio(
        worlds.PIXELS, laser=worlds.LASER_NM, fwhm=worlds.RAMAN_FWHM_NM, half_window=5.0,
        noise=NOISE, dark=dark, wavenumber=worlds.SILICON_PER_CM,
    )  # fmt: skip


CASES = [
    *[(arrhenius, worlds.arrhenius_world, level, DARK_FRAMES, 0.5) for level in (10, 300)],
    *[(tail_ratio, worlds.tail_world, level, DARK_FRAMES, 0.5) for level in (10, 300)],
    # Without a reference only the dark is shared, so it is one frame here.
    (line_width, worlds.line_of_width, 20, 1, 0.3),
    (peak_shift, worlds.line_of_position, 20, 1, 0.3),
    (raman, worlds.raman_world, 10_000, 1, 0.1),
]


@pytest.mark.parametrize(
    ("make", "world_of", "level", "dark_frames", "least_share"),
    CASES,
    ids=[f"{c[0].__name__}-{c[2]}" for c in CASES],
)
def test_both_parts_of_the_uncertainty(
    make: Make,
    world_of: Callable[[float], worlds.World],
    level: int,
    dark_frames: int,
    least_share: float,
) -> None:
    kelvin = 283.0
    rng = np.random.default_rng([9, level])
    world = world_of(level)
    darkness = worlds.World(lambda _: np.zeros(worlds.PIXELS.size), ())
    estimates, inner, ratio = [], [], []
    for _ in range(TRIALS):
        dark = Dark(darkness.draw(0.0, 1, rng, dark_frames)[0], dark_frames)
        light = world.draw(worlds.ROOM_K, 1, rng, 2)[0]
        reference = Reference(light, 2, EXPOSURE_S, FLUENCE, worlds.ROOM_K, 0.0)
        thermometer = make(world, reference, dark)
        found = thermometer.estimate(
            world.draw(kelvin, SPECTRA, rng), exposure=EXPOSURE_S, fluence=FLUENCE
        )
        estimates.append(found)
        inner.append((found.value - found.value.mean()) / found.statistical)
        ratio.append(np.mean(found.systematic / found.statistical))
    assert_honest(outcome(estimates, kelvin))
    about_their_mean = np.nansum(np.square(inner)) / (TRIALS * (SPECTRA - 1))
    assert np.sqrt(about_their_mean) == pytest.approx(1.0, abs=0.04)
    assert np.nanmean(ratio) > least_share  # or what is shared would not have been tested at all

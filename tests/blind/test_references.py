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
from blind_settings import BAND_NM, EXPOSURE_S, FLUENCE, NOISE, exact_activation_energy

from labcool.thermometry import Arrhenius, Dark, Reference, TailRatio

TRIALS, SPECTRA, DARK_FRAMES = 2000, 4, 20
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


@pytest.mark.parametrize("level", [10, 300])
@pytest.mark.parametrize(
    ("make", "world_of"), [(arrhenius, worlds.arrhenius_world), (tail_ratio, worlds.tail_world)]
)
def test_both_parts_of_the_uncertainty(
    make: Make, world_of: Callable[[float], worlds.World], level: float
) -> None:
    kelvin = 283.0
    rng = np.random.default_rng([9, level])
    world = world_of(level)
    darkness = worlds.World(lambda _: np.zeros(worlds.PIXELS.size), ())
    estimates, inner, ratio = [], [], []
    for _ in range(TRIALS):
        dark = Dark(darkness.draw(0.0, 1, rng, DARK_FRAMES)[0], DARK_FRAMES)
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
    assert np.nanmean(ratio) > 0.5  # or the reference would not have been tested at all

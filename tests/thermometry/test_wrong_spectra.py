"""Spectra that do not look as they should: flagged by every thermometer that they mislead."""

from __future__ import annotations

from dataclasses import replace
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
    DetectorNoise,
    Estimate,
    Flag,
    LineFitter,
    LineShapeThermometer,
    RamanRatio,
    Reference,
    TailRatio,
    TailSlope,
)
from labcool.thermometry.agreement import UNUSABLE

KELVIN, N = 285.0, 200
WORLDS = {
    "arrhenius": worlds.arrhenius_world,
    "tail_slope": worlds.tail_world,
    "tail_ratio": worlds.tail_world,
    "line_width": worlds.line_of_width,
    "peak_shift": worlds.line_of_position,
    "raman": lambda peak: worlds.raman_world(peak * 300),
}
every = pytest.mark.parametrize("name", WORLDS)
shaped = pytest.mark.parametrize("name", [name for name in WORLDS if name != "arrhenius"])


def thermometer(name: str, peak: float, noise: DetectorNoise = NOISE) -> Any:
    pixels = worlds.PIXELS
    world = WORLDS[name](peak)
    if name in ("arrhenius", "tail_ratio"):
        light = world.draw(worlds.ROOM_K, 1, np.random.default_rng(1), 50)[0]
        reference = Reference(light, 50, EXPOSURE_S, FLUENCE, worlds.ROOM_K, 0.0)
        if name == "tail_ratio":
            return TailRatio(
                pixels, worlds.TAIL_WINDOW_EV, reference=reference, noise=noise, dark=DARK
            )
        return Arrhenius(
            exact_activation_energy(), references=[reference], dark=DARK, band=BAND_NM,
            wavelengths=pixels, noise=noise,
        )  # fmt: skip
    if name == "tail_slope":
        return TailSlope(pixels, worlds.TAIL_WINDOW_EV, noise=noise, dark=DARK)
    if name == "raman":
        return RamanRatio(
            pixels, laser=worlds.LASER_NM, fwhm=worlds.RAMAN_FWHM_NM, half_window=5.0,
            noise=noise, dark=DARK, wavenumber=worlds.SILICON_PER_CM,
        )  # fmt: skip
    fitter = LineFitter(pixels, worlds.LINE_WINDOW_EV, noise=noise, dark=DARK)
    if name == "line_width":
        curve = exact_curve("fwhm", worlds.line_fwhm)
        return LineShapeThermometer(fitter, curve, observable="fwhm")
    curve = exact_curve("peak energy", worlds.line_centre)
    return LineShapeThermometer(fitter, curve, observable="peak")


def drawn(name: str, peak: float, n: int = N) -> np.ndarray:
    return WORLDS[name](peak).draw(KELVIN, n, np.random.default_rng([4, int(peak)]))


def bright_pixel(name: str, peak: float) -> int:
    """Return a pixel on the feature that the thermometer reads."""
    world = WORLDS[name](peak)
    if name == "raman":
        return int(np.argmin(np.abs(worlds.PIXELS - worlds.ANTI_STOKES_NM)))
    top = int(np.argmax(world.expect(KELVIN, *world.nuisance)))
    return top - 20 if name.startswith("tail") else top


def read(name: str, peak: float, spectra: np.ndarray, noise: DetectorNoise = NOISE) -> Estimate:
    found: Estimate = thermometer(name, peak, noise).estimate(
        spectra, exposure=EXPOSURE_S, fluence=FLUENCE
    )
    return found


def assert_not_misled(found: Estimate) -> None:
    """No spectrum that counts is off by more than 3 σ, where chance leaves 0.3 %."""
    used = ((found.flags & int(UNUSABLE)) == 0) & np.isfinite(found.value)
    off = np.abs(found.value - KELVIN) > 3 * found.std
    assert np.mean(used & off) < 0.02, (used.mean(), np.unique(found.flags))


@every
@pytest.mark.parametrize("peak", [300.0, 3000.0, 40_000.0])
def test_a_dead_pixel(name: str, peak: float) -> None:
    spectra = drawn(name, peak)
    spectra[:, bright_pixel(name, peak)] = 0.0
    found = read(name, peak, spectra)
    assert (found.flags & int(Flag.BAD_PIXELS)).all()
    assert_not_misled(found)


@shaped
@pytest.mark.parametrize("away", [0, 3])
def test_a_pixel_that_always_reads_the_bias(name: str, away: int) -> None:
    spectra = drawn(name, 3000.0)
    spectra[:, bright_pixel(name, 3000.0) + away] = worlds.BIAS_COUNTS
    assert_not_misled(read(name, 3000.0, spectra))


@shaped
def test_a_cosmic_ray(name: str) -> None:
    spectra = drawn(name, 3000.0)
    spectra[:, bright_pixel(name, 3000.0) + 3] += 3000.0
    assert_not_misled(read(name, 3000.0, spectra))


@every
def test_clipping_at_the_limit_of_the_detector(name: str) -> None:
    world = WORLDS[name](3000.0)
    light = world.expect(KELVIN, *world.nuisance)
    limit = worlds.BIAS_COUNTS + 0.8 * float(light.max())
    spectra = drawn(name, 3000.0)
    found = read(name, 3000.0, np.minimum(spectra, limit), replace(NOISE, saturation_counts=limit))
    assert (found.flags & int(Flag.SATURATED)).all()
    higher = replace(NOISE, saturation_counts=float(spectra.max()) + 1.0)
    assert not read(name, 3000.0, spectra, higher).flags.any()


@every
def test_counts_far_below_the_dark(name: str) -> None:
    """The bias has drifted by −150 since the dark was taken."""
    assert_not_misled(read(name, 3000.0, drawn(name, 3000.0) - 150.0))


@shaped
@pytest.mark.parametrize("away_nm", [0.0, 4.0])
@pytest.mark.parametrize("peak", [300.0, 3000.0, 40_000.0])
def test_a_notch_of_two_nanometres(name: str, away_nm: float, peak: float) -> None:
    centre = worlds.PIXELS[bright_pixel(name, peak)] + away_nm
    spectra = drawn(name, peak)
    spectra[:, np.abs(worlds.PIXELS - centre) < 1.0] = worlds.BIAS_COUNTS
    assert_not_misled(read(name, peak, spectra))


@every
@pytest.mark.parametrize("peak", [30.0, 300.0, 3000.0, 40_000.0])
def test_clean_spectra_are_not_suspected(name: str, peak: float) -> None:
    found = read(name, peak, drawn(name, peak, 4000))
    suspected = found.flags & int(Flag.POOR_FIT | Flag.BAD_PIXELS | Flag.SATURATED)
    assert np.mean(suspected != 0) < 1e-3


@pytest.mark.parametrize("name", ["tail_slope", "tail_ratio", "line_width", "peak_shift"])
def test_clean_spectra_of_ten_counts_are_not_suspected(name: str) -> None:
    found = read(name, 10.0, drawn(name, 10.0, 4000))
    suspected = found.flags & int(Flag.POOR_FIT | Flag.BAD_PIXELS | Flag.SATURATED)
    assert np.mean(suspected != 0) < 1e-3


@every
def test_noise_alone_gives_no_temperature_below_zero(name: str) -> None:
    rng = np.random.default_rng(6)
    dark = worlds.BIAS_COUNTS + rng.normal(0, worlds.READ_NOISE_COUNTS, (3000, 480))
    found = read(name, 3000.0, dark)
    assert not (found.value <= 0).any()
    assert np.mean(found.flags == 0) < 2e-3


def test_a_raman_line_that_noise_has_made_visible() -> None:
    """Between 4 and 6 standard deviations those are seen that chance has made brighter."""
    spectra = worlds.raman_world(1000.0).draw(KELVIN, 4000, np.random.default_rng(7))
    found = read("raman", 1.0, spectra)
    seen = np.isfinite(found.value)
    doubtful = (found.flags & int(Flag.TOO_FEW_COUNTS)) != 0
    assert (seen & doubtful).sum() > 100
    assert not (doubtful & ~seen).any()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"degree": -1}, "degree of the background"),
        ({"degree": 6}, "degree of the background"),
        ({"mixing": -0.1}, "mixing"),
        ({"mixing": 1.1}, "mixing"),
        ({"mixing": float("nan")}, "mixing"),
    ],
)
def test_raman_lines_that_cannot_be(more: dict[str, Any], field: str) -> None:
    with pytest.raises(LimitError, match=field):
        RamanRatio(
            worlds.PIXELS, laser=worlds.LASER_NM, fwhm=0.8, half_window=5.0, noise=NOISE,
            dark=DARK, shape="pseudo_voigt", **more,
        )  # fmt: skip


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_of_the_detector_that_cannot_be(limit: float) -> None:
    with pytest.raises(LimitError, match="saturation"):
        replace(NOISE, saturation_counts=limit)

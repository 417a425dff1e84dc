"""Differential thermometry: who is compared with whom, and what is refused or flagged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import blind_worlds as worlds
import numpy as np
import pytest
from blind_settings import DARK, EVERY, EXPOSURE_S, NOISE

from labcool.errors import LimitError
from labcool.thermometry import (
    DifferentialEstimate,
    DifferentialThermometer,
    Flag,
    LogDerivative,
    Reference,
    SpectralWindow,
    log_derivative,
)

BASE = 297.0
WINDOW = SpectralWindow(worlds.PIXELS, (2.30, 2.52), noise=NOISE, dark=DARK)
WIDE = SpectralWindow(worlds.PIXELS, (2.22, 2.57), noise=NOISE, dark=DARK)


def light(kelvin: float, peak: float = 1000.0) -> np.ndarray:
    shape = worlds.line_counts(kelvin)
    return worlds.BIAS_COUNTS + peak * shape / shape.max()


def stage(kelvin: float, peak: float = 3e4, **changes: Any) -> Reference:
    settings: dict[str, Any] = {
        "spectrum": light(kelvin, peak),
        "frames": EVERY,
        "exposure": EXPOSURE_S,
        "fluence": 1.0,
        "temperature": kelvin,
        "temperature_std": 0.0,
    }
    return Reference(**settings | changes)


DERIVATIVE = log_derivative(WINDOW, stage(295.0), stage(299.0), degree=8)


def thermometer(**changes: Any) -> DifferentialThermometer:
    derivative = changes.pop("derivative", DERIVATIVE)
    return DifferentialThermometer(WINDOW, derivative, **{"base_temperature": BASE} | changes)


def series(on: np.ndarray, change: float = -0.6, base: float = BASE) -> np.ndarray:
    return np.array([light(base + change * each) for each in on])


def read(spectra: np.ndarray, on: np.ndarray, **more: Any) -> DifferentialEstimate:
    return thermometer().estimate(spectra, pump_on=on, exposure=EXPOSURE_S, **more)


TURNS = np.array([False, True] * 5)


def test_a_spectrum_that_is_no_number_takes_none_of_its_neighbours_along() -> None:
    spectra = series(TURNS)
    spectra[4] = np.nan
    spectra[7, 200] = np.inf
    found = read(spectra, TURNS)
    lost = np.flatnonzero(np.isnan(found.value) & TURNS)
    assert lost.tolist() == [7]
    assert found.flags[7] == Flag.BAD_PIXELS
    good = TURNS & np.isfinite(found.value)
    assert found.change[good] == pytest.approx(-0.6, abs=0.01)
    assert (found.flags[good] == 0).all()


def test_a_saturated_spectrum_without_pump_is_not_compared_with() -> None:
    spectra = series(TURNS)
    spectra[4] = np.minimum(spectra[4] * 3, 1500.0)
    found = read(spectra, TURNS, saturated=np.arange(10) == 4)
    assert found.change[TURNS] == pytest.approx(-0.6, abs=0.01)
    assert (found.flags[TURNS] == 0).all()
    assert found.flags[4] == Flag.SATURATED | Flag.NO_REFERENCE


def test_nothing_to_compare_with() -> None:
    on = np.array([True, False, True])
    spectra = series(on)
    spectra[1] = np.nan
    found = read(spectra, on)
    assert np.isnan(found.value).all()
    assert (found.flags[on] == Flag.NO_REFERENCE).all()
    assert not found.mean_change().determined


def test_the_whole_stretch_without_pump_counts() -> None:
    """With k spectra before and after, their part of the variance falls as 1/k."""
    variance = []
    for k in (1, 4):
        on = np.array([False] * k + [True] * 3 + [False] * k)
        found = read(series(on), on)
        assert found.off_stretch[on].tolist() == [[0, 1]] * 3
        variance.append((found.off_std[on] ** 2).sum(axis=1)[0])
        assert found.systematic[on] ** 2 - found.common[on] ** 2 == pytest.approx(variance[-1])
    assert variance[0] / variance[1] == pytest.approx(4.0, rel=0.02)


def test_a_linear_drift_cancels_in_the_middle_of_a_stretch_with_pump() -> None:
    """Also if there are more spectra before than after, or one of them is lost."""
    on = np.array([False] * 9 + [True] * 5 + [False] * 2)
    drift = BASE + 0.05 * (np.arange(16) - 11)
    spectra = np.array([light(k - 0.6 * o) for k, o in zip(drift, on, strict=True)])
    spectra[2] = np.nan
    found = read(spectra, on)
    assert found.change[on].mean() == pytest.approx(-0.6, abs=0.01)
    assert found.change[on] + 0.6 == pytest.approx(0.05 * (np.arange(5) - 2), abs=0.01)
    one_sided = read(spectra[:14], on[:14])
    assert one_sided.change[on[:14]].mean() + 0.6 > 0.2


def test_the_noise_of_the_spectra_without_pump_is_shared() -> None:
    on = np.array([False] * 10 + [True] * 100)
    found = read(series(on), on)
    mean = found.mean_change()
    own = np.sqrt(np.sum(found.statistical[on] ** 2)) / 100
    assert mean.std > 2 * own
    assert mean.std == pytest.approx(np.hypot(own, found.systematic[on].mean()), rel=1e-3)
    assert mean.value == pytest.approx(-0.6, abs=0.01)


def test_same_call_and_range_as_every_thermometer() -> None:
    spectra = series(TURNS, change=-40.0)
    found = read(spectra, TURNS, fluence=300.0)
    assert (found.flags[TURNS] == Flag.OUT_OF_RANGE).all()
    assert thermometer().valid_range == (287.0, 307.0)
    wide = thermometer(valid_range=(200.0, 350.0)).estimate(
        spectra, pump_on=TURNS, exposure=EXPOSURE_S
    )
    assert (wide.flags[TURNS] == 0).all()
    # Linear to 0.6 % for each kelvin: 40 K are off by about a quarter, and it says so.
    assert (np.abs(wide.change[TURNS] + 40) < 2 * wide.systematic[TURNS]).all()
    assert (wide.systematic[TURNS] > 5).all()


def test_means_leave_out_what_is_flagged() -> None:
    spectra = series(TURNS)
    spectra[5] = light(BASE - 3.0)
    told = read(spectra, TURNS, saturated=np.arange(10) == 5).mean_change()
    assert told.value == pytest.approx(-0.6, abs=0.01)
    assert read(spectra, TURNS).mean_change().value < -0.9


def test_light_of_the_pump_in_the_spectrum_is_a_poor_fit() -> None:
    spectra = series(TURNS)
    spectra[TURNS, 195:200] += 400.0
    assert ((read(spectra, TURNS).flags[TURNS] & int(Flag.POOR_FIT)) != 0).all()


def test_hardly_any_light() -> None:
    rng = np.random.default_rng(4)
    on = np.arange(400) % 2 == 1
    read_noise = rng.normal(0, worlds.READ_NOISE_COUNTS, (400, 480))
    dim = np.array([light(BASE, 1.0)] * 400) + read_noise
    nothing = worlds.BIAS_COUNTS + read_noise
    for spectra in (dim, nothing):
        flags = read(spectra, on).flags[on]
        assert ((flags & int(Flag.TOO_FEW_COUNTS)) != 0).all()
    bright = np.array([light(BASE, 20.0)] * 400) + read_noise
    assert (read(bright, on).flags[on] == 0).all()


@pytest.mark.parametrize("std", [-1.0, np.nan, np.inf, True])
def test_refuses_a_std_that_is_none(std: float) -> None:
    with pytest.raises(LimitError, match="std of the base temperature"):
        thermometer(base_std=std)


def test_refuses_what_does_not_fit() -> None:
    spectra = series(TURNS)
    for on in (TURNS[:-1], np.ones(10, np.bool_), np.where(TURNS, np.nan, 0.0)):
        with pytest.raises(LimitError, match="pump_on"):
            read(spectra, on)
    with pytest.raises(LimitError, match="saturated"):
        read(spectra, TURNS, saturated=[True] * 3)
    with pytest.raises(LimitError, match="exposure"):
        thermometer().estimate(spectra, pump_on=TURNS, exposure=np.full(3, EXPOSURE_S))
    with pytest.raises(LimitError, match="base temperature"):
        thermometer(base_temperature=0.0)
    with pytest.raises(LimitError, match="log-derivative"):
        thermometer(derivative=LogDerivative(np.full(WINDOW.pixels.size, np.nan), 0.0, BASE))


def test_dim_pixels_do_not_count() -> None:
    derivative = log_derivative(WIDE, stage(293.0, 300.0), stage(301.0, 300.0), degree=8)
    known = derivative.known
    assert 0.2 < known.mean() < 0.7
    dim = light(297.0, 300.0)[WIDE.pixels][~known] - worlds.BIAS_COUNTS
    assert dim.max() < 110
    on = np.array([False, True])
    differential = DifferentialThermometer(WIDE, derivative, base_temperature=BASE)
    spectra = np.array([light(BASE, 2e4), light(BASE - 0.6, 2e4)])
    spectra[:, WIDE.pixels[~known]] = worlds.BIAS_COUNTS + 5e3
    found = differential.estimate(spectra, pump_on=on, exposure=EXPOSURE_S)
    assert found.change[1] == pytest.approx(-0.6, abs=0.01)


def test_a_derivative_in_the_noise_is_refused() -> None:
    rng = np.random.default_rng(5)

    def noisy(kelvin: float) -> Reference:
        clean = light(kelvin, 300.0)
        noise = np.sqrt((clean - worlds.BIAS_COUNTS) / worlds.GAIN_E_PER_COUNT + 2.25)
        return stage(kelvin, spectrum=clean + rng.normal(0, noise), frames=1)

    with pytest.raises(LimitError, match="noise of d ln s/dT"):
        log_derivative(WINDOW, noisy(296.5), noisy(297.5), degree=8)
    with pytest.raises(LimitError, match="degree"):
        log_derivative(WINDOW, stage(295.0), stage(299.0), degree=0)
    dead = light(299.0)
    dead[WINDOW.pixels[40]] = 0.0
    with pytest.raises(LimitError, match="references = bad pixels"):
        log_derivative(WINDOW, stage(295.0), stage(299.0, spectrum=dead))
    for wrong in ({"relative_std": -0.1}, {"temperature": 0.0}, {"covariance": np.eye(3)}):
        with pytest.raises(LimitError, match="log-derivative"):
            replace(DERIVATIVE, **wrong)
    with pytest.raises(LimitError, match="cold < hot"):
        log_derivative(WINDOW, stage(299.0), stage(295.0))
    with pytest.raises(LimitError, match="pixels with 100 counts"):
        log_derivative(WINDOW, stage(295.0, 50.0), stage(299.0, 50.0))


def test_the_scale_is_as_uncertain_as_the_stage() -> None:
    sure, unsure = (
        log_derivative(
            WINDOW,
            stage(295.0, temperature_std=std),
            stage(299.0, temperature_std=std),
            degree=8,
        )
        for std in (0.0, 0.1)
    )
    assert sure.relative_std == 0.0
    assert unsure.relative_std == pytest.approx(0.1 * np.sqrt(2) / 4)

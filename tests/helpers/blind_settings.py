"""What the detector of the blind tests is, as the estimators are told."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import blind_worlds as worlds
import numpy as np

from labcool.calibration import ArrheniusCalibration, PolynomialCalibration
from labcool.thermometry import Dark, DetectorNoise

EVERY = 10**9
"""Frames of something that is known without noise."""
NOISE = DetectorNoise(worlds.GAIN_E_PER_COUNT, worlds.READ_NOISE_COUNTS)
DARK = Dark(np.full(worlds.PIXELS.size, worlds.BIAS_COUNTS), EVERY)
DAY = datetime.date(2026, 1, 5)
EXPOSURE_S, FLUENCE = 0.5, 100.0
BAND_NM = (worlds.HC / worlds.BAND_EV[1], worlds.HC / worlds.BAND_EV[0])


def exact_activation_energy() -> ArrheniusCalibration:
    return ArrheniusCalibration(
        activation_energy=worlds.ACTIVATION_EV,
        std=0.0,
        valid_range=(150.0, 400.0),
        date=DAY,
        source="exact",
    )


def exact_curve(
    observable: str,
    of_kelvin: Callable[[float], float],
    valid_range: tuple[float, float] = (200.0, 350.0),
) -> PolynomialCalibration:
    """Return a calibration without an error of its own."""
    kelvin = np.linspace(200.0, 350.0, 61)
    values = [of_kelvin(each) for each in kelvin]
    return PolynomialCalibration(
        observable=observable,
        unit="eV",
        coefficients=tuple(np.polynomial.polynomial.polyfit(kelvin - 275.0, values, 8)),
        covariance=tuple((0.0,) * 9 for _ in range(9)),
        reference_temperature=275.0,
        valid_range=valid_range,
        method="exact",
        date=DAY,
        source="exact",
    )

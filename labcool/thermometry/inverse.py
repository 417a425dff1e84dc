"""From 1/T, which spectra give, to T."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.fitting.quality import POOR_FIT
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.window_thermometer import out_of_range
from labcool.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]

LEAST_SIGNIFICANCE: Final = 10.0
"""Below this number of standard deviations of 1/T the distribution of T is visibly skew."""


def from_noisy_inverse(inverse: Floats, std: Floats) -> tuple[Floats, Floats]:
    """Return T and its standard deviation from 1/T and its own.

    The mean of 1/x is larger than 1/(mean of x); to second order that is taken off:
    ``T (1 − (σ/x)²)``.

    :param inverse: 1/T, 1/K, any shape, above 0 or NaN.
    :param std: its standard deviation, 1/K, same shape; T is NaN where it is not below 1/T.
    """
    first = 1 / inverse
    relative = np.where(std * first < 1, std * first, np.nan)
    return first * (1 - relative * relative), first * relative


def from_inverse(
    inverse: Floats,
    own_variance: Floats,
    shared_variance: Floats,
    lack_of_fit: Floats,
    flags: NDArray[np.int64],
    valid_range: tuple[float, float],
) -> Estimate:
    """Return temperatures from 1/T and the variances of the slope ``1/kB T`` (1/eV²).

    Where the noise of 1/T is as large as 1/T itself, there is no value.

    :param inverse: 1/T, 1/K, shape (n,); NaN or below 0 where there is no temperature.
    :param lack_of_fit: of the slope, standard deviations, shape (n,).
    :param flags: of the spectra themselves, shape (n,).
    """
    warm = inverse > 0
    flags = flags | int(Flag.NOT_CONVERGED) * (~warm)
    value, statistical = from_noisy_inverse(
        np.where(warm, inverse, np.nan), BOLTZMANN_EV_PER_K * np.sqrt(own_variance)
    )
    systematic = BOLTZMANN_EV_PER_K * value * value * np.sqrt(shared_variance)
    flags += out_of_range(value, warm, valid_range)
    known = np.isfinite(value)
    flags += int(Flag.TOO_FEW_COUNTS) * (
        warm & ~(known & (statistical * LEAST_SIGNIFICANCE <= value))
    )
    flags += int(Flag.POOR_FIT) * (lack_of_fit > POOR_FIT)
    return Estimate(value, np.hypot(statistical, systematic), statistical, systematic, flags)


def checked_range(valid_range: tuple[float, float]) -> tuple[float, float]:
    """Return a range of temperatures.

    :raises LimitError: unless it is (lower, higher), above 0 K.
    """
    low, high = valid_range
    if not 0 < low < high:
        raise LimitError("valid range (K)", valid_range, "(lower, higher), above 0")
    return float(low), float(high)

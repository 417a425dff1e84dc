"""Whether a model fits, compiled: χ² with room for what a model may be wrong by."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labcool.fitting.quality import MODEL_ERROR

Floats = NDArray[np.float64]

_FLAGS: Final[Any] = {"contract", "nsz", "reassoc", "nnan"}
_ERROR: Final = MODEL_ERROR
_MANY: Final = 25.0
"""Photons from which on the noise of a pixel is normal far out."""


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def lack_of_fit(y: Floats, model: Floats, weight: Floats, shot: float, parameters: int) -> float:
    """Return how many standard deviations χ² lies above what noise and model error explain.

    Each pixel may be off by its noise and by ``MODEL_ERROR`` of the model. The standard deviation
    of χ² counts the long tail of shot noise in pixels with few photons. One pixel alone that lies
    as far off, and by one more since there are many, shows as well.

    :param weight: 1/variance of each pixel, 0 for those that do not count.
    :param shot: variance per count.
    """
    total, spread, farthest, count = 0.0, 0.0, 0.0, 0.0
    many, cubed = _MANY * shot, shot * shot * shot
    for i in range(y.size):  # without a branch, so that it is done for several pixels at once
        away, error = y[i] - model[i], _ERROR * model[i]
        with_error = weight[i] / (1.0 + weight[i] * error * error)
        squared = with_error * away * away
        total += squared
        farthest = max(farthest, squared if model[i] > many else 0.0)
        spread += cubed * max(model[i], 0.0) * with_error * with_error
        count += 1.0 if weight[i] > 0.0 else 0.0
    spread += 2.0 * count
    of_all = (total - (count - parameters)) / np.sqrt(max(spread, 2.0))
    lack: float = max(of_all, np.sqrt(farthest) - 1.0)
    return lack

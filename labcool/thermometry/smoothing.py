"""What a noisy spectrum is expected to be, for weights."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

_NEIGHBOURHOOD: Final = 13


def mean_of_neighbours(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each pixel's expectation from its neighbours, itself left out.

    A weight that knows the noise of the very pixel it weighs would bias the slope.
    """
    width = min(_NEIGHBOURHOOD, counts.size | 1)
    kernel = np.full(width, 1 / (width - 1))
    kernel[width // 2] = 0.0
    mean: NDArray[np.float64] = convolve1d(counts, kernel, mode="mirror")
    return mean

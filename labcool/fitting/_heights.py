"""Heights of known shapes in one spectrum after another, compiled.

Without a library of matrices: for products as small as these its threads wait on one another, on a
busy machine for longer than the sums take.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labcool.fitting._levenberg import solve_and_invert
from labcool.fitting._quality import lack_of_fit

Floats = NDArray[np.float64]

_FLAGS: Final[Any] = {"contract", "nsz", "reassoc"}


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _accumulate(
    shapes: Floats, y: Floats, weight: Floats, row: Floats, curvature: Floats, pull: Floats
) -> None:
    for j in range(shapes.shape[0]):
        total = 0.0
        for i in range(y.size):
            row[i] = shapes[j, i] * weight[i]
            total += row[i] * y[i]
        pull[j] = total
        for k in range(j + 1):
            total = 0.0
            for i in range(y.size):
                total += row[i] * shapes[k, i]
            curvature[j, k] = curvature[k, j] = total


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _expect(shapes: Floats, heights: Floats, out: Floats) -> None:
    out[:] = 0.0
    for j in range(shapes.shape[0]):
        for i in range(out.size):
            out[i] += heights[j] * shapes[j, i]


@njit(cache=True, nogil=True, error_model="numpy")
def fit_heights(
    shapes: Floats,
    spectra: Floats,
    light: Floats,
    shot: Floats,
    floor: Floats,
    most_rounds: int,
    settled: float,
    heights: Floats,
    covariance: Floats,
    chi2: Floats,
    lack: Floats,
) -> None:
    """Fit ``counts = Σ height × shape`` to each spectrum; what is not finite gives NaN.

    :param shapes: shape (shape, pixel), of length 1 each.
    :param floor: variance without light, shape (1 or n, pixel).
    :param settled: change of a height, in standard deviations, at which weights are final.
    """
    count, pixels = shapes.shape
    expected, weight, row = np.empty(pixels), np.empty(pixels), np.empty(pixels)
    curvature, pull = np.empty((count, count)), np.empty(count)
    found, before = np.empty(count), np.zeros(count)
    for s in range(spectra.shape[0]):
        y, least = spectra[s], floor[min(s, floor.shape[0] - 1)]
        heights[s], covariance[s], chi2[s], lack[s] = np.nan, np.nan, np.nan, np.nan
        mean = y.mean()
        if not np.isfinite(mean):
            continue
        expected[:] = max(mean, 0.0)
        before[:] = 0.0
        for _ in range(most_rounds):
            for i in range(pixels):
                level = max(expected[i] + light[i], 0.0)
                weight[i] = 1.0 / (shot[s] * level + least[i] + 1e-3 * shot[s] + 1e-12)
            _accumulate(shapes, y, weight, row, curvature, pull)
            if not solve_and_invert(curvature, pull, found, covariance[s]):
                break
            heights[s] = found
            _expect(shapes, found, expected)
            moved = 0.0
            for j in range(count):
                moved = max(moved, abs(found[j] - before[j]) / np.sqrt(covariance[s, j, j]))
            before[:] = found
            if moved < settled:
                break
        total = 0.0
        for i in range(pixels):
            total += weight[i] * (y[i] - expected[i]) ** 2
        chi2[s] = total
        lack[s] = lack_of_fit(y, expected, weight, shot[s], count)

"""Series in time with holes: running means, levels of their beginning."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ENDS = 20
"""A stretch is this part of a series; what drifts is slower than that."""


def longest_stretch(count: int) -> int:
    """Return the number of points in a stretch of a series of so many."""
    return max(1, count // ENDS)


def running_mean(series: Floats, width: int) -> Floats:
    """Return the mean over a window, of what is known in it; NaN where nothing is.

    :param series: shape (n,); NaN where it is not known.
    :param width: of the window, times; the series is returned as it is for 1.
    """
    if width <= 1:
        return series
    known = np.isfinite(series)
    kernel = np.ones(width)
    count = np.convolve(known, kernel, "same")
    total = np.convolve(np.where(known, series, 0.0), kernel, "same")
    return np.where(count > 0.5, total / np.maximum(count, 1.0), np.nan)


def first_level(series: Floats) -> float:
    """Return the mean of the first stretch of what is known; NaN if nothing is."""
    known = series[np.isfinite(series)]
    return float(np.mean(known[: longest_stretch(series.size)])) if known.size else math.nan


def last_level(series: Floats) -> float:
    """Return the mean of the last stretch of what is known; NaN if nothing is."""
    known = series[np.isfinite(series)]
    return float(np.mean(known[-longest_stretch(known.size) :])) if known.size else math.nan

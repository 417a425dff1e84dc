"""Points of a curve against time, without those that nobody knows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError

Floats = NDArray[np.float64]


def known_points(time: Any, value: Any, std: Any) -> tuple[Floats, Floats, Floats]:
    """Return time, value and std, shape (n,) each, where all three are finite; 1 for no std.

    :raises LimitError: if the shapes differ, a std is not above 0 or the time not ascending.
    """
    t, y = np.asarray(time, np.float64), np.asarray(value, np.float64)
    sigma = np.asarray(1.0 if std is None else std, np.float64)
    if t.ndim != 1 or y.shape != t.shape or sigma.shape not in ((), t.shape):
        shapes = f"{t.shape}, {y.shape}, {sigma.shape}"
        raise LimitError("shapes of time, value and std", shapes, "(n,) each")
    sigma = np.broadcast_to(sigma, t.shape)
    known = np.isfinite(t) & np.isfinite(y) & np.isfinite(sigma)
    t, y, sigma = t[known], y[known], sigma[known]
    if not (sigma > 0).all():
        raise LimitError("std of a value", float(sigma.min()), "above 0")
    if not (np.diff(t) > 0).all():
        raise LimitError("time (s)", "not ascending", "ascending")
    return t, y, sigma

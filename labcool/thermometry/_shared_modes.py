"""How the systematic error of a thermometer may look along a run.

A thermometer states for each reading how large an error is that its readings share. It is an error
of a calibration, so it depends on temperature: near enough as ``b = a₀ + a₁ (T − T̄)``, of which the
variance is a parabola in T. A parabola fitted to the stated variances therefore gives back the
variances of a₀ and a₁ and their covariance. An activation energy that is off by 5 %, for example,
is off by nothing at the reference temperature and by 5 % of the difference elsewhere, with a sign.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from labcool.thermometry._series import longest_stretch, running_mean
from labcool.thermometry.estimate import Estimate

Floats = NDArray[np.float64]

_LEAST_POINTS: Final = 4
_HARDLY_VARIES: Final = 1e-3
_NOISE_PART: Final = 0.1
"""Noise of readings may count as this part of what is known of a slope beforehand."""


def shared_modes(estimate: Estimate, known: NDArray[np.bool_]) -> Floats:
    """Return errors that the readings share, K, each to be multiplied by a number of N(0, 1).

    :param known: which readings count, shape (n,).
    :return: shape (m, n) with m from 0 (no systematic error) to 2; 0 where nothing is known.
    """
    use = known & np.isfinite(estimate.systematic)
    variance, value = estimate.systematic[use] ** 2, estimate.value[use]
    if not variance.any():
        return np.empty((0, known.size))
    width = float(np.std(value))
    flat = np.ptp(variance) <= _HARDLY_VARIES * np.max(variance)
    if flat or variance.size < _LEAST_POINTS or not width > 0:
        return np.where(known, np.sqrt(np.mean(variance)), 0.0)[np.newaxis]
    centre = float(np.mean(value))
    roots = _roots(variance, (value - centre) / width)
    # The noise of a reading must not pass for a temperature that the slope acts on.
    slope_variance = float(roots[1] @ roots[1]) / width**2
    wanted = int(np.ceil(known.size * slope_variance / _NOISE_PART))
    smooth = running_mean(
        np.where(known, estimate.value, np.nan), min(max(1, wanted), longest_stretch(known.size))
    )
    away = np.where(known, (smooth - centre) / width, 0.0)
    modes: Floats = (roots[0][:, np.newaxis] + np.outer(roots[1], away)) * known
    return modes


def _roots(variance: Floats, away: Floats) -> Floats:
    """Return L, with L Lᵀ the covariance of a₀ and a₁, from ``s² = P₀₀ + 2 P₀₁ x + P₁₁ x²``."""
    # Relative errors: one reading far off with a huge variance must not decide alone.
    weight = 1 / (variance + 0.01 * float(np.median(variance)) + 1e-300)
    design = np.stack([np.ones_like(away), 2 * away, away * away]) * weight
    (level, mixed, bend), *_ = np.linalg.lstsq(design.T, variance * weight, rcond=None)
    size, axes = np.linalg.eigh(np.array([[level, mixed], [mixed, bend]]))
    largest = np.max(size)
    kept = size > 1e-9 * largest if largest > 0 else size > np.inf
    roots: Floats = axes[:, kept] * np.sqrt(size[kept])
    return roots

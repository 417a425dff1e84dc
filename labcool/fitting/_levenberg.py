"""Levenberg–Marquardt for one spectrum, compiled.

The weights are those of the model at the last accepted parameters, not of the data: weights from
the data pull the fit below low counts. At convergence the weighted residuals are orthogonal to the
derivatives, which for variance = expectation is the maximum of the Poisson likelihood (Fisher
scoring). Whether a step is accepted is judged at fixed weights, and it has converged when an
undamped step is shorter than ``SHORTEST_STEP`` standard deviations.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labcool.fitting._quality import lack_of_fit
from labcool.fitting._shapes import evaluate

Floats = NDArray[np.float64]

SHORTEST_STEP: Final = 1e-3
_FIRST_DAMPING: Final = 1e-3
_LEAST_DAMPING: Final = 1e-9
_LARGEST_DAMPING: Final = 1e9
_LARGEST_STRETCH: Final = 2.0
_ROUNDING: Final = 1e-10
_FLAGS: Final[Any] = {"contract", "nsz", "reassoc"}


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _weigh(
    y: Floats, good: Floats, model: Floats, shot: float, floor: Floats, weight: Floats
) -> None:
    for i in range(y.size):
        weight[i] = good[i] / (shot * max(model[i], 0.0) + floor[i])


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _misfit(y: Floats, model: Floats, weight: Floats) -> float:
    total = 0.0
    for i in range(y.size):
        away = y[i] - model[i]
        total += weight[i] * away * away
    return total


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _dot(one: Floats, other: Floats) -> float:
    total = 0.0
    for i in range(one.size):
        total += one[i] * other[i]
    return total


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _normal_equations(
    y: Floats,
    model: Floats,
    weight: Floats,
    jacobian: Floats,
    weighted: Floats,
    curvature: Floats,
    gradient: Floats,
) -> None:
    count = jacobian.shape[0]
    for j in range(count):
        for i in range(y.size):
            weighted[i] = jacobian[j, i] * weight[i]
        for k in range(j + 1):
            curvature[j, k] = curvature[k, j] = _dot(weighted, jacobian[k])
        total = 0.0
        for i in range(y.size):
            total += weighted[i] * (y[i] - model[i])
        gradient[j] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _cholesky(matrix: Floats, free: NDArray[np.bool_], factor: Floats) -> bool:
    """Factor the rows and columns that are free, the others as in the unit matrix."""
    count = matrix.shape[0]
    for j in range(count):
        for k in range(j + 1):
            unit = 1.0 if j == k else 0.0
            total = matrix[j, k] if free[j] and free[k] else unit
            for m in range(k):
                total -= factor[j, m] * factor[k, m]
            if j != k:
                factor[j, k] = total / factor[k, k]
            elif total > _ROUNDING * abs(matrix[j, j]) or not free[j]:
                factor[j, j] = np.sqrt(total)
            else:
                return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(factor: Floats, right: Floats, solution: Floats) -> None:
    count = right.size
    for j in range(count):
        total = right[j]
        for k in range(j):
            total -= factor[j, k] * solution[k]
        solution[j] = total / factor[j, j]
    for j in range(count - 1, -1, -1):
        total = solution[j]
        for k in range(j + 1, count):
            total -= factor[k, j] * solution[k]
        solution[j] = total / factor[j, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _covariance(curvature: Floats, free: NDArray[np.bool_], out: Floats) -> bool:
    """Invert the curvature in units in which its diagonal is 1; NaN where not free."""
    count = curvature.shape[0]
    unit = np.empty((count, count))
    for j in range(count):
        for k in range(count):
            unit[j, k] = curvature[j, k] / np.sqrt(curvature[j, j] * curvature[k, k])
    factor = np.zeros((count, count))
    if not _cholesky(unit, free, factor):
        return False
    right, column = np.zeros(count), np.empty(count)
    for k in range(count):
        right[:] = 0.0
        right[k] = 1.0
        _solve(factor, right, column)
        for j in range(count):
            both = free[j] and free[k]
            scale = np.sqrt(curvature[j, j] * curvature[k, k])
            out[j, k] = column[j] / scale if both else np.nan
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def solve_and_invert(curvature: Floats, right: Floats, solution: Floats, inverse: Floats) -> bool:
    """Solve ``curvature · solution = right`` and invert the curvature; False if it is singular."""
    free = np.ones(right.size, np.bool_)
    if not _covariance(curvature, free, inverse):
        return False
    for j in range(right.size):
        total = 0.0
        for k in range(right.size):
            total += inverse[j, k] * right[k]
        solution[j] = total
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _spread_of_shared(
    jacobian: Floats, weight: Floats, shared: Floats, weighted: Floats, total: Floats, out: Floats
) -> None:
    """Fill ``out`` with the covariance that a part of the variance of the pixels makes."""
    count = jacobian.shape[0]
    middle, half = np.empty((count, count)), np.zeros((count, count))
    for j in range(count):
        for i in range(shared.size):
            weighted[i] = jacobian[j, i] * weight[i] * weight[i] * shared[i]
        for k in range(j + 1):
            middle[j, k] = middle[k, j] = _dot(weighted, jacobian[k])
    known = np.where(np.isfinite(total), total, 0.0)
    for j in range(count):
        for k in range(count):
            for m in range(count):
                half[j, k] += known[j, m] * middle[m, k]
    for j in range(count):
        for k in range(count):
            part = 0.0
            for m in range(count):
                part += half[j, m] * known[m, k]
            out[j, k] = part if np.isfinite(total[j, k]) else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def fit_one(
    x: Floats,
    scale: Floats,
    offset: Floats,
    plan: NDArray[np.int64],
    y: Floats,
    good: Floats,
    shot: float,
    floor: Floats,
    shared: Floats,
    expected: Floats,
    lower: Floats,
    upper: Floats,
    most_steps: int,
    p: Floats,
    covariance: Floats,
    of_shared: Floats,
    work: Floats,
) -> tuple[bool, int, float, float]:
    """Fit one spectrum from the start ``p``, which becomes the result.

    :param good: 1 for a pixel that counts, else 0.
    :param floor: variance without light, that which spectra share included.
    :param shared: variance that spectra share, shape (pixel,), or (0,) if there is none.
    :param expected: light from which weights are made once for all, shape (pixel,); of shape (0,)
        for the weights of the model.
    :param covariance: total, shape (parameter, parameter).
    :param of_shared: the part of it that spectra share.
    :param work: scratch, shape (2 (parameter + 1) + 3, pixel).
    :return: whether it converged, number of steps, χ², lack of fit in standard deviations.
    """
    count = p.size
    model, jacobian = work[0], work[1 : 1 + count]
    other_model, other_jacobian = work[1 + count], work[2 + count : 2 + 2 * count]
    weight, weighted = work[2 + 2 * count], work[3 + 2 * count]
    curvature, damped = np.empty((count, count)), np.empty((count, count))
    factor = np.zeros((count, count))
    gradient, step, trial = np.empty(count), np.empty(count), np.empty(count)
    free = np.empty(count, np.bool_)
    covariance[:] = np.nan
    of_shared[:] = 0.0

    evaluate(x, scale, offset, plan, p, model, jacobian)
    fixed = expected.size > 0
    _weigh(y, good, expected if fixed else model, shot, floor, weight)
    _normal_equations(y, model, weight, jacobian, weighted, curvature, gradient)
    misfit = _misfit(y, model, weight)
    damping = _FIRST_DAMPING
    converged = False
    steps = 0
    while steps < most_steps and damping < _LARGEST_DAMPING and np.isfinite(misfit):
        steps += 1
        for j in range(count):
            at_low = p[j] <= lower[j] and gradient[j] <= 0.0
            at_high = p[j] >= upper[j] and gradient[j] >= 0.0
            free[j] = curvature[j, j] > 0.0 and not at_low and not at_high
        damped[:] = curvature
        for j in range(count):
            damped[j, j] *= 1.0 + damping
            if not free[j]:
                gradient[j] = 0.0
        if not _cholesky(damped, free, factor):
            damping *= 10.0
            continue
        _solve(factor, gradient, step)
        for j in range(count):
            reach = _LARGEST_STRETCH * p[j]
            if lower[j] > 0.0:  # a width: neither far wider nor far narrower in one step
                step[j] = min(max(step[j], p[j] / _LARGEST_STRETCH - p[j]), reach - p[j])
            trial[j] = min(max(p[j] + step[j], lower[j]), upper[j])
            step[j] = trial[j] - p[j]
        length = 0.0
        for j in range(count):
            length += step[j] * _dot(curvature[j], step)
        if length < SHORTEST_STEP * SHORTEST_STEP and damping <= _FIRST_DAMPING:
            converged = True
            break
        evaluate(x, scale, offset, plan, trial, other_model, other_jacobian)
        trial_misfit = _misfit(y, other_model, weight)
        if trial_misfit <= misfit:
            p[:] = trial
            model, other_model = other_model, model
            jacobian, other_jacobian = other_jacobian, jacobian
            if not fixed:
                _weigh(y, good, model, shot, floor, weight)
            _normal_equations(y, model, weight, jacobian, weighted, curvature, gradient)
            misfit = _misfit(y, model, weight)
            damping = max(damping * 0.1, _LEAST_DAMPING)
        else:
            damping *= 8.0
    for j in range(count):
        free[j] = curvature[j, j] > 0.0 and lower[j] < p[j] < upper[j]
    if converged:
        converged = _covariance(curvature, free, covariance)
    if converged and shared.size > 0:
        _spread_of_shared(jacobian, weight, shared, weighted, covariance, of_shared)
    return converged, steps, misfit, lack_of_fit(y, model, weight, shot, count)

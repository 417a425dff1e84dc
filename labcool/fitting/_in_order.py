"""Fits of spectra one after another: where each begins, and which outcome is believed; compiled.

Each spectrum begins where the last one that is trusted ended. If that does not converge, or fits
worse than it did there, it begins anew from its own start, and the better of the two stays. From
afar the weights of the model are no guide: where it expects only background, every photon of the
line weighs far too much. So a fit that begins anew first takes its weights from the spectrum
itself, averaged over neighbours, and only then those of the model.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labcool.fitting._levenberg import fit_one
from labcool.fitting._shapes import POLYNOMIAL
from labcool.fitting.quality import POOR_FIT

Floats = NDArray[np.float64]

_NEIGHBOURS: Final = 12
"""To each side."""
_COMPARABLE: Final = 1.5
_LIMIT: Final = POOR_FIT


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth(y: Floats, good: Floats, least: float, out: Floats) -> None:
    """Fill ``out`` with the mean of the good pixels about each, ``least`` or more."""
    total, count = 0.0, 0.0
    for i in range(-_NEIGHBOURS, y.size):
        enters, leaves = i + _NEIGHBOURS, i - _NEIGHBOURS - 1
        if enters < y.size:
            total += y[enters] * good[enters]
            count += good[enters]
        if leaves >= 0:
            total -= y[leaves] * good[leaves]
            count -= good[leaves]
        if i >= 0:
            out[i] = max(total / count, least) if count > 0.5 else least


@njit(cache=True, nogil=True, error_model="numpy")
def _sensible(plan: NDArray[np.int64], x: Floats, p: Floats, covariance: Floats) -> bool:
    """Tell whether every line is there, beyond its noise, and within the axis."""
    low, high = min(x[0], x[-1]), max(x[0], x[-1])
    for j in range(p.size):
        if not np.isfinite(p[j]) or covariance[j, j] < 0.0 or np.isinf(covariance[j, j]):
            return False
    for c in range(plan.shape[0]):
        if plan[c, 0] != POLYNOMIAL:
            area, centre, variance = p[plan[c, 1]], p[plan[c, 1] + 1], 0.0
            if np.isfinite(covariance[plan[c, 1], plan[c, 1]]):
                variance = covariance[plan[c, 1], plan[c, 1]]
            if not (area > np.sqrt(variance) and low <= centre <= high):
                return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _alike(one: float, other: float, noise: float) -> bool:
    return one < _COMPARABLE * other + noise and other < _COMPARABLE * one + noise


@njit(cache=True, nogil=True, error_model="numpy")
def fit_all(
    x: Floats,
    scale: Floats,
    offset: Floats,
    plan: NDArray[np.int64],
    spectra: Floats,
    good: Floats,
    freedom: NDArray[np.int64],
    shot: Floats,
    floor: Floats,
    shared: Floats,
    lower: Floats,
    upper: Floats,
    starts: Floats,
    warm: bool,
    most_steps: int,
    parameters: Floats,
    covariances: Floats,
    of_shared: Floats,
    converged: NDArray[np.bool_],
    steps: NDArray[np.int64],
    chi2: Floats,
    lack: Floats,
) -> None:
    """Fit spectra in order.

    :param spectra: shape (n, pixel); ``good`` and ``floor`` have shape (n or 1, pixel).
    :param freedom: degrees of freedom, shape (n,).
    :param starts: shape (n, parameter).
    """
    count = starts.shape[1]
    work = np.empty((4 + 2 * count, x.size))
    local, none = np.empty(x.size), np.empty(0)
    p, trusted = np.empty(count), np.empty(count)
    total, part = np.empty((count, count)), np.empty((count, count))
    level, before, any_trusted = 0.0, 0.0, False
    for s in range(spectra.shape[0]):
        y = spectra[s]
        mask, least = good[min(s, good.shape[0] - 1)], floor[min(s, floor.shape[0] - 1)]
        converged[s], steps[s], chi2[s], lack[s] = False, 0, np.inf, np.inf
        brightest = 0.0
        for i in range(y.size):
            brightest = max(brightest, y[i] * mask[i])
        if freedom[s] < 1 or not brightest > 0.0:
            continue
        noise = 2.0 * _LIMIT / np.sqrt(float(freedom[s]))
        # 0: from the spectrum before; 1: anew, in two stages; 2: anew, at once
        for attempt in range(3):
            if attempt == 0 and not (warm and any_trusted):
                continue
            p[:] = trusted if attempt == 0 else starts[s]
            if attempt == 1 and shot[s] > 0.0:
                _smooth(y, mask, shot[s], local)
                _, used, _, _ = fit_one(
                    x, scale, offset, plan, y, mask, shot[s], least, none, local, lower, upper,
                    most_steps, p, total, part, work,
                )  # fmt: skip
                steps[s] += used
            done, used, misfit, worse = fit_one(
                x, scale, offset, plan, y, mask, shot[s], least, shared, none, lower, upper,
                most_steps, p, total, part, work,
            )  # fmt: skip
            steps[s] += used
            if not (done and _sensible(plan, x, p, total)):
                continue
            if not converged[s] or misfit < chi2[s]:
                converged[s], chi2[s], lack[s] = True, misfit, worse
                parameters[s] = p
                covariances[s] = total
                of_shared[s] = part
            reduced = chi2[s] / freedom[s]
            as_before = attempt == 0 and _alike(reduced, level, noise)
            if lack[s] < _LIMIT or as_before:
                break
        if converged[s]:
            reduced = chi2[s] / freedom[s]
            fine = lack[s] < _LIMIT or not any_trusted
            if fine or _alike(reduced, level, noise) or _alike(reduced, before, noise):
                trusted[:] = parameters[s]
                level, any_trusted = reduced, True
            before = reduced

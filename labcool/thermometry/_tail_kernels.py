"""Slope of the logarithm of a spectrum, or of a ratio of two, by maximum likelihood; compiled.

Both kernels solve ``Σ z_i (m_i/V_i) (data_i − model_i) = 0`` with ``z = (1, −u)`` by Fisher
scoring; V is the variance that the model expects, never that of the data. For pure counting the
first is the Poisson likelihood, the second the binomial one of spectrum and reference, in which the
unknown true spectrum has cancelled. No logarithm of a count is ever taken, so that empty pixels do
no harm.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labcool.fitting._fast_math import exponential
from labcool.fitting._quality import lack_of_fit

Floats = NDArray[np.float64]

_MOST_STEPS: Final = 60
_SHORTEST_STEP: Final = 1e-3
"""Of a standard deviation."""
_LONGEST_STEP: Final = 2.0
"""Of the logarithm, at the end of the window."""
_FLAGS: Final[Any] = {"contract", "nsz", "reassoc"}
_EXACT: Final[Any] = {"contract", "nsz"}


@njit(cache=True, nogil=True, fastmath=_EXACT, error_model="numpy")
def _expect(u: Floats, scale: Floats, level: float, slope: float, out: Floats) -> None:
    for i in range(u.size):
        out[i] = scale[i] * exponential(min(level - slope * u[i], 600.0))


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _spread(u: Floats, weight: Floats, part: Floats, c01: float, c11: float) -> float:
    """Return the variance of the slope that a part of the variance of the data makes."""
    total = 0.0
    for i in range(u.size):
        lever = c01 - c11 * u[i]
        total += lever * lever * weight[i] * weight[i] * part[i]
    return total


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def _sums(u: Floats, curve: Floats, pull: Floats, out: Floats) -> None:
    a = b = c = d = e = 0.0
    for i in range(u.size):
        a += curve[i]
        b += curve[i] * u[i]
        c += curve[i] * u[i] * u[i]
        d += pull[i]
        e += pull[i] * u[i]
    out[0], out[1], out[2], out[3], out[4] = a, -b, c, d, -e


@njit(cache=True, nogil=True, error_model="numpy")
def fit_tail(
    u: Floats,
    scale: Floats,
    light: Floats,
    spectra: Floats,
    shot: float,
    floor: Floats,
    shared: Floats,
    out: Floats,
) -> None:
    """Fit ``counts = scale exp(level − slope u)`` to each spectrum.

    :param u: energy from the middle of the window, shape (pixel,), eV.
    :param light: of the dark, which has shot noise though it is subtracted, shape (pixel,), counts.
    :param spectra: dark-subtracted counts, shape (n, pixel).
    :param shot: variance per count.
    :param floor: variance without light, shape (pixel,).
    :param shared: variance that all spectra share (of the dark), shape (pixel,).
    :param out: shape (n, 4): slope, its variance of the spectrum, its shared variance, lack of fit
        (see :func:`labcool.fitting._quality.lack_of_fit`); NaN where there is none.
    """
    count = u.size
    model, curve, pull, own = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    inverse = np.empty(count)
    sums = np.empty(5)
    reach = max(abs(u[0]), abs(u[-1]), 1e-12)
    half = scale.sum()
    level, slope, total_before, known = 0.0, 0.0, 1.0, False
    for s in range(spectra.shape[0]):
        y = spectra[s]
        out[s, :] = np.nan
        total = y.sum()
        if not total > 0.0:
            continue
        # Where the spectrum before ended, if it did; the light of the whole window moves with it.
        if known:
            level += np.log(total / total_before)
        else:
            level, slope = np.log(total / half), 0.0
        known, total_before = False, total
        for step in range(_MOST_STEPS):
            _expect(u, scale, level, slope, model)
            for i in range(count):
                own[i] = shot * (model[i] + light[i]) + floor[i]
                weight = model[i] / (own[i] + shared[i])
                curve[i] = weight * model[i]
                pull[i] = weight * (y[i] - model[i])
            _sums(u, curve, pull, sums)
            determinant = sums[0] * sums[2] - sums[1] * sums[1]
            if not determinant > 1e-12 * sums[0] * sums[2]:
                break
            c00, c01, c11 = sums[2] / determinant, -sums[1] / determinant, sums[0] / determinant
            d_level = c00 * sums[3] + c01 * sums[4]
            d_slope = c01 * sums[3] + c11 * sums[4]
            longest = abs(d_level) + abs(d_slope) * reach
            shrink = min(1.0, _LONGEST_STEP / longest)
            if d_slope * d_slope < _SHORTEST_STEP**2 * c11 and step > 0:
                for i in range(count):
                    inverse[i] = 1.0 / (own[i] + shared[i])
                    curve[i] = model[i] * inverse[i]
                known = True
                out[s, 0] = slope
                out[s, 1] = _spread(u, curve, own, c01, c11)
                out[s, 2] = _spread(u, curve, shared, c01, c11)
                out[s, 3] = lack_of_fit(y, model, inverse, shot, 2)
                break
            level += shrink * d_level
            slope += shrink * d_slope


@njit(cache=True, nogil=True, error_model="numpy")
def fit_tail_ratio(
    u: Floats,
    reference: Floats,
    reference_variance: Floats,
    smooth: Floats,
    smooth_variance: Floats,
    light: Floats,
    spectra: Floats,
    shot: float,
    floor: Floats,
    shared: Floats,
    same_dark: bool,
    out: Floats,
) -> None:
    """Fit ``counts = reference exp(level − slope u)`` to each spectrum; both are noisy.

    :param reference: dark-subtracted counts, shape (pixel,).
    :param reference_variance: of each pixel of the reference, its dark aside, from its own counts.
    :param smooth: expected counts of the reference as far as they are known, above 0, and their
        variance in ``smooth_variance``: only weights depend on them, so that an error there costs
        precision but biases neither the slope nor its variance.
    :param shared: variance of the dark of the spectra.
    :param same_dark: whether it is the reference's dark, too, so that its noise cancels at ratio 1.
    :param out: as of :func:`fit_tail`; the third column is the variance that the reference and the
        dark make.
    """
    count = u.size
    ratio, curve, pull = np.empty(count), np.empty(count), np.empty(count)
    own, common, weight = np.empty(count), np.empty(count), np.empty(count)
    sums = np.empty(5)
    ones = np.ones(count)
    reach = max(abs(u[0]), abs(u[-1]), 1e-12)
    total_reference = reference.sum()
    level, slope, total_before, known = 0.0, 0.0, 1.0, False
    for s in range(spectra.shape[0]):
        y = spectra[s]
        out[s, :] = np.nan
        total = y.sum()
        if not (total > 0.0 and total_reference > 0.0):
            continue
        if known:
            level += np.log(total / total_before)
        else:
            level, slope = np.log(total / total_reference), 0.0
        known, total_before = False, total
        for step in range(_MOST_STEPS):
            _expect(u, ones, level, slope, ratio)
            for i in range(count):
                expected = smooth[i] * ratio[i]
                own[i] = shot * (expected + light[i]) + floor[i]
                of_dark = (1.0 - ratio[i]) if same_dark else 1.0
                squared, dark = ratio[i] * ratio[i], of_dark * of_dark * shared[i]
                weight[i] = expected / (own[i] + squared * smooth_variance[i] + dark)
                common[i] = squared * reference_variance[i] + dark
                curve[i] = weight[i] * ratio[i] * reference[i]
                pull[i] = weight[i] * (y[i] - ratio[i] * reference[i])
            _sums(u, curve, pull, sums)
            determinant = sums[0] * sums[2] - sums[1] * sums[1]
            if not determinant > 1e-12 * sums[0] * sums[2]:
                break
            c00, c01, c11 = sums[2] / determinant, -sums[1] / determinant, sums[0] / determinant
            d_level = c00 * sums[3] + c01 * sums[4]
            d_slope = c01 * sums[3] + c11 * sums[4]
            shrink = min(1.0, _LONGEST_STEP / (abs(d_level) + abs(d_slope) * reach))
            if d_slope * d_slope < _SHORTEST_STEP**2 * c11 and step > 0:
                for i in range(count):
                    pull[i] = ratio[i] * reference[i]
                    curve[i] = weight[i] / (smooth[i] * ratio[i])
                out[s, 3] = lack_of_fit(y, pull, curve, shot, 2)
                for i in range(count):
                    own[i] = shot * (y[i] + light[i]) + floor[i]
                known = True
                out[s, 0] = slope
                out[s, 1] = max(_spread(u, weight, own, c01, c11), 0.0)
                out[s, 2] = max(_spread(u, weight, common, c01, c11), 0.0)
                break
            level += shrink * d_level
            slope += shrink * d_slope

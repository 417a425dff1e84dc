"""Value and derivatives of each line shape for all pixels, compiled.

A kernel fills the rows of ``jacobian`` that belong to its parameters and adds the line to
``model``; ``scale`` (bin width × response) multiplies both. All shapes have an area of 1.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labcool.fitting._fast_math import exponential, scaled_erfc

Floats = NDArray[np.float64]

GAUSSIAN: Final = 0
LORENTZIAN: Final = 1
PSEUDO_VOIGT: Final = 2
EMG: Final = 3
POLYNOMIAL: Final = 4

_ROOT_2: Final = math.sqrt(2)
_ROOT_2PI: Final = math.sqrt(2 * math.pi)
_LARGEST_EXPONENT: Final = 600.0
_FLAGS: Final[Any] = {"contract", "nsz"}


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def gaussian(x: Floats, scale: Floats, p: Floats, model: Floats, jacobian: Floats) -> None:
    """Parameters: area, centre, sigma."""
    area, centre, sigma = p[0], p[1], p[2]
    inverse = 1.0 / sigma
    norm = inverse / _ROOT_2PI
    slope = area * inverse
    for i in range(x.size):
        z = (x[i] - centre) * inverse
        density = exponential(-0.5 * z * z) * norm * scale[i]
        jacobian[0, i] = density
        jacobian[1, i] = slope * density * z
        jacobian[2, i] = slope * density * (z * z - 1.0)
        model[i] += area * density


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def lorentzian(x: Floats, scale: Floats, p: Floats, model: Floats, jacobian: Floats) -> None:
    """Parameters: area, centre, fwhm."""
    area, centre, half = p[0], p[1], 0.5 * p[2]
    inverse = 1.0 / half
    norm = inverse / math.pi
    slope = area * inverse
    for i in range(x.size):
        z = (x[i] - centre) * inverse
        cut = 1.0 / (1.0 + z * z)
        density = norm * cut * scale[i]
        jacobian[0, i] = density
        jacobian[1, i] = slope * density * 2.0 * z * cut
        jacobian[2, i] = 0.5 * slope * density * (2.0 * z * z * cut - 1.0)
        model[i] += area * density


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def pseudo_voigt(x: Floats, scale: Floats, p: Floats, model: Floats, jacobian: Floats) -> None:
    """Parameters: area, centre, fwhm (of both parts), mixing (0 Gaussian, 1 Lorentzian)."""
    area, centre, fwhm, mixing = p[0], p[1], p[2], p[3]
    inverse = 1.0 / fwhm
    log2 = math.log(2.0)
    gauss_norm = 2.0 * math.sqrt(log2 / math.pi) * inverse
    lorentz_norm = 2.0 / math.pi * inverse
    for i in range(x.size):
        z = (x[i] - centre) * inverse
        gauss = gauss_norm * exponential(-4.0 * log2 * z * z) * scale[i]
        cut = 1.0 / (1.0 + 4.0 * z * z)
        lorentz = lorentz_norm * cut * scale[i]
        gauss_part, lorentz_part = (1.0 - mixing) * gauss, mixing * lorentz
        # −z · d/dz of ln(shape), from which both derivatives follow.
        fall = gauss_part * 8.0 * log2 * z * z + lorentz_part * 8.0 * z * z * cut
        steep = gauss_part * 8.0 * log2 * z + lorentz_part * 8.0 * z * cut
        jacobian[0, i] = gauss_part + lorentz_part
        jacobian[1, i] = area * inverse * steep
        jacobian[2, i] = area * inverse * (fall - gauss_part - lorentz_part)
        jacobian[3, i] = area * (lorentz - gauss)
        model[i] += area * (gauss_part + lorentz_part)


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def emg(
    x: Floats, scale: Floats, p: Floats, direction: float, model: Floats, jacobian: Floats
) -> None:
    """Parameters: area, centre, sigma, tail (above 0); direction −1 for a tail to small x.

    With f the shape, g its Gaussian and ``d = direction (x − centre)``: ``tail f' = g − f``, and
    the derivative by sigma is ``sigma f''``, as for everything folded with a Gaussian.
    """
    area, centre, sigma, tail = p[0], p[1], p[2], p[3]
    per_sigma, per_tail = 1.0 / sigma, 1.0 / tail
    ratio = sigma * per_tail
    level = 0.5 * ratio * ratio
    norm = per_sigma / _ROOT_2PI
    by_tail = ratio * ratio * per_tail
    for i in range(x.size):
        d = direction * (x[i] - centre)
        z = d * per_sigma
        bell = exponential(-0.5 * z * z)
        argument = (ratio - z) / _ROOT_2
        near = scaled_erfc(abs(argument)) * bell
        far = exponential(min(level - d * per_tail, _LARGEST_EXPONENT))
        shape = (near if argument >= 0.0 else 2.0 * far - near) * 0.5 * per_tail * scale[i]
        gauss = bell * norm * scale[i]
        slope = (gauss - shape) * per_tail
        jacobian[0, i] = shape
        jacobian[1, i] = -direction * area * slope
        jacobian[2, i] = -area * sigma * per_tail * (z * per_sigma * gauss + slope)
        jacobian[3, i] = area * (
            shape * per_tail * (d * per_tail - ratio * ratio - 1.0) + gauss * by_tail
        )
        model[i] += area * shape


@njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")
def polynomial(x: Floats, p: Floats, model: Floats, jacobian: Floats) -> None:
    """Parameters: coefficients of 1, u, u² ... with u from −1 to 1 over the pixels."""
    low, high = min(x[0], x[-1]), max(x[0], x[-1])
    middle, per_half = 0.5 * (low + high), 2.0 / (high - low)
    for i in range(x.size):
        jacobian[0, i] = 1.0
        model[i] += p[0]
    for k in range(1, p.size):
        for i in range(x.size):
            jacobian[k, i] = jacobian[k - 1, i] * ((x[i] - middle) * per_half)
            model[i] += p[k] * jacobian[k, i]


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(
    x: Floats,
    scale: Floats,
    offset: Floats,
    plan: NDArray[np.int64],
    p: Floats,
    model: Floats,
    jacobian: Floats,
) -> None:
    """Fill ``model``, shape (pixel,), and ``jacobian``, shape (parameter, pixel).

    :param plan: shape (component, 3): kind, first parameter, and number of coefficients of a
        polynomial or direction of an EMG.
    """
    model[:] = offset
    for c in range(plan.shape[0]):
        kind, first, detail = plan[c, 0], plan[c, 1], plan[c, 2]
        rows = jacobian[first:]
        if kind == GAUSSIAN:
            gaussian(x, scale, p[first:], model, rows)
        elif kind == LORENTZIAN:
            lorentzian(x, scale, p[first:], model, rows)
        elif kind == PSEUDO_VOIGT:
            pseudo_voigt(x, scale, p[first:], model, rows)
        elif kind == EMG:
            emg(x, scale, p[first:], float(detail), model, rows)
        else:
            polynomial(x, p[first : first + detail], model, rows)

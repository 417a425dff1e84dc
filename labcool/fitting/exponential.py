"""Fit of an exponential approach to a steady state, which admits when the data do not show one.

``T(t) = T_inf + (T_0 − T_inf) exp(−(t − t0)/τ)``. Data that hardly bend fit any large τ equally
well, and a least-squares routine still returns a number. Here τ counts as determined only if

* the exponential is better than a straight line by more than ``BEND`` in χ²,
* the amplitude is more than ``SIGNIFICANT`` of its own standard deviations, and
* ln τ is known to better than ``LARGEST_LOG_STD`` (a factor of 1.65).

Otherwise every value is NaN, ``converged`` is False and ``reason`` says which of these failed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from labcool.errors import LimitError
from labcool.fitting._points import known_points

BEND: Final = 16.0
SIGNIFICANT: Final = 4.0
LARGEST_LOG_STD: Final = 0.5
_STARTS: Final = 40
_LONGEST: Final = 30.0
_SEARCH: Final = 5.0
_ROUNDING: Final = 1e-9
_MOST_STEPS: Final = 50
_PARAMETERS: Final = 3
_TOO_FEW: Final = "fewer than 5 points"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExponentialFit:
    """Outcome of :func:`fit_exponential`; every std is 1 σ, and NaN if not determined.

    The std are those of the weights given, multiplied by √max(1, reduced χ²): a scatter larger
    than stated makes them larger, a smaller one never makes them smaller.

    :param tau: time constant, s, with ``tau_std``.
    :param start: T_0, the value at ``origin``, with ``start_std``.
    :param steady: T_inf, the value after a long time, with ``steady_std``.
    :param end: value at the last point, with ``end_std``.
    :param origin: t0, s.
    :param reduced_chi2: χ² of the exponential per degree of freedom; NaN without weights.
    :param degrees_of_freedom: points less parameters.
    :param converged: True if the data determine the time constant.
    :param reason: why not, in words; empty if they do.
    """

    tau: float
    tau_std: float
    start: float
    start_std: float
    steady: float
    steady_std: float
    end: float
    end_std: float
    origin: float
    reduced_chi2: float
    degrees_of_freedom: int
    converged: bool
    reason: str

    def __call__(self, time: ArrayLike) -> Floats:
        """Return the fitted value at ``time`` (s), same shape; NaN if not determined."""
        elapsed = np.asarray(time, np.float64) - self.origin
        return self.steady + (self.start - self.steady) * np.exp(-elapsed / self.tau)


def fit_exponential(
    time: ArrayLike, value: ArrayLike, std: ArrayLike | None = None, *, origin: float | None = None
) -> ExponentialFit:
    """Fit an exponential approach to a steady state.

    :param time: shape (n,), s, ascending. Points with NaN in any of the three are left out.
    :param value: shape (n,), e.g. K.
    :param std: standard deviation of each value, shape (n,) or one number, above 0. None: all
        points weigh the same, and the scatter about the fit gives the std.
    :param origin: t0, s, not after the first point; None: the first point.
    :raises LimitError: if the shapes differ, a std is not positive, the time not ascending or the
        origin after the first point.
    """
    t, y, sigma = known_points(time, value, std)
    if t.size < _PARAMETERS + 2:
        first = float(t[0]) if t.size else math.nan
        return _not_determined(origin if origin is not None else first, math.nan, 0, _TOO_FEW)
    t0 = float(t[0]) if origin is None else float(origin)
    if not t0 <= t[0]:
        raise LimitError("origin of the fit (s)", t0, f"not after the first point, {t[0]:g} s")
    return _fit(t, y, sigma, t0, weighted=std is not None)


def _fit(t: Floats, y: Floats, sigma: Floats, t0: float, *, weighted: bool) -> ExponentialFit:
    elapsed = t - t0
    freedom = t.size - _PARAMETERS
    start = _start(elapsed, y, sigma)
    fitted = least_squares(
        lambda p: (_model(elapsed, *p) - y) / sigma,
        start,
        jac=lambda p: _jacobian(elapsed, *p) / sigma[:, np.newaxis],
        bounds=([-np.inf, -np.inf, start[2] - _SEARCH], [np.inf, np.inf, start[2] + _SEARCH]),
        x_scale="jac",
        max_nfev=_MOST_STEPS,
    )
    best = fitted.x
    chi2 = 2 * float(fitted.cost)
    reduced = chi2 / freedom
    rounding = float((_ROUNDING * np.max(np.abs(y / sigma))) ** 2)
    scale = max(1.0, reduced) if weighted else max(reduced, rounding)
    covariance = scale * _covariance(fitted.jac)
    tau = math.exp(best[2])
    log_std = math.sqrt(covariance[2, 2])
    amplitude = float(best[1] - best[0])
    amplitude_std = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    reported = reduced if weighted else math.nan
    bend = (_line_chi2(elapsed, y, sigma) - chi2) / scale
    for failed, reason in (
        (not bend > BEND, "the data do not bend: a straight line fits as well"),
        (not abs(amplitude) > SIGNIFICANT * amplitude_std, "the change drowns in the noise"),
        (not fitted.success, "the fit found no minimum"),
        (not log_std < LARGEST_LOG_STD, "the time constant is uncertain by more than a factor 1.6"),
    ):
        if failed:
            return _not_determined(t0, reported, freedom, reason)
    last = elapsed[-1:]
    return ExponentialFit(
        tau=tau,
        tau_std=tau * log_std,
        start=float(best[1]),
        start_std=math.sqrt(covariance[1, 1]),
        steady=float(best[0]),
        steady_std=math.sqrt(covariance[0, 0]),
        end=float(_model(last, *best)[0]),
        end_std=_std(_jacobian(last, *best)[0], covariance),
        origin=t0,
        reduced_chi2=reported,
        degrees_of_freedom=freedom,
        converged=True,
        reason="",
    )


def _model(elapsed: Floats, steady: float, start: float, log_tau: float) -> Floats:
    return steady + (start - steady) * np.exp(-elapsed * math.exp(-log_tau))


def _jacobian(elapsed: Floats, steady: float, start: float, log_tau: float) -> Floats:
    turns = elapsed * math.exp(-log_tau)
    decay = np.exp(-turns)
    return np.column_stack((1 - decay, decay, (start - steady) * decay * turns))


def _start(elapsed: Floats, y: Floats, sigma: Floats) -> tuple[float, float, float]:
    """Return the best of a ladder of τ: at a given τ the model is linear in the other two."""
    window = float(elapsed[-1])
    shortest = max(float(np.min(np.diff(elapsed))) / 3, window * 1e-6)
    ladder = np.geomspace(shortest, _LONGEST * window, _STARTS)
    decay = np.exp(-elapsed / ladder[:, np.newaxis])
    weight = 1 / sigma**2
    weight = weight / weight.sum()
    mean_decay, mean_y = decay @ weight, float(y @ weight)
    decay -= mean_decay[:, np.newaxis]
    squares = decay**2 @ weight
    products = decay @ (weight * (y - mean_y))
    best = int(np.argmax(products**2 / squares))
    amplitude = float(products[best] / squares[best])
    steady = mean_y - amplitude * float(mean_decay[best])
    return steady, steady + amplitude, math.log(ladder[best])


def _line_chi2(elapsed: Floats, y: Floats, sigma: Floats) -> float:
    columns = np.column_stack((np.ones_like(elapsed), elapsed))
    line = np.linalg.lstsq(columns / sigma[:, np.newaxis], y / sigma)[0]
    return float(np.sum(((y - columns @ line) / sigma) ** 2))


def _covariance(jacobian: Floats) -> Floats:
    """Return (JᵀJ)⁻¹, infinite if the data say nothing about some combination of parameters."""
    _, singular, rows = np.linalg.svd(jacobian, full_matrices=False)
    if not singular[-1] > np.finfo(np.float64).eps * singular[0] * len(jacobian):
        return np.diag(np.full(_PARAMETERS, np.inf))
    inverse: Floats = (rows.T / singular**2) @ rows
    return inverse


def _std(gradient: Floats, covariance: Floats) -> float:
    return math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))


def _not_determined(
    origin: float, reduced_chi2: float, degrees_of_freedom: int, reason: str
) -> ExponentialFit:
    unknown = (math.nan,) * 8
    return ExponentialFit(*unknown, origin, reduced_chi2, degrees_of_freedom, False, reason)

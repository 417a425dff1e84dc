"""Weighted least squares for one curve with few parameters, which says whether it found them.

For blocks of spectra there is a batched fit; this is for the handful of points of a scan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from labcool.errors import LimitError

Floats = NDArray[np.float64]

_MOST_STEPS: Final = 400
_SINGULAR: Final = 1e-8
"""Smallest singular value of the scaled Jacobian against the largest; differences have 1e-10."""


@dataclass(frozen=True, slots=True, eq=False)
class CurveFit:
    """Outcome of :func:`fit_curve`.

    The covariance is that of the weights given, times max(1, reduced χ²): a scatter larger than
    stated makes it larger, a smaller one never makes it smaller. Without weights it follows from
    the scatter alone.

    :param values: parameters by name; NaN if not determined.
    :param covariance: shape (p, p), in the order of the names.
    :param chi2: χ²; NaN without weights.
    :param degrees_of_freedom: points less parameters.
    :param converged: True if the data determine every parameter.
    :param reason: why not, in words; empty if they do.
    """

    values: Mapping[str, float]
    covariance: Floats
    chi2: float
    degrees_of_freedom: int
    converged: bool
    reason: str

    def __getitem__(self, name: str) -> float:
        """Return the fitted value of a parameter."""
        return self.values[name]

    def std(self, name: str) -> float:
        """Return the standard uncertainty of a parameter, NaN if not determined."""
        index = list(self.values).index(name)
        return math.sqrt(self.covariance[index, index])

    def std_of(self, gradient: Mapping[str, float]) -> float:
        """Return the standard uncertainty of a quantity, given its derivatives by parameter."""
        slope = np.array([gradient.get(name, 0.0) for name in self.values])
        return math.sqrt(float(slope @ self.covariance @ slope))

    @property
    def reduced_chi2(self) -> float:
        """χ² per degree of freedom; NaN without weights."""
        return self.chi2 / self.degrees_of_freedom


def fit_curve(
    model: Callable[..., Floats],
    y: ArrayLike,
    std: ArrayLike | None,
    *,
    start: Mapping[str, float],
    lowest: Mapping[str, float] | None = None,
    highest: Mapping[str, float] | None = None,
) -> CurveFit:
    """Fit ``model(**parameters)`` to ``y``.

    :param model: called with one float for each name of ``start``; returns shape (n,).
    :param y: shape (n,), finite.
    :param std: standard deviation of each, shape (n,) or one number, above 0; None: all the same.
    :param start: where to begin, by name.
    :param lowest: lower bounds of some of them.
    :param highest: upper bounds of some of them.
    :raises LimitError: if there are no more points than parameters, a value is not finite or a std
        not above 0.
    """
    names = list(start)
    values, sigma = checked_points(y, std, parameters=len(names))
    bounds = (
        [(lowest or {}).get(name, -np.inf) for name in names],
        [(highest or {}).get(name, np.inf) for name in names],
    )
    fitted = least_squares(
        lambda p: (model(**dict(zip(names, map(float, p), strict=True))) - values) / sigma,
        [start[name] for name in names],
        bounds=bounds,
        x_scale="jac",
        jac="3-point",
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
        max_nfev=_MOST_STEPS,
    )
    return _outcome(fitted, names, values.size - len(names), weighted=std is not None)


def checked_points(
    y: ArrayLike, std: ArrayLike | None, *, parameters: int
) -> tuple[Floats, Floats]:
    """Return values and standard deviations, shape (n,) each; 1 where none are given.

    :raises LimitError: as :func:`fit_curve`.
    """
    values = np.asarray(y, np.float64)
    if values.ndim != 1 or not values.size > parameters:
        raise LimitError("points of the fit", f"shape {values.shape}", f"(n,), n > {parameters}")
    sigma = np.asarray(1.0 if std is None else std, np.float64)
    if sigma.shape not in ((), values.shape):
        raise LimitError("shape of the std", sigma.shape, f"() or {values.shape}")
    if not np.isfinite(values).all():
        raise LimitError("values to fit", "NaN or infinite", "finite")
    if not (np.isfinite(sigma) & (sigma > 0)).all():
        raise LimitError("std of a value", float(np.min(sigma)), "finite and above 0")
    return values, np.broadcast_to(sigma, values.shape)


def not_determined(names: Sequence[str], degrees_of_freedom: int, reason: str) -> CurveFit:
    """Return the outcome of a fit that gives nothing."""
    unknown = dict.fromkeys(names, math.nan)
    covariance = np.full((len(names), len(names)), np.nan)
    return CurveFit(unknown, covariance, math.nan, degrees_of_freedom, False, reason)


def _outcome(fitted: Any, names: list[str], freedom: int, *, weighted: bool) -> CurveFit:
    _, singular, rows = np.linalg.svd(fitted.jac / _scales(fitted.jac), full_matrices=False)
    if not fitted.success:
        return not_determined(names, freedom, "the fit found no minimum")
    if not singular[-1] > _SINGULAR * singular[0]:
        return not_determined(names, freedom, "the data do not tell the parameters apart")
    if fitted.active_mask.any():
        stuck = ", ".join(np.array(names)[fitted.active_mask != 0])
        return not_determined(names, freedom, f"the best {stuck} lies at the end of its range")
    chi2 = 2 * float(fitted.cost)
    reduced = chi2 / freedom
    inverse = (rows.T / singular**2) @ rows
    scales = _scales(fitted.jac)
    covariance = inverse / np.outer(scales, scales) * (max(1.0, reduced) if weighted else reduced)
    values = dict(zip(names, map(float, fitted.x), strict=True))
    return CurveFit(values, covariance, chi2 if weighted else math.nan, freedom, True, "")


def _scales(jacobian: Floats) -> Floats:
    """Return the length of each column, 1 where it is 0, so that units do not decide rank."""
    lengths = np.linalg.norm(jacobian, axis=0)
    return np.where(lengths > 0, lengths, 1.0)

"""Weighted least squares for a curve whose points are uncertain in both directions.

Orthogonal distance regression (Boggs and Rogers 1990) as ODRPACK95 carries it out, by way of the
``odrpack`` package: the true abscissa of every point is fitted, too. Ordinary least squares would
flatten the curve, the more the larger the errors of x are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit, checked_points, fit_curve, not_determined

Floats = NDArray[np.float64]

_MOST_STEPS: Final = 400
_FIRST_ERROR: Final = 10000
_CONVERGED: Final = (1, 2, 3)
"""Last digit of ODRPACK's code: by the sum of squares, by the parameters, or by both."""
_SINGULAR: Final = 1e-8
_STEP: Final = 1e-6
_PART_OF_STD: Final = 1e-3


def fit_both_axes(
    model: Callable[..., Floats],
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_std: ArrayLike,
    y_std: ArrayLike,
    start: Mapping[str, float],
) -> CurveFit:
    """Fit ``model(x, **parameters)`` to points with errors in both axes.

    :param model: called with x, shape (n,), and one float for each name of ``start``; returns
        shape (n,).
    :param x: shape (n,), finite.
    :param y: shape (n,), finite.
    :param x_std: standard deviation of x, one number or shape (n,): all above 0, or all 0.
    :param y_std: standard deviation of y, one number or shape (n,), above 0.
    :param start: where to begin, by name.
    :raises LimitError: if there are no more points than parameters, a shape does not fit, a value
        is not finite, or a std not above 0.
    """
    names = list(start)
    values, sigma = checked_points(y, y_std, parameters=len(names))
    places = np.asarray(x, np.float64)
    if places.shape != values.shape or not np.isfinite(places).all():
        raise LimitError("x of the points", f"shape {places.shape}", f"finite, {values.shape}")
    if not np.any(x_std):
        return fit_curve(lambda **p: model(places, **p), values, sigma, start=start)
    _, spread = checked_points(places, x_std, parameters=len(names))
    # In units of their own spread, so that one step suits all of them.
    middle, scale = float(places.mean()), float(np.ptp(places)) or 1.0

    def evaluate(u: Floats, beta: Floats) -> Floats:
        return model(middle + scale * u, **dict(zip(names, map(float, beta), strict=True)))

    from odrpack import odr_fit  # compiled: only where somebody fits

    found = odr_fit(
        evaluate,
        (places - middle) / scale,
        values,
        np.array([start[name] for name in names], np.float64),
        weight_x=(scale / spread) ** 2,
        weight_y=1 / sigma**2,
        diff_scheme="central",
        maxit=_MOST_STEPS,
    )
    freedom = values.size - len(names)
    if not (found.info < _FIRST_ERROR and found.info % 10 in _CONVERGED):
        return not_determined(names, freedom, f"the fit found no minimum ({found.stopreason})")
    away = np.sqrt(np.maximum(np.nan_to_num(np.diag(found.cov_beta)), 0.0))
    step = np.maximum(_STEP * np.maximum(np.abs(found.beta), _STEP), _PART_OF_STD * away)
    weighted = _weighted_jacobian(evaluate, found, step, spread / scale, sigma)
    return _outcome(found, names, freedom, weighted)


def _weighted_jacobian(
    evaluate: Callable[[Floats, Floats], Floats],
    found: Any,
    step: Floats,
    u_std: Floats,
    y_std: Floats,
) -> Floats:
    """Return the derivatives by the parameters over the std of each point, in both axes."""
    u, beta, columns = found.xplusd, found.beta, []
    for index, size in enumerate(step):
        away = np.zeros(beta.size)
        away[index] = size
        columns.append((evaluate(u, beta + away) - evaluate(u, beta - away)) / (2 * size))
    slope = (evaluate(u + _STEP, beta) - evaluate(u - _STEP, beta)) / (2 * _STEP)
    jacobian: Floats = np.column_stack(columns) / np.hypot(y_std, slope * u_std)[:, np.newaxis]
    return jacobian


def _outcome(found: Any, names: list[str], freedom: int, jacobian: Floats) -> CurveFit:
    """Return values and covariance. ODRPACK's own rank is wrong for points that fit exactly."""
    if not np.isfinite(jacobian).all():
        return not_determined(names, freedom, "the curve is not finite near the best fit")
    lengths = np.linalg.norm(jacobian, axis=0)
    scales = np.where(lengths > 0, lengths, 1.0)
    _, singular, rows = np.linalg.svd(jacobian / scales, full_matrices=False)
    if not singular[-1] > _SINGULAR * singular[0]:
        return not_determined(names, freedom, "the data do not tell the parameters apart")
    chi2 = float(found.sum_square)
    covariance = (rows.T / singular**2) @ rows / np.outer(scales, scales)
    values = dict(zip(names, map(float, found.beta), strict=True))
    return CurveFit(values, covariance * max(1.0, chi2 / freedom), chi2, freedom, True, "")

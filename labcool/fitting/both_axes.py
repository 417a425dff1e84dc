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
_SINGULAR: Final = 1e-10


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
    return _outcome(found, names, values.size - len(names))


def _outcome(found: Any, names: list[str], freedom: int) -> CurveFit:
    if found.irank > 0 or not found.inv_condnum > _SINGULAR:
        return not_determined(names, freedom, "the data do not tell the parameters apart")
    if not found.success:
        return not_determined(names, freedom, f"the fit found no minimum ({found.stopreason})")
    chi2 = float(found.sum_square)
    covariance = np.array(found.cov_beta) * max(1.0, chi2 / freedom)
    values = dict(zip(names, map(float, found.beta), strict=True))
    return CurveFit(values, covariance, chi2, freedom, True, "")

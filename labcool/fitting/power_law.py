"""One-photon or two-photon: the exponent of emission against pump power."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit, checked_points, fit_curve
from labcool.models.power_law import one_and_two_photon_emission

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crossover:
    """Outcome of :func:`fit_crossover`.

    :param fit: coefficients ``linear`` (a) and ``quadratic`` (b) of ``I = a P + b P²``.
    :param power: a/b, where both contribute the same, in the unit of the powers; inf if no part is
        quadratic, NaN if none is linear.
    :param power_std: its standard uncertainty, NaN where the power is not finite.
    """

    fit: CurveFit
    power: float
    power_std: float


def fit_power_law(power: ArrayLike, intensity: ArrayLike, std: ArrayLike | None = None) -> CurveFit:
    """Fit ``I = c Pⁿ``; the outcome has ``exponent`` (n) and ``log_prefactor`` (ln c).

    It is fitted to the intensities themselves and not to their logarithms, which would be biased
    for weak signals.

    :param power: pump power or irradiance, shape (n,), above 0, at least two different ones.
    :param intensity: shape (n,).
    :param std: standard deviation of each intensity, shape (n,) or one number.
    :raises LimitError: for powers that are not above 0 or all the same, other shapes, or fewer than
        three points.
    """
    p, y = _checked(power, intensity, std)
    centre = float(np.mean(np.log(p)))
    shifted = np.log(p) - centre
    fine = y > 0
    start = np.polyfit(shifted[fine], np.log(y[fine]), 1) if fine.sum() >= 2 else (1.0, 0.0)
    fitted = fit_curve(
        lambda exponent, log_prefactor: np.exp(exponent * shifted + log_prefactor),
        y,
        std,
        start={"exponent": float(start[0]), "log_prefactor": float(start[1])},
    )
    # Back from the centre of the powers, where the two are least correlated, to P = 1.
    back = np.array([[1.0, 0.0], [-centre, 1.0]])
    values = back @ np.array(list(fitted.values.values()))
    return CurveFit(
        dict(zip(fitted.values, map(float, values), strict=True)),
        back @ fitted.covariance @ back.T,
        fitted.chi2,
        fitted.degrees_of_freedom,
        fitted.converged,
        fitted.reason,
    )


def fit_crossover(
    power: ArrayLike, intensity: ArrayLike, std: ArrayLike | None = None
) -> Crossover:
    """Fit ``I = a P + b P²`` and return the power at which single- and two-photon parts are equal.

    Parameters and errors as for :func:`fit_power_law`.
    """
    p, y = _checked(power, intensity, std)
    scale = float(np.max(p))
    relative = p / scale
    columns = np.column_stack((relative, relative**2))
    start = np.linalg.lstsq(columns, y, rcond=None)[0]
    fitted = fit_curve(
        lambda linear, quadratic: one_and_two_photon_emission(relative, linear, quadratic),
        y,
        std,
        start={"linear": float(start[0]), "quadratic": float(start[1])},
    )
    a, b = fitted["linear"], fitted["quadratic"]
    if fitted.converged and a > 0 and b > 0:
        crossover = scale * a / b
        spread = fitted.std_of({"linear": scale / b, "quadratic": -crossover / b})
    else:
        crossover, spread = (math.inf if fitted.converged and a > 0 else math.nan), math.nan
    units = np.array([1 / scale, 1 / scale**2])
    values = {"linear": a * units[0], "quadratic": b * units[1]}
    covariance = fitted.covariance * np.outer(units, units)
    rescaled = CurveFit(
        values,
        covariance,
        fitted.chi2,
        fitted.degrees_of_freedom,
        fitted.converged,
        fitted.reason,
    )
    return Crossover(rescaled, crossover, spread)


def _checked(
    power: ArrayLike, intensity: ArrayLike, std: ArrayLike | None
) -> tuple[Floats, Floats]:
    p = np.asarray(power, np.float64)
    if p.ndim != 1 or not (np.isfinite(p) & (p > 0)).all() or np.unique(p).size < 2:
        raise LimitError("pump powers", power, "shape (n,), above 0, at least two different ones")
    y = np.asarray(intensity, np.float64)
    if y.shape != p.shape:
        raise LimitError("shape of the intensities", y.shape, f"{p.shape}, as the powers")
    checked_points(y, std, parameters=2)
    return p, y

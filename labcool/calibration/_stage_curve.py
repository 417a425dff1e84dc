"""How an observable depends on temperature, from a series on a stage: errors in both axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.polynomial.polynomial import polyfit, polyval
from numpy.typing import ArrayLike, NDArray

from labcool.calibration._determined import covariance_rows, determined
from labcool.calibration.curve import PolynomialCalibration, VarshniCalibration
from labcool.calibration.origin import Origin
from labcool.errors import LimitError
from labcool.fitting.both_axes import fit_both_axes
from labcool.fitting.curve import CurveFit
from labcool.models.phonons import varshni_gap

Floats = NDArray[np.float64]

_METHOD: Final = "series on a stage"


def fit_polynomial_curve(
    temperature: ArrayLike,
    observable: ArrayLike,
    *,
    temperature_std: ArrayLike,
    observable_std: ArrayLike,
    degree: int,
    name: str,
    unit: str,
    origin: Origin,
) -> PolynomialCalibration:
    """Fit ``observable = Σ c_k (T − T0)^k``, T0 the middle of the temperatures.

    The range of validity is that of the temperatures.

    :param temperature: K, shape (n,).
    :param observable: e.g. a peak energy, shape (n,).
    :param temperature_std: of each temperature by itself, K, one number or shape (n,); 0: none.
    :param observable_std: one number or shape (n,), above 0.
    :param degree: of the polynomial, 1 or more.
    :param name: of the observable, e.g. :data:`labcool.calibration.PEAK_ENERGY`.
    :param unit: of the observable.
    :param origin: when and where they were measured.
    :raises LimitError: if a number is outside its range, the points do not determine the curve, or
        it turns within the range.
    """
    if not degree >= 1:
        raise LimitError("degree of the curve", degree, "1 or more")
    kelvin, values = _checked(temperature, observable)
    middle = float((kelvin.min() + kelvin.max()) / 2)
    names = [f"c{power}" for power in range(degree + 1)]
    if len(kelvin) <= len(names) or len(np.unique(kelvin)) < len(names):
        allowed = f"more than {len(names)}, at {len(names)} temperatures or more"
        raise LimitError("points on the stage", len(kelvin), allowed)

    def model(x: Floats, **c: float) -> Floats:
        return np.asarray(polyval(x - middle, np.array([c[each] for each in names])), np.float64)

    start = dict(zip(names, map(float, polyfit(kelvin - middle, values, degree)), strict=True))
    fit = _fitted(model, kelvin, values, temperature_std, observable_std, start)
    return PolynomialCalibration(
        name,
        unit,
        tuple(fit[each] for each in names),
        covariance_rows(fit),
        middle,
        valid_range=_ends(kelvin),
        **origin.stated(_METHOD, fit),
    )


def fit_varshni_curve(
    temperature: ArrayLike,
    energy: ArrayLike,
    *,
    temperature_std: ArrayLike,
    energy_std: ArrayLike,
    origin: Origin,
) -> VarshniCalibration:
    """Fit ``E0 − α T²/(T + β)`` to the energy of a line (eV).

    Parameters and errors are those of :func:`fit_polynomial_curve`. It takes a wide range of
    temperatures to tell α from β; over a narrow one use a polynomial.
    """
    kelvin, values = _checked(temperature, energy)
    if len(kelvin) < 4:
        raise LimitError("points on the stage", len(kelvin), "4 or more")
    beta = float(kelvin.mean())
    level, slope = polyfit(kelvin * kelvin / (kelvin + beta), values, 1)
    start = {"gap": float(level), "alpha": -float(slope), "beta": beta}

    def model(x: Floats, gap: float, alpha: float, beta: float) -> Floats:
        return np.asarray(varshni_gap(x, gap, alpha, beta), np.float64)

    fit = _fitted(model, kelvin, values, temperature_std, energy_std, start)
    return VarshniCalibration(
        (fit["gap"], fit["alpha"], fit["beta"]),
        covariance_rows(fit),
        valid_range=_ends(kelvin),
        **origin.stated(_METHOD, fit),
    )


def _checked(temperature: ArrayLike, observable: ArrayLike) -> tuple[Floats, Floats]:
    kelvin, values = np.asarray(temperature, np.float64), np.asarray(observable, np.float64)
    if kelvin.ndim != 1 or kelvin.shape != values.shape:
        raise LimitError("temperatures and observables", (kelvin.shape, values.shape), "(n,) both")
    if not (np.isfinite(kelvin) & (kelvin > 0)).all():
        raise LimitError("temperature (K)", float(np.min(kelvin)), "finite and above 0")
    if not (np.isfinite(values).all() and np.ptp(kelvin) > 0):
        raise LimitError("points on the stage", "one temperature, or NaN", "several, and finite")
    return kelvin, values


def _fitted(
    model: Callable[..., Floats],
    kelvin: Floats,
    values: Floats,
    temperature_std: ArrayLike,
    std: ArrayLike,
    start: Mapping[str, float],
) -> CurveFit:
    fit = fit_both_axes(model, kelvin, values, x_std=temperature_std, y_std=std, start=start)
    return determined(fit, "curve on the stage")


def _ends(kelvin: Floats) -> tuple[float, float]:
    return float(kelvin.min()), float(kelvin.max())

"""Fit of an approach to a steady state with two time constants: the spot, then its surroundings.

``T(t) = T_inf + A_1 exp(−(t − t0)/τ_1) + A_2 exp(−(t − t0)/τ_2)``, τ_1 < τ_2: a film on a substrate
that is itself cooled (Roman et al. 2020, Fig. 3). The steady state is predicted while it is still
being approached, with an uncertainty that says how far that can be trusted. As in
:mod:`labcool.fitting.exponential` the fit admits when the data do not show two constants:

* two exponentials must be better than one by more than ``BEND`` in χ²,
* both amplitudes must exceed ``SIGNIFICANT`` of their standard deviations, and
* both ln τ must be known to better than ``LARGEST_LOG_STD``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.fitting._points import known_points
from labcool.fitting.curve import CurveFit, fit_curve
from labcool.fitting.exponential import BEND, LARGEST_LOG_STD, SIGNIFICANT

Floats = NDArray[np.float64]

_LADDER: Final = 24
_LONGEST: Final = 10.0
_NAMES: Final = ("log_fast", "log_ratio", "steady", "fast_amplitude", "slow_amplitude")


@dataclass(frozen=True, slots=True)
class TwoExponentialFit:
    """Outcome of :func:`fit_two_exponentials`; every std is 1 σ, all NaN if not determined.

    :param fast: shorter time constant τ_1, s, with ``fast_std``.
    :param slow: longer time constant τ_2, s, with ``slow_std``.
    :param steady: T_inf, value after a long time, with ``steady_std``.
    :param fast_amplitude: A_1, with ``fast_amplitude_std``.
    :param slow_amplitude: A_2, with ``slow_amplitude_std``.
    :param origin: t0, s.
    :param reduced_chi2: per degree of freedom; NaN without weights.
    :param converged: True if the data show two time constants.
    :param reason: why not, in words; empty if they do.
    """

    fast: float
    fast_std: float
    slow: float
    slow_std: float
    steady: float
    steady_std: float
    fast_amplitude: float
    fast_amplitude_std: float
    slow_amplitude: float
    slow_amplitude_std: float
    origin: float
    reduced_chi2: float
    converged: bool
    reason: str

    def __call__(self, time: ArrayLike) -> Floats:
        """Return the fitted value at ``time`` (s), same shape; NaN if not determined."""
        elapsed = np.asarray(time, np.float64) - self.origin
        value: Floats = (
            self.steady
            + self.fast_amplitude * np.exp(-elapsed / self.fast)
            + self.slow_amplitude * np.exp(-elapsed / self.slow)
        )
        return value


def fit_two_exponentials(
    time: ArrayLike, value: ArrayLike, std: ArrayLike | None = None
) -> TwoExponentialFit:
    """Fit an approach with two time constants; t0 is the first point.

    :param time: shape (n,), s, ascending, at least 8 points. Points with NaN are left out.
    :param value: shape (n,), e.g. K.
    :param std: standard deviation of each value, shape (n,) or one number, above 0; None: the
        scatter about the fit gives it.
    :raises LimitError: if the shapes differ, a std is not above 0 or the time not ascending.
    """
    t, y, sigma = known_points(time, value, std)
    origin = float(t[0]) if t.size else math.nan
    if t.size <= len(_NAMES) + 2:
        return _undetermined(origin, math.nan, "fewer than 8 points")
    elapsed = t - origin
    start, single_chi2 = _start(elapsed, y, sigma)
    fitted = fit_curve(
        lambda **p: _model(elapsed, *p.values()),
        y,
        None if std is None else sigma,
        start=dict(zip(_NAMES, start, strict=True)),
        lowest={"log_fast": start[0] - 5, "log_ratio": 0.05},
        highest={"log_fast": start[0] + 5, "log_ratio": 12.0},
    )
    reduced = fitted.reduced_chi2
    if not fitted.converged:
        return _undetermined(origin, reduced, fitted.reason)
    residual = (_model(elapsed, *fitted.values.values()) - y) / sigma
    chi2 = float(residual @ residual)
    freedom = fitted.degrees_of_freedom
    scale = chi2 / freedom if std is None else max(1.0, chi2 / freedom)
    slow_log_std = fitted.std_of({"log_fast": 1.0, "log_ratio": 1.0})
    for failed, reason in (
        (not single_chi2 - chi2 > BEND * scale, "one time constant describes the data as well"),
        (
            not all(
                abs(fitted[name]) > SIGNIFICANT * fitted.std(name)
                for name in ("fast_amplitude", "slow_amplitude")
            ),
            "one of the two amplitudes drowns in the noise",
        ),
        (
            not max(fitted.std("log_fast"), slow_log_std) < LARGEST_LOG_STD,
            "a time constant is uncertain by more than a factor 1.6",
        ),
    ):
        if failed:
            return _undetermined(origin, reduced, reason)
    return _determined(fitted, slow_log_std, origin)


def _determined(fitted: CurveFit, slow_log_std: float, origin: float) -> TwoExponentialFit:
    fast = math.exp(fitted["log_fast"])
    slow = math.exp(fitted["log_fast"] + fitted["log_ratio"])
    return TwoExponentialFit(
        fast,
        fast * fitted.std("log_fast"),
        slow,
        slow * slow_log_std,
        fitted["steady"],
        fitted.std("steady"),
        fitted["fast_amplitude"],
        fitted.std("fast_amplitude"),
        fitted["slow_amplitude"],
        fitted.std("slow_amplitude"),
        origin,
        fitted.reduced_chi2,
        True,
        "",
    )


def _model(
    elapsed: Floats,
    log_fast: float,
    log_ratio: float,
    steady: float,
    fast_amplitude: float,
    slow_amplitude: float,
) -> Floats:
    fast = math.exp(log_fast)
    value: Floats = (
        steady
        + fast_amplitude * np.exp(-elapsed / fast)
        + slow_amplitude * np.exp(-elapsed / (fast * math.exp(log_ratio)))
    )
    return value


def _start(
    elapsed: Floats, y: Floats, sigma: Floats
) -> tuple[tuple[float, float, float, float, float], float]:
    """Return the best pair of a ladder of time constants, and the χ² of the best single one."""
    window = float(elapsed[-1])
    shortest = max(min(after - before for before, after in pairwise(elapsed)), window * 1e-5)
    ladder = np.geomspace(shortest, _LONGEST * window, _LADDER)
    decays = np.exp(-elapsed / ladder[:, np.newaxis])
    single = min(_linear(decays[[i]], y, sigma)[1] for i in range(_LADDER))
    pairs = [(i, j) for i in range(_LADDER) for j in range(i + 1, _LADDER)]
    chosen = min(pairs, key=lambda pair: _linear(decays[list(pair)], y, sigma)[1])
    steady, fast_amplitude, slow_amplitude = _linear(decays[list(chosen)], y, sigma)[0]
    fast, slow = ladder[chosen[0]], ladder[chosen[1]]
    start = (math.log(fast), math.log(slow / fast), steady, fast_amplitude, slow_amplitude)
    return start, single


def _linear(decays: Floats, y: Floats, sigma: Floats) -> tuple[list[float], float]:
    columns = np.vstack((np.ones_like(y), decays)).T / sigma[:, np.newaxis]
    best = np.linalg.lstsq(columns, y / sigma, rcond=None)[0]
    residual = columns @ best - y / sigma
    return best.tolist(), float(residual @ residual)


def _undetermined(origin: float, reduced_chi2: float, reason: str) -> TwoExponentialFit:
    return TwoExponentialFit(*(math.nan,) * 10, origin, reduced_chi2, False, reason)

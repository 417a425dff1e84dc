"""Whether several thermometers tell of one temperature.

Each thermometer k reads ``T_k(t) = T(t) + b_k + noise``: its noise is its statistical std, and b_k,
the same at all times, is drawn from its systematic std. Minimising

    Σ (T_k(t) − T(t) − b_k)²/stat_k(t)² + Σ b_k²/syst_k²

gives T(t), the offsets b_k and a χ² with one degree of freedom for each reading less one for each
time: the offsets are not free, their priors count as readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from labcool.errors import LimitError
from labcool.thermometry.estimate import Estimate, Flag

Floats = NDArray[np.float64]

UNUSABLE: Final = (
    Flag.SATURATED
    | Flag.NO_REFERENCE
    | Flag.TOO_FEW_COUNTS
    | Flag.LINE_LOST
    | Flag.NOT_CONVERGED
    | Flag.BAD_PIXELS
)
"""Readings with one of these flags do not count. A calibration that is old or left behind does."""
_LEAST_STD_K: Final = 1e-9
_LEAST_STEPS: Final = 20
_BEYOND_DOUBT: Final = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """One temperature out of several thermometers, for n times.

    :param names: of the thermometers.
    :param value: weighted mean T(t), shape (n,), K; NaN where no thermometer has a reading.
    :param statistical: its std that is independent from time to time, shape (n,), K.
    :param std: its total std, shape (n,), K.
    :param offsets: b_k of each thermometer, K, with their std in ``offset_std``; both shape (k,).
    :param residuals: (reading − T − b)/stat, shape (k, n); NaN where a reading does not count.
    :param chi2: over all readings.
    :param degrees_of_freedom: readings less times.
    :param scatter: variance of the residuals from one time to the next over the stated one. It is 1
        for independent noise; thermometers that read the same photons share some of it.
    :param chi2_at: χ² of each time by itself, without the offsets taken off, shape (n,).
    :param degrees_at: readings less one, of each time, shape (n,).
    """

    names: tuple[str, ...]
    value: Floats
    statistical: Floats
    std: Floats
    offsets: Floats
    offset_std: Floats
    residuals: Floats
    chi2: float
    degrees_of_freedom: int
    scatter: float
    chi2_at: Floats
    degrees_at: NDArray[np.int64]

    @property
    def probability(self) -> float:
        """Chance that thermometers which agree differ by as much as these; NaN with one alone.

        χ² is divided by :attr:`scatter`: what is asked is whether they differ by more than they
        flicker.
        """
        if self.degrees_of_freedom < 1:
            return float("nan")
        return float(chdtrc(self.degrees_of_freedom, self.chi2 / self.scatter))


def combine(readings: Mapping[str, Estimate]) -> Agreement:
    """Return the weighted mean of thermometers that read the same spectra.

    :param readings: name → estimates of n spectra; all of the same n.
    :raises LimitError: if there is none, or their lengths differ.
    """
    names = tuple(readings)
    lengths = {len(estimate) for estimate in readings.values()}
    if len(lengths) != 1:
        raise LimitError(
            "readings of the thermometers", sorted(lengths), "of one length, one or more"
        )
    usable = [(e.flags & int(UNUSABLE)) == 0 for e in readings.values()]
    value = np.array([e.value for e in readings.values()])
    own = np.array([e.statistical for e in readings.values()])
    known = np.array(usable) & np.isfinite(value) & np.isfinite(own)
    weight = np.where(known, 1 / np.maximum(own, _LEAST_STD_K) ** 2, 0.0)
    number = np.where(known, value, 0.0)
    total = weight.sum(axis=0)
    seen = total > 0
    share = weight / np.where(seen, total, 1.0)
    mean = np.sum(share * number, axis=0)
    prior = np.array(
        [_shared_variance(e, k) for e, k in zip(readings.values(), known, strict=True)]
    )
    offsets, covariance = _offsets(weight, share, number, mean, prior)
    mean_offset = share.T @ offsets
    best = np.where(seen, mean - mean_offset, np.nan)
    away = np.where(known, number - best - offsets[:, np.newaxis], np.nan)
    residuals = away * np.sqrt(weight)
    with_prior = np.sum(np.where(prior > 0, offsets**2 / np.where(prior > 0, prior, 1.0), 0.0))
    chi2 = float(np.nansum(residuals**2) + with_prior)
    statistical = np.where(seen, 1 / np.sqrt(np.where(seen, total, 1.0)), np.nan)
    of_offsets = np.einsum("kn,kl,ln->n", share, covariance, share)
    chi2_at, degrees_at = _each_time(readings, known, number)
    degrees = int(known.sum() - seen.sum())
    return Agreement(
        names,
        best,
        statistical,
        np.sqrt(statistical**2 + of_offsets),
        offsets,
        np.sqrt(np.diag(covariance)),
        residuals,
        chi2,
        degrees,
        scatter_of(residuals, degrees),
        chi2_at,
        degrees_at,
    )


def scatter_of(residuals: Floats, degrees: int) -> float:
    """Return the variance of residuals from one time to the next over the stated one.

    Half the mean square of successive differences: a slow disagreement does not enter. It is 1 if
    what is found is not above 1 beyond doubt.

    :param residuals: in standard deviations, shape (k, n) or (n,); NaN where there is none.
    :param degrees: degrees of freedom of all of them together.
    """
    steps = np.diff(np.atleast_2d(residuals), axis=1)
    known = np.isfinite(steps)
    count = int(np.isfinite(residuals).sum())
    if known.sum() < _LEAST_STEPS or degrees < 1:
        return 1.0
    of_one = float(np.sum(steps[known] ** 2)) / 2 / int(known.sum())
    found = of_one * count / degrees
    return found if found > 1 + _BEYOND_DOUBT * float(np.sqrt(3 / known.sum())) else 1.0


def _shared_variance(estimate: Estimate, known: NDArray[np.bool_]) -> float:
    systematic = estimate.systematic[known & np.isfinite(estimate.systematic)]
    return float(np.mean(systematic**2)) if systematic.size else 0.0


def _offsets(
    weight: Floats, share: Floats, number: Floats, mean: Floats, prior: Floats
) -> tuple[Floats, Floats]:
    """Return the offsets and their covariance, T(t) eliminated; 0 for those without a prior."""
    count = len(weight)
    normal = np.diag(weight.sum(axis=1)) - weight @ share.T
    pull = np.sum(weight * (number - mean), axis=1)
    free = (prior > 0) & (weight.sum(axis=1) > 0)
    # Where nothing is shared an offset is 0; without readings it is only its prior.
    covariance = np.diag(np.where(free, 0.0, prior))
    offsets = np.zeros(count)
    if free.any():
        chosen = np.flatnonzero(free)
        part = normal[np.ix_(chosen, chosen)] + np.diag(1 / prior[chosen])
        inverse = np.linalg.inv(part)
        offsets[chosen] = inverse @ pull[chosen]
        covariance[np.ix_(chosen, chosen)] = inverse
    return offsets, covariance


def _each_time(
    readings: Mapping[str, Estimate], known: NDArray[np.bool_], number: Floats
) -> tuple[Floats, NDArray[np.int64]]:
    """Return χ² and degrees of freedom of each time, with total uncertainties."""
    std = np.array([e.std for e in readings.values()])
    use = known & np.isfinite(std)
    weight = np.where(use, 1 / np.maximum(std, _LEAST_STD_K) ** 2, 0.0)
    total = weight.sum(axis=0)
    mean = np.sum(weight * number, axis=0) / np.where(total > 0, total, 1.0)
    chi2: Floats = np.sum(weight * (number - mean) ** 2, axis=0)
    degrees = np.maximum(use.sum(axis=0) - 1, 0)
    return chi2, degrees.astype(np.int64)

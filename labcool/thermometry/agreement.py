"""Whether several thermometers tell of one temperature.

Each thermometer k reads ``T_k(t) = T(t) + b_k(t) + noise``: its noise is its statistical std, and
b_k is its systematic error, ``Σ a m(t)`` over one or two known shapes m (a constant, and one that
grows with temperature: :mod:`labcool.thermometry._shared_modes`), of which the amplitudes a are
drawn from N(0, 1). Minimising

    Σ (T_k(t) − T(t) − b_k(t))²/stat_k(t)² + Σ a²

gives T(t), the errors b_k and a χ² with one degree of freedom for each reading less one for each
time: the amplitudes are not free, their priors count as readings.

The noise of different thermometers is taken as independent. Those that read the same photons share
some of it (line width and tail ratio of one spectrum are correlated by about 0.6). Two of them then
differ by less than they should, so χ² is too small and the probability overstated; and the std of
their mean is too small, by a factor of up to √2 for two. Flicker that is above what is stated is
allowed for (:attr:`Agreement.scatter`), flicker that is below it is not made use of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from labcool.errors import LimitError
from labcool.thermometry._shared_modes import shared_modes
from labcool.thermometry.estimate import Estimate, Flag

Floats = NDArray[np.float64]

UNUSABLE: Final = (
    Flag.SATURATED
    | Flag.NO_REFERENCE
    | Flag.TOO_FEW_COUNTS
    | Flag.LINE_LOST
    | Flag.NOT_CONVERGED
    | Flag.BAD_PIXELS
    | Flag.POOR_FIT
)
"""Readings with one of these flags do not count. A calibration that is old or left behind does."""
LARGEST_SCATTER: Final = 2.5
"""Readings may flicker by so much more than stated, in variance; beyond it they contradict."""
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
    :param shared: what the errors of ``value`` have in common, shape (m, n), K: each row times an
        independent number of N(0, 1).
    :param offsets: mean of b_k(t) of each thermometer, K, with their std in ``offset_std``; both
        shape (k,).
    :param residuals: (reading − T − b)/stat, shape (k, n); NaN where a reading does not count.
    :param chi2: over all readings.
    :param degrees_of_freedom: readings less times.
    :param scatter: variance of the residuals from one time to the next over the stated one, from 1
        to :data:`LARGEST_SCATTER`. It is 1 for independent noise of the stated size.
    :param chi2_at: χ² of each time by itself, without the offsets taken off, shape (n,).
    :param degrees_at: readings less one, of each time, shape (n,).
    """

    names: tuple[str, ...]
    value: Floats
    statistical: Floats
    std: Floats
    shared: Floats
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


def counts(estimate: Estimate) -> NDArray[np.bool_]:
    """Return which readings have a value, a std, and no flag that forbids their use, (n,)."""
    finite = np.isfinite(estimate.value) & np.isfinite(estimate.statistical)
    good: NDArray[np.bool_] = finite & ((estimate.flags & int(UNUSABLE)) == 0)
    return good


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
    value = np.array([e.value for e in readings.values()])
    own = np.array([e.statistical for e in readings.values()])
    known = np.array([counts(estimate) for estimate in readings.values()])
    weight = np.where(known, 1 / np.maximum(own, _LEAST_STD_K) ** 2, 0.0)
    number = np.where(known, value, 0.0)
    total = weight.sum(axis=0)
    seen = total > 0
    share = weight / np.where(seen, total, 1.0)
    mean = np.sum(share * number, axis=0)
    each = [shared_modes(e, k) for e, k in zip(readings.values(), known, strict=True)]
    owner = np.repeat(np.arange(len(names)), [len(modes) for modes in each])
    modes = np.concatenate(each)
    amplitudes, covariance = _amplitudes(weight, share, number - mean, modes, owner)
    errors = np.zeros_like(number)
    np.add.at(errors, owner, amplitudes[:, np.newaxis] * modes)
    best = np.where(seen, mean - np.sum(share * errors, axis=0), np.nan)
    away = np.where(known, number - best - errors, np.nan)
    residuals = away * np.sqrt(weight)
    chi2 = float(np.nansum(residuals**2) + amplitudes @ amplitudes)
    statistical = np.where(seen, 1 / np.sqrt(np.where(seen, total, 1.0)), np.nan)
    shared = np.linalg.cholesky(covariance).T @ (share[owner] * modes)
    number_of = np.maximum(known.sum(axis=1), 1)
    levels = modes.sum(axis=1) / number_of[owner]
    level_covariance = levels[:, np.newaxis] * covariance * levels
    own_only = owner[:, np.newaxis] == np.arange(len(names))
    chi2_at, degrees_at = _each_time(readings, known, number)
    degrees = int(known.sum() - seen.sum())
    return Agreement(
        names,
        best,
        statistical,
        np.sqrt(statistical**2 + np.sum(shared**2, axis=0)),
        shared,
        errors.sum(axis=1) / number_of,
        np.sqrt(np.einsum("ik,ij,jk->k", own_only, level_covariance, own_only)),
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
    what is found is not above 1 beyond doubt, and at most :data:`LARGEST_SCATTER`: what jumps by
    more than that is not noise.

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
    if not found > 1 + _BEYOND_DOUBT * float(np.sqrt(3 / known.sum())):
        return 1.0
    return min(found, LARGEST_SCATTER)


def _amplitudes(
    weight: Floats, share: Floats, away: Floats, modes: Floats, owner: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the amplitudes of the shared errors and their covariance, T(t) eliminated."""
    weighted = weight[owner] * modes
    same = owner[:, np.newaxis] == owner
    normal = (weighted @ modes.T) * same - weighted @ (share[owner] * modes).T
    covariance = np.linalg.inv((normal + normal.T) / 2 + np.eye(len(owner)))
    covariance = (covariance + covariance.T) / 2
    pull = np.sum(weighted * away[owner], axis=1)
    return covariance @ pull, covariance


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

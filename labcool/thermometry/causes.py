"""What could have changed the intensity besides temperature, held against the data.

Causes that a bench measures (fluence, focus) have their size from the measurement, and are taken
off first: they happened. What then remains can be bleaching, a curve of the dose that never rises
(:mod:`labcool.thermometry.bleaching`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from labcool.thermometry._series import longest_stretch, running_mean
from labcool.thermometry._unexplained import Unexplained, fitted
from labcool.thermometry.evidence import Evidence

Floats = NDArray[np.float64]

IMPROBABLE: Final = 1e-3
"""What differs by more than this chance allows does not agree."""
DECISIVE: Final = 10.0
"""Bleaching must lower χ² by this much to be believed."""
_QUIET: Final = 0.1
_LEAST_POINTS: Final = 3


class Measured(NamedTuple):
    """A cause as it was measured.

    :param name: of the cause.
    :param effect: on ln I, shape (n,), averaged until quiet; NaN where it was not measured.
    :param own_std: noise of each point.
    :param unsmoothed_std: noise of each point before it was averaged: that of independent points
        which are as noisy in a mean over a stretch.
    :param significant: False if the effect may be nothing but noise of the measurement.
    """

    name: str
    effect: Floats
    own_std: float
    unsmoothed_std: float
    significant: bool

    @property
    def largest(self) -> float:
        """Relative change of the intensity where it is largest, means over a stretch."""
        mean = running_mean(self.effect, longest_stretch(self.effect.size))
        known = mean[np.isfinite(mean)]
        return math.expm1(float(known[np.argmax(np.abs(known))]))


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Causes, and what remains when their effect is taken off.

    :param causes: that with the largest effect first; empty: nothing is taken off.
    :param rest: what remains.
    :param scatter: flicker of the rest over the stated one.
    :param probability: chance that the rest is noise.
    """

    causes: tuple[Measured, ...]
    rest: Unexplained
    scatter: float
    probability: float

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the causes."""
        return tuple(cause.name for cause in self.causes)

    @property
    def suffices(self) -> bool:
        """True if the rest is noise."""
        return self.probability > IMPROBABLE

    @property
    def effect(self) -> Floats:
        """What the causes did to ln I, shape (n,)."""
        nothing = np.zeros_like(self.rest.log_factor)
        return sum((cause.effect for cause in self.causes), nothing)

    @property
    def own_std(self) -> float:
        """Noise of that at each point."""
        return math.sqrt(sum(cause.own_std**2 for cause in self.causes))

    @property
    def unsmoothed_std(self) -> float:
        """Noise of that at each point, before it was averaged."""
        return math.sqrt(sum(cause.unsmoothed_std**2 for cause in self.causes))


def measured_causes(unexplained: Unexplained, evidence: Evidence | None) -> list[Measured]:
    """Return the causes that were measured at enough of the points, averaged until quiet."""
    found = []
    for name, effect, own in () if evidence is None else evidence.measured():
        quiet = _quiet(effect, own, unexplained)
        cause = Measured(name, *quiet, own, _is_significant(effect, own))
        if (np.isfinite(cause.effect) & unexplained.known).sum() >= _LEAST_POINTS:
            found.append(cause)
    return found


def explain(unexplained: Unexplained, causes: tuple[Measured, ...]) -> Explanation:
    """Return what remains when these causes are taken off as they were measured."""
    ordered = tuple(sorted(causes, key=lambda cause: -abs(cause.largest)))
    bare = Explanation(ordered, unexplained, 1.0, 1.0)
    rest = unexplained.less(bare.effect, bare.own_std) if causes else unexplained
    fit = fitted(rest, np.empty((0, rest.std.size)))
    return Explanation(ordered, rest, fit.scatter, fit.probability)


def best_explanation(
    unexplained: Unexplained, measured: list[Measured]
) -> tuple[Explanation, list[tuple[tuple[str, ...], float]]]:
    """Return the explanation by measured causes that is needed, and what each set would gain.

    What is seen above the noise of its measurement has happened, and is taken off unless χ² grows
    by it; the rest is not, since noise follows any large trend a little.
    """
    bare = best = explain(unexplained, ())
    gains = []
    moved = [cause for cause in measured if cause.significant]
    for size in range(1, len(moved) + 1):
        for chosen in combinations(moved, size):
            other = explain(unexplained, chosen)
            if other.rest.known.sum() < _LEAST_POINTS:
                continue
            gains.append((other.names, gain_over(bare, other)))
            if gain_over(best, other) > 0:
                best = other
    return best, gains


def gain_over(one: Explanation, other: Explanation) -> float:
    """Return by how much χ² is lower with ``other``.

    Both are held against the same points and the same noise, that of the noisier: taking off what
    is nothing but noise must not gain by its width. χ² is divided by the flicker.
    """
    rows = one.rest.known & other.rest.known
    std = np.maximum(one.rest.std, other.rest.std)
    nothing = np.empty((0, rows.size))
    fits = [
        fitted(Unexplained(each.rest.log_factor, std, each.rest.modes).only(rows), nothing)
        for each in (one, other)
    ]
    return (fits[0].chi2 - fits[1].chi2) / fits[0].scatter


def _quiet(effect: Floats, own: float, unexplained: Unexplained) -> tuple[Floats, float]:
    """Return an effect averaged over so many times that its noise is below that of the data."""
    spread = float(np.median(unexplained.std[unexplained.known]))
    wanted = np.ceil((own / (_QUIET * spread)) ** 2)
    width = int(np.clip(wanted, 1, longest_stretch(effect.size)))
    return running_mean(effect, width), own / math.sqrt(width)


def _is_significant(effect: Floats, own: float) -> bool:
    """Return False if means over stretches differ by no more than their noise allows."""
    known = effect[np.isfinite(effect)]
    starts = np.arange(0, known.size, longest_stretch(known.size))
    counts = np.diff(np.append(starts, known.size))
    means = np.add.reduceat(known, starts) / counts
    away = means - np.mean(known)
    if own == 0:
        return bool(np.any(away != 0))
    chi2 = float(counts @ away**2) / own**2
    return bool(chdtrc(max(means.size - 1, 1), chi2) < IMPROBABLE)

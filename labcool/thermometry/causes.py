"""What could have changed the intensity besides temperature, held against the data.

Causes that a bench measures (fluence, focus) have their size from the measurement, and are taken
off first: they happened. What then remains can be bleaching, a curve of the dose that never rises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from labcool.thermometry.agreement import scatter_of
from labcool.thermometry.evidence import Evidence

Floats = NDArray[np.float64]

IMPROBABLE: Final = 1e-3
"""What differs by more than this chance allows does not agree."""
DECISIVE: Final = 10.0
"""A cause must raise twice the log-likelihood by this much to be believed."""
_ENDS: Final = 20
_QUIET: Final = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Unexplained:
    """ln ρ, the logarithm of the factor by which the intensity differs from what is expected.

    :param log_factor: shape (n,); NaN where it is not known.
    :param std: noise of each, shape (n,).
    :param offset_std: std of an offset that all share.
    """

    log_factor: Floats
    std: Floats
    offset_std: float

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where it is known, shape (n,)."""
        both: NDArray[np.bool_] = np.isfinite(self.log_factor) & np.isfinite(self.std)
        return both


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Causes, and what remains when their effect is taken off.

    :param names: of the causes, that with the largest effect first; empty: nothing is taken off.
    :param rest: what remains.
    :param misfit: minus twice the log-likelihood; smaller is better.
    :param probability: chance that the rest is noise.
    """

    names: tuple[str, ...]
    rest: Unexplained
    misfit: float
    probability: float

    @property
    def suffices(self) -> bool:
        """True if the rest is noise."""
        return self.probability > IMPROBABLE


@dataclass(frozen=True, slots=True)
class Bleaching:
    """Loss of emitters in proportion to the dose.

    :param log_loss: −ln of the part that is left at the end, 0 or more, with ``log_loss_std``.
    :param gain: how much it raises twice the log-likelihood, less the cost of its parameters.
    :param probability: chance that what then remains is noise.
    """

    log_loss: float
    log_loss_std: float
    gain: float
    probability: float

    @property
    def lost(self) -> float:
        """Part of the emitters lost, 0 to 1."""
        return -math.expm1(-self.log_loss)

    @property
    def lost_std(self) -> float:
        """Its standard uncertainty."""
        return math.exp(-self.log_loss) * self.log_loss_std


def take_off_nothing(unexplained: Unexplained) -> Explanation:
    """Return the explanation without a cause."""
    fit = _solve(unexplained, np.empty((0, unexplained.log_factor.size)))
    return Explanation((), unexplained, fit.misfit, fit.probability)


def take_off_measured(unexplained: Unexplained, evidence: Evidence | None) -> list[Explanation]:
    """Return an explanation for each set of measured causes, all of them together included."""
    measured = (
        []
        if evidence is None
        else [
            (name, *_smoothed(effect, own, unexplained.std))
            for name, effect, own in evidence.measured()
        ]
    )
    sets: list[Sequence[tuple[str, Floats, float]]] = []
    for size in range(1, len(measured) + 1):
        sets += combinations(measured, size)
    return [_without(unexplained, chosen) for chosen in sets]


def bleaching(unexplained: Unexplained, dose: Floats) -> Bleaching:
    """Fit ``ln ρ = offset − κ d − λ d²`` with d from 0 to 1, falling all the way.

    Emitters are lost in proportion to the light, faster or slower as the sample changes. Where the
    quadratic part would make the curve rise it is left out.

    :param dose: J/cm², shape (n,), not falling.
    """
    before = take_off_nothing(unexplained)
    d = (dose - dose[0]) / np.ptp(dose)
    curved = _solve(unexplained, np.array([-d, -d * d]))
    kappa, bend = curved.slopes
    if kappa >= 0 and kappa + 2 * bend >= 0:
        std = float(np.sqrt(curved.covariance.sum()))
        gain = before.misfit - curved.misfit - 2.0
        return Bleaching(float(kappa + bend), std, gain, curved.probability)
    straight = _solve(unexplained, np.array([-d]))
    lost, std = float(straight.slopes[0]), float(np.sqrt(straight.covariance[0, 0]))
    if lost < 0:
        return Bleaching(0.0, std, 0.0, before.probability)
    return Bleaching(lost, std, before.misfit - straight.misfit - 1.0, straight.probability)


class _Fit(NamedTuple):
    slopes: Floats
    covariance: Floats
    misfit: float
    probability: float


def _solve(unexplained: Unexplained, columns: Floats) -> _Fit:
    """Fit ``ln ρ = b + Σ slope column`` where b is 0 within the std of the offset."""
    use = unexplained.known
    y, weight = unexplained.log_factor[use], 1 / unexplained.std[use] ** 2
    design = np.vstack([np.ones_like(y), columns[:, use]])
    curvature = (design * weight) @ design.T
    prior = 1 / max(unexplained.offset_std, 1e-6) ** 2
    curvature[0, 0] += prior
    covariance = np.linalg.inv(curvature)
    found = covariance @ (design @ (weight * y))
    rest = y - found @ design
    chi2 = float(weight @ (rest * rest) + prior * found[0] ** 2)
    degrees = max(y.size - len(columns), 1)
    scatter = scatter_of(rest * np.sqrt(weight), degrees)
    return _Fit(
        np.asarray(found[1:], np.float64),
        np.asarray(covariance[1:, 1:], np.float64),
        chi2 - float(np.log(weight).sum()),
        float(chdtrc(degrees, chi2 / scatter)),
    )


def _without(unexplained: Unexplained, causes: Sequence[tuple[str, Floats, float]]) -> Explanation:
    effect = sum((each for _, each, _ in causes), np.zeros_like(unexplained.log_factor))
    own = math.sqrt(sum(std**2 for _, _, std in causes))
    rest = Unexplained(
        unexplained.log_factor - effect, np.hypot(unexplained.std, own), unexplained.offset_std
    )
    fit = _solve(rest, np.empty((0, effect.size)))
    largest_first = sorted(causes, key=lambda cause: -float(np.nanstd(cause[1])))
    names = tuple(name for name, _, _ in largest_first)
    return Explanation(names, rest, fit.misfit, fit.probability)


def _smoothed(effect: Floats, own: float, spread: Floats) -> tuple[Floats, float]:
    """Return an effect averaged over so many times that its noise is below that of the data.

    At most over a twentieth of the series: what drifts is slower than that.
    """
    wanted = (own / (_QUIET * float(np.nanmedian(spread)))) ** 2
    width = int(min(max(1.0, np.ceil(wanted)), max(1, effect.size // _ENDS)))
    if width == 1:
        return effect, own
    known = np.isfinite(effect)
    weight = np.convolve(known, np.ones(width), "same")
    total = np.convolve(np.where(known, effect, 0.0), np.ones(width), "same")
    mean = np.where(weight > 0, total / np.maximum(weight, 1.0), np.nan)
    return mean, own / math.sqrt(width)

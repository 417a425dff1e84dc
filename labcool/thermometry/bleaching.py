"""Loss of emitters: in proportion to the light that fell, and for good."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labcool.thermometry._series import ENDS
from labcool.thermometry._unexplained import Fit, Unexplained, fitted

Floats = NDArray[np.float64]

_PARAMETERS: Final = 2
_DIM: Final = 0.1
"""Times at which the dose grows by less than this part of its usual rate are dim."""


@dataclass(frozen=True, slots=True)
class Bleaching:
    """A loss that follows the dose.

    :param log_loss: −ln of the part that is left at the end, 0 or more, with ``log_loss_std``.
    :param gain: by how much it lowers χ² (over the flicker), less the cost of its parameters.
    :param probability: chance that what then remains is noise.
    :param over_time: by how much it lowers χ² more than the same curve of the time; near 0 if the
        dose rose as time did.
    :param dim: time during which the dose stood still, as part of the run, 0 to 1.
    :param came_back: relative change of the intensity while the dose stood still, with
        ``came_back_std``; NaN if it never did.
    """

    log_loss: float
    log_loss_std: float
    gain: float
    probability: float
    over_time: float = 0.0
    dim: float = 0.0
    came_back: float = math.nan
    came_back_std: float = math.nan

    @property
    def lost(self) -> float:
        """Part of the emitters lost, 0 to 1."""
        return -math.expm1(-self.log_loss)

    @property
    def lost_std(self) -> float:
        """Its standard uncertainty."""
        return math.exp(-self.log_loss) * self.log_loss_std


def bleaching(unexplained: Unexplained, dose: Floats, time: Floats | None) -> Bleaching | None:
    """Fit ``ln ρ = shared errors − κ d − λ d²`` with d from 0 to 1, falling all the way.

    Emitters are lost in proportion to the light, faster or slower as the sample changes. Where the
    quadratic part would make the curve rise it is left out.

    :param dose: J/cm², shape (n,), not falling.
    :param time: s, shape (n,); None: at equal intervals.
    :return: None if there are too few points, or no dose at all.
    """
    clock = np.arange(float(dose.size)) if time is None else time
    known = unexplained.known
    # Fewer than four doses are no curve; a dose that stands still is no dose.
    if known.sum() < _PARAMETERS + 2 or np.unique(dose[known]).size < _PARAMETERS + 2:
        return None
    d, t = _from_0_to_1(dose, known), _from_0_to_1(clock, known)
    before = fitted(unexplained, np.empty((0, dose.size)))
    found = _falling(unexplained, d, before)
    if np.unique(clock[known]).size >= _PARAMETERS + 2:
        of_time = _falling(unexplained, t, before)
        found = replace(found, over_time=found.gain - of_time.gain)
    dim = _time_in_the_dim(d, clock, known)
    total = float(np.ptp(clock[known]))
    part = float(dim[-1]) / total if total > 0 else 0.0
    if part < 1 / ENDS:
        return found
    with_return = fitted(unexplained, np.array([-d, -d * d, dim / dim[-1]]))
    return replace(
        found,
        dim=part,
        came_back=math.expm1(float(with_return.slopes[2])),
        came_back_std=float(np.sqrt(with_return.covariance[2, 2])),
    )


def _falling(unexplained: Unexplained, d: Floats, before: Fit) -> Bleaching:
    curved = fitted(unexplained, np.array([-d, -d * d]))
    kappa, bend = curved.slopes
    if kappa >= 0 and kappa + 2 * bend >= 0 and unexplained.known.sum() >= _PARAMETERS + 3:
        std = float(np.sqrt(max(curved.covariance.sum(), 0.0)))
        gain = (before.chi2 - curved.chi2) / before.scatter - 2.0
        return Bleaching(float(kappa + bend), std, gain, curved.probability)
    straight = fitted(unexplained, np.array([-d]))
    lost, std = float(straight.slopes[0]), float(np.sqrt(straight.covariance[0, 0]))
    if lost < 0:
        return Bleaching(0.0, std, 0.0, before.probability)
    gain = (before.chi2 - straight.chi2) / before.scatter - 1.0
    return Bleaching(lost, std, gain, straight.probability)


def _from_0_to_1(series: Floats, known: NDArray[np.bool_]) -> Floats:
    span = float(np.ptp(series[known]))
    return (series - series[known][0]) / span if span > 0 else np.zeros_like(series)


def _time_in_the_dim(d: Floats, clock: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return for how long the dose has stood still between points that are known, shape (n,)."""
    rows = np.flatnonzero(known)
    lasted, grown = np.diff(clock[rows]), np.diff(d[rows])
    rate = np.where(lasted > 0, grown / np.where(lasted > 0, lasted, 1.0), 0.0)
    # Of the light, not of the time: most of the time may be dim.
    usual = float(rate @ grown) / float(np.sum(grown))
    still = np.where(rate < _DIM * usual, lasted, 0.0)
    total = np.zeros_like(d)
    total[rows[1:]] = np.cumsum(still)
    return np.maximum.accumulate(total)

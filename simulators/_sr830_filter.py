"""The output filter of a lock-in: one to four equal RC stages, exact between any two moments.

Stage k answers an impulse with ``(t/T)^(k-1)/(k-1)!·exp(-t/T)/T``. For an input that turns with a
constant frequency while its amplitude changes linearly, the response of every stage is known in
closed form; so is the covariance of the stages when white noise enters. The equivalent noise
bandwidths 1/(4T), 1/(8T), 3/(32T) and 5/(64T) of the SR830 manual (p. 3-25) follow from it.
"""

from __future__ import annotations

import cmath
import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

STAGES: Final = 4
MEMORY: Final = 25.0
"""Time constants after which the last stage has forgotten its past (to 4e-8)."""


class Stages:
    """The four stages, as complex amplitudes (in-phase + i·quadrature)."""

    def __init__(self) -> None:
        self.signal = [0j] * STAGES
        self.noise = [0j] * STAGES

    def settle(self, value: complex, turning: complex) -> None:
        """Have the input been ``value`` (turning, see :meth:`pass_signal`) since ever."""
        for stage in range(STAGES):
            value /= turning
            self.signal[stage] = value

    def pass_signal(self, steps: float, begin: complex, end: complex, turning: complex) -> None:
        """Let the input go linearly from ``begin`` to ``end`` in a frame that turns.

        :param steps: how long it takes, in time constants.
        :param begin: amplitude at the beginning.
        :param end: amplitude at the end, the turning not included.
        :param turning: ``1 + iωT`` of the frame's angular frequency ω.
        """
        if steps <= 0:
            return
        slope, value = (end - begin) / steps, begin
        turned = cmath.exp((turning - 1) * steps)
        excess, finals = [], []
        for stage in range(STAGES):
            slope /= turning
            value = (value - slope) / turning
            excess.append(self.signal[stage] - value)
            finals.append((value + slope * steps) * turned)
        for stage, faded in enumerate(_faded(excess, steps)):
            self.signal[stage] = finals[stage] + faded

    def pass_noise(self, steps: float, variance: float, rng: np.random.Generator) -> None:
        """Let white noise enter for ``steps`` time constants.

        :param variance: squared density (V²/Hz) over the time constant (s), so V².
        """
        if steps <= 0 or variance == 0.0:
            return
        drawn = rng.standard_normal((2, STAGES)) @ _spread(steps).T * math.sqrt(variance)
        fresh = (drawn[0] + 1j * drawn[1]).tolist()
        self.noise = [
            old + complex(new) for old, new in zip(_faded(self.noise, steps), fresh, strict=True)
        ]


def _faded(values: list[complex], steps: float) -> list[complex]:
    """Return what is left of the stages' amplitudes after ``steps`` time constants."""
    decay = math.exp(-steps)
    terms = [decay * steps**power / math.factorial(power) for power in range(STAGES)]
    return [
        sum((terms[stage - source] * values[source] for source in range(stage + 1)), 0j)
        for stage in range(STAGES)
    ]


@lru_cache(maxsize=256)
def _spread(steps: float) -> NDArray[np.float64]:
    """Return the matrix that makes the stages' noise of variance 1 V² from independent normals.

    Normalised to correlations before it is factorised, since the variances of the later stages
    are tiny after a short time.
    """
    order = np.arange(1, STAGES + 1)
    total = order[:, None] + order[None, :] - 1
    paths = np.array([[math.comb(j + k, j) for k in range(STAGES)] for j in range(STAGES)])
    covariance = 0.5 * paths * 0.5**total * gammainc(total, 2 * steps)
    scale = np.sqrt(np.diag(covariance))
    if not np.all(scale > 0):
        return np.zeros((STAGES, STAGES))
    spread: NDArray[np.float64] = scale[:, None] * np.linalg.cholesky(
        covariance / np.outer(scale, scale)
    )
    return spread

"""Noise and slow drift of a laser's intensity, the same however finely time is cut."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

CELL_S: Final = 0.25
"""The intensity is constant within a cell; so the white noise reaches up to 2 Hz."""

_CELLS_DRAWN: Final = 1024


class LaserNoise:
    """Relative intensity: white noise, and a drift that forgets exponentially.

    :param rng: draws both.
    :param white: relative standard deviation of the mean over 1 s of the white part, 0 or more.
    :param drift: relative standard deviation of the drift about its mean, 0 or more.
    :param drift_time: correlation time of the drift, s, above 0.
    """

    def __init__(
        self, rng: np.random.Generator, *, white: float, drift: float, drift_time: float
    ) -> None:
        self._rng = rng
        self._white = white / math.sqrt(CELL_S)
        self._memory = math.exp(-CELL_S / drift_time)
        self._novelty = drift * math.sqrt(1 - self._memory**2)
        self._drift = drift * float(rng.standard_normal())
        self._drawn: list[tuple[float, float]] = []

    def next_cell(self) -> float:
        """Return the intensity of the next cell over the nominal one."""
        if not self._drawn:
            self._drawn = self._rng.standard_normal((_CELLS_DRAWN, 2)).tolist()
        white, novelty = self._drawn.pop()
        factor = 1 + self._white * white + self._drift
        self._drift = self._memory * self._drift + self._novelty * novelty
        return factor

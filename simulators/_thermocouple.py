"""A thermocouple on the stage, as the thermometer that reads it feels it.

Its bead follows the stage with a time constant, and its wires lead to the room: it stays a
hundredth of the way from the stage to the room off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

LAG_S: Final = 3.0
PULLED: Final = 0.01

_STEPS_PER_LAG: Final = 8
_MEMORY_LAGS: Final = 25.0


class Thermocouple:
    """A bead that lags behind.

    :param stage: temperature of the stage (K) at a moment (clock s).
    :param begin: moment at which the bead has the temperature it would have after a long time.
    :param room: temperature at the other end of its wires, K.
    """

    def __init__(self, stage: Callable[[float], float], begin: float, room: float) -> None:
        self._stage = stage
        self._room = room
        self._moment = begin
        self._bead: float | None = None

    def at(self, moment: float) -> float:
        """Return the temperature of the bead, K; moments are asked for in ascending order."""
        begin = max(self._moment, moment - _MEMORY_LAGS * LAG_S)
        if self._bead is None or begin > self._moment:
            self._bead = self._goal(begin)
        steps = max(1, math.ceil((moment - begin) * _STEPS_PER_LAG / LAG_S))
        step = max(moment - begin, 0.0) / steps
        left = math.exp(-step / LAG_S)
        for number in range(steps):
            goal = self._goal(begin + (number + 0.5) * step)
            self._bead = goal + (self._bead - goal) * left
        self._moment = max(moment, self._moment)
        return self._bead

    def _goal(self, moment: float) -> float:
        stage = self._stage(moment)
        return stage + PULLED * (self._room - stage)

"""The data buffer of an SR830: when points are stored, and what becomes of them when it is full.

Source: SR830 user manual, data storage (p. 5-12 to 5-14): 16383 points of both displays, one shot
or loop, PAUS is ignored when storage is paused or reset, STRT when it runs, triggers faster than
512 Hz are ignored. UNVERIFIED on hardware: the first point comes one period after the start; STRT
on a full one-shot buffer does nothing until REST.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from typing import Final

from simulators._sr830_tables import BUFFER_POINTS, ON_TRIGGER, SAMPLE_RATES_HZ

_SHORTEST_BETWEEN_TRIGGERS_S: Final = 1 / 512


class State(Enum):
    """What the storage is doing."""

    RESET = "reset"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"


class Scan:
    """Bookkeeping of one scan; the points come from outside, with :meth:`store`."""

    def __init__(self) -> None:
        self.state = State.RESET
        self.points: deque[tuple[float, float]] = deque(maxlen=BUFFER_POINTS)
        self._loops = True
        self._period = 1.0
        self._begin = 0.0
        self._taken = 0
        self._last_trigger = -math.inf

    def configure(self, rate: int, *, loops: bool, moment: float) -> None:
        """Take over the sample rate (by its index) and what happens at the end of the buffer."""
        period = math.inf if rate == ON_TRIGGER else 1 / SAMPLE_RATES_HZ[rate]
        if period != self._period:
            self._period = period
            self._begin, self._taken = max(moment, self._begin), 0
        self._loops = loops

    def start(self, moment: float) -> None:
        """Start or resume storing at ``moment`` (s)."""
        if self.state in (State.RESET, State.PAUSED):
            self.state = State.RUNNING
            self._begin, self._taken = moment, 0

    def pause(self) -> None:
        """Pause storing."""
        if self.state is State.RUNNING:
            self.state = State.PAUSED

    def reset(self) -> None:
        """Stop storing and erase all points."""
        self.state = State.RESET
        self.points.clear()

    def next_sample(self) -> float:
        """Return when the next point is due (s), inf if none is."""
        if self.state is not State.RUNNING or math.isinf(self._period):
            return math.inf
        return self._begin + (self._taken + 1) * self._period

    def skip_overwritten(self, now: float) -> None:
        """Pass over the points that would be overwritten until ``now``."""
        if self._loops and self.next_sample() <= now:
            due = int((now - self._begin) / self._period) - self._taken
            self._taken += max(0, due - BUFFER_POINTS)

    def accepts_trigger(self, moment: float) -> bool:
        """Return True if a trigger at ``moment`` (s) is to store a point."""
        if self.state is not State.RUNNING or not math.isinf(self._period):
            return False
        if moment - self._last_trigger < _SHORTEST_BETWEEN_TRIGGERS_S:
            return False
        self._last_trigger = moment
        return True

    def store(self, point: tuple[float, float]) -> None:
        """Store one point of both displays."""
        self.points.append(point)
        self._taken += 1
        if not self._loops and len(self.points) == BUFFER_POINTS:
            self.state = State.DONE

    def bins(self, channel: int, first: int, count: int) -> list[float] | None:
        """Return ``count`` points of a channel (0 or 1) from ``first``, None if there are fewer."""
        if count < 1 or first < 0 or first + count > len(self.points):
            return None
        points = list(self.points)[first : first + count]
        return [point[channel] for point in points]

"""Time is injected: everything that waits or stamps takes a :class:`Clock`.

``RealClock`` runs with the wall, ``ScaledClock`` a fixed factor faster, and ``VirtualClock`` jumps
over every sleep, so that a half-hour experiment takes seconds and is the same each time.
This is the only module that may call :func:`time.sleep`.
"""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from labcool.errors import LimitError


class Clock(Protocol):
    """What every part of labcool knows of time."""

    def now(self) -> float:
        """Return the seconds since the clock was made; never runs backwards."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` (s) of this clock's time pass; zero or less returns at once."""

    def date(self) -> datetime:
        """Return the present moment as an aware UTC date."""


def sleep_until(clock: Clock, moment: float) -> None:
    """Sleep until ``clock.now()`` has reached ``moment`` (s); return at once if it is past."""
    clock.sleep(moment - clock.now())


class ScaledClock:
    """A clock that runs ``speed`` times as fast as the wall.

    :param speed: dimensionless factor, finite and positive.
    :raises LimitError: if the factor is not finite and positive.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not (math.isfinite(speed) and speed > 0):
            raise LimitError("clock speed", speed, "a finite number above 0")
        self.speed = speed
        self._origin = time.monotonic()
        self._date = datetime.now(UTC)

    def now(self) -> float:
        """Return the scaled seconds since the clock was made."""
        return (time.monotonic() - self._origin) * self.speed

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for ``seconds / speed`` of wall time."""
        if seconds > 0:
            time.sleep(seconds / self.speed)

    def date(self) -> datetime:
        """Return the start of the clock plus the scaled time that has passed."""
        return self._date + timedelta(seconds=self.now())


class RealClock(ScaledClock):
    """The wall's own time, as on every real bench."""

    def __init__(self) -> None:
        super().__init__(1.0)


class VirtualClock:
    """A clock that stands still until somebody sleeps, and then jumps.

    Safe to share between threads: sleeps add up in the order in which they arrive.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._date = datetime.now(UTC)
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the virtual seconds slept since the clock was made."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Advance the virtual time by ``seconds`` at once."""
        if seconds > 0:
            with self._lock:
                self._now += seconds

    def date(self) -> datetime:
        """Return the start of the clock plus the virtual time that has passed."""
        return self._date + timedelta(seconds=self._now)

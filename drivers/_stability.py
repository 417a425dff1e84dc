"""Whether a temperature has settled, by a criterion that noise and a slow drift cannot fool.

Settled means both, over one and the same stretch of time: *every* reading lies within a band around
the set point, and the straight line fitted to the readings (least squares) is flatter than a limit.
The band alone would pass a slow drift through it; the slope alone a plateau beside the set point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from labcool.clock import Clock, sleep_until
from labcool.errors import InstrumentTimeout, LimitError
from labcool.numbers import above_zero, real

Reading: TypeAlias = tuple[float, float]
"""Moment (clock s) and temperature (K)."""

FEWEST_READINGS: Final = 5
MOMENT_ROUNDING_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Criterion:
    """What counts as stable.

    :param band: largest distance of any reading from the set point, K, above 0.
    :param slope: largest slope of the fitted line, either way, K/min, above 0.
    :param duration: how long both must hold, s, above 0.
    :param name: the instrument's name, for errors.
    :raises LimitError: if one of them is not a finite number above 0.
    """

    band: float
    slope: float
    duration: float
    name: str = "stability"

    def __post_init__(self) -> None:
        limits = {"band_K": self.band, "slope_K_per_min": self.slope, "for_s": self.duration}
        for field, value in limits.items():
            above_zero(f"{self.name} {field}", value)


@dataclass(frozen=True, slots=True)
class Stability:
    """What the readings of the last ``duration`` seconds say.

    :param covered: whether they are enough, and reach back over the whole of ``duration``.
    :param deviation: largest distance from the set point, K.
    :param slope: slope of the fitted line, K/min; NaN from fewer than two moments.
    :param mean: mean, K.
    :param last: the newest reading, K.
    """

    stable: bool
    covered: bool
    deviation: float
    slope: float
    mean: float
    last: float


def judge(readings: Sequence[Reading], set_point: float, criterion: Criterion) -> Stability:
    """Return how stable readings are.

    :param readings: moment (s) and temperature (K), in order of time; at least one.
    :param set_point: K.
    """
    newest = readings[-1][0]
    since = newest - criterion.duration - MOMENT_ROUNDING_S
    # A reading from before the stretch proves that the stretch was watched from its beginning.
    covered = readings[0][0] <= since + 2 * MOMENT_ROUNDING_S
    window = [reading for reading in readings if reading[0] >= since]
    temperatures = [temperature for _, temperature in window]
    deviation = max(abs(temperature - set_point) for temperature in temperatures)
    slope = _slope(window) * 60.0
    covered = covered and len(window) >= FEWEST_READINGS
    return Stability(
        stable=covered and deviation <= criterion.band and abs(slope) <= criterion.slope,
        covered=covered,
        deviation=deviation,
        slope=slope,
        mean=sum(temperatures) / len(temperatures),
        last=temperatures[-1],
    )


def wait_until_stable(
    read: Callable[[], float],
    clock: Clock,
    set_point: float,
    criterion: Criterion,
    *,
    timeout_s: float,
    check: Callable[[], None],
    name: str,
    every_s: float = 1.0,
    remark: Callable[[], str] = str,
) -> Stability:
    """Take readings until they are stable, and return what they then say.

    :param read: returns the temperature, K; what it raises goes on to the caller.
    :param set_point: K.
    :param timeout_s: longest wait, s, at least ``duration``.
    :param check: called before every reading; may raise to end the wait (a stop was asked for).
    :param name: the instrument's name, for errors.
    :param every_s: time between readings, s; made shorter if ``duration`` would hold too few.
    :param remark: returns what else there is to say if the time is over.
    :raises InstrumentTimeout: if they are not stable in time, with what was reached.
    :raises LimitError: if ``timeout_s`` is shorter than ``duration``; nothing has been read.
    """
    allowed = f"a finite number from for_s = {criterion.duration:g} up"
    timeout_s = real(f"{name} timeout_s", timeout_s, allowed)
    if timeout_s < criterion.duration:
        raise LimitError(f"{name} timeout_s", timeout_s, allowed)
    every_s = above_zero(f"{name} every_s", every_s)
    interval = min(every_s, criterion.duration / FEWEST_READINGS)
    started = clock.now()
    readings: list[Reading] = []
    while True:
        check()
        due = clock.now() + interval
        temperature = read()
        readings.append((clock.now(), temperature))
        verdict = judge(readings, set_point, criterion)
        if verdict.stable:
            return verdict
        if clock.now() - started >= timeout_s:
            reached = _what_was_reached(verdict, set_point, criterion, readings)
            raise InstrumentTimeout(name, f"{reached} {remark()}".rstrip())
        readings = _still_needed(readings, criterion.duration)
        sleep_until(clock, due)


def _still_needed(readings: list[Reading], duration: float) -> list[Reading]:
    """Return the readings of the last ``duration`` seconds and the one before them."""
    since = readings[-1][0] - duration
    first = max((i for i, (moment, _) in enumerate(readings) if moment <= since), default=0)
    return readings[first:]


def _slope(window: Sequence[Reading]) -> float:
    """Return the least-squares slope, K/s."""
    if not any(later[0] > earlier[0] for earlier, later in pairwise(window)):
        return math.nan
    count = len(window)
    mean_moment = sum(moment for moment, _ in window) / count
    mean = sum(temperature for _, temperature in window) / count
    spread = sum((moment - mean_moment) ** 2 for moment, _ in window)
    together = sum((moment - mean_moment) * (value - mean) for moment, value in window)
    return together / spread


def _what_was_reached(
    verdict: Stability, set_point: float, criterion: Criterion, readings: Sequence[Reading]
) -> str:
    watched = min(readings[-1][0] - readings[0][0], criterion.duration)
    return (
        f"not stable in time at {set_point:.3f} K: last {verdict.last:.3f} K; within the last "
        f"{watched:.0f} s up to {verdict.deviation:.3f} K away (allowed {criterion.band:g} K), "
        f"slope {verdict.slope:+.3f} K/min (allowed {criterion.slope:g})."
    )

"""A running acquisition, and the circular buffer that it fills."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulators._andor_codes import TriggerMode
from simulators._andor_setup import Timings

Image: TypeAlias = NDArray[np.int32]
Light: TypeAlias = Callable[[], NDArray[Any] | None]

_EACH: Final = (TriggerMode.EXTERNAL, TriggerMode.EXTERNAL_FVB_EM, TriggerMode.SOFTWARE)


class Ring:
    """Images by their number, from 1; when it is full, a new one overwrites the oldest.

    :param capacity: images that it holds.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._images: deque[Image] = deque(maxlen=capacity)
        self.total = 0
        """Images stored so far, those overwritten included."""
        self._read_up_to = 0

    def store(self, image: Image) -> None:
        """Add an image."""
        self._images.append(image)
        self.total += 1

    def skip(self, images: int) -> None:
        """Count images that will be overwritten before they can be read, and all before them."""
        self._images.clear()
        self.total += images

    @property
    def available(self) -> tuple[int, int] | None:
        """Numbers of the first and last image that can be read."""
        return (self.total - len(self._images) + 1, self.total) if self._images else None

    @property
    def new(self) -> tuple[int, int] | None:
        """Numbers of the first and last image that can be and have not been read."""
        if not self._images or self._read_up_to >= self.total:
            return None
        return max(self._read_up_to + 1, self.total - len(self._images) + 1), self.total

    def images(self, first: int, last: int) -> list[Image]:
        """Return images that are available."""
        start = self.total - len(self._images) + 1
        return [self._images[number - start] for number in range(first, last + 1)]

    def mark_read(self, last: int) -> None:
        """Take note that images up to ``last`` have been read."""
        self._read_up_to = max(self._read_up_to, last)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an acquisition does.

    :param images: how many; None: until it is aborted.
    :param accumulated: exposures in an image.
    :param dropped: exposures before the first image that are not kept.
    :param at_once: whether all images are read out together behind the last exposure.
    """

    timings: Timings
    images: int | None
    accumulated: int
    dropped: int
    trigger: TriggerMode
    at_once: bool

    @property
    def exposures(self) -> float:
        """How many exposures there are; may be infinite."""
        if self.images is None:
            return float("inf")
        return self.dropped + self.images * self.accumulated


@dataclass(frozen=True, slots=True)
class _Exposure:
    end: float
    ready: float
    light: Light


class Series:
    """An acquisition under way: it begins exposures and develops them when their time has come.

    :param start: when the camera is ready for the first exposure, clock s.
    :param begin: begins an exposure at a moment for a duration (s) and returns its light.
    :param develop: makes counts of the light of an exposure that ended at a moment.
    """

    def __init__(
        self,
        plan: Plan,
        ring: Ring,
        start: float,
        *,
        begin: Callable[[float, float], Light],
        develop: Callable[[NDArray[Any] | None, float], Image],
    ) -> None:
        self.plan = plan
        self.ring = ring
        self._begin = begin
        self._develop = develop
        self._ready_for_trigger = start
        self._next = start if plan.trigger is TriggerMode.INTERNAL else None
        self._running: deque[_Exposure] = deque()
        self._begun = 0
        self._ended = 0
        self._image_start = start
        self._sum: Image | None = None
        self.finished = False

    @property
    def accumulations_done(self) -> int:
        """Exposures in the image that is being added up."""
        return max(self._ended - self.plan.dropped, 0) % self.plan.accumulated

    @property
    def next_event(self) -> float | None:
        """When the next exposure begins or is ready (clock s); None: unknown or never."""
        moments = [self._running[0].ready] if self._running else []
        if self._next is not None and self._begun < self.plan.exposures:
            moments.append(self._next)
        return min(moments, default=None)

    def trigger(self, moment: float) -> None:
        """Take a trigger, which is lost if the camera is not waiting for one."""
        if self.finished or self._next is not None or moment < self._ready_for_trigger:
            return
        if self.plan.trigger is not TriggerMode.INTERNAL:
            self._next = moment

    def advance(self, now: float) -> None:
        """Do what happens up to ``now`` (clock s), in its order.

        In an endless series, images that would be overwritten before anybody can read them are
        only counted.
        """
        while not self.finished:
            begins = self._next if self._begun < self.plan.exposures else None
            ready = self._running[0].ready if self._running else None
            if begins is not None and begins <= now and (ready is None or begins <= ready):
                self._expose(begins)
            elif ready is not None and ready <= now:
                self._finish(self._running.popleft())
            else:
                return
            self._skip_unseen(now)

    def _skip_unseen(self, now: float) -> None:
        if self.plan.images is not None or self._next is None:
            return
        overdue = math.floor((now - self._next) / self.plan.timings.kinetic)
        unseen = overdue - self.ring.capacity - 1
        if unseen > 0:
            self._next += unseen * self.plan.timings.kinetic
            self._begun += unseen
            self._ended = self._begun
            self._running.clear()
            self.ring.skip(self._ended - self.ring.total)

    def _expose(self, start: float) -> None:
        timings = self.plan.timings
        end = start + timings.exposure
        ready = end + timings.readout
        if self.plan.at_once:
            to_come = self.plan.exposures - self._begun - 1
            ready += to_come * timings.kinetic
        self._running.append(_Exposure(end, ready, self._begin(start, timings.exposure)))
        self._begun += 1
        if self.plan.trigger in _EACH:
            self._next = None
            self._ready_for_trigger = ready
        else:
            self._next = self._after(start)

    def _after(self, start: float) -> float:
        """Return when the exposure after one that began at ``start`` begins, clock s."""
        timings = self.plan.timings
        kept = self._begun - self.plan.dropped
        if kept <= 0:
            return start + timings.accumulate
        if kept % self.plan.accumulated == 1 or self.plan.accumulated == 1:
            self._image_start = start
        if kept % self.plan.accumulated:
            return start + timings.accumulate
        return self._image_start + timings.kinetic

    def _finish(self, exposure: _Exposure) -> None:
        counts = self._develop(exposure.light(), exposure.end)
        self._ended += 1
        if self._ended <= self.plan.dropped:
            return
        self._sum = counts if self._sum is None else self._sum + counts
        if self.accumulations_done == 0:
            self.ring.store(self._sum)
            self._sum = None
            self.finished = self._ended >= self.plan.exposures

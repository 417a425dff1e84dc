"""Recording with the SR830's data buffer in one call: store, wait, and fetch both displays."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from drivers._sr830_buffer import BUFFER_POINTS, SR830Buffer, Values
from drivers._sr830_tables import OVERLOADS, SAMPLE_RATES_HZ, LockInStatus
from labcool.errors import InstrumentTimeout
from labcool.numbers import one_of, within

LATEST_PERIODS: Final = 2
"""How many periods after its time the last point may be stored."""


class Recording(NamedTuple):
    """What both displays showed at equal intervals, and what went wrong meanwhile.

    ``times`` (s) count from the first point. Each array has the shape (point,), and the values
    their display's unit (V, A or degrees).
    """

    times: Values
    channel1: Values
    channel2: Values
    sample_rate: float
    overload: bool
    unlocked: bool
    flags: LockInStatus


class SR830Recording(SR830Buffer):
    """Storing for a given time."""

    def record(self, duration: float, rate: float) -> Recording:
        """Erase the buffer, store both displays for ``duration`` (s), and return them.

        What they show is chosen with :meth:`set_display`. Blocks as long as it stores; call
        :meth:`settle` before. Overloads and unlocks of this time only are told. The buffer is left
        paused, in one-shot mode, at this rate.

        :param duration: 1 to 16383 points long at this rate; rounded to whole points, s.
        :param rate: points per second, Hz: 62.5 mHz to 512 Hz by factors of 2.
        :raises LimitError: if it does not fit into the buffer; nothing has been sent.
        :raises InstrumentTimeout: if the points are not stored in time.
        :raises GarbledAnswer: if they arrive broken twice.
        """
        rate = one_of(f"{self.name} rate (Hz)", rate, SAMPLE_RATES_HZ)
        field = f"{self.name} duration (s)"
        advice = f"The buffer takes {BUFFER_POINTS} points."
        duration = within(field, duration, 1 / rate, BUFFER_POINTS / rate, advice)
        count = round(duration * rate)
        self.reset_buffer()
        self.sample_rate = rate
        self.buffer_mode = "one shot"
        self.lock_in_status()
        self.start_scan()
        try:
            self._wait_for_points(count, rate)
        finally:
            self.pause_scan()
        flags = self.lock_in_status()
        one, two = (self._stored(channel, 0, count, "native") for channel in (1, 2))
        unlocked = bool(flags & LockInStatus.REFERENCE_UNLOCKED)
        times = np.arange(count) / rate
        return Recording(times, one, two, rate, bool(flags & OVERLOADS), unlocked, flags)

    def _wait_for_points(self, count: int, rate: float) -> None:
        deadline = self._clock.now() + (count + LATEST_PERIODS) / rate + self._timeout
        self._clock.sleep(count / rate)
        while (stored := self.buffer_count) < count:
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name,
                    f"only {stored} of {count} points are stored. Is it recording at all?",
                )
            self._clock.sleep(1 / rate)

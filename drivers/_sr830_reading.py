"""Readings of the SR830 that tell of overloads, settling, and the search for a range."""

from __future__ import annotations

import logging
import re
from typing import Final, NamedTuple, TypeVar

from drivers._in_step import WHOLE
from drivers._sr830_recording import SR830Recording
from drivers._sr830_tables import (
    ANGLES,
    OUTPUTS_V,
    OVERLOADS,
    QUANTITIES,
    SETTLING_TIME_CONSTANTS,
    SNAP_LIMITS,
    SYNCHRONOUS_BELOW_HZ,
    LockInStatus,
    Quantity,
    StatusByte,
    spoiling,
)
from labcool.errors import InstrumentRefused, InstrumentTimeout, LimitError
from labcool.numbers import index_of, within

log = logging.getLogger(__name__)

POLL_S: Final = 0.1
LONGEST_AUTO_GAIN_S: Final = 1.0
LONGEST_LIMIT_S: Final = 1e6
HEADROOM: Final = 1.15
JUMP: Final = 3
MOST_RANGES: Final = 24
MOST_SETTLINGS: Final = 3
AUX_INPUTS_AND_FREQUENCY: Final = frozenset(QUANTITIES[4:9])


Measured = TypeVar("Measured", float, tuple[float, ...])


class Reading(NamedTuple):
    """X, Y and R in V or A rms, theta in degrees, and what went wrong since the last look."""

    x: float
    y: float
    r: float
    theta: float
    overload: bool
    unlocked: bool
    flags: LockInStatus


class SR830Reading(SR830Recording):
    """What is read from an SR830.

    A number alone cannot say that it is wrong. Whatever returns one therefore raises
    :class:`~labcool.errors.InstrumentRefused` if, since the last look, something was overloaded or
    the reference unlocked; :meth:`read` returns the values all the same, with their flags.
    """

    @property
    def status_byte(self) -> StatusByte:
        """Get the status byte, ``*STB?``; reading clears nothing."""
        return StatusByte(self._ask_whole("*STB?", 255))

    @property
    def reference_frequency(self) -> float:
        """Measure the reference frequency, Hz."""
        return self.frequency

    @property
    def x(self) -> float:
        """Measure the component in phase with the reference, V or A rms."""
        return self._unspoilt(self._ask_number("OUTP?1", OUTPUTS_V))

    @property
    def y(self) -> float:
        """Measure the component 90 degrees ahead of the reference, V or A rms."""
        return self._unspoilt(self._ask_number("OUTP?2", OUTPUTS_V))

    @property
    def magnitude(self) -> float:
        """Measure R = sqrt(X² + Y²), V or A rms."""
        return self._unspoilt(self._ask_number("OUTP?3", OUTPUTS_V))

    @property
    def theta(self) -> float:
        """Measure the phase of the signal against the reference, degrees."""
        return self._unspoilt(self._ask_number("OUTP?4", ANGLES))

    def displayed(self, channel: int) -> float:
        """Measure what display 1 or 2 shows, in its unit."""
        channel = self._counted("display", channel, 2)
        return self._unspoilt(self._ask_number(f"OUTR?{channel}"))

    def snap(self, *quantities: Quantity) -> tuple[float, ...]:
        """Measure 2 to 6 quantities at one moment (X with Y, and R with theta: within 10 us).

        :param quantities: x, y, r, theta, aux in 1 to 4, frequency, ch1, ch2.
        """
        if not 2 <= len(quantities) <= 6:
            raise LimitError(f"{self.name} number of quantities", len(quantities), "from 2 to 6")
        field = f"{self.name} quantity"
        codes = [index_of(field, quantity, QUANTITIES) + 1 for quantity in quantities]
        values = self._snap(*codes)
        return values if AUX_INPUTS_AND_FREQUENCY.issuperset(quantities) else self._unspoilt(values)

    def read(self) -> Reading:  # type: ignore[override]
        """Measure X, Y, R and theta of one moment, and all overloads since the last look.

        :raises GarbledAnswer, InstrumentTimeout: if either cannot be had.
        """
        x, y, r, theta = self._snap(1, 2, 3, 4)
        return _reading(x, y, r, theta, self.lock_in_status())

    @property
    def settling_time(self) -> float:
        """Get how long the output takes to come within 1 % of a step of the signal, s.

        5, 7, 9 or 11 time constants for slopes of 6, 12, 18 or 24 dB/octave, and two periods of
        the detection frequency if the synchronous filter works.
        """
        waiting = SETTLING_TIME_CONSTANTS[self.filter_slope] * self.time_constant
        if self.filter_synchronous:
            detection = self.frequency * self.harmonic
            if 0 < detection < SYNCHRONOUS_BELOW_HZ:
                waiting += 2 / detection
        return waiting

    def settle(self) -> None:
        """Forget the overloads that were before, and wait :attr:`settling_time`.

        If something was overloaded or the reference unlocked meanwhile, and is no more, it settles
        again (logged), up to three times in all. What has spoilt the last time is told by the next
        reading.
        """
        for left in reversed(range(MOST_SETTLINGS)):
            spoilt = self._settle_once()
            if not (words := spoiling(spoilt)):
                return
            now = self.lock_in_status()
            if spoiling(now) or not left:
                log.warning("%s: %s while it settled; the next reading tells.", self.name, words)
                self._standing = spoilt | now
                return
            log.warning("%s: %s while it settled. Settling again.", self.name, words)

    def _settle_once(self) -> LockInStatus:
        """Wait :attr:`settling_time` and return what has happened in this time."""
        waiting = self.settling_time
        self.lock_in_status()
        self._clock.sleep(waiting)
        return self.lock_in_status()

    def auto_range(self, limit: float = 600.0) -> float:
        """Find the most sensitive range that the signal does not overload; return it, V or A.

        Settles on each range that is tried; R times 1.15 shall fit into the last. The instrument's
        own automatic is :meth:`auto_gain`.

        :param limit: longest time for all, s.
        :raises InstrumentRefused: if the reference is unlocked, the least sensitive range is
            overloaded, or ``limit`` does not suffice.
        """
        limit = self._checked_limit(limit)
        deadline = self._clock.now() + limit
        ranges = self.sensitivity_range
        index, overloaded, usable = self._sensitivity_index(), -1, len(ranges)
        for _ in range(MOST_RANGES):
            if self._clock.now() + self.settling_time > deadline:
                break
            reading = self._settled_reading(deadline)
            if reading.unlocked:
                raise InstrumentRefused(self.name, "the reference is not locked.")
            if reading.overload or reading.r > ranges[index]:
                overloaded, usable = index, usable if usable > index else len(ranges)
                if index == len(ranges) - 1:
                    raise InstrumentRefused(self.name, f"overload on {ranges[index]:g} full scale.")
                wanted = (index + usable + 1) // 2 if usable < len(ranges) else index + JUMP
            else:
                usable = index
                fits = [i for i, full in enumerate(ranges) if reading.r * HEADROOM <= full]
                wanted = min(max(overloaded + 1, min(fits, default=index)), index)
                if wanted == index:
                    return ranges[index]
            index = min(wanted, len(ranges) - 1)
            self._set_sensitivity(index)
        raise InstrumentRefused(self.name, f"no range was found within {limit:g} s.")

    def _settled_reading(self, deadline: float) -> Reading:
        """Settle and read; once more if that was spoilt by something that has passed."""
        for _ in range(2):
            spoilt = self._settle_once()
            reading = self.read()
            passed = spoiling(spoilt) and not spoiling(reading.flags)
            if not passed or self._clock.now() + self.settling_time > deadline:
                break
            log.warning("%s: %s while it settled.", self.name, spoiling(spoilt))
        return _reading(*reading[:4], reading.flags | spoilt)

    def auto_gain(self, limit: float = 60.0) -> None:
        """Let the instrument choose its sensitivity; return when it has.

        :param limit: longest time it may take, s.
        :raises InstrumentRefused: if the time constant is above 1 s (use :meth:`auto_range`).
        :raises InstrumentTimeout: if it is not done in time.
        """
        limit = self._checked_limit(limit)
        if (seconds := self.time_constant) > LONGEST_AUTO_GAIN_S:
            raise InstrumentRefused(
                self.name, f"auto gain does nothing with a time constant of {seconds:g} s."
            )
        self._automatic("AGAN", limit)

    def auto_reserve(self, limit: float = 60.0) -> None:
        """Let the instrument choose its reserve; return when it has, within ``limit`` (s)."""
        self._automatic("ARSV", limit)

    def auto_phase(self, limit: float = 60.0) -> None:
        """Let the instrument turn its phase until theta is 0; return when it has (``limit``, s)."""
        self._automatic("APHS", limit)

    def _snap(self, *codes: int) -> tuple[float, ...]:
        limits = (SNAP_LIMITS[code - 1] for code in codes)
        return self._ask_numbers("SNAP? " + ",".join(map(str, codes)), *limits)

    def _unspoilt(self, measured: Measured) -> Measured:
        """Return what was measured.

        :raises InstrumentRefused: if something has spoilt it since the last look.
        """
        flags = self.lock_in_status()
        if words := spoiling(flags):
            raise InstrumentRefused(
                self.name,
                f"{words} since the last look: {measured} may be wrong. Call settle() and measure "
                "again, or read() for values with their flags.",
            )
        self._standing = flags
        return measured

    def _automatic(self, command: str, limit: float) -> None:
        """Start an automatic function and wait until ``*STB?`` says that nothing is executed.

        Bit 1 counts only if it is set while nothing is executed. Otherwise the answer itself is
        the sign: the manual says that a question waits for the command before it (page 5-2).
        """
        limit = self._checked_limit(limit)
        bit_counts = bool(self.status_byte & StatusByte.READY)
        self._order(command)
        deadline = self._clock.now() + limit
        while not self._ready(deadline, bit_counts=bit_counts):
            self._clock.sleep(POLL_S)
        self._raise_refusal(command)

    def _checked_limit(self, seconds: float) -> float:
        return within(f"{self.name} limit (s)", seconds, 0.0, LONGEST_LIMIT_S)

    def _ready(self, deadline: float, *, bit_counts: bool) -> bool:
        self._send_in_step("*STB?")
        while (line := self._line_if_any()) is None:
            self._give_up_after(deadline)
        answer = line.decode("ascii", "replace")
        understood = re.fullmatch(WHOLE, answer, re.ASCII) is not None
        if understood:
            self.end_exchange()
            if not bit_counts or int(answer) & StatusByte.READY:
                return True
        self._give_up_after(deadline)
        return False

    def _line_if_any(self) -> bytes | None:
        try:
            return self._read_line()
        except InstrumentTimeout:
            return None

    def _give_up_after(self, deadline: float) -> None:
        if self._clock.now() >= deadline:
            raise InstrumentTimeout(self.name, "an automatic function did not end in time.")


def _reading(x: float, y: float, r: float, theta: float, flags: LockInStatus) -> Reading:
    unlocked = bool(flags & LockInStatus.REFERENCE_UNLOCKED)
    return Reading(x, y, r, theta, bool(flags & OVERLOADS), unlocked, flags)

"""Readings of the SR830 that tell of overloads, settling, and the search for a range."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from drivers._in_step import WHOLE
from drivers._sr830_buffer import SR830Buffer
from drivers._sr830_tables import (
    OVERLOADS,
    QUANTITIES,
    SETTLING_TIME_CONSTANTS,
    SYNCHRONOUS_BELOW_HZ,
    LockInStatus,
    Quantity,
    StatusByte,
    index_of,
)
from drivers._wire import within
from labcool.errors import InstrumentRefused, InstrumentTimeout, LimitError

POLL_S: Final = 0.1
LONGEST_AUTO_GAIN_S: Final = 1.0
HEADROOM: Final = 1.15
JUMP: Final = 3
MOST_RANGES: Final = 24


class Reading(NamedTuple):
    """X, Y and R in V or A rms, theta in degrees, and what went wrong since the last look."""

    x: float
    y: float
    r: float
    theta: float
    overload: bool
    unlocked: bool
    flags: LockInStatus


class SR830Reading(SR830Buffer):
    """What is read from an SR830."""

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
        return self._ask_number("OUTP?1")

    @property
    def y(self) -> float:
        """Measure the component 90 degrees ahead of the reference, V or A rms."""
        return self._ask_number("OUTP?2")

    @property
    def magnitude(self) -> float:
        """Measure R = sqrt(X² + Y²), V or A rms."""
        return self._ask_number("OUTP?3")

    @property
    def theta(self) -> float:
        """Measure the phase of the signal against the reference, degrees."""
        return self._ask_number("OUTP?4")

    def displayed(self, channel: int) -> float:
        """Measure what display 1 or 2 shows, in its unit."""
        return self._ask_number(f"OUTR?{self._counted('display', channel, 2)}")

    def snap(self, *quantities: Quantity) -> tuple[float, ...]:
        """Measure 2 to 6 quantities at one moment (X with Y, and R with theta: within 10 us).

        :param quantities: x, y, r, theta, aux in 1 to 4, frequency, ch1, ch2.
        """
        if not 2 <= len(quantities) <= 6:
            raise LimitError(f"{self.name} number of quantities", len(quantities), "from 2 to 6")
        field = f"{self.name} quantity"
        codes = [str(index_of(quantity, QUANTITIES, field) + 1) for quantity in quantities]
        return self._ask_numbers("SNAP? " + ",".join(codes), len(codes))

    def read(self) -> Reading:  # type: ignore[override]
        """Measure X, Y, R and theta of one moment, and all overloads since the last look.

        :raises GarbledAnswer, InstrumentTimeout: if either cannot be had.
        """
        x, y, r, theta = self.snap("x", "y", "r", "theta")
        flags = self.lock_in_status()
        unlocked = bool(flags & LockInStatus.REFERENCE_UNLOCKED)
        return Reading(x, y, r, theta, bool(flags & OVERLOADS), unlocked, flags)

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
        """Wait :attr:`settling_time`, then forget the overloads that happened meanwhile."""
        self._clock.sleep(self.settling_time)
        self.lock_in_status()

    def auto_range(self, limit: float = 600.0) -> float:
        """Find the most sensitive range that the signal does not overload; return it, V or A.

        Settles on each range that is tried; R times 1.15 shall fit into the last. The instrument's
        own automatic is :meth:`auto_gain`.

        :param limit: longest time for all, s.
        :raises InstrumentRefused: if the reference is unlocked, the least sensitive range is
            overloaded, or ``limit`` does not suffice.
        """
        within(f"{self.name} limit (s)", limit, 0.0, 1e6)
        deadline = self._clock.now() + limit
        ranges = self.sensitivity_range
        index, overloaded, usable = self._sensitivity_index(), -1, len(ranges)
        for _ in range(MOST_RANGES):
            if self._clock.now() + self.settling_time > deadline:
                break
            self.settle()
            reading = self.read()
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

    def auto_gain(self, limit: float = 60.0) -> None:
        """Let the instrument choose its sensitivity; return when it has.

        :param limit: longest time it may take, s.
        :raises InstrumentRefused: if the time constant is above 1 s (use :meth:`auto_range`).
        :raises InstrumentTimeout: if it is not done in time.
        """
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

    def _automatic(self, command: str, limit: float) -> None:
        """Start an automatic function and wait until ``*STB?`` says that nothing is executed.

        Bit 1 counts only if it is set while nothing is executed. Otherwise the answer itself is
        the sign: the manual says that a question waits for the command before it (page 5-2).
        """
        within(f"{self.name} limit (s)", limit, 0.0, 1e6)
        bit_counts = bool(self.status_byte & StatusByte.READY)
        self._order(command)
        deadline = self._clock.now() + limit
        while not self._ready(deadline, bit_counts=bit_counts):
            self._clock.sleep(POLL_S)
        self._raise_refusal(command)

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

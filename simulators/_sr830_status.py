"""The status bytes of an SR830 and their enable registers.

Source: SR830 user manual, status reporting (p. 5-20 to 5-22); the standard and serial poll bytes
are laid out as in the manual of the sister SR850.
"""

from __future__ import annotations

from typing import Final

INPUT, FILTER, OUTPUT, UNLOCK, RANGE, TC_CHANGED, TRIGGERED = range(7)
"""Bits of the LIA byte."""

FAST_ABORTED: Final = 5
"""Bit of the error byte."""

INPUT_QUEUE, OUTPUT_QUEUE, EXECUTION, ILLEGAL, KEY, POWER_ON = 0, 2, 4, 5, 6, 7
"""Bits of the standard event byte."""

NO_SCAN, READY, ERR, LIA, MESSAGE, STANDARD, REQUEST = range(7)
"""Bits of the serial poll byte."""

EVENTS: Final = {"*ESR": "*ESE", "LIAS": "LIAE", "ERRS": "ERRE"}
"""The event bytes, each with its enable register."""


class Status:
    """Event bytes that stay until read, and enable registers that stay until written."""

    def __init__(self) -> None:
        self.events = dict.fromkeys(EVENTS, 0)
        self.enables = dict.fromkeys((*EVENTS.values(), "*SRE"), 0)
        self.report("*ESR", POWER_ON)

    def report(self, byte: str, bit: int) -> None:
        """Set one bit of an event byte."""
        self.events[byte] |= 1 << bit

    def read(self, byte: str, bit: int | None = None) -> int:
        """Return an event byte, or one bit of it, and clear what was returned."""
        value = self.events[byte]
        if bit is None:
            self.events[byte] = 0
            return value
        self.events[byte] &= ~(1 << bit)
        return value >> bit & 1

    def clear(self) -> None:
        """Clear all event bytes; the enable registers stay."""
        self.events = dict.fromkeys(EVENTS, 0)

    def start_up(self, *, clear_enables: bool) -> None:
        """Do what power-on does."""
        self.clear()
        if clear_enables:
            self.enables = dict.fromkeys(self.enables, 0)
        self.report("*ESR", POWER_ON)

    def enable(self, register: str, value: int) -> None:
        """Write an enable register."""
        self.enables[register] = value

    def enable_bit(self, register: str, bit: int, value: int) -> None:
        """Write one bit of an enable register."""
        self.enables[register] = self.enables[register] & ~(1 << bit) | value << bit

    def summary(self, *, has_scan: bool, is_busy: bool, has_message: bool) -> int:
        """Return the serial poll byte, which reading does not change."""
        bits = {
            NO_SCAN: not has_scan,
            READY: not is_busy,
            ERR: self._is_raised("ERRS"),
            LIA: self._is_raised("LIAS"),
            MESSAGE: has_message,
            STANDARD: self._is_raised("*ESR"),
        }
        byte = sum(1 << bit for bit, is_set in bits.items() if is_set)
        return byte | (1 << REQUEST if byte & self.enables["*SRE"] else 0)

    def _is_raised(self, byte: str) -> bool:
        return bool(self.events[byte] & self.enables[EVENTS[byte]])

"""What the bits of an OBIS laser's status and fault words mean, in plain words.

After the tables of Coherent's OBIS manual as the public ``obis-laser`` package restates them.
"""

from __future__ import annotations

from typing import Final

FAULT: Final = 0x1
EMISSION: Final = 0x2
CDRH_DELAY: Final = 0x10
HARDWARE_FAULT: Final = 0x20
WARM_UP: Final = 0x100

INTERLOCK_OPEN: Final = 0xCC
KEY_OUT: Final = 0xCE

STATES: Final = {
    FAULT: "fault",
    EMISSION: "emission",
    0x4: "ready",
    0x8: "standby",
    CDRH_DELAY: "emission delay running",
    HARDWARE_FAULT: "hardware fault",
    0x40: "error",
    0x80: "power calibration",
    WARM_UP: "warming up",
    0x200: "noise",
    0x400: "external mode",
    0x800: "field calibration",
    0x1000: "power voltage",
}
"""Bits of ``SYST:STAT?``."""

KEYS: Final = {0xC8: "key on", INTERLOCK_OPEN: "interlock open", KEY_OUT: "key out"}
"""Uppermost byte of ``SYST:STAT?``."""

FAULTS: Final = {
    0x1: "base plate temperature",
    0x2: "diode temperature",
    0x4: "internal temperature",
    0x8: "power supply",
    0x10: "I2C bus",
    0x20: "diode over-current",
    0x40: "memory checksum",
    0x80: "checksum recovery",
    0x100: "buffer overflow",
    0x200: "warm-up took too long",
    0x400: "thermo-electric cooler",
    0x800: "internal bus",
    0x1000: "diode temperature limit",
    0x2000: "laser ready",
    0x4000: "photodiode",
    0x8000: "fatal",
    0x10000: "start-up",
    0x20000: "watchdog",
    0x40000: "field calibration",
    0x100000: "over-power",
}
"""Bits of ``SYST:FAUL?``."""

INTERLOCK_CLOSED: Final = frozenset({"OK", "ON", "CLOSED"})
"""Answers to ``SYST:LOCK?`` taken for a closed interlock; every other one means open."""


def bit_names(word: int, names: dict[int, str], width: int = 32) -> tuple[str, ...]:
    """Return the names of the bits set in ``word``; a bit without a name by its hexadecimal."""
    bits = (1 << place for place in range(width))
    return tuple(names.get(bit, f"bit {bit:#x}") for bit in bits if word & bit)


def status_names(word: int) -> tuple[str, ...]:
    """Return what a status word says: the key first, then its states."""
    key = word >> 24
    return (KEYS.get(key, f"key byte {key:#04x}"), *bit_names(word & 0xFFFFFF, STATES))

"""What a Linkam T95 answers to ``T``: state, faults, pump and temperature."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from labcool.errors import GarbledAnswer
from labcool.units import celsius, kelvin

FASTEST_PUMP: Final = 30
DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{4}")
COLDEST_TENTHS: Final = -1960
HOTTEST_TENTHS: Final = 15000
"""The ends of the controller's scale, 0.1 °C (the manual's F858 and 3A98)."""

COOLING_TOO_FAST: Final = 0x01
SENSOR_OPEN: Final = 0x02
FAULTS: Final = {
    SENSOR_OPEN: "no stage is connected, or its sensor is open",
    0x04: "the current protection has tripped (power surge)",
    0x08: "'no exit': the stage is above 300 °C",
    0x10: "an undocumented fault (bit 4)",
    0x20: "the controller saw an error on its serial line",
    0x40: "an undocumented fault (bit 6)",
}


class LinkamState(IntEnum):
    """High half of the state byte; real controllers set bit 0 of the low half as they please."""

    STOPPED = 0x00
    HEATING = 0x10
    COOLING = 0x20
    HOLDING_AT_LIMIT = 0x30
    HOLDING_LIMIT_TIME = 0x40
    HOLDING_CURRENT = 0x50


@dataclass(frozen=True, slots=True)
class LinkamStatus:
    """One answer to ``T``.

    :param errors: error byte without its uppermost bit, which is set in a healthy answer.
    :param pump_speed: speed of the nitrogen pump, 0 to 30.
    :param temperature: K; NaN with an open sensor, or if the digits beside a fault are senseless.
    """

    state: LinkamState
    errors: int
    pump_speed: int
    temperature: float

    @property
    def faults(self) -> tuple[str, ...]:
        """Every fault reported, in plain words; cooling too fast is none."""
        return tuple(words for bit, words in FAULTS.items() if self.errors & bit)

    @property
    def sensor_open(self) -> bool:
        """Whether the sensor is open, or there is no stage; then there is no temperature."""
        return bool(self.errors & SENSOR_OPEN)


def tenths(temperature: float) -> int:
    """Return a temperature (K) in the wire's unit, 0.1 °C."""
    return round(celsius(temperature) * 10)


def decode_temperature(digits: bytes) -> float:
    """Return the temperature (K) of four hexadecimal digits in either case, two's complement.

    :raises ValueError: if they are not hexadecimal digits, or not from −196.0 to 1500.0 °C.
    """
    if not DIGITS.fullmatch(digits):
        raise ValueError(f"{digits!r} are not four hexadecimal digits")
    value = int.from_bytes(bytes.fromhex(digits.decode("ascii")), "big", signed=True)
    if not COLDEST_TENTHS <= value <= HOTTEST_TENTHS:
        raise ValueError(f"{value / 10} °C is no temperature of a stage")
    return kelvin(value / 10)


def decode_status(answer: bytes, name: str) -> LinkamStatus:
    """Return what the 11 bytes answered to ``T`` say.

    :raises GarbledAnswer: if the last is no carriage return, the state is unknown, the pump is
        faster than it can be, or the temperature is none although no fault is reported.
    """
    if answer[10:] != b"\r":
        raise GarbledAnswer(name, f"{answer!r} is not a status of 11 bytes.")
    errors = answer[1] & 0x7F
    try:
        state = LinkamState(answer[0] & 0xF0)
    except ValueError as error:
        raise GarbledAnswer(name, f"unknown state 0x{answer[0]:02X} in {answer!r}.") from error
    pump_speed = answer[2] & 0x7F
    if pump_speed > FASTEST_PUMP:
        raise GarbledAnswer(name, f"a pump speed of {pump_speed} in {answer!r}.")
    try:
        temperature = decode_temperature(answer[6:10])
    except ValueError as error:
        if not errors & ~COOLING_TOO_FAST:
            raise GarbledAnswer(
                name, f"no temperature in the status {answer!r}: {error}."
            ) from error
        temperature = math.nan
    if errors & SENSOR_OPEN:
        temperature = math.nan
    return LinkamStatus(state, errors, pump_speed, temperature)

"""What a register of an Interbus module holds, and how it is written in a telegram."""

from __future__ import annotations

import math
from dataclasses import dataclass

from labcool.errors import LimitError
from labcool.numbers import within


@dataclass(frozen=True)
class Register:
    """A register with one number in it, little-endian.

    :param number: its number, 0 to 255.
    :param name: what it holds, with the unit, for errors.
    :param size: bytes of the number.
    :param scale: the value of one count, in the unit.
    :param lowest: smallest value that it can hold, in the unit.
    :param highest: largest value that it can hold, in the unit.
    :param signed: whether the number is in two's complement.
    :param answers: how many bytes a reading may have, if not just ``size``; the number is the first
        ``size`` of them, or all if they are fewer.
    """

    number: int
    name: str
    size: int
    scale: float = 1.0
    lowest: float = -math.inf
    highest: float = math.inf
    signed: bool = False
    answers: tuple[int, ...] = ()

    def encoded(self, value: float) -> bytes:
        """Return the data that sets the register to ``value``, rounded to its resolution.

        :raises LimitError: if the value is out of range, not a number, or (in a register that
            counts) not a whole one.
        """
        number = within(self.name, value, self.lowest, self.highest)
        counts = round(number / self.scale)
        if self.scale == 1 and counts != number:
            raise LimitError(self.name, value, "a whole number")
        try:
            return counts.to_bytes(self.size, "little", signed=self.signed)
        except OverflowError as error:
            raise LimitError(self.name, value, f"a number of {self.size} bytes") from error

    def decoded(self, data: bytes) -> float:
        """Return the value that a reading stands for, in the unit.

        :raises ValueError: if the reading has another length than it can have, or the value lies
            where none can.
        """
        if len(data) not in (self.answers or (self.size,)):
            raise ValueError(f"{len(data)} bytes cannot be {self.name}")
        counts = int.from_bytes(data[: self.size], "little", signed=self.signed)
        value = counts if self.scale == 1 else round(counts * self.scale, 6)
        if not self.lowest <= value <= self.highest:
            raise ValueError(f"{value:g} cannot be {self.name}")
        return value


def bits(value: int, meanings: dict[int, str]) -> tuple[str, ...]:
    """Return the meanings of the bits that are set, lowest first; unknown ones by number."""
    return tuple(meanings.get(n, f"bit {n}") for n in range(value.bit_length()) if value >> n & 1)

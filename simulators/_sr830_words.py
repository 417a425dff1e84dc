"""The words of the SR830's language: one command, taken apart.

Source: SR830 user manual, command syntax (p. 5-1 to 5-3): a mnemonic of four characters in upper or
lower case, ``?`` for a query, parameters separated by commas, spaces ignored; numbers in integer,
floating point or exponential format (5, 5.0 or .5E1 mean the same).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(E[+-]?[0-9]{1,3})?")


class UnknownCommandError(Exception):
    """The command does not exist: bit 5 of the standard event byte."""


class BadParameterError(Exception):
    """A parameter is missing, too much, no number, or out of range: bit 4."""


@dataclass(frozen=True)
class Command:
    """One command, in upper case and without spaces."""

    name: str
    is_query: bool
    parameters: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Command:
        """Return the command of a text that is not empty."""
        packed = re.sub(r"\s+", "", text).upper()
        name, rest = packed[:4], packed[4:]
        is_query = rest.startswith("?")
        listed = rest[1:] if is_query else rest
        return cls(name, is_query, tuple(listed.split(",")) if listed else ())

    def require(self, *counts: int) -> None:
        """Refuse the command if it has another number of parameters."""
        if len(self.parameters) not in counts:
            raise BadParameterError

    def real(self, index: int, lowest: float, highest: float) -> float:
        """Return a parameter as a number within the limits."""
        text = self.parameters[index]
        if not _NUMBER.fullmatch(text):
            raise BadParameterError
        value = float(text)
        if not lowest <= value <= highest or not math.isfinite(value):
            raise BadParameterError
        return value

    def integer(self, index: int, lowest: int, highest: int) -> int:
        """Return a parameter as a whole number within the limits."""
        value = self.real(index, lowest, highest)
        if value != int(value):
            raise BadParameterError
        return int(value)

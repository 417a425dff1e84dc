"""The SCPI language as far as a Thorlabs power meter speaks it: headers, numbers and errors.

Source: Thorlabs PM100D operation manual (chapter 6.4.1) and the SCPI-1999 standard (error numbers).
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

Setter: TypeAlias = Callable[[str], None]
Getter: TypeAlias = Callable[[str], str]

_QUEUE_LENGTH: Final = 20
_NUMBER: Final = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:E[+-]?[0-9]{1,3})?)\s*(M|U|N|P|)(W|NM|DB|MM|A|)",
    re.IGNORECASE,
)
_PREFIXES: Final = {"": 1.0, "M": 1e-3, "U": 1e-6, "N": 1e-9, "P": 1e-12}
_OWN_UNITS: Final = ("NM", "MM")


class ScpiError(Exception):
    """An error that goes into the queue: its number and its text."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(code, words)
        self.code = code
        self.words = words


def data_type_error() -> ScpiError:
    """Return the error for a parameter that is not what it should be."""
    return ScpiError(-104, "Data type error")


def parameter_not_allowed() -> ScpiError:
    """Return the error for a parameter too many."""
    return ScpiError(-108, "Parameter not allowed")


def missing_parameter() -> ScpiError:
    """Return the error for a parameter too few."""
    return ScpiError(-109, "Missing parameter")


def undefined_header() -> ScpiError:
    """Return the error for a command that does not exist."""
    return ScpiError(-113, "Undefined header")


def out_of_range() -> ScpiError:
    """Return the error for a number outside the limits."""
    return ScpiError(-222, "Data out of range")


def illegal_parameter() -> ScpiError:
    """Return the error for a word that is not among those allowed."""
    return ScpiError(-224, "Illegal parameter value")


def hardware_missing() -> ScpiError:
    """Return the error for a measurement that the sensor cannot do."""
    return ScpiError(-241, "Hardware missing")


class ErrorQueue:
    """Errors in the order in which they happened; the oldest is read first."""

    def __init__(self) -> None:
        self._errors: deque[ScpiError] = deque()

    def put(self, error: ScpiError) -> None:
        """Add an error; in a full queue the last one becomes "Queue overflow"."""
        if len(self._errors) == _QUEUE_LENGTH:
            self._errors.pop()
            error = ScpiError(-350, "Queue overflow")
        self._errors.append(error)

    def take(self) -> str:
        """Return the oldest error as ``-113,"Undefined header"``; ``+0,"No error"`` if none."""
        if not self._errors:
            return '+0,"No error"'
        error = self._errors.popleft()
        return f'{error.code:+d},"{error.words}"'

    def clear(self) -> None:
        """Forget all errors."""
        self._errors.clear()

    def __len__(self) -> int:
        return len(self._errors)


@dataclass(frozen=True)
class Message:
    """One command: its full header in upper case, and its parameter."""

    header: str
    is_query: bool
    parameter: str

    @classmethod
    def parse(cls, text: str, path: str) -> Message:
        """Return the message of a text that is not empty.

        :param path: keywords, each with its colon, that a header without a leading colon follows.
        """
        header, *rest = text.split(maxsplit=1)
        is_query = header.endswith("?")
        header = header.removesuffix("?").upper()
        if not header.startswith((":", "*")):
            header = path + header
        return cls(header.removeprefix(":"), is_query, "".join(rest).strip())

    @property
    def path(self) -> str:
        """What the header of the next message on the line follows."""
        keywords = self.header.split(":")
        return "".join(f"{keyword}:" for keyword in keywords[:-1])


def header_pattern(header: str) -> re.Pattern[str]:
    """Return what matches a header: ``[SENSe:]CORRection`` is also ``CORR`` or ``SENSE:CORR``."""

    def keyword(found: re.Match[str]) -> str:
        word = found[0]
        short = re.sub(r"[a-z]", "", word)
        return f"(?:{short}|{word.upper()})"

    spelled = re.sub(r"[A-Z]+[a-z]*", keyword, header.replace("*", r"\*"))
    return re.compile(spelled.replace("[", "(?:").replace("]", ")?"))


def number(text: str, lowest: float, highest: float, default: float) -> float:
    """Return a numeric parameter, which may be MIN, MAX or DEF, or have a unit.

    :raises ScpiError: if it is missing, no number, or outside the limits.
    """
    if not text:
        raise missing_parameter()
    names = {"MIN": lowest, "MAX": highest, "DEF": default}
    if text.upper() in ("MIN", "MAX", "DEF", "MINIMUM", "MAXIMUM", "DEFAULT"):
        return names[text[:3].upper()]
    found = _NUMBER.fullmatch(text)
    if not found:
        raise data_type_error()
    whole = (found[2] + found[3]).upper()
    prefix = 1.0 if whole in _OWN_UNITS else _PREFIXES[found[2].upper()]
    value = float(found[1]) * prefix
    if not math.isfinite(value) or not lowest <= value <= highest:
        raise out_of_range()
    return value


def limits_or(text: str, value: float, lowest: float, highest: float, default: float) -> float:
    """Return what a query with an optional MIN, MAX or DEF asks for."""
    if not text:
        return value
    if text[:1].isalpha():
        return number(text, lowest, highest, default)
    raise illegal_parameter()


def choice(text: str, words: dict[str, int]) -> int:
    """Return what a word stands for.

    :raises ScpiError: if there is no parameter or it is none of the words.
    """
    if not text:
        raise missing_parameter()
    if text.upper() not in words:
        raise illegal_parameter()
    return words[text.upper()]


def scientific(value: float) -> str:
    """Return a number as the meter writes it: ``1.234000E-03``."""
    return f"{value:.6E}"


def refuse(parameter: str) -> None:
    """Accept no parameter.

    :raises ScpiError: if there is one.
    """
    if parameter:
        raise parameter_not_allowed()


def plain(action: Callable[[], None]) -> Setter:
    """Return a command without a parameter."""

    def act(parameter: str) -> None:
        refuse(parameter)
        action()

    return act


def told(answer: Callable[[], str]) -> Getter:
    """Return a query without a parameter."""

    def tell(parameter: str) -> str:
        refuse(parameter)
        return answer()

    return tell

"""Numbers that people, bench files and procedures give: checked in one place, never clipped.

``True`` is no number, neither is a text with digits, and NaN lies within no range. Numbers of numpy
are as good as Python's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import TypeVar

from labcool.errors import LimitError

Choice = TypeVar("Choice", bound=float | str | bool)


def real(field: str, value: object, allowed: str = "a finite number", advice: str = "") -> float:
    """Return a finite number; its limits are for the caller.

    :param field: the thing and its unit, for the error.
    :param allowed: what is allowed, for the error.
    :raises LimitError: if ``value`` is no finite number.
    """
    return _number(field, value, allowed, advice)


def above_zero(field: str, value: object) -> float:
    """Return a finite number above 0.

    :raises LimitError: if ``value`` is none.
    """
    allowed = "a finite number above 0"
    if (number := _number(field, value, allowed)) <= 0:
        raise LimitError(field, value, allowed)
    return number


def within(field: str, value: object, lowest: float, highest: float, advice: str = "") -> float:
    """Return a number in [lowest, highest].

    :raises LimitError: if ``value`` is none.
    """
    allowed = f"from {lowest:g} to {highest:g}"
    number = _number(field, value, allowed, advice)
    if not lowest <= number <= highest:
        raise LimitError(field, value, allowed, advice)
    return number


def whole(
    field: str, value: object, lowest: int, highest: int | None = None, advice: str = ""
) -> int:
    """Return a whole number in [lowest, highest]; 2.0 is one, 2.5 is not rounded.

    :param highest: None: there is no upper end.
    :raises LimitError: if ``value`` is none.
    """
    range_ = f"of at least {lowest}" if highest is None else f"from {lowest} to {highest}"
    allowed = f"a whole number {range_}"
    number = _number(field, value, allowed, advice)
    if not (number.is_integer() and lowest <= number <= (math.inf if highest is None else highest)):
        raise LimitError(field, value, allowed, advice)
    return int(number)


def rising_pair(
    field: str, values: object, lowest: float, highest: float, advice: str = ""
) -> tuple[float, float]:
    """Return two numbers in [lowest, highest], the first one below the second.

    :raises LimitError: if ``values`` is no sequence of two such numbers.
    """
    allowed = f"[lowest, highest] within {lowest:g} to {highest:g}"
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 2:
        raise LimitError(field, values, allowed, advice)
    low, high = (_number(field, value, allowed, advice) for value in values)
    if not lowest <= low < high <= highest:
        raise LimitError(field, values, allowed, advice)
    return low, high


def truth(field: str, value: object) -> bool:
    """Return True or False; a number is neither.

    :raises LimitError: if ``value`` is anything else.
    """
    if not isinstance(value, bool):
        raise LimitError(field, value, "True or False")
    return value


def index_of(field: str, value: object, allowed: Sequence[Choice]) -> int:
    """Return the index of ``value`` among those allowed; numbers may differ by rounding.

    :raises LimitError: if it is none of them.
    """
    words = "one of " + ", ".join(map(str, allowed))
    given = value if isinstance(value, str | bool) else _number(field, value, words)
    for index, candidate in enumerate(allowed):
        if isinstance(given, str | bool) or isinstance(candidate, str | bool):
            if type(given) is type(candidate) and given == candidate:
                return index  # Neither is True 1 V, nor "1" a number.
        elif math.isclose(given, candidate, rel_tol=1e-6):
            return index
    raise LimitError(field, value, words)


def one_of(field: str, value: object, allowed: Sequence[Choice]) -> Choice:
    """Return that one of the values allowed which ``value`` is, as :func:`index_of`."""
    return allowed[index_of(field, value, allowed)]


def _number(field: str, value: object, allowed: str, advice: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise LimitError(field, value, f"{allowed}, and {value!r} is no number", advice)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise LimitError(field, value, allowed, advice)
    return number

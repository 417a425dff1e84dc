"""The checks that every calibration makes of its numbers."""

from __future__ import annotations

import math

from labcool.errors import LimitError


def positive(field: str, value: float) -> float:
    """Return ``value`` as a float.

    :raises LimitError: unless it is finite and above 0.
    """
    if not (math.isfinite(value) and value > 0):
        raise LimitError(field, value, "a finite number above 0")
    return float(value)


def not_negative(field: str, value: float) -> float:
    """Return ``value`` as a float.

    :raises LimitError: unless it is finite and 0 or more.
    """
    if not (math.isfinite(value) and value >= 0):
        raise LimitError(field, value, "a finite number, 0 or more")
    return float(value)


def stated(field: str, text: str) -> None:
    """Refuse an empty text.

    :raises LimitError: if nothing but blanks is in it.
    """
    if not text.strip():
        raise LimitError(field, repr(text), "stated", "Say where the numbers come from.")

"""How the SR830 writes numbers: text with three-digit exponents, and its binary formats.

Source: SR830 user manual, data transfer commands (p. 5-15 to 5-18). Its example of TRCA has
exponents of three digits, ``-1.234567e-009``, like all its answers; others report two there.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable
from typing import Final

FAST_FULL_SCALE: Final = 30_000
"""What full scale becomes in the fast transfer."""

_LIA_BIAS: Final = 124
_LARGEST_INT16: Final = 32767


def text(value: float) -> str:
    """Return up to six digits, with an exponent of three digits: ``-4.5e-005``."""
    return _three_digit_exponent(f"{value:g}")


def trace_text(values: Iterable[float]) -> str:
    """Return the points as TRCA sends them; every one is followed by a comma, the last too."""
    return "".join(_three_digit_exponent(f"{value:+.6e}") + "," for value in values)


def trace_ieee(values: Iterable[float]) -> bytes:
    """Return the points as TRCB sends them: IEEE single precision, lowest byte first."""
    return b"".join(struct.pack("<f", value) for value in values)


def trace_lia(values: Iterable[float]) -> bytes:
    """Return the points as TRCL sends them, see :func:`lia_float`."""
    return b"".join(lia_float(value) for value in values)


def lia_float(value: float) -> bytes:
    """Return four bytes, lowest first: mantissa m (int16) and exponent e of m·2^(e−124)."""
    if value == 0.0:
        return struct.pack("<hh", 0, 0)
    _, exponent = math.frexp(value)
    biased = max(exponent - 15 + _LIA_BIAS, 0)
    mantissa = round(math.ldexp(value, _LIA_BIAS - biased))
    if abs(mantissa) > _LARGEST_INT16:
        biased += 1
        mantissa = round(math.ldexp(value, _LIA_BIAS - biased))
    return struct.pack("<hh", mantissa, biased)


def fast_pair(x: float, y: float) -> bytes:
    """Return a sample of the fast transfer; ``x`` and ``y`` in units of full scale."""
    numbers = [round(min(max(part * FAST_FULL_SCALE, -32768), 32767)) for part in (x, y)]
    return struct.pack("<hh", *numbers)


def _three_digit_exponent(number: str) -> str:
    return re.sub(r"e([+-])([0-9]{2})$", r"e\g<1>0\2", number)

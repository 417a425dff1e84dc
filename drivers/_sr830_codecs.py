"""The SR830's answers as numbers: text, and the three forms of its data buffer.

``TRCA?`` sends text with a comma after *every* value, ``TRCB?`` IEEE single precision, and
``TRCL?`` a signed 16-bit mantissa m and an exponent e from 0 to 248 for m * 2**(e - 124), all
little endian and without terminator (manual, pages 5-16 to 5-19). The ``FAST`` mode pushes X and Y
as signed 16-bit integers, 30000 being full scale / expand; that these are little endian, too, is
UNVERIFIED (QCoDeS decodes them so).
"""

from __future__ import annotations

import math
import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers._in_step import NUMBER
from labcool.errors import GarbledAnswer

BYTES_PER_POINT: Final = 4
LONGEST_VALUE: Final = 24
LARGEST_EXPONENT: Final = 248
EXPONENT_BIAS: Final = 124
FAST_FULL_SCALE: Final = 30000
A_NUMBER: Final = re.compile(NUMBER, re.ASCII)


def numbers(answer: str, count: int, name: str) -> tuple[float, ...]:
    """Return the ``count`` finite numbers of an answer, separated by commas.

    :raises GarbledAnswer: if it is anything else.
    """
    parts = answer.split(",")
    if len(parts) != count or not all(map(A_NUMBER.fullmatch, parts)):
        raise GarbledAnswer(name, f"{answer!r} instead of {count} number(s).")
    values = tuple(float(part) for part in parts)
    if not all(math.isfinite(value) for value in values):
        raise GarbledAnswer(name, f"{answer!r} is beyond all numbers.")
    return values


def decode_text(line: bytes, count: int, name: str) -> NDArray[np.float64]:
    """Return the ``count`` values that ``TRCA?`` sends, with or without a comma after the last.

    :raises GarbledAnswer: if there are more or fewer, or they are no numbers.
    """
    text = line.decode("ascii", "replace").strip().removesuffix(",")
    return np.array(numbers(text, count, name), dtype=np.float64)


def decode_binary(block: bytes, name: str) -> NDArray[np.float64]:
    """Return the values that ``TRCB?`` sends.

    :raises GarbledAnswer: if one is not finite.
    """
    values = np.frombuffer(block, dtype="<f4").astype(np.float64)
    if not np.isfinite(values).all():
        raise GarbledAnswer(name, "a value in the data buffer is not finite.")
    return values


def decode_native(block: bytes, name: str) -> NDArray[np.float64]:
    """Return the values that ``TRCL?`` sends.

    :raises GarbledAnswer: if an exponent is not from 0 to 248.
    """
    pairs = np.frombuffer(block, dtype=[("mantissa", "<i2"), ("exponent", "<u2")])
    if (pairs["exponent"] > LARGEST_EXPONENT).any():
        raise GarbledAnswer(name, "an exponent in the data buffer is above 248.")
    exponents = pairs["exponent"].astype(np.int64) - EXPONENT_BIAS
    return np.ldexp(pairs["mantissa"].astype(np.float64), exponents)


def decode_fast(block: bytes) -> NDArray[np.float64]:
    """Return what ``FAST`` pushes in units of full scale / expand, shape (sample, 2): X and Y."""
    raw = np.frombuffer(block, dtype="<i2").reshape(-1, 2)
    return raw.astype(np.float64) / FAST_FULL_SCALE

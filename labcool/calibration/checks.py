"""The checks that every calibration makes of its numbers."""

from __future__ import annotations

import math

import numpy as np

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


def above_zero(field: str, valid_range: tuple[float, float]) -> None:
    """Refuse a range of validity that reaches down to 0.

    :raises LimitError: if its lower end is not above 0.
    """
    if not valid_range[0] > 0:
        raise LimitError(field, valid_range, "(lower, higher), above 0")


def checked_covariance(
    covariance: tuple[tuple[float, ...], ...], size: int
) -> tuple[tuple[float, ...], ...]:
    """Return a covariance as plain numbers.

    :raises LimitError: if it is not a symmetric, positive semi-definite matrix of that size.
    """
    matrix = np.asarray(covariance, np.float64)
    if matrix.shape != (size, size) or not np.isfinite(matrix).all():
        raise LimitError(
            "covariance of the coefficients", f"shape {matrix.shape}", f"{(size, size)}"
        )
    scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    if (
        not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0)
        or (np.abs(matrix) > scale * 1.0001).any()
    ):
        raise LimitError(
            "covariance of the coefficients", matrix.tolist(), "symmetric, correlations -1 to 1"
        )
    return tuple(tuple(map(float, row)) for row in matrix)

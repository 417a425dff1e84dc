"""One number with its uncertainty and unit, as a result is stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_DIGITS_OF_STD: Final = 2
_LARGEST_PLAIN: Final = 1e7


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured value.

    :param value: the value, NaN if it could not be determined.
    :param std: total standard uncertainty (1 σ) in the same unit, NaN if unknown.
    :param unit: unit text as in :mod:`labcool.units`, empty for a pure number.
    """

    value: float
    std: float
    unit: str

    @property
    def determined(self) -> bool:
        """True if the value is known; its std may still be unknown."""
        return math.isfinite(self.value)

    def __str__(self) -> str:
        """Return e.g. ``"283.15 ± 0.12 K"``, rounded to two digits of the uncertainty."""
        if not self.determined:
            return "not determined"
        if math.isfinite(self.std) and self.std > 0:
            decimals = _DIGITS_OF_STD - 1 - math.floor(math.log10(self.std))
            text = f"{_rounded(self.value, decimals)} ± {_rounded(self.std, decimals)}"
        else:
            text = f"{self.value:.6g}"
        return f"{text} {self.unit}".rstrip()


def not_determined(unit: str) -> Quantity:
    """Return the quantity that says that the data do not give this result."""
    return Quantity(math.nan, math.nan, unit)


def _rounded(number: float, decimals: int) -> str:
    if abs(number) >= _LARGEST_PLAIN:
        return f"{number:.6g}"
    return f"{round(number, decimals):.{max(decimals, 0)}f}"

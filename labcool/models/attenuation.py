"""Transmission of the optics that rotation mounts turn, and the angle for a wanted transmission.

Angles are in degrees and count modulo 360; angles returned are 0 <= angle < 360.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from labcool.errors import LimitError

MARGIN_DEGREES: Final = 1.0
"""How far past the ends of its table a graded filter counts as the end itself: a mount that was
sent to an end reads back a few thousandths of a degree beside it."""

_TURN: Final = 360.0
_ADVICE: Final = "Change the laser power for a fluence that this optic cannot give."


@dataclass(frozen=True, slots=True)
class HalfWavePlate:
    """A half-wave plate before a polariser: ``t0 + (t1 − t0) sin²(2(θ − θ0))`` (Malus).

    :param zero_angle: θ0, angle of least transmission, degrees.
    :param extinction: t0, least transmission, 0 <= t0 < t1.
    :param maximum: t1, largest transmission, at most 1.
    :raises LimitError: if a number is outside its range.
    """

    zero_angle: float
    extinction: float
    maximum: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.zero_angle):
            raise LimitError("zero angle (degrees)", self.zero_angle, "finite")
        if not 0 < self.maximum <= 1:
            raise LimitError("maximum transmission", self.maximum, "above 0 and at most 1")
        if not 0 <= self.extinction < self.maximum:
            raise LimitError("extinction", self.extinction, f"from 0 to below {self.maximum:g}")

    @property
    def transmission_range(self) -> tuple[float, float]:
        """Smallest and largest transmission, 0 to 1."""
        return self.extinction, self.maximum

    def transmission(self, angle: float) -> float:
        """Return the transmission at ``angle`` (degrees)."""
        turned = math.sin(math.radians(2 * (angle - self.zero_angle)))
        return self.extinction + (self.maximum - self.extinction) * turned * turned

    def angle_for(self, transmission: float) -> float:
        """Return the angle (degrees) that gives ``transmission``, within 45° above θ0.

        :raises LimitError: if the transmission is outside the range.
        """
        check_transmission(transmission, self.transmission_range)
        part = (transmission - self.extinction) / (self.maximum - self.extinction)
        turned = math.degrees(math.asin(math.sqrt(min(part, 1.0)))) / 2
        return (self.zero_angle + turned) % _TURN


@dataclass(frozen=True, slots=True)
class GradedFilter:
    """A round neutral-density filter whose optical density is linear between the rows of a table.

    :param table: rows (angle in degrees, optical density), at least two; angles ascending from
        0 or more to less than 360, densities 0 or more, all ascending or all descending.
    :raises LimitError: if the table is none of that.
    """

    table: Sequence[tuple[float, float]]

    def __post_init__(self) -> None:
        rows = tuple((float(angle), float(density)) for angle, density in self.table)
        object.__setattr__(self, "table", rows)
        angles = [angle for angle, _ in rows]
        densities = [density for _, density in rows]
        if len(rows) < 2:
            raise LimitError("rows of the filter's table", len(rows), "at least 2")
        if not (_ascending(angles) and angles[0] >= 0 and angles[-1] < _TURN):
            raise LimitError("angles of the filter's table", angles, "ascending, from 0 to < 360")
        monotonic = _ascending(densities) or _ascending(densities[::-1])
        if not (monotonic and min(densities) >= 0 and math.isfinite(max(densities))):
            raise LimitError(
                "optical densities of the filter's table",
                densities,
                "0 or more, and all ascending or all descending",
            )

    @property
    def transmission_range(self) -> tuple[float, float]:
        """Smallest and largest transmission, 0 to 1."""
        densities = [density for _, density in self.table]
        return 10 ** -max(densities), 10 ** -min(densities)

    def transmission(self, angle: float) -> float:
        """Return the transmission at ``angle`` (degrees); NaN where the table says nothing.

        Within ``MARGIN_DEGREES`` past an end of the table it is that of the end.
        """
        first, last = self.table[0][0], self.table[-1][0]
        beyond_first = (angle - first) % _TURN
        if beyond_first > last - first:
            to_first, past_last = _TURN - beyond_first, beyond_first - (last - first)
            if min(to_first, past_last) > MARGIN_DEGREES:
                return math.nan
            beyond_first = 0.0 if to_first < past_last else last - first
        angles, densities = zip(*self.table, strict=True)
        return float(10 ** -np.interp(first + beyond_first, angles, densities))

    def angle_for(self, transmission: float) -> float:
        """Return the angle (degrees) that gives ``transmission``.

        :raises LimitError: if the transmission is outside the range.
        """
        check_transmission(transmission, self.transmission_range)
        rows = sorted(self.table, key=lambda row: row[1])
        angles, densities = zip(*rows, strict=True)
        return float(np.interp(-math.log10(transmission), densities, angles))


def check_transmission(transmission: float, allowed: tuple[float, float]) -> None:
    """Refuse a transmission outside the range ``allowed``.

    :raises LimitError: naming the range.
    """
    low, high = allowed
    if not low <= transmission <= high:
        raise LimitError("transmission", transmission, f"from {low:.3g} to {high:.3g}", _ADVICE)


def _ascending(values: list[float]) -> bool:
    return all(low < high for low, high in pairwise(values))

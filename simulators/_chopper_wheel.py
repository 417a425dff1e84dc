"""The blades of a Thorlabs chopper and the wheel that turns them.

Source: Thorlabs MC2000B manual (list of blades and their chopping ranges; all of them are 2 to 100
turns a second times the slots of the ring).

UNVERIFIED: how the wheel runs up and down (here exponentially); the slots of both rings where the
name of the blade does not tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SLOWEST_TURNS_PER_S, FASTEST_TURNS_PER_S = 2, 100

ONE_RING: Final = (("internal", "external"), ("target", "actual"))
TWO_RINGS: Final = (
    ("internal-outer", "internal-inner", "external-outer", "external-inner"),
    ("target", "outer", "inner"),
)
TWO_FREQUENCIES: Final = (
    ("internal", "external"),
    ("target", "outer", "inner", "sum", "difference"),
)


@dataclass(frozen=True)
class Blade:
    """A blade: slots of the outer (or only) and of the inner ring, and what may be chosen.

    ``resolution`` is the step of its frequency, Hz.
    """

    name: str
    outer: int
    inner: int
    options: tuple[Sequence[str], Sequence[str]]
    resolution: float = 1.0

    @property
    def references(self) -> Sequence[str]:
        """What ``ref`` means, by its number."""
        return self.options[0]

    @property
    def outputs(self) -> Sequence[str]:
        """What ``output`` means, by its number."""
        return self.options[1]

    def slots(self, reference: str) -> int:
        """Return the slots of the ring whose frequency a reference sets."""
        return self.inner if reference.endswith("inner") else self.outer


BLADES: Final = (
    Blade("MC1F2", 100, 2, TWO_RINGS, 0.01),
    Blade("MC1F10", 10, 10, ONE_RING),
    Blade("MC1F15", 15, 15, ONE_RING),
    Blade("MC1F30", 30, 30, ONE_RING),
    Blade("MC1F60", 60, 60, ONE_RING),
    Blade("MC1F100", 100, 100, ONE_RING),
    Blade("MC1F10HP", 100, 10, TWO_RINGS, 0.1),
    Blade("MC1F2P10", 100, 2, TWO_RINGS, 0.01),
    Blade("MC1F6P10", 6, 6, ONE_RING),
    Blade("MC1F10A", 10, 10, ONE_RING),
    Blade("MC2F330", 30, 3, TWO_FREQUENCIES),
    Blade("MC2F47", 7, 4, TWO_FREQUENCIES),
    Blade("MC2F57B", 7, 5, TWO_FREQUENCIES),
    Blade("MC2F860", 60, 8, TWO_FREQUENCIES),
    Blade("MC2F5360", 60, 53, TWO_FREQUENCIES),
)


@dataclass(frozen=True, slots=True)
class Motion:
    """A wheel whose rate relaxes exponentially to the one it is driven at.

    :param moment: at which this began, clock s; before it the wheel is as it was then.
    :param made: turns made by then.
    :param begun: rate at that moment, turns/s.
    :param wanted: rate it is driven at, turns/s.
    :param time_constant: s.
    """

    moment: float
    made: float = 0.0
    begun: float = 0.0
    wanted: float = 0.0
    time_constant: float = 1.0

    def driven(self, rate: float, time_constant: float, moment: float) -> Motion:
        """Return what follows if it is driven at ``rate`` (turns/s) from ``moment`` (s) on."""
        return Motion(moment, self.turns(moment), self.rate(moment), rate, time_constant)

    def rate(self, moment: float) -> float:
        """Return the rate (turns/s) at ``moment``."""
        return self.wanted + (self.begun - self.wanted) * self._left(moment)

    def turns(self, moment: float) -> float:
        """Return the turns made by ``moment``."""
        passed = max(moment - self.moment, 0.0)
        excess = (self.begun - self.wanted) * self.time_constant * (1 - self._left(moment))
        return self.made + self.wanted * passed + excess

    def _left(self, moment: float) -> float:
        return math.exp(-max(moment - self.moment, 0.0) / self.time_constant)

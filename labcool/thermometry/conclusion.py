"""What a verdict says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from labcool.thermometry._change import Change
from labcool.thermometry.agreement import Agreement

SIGNIFICANT: Final = 4.0
"""A change of temperature counts if it exceeds this many standard deviations: the extreme of some
twenty stretches passes 3 by chance in one run of twenty."""


class Conclusion(Enum):
    """The verdict on temperature, in a word."""

    COOLING = "consistent cooling"
    HEATING = "heating"
    NO_CHANGE = "no change"
    BLEACHING = "bleaching"
    BLEACHING_OR_FOCUS_DRIFT = "bleaching or focus drift"
    INCONSISTENT = "inconsistent"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A cause that was measured, and taken off.

    :param cause: "fluence drift", "focus drift", or "fluence or focus drift".
    :param size: relative change of the intensity by it, where it is largest.
    """

    cause: str
    size: float

    def __str__(self) -> str:
        """Return cause and size."""
        return f"a {self.cause} of {self.size:+.1%}"


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The verdict and what it rests on.

    :param conclusion: on temperature, in a word.
    :param change: temperature change of those thermometers that can be believed, K, from the
        beginning to the coldest (or hottest) stretch; with ``change_std``.
    :param agreement: of all thermometers; the disturbances are taken off the intensity.
    :param trusted: names of the thermometers whose mean ``change`` is taken from.
    :param bleached: part of the emitters lost, 0 to 1, with ``bleached_std``; NaN if not judged.
    :param disturbances: causes that were measured and taken off, the largest first; those that
        amount to a tenth of the change that matters, or more.
    :param evidence: what was found, one sentence each, with numbers.
    """

    conclusion: Conclusion
    change: float
    change_std: float
    agreement: Agreement
    trusted: tuple[str, ...]
    bleached: float
    bleached_std: float
    disturbances: tuple[Disturbance, ...]
    evidence: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The conclusion, and what else has happened."""
        losses = (Conclusion.BLEACHING, Conclusion.BLEACHING_OR_FOCUS_DRIFT)
        beside = [str(each) for each in self.disturbances]
        if self.conclusion in losses and abs(self.change) > SIGNIFICANT * self.change_std:
            change = Change(self.change, self.change_std)
            beside.insert(0, f"a temperature change of {change}")
        if not beside:
            return self.conclusion.value
        return f"{self.conclusion.value}, with {' and '.join(beside)}"

    def __str__(self) -> str:
        """Return the verdict as a person would say it, the evidence below it."""
        return "\n".join([self.headline, *(f"  - {each}" for each in self.evidence)])

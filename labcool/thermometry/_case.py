"""What it takes to name a temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from labcool.thermometry import _sentences as say
from labcool.thermometry._change import Change, change_between, extreme_of
from labcool.thermometry.agreement import Agreement
from labcool.thermometry.bleaching import Bleaching
from labcool.thermometry.causes import IMPROBABLE
from labcool.thermometry.conclusion import SIGNIFICANT, Conclusion, Disturbance, Verdict

CONFIRMED: Final = 3.0
"""The same for those without the intensity, at the stretch that all together have chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What is known of a run when its verdict is given.

    :param whole: agreement of all thermometers.
    :param names: of all thermometers.
    :param told: sentences so far.
    :param matters: a change of this size matters, K.
    """

    whole: Agreement
    names: tuple[str, ...]
    told: list[str]
    matters: float
    disturbances: tuple[Disturbance, ...] = ()
    lost: Bleaching | None = None

    def verdict(
        self, conclusion: Conclusion, change: Change, trusted: tuple[str, ...] | None = None
    ) -> Verdict:
        """Return a verdict; None: all thermometers are trusted."""
        lost = self.lost
        part, part_std = (math.nan, math.nan) if lost is None else (lost.lost, lost.lost_std)
        return Verdict(
            conclusion,
            change.value,
            change.std,
            self.whole,
            self.names if trusted is None else trusted,
            part,
            part_std,
            self.disturbances,
            tuple(self.told),
        )

    def without_comparison(self, intensity: str) -> Verdict:
        """Return the verdict where there is only an intensity, or none."""
        whole, told = self.whole, self.told
        change = change_between(whole, extreme_of(whole), whole.scatter)
        if intensity in self.names:
            told.append(
                "only the intensity was read: nothing tells cooling from bleaching or drift"
            )
            return self.verdict(Conclusion.UNDECIDED, change)
        if whole.degrees_of_freedom < 1:
            told.append("one thermometer alone cannot be checked")
            return self.verdict(Conclusion.UNDECIDED, change)
        if whole.probability < IMPROBABLE:
            told.append("the thermometers contradict each other")
            return self.verdict(Conclusion.INCONSISTENT, change)
        if change.exceeds(SIGNIFICANT):
            return self.verdict(_direction(change), change)
        return self._no_change(change, change, whole.names)

    def confirmed_by(self, shape: Agreement, scatter: float) -> Verdict:
        """Return the verdict where the intensity is what ``shape`` expects."""
        most = max(scatter, self.whole.scatter, shape.scatter)
        rows = extreme_of(self.whole)
        change = change_between(self.whole, rows, most)
        if not change.exceeds(SIGNIFICANT):
            alone = change_between(shape, extreme_of(shape), most)
            return self._no_change(change, alone, shape.names)
        there = change_between(shape, rows, most)
        if there.exceeds(CONFIRMED) and there.value * change.value > 0:
            return self.verdict(_direction(change), change)
        self.told.append(say.about_doubt(change, there))
        return self.verdict(Conclusion.UNDECIDED, there, shape.names)

    def _no_change(self, change: Change, shape: Change, names: tuple[str, ...]) -> Verdict:
        excluded = shape.bound < self.matters
        self.told.append(say.about_bound(shape, self.matters, excluded=excluded))
        if excluded:
            return self.verdict(Conclusion.NO_CHANGE, change)
        return self.verdict(Conclusion.UNDECIDED, shape, names)


def _direction(change: Change) -> Conclusion:
    return Conclusion.COOLING if change.value < 0 else Conclusion.HEATING

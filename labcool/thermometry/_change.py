"""The change of temperature from the beginning of a run to its coldest (or hottest) stretch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labcool.thermometry._series import longest_stretch
from labcool.thermometry.agreement import Agreement

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of temperature.

    :param value: K; NaN if there are not two readings.
    :param std: K.
    """

    value: float
    std: float

    def exceeds(self, deviations: float) -> bool:
        """Return True if it is larger than so many standard deviations."""
        return abs(self.value) > deviations * self.std

    @property
    def bound(self) -> float:
        """What a change is not larger than, with 95 % confidence, K; NaN if not known."""
        return abs(self.value) + 2 * self.std

    def __str__(self) -> str:
        """Return it with its std and unit."""
        return f"{self.value:+.2f} ± {self.std:.2f} K"


def extreme_of(agreement: Agreement) -> tuple[Rows, Rows] | None:
    """Return the rows of the beginning, and of the stretch that differs most clearly from it.

    None if fewer than two times have a temperature.
    """
    known = np.flatnonzero(np.isfinite(agreement.value))
    if known.size < 2:
        return None
    width = longest_stretch(known.size)
    weight, kernel = 1 / agreement.statistical[known] ** 2, np.ones(width)
    away = agreement.value[known] - agreement.value[known[0]]
    sums = np.convolve(weight, kernel, "valid")
    means = np.convolve(weight * away, kernel, "valid") / sums
    # In standard deviations: a stretch in the dark is noise, and would be extreme in kelvins.
    clear = np.abs(means - means[0]) / np.sqrt(1 / sums + 1 / sums[0])
    extreme = int(np.argmax(clear))
    return known[:width], known[extreme : extreme + width]


def change_between(
    agreement: Agreement, rows: tuple[Rows, Rows] | None, scatter: float = 1.0
) -> Change:
    """Return the change between two stretches; what all times share cancels in the difference.

    :param scatter: variance of the noise over the stated one.
    """
    if rows is None:
        return Change(math.nan, math.nan)
    means, variances, shared = [], [], []
    for stretch in rows:
        known = stretch[np.isfinite(agreement.value[stretch])]
        if not known.size:
            return Change(math.nan, math.nan)
        weight = 1 / agreement.statistical[known] ** 2
        total = weight.sum()
        means.append(float(weight @ agreement.value[known] / total))
        variances.append(1 / float(total))
        shared.append(agreement.shared[:, known] @ weight / total)
    moved = shared[1] - shared[0]
    variance = scatter * sum(variances) + float(moved @ moved)
    return Change(means[1] - means[0], math.sqrt(variance))

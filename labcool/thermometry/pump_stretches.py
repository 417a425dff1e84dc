"""Which spectra without pump those with pump are compared with."""

from __future__ import annotations

from bisect import bisect
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class OffStretch(NamedTuple):
    """Spectra without pump, one after the other."""

    number: int
    """In order of time."""
    spectra: Indices
    """Those that can be used."""
    weight: float
    """Of their mean; the weights of one comparison add up to 1."""


class Comparison(NamedTuple):
    """A stretch with pump, and what it is compared with."""

    on: Indices
    """Spectra with pump that can be used, one or more."""
    off: tuple[OffStretch, ...]
    """The stretch before and the one after, as far as there are; empty if there is none."""


def comparisons(pump_on: NDArray[np.bool_], usable: NDArray[np.bool_]) -> list[Comparison]:
    """Return how stretches with the pump on are compared with those before and after.

    Every stretch without pump counts as a whole, by the mean of its usable spectra; one without any
    is passed over for the next. The means before and after are weighted so that they give what a
    straight line through both gives for the middle of the stretch with pump: a linear drift
    cancels there. At an end of the series, where there is a mean on one side only, it does not.

    :param pump_on: shape (n,), spectra in order of time, equally spaced.
    :param usable: shape (n,), False for spectra that must not be used.
    """
    edges = np.flatnonzero(np.diff(pump_on)) + 1
    runs = [run for run in np.split(np.arange(len(pump_on)), edges) if run.size]
    off = [run[usable[run]] for run in runs if not pump_on[run[0]]]
    off = [run for run in off if run.size]
    first_of_off = [int(run[0]) for run in off]
    found = []
    for run in runs:
        on = run[usable[run]]
        if not pump_on[run[0]] or not on.size:
            continue
        after = bisect(first_of_off, int(run[0]))
        numbers = [number for number in (after - 1, after) if 0 <= number < len(off)]
        weights = [1.0] * len(numbers)
        if len(numbers) == 2:
            early, later = (off[number].mean() for number in numbers)
            late = float((on.mean() - early) / (later - early))
            weights = [1 - late, late]
        chosen = zip(numbers, weights, strict=True)
        found.append(Comparison(on, tuple(OffStretch(n, off[n], w) for n, w in chosen)))
    return found

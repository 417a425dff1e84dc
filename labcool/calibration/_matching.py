"""Which peak is which line, though the axis is only known roughly."""

from __future__ import annotations

import itertools
from typing import Final, NamedTuple

import numpy as np
from numpy.polynomial.polynomial import polyfit, polyval
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_BRIGHTEST: Final = 8
_LARGEST_STRETCH: Final = 0.02
"""The rough axis has the distance of two lines right within this part."""
_ROUNDS: Final = 12


class Match(NamedTuple):
    """Peak ``peaks[k]`` is line ``lines[k]``."""

    peaks: Indices
    lines: Indices


def match_lines(
    rough: Floats,
    height: Floats,
    lines: Floats,
    *,
    tolerance: float,
    close: float,
    degree: int,
) -> Match:
    """Assign peaks to lines.

    Two of the brightest peaks and two lines near them make a hypothesis: a shift and a stretch of
    the rough axis. The one under which most peaks fall on a line wins; among equals the one that
    fits best. It is refined by polynomials of growing degree; what then lies off is left out.

    :param rough: wavelengths of the peaks on the rough axis, nm, ascending.
    :param height: of the peaks.
    :param lines: wavelengths, nm, ascending.
    :param tolerance: how far the rough axis may be off, nm.
    :param close: how near a line a peak has to be, nm.
    :param degree: of the last polynomial.
    """
    bright = np.sort(np.argsort(height)[::-1][:_BRIGHTEST])
    best, score = Match(np.empty(0, np.int64), np.empty(0, np.int64)), (0, 0.0)
    for a, b in itertools.combinations(bright, 2):
        for shift, stretch in _hypotheses(rough[a], rough[b], lines, tolerance):
            corrected = rough[a] + shift + stretch * (rough - rough[a])
            match = _nearest(corrected, lines, close)
            misfit = float(np.mean((corrected[match.peaks] - lines[match.lines]) ** 2))
            if (len(match.peaks), -misfit) > score:
                best, score = match, (len(match.peaks), -misfit)
    return _refined(best, rough, lines, close, degree) if len(best.peaks) else best


def _hypotheses(
    first: float, second: float, lines: Floats, tolerance: float
) -> list[tuple[float, float]]:
    """Return (shift of the first peak, stretch) for every pair of lines that may be these two."""
    found = []
    for one in lines[np.abs(lines - first) <= tolerance]:
        for other in lines[np.abs(lines - second) <= tolerance]:
            stretch = (other - one) / (second - first)
            if abs(stretch - 1) <= _LARGEST_STRETCH:
                found.append((float(one - first), float(stretch)))
    return found


def _nearest(corrected: Floats, lines: Floats, close: float) -> Match:
    """Return the pairs that are nearest to each other, and close."""
    away = np.abs(corrected[:, np.newaxis] - lines)
    line_of, peak_of = away.argmin(axis=1), away.argmin(axis=0)
    peaks = np.arange(len(corrected))
    mutual = (peak_of[line_of] == peaks) & (away[peaks, line_of] <= close)
    return Match(peaks[mutual], line_of[mutual])


def _refined(match: Match, rough: Floats, lines: Floats, close: float, degree: int) -> Match:
    middle = float(rough.mean())
    for round_ in range(_ROUNDS):
        order = min(1 + round_ // 2, degree, len(match.peaks) - 2)
        if order < 1:
            return match
        fit = polyfit(rough[match.peaks] - middle, lines[match.lines], order)
        again = _nearest(np.asarray(polyval(rough - middle, fit), np.float64), lines, close)
        if order == degree and np.array_equal(again.peaks, match.peaks):
            return again
        match = again
    return match

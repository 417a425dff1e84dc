"""One spectrum as a detector gave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Raw counts of one acquisition, with what is needed to judge them.

    :param counts: shape (pixel,), detector counts (ADC units), nothing subtracted; the mean over
        ``averages`` exposures. An integer dtype if ``averages`` is 1.
    :param exposure: integration time of each exposure, s.
    :param averages: number of exposures averaged.
    :param saturated: True if any pixel of any of the exposures reached the detector's limit.
    """

    counts: NDArray[Any]
    exposure: float
    averages: int
    saturated: bool

"""What every thermometer answers: temperatures, their uncertainties, what speaks against them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray


class Flag(IntFlag):
    """Reasons to distrust a temperature; several may be set at once. 0 means none is known."""

    SATURATED = 1
    """A pixel reached the detector's limit: the intensity is a lower bound."""
    NO_REFERENCE = 2
    """There is no reference, or the fluence is zero or unknown; the value is NaN."""
    OTHER_FLUENCE = 4
    """The reference was taken at another fluence; the std does not cover what that changes."""
    OUT_OF_RANGE = 8
    """The temperature lies outside the range in which the calibration is valid."""
    TOO_FEW_COUNTS = 16
    """The signal hardly stands out of its noise; the value is biased, or NaN if there is none."""
    LINE_LOST = 32
    """A line that is needed is not seen above its noise; the value is NaN, and there is a limit."""
    NOT_CONVERGED = 64
    """The fit found no answer; the value is NaN."""
    OUTDATED = 128
    """The calibration is older than its stated life."""
    BAD_PIXELS = 256
    """Pixels in the window are NaN or infinite (the value is NaN, or that of the others), or lie so
    far below the dark that they are dead, or the dark is another one."""
    POOR_FIT = 512
    """The spectrum does not look like the model: a dead pixel, a filter, stray light, clipping."""


def flag_names(flags: int) -> list[str]:
    """Return the flags that are set, in words, like ``["saturated", "line lost"]``."""
    return [str(flag.name).lower().replace("_", " ") for flag in Flag if flags & flag]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Temperatures of n spectra. All arrays have shape (n,).

    :param value: temperature, K; NaN where there is none.
    :param std: total standard uncertainty (1 σ), K: statistical and systematic in quadrature.
    :param statistical: the part that is independent from point to point, K; averages away.
    :param systematic: the part that the points share, K; does not average away.
    :param flags: sum of :class:`Flag` members, integer.
    :param upper_limit: temperature that is not exceeded with 95 % confidence, K, for thermometers
        that can lose their line; NaN where there is a value.
    """

    value: NDArray[np.float64]
    std: NDArray[np.float64]
    statistical: NDArray[np.float64]
    systematic: NDArray[np.float64]
    flags: NDArray[np.int64]
    upper_limit: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.value)

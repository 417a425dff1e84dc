"""Whether readings of a chopper's frequency are those of a blade that follows its reference.

A blade that is still on its way passes close to its target, so a single good reading means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

READINGS: Final = 5
POLL_S: Final = 0.2
WHOLE_HZ: Final = 1.0
DECIMALS_HZ: Final = 0.1


def could_be_locked(reading: float, target: float, tolerance: float) -> bool:
    """Return whether one reading is as near to the target as the controller can tell.

    :param reading: Hz.
    :param target: Hz.
    :param tolerance: largest deviation, as a part of the target.
    """
    return target > 0 and abs(reading - target) <= max(tolerance * target, WHOLE_HZ)


def is_locked(readings: Sequence[float], target: float, tolerance: float) -> bool:
    """Return whether readings, 0.2 s apart, are near the target, on average nearer, and steady.

    The controller rounds to whole Hz with most blades. Each reading may therefore be wrong by one
    of these counts, their mean by half of one, and all must lie within one count, or within half
    of the tolerance, whichever is more.

    :param readings: Hz.
    :param target: Hz.
    :param tolerance: largest deviation, as a part of the target.
    """
    count = WHOLE_HZ if all(reading.is_integer() for reading in readings) else DECIMALS_HZ
    allowed = tolerance * target
    mean = sum(readings) / len(readings)
    return (
        all(abs(reading - target) <= max(allowed, count) for reading in readings)
        and abs(mean - target) <= max(allowed, count / 2)
        and max(readings) - min(readings) <= max(allowed / 2, count)
    )

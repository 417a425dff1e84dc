"""From seabreeze's rescaled intensities back to the counts of the converter.

Both seabreeze backends multiply the counts by 65535 / (saturation level in EEPROM slot 17), so that
"65535" means "saturated"; cseabreeze also cuts off there. That stretches the noise and hides how
far a pixel is from the converter's end, so it is undone here.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers._ocean_models import FULL_SCALE
from labcool.errors import GarbledAnswer

SATURATED_ABOVE: Final = 0.98
FLAT_TOP_ABOVE: Final = 0.5
FLAT_TOP_PIXELS: Final = 5
INTEGER_TOLERANCE: Final = 1e-3
BYTE_TWICE: Final = 0x0101
FILLED_PIXELS: Final = 256


def raw_counts(intensities: NDArray[Any], saturation_slot: int, name: str) -> NDArray[np.uint16]:
    """Return the ADC counts behind seabreeze's intensities, both of shape (pixel,).

    :param saturation_slot: what EEPROM slot 17 holds; 0: not programmed, seabreeze does not scale.
    :raises GarbledAnswer: if the result is not made of whole counts of 16 bits, or begins or ends
        with one byte over and over, with which seabreeze fills it if nothing else has come (the
        byte behind a spectrum, above all).
    """
    scale = (saturation_slot or FULL_SCALE) / FULL_SCALE
    values = np.asarray(intensities, dtype=np.float64) * scale
    counts = np.rint(values)
    if _is_one_byte(counts[:FILLED_PIXELS]) or _is_one_byte(counts[-FILLED_PIXELS:]):
        raise GarbledAnswer(name, "no spectrum, only the byte came that ends one, or some other.")
    whole = np.abs(values - counts) <= INTEGER_TOLERANCE
    if not (np.all(whole) and np.all((counts >= 0) & (counts <= FULL_SCALE))):
        raise GarbledAnswer(
            name,
            f"the spectrum is not made of whole counts after undoing seabreeze's scaling by the "
            f"saturation level {saturation_slot}; it cannot be trusted.",
        )
    return counts.astype(np.uint16)


def _is_one_byte(counts: NDArray[np.float64]) -> bool:
    """Return whether all counts (pixel,) are made of one and the same byte; if it is not 0xFF,
    which a detector in far too much light reads everywhere.
    """
    first = counts[0]
    is_filled = first % BYTE_TWICE == 0 and first < FULL_SCALE
    return bool(is_filled and counts.size >= FILLED_PIXELS and np.all(counts == first))


def is_saturated(counts: NDArray[np.uint16], level: float) -> bool:
    """Return whether any pixel is at its limit.

    True for a pixel at 98 % of ``level`` (counts) or above, and for a flat top: five neighbours or
    more on exactly the highest count, in the upper half of the range. The latter finds a detector
    that clips below the level stored in it.
    """
    top = counts.max()
    if top >= SATURATED_ABOVE * level:
        return True
    if top < FLAT_TOP_ABOVE * level:
        return False
    at_top = np.concatenate(([False], counts == top, [False]))
    edges = np.flatnonzero(at_top[1:] != at_top[:-1])
    return bool((edges[1::2] - edges[::2]).max() >= FLAT_TOP_PIXELS)

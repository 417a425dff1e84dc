"""The grating drive of the Acton: a wavelength that sweeps, and the gratings it can turn to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

GRATINGS_PER_TURRET: Final = 3
TURRETS: Final = 3
LAST_GRATING: Final = TURRETS * GRATINGS_PER_TURRET

_RANGE_NM_AT_1200: Final = 1400.0


@dataclass(frozen=True)
class Grating:
    """A grating.

    :param grooves: per mm.
    :param blaze: as the controller writes it, e.g. ``500NM``.
    """

    grooves: int
    blaze: str

    @property
    def longest(self) -> float:
        """Longest wavelength, nm, that the sine drive reaches with this grating."""
        return _RANGE_NM_AT_1200 * 1200 / self.grooves

    def clamp(self, wavelength: float) -> float:
        """Return the nearest wavelength (nm) that can be reached."""
        return min(max(wavelength, 0.0), self.longest)


@dataclass(frozen=True)
class Sweep:
    """A wavelength that goes from ``start`` to ``end`` (nm) at ``speed`` (nm/s) from ``moment`` on.

    Before and after it stands still.
    """

    moment: float
    start: float
    end: float
    speed: float

    @property
    def duration(self) -> float:
        """Time the sweep takes, s."""
        return abs(self.end - self.start) / self.speed

    def at(self, moment: float) -> float:
        """Return the wavelength, nm, at ``moment`` (clock s)."""
        passed = moment - self.moment
        if passed <= 0:
            return self.start
        if passed >= self.duration:
            return self.end
        way = self.speed * passed
        return self.start + (way if self.end > self.start else -way)


def table(gratings: Mapping[int, Grating], current: int) -> str:
    """Return the controller's list of the nine gratings; 0x1A stands before the current one."""
    lines = ["\r\n"]
    for number in range(1, LAST_GRATING + 1):
        mark = "\x1a" if number == current else " "
        grating = gratings.get(number)
        text = "Not Installed    "
        if grating is not None:
            text = f"{grating.grooves:>4} g/mm BLZ={grating.blaze:>7} "
        lines.append(f"{mark}{number} {text}\r\n")
    return "".join(lines)

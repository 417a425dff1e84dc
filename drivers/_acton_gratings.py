"""The list of gratings that a SpectraPro keeps, and how far each can be turned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

GRATINGS_PER_TURRET: Final = 3
REACH_NM_PER_MM: Final = 1400.0 * 1200.0
"""The drive reaches 1400 nm with a 1200 g/mm grating; inversely to the groove density else."""
LINE: Final = re.compile(r"[^!-~]*(\d)\s+(\S.*?)\s*")
RULED: Final = re.compile(r"(\d{1,5}(?:\.\d+)?)\s*g/mm(?:\s*BLZ\s*=\s*(.*))?", re.IGNORECASE)


@dataclass(frozen=True)
class Grating:
    """A grating or mirror on a turret.

    :param number: 1 to 9, three on each turret.
    :param grooves_per_mm: groove density; 0 for a mirror.
    :param blaze: blaze as the controller words it, e.g. ``"750NM"``.
    """

    number: int
    grooves_per_mm: float
    blaze: str

    @property
    def turret(self) -> int:
        """Number of the turret that carries it, 1 to 3."""
        return (self.number - 1) // GRATINGS_PER_TURRET + 1

    @property
    def longest_wavelength(self) -> float:
        """Longest wavelength the drive reaches, nm; 0 for a mirror."""
        return REACH_NM_PER_MM / self.grooves_per_mm if self.grooves_per_mm else 0.0


def parse_gratings(text: str) -> tuple[Grating, ...]:
    """Return the installed gratings in an answer to ``?GRATINGS``.

    :raises ValueError: if a line says neither a grating, nor a mirror, nor "not installed".
    """
    gratings = []
    for line in filter(str.strip, text.splitlines()):
        parts = LINE.fullmatch(line)
        if parts is None:
            raise ValueError(f"{line!r} is no grating.")
        what = parts[2]
        if "not installed" in what.lower():
            continue
        if "mirror" in what.lower():
            gratings.append(Grating(int(parts[1]), 0.0, ""))
            continue
        ruled = RULED.fullmatch(what)
        if ruled is None or float(ruled[1]) == 0:
            raise ValueError(f"{line!r} is no grating.")
        gratings.append(Grating(int(parts[1]), float(ruled[1]), (ruled[2] or "").strip()))
    return tuple(gratings)

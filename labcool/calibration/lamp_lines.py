"""Lines of calibration lamps; the table and its source are in ``data/lamp_lines.csv``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple, TypeAlias

from labcool.errors import LimitError

Medium: TypeAlias = Literal["air", "vacuum"]


class LampLine(NamedTuple):
    """A line: lamp (``"Hg"``), wavelength in nm, rough brightness (100: the brightest)."""

    lamp: str
    wavelength: float
    brightness: float


def lamp_lines(lamps: Sequence[str], medium: Medium = "air") -> list[LampLine]:
    """Return the lines of lamps, ascending.

    :param lamps: chemical symbols.
    :param medium: of the wavelengths. Spectrographs are calibrated in air.
    :raises LimitError: for a lamp that is not in the table, or another medium.
    """
    if medium not in ("air", "vacuum"):
        raise LimitError("medium of the wavelengths", repr(medium), "'air' or 'vacuum'")
    known = sorted({row["lamp"] for row in _table()})
    wrong = [lamp for lamp in lamps if lamp not in known]
    if wrong or not lamps:
        raise LimitError("lamp", wrong or "none", f"one or more of {', '.join(known)}")
    chosen = [
        LampLine(row["lamp"], float(row[f"{medium}_nm"]), float(row["brightness"]))
        for row in _table()
        if row["lamp"] in lamps
    ]
    return sorted(chosen, key=lambda line: line.wavelength)


@cache
def _table() -> tuple[dict[str, str], ...]:
    text = (resources.files("labcool.calibration") / "data" / "lamp_lines.csv").read_text("utf-8")
    return tuple(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))

"""The blades of the Thorlabs MC2000B: number, references, outputs and frequencies.

Source: *MC2000B Optical Chopper* manual, chapters 8.2 to 8.4 (numbers, reference and output
modes) and 12 (chopping ranges, which are 2 to 100 turns a second times the number of slots), as
public drivers quote them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LOWEST_TURNS_PER_S: Final = 2
HIGHEST_TURNS_PER_S: Final = 100

SINGLE: Final = ("internal", "external")
PRECISION: Final = ("internal-outer", "internal-inner", "external-outer", "external-inner")
OUTPUTS_SINGLE: Final = ("target", "actual")
OUTPUTS_PRECISION: Final = ("target", "outer", "inner")
OUTPUTS_TWO_FREQUENCIES: Final = ("target", "outer", "inner", "sum", "difference")


class Blade(NamedTuple):
    """One blade.

    :param slots: slots of the outer or only ring, and of the inner ring (0: there is none).
    :param references: what ``ref`` 0, 1, … mean with this blade.
    :param outputs: what ``output`` 0, 1, … mean with this blade.
    """

    name: str
    slots: tuple[int, int]
    references: tuple[str, ...]
    outputs: tuple[str, ...]

    def frequency_range(self, reference: str) -> tuple[float, float]:
        """Return the lowest and highest chopping frequency of the ring of a reference, Hz."""
        slots = self.slots[1 if reference.endswith("inner") else 0]
        return float(LOWEST_TURNS_PER_S * slots), float(HIGHEST_TURNS_PER_S * slots)

    def measured_output(self, reference: str) -> str:
        """Return the output mode that shows how fast the ring of a reference really turns."""
        if self.outputs == OUTPUTS_SINGLE:
            return "actual"
        return "inner" if reference.endswith("inner") else "outer"


def _single(name: str, slots: int) -> Blade:
    return Blade(name, (slots, 0), SINGLE, OUTPUTS_SINGLE)


def _precision(name: str, outer: int, inner: int) -> Blade:
    return Blade(name, (outer, inner), PRECISION, OUTPUTS_PRECISION)


def _two_frequencies(name: str, outer: int, inner: int) -> Blade:
    return Blade(name, (outer, inner), SINGLE, OUTPUTS_TWO_FREQUENCIES)


BLADES: Final = (
    _precision("MC1F2", 100, 2),
    _single("MC1F10", 10),
    _single("MC1F15", 15),
    _single("MC1F30", 30),
    _single("MC1F60", 60),
    _single("MC1F100", 100),
    _precision("MC1F10HP", 100, 10),
    _precision("MC1F2P10", 100, 2),
    _single("MC1F6P10", 6),
    _single("MC1F10A", 10),
    _two_frequencies("MC2F330", 30, 3),
    _two_frequencies("MC2F47", 7, 4),
    _two_frequencies("MC2F57B", 7, 5),
    _two_frequencies("MC2F860", 60, 8),
    _two_frequencies("MC2F5360", 60, 53),
)
"""In the order of ``blade``: 0 to 14."""

NUMBERS: Final = {blade.name: number for number, blade in enumerate(BLADES)}

"""The settings of an SR830 that ``*RST`` resets and that its nine memories keep.

Source: SR830 user manual, standard settings (p. 4-4) and remote programming (p. 5-4 to 5-13).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators._sr830_tables import (
    AUX_CHANNELS,
    CURRENT_1_MOHM,
    INTEGERS,
    REALS,
    RESERVES_DB,
    SENSITIVITIES_V,
    TIME_CONSTANTS_S,
)

VOLTS_PER_AMPERE = 1e6


def _standard_integers() -> dict[str, int]:
    return {name: standard for name, (_, _, standard) in INTEGERS.items()}


def _standard_reals() -> dict[str, float]:
    return {name: standard for name, (_, _, _, standard) in REALS.items()}


@dataclass
class Settings:
    """Everything but the interface; the constructor gives the standard settings.

    :param integers: by command, see ``INTEGERS``.
    :param reals: by command, see ``REALS``.
    :param aux_out: V.
    :param offsets: of X, Y and R, % of full scale.
    :param expands: of X, Y and R: 0, 1 or 2 for 1, 10 or 100.
    :param displays: quantity and ratio of CH1 and CH2.
    :param front: whether the front outputs show the display (0) or X and Y (1).
    """

    integers: dict[str, int] = field(default_factory=_standard_integers)
    reals: dict[str, float] = field(default_factory=_standard_reals)
    aux_out: list[float] = field(default_factory=lambda: [0.0] * AUX_CHANNELS)
    offsets: list[float] = field(default_factory=lambda: [0.0] * 3)
    expands: list[int] = field(default_factory=lambda: [0] * 3)
    displays: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0), (0, 0)])
    front: list[int] = field(default_factory=lambda: [1, 1])

    @property
    def has_current_input(self) -> bool:
        """True if the input measures amperes."""
        return self.integers["ISRC"] >= CURRENT_1_MOHM

    @property
    def full_scale(self) -> float:
        """Sensitivity, V rms or (current input) A rms."""
        volts = SENSITIVITIES_V[self.integers["SENS"]]
        return volts / VOLTS_PER_AMPERE if self.has_current_input else volts

    @property
    def reserve(self) -> float:
        """How many times full scale the input stands."""
        decibels = RESERVES_DB[self.integers["RMOD"]][self.integers["SENS"]]
        return float(10 ** (decibels / 20))

    @property
    def time_constant(self) -> float:
        """Time constant of each filter stage, s."""
        return TIME_CONSTANTS_S[self.integers["OFLT"]]

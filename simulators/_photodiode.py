"""A silicon photodiode with its amplifier, as a detector of the bench.

Nothing but the counting of electrons and the resistor makes noise: the lasers' own noise at the
chopping frequency is taken to be balanced away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from labcool.units import HC_EV_NM

ELEMENTARY_CHARGE: Final = 1.602176634e-19
BOLTZMANN_J_PER_K: Final = 1.380649e-23

_ROOM_K: Final = 298.15


@dataclass(frozen=True, slots=True)
class Photodiode:
    """Photons to volts.

    :param ohms: V/A of the amplifier.
    :param efficiency: electrons per photon, the same at all wavelengths.
    :param largest_V: at which the amplifier saturates, V.
    """

    ohms: float
    efficiency: float = 0.7
    largest_V: float = 10.0  # noqa: N815

    def responsivity(self, wavelength: float) -> float:
        """Return the current per power, A/W, at a wavelength (nm)."""
        return self.efficiency * wavelength / HC_EV_NM

    def volts(self, amperes: float) -> float:
        """Return the output for a current (A), V."""
        return min(amperes * self.ohms, self.largest_V)

    def is_saturated(self, amperes: float) -> bool:
        """Return True if a current (A) is too much for the amplifier."""
        return amperes * self.ohms >= self.largest_V

    def noise_density(self, amperes: float) -> float:
        """Return shot noise of a mean current (A) and Johnson noise, V/√Hz."""
        shot = 2 * ELEMENTARY_CHARGE * amperes
        johnson = 4 * BOLTZMANN_J_PER_K * _ROOM_K / self.ohms
        return self.ohms * math.sqrt(shot + johnson)

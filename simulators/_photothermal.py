"""How a probe beam feels the heat of a chopped pump.

A spot of 1/e² radius w on a thick carrier of conductivity k is warmer by ``q w √(π/2)/k`` under the
heat q (W/m²) of a Gaussian beam, and follows changes with the time constant ``w²/(4D)``, D being
the diffusivity: a low-pass of first order. The transmitted probe changes by ``dI/(I dT)`` per
kelvin. This warming is small against that of the film as a whole, which the thermal network of
:mod:`simulators.sample` has, and is left out there.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Final

from simulators.sample import SampleParameters

_M_PER_UM: Final = 1e-6
_M2_PER_MM2: Final = 1e-6
_W_PER_M2: Final = 1e4
"""One W/cm²."""


@dataclass(frozen=True, slots=True)
class PhotothermalResponse:
    """Relative change of the probe's power against heat.

    :param slow: per W/cm² of heat that changes slowly, cm²/W.
    :param corner_hz: at which it is smaller by √2 and late by 45°, Hz.
    """

    slow: float
    corner_hz: float

    @classmethod
    def of(cls, sample: SampleParameters, spot_diameter_um: float) -> PhotothermalResponse:
        """Return that of a sample with a spot of this 1/e² diameter (µm)."""
        radius = spot_diameter_um / 2 * _M_PER_UM
        warming = _W_PER_M2 * radius * math.sqrt(math.pi / 2) / sample.heat_conductivity
        time_constant = radius**2 / (4 * sample.heat_diffusivity * _M2_PER_MM2)
        return cls(sample.probe_response * warming, 1 / (2 * math.pi * time_constant))

    def at(self, frequency: float) -> complex:
        """Return the response to heat that changes with a frequency (Hz), cm²/W; negative phase:
        the probe is late."""
        return self.slow / (1 + 1j * frequency / self.corner_hz)

    def harmonic(self, number: int, frequency: float) -> complex:
        """Return what a harmonic of a square wave of heat adds to its fundamental's content.

        It is made for :func:`simulators._sr830_signal.harmonic_of`, which lets the phase of the
        fundamental run ``number`` times as fast: of the phase, only the beam's does so.

        :param number: odd; even harmonics of a square wave are 0.
        :param frequency: of the fundamental, Hz.
        """
        if number % 2 == 0:
            return 0j
        fundamental = self.at(frequency)
        turned_back = cmath.exp(-1j * number * cmath.phase(fundamental))
        return self.at(number * frequency) / abs(fundamental) * turned_back / number

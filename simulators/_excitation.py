"""What a photon of any energy does in the sample: how much of the light is absorbed, what becomes
of it, and what a light needs to saturate.

With the energy missing to the gap ``m = Eg(T) − E`` and Urbach's rule ``E_U = kB T/σ``:

* below the gap (m > 0) the absorptance is ``A_g exp(−m/E_U)``, an Urbach tail;
* above it ``A_g (2 − exp(m/E_U))``: the step of the band edge as a two-sided exponential broadens
  it, which goes on smoothly where the tail ends and doubles it in the end.

A_g follows from the one number that a preset states, the absorptance at its own pump wavelength and
reference temperature; Eg is ``E_pump + Ea/σ``, so that the tail has the preset's activation energy
there: what phonons must give is what is missing to the gap.

A photon absorbed below the gap is lifted into the band with the efficiency
``η = 1/(1 + (m/m_half)^p)``, else it is lost to heat; one absorbed above the gap always gets there.

A state of the tail is blind to the pump until phonons have lifted its carrier out, the more rarely
the more energy is missing. So the fluence that saturates it grows like the absorptance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labcool.models import arrhenius_factor, saturable_absorption
from labcool.units import BOLTZMANN_EV_PER_K, HC_EV_NM

if TYPE_CHECKING:
    from simulators.sample import SampleParameters


class Excitation:
    """Light of one wavelength in a sample.

    :param parameters: of the sample.
    :param wavelength: of the light, nm, above 0.
    """

    __slots__ = (
        "_absorptance",
        "_activation",
        "_at_gap",
        "_missing",
        "_parameters",
        "_saturation",
        "energy",
        "strength",
        "wavelength",
    )

    def __init__(self, parameters: SampleParameters, wavelength: float) -> None:
        p = self._parameters = parameters
        self.wavelength = wavelength
        self.energy = HC_EV_NM / wavelength
        """Of a photon, eV."""
        thermal = BOLTZMANN_EV_PER_K * p.reference_temperature
        above_pump = p.urbach_steepness * (self.energy - p.pump_energy)
        self._activation = p.activation_energy - above_pump
        self._missing = p.gap - self.energy
        self._at_gap = p.absorptance * math.exp(p.activation_energy / thermal)
        # Far above the gap only the other branch counts, and this one would overflow.
        self._absorptance = p.absorptance * math.exp(min(above_pump / thermal, 600.0))
        self.strength = self.absorptance(p.reference_temperature) / p.absorptance
        """Absorptance over that of the preset's own pump, at the reference temperature."""
        self._saturation = p.saturation_fluence * self.strength

    def absorptance(self, temperature: float) -> float:
        """Return the absorbed part of weak light at ``temperature`` (K), 0 to 1."""
        return self._scaled(1.0, temperature)

    def absorbed(self, fluence: float, temperature: float) -> float:
        """Return what is absorbed of ``fluence`` (W/cm²) at ``temperature`` (K), W/cm²."""
        if not self._saturation:
            return 0.0
        return self._scaled(saturable_absorption(fluence, self._saturation), temperature)

    def _scaled(self, fluence: float, temperature: float) -> float:
        p = self._parameters
        missing = self.missing(temperature) if p.gap_slope else self._missing
        if missing < 0:
            scale = p.urbach_steepness / (BOLTZMANN_EV_PER_K * temperature)
            return self._at_gap * fluence * (2 - math.exp(scale * missing))
        assisted = arrhenius_factor(temperature, p.reference_temperature, self._activation)
        tail = self._absorptance * fluence * assisted
        if p.gap_slope:
            shift = p.gap_slope * (temperature - p.reference_temperature)
            tail *= math.exp(-p.urbach_steepness * shift / (BOLTZMANN_EV_PER_K * temperature))
        return tail

    def missing(self, temperature: float) -> float:
        """Return the energy missing to the gap at ``temperature`` (K), eV; negative above it."""
        p = self._parameters
        return self._missing + p.gap_slope * (temperature - p.reference_temperature)

    def upconversion(self, temperature: float) -> float:
        """Return the part of the absorbed photons that gets into the band, 0 to 1."""
        p = self._parameters
        if p.half_upconversion == math.inf or (missing := self.missing(temperature)) <= 0:
            return 1.0
        lost: float = (missing / p.half_upconversion) ** p.upconversion_power
        return 1 / (1 + lost)

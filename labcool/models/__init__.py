"""What the physics says, as plain functions: no instruments, no files, no state."""

from labcool.models.arrhenius import arrhenius_factor
from labcool.models.attenuation import GradedFilter, HalfWavePlate
from labcool.models.cooling import (
    auger_limited_eqe,
    cooling_efficiency,
    cooling_threshold,
    saturable_absorption,
    trap_limited_eqe,
)
from labcool.models.dot_cooling import AugerLimitedDot
from labcool.models.emission import EmissionLine
from labcool.models.gain import best_pump_energy, gain_spectrum, urbach_tail
from labcool.models.line_shapes import (
    energy_per_wavelength,
    exponentially_modified_gaussian,
    phonon_broadened_fwhm,
)
from labcool.models.multiphonon import log_upconversion_rate, upconversion_efficiency
from labcool.models.phonons import (
    froehlich_coupling,
    urbach_energy,
    urbach_steepness,
    varshni_gap,
    varshni_slope,
)
from labcool.models.power_law import one_and_two_photon_emission, power_law_exponent
from labcool.models.quantum_yield import Fluorophore, relative_quantum_yield
from labcool.models.radiation import radiative_temperature_drop
from labcool.models.raman import (
    anti_stokes_wavelength,
    frequency_factor,
    raman_ratio,
    stokes_wavelength,
    vibration_energy,
)
from labcool.models.recombination import decay_curve, emission_yield
from labcool.models.sensitivity import arrhenius_sensitivity, relative_sensitivity
from labcool.models.thermal import TwoNodeNetwork
from labcool.models.upconversion import (
    anti_stokes_heat,
    efficiency_from_line,
    quantum_yield_from_line,
    signal_ratio,
    stokes_heat,
)

__all__ = [
    "AugerLimitedDot",
    "EmissionLine",
    "Fluorophore",
    "GradedFilter",
    "HalfWavePlate",
    "TwoNodeNetwork",
    "anti_stokes_heat",
    "anti_stokes_wavelength",
    "arrhenius_factor",
    "arrhenius_sensitivity",
    "auger_limited_eqe",
    "best_pump_energy",
    "cooling_efficiency",
    "cooling_threshold",
    "decay_curve",
    "efficiency_from_line",
    "emission_yield",
    "energy_per_wavelength",
    "exponentially_modified_gaussian",
    "frequency_factor",
    "froehlich_coupling",
    "gain_spectrum",
    "log_upconversion_rate",
    "one_and_two_photon_emission",
    "phonon_broadened_fwhm",
    "power_law_exponent",
    "quantum_yield_from_line",
    "radiative_temperature_drop",
    "raman_ratio",
    "relative_quantum_yield",
    "relative_sensitivity",
    "saturable_absorption",
    "signal_ratio",
    "stokes_heat",
    "stokes_wavelength",
    "trap_limited_eqe",
    "upconversion_efficiency",
    "urbach_energy",
    "urbach_steepness",
    "urbach_tail",
    "varshni_gap",
    "varshni_slope",
    "vibration_energy",
]

"""What the physics says, as plain functions: no instruments, no files, no state."""

from labcool.models.arrhenius import arrhenius_factor
from labcool.models.attenuation import GradedFilter, HalfWavePlate
from labcool.models.cooling import (
    auger_limited_eqe,
    cooling_efficiency,
    saturable_absorption,
    trap_limited_eqe,
)
from labcool.models.emission import EmissionLine
from labcool.models.line_shapes import (
    energy_per_wavelength,
    exponentially_modified_gaussian,
    phonon_broadened_fwhm,
)
from labcool.models.thermal import TwoNodeNetwork

__all__ = [
    "EmissionLine",
    "GradedFilter",
    "HalfWavePlate",
    "TwoNodeNetwork",
    "arrhenius_factor",
    "auger_limited_eqe",
    "cooling_efficiency",
    "energy_per_wavelength",
    "exponentially_modified_gaussian",
    "phonon_broadened_fwhm",
    "saturable_absorption",
    "trap_limited_eqe",
]

"""Temperatures from raw spectra, with honest uncertainties: no instruments, no files, no Qt."""

from labcool.thermometry.arrhenius import SAME_FLUENCE, ActivationEnergy, Arrhenius
from labcool.thermometry.estimate import Estimate, Flag, flag_names
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.quantity import Quantity, not_determined
from labcool.thermometry.reference import Dark, Reference

__all__ = [
    "SAME_FLUENCE",
    "ActivationEnergy",
    "Arrhenius",
    "Dark",
    "DetectorNoise",
    "Estimate",
    "Flag",
    "Quantity",
    "Reference",
    "flag_names",
    "not_determined",
]

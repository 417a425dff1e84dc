"""Temperatures from raw spectra, with honest uncertainties: no instruments, no files, no Qt."""

from labcool.thermometry.agreement import Agreement, combine
from labcool.thermometry.arrhenius import SAME_FLUENCE, ActivationEnergy, Arrhenius
from labcool.thermometry.differential import (
    DifferentialThermometer,
    LogDerivative,
    log_derivative,
)
from labcool.thermometry.estimate import Estimate, Flag, flag_names
from labcool.thermometry.evidence import Evidence
from labcool.thermometry.line_shape import LineFitter, LineShapeThermometer, TemperatureCurve
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.quantity import Quantity, not_determined
from labcool.thermometry.raman import RamanRatio
from labcool.thermometry.reference import Dark, Reference
from labcool.thermometry.spectral_window import SpectralWindow
from labcool.thermometry.tail import TailSlope
from labcool.thermometry.tail_reference import TailRatio
from labcool.thermometry.verdict import Conclusion, Verdict, judge

__all__ = [
    "SAME_FLUENCE",
    "ActivationEnergy",
    "Agreement",
    "Arrhenius",
    "Conclusion",
    "Dark",
    "DetectorNoise",
    "DifferentialThermometer",
    "Estimate",
    "Evidence",
    "Flag",
    "LineFitter",
    "LineShapeThermometer",
    "LogDerivative",
    "Quantity",
    "RamanRatio",
    "Reference",
    "SpectralWindow",
    "TailRatio",
    "TailSlope",
    "TemperatureCurve",
    "Verdict",
    "combine",
    "flag_names",
    "judge",
    "log_derivative",
    "not_determined",
]

"""Temperatures from raw spectra, with honest uncertainties: no instruments, no files, no Qt."""

from labcool.thermometry.agreement import Agreement, combine
from labcool.thermometry.arrhenius import SAME_FLUENCE, ActivationEnergy, Arrhenius
from labcool.thermometry.differential import DifferentialEstimate, DifferentialThermometer
from labcool.thermometry.estimate import Estimate, Flag, flag_names
from labcool.thermometry.evidence import Evidence
from labcool.thermometry.line_fitter import LineFit, LineFitter
from labcool.thermometry.line_shape import LineShapeThermometer, TemperatureCurve
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.quantity import Quantity, not_determined
from labcool.thermometry.raman import RamanRatio
from labcool.thermometry.reference import Dark, Reference
from labcool.thermometry.shape_derivative import LogDerivative, log_derivative
from labcool.thermometry.spectral_window import SpectralWindow
from labcool.thermometry.tail import TailSlope
from labcool.thermometry.tail_reference import TailRatio
from labcool.thermometry.verdict import Conclusion, Disturbance, Verdict, judge

__all__ = [
    "SAME_FLUENCE",
    "ActivationEnergy",
    "Agreement",
    "Arrhenius",
    "Conclusion",
    "Dark",
    "DetectorNoise",
    "DifferentialEstimate",
    "DifferentialThermometer",
    "Disturbance",
    "Estimate",
    "Evidence",
    "Flag",
    "LineFit",
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

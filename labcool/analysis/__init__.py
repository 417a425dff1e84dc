"""Temperatures derived anew from what a file holds: run files, or plain spectra with an axis."""

from labcool.analysis.analysis import Analysis, Choices, analyse
from labcool.analysis.measurement import Measurement
from labcool.analysis.opening import read_measurement, read_references
from labcool.analysis.thermometers import ALL, THERMOMETERS
from labcool.analysis.writing import default_output, write_analysis

__all__ = [
    "ALL",
    "THERMOMETERS",
    "Analysis",
    "Choices",
    "Measurement",
    "analyse",
    "default_output",
    "read_measurement",
    "read_references",
    "write_analysis",
]

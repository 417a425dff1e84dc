"""Fits of measured curves that say when the data do not determine the answer."""

from labcool.fitting.curve import CurveFit, fit_curve
from labcool.fitting.decay import DecayFit, fit_decays, normalised_at
from labcool.fitting.exponential import ExponentialFit, fit_exponential
from labcool.fitting.multiphonon import fit_multiphonon
from labcool.fitting.power_law import Crossover, fit_crossover, fit_power_law
from labcool.fitting.two_exponentials import TwoExponentialFit, fit_two_exponentials
from labcool.fitting.upconversion import RatioSeries, UpconversionFit, fit_upconversion
from labcool.fitting.urbach import fit_urbach

__all__ = [
    "Crossover",
    "CurveFit",
    "DecayFit",
    "ExponentialFit",
    "RatioSeries",
    "TwoExponentialFit",
    "UpconversionFit",
    "fit_crossover",
    "fit_curve",
    "fit_decays",
    "fit_exponential",
    "fit_multiphonon",
    "fit_power_law",
    "fit_two_exponentials",
    "fit_upconversion",
    "fit_urbach",
    "normalised_at",
]

"""Fits of measured curves that say when the data do not determine the answer."""

from labcool.fitting.exponential import ExponentialFit, fit_exponential

__all__ = ["ExponentialFit", "fit_exponential"]

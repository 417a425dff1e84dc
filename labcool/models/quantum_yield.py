"""Quantum yield against a standard.

``QY = QY_s (I/I_s) ((1 − 10^−A_s)/(1 − 10^−A)) (n²/n_s²)`` with the emission integrated over the
line, the absorbance A at the pump wavelength and the refractive index n of the solvent: the method
of the relative quantum yield, as Roman et al. 2020 used it with fluorescein.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from labcool.errors import LimitError


@dataclass(frozen=True, slots=True)
class Fluorophore:
    """What was measured of sample or standard, in the same geometry and at the same pump power.

    :param emission: integrated emission, counts (corrected for the spectral response), above 0.
    :param emission_std: its standard uncertainty, counts.
    :param absorbance: at the pump wavelength, decadic, above 0.
    :param absorbance_std: its standard uncertainty.
    :param refractive_index: of the solvent or matrix, 1 or more.
    :raises LimitError: if a number is outside its range.
    """

    emission: float
    emission_std: float
    absorbance: float
    absorbance_std: float
    refractive_index: float

    def __post_init__(self) -> None:
        for field, value, lowest in (
            ("emission (counts)", self.emission, 0.0),
            ("absorbance", self.absorbance, 0.0),
        ):
            if not (math.isfinite(value) and value > lowest):
                raise LimitError(field, value, "a finite number above 0")
        for field, value in (
            ("std of the emission (counts)", self.emission_std),
            ("std of the absorbance", self.absorbance_std),
        ):
            if not (math.isfinite(value) and value >= 0):
                raise LimitError(field, value, "a finite number, 0 or more")
        if not (math.isfinite(self.refractive_index) and self.refractive_index >= 1):
            raise LimitError("refractive index", self.refractive_index, "1 or more")

    @property
    def absorptance(self) -> float:
        """Part of the pump light that is absorbed, ``1 − 10^−A``."""
        return -math.expm1(-math.log(10) * self.absorbance)

    @property
    def brightness(self) -> float:
        """Emission per absorbed light, corrected for refraction: ``I n²/(1 − 10^−A)``."""
        return self.emission * self.refractive_index**2 / self.absorptance

    @property
    def relative_variance(self) -> float:
        """Relative variance of :attr:`brightness`."""
        per_absorbance = math.log(10) * 10**-self.absorbance / self.absorptance
        return (self.emission_std / self.emission) ** 2 + (
            per_absorbance * self.absorbance_std
        ) ** 2


def relative_quantum_yield(
    sample: Fluorophore, standard: Fluorophore, *, standard_yield: float, standard_std: float = 0.0
) -> tuple[float, float]:
    """Return the quantum yield of ``sample`` and its standard uncertainty; 1 is 100 %.

    A value above 1 is returned as it is: cutting it off would hide an error of the measurement.

    :param standard_yield: quantum yield of the standard, above 0, at most 1.
    :param standard_std: its standard uncertainty.
    :raises LimitError: if the yield of the standard is outside its range.
    """
    if not 0 < standard_yield <= 1:
        raise LimitError("quantum yield of the standard", standard_yield, "above 0, at most 1")
    if not (math.isfinite(standard_std) and standard_std >= 0):
        raise LimitError(
            "std of the quantum yield of the standard", standard_std, "a finite number, 0 or more"
        )
    value = standard_yield * sample.brightness / standard.brightness
    relative = (
        sample.relative_variance + standard.relative_variance + (standard_std / standard_yield) ** 2
    )
    return value, value * math.sqrt(relative)

"""The photoluminescence line of a sample against temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labcool.models.line_shapes import (
    FWHM_PER_SIGMA,
    energy_per_wavelength,
    exponentially_modified_gaussian,
    phonon_broadened_fwhm,
)
from labcool.units import HC_EV_NM


@dataclass(frozen=True, slots=True)
class EmissionLine:
    """An exponentially modified Gaussian in energy with its tail towards the red.

    On cooling it shifts red, as the gap of lead-halide perovskites does (linear about room
    temperature, a positive dE/dT unlike that of common semiconductors), and becomes narrower.

    :param centre: mean of the Gaussian part at ``reference``, eV.
    :param reference: K.
    :param slope: dE/dT, eV/K.
    :param tail: mean of the exponential part, eV, above 0.
    :param static_width: FWHM of the Gaussian part without phonons, eV.
    :param phonon_coupling: additional FWHM per thermal phonon, eV.
    :param phonon_energy: eV.
    """

    centre: float
    reference: float
    slope: float
    tail: float
    static_width: float
    phonon_coupling: float
    phonon_energy: float

    def mean_energy(self, temperature: float) -> float:
        """Return the mean energy of an emitted photon at ``temperature`` (K), eV."""
        return self.centre + self.slope * (temperature - self.reference) - self.tail

    def sigma(self, temperature: float) -> float:
        """Return the standard deviation of the Gaussian part at ``temperature`` (K), eV."""
        width = phonon_broadened_fwhm(
            temperature, self.static_width, self.phonon_coupling, self.phonon_energy
        )
        return width / FWHM_PER_SIGMA

    def per_energy(self, energy: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
        """Return the photons per eV of one emitted photon, same shape as ``energy`` (eV).

        :param temperature: K.
        """
        centre = self.mean_energy(temperature) + self.tail
        return exponentially_modified_gaussian(energy, centre, self.sigma(temperature), -self.tail)

    def per_wavelength(
        self, wavelength: NDArray[np.float64], temperature: float
    ) -> NDArray[np.float64]:
        """Return the photons per nm of one emitted photon, same shape as ``wavelength`` (nm).

        :param temperature: K.
        """
        energy = HC_EV_NM / wavelength
        return self.per_energy(energy, temperature) * energy_per_wavelength(wavelength)

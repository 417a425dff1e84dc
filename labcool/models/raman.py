"""Raman lines and the ratio of their intensities, which is a thermometer by itself.

``I_AS/I_S = ((ν_l + ν_v)/(ν_l − ν_v))ⁿ exp(−hν_v/kB T)`` with the laser's and the vibration's
wavenumbers (Roman et al. 2020, equation 2): n = 3 for detectors that count photons, n = 4 for
spectra calibrated in power.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.units import BOLTZMANN_EV_PER_K, HC_EV_NM

Values = TypeVar("Values", float, NDArray[np.float64])

SILICON_WAVENUMBER: Final = 520.0
"""First-order Raman line of crystalline silicon at room temperature, cm⁻¹."""
_NM_PER_CM: Final = 1e7


def anti_stokes_wavelength(laser: float, wavenumber: float = SILICON_WAVENUMBER) -> float:
    """Return the wavelength of the anti-Stokes line, nm.

    :param laser: wavelength of the laser, nm.
    :param wavenumber: of the vibration, cm⁻¹.
    """
    return _NM_PER_CM / (_NM_PER_CM / laser + wavenumber)


def stokes_wavelength(laser: float, wavenumber: float = SILICON_WAVENUMBER) -> float:
    """Return the wavelength of the Stokes line, nm; parameters as for the anti-Stokes line.

    :raises LimitError: if the vibration takes more than the whole photon.
    """
    left = _NM_PER_CM / laser - wavenumber
    if not left > 0:
        raise LimitError("wavenumber (1/cm)", wavenumber, f"below {_NM_PER_CM / laser:g}")
    return _NM_PER_CM / left


def vibration_energy(wavenumber: float = SILICON_WAVENUMBER) -> float:
    """Return the energy of a vibration, eV, from its wavenumber (cm⁻¹)."""
    return HC_EV_NM * wavenumber / _NM_PER_CM


def frequency_factor(laser: float, wavenumber: float = SILICON_WAVENUMBER, power: int = 3) -> float:
    """Return ``((ν_l + ν_v)/(ν_l − ν_v))ⁿ``, what the ratio tends to at high temperature.

    :param laser: wavelength of the laser, nm.
    :param wavenumber: of the vibration, cm⁻¹.
    :param power: n, 3 (photon counting) or 4 (calibrated in power).
    :raises LimitError: if n is neither.
    """
    if power not in (3, 4):
        raise LimitError("power n of the Raman ratio", power, "3 (photons counted) or 4 (power)")
    ratio = stokes_wavelength(laser, wavenumber) / anti_stokes_wavelength(laser, wavenumber)
    return float(ratio**power)


def raman_ratio(
    temperature: Values, laser: float, wavenumber: float = SILICON_WAVENUMBER, power: int = 3
) -> Values:
    """Return ``I_AS/I_S`` at ``temperature`` (K, above 0), same shape.

    Parameters and errors as for :func:`frequency_factor`.
    """
    boltzmann: Values = np.exp(-vibration_energy(wavenumber) / (BOLTZMANN_EV_PER_K * temperature))
    return frequency_factor(laser, wavenumber, power) * boltzmann

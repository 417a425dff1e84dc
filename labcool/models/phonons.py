"""Coupling of carriers to the lattice, and what it does to absorption edge and gap."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from labcool.units import BOLTZMANN_EV_PER_K

Values = TypeVar("Values", float, NDArray[np.float64])

RYDBERG_EV: Final = 13.605693122994


def froehlich_coupling(
    effective_mass: float, *, optical_permittivity: float, static_permittivity: float, phonon: float
) -> float:
    """Return the Fröhlich constant ``(1/ε∞ − 1/ε0) √(m e⁴/(2ħ³ω_LO))``, dimensionless.

    Source: Pokryshkin et al. 2023, equation 4, in Gaussian units; with the Rydberg energy it is
    ``(1/ε∞ − 1/ε0) √(Ry (m/m_e)/ħω_LO)``.

    :param effective_mass: m of the carrier over that of the electron, above 0.
    :param optical_permittivity: ε∞, relative.
    :param static_permittivity: ε0, relative.
    :param phonon: ħω_LO, eV, above 0.
    """
    screening = 1 / optical_permittivity - 1 / static_permittivity
    return float(screening * np.sqrt(RYDBERG_EV * effective_mass / phonon))


def urbach_steepness(
    bandwidth: float, relaxation_energy: float, steepness_index: float = 1.5
) -> float:
    """Return the steepness constant ``σ0 = s B/E_R``, dimensionless.

    Below 1 excitons trap themselves, above they stay free. Source: Pokryshkin et al. 2023,
    equation 5.

    :param bandwidth: half width of the exciton band B, eV.
    :param relaxation_energy: of the lattice about an exciton E_R, eV.
    :param steepness_index: s, set by the dimension of the lattice; about 1.5 in three.
    """
    return steepness_index * bandwidth / relaxation_energy


def urbach_energy(temperature: Values, steepness: float, phonon: float) -> Values:
    """Return ``E_U = kB T/σ(T)``, eV, with ``σ = σ0 (2kB T/ħω) tanh(ħω/2kB T)``.

    :param temperature: K, above 0, any shape.
    :param steepness: σ0.
    :param phonon: ħω, eV.
    """
    energy: Values = phonon / (2 * steepness * np.tanh(phonon / _twice_thermal(temperature)))
    return energy


def varshni_gap(temperature: Values, at_zero: float, slope: float, debye: float) -> Values:
    """Return ``E0 − α T²/(T + β)``, eV.

    The gap of lead-halide perovskites grows with temperature: their α is negative.

    :param temperature: K, 0 or more, any shape.
    :param at_zero: E0, eV.
    :param slope: α, eV/K.
    :param debye: β, K, above 0.
    """
    return at_zero - slope * temperature * temperature / (temperature + debye)


def varshni_slope(temperature: Values, slope: float, debye: float) -> Values:
    """Return ``dE/dT = −α T (T + 2β)/(T + β)²`` of :func:`varshni_gap`, eV/K."""
    return -slope * temperature * (temperature + 2 * debye) / (temperature + debye) ** 2


def _twice_thermal(temperature: Values) -> Values:
    return 2 * BOLTZMANN_EV_PER_K * temperature

"""Resonant multiple-phonon absorption: how the energy missing to the gap is collected.

``w_uc ∝ exp(−ΔE/kB T)/√ΔE · exp[(ΔE/ω_p)(1 − ln(ΔE ω_p/g²))]`` and ``η = w_uc/(w_uc + w_nr)``,
with the phonon energy ω_p and the coupling g (Zhang et al. 2024, equation 9). Only the ratio of the
two rates matters, so ``w_nr`` is in the unit in which the prefactor of ``w_uc`` is 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]


def log_upconversion_rate(
    anti_stokes_energy: ArrayLike, temperature: float, *, coupling: float, phonon_energy: float
) -> Floats:
    """Return ``ln w_uc``, same shape as ``anti_stokes_energy``; in logarithms nothing overflows.

    :param anti_stokes_energy: ΔE, gap less photon energy, eV, above 0, any shape.
    :param temperature: K, above 0.
    :param coupling: g, eV, above 0.
    :param phonon_energy: ω_p, eV, above 0.
    :raises LimitError: if one of them is not above 0.
    """
    missing = np.asarray(anti_stokes_energy, np.float64)
    for field, lowest in (
        ("anti-Stokes energy (eV)", float(missing.min(initial=np.inf))),
        ("temperature (K)", temperature),
        ("coupling g (eV)", coupling),
        ("phonon energy (eV)", phonon_energy),
    ):
        if not lowest > 0:
            raise LimitError(field, lowest, "above 0")
    phonons = missing / phonon_energy
    log_rate: Floats = (
        -missing / (BOLTZMANN_EV_PER_K * temperature)
        - np.log(missing) / 2
        + phonons * (1 - np.log(missing * phonon_energy / coupling**2))
    )
    return log_rate


def upconversion_efficiency(
    anti_stokes_energy: ArrayLike,
    temperature: float,
    *,
    coupling: float,
    phonon_energy: float,
    log_loss_rate: float,
) -> Floats:
    """Return ``η = w_uc/(w_uc + w_nr)``, 0 to 1, same shape as ``anti_stokes_energy``.

    :param log_loss_rate: ``ln w_nr``, rate of what competes with up-conversion.
    :raises LimitError: as :func:`log_upconversion_rate`.
    """
    log_ratio = log_loss_rate - log_upconversion_rate(
        anti_stokes_energy, temperature, coupling=coupling, phonon_energy=phonon_energy
    )
    efficiency: Floats = np.exp(-np.logaddexp(0.0, log_ratio))
    return efficiency

"""Absorption, quantum yield and cooling efficiency of a sample pumped below its gap.

Plain arithmetic: every argument may be a number or an array.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", float, NDArray[np.float64])


def cooling_efficiency(eqe: Values, emitted_energy: Values, pump_energy: float) -> Values:
    """Return the heat taken away per absorbed energy, ``η E_ASPL/E_abs − 1``; negative if heating.

    Source: Pokryshkin et al. 2023, equations 1 to 3.

    :param eqe: external quantum efficiency, emitted per absorbed photon.
    :param emitted_energy: mean energy of an emitted photon, eV.
    :param pump_energy: energy of an absorbed photon, eV. Given as columns and rows (shapes (n, 1)
        and (m,)) they make the map of Fig. 7 there, shape (n, m).
    """
    return eqe * emitted_energy / pump_energy - 1


def cooling_threshold(emitted_energy: Values, pump_energy: Values) -> Values:
    """Return the quantum efficiency above which light cools, ``E_abs/E_ASPL``.

    Roman et al. 2020: an anti-Stokes shift of 70 to 90 meV at 2.4 eV asks for about 97 %.

    :param emitted_energy: mean energy of an emitted photon, eV, any shape.
    :param pump_energy: energy of an absorbed photon, eV, same shape.
    """
    return pump_energy / emitted_energy


def saturable_absorption(fluence: Values, saturation_fluence: float) -> Values:
    """Return ``F/(1 + F/F_a)``, the fluence that an unsaturated absorber would have seen, W/cm².

    The states below the gap are few, and each is blind to the pump while it is occupied.

    :param fluence: irradiance F, W/cm².
    :param saturation_fluence: F_a at which half the absorption is left, W/cm².
    """
    return fluence / (1 + fluence / saturation_fluence)


def trap_limited_eqe(fluence: Values, trap_loss: float, trap_fluence: float) -> Values:
    """Return the quantum efficiency ``1 − loss/(1 + F/F_s)`` of dots whose traps fill up.

    A trap that holds a carrier cannot catch the next one, so that the loss falls with fluence.

    :param fluence: irradiance F, W/cm².
    :param trap_loss: part lost to empty traps, 0 to 1.
    :param trap_fluence: F_s at which half the traps are full, W/cm².
    """
    return 1 - trap_loss / (1 + fluence / trap_fluence)


def auger_limited_eqe(
    occupation: Values,
    *,
    exciton_yield: float = 1.0,
    biexciton_yield: float = 0.09,
    trion_yield: float = 0.26,
    trion_formation: float = 0.0,
    trion_excitation: float = 0.0,
) -> Values:
    """Return ``(η_X + η_BX x + η_T C x²)/(1 + (1 + A) x + C x²)``.

    Source: Yamada et al. 2024, equation 2, and their yields of biexcitons and trions.

    :param occupation: x, excitations per dot and exciton lifetime (excitation rate × lifetime).
    :param exciton_yield: η_X.
    :param biexciton_yield: η_BX.
    :param trion_yield: η_T.
    :param trion_formation: A.
    :param trion_excitation: C.
    """
    second_order = trion_excitation * occupation * occupation
    emitted = exciton_yield + biexciton_yield * occupation + trion_yield * second_order
    return emitted / (1 + (1 + trion_formation) * occupation + second_order)

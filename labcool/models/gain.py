"""Which pump energy cools best: the gain spectrum of a sample with an Urbach tail.

Below the gap the absorption falls off exponentially, and so does what can be gained there; above
``η⟨E_PL⟩`` each absorbed photon heats. In between lies the best pump energy. Source: Yamada et al.
2024, equation 1.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError

Values = TypeVar("Values", float, NDArray[np.float64])


def urbach_tail(energy: Values, edge: float, urbach_energy: float, at_edge: float = 1.0) -> Values:
    """Return the absorption ``α0 exp((E − E0)/E_U)`` below the edge, in the unit of ``at_edge``.

    :param energy: photon energy E, eV, any shape. The law says nothing above the edge.
    :param edge: E0, eV.
    :param urbach_energy: E_U, eV, above 0.
    :param at_edge: α0, absorption at the edge.
    :raises LimitError: if the Urbach energy is not above 0.
    """
    if not urbach_energy > 0:
        raise LimitError("Urbach energy (eV)", urbach_energy, "above 0")
    absorption: Values = at_edge * np.exp((energy - edge) / urbach_energy)
    return absorption


def gain_spectrum(
    energy: Values, absorption: Values, *, mean_emitted_energy: float, eqe: float
) -> Values:
    """Return the heat removed per incident photon, ``(⟨E_PL⟩ η − E) α(E)``; negative if heating.

    :param energy: pump photon energy E, eV, any shape.
    :param absorption: absorptance or absorption coefficient at those energies, same shape; the
        result is in eV times its unit.
    :param mean_emitted_energy: mean energy of an emitted photon ⟨E_PL⟩, eV.
    :param eqe: external quantum efficiency η, 0 to 1.
    """
    return (mean_emitted_energy * eqe - energy) * absorption


def best_pump_energy(mean_emitted_energy: float, eqe: float, urbach_energy: float) -> float:
    """Return the pump energy of largest gain in an Urbach tail, ``η⟨E_PL⟩ − E_U``, eV.

    It is where the derivative of :func:`gain_spectrum` with :func:`urbach_tail` vanishes.

    :param mean_emitted_energy: ⟨E_PL⟩, eV.
    :param eqe: η, 0 to 1.
    :param urbach_energy: E_U, eV.
    """
    return eqe * mean_emitted_energy - urbach_energy

"""Cooling power of one nanocrystal, limited by Auger recombination.

``g = β (η_ext ⟨E_PL⟩ − E_ex)`` with β the excitation rate (Yamada et al. 2024, equation 3) and
η_ext of their equation 2 (:func:`labcool.models.cooling.auger_limited_eqe`). More light excites
more often, but finds the dot excited already ever more often, and then energy is lost to heat: g
has a maximum, and beyond the crossover the dot is heated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from labcool.models.cooling import auger_limited_eqe

Values = TypeVar("Values", float, NDArray[np.float64])

JOULE_PER_EV: Final = 1.602176634e-19
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class AugerLimitedDot:
    """A nanocrystal that a photon of ``pump_energy`` excites.

    The defaults are the yields of Yamada et al. 2024 without trions.

    :param mean_emitted_energy: ⟨E_PL⟩, eV.
    :param pump_energy: E_ex, eV.
    :param lifetime: of the exciton τ_X, s.
    :param exciton_yield: η_X, 0 to 1.
    :param biexciton_yield: η_BX, 0 to 1.
    :param trion_yield: η_T, 0 to 1.
    :param trion_formation: A.
    :param trion_excitation: C.
    """

    mean_emitted_energy: float
    pump_energy: float
    lifetime: float
    exciton_yield: float = 1.0
    biexciton_yield: float = 0.09
    trion_yield: float = 0.26
    trion_formation: float = 0.0
    trion_excitation: float = 0.0

    def eqe(self, occupation: Values) -> Values:
        """Return η_ext at ``x = β τ_X``, same shape."""
        return auger_limited_eqe(
            occupation,
            exciton_yield=self.exciton_yield,
            biexciton_yield=self.biexciton_yield,
            trion_yield=self.trion_yield,
            trion_formation=self.trion_formation,
            trion_excitation=self.trion_excitation,
        )

    def power(self, occupation: Values) -> Values:
        """Return the cooling power g at ``x = β τ_X``, W, same shape; negative if heating."""
        gained = self.eqe(occupation) * self.mean_emitted_energy - self.pump_energy
        return occupation / self.lifetime * gained * JOULE_PER_EV

    def strongest(self) -> tuple[float, float]:
        """Return ``x`` of the largest cooling power, and that power in W; ``(0, 0)`` if none cools.

        From the zeros of ``dg/dx``, a polynomial of degree 4: no search, no grid.
        """
        gained, lost = self._gained_and_lost()
        x = Polynomial([0.0, 1.0])
        slope = (x * gained).deriv() * lost - x * gained * lost.deriv()
        cooling = [found for found in _positive_roots(slope) if self.power(found) > 0]
        if not cooling:
            return 0.0, 0.0
        best = max(cooling, key=self.power)
        return best, self.power(best)

    def crossover(self) -> float:
        """Return ``x`` at which cooling turns to heating; 0: it never cools, inf: always."""
        gained, _ = self._gained_and_lost()
        if not self.exciton_yield * self.mean_emitted_energy > self.pump_energy:
            return 0.0
        return min(_positive_roots(gained), default=np.inf)

    def _gained_and_lost(self) -> tuple[Polynomial, Polynomial]:
        """Return numerator and denominator of ``η⟨E_PL⟩ − E_ex`` (eV) as polynomials of x."""
        emitted = [
            self.exciton_yield,
            self.biexciton_yield,
            self.trion_yield * self.trion_excitation,
        ]
        lost = Polynomial([1.0, 1.0 + self.trion_formation, self.trion_excitation])
        return Polynomial(emitted) * self.mean_emitted_energy - lost * self.pump_energy, lost


def _positive_roots(polynomial: Polynomial) -> list[float]:
    roots = np.asarray(polynomial.trim().roots(), np.complex128)
    real = roots.real[np.abs(roots.imag) <= _ROUNDING * np.abs(roots)]
    return [float(root) for root in real if root > 0]

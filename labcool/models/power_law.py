"""How emission grows with pump power: one photon or two.

``I = a P + b P²``: single-photon anti-Stokes luminescence beside two-photon absorption (Zhang et
al. 2024, Fig. 1b and S2; Pokryshkin et al. 2023, Fig. 3). The exponent of ``I ∝ Pⁿ`` goes from 1 to
2 about the crossover power ``a/b``.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", float, NDArray[np.float64])


def one_and_two_photon_emission(power: Values, linear: float, quadratic: float) -> Values:
    """Return ``a P + b P²``, same shape as ``power``.

    :param power: P, any unit of power or irradiance, 0 or more.
    :param linear: a, emission per power.
    :param quadratic: b, emission per power squared.
    """
    return linear * power + quadratic * power * power


def power_law_exponent(power: Values, linear: float, quadratic: float) -> Values:
    """Return the local exponent ``d ln I/d ln P = (a + 2 b P)/(a + b P)``, 1 to 2.

    Parameters as in :func:`one_and_two_photon_emission`.
    """
    return (linear + 2 * quadratic * power) / (linear + quadratic * power)

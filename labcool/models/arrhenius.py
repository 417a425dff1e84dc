"""The Arrhenius law of phonon-assisted absorption.

Light below the gap is absorbed with the help of phonons, so that the absorption and the anti-Stokes
photoluminescence that follows it grow with temperature as ``exp(−Ea/kB T)`` (Roman et al. 2020,
equation 1, solved for the intensity).
"""

from __future__ import annotations

import math
from typing import overload

import numpy as np
from numpy.typing import NDArray

from labcool.units import BOLTZMANN_EV_PER_K


@overload
def arrhenius_factor(temperature: float, reference: float, activation_energy: float) -> float: ...


@overload
def arrhenius_factor(
    temperature: NDArray[np.float64], reference: float, activation_energy: float
) -> NDArray[np.float64]: ...


def arrhenius_factor(
    temperature: float | NDArray[np.float64], reference: float, activation_energy: float
) -> float | NDArray[np.float64]:
    """Return the intensity at ``temperature`` over that at ``reference``.

    :param temperature: K, above 0; a number or an array of any shape.
    :param reference: K, above 0.
    :param activation_energy: eV.
    """
    scale = activation_energy / BOLTZMANN_EV_PER_K
    if isinstance(temperature, np.ndarray):
        factors: NDArray[np.float64] = np.exp(scale * (1 / reference - 1 / temperature))
        return factors
    return math.exp(scale * (1 / reference - 1 / temperature))

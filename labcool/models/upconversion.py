"""Efficiency of up-conversion from photothermal and luminescence signals of both sides of the gap.

A photon of energy ``Eg + ΔE_S`` (Stokes) or ``Eg − ΔE`` (anti-Stokes) is absorbed. Excitation below
the gap is lifted into the band with efficiency η, and the band emits with the quantum yield QY.
What does not leave as light is heat, and that is what a photothermal signal measures. Source: Zhang
et al. 2024, equations 1 to 5.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", float, NDArray[np.float64])


def stokes_heat(stokes_energy: Values, quantum_yield: float, gap: float) -> Values:
    """Return the heat per photon absorbed above the gap, ``ΔE_S + (1 − QY) Eg``, eV (equation 3).

    :param stokes_energy: ΔE_S, photon energy less gap, eV, any shape.
    :param quantum_yield: QY, 0 to 1.
    :param gap: Eg, eV.
    """
    return stokes_energy + (1 - quantum_yield) * gap


def anti_stokes_heat(
    anti_stokes_energy: Values, efficiency: Values, quantum_yield: float, gap: float
) -> Values:
    """Return the heat per photon absorbed below the gap, ``(1 − η QY) Eg − ΔE``, eV (equation 4).

    Negative where light cools.

    :param anti_stokes_energy: ΔE, gap less photon energy, eV, any shape.
    :param efficiency: of up-conversion η at those energies, 0 to 1, same shape.
    :param quantum_yield: QY, 0 to 1.
    :param gap: Eg, eV.
    """
    return (1 - efficiency * quantum_yield) * gap - anti_stokes_energy


def signal_ratio(
    stokes_energy: Values,
    *,
    anti_stokes_energy: float,
    efficiency: float,
    quantum_yield: float,
    gap: float,
) -> Values:
    """Return ``R = (I_AS/PA_AS)/(I_S/PA_S)``, linear in ``stokes_energy``; dimensionless.

    I are luminescence and PA photothermal signals, each excited above (S) or below (AS) the gap.
    Arguments as in :func:`stokes_heat` and :func:`anti_stokes_heat`.
    """
    kept = anti_stokes_heat(anti_stokes_energy, efficiency, quantum_yield, gap)
    return efficiency * stokes_heat(stokes_energy, quantum_yield, gap) / kept


def quantum_yield_from_line(slope: float, intercept: float, gap: float) -> float:
    """Return QY of a line ``R = slope ΔE_S + intercept``: ``1 − intercept/(slope Eg)``.

    :param slope: 1/eV.
    :param intercept: dimensionless.
    :param gap: Eg, eV.
    """
    return 1 - intercept / (slope * gap)


def efficiency_from_line(
    slope: float, quantum_yield: float, *, anti_stokes_energy: float, gap: float
) -> float:
    """Return η of a line ``R = slope ΔE_S + c``: ``slope (Eg − ΔE)/(1 + slope Eg QY)``.

    :param slope: 1/eV.
    :param quantum_yield: QY, 0 to 1.
    :param anti_stokes_energy: ΔE of that line, eV.
    :param gap: Eg, eV.
    """
    return slope * (gap - anti_stokes_energy) / (1 + slope * gap * quantum_yield)

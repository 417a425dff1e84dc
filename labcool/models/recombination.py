"""Excitons, trions and biexcitons: how they decay and how many of them emit.

A dot with more than one excitation can lose one to Auger recombination. Counting the pairs that can
recombine (two electrons with either of two holes) gives the radiative lifetimes of trion and
biexciton as 1/2 and 1/4 of that of the exciton; what is measured is shorter, and the ratio is the
quantum yield. Source: Yamada et al. 2024, Fig. 2c and text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError

TRION_RADIATIVE_RATE = 2
BIEXCITON_RADIATIVE_RATE = 4
"""Radiative rates relative to that of the exciton."""


def emission_yield(lifetime: float, radiative_lifetime: float) -> float:
    """Return the quantum yield ``τ/τ_rad``, 0 to 1.

    :param lifetime: measured τ, s, above 0.
    :param radiative_lifetime: τ_rad, s, not below τ.
    :raises LimitError: if a lifetime is not above 0 or longer than radiation allows.
    """
    if not radiative_lifetime > 0:
        raise LimitError("radiative lifetime (s)", radiative_lifetime, "above 0")
    if not 0 < lifetime <= radiative_lifetime:
        raise LimitError(
            "lifetime (s)",
            lifetime,
            f"above 0 and not above the radiative lifetime, {radiative_lifetime:g} s",
        )
    return lifetime / radiative_lifetime


def decay_curve(
    time: ArrayLike, amplitudes: Sequence[float], lifetimes: Sequence[float]
) -> NDArray[np.float64]:
    """Return ``Σ a_i exp(−t/τ_i)``, same shape as ``time``.

    :param time: since the pulse, s, 0 or more.
    :param amplitudes: a_i, one for each species, counts.
    :param lifetimes: τ_i, s, above 0, as many.
    :raises LimitError: if their numbers differ or a lifetime is not above 0.
    """
    if len(amplitudes) != len(lifetimes):
        raise LimitError("number of lifetimes", len(lifetimes), f"{len(amplitudes)}, as amplitudes")
    if not min(lifetimes, default=1.0) > 0:
        raise LimitError("lifetimes (s)", list(lifetimes), "above 0")
    elapsed = np.asarray(time, np.float64)
    total = np.zeros_like(elapsed)
    for amplitude, lifetime in zip(amplitudes, lifetimes, strict=True):
        total += amplitude * np.exp(-elapsed / lifetime)
    return total

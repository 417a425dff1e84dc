"""How cold light can make a body that only radiation warms."""

from __future__ import annotations

from typing import Final

from labcool.errors import LimitError

STEFAN_BOLTZMANN: Final = 5.670374419e-8
"""W/(m² K⁴)."""


def radiative_temperature_drop(
    cooling_power: float, *, area: float, temperature: float, emissivity: float = 1.0
) -> float:
    """Return how far a thermally isolated body cools below its surroundings, K.

    It solves ``P = ε σ A (T⁴ − (T − ΔT)⁴)``; for small drops that is ``P/(4 ε σ A T³)`` (Yamada et
    al. 2024, SI 9).

    :param cooling_power: P, W; negative: heating, and the result is negative.
    :param area: surface A, m², above 0.
    :param temperature: of the surroundings T, K, above 0.
    :param emissivity: ε, above 0, at most 1.
    :raises LimitError: if a number is out of its range, or the power is more than the whole thermal
        radiation of the surroundings can replace.
    """
    if not area > 0:
        raise LimitError("area (m²)", area, "above 0")
    if not temperature > 0:
        raise LimitError("temperature (K)", temperature, "above 0")
    if not 0 < emissivity <= 1:
        raise LimitError("emissivity", emissivity, "above 0, at most 1")
    received = emissivity * STEFAN_BOLTZMANN * area * temperature**4
    if not cooling_power < received:
        raise LimitError(
            "cooling power (W)", cooling_power, f"below {received:.3g}, all that is radiated in"
        )
    return float(temperature * (1 - (1 - cooling_power / received) ** 0.25))

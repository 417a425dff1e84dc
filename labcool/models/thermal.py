"""Two heat capacities in a row: the pumped spot, its surroundings, and the stage as a bath.

All quantities are per cm² of the pumped spot, which makes them independent of its size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from labcool.errors import LimitError


@dataclass(frozen=True, slots=True)
class TwoNodeNetwork:
    """Heat flows from the stage into the surroundings and from there into the spot.

    :param spot_capacity: J/(K cm²), above 0.
    :param surroundings_capacity: J/(K cm²), above 0.
    :param spot_conductance: between spot and surroundings, W/(K cm²), above 0.
    :param stage_conductance: between surroundings and stage, W/(K cm²), above 0.
    :raises LimitError: if one of them is not above 0.
    """

    spot_capacity: float
    surroundings_capacity: float
    spot_conductance: float
    stage_conductance: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise LimitError(field.name.replace("_", " "), value, "finite and above 0")

    @property
    def time_constants(self) -> tuple[float, float]:
        """The short and the long time constant at constant heating, s."""
        spot = self.spot_conductance / self.spot_capacity
        towards_spot = self.spot_conductance / self.surroundings_capacity
        towards_stage = self.stage_conductance / self.surroundings_capacity
        half_trace = (spot + towards_spot + towards_stage) / 2
        determinant = spot * towards_stage
        fast = half_trace + math.sqrt(half_trace * half_trace - determinant)
        return 1 / fast, fast / determinant

    def steady_state(self, heating: float, stage_temperature: float) -> tuple[float, float]:
        """Return the final temperatures of spot and surroundings, K, at constant heating.

        :param heating: of the spot, W/cm²; negative for cooling.
        :param stage_temperature: K.
        """
        surroundings = stage_temperature + heating / self.stage_conductance
        return surroundings + heating / self.spot_conductance, surroundings

    def flows(
        self, temperature: float, surroundings_temperature: float, stage_temperature: float
    ) -> tuple[float, float]:
        """Return the heat flows spot → surroundings and surroundings → stage, W/cm².

        :param temperature: of the spot, K.
        :param surroundings_temperature: K.
        :param stage_temperature: K.
        """
        return (
            self.spot_conductance * (temperature - surroundings_temperature),
            self.stage_conductance * (surroundings_temperature - stage_temperature),
        )

    def stored(self, temperature: float, surroundings_temperature: float) -> float:
        """Return the heat in both nodes, counted from 0 K, J/cm²."""
        return (
            self.spot_capacity * temperature + self.surroundings_capacity * surroundings_temperature
        )

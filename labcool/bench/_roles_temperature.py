"""The roles of what measures and controls temperatures."""

from __future__ import annotations

from typing import Protocol

from labcool.bench._roles_instrument import Instrument


class TemperatureProbe(Instrument, Protocol):
    """Measures a temperature. Safe state: any, this role sets nothing."""

    @property
    def temperature(self) -> float:
        """Measured temperature, K."""


class TemperatureController(TemperatureProbe, Protocol):
    """A stage or cryostat. Safe state: heater (and ramp) off.

    Also a :class:`TemperatureProbe`, whose temperature is that of the controlled sensor.
    """

    @property
    def temperature_range(self) -> tuple[float, float]:
        """Lowest and highest set point, K."""

    @property
    def ramp_rate(self) -> float:
        """Rate of the next ramp, K/min."""

    @ramp_rate.setter
    def ramp_rate(self, kelvin_per_minute: float) -> None: ...

    def go_to(self, temperature: float) -> None:
        """Start a ramp to ``temperature`` (K) and return at once."""

    @property
    def is_holding(self) -> bool:
        """True once the ramp has ended and the set temperature is held."""

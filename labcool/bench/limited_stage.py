"""A temperature controller within the limits of its bench."""

from __future__ import annotations

from collections.abc import Mapping

from labcool.bench.roles import Setting, TemperatureController
from labcool.errors import LimitError


class LimitedStage:
    """Fills the TemperatureController role; refuses set points outside the bench's limits.

    Everything else goes to the controller as it is.

    :param controller: the driver.
    :param limits: lowest and highest set point that the bench file allows, K.
    """

    def __init__(self, controller: TemperatureController, limits: tuple[float, float]) -> None:
        self.controller = controller
        self.name = controller.name
        self._limits = limits

    @property
    def identity(self) -> str:
        """What the controller says it is."""
        return self.controller.identity

    @property
    def temperature(self) -> float:
        """Temperature of the controlled sensor, K."""
        return self.controller.temperature

    @property
    def temperature_range(self) -> tuple[float, float]:
        """Lowest and highest set point that both the controller and the bench allow, K."""
        low, high = self.controller.temperature_range
        return max(low, self._limits[0]), min(high, self._limits[1])

    @property
    def ramp_rate(self) -> float:
        """Rate of the next ramp, K/min."""
        return self.controller.ramp_rate

    @ramp_rate.setter
    def ramp_rate(self, kelvin_per_minute: float) -> None:
        self.controller.ramp_rate = kelvin_per_minute

    def go_to(self, temperature: float) -> None:
        """Start a ramp to ``temperature`` (K).

        :raises LimitError: outside the range; nothing is sent then.
        """
        low, high = self.temperature_range
        if not low <= temperature <= high:
            raise LimitError(
                f"{self.name} temperature (K)",
                f"{temperature:g}",
                f"from {low:g} to {high:g} K",
                "That is what the controller and 'limits: stage_temperature_K' of the bench file "
                "allow.",
            )
        self.controller.go_to(temperature)

    @property
    def is_holding(self) -> bool:
        """True once the ramp has ended and the set temperature is held."""
        return self.controller.is_holding

    def settings(self) -> Mapping[str, Setting]:
        """Return the controller's settings."""
        return self.controller.settings()

    def make_safe(self) -> None:
        """Switch heater and ramp off."""
        self.controller.make_safe()

    def shutdown(self) -> None:
        """End the use of the controller."""
        self.controller.shutdown()

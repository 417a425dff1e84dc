"""A temperature controller within the limits of its bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labcool.bench.roles import Setting, SettledTemperature, TemperatureController
from labcool.numbers import within


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
        within(
            f"{self.name} temperature (K)",
            temperature,
            *self.temperature_range,
            "The controller and 'limits: stage_temperature_K' of the bench file allow this.",
        )
        self.controller.go_to(temperature)

    @property
    def is_holding(self) -> bool:
        """True once the ramp has ended and the set temperature is held."""
        return self.controller.is_holding

    def wait_until_stable(
        self,
        band_K: float,
        slope_K_per_min: float,
        for_s: float,
        timeout_s: float,
        check: Callable[[], None] = lambda: None,
    ) -> SettledTemperature:
        """Wait until the set temperature is reached and kept, as the controller does it."""
        return self.controller.wait_until_stable(band_K, slope_K_per_min, for_s, timeout_s, check)

    def settings(self) -> Mapping[str, Setting]:
        """Return the controller's settings."""
        return self.controller.settings()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to at the controller, if it tells such things."""
        return tuple(getattr(self.controller, "attention", tuple)())

    def make_safe(self) -> None:
        """Switch heater and ramp off."""
        self.controller.make_safe()

    def shutdown(self) -> None:
        """End the use of the controller."""
        self.controller.shutdown()

"""The roles of what measures and controls temperatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labcool.bench._roles_instrument import Instrument


class TemperatureProbe(Instrument, Protocol):
    """Measures a temperature. Safe state: any, this role sets nothing."""

    @property
    def temperature(self) -> float:
        """Measured temperature, K."""


class SettledTemperature(Protocol):
    """What the readings were that a wait for a stable temperature ended with."""

    @property
    def deviation(self) -> float:
        """Largest distance of a reading from the set point, K."""

    @property
    def slope(self) -> float:
        """Slope of the line fitted to the readings, K/min."""

    @property
    def mean(self) -> float:
        """Mean of the readings, K."""


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

    def wait_until_stable(
        self,
        band_K: float,
        slope_K_per_min: float,
        for_s: float,
        timeout_s: float,
        check: Callable[[], None] = lambda: None,
    ) -> SettledTemperature:
        """Wait until the set temperature is reached and kept.

        Stable: over the last ``for_s`` seconds every reading lies within ±``band_K`` of the
        temperature of the last :meth:`go_to`, and the line fitted to them is flatter than
        ``slope_K_per_min``.

        :param timeout_s: longest wait, s, at least ``for_s``.
        :param check: called before every reading, once a second or faster; may raise to end the
            wait. By default nothing is done.
        :raises InstrumentTimeout: after ``timeout_s``, with how far the temperature is.
        :raises LimitError: if a number is not allowed; nothing has been asked.
        """

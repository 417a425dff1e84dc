"""Light of a known fluence on the sample: laser, attenuator, shutter and spot as one thing.

Fluence here is the irradiance at the sample in W/cm², averaged over the 1/e² area of the spot, as
the optical-cooling literature uses the word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from labcool.bench.roles import Attenuator, Laser, Shutter
from labcool.calibration import SpotCalibration
from labcool.clock import Clock
from labcool.errors import InstrumentRefused, LimitError
from labcool.numbers import real

POWER_SETTLING_TIMEOUT_S = 30.0
POWER_TOLERANCE = 0.03
"""The laser counts as settled within this part of its set point (or one display digit of 1 mW)."""

_DISPLAY_DIGIT_W = 1e-3


class Illumination:
    """Pump light at the sample.

    :param laser: the pump laser.
    :param attenuator: what sets the transmitted part of its power.
    :param shutter: what blocks the beam.
    :param spot: dated calibration of the spot: W/cm² from laser power and transmission.
    :param power: laser power during runs, W.
    :param limits: lowest and highest fluence the bench allows, W/cm².
    :param power_stability: relative standard deviation of the power between reference and
        measurement.
    :param clock: the bench's clock.
    """

    def __init__(
        self,
        *,
        laser: Laser,
        attenuator: Attenuator,
        shutter: Shutter,
        spot: SpotCalibration,
        power: float,
        limits: tuple[float, float],
        power_stability: float,
        clock: Clock,
    ) -> None:
        self.laser = laser
        self.attenuator = attenuator
        self.shutter = shutter
        self.spot = spot
        self.power = power
        self.power_stability = power_stability
        self.on_shutter: Callable[[bool], None] = lambda _is_open: None
        self._limits = limits
        self._clock = clock

    @property
    def fluence_range(self) -> tuple[float, float]:
        """Lowest and highest fluence that can be set and is allowed, W/cm²."""
        full = self.spot.fluence(self.power)
        low, high = (full * transmission for transmission in self.attenuator.transmission_range)
        return max(low, self._limits[0]), min(high, self._limits[1])

    @property
    def fluence(self) -> float:
        """Fluence at the sample with the shutter open, from the angle read back, W/cm²."""
        return self.spot.fluence(self.power) * self.attenuator.transmission

    def check(self, fluence: float) -> None:
        """Refuse a fluence (W/cm²) that cannot be set; moves nothing.

        :raises LimitError: naming the range.
        """
        low, high = self.fluence_range
        field, allowed = "fluence (W/cm²)", f"from {low:.3g} to {high:.5g} W/cm²"
        advice = (
            f"That is what {self.power:g} W of laser power, the attenuator, the spot calibration "
            f"of {self.spot.date} and the bench's limits allow."
        )
        if not low <= real(field, fluence, allowed, advice) <= high:
            raise LimitError(field, f"{fluence:g}", allowed, advice)

    def prepare(self, wait: Callable[[float], None]) -> None:
        """Close the shutter, set the laser's power and wait until it has settled.

        :param wait: how to let seconds pass; may raise to break off.
        :raises InstrumentRefused: if the laser does not emit, or does not reach its set point.
        """
        self.close()
        if not self.laser.emission:
            raise InstrumentRefused(
                self.laser.name, "no emission. Switch the laser on at its panel and let it warm up."
            )
        self.laser.power_setpoint = self.power
        self.laser.open_output()
        tolerance = max(POWER_TOLERANCE * self.power, _DISPLAY_DIGIT_W)
        deadline = self._clock.now() + POWER_SETTLING_TIMEOUT_S
        while abs((measured := self.laser.power) - self.power) > tolerance:
            if self._clock.now() > deadline:
                raise InstrumentRefused(
                    self.laser.name,
                    f"the power is {measured:g} W and does not settle at {self.power:g} W.",
                )
            wait(0.2)

    def set_fluence(self, fluence: float) -> None:
        """Set the fluence (W/cm²) with the shutter closed; it stays closed.

        :raises LimitError: if it cannot be set.
        """
        self.check(fluence)
        self.close()
        self.attenuator.transmission = fluence / self.spot.fluence(self.power)

    def open(self) -> None:
        """Let the light onto the sample; returns once the shutter confirms it."""
        self.shutter.open()
        self.on_shutter(True)

    def close(self) -> None:
        """Block the light; returns once the shutter confirms it.

        :raises labcool.errors.ShutterNotClosed: if it does not.
        """
        self.shutter.close()
        self.on_shutter(False)

    @contextmanager
    def at(self, fluence: float) -> Iterator[float]:
        """Light of ``fluence`` (W/cm²) while inside; the shutter is closed before and after.

        Yields the fluence really set, from the angle read back, W/cm².
        """
        self.set_fluence(fluence)
        actual = self.fluence
        try:
            self.open()
            yield actual
        finally:
            self.close()

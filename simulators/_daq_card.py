"""What is behind a line or the voltage inputs of a data-acquisition card.

Other than the lines of a serial port, a card's output keeps its level when it is given back.
UNVERIFIED on hardware: that; which level it has before anybody drives it (low here; many cards pull
it up); resolution and end of the range of the inputs (here 16 bits of ±10 V).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from simulators.device import SimulatedDevice, Switch
from simulators.ttl_shutter import TTLShutter

LARGEST_V: Final = 10.0

_STEP_V: Final = LARGEST_V / 32_768
_SURPLUS_V: Final = 100.0


class OnCard:
    """A part of a card that a driver uses; a lost card is an OSError.

    :param device: what is behind it; if that is silent, the card is not there.
    """

    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device
        self._is_lost = self._is_released = False
        self.before_use: Callable[[], None] = lambda: None
        """Called before it is used."""

    def take(self) -> None:
        """Be had anew, after it has been given back or lost."""
        self._is_lost = self._is_released = False

    def vanish(self) -> None:
        """Be pulled out of the computer: until it is taken anew, using it fails."""
        self._is_lost = True

    def release(self) -> None:
        """Be given back."""
        self._is_released = True

    def _require_card(self) -> None:
        self.before_use()
        if self._is_released:
            raise OSError("it has been given back")
        if self._device.silent or self._is_lost:
            raise OSError("the card is not there")


class CardLine(OnCard):
    """A line that opens a shutter while it is high, and the input on which its sensor is.

    :param shutter: what hangs on them.
    """

    def __init__(self, shutter: TTLShutter) -> None:
        super().__init__(shutter)
        self._shutter = shutter
        self._high = False

    def drive(self, high: bool) -> None:
        """Set the level of the output."""
        self._require_card()
        self._high = high
        self._shutter.line_set(high, self._shutter.clock.now())

    def is_high(self) -> bool:
        """Return the level of the output."""
        self._require_card()
        return self._high

    def sensor_is_high(self) -> bool:
        """Return the level of the sensor's input."""
        self._require_card()
        return self._shutter.sensor_level(self._shutter.clock.now())

    def release(self) -> None:
        """Set the output low and be given back."""
        try:
            self.drive(False)
        finally:
            super().release()


class DaqCard(SimulatedDevice):
    """Voltage inputs, which hear no bytes.

    :param voltage: at an input by its number from 1 on and by moment, V.
    :param inputs: how many there are.
    """

    def __init__(
        self, clock: Clock, *, voltage: Callable[[int, float], float], inputs: int = 1
    ) -> None:
        super().__init__(clock)
        self._voltage = voltage
        self._inputs = inputs
        self.overloaded = False
        """Whether far too much voltage is at all inputs."""

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: too much voltage, and power, without which it is not there."""
        return self._by_attribute(saturation="overloaded", power_cycle="silent")

    def volts(self) -> list[float]:
        """Return what the converter makes of all voltages now, V."""
        now = self.clock.now()
        surplus = _SURPLUS_V if self.overloaded else 0.0
        found = [self._voltage(number, now) + surplus for number in range(1, self._inputs + 1)]
        return [
            round(min(max(volts, -LARGEST_V), LARGEST_V) / _STEP_V) * _STEP_V for volts in found
        ]

    def _begin_anew(self) -> None:
        """Forget nothing: a converter remembers nothing."""

    def _accept(self, data: bytes) -> None:
        """Ignore bytes: it is no port."""


class CardInputs(OnCard):
    """The voltage inputs of a card as a driver reads them."""

    product = "simulated card"

    def __init__(self, card: DaqCard) -> None:
        super().__init__(card)
        self._card = card

    def read(self) -> list[float]:
        """Return the voltages at all inputs, V."""
        self._require_card()
        return self._card.volts()

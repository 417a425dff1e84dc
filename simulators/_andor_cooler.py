"""The thermoelectric cooler of the sensor, its fan, and what its status says.

The sensor goes to its set temperature exponentially, but not lower than the cooler can pull it
below its hot side. The hot side warms with the power that the cooler needs, the more the slower
the fan: with the fan off it overheats after some minutes, a protection takes the cooler's power
away (``GetTECStatus`` says 1), and the sensor warms up although the cooler is "on".

UNVERIFIED on hardware: all time constants and temperatures, that the protection acts like this and
ends by itself, how long 20035 lasts, and how far the sensor has to drift for 20040.
"""

from __future__ import annotations

import math
from typing import Final

from simulators._andor_codes import FanMode, Status

STEP_S: Final = 1.0
"""States are kept for whole steps, so that they do not depend on who asks when, clock s."""
LARGEST_DIFFERENCE_K: Final = 113.0
OVERHEATED_C: Final = 65.0
COOLED_DOWN_C: Final = 45.0
STABLE_AFTER_S: Final = 60.0
REACHED_WITHIN_K: Final = 1.0
DRIFTED_BY_K: Final = 2.0

_COOLING_S: Final = 60.0
_WARMING_S: Final = 300.0
_HOT_SIDE_S: Final = 240.0
_HOT_SIDE_K: Final = {FanMode.FULL: 8.0, FanMode.LOW: 14.0, FanMode.OFF: 75.0}


class Cooler:
    """Cooler, hot side and sensor, at room temperature and off at the start.

    :param now: clock s.
    :param room: temperature of the room, °C.
    """

    def __init__(self, now: float, room: float) -> None:
        self.room = room
        self.sensor = room
        """Temperature of the sensor, °C."""
        self.hot_side = room
        """Temperature of the cooler's hot side, °C."""
        self.overheated = False
        """Whether the protection has taken the cooler's power away."""
        self.drift = 0.0
        """How far from its set temperature the sensor settles, K."""
        self.fan = FanMode.FULL
        self.keeps_cold = False
        """Whether the cooler goes on when the library is shut down."""
        self.is_on = False
        self.setpoint = 0.0
        self._moment = now
        self._within_since: float | None = None
        self._was_stable = False

    def switch(self, is_on: bool) -> None:
        """Switch the cooler on or off."""
        self.is_on = is_on
        self._begin_anew()

    def aim_at(self, celsius: float) -> None:
        """Set the temperature, °C."""
        self.setpoint = celsius
        self._begin_anew()

    def advance(self, now: float) -> None:
        """Let time pass up to ``now`` (clock s)."""
        while self._moment + STEP_S <= now:
            self._moment += STEP_S
            self._step()

    def status(self) -> Status:
        """Return what ``GetTemperature`` answers now."""
        if not self.is_on:
            return Status.TEMPERATURE_OFF
        if self._was_stable:
            drifted = abs(self.sensor - self.setpoint) > DRIFTED_BY_K
            return Status.TEMPERATURE_DRIFT if drifted else Status.TEMPERATURE_STABILISED
        if self._within_since is None:
            return Status.TEMPERATURE_NOT_REACHED
        return Status.TEMPERATURE_NOT_STABILISED

    def _begin_anew(self) -> None:
        self._within_since = None
        self._was_stable = False

    def _step(self) -> None:
        works = self.is_on and not self.overheated
        power = 0.0
        if works:
            lowest = self.hot_side - LARGEST_DIFFERENCE_K
            aim = max(self.setpoint + self.drift, lowest)
            power = min(max((self.hot_side - self.sensor) / LARGEST_DIFFERENCE_K, 0.0), 1.0)
            self.sensor = _approach(self.sensor, aim, _COOLING_S)
        else:
            self.sensor = _approach(self.sensor, self.room, _WARMING_S)
        hot = self.room + _HOT_SIDE_K[self.fan] * power
        self.hot_side = _approach(self.hot_side, hot, _HOT_SIDE_S)
        self.overheated = self.hot_side > (COOLED_DOWN_C if self.overheated else OVERHEATED_C)
        self._judge()

    def _judge(self) -> None:
        if abs(self.sensor - self.setpoint) > REACHED_WITHIN_K:
            self._within_since = None
            return
        if self._within_since is None:
            self._within_since = self._moment
        if self.is_on and self._moment - self._within_since >= STABLE_AFTER_S:
            self._was_stable = True


def _approach(value: float, aim: float, time_constant: float) -> float:
    return aim + (value - aim) * math.exp(-STEP_S / time_constant)

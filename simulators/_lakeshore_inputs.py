"""The sensor inputs of a Lake Shore controller: readings, their status, alarms.

UNVERIFIED on hardware: that an open sensor raises *invalid* and *over-range* together, and that
the alarms of the 335 and 336 are in kelvin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from labcool.units import celsius
from simulators._lakeshore_curves import PLATINUM, SILICON_DIODE, Curve
from simulators._lakeshore_fields import Settings
from simulators._lakeshore_tables import Model
from simulators._lakeshore_thermal import STEP_S, Stage

INVALID, UNDER_RANGE, OVER_RANGE, UNITS_ZERO, OVERLOAD = 1, 16, 32, 64, 128
KELVIN, CELSIUS, SENSOR_UNITS = 1, 2, 3

_TYPES: Final = {SILICON_DIODE: (1,), PLATINUM: (2,)}
_OLD_TYPES: Final = {SILICON_DIODE: (0,), PLATINUM: (2, 3)}
DISABLED: Final = 0


@dataclass
class Watch:
    """What has been seen on one input; temperatures in K."""

    lowest: float = math.inf
    highest: float = -math.inf
    high_alarm: bool = False
    low_alarm: bool = False
    span: tuple[float, float] = (math.inf, -math.inf)
    draw: tuple[int, float] = field(default=(-1, 0.0))


class Inputs:
    """All inputs of a controller; stages by the number of their input, 1 for A."""

    def __init__(
        self,
        model: Model,
        settings: Settings,
        stages: Mapping[int, Stage],
        curves: dict[int, Curve],
        rng: np.random.Generator,
    ) -> None:
        self.model = model
        self.settings = settings
        self.open: frozenset[str] = frozenset()
        self.curves = curves
        self._by_name = {name: stages[number] for number, name in enumerate(model.inputs, 1)}
        self._rng = rng
        self._watches = {name: Watch() for name in model.inputs}
        for name in model.inputs:
            self._set_up(name)
        self.refresh()

    def stage(self, name: str) -> Stage:
        """Return the stage on which the sensor of an input sits."""
        return self._by_name[name]

    def watch(self, name: str) -> Watch:
        """Return what has been seen on an input."""
        return self._watches[name]

    def curve(self, name: str) -> Curve:
        """Return the curve of an input; an empty one if none is chosen."""
        return self.curves.get(int(self.settings.number("INCRV", name)), Curve())

    def refresh(self) -> None:
        """Let new settings, curves or faults act."""
        for name, watch in self._watches.items():
            points = self.curve(name).by_sensor
            sound = points and name not in self.open and self._fits(name)
            watch.span = (points[0][0], points[-1][0]) if sound else (math.inf, -math.inf)
            if not self.settings["ALARM", name][0]:
                watch.high_alarm = watch.low_alarm = False

    def is_valid(self, name: str) -> bool:
        """Return True if an input has a valid reading."""
        stage, (lowest, highest) = self.stage(name), self._watches[name].span
        return lowest <= stage.load.sensor.signal(stage.sensor_before_K) <= highest

    def status(self, name: str) -> int:
        """Return the bits of ``RDGST?``, without the noise of a reading."""
        if self.is_valid(name):
            return 0
        if self._type(name) == DISABLED and not self.model.old:
            return INVALID
        if name in self.open or not self._fits(name):
            return INVALID | OVERLOAD
        stage, curve = self.stage(name), self.curve(name)
        if not curve.points:
            return INVALID
        cold = curve.lies_cold(stage.load.sensor.signal(stage.sensor_before_K))
        return INVALID | (UNDER_RANGE if cold else OVER_RANGE)

    def kelvin(self, name: str, step: int) -> float:
        """Return the reading number ``step`` in K; 0 if it is not valid."""
        if self.status(name):
            return 0.0
        return self.curve(name).kelvin(self._signal(name, step)) or 0.0

    def sensor(self, name: str, step: int) -> float:
        """Return the reading number ``step`` in V or Ω; 0 if there is none."""
        status = self.status(name)
        dead = status & OVERLOAD or (status == INVALID and self.curve(name).points)
        return 0.0 if dead else self._signal(name, step)

    def from_kelvin(self, name: str, units: int, kelvin: float) -> float:
        """Return a temperature (K) in units 1 K, 2 °C or 3 of the sensor."""
        if units == SENSOR_UNITS:
            return self.curve(name).sensor(kelvin) or 0.0
        return celsius(kelvin) if units == CELSIUS else kelvin

    def to_kelvin(self, name: str, units: int, value: float) -> float | None:
        """Return a value in such units in K, None if it is off the input's curve."""
        if units == SENSOR_UNITS:
            return self.curve(name).kelvin(value)
        return value - celsius(0.0) if units == CELSIUS else value

    def forget_extremes(self) -> None:
        """Start lowest and highest reading anew."""
        for watch in self._watches.values():
            watch.lowest, watch.highest = math.inf, -math.inf

    def acknowledge_alarms(self) -> None:
        """End latched alarms; those with a cause come back."""
        for watch in self._watches.values():
            watch.high_alarm = watch.low_alarm = False
        self.observe()

    def observe(self) -> list[bool]:
        """Take note of the present readings, for extremes and alarms; returns which are valid."""
        valid = [self.is_valid(name) for name in self._watches]
        for (name, watch), is_valid in zip(self._watches.items(), valid, strict=True):
            if is_valid:
                kelvin = self.stage(name).sensor_before_K
                watch.lowest = min(watch.lowest, kelvin)
                watch.highest = max(watch.highest, kelvin)
                if self.settings["ALARM", name][0]:
                    self._check_alarm(name, watch, kelvin)
        return valid

    def _check_alarm(self, name: str, watch: Watch, kelvin: float) -> None:
        alarm = [float(value) for value in self.settings["ALARM", name]]
        source = int(alarm.pop(1)) if self.model.old else KELVIN
        _, high, low, deadband, latched = alarm[:5]
        value = self.from_kelvin(name, source, kelvin)
        watch.high_alarm = value > high or (
            watch.high_alarm and (bool(latched) or value > high - deadband)
        )
        watch.low_alarm = value < low or (
            watch.low_alarm and (bool(latched) or value < low + deadband)
        )

    def _signal(self, name: str, step: int) -> float:
        stage, watch = self.stage(name), self._watches[name]
        if watch.draw[0] != step:
            watch.draw = (step, float(self._rng.standard_normal()))
        averaging, points, _ = (float(value) for value in self.settings["FILTER", name])
        noise = stage.load.noise / math.sqrt(points if averaging else 1.0)
        return stage.load.sensor.signal(stage.sensor_before_K + noise * watch.draw[1])

    def _type(self, name: str) -> int:
        return int(self.settings.number("INTYPE", name))

    def _fits(self, name: str) -> bool:
        types = _OLD_TYPES if self.model.old else _TYPES
        return self._type(name) in types[self.stage(name).load.sensor.kind]

    def _set_up(self, name: str) -> None:
        kind = self.stage(name).load.sensor.kind
        types = _OLD_TYPES if self.model.old else _TYPES
        self.settings["INTYPE", name][0] = types[kind][0]
        self.settings["INCRV", name][0] = 1 if kind == SILICON_DIODE else 6


def reading_number(now: float, begin: float) -> int:
    """Return how many readings have been made since ``begin`` (both clock s)."""
    return math.floor((now - begin) / STEP_S + 1e-9)

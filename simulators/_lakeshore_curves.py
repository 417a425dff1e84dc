"""Temperature sensors and the curves by which a Lake Shore controller turns them into kelvin.

Standard curve 1 is the silicon diode DT-470, here straight lines through the three points that the
maker's SoftCal takes as typical (4.2 K 1.62622 V, 77.35 K 1.02032 V, 305 K 0.50691 V); curve 6 is
the platinum resistor of IEC 60751 (Callendar-Van Dusen), which at 77 K is 0.1 Ω above the maker's.
The other standard curves are not known here. User curves are what a host writes, point by point.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from labcool.units import celsius

STANDARD_CURVES: Final = range(1, 21)
POINTS: Final = 200
SILICON_DIODE, PLATINUM = "silicon diode", "platinum"

_PT_A, _PT_B, _PT_C = 3.9083e-3, -5.775e-7, -4.183e-12
_PT_COLDEST_K, _PT_HOTTEST_K = 70, 800
_NEGATIVE, _POSITIVE = 1, 2


@dataclass
class Curve:
    """Points ``(sensor units, K)`` under their index (1 to 200), with the header of ``CRVHDR``.

    :param data_format: 1 mV/K, 2 V/K, 3 Ω/K, 4 log Ω/K.
    :param limit: highest temperature of use, K.
    :param coefficient: 1 negative, 2 positive.
    """

    name: str = "User Curve"
    serial: str = ""
    data_format: int = 2
    limit: float = 375.0
    coefficient: int = _NEGATIVE
    points: dict[int, tuple[float, float]] = field(default_factory=dict)

    def put(self, index: int, sensor: float, kelvin: float) -> None:
        """Set a point; two zeros delete it."""
        self.points.pop(index, None)
        if sensor or kelvin:
            self.points[index] = (sensor, kelvin)
        self.__dict__.pop("by_sensor", None)
        self.__dict__.pop("by_kelvin", None)

    @cached_property
    def by_sensor(self) -> list[tuple[float, float]]:
        """The points ``(sensor units, K)`` in the order of the sensor's values."""
        return sorted(self.points.values())

    @cached_property
    def by_kelvin(self) -> list[tuple[float, float]]:
        """The points ``(K, sensor units)`` in the order of temperature."""
        return sorted((kelvin, sensor) for sensor, kelvin in self.points.values())

    def kelvin(self, sensor: float) -> float | None:
        """Return the temperature of a sensor value, None beyond either end of the curve."""
        return _interpolate(self.by_sensor, sensor)

    def sensor(self, kelvin: float) -> float | None:
        """Return the sensor value at a temperature (K), None beyond either end of the curve."""
        return _interpolate(self.by_kelvin, kelvin)

    def lies_cold(self, sensor: float) -> bool:
        """Return True if a value that is off the curve is off its cold end."""
        if not self.points:
            return False
        above = sensor > self.by_sensor[-1][0]
        return above == (self.coefficient == _NEGATIVE)


@dataclass(frozen=True)
class Sensor:
    """A real sensor: what it would show (V or Ω) at a temperature in kelvin."""

    kind: str
    signal: Callable[[float], float]


def _interpolate(points: Sequence[tuple[float, float]], x: float) -> float | None:
    found = bisect_right(points, (x, float("inf")))
    if not points or found == 0 or (found == len(points) and x > points[-1][0]):
        return None
    if found == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[found - 1], points[found]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _platinum(kelvin: float) -> float:
    t = celsius(kelvin)
    frozen = _PT_C * (t - 100) * t**3 if t < 0 else 0.0
    return 100 * (1 + _PT_A * t + _PT_B * t * t + frozen)


def _diode(kelvin: float) -> float:
    points = _DIODE_POINTS
    lower = next((n for n in range(len(points) - 1) if kelvin < points[n + 1][0]), len(points) - 2)
    (t0, v0), (t1, v1) = points[lower], points[lower + 1]
    return v0 + (v1 - v0) * (kelvin - t0) / (t1 - t0)


_DIODE_POINTS: Final = [(4.2, 1.62622), (77.35, 1.02032), (305.0, 0.50691)]
_DIODE_ENDS_K: Final = (1.4, 475.0)
DIODE_SENSOR: Final = Sensor(SILICON_DIODE, _diode)
PLATINUM_SENSOR: Final = Sensor(PLATINUM, _platinum)


def standard_curves() -> dict[int, Curve]:
    """Return the standard curves that are known here, by their number."""
    diode_K = [_DIODE_ENDS_K[1], 305.0, 77.35, 4.2, _DIODE_ENDS_K[0]]
    diode = {n: (_diode(kelvin), kelvin) for n, kelvin in enumerate(diode_K, 1)}
    platinum_K = range(_PT_COLDEST_K, _PT_HOTTEST_K + 1, 5)
    platinum = {n: (_platinum(kelvin), float(kelvin)) for n, kelvin in enumerate(platinum_K, 1)}
    return {
        1: Curve("DT-470", "STANDARD C", 2, 475.0, _NEGATIVE, diode),
        6: Curve("PT-100", "STANDARD C", 3, 800.0, _POSITIVE, platinum),
    }

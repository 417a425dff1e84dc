"""A photodiode power sensor: current from light, and what a meter makes of the current.

The responsivity has the shape of silicon behind a neutral density filter, small enough for 500 mW
to stay within the meter's 5 mA; it is no calibration of any real sensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

RANGES_A: Final = (50e-9, 500e-9, 5e-6, 50e-6, 500e-6, 5e-3)

_CURVE_NM: Final = (400.0, 450.0, 500.0, 532.0, 600.0, 700.0, 785.0, 900.0, 970.0, 1030.0, 1100.0)
_CURVE_A_PER_W: Final = (
    *(1.5e-3, 2.6e-3, 3.6e-3, 4.2e-3, 5.4e-3, 6.6e-3, 7.5e-3, 8.7e-3, 9.1e-3, 7.6e-3, 2.3e-3),
)


@dataclass(frozen=True)
class Sensor:
    """What a sensor's memory tells the meter.

    :param shortest: nm.
    :param longest: nm.
    :param flags: 1 power, 2 energy, 16 response settable, 32 wavelength settable, 256 temperature.
    """

    name: str = "S121C"
    serial: str = "12345678"
    calibration: str = "01-JAN-2026"
    kind: int = 1
    variant: int = 18
    flags: int = 289
    shortest: float = 400.0
    longest: float = 1100.0

    @property
    def identity(self) -> str:
        """Name, serial number, calibration, type, subtype and flags, separated by commas."""
        words = (self.name, self.serial, self.calibration, self.kind, self.variant, self.flags)
        return ",".join(map(str, words))


def responsivity(wavelength: float) -> float:
    """Return the current per power (A/W) at a wavelength (nm)."""
    return float(np.interp(wavelength, _CURVE_NM, _CURVE_A_PER_W))


def range_that_holds(current: float) -> int | None:
    """Return the index of the smallest range that holds a current (A), None if none does."""
    return next((index for index, top in enumerate(RANGES_A) if abs(current) <= top), None)

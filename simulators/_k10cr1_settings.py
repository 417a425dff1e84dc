"""The parameters that a K10CR1 keeps, and what they mean for its moves.

Each is set by one message, asked for by the next code and told with the one after.
"""

from __future__ import annotations

import struct
from typing import Final

from simulators._apt import Message

STEPS_PER_DEGREE: Final = 200 * 2048 * 120 / 360
VELOCITY_SCALE: Final = 53.68
ACCELERATION_SCALE: Final = 1 / 90.9
FASTEST_DEG_PER_S: Final = 10.0
STRONGEST_DEG_PER_S2: Final = 20.0

_VELOCITY, _JOG, _HOME, _RELATIVE, _ABSOLUTE = 0x0413, 0x0416, 0x0440, 0x0445, 0x0450
_POWER, _BACKLASH, _LIMITS = 0x0426, 0x043A, 0x0423
_FORMATS: Final = {
    _VELOCITY: "<Hiii",
    _JOG: "<HHiiiiH",
    _LIMITS: "<HHHiiH",
    _POWER: "<HHH",
    _BACKLASH: "<Hi",
    _HOME: "<HHHii",
    _RELATIVE: "<Hi",
    _ABSOLUTE: "<Hi",
}
_CONTINUOUS: Final = 1
_FORWARD: Final = 1
_ROUNDING: Final = 1.0001


def _steps(degrees: float) -> int:
    return round(degrees * STEPS_PER_DEGREE)


def _velocity(degrees_per_second: float) -> int:
    return round(degrees_per_second * STEPS_PER_DEGREE * VELOCITY_SCALE)


def _acceleration(degrees_per_second2: float) -> int:
    return round(degrees_per_second2 * STEPS_PER_DEGREE * ACCELERATION_SCALE)


class Settings:
    """Parameters as the mount comes with them; UNVERIFIED are the jog step and the powers."""

    def __init__(self) -> None:
        profile = (0, _acceleration(10), _velocity(10))
        self._values: dict[int, tuple[int, ...]] = {
            _VELOCITY: (1, *profile),
            _JOG: (1, 2, _steps(10), *profile, 2),
            _LIMITS: (1, 4, 1, _steps(1), _steps(1), 1),
            _POWER: (1, 20, 100),
            _BACKLASH: (1, _steps(1)),
            _HOME: (1, 2, 1, _velocity(10), _steps(4)),
            _RELATIVE: (1, 0),
            _ABSOLUTE: (1, 0),
        }

    def set(self, message: Message) -> bool:
        """Take new parameters and return True, or False if the message brings none.

        What is out of range leaves the old ones.
        """
        layout = _FORMATS.get(message.code)
        if layout is None or message.data is None or len(message.data) != struct.calcsize(layout):
            return False
        values = struct.unpack(layout, message.data)
        if self._are_allowed(message.code, values):
            self._values[message.code] = values
        return True

    def answer(self, message: Message) -> tuple[int, bytes] | None:
        """Return code and data of the answer, or None if the message asks for no parameters."""
        asked = message.code - 1
        if asked not in _FORMATS or message.data is not None:
            return None
        return message.code + 1, struct.pack(_FORMATS[asked], *self._values[asked])

    def profile(self, *, jogging: bool = False) -> tuple[float, float]:
        """Return speed (steps/s) and acceleration (steps/s²)."""
        values = self._values[_JOG][2:6] if jogging else self._values[_VELOCITY]
        return values[3] / VELOCITY_SCALE, values[2] / ACCELERATION_SCALE

    def targets(self) -> tuple[int, int]:
        """Return the distance and the target (steps) of moves that come without one."""
        return self._values[_RELATIVE][1], self._values[_ABSOLUTE][1]

    def backlash(self) -> int:
        """Return by how much (steps) a move backwards overshoots."""
        return max(self._values[_BACKLASH][1], 0)

    def jog_step(self) -> int | None:
        """Return the step (steps) of a jog, or None if it goes on until stopped."""
        return None if self._values[_JOG][1] == _CONTINUOUS else self._values[_JOG][2]

    def homing(self) -> tuple[int, float, int]:
        """Return direction (1 or -1), speed (steps/s) and offset (steps) of homing."""
        _, direction, _, velocity, offset = self._values[_HOME]
        return (1 if direction == _FORWARD else -1), velocity / VELOCITY_SCALE, offset

    @staticmethod
    def _are_allowed(code: int, values: tuple[int, ...]) -> bool:
        speeds, accelerations = [], []
        if code == _VELOCITY:
            speeds, accelerations = [values[3]], [values[2]]
        elif code == _JOG:
            speeds, accelerations = [values[5]], [values[4]]
        elif code == _HOME:
            speeds = [values[3]]
        fastest = _velocity(FASTEST_DEG_PER_S) * _ROUNDING
        strongest = _acceleration(STRONGEST_DEG_PER_S2) * _ROUNDING
        return all(0 < speed <= fastest for speed in speeds) and all(
            0 < value <= strongest for value in accelerations
        )

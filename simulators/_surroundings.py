"""What a simulated device may touch, and what makes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from simulators.device import SimulatedDevice
from simulators.flame import Flame
from simulators.light_path import LightPath

Electrons: TypeAlias = Callable[[], NDArray[np.float64]]


class Surroundings:
    """What one simulated device may touch: the clock, its own dice, its settings, and the light.

    Devices announce from the moment they exist, and the light path needs all of them to exist, so
    what they say before :meth:`complete` is kept until then.

    :param clock: the bench's clock.
    :param rng: dice for this device alone.
    :param settings: those of its driver in the bench file.
    :param in_beam: whether the pump beam passes this device; what others do changes no light.
    """

    def __init__(
        self,
        clock: Clock,
        rng: np.random.Generator,
        settings: Mapping[str, Any],
        *,
        in_beam: bool,
    ) -> None:
        self.clock = clock
        self.rng = rng
        self.settings = settings
        self.resource: object | None = None
        self.why_not_served: str | None = None
        self._in_beam = in_beam
        self._early: list[Callable[[LightPath], None]] = []
        self._light_path: LightPath | None = None

    def reached_by(self, resource: object, why_not_served: str) -> None:
        """Tell that the device hangs on no wire of bytes: its driver gets ``resource`` instead.

        :param why_not_served: why no port can be opened for other programs, a whole clause.
        """
        self.resource, self.why_not_served = resource, why_not_served

    def complete(self, light_path: LightPath) -> None:
        """Pass everything on to ``light_path``, what has been announced so far first."""
        self._light_path = light_path
        for announce in self._early:
            announce(light_path)

    def shutter_moved(self, is_open: bool, moment: float) -> None:
        """Tell that the device lets the beam pass, or not, from ``moment`` (clock s) on."""
        self._announce(lambda path: path.shutter_moved(is_open, moment))

    def laser_power_changed(self, watts: float, moment: float) -> None:
        """Tell that the device emits ``watts`` from ``moment`` (clock s) on."""
        self._announce(lambda path: path.laser_power_changed(watts, moment))

    def mount_turned(self, angle: float, moment: float) -> None:
        """Tell that the device stands at ``angle`` (degrees) from ``moment`` (clock s) on."""
        self._announce(lambda path: path.mount_turned(angle, moment))

    def expose(self, start: float, duration: float) -> Electrons:
        """Begin an exposure, see :meth:`simulators.light_path.LightPath.expose`."""
        if self._light_path is None:
            raise RuntimeError("an exposure began before the bench was complete")
        return self._light_path.expose(start, duration)

    def _announce(self, announce: Callable[[LightPath], None]) -> None:
        if not self._in_beam:
            return
        if self._light_path is None:
            self._early.append(announce)
        else:
            announce(self._light_path)


class Factory(Protocol):
    """Makes the device behind a driver."""

    def __call__(self, around: Surroundings) -> SimulatedDevice | Flame:
        """Return a new device; one without a wire of bytes tells so by ``reached_by``."""

"""Which simulated device stands behind which driver, and what such a device may touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import ConfigurationError
from simulators.device import SimulatedDevice
from simulators.elliptec import ELL14
from simulators.finesse import Finesse
from simulators.flame import Flame
from simulators.light_path import LightPath
from simulators.linkam import THMS600, TS1500, LinkamT95, Stage
from simulators.sc10 import SC10

ROOM_TEMPERATURE_K: Final = 298.15
ENTRY_POINTS: Final = "labcool.simulators"

_LARGEST_FINESSE_W: Final = 6.0
_FLAME_MODELS: Final = {"FLAMES": "FLAME-S", "USB2000PLUS": "USB2000+", "USB4000": "USB4000"}
_STAGES: Final = {
    "THMS600": THMS600,
    "TS1500": TS1500,
    "other": Stage("other", -196.0, 1500.0, 200.0, has_pump=True),
}

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
        self._in_beam = in_beam
        self._early: list[Callable[[LightPath], None]] = []
        self._light_path: LightPath | None = None

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
        """Return a new device."""


def _sc10(around: Surroundings) -> SC10:
    return SC10(around.clock, moved=around.shutter_moved)


def _finesse(around: Surroundings) -> Finesse:
    allowed = float(around.settings.get("max_power", 0.0))
    return Finesse(
        around.clock,
        power_changed=around.laser_power_changed,
        max_power=max(allowed, _LARGEST_FINESSE_W),
    )


def _ell14(around: Surroundings) -> ELL14:
    return ELL14(
        around.clock,
        turned=around.mount_turned,
        address=str(around.settings.get("address", "0")),
        rng=around.rng,
    )


def _linkam(around: Surroundings) -> LinkamT95:
    stage = _STAGES[str(around.settings.get("stage", "THMS600"))]
    return LinkamT95(around.clock, ambient_K=ROOM_TEMPERATURE_K, stage=stage, rng=around.rng)


def _flame(around: Surroundings) -> Flame:
    return Flame(
        around.clock,
        serial=str(around.settings.get("serial") or "FLMS00001"),
        model=_FLAME_MODELS[str(around.settings.get("model") or "FLAMES")],
        expose=around.expose,
        rng=around.rng,
    )


DEVICES: Final[dict[str, Factory]] = {
    "drivers.sc10.SC10": _sc10,
    "drivers.finesse.Finesse": _finesse,
    "drivers.elliptec.ELL14": _ell14,
    "drivers.linkam.LinkamT95": _linkam,
    "drivers.ocean.OceanSpectrometer": _flame,
}


def factory(name: str, driver: str) -> Factory:
    """Return what makes the device behind a driver, for the instrument called ``name``.

    :raises ConfigurationError: if there is no such device; the message lists those there are.
    """
    if driver in DEVICES:
        return DEVICES[driver]
    others = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if driver in others:
        found: Factory = others[driver].load()
        return found
    raise ConfigurationError(
        f"instruments.{name}: there is no simulated device for the driver {driver}. Simulated can "
        f"be: {', '.join([*DEVICES, *sorted(others)])}."
    )

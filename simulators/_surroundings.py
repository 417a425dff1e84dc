"""What a simulated device may touch, and what makes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from simulators._chopping import Chopping
from simulators._fault_host import FaultHost
from simulators._faulty_device import FaultyDevice
from simulators._light_history import Lines
from simulators._pass_band import PassBand
from simulators.andor import AndorCamera
from simulators.detection import Detection
from simulators.device import SimulatedDevice
from simulators.flame import Flame
from simulators.light_path import LightPath
from simulators.shamrock import Shamrock

Electrons: TypeAlias = Callable[[], NDArray[np.float64]]
Device: TypeAlias = SimulatedDevice | Flame | AndorCamera | Shamrock
"""One that speaks in bytes, or one below a library."""
Instruments: TypeAlias = Mapping[str, tuple[str, Mapping[str, Any]]]
"""Name → (dotted path of the driver, its settings)."""


class Surroundings:
    """What one simulated device may touch: the clock, its own dice, its settings, and the light.

    Devices announce from the moment they exist, and the light path needs all of them to exist, so
    what they say before :meth:`complete` is kept until then.

    :param clock: the bench's clock.
    :param rng: dice for this device alone.
    :param settings: those of its driver in the bench file.
    :param in_beam: whether the pump beam passes this device; what others do changes no light.
    :param is_probe: whether it is the probe laser.
    :param modules: the instruments that are modules of this device, if it is made of some.
    """

    def __init__(
        self,
        clock: Clock,
        rng: np.random.Generator,
        settings: Mapping[str, Any],
        *,
        in_beam: bool,
        is_probe: bool = False,
        modules: Instruments | None = None,
    ) -> None:
        self.clock = clock
        self.rng = rng
        self.settings = settings
        self.modules = modules or {}
        self.resource: object | None = None
        self.why_not_served: str | None = None
        self._fault_host: FaultHost | None = None
        self.fault_rng = rng.spawn(1)[0]
        """Dice for the faults of this device."""
        self.detects = False
        """True of a device that looks back at the light, see :attr:`detection`."""
        self._in_beam = in_beam
        self._is_probe = is_probe
        self._early: list[Callable[[LightPath], None]] = []
        self._light_path: LightPath | None = None
        self._detection: Detection | None = None

    @property
    def detection(self) -> Detection:
        """Get what detectors see, for a device that has set :attr:`detects`."""
        if self._detection is None:
            raise RuntimeError("a detector was asked before the bench was complete")
        return self._detection

    def stage_temperature(self, moment: float) -> float:
        """Return the temperature of the sample's stage (K) at a moment (clock s)."""
        return self._complete_path.stage_temperature(moment)

    def reached_by(
        self, resource: object, why_not_served: str, host: FaultHost | None = None
    ) -> None:
        """Tell that the device hangs on no wire of bytes: its driver gets ``resource`` instead.

        :param why_not_served: why no port can be opened for other programs, a whole clause.
        :param host: what faults can be put into; None: it can have none.
        """
        self.resource, self.why_not_served = resource, why_not_served
        self._fault_host = host

    def fault_host(self, device: Device) -> FaultHost | None:
        """Return what faults can be put into, for what the factory has returned."""
        if self.resource is None and isinstance(device, SimulatedDevice):
            return FaultyDevice(device, self.fault_rng)
        return self._fault_host

    def complete(self, light_path: LightPath, detection: Detection | None = None) -> None:
        """Pass everything on to ``light_path``, what has been announced so far first."""
        self._light_path = light_path
        self._detection = detection
        for announce in self._early:
            announce(light_path)

    def shutter_moved(self, is_open: bool, moment: float) -> None:
        """Tell that the device lets the beam pass, or not, from ``moment`` (clock s) on."""
        self._announce(lambda path: path.shutter_moved(is_open, moment))

    def laser_power_changed(self, watts: float, moment: float) -> None:
        """Tell that the device emits ``watts`` from ``moment`` (clock s) on."""
        if self._is_probe:
            self._tell(lambda path: path.probe_power_changed(watts, moment))
        else:
            self._announce(lambda path: path.laser_power_changed(watts, moment))

    def tunable_light_changed(self, lines: Lines, moment: float) -> None:
        """Tell that the device emits ``lines`` (nm, W) from ``moment`` (clock s) on."""
        self._announce(lambda path: path.tunable_light_changed(lines, moment))

    def chopper_moved(self, chopping: Chopping, moment: float) -> None:
        """Tell how the device chops the beam from ``moment`` (clock s) on."""
        self._announce(lambda path: path.chopper_moved(chopping, moment))

    def monochromator_moved(self, band: PassBand, moment: float) -> None:
        """Tell what the device lets pass to the photodiode from ``moment`` (clock s) on."""
        self._announce(lambda path: path.monochromator_moved(band, moment))

    def mount_turned(self, angle: float, moment: float) -> None:
        """Tell that the device stands at ``angle`` (degrees) from ``moment`` (clock s) on."""
        self._announce(lambda path: path.mount_turned(angle, moment))

    def expose(self, start: float, duration: float, wavelengths: NDArray[np.float64]) -> Electrons:
        """Begin an exposure, see :meth:`simulators.light_path.LightPath.expose`."""
        return self._complete_path.expose(start, duration, wavelengths)

    @property
    def _complete_path(self) -> LightPath:
        if self._light_path is None:
            raise RuntimeError("light was asked for before the bench was complete")
        return self._light_path

    def _announce(self, announce: Callable[[LightPath], None]) -> None:
        if self._in_beam:
            self._tell(announce)

    def _tell(self, announce: Callable[[LightPath], None]) -> None:
        if self._light_path is None:
            self._early.append(announce)
        else:
            announce(self._light_path)


class Factory(Protocol):
    """Makes the device behind a driver."""

    def __call__(self, around: Surroundings) -> Device:
        """Return a new device; one without a wire of bytes tells so by ``reached_by``."""

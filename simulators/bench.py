"""The whole simulated bench: devices, their wires, the light path and the sample behind them.

Built from plain data (driver names, settings, optics), so that it needs nothing of the code that
reads bench files. Which device stands behind which driver is in :data:`DEVICES`; other packages add
theirs under the entry-point group ``labcool.simulators``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import ConfigurationError
from simulators.device import SimulatedDevice
from simulators.elliptec import ELL14
from simulators.finesse import Finesse
from simulators.flame import Flame
from simulators.light_path import LightPath, Optics
from simulators.link import PtyLink, TcpLink
from simulators.linkam import LinkamT95
from simulators.memory import MemoryLink
from simulators.presets import preset
from simulators.sample import Sample
from simulators.sc10 import SC10
from simulators.truth import Truth
from simulators.usb_backend import FlameLink

ROOM_TEMPERATURE_K = 298.15
ENTRY_POINTS = "labcool.simulators"

_FINEST_WAVELENGTHS = np.linspace(350.0, 1000.0, 2048)
"""What light path to compute on a bench without a spectrometer, nm."""


@dataclass
class Surroundings:
    """What a device simulator may touch: the clock, its own dice, and the light path's callbacks."""

    clock: Clock
    rng: np.random.Generator
    path: _LateLightPath
    settings: Mapping[str, Any]


class _LateLightPath:
    """Stands in for the light path until all devices exist; then passes everything on."""

    def __init__(self) -> None:
        self._early: list[Callable[[LightPath], None]] = []
        self._light_path: LightPath | None = None

    def bind(self, light_path: LightPath) -> None:
        self._light_path = light_path
        for call in self._early:
            call(light_path)

    def _pass_on(self, call: Callable[[LightPath], None]) -> None:
        if self._light_path is None:
            self._early.append(call)
        else:
            call(self._light_path)

    def shutter_moved(self, is_open: bool, moment: float) -> None:
        self._pass_on(lambda path: path.shutter_moved(is_open, moment))

    def laser_power_changed(self, watts: float, moment: float) -> None:
        self._pass_on(lambda path: path.laser_power_changed(watts, moment))

    def mount_turned(self, angle: float, moment: float) -> None:
        self._pass_on(lambda path: path.mount_turned(angle, moment))

    def expose(self, start: float, duration: float) -> Callable[[], NDArray[np.float64]]:
        if self._light_path is None:
            raise RuntimeError("an exposure began before the bench was complete")
        return self._light_path.expose(start, duration)


class Factory(Protocol):
    """Makes the device behind a driver."""

    def __call__(self, around: Surroundings) -> Any:
        """Return a :class:`SimulatedDevice` or a :class:`Flame`."""


def _sc10(around: Surroundings) -> SC10:
    return SC10(around.clock, moved=around.path.shutter_moved)


def _finesse(around: Surroundings) -> Finesse:
    return Finesse(around.clock, power_changed=around.path.laser_power_changed)


def _ell14(around: Surroundings) -> ELL14:
    return ELL14(
        around.clock,
        turned=around.path.mount_turned,
        address=str(around.settings.get("address", "0")),
        rng=around.rng,
    )


def _linkam(around: Surroundings) -> LinkamT95:
    return LinkamT95(around.clock, ambient_K=ROOM_TEMPERATURE_K, rng=around.rng)


def _flame(around: Surroundings) -> Flame:
    return Flame(
        around.clock,
        serial=str(around.settings.get("serial") or "FLMS00001"),
        expose=around.path.expose,
        rng=around.rng,
    )


DEVICES: Mapping[str, Factory] = {
    "drivers.sc10.SC10": _sc10,
    "drivers.finesse.Finesse": _finesse,
    "drivers.elliptec.ELL14": _ell14,
    "drivers.linkam.LinkamT95": _linkam,
    "drivers.ocean.OceanSpectrometer": _flame,
}


class SimulatedBench:
    """All simulated instruments of a bench, with one sample in their midst.

    :param clock: the bench's clock.
    :param instruments: name → (dotted path of the driver, its settings).
    :param optics: ``attenuation`` (law of the optic in the mount), ``spot_diameter_um`` and
        ``path_transmission``; empty on a bench without illumination.
    :param sample: name of a preset of :mod:`simulators.presets`.
    :param link: ``memory``, ``tcp`` or ``pty``.
    :param seed: seed of all noise; every device has a stream of its own, by its name.
    :raises ConfigurationError: for an unknown sample, or a driver without a simulated device.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        instruments: Mapping[str, tuple[str, Mapping[str, Any]]],
        optics: Mapping[str, Any],
        sample: str,
        link: str,
        seed: int,
    ) -> None:
        parameters = preset(sample)
        path = _LateLightPath()
        self.devices: dict[str, Any] = {}
        for name, (driver, settings) in instruments.items():
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
            around = Surroundings(clock, rng, path, settings)
            self.devices[name] = _factory(name, driver)(around)
        self.truth = Truth()
        self.light_path = LightPath(
            clock,
            Sample(parameters),
            optics=Optics(**optics) if optics else Optics(),
            wavelengths=self._wavelengths(),
            rng=np.random.default_rng([seed, zlib.crc32(b"light path")]),
            stage_temperature=self._stage_temperature(),
            truth=self.truth,
        )
        path.bind(self.light_path)
        self._links = ExitStack()
        self._connections = {
            name: self._connect(device, clock, link) for name, device in self.devices.items()
        }

    def connection(self, name: str) -> Mapping[str, Any]:
        """Return where the driver of an instrument finds its device."""
        return self._connections[name]

    def write_truth(self, path: Path, time_zero: float) -> None:
        """Write the sample's true state against time as CSV; ``time_zero`` is clock time, s."""
        self.light_path.advance(self.light_path.clock.now())
        self.truth.write_csv(path, time_zero)

    def close(self) -> None:
        """End all links; devices in memory just go."""
        self._links.close()

    def _connect(self, device: Any, clock: Clock, link: str) -> Mapping[str, Any]:
        if isinstance(device, Flame):
            return {"resource": FlameLink(device, clock)}
        if link == "memory":
            return {"resource": MemoryLink(device, clock)}
        kind = TcpLink if link == "tcp" else PtyLink
        opened = self._links.enter_context(kind(device, clock))
        return {"resource": opened.resource, "visa_library": opened.visa_library}

    def _wavelengths(self) -> NDArray[np.float64]:
        for device in self.devices.values():
            if isinstance(device, Flame):
                return device.wavelengths
        return _FINEST_WAVELENGTHS

    def _stage_temperature(self) -> Callable[[float], float]:
        for device in self.devices.values():
            if isinstance(device, LinkamT95):
                return device.temperature_at
        return lambda _moment: ROOM_TEMPERATURE_K


def _factory(name: str, driver: str) -> Factory:
    if driver in DEVICES:
        return DEVICES[driver]
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name == driver:
            factory: Factory = entry.load()
            return factory
    raise ConfigurationError(
        f"instruments.{name}: there is no simulated device for the driver {driver}. Simulated can "
        f"be: {', '.join(DEVICES)}."
    )

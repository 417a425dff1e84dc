"""The whole simulated bench: devices, their wires, the light path and the sample behind them.

Built from plain data (driver names, settings, optics), so that it needs nothing of the code that
reads bench files. Which device stands behind which driver is in :data:`DEVICES`; other packages add
theirs under the entry-point group ``labcool.simulators`` (name: the driver as bench files give it).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import ConfigurationError
from simulators._bus import Bus
from simulators._devices import DEVICES, ROOM_TEMPERATURE_K, Factory, Surroundings, factory
from simulators.device import SimulatedDevice
from simulators.flame import Flame
from simulators.light_path import LightPath, Optics
from simulators.link import PtyLink, ServedLink, TcpLink
from simulators.linkam import LinkamT95
from simulators.memory import MemoryLink
from simulators.presets import preset
from simulators.sample import Sample
from simulators.truth import Truth
from simulators.usb_backend import FlameLink

__all__ = ["DEVICES", "Factory", "SimulatedBench", "Surroundings"]

SERVED_LINKS: Mapping[str, Callable[[SimulatedDevice, Clock], ServedLink]] = {
    "tcp": TcpLink,
    "pty": PtyLink,
}

_WITHOUT_SPECTROMETER = np.linspace(350.0, 1000.0, 2048)
"""Wavelengths (nm) for which the light is computed where nobody looks at it."""


class SimulatedBench:
    """All simulated instruments of a bench, with one sample in their midst.

    :param clock: the bench's clock.
    :param instruments: name → (dotted path of the driver, its settings).
    :param optics: ``attenuation`` (law of the optic in the mount), ``spot_diameter_um`` and
        ``path_transmission``; empty on a bench without illumination.
    :param sample: name of a preset of :mod:`simulators.presets`.
    :param link: ``memory``, ``tcp`` or ``pty``.
    :param seed: seed of all noise; every device has a stream of its own, by its name.
    :param beam: names of the laser, mount and shutter that the pump light passes; empty: the first
        instrument of each driver.
    :param ports: name → port; instruments on the same port hang on one wire, all others on their
        own.
    :raises ConfigurationError: for an unknown sample, a driver without a simulated device, or
        spectrometers whose pixels see different wavelengths.
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
        beam: Collection[str] = (),
        ports: Mapping[str, str] | None = None,
    ) -> None:
        parameters = preset(sample)
        in_beam = beam or _first_of_each_driver(instruments)
        self.devices: dict[str, SimulatedDevice | Flame] = {}
        everywhere: list[Surroundings] = []
        for name, (driver, settings) in instruments.items():
            make = factory(name, driver)
            everywhere.append(
                Surroundings(clock, _dice(seed, name), settings, in_beam=name in in_beam)
            )
            self.devices[name] = make(everywhere[-1])
        self.truth = Truth()
        self.light_path = LightPath(
            clock,
            Sample(parameters),
            optics=Optics(**optics),
            wavelengths=self._wavelengths(),
            rng=_dice(seed, "light path"),
            stage_temperature=self._stage_temperature(),
            truth=self.truth,
        )
        for around in everywhere:
            around.complete(self.light_path)
        with ExitStack() as links:
            self._connections = self._connect(clock, link, ports or {}, links)
            self._links = links.pop_all()

    def connection(self, name: str) -> Mapping[str, Any]:
        """Return where the driver of an instrument finds its device."""
        return self._connections[name]

    def write_truth(self, path: Path, time_zero: float) -> None:
        """Write the sample's true state against time as CSV; ``time_zero`` is clock time, s."""
        self.light_path.advance(self.light_path.clock.now())
        self.truth.write_csv(path, time_zero)

    def close(self) -> None:
        """End all links; devices in memory just go. A second call does nothing."""
        self._links.close()

    def _connect(
        self, clock: Clock, link: str, ports: Mapping[str, str], links: ExitStack
    ) -> dict[str, Mapping[str, Any]]:
        connections: dict[str, Mapping[str, Any]] = {}
        wires: dict[str, dict[str, SimulatedDevice]] = {}
        for name, device in self.devices.items():
            if isinstance(device, Flame):
                connections[name] = {"resource": FlameLink(device, clock)}
            else:
                port = f"port {ports[name]}" if name in ports else f"port of {name}"
                wires.setdefault(port, {})[name] = device
        for devices in wires.values():
            alone = next(iter(devices.values()))
            end = alone if len(devices) == 1 else Bus(clock, list(devices.values()))
            connections |= dict.fromkeys(devices, _wire(end, clock, link, links))
        return connections

    def _wavelengths(self) -> NDArray[np.float64]:
        flames = {name: d for name, d in self.devices.items() if isinstance(d, Flame)}
        if not flames:
            return _WITHOUT_SPECTROMETER
        first = next(iter(flames))
        wavelengths = flames[first].wavelengths
        for name, flame in flames.items():
            if not np.array_equal(flame.wavelengths, wavelengths):
                raise ConfigurationError(
                    f"instruments.{name}: its pixels see other wavelengths than those of {first}, "
                    "and the simulated light is computed for one set. Give both the same model."
                )
        return wavelengths

    def _stage_temperature(self) -> Callable[[float], float]:
        for device in self.devices.values():
            if isinstance(device, LinkamT95):
                return device.temperature_at
        return lambda _moment: ROOM_TEMPERATURE_K


def _dice(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _first_of_each_driver(
    instruments: Mapping[str, tuple[str, Mapping[str, Any]]],
) -> Collection[str]:
    first: dict[str, str] = {}
    for name, (driver, _) in instruments.items():
        first.setdefault(driver, name)
    return set(first.values())


def _wire(device: SimulatedDevice, clock: Clock, link: str, links: ExitStack) -> Mapping[str, Any]:
    if link == "memory":
        return {"resource": MemoryLink(device, clock)}
    served = links.enter_context(SERVED_LINKS[link](device, clock))
    return {"resource": served.resource, "visa_library": served.visa_library}

"""The whole simulated bench: devices, their wires, the light path and the sample behind them.

Built from plain data (driver names, settings, optics), so that it needs nothing of the code that
reads bench files. Which device stands behind which driver is in :data:`DEVICES`; other packages add
theirs under the entry-point group ``labcool.simulators`` (name: the driver as bench files give it).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from labcool.clock import Clock
from labcool.errors import ConfigurationError
from simulators._beam_plan import plan
from simulators._bus import Bus
from simulators._devices import (
    DEVICES,
    ROOM_TEMPERATURE_K,
    Factory,
    Surroundings,
    factory,
)
from simulators._light_history import LightHistory
from simulators._superk_modules import one_device_each
from simulators._surroundings import Device
from simulators.andor import AndorCamera
from simulators.detection import Detection, LockInInput, MeterPlace
from simulators.device import SimulatedDevice
from simulators.faults import Fault, FaultHost, FaultyDevice, Injection
from simulators.flame import Flame
from simulators.lakeshore import LakeShore
from simulators.light_path import LightPath, Optics
from simulators.link import Lock, PtyLink, ServedLink, TcpLink
from simulators.linkam import LinkamT95
from simulators.memory import MemoryLink
from simulators.presets import preset
from simulators.sample import Sample
from simulators.shamrock import Shamrock
from simulators.truth import Truth

__all__ = ["DEVICES", "Factory", "SimulatedBench", "Surroundings"]

SERVED_LINKS: Mapping[str, Callable[[SimulatedDevice, Clock, Lock], ServedLink]] = {
    "tcp": TcpLink,
    "pty": PtyLink,
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
    :param beam: names of the laser, mount and shutter that the pump light passes; empty: the first
        of each. Of all others the first instrument of each driver is in the beam.
    :param ports: name → port; instruments on the same port hang on one wire, all others on their
        own.
    :param faults: of which instrument, and its parameters; put in before anybody connects.
    :param lock_in_input: which signal is at the lock-in's input; None: that of the probe laser if
        there is one besides the pump laser, else the luminescence.
    :param power_meter: where the sensor of the power meter stands.
    :raises ConfigurationError: for an unknown sample, a driver without a simulated device, or a
        fault that an instrument cannot have.
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
        faults: Iterable[tuple[str, Mapping[str, Any]]] = (),
        lock_in_input: LockInInput | None = None,
        power_meter: MeterPlace = "sample",
    ) -> None:
        parameters = preset(sample)
        light = plan(instruments, beam)
        self.devices: dict[str, Device] = {}
        self._around: dict[str, Surroundings] = {}
        self._hosts: dict[str, FaultHost] = {}
        for name, modules in one_device_each(instruments, ports or {}).items():
            driver, settings = instruments[name]
            make = factory(name, driver)
            around = Surroundings(
                clock,
                _dice(seed, name),
                settings,
                in_beam=any(module in light.in_beam for module in modules),
                is_probe=name == light.probe,
                modules={module: instruments[module] for module in modules},
            )
            device = make(around)
            host = around.fault_host(device)
            self._around |= dict.fromkeys(modules, around)
            self.devices |= dict.fromkeys(modules, device)
            self._hosts |= {} if host is None else dict.fromkeys(modules, host)
        self.truth = Truth()
        self.light_path = LightPath(
            clock,
            Sample(parameters),
            optics=Optics(**optics),
            rng=_dice(seed, "light path"),
            stage_temperature=self._stage_temperature(),
            truth=self.truth,
            pump_wavelength=light.pump_wavelength,
            history=LightHistory() if any(a.detects for a in self._around.values()) else None,
        )
        detection = Detection(
            self.light_path,
            at_lock_in=lock_in_input or ("photothermal" if light.probe else "luminescence"),
            probe_wavelength=light.probe_wavelength,
            meter_at=power_meter,
        )
        for around in dict.fromkeys(self._around.values()):
            around.complete(self.light_path, detection)
        self._clock = clock
        self._ports = ports or {}
        # One lock for all that touches the light or what acts on it, from whatever thread.
        self._lock = self.light_path._lock
        for name, given in faults:
            self.inject(name, Fault(**given))
        with ExitStack() as links:
            self._connections = self._connect(clock, link, links)
            self._links = links.pop_all()

    def connection(self, name: str) -> Mapping[str, Any]:
        """Return where the driver of an instrument finds its device."""
        return self._connections[name]

    def model(self, name: str) -> str:
        """Return what the device of an instrument is."""
        device = self.devices[name]
        if isinstance(device, LakeShore):
            return f"LakeShore {device.model}"
        if isinstance(device, AndorCamera):
            return f"Andor {device.model.head}"
        if isinstance(device, Shamrock):
            return device.model
        return device.model.name if isinstance(device, Flame) else type(device).__name__

    def inject(self, name: str, fault: Fault) -> Injection:
        """Put a fault into an instrument, between its device and whoever drives it.

        :raises ConfigurationError: if the instrument cannot have it.
        """
        if name not in self._hosts:
            raise ConfigurationError(f"{name}: no fault can be put into this instrument.")
        try:
            with self._lock:
                return self._hosts[name].inject(fault)
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from error

    def clear_faults(self, name: str) -> None:
        """End all faults of an instrument; an answer that is late is still on its way."""
        with self._lock:
            self._hosts[name].clear()

    def why_not_served(self, name: str) -> str | None:
        """Return why no port can be opened for an instrument; None if one can."""
        return self._around[name].why_not_served

    def serve(
        self, names: Iterable[str], *, link: str, tcp_ports: Mapping[str, int]
    ) -> dict[str, ServedLink]:
        """Open ports of this computer for devices, to any program, until :meth:`close`.

        Call it on a bench whose own link is ``memory``, and use either. Somebody has to call
        :meth:`pass_time` now and then; the truth is not kept from now on, which would need more
        memory by the hour.

        :param names: instruments that :meth:`why_not_served` says nothing against; those of them
            that share a port do so here, too.
        :param link: ``tcp`` or ``pty``.
        :param tcp_ports: name → number of its TCP port; all others: any free one.
        :return: name → link, in the order of the names.
        :raises LimitError: if no port can have such a number.
        :raises ConfigurationError: if a port is in use; the others are closed by :meth:`close`.
        """
        self.light_path._truth = None
        chosen = list(names)
        links: dict[str, ServedLink] = {}
        for devices in self._wires(chosen).values():
            end = _end_of(devices, self._clock)
            port = next((tcp_ports[name] for name in devices if name in tcp_ports), 0)
            made = (
                TcpLink(end, self._clock, self._lock, port=port)
                if link == "tcp"
                else SERVED_LINKS[link](end, self._clock, self._lock)
            )
            links |= dict.fromkeys(devices, self._links.enter_context(made))
        return {name: links[name] for name in chosen}

    def pass_time(self) -> None:
        """Let devices and sample do what they do by themselves up to now, if nobody asks them."""
        with self._lock:
            now = self._clock.now()
            for name, device in self.devices.items():
                if (host := self._hosts.get(name)) is not None:
                    host.poke()
                if isinstance(device, SimulatedDevice):
                    device.receive(b"")
            self.light_path.advance(now)

    def write_truth(self, path: Path, time_zero: float) -> None:
        """Write the sample's true state against time as CSV; ``time_zero`` is clock time, s."""
        self.light_path.advance(self.light_path.clock.now())
        self.truth.write_csv(path, time_zero)

    def close(self) -> None:
        """End all links; devices in memory just go. A second call does nothing."""
        self._links.close()

    def _connect(self, clock: Clock, link: str, links: ExitStack) -> dict[str, Mapping[str, Any]]:
        connections: dict[str, Mapping[str, Any]] = {}
        for name, around in self._around.items():
            if around.resource is not None:
                connections[name] = {"resource": around.resource}
        for devices in self._wires(self.devices).values():
            end = _end_of(devices, clock)
            connections |= dict.fromkeys(devices, _wire(end, clock, link, self._lock, links))
        return connections

    def _wires(self, names: Iterable[str]) -> dict[str, dict[str, SimulatedDevice]]:
        """Return port → the devices on it by name, for those of the names that have one."""
        wires: dict[str, dict[str, SimulatedDevice]] = {}
        for name in names:
            host = self._hosts.get(name)
            if isinstance(host, FaultyDevice):
                port = f"port {self._ports[name]}" if name in self._ports else f"port of {name}"
                wires.setdefault(port, {})[name] = host
        return wires

    def _sample_output(self, name: str) -> int:
        """Return the output whose stage the sample is on: that of the input the driver reads."""
        return 1 + "ABCD".index(str(self._around[name].settings.get("input", "A")))

    def _stage_temperature(self) -> Callable[[float], float]:
        for device in self.devices.values():
            if isinstance(device, LinkamT95):
                return device.temperature_at
        for name, device in self.devices.items():
            if isinstance(device, LakeShore):
                output = self._sample_output(name)
                return lambda moment: device.temperature_at(moment, output)
        return lambda _moment: ROOM_TEMPERATURE_K


def _dice(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _end_of(devices: Mapping[str, SimulatedDevice], clock: Clock) -> SimulatedDevice:
    ends = list(dict.fromkeys(devices.values()))
    return ends[0] if len(ends) == 1 else Bus(clock, ends)


def _wire(
    device: SimulatedDevice, clock: Clock, link: str, lock: Lock, links: ExitStack
) -> Mapping[str, Any]:
    if link == "memory":
        return {"resource": MemoryLink(device, clock)}
    served = links.enter_context(SERVED_LINKS[link](device, clock, lock))
    return {"resource": served.resource, "visa_library": served.visa_library}

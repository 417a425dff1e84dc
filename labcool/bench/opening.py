"""From a bench file to an open bench: simulated devices if asked for, then the drivers."""

from __future__ import annotations

import importlib
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any, Protocol, cast

from labcool.bench._links import has_own_device, links_of, used_first, with_used
from labcool.bench._shared_port import SharedPort
from labcool.bench._yaml_relations import port_key
from labcool.bench.attenuator import AttenuationLaw, RotaryAttenuator
from labcool.bench.bench import Bench, Simulation
from labcool.bench.bench_file import LoadedBench
from labcool.bench.driver_settings import load_driver
from labcool.bench.illumination import Illumination
from labcool.bench.limited_stage import LimitedStage
from labcool.bench.roles import (
    Instrument,
    Laser,
    RotationMount,
    Shutter,
    TemperatureController,
    missing_members,
)
from labcool.bench.schema import BenchSpec, IlluminationSpec, InstrumentSpec, LimitsSpec, OpticSpec
from labcool.calibration import SpotCalibration
from labcool.clock import Clock, RealClock, ScaledClock, VirtualClock
from labcool.errors import ConfigurationError, LabcoolError
from labcool.models.attenuation import GradedFilter, HalfWavePlate

log = logging.getLogger(__name__)

SIMULATORS_MODULE = "simulators.bench"
"""Loaded by name, so that nothing of labcool imports a simulator on a real bench."""

DEFAULT_FLUENCE_LIMITS_W_CM2 = (0.0, 1.0e6)


class _Wires(Simulation, Protocol):
    def connection(self, name: str) -> Mapping[str, Any]:
        """Return the driver's connection arguments (``resource``, ``visa_library``)."""


def open_bench(loaded: LoadedBench, *, only: Collection[str] | None = None) -> Bench:
    """Connect to the instruments of a bench; connecting moves nothing.

    :param loaded: a validated bench file.
    :param only: names of the instruments to connect to; None: all (and the illumination). Those
        that they use are connected, too.
    :raises ConfigurationError: if ``only`` names what the bench does not have, or it cannot be
        simulated.
    :raises labcool.errors.InstrumentError: if one does not answer or is another model; those
        connected until then are left safe, and what goes wrong with that is logged.
    """
    spec = loaded.spec
    _check_names(only or (), spec)
    clock = make_clock(spec)
    with ExitStack() as undo:
        wires = start_simulation(spec, clock)
        if wires is not None:
            undo.callback(wires.close)
        places = _places(spec, wires)
        settings = links_of(spec)
        links = {name: tuple(used.values()) for name, used in settings.items()}
        wanted = with_used(spec.instruments if only is None else only, links)
        connected: dict[str, Instrument] = {}
        for name in used_first((n for n in spec.instruments if n in wanted), links):
            used = {setting: connected[other] for setting, other in settings[name].items()}
            connected[name] = _within_limits(
                _connect(name, spec.instruments[name], clock, {**places[name], **used}), spec.limits
            )
            undo.callback(_leave_safe, connected[name])
        instruments = {name: connected[name] for name in spec.instruments if name in connected}
        illumination = None
        if spec.illumination is not None and only is None:
            illumination = _illumination(spec, spec.illumination, instruments, clock)
        undo.pop_all()
    return Bench(loaded, clock, instruments, illumination, wires, links)


def make_clock(spec: BenchSpec) -> Clock:
    """Return the clock a bench runs on: the wall's, unless its simulation says otherwise."""
    if spec.simulation is None or spec.simulation.clock == "real":
        return RealClock()
    if spec.simulation.clock == "virtual":
        return VirtualClock()
    return ScaledClock(spec.simulation.speed)


def attenuation_law(optic: OpticSpec) -> AttenuationLaw:
    """Return the law of the optic that a bench file describes."""
    if optic.kind == "half_wave_plate":
        return HalfWavePlate(
            zero_angle=optic.zero_angle, extinction=optic.extinction, maximum=optic.maximum
        )
    return GradedFilter(table=tuple(optic.table))


def spot_calibration(spec: IlluminationSpec) -> SpotCalibration:
    """Return the dated spot calibration of a bench file."""
    return SpotCalibration(**spec.spot.model_dump())


def _check_names(names: Collection[str], spec: BenchSpec) -> None:
    for name in names:
        if name not in spec.instruments:
            raise ConfigurationError(
                f"There is no instrument '{name}' on this bench. It has: "
                f"{', '.join(spec.instruments)}."
            )


def _connect(
    name: str, entry: InstrumentSpec, clock: Clock, where: Mapping[str, Any]
) -> Instrument:
    driver = load_driver(entry.driver)
    label = f"{name} ({driver.__name__})"
    return cast(Instrument, driver(name=label, clock=clock, **{**entry.settings, **where}))


def _within_limits(instrument: Instrument, limits: LimitsSpec | None) -> Instrument:
    if limits is None or limits.stage_temperature_K is None:
        return instrument
    if missing_members(type(instrument), TemperatureController):
        return instrument
    return LimitedStage(cast(TemperatureController, instrument), limits.stage_temperature_K)


def _leave_safe(instrument: Instrument) -> None:
    """End the use of an instrument because of another's failure, which stays the one raised."""
    try:
        instrument.shutdown()
    except LabcoolError as error:
        log.error("%s", error)


def ports_of(spec: BenchSpec) -> dict[str, str]:
    """Return which instruments are on which port, the same text for the same port."""
    entries = spec.instruments.items()
    return {name: port_key(entry.resource) for name, entry in entries if entry.resource is not None}


def _places(spec: BenchSpec, wires: _Wires | None) -> dict[str, Mapping[str, Any]]:
    """Return the connection arguments of every driver; those on one port share it."""
    places: dict[str, Mapping[str, Any]] = {}
    for name, entry in spec.instruments.items():
        own = {} if entry.resource is None else {"resource": entry.resource}
        if wires is not None and has_own_device(load_driver(entry.driver)):
            own = dict(wires.connection(name))
        places[name] = own
    ports = ports_of(spec)
    users = Counter(ports.values())
    shared = {
        port: {"resource": SharedPort(**places[name])}
        for name, port in ports.items()
        if users[port] > 1
    }
    return {name: shared.get(ports.get(name, ""), place) for name, place in places.items()}


def start_simulation(spec: BenchSpec, clock: Clock) -> _Wires | None:
    """Return the simulated devices of a bench and their wires; None for a real bench.

    :raises ConfigurationError: if the bench cannot be simulated.
    """
    if spec.simulation is None:
        return None
    optics: dict[str, Any] = {}
    beam: tuple[str, ...] = ()
    if (light := spec.illumination) is not None:
        beam = (light.laser, light.attenuator.mount, light.shutter)
        optics = {
            "attenuation": attenuation_law(light.attenuator.optic),
            "spot_diameter_um": light.spot.diameter_um,
            "path_transmission": light.spot.path_transmission,
        }
    simulated = importlib.import_module(SIMULATORS_MODULE).SimulatedBench(
        clock=clock,
        instruments={
            name: (entry.driver, dict(entry.settings))
            for name, entry in spec.instruments.items()
            if has_own_device(load_driver(entry.driver))
        },
        optics=optics,
        sample=spec.simulation.sample,
        link=spec.simulation.link,
        seed=spec.simulation.seed,
        beam=beam,
        ports=ports_of(spec),
        lock_in_input=spec.simulation.lock_in_input,
        power_meter=spec.simulation.power_meter,
        faults=[(fault.instrument, fault.parameters) for fault in spec.simulation.faults],
    )
    return cast(_Wires, simulated)


def _illumination(
    spec: BenchSpec,
    entry: IlluminationSpec,
    instruments: Mapping[str, Instrument],
    clock: Clock,
) -> Illumination:
    mount = cast(RotationMount, instruments[entry.attenuator.mount])
    limits = DEFAULT_FLUENCE_LIMITS_W_CM2
    if spec.limits is not None and spec.limits.fluence_W_cm2 is not None:
        limits = spec.limits.fluence_W_cm2
    return Illumination(
        laser=cast(Laser, instruments[entry.laser]),
        attenuator=RotaryAttenuator(mount, attenuation_law(entry.attenuator.optic)),
        shutter=cast(Shutter, instruments[entry.shutter]),
        spot=spot_calibration(entry),
        power=entry.power_W,
        limits=limits,
        power_stability=entry.power_stability,
        clock=clock,
    )

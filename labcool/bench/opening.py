"""From a bench file to an open bench: simulated devices if asked for, then the drivers."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any, Protocol, cast

from labcool.bench.attenuator import AttenuationLaw, RotaryAttenuator
from labcool.bench.bench import Bench, Simulation
from labcool.bench.bench_file import LoadedBench
from labcool.bench.driver_settings import load_driver
from labcool.bench.illumination import Illumination
from labcool.bench.roles import Instrument, Laser, RotationMount, Shutter
from labcool.bench.schema import BenchSpec, IlluminationSpec, InstrumentSpec, OpticSpec
from labcool.calibration import SpotCalibration
from labcool.clock import Clock, RealClock, ScaledClock, VirtualClock
from labcool.models.attenuation import GradedFilter, HalfWavePlate

SIMULATORS_MODULE = "simulators.bench"
"""Loaded by name, so that nothing of labcool imports a simulator on a real bench."""

DEFAULT_FLUENCE_LIMITS_W_CM2 = (0.0, 1.0e6)


class _Wires(Simulation, Protocol):
    def connection(self, name: str) -> Mapping[str, Any]:
        """Return the driver's connection arguments (``resource``, ``visa_library``)."""


def open_bench(loaded: LoadedBench, *, only: Collection[str] | None = None) -> Bench:
    """Connect to the instruments of a bench; connecting moves nothing.

    :param loaded: a validated bench file.
    :param only: names of the instruments to connect to; None: all (and the illumination).
    :raises labcool.errors.InstrumentError: if one does not answer or is another model; those
        connected until then are left safe.
    """
    spec = loaded.spec
    clock = make_clock(spec)
    with ExitStack() as undo:
        wires = _start_simulation(spec, clock)
        if wires is not None:
            undo.callback(wires.close)
        instruments: dict[str, Instrument] = {}
        for name, entry in spec.instruments.items():
            if only is None or name in only:
                instruments[name] = _connect(name, entry, clock, wires)
                undo.callback(instruments[name].shutdown)
        illumination = None
        if spec.illumination is not None and only is None:
            illumination = _illumination(spec, spec.illumination, instruments, clock)
        undo.pop_all()
    return Bench(loaded, clock, instruments, illumination, wires)


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


def _connect(name: str, entry: InstrumentSpec, clock: Clock, wires: _Wires | None) -> Instrument:
    driver = load_driver(entry.driver)
    where: Mapping[str, Any] = {"resource": entry.resource} if entry.resource is not None else {}
    if wires is not None:
        where = wires.connection(name)
    label = f"{name} ({driver.__name__})"
    return cast(Instrument, driver(name=label, clock=clock, **where, **entry.settings))


def _start_simulation(spec: BenchSpec, clock: Clock) -> _Wires | None:
    if spec.simulation is None:
        return None
    optics: dict[str, Any] = {}
    if spec.illumination is not None:
        optics = {
            "attenuation": attenuation_law(spec.illumination.attenuator.optic),
            "spot_diameter_um": spec.illumination.spot.diameter_um,
            "path_transmission": spec.illumination.spot.path_transmission,
        }
    simulated = importlib.import_module(SIMULATORS_MODULE).SimulatedBench(
        clock=clock,
        instruments={
            name: (entry.driver, dict(entry.settings)) for name, entry in spec.instruments.items()
        },
        optics=optics,
        sample=spec.simulation.sample,
        link=spec.simulation.link,
        seed=spec.simulation.seed,
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

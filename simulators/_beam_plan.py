"""Which instruments of a bench stand in the beam, and which laser does what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Instruments: TypeAlias = Mapping[str, tuple[str, Mapping[str, Any]]]
"""Name → (dotted path of the driver, its settings)."""

KINDS: Final[dict[str, str]] = {
    "drivers.sc10.SC10": "shutter",
    "drivers.ksc101.KSC101": "shutter",
    "drivers.ttl_shutter.TTLShutter": "shutter",
    "drivers.finesse.Finesse": "laser",
    "drivers.obis.Obis": "laser",
    "drivers.cobolt.Cobolt06": "laser",
    "drivers.elliptec.ELL14": "mount",
    "drivers.k10cr1.K10CR1": "mount",
}
"""Drivers of different instruments that do the same to the pump beam, of which it has one each."""

TUNABLE_SOURCES: Final = "drivers.superk"
"""How the drivers of tunable sources begin: where there is one, no laser has to be the pump."""

LASER_WAVELENGTHS_NM: Final = {
    "drivers.finesse.Finesse": 532.0,
    "drivers.obis.Obis": 785.0,
    "drivers.cobolt.Cobolt06": 532.0,
}
"""Of lasers whose bench file does not say."""


@dataclass(frozen=True)
class BeamPlan:
    """What the instruments of a bench are to its light.

    :param in_beam: names of those that the pump beam passes, its laser included.
    :param pump_wavelength: nm; None: there is no pump laser that is known.
    :param probe: name of the probe laser; None: there is none.
    :param probe_wavelength: nm.
    """

    in_beam: Collection[str]
    pump_wavelength: float | None
    probe: str | None
    probe_wavelength: float


def plan(instruments: Instruments, beam: Collection[str] = ()) -> BeamPlan:
    """Return what the instruments are to the light.

    :param beam: names of the laser, mount and shutter that the pump light passes; empty: the first
        of each, but no laser if there is a tunable source. Of all other kinds it is the first
        instrument of its driver in any case. The first other laser is the probe.
    """
    is_tunable = any(driver.startswith(TUNABLE_SOURCES) for driver, _ in instruments.values())
    first: dict[str, str] = {}
    for name, (driver, _) in instruments.items():
        kind = KINDS.get(driver, driver)
        if not (beam and driver in KINDS) and not (is_tunable and kind == "laser"):
            first.setdefault(kind, name)
    in_beam = {*beam, *first.values()}
    lasers = [name for name, (driver, _) in instruments.items() if KINDS.get(driver) == "laser"]
    pump = next((name for name in lasers if name in in_beam), None)
    probe = next((name for name in lasers if name not in in_beam), None)
    return BeamPlan(
        in_beam,
        None if pump is None else _wavelength(*instruments[pump]),
        probe,
        LASER_WAVELENGTHS_NM["drivers.obis.Obis"]
        if probe is None
        else _wavelength(*instruments[probe]),
    )


def _wavelength(driver: str, settings: Mapping[str, Any]) -> float:
    return float(settings.get("wavelength") or LASER_WAVELENGTHS_NM[driver])

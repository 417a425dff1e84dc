"""What must fit together between the sections of a bench file.

Works on plain data that may be wrong in other respects, so that all problems of a file can be told
at once: whatever does not have the expected type is passed over here.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pyvisa import rname

from labcool.bench._positions import Path
from labcool.bench._yaml_faults import impossible_faults
from labcool.bench._yaml_problems import Fault, did_you_mean, shown

BUS_ADDRESSES: Mapping[str, tuple[str, Mapping[str, str | int]]] = {
    "drivers.elliptec.ELL14": ("Elliptec", {"address": "0"}),
    "drivers.superk.SuperK": ("Interbus", {"address": 15}),
    "drivers.superk_select.SuperKSelect": ("Interbus", {"rf_address": 16, "select_address": 18}),
    "drivers.superk_varia.SuperKVaria": ("Interbus", {"address": 17}),
}
"""Drivers that may share a port with others of the same bus, with the settings that tell them apart
and what these are if they are not stated."""

PRESETS_MODULE = "simulators.presets"
"""Loaded by name, and for simulated benches only: labcool imports no simulator."""

_REFERENCES: tuple[Path, ...] = (("laser",), ("shutter",), ("attenuator", "mount"))

Instruments = dict[str, dict[str, Any]]


def relation_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what does not fit together in the plain data of a bench file."""
    entries = data.get("instruments")
    if not isinstance(entries, dict):
        return
    instruments = {name: entry for name, entry in entries.items() if isinstance(entry, dict)}
    yield from _unknown_references(data.get("illumination"), list(entries))
    yield from _strange_resources(instruments)
    yield from _too_much_power(data.get("illumination"), instruments)
    yield from _unknown_sample(data.get("simulation"))
    yield from impossible_faults(data.get("simulation"), instruments)
    yield from _shared_ports(instruments)
    yield from _same_devices(instruments)


def _unknown_references(illumination: object, names: list[str]) -> Iterator[Fault]:
    for path in _REFERENCES:
        value: Any = illumination
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str) and value and value not in names:
            yield Fault(
                ("illumination", *path),
                f"{shown(value)} is not an instrument of this bench",
                f"one of {', '.join(names) or 'no instruments'}",
                did_you_mean(value, names),
            )


def _strange_resources(instruments: Instruments) -> Iterator[Fault]:
    for name, entry in instruments.items():
        resource = entry.get("resource")
        if isinstance(resource, str) and resource.strip().startswith("/"):
            yield Fault(
                ("instruments", name, "resource"),
                f"{shown(resource)} is a device file and not a VISA resource",
                "a VISA resource, like ASRL/dev/ttyUSB0::INSTR or ASRL3::INSTR",
                f"write ASRL{resource.strip()}::INSTR",
            )


def _too_much_power(illumination: object, instruments: Instruments) -> Iterator[Fault]:
    if not isinstance(illumination, dict):
        return
    power = illumination.get("power_W")
    laser = instruments.get(str(illumination.get("laser")), {})
    largest = laser.get("max_power")
    numbers = [n for n in (power, largest) if isinstance(n, int | float)]
    if len(numbers) < 2 or isinstance(power, bool) or numbers[0] <= numbers[1]:
        return
    yield Fault(
        ("illumination", "power_W"),
        f"{shown(power)} is more than the laser's max_power",
        f"a number from above 0 to {largest:g}",
        f"lower it, or raise max_power of '{illumination['laser']}' if the laser allows it",
    )


def _unknown_sample(simulation: object) -> Iterator[Fault]:
    sample = simulation.get("sample") if isinstance(simulation, dict) else None
    if not isinstance(sample, str) or not sample:
        return
    known = list(importlib.import_module(PRESETS_MODULE).PRESETS)
    if sample not in known:
        yield Fault(
            ("simulation", "sample"),
            f"{shown(sample)} is not a sample that can be simulated",
            f"one of {', '.join(known)}",
            did_you_mean(sample, known),
        )


def _shared_ports(instruments: Instruments) -> Iterator[Fault]:
    first_on: dict[str, list[str]] = {}
    for name, entry in instruments.items():
        resource = entry.get("resource")
        if not isinstance(resource, str) or not resource.strip():
            continue
        earlier = first_on.setdefault(port_key(resource), [])
        for other in earlier:
            if (fault := _port_fault(name, entry, other, instruments[other])) is not None:
                yield fault
                break
        earlier.append(name)


def _port_fault(
    name: str, entry: dict[str, Any], other: str, other_entry: dict[str, Any]
) -> Fault | None:
    where: Path = ("instruments", name, "resource")
    what = f"{shown(entry['resource'])} is the port of '{other}' already"
    bus, mine = _on_bus(entry)
    other_bus, theirs = _on_bus(other_entry)
    if not bus or bus != other_bus:
        return Fault(where, what, "a port of its own for each instrument")
    for setting, address in mine.items():
        if str(address).upper() in (str(taken).upper() for taken in theirs.values()):
            allowed = f"the same port with another {setting}"
            return Fault(where, f"{what}, and both have the address {shown(address)}", allowed)
    return None


def _on_bus(entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the bus that a driver is on, empty if none, and the addresses that it has there."""
    bus, addresses = BUS_ADDRESSES.get(str(entry.get("driver")), ("", {}))
    return bus, {setting: entry.get(setting, default) for setting, default in addresses.items()}


def port_key(resource: str) -> str:
    """Return the same text for all spellings of one port's VISA resource string."""
    text = resource.strip()
    if device := re.fullmatch(r"(?i)ASRL(/.+?)(?:::INSTR)?", text):
        # Links such as /dev/serial/by-id/… and the device they lead to are one port.
        return f"ASRL{os.path.realpath(device[1])}::INSTR".upper()
    if com_port := re.fullmatch(r"(?i)(?:ASRL)?(?:COM)?(\d+)(?:::INSTR)?", text):
        return f"ASRL{int(com_port[1])}::INSTR"
    try:
        return rname.to_canonical_name(text.upper()).upper()
    except ValueError:
        return text.upper()


def _same_devices(instruments: Instruments) -> Iterator[Fault]:
    """Yield USB instruments of one driver that would open the same device."""
    portless = {n: e for n, e in instruments.items() if e.get("resource") is None}
    names = list(portless)
    for index, name in enumerate(names):
        entry = portless[name]
        for other in names[:index]:
            rival = portless[other]
            if entry.get("driver") != rival.get("driver"):
                continue
            serial, taken = entry.get("serial"), rival.get("serial")
            if serial is not None and serial == taken:
                yield Fault(
                    ("instruments", name, "serial"),
                    f"{shown(serial)} is the serial number of '{other}' already",
                    "a serial number of its own for each instrument",
                )
                break
            without = name if serial is None else other
            if (serial is None) != (taken is None) or entry == rival:
                yield Fault(
                    ("instruments", without),
                    f"'{name}' and '{other}' have the same driver and cannot be told apart",
                    "a serial number for each of them",
                )
                break

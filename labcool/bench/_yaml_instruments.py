"""The instruments of a bench file against the drivers they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from labcool.bench._positions import Path
from labcool.bench._yaml_detection import detection_faults
from labcool.bench._yaml_drivers import find_driver
from labcool.bench._yaml_links import link_faults
from labcool.bench._yaml_problems import Fault, shown
from labcool.bench.driver_settings import check_settings
from labcool.bench.roles import Laser, RotationMount, Shutter, missing_members

_ROLES: Mapping[Path, type] = {
    ("illumination", "laser"): Laser,
    ("illumination", "shutter"): Shutter,
    ("illumination", "attenuator", "mount"): RotationMount,
}


@dataclass
class CheckedInstruments:
    """What the check of the instruments gave.

    ``settings`` holds, by instrument, the driver's own settings with the types it asks for.
    """

    drivers: dict[str, type[Any]] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def check_instruments(data: Mapping[str, Any], written: Mapping[Path, str]) -> CheckedInstruments:
    """Find the driver of each instrument and check its settings and its role.

    :param data: the plain data of a bench file, which may be wrong in other respects.
    :param written: how values were typed, by path.
    """
    done = CheckedInstruments()
    entries = data.get("instruments")
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("driver"), str) and entry["driver"]:
            _check(done, name, entry, written)
    done.faults += _role_faults(data, done.drivers)
    done.faults += detection_faults(data, done.drivers)
    done.faults += link_faults(data, done.drivers)
    return done


def _check(
    done: CheckedInstruments, name: str, entry: dict[str, Any], written: Mapping[Path, str]
) -> None:
    here: Path = ("instruments", name)
    found = find_driver(entry["driver"])
    if isinstance(found, Fault):
        done.faults.append(replace(found, path=(*here, "driver")))
        return
    settings = {key: v for key, v in entry.items() if key not in ("driver", "resource")}
    typed = {path[2:]: text for path, text in written.items() if path[:2] == here}
    values, wrong = check_settings(found, settings, resource=entry.get("resource"), written=typed)
    done.drivers[name] = found
    done.settings[name] = values
    done.faults += [replace(fault, path=(*here, *fault.path)) for fault in wrong]


def _role_faults(data: Mapping[str, Any], drivers: Mapping[str, type[Any]]) -> Iterator[Fault]:
    for path, role in _ROLES.items():
        name: Any = data
        for step in path:
            name = name.get(step) if isinstance(name, dict) else None
        driver = drivers.get(name) if isinstance(name, str) else None
        if driver is None or not (missing := missing_members(driver, role)):
            continue
        able = [n for n, candidate in drivers.items() if not missing_members(candidate, role)]
        yield Fault(
            path,
            f"{shown(name)} ({driver.__name__}) is not a {role.__name__}",
            ", ".join(able) or f"a {role.__name__}, and this bench has none",
            f"it lacks {', '.join(missing)}",
        )

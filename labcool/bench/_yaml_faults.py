"""Whether the faults that a bench file wants can happen to the instruments that it names."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from labcool.bench._positions import Path
from labcool.bench._yaml_problems import Fault, did_you_mean, shown
from labcool.errors import ConfigurationError, LimitError

FAULTS_MODULE = "simulators.faults"
"""Loaded by name, and for simulated benches with faults only: labcool imports no simulator."""

_NOT_SETTINGS = ("driver", "resource")


def impossible_faults(
    simulation: object, instruments: Mapping[str, Mapping[str, Any]]
) -> Iterator[Fault]:
    """Yield what is wrong with ``simulation.faults`` of the plain data of a bench file."""
    entries = simulation.get("faults") if isinstance(simulation, dict) else None
    if not isinstance(entries, list | tuple):
        return
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            yield from _faults_of(("simulation", "faults", index), entry, instruments)


def _faults_of(
    path: Path, entry: Mapping[str, Any], instruments: Mapping[str, Mapping[str, Any]]
) -> Iterator[Fault]:
    name, kind = entry.get("instrument"), entry.get("fault")
    if isinstance(name, str) and name not in instruments:
        yield Fault(
            (*path, "instrument"),
            f"{shown(name)} is not an instrument of this bench",
            f"one of {', '.join(instruments)}",
            did_you_mean(name, list(instruments)),
        )
        return
    if not (isinstance(name, str) and isinstance(kind, str)):
        return
    faults = importlib.import_module(FAULTS_MODULE)
    try:
        known = _kinds_for(faults, name, instruments[name])
    except ConfigurationError:
        return
    if kind not in known:
        there_is = kind in faults.KINDS
        yield Fault(
            (*path, "fault"),
            f"{shown(kind)} " + (f"does not apply to '{name}'" if there_is else "is no fault"),
            f"for '{name}' one of {', '.join(known)}",
            did_you_mean(kind, known),
        )
        return
    parameters = {key: entry[key] for key in faults.PARAMETERS if key in entry}
    try:
        faults.Fault(kind, **parameters)
    except LimitError:
        return  # The section itself tells of values out of range.
    except ConfigurationError as error:
        yield Fault(path, str(error))


def _kinds_for(faults: Any, name: str, entry: Mapping[str, Any]) -> list[str]:
    """Return the faults that an instrument can have.

    :raises ConfigurationError: if its driver cannot be simulated, or not with its settings; that is
        told elsewhere.
    """
    settings = {key: value for key, value in entry.items() if key not in _NOT_SETTINGS}
    try:
        return list(faults.kinds_for(name, str(entry.get("driver")), settings))
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(str(error)) from error

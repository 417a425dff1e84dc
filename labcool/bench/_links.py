"""Instruments that use other instruments of the bench: in which order, and which of them.

A driver class declares the settings of its constructor that are instruments, and what each must
have::

    instruments: ClassVar[Mapping[str, Sequence[str]]] = {"source": ("aux_input",)}

In a bench file such a setting is the other instrument's name; the constructor gets that instrument,
connected. Whoever uses another is connected after it and ended before it.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from labcool.bench.driver_settings import linked_settings, load_driver
from labcool.bench.schema import BenchSpec

Links: TypeAlias = Mapping[str, Collection[str]]
"""Name of an instrument → names of those that it uses."""


def has_own_device(driver: type[Any]) -> bool:
    """Return True unless all that a driver reads comes through other instruments."""
    parameters = inspect.signature(driver.__init__).parameters
    return not linked_settings(driver) or "resource" in parameters


def links_of(spec: BenchSpec) -> dict[str, dict[str, str]]:
    """Return by instrument which of its settings is which other instrument, as a file says."""
    return {
        name: {
            setting: entry.settings[setting]
            for setting in linked_settings(load_driver(entry.driver))
            if entry.settings.get(setting) is not None
        }
        for name, entry in spec.instruments.items()
    }


def with_used(names: Iterable[str], links: Links) -> set[str]:
    """Return the names and those of all that they use, directly or not."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += links.get(name, ())
    return found


def used_first(names: Iterable[str], links: Links) -> list[str]:
    """Return the names with each after all that it uses, otherwise in the same order.

    The links must not run in a circle.
    """
    wanted = list(names)
    done: dict[str, None] = {}

    def take(name: str) -> None:
        for used in links.get(name, ()):
            if used in wanted and used not in done:
                take(used)
        done.setdefault(name)

    for name in wanted:
        take(name)
    return list(done)


def used_last(names: Iterable[str], links: Links) -> list[str]:
    """Return the names with each before all that it uses, otherwise in the same order."""
    wanted = list(names)
    users: dict[str, list[str]] = {}
    for name in wanted:
        for used in links.get(name, ()):
            users.setdefault(used, []).append(name)
    return used_first(wanted, users)

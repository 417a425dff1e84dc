"""Which public properties and methods a driver has, so that none is forgotten."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

from pymeasure.instruments import Instrument

import drivers
from drivers._wire import WiredInstrument

MAKERS = ("pymeasure.instruments.novanta", "pymeasure.instruments.thorlabs")
TRIED_OF_ALL = {"identity", "settings", "make_safe", "shutdown"}
PLUMBING = {
    name for name in (*dir(WiredInstrument), *dir(Instrument)) if not name.startswith("_")
} - {"clear", "reset", "status"}


def driver_classes() -> set[type]:
    """Return all drivers."""
    modules = [
        importlib.import_module(f"drivers.{found.name}")
        for found in pkgutil.iter_modules(drivers.__path__)
        if not found.name.startswith("_")
    ]
    return {
        candidate
        for module in modules
        for candidate in vars(module).values()
        if isinstance(candidate, type) and candidate.__module__ == module.__name__
        if hasattr(candidate, "shutdown")
    }


def readings_of(driver: type) -> set[str]:
    """Return the public properties of a driver, those of PyMeasure's class below it included."""
    return {name for name, what in _public(driver) if inspect.isdatadescriptor(what)}


def actions_of(driver: type) -> set[str]:
    """Return the public methods, and the properties that can be set, with ``=`` behind."""
    methods = {name for name, what in _public(driver) if inspect.isfunction(what)}
    return methods | {
        f"{name}="
        for name, what in _public(driver)
        if inspect.isdatadescriptor(what) and _can_be_set(driver, name, what)
    }


def _can_be_set(driver: type, name: str, what: object) -> bool:
    """Return whether a property has a setter; PyMeasure's measurements have one that refuses."""
    owner = next(owner for owner in driver.__mro__ if name in vars(owner))
    return not isinstance(what, property) or (
        what.fset is not None and not owner.__module__.startswith(MAKERS)
    )


def _public(driver: type) -> Iterator[tuple[str, object]]:
    for owner in driver.__mro__:
        if owner.__module__.startswith(("drivers.", *MAKERS)) and owner is not WiredInstrument:
            for name in vars(owner):
                if not name.startswith("_") and name not in PLUMBING | TRIED_OF_ALL:
                    yield name, inspect.getattr_static(driver, name)

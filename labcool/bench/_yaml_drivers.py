"""Finding the class that a bench file names as a driver."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from labcool.bench._yaml_problems import Fault, did_you_mean, shown

DRIVERS_PACKAGE = "drivers"
ENTRY_POINT_GROUP = "labcool.drivers"

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_METHODS = ("settings", "make_safe", "shutdown")
_ARGUMENTS = ("name", "clock")


def known_drivers() -> list[str]:
    """Return the modules of the ``drivers`` package and the drivers of other distributions.

    Nothing but the package itself is imported.
    """
    package = importlib.import_module(DRIVERS_PACKAGE)
    modules = (module.name for module in pkgutil.iter_modules(package.__path__))
    own = [f"{DRIVERS_PACKAGE}.{name}" for name in modules if not name.startswith("_")]
    return sorted(own) + sorted(_entry_points())


def find_driver(name: str) -> type[Any] | Fault:
    """Return the driver class of this name, or what is wrong with the name."""
    point = None if "." in name else _entry_points().get(name)
    dotted = name if point is None else point.value.replace(":", ".")
    if not _DOTTED.fullmatch(dotted):
        return _unknown(name, f"{shown(name)} is not the dotted path of a driver class")
    module_name, _, class_name = dotted.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            return _unknown(name, f"there is no driver module {module_name}")
        return _not_importable(module_name, f"the package {error.name} is not installed")
    except (ImportError, OSError) as error:
        return _not_importable(module_name, " ".join(str(error).split()))
    return _driver_class(name, module, class_name)


def _driver_class(name: str, module: ModuleType, class_name: str) -> type[Any] | Fault:
    found = getattr(module, class_name, None)
    if found is None:
        classes = _driver_classes(module)
        return Fault(
            (),
            f"the module {module.__name__} has no class {class_name}",
            ", ".join(f"{module.__name__}.{known}" for known in classes) or "no class of it",
            did_you_mean(class_name, classes),
        )
    if not isinstance(found, type):
        return _unknown(name, f"{shown(name)} is not a class")
    if lacking := _lacks(found):
        return _unknown(name, f"{name} is not a labcool driver (no {', '.join(lacking)})")
    return found


def _driver_classes(module: ModuleType) -> list[str]:
    """Return the public driver classes that are defined in a module."""
    return [
        name
        for name, found in vars(module).items()
        if isinstance(found, type)
        and found.__module__ == module.__name__
        and not (name.startswith("_") or _lacks(found))
    ]


def _lacks(candidate: type[Any]) -> list[str]:
    methods = [f"{name}()" for name in _METHODS if not callable(getattr(candidate, name, None))]
    if methods:
        return methods
    parameters = inspect.signature(candidate.__init__).parameters
    return [f"argument '{name}'" for name in _ARGUMENTS if name not in parameters]


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _unknown(name: str, what: str) -> Fault:
    known = known_drivers()
    by_last_part = {driver.rpartition(".")[2]: driver for driver in known}
    parts = name.split(".")
    close = did_you_mean(parts[-2] if len(parts) > 1 else name, list(by_last_part))
    for last_part, driver in by_last_part.items():
        close = close.replace(f"'{last_part}'", f"'{driver}'")
    return Fault((), what, f"a class of {', '.join(known) or 'no module'}", close)


def _not_importable(module: str, reason: str) -> Fault:
    return Fault(
        (),
        f"the driver module {module} cannot be loaded: {reason}",
        hint="install what it needs, or check the instrument maker's software",
    )

"""The settings of a bench file that name other instruments of the bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labcool.bench._links import with_used
from labcool.bench._yaml_problems import Fault, did_you_mean, shown
from labcool.bench.driver_settings import linked_settings


def link_faults(data: Mapping[str, Any], drivers: Mapping[str, type[Any]]) -> Iterator[Fault]:
    """Yield what is wrong with the links of the plain data of a bench file.

    :param drivers: classes of the instruments, by name; without those that could not be found.
    """
    entries = data.get("instruments")
    if not isinstance(entries, dict):
        return
    links: dict[str, list[str]] = {}
    for name, driver in drivers.items():
        for setting, members in linked_settings(driver).items():
            other = entries[name].get(setting)
            if not isinstance(other, str) or not other:
                continue
            links.setdefault(name, []).append(other)
            fault = _fault(name, other, members, list(entries), drivers)
            # Followed as far as they have been read: a circle is told at the link that closes it.
            if fault is None and name in with_used([other], links):
                fault = (f"{shown(other)} itself uses '{name}', directly or through others", "", "")
            if fault is not None:
                yield Fault(("instruments", name, setting), *fault)


def _fault(
    name: str,
    other: str,
    members: Sequence[str],
    names: list[str],
    drivers: Mapping[str, type[Any]],
) -> tuple[str, str, str] | None:
    """Return what is wrong with one link, what is allowed, and a hint."""
    able = [n for n, d in drivers.items() if n != name and not _missing(d, members)]
    allowed = f"one of {', '.join(able)}" if able else "no instrument of this bench"
    if other == name:
        return f"'{name}' cannot use itself", allowed, ""
    if other not in names:
        what = f"{shown(other)} is not an instrument of this bench"
        return what, allowed, did_you_mean(other, able)
    if other in drivers and (missing := _missing(drivers[other], members)):
        driver = drivers[other].__name__
        return f"{shown(other)} ({driver}) cannot be used here", allowed, _lacks(missing)
    return None


def _missing(driver: type[Any], members: Sequence[str]) -> list[str]:
    return [member for member in members if not hasattr(driver, member)]


def _lacks(missing: Sequence[str]) -> str:
    return f"it lacks {', '.join(missing)}"

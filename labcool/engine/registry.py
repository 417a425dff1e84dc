"""Procedures by name, from the entry-point group ``labcool.procedures``.

labcool's own are found in the same way as those of other packages.
"""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from labcool.engine.procedure import BenchProcedure
from labcool.errors import ConfigurationError

GROUP = "labcool.procedures"


def procedure_names() -> list[str]:
    """Return the names of all procedures that are installed, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def procedure_class(name: str) -> type[BenchProcedure]:
    """Return a procedure's class.

    :raises ConfigurationError: if there is none of that name, or it cannot be imported.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return _loaded(entry)
    close = difflib.get_close_matches(name, procedure_names(), n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    raise ConfigurationError(
        f"There is no procedure '{name}'.{hint} There are: {', '.join(procedure_names())}."
    )


def _loaded(entry: EntryPoint) -> type[BenchProcedure]:
    try:
        return cast(type[BenchProcedure], entry.load())
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"The procedure '{entry.name}' ({entry.value}) cannot be loaded: {error}. Install what "
            "it needs, or uninstall the package it comes from."
        ) from error

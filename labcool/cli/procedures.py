"""``labcool procedures``: what can be run, and with which parameters."""

from __future__ import annotations

import inspect

from rich.console import Console
from rich.table import Table

from labcool.engine.parameters import allowed, make_procedure
from labcool.engine.registry import procedure_class, procedure_names


def show_procedures() -> None:
    """Print each procedure: what it does, what it needs, and its parameters."""
    console = Console()
    for name in procedure_names():
        kind = procedure_class(name)
        procedure = make_procedure(kind)
        console.print(f"[bold]{name}[/bold]  {inspect.getdoc(kind) or ''}\n", highlight=False)
        needs = ", ".join(
            f"{need} ({role.__name__}{', optional' if need in kind.needs.optional else ''})"
            for need, role in kind.needs.roles.items()
        )
        console.print(f"Needs: {needs}", highlight=False)
        minutes = procedure.estimate_duration() / 60
        console.print(f"Takes with its defaults: {minutes:.0f} min\n", highlight=False)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("parameter", "meaning", "default", "allowed"):
            table.add_column(heading, overflow="fold")
        for key, parameter in procedure.parameter_objects().items():
            table.add_row(key, parameter.name, str(parameter), allowed(parameter))
        console.print(table)

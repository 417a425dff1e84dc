"""``labcool procedures``: what can be run, and with which parameters."""

from __future__ import annotations

import inspect
import re

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labcool.cli.exit_codes import FAILED, FINISHED
from labcool.cli.screen import error_console, results_console
from labcool.engine.parameters import allowed, make_procedure
from labcool.engine.procedure import BenchProcedure
from labcool.engine.registry import procedure_class, procedure_names
from labcool.errors import ConfigurationError


def show_procedures() -> int:
    """Print each procedure: what it does, what it needs, and its parameters.

    Returns the exit code: 1 if one cannot be loaded; the others are printed all the same.
    """
    code = FINISHED
    for name in procedure_names():
        try:
            _show(results_console(), name, procedure_class(name))
        except ConfigurationError as error:
            error_console().print(f"labcool procedures: {error}")
            code = FAILED
    return code


def _show(console: Console, name: str, kind: type[BenchProcedure]) -> None:
    procedure = make_procedure(kind)
    console.print(f"[bold]{escape(name)}[/bold]  {escape(_paragraphs(kind))}\n")
    needs = ", ".join(
        f"{need} ({role.__name__}{', optional' if need in kind.needs.optional else ''})"
        for need, role in kind.needs.roles.items()
    )
    console.print(f"Needs: {needs}", markup=False)
    minutes = procedure.estimate_duration() / 60
    console.print(f"Takes with its defaults: {minutes:.0f} min\n")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("parameter", no_wrap=True)
    for heading in ("meaning", "default", "allowed"):
        table.add_column(heading, overflow="fold")
    for key, parameter in procedure.parameter_objects().items():
        row = (key, parameter.name, str(parameter), allowed(parameter))
        table.add_row(*map(escape, row))
    console.print(table)
    console.print("Set one with: --set NAME=VALUE\n")


def _paragraphs(kind: type[BenchProcedure]) -> str:
    """Return the docstring with the lines of each paragraph joined."""
    paragraphs = re.split(r"\n\s*\n", inspect.getdoc(kind) or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)

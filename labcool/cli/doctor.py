"""``labcool doctor``: which instruments of a bench answer. Opens ports and asks; moves nothing."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from labcool.bench import open_bench, read_bench
from labcool.bench.driver_settings import load_driver
from labcool.bench.roles import roles_of
from labcool.cli.exit_codes import FAILED, FINISHED, WRONG_USAGE
from labcool.errors import ConfigurationError, InstrumentError


def examine(path: Path | None) -> int:
    """Connect to each instrument of a bench, one after another. Returns the exit code."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        loaded = read_bench(path)
    except ConfigurationError as error:
        errors.print(f"labcool doctor: {error}", markup=False)
        return WRONG_USAGE
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("instrument", "role", "answers", "identity or what is wrong"):
        table.add_column(heading, overflow="fold")
    all_answer = True
    for name, entry in loaded.spec.instruments.items():
        roles = ", ".join(roles_of(load_driver(entry.driver))) or "-"
        try:
            with open_bench(loaded, only=[name]) as bench:
                table.add_row(name, roles, "[bold]yes[/bold]", bench.instruments[name].identity)
        except InstrumentError as error:
            all_answer = False
            table.add_row(name, roles, "[bold]NO[/bold]", error.problem)
    console = Console(highlight=False)
    console.print(f"Bench: {loaded.spec.bench}")
    if loaded.spec.simulation is not None:
        console.print("All instruments are simulated.")
    console.print(table)
    return FINISHED if all_answer else FAILED

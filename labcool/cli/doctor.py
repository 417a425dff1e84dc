"""``labcool doctor``: which instruments of a bench answer. Opens ports and asks."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from labcool.bench import LoadedBench, open_bench, read_bench
from labcool.bench.driver_settings import load_driver
from labcool.bench.roles import roles_of
from labcool.cli.exit_codes import FAILED, FINISHED, WRONG_USAGE
from labcool.cli.screen import error_console, results_console
from labcool.errors import ConfigurationError, InstrumentError


def examine(path: Path | None) -> int:
    """Connect to each instrument of a bench, one after another. Returns the exit code."""
    try:
        loaded = read_bench(path)
        problems = _table_of_answers(loaded)
    except ConfigurationError as error:
        error_console().print(f"labcool doctor: {error}")
        return WRONG_USAGE
    for problem in problems:
        error_console().print(problem)
    return FAILED if problems else FINISHED


def _table_of_answers(loaded: LoadedBench) -> list[str]:
    """Print which instrument answers; return what is wrong with the others."""
    problems = []
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("instrument", "role", "answers", "identity"):
        table.add_column(heading, overflow="fold")
    for name, entry in loaded.spec.instruments.items():
        role = next(iter(roles_of(load_driver(entry.driver))), "-")
        identity, problem = _ask(loaded, name)
        table.add_row(name, role, Text("NO" if problem else "yes", style="bold"), Text(identity))
        if problem:
            problems.append(problem)
    console = results_console()
    console.print(f"Bench: {loaded.spec.bench} ({loaded.label})", markup=False, soft_wrap=True)
    if loaded.spec.simulation is not None:
        console.print("All instruments are simulated.")
    console.print(table)
    return problems


def _ask(loaded: LoadedBench, name: str) -> tuple[str, str]:
    """Return an instrument's identity and what is wrong with it, each empty if there is none."""
    identity = ""
    try:
        with open_bench(loaded, only=[name]) as bench:
            identity = bench.instruments[name].identity
    except InstrumentError as error:
        return identity, str(error)
    return identity, ""

"""What a run leaves on the screen: a table of results, the run file and the figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labcool.engine.events import Status
from labcool.engine.procedure import BenchProcedure
from labcool.engine.runner import Outcome
from labcool.storage.reader import open_run
from labcool.thermometry.quantity import Quantity


def figure_and_results(
    outcome: Outcome, procedure: BenchProcedure, errors: Console
) -> tuple[Path | None, dict[str, Quantity]]:
    """Derive the results from the run file and draw its figure beside it.

    A figure that cannot be drawn is reported and costs the run nothing else.
    """
    if outcome.file is None:
        return None, {}
    with open_run(outcome.file) as run:
        if len(run.time) == 0:
            return None, {}
        results = procedure.results(run)
        figure = outcome.file.with_suffix(".png")
        try:
            procedure.draw(run, figure, results)
        except OSError as error:
            errors.print(f"labcool run: the figure {figure} could not be written: {error}")
            return None, results
    return figure, results


def print_report(
    console: Console,
    outcome: Outcome,
    results: Mapping[str, Quantity],
    figure: Path | None,
) -> None:
    """Print the table of results and where everything is."""
    if results:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("result")
        table.add_column("value", justify="left")
        for name, quantity in results.items():
            table.add_row(name.replace("_", " "), str(quantity))
        console.print()
        console.print(table)
        console.print()
    console.print(
        f"run      {outcome.status}" + (", " + outcome.reason if outcome.reason else ""),
        markup=False,
        soft_wrap=True,
    )
    for label, path in (("file", outcome.file), ("figure", figure)):
        if path is not None:
            console.print(f"{label:<8} {path}", markup=False, soft_wrap=True)
    if outcome.status is Status.FAILED and outcome.file is not None:
        console.print("Everything measured until then is in the file.")

"""What a run leaves on the screen: a table of results, the run file and the figure."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labcool import units
from labcool.engine.cleanup import in_words
from labcool.engine.events import Status
from labcool.engine.procedure import BenchProcedure
from labcool.engine.runner import Outcome
from labcool.storage.reader import open_run
from labcool.thermometry.quantity import Quantity

log = logging.getLogger(__name__)


def figure_and_results(
    outcome: Outcome, procedure: BenchProcedure
) -> tuple[Mapping[str, Quantity], Path | None, list[str]]:
    """Derive the results from the run file and draw its figure beside it.

    Returns results, figure and what went wrong; that costs the run nothing, whose file is closed.
    """
    if outcome.file is None:
        return {}, None, []
    results: Mapping[str, Quantity] = {}
    figure = outcome.file.with_suffix(".png")
    doing = "the results could not be derived"
    try:
        with open_run(outcome.file) as run:
            if len(run.time) == 0:
                return {}, None, []
            results = procedure.results(run)
            doing = f"the figure {figure} could not be drawn"
            procedure.draw(run, figure, results)
    except Exception as error:  # told with the run, which it must not hide
        log.debug("%s", doing, exc_info=True)
        figure.unlink(missing_ok=True)
        return results, None, [f"{doing}: {in_words(error)}"]
    return results, figure, []


def print_report(
    console: Console,
    outcome: Outcome,
    results: Mapping[str, Quantity],
    figure: Path | None,
) -> None:
    """Print the table of results and where everything is."""
    if results:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("result", "value", ""):
            table.add_column(heading, no_wrap=True)
        for name, quantity in results.items():
            table.add_row(name.replace("_", " "), str(quantity), _in_celsius(name, quantity))
        console.print()
        console.print(table)
        console.print()
    console.print(f"run      {outcome.status}")
    for label, path in (("file", outcome.file), ("figure", figure)):
        if path is not None:
            console.print(f"{label:<8} {path}", markup=False, soft_wrap=True)
    if outcome.status is Status.FAILED and outcome.file is not None:
        console.print("Everything measured until then is in the file.")


def _in_celsius(name: str, quantity: Quantity) -> str:
    """Return a temperature in °C; nothing for differences, which are the same in both units."""
    if not (quantity.determined and name.endswith("_temperature")):
        return ""
    return f"({Quantity(units.celsius(quantity.value), quantity.std, '°C')})"

"""The commands about calibrations and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="calibrations",
    help="List, show, export and import the laboratory's calibrations.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="Folder of the calibrations; else that of LABCOOL_CALIBRATIONS, else the user's.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")
]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Beginning of its id, four digits or more.")
]


@app.command("list", short_help="List all calibrations, the newest of each kind first.")
def list_command(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List all calibrations with their age; says which are outdated.

    Exit code: 0, or 1 if a file cannot be used or was changed.
    """
    from labcool.cli.calibrations import list_calibrations

    raise typer.Exit(list_calibrations(store, as_json_text=as_json))


@app.command("show", short_help="Show one calibration.")
def show_command(
    prefix: IdArgument, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Show everything that a calibration states."""
    from labcool.cli.calibrations import show_calibration

    raise typer.Exit(show_calibration(prefix, store, as_json_text=as_json))


@app.command("export", short_help="Write one calibration to a file.")
def export_command(
    prefix: IdArgument,
    store: StoreOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="New file; without it, stdout.")
    ] = None,
) -> None:
    """Write one calibration as JSON, for another bench or for the archive."""
    from labcool.cli.calibrations import export_calibration

    raise typer.Exit(export_calibration(prefix, store, out))


@app.command("import", short_help="Add a calibration from a file.")
def import_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file that 'export' wrote.")],
    store: StoreOption = None,
) -> None:
    """Add a calibration to the store; it must be what its id says."""
    from labcool.cli.calibrations import import_calibration

    raise typer.Exit(import_calibration(path, store))

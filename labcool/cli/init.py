"""``labcool init``: copies of the bench files, to be edited."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import typer

from labcool.cli.exit_codes import FINISHED, WRONG_USAGE


def copy_bench_files(folder: Path) -> int:
    """Copy every bench file into ``folder``; overwrites nothing. Returns the exit code."""
    sources = [f for f in resources.files("configs").iterdir() if f.name.endswith(".yaml")]
    targets = [folder / source.name for source in sources]
    existing = [str(target) for target in targets if target.exists()]
    if existing:
        typer.echo(
            f"labcool init: {', '.join(existing)} exists already and is left as it is. Move it "
            "away, or name another folder: labcool init FOLDER",
            err=True,
        )
        return WRONG_USAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source, target in zip(sources, targets, strict=True):
            target.write_bytes(source.read_bytes())
    except OSError as error:
        typer.echo(f"labcool init: cannot write into {folder}: {error.strerror}.", err=True)
        return WRONG_USAGE
    for target in sorted(targets):
        typer.echo(f"wrote {target}")
    typer.echo("Try: labcool run cooling --bench " + str(folder / "simulated_cooling.yaml"))
    return FINISHED

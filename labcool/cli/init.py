"""``labcool init``: copies of the bench files, to be edited."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import typer

from labcool.bench.bench_file import DEFAULT_BENCH
from labcool.cli.exit_codes import FINISHED, WRONG_USAGE


def copy_bench_files(folder: Path) -> int:
    """Copy every bench file into ``folder``; overwrites nothing. Returns the exit code."""
    sources = [f for f in resources.files("configs").iterdir() if f.name.endswith(".yaml")]
    targets = [folder / source.name for source in sources]
    existing = [str(target) for target in targets if target.exists()]
    if existing:
        typer.echo(
            f"labcool init: existing files are left as they are: {', '.join(existing)}. Move them "
            "away, or name another folder: labcool init FOLDER",
            err=True,
        )
        return WRONG_USAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source, target in zip(sources, targets, strict=True):
            target.write_bytes(source.read_bytes())
    except OSError as error:
        typer.echo(
            f"labcool init: cannot write into {folder} ({error.strerror}). Name another folder.",
            err=True,
        )
        return WRONG_USAGE
    for target in sorted(targets):
        typer.echo(f"wrote {target}")
    typer.echo(f"Try: labcool run cooling --bench {folder / DEFAULT_BENCH}")
    return FINISHED

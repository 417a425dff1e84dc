"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import labcool
from labcool.cli import app_calibrations


class Compression(StrEnum):
    """HDF5 filters of a run file."""

    GZIP = "gzip"
    NONE = "none"


app = typer.Typer(
    name="labcool",
    help="Run optical-cooling experiments on a bench, simulated or real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(app_calibrations.app)

BenchOption = Annotated[
    Path | None,
    typer.Option("--bench", metavar="FILE", help="Bench file; without it, the simulated bench."),
]


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a whole number, 0 or more.") from None


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"labcool {labcool.__version__}")
        raise typer.Exit


@app.callback()
def labcool_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Run optical-cooling experiments on a bench, simulated or real."""


@app.command("run", short_help="Carry out an experiment.")
def run_command(
    procedure: Annotated[
        str, typer.Argument(metavar="PROCEDURE", help="What to do; see 'labcool procedures'.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Set a parameter of the procedure; repeatable."
        ),
    ] = None,
    bench: BenchOption = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where run files go.")] = Path(
        "runs"
    ),
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample",
            metavar="NAME",
            help="The sample: on a simulated bench one of its presets, otherwise a name.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", parser=_whole_number, help="Seed of the simulated noise."
        ),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option("--clock", metavar="KIND", help="Simulated time: virtual, scaled or real."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", metavar="FILE", help="Write the simulated sample's true state (CSV)."
        ),
    ] = None,
    compression: Annotated[
        Compression,
        typer.Option(
            "--compression",
            help="Of the spectra: gzip is small, none is fast (over 5000 spectra/s).",
        ),
    ] = Compression.GZIP,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")
    ] = False,
) -> None:
    """Carry out an experiment; leaves a run file and a figure.

    Exit code: 0 finished, 1 failed, 2 wrong usage or configuration, 130 aborted.
    """
    from labcool.cli.run import RunRequest, run

    request = RunRequest(
        procedure=procedure,
        settings=tuple(settings or ()),
        bench=bench,
        out=out,
        sample=sample,
        seed=seed,
        clock=clock,
        truth=truth,
        compression=compression.value,
        quiet=quiet,
        as_json=as_json,
    )
    raise typer.Exit(run(request))


@app.command("procedures", short_help="List the procedures and their parameters.")
def procedures_command() -> None:
    """List the procedures with their parameters, units, ranges and defaults."""
    from labcool.cli.procedures import show_procedures

    raise typer.Exit(show_procedures())


@app.command("init", short_help="Copy the bench files that come with labcool.")
def init_command(
    folder: Annotated[Path, typer.Argument(help="Where to put the bench files.")] = Path(),
) -> None:
    """Copy the bench files that come with labcool, to be edited."""
    from labcool.cli.init import copy_bench_files

    raise typer.Exit(copy_bench_files(folder))


@app.command("doctor", short_help="Tell which instruments of a bench answer.")
def doctor_command(
    bench: BenchOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")
    ] = False,
) -> None:
    """Connect to each instrument of a bench, tell what answers, and what to check if not.

    Opens no shutter, turns and starts nothing. As after every use, a shutter that is open is
    closed, a laser without a shutter is off, and outputs of a lock-in are at zero.

    Exit code: 0 all answer, 1 one does not, 2 wrong usage or configuration.
    """
    from labcool.cli.doctor import examine

    raise typer.Exit(examine(bench, as_json=as_json))


@app.command("simulate", short_help="Serve the simulated bench to other programs.")
def simulate_command(
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    bench: BenchOption = None,
    link: Annotated[
        str, typer.Option("--link", metavar="KIND", help="tcp, or pty (serial ports, Linux only).")
    ] = "tcp",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME ...", help="Serve these instruments only."),
    ] = None,
    ports: Annotated[
        list[str] | None,
        typer.Option(
            "--ports", metavar="NAME=PORT ...", help="TCP ports; all others are any free ones."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", parser=_whole_number, help="Seed of the simulated noise."
        ),
    ] = None,
    clock: Annotated[
        str, typer.Option("--clock", metavar="KIND", help="Simulated time: real or scaled.")
    ] = "real",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object (name: model, resource, address)."),
    ] = False,
) -> None:
    """Open a port of this computer for each simulated instrument, and serve until Ctrl+C.

    Exit code: 0 ended by Ctrl+C or SIGTERM, 2 wrong usage or configuration.
    """
    from labcool.cli.simulate import SimulateRequest, simulate

    request = SimulateRequest(
        bench=bench,
        link=link,
        only=tuple(only or ()),
        ports=tuple(ports or ()),
        more=tuple(more or ()),
        seed=seed,
        clock=clock,
        as_json=as_json,
    )
    raise typer.Exit(simulate(request))


@app.command("analyze", short_help="Derive temperatures again from the spectra of a file.")
def analyze_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A run file, or CSV or HDF5 with spectra.")
    ],
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    thermometers: Annotated[
        list[str] | None,
        typer.Option(
            "--thermometer",
            metavar="NAME ...",
            help="arrhenius, tail_slope, tail_ratio, line_width, peak_shift, raman or all. "
            "Without it: all that have a calibration.",
        ),
    ] = None,
    references: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            metavar="WHAT",
            help="stored (the file's own), first (its first spectrum), or a file; repeatable.",
        ),
    ] = None,
    reference_temperature: Annotated[
        float | None,
        typer.Option(
            "--reference-temperature",
            metavar="K",
            help="Temperature of the sample at the reference, if the file does not tell.",
        ),
    ] = None,
    calibrations: Annotated[
        list[str] | None,
        typer.Option(
            "--calibration", metavar="ID", help="One of the store, or its file; repeatable."
        ),
    ] = None,
    store: app_calibrations.StoreOption = None,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option("--window", metavar="LOW HIGH", help="Fit window, both in eV or both in nm."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="New file; without it NAME_analysed."),
    ] = None,
    as_json: app_calibrations.JsonOption = False,
) -> None:
    """Derive temperatures again from raw spectra, and judge what they say together.

    A run file is copied, with other temperatures in the copy; of any other file the temperatures
    go into a table beside it. The file itself is never touched.
    Exit code: 0 done, 1 it could not be written, 2 wrong usage or not such a file.
    """
    from labcool.cli.analyze import AnalyzeRequest, analyze

    request = AnalyzeRequest(
        file=file,
        thermometers=tuple(thermometers or ()),
        more=tuple(more or ()),
        references=tuple(references or ()),
        reference_temperature=reference_temperature,
        calibrations=tuple(calibrations or ()),
        store=store,
        window=window,
        out=out,
        as_json=as_json,
    )
    raise typer.Exit(analyze(request))

"""``labcool run``: from what was typed to a run file, a figure and a table."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from labcool.bench import open_bench, read_bench
from labcool.bench.bench_file import LoadedBench
from labcool.cli.exit_codes import ABORTED, FAILED, FINISHED, WRONG_USAGE
from labcool.cli.live import watch
from labcool.cli.report import figure_and_results, print_report
from labcool.engine.control import Control, stop_on_signals
from labcool.engine.events import Status
from labcool.engine.parameters import make_procedure
from labcool.engine.registry import procedure_class
from labcool.engine.runner import Outcome, Runner
from labcool.errors import ConfigurationError, LabcoolError
from labcool.storage.names import run_path
from labcool.thermometry.quantity import Quantity

_EXIT_CODES: Mapping[str, int] = {
    Status.FINISHED: FINISHED,
    Status.ABORTED: ABORTED,
    Status.FAILED: FAILED,
}


@dataclass(frozen=True)
class RunRequest:
    """The options of ``labcool run``."""

    procedure: str
    settings: tuple[str, ...] = ()
    bench: Path | None = None
    out: Path = Path("runs")
    sample: str | None = None
    seed: int | None = None
    clock: str | None = None
    truth: Path | None = None
    quiet: bool = False
    as_json: bool = False


@dataclass
class _Summary:
    """What ``--json`` prints."""

    status: str
    file: Path | None = None
    figure: Path | None = None
    wall_s: float = 0.0
    results: Mapping[str, Quantity] = field(default_factory=dict)
    error: str = ""

    def as_json(self) -> str:
        content: dict[str, object] = {
            "status": self.status,
            "file": None if self.file is None else str(self.file),
            "figure": None if self.figure is None else str(self.figure),
            "wall_s": round(self.wall_s, 3),
            "results": {
                name: {
                    "value": _finite(quantity.value),
                    "std": _finite(quantity.std),
                    "unit": quantity.unit,
                }
                for name, quantity in self.results.items()
            },
        }
        if self.error:
            content["error"] = self.error
        return json.dumps(content, ensure_ascii=False)


def run(request: RunRequest) -> int:
    """Carry out a run and show it. Returns the exit code."""
    began = time.monotonic()
    errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    control = Control()
    with stop_on_signals(control):
        try:
            summary, code = _carry_out(request, control, errors)
        except ConfigurationError as error:
            summary, code = _Summary("refused", error=str(error)), WRONG_USAGE
        except LabcoolError as error:
            summary, code = _Summary(str(Status.FAILED), error=str(error)), FAILED
    summary.wall_s = time.monotonic() - began
    if summary.error:
        errors.print(f"labcool run: {summary.error}")
    if request.as_json:
        sys.stdout.write(summary.as_json() + "\n")
    return code


def _carry_out(request: RunRequest, control: Control, errors: Console) -> tuple[_Summary, int]:
    kind = procedure_class(request.procedure)
    procedure = make_procedure(kind, _split_settings(request.settings))
    loaded = read_bench(request.bench)
    simulated = loaded.spec.simulation is not None
    loaded = loaded.with_overrides(
        sample=request.sample if simulated else None, seed=request.seed, clock=request.clock
    )
    sample = _sample_name(request, loaded)
    _check_truth(request.truth, loaded)
    _check_folder(request.out)
    show = not (request.quiet or request.as_json)
    with open_bench(loaded) as bench:
        with watch(Console(highlight=False), show=show) as listeners:
            outcome = Runner(
                bench,
                procedure,
                control=control,
                make_path=lambda: run_path(
                    request.out, bench.clock.date(), kind.procedure_name(), sample
                ),
                sample={"name": sample},
                listeners=listeners,
            ).run()
        if request.truth is not None and bench.simulation is not None:
            bench.simulation.write_truth(request.truth, outcome.time_zero)
    figure, results = figure_and_results(outcome, procedure, errors)
    if show:
        print_report(Console(highlight=False), outcome, results, figure)
    summary = _Summary(
        str(outcome.status), outcome.file, figure, results=results, error=_what_happened(outcome)
    )
    return summary, _EXIT_CODES[outcome.status]


def _what_happened(outcome: Outcome) -> str:
    lines = [f"the run was {outcome.status}: {outcome.reason}"] if outcome.reason else []
    lines += [p for p in outcome.problems if p != outcome.reason]
    return "\n".join(lines)


def _split_settings(settings: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(f"--set {setting!r}: write it as NAME=VALUE.")
        if name.strip() in values:
            raise ConfigurationError(f"--set {name.strip()} is given twice.")
        values[name.strip()] = value.strip()
    return values


def _sample_name(request: RunRequest, loaded: LoadedBench) -> str:
    if loaded.spec.simulation is not None:
        return loaded.spec.simulation.sample
    return request.sample or "unnamed sample"


def _check_truth(truth: Path | None, loaded: LoadedBench) -> None:
    if truth is None:
        return
    if loaded.spec.simulation is None:
        raise ConfigurationError(
            "--truth: the true state of a sample is only known on a simulated bench; this bench is "
            "real. Leave the option out."
        )
    if truth.is_dir() or not truth.absolute().parent.is_dir():
        raise ConfigurationError(f"--truth {truth}: give a file in a folder that exists.")


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"--out {folder}: run files cannot be written there ({error.strerror}). Name another "
            "folder."
        ) from error
    if not os.access(folder, os.W_OK):
        raise ConfigurationError(f"--out {folder}: this folder is read-only. Name another folder.")


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None

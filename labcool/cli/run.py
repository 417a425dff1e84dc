"""``labcool run``: from what was typed to a run file, a figure and a table."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from labcool.bench import Bench, open_bench, read_bench
from labcool.bench.bench_file import LoadedBench
from labcool.cli.exit_codes import ABORTED, FAILED, FINISHED, WRONG_USAGE
from labcool.cli.live import watch
from labcool.cli.report import figure_and_results, print_report
from labcool.cli.screen import LastingStream, error_console, results_console
from labcool.cli.summary import Summary
from labcool.cli.writable import check_writable
from labcool.engine.control import Control, stop_on_signals
from labcool.engine.events import Status
from labcool.engine.inbox import WarningInbox
from labcool.engine.parameters import make_procedure
from labcool.engine.registry import procedure_class
from labcool.engine.runner import Outcome, Runner
from labcool.errors import ConfigurationError, LabcoolError
from labcool.storage.names import run_path

_EXIT_CODES: Mapping[str, int] = {
    Status.FINISHED: FINISHED,
    Status.ABORTED: ABORTED,
    Status.FAILED: FAILED,
}
_TRUTH_BEGINS_WITH = b"time,"


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
    compression: str = "gzip"
    quiet: bool = False
    as_json: bool = False

    @property
    def show(self) -> bool:
        """True if the run is to be shown."""
        return not (self.quiet or self.as_json)


def run(request: RunRequest) -> int:
    """Carry out a run and show it. Returns the exit code."""
    began = time.monotonic()
    control = Control()
    with stop_on_signals(control):
        try:
            summary, code = _carry_out(request, control)
        except ConfigurationError as error:
            summary, code = Summary("refused", error=str(error)), WRONG_USAGE
        except LabcoolError as error:
            summary, code = Summary(str(Status.FAILED), error=str(error)), FAILED
        except Exception as error:  # noqa: BLE001 - shown whole, as a mistake in the program
            words = f"{type(error).__name__}: {error}"
            summary, code = Summary(str(Status.FAILED), error=words), FAILED
            error_console().print(traceback.format_exc())
        summary.wall_s = time.monotonic() - began
        if summary.error:
            error_console().print(f"labcool run: {summary.error}")
        if request.as_json:
            stdout = LastingStream(sys.stdout)
            stdout.write(summary.as_json() + "\n")
            stdout.flush()
            if stdout.is_gone:
                error_console().print(
                    "labcool run: the JSON object could not be written to stdout."
                )
                code = code or FAILED
    return code


def _carry_out(request: RunRequest, control: Control) -> tuple[Summary, int]:
    procedure = make_procedure(
        procedure_class(request.procedure), _split_settings(request.settings)
    )
    loaded = _loaded_bench(request)
    _check_truth(request.truth, loaded)
    check_writable("--out", request.out)
    sample = _sample(request, loaded)
    with WarningInbox() as inbox, ExitStack() as on_failure:
        bench = on_failure.enter_context(open_bench(loaded))
        with watch(results_console(), show=request.show) as listeners:
            outcome = Runner(
                bench,
                procedure,
                control=control,
                make_path=lambda: run_path(
                    request.out, bench.clock.date(), procedure.procedure_name(), sample["name"]
                ),
                sample=sample,
                compression=request.compression,
                listeners=listeners,
                inbox=inbox,
            ).run()
        errors = _told(outcome)
        errors += _write_truth(request.truth, bench, outcome)
        known = "\n".join(errors)
        on_failure.pop_all()
        left_unsafe = [str(error) for error in bench.close() if str(error) not in known]
    errors += left_unsafe
    results, figure, not_drawn = figure_and_results(outcome, procedure)
    errors += not_drawn
    if request.show:
        print_report(results_console(), outcome, results, figure)
    summary = Summary(
        str(outcome.status), outcome.file, figure, results=results, error="\n".join(errors)
    )
    return summary, FAILED if left_unsafe else _EXIT_CODES[outcome.status]


def _told(outcome: Outcome) -> list[str]:
    if not outcome.reason:
        return []
    how = "failed" if outcome.status is Status.FAILED else f"was {outcome.status}"
    told = f"the run {how}: {outcome.reason}"
    return [told, *(problem for problem in outcome.problems if problem not in outcome.reason)]


def _write_truth(path: Path | None, bench: Bench, outcome: Outcome) -> list[str]:
    if path is None or bench.simulation is None:
        return []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        bench.simulation.write_truth(path, outcome.time_zero)
    except OSError as error:
        return [f"--truth {path}: could not be written ({error.strerror})."]
    return []


def _loaded_bench(request: RunRequest) -> LoadedBench:
    loaded = read_bench(request.bench)
    simulated = loaded.spec.simulation is not None
    return loaded.with_overrides(
        sample=request.sample if simulated else None, seed=request.seed, clock=request.clock
    )


def _split_settings(settings: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(
                f"--set '{setting}' is not allowed: write it as NAME=VALUE, like --set exposure=0.5"
            )
        if name.strip() in values:
            raise ConfigurationError(f"--set {name.strip()} is given twice. Leave one out.")
        values[name.strip()] = value.strip()
    return values


def _sample(request: RunRequest, loaded: LoadedBench) -> dict[str, str]:
    """Return what is known of the sample; on a simulated bench it has the preset's name."""
    spec = loaded.spec
    written = {} if spec.sample is None else spec.sample.model_dump(exclude_none=True)
    if spec.simulation is not None:
        return {**written, "name": spec.simulation.sample}
    return {**written, "name": request.sample or written.get("name", "unnamed sample")}


def _check_truth(truth: Path | None, loaded: LoadedBench) -> None:
    if truth is None:
        return
    if loaded.spec.simulation is None:
        raise ConfigurationError(
            "--truth: the true state of a sample is only known on a simulated bench; this bench is "
            "real. Leave the option out."
        )
    if truth.is_dir():
        raise ConfigurationError(f"--truth {truth}: this is a folder. Name a file (*.csv).")
    check_writable("--truth", truth.parent)
    if truth.exists() and not truth.read_bytes().startswith(_TRUTH_BEGINS_WITH):
        raise ConfigurationError(
            f"--truth {truth}: this file holds something else and is left as it is. Name another."
        )

"""``labcool analyze``: temperatures derived anew from a file, a table of them, and a verdict."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from labcool.analysis import (
    Analysis,
    Choices,
    analyse,
    default_output,
    read_measurement,
    read_references,
    write_analysis,
)
from labcool.analysis.writing import check_output
from labcool.calibration import CalibrationRecord
from labcool.cli.analysis_report import print_analysis, summary_of
from labcool.cli.exit_codes import FAILED, FINISHED, WRONG_USAGE
from labcool.cli.screen import LastingStream, error_console, results_console
from labcool.errors import ConfigurationError, LabcoolError, RunFileError
from labcool.storage.calibrations import CalibrationStore, read_record


@dataclass(frozen=True)
class AnalyzeRequest:
    """The options of ``labcool analyze``.

    :param more: what else was typed: further names after ``--thermometer``.
    """

    file: Path
    thermometers: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    reference_temperature: float | None = None
    calibrations: tuple[str, ...] = ()
    store: Path | None = None
    window: tuple[float, float] | None = None
    out: Path | None = None
    as_json: bool = False


def analyze(request: AnalyzeRequest) -> int:
    """Analyse a file and show what came out. Returns the exit code."""
    # The warnings are among the notes of the report.
    logging.getLogger("labcool").addHandler(logging.NullHandler())
    try:
        analysis, out = _carry_out(request)
    except (ConfigurationError, RunFileError) as error:
        return _refused(request, error, WRONG_USAGE)
    except LabcoolError as error:
        return _refused(request, error, FAILED)
    if request.as_json:
        _print(json.dumps(summary_of(analysis, out)))
    else:
        print_analysis(results_console(), analysis, out)
    return FINISHED


def _carry_out(request: AnalyzeRequest) -> tuple[Analysis, Path]:
    if request.more and not request.thermometers:
        raise ConfigurationError(
            f"'{request.more[0]}' stands alone. Thermometers are named after --thermometer, other "
            "spectra after --reference."
        )
    measured = read_measurement(request.file, temperature=request.reference_temperature)
    out = request.out or default_output(measured)
    check_output(measured, out)
    measured = read_references(measured, request.references)
    choices = Choices(
        request.thermometers + request.more,
        tuple(_record(word, request.store) for word in request.calibrations),
        request.window,
    )
    analysis = analyse(measured, choices)
    write_analysis(analysis, out)
    return analysis, out


def _record(word: str, folder: Path | None) -> CalibrationRecord:
    """Return the record in a file, or the one of the store with that id."""
    path = Path(word)
    if path.suffix == ".json" or path.is_file():
        return read_record(path)
    return CalibrationStore(folder).find(word).record


def _refused(request: AnalyzeRequest, error: LabcoolError, code: int) -> int:
    error_console().print(f"labcool analyze: {error}")
    if request.as_json:
        status = "failed" if code == FAILED else "refused"
        _print(json.dumps({"status": status, "file": str(request.file), "error": str(error)}))
    return code


def _print(text: str) -> None:
    stream = LastingStream(sys.stdout)
    stream.write(f"{text}\n")
    stream.flush()

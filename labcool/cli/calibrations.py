"""``labcool calibrations``: what a laboratory has calibrated, and when."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labcool.calibration import (
    ArrheniusCalibration,
    CalibrationRecord,
    PolynomialCalibration,
    ResponseCalibration,
    SpotCalibration,
    VarshniCalibration,
    WavelengthCalibration,
    to_plain,
)
from labcool.cli.exit_codes import FAILED, FINISHED
from labcool.cli.screen import LastingStream, error_console, results_console
from labcool.clock import RealClock
from labcool.storage.calibrations import (
    SHORT_ID,
    CalibrationStore,
    as_json,
    read_record,
    write_record,
)
from labcool.thermometry.quantity import Quantity

_LONGEST_VALUE = 72


def list_calibrations(folder: Path | None, *, as_json_text: bool) -> int:
    """List all records. Returns the exit code: 1 if a file cannot be used."""
    store = CalibrationStore(folder)
    found, problems = store.read_all()
    today = RealClock().date().date()
    if as_json_text:
        rows = [
            {**to_plain(each.record), **_age(each.record, today), "file": str(each.path)}
            for each in found
        ]
        _print(json.dumps({"store": str(store.folder), "calibrations": rows}))
    elif found:
        _show_table([each.record for each in found], today)
    elif not problems:
        _print(f"There are no calibrations in {store.folder} yet. Add one: labcool calibrations "
               "import FILE")  # fmt: skip
    for problem in problems:
        error_console().print(f"labcool calibrations: {problem}")
    return FAILED if problems else FINISHED


def show_calibration(prefix: str, folder: Path | None, *, as_json_text: bool) -> int:
    """Show one record. Returns the exit code."""
    stored = CalibrationStore(folder).find(prefix)
    today = RealClock().date().date()
    if as_json_text:
        plain = {**to_plain(stored.record), **_age(stored.record, today)}
        _print(json.dumps({**plain, "file": str(stored.path)}))
        return FINISHED
    _show_record(results_console(), stored.record, stored.path, today)
    return FINISHED


def export_calibration(prefix: str, folder: Path | None, out: Path | None) -> int:
    """Write one record to a file, or to stdout. Returns the exit code."""
    record = CalibrationStore(folder).find(prefix).record
    if out is None:
        _print(as_json(record).rstrip("\n"))
    else:
        write_record(record, out)
        _print(f"wrote {out}")
    return FINISHED


def import_calibration(path: Path, folder: Path | None) -> int:
    """Add the record of a file to the store. Returns the exit code."""
    record = read_record(path)
    _print(f"{record.id[:SHORT_ID]}  {CalibrationStore(folder).add(record)}")
    return FINISHED


def in_words(record: CalibrationRecord) -> str:
    """Return what a record says, in a few words."""
    match record:
        case ArrheniusCalibration():
            return f"Ea = {Quantity(record.activation_energy, record.std, 'eV')}"
        case SpotCalibration():
            return f"{record.diameter_um:.4g} µm, fluence ± {record.relative_std:.1%}"
        case PolynomialCalibration():
            return f"{record.observable}, degree {len(record.coefficients) - 1}"
        case VarshniCalibration():
            return f"{record.observable}, Varshni"
        case WavelengthCalibration():
            first, last = record.wavelengths(record.valid_range or (0.0, 0.0))
            return f"{first:.1f} to {last:.1f} nm, degree {len(record.coefficients) - 1}"
        case ResponseCalibration():
            return f"{record.wavelengths[0]:.1f} to {record.wavelengths[-1]:.1f} nm"
        case _:
            return ""


def age_in_words(record: CalibrationRecord, today: date) -> str:
    """Return age and life, and whether it is too old."""
    age = f"{record.age_days(today)} d"
    if not record.life_days:
        return age
    outdated = ", outdated" if record.is_outdated(today) else ""
    return f"{age} of {record.life_days:g} d{outdated}"


def _show_table(records: list[CalibrationRecord], today: date) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "kind", "date"):
        table.add_column(heading, no_wrap=True)
    for heading in ("age", "what", "valid"):
        table.add_column(heading, overflow="fold")
    for record in records:
        table.add_row(
            record.id[:SHORT_ID],
            _kind(record),
            str(record.date),
            Text(age_in_words(record, today), "bold" if record.is_outdated(today) else ""),
            Text(in_words(record)),
            Text(_range(record)),
        )
    results_console().print(table)


def _show_record(console: Console, record: CalibrationRecord, path: Path, today: date) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    rows = {"kind": _kind(record), "what": in_words(record), "age": age_in_words(record, today)}
    plain = to_plain(record)
    plain.pop("kind")
    for name, value in {**rows, **plain}.items():
        table.add_row(name.replace("_", " "), Text(_short(value)))
    table.add_row("file", Text(str(path)))
    console.print(table)


def _kind(record: CalibrationRecord) -> str:
    return type(record).__name__.removesuffix("Calibration").lower()


def _range(record: CalibrationRecord) -> str:
    if record.valid_range is None:
        return ""
    return f"{record.valid_range[0]:g} to {record.valid_range[1]:g} {record.range_unit}"


def _age(record: CalibrationRecord, today: date) -> dict[str, Any]:
    return {"age_days": record.age_days(today), "outdated": record.is_outdated(today)}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, list) and len(text) > _LONGEST_VALUE:
        return f"{len(value)} values; all of them: labcool calibrations export"
    return text


def _print(text: str) -> None:
    stream = LastingStream(sys.stdout)
    stream.write(f"{text}\n")
    stream.flush()

"""Temperatures as a table beside a plain file of spectra."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import labcool
from labcool.analysis.analysis import Analysis
from labcool.analysis.method import method_of
from labcool.storage.placing import place_new_file


def write_sidecar(analysis: Analysis, out: Path) -> None:
    """Write a CSV file: how it was made in comments, then a row for each spectrum.

    :raises OSError: if it cannot be written.
    """
    text = io.StringIO()
    text.write(f"# program: labcool {labcool.__version__}\n")
    for name, value in method_of(analysis).items():
        text.write(f"# {name}: {value if isinstance(value, str) else json.dumps(value)}\n")
    writer = csv.writer(text, lineterminator="\n")
    names = list(analysis.readings)
    heads = [f"{name}_{part}" for name in names for part in ("K", "std_K", "systematic_K", "flags")]
    writer.writerow(["time_s", *heads])
    for row, time in enumerate(analysis.measured.time):
        cells: list[object] = [repr(float(time))]
        for estimate in analysis.readings.values():
            parts = (estimate.value, estimate.std, estimate.systematic)
            cells += [repr(float(part[row])) for part in parts]
            cells.append(int(estimate.flags[row]))
        writer.writerow(cells)
    place_new_file(out, text.getvalue().encode("utf-8"))

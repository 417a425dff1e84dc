"""What an analysis shows: a table of the thermometers, and the verdict with its reasons."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labcool.analysis import Analysis
from labcool.thermometry.agreement import UNUSABLE
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.quantity import Quantity

_WIDTH: Final = 80


def print_analysis(console: Console, analysis: Analysis, out: Path) -> None:
    """Print the table, the verdict and where the temperatures are."""
    measured = analysis.measured
    span = measured.time[-1] - measured.time[0]
    console.print(f"{len(measured)} spectra in {span:.0f} s", markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("thermometer", "first (K)", "coldest (K)", "last (K)"):
        table.add_column(heading, no_wrap=True)
    table.add_column("std (K)", justify="right", no_wrap=True)
    table.add_column("flags", overflow="fold")
    for name, estimate in analysis.readings.items():
        ends = [_value(estimate, row) for row in rows_of_interest(estimate)]
        std = _mean(estimate.std[usable(estimate)])
        table.add_row(name, *ends, f"{std:.2f}", Text(_flags(estimate)))
    console.print(table)
    console.print()
    headline = textwrap.wrap(f"verdict: {analysis.verdict.headline}", min(console.width, _WIDTH))
    for line in headline:
        console.print(line, style="bold", markup=False, soft_wrap=True)
    for sentence in analysis.verdict.evidence:
        _wrapped(console, f"- {sentence}")
    for note in analysis.notes:
        _wrapped(console, f"! {note}")
    for name, reason in analysis.skipped.items():
        _wrapped(console, f"without {name}: {reason}")
    console.print(f"file     {out}", markup=False, soft_wrap=True)


def summary_of(analysis: Analysis, out: Path) -> dict[str, Any]:
    """Return what ``--json`` prints; what is not a finite number is None."""
    verdict = analysis.verdict
    return {
        "status": "finished",
        "file": str(analysis.measured.path),
        "analysed": str(out),
        "spectra": len(analysis.measured),
        "thermometers": {
            name: {
                **_ends(estimate, analysis.measured.time),
                "mean_std": _finite(_mean(estimate.std[usable(estimate)])),
                "usable": int(usable(estimate).sum()),
                "flags": flag_counts(estimate),
                "calibrations": [record.id for record in analysis.used[name].calibrations],
                "settings": dict(analysis.used[name].settings),
            }
            for name, estimate in analysis.readings.items()
        },
        "verdict": {
            "conclusion": verdict.conclusion.value,
            "headline": verdict.headline,
            "disturbances": [
                {"cause": each.cause, "size": _finite(each.size)} for each in verdict.disturbances
            ],
            "change": _finite(verdict.change),
            "change_std": _finite(verdict.change_std),
            "trusted": list(verdict.trusted),
            "bleached": _finite(verdict.bleached),
            "bleached_std": _finite(verdict.bleached_std),
            "evidence": list(verdict.evidence),
        },
        "notes": list(analysis.notes),
        "skipped": dict(analysis.skipped),
    }


def usable(estimate: Estimate) -> NDArray[np.bool_]:
    """Return True where a reading has a value and no flag that forbids its use, shape (n,)."""
    good: NDArray[np.bool_] = np.isfinite(estimate.value) & ((estimate.flags & int(UNUSABLE)) == 0)
    return good


def rows_of_interest(estimate: Estimate) -> list[int | None]:
    """Return the rows of the first, the coldest and the last usable reading; None: none is."""
    rows = np.flatnonzero(usable(estimate))
    if not rows.size:
        return [None, None, None]
    coldest = rows[np.argmin(estimate.value[rows])]
    return [int(rows[0]), int(coldest), int(rows[-1])]


def flag_counts(estimate: Estimate) -> dict[str, int]:
    """Return how many readings have each flag, by its name in words."""
    counts = {flag: int(np.count_nonzero(estimate.flags & int(flag))) for flag in Flag}
    return {str(f.name).lower().replace("_", " "): n for f, n in counts.items() if n}


def _flags(estimate: Estimate) -> str:
    return ", ".join(f"{name} {count}" for name, count in flag_counts(estimate).items()) or "-"


def _value(estimate: Estimate, row: int | None) -> str:
    if row is None:
        return "none"
    return str(Quantity(float(estimate.value[row]), float(estimate.std[row]), ""))


def _ends(estimate: Estimate, time: NDArray[np.float64]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, row in zip(("first", "coldest", "last"), rows_of_interest(estimate), strict=True):
        found[name] = (
            None
            if row is None
            else {
                "time_s": float(time[row]),
                "value": _finite(estimate.value[row]),
                "std": _finite(estimate.std[row]),
            }
        )
    return found


def _mean(numbers: NDArray[np.float64]) -> float:
    return float(np.mean(numbers)) if numbers.size else math.nan


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _wrapped(console: Console, text: str) -> None:
    width = min(console.width, _WIDTH)
    lines = textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)
    console.print("\n".join(lines), markup=False, soft_wrap=True)

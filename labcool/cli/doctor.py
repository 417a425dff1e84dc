"""``labcool doctor``: which instruments of a bench answer, and what to check at the others.

An instrument that answers may still want something of a person (a key turned, a door closed). That
is told, and is no failure.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labcool.bench import LoadedBench, read_bench
from labcool.bench.diagnosis import Finding, Problem, findings
from labcool.bench.failure_kinds import IN_WORDS
from labcool.bench.port_advice import port_kind, serial_ports
from labcool.cli.exit_codes import FAILED, FINISHED, WRONG_USAGE
from labcool.cli.screen import LastingStream, error_console, results_console
from labcool.errors import ConfigurationError


def examine(path: Path | None, *, as_json: bool = False) -> int:
    """Connect to each instrument of a bench, one after another. Returns the exit code."""
    try:
        loaded = read_bench(path)
        found = list(findings(loaded))
    except ConfigurationError as error:
        error_console().print(f"labcool doctor: {error}")
        return WRONG_USAGE
    if as_json:
        LastingStream(sys.stdout).write(f"{json.dumps(_as_json(loaded, found))}\n")
    else:
        _print_answers(loaded, found)
        _print_problems(loaded, found)
    return FAILED if any(finding.problem for finding in found) else FINISHED


def _print_answers(loaded: LoadedBench, found: Sequence[Finding]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("instrument", "role", "answers", "identity"):
        table.add_column(heading, overflow="fold")
    for finding in found:
        answers = Text("NO", "bold red") if finding.problem else Text("yes", "bold")
        table.add_row(finding.name, finding.role, answers, Text(finding.identity))
    console = results_console()
    console.print(f"Bench: {loaded.spec.bench} ({loaded.label})", markup=False, soft_wrap=True)
    if _is_simulated(loaded):
        console.print("All instruments are simulated.")
    console.print(table)
    for finding in found:
        for sentence in finding.attention:
            _print_wrapped(console, f"{finding.name}: ", sentence)
    if any(finding.problem for finding in found):
        console.print()


def _print_problems(loaded: LoadedBench, found: Sequence[Finding]) -> None:
    failed = [(finding, finding.problem) for finding in found if finding.problem]
    if not failed:
        return
    console = error_console()
    for _, problem in failed:
        _print_wrapped(console, "", problem.message)
    console.print("\nWhat to check on the bench:", style="bold")
    for names, (_, problem) in _alike(failed):
        console.print(f"{', '.join(names)}: {IN_WORDS[problem.kind]}")
        for sentence in problem.at_port:
            _print_wrapped(console, "  - ", sentence)
        for finding, special in failed:
            if finding.name in names:
                prefix = f"  - {finding.name}: " if len(names) > 1 else "  - "
                for sentence in special.at_instrument:
                    _print_wrapped(console, prefix, sentence)
    if not _is_simulated(loaded) and _has_serial_port(finding for finding, _ in failed):
        _print_wrapped(console, "", serial_ports())


def _alike(
    failed: Iterable[tuple[Finding, Problem]],
) -> Iterable[tuple[list[str], tuple[Finding, Problem]]]:
    """Return those of whom the same is to be said, together with the first of them."""
    groups: dict[object, tuple[list[str], tuple[Finding, Problem]]] = {}
    for finding, problem in failed:
        key = (problem.kind, problem.at_port)
        groups.setdefault(key, ([], (finding, problem)))[0].append(finding.name)
    return groups.values()


def _print_wrapped(console: Console, prefix: str, text: str) -> None:
    """Print a sentence; on a terminal in lines that end between words."""
    lines = [prefix + text]
    if console.is_terminal:
        lines = textwrap.wrap(
            text,
            max(console.width, len(prefix) + 20),
            initial_indent=prefix,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _has_serial_port(found: Iterable[Finding]) -> bool:
    return any(port_kind(finding.resource) == "serial" for finding in found)


def _is_simulated(loaded: LoadedBench) -> bool:
    return loaded.spec.simulation is not None


def _as_json(loaded: LoadedBench, found: Sequence[Finding]) -> dict[str, Any]:
    return {
        "bench": loaded.spec.bench,
        "file": str(loaded.label),
        "simulated": _is_simulated(loaded),
        "instruments": {finding.name: _finding_as_json(finding) for finding in found},
    }


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {
        "driver": finding.driver,
        "role": finding.role,
        "resource": finding.resource,
        "answers": finding.problem is None,
        "identity": finding.identity,
        "attention": list(finding.attention),
        "problem": None,
    }
    if (problem := finding.problem) is not None:
        told["problem"] = {
            "kind": problem.kind.value,
            "message": problem.message,
            "check": [*problem.at_port, *problem.at_instrument],
        }
    return told

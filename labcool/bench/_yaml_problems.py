"""What is wrong with a bench file, where it stands, and the one error that tells all of it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labcool.bench._positions import Path, Place, Positions, dotted
from labcool.errors import ConfigurationError

_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with one value, wherever it stands.

    :param path: the value concerned.
    :param what: what is wrong with which value, in words.
    :param allowed: what may stand there.
    :param hint: what to do about it.
    :param on_key: True if the key, not its value, is to be pointed at.
    """

    path: Path
    what: str
    allowed: str = ""
    hint: str = ""
    on_key: bool = False

    def __str__(self) -> str:
        """``key.path: what is wrong; allowed: …; hint``."""
        key = f"{dotted(self.path)}: " if self.path else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{key}{self.what}{allowed}{f'; {self.hint}' if self.hint else ''}"


@dataclass(frozen=True)
class Problem:
    """A fault at its place in the file."""

    place: Place
    fault: Fault

    def line(self, file: str) -> str:
        """Return ``FILE:LINE:COLUMN: key.path: …``, always a single line."""
        return f"{file}:{self.place.line}:{self.place.column}: {self.fault}"


class BenchFileError(ConfigurationError):
    """A bench file is not acceptable; the message has one line for each problem, in order.

    :param file: the file's name, as the user gave it.
    :param problems: at least one.
    """

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = sorted(problems, key=lambda problem: problem.place)
        super().__init__("\n".join(problem.line(file) for problem in self.problems))


def placed(faults: Iterable[Fault], positions: Positions) -> list[Problem]:
    """Return the faults at their places."""
    return [Problem(positions.of(fault.path, key=fault.on_key), fault) for fault in faults]


def shown(value: object, written: str | None = None) -> str:
    """Return a value for a message: as it was written, text in quotes, never long."""
    if isinstance(value, str):
        text = f'"{value}"' if value.isprintable() else json.dumps(value)
    elif isinstance(value, dict):
        text = "a block of keys"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = str(value) if written is None else written
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def did_you_mean(word: object, known: Sequence[str]) -> str:
    """Return ``did you mean 'x'?`` for the closest known word, or nothing if none is close."""
    by_lower_case = {name.lower(): name for name in known}
    close = difflib.get_close_matches(str(word).lower(), list(by_lower_case), n=1)
    return f"did you mean '{by_lower_case[close[0]]}'?" if close else ""

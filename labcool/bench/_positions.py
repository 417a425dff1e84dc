"""Where in a bench file a key and its value stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indices from the top of the file down to a value."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position as editors count it: both numbers begin at 1."""

    line: int
    column: int


TOP = Place(1, 1)


@dataclass
class Positions:
    """The places of all keys and values of a file, by path.

    ``written`` holds numbers, dates and the like as they were typed (``1e999`` rather than inf).
    """

    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)

    def of(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of a value (or of its key), or of what would have to contain it."""
        if path in self.values:
            return self.keys.get(path, self.values[path]) if key else self.values[path]
        while path:
            path = path[:-1]
            if path in self.keys:
                return self.keys[path]
            if path in self.values:
                return self.values[path]
        return TOP


def dotted(path: Path) -> str:
    """Return a path as people write it: ``illumination.spot.date``, ``table[2][1]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")

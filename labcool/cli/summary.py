"""What ``labcool run --json`` prints."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labcool.thermometry.quantity import Quantity


@dataclass
class Summary:
    """A run in a few words.

    :param status: ``finished``, ``aborted``, ``failed``, or ``refused`` if it never began.
    :param wall_s: time the run took on the wall's clock, s.
    :param error: everything that went wrong, a line each.
    """

    status: str
    file: Path | None = None
    figure: Path | None = None
    wall_s: float = 0.0
    results: Mapping[str, Quantity] = field(default_factory=dict)
    error: str = ""

    def as_json(self) -> str:
        """Return one JSON object on one line, in ASCII; what is not a finite number is null."""
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
        return json.dumps(content)


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None

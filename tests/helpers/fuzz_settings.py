"""How many examples the fuzz tries: the same few each time, or, on demand, many new ones."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, settings

OUTCOMES: dict[str, Counter[str]] = {}
"""What came of the calls of each driver: "value", or the name of the error."""

MORE = int(os.environ.get("LABCOOL_FUZZ", "0"))
"""How many new examples each test tries instead of its own."""
SMALLEST = bool(os.environ.get("LABCOOL_FUZZ_SMALLEST"))
"""Whether a failure is made as small as it gets, which can take minutes."""
TIMEOUT_S = 600 if SMALLEST else 60 + MORE


def fuzzed(examples: int) -> Any:
    """Return what makes a test try so many examples, or :data:`MORE` new ones."""
    return settings(
        derandomize=not MORE,
        database=None,
        deadline=None,
        max_examples=MORE or examples,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        phases=tuple(Phase) if SMALLEST else (Phase.generate,),
    )


def note(name: str, outcomes: list[str]) -> None:
    """Count what came of calls of a driver."""
    OUTCOMES.setdefault(name, Counter()).update(outcomes)

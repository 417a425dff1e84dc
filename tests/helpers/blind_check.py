"""What a blind test asks of estimates: coverage, bias, and how close they come to the bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcool.thermometry import Estimate

SEEDS = range(10)
SPECTRA_PER_SEED = 2000


@dataclass(frozen=True)
class Outcome:
    """Of all spectra of all seeds together."""

    within_1: float
    within_2: float
    bias: float
    """Mean error over the scatter."""
    scatter: float
    """Standard deviation of the values, K."""
    missing: float
    """Part without a value."""


def outcome(estimates: list[Estimate], truth: float) -> Outcome:
    value = np.concatenate([e.value for e in estimates])
    std = np.concatenate([e.std for e in estimates])
    known = np.isfinite(value)
    error, std = value[known] - truth, std[known]
    return Outcome(
        within_1=float(np.mean(np.abs(error) < std)),
        within_2=float(np.mean(np.abs(error) < 2 * std)),
        bias=float(np.mean(error) / np.std(error)),
        scatter=float(np.std(error)),
        missing=float(1 - known.mean()),
    )


def assert_honest(found: Outcome) -> None:
    assert abs(found.within_1 - 0.6827) <= 0.025, found
    assert abs(found.within_2 - 0.9545) <= 0.015, found
    assert abs(found.bias) < 0.1, found
    assert found.missing <= 0.005, found

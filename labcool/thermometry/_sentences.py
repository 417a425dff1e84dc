"""What a verdict rests on, one sentence each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from labcool.thermometry._change import Change
from labcool.thermometry.agreement import LARGEST_SCATTER, Agreement
from labcool.thermometry.bleaching import Bleaching
from labcool.thermometry.causes import DECISIVE, Measured

_CLEAR: Final = 3.0


def about_agreement(agreement: Agreement) -> list[str]:
    """Say how far the thermometers agree."""
    names = ", ".join(agreement.names)
    if agreement.degrees_of_freedom < 1:
        return [f"one thermometer: {names}"]
    told = [
        f"{names}: χ² {agreement.chi2:.0f} for {agreement.degrees_of_freedom} degrees of freedom, "
        f"probability {agreement.probability:.2g}"
    ]
    return told + about_scatter("the thermometers flicker about each other", agreement.scatter)


def about_scatter(what: str, scatter: float) -> list[str]:
    """Say by how much something flickers more than stated; nothing if it does not."""
    if scatter <= 1:
        return []
    found = f"{scatter:.2g} times the variance that is stated"
    if scatter >= LARGEST_SCATTER:
        found = f"{scatter:.2g} times the variance that is stated or more; no more is allowed for"
    return [f"{what} by {found} (χ² is divided by it)"]


def about_shapes(shape: Agreement, change: Change) -> list[str]:
    """Say what the thermometers without the intensity find."""
    reading = [n for n, r in zip(shape.names, shape.residuals, strict=True) if np.isfinite(r).any()]
    if not math.isfinite(change.value):
        return [f"without the intensity ({', '.join(shape.names)}) there are not two temperatures"]
    told = [f"without the intensity ({', '.join(reading)}) the temperature changes by {change}"]
    if len(reading) == 1:
        told.append(
            f"{reading[0]} is the only thermometer that does not use the intensity: a drift of "
            f"its own would look the same"
        )
    return told


def about_measured(cause: Measured) -> str:
    """Say that a cause was watched, and was not seen."""
    size = f"{cause.largest:+.2%}"
    return f"no {cause.name} was seen: at most {size}, and its measurement scatters by that"


def about_gain(names: Sequence[str], gain: float) -> str:
    """Say what measured causes do to χ²."""
    verb = "changes" if len(names) == 1 else "change"
    return f"{' and '.join(names)} as measured {verb} χ² by {_rounded(-gain)}"


def about_accord(names: Sequence[str]) -> str:
    """Say that the intensity contradicts nobody, without the causes that were taken off."""
    verb = "is" if len(names) == 1 else "are"
    after = f", once {' and '.join(names)} {verb} taken off" if names else ""
    return f"the intensity is what the others expect, as far as they know{after}"


def about_bleaching(lost: Bleaching) -> list[str]:
    """Say how much was lost, and what tells it from a loss in time."""
    size = f"{lost.lost:.1%} ± {lost.lost_std:.1%} of the emitters"
    told = [f"bleaching of {size} changes χ² by {_rounded(-lost.gain)}"]
    moved = abs(lost.came_back) > _CLEAR * lost.came_back_std
    if lost.gain <= 0 and not moved:
        return told
    if lost.gain > 0:
        told.append(_dose_or_time(lost.over_time))
    if lost.dim:
        found = ": it did not come back"
        if moved and lost.came_back > 0:
            found = ": it came back, as bleaching does not"
        elif moved:
            found = ": it went on falling, as bleaching does not"
        told.append(
            f"while the dose stood still ({lost.dim:.0%} of the time) the intensity changed by "
            f"{lost.came_back:+z.1%} ± {lost.came_back_std:.1%}{found}"
        )
    else:
        told.append("the dose never stood still: dark or dim stretches would show if it comes back")
    return told


def about_doubt(change: Change, shape: Change) -> str:
    """Say why a change that all thermometers together show is not confirmed."""
    return (
        f"the others know the change to ± {shape.std:.2g} K: too coarse to tell "
        f"{change.value:+.2g} K from bleaching or drift"
    )


def about_bound(shape: Change, matters: float, *, excluded: bool) -> str:
    """Say which change the thermometers exclude."""
    if excluded:
        return f"a change of more than {shape.bound:.2g} K is excluded (95 %)"
    return (
        f"a change of up to {shape.bound:.2g} K is not excluded (95 %), {matters:g} K would matter"
    )


def _dose_or_time(over_time: float) -> str:
    if over_time > DECISIVE:
        return f"the loss follows the dose, not the time (χ² {_rounded(-over_time)})"
    if over_time < -DECISIVE:
        return f"the loss follows the time, not the dose (χ² {_rounded(over_time)})"
    return "the dose rose nearly as time did: a loss in time alone would look the same"


def _rounded(number: float) -> str:
    return "0" if abs(number) < 0.5 else f"{number:+.0f}"

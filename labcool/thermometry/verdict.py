"""What several thermometers and the rest of the evidence say together.

The field's dispute is that a sample which degrades looks colder: intensity falls with temperature,
with fluence, with the focus and with bleaching. So the intensity is held against the thermometers
that do not use it. With T from those, the intensity thermometer's reading T_A means an unexplained
factor of the intensity,

    ln ρ = (Ea/kB) (1/T − 1/T_A),

which is 0 if the intensity falls because the sample is cold. If it is not, fluence and focus drifts
are taken off as they were measured, and what remains is held against the dose
(:mod:`labcool.thermometry.causes`). A cause explains the data if with it the rest is noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.thermometry.agreement import Agreement, combine
from labcool.thermometry.causes import (
    DECISIVE,
    IMPROBABLE,
    Bleaching,
    Explanation,
    Unexplained,
    bleaching,
    take_off_measured,
    take_off_nothing,
)
from labcool.thermometry.estimate import Estimate
from labcool.thermometry.evidence import Evidence
from labcool.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]

SIGNIFICANT: Final = 4.0
"""A change of temperature counts if it exceeds this many standard deviations: the extreme of some
twenty stretches passes 3 by chance in one run of twenty."""
_ENDS: Final = 20
"""The change is that between the first and the extreme twentieth of the series."""


class Conclusion(Enum):
    """The verdict in a word."""

    COOLING = "consistent cooling"
    HEATING = "heating"
    NO_CHANGE = "no change"
    FLUENCE_DRIFT = "fluence drift"
    FOCUS_DRIFT = "focus drift"
    FLUENCE_OR_FOCUS_DRIFT = "fluence or focus drift"
    BLEACHING = "bleaching"
    INCONSISTENT = "inconsistent"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The verdict and what it rests on.

    :param conclusion: in a word.
    :param change: temperature change of those thermometers that can be believed, K, from the
        beginning to the coldest (or hottest) stretch; with ``change_std``.
    :param agreement: of all thermometers.
    :param trusted: names of the thermometers whose mean ``change`` is taken from.
    :param bleached: part of the emitters lost, 0 to 1, with ``bleached_std``; NaN if not judged.
    :param evidence: what was found, one sentence each, with numbers.
    """

    conclusion: Conclusion
    change: float
    change_std: float
    agreement: Agreement
    trusted: tuple[str, ...]
    bleached: float
    bleached_std: float
    evidence: tuple[str, ...]

    def __str__(self) -> str:
        """Return the verdict as a person would say it, the evidence below it."""
        return "\n".join([self.conclusion.value, *(f"  - {each}" for each in self.evidence)])


def judge(
    readings: Mapping[str, Estimate],
    *,
    activation_energy: float,
    intensity: str = "arrhenius",
    evidence: Evidence | None = None,
) -> Verdict:
    """Hold thermometers against each other and against the rest of the evidence.

    It may be called while a run goes on, with all that has come so far.

    :param readings: name → estimates of the same n spectra, in order of time.
    :param activation_energy: Ea of the intensity thermometer, eV.
    :param intensity: name of the thermometer that reads the intensity; the others must not.
    :param evidence: monitor, scattered light, dose of the same n times; None: nothing.
    :raises LimitError: if lengths differ or there is no reading.
    """
    whole = combine(readings)
    if evidence is not None and evidence.length not in (0, len(whole.value)):
        raise LimitError("length of the evidence", evidence.length, f"{len(whole.value)}")
    independent = {name: e for name, e in readings.items() if name != intensity}
    told = [_about_agreement(whole)]
    if not independent or intensity not in readings:
        return _without_comparison(whole, readings, intensity, told)
    shape = combine(independent)
    alone, trusted = _about_shapes(shape, told), tuple(independent)
    if shape.degrees_of_freedom > 0 and shape.probability < IMPROBABLE:
        told.append("the thermometers that do not use the intensity contradict each other")
        return _verdict(Conclusion.INCONSISTENT, alone, whole, trusted, told)
    unexplained = _unexplained(readings[intensity], shape, activation_energy)
    if unexplained.known.sum() < 2:
        told.append(f"{intensity} and the others have no reading in common")
        return _verdict(Conclusion.UNDECIDED, alone, whole, trusted, told)
    bare = take_off_nothing(unexplained)
    best = _best(bare, take_off_measured(unexplained, evidence), told)
    lost = None
    if evidence is not None and evidence.dose is not None and np.ptp(evidence.dose) > 0:
        lost = bleaching(best.rest, evidence.dose)
        told.append(_about_bleaching(lost))
    if bare.suffices and best is bare and (lost is None or lost.gain < DECISIVE):
        told.append("the intensity is what the others expect")
        change = _change(whole)
        return _verdict(_direction(*change), change, whole, tuple(readings), told, lost)
    end = math.exp(_end(unexplained.log_factor))
    told.append(f"at the end the intensity is {end:.3f} times what the others expect")
    if lost is not None and lost.gain >= DECISIVE and lost.probability > IMPROBABLE:
        return _verdict(Conclusion.BLEACHING, alone, whole, trusted, told, lost)
    if best.names and best.suffices:
        return _verdict(Conclusion(best.names[0]), alone, whole, trusted, told, lost)
    told.append("no cause that was watched explains it")
    return _verdict(Conclusion.INCONSISTENT, alone, whole, trusted, told, lost)


def _best(bare: Explanation, others: list[Explanation], told: list[str]) -> Explanation:
    """Return the best explanation by measured causes; each must earn its place."""
    for other in others:
        told.append(
            f"{' and '.join(other.names)} as measured change the misfit by "
            f"{other.misfit - bare.misfit:+.0f}"
        )
    best = bare
    for other in sorted(others, key=lambda each: len(each.names)):
        if best.misfit - other.misfit > DECISIVE:
            best = other
    return best


def _unexplained(estimate: Estimate, shape: Agreement, activation_energy: float) -> Unexplained:
    scale = activation_energy / BOLTZMANN_EV_PER_K
    log_factor = scale * (1 / shape.value - 1 / estimate.value)
    per_kelvin = scale / estimate.value**2
    spread = per_kelvin * np.hypot(estimate.statistical, shape.statistical)
    shared = np.sqrt(np.maximum(shape.std**2 - shape.statistical**2, 0.0))
    common = per_kelvin * np.hypot(estimate.systematic, shared)
    known = np.isfinite(common)
    offset = float(np.mean(common[known])) if known.any() else 0.0
    return Unexplained(log_factor, spread, offset)


def _change(agreement: Agreement) -> tuple[float, float]:
    """Return the temperature change from the beginning to the extreme, K, and its std.

    Both are means over a twentieth of the series; what all times share cancels in the difference.
    """
    known = np.flatnonzero(np.isfinite(agreement.value))
    if known.size < 2:
        return math.nan, math.nan
    value, weight = agreement.value[known], 1 / agreement.statistical[known] ** 2
    width = max(1, known.size // _ENDS)
    kernel = np.ones(width)
    sums = np.convolve(weight, kernel, "valid")
    means = np.convolve(weight * value, kernel, "valid") / sums
    # The extreme is looked for in a smoothed series: its std there hardly suffers from the choice.
    extreme = int(np.argmax(np.abs(means - means[0])))
    change = float(means[extreme] - means[0])
    return change, float(np.sqrt(1 / sums[0] + 1 / sums[extreme]))


def _direction(change: float, std: float) -> Conclusion:
    if not abs(change) > SIGNIFICANT * std:
        return Conclusion.NO_CHANGE
    return Conclusion.COOLING if change < 0 else Conclusion.HEATING


def _end(series: Floats) -> float:
    known = series[np.isfinite(series)]
    return float(np.mean(known[-max(1, known.size // _ENDS) :]))


def _about_agreement(agreement: Agreement) -> str:
    names = ", ".join(agreement.names)
    if agreement.degrees_of_freedom < 1:
        return f"one thermometer: {names}"
    return (
        f"{names}: χ² {agreement.chi2:.0f} for {agreement.degrees_of_freedom} degrees of freedom, "
        f"probability {agreement.probability:.2g}"
    )


def _about_shapes(shape: Agreement, told: list[str]) -> tuple[float, float]:
    change = _change(shape)
    told.append(
        f"without the intensity ({', '.join(shape.names)}) the temperature changes by "
        f"{change[0]:+.2f} ± {change[1]:.2f} K"
    )
    return change


def _about_bleaching(lost: Bleaching) -> str:
    size = f"{lost.lost:.1%} ± {lost.lost_std:.1%} of the emitters"
    return f"bleaching of {size} changes the misfit by {-lost.gain:+.0f}"


def _without_comparison(
    whole: Agreement, readings: Mapping[str, Estimate], intensity: str, told: list[str]
) -> Verdict:
    change = _change(whole)
    if intensity in readings:
        told.append("only the intensity was read: nothing tells cooling from bleaching or drift")
        return _verdict(Conclusion.UNDECIDED, change, whole, tuple(readings), told)
    if whole.degrees_of_freedom < 1:
        told.append("one thermometer alone cannot be checked")
        return _verdict(Conclusion.UNDECIDED, change, whole, tuple(readings), told)
    agrees = whole.probability >= IMPROBABLE
    conclusion = _direction(*change) if agrees else Conclusion.INCONSISTENT
    return _verdict(conclusion, change, whole, tuple(readings), told)


def _verdict(
    conclusion: Conclusion,
    change: tuple[float, float],
    whole: Agreement,
    trusted: tuple[str, ...],
    told: list[str],
    lost: Bleaching | None = None,
) -> Verdict:
    part, part_std = (math.nan, math.nan) if lost is None else (lost.lost, lost.lost_std)
    return Verdict(conclusion, *change, whole, trusted, part, part_std, tuple(told))

"""What several thermometers and the rest of the evidence say together.

The field's dispute is that a sample which degrades looks colder: intensity falls with temperature,
with fluence, with the focus and with bleaching. So the intensity is held against the thermometers
that do not use it. With T from those, the intensity thermometer's reading T_A means an unexplained
factor of the intensity,

    ln ρ = (Ea/kB) (1/T − 1/T_A),

which is 0 if the intensity falls because the sample is cold. Fluence and focus drifts are taken off
as they were measured (:mod:`labcool.thermometry.causes`), and what remains is held against the dose
(:mod:`labcool.thermometry.bleaching`). What is not contradicted is not confirmed yet: a temperature
change is believed if the thermometers without the intensity show it by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.thermometry import _sentences as say
from labcool.thermometry._case import Case
from labcool.thermometry._change import Change, change_between, extreme_of
from labcool.thermometry._series import last_level
from labcool.thermometry._unexplained import Unexplained, unexplained_of
from labcool.thermometry.agreement import Agreement, combine
from labcool.thermometry.bleaching import Bleaching, bleaching
from labcool.thermometry.causes import (
    DECISIVE,
    IMPROBABLE,
    Explanation,
    Measured,
    best_explanation,
    measured_causes,
)
from labcool.thermometry.conclusion import Conclusion, Disturbance, Verdict
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.evidence import Evidence
from labcool.units import BOLTZMANN_EV_PER_K

__all__ = ["Conclusion", "Disturbance", "Verdict", "judge"]

Floats = NDArray[np.float64]

_WORTH_TELLING: Final = 0.1
"""A disturbance is told if it amounts to this part of the change that matters."""


def judge(
    readings: Mapping[str, Estimate],
    *,
    activation_energy: float,
    intensity: str = "arrhenius",
    evidence: Evidence | None = None,
    fluence: Floats | None = None,
    change_that_matters: float = 1.0,
) -> Verdict:
    """Hold thermometers against each other and against the rest of the evidence.

    It may be called while a run goes on, with all that has come so far.

    :param readings: name → estimates of the same n spectra, in order of time.
    :param activation_energy: Ea of the intensity thermometer, eV.
    :param intensity: name of the thermometer that reads the intensity; the others must not.
    :param evidence: monitor, scattered light, dose of the same n times; None: nothing.
    :param fluence: as it was set, shape (n,), any unit. Intensities at a fluence that has no
        reference (flag ``OTHER_FLUENCE``) are then compared among themselves, fluence by fluence;
        without it they do not count.
    :param change_that_matters: K; "no change" means that one of this size is excluded.
    :raises LimitError: if lengths differ, there is no reading, or a number is not above 0.
    """
    if intensity in readings and not 0 < activation_energy < math.inf:
        raise LimitError("activation_energy (eV)", activation_energy, "above 0")
    if not 0 < change_that_matters < math.inf:
        raise LimitError("change_that_matters (K)", change_that_matters, "above 0")
    count = len(next(iter(readings.values()), ()))
    if evidence is not None and evidence.length not in (0, count):
        raise LimitError("length of the evidence", evidence.length, f"{count}")
    if fluence is not None and np.shape(fluence) != (count,):
        raise LimitError("shape of fluence", np.shape(fluence), f"({count},)")
    whole = combine(_at_known_fluences(readings, intensity))
    told = say.about_agreement(whole)
    independent = {name: e for name, e in readings.items() if name != intensity}
    case = Case(whole, tuple(readings), told, change_that_matters)
    if np.isfinite(whole.value).sum() < 2:
        told.append("there are not two temperatures to compare")
        return case.verdict(Conclusion.UNDECIDED, Change(math.nan, math.nan))
    if not independent or intensity not in readings:
        return case.without_comparison(intensity)
    shape = combine(independent)
    rows = extreme_of(shape)
    alone, trusted = change_between(shape, rows, shape.scatter), tuple(independent)
    told += say.about_shapes(shape, alone)
    if rows is not None and shape.probability < IMPROBABLE:
        told.append("the thermometers that do not use the intensity contradict each other")
        return case.verdict(Conclusion.INCONSISTENT, alone, trusted)
    unexplained = unexplained_of(readings[intensity], shape, activation_energy, fluence)
    if unexplained.known.sum() < 2:
        told.append(f"{intensity} and the others have not two readings in common")
        return case.verdict(Conclusion.UNDECIDED, alone, trusted)
    measured = measured_causes(unexplained, evidence)
    best, gains = best_explanation(unexplained, measured)
    told += [say.about_measured(cause) for cause in measured if not cause.significant]
    told += [say.about_gain(*each) for each in gains]
    disturbances = _worth_telling(best, whole, activation_energy, change_that_matters)
    lost = _bleaching(unexplained, best, measured, evidence)
    if lost is not None:
        told += say.about_bleaching(lost)
    case = replace(case, disturbances=disturbances, lost=lost)
    loss = lost is not None and lost.gain >= DECISIVE
    if best.suffices and not loss:
        told += say.about_scatter("the intensity flickers about them", best.scatter)
        told.append(say.about_accord(best.names))
        corrected = _without(readings, intensity, best, activation_energy)
        case = replace(case, whole=combine(_at_known_fluences(corrected, intensity)))
        return case.confirmed_by(shape, best.scatter)
    end = math.exp(last_level(unexplained.log_factor))
    told.append(f"at the end the intensity is {end:.3f} times what the others expect")
    if lost is not None and loss and lost.probability > IMPROBABLE and lost.over_time > -DECISIVE:
        return case.verdict(_name_of(lost, measured, told), alone, trusted)
    told.append("no cause that was watched explains it")
    return case.verdict(Conclusion.INCONSISTENT, alone, trusted)


def _at_known_fluences(readings: Mapping[str, Estimate], intensity: str) -> dict[str, Estimate]:
    """Return the readings without intensities at a fluence that has no reference."""
    given = dict(readings)
    if intensity in given:
        estimate = given[intensity]
        elsewhere = (estimate.flags & int(Flag.OTHER_FLUENCE)) != 0
        given[intensity] = replace(estimate, value=np.where(elsewhere, np.nan, estimate.value))
    return given


def _without(
    readings: Mapping[str, Estimate], intensity: str, best: Explanation, activation_energy: float
) -> dict[str, Estimate]:
    """Return the readings with the intensity as it would have been without the causes."""
    if not best.causes:
        return dict(readings)
    estimate, per_log = readings[intensity], BOLTZMANN_EV_PER_K / activation_energy
    value = 1 / (1 / estimate.value + per_log * best.effect)
    statistical = np.hypot(estimate.statistical, per_log * value**2 * best.unsmoothed_std)
    corrected = replace(
        estimate,
        value=value,
        statistical=statistical,
        std=np.hypot(statistical, estimate.systematic),
    )
    return {**readings, intensity: corrected}


def _worth_telling(
    best: Explanation, whole: Agreement, activation_energy: float, matters: float
) -> tuple[Disturbance, ...]:
    kelvins = np.nanmean(whole.value) ** 2 * BOLTZMANN_EV_PER_K / activation_energy
    found = [Disturbance(cause.name, cause.largest) for cause in best.causes]
    return tuple(e for e in found if abs(e.size) * kelvins > _WORTH_TELLING * matters)


def _bleaching(
    unexplained: Unexplained,
    best: Explanation,
    measured: Sequence[Measured],
    evidence: Evidence | None,
) -> Bleaching | None:
    """Return what of the rest follows the dose, where all that is watched was watched."""
    if evidence is None or evidence.dose is None:
        return None
    effects = [np.isfinite(cause.effect) for cause in measured]
    watched = np.logical_and.reduce([unexplained.known, *effects])
    slow = unexplained.less(best.effect, best.unsmoothed_std).only(watched)
    return bleaching(slow, evidence.dose, evidence.time)


def _name_of(lost: Bleaching, measured: Sequence[Measured], told: list[str]) -> Conclusion:
    """Return what a loss can be called: bleaching alone needs a watched focus and a dose."""
    if not any("focus" in cause.name for cause in measured):
        told.append("scattered light was not watched: a focus drift would look the same")
        return Conclusion.BLEACHING_OR_FOCUS_DRIFT
    if lost.over_time > DECISIVE:
        return Conclusion.BLEACHING
    return Conclusion.BLEACHING_OR_FOCUS_DRIFT

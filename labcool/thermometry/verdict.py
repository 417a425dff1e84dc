"""What several thermometers and the rest of the evidence say together.

The field's dispute is that a sample which degrades looks colder: intensity falls with temperature,
with fluence, with the focus and with bleaching. So the intensity is held against the thermometers
that do not use it. With T from those, the intensity thermometer's reading T_A means an unexplained
factor of the intensity,

    ln ρ = (Ea/kB) (1/T − 1/T_A),

which is 0 if the intensity falls because the sample is cold. If it is not, every cause that the
evidence lets judge is fitted to ln ρ(t): fluence and focus drifts with the size that monitor and
scattered light give them, bleaching with a free factor that must not be negative. A cause explains
the data if with it the rest is noise; of several the most probable is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from labcool.errors import LimitError
from labcool.thermometry.agreement import Agreement, combine
from labcool.thermometry.estimate import Estimate
from labcool.thermometry.evidence import Evidence
from labcool.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]

SIGNIFICANT: Final = 4.0
"""A change of temperature counts if it exceeds this many standard deviations: the extreme of some
twenty stretches passes 3 by chance in one run of twenty."""
IMPROBABLE: Final = 1e-3
"""Thermometers that differ by more than this chance allows do not agree."""
DECISIVE: Final = 10.0
"""A cause must raise twice the log-likelihood by this much to be named (beyond its parameters)."""
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


@dataclass(frozen=True, slots=True)
class _Cause:
    name: str
    gain: float
    """How much it raises twice the log-likelihood over no cause at all."""
    chi2: float
    misfit: float
    """Minus twice the log-likelihood: unlike χ² it does not reward a cause for being uncertain."""
    factor: float
    factor_std: float


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
    alone = _about_shapes(shape, told)
    if shape.degrees_of_freedom > 0 and shape.probability < IMPROBABLE:
        return _verdict(Conclusion.INCONSISTENT, alone, whole, tuple(independent), told)
    factor, spread, offset = _unexplained(readings[intensity], shape, activation_energy)
    use = np.isfinite(factor) & np.isfinite(spread)
    if use.sum() < 2:
        told.append(f"{intensity} and the others have no reading in common")
        return _verdict(Conclusion.UNDECIDED, alone, whole, tuple(independent), told)
    none = _fit_cause("", np.zeros_like(factor), 0.0, factor, spread, offset, fixed=True)
    agrees = chdtrc(use.sum(), none.chi2) > IMPROBABLE
    causes = _causes(evidence, factor, spread, offset, none)
    best = max(causes, key=lambda cause: cause.gain, default=None)
    told += [_about_cause(cause) for cause in causes]
    bleached = next((c for c in causes if c.name == "bleaching"), None)
    if agrees and (best is None or best.gain < DECISIVE):
        told.append(f"the intensity is what the others expect (χ² {none.chi2:.0f}/{use.sum()})")
        change = _change(whole)
        return _verdict(_direction(*change), change, whole, tuple(readings), told, bleached)
    told.append(
        f"at the end the intensity is {math.exp(_end(factor)):.3f} times what the others expect"
    )
    explains = best is not None and chdtrc(use.sum(), best.chi2) > IMPROBABLE
    if best is not None and best.gain >= DECISIVE and explains:
        return _verdict(Conclusion(best.name), alone, whole, tuple(independent), told, bleached)
    told.append("no cause that was watched explains it")
    return _verdict(Conclusion.INCONSISTENT, alone, whole, tuple(independent), told, bleached)


def _unexplained(
    estimate: Estimate, shape: Agreement, activation_energy: float
) -> tuple[Floats, Floats, float]:
    """Return ln ρ, its independent std, and the std of an offset that all points share."""
    scale = activation_energy / BOLTZMANN_EV_PER_K
    factor = scale * (1 / shape.value - 1 / estimate.value)
    per_kelvin = scale / estimate.value**2
    spread = per_kelvin * np.hypot(estimate.statistical, shape.statistical)
    shared = np.sqrt(np.maximum(shape.std**2 - shape.statistical**2, 0.0))
    common = per_kelvin * np.hypot(estimate.systematic, shared)
    known = np.isfinite(common)
    return factor, spread, float(np.mean(common[known])) if known.any() else 0.0


def _causes(
    evidence: Evidence | None, factor: Floats, spread: Floats, offset: float, none: _Cause
) -> list[_Cause]:
    if evidence is None:
        return []
    found = []
    for name, regressor, own in evidence.regressors():
        fixed = name != "bleaching"
        cause = _fit_cause(name, regressor, own, factor, spread, offset, fixed=fixed)
        penalty = 0.0 if fixed else 1.0
        gain = none.misfit - cause.misfit - penalty
        found.append(replace(cause, gain=gain))
    return found


def _fit_cause(
    name: str,
    regressor: Floats,
    own: float,
    factor: Floats,
    spread: Floats,
    offset: float,
    *,
    fixed: bool,
) -> _Cause:
    """Fit ``ln ρ = offset + κ regressor``; κ is 1 if fixed, else not negative."""
    use = np.isfinite(factor) & np.isfinite(spread) & np.isfinite(regressor)
    y, x = factor[use], regressor[use]
    weight = 1 / (spread[use] ** 2 + own**2)
    prior = 1 / max(offset, 1e-6) ** 2
    curvature = np.array(
        [[weight.sum() + prior, weight @ x], [weight @ x, weight @ (x * x)]], np.float64
    )
    pull = np.array([weight @ y, weight @ (x * y)])
    kappa, std = (1.0, 0.0) if fixed else (0.0, math.nan)
    if not fixed and np.linalg.det(curvature) > 0:
        covariance = np.linalg.inv(curvature)
        kappa, std = max(float((covariance @ pull)[1]), 0.0), float(np.sqrt(covariance[1, 1]))
    shift = (pull[0] - curvature[0, 1] * kappa) / curvature[0, 0]
    rest = y - shift - kappa * x
    chi2 = float(weight @ (rest * rest) + prior * shift * shift)
    return _Cause(name, 0.0, chi2, chi2 - float(np.log(weight).sum()), kappa, std)


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


def _about_cause(cause: _Cause) -> str:
    size = (
        ""
        if math.isnan(cause.factor_std) or cause.factor_std == 0
        else (f", {1 - math.exp(-cause.factor):.1%} ± {cause.factor_std:.1%} of the emitters")
    )
    return f"{cause.name} changes the misfit by {-cause.gain:+.0f}{size}"


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
    bleached: _Cause | None = None,
) -> Verdict:
    part, part_std = math.nan, math.nan
    if bleached is not None and math.isfinite(bleached.factor_std):
        part = 1 - math.exp(-bleached.factor)
        part_std = (1 - part) * bleached.factor_std
    return Verdict(conclusion, *change, whole, trusted, part, part_std, tuple(told))

"""The few numbers that a cooling run comes down to.

Temperatures at the edges of segments are read off a curve through many points and not off single
ones. In particular the coldest temperature is not the minimum of the points: of n noisy points the
smallest lies some 3 σ too low, so that a run without any cooling would show some. It is the *end*
of the segment that ends coldest; a sample that turns round within a segment is not seen by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from labcool.errors import LimitError
from labcool.fitting import ExponentialFit, fit_exponential
from labcool.thermometry import SAME_FLUENCE, Quantity, not_determined
from labcool.units import KELVIN, PERCENT, SECOND
from procedures.shared.programme import Programme

SIGNIFICANT: Final = 3.0
"""A change counts from this many of its standard deviations."""
_GOOD_FIT: Final = 1e-3
"""Smallest probability of its χ² at which an exponential is believed to describe a segment."""
_EDGE: Final = 0.2
"""Part of a segment's points that a local curve takes for the temperature at its edge."""
_FEWEST: Final = 5
_SMALL_STEP: Final = 0.1
"""Part of the drift that is tried out, so that the answer stays proportional to it."""
_DEGREE: Final = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Edge:
    time: float
    value: float
    statistical: float
    systematic: float
    fluence: float

    @property
    def quantity(self) -> Quantity:
        return Quantity(self.value, math.hypot(self.statistical, self.systematic), KELVIN)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One segment with light and points in it."""

    index: int
    fit: ExponentialFit
    tau_drift: float
    """Change of the time constant if the pump drifts through the stretch, s."""
    start: _Edge
    end: _Edge

    @property
    def cools(self) -> bool:
        noise = math.hypot(self.start.statistical, self.end.statistical)
        return self.start.value - self.end.value > SIGNIFICANT * noise


def cooling_results(
    time: ArrayLike,
    temperature: ArrayLike,
    std: ArrayLike,
    systematic: ArrayLike,
    fluence: ArrayLike,
    segment: ArrayLike,
    programme: Programme,
    *,
    drift_std: float | None = None,
) -> dict[str, Quantity]:
    """Return the results of a cooling run; what the data do not give is NaN.

    * ``start_temperature``, K: at the first point of the run.
    * ``coldest_temperature``, K: at the end of the segment that ends coldest.
    * ``temperature_drop``, K: start less coldest.
    * ``cooling_time_constant``, s: exponential through the first segment that cools by more than
      3 σ.
    * ``warming_time_constant``, s: exponential through the last lit segment after the coldest
      point, if it warms. Both stds hold what a drift of ``drift_std`` does to them.
    * ``recovery_in_dark``, K: temperature just after less just before, summed over the dark
      stretches between lit segments. Positive if the sample warms without light; a sample that has
      bleached does not.
    * ``reversibility``, %: part of the drop that is regained by the last point; NaN if the drop is
      not significant, or the run ends at its coldest without a weaker pump.

    All arrays have shape (n,); points whose temperature or std is NaN are left out.

    :param time: s, ascending.
    :param temperature: K.
    :param std: statistical standard deviation of each temperature, K, above 0.
    :param systematic: standard deviation that the points share, K.
    :param fluence: irradiance at the sample, W/cm²; points at one fluence share their reference.
    :param segment: index into ``programme.segments`` of each point.
    :param programme: what was run; tells which segments are dark.
    :param drift_std: the part of the systematic std that is drift of the pump, K. If given, the
        rest cancels in differences within one fluence as far as it is the same; None: nothing is
        taken to cancel, which makes the std of differences too large rather than too small.
    :raises LimitError: if the shapes differ, or a segment is not in the programme.
    """
    points = _points(time, temperature, std, systematic, fluence, segment)
    stretches = _stretches(points, programme, drift_std or 0.0)
    if not stretches:
        return _nothing()
    start, end = stretches[0].start, stretches[-1].end
    coldest = min(stretches, key=lambda stretch: stretch.end.value)
    cooling = next((stretch for stretch in stretches if stretch.cools), None)
    after = [stretch for stretch in stretches if stretch.index > coldest.index]
    return {
        "start_temperature": start.quantity,
        "coldest_temperature": coldest.end.quantity,
        "temperature_drop": _difference(start, coldest.end, drift_std),
        "cooling_time_constant": _time_constant(cooling, falling=True),
        "warming_time_constant": _time_constant(after[-1] if after else None, falling=False),
        "recovery_in_dark": _recovery(stretches, programme, drift_std),
        "reversibility": _reversibility(start, coldest.end, end, drift_std),
    }


def _nothing() -> dict[str, Quantity]:
    units = {
        "start_temperature": KELVIN,
        "coldest_temperature": KELVIN,
        "temperature_drop": KELVIN,
        "cooling_time_constant": SECOND,
        "warming_time_constant": SECOND,
        "recovery_in_dark": KELVIN,
        "reversibility": PERCENT,
    }
    return {name: not_determined(unit) for name, unit in units.items()}


def _points(*columns: ArrayLike) -> Mapping[str, NDArray[Any]]:
    names = ("time", "temperature", "std", "systematic", "fluence", "segment")
    arrays = {name: np.asarray(column) for name, column in zip(names, columns, strict=True)}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1 or arrays["time"].ndim != 1:
        raise LimitError("shapes of the points", sorted(shapes), "(n,) for every column")
    known = np.isfinite(arrays["temperature"]) & np.isfinite(arrays["std"])
    return {name: array[known] for name, array in arrays.items()}


def _stretches(
    points: Mapping[str, NDArray[Any]], programme: Programme, drift_std: float
) -> list[_Stretch]:
    indices = np.unique(points["segment"]).tolist()
    outside = [index for index in indices if not 0 <= index < len(programme)]
    if outside:
        raise LimitError("segment of a point", outside[0], f"0 to {len(programme) - 1}")
    return [
        _stretch(int(index), {name: array[chosen] for name, array in points.items()}, drift_std)
        for index in indices
        if not programme.segments[int(index)].dark
        for chosen in [points["segment"] == index]
    ]


def _stretch(index: int, points: Mapping[str, NDArray[Any]], drift_std: float) -> _Stretch:
    fit = fit_exponential(points["time"], points["temperature"], points["std"])
    return _Stretch(
        index,
        fit,
        _tau_drift(points, fit, drift_std),
        _edge(points, fit, first=True),
        _edge(points, fit, first=False),
    )


def _tau_drift(points: Mapping[str, NDArray[Any]], fit: ExponentialFit, drift_std: float) -> float:
    """Return what a slow drift of the pump does to the time constant, s.

    A slow drift looks like a part of the approach. It is tried out: the fit is done again with the
    slowest shapes a drift can have within the stretch, and the changes are added in quadrature, as
    for independent parts of one drift. ``drift_std`` is that of a difference of two moments, so
    the drift about its mean has 1/√2 of it, which the shapes share equally.
    """
    if not fit.converged or drift_std == 0:
        return 0.0
    time = points["time"]
    phase = (time - time[0]) / max(float(np.ptp(time)), 1e-12)
    shapes = (
        math.sqrt(12) * (phase - 0.5),
        math.sqrt(2) * np.sin(np.pi * phase),
        math.sqrt(2) * np.sin(2 * np.pi * phase),
    )
    step = _SMALL_STEP * drift_std / math.sqrt(2 * len(shapes))
    changes = []
    for shape in shapes:
        up, down = (
            fit_exponential(time, points["temperature"] + sign * step * shape, points["std"])
            for sign in (1, -1)
        )
        slope = (up.tau - down.tau) / (2 * _SMALL_STEP)
        changes.append(slope if up.converged and down.converged else math.inf)
    return math.hypot(*changes)


def _edge(points: Mapping[str, NDArray[Any]], fit: ExponentialFit, *, first: bool) -> _Edge:
    """Return the temperature at the first or last point, from the curve through its neighbours."""
    at = 0 if first else -1
    if _describes(fit):
        value, std = (fit.start, fit.start_std) if first else (fit.end, fit.end_std)
    else:
        count = max(_FEWEST, math.ceil(_EDGE * len(points["time"])))
        near = slice(None, count) if first else slice(-count, None)
        value, std = _local(
            points["time"][near] - points["time"][at],
            points["temperature"][near],
            points["std"][near],
        )
    return _Edge(
        float(points["time"][at]),
        value,
        std,
        float(points["systematic"][at]),
        float(points["fluence"][at]),
    )


def _describes(fit: ExponentialFit) -> bool:
    chi2 = fit.reduced_chi2 * fit.degrees_of_freedom
    return fit.converged and bool(chdtrc(fit.degrees_of_freedom, chi2) > _GOOD_FIT)


def _local(elapsed: Floats, temperature: Floats, std: Floats) -> tuple[float, float]:
    """Return a parabola's value and std at elapsed = 0; the mean if there are too few points."""
    degree = _DEGREE if elapsed.size >= _FEWEST else 0
    scale = max(float(np.ptp(elapsed)), 1e-12)
    columns = np.vander(elapsed / scale, degree + 1, increasing=True) / std[:, np.newaxis]
    solution = np.linalg.lstsq(columns, temperature / std)[0]
    covariance = np.linalg.inv(columns.T @ columns)
    return float(solution[0]), math.sqrt(covariance[0, 0])


def _difference(one: _Edge, other: _Edge, drift_std: float | None) -> Quantity:
    squares = one.statistical**2 + other.statistical**2 + _unshared(one, other, drift_std)
    return Quantity(one.value - other.value, math.sqrt(squares), KELVIN)


def _unshared(one: _Edge, other: _Edge, drift_std: float | None) -> float:
    """Return the variance that the systematic parts leave in the difference of two edges, K²."""
    if drift_std is None or not math.isclose(one.fluence, other.fluence, rel_tol=SAME_FLUENCE):
        return one.systematic**2 + other.systematic**2
    # Of what two points share, at most the difference of the squares of the totals is left.
    return abs(one.systematic**2 - other.systematic**2) + 2 * drift_std**2


def _time_constant(stretch: _Stretch | None, *, falling: bool) -> Quantity:
    if stretch is None or not stretch.fit.converged:
        return not_determined(SECOND)
    if (stretch.fit.steady < stretch.fit.start) is not falling:
        return not_determined(SECOND)
    return Quantity(stretch.fit.tau, math.hypot(stretch.fit.tau_std, stretch.tau_drift), SECOND)


def _recovery(
    stretches: Sequence[_Stretch], programme: Programme, drift_std: float | None
) -> Quantity:
    steps = [
        _difference(after.start, before.end, drift_std)
        for before, after in pairwise(stretches)
        if any(programme.segments[i].dark for i in range(before.index + 1, after.index))
    ]
    if not steps:
        return not_determined(KELVIN)
    total = math.fsum(step.value for step in steps)
    return Quantity(total, math.hypot(*(step.std for step in steps)), KELVIN)


def _reversibility(start: _Edge, coldest: _Edge, end: _Edge, drift_std: float | None) -> Quantity:
    drop = start.value - coldest.value
    noise = math.hypot(start.statistical, coldest.statistical)
    if not drop > SIGNIFICANT * noise:
        return not_determined(PERCENT)
    if end is coldest:
        # Nothing was tried if the run ended under the full pump; after that, it did not come back.
        weaker = end.fluence < (1 - SAME_FLUENCE) * start.fluence
        return Quantity(0.0, 0.0, PERCENT) if weaker else not_determined(PERCENT)
    share = (end.value - coldest.value) / drop
    variance = (
        end.statistical**2
        + (share * start.statistical) ** 2
        + ((1 - share) * coldest.statistical) ** 2
        + _unshared(end, coldest, drift_std)
        + share**2 * _unshared(start, coldest, drift_std)
    )
    return Quantity(100 * share, 100 * math.sqrt(variance) / drop, PERCENT)

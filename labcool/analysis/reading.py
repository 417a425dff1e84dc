"""Carries a thermometer through a measurement: block by block, one exposure at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.analysis.measurement import Measurement
from labcool.calibration import CalibrationRecord
from labcool.thermometry.estimate import Estimate

Floats = NDArray[np.float64]

BLOCK: Final = 1024
"""Spectra that are worked on at once."""


class Thermometer(Protocol):
    """What all thermometers have in common."""

    def estimate(
        self,
        spectra: ArrayLike,
        *,
        exposure: Any,
        fluence: Any,
        saturated: ArrayLike | None = None,
        averages: int = 1,
    ) -> Estimate:
        """Get the temperatures of a block of spectra."""


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """A thermometer that is ready to read a measurement.

    :param choose: returns the thermometer for spectra of a fluence (W/cm²); of several fluences
        that share one it must return the same object.
    :param calibrations: records it uses.
    :param settings: what a file should keep of it, as :mod:`labcool.storage.values` takes it.
    :param by_exposure: True if it wants spectra of one exposure only.
    """

    choose: Callable[[float], Thermometer]
    calibrations: tuple[CalibrationRecord, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    by_exposure: bool = True


def read(instance: Instance, measured: Measurement) -> Estimate:
    """Return the temperatures of all spectra, in their order."""
    n = len(measured)
    parts: list[tuple[NDArray[np.int64], Estimate]] = []
    for rows, thermometer in _groups(instance, measured):
        for begin in range(0, len(rows), BLOCK):
            chosen = rows[begin : begin + BLOCK]
            exposure = measured.exposure[chosen]
            estimate = thermometer.estimate(
                measured.spectra[chosen],
                exposure=float(exposure[0]) if instance.by_exposure else exposure,
                fluence=measured.fluence[chosen],
                saturated=measured.saturated[chosen],
                averages=measured.averages,
            )
            parts.append((chosen, estimate))
    value, std, statistical, systematic = (np.full(n, np.nan) for _ in range(4))
    flags = np.zeros(n, np.int64)
    limit = np.full(n, np.nan)
    has_limit = False
    for chosen, part in parts:
        value[chosen], std[chosen] = part.value, part.std
        statistical[chosen], systematic[chosen] = part.statistical, part.systematic
        flags[chosen] = part.flags
        if part.upper_limit is not None:
            limit[chosen], has_limit = part.upper_limit, True
    return Estimate(value, std, statistical, systematic, flags, limit if has_limit else None)


def _groups(
    instance: Instance, measured: Measurement
) -> list[tuple[NDArray[np.int64], Thermometer]]:
    """Return the rows that go together, with their thermometer."""
    fluences, of_fluence = np.unique(measured.fluence, return_inverse=True)
    thermometers = [instance.choose(float(fluence)) for fluence in fluences]
    distinct = list({id(each): each for each in thermometers}.values())
    which = np.array([distinct.index(each) for each in thermometers])[of_fluence]
    exposures, of_exposure = np.unique(measured.exposure, return_inverse=True)
    if not instance.by_exposure:
        of_exposure = np.zeros_like(of_exposure)
    found = []
    for index, thermometer in enumerate(distinct):
        for number in range(len(exposures)):
            rows = np.flatnonzero((which == index) & (of_exposure == number))
            if rows.size:
                found.append((rows, thermometer))
    return found

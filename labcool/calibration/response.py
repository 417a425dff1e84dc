"""How well optics and detector see each wavelength."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.calibration.checks import not_negative
from labcool.calibration.record import CalibrationRecord
from labcool.errors import LimitError
from labcool.units import HC_EV_NM

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ResponseCalibration(CalibrationRecord):
    """Counts per photon, relative to the best pixel, as a table over wavelengths.

    :param wavelengths: nm, ascending, two or more.
    :param response: as many, above 0, the largest about 1.
    :param relative_std: relative standard uncertainty of each, independent of the others.
    :param slope_std: standard uncertainty of ``d ln(response)/dE`` that all share, 1/eV: a lamp
        hotter than believed tilts the whole curve.
    :param valid_range: first and last wavelength, nm; there is no response outside.
    :raises LimitError: if a number is outside its range or the lengths differ.
    """

    required: ClassVar[tuple[str, ...]] = ("method", "source")
    range_unit: ClassVar[str] = "nm"

    wavelengths: tuple[float, ...]
    response: tuple[float, ...]
    relative_std: tuple[float, ...]
    slope_std: float = 0.0
    valid_range: tuple[float, float] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = [tuple(map(float, r)) for r in (self.wavelengths, self.response, self.relative_std)]
        lengths = {len(row) for row in rows}
        if len(lengths) != 1 or len(rows[0]) < 2 or not np.isfinite(rows).all():
            raise LimitError("lengths of the response table", lengths, "equal, 2 or more, finite")
        if not (np.diff(rows[0]) > 0).all():
            raise LimitError("wavelengths of the response (nm)", "not ascending", "ascending")
        if not min(rows[1]) > 0:
            raise LimitError("response", min(rows[1]), "above 0 everywhere in its range")
        not_negative("relative std of the response", min(rows[2]))
        not_negative("std of the slope of the response (1/eV)", self.slope_std)
        for name, row in zip(("wavelengths", "response", "relative_std"), rows, strict=True):
            object.__setattr__(self, name, row)
        object.__setattr__(self, "slope_std", float(self.slope_std))

    def at(self, wavelengths: ArrayLike) -> Floats:
        """Return the response at wavelengths (nm), same shape; NaN outside the range."""
        return self._interpolated(wavelengths, self.response)

    def std_at(self, wavelengths: ArrayLike) -> Floats:
        """Return its relative standard uncertainty, without what all wavelengths share."""
        return self._interpolated(wavelengths, self.relative_std)

    def ratio_std(self, one: float, other: float) -> float:
        """Return the relative standard uncertainty of the ratio of the responses at two lines.

        :param one: wavelength, nm.
        :param other: wavelength, nm.
        """
        apart = HC_EV_NM / one - HC_EV_NM / other
        own = self.std_at(np.array([one, other]))
        return math.hypot(*map(float, own), self.slope_std * apart)

    def _interpolated(self, wavelengths: ArrayLike, values: tuple[float, ...]) -> Floats:
        where = np.asarray(wavelengths, np.float64)
        low, high = self.valid_range
        inside = (where >= low) & (where <= high)
        return np.where(inside, np.interp(where, self.wavelengths, values), np.nan)

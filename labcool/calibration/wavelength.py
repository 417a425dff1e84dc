"""From the number of a pixel to its wavelength."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.polynomial.polynomial import polyval, polyvander
from numpy.typing import ArrayLike, NDArray

from labcool.calibration.checks import checked_covariance
from labcool.calibration.lamp_lines import Medium
from labcool.calibration.record import CalibrationRecord
from labcool.errors import LimitError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WavelengthCalibration(CalibrationRecord):
    """``λ = Σ c_k (pixel − reference pixel)^k``, pixels counted from 0.

    :param coefficients: c_0, c_1 ..., nm per pixel^k; at least two.
    :param covariance: of the coefficients, as many rows and columns.
    :param reference_pixel: 0 or more.
    :param medium: ``"air"`` or ``"vacuum"``.
    :param valid_range: first and last pixel with a line of the lamp; beyond, it extrapolates.
    :raises LimitError: if a number is outside its range or a shape does not fit.
    """

    required: ClassVar[tuple[str, ...]] = ("method", "source")
    range_unit: ClassVar[str] = "pixel"

    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    reference_pixel: float
    medium: Medium = "air"

    def __post_init__(self) -> None:
        super().__post_init__()
        coefficients = tuple(map(float, self.coefficients))
        if len(coefficients) < 2 or not np.isfinite(coefficients).all():
            raise LimitError("coefficients", self.coefficients, "two or more, finite")
        if self.medium not in ("air", "vacuum"):
            raise LimitError("medium of the wavelengths", repr(self.medium), "'air' or 'vacuum'")
        object.__setattr__(self, "coefficients", coefficients)
        object.__setattr__(
            self, "covariance", checked_covariance(self.covariance, len(coefficients))
        )
        object.__setattr__(self, "reference_pixel", float(self.reference_pixel))

    def wavelengths(self, pixels: ArrayLike) -> Floats:
        """Return the wavelength of pixels, nm, same shape."""
        away = np.asarray(pixels, np.float64) - self.reference_pixel
        return np.asarray(polyval(away, np.array(self.coefficients)), np.float64)

    def std(self, pixels: ArrayLike) -> Floats:
        """Return the standard uncertainty of these wavelengths, nm; neighbours share it."""
        away = np.asarray(pixels, np.float64) - self.reference_pixel
        powers = polyvander(away, len(self.coefficients) - 1)
        variance = np.einsum("...j,jk,...k->...", powers, np.array(self.covariance), powers)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)), np.float64)

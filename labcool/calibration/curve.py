"""How something that is measured depends on temperature: a curve with its uncertainty.

Width, position or slope of a line against the temperature of a stage; the coefficients are
correlated, and so are the errors of all temperatures that are read off one curve.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval, polyvander
from numpy.typing import NDArray

from labcool.calibration.checks import above_zero, checked_covariance, positive, stated
from labcool.calibration.record import CalibrationRecord
from labcool.errors import LimitError
from labcool.models.phonons import varshni_gap, varshni_slope

Floats = NDArray[np.float64]

PEAK_ENERGY: Final = "peak energy"
"""Observable of a calibration for the position of a line, in eV."""
LINE_WIDTH: Final = "fwhm"
"""Observable of a calibration for the full width at half maximum of a line, in eV."""


@dataclass(frozen=True)
class PolynomialCalibration(CalibrationRecord):
    """``observable = Σ c_k (T − T0)^k``.

    :param observable: what is measured, e.g. :data:`PEAK_ENERGY`.
    :param unit: its unit, e.g. ``"eV"``.
    :param coefficients: c_0, c_1 ..., the unit per K^k; at least two.
    :param covariance: of the coefficients, as many rows and columns.
    :param reference_temperature: T0, K.
    :param valid_range: lowest and highest temperature of the calibration, K; the curve must rise
        or fall throughout.
    :raises LimitError: if a number is outside its range, a shape does not fit, the covariance is
        none, or the curve turns within the range.
    """

    required: ClassVar[tuple[str, ...]] = ("method", "source")
    range_unit: ClassVar[str] = "K"

    observable: str
    unit: str
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    reference_temperature: float
    valid_range: tuple[float, float] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "coefficients", tuple(map(float, self.coefficients)))
        object.__setattr__(
            self, "covariance", checked_covariance(self.covariance, len(self.coefficients))
        )
        if len(self.coefficients) < 2:
            raise LimitError("coefficients", self.coefficients, "at least two: level and slope")
        positive("reference temperature (K)", self.reference_temperature)
        check_curve(self)

    def value(self, temperature: Floats) -> Floats:
        """Return the observable at temperatures (K), same shape."""
        away = np.asarray(temperature - self.reference_temperature, np.float64)
        observable: Floats = np.asarray(polyval(away, np.array(self.coefficients)), np.float64)
        return observable

    def slope(self, temperature: Floats) -> Floats:
        """Return its derivative by temperature, unit/K."""
        away = np.asarray(temperature - self.reference_temperature, np.float64)
        rate: Floats = np.asarray(polyval(away, polyder(np.array(self.coefficients))), np.float64)
        return rate

    def gradient(self, temperature: Floats) -> Floats:
        """Return the derivatives by the coefficients, shape (..., coefficient)."""
        away = np.asarray(temperature - self.reference_temperature, np.float64)
        powers = polyvander(away, len(self.coefficients) - 1)
        return np.asarray(powers, np.float64)


@dataclass(frozen=True)
class VarshniCalibration(CalibrationRecord):
    """Energy of a line, ``E0 − α T²/(T + β)``; α is negative for lead-halide perovskites.

    :param coefficients: E0 (eV), α (eV/K), β (K).
    :param covariance: of the three.
    :param valid_range: lowest and highest temperature of the calibration, K.
    :raises LimitError: as :class:`PolynomialCalibration`.
    """

    required: ClassVar[tuple[str, ...]] = ("method", "source")
    range_unit: ClassVar[str] = "K"

    coefficients: tuple[float, float, float]
    covariance: tuple[tuple[float, ...], ...]
    observable: str = PEAK_ENERGY
    unit: str = "eV"
    valid_range: tuple[float, float] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.coefficients) != 3:
            raise LimitError("coefficients", self.coefficients, "three: E0, alpha, beta")
        object.__setattr__(self, "coefficients", tuple(map(float, self.coefficients)))
        object.__setattr__(self, "covariance", checked_covariance(self.covariance, 3))
        positive("beta (K)", self.coefficients[2])
        check_curve(self)

    def value(self, temperature: Floats) -> Floats:
        """Return the energy at temperatures (K), same shape, eV."""
        return varshni_gap(temperature, *self.coefficients)

    def slope(self, temperature: Floats) -> Floats:
        """Return its derivative by temperature, eV/K."""
        _, alpha, beta = self.coefficients
        return varshni_slope(temperature, alpha, beta)

    def gradient(self, temperature: Floats) -> Floats:
        """Return the derivatives by the coefficients, shape (..., 3)."""
        _, alpha, beta = self.coefficients
        kelvin = np.asarray(temperature)
        by_alpha = -kelvin * kelvin / (kelvin + beta)
        by_beta = alpha * kelvin * kelvin / (kelvin + beta) ** 2
        return np.stack([np.ones_like(kelvin), by_alpha, by_beta], axis=-1)


def check_curve(calibration: PolynomialCalibration | VarshniCalibration) -> None:
    """Check what every curve must be.

    :raises LimitError: if the range is empty, a text is missing, or the curve is not monotonic.
    """
    above_zero("valid range (K)", calibration.valid_range)
    stated("observable of the calibration", calibration.observable)
    low, high = calibration.valid_range
    slopes = calibration.slope(np.linspace(low, high, 257))
    if not ((slopes > 0).all() or (slopes < 0).all()):
        raise LimitError(
            "calibration curve",
            f"turns within {low:g} to {high:g} K",
            "rising or falling throughout",
            "Narrow its valid range or use fewer coefficients.",
        )

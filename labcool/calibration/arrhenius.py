"""Activation energy of the anti-Stokes emission."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from labcool.calibration.checks import not_negative, positive, stated
from labcool.calibration.record import CalibrationRecord
from labcool.errors import LimitError


@dataclass(frozen=True)
class ArrheniusCalibration(CalibrationRecord):
    """Slope of ln(intensity) against 1/T, as a stage or an ice bath gives it.

    Roman et al. 2020 found 0.140 eV between 10 and 24 °C for a film of CsPbBr3 nanocrystals.

    :param activation_energy: eV, above 0.
    :param std: standard uncertainty of the activation energy, eV, 0 or more.
    :param valid_range: lowest and highest temperature at which the law was checked, K.
    :param date: day of the calibration.
    :param source: the measurement or publication it comes from.
    :raises LimitError: if a number is outside its range, or the source is empty.
    """

    activation_energy: float
    std: float
    valid_range: tuple[float, float]
    date: date
    source: str

    def __post_init__(self) -> None:
        energy = positive("activation energy (eV)", self.activation_energy)
        std = not_negative("std of the activation energy (eV)", self.std)
        low, high = (positive("valid range (K)", bound) for bound in self.valid_range)
        if not low < high:
            raise LimitError("valid range (K)", self.valid_range, "(lower, higher)")
        stated("source of the calibration", self.source)
        # Whole numbers from a configuration file must not give another id than floats.
        object.__setattr__(self, "activation_energy", energy)
        object.__setattr__(self, "std", std)
        object.__setattr__(self, "valid_range", (low, high))

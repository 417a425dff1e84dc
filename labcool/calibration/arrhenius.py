"""Activation energy of the anti-Stokes emission."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from labcool.calibration.checks import above_zero, not_negative, positive
from labcool.calibration.record import CalibrationRecord


@dataclass(frozen=True)
class ArrheniusCalibration(CalibrationRecord):
    """Slope of ln(intensity) against 1/T, as a stage or an ice bath gives it.

    Roman et al. 2020 found 0.140 eV between 10 and 24 °C for a film of CsPbBr3 nanocrystals. It
    belongs to the sample *and* to the band and the filter that the intensity was measured with.

    :param activation_energy: eV, above 0.
    :param std: standard uncertainty of the activation energy, eV, 0 or more.
    :param valid_range: lowest and highest temperature at which the law was checked, K.
    :raises LimitError: if a number is outside its range, or the source is empty.
    """

    required: ClassVar[tuple[str, ...]] = ("source",)
    range_unit: ClassVar[str] = "K"

    activation_energy: float
    std: float
    valid_range: tuple[float, float] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        above_zero("valid range (K)", self.valid_range)
        energy = positive("activation energy (eV)", self.activation_energy)
        std = not_negative("std of the activation energy (eV)", self.std)
        object.__setattr__(self, "activation_energy", energy)
        object.__setattr__(self, "std", std)

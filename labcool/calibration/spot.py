"""From power to irradiance at the sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from labcool.calibration.checks import not_negative, positive
from labcool.calibration.record import CalibrationRecord
from labcool.errors import LimitError

_CM_PER_UM = 1e-4


@dataclass(frozen=True)
class SpotCalibration(CalibrationRecord):
    """Size of the pump spot and transmission of the path that leads to it.

    *Fluence*, as the literature of the field calls the irradiance at the sample, is the mean over
    the 1/e² area: ``P / (π d²/4)``, with P the power at the sample. The peak of a Gaussian beam is
    twice that; 86.5 % of the power falls inside the area.

    :param diameter_um: 1/e² diameter at the sample, µm, above 0; of an elliptical spot the
        geometric mean of both.
    :param path_transmission: power at the sample over power at the reference point (laser output
        or power meter), above 0, at most 1.
    :param relative_std: relative standard uncertainty of the fluence, 0 or more.
    :raises LimitError: if a number is outside its range, or the method is empty.
    """

    required: ClassVar[tuple[str, ...]] = ("method",)

    diameter_um: float
    path_transmission: float
    relative_std: float

    def __post_init__(self) -> None:
        super().__post_init__()
        diameter = positive("spot diameter (µm)", self.diameter_um)
        transmission = positive("path transmission", self.path_transmission)
        if transmission > 1:
            raise LimitError("path transmission", self.path_transmission, "above 0 and at most 1")
        relative_std = not_negative("relative std of the fluence", self.relative_std)
        object.__setattr__(self, "diameter_um", diameter)
        object.__setattr__(self, "path_transmission", transmission)
        object.__setattr__(self, "relative_std", relative_std)

    @property
    def area_cm2(self) -> float:
        """Area of the 1/e² circle, cm²."""
        return math.pi / 4 * (self.diameter_um * _CM_PER_UM) ** 2

    def fluence(self, power_W: float) -> float:
        """Return the irradiance at the sample, W/cm².

        :param power_W: power at the reference point, W, 0 or more.
        :raises LimitError: if the power is negative or not finite.
        """
        return not_negative("power (W)", power_W) * self.path_transmission / self.area_cm2

    def power(self, fluence: float) -> float:
        """Return the power needed at the reference point, W.

        :param fluence: irradiance at the sample, W/cm², 0 or more.
        :raises LimitError: if the fluence is negative or not finite.
        """
        return not_negative("fluence (W/cm²)", fluence) * self.area_cm2 / self.path_transmission

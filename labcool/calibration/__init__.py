"""Calibrations as dated records that carry their own fingerprint."""

from labcool.calibration.arrhenius import ArrheniusCalibration
from labcool.calibration.curve import PolynomialCalibration, VarshniCalibration
from labcool.calibration.record import CalibrationRecord
from labcool.calibration.spot import SpotCalibration

__all__ = [
    "ArrheniusCalibration",
    "CalibrationRecord",
    "PolynomialCalibration",
    "SpotCalibration",
    "VarshniCalibration",
]

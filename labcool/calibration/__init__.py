"""Calibrations as dated records that carry their own fingerprint.

How they are made from measurements is in :mod:`labcool.calibration.fits`.
"""

from labcool.calibration.arrhenius import ArrheniusCalibration
from labcool.calibration.curve import (
    LINE_WIDTH,
    PEAK_ENERGY,
    PolynomialCalibration,
    VarshniCalibration,
)
from labcool.calibration.exchange import from_plain, to_plain
from labcool.calibration.record import CalibrationRecord
from labcool.calibration.response import ResponseCalibration
from labcool.calibration.spot import SpotCalibration
from labcool.calibration.wavelength import WavelengthCalibration

__all__ = [
    "LINE_WIDTH",
    "PEAK_ENERGY",
    "ArrheniusCalibration",
    "CalibrationRecord",
    "PolynomialCalibration",
    "ResponseCalibration",
    "SpotCalibration",
    "VarshniCalibration",
    "WavelengthCalibration",
    "from_plain",
    "to_plain",
]

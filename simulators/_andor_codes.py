"""Numbers of the camera library's header: what functions answer, and the modes they set."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """Return codes, the DRV_... of the header."""

    GENERAL = 20001
    SUCCESS = 20002
    ACQUISITION_ERRORS = 20017
    ACQUISITION_BUFFER = 20018
    KINETIC_TIME_NOT_MET = 20022
    ACCUMULATE_TIME_NOT_MET = 20023
    NO_NEW_DATA = 20024
    TEMPERATURE_OFF = 20034
    TEMPERATURE_NOT_STABILISED = 20035
    TEMPERATURE_STABILISED = 20036
    TEMPERATURE_NOT_REACHED = 20037
    TEMPERATURE_DRIFT = 20040
    GENERAL_ERRORS = 20049
    P1INVALID = 20066
    P2INVALID = 20067
    P3INVALID = 20068
    P4INVALID = 20069
    ACQUIRING = 20072
    IDLE = 20073
    TEMPERATURE_CYCLE = 20074
    NOT_INITIALISED = 20075
    P5INVALID = 20076
    P6INVALID = 20077
    INVALID_MODE = 20078
    P7INVALID = 20083
    USB_ERROR = 20089
    RANDOM_TRACK_ERROR = 20094
    NO_CAMERA = 20990
    NOT_SUPPORTED = 20991
    NOT_AVAILABLE = 20992


INVALID: Final = (
    Status.P1INVALID, Status.P2INVALID, Status.P3INVALID, Status.P4INVALID,
    Status.P5INVALID, Status.P6INVALID, Status.P7INVALID,
)  # fmt: skip


class AcquisitionMode(IntEnum):
    """What a start of the camera gives."""

    SINGLE = 1
    ACCUMULATE = 2
    KINETIC = 3
    FAST_KINETIC = 4
    RUN_TILL_ABORT = 5


class ReadMode(IntEnum):
    """Which rows go together into one line of the image."""

    FULL_VERTICAL_BINNING = 0
    MULTI_TRACK = 1
    RANDOM_TRACK = 2
    SINGLE_TRACK = 3
    IMAGE = 4


class TriggerMode(IntEnum):
    """What starts an exposure; the modes that this camera has."""

    INTERNAL = 0
    EXTERNAL = 1
    EXTERNAL_START = 6
    EXTERNAL_FVB_EM = 9
    SOFTWARE = 10


class ShutterMode(IntEnum):
    """When the internal shutter is open."""

    AUTO = 0
    OPEN = 1
    CLOSED = 2


class FanMode(IntEnum):
    """How the hot side of the cooler is cooled."""

    FULL = 0
    LOW = 1
    OFF = 2


class GainMode(IntEnum):
    """What the number of ``SetEMCCDGain`` means."""

    DAC_8_BIT = 0
    DAC_12_BIT = 1
    LINEAR = 2
    REAL = 3

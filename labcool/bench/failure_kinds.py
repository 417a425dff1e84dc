"""The ways in which an instrument is not there, as a person at the bench tells them apart."""

from __future__ import annotations

from enum import StrEnum

from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentTimeout,
    LabcoolError,
    PortForbidden,
    PortInUse,
    PortNotFound,
    PortSoftwareMissing,
    WrongInstrument,
)


class FailureKind(StrEnum):
    """What is wrong. The values are the keys of a driver's ``bench_advice``."""

    NOT_FOUND = "not_found"
    IN_USE = "in_use"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    SILENT = "silent"
    GARBLED = "garbled"
    WRONG = "wrong"
    LOST = "lost"
    REFUSED = "refused"
    SETUP = "setup"


IN_WORDS = {
    FailureKind.NOT_FOUND: "not found",
    FailureKind.IN_USE: "port in use",
    FailureKind.FORBIDDEN: "no permission",
    FailureKind.MISSING: "software missing",
    FailureKind.SILENT: "no answer",
    FailureKind.GARBLED: "unreadable answer",
    FailureKind.WRONG: "another instrument",
    FailureKind.LOST: "connection failed",
    FailureKind.REFUSED: "refuses",
    FailureKind.SETUP: "cannot be set up",
}

_KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (PortNotFound, FailureKind.NOT_FOUND),
    (PortInUse, FailureKind.IN_USE),
    (PortForbidden, FailureKind.FORBIDDEN),
    (PortSoftwareMissing, FailureKind.MISSING),
    (InstrumentDisconnected, FailureKind.LOST),
    (InstrumentTimeout, FailureKind.SILENT),
    (GarbledAnswer, FailureKind.GARBLED),
    (WrongInstrument, FailureKind.WRONG),
    (ConfigurationError, FailureKind.SETUP),
)


def kind_of(error: LabcoolError) -> FailureKind:
    """Return the kind of failure that an error on connecting is.

    A driver whose instrument has no name concludes from senseless answers that something else is
    on the port: that may as well be a wrong baud rate.
    """
    cause = error.__cause__
    if isinstance(error, WrongInstrument) and isinstance(cause, GarbledAnswer):
        return FailureKind.GARBLED
    if isinstance(error, ConfigurationError) and isinstance(cause, ImportError):
        return FailureKind.MISSING
    return next((kind for known, kind in _KINDS if isinstance(error, known)), FailureKind.REFUSED)

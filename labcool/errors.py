"""Every error labcool raises on purpose, so that a caller can tell them apart by type.

A message names the thing concerned, what happened, what is allowed, and what to do next.
"""

from __future__ import annotations


class LabcoolError(Exception):
    """Anything labcool itself raises."""


class ConfigurationError(LabcoolError):
    """Wrong usage: a bench file, a parameter or an option is not acceptable. Nothing has moved."""


class LimitError(ConfigurationError, ValueError):
    """A requested value lies outside what is allowed; it is refused, never clipped.

    :param field: what was to be set, with its unit, e.g. ``"fluence (W/cm²)"``.
    :param value: the value asked for.
    :param allowed: the allowed range or set, in words.
    :param advice: what the user can do about it.
    """

    def __init__(self, field: str, value: object, allowed: str, advice: str = "") -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        self.advice = advice
        message = f"{field} = {value} is not allowed: it must be {allowed}."
        super().__init__(f"{message} {advice}".rstrip())


class InstrumentError(LabcoolError):
    """An instrument did not do what it was asked; the message begins with its name."""

    def __init__(self, instrument: str, problem: str) -> None:
        self.instrument = instrument
        self.problem = problem
        super().__init__(f"{instrument}: {problem}")


class InstrumentTimeout(InstrumentError):
    """No answer, or only part of one, within the stated time."""


class InstrumentDisconnected(InstrumentError):
    """The port could not be opened, or the connection is gone."""


class PortNotFound(InstrumentDisconnected):
    """This computer has no such port, or nothing is at that address."""


class PortInUse(InstrumentDisconnected):
    """Another program has the port open."""


class PortForbidden(InstrumentDisconnected):
    """This user may not open the port."""


class PortSoftwareMissing(InstrumentDisconnected):
    """A library that is needed to open a port of this kind is not installed."""


class GarbledAnswer(InstrumentError):
    """An answer came that the protocol does not allow at this place."""


class InstrumentRefused(InstrumentError):
    """The instrument understood and said no, or reports a fault of its own."""


class WrongInstrument(InstrumentError):
    """Something else than the expected model answers on this port."""


class ShutterNotClosed(InstrumentError):
    """The beam could not be confirmed to be blocked. Block it by hand."""


class RecordingError(LabcoolError):
    """Data could not be written; the run cannot go on without losing some."""


class RunFileError(LabcoolError):
    """A file is not a labcool run file, or cannot be read."""


class RunAborted(LabcoolError):
    """Somebody or something asked the run to stop."""

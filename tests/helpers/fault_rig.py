"""A driver in front of a simulated device with faults in between, and what came of an exchange."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from instrument_rig import NAME, Case, Rig

from labcool.errors import LabcoolError
from simulators.faults import FaultHost, FaultyDevice, FaultyFlameLink, FaultyLine
from simulators.flame import Flame
from simulators.memory import MemoryLink
from simulators.ttl_shutter import TTLShutter


class Outcome(StrEnum):
    """What may become of an exchange that a fault hits."""

    RETRIED = "right value after a logged retry"
    ERROR = "typed error"
    IN_TIME = "right value, late but within the time-out"
    TOLD = "told by the value"
    UNAWAITED = "right value, nobody waited for that message"


@dataclass(frozen=True)
class Exchange:
    """Something that is asked of a driver, and how to see on the device that it came out right.

    :param do: what is asked; returns a value, or None.
    :param is_right: whether that value (or what has been done) agrees with the device.
    :param limit: longest time it may take, whatever goes wrong, virtual s.
    :param late_s: delay with which an answer is later than the driver waits, s.
    """

    do: Callable[[Any], Any]
    is_right: Callable[[Any, Any], bool]
    limit: float
    late_s: float = 3.0


@dataclass(frozen=True)
class Subject:
    """A driver as the table of faults needs it.

    :param case: the driver and its device.
    :param exchanges: by kind: question, reading, setting, action, ...
    :param prepare: brings a driver that has just connected to where the exchanges begin.
    :param vary: changes what the device would answer, so that an old answer is a wrong one.
    :param revive: what a person does after a power cut before the driver is of use again; returns
        the driver.
    :param asides: how messages begin that the device sends of itself and nobody waits for.
    :param only: the exchanges that a fault can hit, if not all.
    :param dies_of: faults that take the port away: the driver is of no use afterwards.
    :param rig: what sets it up, if not a plain :class:`FaultRig`.
    :param told: faults that no error tells, but the values.
    :param exclusions: faults that cannot happen to this instrument, or that nobody can notice, and
        why; see also ``fault_table.REASONS``.
    """

    case: Case
    exchanges: Mapping[str, Exchange]
    prepare: Callable[[Any], object] = lambda _: None
    vary: Callable[[Any], object] = lambda rig: rig.interfere()
    revive: Callable[[Any, Any], Any] = lambda _rig, instrument: instrument
    asides: tuple[bytes, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dies_of: frozenset[str] = frozenset({"disconnect"})
    told: frozenset[str] = frozenset()
    rig: type[FaultRig] | None = None
    exclusions: Mapping[str, str] = field(default_factory=dict)


class FaultRig(Rig):
    """A case set up with faults between the device and the link."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject.case)
        self.subject = subject
        self.asked_at = 0.0
        self.fault = ""
        self.host = self._host()

    def _host(self) -> FaultHost:
        """Return what stands between device and link, which is made anew."""
        if isinstance(self.device, TTLShutter):
            return FaultyLine(self.device, self.link)
        if isinstance(self.device, Flame):
            self.link = FaultyFlameLink(self.device)
            return self.link.faulty
        faulty = FaultyDevice(self.device)
        self.link = MemoryLink(faulty, self.clock)
        return faulty

    def ready(self) -> Any:
        """Connect, and have every question answered once, before the device changes."""
        instrument = self.connect()
        self.subject.prepare(instrument)
        for kind, exchange in self.subject.exchanges.items():
            if kind in ("question", "reading"):
                value = self.ask(exchange, instrument)
                assert exchange.is_right(self, value), (kind, value)
        self.subject.vary(self)
        return instrument

    def ask(self, exchange: Exchange, instrument: Any) -> Any:
        """Do what is asked and note when it was asked."""
        self.asked_at = self.clock.now()
        return exchange.do(instrument)

    def lay(self, values: Callable[[float], float], found: float, tolerance: float) -> bool:
        """Return whether a value lies where the true one was between the question and now."""
        truth = [values(self.asked_at), values(self.clock.now())]
        return min(truth) - tolerance <= found <= max(truth) + tolerance


def rig_of(subject: Subject) -> FaultRig:
    """Return a driver's case set up anew."""
    return (subject.rig or FaultRig)(subject)


@contextmanager
def warnings_of_drivers() -> Iterator[list[str]]:
    """Collect what the drivers log as a warning, or worse, with the instrument's name in it."""
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if NAME in record.getMessage():
                messages.append(record.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("drivers")
    logger.addHandler(listener)
    try:
        yield messages
    finally:
        logger.removeHandler(listener)


def check_error(error: BaseException) -> None:
    """Make sure that an error is one of labcool's and begins with the instrument's name."""
    assert isinstance(error, LabcoolError), repr(error)
    assert str(error).startswith(f"{NAME}: "), str(error)
    assert getattr(error, "instrument", NAME) == NAME

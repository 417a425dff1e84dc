"""What a run tells those who watch it. Plain data; it flows one way, from the run to its faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Status(StrEnum):
    """States of a run; :data:`TRANSITIONS` says which may follow which."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    FINISHING = "finishing"
    FINISHED = "finished"
    ABORTED = "aborted"
    FAILED = "failed"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.STARTING}),
    Status.STARTING: frozenset({Status.RUNNING, Status.FINISHING}),
    Status.RUNNING: frozenset({Status.FINISHING}),
    Status.FINISHING: frozenset({Status.FINISHED, Status.ABORTED, Status.FAILED}),
    Status.FINISHED: frozenset(),
    Status.ABORTED: frozenset(),
    Status.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The run entered another state."""

    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FileOpened:
    """The run file exists; ``duration`` (s) is the procedure's estimate of the whole run."""

    path: Path
    duration: float


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A named part of the procedure began.

    ``elapsed`` and ``duration`` are seconds of the run's clock since the run's start, and the
    phase's planned length.
    """

    name: str
    elapsed: float
    duration: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Time passed; sent from inside every wait, between exposures and with every point."""

    elapsed: float


@dataclass(frozen=True, slots=True)
class PointRecorded:
    """A row went to the run file. ``values`` maps column names to numbers in the column's unit."""

    time: float
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ShutterMoved:
    """The beam was confirmed open or closed."""

    is_open: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the run's log (levels of :mod:`logging`), said at the run's ``time``, s."""

    time: float
    level: int
    source: str
    text: str


Event = (
    StatusChanged | FileOpened | PhaseStarted | Progress | PointRecorded | ShutterMoved | Message
)
Listener = Callable[[Event], None]

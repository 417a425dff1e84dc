"""Carries out one procedure on one bench, and leaves both the bench and the file in order.

Whatever ends a run, the clean-up is the same list of steps, the shutter first; a step that fails is
reported and the steps after it are still taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labcool.bench.bench import Bench
from labcool.engine.control import Control
from labcool.engine.events import TRANSITIONS, Event, Listener, Status, StatusChanged
from labcool.engine.procedure import BenchProcedure
from labcool.engine.session import RunSession
from labcool.errors import LabcoolError, RunAborted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    :param status: finished, aborted or failed.
    :param reason: why it did not finish, in words; empty if it did.
    :param file: the run file, None if the run ended before it was created.
    :param time_zero: clock time (s) at which the run's time axis begins.
    :param problems: what went wrong in the clean-up, in order.
    :param error: what broke the run off, None if it finished or was aborted.
    """

    status: Status
    reason: str
    file: Path | None
    time_zero: float
    problems: Sequence[str] = field(default=())
    error: BaseException | None = None


class Runner:
    """One run.

    :param bench: the open bench.
    :param procedure: with its parameters set.
    :param make_path: returns the path of the new run file.
    :param control: the stop flag; a new one if None.
    :param sample: what is known of the sample, for the file.
    :param listeners: called with every event; what they raise ends the run as *failed*.
    """

    def __init__(
        self,
        bench: Bench,
        procedure: BenchProcedure,
        *,
        make_path: Callable[[], Path],
        control: Control | None = None,
        sample: Mapping[str, str] | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.control = control or Control()
        self.status = Status.QUEUED
        self._bench = bench
        self._procedure = procedure
        self._listeners = listeners
        self._session = RunSession(
            bench=bench,
            procedure=procedure,
            control=self.control,
            emit=self._emit,
            make_path=make_path,
            sample=sample or {},
        )

    def run(self) -> Outcome:
        """Carry out the procedure; returns however it ends.

        :raises labcool.errors.ConfigurationError: if the procedure cannot be carried out on this
            bench; nothing has moved then, and no file exists.
        """
        self._enter(Status.STARTING)
        self._bind()
        ended = Status.FINISHED
        error: BaseException | None = None
        try:
            self._begin_in_the_dark()
            self._enter(Status.RUNNING)
            self._procedure.startup()
            self._procedure.execute()
            self._session.check()
        except RunAborted as stop:
            ended, error = Status.ABORTED, stop
        except BaseException as failure:  # noqa: BLE001 - whatever it was, the beam is closed next
            ended, error = Status.FAILED, failure
        reason = "" if error is None else _in_words(error)
        problems = self._clean_up(ended, reason)
        if problems and ended is not Status.ABORTED:
            ended = Status.FAILED
            reason = reason or problems[0]
        self._enter(ended, reason)
        writer = self._session.writer
        return Outcome(
            status=ended,
            reason=reason,
            file=None if writer is None else writer.path,
            time_zero=self._session.time_zero,
            problems=problems,
            error=error if ended is Status.FAILED else None,
        )

    def _bind(self) -> None:
        procedure, bench = self._procedure, self._bench
        found = procedure.needs.find(bench.instruments, bench.illumination)
        for name, instrument in found.items():
            setattr(procedure, name, instrument)
        procedure.session = self._session
        procedure.check()

    def _begin_in_the_dark(self) -> None:
        failures = self._bench.block_beam()
        if failures:
            raise failures[0]

    def _clean_up(self, ended: Status, reason: str) -> list[str]:
        self._enter(Status.FINISHING, reason)
        problems: list[str] = []

        def attempt(what: str, step: Callable[[], object]) -> None:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - reported, and the next step still runs
                log.error("%s: %s", what, error)
                problems.append(f"{what}: {_in_words(error)}")

        if self._bench.illumination is not None:
            attempt("closing the shutter", self._bench.illumination.close)
        attempt("the procedure's own clean-up", self._procedure.shutdown)
        failures: list[LabcoolError] = []
        attempt("blocking the beam", lambda: failures.extend(self._bench.block_beam()))
        problems += [f"blocking the beam: {_in_words(error)}" for error in failures]
        self._close_file(attempt, ended, reason, problems)
        return problems

    def _close_file(
        self,
        attempt: Callable[[str, Callable[[], object]], None],
        ended: Status,
        reason: str,
        problems: Sequence[str],
    ) -> None:
        session = self._session
        writer, recorder = session.writer, session.recorder
        if writer is None or recorder is None:
            return
        settings: dict[str, Mapping[str, float | int | str | bool]] = {}
        attempt(
            "reading the instruments' settings", lambda: settings.update(session.settings_now())
        )
        for text in (reason, *problems):
            if text:
                session.say(text, level=logging.ERROR, source="runner")
        attempt("writing the last rows", recorder.close)
        status = Status.FAILED if problems and ended is Status.FINISHED else ended
        attempt(
            "closing the run file",
            lambda: writer.finish(str(status), session.clock.date(), settings),
        )

    def _enter(self, status: Status, reason: str = "") -> None:
        if status not in TRANSITIONS[self.status]:
            raise RuntimeError(f"a run cannot go from {self.status} to {status}")
        self.status = status
        self._emit(StatusChanged(status, reason))

    def _emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)


def _in_words(error: BaseException) -> str:
    if isinstance(error, LabcoolError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")

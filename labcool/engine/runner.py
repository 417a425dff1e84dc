"""Carries out one procedure on one bench, and leaves both the bench and the file in order.

Whatever ends a run, the clean-up is the same list of steps, the shutter first; a step that fails is
reported and the steps after it are still taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from labcool.bench.bench import Bench
from labcool.engine.cleanup import CleanUp, in_words
from labcool.engine.control import Control
from labcool.engine.events import TRANSITIONS, Event, Listener, Status, StatusChanged
from labcool.engine.inbox import WarningInbox
from labcool.engine.procedure import BenchProcedure
from labcool.engine.session import RunSession
from labcool.errors import RunAborted

log = logging.getLogger(__name__)

BEAM_NOT_CONFIRMED_CLOSED: Final = (
    "THE BEAM COULD NOT BE CONFIRMED CLOSED. BLOCK IT BY HAND, THEN LOOK AT THE SHUTTER."
)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    :param status: finished, aborted or failed. A run is *failed* also if it had finished or was
        aborted and something went wrong in the clean-up.
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
    :param listeners: called with every event. One that raises is called no more, which is noted in
        the run's log: whoever watches a run cannot harm it.
    :param inbox: collects warnings already, since the bench was opened; a new one if None.
    :param compression: HDF5 filter of the spectra: ``"gzip"``, or ``"none"`` for fast series.
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
        inbox: WarningInbox | None = None,
        compression: str = "gzip",
    ) -> None:
        self.control = control or Control()
        self.status = Status.QUEUED
        self._bench = bench
        self._procedure = procedure
        self._listeners = list(listeners)
        self._inbox = inbox or WarningInbox()
        self._session = RunSession(
            bench=bench,
            procedure=procedure,
            control=self.control,
            emit=self._emit,
            make_path=make_path,
            sample=sample or {"name": "unnamed sample"},
            warnings=self._inbox.take,
            compression=compression,
        )

    def run(self) -> Outcome:
        """Carry out the procedure; returns however it ends.

        :raises labcool.errors.ConfigurationError: if the procedure cannot be carried out on this
            bench; nothing has moved then, and no file exists.
        :raises labcool.errors.InstrumentError: if an instrument does not answer while that is
            found out; nothing has moved then either.
        """
        with self._inbox:
            self._enter(Status.STARTING)
            self._bind()
            ended, error = self._carry_out()
            return self._end(ended, error)

    def _bind(self) -> None:
        procedure, bench = self._procedure, self._bench
        found = procedure.needs.find(bench.instruments, bench.illumination)
        for name, instrument in found.items():
            setattr(procedure, name, instrument)
        procedure.session = self._session
        procedure.check()

    def _carry_out(self) -> tuple[Status, BaseException | None]:
        try:
            self._session.check()
            self._begin_in_the_dark()
            self._enter(Status.RUNNING)
            self._procedure.startup()
            self._procedure.execute()
            self._session.check()
        except RunAborted as stop:
            return Status.ABORTED, stop
        except BaseException as failure:  # noqa: BLE001 - whatever it was, the beam is closed next
            return Status.FAILED, failure
        return Status.FINISHED, None

    def _begin_in_the_dark(self) -> None:
        failures = self._bench.block_beam()
        if failures:
            raise failures[0]

    def _end(self, ended: Status, error: BaseException | None) -> Outcome:
        reason = "" if error is None else in_words(error)
        self._enter(Status.FINISHING, reason)
        clean_up = CleanUp(error)
        if not self._make_safe(clean_up):
            reason = f"{BEAM_NOT_CONFIRMED_CLOSED} {reason}".rstrip()
        self._close_file(clean_up, ended, reason)
        if clean_up.problems and ended is not Status.FAILED:
            ended, reason = (
                Status.FAILED,
                "; then ".join(filter(None, (reason, clean_up.problems[0]))),
            )
        self._enter(ended, reason)
        writer = self._session.writer
        return Outcome(
            status=ended,
            reason=reason,
            file=None if writer is None else writer.path,
            time_zero=self._session.time_zero,
            problems=tuple(clean_up.problems),
            error=None if isinstance(error, RunAborted) else error,
        )

    def _make_safe(self, clean_up: CleanUp) -> bool:
        """Close the beam before and after the procedure's clean-up; True if it is confirmed."""
        illumination = self._bench.illumination
        if illumination is None:
            clean_up.attempt("the procedure's own clean-up", self._procedure.shutdown)
            return True
        clean_up.attempt("closing the shutter", illumination.close)
        clean_up.attempt("the procedure's own clean-up", self._procedure.shutdown)
        closed = clean_up.attempt("closing the shutter", illumination.close)
        clean_up.attempt("making the laser safe", illumination.laser.make_safe)
        return closed

    def _close_file(self, clean_up: CleanUp, ended: Status, reason: str) -> None:
        session = self._session
        writer, recorder = session.writer, session.recorder
        if writer is None:
            return
        settings = self._settings_now(clean_up)
        for text in dict.fromkeys((reason, *clean_up.problems)):
            if text:
                session.say(text, level=logging.ERROR, source="runner")
        if recorder is not None:
            clean_up.attempt("completing the log", session.complete_log)
            if not clean_up.attempt("writing the last rows", recorder.close):
                # The recorder took the lines above with it; the file itself may still take them.
                moment = session.time()
                for text in dict.fromkeys((reason, *clean_up.problems)):
                    writer.log(moment, logging.ERROR, "runner", text)
        status = Status.FAILED if clean_up.problems else ended
        clean_up.attempt(
            "closing the run file",
            lambda: writer.finish(str(status), session.clock.date(), settings),
        )

    def _settings_now(self, clean_up: CleanUp) -> dict[str, Mapping[str, Any]]:
        settings: dict[str, Mapping[str, Any]] = {}

        def read(name: str) -> None:
            settings[name] = self._bench.instruments[name].settings()

        for name in self._bench.instruments:
            clean_up.attempt(f"reading the settings of {name}", partial(read, name))
        return settings

    def _enter(self, status: Status, reason: str = "") -> None:
        if status not in TRANSITIONS[self.status]:
            raise RuntimeError(f"a run cannot go from {self.status} to {status}")
        self.status = status
        self._emit(StatusChanged(status, reason))

    def _emit(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 - a broken display must not break the run
                self._listeners.remove(listener)
                log.warning("One who watched the run is gone: %s.", in_words(error))

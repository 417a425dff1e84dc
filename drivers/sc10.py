"""Thorlabs SC10 shutter controller (RS-232, 9600 8N1, or 115200 after ``baud=1``).

A command is lower case and ends with CR; the controller echoes it and ends its answer with the
prompt ``"> "``. The commands are those of the *SC10 Shutter Controller* operating manual, chapter
"Command Line Interface".

Safety
    ``ens`` *toggles* the enable state. It is therefore sent only when ``ens?`` says that it must
    be, never repeated on suspicion, and ``closed?`` is what counts as proof. Connecting reads only:
    it neither toggles nor changes the mode, because leaving the external-gate mode while enabled
    would open the blade. :meth:`SC10.open` selects manual mode (``mode=1``) if necessary, after the
    shutter is confirmed closed.

Retries, each logged as a warning
    After an exchange that never ended, ``id?`` is asked and everything before its answer discarded,
    so that a late answer is never taken for a newer one.
    A question whose echo or value is wrong, or whose answer is missing, is asked once more.
    Closing is tried once more, starting from a fresh reading of ``ens?``.

Checked against the byte strings of the manual and of public drivers (echo, prompt, toggle).
UNVERIFIED on hardware: whether ``closed?`` is a blade sensor or a state of the controller (it
depends on the shutter head); what ``ens`` does while the interlock is tripped (``interlock?`` and
``closed?`` are read after it); the opening time of the head (tens of ms; ``move_timeout``); the
text of error answers. The trigger source (``trig``) is left as it stands: with an external
trigger the shutter may not obey, and :meth:`SC10.open` then says so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from annotated_types import Interval
from pymeasure.instruments import Instrument

from drivers import _bench_advice
from drivers._wire import Resource, WiredInstrument, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    ShutterNotClosed,
    WrongInstrument,
)
from labcool.numbers import one_of, within

log = logging.getLogger(__name__)

PROMPT: Final = b"> "
ANSWER: Final = re.compile(rb"(?P<echo>[ -~]*)\r(?:(?P<value>[ -~]*)\r)?> ")
FLAG: Final = "[01]"
MODES: Final = {"1": "manual", "2": "auto", "3": "single", "4": "repeat", "5": "external gate"}
MANUAL: Final = "1"
TRIGGERS: Final = {"0": "internal", "1": "external"}
SIX_DIGITS: Final = r"\d{1,6}"
BAUD_RATES: Final = (9600, 115200)
POLL_S: Final = 0.01
STALE_ANSWERS: Final = 16


class SC10(WiredInstrument, Instrument):
    """A beam shutter on a Thorlabs SC10 controller. Safe state: closed.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param baud_rate: 9600 as delivered, 115200 after ``baud=1``.
    :param move_timeout: longest time the blade may take to be confirmed, s.
    :raises WrongInstrument: if something else than an SC10 answers.
    """

    bench_advice = _bench_advice.SC10

    _identity: str = ""

    def __init__(
        self,
        resource: Resource,
        name: str = "SC10",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        baud_rate: Literal[9600, 115200] = 9600,
        move_timeout: Annotated[float, Interval(ge=0.01, le=10.0)] = 0.5,
    ) -> None:
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 0.01, 10.0)
        self._clock = clock or RealClock()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r",
            read_termination="\r",
            timeout=500,
            asrl={"baud_rate": one_of(f"{name} baud_rate", baud_rate, BAUD_RATES)},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            self._identity = self._query("id?", ".+")
            if "SC10" not in self._identity.upper():
                raise WrongInstrument(name, f"{self._identity!r} answers here, not an SC10.")

    @property
    def identity(self) -> str:
        """Get model and firmware as the controller gave them on connecting (str)."""
        return self._identity

    @property
    def is_closed(self) -> bool:
        """Get whether the controller reports the beam blocked, ``closed?`` (bool)."""
        return self._flag("closed?")

    @property
    def is_enabled(self) -> bool:
        """Get the enable state that ``ens`` toggles, ``ens?`` (bool)."""
        return self._flag("ens?")

    @property
    def interlock_tripped(self) -> bool:
        """Get whether the interlock holds the shutter closed, ``interlock?`` (bool)."""
        return self._flag("interlock?")

    @property
    def mode(self) -> str:
        """Get the operating mode: manual, auto, single, repeat or external gate (str)."""
        return MODES[self._query("mode?", "[1-5]")]

    @property
    def trigger(self) -> str:
        """Get what starts an opening, ``trig?``: internal, or external (the TTL input) (str)."""
        return TRIGGERS[self._query("trig?", FLAG)]

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the controller reports: blade, enable state, mode, trigger, interlock.

        The times and the number of repetitions count in the modes auto, single and repeat only.
        """
        return {
            "closed": self.is_closed,
            "enabled": self.is_enabled,
            "mode": self.mode,
            "trigger": self.trigger,
            "open_time_ms": int(self._query("open?", SIX_DIGITS)),
            "shut_time_ms": int(self._query("shut?", SIX_DIGITS)),
            "repetitions": int(self._query("rep?", SIX_DIGITS)),
            "interlock_tripped": self.interlock_tripped,
        }

    def open(self) -> None:
        """Let the beam pass; return once ``closed?`` says so.

        On any failure the shutter is closed again before the error goes on.

        :raises InstrumentRefused: if the interlock is tripped, or opening is not confirmed within
            ``move_timeout``.
        :raises ShutterNotClosed: if, after a failure, closing cannot be confirmed.
        """
        self._refuse_if_tripped()
        try:
            self._select_manual_mode()
            self._enable(True)
            opened = self._reaches(closed=False)
            self._refuse_if_tripped()
            if not opened:
                raise InstrumentRefused(
                    self.name,
                    f"not reported open {self._move_timeout:g} s after the command. Check the "
                    "shutter head, its cable and the trigger source (trig).",
                )
        except InstrumentError:
            self.close()
            raise

    def close(self) -> None:
        """Block the beam; return once ``closed?`` says so and ``ens?`` says disabled.

        :raises ShutterNotClosed: if that is not confirmed after one more attempt.
        """
        try:
            self._close_and_confirm()
        except InstrumentError as error:
            log.warning("%s Trying once more to close.", error)
            self._close_again()

    def make_safe(self) -> None:
        """Close the shutter and verify it, as :meth:`close`."""
        self.close()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        told = []
        if self.interlock_tripped:
            told.append("Its interlock is open: it stays shut. Check the plug at its back.")
        if (mode := self.mode) != "manual":
            told.append(f"Its mode is {mode!r}: something else than labcool may open it.")
        if self.trigger == "external":
            told.append("Its trigger is external (trig=1): it waits for its TTL input to open.")
        return tuple(told)

    def shutdown(self) -> None:
        """Close the shutter and release the port, also if closing fails; the first time only."""
        self.end_use(self.make_safe)

    def _close_again(self) -> None:
        try:
            self.resynchronise(self._clock)
            self._close_and_confirm()
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"the beam is not confirmed to be blocked ({error.problem}) Block it by hand.",
            ) from error

    def _close_and_confirm(self) -> None:
        self._enable(False)
        if not self._reaches(closed=True):
            raise ShutterNotClosed(
                self.name, f"still reported open {self._move_timeout:g} s after the command."
            )
        if self.is_enabled:
            raise ShutterNotClosed(self.name, "closed for now, but the controller stays enabled.")

    def _enable(self, wanted: bool) -> None:
        if self.is_enabled != wanted:
            self._exchange("ens", "")

    def _reaches(self, *, closed: bool) -> bool:
        deadline = self._clock.now() + self._move_timeout
        while self.is_closed != closed:
            if self._clock.now() >= deadline:
                return False
            self._clock.sleep(POLL_S)
        return True

    def _refuse_if_tripped(self) -> None:
        if self.interlock_tripped:
            raise InstrumentRefused(self.name, "the interlock is tripped; the shutter stays shut.")

    def _select_manual_mode(self) -> None:
        mode = self.mode
        if mode == MODES[MANUAL]:
            return
        log.info("%s: closing, then leaving mode %r for manual.", self.name, mode)
        self.close()
        self._exchange(f"mode={MANUAL}", "")
        if (mode := self.mode) != MODES[MANUAL]:
            raise InstrumentRefused(self.name, f"stays in mode {mode!r} instead of manual.")

    def _find_step(self) -> None:
        """Throw away all answers that were still to come, up to the one to ``id?``.

        The echo names the question, but a late ``closed?`` looks like the answer to the next one,
        and "closed" from before the blade moved must never pass for proof.

        :raises GarbledAnswer, InstrumentTimeout: if no such answer comes.
        """
        self.drain()
        self.write("id?")
        for _ in range(STALE_ANSWERS):
            if b"id?\r" in self.read_until(PROMPT):
                self.be_in_step()
                return
        raise GarbledAnswer(self.name, "answers questions that were not asked.")

    def _flag(self, question: str) -> bool:
        return self._query(question, FLAG) == "1"

    def _query(self, question: str, pattern: str) -> str:
        return self.ask_twice(lambda: self._exchange(question, pattern), self._clock)

    def _exchange(self, command: str, pattern: str) -> str:
        """Send a command and return the value of the answer, "" if it has none."""
        if self._unfinished and self._identity:
            self._find_step()
        self.start_exchange()
        self.write(command)
        answer = self.read_until(PROMPT)
        parts = ANSWER.fullmatch(answer)
        if parts is None or parts["echo"] != command.encode():
            raise GarbledAnswer(self.name, f"wrong echo of {command!r}: {answer!r}.")
        value = (parts["value"] or b"").decode("ascii")
        if "error" in value.lower():
            raise InstrumentRefused(self.name, f"{command!r} was refused: {value!r}.")
        if not re.fullmatch(pattern, value):
            raise GarbledAnswer(self.name, f"{command!r} was answered by {value!r}.")
        self.end_exchange()
        return value

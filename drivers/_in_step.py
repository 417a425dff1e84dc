"""Keeping question and answer together where an answer does not name its question.

A late answer would otherwise pass for the answer to the next question, and so would every answer
after it. After an exchange that went wrong the instrument is therefore asked who it is, and all
that comes before *that* answer is thrown away.
"""

from __future__ import annotations

import logging
import re
from typing import Final

from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from drivers._arrived import is_socket
from drivers._wire import SETTLING_S, WiredInstrument, wire_errors
from labcool.clock import Clock
from labcool.errors import GarbledAnswer, InstrumentError, InstrumentTimeout

log = logging.getLogger(__name__)

NUMBER: Final = r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*"
WHOLE: Final = r"\s*\+?\d{1,9}\s*"
LONGEST_LINE: Final = 256
STALE_LINES: Final = 32


def is_text(answer: str) -> bool:
    """Return whether an answer consists of printable ASCII, but for white space around it."""
    return answer.isascii() and answer.strip().isprintable()


class InStep(WiredInstrument):
    """Mix-in for line-based instruments that can be asked ``*IDN?``.

    A class that uses it sets :attr:`_clock`, :attr:`_line_end`, and :attr:`_preamble`: commands
    without which the instrument would not answer at all.
    """

    _clock: Clock
    _identity: str = ""
    _line_end: bytes = b"\n"
    _clears_device: bool = True
    _preamble: tuple[str, ...] = ()

    def _explain(self, question: str) -> None:
        """Ask the instrument why ``question`` had no good answer; raise if it knows."""

    def _question(self, question: str, pattern: str, *, repeatable: bool = True) -> str:
        """Return the answer to ``question``, which must match ``pattern`` as a whole.

        :param repeatable: whether asking once more (logged) can do no harm and hides nothing.
        :raises GarbledAnswer, InstrumentTimeout: if there is no good answer.
        """
        try:
            return self._question_once(question, pattern)
        except (GarbledAnswer, InstrumentTimeout) as error:
            if not repeatable:
                raise
            log.warning("%s Asking %r once more.", error, question)
        self._explain(question)
        return self._question_once(question, pattern)

    def _question_once(self, question: str, pattern: str, *, surplus_allowed: bool = True) -> str:
        self._send_in_step(question, surplus_allowed=surplus_allowed)
        line = self._read_line()
        answer = line.decode("ascii", "replace")
        if not (is_text(answer) and re.fullmatch(pattern, answer, re.ASCII)):
            raise GarbledAnswer(self.name, f"{question!r} was answered by {line!r}.")
        self.end_exchange()
        return answer.strip()

    def _order(self, command: str) -> None:
        """Send a command that has no answer."""
        self._send_in_step(command)
        self.end_exchange()

    def _send_in_step(self, text: str, *, surplus_allowed: bool = True) -> None:
        if self._unfinished:
            self._find_step()
        elif surplus_allowed:
            self.discard_arrived()
        self._unfinished = True
        self.write(text)

    def _read_line(self, limit: int = LONGEST_LINE) -> bytes:
        """Read a line of at most ``limit`` bytes and return it without its end.

        :raises InstrumentTimeout: if it does not end in time.
        :raises GarbledAnswer: if it is longer.
        """
        with wire_errors(self.name):
            line = bytes(self.adapter.read_bytes(limit, break_on_termchar=True))
        if line.endswith(self._line_end):
            return line[: -len(self._line_end)]
        if len(line) < limit:
            raise InstrumentTimeout(self.name, f"only a part of an answer came: {line!r}.")
        raise GarbledAnswer(self.name, f"no end of the answer in {line!r}.")

    def _find_step(self) -> None:
        """Discard what an exchange that never ended has left, up to an answer to ``*IDN?``."""
        self._discard()
        self._ask_who()
        for _ in range(STALE_LINES):
            try:
                line = self._read_line().strip()
            except GarbledAnswer as error:
                log.info("%s Passed over.", error)
                continue
            if self._identity and line.endswith(self._identity.encode()):
                self.be_in_step()
                return
            log.info("%s: passed over a stale answer %r.", self.name, line)
        raise GarbledAnswer(self.name, f"'*IDN?' is not among {STALE_LINES} answers.")

    def _discard(self) -> None:
        """Empty the host's input and, if the link has such a thing, clear the device's output."""
        self._clock.sleep(SETTLING_S)
        clear = getattr(getattr(self.adapter, "connection", None), "clear", None)
        if self._clears_device and callable(clear) and not is_socket(self.adapter):
            with wire_errors(self.name):
                try:
                    clear()
                except VisaIOError as error:
                    if error.error_code != StatusCode.error_nonsupported_operation:
                        raise
        self.drain()

    def _ask_who(self) -> None:
        self._unfinished = True
        for command in (*self._preamble, "*IDN?"):
            self.write(command)

    def _identify(self, pattern: str) -> str:
        """Return who answers ``*IDN?``, whatever a former program has left on the line.

        An answer that does not match ``pattern`` is asked for once more, and then returned.
        """
        self._discard()
        for last in (False, True):
            self._ask_who()
            try:
                answer = self._read_line().decode("ascii", "replace").strip()
            except InstrumentError as error:
                if last or not isinstance(error, GarbledAnswer | InstrumentTimeout):
                    raise
                log.warning("%s Asking once more who it is.", error)
                self._discard()
                continue
            if is_text(answer) and (last or re.fullmatch(pattern, answer)):
                break
            if last:
                raise GarbledAnswer(self.name, f"'*IDN?' was answered by {answer!r}.")
            log.warning("%s: said %r on connecting. Asking once more.", self.name, answer)
            self._discard()
        self._identity = answer
        self.be_in_step()
        return answer

"""Words and answers of an Acton SpectraPro controller, and how to get back in step with it.

A command is a line of words that ends with CR. The answer is an echo (on RS-232, not over USB),
perhaps a text, and at last ``ok`` or, for what is not understood, ``?``, with CRLF. A move answers
when it is done, which can take 20 s.
"""

from __future__ import annotations

import logging
import re
from typing import Final

from drivers._wire import SETTLING_S, WiredInstrument
from labcool.clock import Clock
from labcool.errors import GarbledAnswer, InstrumentRefused, InstrumentTimeout

log = logging.getLogger(__name__)

WHO: Final = "MODEL"
STOP: Final = "MONO-STOP"
ANSWER_S: Final = 2.0
CHUNK_MS: Final = 500
LONGEST_ANSWER: Final = 1024
"""The list of nine gratings is half as long."""
STALE_ANSWERS: Final = 16
END: Final = re.compile(rb"(?:^|[^!-~])(?:ok|\?)\s*\n\Z", re.IGNORECASE)


class ActonWire(WiredInstrument):
    """Mix-in: questions, orders and moves of a SpectraPro.

    A class that uses it sets :attr:`_clock`, :attr:`_case`, :attr:`_move_timeout` (s) and
    :attr:`_echoes`, whether every answer begins with its command.
    """

    _clock: Clock
    _case: str = "upper"
    _move_timeout: float = 30.0
    _patience: float = 30.0
    _echoes: bool = False
    _model: str = ""
    _moving: bool = False

    def _query(self, question: str, pattern: str) -> str:
        """Return the first group of ``pattern`` in the answer; asked once more if it is broken."""
        try:
            return self._query_once(question, pattern)
        except (GarbledAnswer, InstrumentTimeout) as error:
            log.warning("%s Asking %r once more.", error, question)
        return self._query_once(question, pattern)

    def _query_once(self, question: str, pattern: str) -> str:
        answer = self._exchange(question, ANSWER_S)
        found = re.fullmatch(pattern, answer, re.ASCII | re.IGNORECASE | re.DOTALL)
        if found is None:
            raise self._garbled(question, answer)
        return found[1]

    def _order(self, command: str) -> None:
        """Send a command, once; return when it is answered by ``ok``."""
        self._obey(command, ANSWER_S)

    def _move(self, command: str, patience: float | None = None) -> None:
        """Send a command that answers once its move is done.

        :param patience: longest time it may take, s; None: ``move_timeout``.
        :raises InstrumentTimeout: if it takes longer.
        """
        self._find_step_if_lost()
        self._moving = True
        self._patience = self._move_timeout if patience is None else patience
        self._obey(command, self._patience)
        self._moving = False

    def _halt(self) -> None:
        """Stop a move that did not come to its end, and get back in step."""
        if self._moving:
            self._unfinished = True
            self._find_step_if_lost()

    def _obey(self, command: str, patience: float) -> None:
        if answer := self._exchange(command, patience):
            raise self._garbled(command, answer)

    def _garbled(self, command: str, answer: str) -> GarbledAnswer:
        self._unfinished = True
        return GarbledAnswer(self.name, f"{command!r} was answered by {answer!r}.")

    def _exchange(self, command: str, patience: float) -> str:
        """Return the text of the answer, without echo, ``ok`` and white space around it."""
        self._find_step_if_lost()
        self._unfinished = True
        self._send(command)
        text, understood = self._read_answer(command, patience)
        self.end_exchange()
        if not understood:
            raise InstrumentRefused(self.name, f"{command!r} was not understood: {text!r}.")
        return text

    def _send(self, command: str) -> None:
        self.write(command.lower() if self._case == "lower" else command)

    def _read_answer(self, command: str, patience: float) -> tuple[str, bool]:
        """Return the text before ``ok`` or ``?``, and whether it was ``ok``."""
        deadline = self._clock.now() + patience
        answer = bytearray()
        while not (answer.endswith(b"\n") and END.search(answer)):
            if len(answer) >= LONGEST_ANSWER:
                raise GarbledAnswer(self.name, f"no end of the answer in {bytes(answer[:80])!r}...")
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name,
                    f"no 'ok' within {patience:.3g} s of {command!r}, only {bytes(answer)!r}.",
                )
            try:
                answer += self.read_bytes(1)
            except InstrumentTimeout:
                continue
        text = answer.decode("ascii", "replace").rstrip()
        understood = not text.endswith("?")
        text = text[: -2 if understood else -1].strip(" \r\n")
        if text[: len(command)].upper() == command.upper():
            text = text[len(command) :].strip(" \r\n")
        elif self._echoes:
            raise GarbledAnswer(
                self.name,
                f"{command!r} was answered by {bytes(answer)!r}, without its echo. Is the cable in "
                "the USB socket (port: USB)?",
            )
        return text, understood

    def _find_step_if_lost(self) -> None:
        """Discard what an exchange that never ended has left, up to an answer to ``MODEL``.

        :raises GarbledAnswer, InstrumentTimeout: if no such answer comes.
        """
        if not self._unfinished:
            self.discard_arrived()
            return
        self._clock.sleep(SETTLING_S)
        self.drain()
        if not self._model:
            self.end_exchange()
            return
        patience = self._patience if self._moving else ANSWER_S
        if self._moving:
            self._send(STOP)
        self._send(WHO)
        for _ in range(STALE_ANSWERS):
            try:
                text, _ = self._read_answer(WHO, patience)
            except GarbledAnswer as error:
                log.info("%s Passed over.", error)
                continue
            if text == self._model:
                self._moving = False
                self.be_in_step()
                return
            log.info("%s: passed over a stale answer %r.", self.name, text)
        raise GarbledAnswer(self.name, "answers questions that were not asked.")

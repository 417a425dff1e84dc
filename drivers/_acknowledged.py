"""Lasers that acknowledge every command with a line ``OK`` and answer questions with one line.

An answer does not name its question. After an exchange that went wrong the laser is therefore asked
something that nothing else is answered by (its model, its serial number), and all that comes before
that answer is thrown away.
"""

from __future__ import annotations

import logging
import math
import re
from typing import Final

from drivers._in_step import NUMBER, STALE_LINES, InStep, is_text
from labcool.errors import GarbledAnswer, InstrumentRefused

log = logging.getLogger(__name__)

ACKNOWLEDGED: Final = "OK"
HIGHEST_PLAUSIBLE_W: Final = 100.0
LOWEST_PLAUSIBLE_W: Final = -0.01
"""A monitor without light may read a little below zero."""


class Acknowledged(InStep):
    """Mix-in for the lasers of this module.

    A class that uses it sets :attr:`_who`, the question whose answer is :attr:`_identity`,
    :attr:`_answers_end_with_ok`, whether that line follows an answer too, and :attr:`_refusal`,
    what a line looks like that says no.
    """

    _line_end = b"\r\n"
    _who: str
    _refusal: re.Pattern[str]
    _answers_end_with_ok: bool = False

    def _question_once(self, question: str, pattern: str, *, surplus_allowed: bool = True) -> str:
        self._send_in_step(question, surplus_allowed=surplus_allowed)
        answer = self._line_of_text(question)
        stale = question != self._who and answer == self._identity
        if stale or not is_text(answer) or not re.fullmatch(pattern, answer, re.ASCII):
            raise GarbledAnswer(self.name, f"{question!r} was answered by {answer!r}.")
        if self._answers_end_with_ok:
            self._expect_acknowledgement(question)
        self.end_exchange()
        return answer

    def _command(self, command: str) -> None:
        """Send a command once; return when it is acknowledged.

        :raises InstrumentRefused: if the laser says no.
        """
        self._send_in_step(command)
        self._expect_acknowledgement(command)
        self.end_exchange()

    def _command_unheard(self, command: str) -> None:
        """Send a command whatever is still to come on the line; its answer is thrown away."""
        self._unfinished = True
        self.write(command)

    def _optional(self, question: str, pattern: str = ".+") -> str:
        """Return the answer to a question that not every model knows, "" if it is refused."""
        try:
            return self._question(question, pattern)
        except InstrumentRefused as error:
            log.info("%s Left open.", error)
            return ""

    def _number(self, question: str) -> float:
        value = float(self._question(question, NUMBER))
        if not math.isfinite(value):
            raise GarbledAnswer(self.name, f"{question!r} was answered by {value}.")
        return value

    def _watts(self, question: str, lowest: float = 0.0) -> float:
        watts = self._number(question)
        if not lowest <= watts <= HIGHEST_PLAUSIBLE_W:
            raise GarbledAnswer(self.name, f"{question!r} was answered by {watts:g} W.")
        return watts

    def _line_of_text(self, cause: str) -> str:
        line = self._read_line().decode("ascii", "replace").strip()
        if self._refusal.match(line):
            raise InstrumentRefused(self.name, f"{cause!r} was refused: {line!r}.")
        return line

    def _expect_acknowledgement(self, cause: str) -> None:
        if (line := self._line_of_text(cause)) != ACKNOWLEDGED:
            raise GarbledAnswer(self.name, f"{line!r} came after {cause!r} instead of 'OK'.")

    def _ask_who(self) -> None:
        self._unfinished = True
        self.write(self._who)

    def _find_step(self) -> None:
        self._discard()
        if not self._identity:
            return
        self._ask_who()
        for _ in range(STALE_LINES):
            try:
                line = self._read_line().decode("ascii", "replace").strip()
                if line == self._identity:
                    if self._answers_end_with_ok:
                        self._expect_acknowledgement(self._who)
                    self.be_in_step()
                    return
            except GarbledAnswer as error:
                log.info("%s Passed over.", error)
                continue
            log.info("%s: passed over a stale answer %r.", self.name, line)
        raise GarbledAnswer(self.name, "answers questions that were not asked.")

"""Commands and answers of the Thorlabs MC2000B: CR, echo, prompt, and getting back in step."""

from __future__ import annotations

import re
from typing import Final

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from drivers._wire import WiredInstrument
from labcool.clock import Clock
from labcool.errors import GarbledAnswer, InstrumentRefused

PROMPT: Final = b"> "
ANSWER: Final = re.compile(rb"(?P<echo>[ -~]*)\r(?:(?P<value>[ -~]*)\r)?> ")
MEETING: Final = re.compile(rb"id\?\r[ -~]+\r> \Z")
MOST_LATE_ANSWERS: Final = 8
WHOLE: Final = r"\d{1,9}"
DECIMAL: Final = r"\d{1,9}(?:\.\d{1,9})?"
LARGEST_NUMBER: Final = 999_999_999


class MC2000BWire(WiredInstrument, Instrument):
    """An instrument that echoes every command and ends every answer with a prompt."""

    def __init__(self, adapter: Adapter, name: str, clock: Clock) -> None:
        self._clock = clock
        super().__init__(adapter, name, includeSCPI=False)

    def start_exchange(self) -> None:
        """Get back in step if the last exchange never ended; call before writing."""
        if self._unfinished:
            self.resynchronise(self._clock)
        self.discard_arrived()
        self._unfinished = True

    def resynchronise(self, clock: Clock) -> None:
        """End whatever command has begun by an empty one, and pass over all that is late.

        :raises GarbledAnswer, InstrumentTimeout: if ``id?`` is not answered.
        """
        self._unfinished = True
        self.write("")
        super().resynchronise(clock)
        self.write("id?")
        for _ in range(MOST_LATE_ANSWERS):
            if MEETING.search(self.read_until(PROMPT)):
                self.be_in_step()
                return
        raise GarbledAnswer(self.name, f"{MOST_LATE_ANSWERS} answers, but none to 'id?'.")

    def _integer(self, question: str, lowest: int = 0, highest: int = LARGEST_NUMBER) -> int:
        return int(self._limited(question, WHOLE, lowest, highest))

    def _number(self, question: str, highest: float = LARGEST_NUMBER) -> float:
        return self._limited(question, DECIMAL, 0, highest)

    def _limited(self, question: str, pattern: str, lowest: float, highest: float) -> float:
        """Return a number; one that is out of its limits is asked for once more."""

        def ask() -> float:
            value = float(self._exchange(question, pattern))
            if not lowest <= value <= highest:
                raise GarbledAnswer(self.name, f"{question!r} was answered by {value:g}.")
            return value

        return self.ask_twice(ask, self._clock)

    def _query(self, command: str, pattern: str) -> str:
        return self.ask_twice(lambda: self._exchange(command, pattern), self._clock)

    def _exchange(self, command: str, pattern: str) -> str:
        """Send a command and return the value of the answer, "" if it has none."""
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

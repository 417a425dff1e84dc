"""The wire to a Lake Shore controller: one message, one answer, and never out of step.

Every message, question or setting, ends with ``;*ESR?``, as the maker's own driver does it: the
answer then always comes, and says whether the controller understood (command error 32, execution
error 16, query error 4). An answer is one line, its parts joined by ``;``.

Getting back in step after an answer that is missing, late or garbled: what has come by then is
discarded, ``*IDN?`` is asked, and lines are discarded until the identity comes. Answers come in the
order of the questions, so whatever was late is gone by then; a late answer is never taken for a
newer one.

Retries, each logged: questions, and settings that may be made twice without harm (all but starting
a heater or an autotune), are sent once more after a missing or garbled answer.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterable
from typing import ClassVar, Final, TypeVar

from pymeasure.instruments import Instrument
from pyvisa.constants import Parity, StopBits

from drivers._lakeshore_words import POWER_ON, REFUSALS, bits, whole
from drivers._wire import (
    Resource,
    WiredInstrument,
    connect,
    released_on_failure,
    wire_errors,
)
from labcool.clock import Clock, RealClock, sleep_until
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.numbers import within

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

IDENTITY: Final = re.compile(r"LSCI,MODEL(\d{3})[A-Z]?,[^,;]*,[^,;]*")
LONGEST_LINE: Final = 256
STALE_LINES: Final = 8
ERRORS: Final = sum(REFUSALS)


class LakeShoreWire(WiredInstrument, Instrument):
    """A Lake Shore controller as something that can be asked and told."""

    MODEL: ClassVar[str]
    EMULATIONS: ClassVar[tuple[str, ...]] = ()
    BAUD_RATE: ClassVar[int] = 57600

    def __init__(
        self,
        resource: Resource,
        name: str,
        clock: Clock | None,
        visa_library: str,
        timeout: float,
        message_interval: float,
    ) -> None:
        self._timeout = within(f"{name} timeout (s)", timeout, 0.05, 10.0)
        self._interval = within(f"{name} message_interval (s)", message_interval, 0.0, 5.0)
        self._clock: Clock = clock or RealClock()
        self._next_message = -math.inf
        self._in_step = False
        self._identity = ""
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\n",
            read_termination="\n",
            timeout=round(self._timeout * 1000),
            asrl={
                "baud_rate": self.BAUD_RATE,
                "data_bits": 7,
                "parity": Parity.odd,
                "stop_bits": StopBits.one,
            },
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            self._identity = self.ask_twice(self._ask_identity, self._clock)
            self._in_step = True
            # Reading clears: errors from before connecting are nobody's fault here.
            self._ask(whole, "*ESR?")

    @property
    def identity(self) -> str:
        """Get maker, model, serial number and firmware as given on connecting (str)."""
        return self._identity

    def _ask_identity(self) -> str:
        self._write_message("")
        self.resynchronise(self._clock)
        self._write_message("*IDN?")
        answer = self._read_line()
        found = IDENTITY.fullmatch(answer)
        if found is None and not answer.startswith("LSCI,"):
            raise GarbledAnswer(self.name, f"{answer!r} is no identity of a Lake Shore controller.")
        if found is None or found[1] != self.MODEL:
            raise WrongInstrument(self.name, self._what_to_do(answer, found and found[1]))
        return answer

    def _what_to_do(self, answer: str, model: str | None) -> str:
        found = f"{answer!r} answers here, not a Model {self.MODEL}."
        if model not in self.EMULATIONS:
            return found
        return (
            f"{found} A Model {self.MODEL} that emulates a Model {model} answers like this: set "
            "its emulation mode to None on the front panel (Interface menu), or send EMUL 0,0 once "
            "by hand. Nothing was changed, because other programs may rely on the emulation."
        )

    def _ask(self, parse: Callable[..., Answer], *questions: str) -> Answer:
        """Send questions in one message and return ``parse`` of their answers.

        :raises InstrumentRefused: if the controller reports an error.
        :raises GarbledAnswer, InstrumentTimeout: if the second attempt is no better.
        """

        def ask() -> Answer:
            answers = self._exchange(";".join(questions), len(questions))
            try:
                return parse(*answers)
            except ValueError as error:
                self._in_step = False
                raise GarbledAnswer(
                    self.name, f"{questions} was answered by {answers}: {error}."
                ) from error

        return self.ask_twice(ask, self._clock)

    def _tell(self, *commands: str, again: bool = True) -> None:
        """Send settings in one message.

        :param again: whether they may be sent once more if the answer is missing or garbled.
        :raises InstrumentRefused: if the controller reports an error.
        """

        def tell() -> None:
            self._exchange(";".join(commands), 0)

        if again:
            self.ask_twice(tell, self._clock)
        else:
            tell()

    def _exchange(self, message: str, count: int) -> list[str]:
        """Send one message and return the answers to its ``count`` questions."""
        if self._in_step:
            self.discard_arrived()
        else:
            self._get_in_step()
        self._in_step = False
        self._write_message(f"{message};*ESR?")
        line = self._read_line()
        body, joined, events = line.rstrip(";").rpartition(";")
        answers = (body.split(";") if count > 1 else [body]) if joined else []
        try:
            code = whole(events)
        except ValueError as error:
            raise GarbledAnswer(self.name, f"{message!r} was answered by {line!r}.") from error
        if surplus := self.take_surplus():
            raise GarbledAnswer(self.name, f"more came than {line!r}: {surplus!r} too.")
        if code & POWER_ON:
            log.warning(
                "%s: the controller has been switched on since it was last asked.", self.name
            )
        if code & ERRORS:
            self._in_step = True
            raise InstrumentRefused(self.name, f"{message!r}: {bits(code & ERRORS, REFUSALS)}.")
        if len(answers) != count:
            raise GarbledAnswer(self.name, f"{message!r} was answered by {line!r}.")
        self._in_step = True
        return answers

    def _get_in_step(self) -> None:
        self._write_message("")
        self.resynchronise(self._clock)
        self._write_message("*IDN?")
        for _ in range(STALE_LINES):
            line = self._read_line()
            if line == self._identity:
                self.discard_arrived()
                return
            log.warning("%s: discarded the late answer %r.", self.name, line)
        raise GarbledAnswer(self.name, "its answers do not come back in step with the questions.")

    def _write_message(self, message: str) -> None:
        sleep_until(self._clock, self._next_message)
        self.write(message)
        self._next_message = self._clock.now() + self._interval

    def _read_line(self) -> str:
        """Return the next line without its end, within the time-out for all of it."""
        deadline = self._clock.now() + self._timeout
        line = bytearray()
        while not line.endswith(b"\n"):
            if len(line) >= LONGEST_LINE:
                raise GarbledAnswer(self.name, f"no end of the answer in {bytes(line)!r}.")
            if self._clock.now() > deadline:
                raise InstrumentTimeout(self.name, f"the answer comes too slowly: {bytes(line)!r}.")
            line += self.read_bytes(1)
        self._next_message = self._clock.now() + self._interval
        with wire_errors(self.name):
            text = line.decode("ascii").strip("\r\n ")
        if not text.isprintable():
            raise GarbledAnswer(self.name, f"control characters in the answer {text!r}.")
        return text

    def _refusal(self, field: str, value: object, allowed: Iterable[object]) -> LimitError:
        choices = ", ".join(str(choice) for choice in allowed)
        return LimitError(f"{self.name} {field}", value, f"one of {choices}")

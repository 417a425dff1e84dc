"""How a Lake Shore controller takes lines apart and puts its answers together.

A line ends with LF, with or without CR; several commands are joined by ``;``, each may begin with
a colon, and their answers come joined by ``;`` in one line that ends with CR LF. A wrong command
is answered by silence: bit 5 of ``*ESR?`` if it is unknown, bit 4 if its parameters are not
allowed.

UNVERIFIED on hardware: that commands may be in lower case; that a wrong command in a line leaves
the others alone; that a message that comes too early for the 331 is lost whole.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Final

from labcool.clock import Clock
from simulators._lakeshore_fields import ExecutionError
from simulators._lakeshore_registers import COMMAND_ERROR, EXECUTION_ERROR, Registers
from simulators.device import LineDevice

_ANSWER_TIME_S: Final = 0.01
_LONGEST_LINE: Final = 512
_COMMAND: Final = re.compile(r"(\*?[A-Z][A-Z0-9]*)(\??)(?:\s+(.*)|)", re.ASCII | re.DOTALL)


class UnknownCommandError(Exception):
    """The instrument has no such command."""


def split(text: str, separator: str) -> list[str]:
    """Return the stripped parts of a text, not split inside double quotes."""
    parts = [""]
    quoted = False
    for character in text:
        quoted ^= character == '"'
        if character == separator and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


class LakeShoreWire(LineDevice):
    """The wire of any Lake Shore controller.

    :param pace_s: silence needed between two messages, s.
    """

    def __init__(self, clock: Clock, pace_s: float) -> None:
        super().__init__(clock, terminator=b"\n", limit=_LONGEST_LINE)
        self.registers = Registers()
        self._pace_s = pace_s
        self._free_from = clock.now()

    @abstractmethod
    def _command(self, name: str, arguments: list[str]) -> None:
        """Obey a command.

        :raises UnknownCommandError: if there is none of this name.
        :raises ExecutionError: if its parameters are not allowed.
        """

    @abstractmethod
    def _query(self, name: str, arguments: list[str]) -> str:
        """Answer a query; raises as :meth:`_command` does."""

    def _handle(self, line: bytes) -> None:
        text = line.decode("latin-1").strip()
        now = self.clock.now()
        if not text or now < self._free_from - 1e-9:
            return
        self._free_from = now + self._pace_s
        answers = [answer for part in split(text, ";") if (answer := self._obey(part)) is not None]
        if answers:
            self._send((";".join(answers) + "\r\n").encode("latin-1"), _ANSWER_TIME_S)

    def _handle_overrun(self) -> None:
        self.registers.event |= COMMAND_ERROR

    def _obey(self, text: str) -> str | None:
        part = text.lstrip(":").strip()
        name, _, rest = part.partition(" ")
        found = _COMMAND.fullmatch(f"{name.upper()} {rest}" if rest else name.upper())
        if not part:
            return None
        try:
            if found is None:
                raise UnknownCommandError
            arguments = split(found[3], ",") if found[3] else []
            if found[2]:
                return self._query(found[1], arguments)
            self._command(found[1], arguments)
        except UnknownCommandError:
            self.registers.event |= COMMAND_ERROR
        except ExecutionError:
            self.registers.event |= EXECUTION_ERROR
        return None

"""Questions and commands on the SR830's wire, and its status bytes.

The SR830 acknowledges nothing: a command it does not understand is simply not answered. After every
command ``*ESR?`` is therefore read, and after a question without answer too, to tell why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from pymeasure.instruments import Instrument

from drivers._in_step import NUMBER, WHOLE, InStep
from drivers._sr830_codecs import numbers
from drivers._sr830_tables import (
    ANY_NUMBER,
    REFUSALS,
    HardwareError,
    Interface,
    Limits,
    LockInStatus,
    StandardEvent,
)
from labcool.errors import GarbledAnswer, InstrumentRefused

Bits = TypeVar("Bits", LockInStatus, HardwareError, StandardEvent)


class SR830Wire(InStep, Instrument):
    """What all parts of the SR830 driver talk through."""

    _interface: Interface
    _standing = LockInStatus(0)

    def _tell(self, command: str) -> None:
        """Send a command and make sure that it was accepted.

        :raises InstrumentRefused: if ``*ESR?`` says that it was not.
        """
        self._order(command)
        self._raise_refusal(command)

    def _tell_and_stay_connected(self, command: str) -> None:
        """Send a command that might change to which interface the instrument answers."""
        for part in (command, *self._preamble):
            self._order(part)
        self._raise_refusal(command)

    def _explain(self, question: str) -> None:
        self._raise_refusal(question)

    def _raise_refusal(self, command: str) -> None:
        events = self.standard_events()
        reasons = [words for bit, words in REFUSALS.items() if events & bit]
        if reasons:
            raise InstrumentRefused(self.name, f"{command!r} was refused: {', '.join(reasons)}.")

    def _ask_number(self, question: str, limits: Limits = ANY_NUMBER) -> float:
        """Return a number within its limits.

        :raises GarbledAnswer: if it is not a number that this instrument can have there.
        """
        value = float(answer := self._question(question, NUMBER))
        if not math.isfinite(value):
            raise GarbledAnswer(self.name, f"{answer!r} is beyond all numbers.")
        if not limits[0] <= value <= limits[1]:
            raise GarbledAnswer(self.name, f"{question!r} was answered by {answer!r}.")
        return value

    def _ask_numbers(self, question: str, *limits: Limits) -> tuple[float, ...]:
        """Return as many numbers as limits are given, each within its own."""
        pattern = ",".join([NUMBER] * len(limits))
        values = numbers(self._question(question, pattern), len(limits), self.name)
        pairs = zip(values, limits, strict=True)
        if not all(lowest <= value <= highest for value, (lowest, highest) in pairs):
            raise GarbledAnswer(self.name, f"{question!r} was answered by {values}.")
        return values

    def _ask_whole(self, question: str, highest: int, *, repeatable: bool = True) -> int:
        value = int(self._question(question, WHOLE, repeatable=repeatable))
        if not 0 <= value <= highest:
            raise GarbledAnswer(self.name, f"{question!r} was answered by {value}.")
        return value

    def _take_bits(self, question: str, bits: Callable[[int], Bits]) -> Bits:
        """Read and so clear a status byte; never asked twice, as the first may have cleared it."""
        return bits(self._ask_whole(question, 255, repeatable=False))

    def standard_events(self) -> StandardEvent:
        """Read and clear the standard event status byte, ``*ESR?``."""
        return self._take_bits("*ESR?", StandardEvent)

    def lock_in_status(self) -> LockInStatus:
        """Read and clear the lock-in status byte, ``LIAS?``: all that happened since last time.

        What has spoilt the last settling is among it.
        """
        flags = self._take_bits("LIAS?", LockInStatus) | self._standing
        self._standing = LockInStatus(0)
        return flags

    def hardware_errors(self) -> HardwareError:
        """Read and clear the error status byte, ``ERRS?``."""
        return self._take_bits("ERRS?", HardwareError)

"""What an OBIS laser says of itself: emission, faults, interlock, and whether it may start."""

from __future__ import annotations

from typing import Final

from drivers._acknowledged import Acknowledged
from drivers._obis_words import (
    EMISSION,
    FAULT,
    FAULTS,
    HARDWARE_FAULT,
    INTERLOCK_CLOSED,
    INTERLOCK_OPEN,
    KEY_OUT,
    WARM_UP,
    bit_names,
    status_names,
)
from labcool.errors import InstrumentRefused

WORD: Final = "[0-9A-Fa-f]{8}"
SOURCES: Final = "CWP|CWC|DIGITAL|ANALOG|MIXED|DIGSO|MIXSO"
CONTINUOUS: Final = ("CWP", "CWC")
MOST_ERRORS: Final = 100


class ObisState(Acknowledged):
    """The questions for an OBIS's state; they change nothing."""

    @property
    def emission(self) -> bool:
        """Get whether the status word reports emission (bool)."""
        return bool(self._status_word() & EMISSION)

    @property
    def status(self) -> tuple[str, ...]:
        """Get what the status word says, in plain words, the key first."""
        return status_names(self._status_word())

    @property
    def faults(self) -> tuple[str, ...]:
        """Get the faults that the fault word reports, in plain words; empty: none."""
        return bit_names(int(self._question("SYST:FAUL?", WORD), 16), FAULTS)

    @property
    def interlock_closed(self) -> bool:
        """Get whether status word and ``SYST:LOCK?`` both allow emission (bool)."""
        if self._status_word() >> 24 == INTERLOCK_OPEN:
            return False
        return self._optional("SYST:LOCK?").upper() in INTERLOCK_CLOSED

    @property
    def source(self) -> str:
        """Get what sets the power: CWP (power), CWC (current), or a modulation input (str)."""
        return self._question("SOUR:AM:SOUR?", SOURCES)

    @property
    def errors_waiting(self) -> int:
        """Get how many errors the laser keeps for whoever asks, ``SYST:ERR:COUN?`` (int)."""
        return int(self._question("SYST:ERR:COUN?", r"\d{1,4}"))

    def take_errors(self) -> tuple[str, ...]:
        """Return the errors that the laser has kept, oldest first, and so remove them from there.

        Each is its number and text, as the laser words it. None is asked for twice: an answer that
        is lost on the way is an error that is lost.
        """
        taken = []
        for _ in range(min(self.errors_waiting, MOST_ERRORS)):
            taken.append(self._question("SYST:ERR:NEX?", ".+", repeatable=False))
        return tuple(taken)

    def _refuse_unless_ready(self) -> None:
        word = self._status_word()
        if word >> 24 == KEY_OUT:
            raise InstrumentRefused(self.name, "the key is out. Put it in and turn it.")
        if not self.interlock_closed:
            raise InstrumentRefused(self.name, "the interlock is open, or not known to be closed.")
        self._refuse_faults(word)
        if word & WARM_UP:
            raise InstrumentRefused(self.name, "still warming up. Wait until it is ready.")
        if (source := self.source) not in CONTINUOUS:
            raise InstrumentRefused(
                self.name, f"its {source} input sets the power. Select CWP (SOUR:AM:INT CWP)."
            )

    def _refuse_faults(self, word: int) -> None:
        faults = self.faults
        if faults or word & (FAULT | HARDWARE_FAULT):
            raise InstrumentRefused(
                self.name, f"fault: {', '.join(faults) or 'without a name'}. See the manual."
            )

    def _status_word(self) -> int:
        return int(self._question("SYST:STAT?", WORD), 16)

"""Instruments that want to hear all the time that the program lives, and who tells them so.

A supercontinuum source goes dark by its own watchdog if the program hangs. Whoever waits therefore
has to speak to it meanwhile, and only as long as the program really goes on: no thread of its own
does this, but whatever the program does anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, runtime_checkable

from labcool.clock import Clock

INTERVAL_S: Final = 1.0
"""Instruments are not told more often than this, clock s."""


@runtime_checkable
class KeptAlive(Protocol):
    """An instrument that watches whether the program lives."""

    def keep_alive(self) -> None:
        """Show that the program lives.

        :raises labcool.errors.InstrumentError: if what it guards has ended, or it does not answer.
        """


class Heartbeat:
    """Tells those of some instruments that want to hear it.

    :param clock: counts the interval.
    :param instruments: any; those without ``keep_alive()`` are left alone.
    """

    def __init__(self, clock: Clock, instruments: Iterable[object]) -> None:
        self._clock = clock
        self._kept = [each for each in instruments if isinstance(each, KeptAlive)]
        self._due = clock.now()

    def beat(self) -> None:
        """Call every ``keep_alive()`` if the last time was a second ago; call this all the time.

        :raises labcool.errors.InstrumentError: that of the first instrument that raises.
        """
        if not self._kept or self._clock.now() < self._due:
            return
        for instrument in self._kept:
            instrument.keep_alive()
        self._due = self._clock.now() + INTERVAL_S

"""Stopping a run: one flag that anybody may raise, checked between points and inside every wait."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from labcool.clock import Clock
from labcool.errors import RunAborted

LONGEST_NAP_S = 0.1
"""A stop is noticed at most this much of the clock's time after it was asked for."""

_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_PLAIN_WORDS = {
    "SIGINT": "Ctrl+C",
    "SIGTERM": "the system asked the program to end (SIGTERM)",
    "SIGHUP": "the terminal was closed (SIGHUP)",
    "SIGBREAK": "Ctrl+Break",
}


class Control:
    """The stop flag of one run. Safe to raise from any thread and from signal handlers."""

    def __init__(self) -> None:
        self._reason: str | None = None

    @property
    def stop_reason(self) -> str | None:
        """Who asked for the stop, in words; None while nobody has."""
        return self._reason

    def abort(self, reason: str) -> None:
        """Ask the run to stop; the first reason is kept."""
        if self._reason is None:
            self._reason = reason

    def check(self) -> None:
        """Raise if a stop was asked for.

        :raises RunAborted: with the reason.
        """
        if self._reason is not None:
            raise RunAborted(self._reason)

    def wait(self, clock: Clock, seconds: float, each_nap: Callable[[], None]) -> None:
        """Let ``seconds`` of the clock's time pass, watching the flag all the time.

        :param each_nap: called about every :data:`LONGEST_NAP_S`; may raise to end the wait.
        :raises RunAborted: as soon as a stop was asked for.
        """
        end = clock.now() + seconds
        self.check()
        while (remaining := end - clock.now()) > 0:
            clock.sleep(min(remaining, LONGEST_NAP_S))
            each_nap()
            self.check()


@contextmanager
def stop_on_signals(control: Control) -> Iterator[None]:
    """Turn Ctrl+C, SIGTERM, SIGHUP and Ctrl+Break into a stop of the run while inside.

    The handlers only raise the flag, so that a signal never breaks off the closing of the shutter
    or of the file half-way; a second Ctrl+C changes nothing. A SIGHUP that was ignored before (by
    ``nohup``) stays ignored. Must be entered in the main thread.
    """

    def note(number: int, _frame: FrameType | None) -> None:
        control.abort(_PLAIN_WORDS[signal.Signals(number).name])

    previous = {}
    for name in _STOP_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and not _is_outlived(number):
            previous[number] = signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _is_outlived(number: int) -> bool:
    """Tell whether this is a closing terminal that the program was started to outlive."""
    hang_up = getattr(signal, "SIGHUP", None)
    return number == hang_up and signal.getsignal(number) == signal.SIG_IGN

"""What a run shows while it lasts: a progress bar and the newest numbers.

On a terminal the lines are redrawn in place; into a file or a pipe goes one line for each phase.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from labcool.cli.run_state import RunState, clock_text, is_for_people
from labcool.engine.events import (
    Event,
    FileOpened,
    Listener,
    Message,
    PhaseStarted,
    PointRecorded,
    Status,
    StatusChanged,
)

REFRESHES_PER_SECOND = 8


@contextmanager
def watch(console: Console, *, show: bool) -> Iterator[Sequence[Listener]]:
    """Show a run on the console while inside; yields the listeners to give to the runner."""
    if not show:
        yield ()
        return
    state = RunState()
    if console.is_terminal:
        with Live(state, console=console, refresh_per_second=REFRESHES_PER_SECOND):
            yield (state.listen,)
        return
    yield (state.listen, _Lines(console, state).listen)


class _Lines:
    """A line for each phase, and below it the last numbers that were measured in it."""

    def __init__(self, console: Console, state: RunState) -> None:
        self._console = console
        self._state = state
        self._last = ""

    def listen(self, event: Event) -> None:
        match event:
            case PointRecorded():
                self._last = self._state.numbers()
            case PhaseStarted():
                self._end_phase()
                self._print(f"{clock_text(event.elapsed)}  {event.name}")
            case StatusChanged(status=Status.FINISHING):
                self._end_phase()
            case FileOpened():
                self._print(f"recording to {event.path}")
            case Message(level=level) if level >= logging.WARNING and is_for_people(event):
                self._print(f"! {event.text}")

    def _end_phase(self) -> None:
        if self._last:
            self._print(f"         last spectrum: {self._last}")
            self._last = ""

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)

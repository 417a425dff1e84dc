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
from labcool.engine.events import Event, FileOpened, Listener, Message, PhaseStarted

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
    yield (state.listen, lambda event: _print_line(console, state, event))


def _print_line(console: Console, state: RunState, event: Event) -> None:
    match event:
        case PhaseStarted():
            line = f"{clock_text(event.elapsed)}  {event.name}   [{state.numbers()}]"
        case FileOpened():
            line = f"recording to {event.path}"
        case Message(level=level) if level >= logging.WARNING and is_for_people(event):
            line = f"! {event.text}"
        case _:
            return
    console.print(line, markup=False, soft_wrap=True)

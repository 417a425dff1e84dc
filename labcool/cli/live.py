"""What a run shows while it lasts: a progress bar and the newest numbers.

On a terminal the lines are redrawn in place; into a file or a pipe goes one line for each phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from labcool import units
from labcool.engine.events import (
    Event,
    FileOpened,
    Listener,
    Message,
    PhaseStarted,
    PointRecorded,
    Progress,
    ShutterMoved,
    StatusChanged,
)

REFRESHES_PER_SECOND = 8


class RunState:
    """The newest of everything a run has told; a listener."""

    def __init__(self) -> None:
        self.status = "starting"
        self.phase = "starting"
        self.elapsed = 0.0
        self.duration = 0.0
        self.shutter_open: bool | None = None
        self.values: dict[str, float] = {}
        self.warnings: list[str] = []

    def listen(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case PointRecorded():
                self.values = dict(event.values)
            case Progress():
                self.elapsed = event.elapsed
            case PhaseStarted():
                self.phase = event.name
                self.elapsed = event.elapsed
            case FileOpened():
                self.duration = event.duration
            case ShutterMoved():
                self.shutter_open = event.is_open
            case StatusChanged():
                self.status = str(event.status)
            case Message() if event.level > 20:
                self.warnings.append(event.text)

    def numbers(self) -> str:
        """Return temperature, fluence, counts and shutter as one line."""
        parts = [self._temperature()]
        if "fluence" in self.values:
            fluence = self.values["fluence"] if self.shutter_open else 0.0
            parts.append(f"fluence {fluence:,.4g} W/cm²")
        if "intensity" in self.values:
            parts.append(f"counts {self.values['intensity']:,.0f}")
        shutter = {None: "unknown", True: "OPEN", False: "closed"}[self.shutter_open]
        parts.append(f"shutter {shutter}")
        return "   ".join(part for part in parts if part)

    def _temperature(self) -> str:
        value, std = self.values.get("arrhenius"), self.values.get("arrhenius_errors")
        if value is None or std is None:
            return "temperature: no spectrum yet"
        return f"{units.celsius(value):6.2f} ± {std:.2f} °C"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        total = max(self.duration, self.elapsed, 1e-9)
        bar = Table.grid(padding=(0, 1))
        bar.add_column(min_width=24)
        bar.add_column()
        bar.add_column(justify="right")
        bar.add_row(
            Text(self.phase, style="bold"),
            ProgressBar(total=total, completed=self.elapsed, width=30),
            f"{self.elapsed / total:4.0%}  elapsed {clock_text(self.elapsed)}  "
            f"remaining {clock_text(max(0.0, self.duration - self.elapsed))}",
        )
        lines: list[Table | Text] = [bar, Text(self.numbers())]
        lines += [Text(f"! {warning}", style="bold") for warning in self.warnings[-3:]]
        yield Group(*lines)


def clock_text(seconds: float) -> str:
    """Return a duration as h:mm:ss.

    >>> clock_text(3725.4)
    '1:02:05'
    """
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


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
    yield (state.listen, lambda event: _print_phase(console, state, event))


def _print_phase(console: Console, state: RunState, event: Event) -> None:
    match event:
        case PhaseStarted():
            console.print(
                f"{clock_text(event.elapsed)}  {event.name}   [{state.numbers()}]",
                markup=False,
                soft_wrap=True,
            )
        case FileOpened():
            console.print(f"recording to {event.path}", markup=False, soft_wrap=True)
        case Message() if event.level > 20:
            console.print(f"! {event.text}", markup=False, soft_wrap=True)

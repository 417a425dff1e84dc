"""The newest of everything a run has told, and how it is drawn."""

from __future__ import annotations

import logging
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from labcool import units
from labcool.engine.events import (
    Event,
    FileOpened,
    Message,
    PhaseStarted,
    PointRecorded,
    Progress,
    ShutterMoved,
    Status,
    StatusChanged,
)

_ENDING: Final = (Status.FINISHING, Status.FINISHED, Status.ABORTED, Status.FAILED)
_MOST_WARNINGS: Final = 3
_STALE_AFTER_S: Final = 2.0


class RunState:
    """A listener that keeps the newest numbers of a run, and a renderable that shows them."""

    def __init__(self) -> None:
        self.phase = "starting"
        self.elapsed = 0.0
        self.duration = 0.0
        self.shutter_open: bool | None = None
        self.values: dict[str, float] = {}
        self.point_at = 0.0
        self.warnings: list[str] = []

    def listen(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case PointRecorded():
                self.values = dict(event.values)
                self.point_at = self.elapsed
            case Progress():
                self.elapsed = event.elapsed
            case PhaseStarted():
                self.phase = event.name
                self.elapsed = event.elapsed
            case FileOpened():
                self.duration = event.duration
            case ShutterMoved():
                self._move_shutter(event.is_open)
            case StatusChanged() if event.status in _ENDING:
                self._end(event.status)
            case Message(level=level) if level >= logging.WARNING and is_for_people(event):
                self.warnings.append(event.text)

    def numbers(self) -> str:
        """Return temperature, fluence, counts and shutter as one line."""
        parts = [self._temperature(), self._fluence()]
        if "intensity" in self.values:
            parts.append(f"counts {self.values['intensity']:,.0f}")
        shutter = {None: "unknown", True: "OPEN", False: "closed"}[self.shutter_open]
        parts.append(f"shutter {shutter}")
        return "   ".join(part for part in parts if part)

    def _move_shutter(self, is_open: bool) -> None:
        if is_open and not self.shutter_open:
            # The next segment's fluence is only known with its first point.
            self.values.pop("fluence", None)
        self.shutter_open = is_open

    def _end(self, status: Status) -> None:
        self.phase = str(status)
        if status is Status.FINISHED:
            self.duration = self.elapsed

    def _temperature(self) -> str:
        value, std = self.values.get("arrhenius"), self.values.get("arrhenius_errors")
        if value is None or std is None:
            return "temperature: no spectrum yet"
        age = self.elapsed - self.point_at
        old = f" ({age:.0f} s ago)" if age > _STALE_AFTER_S and not self.shutter_open else ""
        return f"{units.celsius(value):.2f} ± {std:.2f} °C{old}"

    def _fluence(self) -> str:
        if self.shutter_open is False:
            return "fluence 0 W/cm²"
        if "fluence" not in self.values:
            return ""
        return f"fluence {self.values['fluence']:,.4g} W/cm²"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        total = max(self.duration, self.elapsed, 1e-9)
        remaining = max(0.0, self.duration - self.elapsed)
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(justify="right", no_wrap=True)
        bar.add_row(
            Text(f"{self.phase:<20}", style="bold"),
            ProgressBar(total=total, completed=self.elapsed),
            f"{self.elapsed / total:4.0%}  elapsed {clock_text(self.elapsed)}  "
            f"remaining {clock_text(remaining)}",
        )
        yield bar
        yield Text(self.numbers())
        for warning in self.warnings[-_MOST_WARNINGS:]:
            yield Text(f"! {warning}", style="bold")


def is_for_people(message: Message) -> bool:
    """Tell whether a warning concerns who runs the bench.

    Not those of simulated devices, which only the log keeps, nor how the run ended, which is told
    at the end anyway.
    """
    return message.source != "runner" and not message.source.startswith("simulators")


def clock_text(seconds: float) -> str:
    """Return a duration as h:mm:ss.

    >>> clock_text(3725.4)
    '1:02:05'
    """
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"

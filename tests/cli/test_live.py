"""What a run shows while it lasts."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from labcool.cli.live import watch
from labcool.cli.run_state import RunState, clock_text
from labcool.cli.screen import LastingStream
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

POINT = PointRecorded(
    12.0,
    {
        "time": 12.0,
        "fluence": 300.05,
        "intensity": 1282292.0,
        "arrhenius": 293.15 + 3.74,
        "arrhenius_errors": 0.163,
    },
)
BEGUN: list[Event] = [
    StatusChanged(Status.STARTING),
    StatusChanged(Status.RUNNING),
    FileOpened(Path("runs/run.h5"), 200.0),
    PhaseStarted("120 s @ 300 W/cm2", 50.0, 120.0),
    ShutterMoved(True),
    Progress(62.0),
    POINT,
    Progress(62.0),
]


def state_after(*events: Event) -> RunState:
    state = RunState()
    for event in events:
        state.listen(event)
    return state


def drawn(state: RunState, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(state)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("width", [80, 120])
def test_everything_is_on_two_lines(width: int) -> None:
    bar, numbers = drawn(state_after(*BEGUN), width)
    assert len(bar) <= width
    assert bar.startswith("120 s @ 300 W/cm2")
    assert bar.endswith("31%  elapsed 0:01:02  remaining 0:02:18")
    assert "━" in bar
    assert numbers == "23.74 ± 0.16 °C   fluence 300.1 W/cm²   counts 1,282,292   shutter OPEN"


def test_before_the_first_spectrum_nothing_is_made_up() -> None:
    assert state_after().numbers() == "temperature: no spectrum yet   shutter unknown"
    closed = state_after(ShutterMoved(False)).numbers()
    assert closed == "temperature: no spectrum yet   fluence 0 W/cm²   shutter closed"


def test_in_the_dark_the_temperature_is_told_with_its_age_and_the_fluence_is_0() -> None:
    dark = [ShutterMoved(False), PhaseStarted("300 s dark", 170.0, 300.0), Progress(182.4)]
    numbers = state_after(*BEGUN, *dark).numbers()
    assert numbers.startswith("23.74 ± 0.16 °C (120 s ago)   fluence 0 W/cm²")
    assert numbers.endswith("shutter closed")


def test_the_fluence_of_another_segment_is_not_shown_for_this_one() -> None:
    numbers = state_after(*BEGUN, ShutterMoved(False), ShutterMoved(True)).numbers()
    assert "fluence" not in numbers
    assert "shutter OPEN" in numbers


def test_the_bar_never_runs_over_and_is_full_at_the_end() -> None:
    (bar, _) = drawn(state_after(*BEGUN, Progress(300.0)))
    assert bar.endswith("100%  elapsed 0:05:00  remaining 0:00:00")
    (bar, _) = drawn(state_after(*BEGUN, Progress(190.0), StatusChanged(Status.FINISHED)))
    assert bar.startswith("finished")
    assert bar.endswith("100%  elapsed 0:03:10  remaining 0:00:00")


def test_how_a_run_ended_takes_the_place_of_its_phase() -> None:
    (bar, _) = drawn(state_after(*BEGUN, StatusChanged(Status.ABORTED, "Ctrl+C")))
    assert bar.startswith("aborted")
    assert " 31%" in bar


def warning(text: str, source: str = "drivers.sc10", level: int = logging.WARNING) -> Message:
    return Message(0.0, level, source, text)


def test_the_last_three_warnings_are_shown() -> None:
    events = [warning(f"[{number}] asked again") for number in range(5)]
    events += [
        warning("of no interest", level=logging.INFO),
        warning("from inside the twin", source="simulators.light_path"),
        warning("told at the end anyway", source="runner"),
    ]
    _, _, *lines = drawn(state_after(*BEGUN, *events))
    assert lines == [f"! [{number}] asked again" for number in (2, 3, 4)]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0:00:00"), (59.999, "0:00:59"), (3725.4, "1:02:05")]
)
def test_durations(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def shown(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=terminal, markup=True)
    with watch(console, show=True) as listeners:
        for event in [*BEGUN, warning("[bold] is not markup")]:
            for listener in listeners:
                listener(event)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_into_a_pipe_goes_a_line_for_each_phase() -> None:
    assert shown(terminal=False).splitlines() == [
        "recording to runs/run.h5",
        "0:00:50  120 s @ 300 W/cm2",
        "! [bold] is not markup",
    ]


def test_into_a_pipe_each_phase_ends_with_its_last_spectrum() -> None:
    file = io.StringIO()
    with watch(Console(file=file, width=110), show=True) as (listen, lines):
        for event in (*BEGUN, PhaseStarted("300 s dark", 170.0, 300.0)):
            listen(event)
            lines(event)
    said = file.getvalue().splitlines()
    assert said[-2] == (
        "         last spectrum: 23.74 ± 0.16 °C   fluence 300.1 W/cm²   counts 1,282,292   "
        "shutter OPEN"
    )
    assert said[-1] == "0:02:50  300 s dark"


def test_on_a_terminal_the_lines_are_drawn_in_place() -> None:
    text = shown(terminal=True)
    assert "\x1b[" in text
    assert "23.74 ± 0.16 °C" in text
    assert "! [bold] is not markup" in text


def test_nothing_is_shown_if_nothing_is_to_be_shown() -> None:
    console = Console(file=io.StringIO())
    with watch(console, show=False) as listeners:
        assert list(listeners) == []
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]


class Gone(io.StringIO):
    """A stream to somebody who stops listening."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    def write(self, text: str) -> int:
        self.written += 1
        if self.written > 1:
            raise BrokenPipeError(32, "Broken pipe")
        return super().write(text)


def test_a_stream_that_is_gone_is_left_alone() -> None:
    stream: Any = Gone()
    lasting = LastingStream(stream)
    for text in ("one", "two", "three"):
        assert lasting.write(text) == len(text)
    lasting.flush()
    assert stream.getvalue() == "one"
    assert stream.written == 2

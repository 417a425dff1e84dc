"""What several folders of tests share: one run on the simulated bench, with a witness of the beam.

A trial runs in this process and in virtual time. Faults and stops are triggered by the events of
the run itself (a phase that begins, a point that is recorded), so that every run is the same.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from labcool.bench import Bench, open_bench, read_bench
from labcool.engine.control import Control
from labcool.engine.events import Event, PhaseStarted, PointRecorded, StatusChanged
from labcool.engine.parameters import make_procedure
from labcool.engine.procedure import BenchProcedure
from labcool.engine.registry import procedure_class
from labcool.engine.runner import Outcome, Runner

SHORT = {"programme": "5 s @ 300; 5 s dark; 5 s @ 30", "rest": 0, "dark_frames": 2}


class Announced:
    """What a simulated device has said it is, from which moment (clock s) on."""

    def __init__(self, first: Any) -> None:
        self.moments = [float("-inf")]
        self.values = [first]

    def note(self, value: Any, moment: float) -> None:
        """Keep an announcement; it replaces those for that moment and later."""
        while self.moments[-1] >= moment:
            self.moments.pop()
            self.values.pop()
        self.moments.append(moment)
        self.values.append(value)

    def at(self, moment: float) -> Any:
        return self.values[bisect_right(self.moments, moment) - 1]

    def changes(self) -> list[tuple[float, Any]]:
        """Return (moment, value) wherever the value differs from the one before."""
        pairs = zip(self.moments[1:], self.values[1:], self.values, strict=False)
        return [(moment, value) for moment, value, before in pairs if value != before]


class Beam:
    """Witness of what blade, laser and mount really do, whatever the drivers believe."""

    def __init__(self, light_path: Any) -> None:
        self.blade_open = Announced(False)
        self.power = Announced(0.0)
        self.angle = Announced(0.0)
        for method, line in (
            ("shutter_moved", self.blade_open),
            ("laser_power_changed", self.power),
            ("mount_turned", self.angle),
        ):
            setattr(light_path, method, _noted(line, getattr(light_path, method)))

    def open_spans(self, until: float) -> list[tuple[float, float]]:
        """Return begin and end (clock s) of each time in which the beam passed."""
        changes = [*self.blade_open.changes(), (until, False)]
        return [
            (begin, end) for (begin, is_open), (end, _) in itertools.pairwise(changes) if is_open
        ]


def _noted(line: Announced, original: Callable[[Any, float], None]) -> Callable[..., None]:
    def announce(value: Any, moment: float) -> None:
        line.note(value, moment)
        original(value, moment)

    return announce


class Trial:
    """One run of a procedure on a simulated bench.

    :param settings: parameters of the cooling procedure.
    :param bench_file: a bench file; None: the built-in bench.
    :param procedure: another procedure than cooling.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object],
        bench_file: Path | None = None,
        procedure: BenchProcedure | None = None,
    ) -> None:
        self.path = folder / "run.h5"
        self.bench: Bench = open_bench(read_bench(bench_file))
        self.simulation: Any = self.bench.simulation
        self.beam = Beam(self.simulation.light_path)
        self.procedure = procedure or make_procedure(procedure_class("cooling"), settings)
        self.control = Control()
        self.events: list[Event] = []
        self._triggers: list[tuple[Callable[[Event], bool], Callable[[], object]]] = []

    def light_is_off(self) -> bool:
        """Tell whether no light can leave the laser or pass the blade now."""
        now = self.clock.now()
        return not self.beam.blade_open.at(now) or self.beam.power.at(now) == 0

    @property
    def clock(self) -> Any:
        return self.bench.clock

    @property
    def devices(self) -> Mapping[str, Any]:
        return self.simulation.devices

    def when(self, happens: Callable[[Event], bool], act: Callable[[], object]) -> None:
        """Do something, once, as soon as such an event comes."""
        self._triggers.append((happens, act))

    def at_point(self, time: float, act: Callable[[], object]) -> None:
        """Do something when the first point at or after ``time`` (run s) is recorded."""
        self.when(lambda event: isinstance(event, PointRecorded) and event.time >= time, act)

    def at_phase(self, name: str, act: Callable[[], object]) -> None:
        """Do something when the phase of this name begins."""
        self.when(lambda event: isinstance(event, PhaseStarted) and event.name == name, act)

    def at_status(self, status: str, act: Callable[[], object]) -> None:
        """Do something when the run enters a state."""
        self.when(lambda event: isinstance(event, StatusChanged) and event.status == status, act)

    def listen(self, event: Event) -> None:
        self.events.append(event)
        due = [trigger for trigger in self._triggers if trigger[0](event)]
        self._triggers = [trigger for trigger in self._triggers if trigger not in due]
        for _, act in due:
            act()

    def of(self, kind: type[Any]) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def run(self) -> Outcome:
        outcome = Runner(
            self.bench,
            self.procedure,
            make_path=lambda: self.path,
            control=self.control,
            sample={"name": "test film"},
            listeners=[self.listen],
        ).run()
        assert not self._triggers, "what this test waits for has never happened"
        return outcome


@pytest.fixture(scope="session")
def trial_in() -> Any:
    """Return a function that makes a :class:`Trial` in a folder; close its bench afterwards."""

    def make(
        folder: Path,
        bench_file: Path | None = None,
        procedure: BenchProcedure | None = None,
        **settings: object,
    ) -> Trial:
        return Trial(folder, {**SHORT, **settings}, bench_file, procedure)

    return make


@pytest.fixture
def trial(trial_in: Any, tmp_path: Path) -> Any:
    """Return a function that makes a :class:`Trial`; the bench is closed after the test."""
    made: list[Trial] = []

    def make(*arguments: Any, **settings: Any) -> Trial:
        made.append(trial_in(tmp_path, *arguments, **settings))
        return made[-1]

    yield make
    for each in made:
        each.bench.close()

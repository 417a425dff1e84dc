"""A run feeds the watchdog of a supercontinuum source while it lives, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcool.bench import Bench, open_bench, read_bench
from labcool.bench.keep_alive import Heartbeat
from labcool.clock import VirtualClock
from labcool.engine.control import Control
from labcool.engine.parameters import make_procedure
from labcool.engine.registry import procedure_class
from labcool.engine.session import RunSession
from labcool.errors import InstrumentError, InstrumentRefused, RunAborted

BENCH = """
bench: white light
instruments:
  white: {driver: drivers.superk.SuperK, resource: "ASRL1::INSTR", watchdog: 10}
  meter: {driver: drivers.pm100d.PM100D, resource: "USB0::1::2::3::INSTR"}
simulation: {sample: roman2020-film, clock: virtual}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH, encoding="utf-8")
    bench = open_bench(read_bench(path))
    yield bench
    bench.close()


@pytest.fixture
def white(bench: Bench) -> Any:
    source: Any = bench.instruments["white"]
    source.power_level = 50.0
    source.start_emission()
    return source


@pytest.fixture
def session(bench: Bench) -> RunSession:
    return RunSession(
        bench=bench,
        procedure=make_procedure(procedure_class("cooling"), {}),
        control=Control(),
        emit=lambda _: None,
        make_path=lambda: Path("never made"),
        sample={},
    )


def emits(bench: Bench) -> bool:
    simulation: Any = bench.simulation
    return bool(simulation.devices["white"].light_at(bench.clock.now()))


def test_emission_stays_on_through_a_long_wait(
    bench: Bench, white: Any, session: RunSession
) -> None:
    session.wait(60.0)
    assert emits(bench)
    assert white.emission is True


def test_a_loop_that_is_frozen_lets_it_go_dark_and_then_says_so(
    bench: Bench, white: Any, session: RunSession
) -> None:
    session.wait(5.0)
    bench.clock.sleep(9.0)
    assert emits(bench)
    session.check()
    bench.clock.sleep(11.0)
    assert not emits(bench)
    with pytest.raises(InstrumentRefused, match=r"^white \(SuperK\): emission has ended by itself"):
        session.wait(1.0)


def test_points_recorded_one_by_one_feed_it_too(
    bench: Bench, white: Any, session: RunSession
) -> None:
    for _ in range(20):
        bench.clock.sleep(4.0)
        session.check()
    assert emits(bench)


def test_a_wait_ends_with_the_instruments_error(
    bench: Bench, white: Any, session: RunSession
) -> None:
    simulation: Any = bench.simulation
    simulation.devices["white"].silent = True
    begun = bench.clock.now()
    with pytest.raises(InstrumentError, match=r"^white \(SuperK\): "):
        session.wait(60.0)
    assert bench.clock.now() - begun < 10.0


def test_a_run_that_is_to_stop_speaks_to_nobody(bench: Bench, session: RunSession) -> None:
    counted = Counted(bench.clock)
    session._heartbeat = Heartbeat(bench.clock, [counted])
    session._control.abort("enough")
    with pytest.raises(RunAborted):
        session.wait(5.0)
    assert counted.moments == []


class Counted:
    """Notes when it is told that the program lives."""

    def __init__(self, clock: Any, takes_s: float = 0.0) -> None:
        self.clock = clock
        self.takes_s = takes_s
        self.moments: list[float] = []

    def keep_alive(self) -> None:
        self.moments.append(self.clock.now())
        self.clock.sleep(self.takes_s)


def test_nobody_is_told_more_often_than_every_second() -> None:
    clock = VirtualClock()
    counted, other = Counted(clock), Counted(clock, takes_s=0.5)
    heartbeat = Heartbeat(clock, [counted, object(), other])
    for _ in range(100):
        heartbeat.beat()
        clock.sleep(0.1)
    assert len(counted.moments) == len(other.moments)
    gaps = [b - a for a, b in zip(counted.moments, counted.moments[1:], strict=False)]
    assert all(1.5 <= gap < 1.7 for gap in gaps)
    assert len(gaps) > 5

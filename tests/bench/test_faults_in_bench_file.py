"""Faults given in a bench file: what is refused before anything starts, and what then happens."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from labcool.bench import open_bench, read_bench
from labcool.bench.schema import json_schema
from labcool.clock import VirtualClock
from labcool.errors import ConfigurationError, InstrumentDisconnected
from simulators.bench import SimulatedBench
from simulators.faults import KINDS, PARAMETERS, Fault

INSTRUMENTS = {
    "lock_in": {"driver": "drivers.sr830.SR830", "resource": "GPIB0::8::INSTR"},
    "shutter": {"driver": "drivers.sc10.SC10", "resource": "ASRL1::INSTR"},
    "line": {"driver": "drivers.ttl_shutter.TTLShutter", "resource": "ASRL2::INSTR"},
}


def bench_file(folder: Path, *faults: dict[str, Any]) -> Path:
    path = folder / "bench.yaml"
    simulation = {"sample": "roman2020-film", "faults": list(faults)}
    data = {"bench": "a bad day", "instruments": INSTRUMENTS, "simulation": simulation}
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(data, file)
    return path


def test_a_late_answer_is_asked_for_once_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = {"instrument": "lock_in", "fault": "late", "after": 8, "delay_s": 2.5}
    with open_bench(read_bench(bench_file(tmp_path, late)), only=["lock_in"]) as bench:
        lock_in: Any = bench.instruments["lock_in"]
        with caplog.at_level(logging.WARNING):
            found = [lock_in.frequency for _ in range(8)]
        assert found == [1000.0] * 8
        retries = [text for text in caplog.messages if text.startswith("lock_in (SR830): ")]
        assert len(retries) == 1
        assert "Asking 'FREQ?' once more" in retries[0]


def test_a_port_that_vanishes_while_the_bench_runs(tmp_path: Path) -> None:
    gone = {"instrument": "shutter", "fault": "disconnect", "from_s": 10}
    bench = open_bench(read_bench(bench_file(tmp_path, gone)), only=["shutter"])
    shutter: Any = bench.instruments["shutter"]
    assert shutter.is_closed
    bench.clock.sleep(10.0)
    with pytest.raises(InstrumentDisconnected, match=r"^shutter \("):
        _ = shutter.is_closed
    assert len(bench.close()) == 1


def test_faults_can_be_put_in_and_cleared_while_the_bench_runs(tmp_path: Path) -> None:
    with open_bench(read_bench(bench_file(tmp_path)), only=["shutter"]) as bench:
        shutter: Any = bench.instruments["shutter"]
        simulation: Any = bench.simulation
        injection = simulation.inject("shutter", Fault("interlock_open"))
        assert shutter.interlock_tripped
        simulation.clear_faults("shutter")
        assert not shutter.interlock_tripped
        assert injection.hits == 1
        with pytest.raises(ConfigurationError, match=r"shutter: .*'heater_open' does not apply"):
            simulation.inject("shutter", Fault("heater_open"))


@pytest.mark.parametrize(
    ("fault", "place", "words"),
    [
        (
            {"instrument": "shuter", "fault": "late"},
            "simulation.faults[0].instrument",
            "did you mean 'shutter'?",
        ),
        (
            {"instrument": "shutter", "fault": "dropt"},
            "simulation.faults[0].fault",
            "\"dropt\" is no fault; allowed: for 'shutter' one of late, dropped",
        ),
        (
            {"instrument": "lock_in", "fault": "stuck"},
            "simulation.faults[0].fault",
            "\"stuck\" does not apply to 'lock_in'; allowed: for 'lock_in' one of late",
        ),
        (
            {"instrument": "line", "fault": "garbled"},
            "simulation.faults[0].fault",
            "for 'line' one of disconnect, power_cycle, stuck, sensor_open",
        ),
        (
            {"instrument": "shutter", "fault": "stuck", "times": 2},
            "simulation.faults[0]",
            "the fault 'stuck' has no times",
        ),
        (
            {"instrument": "shutter", "fault": "late", "delay_s": 0},
            "simulation.faults[0].delay_s",
            "0 is outside the range",
        ),
        ({"fault": "late"}, "simulation.faults[0].instrument", "'instrument' is missing"),
        (
            {"instrument": "shutter", "fault": "late", "delay": 1},
            "simulation.faults[0].delay",
            "unknown key",
        ),
    ],
)
def test_what_is_wrong_is_told_once_with_its_place(
    tmp_path: Path, fault: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_bench(bench_file(tmp_path, fault))
    (line,) = str(caught.value).splitlines()
    assert f": {place}: " in line
    assert words in line


def test_every_parameter_of_a_fault_can_stand_in_a_bench_file() -> None:
    definition = json_schema()["$defs"]["FaultSpec"]
    assert set(definition["properties"]) == {"instrument", "fault", *PARAMETERS}


def test_an_instrument_without_a_place_for_faults_says_so() -> None:
    bench = SimulatedBench(
        clock=VirtualClock(),
        instruments={"shutter": ("drivers.sc10.SC10", {})},
        optics={},
        sample="roman2020-film",
        link="memory",
        seed=1,
    )
    with pytest.raises(ConfigurationError, match="stage: no fault can be put in"):
        bench.inject("stage", Fault("late"))
    assert set(bench._hosts["shutter"].kinds) < set(KINDS)

"""``lock_in_input`` and ``power_meter`` of a bench file's section ``simulation:``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labcool.bench import open_bench, read_bench
from labcool.bench.bench_file import BenchFileError
from labcool.bench.schema import json_schema

SHUTTER = "  shutter: {driver: drivers.sc10.SC10, resource: ASRL1::INSTR}\n"
PUMP = "  pump: {driver: drivers.finesse.Finesse, resource: ASRL2::INSTR}\n"
PROBE = "  probe: {driver: drivers.obis.Obis, resource: ASRL3::INSTR}\n"
WHITE = "  white: {driver: drivers.superk.SuperK, resource: ASRL4::INSTR}\n"
LOCK_IN = "  lock_in: {driver: drivers.sr830.SR830, resource: GPIB0::8::INSTR}\n"
METER = "  meter: {driver: drivers.pm100d.PM100D, resource: ASRL5::INSTR}\n"


def bench_file(folder: Path, *instruments: str, **keys: str) -> Path:
    path = folder / "bench.yaml"
    simulation = "".join(f", {key}: {value}" for key, value in keys.items())
    path.write_text(
        "bench: b\ninstruments:\n"
        + "".join(instruments)
        + f"simulation: {{sample: zhang2024-film{simulation}}}\n",
        "utf-8",
    )
    return path


def problem(folder: Path, *instruments: str, **keys: str) -> str:
    path = bench_file(folder, *instruments, **keys)
    with pytest.raises(BenchFileError) as caught:
        read_bench(path)
    (line,) = str(caught.value).splitlines()
    return line.removeprefix(f"{path}:")


def at_lock_in(folder: Path, *instruments: str, **keys: str) -> str:
    """What the simulated bench connects to the lock-in."""
    with open_bench(read_bench(bench_file(folder, *instruments, **keys))) as bench:
        simulation: Any = bench.simulation
        detection = simulation._around["lock_in"].detection
        return "photothermal" if detection._is_photothermal else "luminescence"


@pytest.mark.parametrize(
    ("instruments", "expected"),
    [
        ((PUMP, LOCK_IN), "luminescence"),
        ((PUMP, PROBE, LOCK_IN), "photothermal"),
        ((WHITE, PROBE, LOCK_IN), "photothermal"),
        ((WHITE, LOCK_IN), "luminescence"),
        ((LOCK_IN,), "luminescence"),
    ],
)
def test_by_itself_it_is_the_probe_s_signal_if_there_is_one_besides_the_pump(
    tmp_path: Path, instruments: tuple[str, ...], expected: str
) -> None:
    assert at_lock_in(tmp_path, *instruments) == expected


def test_what_the_file_says_counts(tmp_path: Path) -> None:
    bench = (PUMP, PROBE, LOCK_IN)
    assert at_lock_in(tmp_path, *bench, lock_in_input="luminescence") == "luminescence"
    assert at_lock_in(tmp_path, *bench, lock_in_input="photothermal") == "photothermal"


def test_photothermal_needs_a_probe(tmp_path: Path) -> None:
    line = problem(tmp_path, PUMP, LOCK_IN, lock_in_input="photothermal")
    assert line == (
        "5:53: simulation.lock_in_input: photothermal needs a probe laser besides the pump, and "
        "this bench has only pump; allowed: luminescence; add the probe laser to the instruments, "
        "like drivers.obis.Obis"
    )
    line = problem(tmp_path, SHUTTER, LOCK_IN, lock_in_input="photothermal")
    assert "and this bench has none" in line


def test_tunable_source_is_a_pump_so_one_laser_is_enough(tmp_path: Path) -> None:
    path = bench_file(tmp_path, WHITE, PROBE, LOCK_IN, lock_in_input="photothermal")
    assert read_bench(path).spec.simulation is not None


def test_unknown_word(tmp_path: Path) -> None:
    line = problem(tmp_path, PUMP, PROBE, LOCK_IN, lock_in_input="photothermall")
    assert "allowed: one of photothermal, luminescence" in line
    assert "did you mean 'photothermal'?" in line
    line = problem(tmp_path, METER, power_meter="table")
    assert "allowed: one of sample, laser" in line


@pytest.mark.parametrize(
    ("key", "value", "role"),
    [("lock_in_input", "luminescence", "LockIn"), ("power_meter", "laser", "PowerMeter")],
)
def test_key_without_its_instrument(tmp_path: Path, key: str, value: str, role: str) -> None:
    line = problem(tmp_path, PUMP, PROBE, **{key: value})
    assert line == (
        f"5:38: simulation.{key}: no instrument of this bench is a {role}; remove the key"
    )


def test_editors_know_the_keys() -> None:
    keys = json_schema()["$defs"]["SimulationSpec"]["properties"]
    assert keys["lock_in_input"]["enum"] == ["photothermal", "luminescence"]
    assert keys["power_meter"]["enum"] == ["sample", "laser"]

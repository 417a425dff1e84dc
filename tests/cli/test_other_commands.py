"""``init``, ``procedures``, ``doctor``, ``--help`` and ``--version``."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import labcool as package
from labcool.bench import opening
from labcool.engine.parameters import make_procedure
from labcool.errors import InstrumentTimeout
from procedures.cooling import Cooling

PROGRAM = (sys.executable, "-m", "labcool")
VERY_SHORT = ("--set", "programme=4 s @ 300", "--set", "rest=0", "--set", "dark_frames=2")


def test_the_program_runs_as_a_module_and_help_needs_nothing_heavy() -> None:
    heavy = ("numpy", "pymeasure", "h5py", "scipy", "matplotlib", "pyvisa", "seabreeze")
    code = f"""
import runpy, sys
sys.argv = ["labcool", "run", "--help"]
try:
    runpy.run_module("labcool", run_name="__main__")
except SystemExit as end:
    assert end.code == 0, end.code
loaded = [name for name in {heavy!r} if name in sys.modules]
assert not loaded, loaded
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "--truth FILE" in ended.stdout


def test_a_true_process_finishes_with_0_and_the_json(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*PROGRAM, "run", "cooling", "--json", *VERY_SHORT],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=tmp_path,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith('{"status": "finished"')
    assert len(list(tmp_path.rglob("*.h5"))) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end differently there")
def test_a_reader_that_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "run", "cooling", *VERY_SHORT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline().startswith(b"recording to")
        child.stdout.close()
        errors = child.stderr.read()
        child.wait()
    assert (child.returncode, errors) == (0, b"")
    (path,) = tmp_path.rglob("*.h5")
    with package.open_run(path) as run:
        assert run.status == "finished"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_lists_the_commands(labcool: Any, arguments: list[str]) -> None:
    said = labcool(*arguments)
    assert said.code == (0 if arguments else 2)
    told = said.out + said.err
    for command in ("run", "procedures", "init", "doctor"):
        (line,) = [line for line in told.splitlines() if line.startswith(f"  {command} ")]
        assert line.endswith("."), "cut off"


def test_help_of_run_tells_options_and_exit_codes(labcool: Any) -> None:
    told = labcool("run", "--help").out
    for option in ("--set NAME=VALUE", "--bench FILE", "--out DIR", "--sample NAME", "--seed N"):
        assert option in told
    for option in ("--clock KIND", "--truth FILE", "--quiet", "--json"):
        assert option in told
    assert re.search(r"0 finished, 1 failed, 2 wrong\s+usage or configuration,\s+130\s+abo", told)


def test_version(labcool: Any) -> None:
    said = labcool("--version")
    assert (said.code, said.out) == (0, f"labcool {package.__version__}\n")


def test_an_unknown_command_is_refused(labcool: Any) -> None:
    said = labcool("runn")
    assert (said.code, said.out) == (2, "")
    assert "runn" in said.err


# init


def test_init_copies_every_bench_file_byte_for_byte(labcool: Any) -> None:
    said = labcool("init", "deep/benches")
    assert said.code == 0
    names = {path.name for path in Path("deep/benches").iterdir()}
    assert names == {
        "example_bench.yaml",
        "simulated_cooling.yaml",
        "simulated_photothermal.yaml",
    }
    for name in names:
        source = (resources.files("configs") / name).read_bytes()
        assert (Path("deep/benches") / name).read_bytes() == source
        assert f"wrote {Path('deep/benches') / name}" in said.out
    command = f"labcool run cooling --bench {Path('deep/benches/simulated_cooling.yaml')}"
    assert command in said.out


def test_init_without_a_folder_writes_here(labcool: Any) -> None:
    assert labcool("init").code == 0
    assert Path("simulated_cooling.yaml").is_file()


def test_init_leaves_existing_files_alone(labcool: Any) -> None:
    Path("simulated_cooling.yaml").write_text("mine")
    said = labcool("init")
    assert said.code == 2
    assert "simulated_cooling.yaml" in said.err
    assert Path("simulated_cooling.yaml").read_text() == "mine"
    assert not Path("example_bench.yaml").exists()


def test_init_into_a_file_is_refused(labcool: Any) -> None:
    Path("taken").write_text("a file")
    said = labcool("init", "taken")
    assert said.code == 2
    assert "cannot write into taken" in said.err
    assert "Traceback" not in said.err


# procedures


def test_procedures_tells_every_parameter_with_default_and_what_is_allowed(labcool: Any) -> None:
    said = labcool("procedures")
    assert (said.code, said.err) == (0, "")
    rows = {line.split()[0]: line for line in said.out.splitlines() if line[:1].isalpha()}
    for name in make_procedure(Cooling).parameter_objects():
        assert name in rows, f"{name} is folded or missing"
    assert "0.8 s" in rows["exposure"]
    assert "from 0.001 to 60 s" in rows["exposure"]
    assert "a whole number from" in rows["averages"]


def test_procedures_joins_the_lines_of_a_paragraph(labcool: Any) -> None:
    out = labcool("procedures").out
    (first, second, *_) = out.split("\n\n")
    assert first.startswith("cooling  Pump below the gap")
    lines = second.splitlines()
    words = [line.split() for line in lines]
    for line, following in zip(lines, words[1:], strict=False):
        assert len(line.rstrip()) + 1 + len(following[0]) > 79, f"broken off: {line}"


def test_a_procedure_that_cannot_be_loaded_does_not_hide_the_others(
    labcool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = "labcool.procedures"
    entries = [
        importlib.metadata.EntryPoint("broken", "no_such_package:Broken", group),
        importlib.metadata.EntryPoint("cooling", "procedures.cooling:Cooling", group),
    ]
    monkeypatch.setattr("labcool.engine.registry.entry_points", lambda group: entries)
    said = labcool("procedures")
    assert said.code == 1
    assert "'broken' (no_such_package:Broken) cannot be loaded" in said.err
    assert "Pump below the gap" in said.out


# doctor


def rows_of(out: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in out.splitlines() if line}


def test_doctor_finds_all_simulated_instruments_well(labcool: Any) -> None:
    said = labcool("doctor")
    assert (said.code, said.err) == (0, "")
    assert "simulated" in said.out
    rows = rows_of(said.out)
    for name, role in (
        ("shutter", "Shutter"),
        ("pump", "Laser"),
        ("attenuator", "RotationMount"),
        ("spectrometer", "Spectrometer"),
        ("stage", "TemperatureController"),
    ):
        assert rows[name][1:3] == [role, "yes"]
    assert "SC10" in said.out


@pytest.mark.parametrize("dead", ["pump", "stage"])
def test_doctor_says_which_instrument_is_dead(
    labcool: Any, monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    connect = opening._connect

    def unless_dead(name: str, *rest: Any) -> Any:
        if name == dead:
            raise InstrumentTimeout(name, "no complete answer in time.")
        return connect(name, *rest)

    monkeypatch.setattr(opening, "_connect", unless_dead)
    said = labcool("doctor")
    assert said.code == 1
    assert said.err.startswith(f"{dead}: no complete answer in time.\n\nWhat to check")
    rows = rows_of(said.out)
    told = {name: rows[name][2] for name in ("shutter", "pump", "attenuator", "spectrometer")}
    told["stage"] = rows["stage"][2]
    assert told == dict.fromkeys(told, "yes") | {dead: "NO"}


def test_doctor_of_a_real_bench_that_is_not_there(labcool: Any) -> None:
    assert labcool("init", ".").code == 0
    said = labcool("doctor", "--bench", "example_bench.yaml")
    assert said.code == 1
    names = ("shutter", "pump", "attenuator", "spectrometer", "stage")
    rows = rows_of(said.out)
    assert [rows[name][2] for name in names] == ["NO"] * 5
    problems, _, _ = said.err.partition("\n\n")
    assert [line.split()[0] for line in problems.splitlines()] == list(names)
    assert "ASRL/dev/ttyUSB0::INSTR" in said.err


def test_doctor_says_yes_to_the_whole_photothermal_bench(labcool: Any) -> None:
    assert labcool("init", ".").code == 0
    said = labcool("doctor", "--bench", "simulated_photothermal.yaml")
    assert said.code == 0
    assert said.err == ""
    rows = rows_of(said.out)
    bench = (resources.files("configs") / "simulated_photothermal.yaml").read_text("ascii")
    assert bench.count("driver: ") == 14
    told = [row[2] for name, row in rows.items() if f"  {name}:" in bench]
    assert told == ["yes"] * 14


def test_an_instrument_that_answers_but_cannot_be_left_safe_is_told_once(
    labcool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drivers.finesse import Finesse

    def fail(self: Any) -> None:
        raise InstrumentTimeout(self.name, "does not close its shutter.")

    monkeypatch.setattr(Finesse, "make_safe", fail)
    said = labcool("doctor")
    assert said.code == 1
    lines = [line for line in said.out.splitlines() if line.startswith("pump")]
    assert len(lines) == 1
    assert "NO" in lines[0].split()
    assert "pump (Finesse): does not close its shutter." in said.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("roman2020-film", "gold"), 'simulation.sample: "gold" is not a sample'),
        (("drivers.sc10.SC10", "drivers.sc10.SC11"), "SC11"),
    ],
)
def test_doctor_refuses_a_bench_file_with_a_mistake(
    labcool: Any, change: tuple[str, str], words: str
) -> None:
    assert labcool("init", ".").code == 0
    bench = Path("simulated_cooling.yaml")
    bench.write_text(bench.read_text().replace(*change))
    said = labcool("doctor", "--bench", str(bench))
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert "Traceback" not in said.err

"""Wrong input: exit code 2, a message that helps, nothing created, no traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

REAL_BENCH = "benches/example_bench.yaml"

REFUSED = {
    "unknown procedure": (
        ["coolng"],
        ["no procedure 'coolng'", "Did you mean 'cooling'"],
    ),
    "unknown parameter": (
        ["cooling", "--set", "exposur=1"],
        ["no parameter 'exposur'", "Did you mean 'exposure'", "programme"],
    ),
    "no value": (["cooling", "--set", "exposure"], ["--set 'exposure'", "NAME=VALUE"]),
    "no name": (["cooling", "--set", "=3"], ["--set '=3'", "NAME=VALUE"]),
    "given twice": (
        ["cooling", "--set", "exposure=1", "--set", "exposure=2"],
        ["--set exposure", "twice"],
    ),
    "no number": (
        ["cooling", "--set", "exposure=long"],
        ["exposure = 'long'", "from 0.001 to 60 s"],
    ),
    "wrong unit": (["cooling", "--set", "exposure=500 ms"], ["'500 ms'", "0.001 to 60 s"]),
    "not finite": (["cooling", "--set", "rest=nan"], ["rest = 'nan'", "finite"]),
    "out of range": (["cooling", "--set", "averages=0"], ["averages = '0'", "from 1 to 1000"]),
    "no programme": (
        ["cooling", "--set", "programme=120 s at 300"],
        ["expected '@'", "found 'a' at character 7", "120 s at 300\n        ^"],
    ),
    "dark alone": (
        ["cooling", "--set", "programme=120 s dark"],
        ["programme = '120 s dark'", "light in at least one segment"],
    ),
    "too bright": (
        ["cooling", "--set", "programme=9 s @ 30000"],
        ["fluence (W/cm²) = 30000", "4736.5 W/cm²", "0.6 W of laser power"],
    ),
    "too dim": (
        ["cooling", "--set", "programme=9 s @ 0.1"],
        ["fluence (W/cm²) = 0.1", "from 0.474"],
    ),
    "exposure over interval": (
        ["cooling", "--set", "exposure=2"],
        ["interval (s) = 1", "2 s", "expose for a shorter time"],
    ),
    "segment under interval": (
        ["cooling", "--set", "programme=0.5 s @ 300"],
        ["'0.5 s @ 300 W/cm2' = 0.5 s", "1 s", "Lengthen"],
    ),
    "band outside": (
        ["cooling", "--set", "band_low=250"],
        ["band_low", "250, 522", "350.0 to 1000"],
    ),
    "band upside down": (
        ["cooling", "--set", "band_low=522", "--set", "band_high=490"],
        ["522, 490", "ascending"],
    ),
    "no reference": (
        ["cooling", "--set", "reference=somewhere.h5"],
        ["reference = 'somewhere.h5'", "each fluence"],
    ),
    "unknown sample": (
        ["cooling", "--sample", "gold"],
        ["no sample called 'gold'", "roman2020-film"],
    ),
    "unknown clock": (
        ["cooling", "--clock", "fast"],
        ["simulation.clock", '"fast"', "virtual, scaled, real"],
    ),
    "seed no number": (["cooling", "--seed", "x"], ["--seed", "'x'", "whole number"]),
    "seed below 0": (["cooling", "--seed", "-1"], ["simulation.seed", "-1", "from 0 to"]),
    "no bench": (
        ["cooling", "--bench", "nowhere.yaml"],
        ["nowhere.yaml", "no such file", "labcool init"],
    ),
    "bench is a folder": (
        ["cooling", "--bench", "benches"],
        ["benches", "folder", "simulated_cooling.yaml"],
    ),
    "broken bench": (
        ["cooling", "--bench", "broken.yaml"],
        ["broken.yaml:4:", "pmup", "did you mean 'pump'"],
    ),
    "bench is no yaml": (["cooling", "--bench", "no.yaml"], ["no.yaml:1:"]),
    "out is a file": (["cooling", "--out", "a file"], ["--out a file", "Name another folder"]),
    "out below a file": (["cooling", "--out", "a file/b"], ["--out a file", "Name another folder"]),
    "truth in a file": (["cooling", "--truth", "a file/t.csv"], ["--truth a file", "Name another"]),
    "truth is a folder": (["cooling", "--truth", "benches"], ["--truth benches", "Name a file"]),
    "truth of a real bench": (
        ["cooling", "--bench", REAL_BENCH, "--truth", "t.csv"],
        ["--truth", "simulated bench", "real"],
    ),
    "seed of a real bench": (
        ["cooling", "--bench", REAL_BENCH, "--seed", "3"],
        [REAL_BENCH, "real bench", "seed"],
    ),
    "clock of a real bench": (
        ["cooling", "--bench", REAL_BENCH, "--clock", "virtual"],
        [REAL_BENCH, "real bench", "clock"],
    ),
    "unknown option": (["cooling", "--sets", "a=1"], ["--sets", "--set"]),
    "option without value": (["cooling", "--seed"], ["--seed"]),
    "no procedure": ([], ["PROCEDURE"]),
    "two procedures": (["cooling", "cooling"], ["cooling"]),
}

BROKEN = """bench: broken
instruments:
  pump: {driver: drivers.finesse.Finesse, resource: ASRL1::INSTR, wavelength: 532.0}
illumination: {laser: pmup}
"""


@pytest.fixture
def there(labcool: Any) -> set[Path]:
    """Put good and bad input into the present folder; returns all that is there."""
    assert labcool("init", "benches").code == 0
    Path("broken.yaml").write_text(BROKEN)
    Path("no.yaml").write_text("\tbench: tabs")
    Path("a file").write_text("time flies")
    return set(Path().rglob("*"))


@pytest.mark.parametrize("what", REFUSED)
def test_wrong_input_is_refused(labcool: Any, there: set[Path], what: str) -> None:
    arguments, words = REFUSED[what]
    said = labcool("run", *arguments, "--json")
    assert said.code == 2
    assert "Traceback" not in said.err
    told = said.json
    assert set(told) == {"status", "file", "figure", "wall_s", "results", "error"}
    assert told["status"] == "refused"
    assert (told["file"], told["figure"], told["results"]) == (None, None, {})
    for word in words:
        assert word in said.err
        assert word.lower() in told["error"].lower()
    assert set(Path().rglob("*")) == there


@pytest.mark.parametrize("what", ["unknown procedure", "too bright", "seed no number"])
def test_a_refusal_goes_to_stderr_alone(labcool: Any, there: set[Path], what: str) -> None:
    arguments, words = REFUSED[what]
    said = labcool("run", *arguments)
    assert (said.code, said.out) == (2, "")
    assert all(word in said.err for word in words)
    assert set(Path().rglob("*")) == there


def test_an_option_without_value_at_the_end_is_refused_as_well(labcool: Any) -> None:
    said = labcool("run", "cooling", "--json", "--seed")
    assert said.code == 2
    assert "--seed" in said.json["error"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which nobody can write")
@pytest.mark.parametrize("option", ["--out", "--truth"])
def test_a_folder_that_nobody_can_write_to_is_refused(labcool: Any, option: str) -> None:
    said = labcool("run", "cooling", option, "/proc/labcool/x")
    assert said.code == 2
    assert f"{option} /proc/labcool" in said.err
    assert "Name another folder" in said.err


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="needs a user whom a folder can refuse"
)
def test_a_read_only_folder_is_refused(labcool: Any) -> None:
    Path("locked").mkdir(mode=0o500)
    for out in ("locked", "locked/deeper"):
        said = labcool("run", "cooling", "--out", out)
        assert said.code == 2
        assert f"--out {out}" in said.err


def test_checking_a_folder_leaves_nothing_in_it(labcool: Any) -> None:
    Path("mine").mkdir()
    before = Path("mine").stat().st_mtime_ns
    assert labcool("run", "cooling", "--out", "mine", "--set", "exposure=2").code == 2
    assert list(Path("mine").iterdir()) == []
    assert before <= Path("mine").stat().st_mtime_ns


def test_a_real_bench_that_is_not_there_fails_and_names_the_instrument(labcool: Any) -> None:
    assert labcool("init", "benches").code == 0
    before = set(Path().rglob("*"))
    said = labcool("run", "cooling", "--bench", REAL_BENCH, "--json")
    assert said.code == 1
    assert said.json["status"] == "failed"
    assert said.json["error"].startswith("shutter (SC10): ")
    assert "Traceback" not in said.err
    assert set(Path().rglob("*")) == before


def test_a_real_bench_takes_any_name_for_its_sample(labcool: Any) -> None:
    assert labcool("init", "benches").code == 0
    said = labcool("run", "cooling", "--bench", REAL_BENCH, "--sample", "my film")
    assert said.code == 1, "refused instead of tried"


def test_a_shadowed_package_is_told(labcool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from labcool.errors import ConfigurationError

    def shadowed() -> None:
        raise ConfigurationError("labcool's package 'drivers' is shadowed by /elsewhere")

    monkeypatch.setattr("labcool.packages.check_packages", shadowed)
    said = labcool("run", "cooling", "--json")
    assert said.code == 2
    assert "shadowed by /elsewhere" in said.json["error"]
    assert "shadowed by /elsewhere" in said.err

"""``labcool analyze``: what is typed, what is shown, what is left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labcool import open_run
from labcool.calibration import ArrheniusCalibration
from labcool.storage.calibrations import CalibrationStore, write_record


@pytest.fixture
def run_file(labcool: Any, short: list[str]) -> Path:
    """A short run on the simulated bench, made by the command line."""
    assert labcool("run", "cooling", "--quiet", *short).code == 0
    (path,) = Path("runs").rglob("*.h5")
    return path


def test_a_run_is_read_again(labcool: Any, run_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = labcool("analyze", str(run_file))
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert max(len(line) for line in lines if not line.startswith("file")) <= 80
    with open_run(run_file) as run:
        assert lines[0] == f"{run.rows} spectra in {run.time[-1] - run.time[0]:.0f} s"
        value, _ = run.temperature()
    (row,) = [line for line in lines if line.startswith("arrhenius")]
    assert f"{value[0]:.2f} ± " in row
    assert f"{value.min():.2f} ± " in row
    assert "verdict: undecided" in lines
    assert any("nothing tells cooling from bleaching or drift" in line for line in lines)
    out = run_file.with_name(f"{run_file.stem}_analysed.h5")
    assert lines[-1] == f"file     {out}"
    with open_run(out) as copy:
        assert np.array_equal(copy.temperature()[0], value)


def test_several_thermometers_after_one_option(labcool: Any, run_file: Path) -> None:
    arguments = ["--thermometer", "arrhenius", "tail_slope", "--out", "out.h5", "--json"]
    told = labcool("analyze", str(run_file), *arguments).json
    assert list(told["thermometers"]) == ["arrhenius", "tail_slope"]
    assert told["analysed"] == "out.h5"
    assert told["status"] == "finished"
    arrhenius = told["thermometers"]["arrhenius"]
    with open_run(run_file) as run:
        value, std = run.temperature()
        assert arrhenius["first"] == {"time_s": run.time[0], "value": value[0], "std": std[0]}
        assert arrhenius["coldest"]["value"] == value.min()
        assert arrhenius["mean_std"] == pytest.approx(std.mean())
        assert arrhenius["calibrations"] == [run.calibrations[0].id]
    verdict = told["verdict"]
    assert verdict["headline"].startswith(verdict["conclusion"])
    assert isinstance(verdict["disturbances"], list)
    with open_run("out.h5") as copy:
        assert copy.thermometers == ("arrhenius", "tail_slope")


def test_a_calibration_of_the_store_or_of_a_file(
    labcool: Any, run_file: Path, tmp_path: Path
) -> None:
    with open_run(run_file) as run:
        own = run.calibrations[0]
        start = run.temperature()[0][0]
    assert isinstance(own, ArrheniusCalibration)
    record = ArrheniusCalibration(
        0.07, 0.001, valid_range=own.valid_range, date=own.date, source="a test"
    )
    store = tmp_path / "store"
    CalibrationStore(store).add(record)
    write_record(record, Path("record.json"))
    told = []
    for number, words in enumerate((["--store", str(store)], [])):
        which = record.id[:8] if words else "record.json"
        options = ["--calibration", which, *words, "--out", f"{number}.h5", "--json"]
        told.append(labcool("analyze", str(run_file), *options).json["thermometers"]["arrhenius"])
    assert told[0] == told[1]
    assert told[0]["calibrations"] == [record.id]
    # Half the activation energy: twice as far from the reference.
    changed = 1 / told[0]["first"]["value"] - 1 / 298.15
    assert changed == pytest.approx(2 * (1 / start - 1 / 298.15), rel=1e-9)


def test_a_table_of_spectra_gets_a_table_beside_it(labcool: Any) -> None:
    nm = np.linspace(460.0, 515.0, 300)
    ev = 1239.842 / nm
    light = [1e6 * ev**4 * np.exp(-(ev - 2.4) / (8.617333e-5 * t)) for t in (300.0, 290.0)]
    rows = ["wavelength,0,10", *(f"{a},{b},{c}" for a, b, c in zip(nm, *light, strict=True))]
    Path("t.csv").write_text("\n".join(rows))
    said = labcool("analyze", "t.csv", "--window", "2.42", "2.6", "--thermometer", "tail_slope")
    assert said.code == 0
    assert "! no dark spectrum: the counts are taken as they are" in said.out.splitlines()
    (row,) = [line for line in said.out.splitlines() if line.startswith("tail_slope")]
    assert row.split()[1].startswith("300.0")
    assert Path("t_analysed.csv").is_file()
    assert labcool("analyze", "t.csv", "--window", "2.42", "2.6").code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.h5"], "there is no such file"),
        (["RUN", "--thermometer", "thermocouple"], "there are: arrhenius, tail_slope"),
        (["RUN", "tail_slope"], "'tail_slope' stands alone"),
        (["RUN", "--reference", "nowhere.h5"], "neither 'stored', 'first' nor a file"),
        (["RUN", "--window", "522", "490"], "lower and higher"),
        (["RUN", "--calibration", "0000"], "no calibration in"),
        (["RUN", "--out", "RUN"], "is there already"),
        (["RUN", "--thermometer", "line_width"], "no calibration of the fwhm on a stage"),
    ],
)
def test_what_cannot_be_is_refused(
    labcool: Any, run_file: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    words = [str(run_file) if word == "RUN" else word for word in arguments]
    files = sorted(Path().rglob("*"))
    said = labcool("analyze", *words, "--store", str(tmp_path / "none"))
    assert said.code == 2
    assert message in said.err
    assert said.out == ""
    assert sorted(Path().rglob("*")) == files
    told = labcool("analyze", *words, "--store", str(tmp_path / "none"), "--json").json
    assert told["status"] == "refused"
    assert message in told["error"]


def test_help_and_a_cooling_run_do_not_load_the_compiler(tmp_path: Path) -> None:
    program = (
        "import json, sys\n"
        "from labcool.cli import main\n"
        f"sys.argv = {['labcool', *SETTINGS]!r}\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    code = ended.code\n"
        "loaded = [name for name in ('numba', 'odrpack', 'h5py') if name in sys.modules]\n"
        "print(json.dumps([code, loaded]), file=sys.stderr)\n"
    )
    for settings, loaded in (("['--help']", []), (None, ["h5py"])):
        text = (
            program
            if settings is None
            else program.replace(repr(["labcool", *SETTINGS]), f"['labcool', *{settings}]")
        )
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stderr.splitlines()[-1]) == [0, loaded]


SETTINGS = ["run", "cooling", "--quiet", "--set", "programme=4 s @ 300", "--set", "rest=0",
            "--set", "dark_frames=2"]  # fmt: skip

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import h5py
import matplotlib.image
import numpy as np
import pytest

from labcool import open_run
from labcool.errors import InstrumentTimeout, RecordingError
from labcool.storage.writer import RunWriter
from procedures.cooling import Cooling

RESULTS = {
    "start_temperature": "K",
    "coldest_temperature": "K",
    "temperature_drop": "K",
    "cooling_time_constant": "s",
    "warming_time_constant": "s",
    "recovery_in_dark": "K",
    "reversibility": "%",
}
DIFFERS_FROM_RUN_TO_RUN = {
    "/entry/start_time",
    "/entry/end_time",
    "/entry/identifier_experiment",
}


def run_files(folder: Path = Path()) -> list[Path]:
    return sorted(folder.rglob("*.h5"))


def datasets(path: Path) -> dict[str, bytes]:
    """Return every dataset of a file as bytes, with its type and shape, by name."""
    found: dict[str, bytes] = {}

    def note(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            value = np.asarray(item[()])
            content = repr(value.tolist()).encode() if value.dtype.hasobject else value.tobytes()
            found[item.name] = f"{item.dtype} {item.shape} ".encode() + content

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


# What a run leaves and says


def test_a_run_shows_its_phases_its_results_and_where_they_are(
    labcool: Any, short: list[str]
) -> None:
    said = labcool("run", "cooling", "--out", "data", *short)
    assert said.code == 0
    assert said.err == ""
    (path,) = run_files(Path("data"))
    assert path.with_suffix(".png").is_file()
    lines = said.out.splitlines()
    assert lines[0] == f"recording to {path}"
    for phase in ("dark spectra", "reference spectra", "5 s @ 300 W/cm2", "5 s dark"):
        assert any(phase in line for line in lines), phase
    for name in RESULTS:
        assert any(line.startswith(name.replace("_", " ")) for line in lines), name
    (start,) = [line for line in lines if line.startswith("start temperature")]
    assert " ± " in start
    assert " K " in start
    assert start.rstrip().endswith("°C)")
    assert "run      finished" in lines
    assert f"file     {path}" in lines
    assert f"figure   {path.with_suffix('.png')}" in lines
    with open_run(path) as run:
        assert run.status == "finished"
        assert run.sample["name"] == "roman2020-film"
        assert str(run.parameters["programme"].value).startswith("5 s @ 300")


def test_a_quiet_run_says_nothing(labcool: Any, short: list[str]) -> None:
    said = labcool("run", "cooling", "--quiet", *short)
    assert (said.code, said.out, said.err) == (0, "", "")
    (path,) = run_files(Path("runs"))
    assert path.with_suffix(".png").is_file()


def test_json_is_one_object_with_the_results_of_the_file(labcool: Any, short: list[str]) -> None:
    said = labcool("run", "cooling", "--json", *short)
    assert said.code == 0
    assert said.err == ""
    told = said.json
    assert set(told) == {"status", "file", "figure", "wall_s", "results"}
    assert told["status"] == "finished"
    assert 0 < told["wall_s"] < 60
    picture = matplotlib.image.imread(told["figure"])
    assert picture.shape[0] > 1000
    assert picture.std() > 0.05
    assert {name: result["unit"] for name, result in told["results"].items()} == RESULTS
    with open_run(told["file"]) as run:
        derived = Cooling().results(run)
    for name, result in told["results"].items():
        assert set(result) == {"value", "std", "unit"}
        for part in ("value", "std"):
            number = getattr(derived[name], part)
            assert result[part] == (float(number) if np.isfinite(number) else None), name


def test_what_is_not_determined_is_null(labcool: Any) -> None:
    options = ["--set", "programme=4 s @ 300", "--set", "rest=0", "--set", "dark_frames=2"]
    told = labcool("run", "cooling", "--json", *options).json
    assert told["results"]["warming_time_constant"] == {"value": None, "std": None, "unit": "s"}


def test_parameters_bench_sample_and_folder_are_obeyed(labcool: Any, short: list[str]) -> None:
    assert labcool("init", "benches").code == 0
    bench = Path("benches") / "simulated_cooling.yaml"
    bench.write_text(bench.read_text().replace("simulated optical cooling", "the other bench"))
    options = ["--bench", str(bench), "--out", "a/b", "--sample", "roman2020-film"]
    said = labcool("run", "cooling", *options, "--json", *short, "--set", "exposure=0.5 s")
    path = Path(said.json["file"])
    assert path.parts[:2] == ("a", "b")
    with open_run(path) as run:
        assert run.configuration == bench.read_bytes()
        assert run.parameters["exposure"] == (0.5, "s")
        assert set(run.record["exposure"]) == {0.5}


def test_scaled_time_runs(labcool: Any, tmp_path: Path) -> None:
    assert labcool("init", ".").code == 0
    bench = Path("simulated_cooling.yaml")
    bench.write_text(bench.read_text().replace("speed: 60 ", "speed: 200 "))
    options = ["--set", "programme=4 s @ 300", "--set", "rest=0", "--set", "dark_frames=1"]
    said = labcool("run", "cooling", "--bench", str(bench), "--clock", "scaled", "--json", *options)
    assert said.code == 0
    assert said.json["status"] == "finished"
    assert said.err == ""


# The same again


def test_the_same_seed_gives_every_number_again_and_another_seed_does_not(
    labcool: Any, short: list[str]
) -> None:
    one, again, other = (
        labcool("run", "cooling", "--json", "--seed", seed, "--out", out, *short).json
        for seed, out in (("7", "one"), ("7", "again"), ("8", "other"))
    )
    first, second, third = (datasets(Path(told["file"])) for told in (one, again, other))
    assert first.keys() == second.keys()
    differing = {name for name in first if first[name] != second[name]}
    assert differing == DIFFERS_FROM_RUN_TO_RUN
    assert one["results"] == again["results"]
    for name in ("/entry/data/intensity", "/entry/temperature/temperature"):
        assert first[name] != third[name]
    assert one["results"] != other["results"]


# The truth


def read_truth(path: Path) -> dict[str, np.ndarray]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def test_the_truth_is_written_beside_the_run_on_the_axis_of_the_run(
    labcool: Any, short: list[str]
) -> None:
    told = labcool("run", "cooling", "--json", "--truth", "sub/truth.csv", *short).json
    truth = read_truth(Path("sub/truth.csv"))
    assert list(truth)[:2] == ["time", "temperature"]
    assert truth["time"][0] < -1.0, "the preparations are missing"
    with open_run(told["file"]) as run:
        nearest = np.abs(truth["time"][:, np.newaxis] - run.time).argmin(axis=0)
        assert truth["fluence"][nearest] == pytest.approx(run.record["fluence"], rel=0.01)
        assert truth["time"][-1] >= run.time[-1]
        dark = (truth["time"] > 5.1) & (truth["time"] < 9.9)
        assert dark.any()
        assert not truth["fluence"][dark].any()
        begins = truth["time"][np.flatnonzero(truth["fluence"] > 200)]
        assert begins[begins > -1].min() < 1.0
    names = " ".join(datasets(Path(told["file"])))
    assert "truth" not in names
    assert "bleached" not in names


def test_an_earlier_truth_is_written_over(labcool: Any, short: list[str]) -> None:
    Path("t.csv").write_text("time,temperature\n0.0,4.2\n")
    assert labcool("run", "cooling", "--quiet", "--truth", "t.csv", *short).code == 0
    assert (read_truth(Path("t.csv"))["temperature"] > 200).all()


def test_the_truth_is_never_written_over_something_else(labcool: Any, short: list[str]) -> None:
    Path("earlier.h5").write_bytes(b"\x89HDF of an earlier run")
    said = labcool("run", "cooling", "--truth", "earlier.h5", *short)
    assert said.code == 2
    assert "earlier.h5: this file holds something else" in said.err
    assert Path("earlier.h5").read_bytes() == b"\x89HDF of an earlier run"


# Runs that go wrong


def test_a_run_that_fails_says_so_on_stderr_and_leaves_figure_and_file(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_point = Cooling.take_point

    def fail_late(self: Any, index: int, fluence: float) -> None:
        if index == 2:
            raise OSError("the roof is leaking")
        take_point(self, index, fluence)

    monkeypatch.setattr(Cooling, "take_point", fail_late)
    said = labcool("run", "cooling", *short)
    assert said.code == 1
    assert said.err == "labcool run: the run failed: OSError: the roof is leaking\n"
    assert "run      failed" in said.out
    (path,) = run_files()
    assert path.with_suffix(".png").is_file()
    with open_run(path) as run:
        assert run.status == "failed"
        assert run.rows > 2


def test_a_run_that_fails_adds_an_error_to_its_json(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("nothing is zero")

    monkeypatch.setattr(Cooling, "take_point", fail)
    said = labcool("run", "cooling", "--json", *short)
    assert said.code == 1
    told = said.json
    assert told["status"] == "failed"
    assert told["error"] == "the run failed: ZeroDivisionError: nothing is zero"
    assert (told["figure"], told["results"]) == (None, {})
    assert Path(told["file"]).is_file()


def test_an_aborted_run_has_its_own_exit_code(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    take_point = Cooling.take_point

    def stop_after(self: Any, index: int, fluence: float) -> None:
        signal.raise_signal(signal.SIGINT)
        take_point(self, index, fluence)

    monkeypatch.setattr(Cooling, "take_point", stop_after)
    said = labcool("run", "cooling", "--json", *short)
    assert said.code == 130
    assert said.json["status"] == "aborted"
    assert said.json["error"] == "the run was aborted: Ctrl+C"
    assert said.json["results"]["cooling_time_constant"]["value"] is None
    with open_run(said.json["file"]) as run:
        assert run.status == "aborted"
        assert run.rows == 1


def test_a_lost_write_is_exit_code_1(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: Any) -> None:
        raise RecordingError("the disk is gone")

    monkeypatch.setattr(RunWriter, "append", lose)
    said = labcool("run", "cooling", "--json", *short)
    assert said.code == 1
    assert said.json["status"] == "failed"
    assert "the disk is gone" in said.json["error"]


def test_a_stuck_shutter_is_shouted(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from labcool.bench.bench import Bench

    take_point = Cooling.take_point

    def and_stick(self: Any, index: int, fluence: float) -> None:
        take_point(self, index, fluence)
        self.illumination.shutter.adapter._device.device.stuck = True

    monkeypatch.setattr(Cooling, "take_point", and_stick)
    closed = []
    close = Bench.close
    monkeypatch.setattr(Bench, "close", lambda self: (closed.append(True), close(self))[1])
    said = labcool("run", "cooling", *short)
    assert said.code == 1
    assert "THE BEAM COULD NOT BE CONFIRMED CLOSED" in said.err
    assert "shutter (SC10)" in said.err
    assert "Traceback" not in said.err
    assert "run      failed" in said.out
    assert closed
    (path,) = run_files()
    with open_run(path) as run:
        assert run.status == "failed"


def test_an_instrument_that_cannot_be_left_safe_is_exit_code_1(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from drivers.elliptec import ELL14

    def fail(self: Any) -> None:
        raise InstrumentTimeout(self.name, "still turns.")

    monkeypatch.setattr(ELL14, "shutdown", fail)
    said = labcool("run", "cooling", "--json", *short)
    assert said.code == 1
    assert said.json["status"] == "finished", "the measurement itself was whole"
    assert said.json["error"] == "attenuator (ELL14): still turns."


def test_a_failure_is_told_once(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_point = Cooling.take_point

    def and_cut_off(self: Any, index: int, fluence: float) -> None:
        take_point(self, index, fluence)
        self.illumination.laser.adapter._device.silent = True

    monkeypatch.setattr(Cooling, "take_point", and_cut_off)
    said = labcool("run", "cooling", *short)
    assert said.code == 1
    lines = said.err.splitlines()
    assert len(lines) == len(set(lines)) <= 3
    assert lines[0].startswith("labcool run: the run failed: pump (Finesse): ")


def test_a_figure_that_cannot_be_drawn_costs_the_run_nothing_else(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_draw(_: Any, __: Any, path: Path, ___: Any) -> None:
        path.write_bytes(b"half a picture")
        raise OSError("no space left on device")

    monkeypatch.setattr(Cooling, "draw", half_draw)
    said = labcool("run", "cooling", "--json", *short)
    assert said.code == 0
    told = said.json
    assert told["status"] == "finished"
    assert told["figure"] is None
    assert told["results"]["start_temperature"]["value"] > 200
    assert "could not be drawn: OSError: no space left on device" in told["error"]
    assert not list(Path().rglob("*.png"))


def test_results_that_cannot_be_derived_are_told(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("no sense in it")

    monkeypatch.setattr(Cooling, "results", fail)
    told = labcool("run", "cooling", "--json", *short).json
    assert told["status"] == "finished"
    assert "results could not be derived: ValueError: no sense in it" in told["error"]


def test_a_truth_that_cannot_be_written_is_told_with_the_run(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import simulators.bench

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulators.bench.SimulatedBench, "write_truth", fail)
    told = labcool("run", "cooling", "--json", "--truth", "t.csv", *short).json
    assert told["status"] == "finished"
    assert told["error"] == "--truth t.csv: could not be written (No space left on device)."


def test_a_mistake_in_the_program_is_shown_whole_but_not_in_the_json(
    labcool: Any, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("forgotten")

    monkeypatch.setattr("labcool.cli.run.open_bench", fail)
    said = labcool("run", "cooling", "--json", *short)
    assert said.code == 1
    assert said.json["error"] == "KeyError: 'forgotten'"
    assert "Traceback" in said.err

"""``labcool calibrations``: list, show, export, import."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labcool.calibration import (
    PEAK_ENERGY,
    ArrheniusCalibration,
    CalibrationRecord,
    PolynomialCalibration,
    ResponseCalibration,
    SpotCalibration,
    WavelengthCalibration,
    to_plain,
)
from labcool.storage.calibrations import CalibrationStore

TODAY = datetime.now(UTC).date()


def records() -> dict[str, CalibrationRecord]:
    old = TODAY - timedelta(days=100)
    about: dict[str, Any] = {"date": old, "source": "stage", "method": "by hand"}
    none = ((0.0, 0.0), (0.0, 0.0))
    return {
        "arrhenius": ArrheniusCalibration(0.14, 0.002, valid_range=(283, 297), **about),
        "old spot": SpotCalibration(100, 0.6, 0.05, life_days=30, **about),
        "spot": SpotCalibration(98.5, 0.6, 0.05, life_days=365, **about),
        "peak": PolynomialCalibration(
            PEAK_ENERGY, "eV", (2.4, 3e-4), none, 298.15, valid_range=(200, 310), **about
        ),
        "axis": WavelengthCalibration((350.0, 0.3), none, 0, valid_range=(10, 2000), **about),
        "response": ResponseCalibration(
            tuple(map(float, range(500, 600))), (1.0,) * 100, (0.0,) * 100,
            valid_range=(500, 599), **about,
        ),
    }  # fmt: skip


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, CalibrationRecord]:
    """Records in the store that the environment names."""
    monkeypatch.setenv("LABCOOL_CALIBRATIONS", str(tmp_path / "store"))
    found = records()
    for record in found.values():
        CalibrationStore().add(record)
    return found


def test_the_list_has_ids_ages_and_what_is_outdated(
    labcool: Any, filled: dict[str, CalibrationRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    said = labcool("calibrations", "list")
    assert (said.code, said.err) == (0, "")
    lines = {line.split()[0]: line for line in said.out.splitlines()}
    assert set(lines) == {"id", *(record.id[:8] for record in filled.values())}
    line = lines[filled["old spot"].id[:8]]
    assert "100 d of 30 d, outdated" in line
    assert "100 µm, fluence ± 5.0%" in line
    assert "outdated" not in lines[filled["spot"].id[:8]]
    assert "Ea = 0.1400 ± 0.0020 eV" in lines[filled["arrhenius"].id[:8]]
    assert "283 to 297 K" in lines[filled["arrhenius"].id[:8]]
    assert "peak energy, degree 1" in lines[filled["peak"].id[:8]]
    assert "353.0 to 950.0 nm, degree 1" in lines[filled["axis"].id[:8]]
    kinds = [line.split()[1] for line in said.out.splitlines()[1:]]
    assert kinds == sorted(kinds)


def test_the_list_fits_a_terminal(
    labcool: Any, filled: dict[str, CalibrationRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = labcool("calibrations", "list")
    assert max(map(len, said.out.splitlines())) <= 80


def test_the_list_as_json(labcool: Any, filled: dict[str, CalibrationRecord]) -> None:
    told = labcool("calibrations", "list", "--json").json
    by_id = {row["id"]: row for row in told["calibrations"]}
    assert set(by_id) == {record.id for record in filled.values()}
    row = by_id[filled["old spot"].id]
    assert (row["age_days"], row["outdated"]) == (100, True)
    assert Path(row["file"]).is_file()


def test_an_empty_store_says_how_to_fill_it(labcool: Any, tmp_path: Path) -> None:
    said = labcool("calibrations", "list", "--store", str(tmp_path / "none"))
    assert (said.code, said.err) == (0, "")
    assert "labcool calibrations import FILE" in said.out


def test_show_tells_everything(labcool: Any, filled: dict[str, CalibrationRecord]) -> None:
    record = filled["arrhenius"]
    said = labcool("calibrations", "show", record.id[:6])
    assert (said.code, said.err) == (0, "")
    for word in (record.id[:8], "0.14", "stage", "by hand", str(record.date), "[283.0, 297.0]"):
        assert word in said.out.replace("\n", ""), word
    told = labcool("calibrations", "show", record.id[:6], "--json").json
    assert {name: told[name] for name in to_plain(record)} == to_plain(record)
    long = labcool("calibrations", "show", filled["response"].id[:8])
    assert "100 values" in long.out


def test_export_and_import_carry_a_record_to_another_bench(
    labcool: Any, filled: dict[str, CalibrationRecord], tmp_path: Path
) -> None:
    record = filled["peak"]
    on_stdout = labcool("calibrations", "export", record.id[:8])
    assert json.loads(on_stdout.out) == to_plain(record)
    said = labcool("calibrations", "export", record.id[:8], "--out", "peak.json")
    assert (said.code, said.out) == (0, "wrote peak.json\n")
    again = labcool("calibrations", "export", record.id[:8], "--out", "peak.json")
    assert again.code == 2
    assert "is there already" in again.err
    other = tmp_path / "other"
    said = labcool("calibrations", "import", "peak.json", "--store", str(other))
    assert said.code == 0
    assert said.out.startswith(record.id[:8])
    assert [each.record for each in CalibrationStore(other).read_all()[0]] == [record]


def test_a_changed_file_is_told_and_the_exit_code_says_so(
    labcool: Any, filled: dict[str, CalibrationRecord]
) -> None:
    path = CalibrationStore().find(filled["spot"].id[:8]).path
    path.write_text(path.read_text(encoding="utf-8").replace("98.5", "99.5"), encoding="utf-8")
    said = labcool("calibrations", "list")
    assert said.code == 1
    assert str(path) in said.err
    assert filled["spot"].id[:8] not in said.out
    assert filled["peak"].id[:8] in said.out
    refused = labcool("calibrations", "import", str(path))
    assert refused.code == 2
    assert "has been changed" in refused.err


def test_ids_that_are_none(labcool: Any, filled: dict[str, CalibrationRecord]) -> None:
    for arguments, message in (
        (["show", "zz"], "is no id of a calibration"),
        (["show", "00000000"], "has an id that begins with 00000000"),
        (["import", "nothing.json"], "cannot be read as a calibration"),
    ):
        said = labcool("calibrations", *arguments)
        assert said.code == 2, arguments
        assert message in said.err

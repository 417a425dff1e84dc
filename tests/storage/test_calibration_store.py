"""The folder of calibrations: one file each, written once, verified whenever it is read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from labcool.calibration import ArrheniusCalibration, SpotCalibration
from labcool.errors import ConfigurationError
from labcool.storage import calibrations
from labcool.storage.calibrations import (
    CalibrationStore,
    default_store,
    read_record,
    write_record,
)


def spot(day: int, diameter: float = 100.0) -> SpotCalibration:
    return SpotCalibration(diameter, 0.6, 0.05, date=date(2026, 5, day), method="knife edge")


ARRHENIUS = ArrheniusCalibration(
    0.14, 0.002, valid_range=(283.0, 297.0), date=date(2026, 4, 1), source="ice bath"
)


@pytest.fixture
def store(tmp_path: Path) -> CalibrationStore:
    return CalibrationStore(tmp_path / "calibrations")


def test_records_come_back_sorted_from_files_with_speaking_names(store: CalibrationStore) -> None:
    for record in (spot(1), ARRHENIUS, spot(3), spot(2)):
        path = store.add(record)
        assert path.name.startswith(f"{record.date}_")
        assert path.name.endswith(f"_{record.id[:8]}.json")
        assert json.loads(path.read_text(encoding="utf-8"))["id"] == record.id
    found, problems = store.read_all()
    assert problems == []
    assert [each.record for each in found] == [ARRHENIUS, spot(3), spot(2), spot(1)]
    assert found[0].path.name == f"2026-04-01_arrhenius_{ARRHENIUS.id[:8]}.json"


def test_an_empty_store_needs_no_folder(store: CalibrationStore) -> None:
    assert store.read_all() == ([], [])
    assert not store.folder.exists()


def test_the_same_record_is_written_once(store: CalibrationStore) -> None:
    path = store.add(ARRHENIUS)
    before = path.stat().st_mtime_ns
    assert store.add(ARRHENIUS) == path
    assert path.stat().st_mtime_ns == before
    assert [each.name for each in store.folder.iterdir()] == [path.name]


def test_a_prefix_finds_its_record(store: CalibrationStore) -> None:
    store.add(ARRHENIUS)
    store.add(spot(1))
    assert store.find(ARRHENIUS.id[:4]).record == ARRHENIUS
    assert store.find(ARRHENIUS.id.upper()).record == ARRHENIUS


@pytest.mark.parametrize("word", ["abc", "wxyz", "", "../..", "12345678g"])
def test_what_is_no_prefix_is_refused(store: CalibrationStore, word: str) -> None:
    with pytest.raises(ConfigurationError, match="is no id of a calibration"):
        store.find(word)


def test_a_prefix_that_fits_nothing_or_several_is_refused(store: CalibrationStore) -> None:
    one = spot(1)
    beginning = one.id[:4]
    # Another record with the same first four digits, looked for.
    other = next(
        record
        for record in (spot(2, 100.0 + number / 1000) for number in range(1_000_000))
        if record.id.startswith(beginning)
    )
    store.add(one)
    assert store.find(beginning).record == one
    store.add(other)
    with pytest.raises(ConfigurationError, match="the beginning of several ids"):
        store.find(beginning)
    assert store.find(other.id[:12]).record == other
    unknown = "0000" if beginning != "0000" else "1111"
    with pytest.raises(ConfigurationError, match="no calibration in"):
        store.find(unknown)


def test_a_changed_file_is_named_and_the_others_are_read(store: CalibrationStore) -> None:
    path, whole = store.add(ARRHENIUS), store.add(spot(1))
    path.write_text(path.read_text(encoding="utf-8").replace("0.14", "0.15"), encoding="utf-8")
    found, problems = store.read_all()
    assert [each.path for each in found] == [whole]
    assert len(problems) == 1
    assert str(path) in problems[0]
    assert "has been changed" in problems[0]
    with pytest.raises(ConfigurationError) as refusal:
        store.find(ARRHENIUS.id[:8])
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"kind": "SpotCalibration"}'])
def test_files_that_are_no_calibrations_are_named(store: CalibrationStore, text: str) -> None:
    store.folder.mkdir()
    path = store.folder / "x.json"
    path.write_text(text)
    _, problems = store.read_all()
    assert len(problems) == 1
    assert str(path) in problems[0]


def test_nothing_is_written_over_and_no_draft_is_left(tmp_path: Path) -> None:
    path = tmp_path / "here.json"
    write_record(ARRHENIUS, path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="is there already"):
        write_record(spot(1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert read_record(path) == ARRHENIUS


def test_a_write_that_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("labcool.storage.placing.os.fsync", no_space)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        CalibrationStore(tmp_path).add(ARRHENIUS)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_that_of_the_variable_or_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCOOL_CALIBRATIONS", str(tmp_path))
    assert default_store() == tmp_path
    monkeypatch.delenv("LABCOOL_CALIBRATIONS")
    monkeypatch.setattr(calibrations, "user_data_path", lambda name, author: tmp_path / name)
    assert default_store() == tmp_path / "labcool" / "calibrations"

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from labcool import open_run
from labcool.errors import RecordingError
from labcool.storage import space
from labcool.storage.space import DiskSpace, trim_reservation
from labcool.storage.writer import RunWriter

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="needs a file-size limit and posix_fallocate"
)


def _write_until_full(child: Path, path: Path, compression: str, reserve: str) -> dict[str, object]:
    ended = subprocess.run(
        [sys.executable, str(child), "full", str(path), compression, reserve],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, object] = json.loads(ended.stdout)
    return told


@on_linux
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_full_disk_is_told_and_leaves_a_finished_file(
    tmp_path: Path, child: Path, compression: str
) -> None:
    path = tmp_path / "full.h5"
    told = _write_until_full(child, path, compression, "yes")
    assert str(path) in str(told["told"])
    assert "File too large" in str(told["told"])
    assert "failed earlier" in str(told["later"])
    with h5py.File(path, "r"), open_run(path) as run:
        rows = run.rows
        assert run.status == "failed"
        assert run.end_date == "2026-01-02T03:34:05+00:00"
        assert isinstance(told["flushed"], int)
        assert 100 < told["flushed"] <= rows <= told["flushed"] + 100
        numbers = np.arange(rows)
        assert np.array_equal(run.spectra[:, 0], numbers % 65536)
        assert np.array_equal(run.record["fluence"], numbers + 0.25)
        assert np.array_equal(run.temperature("tail")[0], 291 - numbers / 3)


@on_linux
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_write_that_fails_inside_hdf5_costs_no_flushed_row_and_no_crash(
    tmp_path: Path, child: Path, compression: str
) -> None:
    path = tmp_path / "full.h5"
    told = _write_until_full(child, path, compression, "no")
    rows = told["flushed"]
    assert isinstance(rows, int)
    assert "File too large" in str(told["told"])
    with open_run(path) as run:
        assert run.status in ("failed", "interrupted")
        assert run.rows >= rows > 100
        numbers = np.arange(rows)
        assert np.array_equal(run.time[:rows], numbers * 0.5)
        assert np.array_equal(run.spectra[:rows, 0], numbers % 65536)
        assert np.array_equal(run.record["shots"][:rows], numbers)


def test_a_filling_disk_stops_the_run_after_storing_everything(
    tmp_path: Path, describe, block, end, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"bytes": space.MEGABYTE * 100}
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: SimpleNamespace(free=free["bytes"]))
    path = tmp_path / "low.h5"
    writer = RunWriter(path, describe())
    writer.append(block(0, 8))
    writer.flush()
    free["bytes"] = space.MEGABYTE * 15
    writer.append(block(8, 8))
    with pytest.raises(RecordingError, match=r"low\.h5: the disk is nearly full"):
        writer.flush()
    with pytest.raises(RecordingError, match="nearly full"):
        writer.append(block(16, 8))
    writer.finish("finished", end)
    with open_run(path) as run:
        assert (run.status, run.rows) == ("failed", 16)


def test_a_disk_without_room_for_the_start_leaves_no_file(
    tmp_path: Path, describe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: DiskSpace, end: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DiskSpace, "reserve", refuse)
    with pytest.raises(RecordingError, match="No space left on device"):
        RunWriter(tmp_path / "none.h5", describe())
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_reserve_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unsupported(descriptor: int, start: int, length: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(space.os, "posix_fallocate", unsupported, raising=False)
    monkeypatch.setattr(space.sys, "platform", "linux")
    path = tmp_path / "file"
    path.write_bytes(b"x")
    disk = DiskSpace(path, 0)
    with caplog.at_level(logging.WARNING):
        disk.reserve(10)
        disk.reserve(20)
    disk.release()
    assert len(caplog.records) == 1
    assert path.stat().st_size == 1


def test_the_reservation_is_cut_off_at_the_end_hdf5_states(finished: Path) -> None:
    whole = finished.read_bytes()
    finished.write_bytes(whole + bytes(5000))
    trim_reservation(finished)
    assert finished.read_bytes() == whole
    assert int.from_bytes(whole[40:48], "little") == len(whole)


def test_a_stated_end_behind_the_file_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "short.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(4)
        file["b"] = np.arange(4000)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10_000])
    with pytest.raises(OSError, match="truncated"):
        h5py.File(path, "r")
    trim_reservation(path)
    with h5py.File(path, "r") as file:
        assert file["a"][()].tolist() == [0, 1, 2, 3]


def test_something_else_than_hdf5_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"x" * 100)
    trim_reservation(path)
    assert path.read_bytes() == b"x" * 100

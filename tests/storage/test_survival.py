"""What is left of a run whose writer was killed, and what others see while it lives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from labcool import open_run
from labcool.errors import RecordingError
from labcool.storage.lock import lock_path
from labcool.storage.writer import RunWriter


@contextmanager
def _writer_at_work(child: Path, path: Path, compression: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has flushed 37 rows, taken 11 more, and waits."""
    process = subprocess.Popen(
        [sys.executable, str(child), "hold", str(path), compression],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().split() == ["37", "48"]
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_killed_run_is_interrupted_and_keeps_every_flushed_row(
    tmp_path: Path, child: Path, block, compression: str
) -> None:
    path = tmp_path / "killed.h5"
    with _writer_at_work(child, path, compression), open_run(path) as run:
        assert run.status == "running"
        assert run.rows == 37
    with h5py.File(path, "r"), open_run(path) as run:
        assert run.status == "interrupted"
        assert run.end_date == ""
        assert run.rows == 37
        expected = block(0, 37)
        assert np.array_equal(run.spectra[:], expected.spectra)
        assert np.array_equal(run.time, expected.time)
        assert np.array_equal(run.record["stage_temperature"], expected.scalars[:, 2])
        assert np.array_equal(run.temperature()[1], expected.temperature_errors[:, 0])
        assert [event.text for event in run.events] == ["before the flush"]


def test_nobody_writes_over_a_run_that_is_being_written(
    tmp_path: Path, child: Path, describe
) -> None:
    path = tmp_path / "live.h5"
    with _writer_at_work(child, path, "none"):
        with pytest.raises(RecordingError, match="another program is writing"):
            RunWriter(path, describe())
        with open_run(path) as run:
            assert run.status == "running"


def test_a_reader_in_the_same_process_follows_by_refreshing(
    tmp_path: Path, describe, block, end
) -> None:
    path = tmp_path / "live.h5"
    writer = RunWriter(path, describe())
    writer.append(block(0, 8))
    writer.flush()
    with open_run(path) as run:
        assert (run.status, run.rows) == ("running", 8)
        writer.append(block(8, 8))
        writer.flush()
        assert len(run.time) == 8
        run.refresh()
        assert len(run.time) == 16
        assert run.spectra[15, 0] == 15
        run.close()
        writer.finish("aborted", end)
        run.refresh()
        assert run.status == "aborted"
    assert not lock_path(path).exists()


def test_a_lock_left_behind_by_a_dead_writer_is_no_writer(finished: Path) -> None:
    with h5py.File(finished, "r+") as file:
        file["entry/status"][()] = b"running"
    lock_path(finished).touch()
    with open_run(finished) as run:
        assert run.status == "interrupted"


def test_everybody_is_cut_to_the_shortest_dataset(finished: Path) -> None:
    with h5py.File(finished, "r+") as file:
        file["entry/record/shots"].resize(33, axis=0)
        file["entry/data/intensity"].resize(35, axis=0)
    with open_run(finished) as run:
        assert run.rows == 33
        assert run.spectra.shape[0] == len(run.time) == len(run.record["fluence"]) == 33
        assert run.spectra[-1, 0] == 32
        assert {len(values) for values in run.temperature("tail")} == {33}
        assert dict(run.to_xarray().sizes) == {"time": 33, "wavelength": 256}
        with pytest.raises(IndexError, match="row 33 of 33"):
            run.spectra[33]


def test_rows_whose_chunks_never_reached_the_disk_are_not_shown(finished: Path) -> None:
    with h5py.File(finished, "r+") as file:
        file["entry/status"][()] = b"running"
        entry = file["entry"]
        for name in ("data", "record", "temperature"):
            for dataset in entry[name].values():
                if dataset.maxshape[:1] == (None,):
                    dataset.resize(600, axis=0)
        entry["data/time"][:] = np.arange(600) * 0.5
        entry["data/intensity"][:300, 0] = np.arange(300)
    with open_run(finished) as run:
        assert run.status == "interrupted"
        assert run.rows == 256, "the chunks of 256 rows that every dataset has"

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from labcool import open_run
from labcool.errors import LimitError, RecordingError
from labcool.storage.buffer import CAPACITY
from labcool.storage.lock import lock_path
from labcool.storage.writer import RunWriter


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("rows", [1, 7, 256, 300])
def test_what_goes_in_comes_out(
    tmp_path: Path, describe, block, end, compression: str, rows: int
) -> None:
    path = tmp_path / "run.h5"
    writer = RunWriter(path, describe(), compression=compression)
    blocks = [block(start, rows) for start in (0, rows, 2 * rows)]
    for number, part in enumerate(blocks):
        writer.append(part)
        if number == 1:
            writer.flush()
    assert (writer.rows, writer.flushed_rows) == (3 * rows, 2 * rows)
    writer.finish("finished", end)
    with open_run(path) as run:

        def expected(name: str) -> np.ndarray:
            return np.concatenate([getattr(part, name) for part in blocks])

        assert run.rows == 3 * rows
        assert np.array_equal(run.spectra[:], expected("spectra"))
        assert run.spectra.dtype == np.dtype("u2")
        assert np.array_equal(run.time, expected("time"))
        for index, name in enumerate(("fluence", "shots", "stage_temperature")):
            assert np.array_equal(run.record[name], expected("scalars")[:, index])
        for index, name in enumerate(("arrhenius", "tail")):
            value, error = run.temperature(name)
            assert np.array_equal(value, expected("temperatures")[:, index])
            assert np.array_equal(error, expected("temperature_errors")[:, index])
            assert np.array_equal(run.flags(name), expected("flags")[:, index])


def test_more_rows_than_the_buffer_holds(tmp_path: Path, describe, block, end) -> None:
    path = tmp_path / "run.h5"
    few = np.array([500.0, 501.0])
    writer = RunWriter(path, describe(wavelengths=few), compression="none")
    rows = 2 * CAPACITY + 5
    part = block(0, rows)
    writer.append(replace(part, spectra=part.spectra[:, :2]))
    writer.finish("finished", end)
    with open_run(path) as run:
        assert np.array_equal(run.time, part.time)
        assert np.array_equal(run.record["shots"], np.arange(rows))


def test_datasets_are_the_same_bit_for_bit(tmp_path: Path, describe, block, end) -> None:
    contents = []
    for name in ("a.h5", "b.h5"):
        writer = RunWriter(tmp_path / name, describe())
        writer.log(0.0, 20, "runner", "begin")
        for start in range(0, 48, 16):
            writer.append(block(start, 16))
            writer.flush()
        writer.finish("finished", end)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_without_thermometers_and_columns(tmp_path: Path, describe, block, end) -> None:
    path = tmp_path / "bare.h5"
    writer = RunWriter(path, describe(columns=(), thermometers=()))
    none = np.empty((4, 0))
    writer.append(
        replace(
            block(0, 4),
            scalars=none,
            temperatures=none,
            temperature_errors=none,
            flags=none.astype("i4"),
        )
    )
    writer.finish("finished", end)
    with open_run(path) as run:
        assert run.rows == 4
        assert run.thermometers == ()
        assert dict(run.record) == {}


def test_float_spectra_where_spectra_are_means(tmp_path: Path, describe, block, end) -> None:
    path = tmp_path / "mean.h5"
    writer = RunWriter(path, describe(counts_dtype="f4"))
    part = replace(block(0, 4), spectra=np.full((4, 256), 0.5))
    writer.append(part)
    writer.finish("finished", end)
    with open_run(path) as run:
        assert run.spectra.dtype == np.dtype("f4")
        assert np.all(run.spectra[:] == 0.5)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spectra": np.zeros((4, 255), "u2")}, "shape of spectra"),
        ({"spectra": np.zeros((3, 256), "u2")}, "shape of spectra"),
        ({"spectra": np.zeros((4, 256), "f4")}, "dtype of spectra"),
        ({"spectra": np.zeros((4, 256), "i4")}, "dtype of spectra"),
        ({"scalars": np.zeros((4, 2))}, "shape of scalars"),
        ({"scalars": np.full((4, 3), 0.5)}, "shots"),
        ({"scalars": np.full((4, 3), np.nan)}, "shots"),
        ({"scalars": np.full((4, 3), 2.0**31)}, "shots"),
        ({"temperatures": np.zeros((4, 1))}, "shape of temperatures"),
        ({"temperature_errors": np.zeros(4)}, "shape of temperature_errors"),
        ({"flags": np.zeros((4, 2))}, "dtype of flags"),
    ],
)
def test_a_block_that_does_not_fit_is_refused_whole(
    tmp_path: Path, describe, block, end, changes, field: str
) -> None:
    path = tmp_path / "run.h5"
    writer = RunWriter(path, describe())
    with pytest.raises(LimitError, match=field):
        writer.append(replace(block(0, 4), **changes))
    writer.append(block(0, 4))
    writer.finish("finished", end)
    with open_run(path) as run:
        assert run.rows == 4


def test_a_file_is_never_written_over(finished: Path, describe) -> None:
    before = finished.read_bytes()
    with pytest.raises(RecordingError, match="never written over"):
        RunWriter(finished, describe())
    assert finished.read_bytes() == before
    assert not lock_path(finished).exists()


def test_unknown_words_are_refused(tmp_path: Path, describe, end) -> None:
    with pytest.raises(LimitError, match="compression"):
        RunWriter(tmp_path / "a.h5", describe(), compression="zip")
    assert list(tmp_path.iterdir()) == []
    writer = RunWriter(tmp_path / "a.h5", describe())
    with pytest.raises(LimitError, match="status"):
        writer.finish("running", end)
    with pytest.raises(LimitError, match="level"):
        writer.log(0.0, 0, "a", "b")
    writer.finish("failed", end)
    with pytest.raises(RecordingError, match="closed"):
        writer.flush()
    writer.finish("finished", end)
    with open_run(tmp_path / "a.h5") as run:
        assert run.status == "failed"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, describe) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot be created"):
        RunWriter(tmp_path / "file" / "run.h5", describe())


@pytest.mark.parametrize(
    ("name", "shape", "field"),
    [
        ("a", (2, 255), "spectra of 'a'"),
        ("a", (0, 256), "spectra of 'a'"),
        ("a/b", (1, 256), "name of a spectra set"),
        ("start", (1, 256), "name of a spectra set"),
    ],
)
def test_a_spectra_set_that_does_not_fit_is_refused(
    tmp_path: Path, describe, end, name: str, shape: tuple[int, int], field: str
) -> None:
    writer = RunWriter(tmp_path / "a.h5", describe())
    writer.add_spectra("start", np.ones(256, "u2"))
    with pytest.raises(LimitError, match=field):
        writer.add_spectra(name, np.zeros(shape, "u2"))
    writer.finish("finished", end)


def test_the_instruments_of_the_end_need_not_be_those_of_the_start(
    tmp_path: Path, describe, end
) -> None:
    writer = RunWriter(tmp_path / "a.h5", describe())
    writer.finish("finished", end, {"stage": {"temperature_K": 300.0}, "pump": {"power_W": 0.0}})
    with open_run(tmp_path / "a.h5") as run:
        assert run.instruments["stage"].settings_after == {"temperature_K": 300.0}
        assert run.instruments["pump"].settings_after == {"power_W": 0.0}
        assert run.instruments["shutter"].settings_after == {}


def test_plain_h5py_needs_no_plugin_and_no_lock(finished: Path) -> None:
    with h5py.File(finished, "r") as file, h5py.File(finished, "r") as second:
        assert file["entry/data/intensity"][39, 0] == 39
        assert second["entry/data/time"][39] == 19.5
    assert finished.read_bytes()[8] == 0, "the superblock every HDF5 since 1.0 reads"

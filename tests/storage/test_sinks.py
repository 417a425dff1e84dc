from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from labcool.storage.sinks import GzipSink

FILTERS = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
ALL_SKIPPED = 3


def _masks(dataset: h5py.Dataset) -> list[int]:
    return [
        dataset.id.get_chunk_info(index).filter_mask for index in range(dataset.id.get_num_chunks())
    ]


@pytest.mark.parametrize("step", [1, 3, 4, 5, 11])
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_rows_are_right_after_every_flush_and_compressed_at_the_end(
    tmp_path: Path, step: int, dtype: str
) -> None:
    rows = np.random.default_rng(step).poisson(900, (33, 6)).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        sink = GzipSink(
            file.create_dataset("x", (0, 6), dtype, maxshape=(None, 6), chunks=(4, 6), **FILTERS)
        )
        for start in range(0, len(rows), step):
            sink.append(rows[start : start + step])
            sink.flush()
            done = min(start + step, len(rows))
            assert np.array_equal(file["x"][()], rows[:done])
            full = done // 4
            masks = _masks(file["x"])
            if done % 4:
                assert masks == [0] * full + [ALL_SKIPPED]
        sink.finish()
        assert np.array_equal(file["x"][()], rows)
        assert not any(_masks(file["x"]))


def test_an_unfinished_chunk_stays_in_its_place(tmp_path: Path) -> None:
    rows = np.arange(24, dtype="u2").reshape(4, 6)
    places = []
    with h5py.File(tmp_path / "a.h5", "w") as file:
        sink = GzipSink(
            file.create_dataset("x", (0, 6), "u2", maxshape=(None, 6), chunks=(16, 6), **FILTERS)
        )
        for row in rows:
            sink.append(row[None])
            sink.flush()
            info = file["x"].id.get_chunk_info(0)
            places.append((info.byte_offset, info.size))
    assert len(set(places)) == 1
    assert places[0][1] == 16 * 6 * 2

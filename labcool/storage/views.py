"""Lazy views of what a run file holds, cut to the points that every dataset has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from labcool.errors import RunFileError


class RowsView:
    """The first ``rows`` rows of a dataset, read when indexed.

    Indexed like a numpy array (integers, slices; lists as h5py allows). ``numpy.asarray`` reads
    everything.
    """

    def __init__(self, dataset: h5py.Dataset, rows: int, path: Path) -> None:
        self._dataset = dataset
        self._path = path
        self.shape: tuple[int, ...] = (rows, *dataset.shape[1:])
        self.dtype: np.dtype[Any] = dataset.dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if not keys or keys[0] is Ellipsis:
            return self._read((slice(0, len(self)),))[key]
        return self._read((self._rows(keys[0]), *keys[1:]))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self._read((slice(0, len(self)),)), dtype=dtype)

    def _rows(self, key: Any) -> Any:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step < 1:
                raise IndexError("rows are read forward: reverse the result instead")
            return slice(start, max(start, stop), step)
        if isinstance(key, int | np.integer):
            if not -len(self) <= key < len(self):
                raise IndexError(f"row {key} of {len(self)}")
            return int(key) % len(self)
        chosen = np.asarray(key)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        if chosen.size and chosen.max() >= len(self):
            raise IndexError(f"row {chosen.max()} of {len(self)}")
        return chosen

    def _read(self, keys: tuple[Any, ...]) -> Any:
        try:
            return self._dataset[keys]
        except OSError as error:
            raise RunFileError(
                f"{self._path}: rows {keys[0]} of {self._dataset.name} cannot be read; they were "
                f"being written when the writer died, or the disk is damaged ({error})."
            ) from error


def readable_rows(dataset: h5py.Dataset) -> int:
    """Return how many rows a dataset has, less the chunks at its end that cannot be read.

    A writer that dies within a flush can leave rows that the shape counts but the index lacks.
    """
    rows = int(dataset.shape[0])
    size = dataset.chunks[0]
    while rows:
        start = (rows - 1) // size * size
        if _is_readable(dataset, start, rows):
            break
        rows = start
    return rows


def _is_readable(dataset: h5py.Dataset, start: int, end: int) -> bool:
    """Return True if the chunk that begins at row ``start`` is in the file and whole."""
    try:
        chunk = dataset.id.get_chunk_info_by_coord((start,) + (0,) * (dataset.ndim - 1))
        dataset[start:end]
    except (OSError, RuntimeError):
        return False
    return chunk.byte_offset is not None


class Record(Mapping[str, NDArray[Any]]):
    """The scalar columns of a run by name."""

    def __init__(self, views: Mapping[str, RowsView], units: Mapping[str, str]) -> None:
        self._views = views
        self.units = units

    def __getitem__(self, name: str) -> NDArray[Any]:
        return np.asarray(self._views[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

"""How spectra reach their dataset, plain or compressed, so that a flushed row is never at risk.

Plain rows are written in place. Compressed chunks change their size with every rewrite, and HDF5
frees the old place before it takes the new one: a process killed before the next flush then leaves
an index that points at overwritten data, and whole chunks of flushed rows are gone. So an
unfinished chunk is stored as it is, at its full size and in place (HDF5's filter mask says so for
each chunk, every reader obeys it), and compressed once, when it is full, between two flushes of
its own, and when the next chunk lies behind it: HDF5 cuts a file that has become shorter *before*
it writes down the new length, and refuses to open a file that is found between the two.

HDF5 2.0 remembers where it last looked in a dataset, and writing whole chunks does not mend that
memory: reading the same chunk in the same process then fails. The memory goes when the dataset is
closed, so it is opened anew for each use.
"""

from __future__ import annotations

import zlib
from typing import Any, Final, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

GZIP_LEVEL: Final = 1
_SKIP_SHUFFLE_AND_GZIP: Final = 0b11


class SpectraSink(Protocol):
    """Takes spectra in order."""

    def append(self, spectra: NDArray[Any]) -> None:
        """Take rows: shape (n, pixel), contiguous, of the dataset's dtype."""

    def flush(self) -> None:
        """Flush the file, with every row taken so far in it."""

    def finish(self) -> None:
        """Flush the file for the last time."""


class PlainSink:
    """Writes rows into an unfiltered dataset."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        self._rows = 0

    def append(self, spectra: NDArray[Any]) -> None:
        """Take rows."""
        count, pixels = spectra.shape
        shape = (self._rows + count, pixels)
        dataset = self._dataset.id
        dataset.set_extent(shape)
        place = h5py.h5s.create_simple(shape, (h5py.h5s.UNLIMITED, pixels))
        place.select_hyperslab((self._rows, 0), (count, pixels))
        dataset.write(h5py.h5s.create_simple((count, pixels)), place, spectra)
        self._rows += count

    def flush(self) -> None:
        """Flush the file."""
        self._dataset.file.flush()

    def finish(self) -> None:
        """Flush the file."""
        self._dataset.file.flush()


class GzipSink:
    """Writes whole chunks into a dataset with the filters shuffle and gzip."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._file = dataset.file
        self._name = dataset.name
        self._chunk: NDArray[Any] = np.zeros(dataset.chunks, dataset.dtype)
        self._first = 0
        self._filled = 0
        self._stored_as_is = False
        self._to_store: list[tuple[int, NDArray[Any]]] = []
        self._to_compress: list[tuple[int, NDArray[Any]]] = []

    def append(self, spectra: NDArray[Any]) -> None:
        """Take rows; a chunk that no flush has touched is compressed as soon as it is full."""
        taken = 0
        while taken < len(spectra):
            count = min(len(self._chunk) - self._filled, len(spectra) - taken)
            self._chunk[self._filled : self._filled + count] = spectra[taken : taken + count]
            self._filled += count
            taken += count
            if self._filled == len(self._chunk):
                self._complete()

    def flush(self) -> None:
        """Flush the file, then compress chunks that have become full since, and flush again."""
        for first, chunk in self._to_store:
            self._store_as_is(first, chunk)
        self._to_compress += self._to_store
        self._to_store.clear()
        if self._filled:
            self._store_as_is(self._first, self._chunk)
            self._stored_as_is = True
        self._file.flush()
        if self._to_compress and self._filled:
            self._compress_full_chunks()
            self._file.flush()

    def finish(self) -> None:
        """Flush the file, then compress whatever is not yet, and flush again."""
        self.flush()
        self._compress_full_chunks()
        if self._filled:
            self._compress(self._first, self._chunk)
        self._file.flush()

    def _complete(self) -> None:
        if self._stored_as_is:
            self._to_store.append((self._first, self._chunk.copy()))
        else:
            self._compress(self._first, self._chunk)
        self._first += len(self._chunk)
        self._filled = 0
        self._chunk[:] = 0
        self._stored_as_is = False

    def _compress_full_chunks(self) -> None:
        for first, chunk in self._to_compress:
            self._compress(first, chunk)
        self._to_compress.clear()

    def _store_as_is(self, first: int, chunk: NDArray[Any]) -> None:
        self._store(first, chunk, _SKIP_SHUFFLE_AND_GZIP)

    def _compress(self, first: int, chunk: NDArray[Any]) -> None:
        shuffled = chunk.view("u1").reshape(-1, chunk.itemsize).T.tobytes()
        self._store(first, zlib.compress(shuffled, GZIP_LEVEL), 0)

    def _store(self, first: int, data: bytes | NDArray[Any], skipped_filters: int) -> None:
        dataset = self._file[self._name].id
        dataset.set_extent((self._first + self._filled, self._chunk.shape[1]))
        dataset.write_direct_chunk((first, 0), data, skipped_filters)

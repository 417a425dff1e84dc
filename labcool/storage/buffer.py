"""Scalars wait here, column by column, until many rows can be written in one go.

A dozen one-dimensional datasets cost a dozen HDF5 calls however many rows are written, so they are
written rarely: at each flush, or when the buffer is full.
"""

from __future__ import annotations

from typing import Final

import h5py
import numpy as np

from labcool.errors import LimitError
from labcool.storage.layout import FLAGS_DTYPE, Block
from labcool.storage.skeleton import Streams

CAPACITY: Final = 8192


class ScalarBuffer:
    """Rows of time, scalars, temperatures and flags that are not in the file yet."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._floats = np.empty((1 + len(streams.floats), CAPACITY))
        self._flags = np.empty((len(streams.flags), CAPACITY), dtype=FLAGS_DTYPE)
        self._rows = 0
        self._whole = [
            (index, dataset.name, np.iinfo(dataset.dtype))
            for index, dataset in enumerate(streams.columns)
            if dataset.dtype.kind in "iu"
        ]

    def room(self) -> int:
        """Return how many more rows fit."""
        return CAPACITY - self._rows

    def check(self, block: Block) -> None:
        """Refuse a block that cannot be stored as it is.

        :raises LimitError: if a shape does not fit, or an integer column holds anything else.
        """
        rows = len(block.time)
        thermometers = len(self._streams.temperatures)
        for name, array, width in (
            ("scalars", block.scalars, len(self._streams.columns)),
            ("temperatures", block.temperatures, thermometers),
            ("temperature_errors", block.temperature_errors, thermometers),
            ("flags", block.flags, thermometers),
        ):
            if array.shape != (rows, width):
                raise LimitError(f"shape of {name}", array.shape, f"({rows}, {width})")
        if block.flags.dtype.kind not in "iub":
            raise LimitError("dtype of flags", block.flags.dtype, "an integer dtype")
        for index, name, limits in self._whole:
            column = block.scalars[:, index]
            fits = (column == np.floor(column)) & (column >= limits.min) & (column <= limits.max)
            if not fits.all():
                raise LimitError(name, column[~fits][0], "a whole number its dtype can hold")

    def add(self, block: Block, first: int, last: int) -> None:
        """Take the rows ``first`` to ``last`` (not included) of a block; they must fit."""
        start = self._rows
        end = start + last - first
        part = slice(first, last)
        columns, thermometers = len(self._streams.columns), len(self._streams.temperatures)
        floats = self._floats
        floats[:columns, start:end] = block.scalars[part].T
        floats[columns : columns + thermometers, start:end] = block.temperatures[part].T
        floats[columns + thermometers : -1, start:end] = block.temperature_errors[part].T
        floats[-1, start:end] = block.time[part]
        self._flags[:, start:end] = block.flags[part].T
        self._rows = end

    def write(self) -> None:
        """Append everything that waits to the datasets, the time last, and forget it."""
        rows = self._rows
        if not rows:
            return
        time = self._streams.time
        start = time.shape[0]
        memory = h5py.h5s.create_simple((rows,))
        place = h5py.h5s.create_simple((start + rows,), (h5py.h5s.UNLIMITED,))
        place.select_hyperslab((start,), (rows,))
        double, integer = h5py.h5t.NATIVE_DOUBLE, h5py.h5t.NATIVE_INT32
        for row, dataset in enumerate(self._streams.flags):
            dataset.id.set_extent((start + rows,))
            dataset.id.write(memory, place, self._flags[row, :rows], integer)
        for row, dataset in enumerate([*self._streams.floats, time]):
            dataset.id.set_extent((start + rows,))
            dataset.id.write(memory, place, self._floats[row, :rows], double)
        self._rows = 0

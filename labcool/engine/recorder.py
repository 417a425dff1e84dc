"""From ``record()`` to the run file: a block buffer, and a thread that writes it out.

``record()`` copies a row into the current block and returns. The writer thread is the only one
that touches the file: it takes a block when it is full, and otherwise what there is of it, so that
a row reaches the disk at most :data:`FLUSH_INTERVAL_S` of *real* time after it was recorded.
A failed write stops the run: it is raised by the next ``record()`` or ``check()``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from labcool.errors import RecordingError
from labcool.storage.layout import Block
from labcool.storage.writer import RunWriter

FLUSH_INTERVAL_S = 0.1
"""Real seconds between two flushes; writing takes the rest of the promised 0.2 s."""

BLOCK_ROWS = 256
WAITING_BLOCKS = 8
"""``record()`` waits for the disk once this many full blocks queue up; nothing is dropped."""


class _Buffer:
    """Rows of one block: raw spectra, and all the numbers that go with them."""

    def __init__(self, pixels: int, dtype: DTypeLike, numbers: int) -> None:
        self.spectra: NDArray[Any] = np.empty((BLOCK_ROWS, pixels), dtype)
        self.numbers = np.empty((BLOCK_ROWS, numbers))
        self.rows = 0
        self.written = 0


class Recorder:
    """Takes the rows of one run and has them written.

    :param writer: the open run file.
    :param pixels: pixels of a spectrum.
    :param counts_dtype: dtype in which counts are stored.
    :param columns: number of scalar columns.
    :param thermometers: number of thermometers (each: temperature, std, flags).
    """

    def __init__(
        self,
        writer: RunWriter,
        *,
        pixels: int,
        counts_dtype: DTypeLike,
        columns: int,
        thermometers: int,
    ) -> None:
        self._writer = writer
        self._columns = columns
        self._thermometers = thermometers
        self._pixels = pixels
        self._dtype = counts_dtype
        self._current = self._new_buffer()
        self._full: deque[_Buffer] = deque()
        self._spare: deque[_Buffer] = deque()
        self._jobs: deque[Callable[[], None]] = deque()
        self._lock = threading.Condition()
        self._failure: RecordingError | None = None
        self._closing = False
        self._thread = threading.Thread(
            target=self._write_out, name="labcool recorder", daemon=True
        )
        self._thread.start()

    def record(self, counts: NDArray[Any], numbers: Sequence[float]) -> None:
        """Add one row.

        :param counts: raw spectrum, shape (pixel,), counts.
        :param numbers: time (s), the scalar columns, then temperatures, stds and flags of all
            thermometers, in the order of the run's description.
        :raises RecordingError: if an earlier row could not be written.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            buffer = self._current
            row = buffer.rows
            buffer.spectra[row] = counts
            buffer.numbers[row] = numbers
            buffer.rows = row + 1
            if buffer.rows == BLOCK_ROWS:
                self._hand_over(buffer)

    def later(self, job: Callable[[], None]) -> None:
        """Have ``job`` (which writes to the file) done by the writer thread, after earlier rows."""
        with self._lock:
            self._jobs.append(job)

    def check(self) -> None:
        """Raise if a write has failed since.

        :raises RecordingError: naming the file and the reason.
        """
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Write what is left and stop the thread; the file itself stays open.

        :raises RecordingError: if anything could not be written.
        """
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        self._thread.join()
        self.check()

    def _new_buffer(self) -> _Buffer:
        return _Buffer(self._pixels, self._dtype, 1 + self._columns + 3 * self._thermometers)

    def _hand_over(self, buffer: _Buffer) -> None:
        while len(self._full) >= WAITING_BLOCKS and self._failure is None:
            self._lock.wait()
        if self._failure is not None:
            raise self._failure
        self._full.append(buffer)
        self._current = self._spare.pop() if self._spare else self._new_buffer()
        self._lock.notify_all()

    def _write_out(self) -> None:
        flushed_at = time.monotonic()
        try:
            while True:
                closing = self._wait_for_work(flushed_at + FLUSH_INTERVAL_S)
                due = closing or time.monotonic() - flushed_at >= FLUSH_INTERVAL_S
                self._write_rows(also_started=due)
                if due:
                    self._do_jobs()
                    self._writer.flush()
                    flushed_at = time.monotonic()
                if closing:
                    return
        except RecordingError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the run must learn of it
            self._fail(RecordingError(f"the recorder stopped: {type(error).__name__}: {error}"))

    def _wait_for_work(self, deadline: float) -> bool:
        with self._lock:
            while not self._full and not self._closing:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._lock.wait(remaining)
            return self._closing

    def _write_rows(self, *, also_started: bool) -> None:
        """Write the full blocks and then, if asked to, what there is of the current one."""
        while True:
            with self._lock:
                is_full = bool(self._full)
                if not is_full and not also_started:
                    return
                buffer = self._full.popleft() if is_full else self._current
                rows = buffer.rows
                self._lock.notify_all()
            self._append(buffer, rows)
            if not is_full:
                return
            buffer.rows = buffer.written = 0
            with self._lock:
                self._spare.append(buffer)

    def _append(self, buffer: _Buffer, rows: int) -> None:
        first = buffer.written
        if rows <= first:
            return
        numbers = buffer.numbers[first:rows]
        start, k = 1 + self._columns, self._thermometers
        self._writer.append(
            Block(
                time=numbers[:, 0],
                spectra=buffer.spectra[first:rows],
                scalars=numbers[:, 1:start],
                temperatures=numbers[:, start : start + k],
                temperature_errors=numbers[:, start + k : start + 2 * k],
                flags=numbers[:, start + 2 * k :].astype(np.int32),
            )
        )
        buffer.written = rows

    def _do_jobs(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            job()

    def _fail(self, error: RecordingError) -> None:
        with self._lock:
            self._failure = error
            self._lock.notify_all()

"""Writes one run file while the run goes on.

What is *flushed* survives the death of the process: between two flushes only raw data reaches the
disk, never the file's inner structure (the metadata cache may not evict), so that a killed run
opens as it was at its last flush. A kill within the fraction of a millisecond of a flush itself can
still cost rows, and, very rarely, leave a file whose stated length is wrong, which
:func:`labcool.storage.space.trim_reservation` mends. A file that was never finished keeps the
status *running*; as nobody holds its lock (:mod:`labcool.storage.lock`) the reader calls it
*interrupted*.

A run that ends before its first point has no ``data``, ``temperature`` and ``record`` group, and
its entry no default plot (or its first reference): an axis without rows crashes some readers, and
a made-up row would be a lie.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError, RecordingError
from labcool.storage.buffer import ScalarBuffer
from labcool.storage.closing import abandon, remove_empty, roll_back
from labcool.storage.eventlog import EVENT_DTYPE, Event, as_array, to_rows
from labcool.storage.instruments import group_name, write_settings_after
from labcool.storage.layout import STATUS_DTYPE, STATUSES, Block, RunDescription
from labcool.storage.lock import WriterLock
from labcool.storage.sinks import GzipSink, PlainSink, SpectraSink
from labcool.storage.skeleton import Streams, create_skeleton
from labcool.storage.space import MEGABYTE, DiskSpace, trim_reservation
from labcool.storage.spectra import write_spectra

MINIMUM_FREE: Final = 16 * MEGABYTE
COMPRESSIONS: Final = ("gzip", "none")

_MARGIN: Final = MEGABYTE
_MARGIN_PER_STREAM: Final = 16 * 1024

_log = logging.getLogger(__name__)


class RunWriter:
    """The one writer of a run file. Not safe to share between threads.

    :param path: must not exist yet; its folder is made.
    :param compression: ``"gzip"`` (shuffle and gzip 1, readable everywhere) or ``"none"`` (about
        ten times as fast).
    :param minimum_free: bytes the disk must keep free; below that the run is stopped while its
        file can still be closed well.
    :raises LimitError: if ``compression`` is neither.
    :raises RecordingError: if the file exists or cannot be created.
    """

    def __init__(
        self,
        path: Path | str,
        description: RunDescription,
        *,
        compression: str = "gzip",
        minimum_free: int = MINIMUM_FREE,
    ) -> None:
        if compression not in COMPRESSIONS:
            raise LimitError("compression", repr(compression), f"one of {COMPRESSIONS}")
        self.path = Path(path)
        self._description = description
        self._dtype = np.dtype(description.counts_dtype)
        self._pixels = len(description.wavelengths)
        self._rows = 0
        self._flushed_rows = 0
        self._waiting_events: list[tuple[float, int, bytes, bytes]] = []
        self._failure = ""
        self._damaged = False
        self._open = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(f"{self.path}: cannot be created ({error}).") from error
        self._lock = WriterLock(self.path)
        try:
            self._file = h5py.File(self.path, "x", rdcc_nbytes=0)
        except OSError as error:
            self._lock.release()
            raise RecordingError(
                f"{self.path}: cannot be created ({_reason(error)}). A run file is never "
                "written over: choose another name."
            ) from error
        self._open = True
        self._space = DiskSpace(self.path, minimum_free)
        self._margin = _MARGIN
        try:
            with self._recording("creating the file"):
                self._begin(compression)
        except BaseException:
            self._discard()
            raise

    @property
    def rows(self) -> int:
        """Number of points taken so far."""
        return self._rows

    @property
    def flushed_rows(self) -> int:
        """Number of points that would survive the death of this process."""
        return self._flushed_rows

    def append(self, block: Block) -> None:
        """Take the rows of a block; they are safe after the next :meth:`flush`.

        :raises LimitError: if a shape or a dtype does not fit the description.
        :raises RecordingError: if they cannot be written; what was flushed before stays readable.
        """
        self._check_usable()
        spectra = self._storable(block)
        self._buffer.check(block)
        count = len(spectra)
        if not count:
            return
        with self._recording("writing spectra"):
            unflushed = self._rows + count - self._flushed_rows
            self._reserve(unflushed * self._row_bytes)
            self._sink.append(spectra)
            done = 0
            while done < count:
                if not self._buffer.room():
                    self._buffer.write()
                part = min(count - done, self._buffer.room())
                self._buffer.add(block, done, done + part)
                done += part
        self._rows += count

    def log(self, time: float, level: int, source: str, text: str) -> None:
        """Take an entry for the run's log; a text longer than a row is split, nothing is lost.

        :param time: s since the start of the run.
        :param level: as in :mod:`logging`, 1 to 127.
        """
        self._waiting_events += to_rows(Event(time, level, source, text))

    def add_spectra(
        self, name: str, spectra: NDArray[Any], columns: Mapping[str, tuple[Any, str]] | None = None
    ) -> None:
        """Write reference spectra under ``/entry/reference/<name>``.

        :param spectra: shape (n, pixel) or (pixel,), counts.
        :param columns: name to (value, unit), e.g. fluence, exposure, temperature; each value a
            number, or one for each spectrum.
        :raises LimitError: if the shape does not fit or the name is taken.
        :raises RecordingError: if they cannot be written.
        """
        self._add_set(self._file["entry/reference"], name, spectra, columns or {})

    def add_dark(
        self, spectra: NDArray[Any], columns: Mapping[str, tuple[Any, str]] | None = None
    ) -> None:
        """Write dark spectra as ``dark`` of the detector that takes the spectra.

        Parameters and errors as for :meth:`add_spectra`.
        """
        detector = group_name(self._description.detector, "Spectrometer")
        self._add_set(self._file["entry/instrument"][detector], "dark", spectra, columns or {})

    def set_start_date(self, date: datetime) -> None:
        """Set the date of time zero anew, for a run whose time begins after its preparations.

        :raises RecordingError: if it cannot be written.
        """
        self._check_usable()
        with self._recording("writing the start date"):
            self._file["entry/start_time"][()] = date.isoformat()

    def flush(self) -> None:
        """Make everything taken so far survive the death of this process.

        :raises RecordingError: if that fails, or if the disk is filling (then everything *is*
            flushed, and there is room to finish the file).
        """
        self._check_usable()
        with self._recording("flushing"):
            events = 2 * EVENT_DTYPE.itemsize * len(self._waiting_events)
            self._reserve((self._rows - self._flushed_rows) * self._row_bytes + events)
            self._flush()
        if self._space.is_low():
            self._failure = "the disk is nearly full"
            raise RecordingError(
                f"{self.path}: the disk is nearly full. Everything up to here is stored; free "
                "some space before the next run."
            )

    def finish(
        self,
        status: str,
        end_date: datetime,
        settings_after: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Close the file for good; a second call does nothing.

        After a failed write the file is closed with everything that was flushed before, and the
        status is ``failed`` whatever is asked for.

        :param status: ``finished``, ``aborted`` or ``failed``.
        :param settings_after: instrument name to snapshot.
        :raises LimitError: if the status is none of them; the file stays open.
        :raises RecordingError: if something new is lost now; the file is closed all the same.
        """
        if status not in STATUSES:
            raise LimitError("status", repr(status), f"one of {STATUSES}")
        if not self._open:
            return
        known = self._failure
        try:
            if not self._damaged:
                with self._recording("finishing"):
                    self._complete("failed" if known else status, end_date, settings_after or {})
        finally:
            self._close()

    def _begin(self, compression: str) -> None:
        """Create the datasets and see to it that only a flush changes the structure on disk."""
        self._space.reserve(self._margin)
        self._streams: Streams = create_skeleton(self._file, self._description, compression)
        self._buffer = ScalarBuffer(self._streams)
        sink = GzipSink if compression == "gzip" else PlainSink
        intensity = self._file["entry/data/intensity"]
        self._sink: SpectraSink = sink(intensity)
        scalars = len(self._streams.floats) + len(self._streams.flags) + 1
        self._margin = _MARGIN + scalars * _MARGIN_PER_STREAM
        chunk = intensity.chunks[0]
        self._row_bytes = self._pixels * self._dtype.itemsize + 8 * scalars
        self._margin += 2 * chunk * self._row_bytes
        cache = self._file.id.get_mdc_config()
        cache.incr_mode = cache.flash_incr_mode = cache.decr_mode = 0
        cache.evictions_enabled = False
        self._file.id.set_mdc_config(cache)
        self._reserve(0)
        self._file.flush()

    def _discard(self) -> None:
        """Undo a creation that failed."""
        if self._damaged:
            abandon(self._file)
        else:
            self._file.close()
        self._open = False
        self._space.release()
        self.path.unlink(missing_ok=True)
        self._lock.release()

    def _storable(self, block: Block) -> NDArray[Any]:
        spectra = np.asarray(block.spectra)
        if spectra.shape != (len(block.time), self._pixels):
            allowed = f"({len(block.time)}, {self._pixels})"
            raise LimitError("shape of spectra", spectra.shape, allowed)
        if spectra.dtype == self._dtype:
            return np.ascontiguousarray(spectra)
        whole = self._dtype.kind in "iu"
        if not np.can_cast(spectra.dtype, self._dtype, "safe" if whole else "same_kind"):
            raise LimitError("dtype of spectra", spectra.dtype, f"storable as {self._dtype}")
        return np.ascontiguousarray(spectra, dtype=self._dtype)

    def _add_set(
        self,
        parent: h5py.Group,
        name: str,
        spectra: NDArray[Any],
        columns: Mapping[str, tuple[Any, str]],
    ) -> None:
        self._check_usable()
        with self._recording(f"writing the spectra {name!r}"):
            pending = (self._rows - self._flushed_rows) * self._row_bytes
            self._reserve(pending + np.asarray(spectra).nbytes)
            detector = self._file["entry/instrument"]
            wavelength = detector[group_name(self._description.detector, "Spectrometer")]
            write_spectra(parent, name, spectra, columns, wavelength["wavelength"])
            self._file.flush()

    def _reserve(self, size: int) -> None:
        """Reserve ``size`` bytes behind the present end, plus what finishing the file takes."""
        end = self._file.id.get_filesize() + size + self._margin
        try:
            self._space.reserve(end)
        except OSError as error:
            raise _NoSpace(error.strerror or str(error)) from error

    def _flush(self) -> None:
        self._buffer.write()
        self._write_events()
        self._sink.flush()
        self._flushed_rows = self._rows

    def _write_events(self) -> None:
        if self._waiting_events:
            rows = as_array(self._waiting_events)
            log = self._streams.events
            start = log.shape[0]
            log.resize(start + len(rows), axis=0)
            log[start:] = rows
            self._waiting_events.clear()

    def _complete(
        self, status: str, end: datetime, settings_after: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._flush()
        self._sink.finish()
        entry = self._file["entry"]
        write_settings_after(entry["instrument"], settings_after)
        if not self._rows:
            remove_empty(entry, self._streams)
        elif not self._streams.events.shape[0]:
            del entry["events"]
        entry["end_time"] = end.isoformat()
        self._seal(status)

    def _seal(self, status: str) -> None:
        """Write the status where it stands; takes no space."""
        self._file["entry/status"][()] = np.array(status.encode(), dtype=STATUS_DTYPE)
        self._file.flush()

    def _close(self) -> None:
        """Close the file in whatever state it is, and never twice."""
        self._open = False
        try:
            if self._damaged:
                roll_back(self._streams, self._flushed_rows)
                self._seal("failed")
            self._file.close()
        except (OSError, RuntimeError, ValueError) as error:
            _log.error("%s: left as it was at its last flush (%s)", self.path, _reason(error))
            abandon(self._file)
        self._space.release()
        try:
            trim_reservation(self.path)
        except OSError as error:
            _log.warning("%s: the end could not be trimmed (%s)", self.path, error)
        self._lock.release()

    def _check_usable(self) -> None:
        if not self._open:
            raise RecordingError(f"{self.path}: the file is closed.")
        if self._failure:
            raise RecordingError(f"{self.path}: writing failed earlier ({self._failure}).")

    @contextmanager
    def _recording(self, doing: str) -> Iterator[None]:
        try:
            yield
        except _NoSpace as error:
            self._failure = str(error)
            raise RecordingError(
                f"{self.path}: {doing} failed: no space can be had ({error}). Free some space on "
                "this disk, then start a new run; what was flushed before is safe."
            ) from error
        except (OSError, RuntimeError) as error:
            self._damaged = True
            self._failure = _reason(error)
            raise RecordingError(
                f"{self.path}: {doing} failed ({self._failure}). Everything flushed before is "
                "kept; check the disk."
            ) from error


class _NoSpace(Exception):
    """The space for a write could not be reserved; HDF5 has not been touched."""


def _reason(error: Exception) -> str:
    """Return what the operating system said, out of HDF5's long report."""
    told = re.search(r"error message = '([^']+)'", str(error))
    return told.group(1) if told else str(error)

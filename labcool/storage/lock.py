"""Tells whether a run file has a living writer, on every platform and after any kind of death.

The writer holds an operating-system lock on a small file beside the run (``<run>.h5.lock``). The
system drops the lock when the process ends, however it ends, so *nobody holds it* means *nobody
writes*. HDF5's own lock would not do: it is absent on some platforms and can be switched off by
an environment variable. On network shares without locks a live run looks interrupted to others.

Checked on Linux (flock, also after SIGKILL). UNVERIFIED on Windows (``msvcrt.locking``; there two
readers asking within the same microseconds can each take the other for the writer).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from labcool.errors import RecordingError

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _take_shared(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def lock_path(run: Path) -> Path:
    """Return where the lock of a run file lies."""
    return run.with_name(run.name + ".lock")


class WriterLock:
    """Held by the writer of a run from before the file exists until after it is closed.

    :raises RecordingError: if another writer holds it.
    """

    def __init__(self, run: Path) -> None:
        self._path = lock_path(run)
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RecordingError(f"{run}: cannot be created here ({error.strerror}).") from error
        try:
            _take(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise RecordingError(f"{run}: another program is writing this run.") from error

    def release(self) -> None:
        """Let go and remove the lock file."""
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


def is_held(run: Path) -> bool:
    """Return True if a living process holds the writer's lock of ``run``."""
    try:
        descriptor = os.open(lock_path(run), os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    except OSError:
        return False
    try:
        if sys.platform == "win32":
            _take(descriptor)
        else:
            _take_shared(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False

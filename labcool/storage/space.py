"""Disk space, taken before HDF5 needs it.

HDF5 cannot take back a half-done write: closing a file whose write failed for lack of space
leaves it unopenable, and can crash the interpreter. So the space of every block is reserved at the
end of the file *before* HDF5 is asked to write it: a full disk is found while the file is whole.
What is left of the reservation is cut off after closing; after a crash it stays as harmless zeros
behind the data (at most ``STEP`` and the margin).

Linux: ``posix_fallocate``. Windows: NTFS allocates when a file is lengthened (UNVERIFIED on
hardware). Elsewhere only the check of the free space remains.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Final

MEGABYTE: Final = 1024 * 1024
STEP: Final = 4 * MEGABYTE

_log = logging.getLogger(__name__)
_VERSION_0: Final = b"\x89HDF\r\n\x1a\n\x00"
_END_PLACE: Final = 40
_UNSUPPORTED: Final = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}


class DiskSpace:
    """The space of one file that is open for writing elsewhere.

    :param minimum_free: bytes the disk must keep free for :meth:`is_low` to be False.
    """

    def __init__(self, path: Path, minimum_free: int) -> None:
        self._folder = path.parent
        self._minimum_free = minimum_free
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._can_reserve = sys.platform == "win32" or hasattr(os, "posix_fallocate")

    def reserve(self, end: int) -> None:
        """Make sure that the first ``end`` bytes of the file can be written.

        :raises OSError: if the disk, a quota or a limit does not allow it; nothing has changed.
        """
        size = os.fstat(self._descriptor).st_size
        if size >= end or not self._can_reserve:
            return
        if sys.platform == "win32":
            os.ftruncate(self._descriptor, end + STEP)
            return
        try:
            os.posix_fallocate(self._descriptor, size, end - size + STEP)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            _log.warning("%s: this file system cannot reserve space (%s)", self._folder, error)
            self._can_reserve = False

    def is_low(self) -> bool:
        """Return True if the disk has less than its minimum free."""
        return shutil.disk_usage(self._folder).free < self._minimum_free

    def release(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def trim_reservation(path: Path) -> None:
    """Cut off what was reserved behind the end that the file's own superblock states.

    If the stated end lies *behind* the file's (a write that failed), the statement is mended,
    because HDF5 refuses to open such a file whatever it holds. HDF5 File Format Specification 3.0,
    section II.A: in a superblock of version 0 with 8-byte offsets the end stands at byte 40.
    """
    with path.open("r+b") as file:
        head = file.read(_END_PLACE + 8)
        if len(head) < _END_PLACE + 8 or head[:9] != _VERSION_0 or head[13] != 8:
            return
        end = int.from_bytes(head[_END_PLACE:], "little")
        size = os.fstat(file.fileno()).st_size
        if end < size:
            file.truncate(end)
        elif end > size:
            file.seek(_END_PLACE)
            file.write(size.to_bytes(8, "little"))

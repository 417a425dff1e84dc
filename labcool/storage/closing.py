"""Ends of a run file that are not the ordinary one."""

from __future__ import annotations

import logging
import os

import h5py

from labcool.storage.skeleton import Streams

_log = logging.getLogger(__name__)


def remove_empty(entry: h5py.Group, streams: Streams) -> None:
    """Take every dataset without rows out of a run that ended before its first point.

    The wavelengths stay with the detector. The first reference, if any, becomes the default plot.
    """
    entry["data/intensity"].dims[1].detach_scale(entry["data/wavelength"])
    for name in ("data", "temperature", "record"):
        if name in entry:
            del entry[name]
    if not streams.events.shape[0]:
        del entry["events"]
    del entry.attrs["default"]
    references = list(entry["reference"])
    if references:
        entry.attrs["default"] = "reference"
        entry["reference"].attrs["default"] = references[0]


def roll_back(streams: Streams, rows: int) -> None:
    """Cut every per-point dataset back to its first ``rows`` rows, after a write that failed.

    Chunks that could not be written are forgotten, and with them the reason of the failure. If
    HDF5 cannot do even that, the caller must not let it write anything more: what is on the disk
    is then better than what HDF5 holds (every flushed row is whole; a few later ones may be there,
    in part).

    :raises OSError, RuntimeError: if a dataset cannot be cut back.
    """
    intensity = streams.time.file["entry/data/intensity"]
    for dataset in [intensity, *streams.floats, *streams.flags, streams.time]:
        dataset.resize(rows, axis=0)


def abandon(file: h5py.File) -> None:
    """Close a file that HDF5 can no longer write, leaving on disk what its last flush left.

    HDF5 would otherwise try again, at the latest when the interpreter ends, and crash it. So its
    file descriptor is led to the null device first.
    """
    try:
        descriptor = file.id.get_vfd_handle()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, descriptor, inheritable=False)
        os.close(null)
        file.close()
    except (OSError, RuntimeError, ValueError) as error:
        _log.info("HDF5 could not close %r cleanly (%s)", file, error)

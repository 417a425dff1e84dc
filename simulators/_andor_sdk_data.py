"""Functions that fetch images. Arrays hold four bytes a value, or two in those that end with 16.

UNVERIFIED: that the two-byte functions keep the low 16 bits of accumulated counts above 65535; that
an array may be larger than needed; which images ``GetAcquiredData`` gives of a series longer than
the circular buffer (here: those that are left).
"""

from __future__ import annotations

import ctypes
from ctypes import c_long, c_ulong
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike

from simulators._andor_codes import INVALID, Status
from simulators._andor_ctypes import BUFFER, Out, Refused
from simulators._andor_sdk import SDK2, Sdk

_KINDS: Final[dict[str, DTypeLike]] = {"": np.int32, "16": np.uint16}


@SDK2.add("GetSizeOfCircularBuffer", Out(c_long))
def _ring_size(sdk: Sdk) -> int:
    return sdk.camera.ring_size()


@SDK2.add("FreeInternalMemory", traits="idle")
def _free(sdk: Sdk) -> None:
    sdk.camera.forget_images()


@SDK2.add("GetTotalNumberImagesAcquired", Out(c_long))
def _total(sdk: Sdk) -> int:
    return sdk.camera.ring.total


@SDK2.add("GetNumberNewImages", Out(c_long), Out(c_long))
def _new(sdk: Sdk) -> tuple[int, int]:
    return _found(sdk.camera.ring.new)


@SDK2.add("GetNumberAvailableImages", Out(c_long), Out(c_long))
def _available(sdk: Sdk) -> tuple[int, int]:
    return _found(sdk.camera.ring.available)


def _add_both_kinds(ending: str, kind: DTypeLike) -> None:
    @SDK2.add(f"GetImages{ending}", c_long, c_long, BUFFER, c_ulong, Out(c_long), Out(c_long))
    def _series(sdk: Sdk, first: int, last: int, address: int | None, size: int) -> Any:
        oldest, newest = _available(sdk)
        if not oldest <= first <= last <= newest:
            raise Refused(Status.GENERAL_ERRORS)
        _deliver(sdk, (first, last), address, size, kind, position=3)
        return first, last

    @SDK2.add(f"GetOldestImage{ending}", BUFFER, c_ulong)
    def _oldest(sdk: Sdk, address: int | None, size: int) -> None:
        first, _last = _new(sdk)
        _deliver(sdk, (first, first), address, size, kind)

    @SDK2.add(f"GetMostRecentImage{ending}", BUFFER, c_ulong)
    def _latest(sdk: Sdk, address: int | None, size: int) -> None:
        _first, last = _available(sdk)
        _deliver(sdk, (last, last), address, size, kind)

    @SDK2.add(f"GetAcquiredData{ending}", BUFFER, c_ulong, traits="idle")
    def _all(sdk: Sdk, address: int | None, size: int) -> None:
        _deliver(sdk, _available(sdk), address, size, kind)


for _ending, _kind in _KINDS.items():
    _add_both_kinds(_ending, _kind)


def _found(numbers: tuple[int, int] | None) -> tuple[int, int]:
    if numbers is None:
        raise Refused(Status.NO_NEW_DATA)
    return numbers


def _deliver(
    sdk: Sdk,
    numbers: tuple[int, int],
    address: int | None,
    size: int,
    kind: DTypeLike,
    position: int = 1,
) -> None:
    """Write images one after another to an address, and take note that they have been read.

    :param size: how many values the array there holds.
    :param position: which parameter (from 1) the address is; the size is the next.
    """
    ring = sdk.camera.ring
    images = [image.ravel() for image in ring.images(*numbers)]
    if not address:
        raise Refused(INVALID[position - 1])
    if size < sum(image.size for image in images):
        raise Refused(INVALID[position])
    values = np.concatenate(images).astype(kind)
    ctypes.memmove(address, values.ctypes.data, values.nbytes)
    ring.mark_read(numbers[1])

"""Kinetic series: a number of frames taken by the camera itself, each of them fetched.

pylablib passes over frames that were overwritten before they were fetched, so that a series comes
back shorter. Here the frames are asked for by number, and a missing one is an error. All are read
as 32-bit numbers. Waiting is done on the injected clock; the SDK is asked, never waited for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from drivers._andor_camera import AndorCamera, as_told
from drivers._andor_errors import (
    FIRST_PARAMETER,
    GENERAL_ERROR,
    NO_NEW_DATA,
    SECOND_PARAMETER,
    status_of,
)
from labcool.clock import Clock
from labcool.errors import GarbledAnswer, InstrumentRefused, InstrumentTimeout, LimitError
from labcool.numbers import one_of, whole

MARGIN_S: Final = 5.0
LONGEST_EXPOSURE_S: Final = 10_000.0
"""If the camera does not tell."""
LONGEST_POLL_S: Final = 0.1
SHORTEST_POLL_S: Final = 1e-3
OVERDUE_POLL_S: Final = 0.01
NOT_THERE: Final = (NO_NEW_DATA, GENERAL_ERROR, FIRST_PARAMETER, SECOND_PARAMETER)
_SLOWER: Final = "Choose a longer period, or give the computer less to do."


@dataclass(frozen=True, slots=True)
class Timing:
    """What the camera realises of what was asked for.

    :param exposure: s.
    :param period: from the start of a frame to the start of the next, s.
    """

    exposure: float
    period: float


def set_timing(camera: AndorCamera, number: int, exposure: float, period: float = 0.0) -> Timing:
    """Set a kinetic series, and return the timing that it will have.

    :param exposure: s; sent after the mode, because a change of mode may lose it.
    :param period: s; 0: the shortest.
    """
    with camera.talking() as (device, _):
        # Not set_acquisition_mode("kinetic"): in pylablib 1.4.5 that ends in mode 4.
        device.setup_kinetic_mode(number, period)
        device.set_exposure(exposure)
        realised = device.get_cycle_timings()
    timing = Timing(as_told(realised.exposure), as_told(realised.kinetic_cycle_time))
    if not all(math.isfinite(value) and value > 0 for value in (timing.exposure, timing.period)):
        raise GarbledAnswer(camera.name, f"{timing} is no timing of a series.")
    return timing


def exposure_range(camera: AndorCamera) -> tuple[float, float]:
    """Return the shortest and longest exposure, s, of the read mode and readout that are set."""
    shortest = set_timing(camera, 1, 0.0).exposure
    longest = camera.optional("GetMaximumExposure")
    if longest is None:
        return shortest, LONGEST_EXPOSURE_S
    if not (math.isfinite(longest) and longest > shortest):
        raise GarbledAnswer(camera.name, f"{longest} s is no longest exposure.")
    return shortest, as_told(longest)


def set_read_mode(
    camera: AndorCamera,
    mode: Literal["fvb", "single track"],
    first_row: int | None,
    last_row: int | None,
) -> tuple[int, int]:
    """Choose the rows that are added on the chip; return the first and last of them, from 1.

    :raises LimitError: if they are not on the sensor, or given although all rows are wanted.
    """
    name = camera.name
    if one_of(f"{name} read_mode", mode, ("fvb", "single track")) == "fvb":
        if (first_row, last_row) != (None, None):
            raise LimitError(
                f"{name} first_row, last_row", (first_row, last_row), "left out with read_mode: fvb"
            )
        with camera.talking() as (device, _):
            device.set_read_mode("fvb")
        return 1, camera.rows
    first = whole(f"{name} first_row", first_row, 1, camera.rows)
    last = whole(f"{name} last_row", last_row, first, camera.rows)
    height = last - first + 1
    with camera.talking() as (device, _):
        # pylablib counts the centre from 0, the SDK from 1: rows 100 to 109 are (105, 10) there.
        device.setup_single_track_mode(first + height // 2 - 1, height)
    return first, last


def take_series(
    camera: AndorCamera, clock: Clock, number: int, timing: Timing
) -> NDArray[np.int32]:
    """Start the series that was set and return its frames, shape (frame, pixel), counts.

    :raises InstrumentTimeout: if it is not done 5 s after its time.
    :raises InstrumentRefused: if frames were overwritten, or the camera stopped before the end.
    """
    frames = np.empty((number, camera.pixels), dtype=np.int32)
    with camera.talking() as (device, library):
        device.setup_acquisition()
        device.start_acquisition()
        ring = max(1, int(library.GetSizeOfCircularBuffer()))
    try:
        _fetch(camera, clock, frames, timing, ring)
    except BaseException:
        camera.abort_quietly()
        raise
    return frames


def _fetch(
    camera: AndorCamera, clock: Clock, frames: NDArray[np.int32], timing: Timing, ring: int
) -> None:
    number, fetched = len(frames), 0
    end = clock.now() + number * timing.period
    while fetched < number:
        # Asked before the number of frames: once it is idle, no more will come.
        is_over = not camera.is_acquiring()
        with camera.talking() as (_, library):
            taken = int(library.GetTotalNumberImagesAcquired())
        if not fetched <= taken <= number:
            raise GarbledAnswer(camera.name, f"{taken} frames were taken instead of {number}.")
        if taken - fetched > ring:
            raise _lost(camera.name, fetched, taken - ring)
        if taken > fetched:
            frames[fetched:taken] = _get(camera, fetched, taken)
            fetched = taken
            continue
        if is_over:
            raise InstrumentRefused(
                camera.name, f"the series ended after {taken} of {number} frames. Take it again."
            )
        late = clock.now() - end
        if late >= MARGIN_S:
            raise InstrumentTimeout(
                camera.name, f"only {taken} of {number} frames came in time. Check the trigger."
            )
        pause = min(LONGEST_POLL_S, max(-late / 4, OVERDUE_POLL_S), ring * timing.period / 4)
        clock.sleep(max(pause, SHORTEST_POLL_S))


def _get(camera: AndorCamera, fetched: int, taken: int) -> NDArray[np.int32]:
    first, last = fetched + 1, taken
    with camera.talking() as (_, library):
        try:
            data, valid_first, valid_last = library.GetImages(
                first, last, (taken - fetched) * camera.pixels
            )
        except Exception as error:
            if status_of(error) in NOT_THERE:
                raise _lost(camera.name, fetched, taken) from error
            raise
    if (valid_first, valid_last) != (first, last):
        raise _lost(camera.name, fetched, max(int(valid_first) - 1, fetched + 1))
    # pylablib declares the SDK's signed numbers as unsigned ones.
    counts: NDArray[Any] = np.asarray(data).view(np.int32)
    return counts.reshape(taken - fetched, camera.pixels)


def _lost(name: str, after: int, up_to: int) -> InstrumentRefused:
    return InstrumentRefused(
        name,
        f"frames {after + 1} to {up_to} were overwritten before they were fetched. {_SLOWER}",
    )

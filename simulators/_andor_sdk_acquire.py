"""Functions that set up acquisitions, run them and wait for them."""

from __future__ import annotations

from ctypes import POINTER, c_float, c_int, c_long
from typing import Any, Final

from simulators import _andor_layout as layouts
from simulators._andor_camera import START_S, UNLIMITED_S
from simulators._andor_codes import AcquisitionMode, ReadMode, Status, TriggerMode
from simulators._andor_ctypes import Out, Refused
from simulators._andor_sdk import HANDLE, SDK2, Sdk, within
from simulators._andor_setup import LONGEST_EXPOSURE_S, FastKinetics, Setup

_MOST: Final = 2**31 - 1
_DEFAULT_EXPOSURE_S: Final = 0.1


def _seconds(value: float) -> float:
    if not 0 <= value <= LONGEST_EXPOSURE_S:
        raise Refused(Status.P1INVALID)
    return value


@SDK2.add("SetAcquisitionMode", c_int, traits="idle")
def _set_mode(sdk: Sdk, mode: int) -> None:
    within(mode, AcquisitionMode.SINGLE, AcquisitionMode.RUN_TILL_ABORT)
    setup = sdk.camera.setup
    if sdk.camera.forgets_exposure and mode != setup.acquisition_mode:
        setup.exposure = _DEFAULT_EXPOSURE_S
    setup.acquisition_mode = AcquisitionMode(mode)


@SDK2.add("SetExposureTime", c_float, traits="idle")
def _set_exposure(sdk: Sdk, seconds: float) -> None:
    sdk.camera.setup.exposure = _seconds(seconds)


@SDK2.add("GetMaximumExposure", Out(c_float))
def _longest_exposure(_sdk: Sdk) -> float:
    return LONGEST_EXPOSURE_S


@SDK2.add("SetAccumulationCycleTime", c_float, traits="idle")
def _set_accumulate_cycle(sdk: Sdk, seconds: float) -> None:
    sdk.camera.setup.accumulate_cycle = _seconds(seconds)


@SDK2.add("SetKineticCycleTime", c_float, traits="idle")
def _set_kinetic_cycle(sdk: Sdk, seconds: float) -> None:
    sdk.camera.setup.kinetic_cycle = _seconds(seconds)


@SDK2.add("SetNumberAccumulations", c_int, traits="idle")
def _set_accumulations(sdk: Sdk, number: int) -> None:
    within(number, 1, _MOST)
    sdk.camera.setup.accumulations = number


@SDK2.add("SetNumberKinetics", c_int, traits="idle")
def _set_kinetics(sdk: Sdk, number: int) -> None:
    within(number, 1, _MOST)
    sdk.camera.setup.kinetics = number


@SDK2.add("SetNumberPrescans", c_int, traits="idle")
def _set_prescans(sdk: Sdk, number: int) -> None:
    within(number, 0, _MOST)
    sdk.camera.setup.prescans = number


@SDK2.add("SetFrameTransferMode", c_int, traits="idle")
def _set_transfer(sdk: Sdk, state: int) -> None:
    within(state, 0, 1)
    sdk.camera.setup.frame_transfer = bool(state)


@SDK2.add("EnableKeepCleans", c_int, traits="idle")
def _set_keep_cleans(sdk: Sdk, state: int) -> None:
    within(state, 0, 1)
    sdk.camera.setup.keep_cleans = bool(state)


@SDK2.add("SetFastKinetics", c_int, c_int, c_float, c_int, c_int, c_int, traits="idle")
def _set_fast(
    sdk: Sdk, rows: int, length: int, seconds: float, mode: int, hbin: int, vbin: int
) -> None:
    model = sdk.camera.model
    within(rows, 1, model.rows)
    within(length, 1, model.rows // rows, 2)
    if not 0 <= seconds <= LONGEST_EXPOSURE_S:
        raise Refused(Status.P3INVALID)
    if mode == ReadMode.FULL_VERTICAL_BINNING:
        layout = layouts.Layout(((0, rows),), (0, model.columns))
    elif mode == ReadMode.IMAGE:
        within(hbin, 1, model.columns, 5)
        within(vbin, 1, rows, 6)
        across, up = (hbin, 1, model.columns), (vbin, 1, rows)
        layout = layouts.image(model.columns, model.rows, across, up)
    else:
        raise Refused(Status.P4INVALID)
    sdk.camera.setup.fast_kinetics = FastKinetics(rows, length, seconds, layout)


@SDK2.add("SetReadMode", c_int, traits="idle")
def _set_read_mode(sdk: Sdk, mode: int) -> None:
    within(mode, ReadMode.FULL_VERTICAL_BINNING, ReadMode.IMAGE)
    sdk.camera.setup.read_mode = ReadMode(mode)


@SDK2.add("SetSingleTrack", c_int, c_int, traits="idle")
def _set_single(sdk: Sdk, centre: int, height: int) -> None:
    layout = layouts.single_track(*_size(sdk.camera.setup), centre, height)
    sdk.camera.setup.layouts[ReadMode.SINGLE_TRACK] = layout


@SDK2.add("SetMultiTrack", c_int, c_int, c_int, Out(c_int), Out(c_int), traits="idle")
def _set_multi(sdk: Sdk, number: int, height: int, offset: int) -> tuple[int, int]:
    layout, bottom, gap = layouts.multi_track(*_size(sdk.camera.setup), number, height, offset)
    sdk.camera.setup.layouts[ReadMode.MULTI_TRACK] = layout
    return bottom, gap


@SDK2.add("SetRandomTracks", c_int, POINTER(c_int), traits="idle")
def _set_random(sdk: Sdk, number: int, areas: Any) -> None:
    columns, rows = _size(sdk.camera.setup)
    within(number, 1, rows)
    if not areas:
        raise Refused(Status.P2INVALID)
    layout = layouts.random_tracks(columns, rows, areas[: 2 * number])
    sdk.camera.setup.layouts[ReadMode.RANDOM_TRACK] = layout


@SDK2.add("SetImage", c_int, c_int, c_int, c_int, c_int, c_int, traits="idle")
def _set_image(
    sdk: Sdk, hbin: int, vbin: int, hstart: int, hend: int, vstart: int, vend: int
) -> None:
    across, up = (hbin, hstart, hend), (vbin, vstart, vend)
    layout = layouts.image(*_size(sdk.camera.setup), across, up)
    sdk.camera.setup.layouts[ReadMode.IMAGE] = layout


@SDK2.add("GetImageFlip", Out(c_int), Out(c_int))
def _flip(sdk: Sdk) -> tuple[bool, bool]:
    return sdk.camera.setup.flip


@SDK2.add("SetImageFlip", c_int, c_int, traits="idle")
def _set_flip(sdk: Sdk, across: int, upside_down: int) -> None:
    within(across, 0, 1)
    within(upside_down, 0, 1, 2)
    sdk.camera.setup.flip = (bool(across), bool(upside_down))


@SDK2.add("GetMinimumImageLength", Out(c_int))
def _shortest_image(_sdk: Sdk) -> int:
    return 1


@SDK2.add("GetMaximumBinning", c_int, c_int, Out(c_int))
def _largest_binning(sdk: Sdk, mode: int, vertical: int) -> int:
    within(mode, ReadMode.FULL_VERTICAL_BINNING, ReadMode.IMAGE)
    within(vertical, 0, 1, 2)
    columns, rows = _size(sdk.camera.setup)
    return rows if vertical else columns


@SDK2.add("GetAcquisitionTimings", Out(c_float), Out(c_float), Out(c_float))
def _timings(sdk: Sdk) -> tuple[float, float, float]:
    timings = sdk.camera.timings()
    return timings.exposure, timings.accumulate, timings.kinetic


@SDK2.add("GetReadOutTime", Out(c_float))
def _readout_time(sdk: Sdk) -> float:
    return sdk.camera.timings().readout


@SDK2.add("GetKeepCleanTime", Out(c_float))
def _keep_clean_time(sdk: Sdk) -> float:
    return sdk.camera.timings().keep_clean


@SDK2.add("PrepareAcquisition", traits="idle")
def _prepare(sdk: Sdk) -> None:
    sdk.camera.check_ready()


@SDK2.add("StartAcquisition", traits="idle waits")
def _start(sdk: Sdk) -> None:
    camera = sdk.camera
    camera.clock.sleep(START_S)
    with camera.lock:
        software = camera.setup.trigger_mode is TriggerMode.SOFTWARE
        endless = camera.setup.acquisition_mode is AcquisitionMode.RUN_TILL_ABORT
        if software and not endless:
            raise Refused(Status.INVALID_MODE)
        if camera.link_lost:
            raise Refused(Status.USB_ERROR)
        camera.start()


@SDK2.add("AbortAcquisition")
def _abort(sdk: Sdk) -> None:
    if not sdk.camera.acquiring:
        raise Refused(Status.IDLE)
    sdk.camera.abort()


@SDK2.add("GetAcquisitionProgress", Out(c_long), Out(c_long))
def _progress(sdk: Sdk) -> tuple[int, int]:
    return sdk.camera.progress


@SDK2.add("WaitForAcquisition", traits="waits")
def _wait(sdk: Sdk) -> None:
    sdk.camera.wait(UNLIMITED_S)


@SDK2.add("WaitForAcquisitionTimeOut", c_int, traits="waits")
def _wait_for(sdk: Sdk, milliseconds: int) -> None:
    sdk.camera.wait(max(milliseconds, 0) / 1000)


@SDK2.add("WaitForAcquisitionByHandle", c_long, traits="waits")
def _wait_by_handle(sdk: Sdk, handle: int) -> None:
    within(handle, HANDLE, HANDLE)
    sdk.camera.wait(UNLIMITED_S)


@SDK2.add("WaitForAcquisitionByHandleTimeOut", c_long, c_int, traits="waits")
def _wait_by_handle_for(sdk: Sdk, handle: int, milliseconds: int) -> None:
    within(handle, HANDLE, HANDLE)
    sdk.camera.wait(max(milliseconds, 0) / 1000)


@SDK2.add("CancelWait")
def _cancel_wait(sdk: Sdk) -> None:
    sdk.camera.cancel_wait()


def _size(setup: Setup) -> tuple[int, int]:
    return setup.model.columns, setup.model.rows

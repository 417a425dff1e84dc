"""Functions about the library, the camera's identity, its cooler and its status."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_float, c_int, c_long, c_ulong
from typing import Final

from simulators._andor_codes import FanMode, Status
from simulators._andor_ctypes import BUFFER, Answer, Out, Refused, TextOut
from simulators._andor_sdk import HANDLE, SDK2, Sdk, within

_VERSIONS: Final = {0x40000000: "2.104.30064.0", 0x40000001: "6.6.0.9"}
_NO_TEMPERATURE: Final = -999
_CAPABILITY_COUNTS: Final = (12, 13)
_CAPABILITIES: Final = (
    1 | 2 | 4 | 8 | 16 | 32,  # acquisition: single, video, accumulate, kinetic, transfer, fast
    1 | 2 | 4 | 8 | 16 | 32,  # read: image, sub-image, single, full, multi and random tracks
    1 | 2 | 4 | 8 | 16 | 0x40,  # trigger: internal, external, FVB EM, software, start, inverted
    21,  # camera type: iXon Ultra
    4 | 8,  # pixels: 16 and 32 bit, monochrome
    0x01 | 0x02 | 0x04 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x4000 | 0x8000 | 0x4000000,
    0x01 | 0x04 | 0x08 | 0x20 | 0x8000,
    1 | 8 | 0x80 | 0x100 | 0x400,  # polling, shutter, fan with a middle speed, keep cleans
    0,  # speed of a PCI card
    1 | 2 | 4 | 8,  # EM gain: 8 bit, 12 bit, linear, real
    1 | 2 | 4 | 8,  # read modes with frame transfer
    0,
)


@SDK2.add("GetVersionInfo", c_int, TextOut(2), c_ulong, traits="early")
def _version(_sdk: Sdk, which: int, _size: int) -> str:
    if which not in _VERSIONS:
        raise Refused(Status.P1INVALID)
    return _VERSIONS[which]


@SDK2.add("GetAvailableCameras", Out(c_long), traits="early")
def _cameras(sdk: Sdk) -> int:
    return 0 if sdk.camera.unplugged else 1


@SDK2.add("GetCameraHandle", c_long, Out(c_long), traits="early")
def _handle(sdk: Sdk, index: int) -> int:
    within(index, 0, _cameras(sdk) - 1)
    return HANDLE


@SDK2.add("GetCurrentCamera", Out(c_long), traits="early")
def _current(_sdk: Sdk) -> int:
    return HANDLE


@SDK2.add("SetCurrentCamera", c_long, traits="early")
def _set_current(_sdk: Sdk, handle: int) -> None:
    within(handle, HANDLE, HANDLE)


@SDK2.add("Initialize", c_char_p, traits="early waits")
def _initialize(sdk: Sdk, _folder: bytes | None) -> None:
    camera = sdk.camera
    camera.clock.sleep(camera.initialise_time)
    with camera.lock:
        if camera.unplugged:
            raise Refused(Status.NO_CAMERA)
        if camera.in_use_elsewhere or camera.owner not in (None, sdk):
            raise Refused(Status.NOT_AVAILABLE)
        camera.advance()
        camera.owner = sdk
        camera.reset()
        camera.cooler.keeps_cold = False


@SDK2.add("ShutDown", traits="offline")
def _shut_down(sdk: Sdk) -> None:
    camera = sdk.camera
    camera.abort()
    if not camera.link_lost and not camera.cooler.keeps_cold:
        camera.cooler.switch(False)
    camera.owner = None
    camera.link_lost = False


@SDK2.add("GetCapabilities", BUFFER)
def _capabilities(_sdk: Sdk, address: int | None) -> None:
    if not address:
        raise Refused(Status.P1INVALID)
    size = c_ulong.from_address(address).value
    count, rest = divmod(size, ctypes.sizeof(c_ulong))
    if rest or count not in _CAPABILITY_COUNTS:
        raise Refused(Status.P1INVALID)
    fields = (c_ulong * count).from_address(address)
    fields[1:] = list(_CAPABILITIES[: count - 1])


@SDK2.add("GetControllerCardModel", TextOut())
def _card(_sdk: Sdk) -> str:
    return "USB"


@SDK2.add("GetHeadModel", TextOut())
def _head(sdk: Sdk) -> str:
    return sdk.camera.model.head


@SDK2.add("GetCameraSerialNumber", Out(c_int))
def _serial(sdk: Sdk) -> int:
    return sdk.camera.serial


@SDK2.add("GetDetector", Out(c_int), Out(c_int))
def _detector(sdk: Sdk) -> tuple[int, int]:
    return sdk.camera.model.columns, sdk.camera.model.rows


@SDK2.add("GetPixelSize", Out(c_float), Out(c_float))
def _pixel_size(sdk: Sdk) -> tuple[float, float]:
    return sdk.camera.model.pixel, sdk.camera.model.pixel


@SDK2.add("GetStatus", Out(c_int))
def _status(sdk: Sdk) -> int:
    camera = sdk.camera
    if camera.status_fault is not None:
        return camera.status_fault
    return Status.ACQUIRING if camera.acquiring else Status.IDLE


@SDK2.add("GetTemperatureRange", Out(c_int), Out(c_int))
def _temperature_range(sdk: Sdk) -> tuple[int, int]:
    return sdk.camera.model.temperature_range


@SDK2.add("SetTemperature", c_int, traits="idle")
def _set_temperature(sdk: Sdk, celsius: int) -> None:
    within(celsius, *sdk.camera.model.temperature_range)
    sdk.camera.cooler.aim_at(celsius)


@SDK2.add("CoolerON", traits="idle")
def _cooler_on(sdk: Sdk) -> None:
    sdk.camera.cooler.switch(True)


@SDK2.add("CoolerOFF", traits="idle")
def _cooler_off(sdk: Sdk) -> None:
    sdk.camera.cooler.switch(False)


@SDK2.add("IsCoolerOn", Out(c_int))
def _is_cooler_on(sdk: Sdk) -> int:
    return sdk.camera.cooler.is_on


@SDK2.add("SetCoolerMode", c_int, traits="idle")
def _cooler_mode(sdk: Sdk, mode: int) -> None:
    within(mode, 0, 1)
    sdk.camera.cooler.keeps_cold = bool(mode)


@SDK2.add("SetFanMode", c_int, traits="idle")
def _fan_mode(sdk: Sdk, mode: int) -> None:
    within(mode, FanMode.FULL, FanMode.OFF)
    sdk.camera.cooler.fan = FanMode(mode)


@SDK2.add("GetTECStatus", Out(c_int))
def _tec_status(sdk: Sdk) -> int:
    return sdk.camera.cooler.overheated


@SDK2.add("GetTemperatureF", Out(c_float), traits="offline")
def _temperature(sdk: Sdk) -> Answer:
    camera = sdk.camera
    if camera.link_lost:
        return Answer(Status.TEMPERATURE_OFF, (_NO_TEMPERATURE,))
    if camera.acquiring:
        raise Refused(Status.ACQUIRING)
    return Answer(camera.cooler.status(), (camera.cooler.sensor,))


@SDK2.add("GetTemperature", Out(c_int), traits="offline")
def _whole_temperature(sdk: Sdk) -> Answer:
    answer = _temperature(sdk)
    return Answer(answer.code, (round(answer.values[0]),))

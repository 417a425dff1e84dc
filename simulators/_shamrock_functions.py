"""The functions of the spectrograph library."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_char_p, c_float, c_int
from enum import IntEnum
from typing import Any, Final

import numpy as np

from simulators._andor_ctypes import (
    BUFFER,
    CFunction,
    FunctionTable,
    Library,
    Out,
    Refused,
    TextOut,
)
from simulators._shamrock_spectrograph import (
    BNC,
    CLOSED,
    DIRECT,
    INPUT_FLIPPER,
    INPUT_SIDE,
    NARROWEST_UM,
    OUTPUT_DIRECT,
    OUTPUT_FLIPPER,
    SIDE,
    WIDEST_UM,
    Shamrock,
)


class Status(IntEnum):
    """Return codes, the SHAMROCK_... of the header."""

    COMMUNICATION_ERROR = 20201
    SUCCESS = 20202
    ERROR = 20249
    P1INVALID = 20266
    P2INVALID = 20267
    P3INVALID = 20268
    P4INVALID = 20269
    P5INVALID = 20270
    NOT_INITIALISED = 20275
    NOT_AVAILABLE = 20292


INVALID: Final = (
    Status.P1INVALID, Status.P2INVALID, Status.P3INVALID, Status.P4INVALID, Status.P5INVALID,
)  # fmt: skip
CIF: Final = FunctionTable(Status.SUCCESS, INVALID)
_TURRETS: Final = 3
_FILTERS: Final = 6
_LARGEST_DETECTOR_OFFSET: Final = 240_000
_LARGEST_GRATING_OFFSET: Final = 20_000
_MOST_PIXELS: Final = 16_384


class ShamrockCif:
    """The library in the memory of one program.

    Traits of functions: ``early`` (also before ``ShamrockInitialize``), ``library`` (no device
    number in front).
    """

    def __init__(self, spectrograph: Shamrock) -> None:
        self.spectrograph = spectrograph
        self.initialised = False
        self.pixels = 0
        self.pixel_width = 0.0

    def export(self) -> Library:
        """Return a new library object."""
        return CIF.export(self)

    def call(self, function: CFunction, arguments: Sequence[Any]) -> Any:
        """Run a function, one at a time, or refuse it with the code that the library would give.

        :raises Refused: if it is not initialised, has no such device, or cannot reach it.
        """
        with self.spectrograph.lock:
            if "early" not in function.traits and not self.initialised:
                raise Refused(Status.NOT_INITIALISED)
            if "library" in function.traits:
                return function.body(self, *arguments)
            if arguments[0] != 0:
                raise Refused(Status.P1INVALID)
            if self.spectrograph.disturbed:
                raise Refused(Status.COMMUNICATION_ERROR)
            return function.body(self, *arguments[1:])


def _within(number: float, lowest: float, highest: float, position: int = 2) -> None:
    if not lowest <= number <= highest:
        raise Refused(INVALID[position - 1])


def _grating(cif: ShamrockCif, number: int) -> int:
    _within(number, 1, len(cif.spectrograph.gratings))
    return number


@CIF.add("ShamrockInitialize", c_char_p, traits="early library")
def _initialise(cif: ShamrockCif, _path: bytes | None) -> None:
    spectrograph = cif.spectrograph
    spectrograph.clock.sleep(spectrograph.homing_time)
    if not spectrograph.unplugged and spectrograph.disturbed:
        raise Refused(Status.COMMUNICATION_ERROR)
    cif.initialised = True


@CIF.add("ShamrockClose", traits="library")
def _close(cif: ShamrockCif) -> None:
    cif.initialised = False


@CIF.add("ShamrockGetNumberDevices", Out(c_int), traits="library")
def _devices(cif: ShamrockCif) -> int:
    return 0 if cif.spectrograph.unplugged else 1


@CIF.add("ShamrockGetFunctionReturnDescription", c_int, TextOut(2), c_int, traits="early library")
def _description(_cif: ShamrockCif, code: int, size: int) -> str:
    _within(size, 1, 1 << 20, 3)
    return f"SHAMROCK_{Status(code).name}" if code in list(Status) else "Unknown error"


@CIF.add("ShamrockGetSerialNumber", c_int, TextOut())
def _serial(cif: ShamrockCif) -> str:
    return cif.spectrograph.serial


@CIF.add("ShamrockEepromGetOpticalParams", c_int, Out(c_float), Out(c_float), Out(c_float))
def _optics(cif: ShamrockCif) -> tuple[float, float, float]:
    arms = cif.spectrograph.arms
    return arms.focal_length, arms.deviation, arms.tilt


@CIF.add("ShamrockGratingIsPresent", c_int, Out(c_int))
def _has_grating(_cif: ShamrockCif) -> int:
    return 1


@CIF.add("ShamrockGetTurret", c_int, Out(c_int))
def _turret(cif: ShamrockCif) -> int:
    return cif.spectrograph.turret


@CIF.add("ShamrockSetTurret", c_int, c_int)
def _set_turret(cif: ShamrockCif, turret: int) -> None:
    _within(turret, 1, _TURRETS)
    cif.spectrograph.turret = turret


@CIF.add("ShamrockGetNumberGratings", c_int, Out(c_int))
def _gratings(cif: ShamrockCif) -> int:
    return len(cif.spectrograph.gratings)


@CIF.add("ShamrockGetGrating", c_int, Out(c_int))
def _current_grating(cif: ShamrockCif) -> int:
    return cif.spectrograph.grating


@CIF.add("ShamrockSetGrating", c_int, c_int)
def _set_grating(cif: ShamrockCif, number: int) -> None:
    cif.spectrograph.change_grating(_grating(cif, number))


@CIF.add("ShamrockGetGratingInfo", c_int, c_int, Out(c_float), TextOut(), Out(c_int), Out(c_int))
def _grating_info(cif: ShamrockCif, number: int) -> tuple[float, str, int, int]:
    grating = cif.spectrograph.gratings[_grating(cif, number) - 1]
    return grating.lines, grating.blaze, grating.home, cif.spectrograph.grating_offsets[number]


@CIF.add("ShamrockGetGratingOffset", c_int, c_int, Out(c_int))
def _grating_offset(cif: ShamrockCif, number: int) -> int:
    return cif.spectrograph.grating_offsets[_grating(cif, number)]


@CIF.add("ShamrockSetGratingOffset", c_int, c_int, c_int)
def _set_grating_offset(cif: ShamrockCif, number: int, steps: int) -> None:
    _grating(cif, number)
    _within(steps, -_LARGEST_GRATING_OFFSET, _LARGEST_GRATING_OFFSET, 3)
    cif.spectrograph.grating_offsets[number] = steps
    cif.spectrograph.offset_changed()


@CIF.add("ShamrockGetDetectorOffset", c_int, Out(c_int))
def _detector_offset(cif: ShamrockCif) -> int:
    return cif.spectrograph.detector_offset


@CIF.add("ShamrockSetDetectorOffset", c_int, c_int)
def _set_detector_offset(cif: ShamrockCif, steps: int) -> None:
    _within(steps, -_LARGEST_DETECTOR_OFFSET, _LARGEST_DETECTOR_OFFSET)
    cif.spectrograph.detector_offset = steps
    cif.spectrograph.offset_changed()


@CIF.add("ShamrockWavelengthIsPresent", c_int, Out(c_int))
def _has_drive(_cif: ShamrockCif) -> int:
    return 1


@CIF.add("ShamrockGetWavelength", c_int, Out(c_float))
def _wavelength(cif: ShamrockCif) -> float:
    return cif.spectrograph.wavelength


@CIF.add("ShamrockSetWavelength", c_int, c_float)
def _set_wavelength(cif: ShamrockCif, wavelength: float) -> None:
    _within(wavelength, 0.0, cif.spectrograph.longest(cif.spectrograph.grating))
    cif.spectrograph.turn_to(wavelength)


@CIF.add("ShamrockGetWavelengthLimits", c_int, c_int, Out(c_float), Out(c_float))
def _limits(cif: ShamrockCif, number: int) -> tuple[float, float]:
    return 0.0, cif.spectrograph.longest(_grating(cif, number))


@CIF.add("ShamrockAtZeroOrder", c_int, Out(c_int))
def _at_zero_order(cif: ShamrockCif) -> int:
    return cif.spectrograph.at_zero_order


@CIF.add("ShamrockGotoZeroOrder", c_int)
def _to_zero_order(cif: ShamrockCif) -> None:
    cif.spectrograph.turn_to(0.0)


@CIF.add("ShamrockWavelengthReset", c_int)
def _reset_wavelength(cif: ShamrockCif) -> None:
    cif.spectrograph.turn_to(0.0)


@CIF.add("ShamrockGetNumberPixels", c_int, Out(c_int))
def _pixels(cif: ShamrockCif) -> int:
    return cif.pixels


@CIF.add("ShamrockSetNumberPixels", c_int, c_int)
def _set_pixels(cif: ShamrockCif, pixels: int) -> None:
    _within(pixels, 1, _MOST_PIXELS)
    cif.pixels = pixels


@CIF.add("ShamrockGetPixelWidth", c_int, Out(c_float))
def _pixel_width(cif: ShamrockCif) -> float:
    return cif.pixel_width


@CIF.add("ShamrockSetPixelWidth", c_int, c_float)
def _set_pixel_width(cif: ShamrockCif, width: float) -> None:
    if not 0.0 < width < 1000.0:
        raise Refused(Status.P2INVALID)
    cif.pixel_width = width


@CIF.add("ShamrockGetCalibration", c_int, BUFFER, c_int)
def _calibration(cif: ShamrockCif, address: int | None, pixels: int) -> None:
    if not address:
        raise Refused(Status.P2INVALID)
    if pixels < 1 or pixels != cif.pixels:
        raise Refused(Status.P3INVALID)
    if cif.spectrograph.at_zero_order or not cif.pixel_width:
        raise Refused(Status.ERROR)
    values = cif.spectrograph.calibration(pixels, cif.pixel_width).astype(np.float32)
    ctypes.memmove(address, values.ctypes.data, values.nbytes)


@CIF.add("ShamrockAutoSlitIsPresent", c_int, c_int, Out(c_int))
def _has_slit(cif: ShamrockCif, slit: int) -> int:
    _within(slit, INPUT_SIDE, OUTPUT_DIRECT)
    return slit in cif.spectrograph.slit_widths


@CIF.add("ShamrockGetAutoSlitWidth", c_int, c_int, Out(c_float))
def _slit(cif: ShamrockCif, slit: int) -> float:
    if not _has_slit(cif, slit):
        raise Refused(Status.NOT_AVAILABLE)
    return cif.spectrograph.slit_widths[slit]


@CIF.add("ShamrockSetAutoSlitWidth", c_int, c_int, c_float)
def _set_slit(cif: ShamrockCif, slit: int, width: float) -> None:
    _slit(cif, slit)
    _within(width, NARROWEST_UM, WIDEST_UM, 3)
    cif.spectrograph.set_slit(slit, width)


@CIF.add("ShamrockAutoSlitReset", c_int, c_int)
def _reset_slit(cif: ShamrockCif, slit: int) -> None:
    _slit(cif, slit)
    cif.spectrograph.set_slit(slit, NARROWEST_UM)


@CIF.add("ShamrockShutterIsPresent", c_int, Out(c_int))
def _has_shutter(cif: ShamrockCif) -> int:
    return cif.spectrograph.shutter is not None


@CIF.add("ShamrockIsModePossible", c_int, c_int, Out(c_int))
def _shutter_mode_possible(cif: ShamrockCif, mode: int) -> int:
    _within(mode, CLOSED, BNC)
    return cif.spectrograph.shutter is not None


@CIF.add("ShamrockGetShutter", c_int, Out(c_int))
def _shutter(cif: ShamrockCif) -> int:
    if cif.spectrograph.shutter is None:
        raise Refused(Status.NOT_AVAILABLE)
    return cif.spectrograph.shutter


@CIF.add("ShamrockSetShutter", c_int, c_int)
def _set_shutter(cif: ShamrockCif, mode: int) -> None:
    _shutter(cif)
    _within(mode, CLOSED, BNC)
    cif.spectrograph.set_shutter(mode)


@CIF.add("ShamrockFilterIsPresent", c_int, Out(c_int))
def _has_filter(cif: ShamrockCif) -> int:
    return cif.spectrograph.filter is not None


@CIF.add("ShamrockGetFilter", c_int, Out(c_int))
def _filter(cif: ShamrockCif) -> int:
    if cif.spectrograph.filter is None:
        raise Refused(Status.NOT_AVAILABLE)
    return cif.spectrograph.filter


@CIF.add("ShamrockSetFilter", c_int, c_int)
def _set_filter(cif: ShamrockCif, number: int) -> None:
    _filter(cif)
    _within(number, 1, _FILTERS)
    cif.spectrograph.move_part()
    cif.spectrograph.filter = number


@CIF.add("ShamrockFilterReset", c_int)
def _reset_filter(cif: ShamrockCif) -> None:
    _set_filter(cif, 1)


@CIF.add("ShamrockGetFilterInfo", c_int, c_int, TextOut())
def _filter_info(cif: ShamrockCif, number: int) -> str:
    _filter(cif)
    _within(number, 1, _FILTERS)
    return cif.spectrograph.filter_texts[number]


@CIF.add("ShamrockSetFilterInfo", c_int, c_int, c_char_p)
def _set_filter_info(cif: ShamrockCif, number: int, text: bytes | None) -> None:
    _filter(cif)
    _within(number, 1, _FILTERS)
    if text is None:
        raise Refused(Status.P3INVALID)
    cif.spectrograph.filter_texts[number] = text.decode("ascii", "replace")


@CIF.add("ShamrockFlipperMirrorIsPresent", c_int, c_int, Out(c_int))
def _has_flipper(cif: ShamrockCif, flipper: int) -> int:
    _within(flipper, INPUT_FLIPPER, OUTPUT_FLIPPER)
    return flipper in cif.spectrograph.flipper_ports


@CIF.add("ShamrockGetFlipperMirror", c_int, c_int, Out(c_int))
def _flipper(cif: ShamrockCif, flipper: int) -> int:
    if not _has_flipper(cif, flipper):
        raise Refused(Status.NOT_AVAILABLE)
    return cif.spectrograph.flipper_ports[flipper]


@CIF.add("ShamrockSetFlipperMirror", c_int, c_int, c_int)
def _set_flipper(cif: ShamrockCif, flipper: int, port: int) -> None:
    _flipper(cif, flipper)
    _within(port, DIRECT, SIDE, 3)
    cif.spectrograph.move_part()
    cif.spectrograph.flipper_ports[flipper] = port


@CIF.add("ShamrockFlipperMirrorReset", c_int, c_int)
def _reset_flipper(cif: ShamrockCif, flipper: int) -> None:
    _set_flipper(cif, flipper, DIRECT)


@CIF.add("ShamrockAccessoryIsPresent", c_int, Out(c_int))
def _has_accessory(cif: ShamrockCif) -> int:
    return cif.spectrograph.accessory is not None


@CIF.add("ShamrockGetAccessoryState", c_int, c_int, Out(c_int))
def _accessory(cif: ShamrockCif, line: int) -> int:
    if cif.spectrograph.accessory is None:
        raise Refused(Status.NOT_AVAILABLE)
    _within(line, 1, 2)
    return cif.spectrograph.accessory[line]


@CIF.add("ShamrockSetAccessory", c_int, c_int, c_int)
def _set_accessory(cif: ShamrockCif, line: int, state: int) -> None:
    _accessory(cif, line)
    _within(state, 0, 1, 3)
    if cif.spectrograph.accessory is not None:
        cif.spectrograph.accessory[line] = state


@CIF.add("ShamrockIrisIsPresent", c_int, c_int, Out(c_int))
def _has_iris(_cif: ShamrockCif, iris: int) -> int:
    _within(iris, 0, 1)
    return 0


@CIF.add("ShamrockFocusMirrorIsPresent", c_int, Out(c_int))
def _has_focus(_cif: ShamrockCif) -> int:
    return 0

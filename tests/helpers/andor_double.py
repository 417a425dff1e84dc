"""A double of Andor's two libraries at the level of C calls, for the drivers' own tests.

It knows nothing of physics: it notes every call, answers what a test has put into it, and its n-th
frame of a series is n counts at every pixel, plus ``light``. Prototypes come from pylablib.
"""

# ruff: noqa: N802 - methods bear the names of the functions that they answer

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from drivers.andor import AndorSpectrometer
from labcool.clock import VirtualClock

SUCCESS, SHAMROCK_SUCCESS = 20002, 20202
ACQUIRING, IDLE = 20072, 20073
EVERYTHING = 0xFFFFFFFF
PLAIN = [
    "AbortAcquisition", "CoolerOFF", "CoolerON", "FreeInternalMemory", "Initialize",
    "PrepareAcquisition", "SetADChannel", "SetAccumulationCycleTime", "SetAcquisitionMode",
    "SetCoolerMode", "SetCurrentCamera", "SetEMAdvanced", "SetEMGainMode",
    "SetExternalTriggerTermination", "SetFanMode", "SetFrameTransferMode", "SetHSSpeed",
    "SetImage", "SetKineticCycleTime", "SetNumberAccumulations", "SetNumberKinetics",
    "SetNumberPrescans", "SetOutputAmplifier", "SetPreAmpGain", "SetRandomTracks",
    "SetReadMode", "SetShutter", "GetTriggerLevelRange", "SetSingleTrack", "SetTemperature",
    "SetTriggerInvert", "SetTriggerLevel", "SetTriggerMode", "SetVSSpeed", "ShutDown",
    "ShamrockClose", "ShamrockInitialize", "ShamrockSetNumberPixels", "ShamrockSetPixelWidth",
    "ShamrockGetFunctionReturnDescription",
]  # fmt: skip
"""Functions that change nothing that the double would answer; the others are below."""


class _Prototypes:
    """Gives pylablib something to write the types of each function to."""

    def __init__(self) -> None:
        self.__dict__["found"] = {}

    def __getattr__(self, name: str) -> Any:
        return self.found.setdefault(name, SimpleNamespace())


def _library(
    define: Callable[[Any], None],
    known: set[str],
    answer: Callable[[str, tuple[Any, ...]], int],
) -> Any:
    prototypes = _Prototypes()
    define(prototypes)
    library = SimpleNamespace()
    for name, prototype in prototypes.found.items():
        if name not in known:
            continue
        # As c_char_p a buffer would arrive as a copy that cannot be written to.
        types = [ctypes.c_void_p if t is ctypes.c_char_p else t for t in prototype.argtypes]

        def call(*arguments: Any, name: str = name) -> int:
            return answer(name, arguments)

        function = ctypes.CFUNCTYPE(ctypes.c_uint, *types)(call)
        function.__name__ = name
        setattr(library, name, function)
    return library


class AndorDouble:
    """One camera with one spectrograph, and the libraries to reach them."""

    def __init__(self, clock: VirtualClock, pixels: int = 8, rows: int = 6) -> None:
        self.clock, self.pixels, self.rows = clock, pixels, rows
        self.calls: list[tuple[Any, ...]] = []
        self.codes: dict[str, int] = {}
        self.absent: set[str] = set()
        self.crashes: list[BaseException] = []
        self.light = np.zeros(pixels, dtype=int)
        self.cooler, self.gain, self.setpoint = 0, 0, 0
        self.temperature, self.temperature_code = 20.0, 20034
        self.capabilities = EVERYTHING
        self.exposure, self.number, self.period, self.fastest = 0.1, 1, 0.0, 0.0
        self.started: float | None = None
        self.series = 0
        self.stops_after = self.ring = 1000
        self.delivered_from = 1
        self.values: dict[str, tuple[Any, ...]] = {
            "GetAvailableCameras": (1,),
            "GetCameraHandle": (100,),
            "GetCurrentCamera": (100,),
            "GetCameraSerialNumber": (4711,),
            "GetTemperatureRange": (-120, 20),
            "GetTECStatus": (0,),
            "GetNumberADChannels": (1,),
            "GetNumberAmp": (2,),
            "GetNumberPreAmpGains": (2,),
            "GetBitDepth": (16,),
            "GetNumberHSSpeeds": (2,),
            "IsPreAmpGainAvailable": (1,),
            "GetNumberVSSpeeds": (3,),
            "GetFastestRecommendedVSSpeed": (1, 0.5),
            "GetEMGainRange": (2, 300),
            "GetEMAdvanced": (0,),
            "GetShutterMinTimes": (27, 27),
            "GetDetector": (pixels, rows),
            "GetPixelSize": (16.0, 16.0),
            "GetSensitivity": (4.0,),
            "GetMaximumExposure": (1000.0,),
            "SetMultiTrack": (0, 0),
            "ShamrockGetNumberDevices": (1,),
            "ShamrockEepromGetOpticalParams": (0.303, 30.0, 0.5),
            "ShamrockGetNumberGratings": (3,),
            "ShamrockGetPixelWidth": (16.0,),
            "ShamrockWavelengthIsPresent": (1,),
            "ShamrockGetWavelengthLimits": (0.0, 1200.0),
            "ShamrockAutoSlitIsPresent": (1,),
        }
        self.grating, self.wavelength, self.slit = 1, 500.0, 100.0
        self.slope = 0.5
        self.stuck = False

    def load(self, names: Sequence[str]) -> object:
        from pylablib.devices.Andor import ShamrockCIF_defs, atmcd32d_defs

        if any(name in self.absent for name in names):
            raise OSError(f"no {names[0]} here")
        is_camera = "atmcd64d.dll" in names
        definitions = atmcd32d_defs if is_camera else ShamrockCIF_defs
        known = {*PLAIN, *self.values, *(name.removeprefix("_") for name in dir(self))}
        return _library(definitions.define_functions, known, self._answer)

    @property
    def orders(self) -> list[tuple[Any, ...]]:
        """What changed something, in the order in which it came."""
        asking = re.compile("SetCurrentCamera|PrepareAcquisition|.*(Get|Is[A-Z]|AtZeroOrder)")
        return [call for call in self.calls if not asking.match(call[0])]

    def times(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    def _answer(self, name: str, arguments: tuple[Any, ...]) -> int:
        plain = [a for a in arguments if isinstance(a, (int, float))]
        self.calls.append((name, *plain))
        good = SHAMROCK_SUCCESS if name.startswith("Shamrock") else SUCCESS
        if name in self.codes:
            return self.codes[name]
        try:
            method = getattr(self, f"_{name}", None)
            if method is not None:
                code = method(*arguments)
                return good if code is None else code
            pointers = [a for a in arguments if isinstance(a, ctypes._Pointer)]
            for pointer, value in zip(pointers, self.values.get(name, ()), strict=False):
                pointer[0] = value
        except BaseException as error:  # noqa: BLE001 - it would vanish in the callback
            self.crashes.append(error)
        return good

    # The camera

    def _GetCapabilities(self, caps: Any) -> None:
        for field, _ in caps.contents._fields_[1:]:
            setattr(caps.contents, field, self.capabilities)

    def _GetControllerCardModel(self, text: int) -> None:
        _write(text, b"USB")

    def _GetHeadModel(self, text: int) -> None:
        _write(text, b"DU897_BV")

    def _GetVersionInfo(self, _: int, text: int, __: int) -> None:
        _write(text, b"2.104")

    def _GetAmpDesc(self, index: int, text: int, _: int) -> None:
        _write(text, (b"Electron Multiplying", b"Conventional")[index])

    def _GetHSSpeed(self, _: int, amplifier: int, index: int, speed: Any) -> None:
        speed[0] = ((17.0, 10.0), (3.0, 1.0))[amplifier][index]

    def _GetVSSpeed(self, index: int, speed: Any) -> None:
        speed[0] = (0.3, 0.5, 0.9)[index]

    def _GetPreAmpGain(self, index: int, gain: Any) -> None:
        gain[0] = (1.0, 2.0)[index]

    def _CoolerON(self) -> None:
        self.cooler, self.temperature_code = 1, 20037

    def _CoolerOFF(self) -> None:
        self.cooler, self.temperature_code = 0, 20034

    def _IsCoolerOn(self, on: Any) -> None:
        on[0] = self.cooler

    def _SetTemperature(self, degrees: int) -> None:
        self.setpoint = degrees

    def _GetTemperatureF(self, temperature: Any) -> int:
        temperature[0] = self.temperature
        return self.temperature_code

    def _SetEMCCDGain(self, gain: int) -> None:
        self.gain = gain

    def _GetEMCCDGain(self, gain: Any) -> None:
        gain[0] = self.gain

    def _SetAcquisitionMode(self, _: int) -> None:
        self.exposure = 0.02

    def _SetExposureTime(self, seconds: float) -> None:
        self.exposure = max(seconds, 0.002)

    def _SetNumberKinetics(self, number: int) -> None:
        self.number = number

    def _SetKineticCycleTime(self, period: float) -> None:
        self.period = period

    @property
    def cycle(self) -> float:
        return max(self.period, self.exposure + 0.001, self.fastest)

    def _GetAcquisitionTimings(self, exposure: Any, accumulation: Any, kinetic: Any) -> None:
        exposure[0], accumulation[0], kinetic[0] = self.exposure, self.cycle, self.cycle

    def _GetSizeOfCircularBuffer(self, size: Any) -> None:
        size[0] = self.ring

    def _StartAcquisition(self) -> None:
        self.started, self.series = self.clock.now(), self.number

    def _AbortAcquisition(self) -> None:
        self.started = None

    @property
    def taken(self) -> int:
        if self.started is None:
            return 0
        passed = (self.clock.now() - self.started + 1e-9) // self.cycle
        return min(int(passed), self.series, self.stops_after)

    def _GetStatus(self, status: Any) -> None:
        busy = self.started is not None and self.taken < min(self.series, self.stops_after)
        status[0] = ACQUIRING if busy else IDLE

    def _GetTotalNumberImagesAcquired(self, number: Any) -> None:
        number[0] = self.taken

    def _GetImages(
        self, first: int, last: int, data: Any, size: int, valid_first: Any, valid_last: Any
    ) -> None:
        numbers = np.arange(first, last + 1, dtype=np.int32)
        frames = (numbers[:, None] + self.light).astype(np.int32)
        assert frames.size == size
        ctypes.memmove(data, frames.ctypes.data, frames.nbytes)
        valid_first[0], valid_last[0] = max(first, self.delivered_from), last

    # The spectrograph

    def _ShamrockGetSerialNumber(self, _: int, text: int) -> None:
        _write(text, b"SR-0815")

    def _ShamrockGetGratingInfo(
        self, _: int, number: int, lines: Any, blaze: int, home: Any, offset: Any
    ) -> None:
        lines[0], home[0], offset[0] = (150.0, 600.0, 1200.0)[number - 1], 0, 0
        _write(blaze, b"500")

    def _ShamrockGetGrating(self, _: int, grating: Any) -> None:
        grating[0] = self.grating

    def _ShamrockSetGrating(self, _: int, grating: int) -> None:
        self.grating = self.grating if self.stuck else grating

    def _ShamrockGetWavelength(self, _: int, wavelength: Any) -> None:
        wavelength[0] = self.wavelength

    def _ShamrockSetWavelength(self, _: int, wavelength: float) -> None:
        self.wavelength = self.wavelength if self.stuck else wavelength

    def _ShamrockAtZeroOrder(self, _: int, there: Any) -> None:
        there[0] = int(self.wavelength == 0.0)

    def _ShamrockGotoZeroOrder(self, _: int) -> None:
        self.wavelength = self.wavelength if self.stuck else 0.0

    def _ShamrockGetAutoSlitWidth(self, _: int, __: int, width: Any) -> None:
        width[0] = self.slit

    def _ShamrockSetAutoSlitWidth(self, _: int, __: int, width: float) -> None:
        self.slit = self.slit if self.stuck else width

    def _ShamrockGetNumberPixels(self, _: int, pixels: Any) -> None:
        pixels[0] = self.pixels

    def _ShamrockGetCalibration(self, _: int, values: Any, number: int) -> None:
        for pixel in range(number):
            values[pixel] = self.wavelength + self.slope * (pixel - number / 2)


def connected(double: AndorDouble, **settings: Any) -> AndorSpectrometer:
    """Return the driver on a double, called "camera", warm and with a made-up axis unless told."""
    quiet = {"require_cold": False, "read_noise_electrons": 6.0}
    if not settings.get("spectrograph"):
        quiet["wavelength_coefficients"] = [500.0, 1.0]
    return AndorSpectrometer(double, "camera", clock=double.clock, **{**quiet, **settings})


def _write(address: int, text: bytes) -> None:
    ctypes.memmove(address, text + b"\x00", len(text) + 1)

"""Calls of a C library by name, as a program makes them, and a lamp for its camera."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labcool.clock import VirtualClock
from simulators.andor import AndorCamera, AndorLink
from simulators.shamrock import Shamrock

CAMERA = ["atmcd64d_legacy.dll", "atmcd64d.dll"]
SPECTROGRAPH = ["atspectrograph.dll", "ShamrockCIF64.dll", "ShamrockCIF.dll"]
TEXT = object()
"""Stands for a buffer of 256 characters."""
SUCCESS = 20002


class Calls:
    """Calls functions of a library.

    ``calls("GetVSSpeed", 1, c_float)`` passes 1 and a pointer to a float, and returns the code and
    the float.
    """

    def __init__(self, library: Any) -> None:
        self.library = library

    def __call__(self, name: str, *arguments: Any) -> Any:
        passed, outs = [], []
        for argument in arguments:
            if argument is TEXT:
                outs.append(ctypes.create_string_buffer(256))
                passed.append(outs[-1])
            elif isinstance(argument, type):
                outs.append(argument())
                passed.append(ctypes.byref(outs[-1]))
            else:
                passed.append(argument)
        code = getattr(self.library, name)(*passed)
        return (code, *(out.value for out in outs)) if outs else code

    def done(self, name: str, *arguments: Any) -> Any:
        """Call a function that has to succeed, and return what comes out."""
        code, *values = np.atleast_1d(np.array(self(name, *arguments), dtype=object))
        assert code in (20002, 20202), (name, arguments, code)
        return values[0] if len(values) == 1 else tuple(values)


class Lamp:
    """Even light, or that of a function of the column, and a record of the exposures."""

    def __init__(self, rate: float | NDArray[Any] = 0.0) -> None:
        self.rate = rate
        self.columns = 512
        self.exposures: list[tuple[float, float]] = []

    def __call__(self, start: float, duration: float) -> Callable[[], NDArray[Any]]:
        self.exposures.append((start, duration))
        return lambda: np.broadcast_to(np.asarray(self.rate, float) * duration, self.columns)


class Rig:
    """A camera with a lamp, its library loaded and initialised, the shutter open.

    The sensor is cold and quiet unless ``settings`` say something else.
    """

    def __init__(self, rate: float | NDArray[Any] = 0.0, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.lamp = Lamp(rate)
        quiet = {"cosmic_rate": 0.0, "clock_induced_charge": 0.0, "bias_drift": 0.0, "room": -80.0}
        self.camera = AndorCamera(
            self.clock,
            expose=self.lamp,
            rng=np.random.default_rng(settings.pop("seed", 5)),
            **{**quiet, **settings},
        )
        self.lamp.columns = self.camera.columns
        self.spectrograph = Shamrock(self.clock)
        self.link = AndorLink(self.camera, self.spectrograph)
        self.sdk = Calls(self.link.load(CAMERA))
        self.sdk.done("Initialize", b"")
        self.sdk.done("SetShutter", 0, 1, 0, 0)
        self.clock.sleep(1.0)

    def images(self, first: int, last: int, kind: str = "16") -> NDArray[Any]:
        """Return images by their numbers, shape (image, value)."""
        values = self.camera.setup.layout.values
        count = last - first + 1
        array = np.zeros((count, values), np.uint16 if kind else np.int32)
        valid = (ctypes.c_long(), ctypes.c_long())
        code = getattr(self.sdk.library, f"GetImages{kind}")(
            first, last, array.ctypes.data, array.size, *map(ctypes.byref, valid)
        )
        assert code == SUCCESS, code
        assert [number.value for number in valid] == [first, last]
        return array

    def kinetic(self, number: int, exposure: float, kind: str = "16") -> NDArray[Any]:
        """Take a kinetic series and return it, shape (image, value)."""
        self.sdk.done("SetAcquisitionMode", 3)
        self.sdk.done("SetExposureTime", exposure)
        self.sdk.done("SetNumberKinetics", number)
        self.sdk.done("StartAcquisition")
        while self.sdk.done("GetStatus", ctypes.c_int) == 20072:
            self.clock.sleep(0.5)
        return self.images(1, number, kind)

"""Andor cameras and spectrographs with faults in the calls of the vendor's libraries.

An answer is what a call returns: late, or (dropped) the code of a broken connection and nothing
done. The libraries check by themselves what comes from the devices, so that no answer is garbled,
truncated or taken for another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators._andor_codes import Status as SdkStatus
from simulators._andor_ctypes import CFunction, Refused
from simulators._andor_sdk import Sdk
from simulators._fault import DEFAULT_DELAY_S
from simulators._fault_host import FaultHost
from simulators._shamrock_functions import Status as CifStatus
from simulators.andor import AndorCamera, AndorLink
from simulators.device import Switch
from simulators.shamrock import Shamrock, ShamrockCif

DRIFT_K: Final = 15.0
FLOOD_ELECTRONS: Final = 1e7
OTHER_CAMERA: Final = 54321
OTHER_SPECTROGRAPH: Final = "OTHER-0001"


class _FaultyLibrary(FaultHost):
    """A device that is reached by calls of a library."""

    _answer_faults = ("late", "dropped")

    def fate(self, function: CFunction) -> tuple[bool, float]:
        """Return whether a call is lost, and how much later it comes back, s."""
        self.poke()
        if "early" in function.traits:
            return False, 0.0
        hits = self._hits(answer=function.name.encode(), before=b"")
        delays = [fault.delay_s or DEFAULT_DELAY_S for fault in hits if fault.kind == "late"]
        return any(fault.kind == "dropped" for fault in hits), sum(delays)


class FaultyAndor(_FaultyLibrary):
    """A camera whose library is the place where things go wrong.

    :param link: not loaded yet.
    """

    def __init__(self, link: AndorLink, rng: np.random.Generator | None = None) -> None:
        super().__init__(link.camera.clock, rng)
        self.device = link.camera
        self._serial = link.camera.serial
        self._expose = link.camera._expose
        link._sdk = _FaultySdk(link.camera, self)

    def states(self) -> Mapping[str, Switch]:
        """Return the lasting faults that the camera can have."""
        return {
            "disconnect": self._unplug,
            "power_cycle": self._cut_power,
            "wrong_device": self._replace,
            "saturation": self._flood,
            "cooler_drift": self._let_drift,
        }

    def _unplug(self, unplugged: bool) -> None:
        self.device.unplugged = unplugged

    def _cut_power(self, off: bool) -> None:
        self.device.unplugged = off
        if off:
            self.device.cooler.switch(False)

    def _replace(self, replaced: bool) -> None:
        self.device.unplugged = True
        self.device.serial = OTHER_CAMERA if replaced else self._serial
        self.device.unplugged = False

    def _let_drift(self, drifts: bool) -> None:
        self.device.cooler_drift = DRIFT_K if drifts else 0.0

    def _flood(self, flooded: bool) -> None:
        expose = self._expose

        def flooded_exposure(start: float, duration: float) -> Callable[[], NDArray[Any]]:
            light = expose(start, duration)
            return lambda: light() + FLOOD_ELECTRONS

        self.device._expose = flooded_exposure if flooded else expose


class FaultyShamrock(_FaultyLibrary):
    """A spectrograph whose library is the place where things go wrong.

    :param link: not loaded yet, with a spectrograph.
    """

    def __init__(self, link: AndorLink, rng: np.random.Generator | None = None) -> None:
        assert link.spectrograph is not None
        super().__init__(link.spectrograph.clock, rng)
        self.device = link.spectrograph
        self._serial = link.spectrograph.serial
        link._cif = _FaultyCif(link.spectrograph, self)

    def states(self) -> Mapping[str, Switch]:
        """Return the lasting faults that the spectrograph can have."""
        return {
            "disconnect": self._unplug,
            "power_cycle": self._unplug,
            "wrong_device": self._replace,
        }

    def _unplug(self, unplugged: bool) -> None:
        self.device.unplugged = unplugged

    def _replace(self, replaced: bool) -> None:
        self.device.serial = OTHER_SPECTROGRAPH if replaced else self._serial


class _FaultySdk(Sdk):
    """The camera's library in the memory of one program; its calls can fail or take longer."""

    def __init__(self, camera: AndorCamera, host: FaultyAndor) -> None:
        super().__init__(camera)
        self._host = host

    def call(self, function: CFunction, arguments: Sequence[Any]) -> Any:
        """Run a function, unless the call is lost.

        :raises Refused: if it is lost, or the library refuses it.
        """
        lost, delay = self._host.fate(function)
        if lost:
            raise Refused(SdkStatus.USB_ERROR)
        result = super().call(function, arguments)
        self.camera.clock.sleep(delay)
        return result


class _FaultyCif(ShamrockCif):
    """The spectrograph's library in the memory of one program; its calls can fail, too."""

    def __init__(self, spectrograph: Shamrock, host: FaultyShamrock) -> None:
        super().__init__(spectrograph)
        self._host = host
        self._met = spectrograph.serial

    def call(self, function: CFunction, arguments: Sequence[Any]) -> Any:
        """Run a function, unless the call is lost.

        :raises Refused: if it is lost, or the library refuses it.
        """
        lost, delay = self._host.fate(function)
        if function.name == "ShamrockInitialize":
            self._met = self.spectrograph.serial
        elif lost or self._met != self.spectrograph.serial:
            raise Refused(CifStatus.COMMUNICATION_ERROR)
        result = super().call(function, arguments)
        self.spectrograph.clock.sleep(delay)
        return result

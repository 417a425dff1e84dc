"""The camera library as one program has loaded it: checks that stand before every function.

Traits of functions: ``early`` (also before ``Initialize``), ``idle`` (refused while an acquisition
is under way), ``offline`` (also with the cable out), ``waits`` (lets time pass: no lock is held).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from simulators._andor_camera import AndorCamera
from simulators._andor_codes import INVALID, Status
from simulators._andor_ctypes import CFunction, FunctionTable, Refused

SDK2: Final = FunctionTable(Status.SUCCESS, INVALID)
HANDLE: Final = 100
"""Handle of the only camera."""


class Sdk:
    """The library in the memory of one program.

    :param camera: the camera on its USB port.
    """

    def __init__(self, camera: AndorCamera) -> None:
        self.camera = camera

    def call(self, function: CFunction, arguments: Sequence[Any]) -> Any:
        """Run a function, or refuse it with the code that the library would give.

        :raises Refused: if the library is not initialised, the cable is out, or the camera busy.
        """
        with self.camera.lock:
            self._check(function.traits)
            if "waits" not in function.traits:
                return function.body(self, *arguments)
        return function.body(self, *arguments)

    def _check(self, traits: frozenset[str]) -> None:
        camera = self.camera
        if "early" in traits:
            return
        if camera.owner is not self:
            raise Refused(Status.NOT_INITIALISED)
        if camera.link_lost and "offline" not in traits:
            raise Refused(Status.USB_ERROR)
        camera.advance()
        if "idle" in traits and camera.acquiring:
            raise Refused(Status.ACQUIRING)


def within(number: int, lowest: int, highest: int, position: int = 1) -> None:
    """Refuse a number out of its range.

    :param position: which parameter it is, from 1.
    :raises Refused: if it is out of range.
    """
    if not lowest <= number <= highest:
        raise Refused(INVALID[position - 1])

"""The shutter inside an Andor camera. SDK2 cannot tell where it stands, only what it was told.

So the time that it takes is waited after each order, on the injected clock; in the mode "auto" the
camera itself lets the first exposure wait.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from drivers._andor_camera import AndorCamera
from labcool.clock import Clock
from labcool.errors import InstrumentRefused

Mode: TypeAlias = Literal["auto", "open", "closed"]
MODES: Final[tuple[Mode, ...]] = ("auto", "open", "closed")


class CameraShutter:
    """The shutter of one camera; closed to begin with.

    :ivar wanted: its mode while spectra are taken: ``"auto"`` (the camera opens it for a series),
        ``"open"`` (it stays open between them) or ``"closed"`` (dark spectra).
    """

    def __init__(self, camera: AndorCamera, clock: Clock, wanted: Mode) -> None:
        self._camera = camera
        self._clock = clock
        self.wanted: Mode = wanted
        self._mode: Mode | None = None
        self.close()

    def prepare(self) -> None:
        """Bring it into the mode wanted, if it is not."""
        if self._mode != self.wanted:
            self._set(self.wanted)

    def close(self) -> None:
        """Close it, whatever it was told before.

        :raises InstrumentRefused: if the camera has no shutter that can be told to.
        """
        self._set("closed")

    def _set(self, mode: Mode) -> None:
        self._mode = None
        with self._camera.talking() as (device, _):
            device.setup_shutter(mode)
            told, _, *milliseconds = device.get_shutter_parameters()
        if told != mode:
            raise InstrumentRefused(
                self._camera.name, f"its shutter cannot be set to {mode!r}: {told!r}."
            )
        if mode != "auto":
            self._clock.sleep(max(milliseconds) / 1000)
        self._mode = mode

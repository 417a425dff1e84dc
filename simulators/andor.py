"""Andor iXon Ultra camera and its vendor library (SDK2), at the level of the library's C functions.

Written from the public header as restated by public drivers (pylablib, python-microscope, odemis,
micro-manager), from what those drivers say about real cameras, and from the makers' data sheets.
:class:`AndorLink` stands where a program would load ``atmcd64d.dll``: functions are real ctypes
functions, arguments are C values, errors are codes. Handles, strings, structures of 12 or 13
fields, images of two or four bytes a value are as in the header; waits pass on the injected clock.

What people fall over is here, too: the library begins with the cooler off, the fan on and the
multiplying gain in numbers of its converter (mode 0, up to 255); a set temperature below what the
fan allows is never reached; ``ShutDown`` leaves the internal shutter as it is, and lets the sensor
warm up unless ``SetCoolerMode(1)`` was given; images that are not fetched in time are overwritten;
with the multiplying amplifier the image comes out mirrored; the two-byte functions cannot hold
accumulated counts.

UNVERIFIED on hardware, besides what the private modules say:

- that a second ``Initialize`` by the same program begins anew, and 20992 for one by another;
- that ``GetAcquisitionProgress`` keeps its numbers when an acquisition has ended (a header comment
  speaks of 0, 0; public drivers live on the numbers);
- 20049 for images that are gone or not there yet; which functions are refused while acquiring;
- 20034 with -999 °C once the cable is out (one public driver sees -999, or 20024);
- the time of ``Initialize`` and of a start; that the shutter delays the first exposure only;
- the texts of head and card, the version numbers, the lists of capabilities.

Not simulated: spooling, events, isolated crop, photon counting, count conversion, metadata,
delivery in batches above 100 images per second, several cameras, external exposure and charge
shifting as triggers; vertical clock voltages are accepted and change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PureWindowsPath
from typing import Final

from simulators import _andor_sdk_acquire, _andor_sdk_chain, _andor_sdk_data, _andor_sdk_system
from simulators._andor_camera import START_S, UNLIMITED_S, AndorCamera, Exposure
from simulators._andor_ctypes import Library
from simulators._andor_sdk import HANDLE, SDK2, Sdk
from simulators.shamrock import SHAMROCK_FILES, Shamrock, ShamrockCif

__all__ = ["HANDLE", "START_S", "UNLIMITED_S", "AndorCamera", "AndorLink", "Exposure"]

CAMERA_FILES: Final = (
    "atmcd64d_legacy.dll", "atmcd64d.dll", "atmcd32d_legacy.dll", "atmcd32d.dll",
    "libandor.so", "libandor.so.2",
)  # fmt: skip
_HEADERS: Final = (
    _andor_sdk_system, _andor_sdk_chain, _andor_sdk_acquire, _andor_sdk_data,
)  # fmt: skip
"""Importing them fills the table of functions."""


class AndorLink:
    """Where a driver may load the vendor's libraries from, instead of the system.

    A link is one program: its libraries are loaded once and keep their state, however often
    :meth:`load` is called. Another link to the same devices is another program.

    :param camera: on the USB port.
    :param spectrograph: on another USB port; None: its library is not installed.
    """

    def __init__(self, camera: AndorCamera, spectrograph: Shamrock | None = None) -> None:
        self.camera = camera
        self.spectrograph = spectrograph
        self._sdk = Sdk(camera)
        self._cif = None if spectrograph is None else ShamrockCif(spectrograph)

    def load(self, names: Sequence[str]) -> Library:
        """Return the library of the first file that is there, a new object each time.

        :param names: file names, with or without a folder, which is ignored.
        :raises OSError: if there is none of them, as from ctypes.
        """
        for name in names:
            file = PureWindowsPath(name).name
            if file in CAMERA_FILES:
                return SDK2.export(self._sdk)
            if file in SHAMROCK_FILES and self._cif is not None:
                return self._cif.export()
        raise OSError(
            f"{', '.join(names)}: cannot open shared object file: No such file or directory"
        )

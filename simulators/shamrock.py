"""Andor Shamrock and Kymera spectrographs, at the level of the C functions of their library.

Written from the public header as restated by public drivers (pylablib, odemis) and from what those
drivers say about real spectrographs. The library is reached through
:class:`simulators.andor.AndorLink`, which has ``ShamrockCIF64.dll`` and ``ShamrockCIF.dll``;
``atspectrograph.dll`` is not there (UNVERIFIED: whether today's still has the Shamrock names).

A function that moves something answers when it has arrived. Parameters out of range are 20266 to
20270, counted from the device number; parts that are not built in 20292; a calibration at zero
order 20249; nothing but the texts of errors works before ``ShamrockInitialize`` (20275). Which
wavelength falls on which pixel follows from the grating equation.

UNVERIFIED on hardware:

- the angle between the arms, the tilt of the focal plane and the units in which
  ``ShamrockEepromGetOpticalParams`` tells them (here: m and degrees), the largest grating angle;
- all times; that it stands where it was left after ``ShamrockInitialize``; that the wavelength is
  kept when the grating changes;
- that offsets turn the grating and leave the library's calibration alone, and by how much a step;
- that the shutter is closed after power-on, and the state of its BNC socket (here: closed);
- the code for a number of pixels other than the one set (here: 20268) and for none set;
- the texts of ``ShamrockGetFunctionReturnDescription``.

Not simulated: irises, focus mirror, turrets with other gratings (the number is kept), the second
camera port, light that is not dispersed at zero order, the LEDs of the slits, filters' spectra.
"""

from __future__ import annotations

from typing import Final

from simulators._shamrock_functions import ShamrockCif, Status
from simulators._shamrock_optics import RuledGrating
from simulators._shamrock_spectrograph import GRATINGS, MODELS, Shamrock

__all__ = [
    "GRATINGS",
    "MODELS",
    "SHAMROCK_FILES",
    "RuledGrating",
    "Shamrock",
    "ShamrockCif",
    "Status",
]

SHAMROCK_FILES: Final = ("ShamrockCIF64.dll", "ShamrockCIF.dll")

"""Andor camera and spectrograph on a simulated bench: what they see of its light.

A camera with ``spectrograph: true`` stands behind a spectrograph of its own, which has no shutter
(the driver leaves that of a spectrograph as it is). Without one the
wavelengths of its pixels are those of ``wavelength_coefficients``, whose light something else
disperses that is not simulated. A spectrograph by itself, ``drivers.shamrock.Shamrock``, passes no
light to anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from simulators._andor_models import MODELS
from simulators._faulty_andor import FaultyAndor, FaultyShamrock
from simulators._surroundings import Electrons, Surroundings
from simulators.andor import AndorCamera, AndorLink
from simulators.shamrock import Shamrock

Light = Callable[[float, float], Electrons]

_BELOW_LIBRARY: Final = (
    "it is simulated below the vendor's library, inside the program that uses it; it has no port "
    "that another program could open"
)
_UNDISPERSED_NM: Final = np.linspace(350.0, 1000.0, 2048)
_ZERO_ORDER_PIXELS: Final = 5
_SERIAL: Final = 12345
_SPECTROGRAPH_SERIAL: Final = "SR-0001"
_AXIS_NM: Final = (480.0, 560.0)
"""On the first and last pixel of a camera for which the bench file gives no wavelengths."""


def andor(around: Surroundings) -> AndorCamera:
    """Return the camera behind ``drivers.andor.AndorSpectrometer``."""
    settings = around.settings
    wanted = str(settings.get("model") or "")
    name = next((name for name in MODELS if wanted and MODELS[name].head.startswith(wanted)), None)
    model = name or "iXon Ultra 897"
    columns, pixel = MODELS[model].columns, MODELS[model].pixel
    spectrograph = None
    if settings.get("spectrograph"):
        serial = str(settings.get("spectrograph_serial") or _SPECTROGRAPH_SERIAL)
        spectrograph = Shamrock(
            around.clock, serial=serial, detector=(columns, pixel), has_shutter=False
        )
        light = spectrograph.behind(_behind(spectrograph, around, columns))
    else:
        light = _on_axis(around, _axis(settings.get("wavelength_coefficients"), columns))
    camera = AndorCamera(
        around.clock,
        expose=light,
        rng=around.rng,
        model=model,
        serial=int(settings.get("serial") or _SERIAL),
    )
    link = AndorLink(camera, spectrograph)
    around.reached_by(link, _BELOW_LIBRARY, FaultyAndor(link, around.fault_rng))
    return camera


def shamrock(around: Surroundings) -> Shamrock:
    """Return the spectrograph behind ``drivers.shamrock.Shamrock``."""
    serial = str(around.settings.get("serial") or _SPECTROGRAPH_SERIAL)
    spectrograph = Shamrock(around.clock, serial=serial)
    nothing = _in_the_dark(MODELS["iXon Ultra 897"].columns)
    camera = AndorCamera(around.clock, expose=nothing, rng=around.rng)
    link = AndorLink(camera, spectrograph)
    around.reached_by(link, _BELOW_LIBRARY, FaultyShamrock(link, around.fault_rng))
    return spectrograph


def _behind(spectrograph: Shamrock, around: Surroundings, columns: int) -> Light:
    """Return the light behind a spectrograph, as it stands when an exposure begins."""

    def dispersed(start: float, duration: float) -> Electrons:
        if not spectrograph.at_zero_order:
            return around.expose(start, duration, spectrograph.wavelengths)
        everything = around.expose(start, duration, _UNDISPERSED_NM)

        def in_the_middle() -> NDArray[np.float64]:
            electrons = np.zeros(columns)
            first = (columns - _ZERO_ORDER_PIXELS) // 2
            electrons[first : first + _ZERO_ORDER_PIXELS] = everything().sum() / _ZERO_ORDER_PIXELS
            return electrons

        return in_the_middle

    return dispersed


def _on_axis(around: Surroundings, wavelengths: NDArray[np.float64]) -> Light:
    """Return the light on pixels of fixed wavelengths, ascending or descending."""
    if wavelengths[0] < wavelengths[-1]:
        return lambda start, duration: around.expose(start, duration, wavelengths)
    ascending = np.ascontiguousarray(wavelengths[::-1])

    def expose(start: float, duration: float) -> Electrons:
        electrons = around.expose(start, duration, ascending)
        return lambda: electrons()[::-1]

    return expose


def _axis(coefficients: Any, columns: int) -> NDArray[np.float64]:
    if coefficients is None:
        return np.linspace(*_AXIS_NM, columns)
    axis: NDArray[np.float64] = Polynomial(coefficients)(np.arange(float(columns)))
    return axis


def _in_the_dark(columns: int) -> Light:
    return lambda _start, _duration: lambda: np.zeros(columns)

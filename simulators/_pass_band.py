"""What a grating monochromator lets pass.

Two equal slits pass a triangle about the set wavelength, as wide at half height as a slit times the
reciprocal linear dispersion: ``dλ/dx = (cos β)/(m g f)`` with the grooves g and the focal length f.
At zero order the grating is a mirror and everything passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

HALF_ANGLE_DEG: Final = 15.15
FOCAL_LENGTH_MM: Final = 300.0

_ZERO_ORDER_NM: Final = 10.0
_NM_PER_MM: Final = 1e6


@dataclass(frozen=True, slots=True)
class PassBand:
    """A monochromator that stands, or is on its way.

    :param centre: nm; NaN while the grating changes and nothing passes.
    :param width: full width at half height, nm.
    :param peak: transmission at the centre, 0 to 1.
    """

    centre: float
    width: float
    peak: float = 0.6

    def transmission(self, wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the transmission at wavelengths (nm), same shape, 0 to 1."""
        if math.isnan(self.centre):
            return np.zeros_like(wavelength)
        if abs(self.centre) < _ZERO_ORDER_NM:
            return np.full_like(wavelength, self.peak)
        beside = np.abs(wavelength - self.centre) / self.width
        passed: NDArray[np.float64] = self.peak * np.maximum(1 - beside, 0.0)
        return passed


def band_width(wavelength: float, grooves: int, slit_mm: float) -> float:
    """Return the width of the pass band, nm, of a Czerny-Turner monochromator in first order.

    The angle between incoming and outgoing beam is twice :data:`HALF_ANGLE_DEG`; that the outgoing
    one is the nearer to the grating's normal gives 2.8 nm/mm for 1200 grooves/mm at 435.8 nm, where
    the maker states 2.7.

    :param wavelength: nm; NaN counts as zero order.
    :param grooves: of the grating, 1/mm.
    :param slit_mm: width of entrance and exit slit, mm.
    """
    half = math.radians(HALF_ANGLE_DEG)
    here = 0.0 if math.isnan(wavelength) else wavelength
    turned = math.asin(min(here * grooves / (2 * _NM_PER_MM * math.cos(half)), 1.0))
    outgoing = turned - half
    return slit_mm * _NM_PER_MM * math.cos(outgoing) / (grooves * FOCAL_LENGTH_MM)

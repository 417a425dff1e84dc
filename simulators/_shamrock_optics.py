"""Which wavelength falls where: a Czerny-Turner spectrograph with a plane grating.

A grating with d between its grooves, turned by θ, sends first-order light from an arm at θ + K to
an arm at θ - K (2K: the angle between the arms): λ = 2 d sin θ cos K in the middle of the
detector, and λ(x) = d [sin(θ + K) + sin(θ - K + γ)] at x from it, with
tan γ = x cos t/(f + x sin t) for the focal length f and a detector tilted by t (Lerner and
Thevenon, The Optics of Spectroscopy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LARGEST_ANGLE: Final = math.radians(45.0)
NM_PER_MM: Final = 1e6


@dataclass(frozen=True, slots=True)
class Arms:
    """The fixed optics of a model.

    :param focal_length: m.
    :param deviation: angle between the arms, degrees.
    :param tilt: of the focal plane, degrees.
    """

    focal_length: float
    deviation: float
    tilt: float


@dataclass(frozen=True, slots=True)
class RuledGrating:
    """A grating on the turret.

    :param lines: per mm.
    :param blaze: as the library writes it, e.g. ``500``.
    :param home: where its turret position begins, steps.
    """

    lines: float
    blaze: str
    home: int = 0


def grating_angle(wavelength: float, lines: float, arms: Arms) -> float:
    """Return the angle (rad) that brings a wavelength (nm) to the middle of the detector."""
    return math.asin(wavelength * lines / NM_PER_MM / (2 * math.cos(_half(arms))))


def longest(lines: float, arms: Arms) -> float:
    """Return the longest wavelength (nm) that the drive can bring to the middle."""
    limit = 2 * math.cos(_half(arms)) * math.sin(LARGEST_ANGLE) * NM_PER_MM / lines
    return math.floor(limit)


def dispersed(
    angle: float, lines: float, arms: Arms, positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the wavelengths (nm) at positions (µm) from the middle, same shape.

    :param angle: of the grating, rad.
    """
    tilt = math.radians(arms.tilt)
    metres = positions * 1e-6
    deflection = np.arctan2(metres * math.cos(tilt), arms.focal_length + metres * math.sin(tilt))
    sines = math.sin(angle + _half(arms)) + np.sin(angle - _half(arms) + deflection)
    wavelengths: NDArray[np.float64] = sines * (NM_PER_MM / lines)
    return wavelengths


def pixel_positions(pixels: int, width: float) -> NDArray[np.float64]:
    """Return where the pixels are from the middle of the detector, shape (pixel,), µm."""
    return (np.arange(pixels, dtype=np.float64) - (pixels - 1) / 2) * width


def _half(arms: Arms) -> float:
    return math.radians(arms.deviation) / 2

"""Which part of the spectra a thermometer looks at, if nobody says."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from labcool.analysis.measurement import Measurement
from labcool.errors import LimitError
from labcool.thermometry.reference import dark_at
from labcool.units import HC_EV_NM

Floats = NDArray[np.float64]

LASER_MARGIN_NM: Final = 8.0
"""Pixels nearer to the laser than this lie behind the notch filter or in its scattered light."""
_ABOVE_PEAK_EV: Final = 0.035
"""Where the tail begins: above the maximum by somewhat more than kB T at room temperature."""
_END_OF_TAIL: Final = 0.01
_END_OF_LINE: Final = 0.02
_SMOOTHING: Final = 9
_LARGEST_EV: Final = 20.0
_LEAST_SIGNIFICANCE: Final = 10.0
_MOST_SPECTRA: Final = 512


def in_electronvolts(window: tuple[float, float]) -> tuple[float, float]:
    """Return a window as photon energies, eV; numbers above 20 are taken for wavelengths in nm.

    :raises LimitError: if it is not (lower, higher), above 0, in one of the two units.
    """
    low, high = window
    if not 0 < low < high < np.inf or (low < _LARGEST_EV <= high):
        raise LimitError(
            "window (eV or nm)",
            f"{low:g} to {high:g}",
            "lower and higher, both in eV or both in nm",
        )
    return (low, high) if high < _LARGEST_EV else (HC_EV_NM / high, HC_EV_NM / low)


def tail_window(measured: Measurement) -> tuple[float, float]:
    """Return the high-energy side of the mean spectrum, eV.

    :raises LimitError: if there is no line, or it has no pixels there.
    """
    energies, light = _mean_light(measured)
    top = int(light.argmax())
    above = light[top:] < _END_OF_TAIL * light[top]
    end = top + (int(above.argmax()) if above.any() else len(above) - 1)
    low, high = float(energies[top]) + _ABOVE_PEAK_EV, float(energies[end])
    if not low < high:
        raise LimitError(
            "window of the tail (eV)", f"{low:.3f} to {high:.3f}", "wider", "Give it with --window."
        )
    return low, high


def line_window(measured: Measurement) -> tuple[float, float]:
    """Return the whole line in the mean spectrum, or the band if that is known, eV.

    :raises LimitError: if there is no line.
    """
    if measured.band is not None:
        return HC_EV_NM / measured.band[1], HC_EV_NM / measured.band[0]
    energies, light = _mean_light(measured)
    top = int(light.argmax())
    dim = light < _END_OF_LINE * light[top]
    below, above = np.flatnonzero(dim[:top]), np.flatnonzero(dim[top:])
    first = int(below[-1]) if below.size else 0
    last = top + int(above[0]) if above.size else len(light) - 1
    return float(energies[first]), float(energies[last])


def _mean_light(measured: Measurement) -> tuple[Floats, Floats]:
    """Return energies (eV, ascending) and the smoothed mean spectrum on this side of the laser."""
    step = max(1, len(measured) // _MOST_SPECTRA)
    rows = np.arange(0, len(measured), step)
    light = np.zeros(measured.wavelengths.size)
    for exposure in np.unique(measured.exposure[rows]):
        chosen = rows[measured.exposure[rows] == exposure]
        dark = np.asarray(dark_at(measured.darks, float(exposure)).spectrum, np.float64)
        light += np.nan_to_num(measured.spectra[chosen].astype(np.float64)).sum(axis=0)
        light -= len(chosen) * dark
    light = uniform_filter1d(light / rows.size, _SMOOTHING, mode="nearest")
    keep = np.ones(light.size, np.bool_)
    if measured.laser is not None:
        keep = measured.wavelengths < measured.laser - LASER_MARGIN_NM
    if keep.sum() < _SMOOTHING:
        keep[:] = True
    light, energies = light[keep][::-1], HC_EV_NM / measured.wavelengths[keep][::-1]
    spread = float(np.median(np.abs(np.diff(light)))) + 1e-12
    if not light.max() > _LEAST_SIGNIFICANCE * spread:
        raise LimitError(
            "line in the spectra (counts)",
            f"{light.max():.3g}",
            "well above the noise",
            "Name the window with --window.",
        )
    return energies, light

"""Which pixels count in a fit: not those behind a filter, saturated, dead, or hit by a muon.

All masks are True for pixels that count; join them with ``&``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter

from labcool.errors import LimitError

Mask = NDArray[np.bool_]

COSMIC_RAY: Final = 7.0
"""A pixel this many standard deviations above its neighbours in the spectrum and in time."""
_NEIGHBOURS: Final = 7
_MAD_TO_SIGMA: Final = 1.4826


def outside_notch(wavelengths: ArrayLike, centre: float, half_width: float) -> Mask:
    """Return the pixels that a notch filter lets pass, shape (pixel,).

    :param wavelengths: shape (pixel,), nm.
    :param centre: of the notch, nm.
    :param half_width: half of its width, with a margin for its edges, nm, above 0.
    :raises LimitError: if the width is not above 0, or no pixel is left.
    """
    if not half_width > 0:
        raise LimitError("half width of the notch (nm)", half_width, "above 0")
    left: Mask = np.abs(np.asarray(wavelengths, np.float64) - centre) > half_width
    if not left.any():
        raise LimitError("half width of the notch (nm)", half_width, "small enough to leave pixels")
    return left


def window(axis: ArrayLike, low: float, high: float) -> Mask:
    """Return the pixels with ``low <= axis <= high``, shape (pixel,).

    :raises LimitError: if there is none.
    """
    values = np.asarray(axis, np.float64)
    inside: Mask = (values >= low) & (values <= high)
    if not inside.any():
        ends = f"within {values.min():g} to {values.max():g}, low below high"
        raise LimitError("fit window", f"{low:g} to {high:g}", ends)
    return inside


def below_saturation(counts: ArrayLike, level: float) -> Mask:
    """Return the pixels below the detector's limit, same shape as ``counts``.

    :param level: counts at which a pixel is saturated.
    """
    below: Mask = np.asarray(counts) < level
    return below


def alive(dark_frames: ArrayLike) -> Mask:
    """Return the pixels that are neither dead nor hot, shape (pixel,).

    Dead pixels do not change from frame to frame, hot ones stand far above their neighbours.

    :param dark_frames: shape (frame, pixel), counts, at least three frames.
    :raises LimitError: for fewer frames.
    """
    frames = np.asarray(dark_frames, np.float64)
    if frames.ndim != 2 or len(frames) < 3:
        raise LimitError("dark frames", f"shape {frames.shape}", "(frame, pixel), 3 frames or more")
    mean = frames.mean(axis=0)
    away = mean - median_filter(mean, _NEIGHBOURS, mode="mirror")
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(away - np.median(away))))
    changes = frames.std(axis=0) > 0
    # A perfectly even dark has no spread; then whatever differs from its neighbours is hot.
    cold: Mask = away <= COSMIC_RAY * max(spread, np.finfo(np.float64).tiny)
    return changes & cold if changes.any() else cold


def without_cosmic_rays(
    spectra: ArrayLike, std: ArrayLike, *, threshold: float = COSMIC_RAY
) -> Mask:
    """Return the pixels that no cosmic ray has hit, shape (n, pixel).

    A hit stands out of its neighbours along the spectrum *and*, in a block of three spectra or
    more, of the same pixel before and after: a sharp line is there in all spectra, and a jump of
    the whole intensity in all pixels. Single spectra are judged by their neighbours alone, where a
    line narrower than a few pixels is taken for a hit.

    :param spectra: shape (n, pixel) or (pixel,), counts; block in order of time.
    :param std: expected noise of each pixel, same shape, (pixel,) or one number, above 0.
    :param threshold: in standard deviations.
    :raises LimitError: if a std is not above 0.
    """
    block = np.atleast_2d(np.asarray(spectra, np.float64))
    sigma = np.broadcast_to(np.asarray(std, np.float64), block.shape)
    if not (sigma > 0).all():
        raise LimitError("std of a pixel (counts)", float(sigma.min()), "above 0")
    along = block - median_filter(block, size=(1, _NEIGHBOURS), mode="mirror")
    hit = along > threshold * sigma
    if len(block) >= 3:
        over_time = median_filter(block, size=(min(len(block) | 1, 5), 1), mode="mirror")
        # What all pixels do together is light and no muon.
        common = np.median((block - over_time) / sigma, axis=1, keepdims=True) * sigma
        hit &= block - over_time - common > threshold * sigma
    clean: Mask = ~hit
    return clean

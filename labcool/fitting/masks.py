"""Which pixels count in a fit: not those behind a filter, saturated, dead, or hit by a muon.

All masks are True for pixels that count; join them with ``&``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter
from scipy.special import erfc

from labcool.errors import LimitError

Mask = NDArray[np.bool_]

COSMIC_RAY: Final = 7.0
"""A pixel this many standard deviations above its neighbours in the spectrum and in time."""
_NEIGHBOURS: Final = 7
_MAD_TO_SIGMA: Final = 1.4826
_FALSE_ALARM: Final = 0.01
"""Expected number of healthy pixels that are called dead."""
_SIGMAS: Final = np.geomspace(1e-3, 1e4, 1401)


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

    Hot pixels stand far above their neighbours. Dead ones do not change from frame to frame though
    the others do: so much that, by chance, less than one healthy pixel in a hundred detectors would
    not. In whole counts it takes frames to know that, the more the quieter the detector is: of 2000
    pixels about 6 for a read noise of 5 counts, 9 for 2 counts, 15 for 1 count, 26 for 0.6 counts;
    with fewer, no pixel is called dead. Pixels that are no number in any frame are not alive.

    :param dark_frames: shape (frame, pixel), counts, at least three frames with numbers in them;
        pixels that are NaN or infinite in a frame are judged by the others.
    :raises LimitError: for fewer frames.
    """
    frames = np.asarray(dark_frames, np.float64)
    there = np.isfinite(frames)
    if frames.ndim != 2 or there.any(axis=1).sum() < 3:
        raise LimitError(
            "dark frames", f"shape {frames.shape}", "(frame, pixel), 3 frames with numbers or more"
        )
    count = there.sum(axis=0)
    known = count > 0
    filled = np.where(there, frames, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    variance = (np.where(there, frames - mean, 0.0) ** 2).sum(axis=0) / np.maximum(count - 1, 1)
    mean = _bridged(mean[np.newaxis], known[np.newaxis])[0]
    away = mean - median_filter(mean, _NEIGHBOURS, mode="mirror")
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(away - np.median(away))))
    # In whole counts most pixels may agree with their neighbours to the last digit.
    usual = np.sort(variance[known])[: math.ceil(0.95 * known.sum())]
    of_mean = math.sqrt(float(usual.mean()) / float(np.median(count[known])))
    step = float(np.diff(np.unique(frames[there])).min(initial=1.0))
    rounding = step / math.sqrt(12) if of_mean > 0 else 0.0
    spread = max(spread, of_mean, rounding)
    # A perfectly even dark has no spread; then whatever differs from its neighbours is hot.
    cold: Mask = away <= COSMIC_RAY * max(spread, np.finfo(np.float64).tiny)
    constant = np.where(there, frames, -np.inf).max(axis=0) == np.where(there, frames, np.inf).min(
        axis=0
    )
    by_chance = _commonest_value(frames) ** np.maximum(count - 1.0, 0.0)
    dead = constant & (known.sum() * by_chance < _FALSE_ALARM)
    found: Mask = cold & known & ~dead
    return found


def _commonest_value(frames: NDArray[np.float64]) -> float:
    """Return how often a pixel that changes like the others has its commonest value, at most.

    With noise σ in steps of one count two readings of a pixel differ with the probability
    ``E[min(1, |d|)]``, d of the variance 2σ², averaged over where the pixel lies between two
    counts; it tells σ. The commonest value of a pixel in the middle has ``erf(1/(2√2 σ))``.
    """
    pairs = np.isfinite(frames[1:]) & np.isfinite(frames[:-1])
    number = int(pairs.sum())
    if not number:
        return 1.0
    differ = float(((frames[1:] != frames[:-1]) & pairs).sum())
    differ = min(differ, number - 1.0) / number
    d = math.sqrt(2) * _SIGMAS
    expected = d * np.sqrt(2 / np.pi) * -np.expm1(-0.5 / d**2) + erfc(1 / (d * math.sqrt(2)))
    sigma = float(np.interp(differ, expected, _SIGMAS))
    return math.erf(1 / (2 * math.sqrt(2) * sigma))


def without_cosmic_rays(
    spectra: ArrayLike, std: ArrayLike, *, threshold: float = COSMIC_RAY
) -> Mask:
    """Return the pixels that no cosmic ray has hit, shape (n, pixel).

    A hit stands out of its neighbours along the spectrum *and*, in a block of three spectra or
    more, of the same pixel before and after: a sharp line is there in all spectra, and a jump of
    the whole intensity in all pixels. Single spectra are judged by their neighbours alone, where a
    line narrower than a few pixels is taken for a hit. Pixels that are NaN or infinite do not count
    either; the others are judged as if these lay between their neighbours.

    :param spectra: shape (n, pixel) or (pixel,), counts; block in order of time.
    :param std: expected noise of each pixel, same shape, (pixel,) or one number, above 0.
    :param threshold: in standard deviations.
    :raises LimitError: if a std is not above 0.
    """
    block = np.atleast_2d(np.asarray(spectra, np.float64))
    sigma = np.broadcast_to(np.asarray(std, np.float64), block.shape)
    if not (sigma > 0).all():
        raise LimitError("std of a pixel (counts)", float(sigma.min()), "above 0")
    clean: Mask = np.isfinite(block)
    told = clean.any(axis=1)
    if told.any():
        bridged = _bridged(block[told], clean[told])
        clean[told] &= ~_hit(bridged, sigma[told], threshold)
    return clean


def _hit(block: NDArray[np.float64], sigma: NDArray[np.float64], threshold: float) -> Mask:
    along = block - median_filter(block, size=(1, _NEIGHBOURS), mode="mirror")
    hit: Mask = along > threshold * sigma
    if len(block) >= 3:
        over_time = median_filter(block, size=(min(len(block) | 1, 5), 1), mode="mirror")
        # What all pixels do together is light and no muon.
        common = np.median((block - over_time) / sigma, axis=1, keepdims=True) * sigma
        hit &= block - over_time - common > threshold * sigma
    return hit


def _bridged(block: NDArray[np.float64], known: Mask) -> NDArray[np.float64]:
    """Return spectra whose unknown pixels lie on a line between the known ones; each has some."""
    bridged, pixels = block.copy(), np.arange(block.shape[1])
    for row in np.flatnonzero(~known.all(axis=1)):
        here = known[row]
        bridged[row, ~here] = np.interp(pixels[~here], pixels[here], block[row, here])
    return bridged

"""Where a fit begins when nobody says: from the moments of the spectrum above its background."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d

from labcool.errors import LimitError
from labcool.fitting.spectral_model import SpectralModel, pixel_widths
from labcool.models.line_shapes import FWHM_PER_SIGMA

Floats = NDArray[np.float64]

_SMOOTHING: Final = 5
_EDGE_PERCENT: Final = 10.0
_PART_OF_PEAK: Final = 0.5
_SKEWED: Final = 0.6
"""Sigma and tail of an EMG in terms of half of its width, for a tail of about sigma."""


def guess_line(
    model: SpectralModel,
    x: ArrayLike,
    spectra: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> dict[str, Floats]:
    """Return a start for the *first* line of a model and its background, by parameter name.

    :param model: of one line; starts of further lines must be given.
    :param x: axis, shape (pixel,).
    :param spectra: shape (pixel,) or (n, pixel), counts.
    :param scale: as in :func:`labcool.fitting.spectra.fit_spectra`.
    :param mask: True for pixels that count, shape (pixel,). None: all.
    :raises LimitError: if fewer than three pixels count.
    """
    axis = np.asarray(x, np.float64)
    block = np.atleast_2d(np.asarray(spectra, np.float64))
    use = np.ones(axis.size, np.bool_) if mask is None else np.asarray(mask, np.bool_)
    if use.sum() < 3:
        raise LimitError("pixels that count", int(use.sum()), "3 or more")
    widths = pixel_widths(axis)
    per_area = (widths if scale is None else np.broadcast_to(scale, axis.shape))[use]
    smooth = uniform_filter1d(
        np.nan_to_num(block[:, use], posinf=0.0, neginf=0.0), _SMOOTHING, axis=1, mode="nearest"
    )
    level = np.zeros(len(block))
    if model.background_degree is not None:
        level = np.percentile(smooth, _EDGE_PERCENT, axis=1)
    above = smooth - level[:, np.newaxis]
    highest = above.argmax(axis=1)
    peak = np.maximum(above[np.arange(len(block)), highest], 1e-3)
    where = axis[use][highest]
    width = np.sum((above > _PART_OF_PEAK * peak[:, np.newaxis]) * widths[use], axis=1)
    width = np.clip(width, 2 * widths.min(), np.ptp(axis) / 2)
    area = (
        np.maximum(np.sum(np.maximum(above, 0.0), axis=1), peak) / (per_area / widths[use]).mean()
    )
    line = model.lines[0]
    leaning = 1.0 if line.tail == "high" else -1.0
    guesses = {
        "area": area,
        "centre": where,
        "sigma": width / FWHM_PER_SIGMA,
        "fwhm": width,
        "mixing": np.full(len(block), 0.3),
    }
    if line.shape == "emg":
        half = _SKEWED * width / 2
        guesses |= {"sigma": half, "tail": half, "centre": where - leaning * half / 2}
    start = {name: guesses[name.rpartition(".")[2]] for name in line.parameters}
    for name in model.names:
        if name.startswith("background."):
            start[name] = level if name == "background.0" else np.zeros(len(block))
    return start

"""Fit of known shapes: only their heights are unknown, so that nothing has to be searched."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.spectra import CountNoise

Floats = NDArray[np.float64]

_WEIGHING_ROUNDS: Final = 6
_SETTLED: Final = 1e-3
"""Of a standard deviation."""


class LinearFit(NamedTuple):
    """Heights of shapes in n spectra.

    :param values: shape (n, shape); NaN where a spectrum has a pixel that is not finite.
    :param covariance: shape (n, shape, shape).
    :param chi2: shape (n,).
    :param lack_of_fit: as of a :class:`labcool.fitting.spectra.SpectralFit`, shape (n,).
    """

    values: Floats
    covariance: Floats
    chi2: Floats
    lack_of_fit: Floats


def fit_shapes(
    shapes: ArrayLike, spectra: ArrayLike, noise: CountNoise, *, light: ArrayLike = 0.0
) -> LinearFit:
    """Fit ``counts = Σ height × shape`` with the weights of the fitted model.

    :param shapes: shape (shape, pixel), linearly independent.
    :param spectra: counts, shape (n, pixel) or (pixel,).
    :param noise: variance of the pixels.
    :param light: counts that were subtracted and have shot noise all the same, shape (pixel,).
    :raises LimitError: if the shapes do not fit the spectra, or are not independent.
    """
    from labcool.fitting._heights import fit_heights  # compiled: only where somebody fits

    design = np.asarray(shapes, np.float64)
    block = np.atleast_2d(np.asarray(spectra, np.float64))
    if design.ndim != 2 or block.shape[1] != design.shape[1] or len(design) >= design.shape[1]:
        raise LimitError(
            "shapes and spectra",
            f"{design.shape} and {block.shape}",
            "(shape, pixel) and (n, pixel), with more pixels than shapes",
        )
    scale = np.linalg.norm(design, axis=1, keepdims=True)
    if not (scale > 0).all() or np.linalg.matrix_rank(design / scale) < len(design):
        raise LimitError("shapes", f"{len(design)} of them", "linearly independent")
    unit = design / scale
    shot = np.broadcast_to(np.asarray(noise.shot, np.float64), (len(block),))
    floor = np.atleast_2d(np.asarray(noise.floor, np.float64) + np.asarray(noise.shared))
    values, covariance = (
        np.empty((len(block), len(unit))),
        np.empty((len(block),) + 2 * (len(unit),)),
    )
    chi2, lack = np.empty((2, len(block)))
    fit_heights(
        np.ascontiguousarray(unit),
        np.ascontiguousarray(block),
        np.ascontiguousarray(np.broadcast_to(np.asarray(light, np.float64), block.shape[1:])),
        np.ascontiguousarray(shot),
        np.ascontiguousarray(np.broadcast_to(floor, (len(floor), block.shape[1]))),
        _WEIGHING_ROUNDS,
        _SETTLED,
        values,
        covariance,
        chi2,
        lack,
    )
    lengths = scale[:, 0]
    return LinearFit(values / lengths, covariance / np.outer(lengths, lengths), chi2, lack)

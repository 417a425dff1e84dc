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
    """

    values: Floats
    covariance: Floats
    chi2: Floats


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
    known = np.logical_and.reduce(np.isfinite(block), axis=1, keepdims=True)
    counts = np.where(known, block, 0.0)
    shot = np.broadcast_to(np.asarray(noise.shot, np.float64), (len(block),))[:, np.newaxis]
    floor = np.asarray(noise.floor, np.float64)
    products = (unit[:, np.newaxis] * unit).reshape(-1, unit.shape[1])
    values, covariance = np.zeros((len(block), len(unit))), np.empty((0, 0, 0))
    expected = np.maximum(counts.mean(axis=1, keepdims=True), 0.0) + np.zeros_like(counts)
    for _ in range(_WEIGHING_ROUNDS):
        weight = 1 / (shot * np.maximum(expected + light, 0.0) + floor + 1e-3 * shot + 1e-12)
        curvature = (weight @ products.T).reshape(len(block), len(unit), len(unit))
        covariance = np.linalg.inv(curvature)
        before = values
        pull = (weight * counts) @ unit.T
        values = np.einsum("njk,nk->nj", covariance, pull)
        expected = values @ unit
        moved = np.abs(values - before) / np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        if (moved < _SETTLED).all():
            break
    chi2 = np.sum(weight * (counts - expected) ** 2, axis=1)
    values = np.where(known, values / scale[:, 0], np.nan)
    covariance = covariance / np.outer(scale, scale)
    return LinearFit(values, covariance, np.where(known[:, 0], chi2, np.nan))

"""Fit of lines to a block of spectra: fast, with covariances, and honest about failure.

Raw counts are fitted as they were counted. What turns photons per eV into counts of a pixel (the
width of the pixel on the axis, on an energy axis the Jacobian ``hc/λ²`` with it; the spectral
response) multiplies the model instead of dividing the data, so that the noise stays that of
counting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.spectral_model import SpectralModel, pixel_widths

Floats = NDArray[np.float64]

MOST_STEPS: Final = 100
_LEAST_FLOOR: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SpectralFit:
    """Outcome of :func:`fit_spectra` for n spectra.

    :param names: of the parameters.
    :param parameters: shape (n, parameter); NaN where a fit did not converge.
    :param covariance: shape (n, parameter, parameter), as the noise that was given makes it; NaN
        where a fit did not converge, and in the row and column of a parameter at a bound.
    :param shared_covariance: what :attr:`CountNoise.shared` adds to it, the same error for all
        spectra; shape (n, parameter, parameter), 0 if nothing is shared.
    :param chi2: Σ (counts − model)²/variance, shape (n,); inf where a fit did not converge.
    :param lack_of_fit: how far χ² lies above what noise, and a model that is wrong by
        :data:`labcool.fitting.quality.MODEL_ERROR`, explain, in standard deviations, shape (n,);
        above :data:`labcool.fitting.quality.POOR_FIT` something else is in the spectrum.
    :param degrees_of_freedom: pixels that counted less parameters, shape (n,).
    :param converged: the search ended, and every line has an area above its noise and a centre
        within the axis; shape (n,).
    :param at_bound: True where a parameter ended at its bound, shape (n, parameter).
    :param steps: of the search, shape (n,).
    """

    names: tuple[str, ...]
    parameters: Floats
    covariance: Floats
    shared_covariance: Floats
    chi2: Floats
    lack_of_fit: Floats
    degrees_of_freedom: NDArray[np.int64]
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]
    steps: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of spectra."""
        return len(self.parameters)

    def index(self, name: str) -> int:
        """Return where a parameter stands.

        :raises LimitError: if there is none of that name.
        """
        if name not in self.names:
            raise LimitError("parameter", repr(name), f"one of {', '.join(self.names)}")
        return self.names.index(name)

    def value(self, name: str) -> Floats:
        """Return a parameter of every spectrum, shape (n,)."""
        return self.parameters[:, self.index(name)]

    def std(self, name: str) -> Floats:
        """Return its standard uncertainty (1 σ), shape (n,)."""
        index = self.index(name)
        spread: Floats = np.sqrt(self.covariance[:, index, index])
        return spread


@dataclass(frozen=True, slots=True)
class CountNoise:
    """Variance of a pixel: ``shot × expected counts + floor``.

    :param shot: variance per count of light; 1 for photoelectrons that are counted singly,
        1/(electrons per count) for a camera, twice that with an EM register (excess noise), divided
        by the exposures averaged. One number or shape (n,), above 0; with 0 the variance is
        ``floor`` alone (Gaussian weights).
    :param floor: variance without light (read noise squared, the variance of a dark that was
        subtracted), counts²; one number, or shape (pixel,) or (n, pixel).
    :param shared: variance of what was subtracted from all spectra alike (a dark), counts², one
        number or shape (pixel,). It is in the weights beside ``floor``.
    """

    shot: ArrayLike = 1.0
    floor: ArrayLike = 0.0
    shared: ArrayLike = 0.0


def fit_spectra(
    model: SpectralModel,
    x: ArrayLike,
    spectra: ArrayLike,
    *,
    start: Mapping[str, ArrayLike],
    noise: CountNoise,
    scale: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    lower: Mapping[str, float] | None = None,
    upper: Mapping[str, float] | None = None,
    warm_start: bool = True,
    most_steps: int = MOST_STEPS,
) -> SpectralFit:
    """Fit a model to a spectrum or a block of them.

    Two lines of one shape may come out in either order; give their centres bounds that do not
    overlap (``lower``, ``upper``) where it matters which is which.

    :param model: lines and background.
    :param x: axis, shape (pixel,), ascending or descending; nm, eV, or any unit.
    :param spectra: counts above the pedestal, shape (pixel,) or (n, pixel). Pixels that are NaN or
        infinite do not count.
    :param start: where to begin, each parameter one number or shape (n,); see
        :func:`labcool.fitting.guess.guess_line`.
    :param noise: variance of the pixels.
    :param scale: what the lines are multiplied by, one number or shape (pixel,): pixel width ×
        response. None: the pixel widths, so that areas are in counts.
    :param offset: counts under model and background, e.g. a measured background, shape (pixel,).
        It is light, and has its share in the variance.
    :param mask: True for pixels that count, shape (pixel,) or (n, pixel). None: all.
    :param lower: bounds tighter than :meth:`SpectralModel.bounds`, by name.
    :param upper: the same.
    :param warm_start: begin where the last spectrum that fitted well ended; from ``start`` again if
        that fails or fits worse. Use it for spectra that follow one another in time.
    :param most_steps: of the search for each spectrum.
    :raises LimitError: if a shape does not fit, a start is missing or outside its bounds, or a
        noise is negative.
    """
    from labcool.fitting._in_order import fit_all  # compiled: only where somebody fits

    axis = np.ascontiguousarray(x, np.float64)
    widths = pixel_widths(axis)
    counts = np.array(np.atleast_2d(np.asarray(spectra)), np.float64)
    if counts.ndim != 2 or counts.shape[1] != axis.size:
        raise LimitError("spectra", f"shape {np.shape(spectra)}", f"(n, {axis.size}) or (pixel,)")
    n, names = len(counts), model.names
    good = _good(mask, counts)
    shot, floor, shared = _checked_noise(noise, counts.shape)
    low, high = _bounds(model, axis, lower or {}, upper or {})
    starts = _starts(names, start, n, low, high)
    freedom = np.broadcast_to(good.sum(axis=1).astype(np.int64) - len(names), (n,))
    parameters = np.full((n, len(names)), np.nan)
    covariance, of_shared = np.full((2, n, len(names), len(names)), np.nan)
    converged, steps = np.zeros(n, np.bool_), np.zeros(n, np.int64)
    chi2, lack = np.empty((2, n))
    fit_all(
        axis,
        _row(widths if scale is None else scale, axis, "scale of the lines"),
        _row(0.0 if offset is None else offset, axis, "offset (counts)"),
        model.plan,
        np.nan_to_num(counts, copy=False, nan=0.0, posinf=0.0, neginf=0.0),
        good,
        freedom,
        shot,
        floor,
        shared,
        low,
        high,
        starts,
        warm_start,
        most_steps,
        parameters,
        covariance,
        of_shared,
        converged,
        steps,
        chi2,
        lack,
    )
    at_bound = (parameters <= low) | (parameters >= high)
    return SpectralFit(
        names, parameters, covariance - of_shared, of_shared, chi2, lack, freedom, converged,
        at_bound, steps,
    )  # fmt: skip


def with_better(fit: SpectralFit, rows: NDArray[np.intp], other: SpectralFit) -> SpectralFit:
    """Return a fit with those of its spectra replaced that another fit of the model does better.

    :param rows: which spectra ``other`` is of, shape (m,).
    """
    better = other.converged & (other.chi2 < fit.chi2[rows])
    arrays = {}
    for name in (
        "parameters", "covariance", "shared_covariance", "chi2", "lack_of_fit", "converged",
        "at_bound", "steps",
    ):  # fmt: skip
        arrays[name] = getattr(fit, name).copy()
        arrays[name][rows[better]] = getattr(other, name)[better]
    return replace(fit, **arrays)


def _good(mask: ArrayLike | None, counts: Floats) -> Floats:
    known = np.isfinite(counts)
    if mask is not None:
        chosen = np.asarray(mask, np.bool_)
        if chosen.shape not in (counts.shape[1:], counts.shape):
            raise LimitError(
                "mask", f"shape {chosen.shape}", f"{counts.shape[1:]} or {counts.shape}"
            )
        known = known & chosen
    if (known == known[:1]).all():
        known = known[:1]
    return np.ascontiguousarray(known, np.float64)


def _checked_noise(noise: CountNoise, shape: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """Return shot, floor with what is shared in it, and what is shared, (0,) if nothing is."""
    shot = np.asarray(noise.shot, np.float64)
    if shot.shape not in ((), shape[:1]) or not (np.isfinite(shot) & (shot >= 0)).all():
        raise LimitError("shot noise (counts²/count)", noise.shot, "finite, 0 or more, () or (n,)")
    shared = np.asarray(noise.shared, np.float64)
    if shared.shape not in ((), shape[1:]) or not (np.isfinite(shared) & (shared >= 0)).all():
        raise LimitError(
            "shared noise (counts²)",
            f"shape {shared.shape}",
            f"finite, 0 or more, () or {shape[1:]}",
        )
    floor = np.asarray(noise.floor, np.float64)
    if floor.shape not in ((), (1,), shape[1:], (1, shape[1]), shape):
        raise LimitError(
            "noise floor (counts²)", f"shape {floor.shape}", f"(), {shape[1:]} or {shape}"
        )
    if not (np.isfinite(floor) & (floor >= 0)).all():
        raise LimitError("noise floor (counts²)", float(np.min(floor)), "finite, 0 or more")
    rows = len(floor) if floor.ndim == 2 else 1
    # A pixel in which the model expects nothing still has a finite weight.
    least = _LEAST_FLOOR + 1e-3 * float(np.min(shot, initial=1.0)) if shot.any() else _LEAST_FLOOR
    floor = np.maximum(np.broadcast_to(floor, (rows, shape[1])) + shared, least)
    common = np.broadcast_to(shared, shape[1:]) if shared.any() else np.zeros(0)
    return (
        np.ascontiguousarray(np.broadcast_to(shot, shape[:1])),
        np.ascontiguousarray(floor),
        np.ascontiguousarray(common),
    )


def _row(value: ArrayLike, axis: Floats, field: str) -> Floats:
    row = np.asarray(value, np.float64)
    if row.shape not in ((), axis.shape) or not np.isfinite(row).all():
        raise LimitError(field, f"shape {row.shape}", f"finite, one number or {axis.shape}")
    return np.ascontiguousarray(np.broadcast_to(row, axis.shape))


def _bounds(
    model: SpectralModel, axis: Floats, lower: Mapping[str, float], upper: Mapping[str, float]
) -> tuple[Floats, Floats]:
    low, high = model.bounds(axis)
    for name, bound in lower.items():
        low[model.index(name)] = bound
    for name, bound in upper.items():
        high[model.index(name)] = bound
    if not (low < high).all():
        raise LimitError("bounds", list(zip(low, high, strict=True)), "lower < upper")
    return low, high


def _starts(
    names: tuple[str, ...], start: Mapping[str, ArrayLike], n: int, low: Floats, high: Floats
) -> Floats:
    unknown = [name for name in start if name not in names]
    missing = [name for name in names if name not in start]
    if unknown or missing:
        raise LimitError("start parameters", list(start), f"exactly {', '.join(names)}")
    columns = []
    for name in names:
        column = np.asarray(start[name], np.float64)
        if column.shape not in ((), (1,), (n,)):
            raise LimitError(f"start of {name}", f"shape {column.shape}", f"one number or ({n},)")
        columns.append(np.broadcast_to(column, (n,)))
    starts = np.column_stack(columns)
    for name, column, lowest, highest in zip(names, starts.T, low, high, strict=True):
        inside = np.isfinite(column) & (column >= lowest) & (column <= highest)
        if not inside.all():
            wrong = float(column[~inside][0])
            raise LimitError(f"start of {name}", wrong, f"from {lowest:g} to {highest:g}")
    return np.ascontiguousarray(starts)

"""Lifetimes of excitons, trions and biexcitons from decay curves.

At weak excitation a dot holds one exciton, and the decay is that of the exciton (and of trions in
charged dots). Stronger pulses add biexcitons, which are gone soon; after that the curves run in
parallel. Curves normalised at a late time therefore differ only by what is fast, and all of them
are fitted at once with lifetimes that they share (Yamada et al. 2024, Fig. 2c).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit, fit_curve

Floats = NDArray[np.float64]

_WEIGHING_ROUNDS: Final = 4
_LEAST_VARIANCE: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class DecayFit:
    """Outcome of :func:`fit_decays`.

    :param lifetimes: τ of each species, shape (species,), s, longest first, with ``lifetime_std``.
    :param amplitudes: shape (curve, species), counts at time 0.
    :param fit: logarithms of the lifetimes, ``log_lifetime_0`` ..., with their covariance.
    """

    lifetimes: Floats
    lifetime_std: Floats
    amplitudes: Floats
    fit: CurveFit


def normalised_at(time: ArrayLike, curves: ArrayLike, *, moment: float, width: float) -> Floats:
    """Return curves divided by their own mean about a late ``moment``, shape (curve, n).

    :param time: since the pulse, s, shape (n,).
    :param curves: counts, shape (curve, n), background subtracted.
    :param moment: centre of the window, s.
    :param width: of the window, s.
    :raises LimitError: if the window holds no point or a curve is not above 0 there.
    """
    t, y = np.asarray(time, np.float64), np.atleast_2d(np.asarray(curves, np.float64))
    inside = np.abs(t - moment) <= width / 2
    if not inside.any():
        raise LimitError("window of the normalisation (s)", moment, "within the measured times")
    level = y[:, inside].mean(axis=1, keepdims=True)
    if not (level > 0).all():
        raise LimitError("mean counts in the window", float(level.min()), "above 0")
    normalised: Floats = y / level
    return normalised


def fit_decays(
    time: ArrayLike, curves: ArrayLike, *, start: Sequence[float], background: float = 0.0
) -> DecayFit:
    """Fit raw decay curves at once with shared lifetimes and an amplitude for each curve.

    The amplitudes follow linearly (none below 0) at given lifetimes, so that only the lifetimes are
    searched. Weights are those of counting, taken from the model and not from the counts, which
    would bias the tails.

    :param time: since the pulse, s, shape (n,).
    :param curves: counts as counted, shape (curve, n) or (n,); not normalised.
    :param start: a guess of each lifetime, s, all different, above 0.
    :param background: counts per point that do not decay.
    :raises LimitError: if a shape, a guess or a count is wrong.
    """
    t, y = np.asarray(time, np.float64), np.atleast_2d(np.asarray(curves, np.float64))
    if t.ndim != 1 or y.shape[1:] != t.shape:
        raise LimitError("shapes of time and curves", f"{t.shape}, {y.shape}", "(n,), (curve, n)")
    if not (np.isfinite(y).all() and (y >= 0).all()):
        raise LimitError("counts", "negative, NaN or infinite", "0 or more")
    guesses = sorted(start, reverse=True)
    if not guesses or not guesses[-1] > 0 or len(set(guesses)) < len(guesses):
        raise LimitError("guessed lifetimes (s)", list(start), "above 0 and different")
    names = [f"log_lifetime_{index}" for index in range(len(guesses))]
    current = {name: float(np.log(guess)) for name, guess in zip(names, guesses, strict=True)}
    sigma = np.sqrt(np.maximum(y, _LEAST_VARIANCE))
    fitted = _weighted_fit(t, y - background, sigma, current)
    for _ in range(_WEIGHING_ROUNDS):
        if not fitted.converged:
            break
        current = dict(fitted.values)
        expected, _ = _curves(t, y - background, sigma, list(current.values()))
        sigma = np.sqrt(np.maximum(expected + background, _LEAST_VARIANCE))
        fitted = _weighted_fit(t, y - background, sigma, current)
    lifetimes = np.exp([fitted[name] for name in names])
    order = np.argsort(-lifetimes)
    _, amplitudes = _curves(t, y - background, sigma, list(current.values()))
    spread = np.array([fitted.std(name) for name in names])
    return DecayFit(lifetimes[order], (lifetimes * spread)[order], amplitudes[:, order], fitted)


def _weighted_fit(t: Floats, y: Floats, sigma: Floats, start: Mapping[str, float]) -> CurveFit:
    def model(**logs: float) -> Floats:
        return _curves(t, y, sigma, list(logs.values()))[0].ravel()

    return fit_curve(model, y.ravel(), sigma.ravel(), start=start)


def _curves(t: Floats, y: Floats, sigma: Floats, logs: Sequence[float]) -> tuple[Floats, Floats]:
    """Return the best curves at given lifetimes, shape (curve, n), and their amplitudes."""
    shapes = np.exp(-t[:, np.newaxis] / np.exp(np.asarray(logs)))
    amplitudes = np.array(
        [
            nnls(shapes / weight[:, np.newaxis], counts / weight)[0]
            for counts, weight in zip(y, sigma, strict=True)
        ]
    )
    return amplitudes @ shapes.T, amplitudes

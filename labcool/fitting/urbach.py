"""Urbach energy from an absorption tail."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit, checked_points, fit_curve, not_determined

_LEAST_RISE: Final = 1e-6
"""Of ln α over all points."""
_STEEPEST: Final = 500.0
"""The same, as far as numbers reach."""


def fit_urbach(energy: ArrayLike, absorption: ArrayLike, std: ArrayLike | None = None) -> CurveFit:
    """Fit ``α = α_m exp((E − E_m)/E_U)`` to the exponential part of an absorption edge.

    The outcome has ``urbach_energy`` (E_U, eV) and ``log_absorption`` (ln α_m at the mean energy
    E_m of the points). Give it only points of the tail. Yamada et al. 2024 found 15.5 meV.

    :param energy: photon energies E, shape (n,), eV, at least two different ones.
    :param absorption: shape (n,), any unit (a PLE signal does).
    :param std: standard deviation of each absorption, shape (n,) or one number.
    :raises LimitError: for wrong shapes, fewer than three points, or fewer than two above 0.
    """
    photon, alpha = np.asarray(energy, np.float64), np.asarray(absorption, np.float64)
    checked_points(alpha, std, parameters=2)
    if photon.shape != alpha.shape or photon.ndim != 1 or not np.isfinite(photon).all():
        raise LimitError(
            "shapes of energy and absorption",
            f"{photon.shape}, {alpha.shape}",
            "(n,) each, and energies finite",
        )
    above = alpha > 0
    if np.unique(photon[above]).size < 2:
        raise LimitError("absorption", "above 0 at fewer than two energies", "a tail above 0")
    away = photon - photon.mean()
    slope, level = np.polyfit(away[above], np.log(alpha[above]), 1)
    # An edge that does not rise with the energy has no Urbach energy.
    if not slope * np.ptp(photon) > _LEAST_RISE:
        names = ("urbach_energy", "log_absorption")
        return not_determined(names, photon.size - 2, "the absorption does not rise with energy")
    return fit_curve(
        lambda urbach_energy, log_absorption: np.exp(away / urbach_energy + log_absorption),
        alpha,
        std,
        start={"urbach_energy": float(1 / slope), "log_absorption": float(level)},
        lowest={"urbach_energy": float(np.ptp(photon)) / _STEEPEST},
    )

"""Urbach energy from an absorption tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit, fit_curve


def fit_urbach(energy: ArrayLike, absorption: ArrayLike, std: ArrayLike | None = None) -> CurveFit:
    """Fit ``α = α_m exp((E − E_m)/E_U)`` to the exponential part of an absorption edge.

    The outcome has ``urbach_energy`` (E_U, eV) and ``log_absorption`` (ln α_m at the mean energy
    E_m of the points). Give it only points of the tail. Yamada et al. 2024 found 15.5 meV.

    :param energy: photon energies E, shape (n,), eV, at least two different ones.
    :param absorption: shape (n,), any unit (a PLE signal does).
    :param std: standard deviation of each absorption, shape (n,) or one number.
    :raises LimitError: for wrong shapes, or fewer than two points above 0.
    """
    photon, alpha = np.asarray(energy, np.float64), np.asarray(absorption, np.float64)
    if photon.shape != alpha.shape or photon.ndim != 1 or np.unique(photon).size < 2:
        raise LimitError(
            "shapes of energy and absorption",
            f"{photon.shape}, {alpha.shape}",
            "(n,) each, with at least two different energies",
        )
    above = alpha > 0
    if above.sum() < 2:
        raise LimitError("absorption", "above 0 at fewer than two energies", "a tail above 0")
    away = photon - photon.mean()
    slope, level = np.polyfit(away[above], np.log(alpha[above]), 1)
    return fit_curve(
        lambda urbach_energy, log_absorption: np.exp(away / urbach_energy + log_absorption),
        alpha,
        std,
        start={"urbach_energy": float(1 / slope), "log_absorption": float(level)},
    )

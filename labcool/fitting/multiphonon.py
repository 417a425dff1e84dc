"""Phonon energy and coupling from up-conversion efficiencies (Zhang et al. 2024, equation 9)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit, fit_curve, not_determined
from labcool.models.multiphonon import upconversion_efficiency
from labcool.units import BOLTZMANN_EV_PER_K

_NAMES = ("coupling", "phonon_energy", "log_loss_rate")


def fit_multiphonon(
    anti_stokes_energy: ArrayLike,
    efficiency: ArrayLike,
    std: ArrayLike | None,
    *,
    temperature: float,
) -> CurveFit:
    """Fit η(ΔE) at one temperature; the outcome has ``coupling`` (g, eV), ``phonon_energy`` (ω_p,
    eV) and ``log_loss_rate`` (ln w_nr).

    ``ln(η/(1 − η))`` is linear in ``ΔE ln ΔE``, ΔE and 1, from which the fit starts.

    :param anti_stokes_energy: ΔE, gap less photon energy, eV, above 0, shape (n,), n above 3.
    :param efficiency: η, shape (n,), of which at least three lie between 0 and 1.
    :param std: standard deviation of each efficiency, shape (n,) or one number.
    :param temperature: K, above 0.
    :raises LimitError: if a shape or a number is wrong, or too few efficiencies lie within.
    """
    missing, eta = np.asarray(anti_stokes_energy, np.float64), np.asarray(efficiency, np.float64)
    if missing.shape != eta.shape or missing.ndim != 1:
        raise LimitError(
            "shapes of energy and efficiency", f"{missing.shape}, {eta.shape}", "(n,) each"
        )
    if not (missing > 0).all():
        raise LimitError("anti-Stokes energy (eV)", float(missing.min()), "above 0")
    if not temperature > 0:
        raise LimitError("temperature (K)", temperature, "above 0")
    within = (eta > 0) & (eta < 1)
    if within.sum() < len(_NAMES):
        raise LimitError("efficiencies between 0 and 1", int(within.sum()), "at least 3")
    start = _start(missing[within], eta[within], temperature)
    if start is None:
        return not_determined(
            _NAMES, eta.size - len(_NAMES), "the efficiencies do not bend as multiple phonons would"
        )
    return fit_curve(
        lambda coupling, phonon_energy, log_loss_rate: upconversion_efficiency(
            missing,
            temperature,
            coupling=coupling,
            phonon_energy=phonon_energy,
            log_loss_rate=log_loss_rate,
        ),
        eta,
        std,
        start=dict(zip(_NAMES, start, strict=True)),
        lowest={"coupling": 1e-6, "phonon_energy": 1e-6},
    )


def _start(
    missing: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    eta: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    temperature: float,
) -> tuple[float, float, float] | None:
    known = -missing / (BOLTZMANN_EV_PER_K * temperature) - np.log(missing) / 2
    logit = np.log(eta / (1 - eta)) - known
    columns = np.column_stack((-missing * np.log(missing), missing, np.ones_like(missing)))
    inverse, slope, level = np.linalg.lstsq(columns, logit, rcond=None)[0]
    if not inverse > 0:
        return None
    phonon = 1 / inverse
    # slope = (1 − ln(ω_p/g²))/ω_p
    log_squared = slope * phonon - 1 + math.log(phonon)
    if not abs(log_squared) < 50:
        return None
    return math.exp(log_squared / 2), float(phonon), -float(level)

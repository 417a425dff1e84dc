"""Quantum yield and up-conversion efficiency from R (Zhang et al. 2024, equations 1 to 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit, fit_curve
from labcool.models.upconversion import (
    efficiency_from_line,
    quantum_yield_from_line,
    signal_ratio,
)


@dataclass(frozen=True, slots=True, eq=False)
class RatioSeries:
    """R against the Stokes energy at one anti-Stokes energy.

    :param anti_stokes_energy: ΔE, gap less photon energy, eV.
    :param stokes_energy: ΔE_S, shape (n,), photon energy less gap, eV.
    :param ratio: R, shape (n,).
    :param std: standard deviation of each R, shape (n,) or one number.
    """

    anti_stokes_energy: float
    stokes_energy: NDArray[np.float64]
    ratio: NDArray[np.float64]
    std: ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class UpconversionFit:
    """Outcome of :func:`fit_upconversion`.

    :param quantum_yield: QY that all series share, with ``quantum_yield_std``.
    :param efficiencies: η of each series, shape (series,), with ``efficiency_std``.
    :param fit: the parameters as fitted, with their whole covariance: ``quantum_yield`` and
        ``efficiency_0``, ``efficiency_1`` ...
    """

    quantum_yield: float
    quantum_yield_std: float
    efficiencies: NDArray[np.float64]
    efficiency_std: NDArray[np.float64]
    fit: CurveFit


def fit_upconversion(series: Sequence[RatioSeries], *, gap: float) -> UpconversionFit:
    """Fit all series at once with one quantum yield and an efficiency for each.

    :param series: at least one, each with at least two different Stokes energies.
    :param gap: Eg, eV, above every ΔE.
    :raises LimitError: if there are too few, or a shape or an energy is wrong.
    """
    if not series:
        raise LimitError("number of series", 0, "1 or more")
    for each in series:
        _check(each, gap)
    names = [f"efficiency_{index}" for index in range(len(series))]
    slopes = [np.polyfit(each.stokes_energy, each.ratio, 1) for each in series]
    yields = [quantum_yield_from_line(float(s), float(c), gap) for s, c in slopes]
    start_yield = float(np.clip(np.median(yields), 0.05, 1.0))
    start = {
        name: efficiency_from_line(
            float(slope[0]), start_yield, anti_stokes_energy=each.anti_stokes_energy, gap=gap
        )
        for name, slope, each in zip(names, slopes, series, strict=True)
    }

    def model(quantum_yield: float, **efficiencies: float) -> NDArray[np.float64]:
        lines = [
            signal_ratio(
                each.stokes_energy,
                anti_stokes_energy=each.anti_stokes_energy,
                efficiency=efficiencies[name],
                quantum_yield=quantum_yield,
                gap=gap,
            )
            for name, each in zip(names, series, strict=True)
        ]
        return np.concatenate(lines)

    fitted = fit_curve(
        model,
        np.concatenate([each.ratio for each in series]),
        np.concatenate([np.broadcast_to(each.std, each.ratio.shape) for each in series]),
        start={"quantum_yield": start_yield, **start},
    )
    return UpconversionFit(
        fitted["quantum_yield"],
        fitted.std("quantum_yield"),
        np.array([fitted[name] for name in names]),
        np.array([fitted.std(name) for name in names]),
        fitted,
    )


def _check(series: RatioSeries, gap: float) -> None:
    energies = np.asarray(series.stokes_energy)
    if energies.ndim != 1 or energies.shape != np.shape(series.ratio):
        raise LimitError(
            "shapes of Stokes energies and ratios",
            f"{energies.shape}, {np.shape(series.ratio)}",
            "(n,) each",
        )
    if np.unique(energies).size < 2:
        raise LimitError("Stokes energies (eV)", energies, "at least two different ones")
    if not 0 < series.anti_stokes_energy < gap:
        raise LimitError(
            "anti-Stokes energy (eV)", series.anti_stokes_energy, f"above 0, below the gap {gap:g}"
        )

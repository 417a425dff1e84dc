"""The factor by which the intensity differs from what the other thermometers expect."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from labcool.thermometry._series import longest_stretch, running_mean
from labcool.thermometry._shared_modes import shared_modes
from labcool.thermometry.agreement import Agreement, counts, scatter_of
from labcool.thermometry.estimate import Estimate, Flag
from labcool.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]

_MOST_LEVELS: Final = 12
_ANY_FACTOR: Final = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Unexplained:
    """ln ρ, the logarithm of that factor.

    :param log_factor: shape (n,); NaN where it is not known.
    :param std: noise of each, shape (n,).
    :param modes: errors that the points share, shape (m, n), each times a number of N(0, 1).
    """

    log_factor: Floats
    std: Floats
    modes: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where it is known, shape (n,)."""
        both: NDArray[np.bool_] = np.isfinite(self.log_factor) & np.isfinite(self.std)
        return both

    def only(self, rows: NDArray[np.bool_]) -> Unexplained:
        """Return it as if it were not known elsewhere."""
        return replace(self, log_factor=np.where(rows, self.log_factor, np.nan))

    def less(self, effect: Floats, own_std: float) -> Unexplained:
        """Return what remains without an effect of which each point is known to ``own_std``."""
        return replace(self, log_factor=self.log_factor - effect, std=np.hypot(self.std, own_std))


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Curves fitted to ln ρ.

    :param slopes: of the curves, with their covariance (times the scatter).
    :param chi2: over all points, the shared errors included; not divided by the scatter.
    :param scatter: flicker of the residuals over the stated one, at least 1.
    :param probability: chance that the residuals are noise, with χ² divided by the scatter.
    """

    slopes: Floats
    covariance: Floats
    chi2: float
    scatter: float
    probability: float


def fitted(unexplained: Unexplained, columns: Floats) -> Fit:
    """Fit ``ln ρ = shared errors + Σ slope · column``.

    :param columns: shape (k, n), k may be 0.
    """
    use = unexplained.known
    y, std = unexplained.log_factor[use] / unexplained.std[use], unexplained.std[use]
    count = len(unexplained.modes)
    design = np.concatenate([unexplained.modes[:, use], columns[:, use]]) / std
    prior = np.zeros(len(design))
    prior[:count] = 1.0
    covariance = np.linalg.pinv(design @ design.T + np.diag(prior), hermitian=True)
    found = covariance @ (design @ y)
    rest = y - found @ design
    chi2 = float(rest @ rest + found[:count] @ found[:count])
    degrees = max(y.size - len(columns), 1)
    scatter = scatter_of(rest, degrees)
    probability = float(chdtrc(degrees, chi2 / scatter))
    slopes, spread = found[count:], scatter * covariance[count:, count:]
    return Fit(
        np.asarray(slopes, np.float64), np.asarray(spread, np.float64), chi2, scatter, probability
    )


def unexplained_of(
    intensity: Estimate, shape: Agreement, activation_energy: float, fluence: Floats | None
) -> Unexplained:
    """Return ``ln ρ = (Ea/kB)(1/T − 1/T_A)`` with T from ``shape`` and T_A from the intensity.

    :param activation_energy: eV.
    :param fluence: as it was set, shape (n,); readings at a fluence without a reference then count,
        with a factor of their own for each fluence that is not known beforehand.
    """
    scale = activation_energy / BOLTZMANN_EV_PER_K
    known = counts(intensity) & _comparable(intensity, fluence)
    # T of one reading may be too noisy for 1/T to be linear in it.
    level = running_mean(shape.value, longest_stretch(shape.value.size))
    per_kelvin = scale / (intensity.value * level)
    log_factor = np.where(known, per_kelvin * (intensity.value - shape.value), np.nan)
    spread = per_kelvin * np.hypot(intensity.statistical, shape.statistical)
    shared = np.concatenate([shared_modes(intensity, known), shape.shared])
    modes = np.where(np.isfinite(per_kelvin), shared * per_kelvin, 0.0)
    levels = np.empty((0, known.size))
    if fluence is not None:
        elsewhere = known & ((intensity.flags & int(Flag.OTHER_FLUENCE)) != 0)
        distinct = np.unique(fluence[elsewhere])
        levels = _ANY_FACTOR * ((fluence == distinct[:, np.newaxis]) & elsewhere)
    return Unexplained(log_factor, spread, np.concatenate([modes, levels]))


def _comparable(intensity: Estimate, fluence: Floats | None) -> NDArray[np.bool_]:
    """Return which readings of the intensity can be compared with the first ones, shape (n,).

    Those at a fluence without a reference cannot, unless ``fluence`` tells them apart.
    """
    here: NDArray[np.bool_] = (intensity.flags & int(Flag.OTHER_FLUENCE)) == 0
    if fluence is None:
        return here
    told = np.isfinite(fluence)
    if np.unique(fluence[~here & told]).size > _MOST_LEVELS:
        return here
    return here | told

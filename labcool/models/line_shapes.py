"""Line shapes, normalised to an area of 1 on the energy axis.

Band-edge photoluminescence of CsPbBr3 is an exponentially modified Gaussian in energy (Yamada et
al. 2024, Fig. 1d). On a wavelength axis a density per eV is multiplied by ``|dE/dλ| = hc/λ²``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfc, erfcx

from labcool.errors import LimitError
from labcool.units import BOLTZMANN_EV_PER_K, HC_EV_NM

FWHM_PER_SIGMA: Final = 2 * math.sqrt(2 * math.log(2))


def exponentially_modified_gaussian(
    x: ArrayLike, centre: float, sigma: float, tail: float
) -> NDArray[np.float64]:
    """Return the density of a Gaussian folded with a one-sided exponential, same shape as ``x``.

    Area 1, mean ``centre + tail``, variance ``sigma² + tail²``, skewness
    ``2 tail³/(sigma² + tail²)^1.5``; with λ the rate of the exponential, ``tail = 1/λ``.

    :param x: energies, eV (or any unit that the other arguments share).
    :param centre: mean of the Gaussian.
    :param sigma: standard deviation of the Gaussian, above 0.
    :param tail: mean of the exponential; negative for a tail towards small ``x``, not 0.
    :raises LimitError: for a ``sigma`` or ``tail`` that cannot be.
    """
    if not sigma > 0:
        raise LimitError("sigma of the line", sigma, "above 0")
    if tail == 0 or not math.isfinite(tail):
        raise LimitError("tail of the line", tail, "finite and not 0")
    length = abs(tail)
    z = (np.asarray(x, np.float64) - centre) / math.copysign(sigma, tail)
    argument = (sigma / length - z) / math.sqrt(2)
    # Two writings of the same product: erfcx overflows where its argument is negative, and
    # exp · erfc is inf · 0 where it is large and positive.
    near = np.exp(-z * z / 2) * erfcx(np.maximum(argument, 0.0))
    exponent = sigma * sigma / (2 * length * length) - z * sigma / length
    far = np.exp(np.where(argument < 0, exponent, 0.0)) * erfc(np.minimum(argument, 0.0))
    density: NDArray[np.float64] = np.where(argument < 0, far, near) / (2 * length)
    return density


def energy_per_wavelength(wavelength: ArrayLike) -> NDArray[np.float64]:
    """Return ``|dE/dλ| = hc/λ²``, eV/nm, at wavelengths in nm (any shape)."""
    nanometres = np.asarray(wavelength, np.float64)
    return HC_EV_NM / (nanometres * nanometres)


def phonon_broadened_fwhm(
    temperature: float, static: float, coupling: float, phonon_energy: float
) -> float:
    """Return the width ``Γ0 + Γ_LO/(exp(E_LO/kB T) − 1)`` of a line, eV.

    :param temperature: K, above 0.
    :param static: width without phonons Γ0 (disorder, size distribution), eV.
    :param coupling: Γ_LO, eV.
    :param phonon_energy: energy of the optical phonon E_LO, eV.
    """
    return static + coupling / math.expm1(phonon_energy / (BOLTZMANN_EV_PER_K * temperature))

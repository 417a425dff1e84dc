"""From wavelengths to photon energies, with the Jacobian: ``I(E) = I(λ) λ²/hc``."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.spectral_model import pixel_widths
from labcool.units import HC_EV_NM

Floats = NDArray[np.float64]


def photon_energies(wavelengths: ArrayLike) -> Floats:
    """Return ``hc/λ`` of each pixel, shape (pixel,), eV.

    :param wavelengths: shape (pixel,), nm, above 0. Ascending ones give descending energies.
    :raises LimitError: if a wavelength is not above 0.
    """
    nanometres = np.asarray(wavelengths, np.float64)
    if not (np.isfinite(nanometres) & (nanometres > 0)).all():
        raise LimitError("wavelengths (nm)", float(np.min(nanometres)), "finite and above 0")
    energies: Floats = HC_EV_NM / nanometres
    return energies


def energy_widths(wavelengths: ArrayLike) -> Floats:
    """Return the width of each pixel, ``(hc/λ²) Δλ``, shape (pixel,), eV.

    Counts of a pixel are a density per eV times this width: as ``scale`` of a fit it is the
    Jacobian, and the counts keep their own noise.

    :raises LimitError: as :func:`photon_energies` and :func:`pixel_widths`.
    """
    nanometres = np.asarray(wavelengths, np.float64)
    return photon_energies(nanometres) / nanometres * pixel_widths(nanometres)


def to_energy(wavelengths: ArrayLike, counts: ArrayLike) -> tuple[Floats, Floats]:
    """Return energies (eV, ascending) and densities (counts/eV) of spectra, for plots and export.

    :param wavelengths: shape (pixel,), nm, in order.
    :param counts: shape (pixel,) or (n, pixel).
    :raises LimitError: if a shape does not fit, or as :func:`energy_widths`.
    """
    energies, spectra = photon_energies(wavelengths), np.asarray(counts, np.float64)
    if spectra.shape[-1:] != energies.shape:
        raise LimitError("counts", f"shape {spectra.shape}", f"(n, {energies.size}) or (pixel,)")
    density = spectra / energy_widths(wavelengths)
    order = np.argsort(energies)
    return energies[order], density[..., order]

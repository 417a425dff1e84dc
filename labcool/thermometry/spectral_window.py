"""The part of a spectrum that a thermometer looks at: pixels, energies, darks, bad pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.axes import energy_widths, photon_energies
from labcool.thermometry.estimate import Flag
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark, check_averages, check_positive, dark_at

Floats = NDArray[np.float64]


class WindowedSpectra(NamedTuple):
    """What :meth:`SpectralWindow.cut` gives; pixels by ascending wavelength."""

    counts: Floats
    """Dark-subtracted counts, shape (n, pixel of the window)."""
    shot: float
    """Variance per count."""
    light: Floats
    """Dark counts above the pedestal, shape (pixel,): they have shot noise, too."""
    floor: Floats
    """Variance of each pixel without light, counts², shape (pixel,)."""
    dark_variance: Floats
    """Variance of the dark that was subtracted, the same for all spectra, shape (pixel,)."""
    bad: NDArray[np.bool_]
    """Spectra with a pixel in the window that is not finite, shape (n,)."""
    flags: NDArray[np.int64]
    """``BAD_PIXELS`` for these, and for pixels far below the dark; ``SATURATED``; shape (n,)."""
    dark: Dark
    """The dark that was subtracted."""


class SpectralWindow:
    """Pixels of the detector between two photon energies.

    :param wavelengths: of all pixels, shape (pixel,), nm, ascending.
    :param window: lowest and highest photon energy, eV.
    :param noise: of the detector.
    :param dark: one dark for every exposure, or one for each exposure (s).
    :param good: True for pixels that may be used, shape (pixel,); None: all.
    :raises LimitError: if fewer than three pixels are left, or a shape does not fit.
    """

    def __init__(
        self,
        wavelengths: ArrayLike,
        window: tuple[float, float],
        *,
        noise: DetectorNoise,
        dark: Dark | Mapping[float, Dark],
        good: ArrayLike | None = None,
    ) -> None:
        nanometres = np.asarray(wavelengths, np.float64)
        energies = photon_energies(nanometres)
        if nanometres.ndim != 1 or not (np.diff(nanometres) > 0).all():
            raise LimitError("wavelengths (nm)", f"shape {nanometres.shape}", "(pixel,), ascending")
        low, high = window
        inside = (energies >= low) & (energies <= high)
        if good is not None:
            usable = np.asarray(good, np.bool_)
            if usable.shape != nanometres.shape:
                raise LimitError("good pixels", f"shape {usable.shape}", f"{nanometres.shape}")
            inside &= usable
        if not (low < high and inside.sum() >= 3):
            ends = f"{energies.min():.4g} to {energies.max():.4g}"
            raise LimitError(
                "fit window (eV)",
                f"{low:g} to {high:g}",
                f"(low, high) with 3 usable pixels or more, within {ends}",
            )
        self.window = (float(low), float(high))
        self.noise = noise
        self.pixel_count = nanometres.size
        self.pixels = np.flatnonzero(inside)
        self.wavelengths = nanometres[self.pixels]
        self.energies = energies[self.pixels]
        self.widths = energy_widths(nanometres)[self.pixels]
        self._dark = dark
        for each in [dark] if isinstance(dark, Dark) else dark.values():
            self._level(each)

    def cut(self, spectra: ArrayLike, *, exposure: float, averages: int = 1) -> WindowedSpectra:
        """Return the window of raw spectra, and what is known of its noise.

        :param spectra: shape (n, pixel) or (pixel,), raw counts, dark included.
        :param exposure: integration time, s.
        :param averages: exposures averaged in each spectrum, 1 or more.
        :raises LimitError: for a wrong number of pixels (of the dark, too), an exposure without a
            dark, or averages that are no whole number of 1 or more.
        """
        counts = np.asarray(spectra)
        if counts.shape[-1:] != (self.pixel_count,) or counts.ndim > 2:
            raise LimitError(
                "spectra", f"shape {counts.shape}", f"(n, {self.pixel_count}) or (pixel,)"
            )
        check_positive("exposure (s)", exposure)
        check_averages(averages)
        block = counts if counts.ndim == 2 else counts[np.newaxis]
        first, last = int(self.pixels[0]), int(self.pixels[-1]) + 1
        together = last - first == self.pixels.size
        chosen: Any = slice(first, last) if together else self.pixels
        raw = np.array(block[:, chosen], np.float64, order="C")
        dark = dark_at(self._dark, exposure)
        level = self._level(dark)
        pedestal = level if self.noise.pedestal_counts is None else self.noise.pedestal_counts
        light = np.maximum(level - pedestal, 0.0)
        shot, read = self.noise.variance_per_count, self.noise.read_noise_counts**2
        floor = np.full(self.pixels.size, max(read / averages, 1e-6))
        dark_variance = (shot * light + read) / dark.frames
        finite: NDArray[np.bool_] = np.isfinite(raw)
        bad = ~np.logical_and.reduce(finite, axis=1)
        least = self.noise.least_credible(level, floor + shot / averages * light + dark_variance)
        below = (raw < least).any(axis=1)
        return WindowedSpectra(
            counts=raw - level,
            shot=shot / averages,
            light=light,
            floor=floor,
            dark_variance=dark_variance,
            bad=bad,
            flags=self.noise.saturation(raw) | int(Flag.BAD_PIXELS) * (bad | below),
            dark=dark,
        )

    def _level(self, dark: Dark) -> Floats:
        """Return the dark counts in the window, shape (pixel of the window,)."""
        counts = np.asarray(dark.spectrum, np.float64)
        if counts.shape != (self.pixel_count,):
            raise LimitError(
                "dark spectrum",
                f"shape {counts.shape}",
                f"({self.pixel_count},), as the wavelengths",
                "Take the dark with the same pixels as the spectra.",
            )
        return counts[self.pixels]


def finite_or_nothing(counts: Floats) -> Floats:
    """Return counts in which what is not finite makes the sum of its spectrum minus infinity.

    The compiled fits pass over spectra without light; a hole in the data is treated the same.
    """
    return np.nan_to_num(counts, nan=-np.inf, posinf=-np.inf, neginf=-np.inf)

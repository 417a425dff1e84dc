"""How much the counts of a detector scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.thermometry.estimate import Flag

Numbers = TypeVar("Numbers", float, NDArray[np.float64])

FAR_BELOW: Final = 6.0
"""Standard deviations below the dark at which a pixel is not noise any more."""
_ROUNDING: Final = 1.0
"""Counts."""


@dataclass(frozen=True, slots=True)
class DetectorNoise:
    """Poisson noise of the photoelectrons plus read noise, for each pixel and exposure.

    :param electrons_per_count: gain, photoelectrons per count, above 0.
    :param read_noise_counts: standard deviation of one pixel in one exposure without light,
        counts, 0 or more.
    :param pedestal_counts: electronic offset of a pixel in counts, which carries no shot noise.
        None: the dark spectrum is taken for the pedestal, so that the shot noise of the dark
        current has to be part of the read noise (as it is if that was measured from dark frames
        at the exposure in use).
    :param excess_noise: factor F by which multiplication of electrons widens the shot noise: √2 in
        an EM register at high gain, 1 without (Robbins and Hadwen 2003).
    :param saturation_counts: raw counts at which a pixel is full; spectra that reach them in the
        pixels that are used are flagged. None: only what is said of a spectrum counts.
    :raises LimitError: if a number is not finite or outside its range.
    """

    electrons_per_count: float
    read_noise_counts: float
    pedestal_counts: float | None = None
    excess_noise: float = 1.0
    saturation_counts: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.electrons_per_count) and self.electrons_per_count > 0):
            raise LimitError(
                "electrons per count", self.electrons_per_count, "a finite number above 0"
            )
        if not (math.isfinite(self.read_noise_counts) and self.read_noise_counts >= 0):
            raise LimitError(
                "read noise (counts)", self.read_noise_counts, "a finite number, 0 or more"
            )
        if not (math.isfinite(self.excess_noise) and self.excess_noise >= 1):
            raise LimitError("excess noise factor", self.excess_noise, "a finite number, 1 or more")
        if self.pedestal_counts is not None and not math.isfinite(self.pedestal_counts):
            raise LimitError("pedestal (counts)", self.pedestal_counts, "a finite number")
        if self.saturation_counts is not None and not (
            math.isfinite(self.saturation_counts) and self.saturation_counts > 0
        ):
            raise LimitError(
                "saturation (counts)", self.saturation_counts, "a finite number above 0, or None"
            )

    @property
    def variance_per_count(self) -> float:
        """Variance of one exposure per count of light, ``F²/(electrons per count)``, counts."""
        return self.excess_noise**2 / self.electrons_per_count

    def variance(
        self,
        counts: NDArray[np.float64] | float,
        *,
        averages: int = 1,
        pedestal: NDArray[np.float64] | float = 0.0,
    ) -> NDArray[np.float64] | float:
        """Return the variance of raw pixels, counts².

        :param counts: raw counts of each pixel, mean over ``averages`` exposures, any shape.
        :param averages: number of exposures averaged.
        :param pedestal: dark counts, used if the pedestal of the detector is not known.
        """
        if self.pedestal_counts is not None:
            pedestal = self.pedestal_counts
        light = np.maximum(np.asarray(counts, dtype=np.float64) - pedestal, 0.0)
        single: NDArray[np.float64] = light * self.variance_per_count
        return (single + self.read_noise_counts**2) / averages

    def least_credible(
        self, dark: NDArray[np.float64], variance: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the raw counts below which a pixel cannot be noise, shape (pixel,).

        :param dark: counts without light, shape (pixel,), with their ``variance`` (counts²) from
            one spectrum to the next.
        """
        least: NDArray[np.float64] = dark - (FAR_BELOW * np.sqrt(variance) + _ROUNDING)
        return least

    def saturation(self, raw: NDArray[Any]) -> NDArray[np.int64]:
        """Return ``SATURATED`` where a pixel of raw spectra (n, pixel) is full, else 0; (n,)."""
        flags = np.zeros(len(raw), np.int64)
        if self.saturation_counts is not None:
            flags += int(Flag.SATURATED) * (raw >= self.saturation_counts).any(axis=1)
        return flags

    def pedestal_of_band(self, dark_total: float, pixels: int) -> float:
        """Return the sum of the pedestal over ``pixels`` pixels, counts."""
        return dark_total if self.pedestal_counts is None else self.pedestal_counts * pixels

    def band_variance(self, above_pedestal: Numbers, pixels: int, averages: int) -> Numbers:
        """Return the variance of a sum over pixels, counts².

        :param above_pedestal: sum of the raw counts less the pedestal, any shape.
        :param pixels: number of pixels in the sum.
        :param averages: number of exposures averaged.
        """
        shot = np.maximum(above_pedestal, 0.0) * (self.variance_per_count / averages)
        variance: Numbers = shot + pixels * self.read_noise_counts**2 / averages
        return variance

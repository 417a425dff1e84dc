"""What thermometers that fit a window of each spectrum have in common: the call, and the flags."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.spectral_window import checked_exposure

Floats = NDArray[np.float64]


class WindowThermometer(ABC):
    """Base of thermometers that need neither the fluence nor other spectra.

    A class sets :attr:`name`, :attr:`valid_range` (K) and :attr:`calibration_id`.
    """

    name: str
    valid_range: tuple[float, float]
    calibration_id: str

    def estimate(
        self,
        spectra: ArrayLike,
        *,
        exposure: float | Floats,
        fluence: object = None,  # noqa: ARG002 (the same call for every thermometer)
        saturated: ArrayLike | None = None,
        averages: int = 1,
    ) -> Estimate:
        """Get the temperatures of one spectrum or of a block of them.

        :param spectra: shape (n, pixel) or (pixel,), raw counts, dark included.
        :param exposure: integration time, s, the same for all.
        :param fluence: not needed.
        :param saturated: True where a spectrum is saturated, one bool or shape (n,).
        :param averages: exposures averaged in each spectrum.
        :return: temperatures in K; NaN where there is none, and the flags say why.
        :raises LimitError: for a wrong shape, or an exposure without a dark.
        """
        found = self._estimate(spectra, checked_exposure(exposure), averages)
        return found if saturated is None else told_saturated(found, saturated)

    @abstractmethod
    def _estimate(self, spectra: ArrayLike, exposure: float, averages: int) -> Estimate:
        """Get the temperatures; saturation is told by :meth:`estimate`."""


def told_saturated(estimate: Estimate, saturated: ArrayLike) -> Estimate:
    """Return an estimate with ``SATURATED`` set where it is so, one bool or shape (n,)."""
    flags = estimate.flags | int(Flag.SATURATED) * np.asarray(saturated, np.bool_)
    return Estimate(
        estimate.value,
        estimate.std,
        estimate.statistical,
        estimate.systematic,
        flags.astype(np.int64),
        estimate.upper_limit,
    )


def out_of_range(
    value: Floats, known: NDArray[np.bool_], valid_range: tuple[float, float]
) -> NDArray[np.int64]:
    """Return ``OUT_OF_RANGE`` for values that are known and lie outside, 0 for the others."""
    low, high = valid_range
    outside = known & ~((value >= low) & (value <= high))
    return int(Flag.OUT_OF_RANGE) * outside.astype(np.int64)

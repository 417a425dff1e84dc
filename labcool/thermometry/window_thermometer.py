"""What thermometers that fit a window of each spectrum have in common: the call, and the flags."""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.reference import SAME_EXPOSURE

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
        n = number_of_spectra(spectra)
        told = checked_saturated(saturated, n)
        found = self._estimate(spectra, checked_exposure(exposure, n), averages)
        return told_saturated(found, told) if told.any() else found

    @abstractmethod
    def _estimate(self, spectra: ArrayLike, exposure: float, averages: int) -> Estimate:
        """Get the temperatures; saturation is told by :meth:`estimate`."""


def told_saturated(estimate: Estimate, saturated: NDArray[np.bool_]) -> Estimate:
    """Return an estimate with ``SATURATED`` set where it is so, shape (n,)."""
    flags = estimate.flags | int(Flag.SATURATED) * saturated.astype(np.int64)
    return replace(estimate, flags=flags)


def number_of_spectra(spectra: ArrayLike) -> int:
    """Return n of (n, pixel) spectra, 1 for a single one of shape (pixel,)."""
    shape = np.shape(spectra)
    return shape[0] if len(shape) > 1 else 1


def checked_saturated(saturated: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Return which spectra are saturated, shape (n,); None: none of them.

    :raises LimitError: if it is neither one bool nor of shape (n,).
    """
    told = np.asarray(False if saturated is None else saturated, np.bool_)
    if told.shape not in ((), (n,)):
        raise LimitError("saturated", f"shape {told.shape}", f"one bool or of shape ({n},)")
    return np.broadcast_to(told, (n,))


def checked_exposure(exposure: float | NDArray[np.float64], n: int) -> float:
    """Return the one exposure (s) of n spectra.

    :raises LimitError: if it is neither one number nor of shape (n,), is not finite, or several
        that differ by more than :data:`SAME_EXPOSURE`; then call once for each.
    """
    given = np.asarray(exposure, np.float64)
    if given.shape not in ((), (n,)):
        raise LimitError("exposure (s)", f"shape {given.shape}", f"one number or of shape ({n},)")
    if not (given.size and np.isfinite(given).all()):
        raise LimitError("exposure (s)", exposure, "finite, for one spectrum or more")
    shortest, longest = float(given.min()), float(given.max())
    if longest - shortest > SAME_EXPOSURE * abs(longest):
        raise LimitError(
            "exposure (s)", exposure, "the same for all spectra", "Call once for each exposure."
        )
    return float(given.flat[0])


def out_of_range(
    value: Floats, known: NDArray[np.bool_], valid_range: tuple[float, float]
) -> NDArray[np.int64]:
    """Return ``OUT_OF_RANGE`` for values that are known and lie outside, 0 for the others."""
    low, high = valid_range
    outside = known & ~((value >= low) & (value <= high))
    return int(Flag.OUT_OF_RANGE) * outside.astype(np.int64)


def is_outdated(calibration: object, today: datetime.date | None) -> bool:
    """Return True if a calibration states a life and is older than that; None: not checked."""
    life, made = getattr(calibration, "life_days", 0.0), getattr(calibration, "date", None)
    if today is None or made is None or not life:
        return False
    return bool((today - made).days > life)

"""What an intensity thermometer compares with: reference and dark spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.numbers import whole
from labcool.spectrum import Spectrum

SAME_EXPOSURE: Final = 1e-3
"""Two exposures that differ by less than this part of the longer one are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A spectrum taken at a known temperature.

    :param spectrum: shape (pixel,), raw counts, mean over ``frames`` exposures, dark included.
    :param frames: number of exposures averaged, 1 or more.
    :param exposure: integration time of one exposure, s.
    :param fluence: irradiance at the sample, W/cm².
    :param temperature: temperature of the sample, K.
    :param temperature_std: standard uncertainty of that temperature, K.
    :raises LimitError: if a number is not finite or not positive (the std may be 0).
    """

    spectrum: NDArray[Any]
    frames: int
    exposure: float
    fluence: float
    temperature: float
    temperature_std: float

    def __post_init__(self) -> None:
        _check_spectrum("reference spectrum (counts)", self.spectrum, self.frames)
        for field, value in (
            ("reference exposure (s)", self.exposure),
            ("reference fluence (W/cm²)", self.fluence),
            ("reference temperature (K)", self.temperature),
        ):
            check_positive(field, value)
        if not (math.isfinite(self.temperature_std) and self.temperature_std >= 0):
            raise LimitError(
                "std of the reference temperature (K)",
                self.temperature_std,
                "a finite number, 0 or more",
            )

    @classmethod
    def from_spectrum(
        cls, spectrum: Spectrum, *, fluence: float, temperature: float, temperature_std: float
    ) -> Reference:
        """Return the reference made of one acquisition, e.g. the first of a run as I0.

        :param spectrum: as the spectrometer gave it.
        :param fluence: irradiance at the sample, W/cm².
        :param temperature: temperature of the sample, K, with its std ``temperature_std``, K.
        :raises LimitError: if a pixel of the spectrum is saturated.
        """
        if spectrum.saturated:
            raise LimitError(
                "reference spectrum",
                "saturated",
                "below the detector's limit in every pixel",
                "Use a shorter exposure.",
            )
        return cls(
            spectrum.counts,
            spectrum.averages,
            spectrum.exposure,
            fluence,
            temperature,
            temperature_std,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Dark:
    """What the detector gives with the pump blocked, at one exposure.

    :param spectrum: shape (pixel,), raw counts, mean over ``frames`` exposures.
    :param frames: number of exposures averaged, 1 or more.
    """

    spectrum: NDArray[Any]
    frames: int

    def __post_init__(self) -> None:
        _check_spectrum("dark spectrum (counts)", self.spectrum, self.frames)


def dark_at(dark: Dark | Mapping[float, Dark], exposure: float) -> Dark:
    """Return the dark spectrum that belongs to an exposure.

    :param dark: one dark for every exposure, or a dark for each exposure (s).
    :param exposure: s.
    :raises LimitError: if no dark was taken at this exposure.
    """
    if isinstance(dark, Dark):
        return dark
    for known, spectrum in dark.items():
        if math.isclose(known, exposure, rel_tol=SAME_EXPOSURE):
            return spectrum
    known_exposures = ", ".join(f"{known:g}" for known in sorted(dark)) or "none so far"
    raise LimitError(
        "exposure (s)",
        exposure,
        f"one at which a dark spectrum was taken ({known_exposures})",
        "Take a dark spectrum at this exposure first.",
    )


def check_positive(field: str, value: float) -> None:
    """Refuse what is not a finite number above 0.

    :raises LimitError: then.
    """
    if not (math.isfinite(value) and value > 0):
        raise LimitError(field, value, "a finite number above 0")


def check_averages(averages: int) -> None:
    """Refuse what is not a whole number of exposures, 1 or more.

    :raises LimitError: then.
    """
    whole("averages", averages, 1)


def _check_spectrum(field: str, spectrum: ArrayLike, frames: int) -> None:
    counts = np.asarray(spectrum)
    if counts.ndim != 1 or counts.size == 0:
        raise LimitError(field, f"shape {counts.shape}", "of shape (pixel,)")
    if not np.isfinite(counts).all():
        raise LimitError(field, "NaN or infinite in some pixel", "finite in every pixel")
    if frames < 1:
        raise LimitError(f"frames of the {field}", frames, "1 or more")

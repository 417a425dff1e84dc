"""Spectra of one experiment with all that is known about them, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labcool.calibration import CalibrationRecord
from labcool.thermometry.evidence import Evidence
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark, Reference

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """n spectra in order of time.

    :param path: file they come from.
    :param is_run: True for a run file of labcool.
    :param date: day of the measurement, for the age of calibrations.
    :param wavelengths: shape (pixel,), nm, ascending.
    :param spectra: raw counts, shape (n, pixel).
    :param time: s, shape (n,).
    :param exposure: s, shape (n,).
    :param averages: exposures averaged in each spectrum.
    :param fluence: W/cm², shape (n,).
    :param saturated: shape (n,).
    :param darks: one dark for each exposure (s), or one for all.
    :param references: spectra at known temperatures.
    :param noise: of the detector.
    :param calibrations: that the file carries.
    :param band: of the intensity thermometer, nm; None: not known.
    :param fluence_relative_std: drift of the pump between reference and measurement.
    :param laser: wavelength of the pump, nm; None: not known.
    :param first_temperature: of the sample at the first spectrum, K, with ``first_std``; None: not
        known.
    :param evidence: what else was watched.
    :param notes: what had to be assumed.
    """

    path: Path
    is_run: bool
    date: date
    wavelengths: Floats
    spectra: NDArray[Any]
    time: Floats
    exposure: Floats
    averages: int
    fluence: Floats
    saturated: NDArray[np.bool_]
    darks: Dark | Mapping[float, Dark]
    references: Sequence[Reference]
    noise: DetectorNoise
    calibrations: Sequence[CalibrationRecord] = ()
    band: tuple[float, float] | None = None
    fluence_relative_std: float = 0.0
    laser: float | None = None
    first_temperature: float | None = None
    first_std: float = 0.0
    evidence: Evidence | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of spectra."""
        return len(self.spectra)

    def first_as_reference(self) -> Reference | None:
        """Return the first spectrum as a reference; None without its temperature."""
        if self.first_temperature is None:
            return None
        return Reference(
            np.asarray(self.spectra[0]),
            self.averages,
            float(self.exposure[0]),
            float(self.fluence[0]),
            self.first_temperature,
            self.first_std,
        )

"""A measurement out of a run file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labcool.analysis.measurement import Measurement
from labcool.calibration import ArrheniusCalibration
from labcool.errors import LimitError, RunFileError
from labcool.storage.reader import Run, open_run
from labcool.storage.references import REFERENCES, stored_darks, stored_references
from labcool.thermometry import Arrhenius
from labcool.thermometry.evidence import Evidence
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark

Floats = NDArray[np.float64]


def measurement_of_file(path: Path) -> Measurement:
    """Return the spectra of a run file and what it knows about them.

    :raises RunFileError: if a run is writing it, or it holds no spectra.
    """
    with open_run(path) as run:
        if run.status == "running":
            raise RunFileError(f"{path}: a run is writing this file. Wait until it has ended.")
        return measurement_of(run)


def measurement_of(run: Run) -> Measurement:
    """Return the spectra of a run and what its file knows about them.

    :raises RunFileError: if it holds no spectra, or not what is needed to judge them.
    """
    if not run.rows:
        raise RunFileError(f"{run.path}: there are no spectra in this run.")
    record, process, told = run.record, run.process, []
    missing = [name for name in ("exposure", "fluence") if name not in record]
    missing += [
        name for name in ("electrons_per_count", "read_noise_counts") if name not in process
    ]
    if missing:
        raise RunFileError(f"{run.path}: this run does not tell its {', '.join(missing)}.")
    darks: Dark | Mapping[float, Dark] = {} if run.dark is None else stored_darks(run.dark)
    if not darks:
        darks = Dark(np.zeros(len(run.wavelengths)), 1)
        told.append("no dark spectra in the file: nothing is subtracted")
    kept = run.references.get(REFERENCES)
    temperature, std = _first_temperature(run)
    averages = run.parameters.get("averages")
    saturated = np.asarray(record["saturated"]) if "saturated" in record else np.zeros(run.rows)
    return Measurement(
        path=run.path,
        is_run=True,
        date=datetime.fromisoformat(run.start_date).date(),
        wavelengths=np.asarray(run.wavelengths, np.float64),
        spectra=np.asarray(run.spectra),
        time=np.asarray(run.time, np.float64),
        exposure=np.asarray(record["exposure"], np.float64),
        averages=1 if averages is None else int(averages.value),
        fluence=np.asarray(record["fluence"], np.float64),
        saturated=saturated > 0,
        darks=darks,
        references=[] if kept is None else stored_references(kept),
        noise=DetectorNoise(
            process["electrons_per_count"],
            process["read_noise_counts"],
            excess_noise=float(process.get("excess_noise_factor", 1.0)),
        ),
        calibrations=run.calibrations,
        band=_band(process),
        fluence_relative_std=float(process.get("fluence_relative_std", 0.0)),
        laser=_laser(run),
        first_temperature=temperature,
        first_std=std,
        evidence=_evidence(run),
        notes=tuple(told),
    )


def arrhenius_of(run: Run) -> Arrhenius:
    """Return the thermometer that read the intensities of a run.

    :raises RunFileError: if the file carries no activation energy.
    :raises labcool.errors.LimitError: if it holds no dark spectra.
    """
    measured = measurement_of(run)
    carried = [c for c in measured.calibrations if isinstance(c, ArrheniusCalibration)]
    if not carried or measured.band is None:
        raise RunFileError(f"{run.path}: this run carries no activation energy, or no band.")
    return arrhenius_thermometer(measured, carried[0], measured.band)


def arrhenius_thermometer(
    measured: Measurement, calibration: ArrheniusCalibration, band: tuple[float, float]
) -> Arrhenius:
    """Return the intensity thermometer of a measurement."""
    return Arrhenius(
        calibration,
        references=measured.references,
        dark=measured.darks,
        band=band,
        wavelengths=measured.wavelengths,
        noise=measured.noise,
        fluence_relative_std=measured.fluence_relative_std,
    )


def _band(process: Mapping[str, object]) -> tuple[float, float] | None:
    low, high = process.get("band_low_nm"), process.get("band_high_nm")
    if isinstance(low, int | float) and isinstance(high, int | float):
        return float(low), float(high)
    return None


def _laser(run: Run) -> float | None:
    for state in run.instruments.values():
        wavelength = state.settings_before.get("wavelength_nm")
        if state.role == "Laser" and wavelength is not None:
            return float(wavelength)
    return None


def _first_temperature(run: Run) -> tuple[float | None, float]:
    """Return the temperature of the sample at the first spectrum and its std, K."""
    std = run.parameters.get("start_temperature_std")
    spread = 0.0 if std is None else float(std.value)
    if "stage_temperature" in run.record:
        return float(run.record["stage_temperature"][0]), spread
    environment = run.sample.get("temperature_env", {})
    value = environment.get("value") if isinstance(environment, Mapping) else None
    return (None if value is None else float(value)), spread


def _evidence(run: Run) -> Evidence | None:
    """Return laser power and dose, as far as the record tells them."""
    record = run.record
    monitor, monitor_std = None, 0.0
    if "laser_power" in record and run.rows > 2:
        power = np.asarray(record["laser_power"], np.float64)
        if (power > 0).all():
            monitor = power / power[0]
            # What changes from one reading to the next is the noise of the meter.
            monitor_std = float(np.std(np.diff(monitor)) / np.sqrt(2))
    try:
        return Evidence(
            monitor=monitor,
            monitor_std=monitor_std,
            dose=_dose(run),
            time=np.asarray(run.time, np.float64),
        )
    except LimitError as error:
        raise RunFileError(f"{run.path}: {error}") from error


def _dose(run: Run) -> Floats:
    """Return the light that has fallen up to each spectrum, J/cm²; none between segments."""
    fluence = np.asarray(run.record["fluence"], np.float64)
    time = np.asarray(run.time, np.float64)
    lit = np.ones(run.rows - 1)
    if "segment" in run.record:
        lit = (np.diff(np.asarray(run.record["segment"])) == 0).astype(np.float64)
    between = lit * np.diff(time) * (fluence[1:] + fluence[:-1]) / 2
    dose: Floats = np.concatenate([[0.0], np.cumsum(np.nan_to_num(between))])
    return dose

"""What a finished cooling run shows, from its file alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labcool import units
from labcool.analysis.from_run import arrhenius_of
from labcool.storage.reader import Run
from labcool.thermometry.quantity import Quantity
from procedures.cooling.results import cooling_results
from procedures.shared.programme import Programme, parse


def results_of(run: Run) -> dict[str, Quantity]:
    """Return the results of a cooling run; what the data do not give is NaN."""
    temperature, std = run.temperature()
    systematic = np.asarray(run.record["temperature_systematic"])
    return cooling_results(
        run.time,
        temperature,
        np.sqrt(np.maximum(std**2 - systematic**2, 0.0)),
        systematic,
        np.asarray(run.record["fluence"]),
        _segments(run),
        _programme(run),
        drift_std=_drift_std(run, temperature),
    )


def draw_run(run: Run, path: Path, results: Mapping[str, Quantity]) -> None:
    """Draw the figure of a cooling run to ``path`` (PNG)."""
    from procedures.cooling.figure import draw

    temperature, std = run.temperature()
    spectra = np.asarray(run.spectra)
    draw(
        path,
        title=f"Cooling run of {run.sample.get('name', 'unnamed sample')}, {run.start_date[:16]}",
        time=run.time,
        temperature=temperature,
        std=std,
        fluence=np.asarray(run.record["fluence"]),
        relative_intensity=arrhenius_of(run).relative_intensity(
            spectra,
            fluence=np.asarray(run.record["fluence"]),
            exposure=np.asarray(run.record["exposure"]),
        ),
        wavelengths=run.wavelengths,
        spectra=spectra,
        segment=_segments(run),
        programme=_programme(run),
        results=results,
        band=(run.parameters["band_low"].value, run.parameters["band_high"].value),
    )


def _drift_std(run: Run, temperature: NDArray[np.float64]) -> float:
    """Return what the drift of the pump does to a temperature of this run, K."""
    sensitivity = np.nanmean(temperature) ** 2 * units.BOLTZMANN_EV_PER_K
    energy = run.parameters["activation_energy"].value
    return float(sensitivity / energy * run.process["fluence_relative_std"])


def _programme(run: Run) -> Programme:
    return parse(str(run.parameters["programme"].value))


def _segments(run: Run) -> NDArray[np.int64]:
    return np.asarray(run.record["segment"]).astype(np.int64)

"""The thermometer of a finished run, from its file alone."""

from __future__ import annotations

from datetime import datetime

from labcool.calibration import ArrheniusCalibration
from labcool.storage.reader import Run
from labcool.thermometry import Arrhenius, DetectorNoise
from procedures.shared.arrhenius import REFERENCES
from procedures.shared.arrhenius_reference import stored_darks, stored_references


def thermometer_of(run: Run) -> Arrhenius:
    """Return the thermometer that read the temperatures of a run.

    :raises labcool.errors.LimitError: if the file holds no dark spectra.
    """
    kept = {name: quantity.value for name, quantity in run.parameters.items()}
    process = run.process
    references = run.references.get(REFERENCES)
    return Arrhenius(
        ArrheniusCalibration(
            activation_energy=kept["activation_energy"],
            std=kept["activation_energy_std"],
            valid_range=(kept["calibrated_from"], kept["calibrated_to"]),
            date=datetime.fromisoformat(run.start_date).date(),
            source="parameters of this run",
        ),
        references=[] if references is None else stored_references(references),
        dark={} if run.dark is None else stored_darks(run.dark),
        band=(kept["band_low"], kept["band_high"]),
        wavelengths=run.wavelengths,
        noise=DetectorNoise(process["electrons_per_count"], process["read_noise_counts"]),
        fluence_relative_std=process["fluence_relative_std"],
    )

"""Darks and references of the thermometers, as a run file keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from labcool import units
from labcool.storage.spectra import SpectraSet
from labcool.thermometry.reference import Dark, Reference

REFERENCES: Final = "each_fluence"
"""Name of the references in the run file."""


def reference_columns(references: Sequence[Reference]) -> dict[str, tuple[list[float], str]]:
    """Return what the run file keeps with the reference spectra; see :func:`stored_references`."""
    return {
        "fluence": ([r.fluence for r in references], units.FLUENCE),
        "exposure": ([r.exposure for r in references], units.SECOND),
        "frames": ([float(r.frames) for r in references], units.DIMENSIONLESS),
        "temperature": ([r.temperature for r in references], units.KELVIN),
        "temperature_errors": ([r.temperature_std for r in references], units.KELVIN),
    }


def dark_columns(darks: Mapping[float, Dark]) -> dict[str, tuple[list[float], str]]:
    """Return what the run file keeps with the dark spectra; see :func:`stored_darks`."""
    return {
        "exposure": (list(darks), units.SECOND),
        "frames": ([float(dark.frames) for dark in darks.values()], units.DIMENSIONLESS),
    }


def stored_references(kept: SpectraSet) -> list[Reference]:
    """Return the references that a run file keeps."""
    columns = [np.atleast_1d(kept.columns[name].value) for name in reference_columns(())]
    return [
        Reference(spectrum, int(frames), exposure, fluence, temperature, std)
        for spectrum, fluence, exposure, frames, temperature, std in zip(
            kept.spectra, *columns, strict=True
        )
    ]


def stored_darks(kept: SpectraSet) -> dict[float, Dark]:
    """Return the dark spectra that a run file keeps, by exposure (s)."""
    exposures, frames = (np.atleast_1d(kept.columns[name].value) for name in dark_columns({}))
    return {
        float(exposure): Dark(spectrum, int(count))
        for spectrum, exposure, count in zip(kept.spectra, exposures, frames, strict=True)
    }

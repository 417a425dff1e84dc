"""Which kind of file it is, and what is read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import h5py

from labcool.analysis.from_run import measurement_of_file
from labcool.analysis.measurement import Measurement
from labcool.analysis.plain import measurement_of_plain
from labcool.analysis.plain_csv import read_csv
from labcool.analysis.plain_hdf5 import is_run_file, read_hdf5
from labcool.errors import ConfigurationError, LimitError, RunFileError
from labcool.thermometry.reference import Dark, Reference

STORED: Final = "stored"
FIRST: Final = "first"


def read_measurement(path: Path, *, temperature: float | None = None) -> Measurement:
    """Return the spectra of a run file, or of a plain CSV or HDF5 file.

    :param temperature: of the sample at the reference or at the first spectrum, K, if the file does
        not tell it.
    :raises RunFileError: if there are no spectra in it, no axis, or a run is writing it.
    """
    if not path.is_file():
        raise RunFileError(f"{path}: there is no such file.")
    if not h5py.is_hdf5(path):
        return measurement_of_plain(path, read_csv(path), temperature)
    if not is_run_file(path):
        return measurement_of_plain(path, read_hdf5(path), temperature)
    measured = measurement_of_file(path)
    return measured if temperature is None else replace(measured, first_temperature=temperature)


def read_references(measured: Measurement, words: Sequence[str]) -> Measurement:
    """Return the measurement with the references that somebody names.

    :param words: ``"stored"`` (those of the file itself), ``"first"`` (its first spectrum), or
        paths of files; none: stored, else the first spectrum.
    :raises ConfigurationError: if there is none of that kind, or a path has none.
    """
    if not words:
        first = measured.first_as_reference()
        if measured.references or first is None:
            return measured
        note = f"the first spectrum is the reference, at {first.temperature:g} K"
        return replace(measured, references=[first], notes=(*measured.notes, note))
    references: list[Reference] = []
    darks = measured.darks
    for word in words:
        if word == STORED:
            if not measured.references:
                raise ConfigurationError(f"{measured.path}: there are no references in this file.")
            references += measured.references
        elif word == FIRST:
            references.append(_first(measured))
        else:
            found, their_darks = _of_file(Path(word), measured)
            references += found
            darks = _joined(darks, their_darks)
    return replace(measured, references=references, darks=darks)


def _first(measured: Measurement) -> Reference:
    if measured.saturated[0]:
        raise ConfigurationError(f"{measured.path}: the first spectrum is saturated.")
    try:
        reference = measured.first_as_reference()
    except LimitError as error:
        raise ConfigurationError(
            f"{measured.path}: the first spectrum is no reference: {error}"
        ) from error
    if reference is None:
        raise ConfigurationError(
            f"{measured.path}: the temperature at the first spectrum is not known. Give it with "
            "--reference-temperature (K)."
        )
    return reference


def _of_file(
    path: Path, measured: Measurement
) -> tuple[Sequence[Reference], Dark | Mapping[float, Dark]]:
    try:
        other = read_measurement(path)
    except RunFileError as error:
        raise ConfigurationError(
            f"--reference {path}: neither '{STORED}', '{FIRST}' nor a file with spectra: {error}"
        ) from error
    if other.wavelengths.shape != measured.wavelengths.shape:
        raise ConfigurationError(
            f"--reference {path}: it has {other.wavelengths.size} pixels, the spectra have "
            f"{measured.wavelengths.size}."
        )
    if other.references:
        return other.references, other.darks
    first = other.first_as_reference()
    if first is None:
        raise ConfigurationError(
            f"--reference {path}: this file has no references and does not tell the temperature of "
            "its first spectrum."
        )
    return [first], other.darks


def _joined(
    own: Dark | Mapping[float, Dark], others: Dark | Mapping[float, Dark]
) -> Dark | Mapping[float, Dark]:
    """Return the darks of both; of one exposure that of the measurement itself."""
    if isinstance(own, Dark) or isinstance(others, Dark):
        return own
    return {**own, **{exposure: dark for exposure, dark in others.items() if exposure not in own}}

"""A copy of a run file with other temperatures in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import labcool
from labcool.analysis.analysis import Analysis
from labcool.analysis.method import method_of
from labcool.errors import RunFileError
from labcool.storage.placing import move_without_overwriting
from labcool.storage.skeleton import create_temperatures, nx_group
from labcool.storage.values import read_settings, write_settings
from labcool.thermometry.estimate import Estimate


def write_copy(analysis: Analysis, out: Path) -> None:
    """Copy the run file, and replace ``temperature`` and ``process_temperature`` in the copy.

    The raw spectra, and whatever else was recorded, stay as they were. The copy gets its name when
    it is complete.

    :raises OSError: if it cannot be written.
    :raises RunFileError: if the original has changed since it was read.
    """
    descriptor, name = tempfile.mkstemp(dir=out.parent, prefix=".new-", suffix=".h5")
    os.close(descriptor)
    draft = Path(name)
    try:
        shutil.copyfile(analysis.measured.path, draft)
        draft.chmod(0o644)  # a temporary file is for its maker alone
        # The copy stays as far as it is a run file: with whatever space was reserved at its end.
        with h5py.File(draft, "r+") as file:
            _replace(file["entry"], analysis)
        move_without_overwriting(draft, out)
    finally:
        draft.unlink(missing_ok=True)


def _replace(entry: h5py.Group, analysis: Analysis) -> None:
    rows = len(analysis.measured)
    if entry["data/time"].shape[0] < rows:
        raise RunFileError(f"{analysis.measured.path}: changed while it was analysed.")
    _trim(entry, rows)
    kept = _kept(read_settings(entry["process_temperature"]))
    for name in ("temperature", "process_temperature"):
        if name in entry:
            del entry[name]
    process = nx_group(entry, "process_temperature", "NXprocess")
    about = {"program": "labcool", "version": labcool.__version__}
    write_settings(process, {**kept, **about, **method_of(analysis)})
    names = list(analysis.readings)
    values, errors, flags = create_temperatures(entry, names, entry["data/time"])
    for index, estimate in enumerate(analysis.readings.values()):
        _fill(values[index], estimate.value)
        _fill(errors[index], estimate.std)
        _fill(flags[index], estimate.flags)
        _add_parts(values[index], estimate, names[index])


def _trim(entry: h5py.Group, rows: int) -> None:
    """Cut every per-point dataset to the rows that all of them have (a run that was broken off)."""
    for group in ("data", "record"):
        for dataset in entry.get(group, {}).values():
            per_point = dataset.maxshape[:1] == (None,) and dataset.shape[0] > rows
            if per_point:
                dataset.resize(rows, axis=0)


def _kept(process: dict[str, Any]) -> dict[str, Any]:
    """Return what the run said of its detector and pump, without how its temperatures were made."""
    made = ("method", "reference", "calibrations", "program", "version")
    return {name: value for name, value in process.items() if name not in made}


def _add_parts(value: h5py.Dataset, estimate: Estimate, thermometer: str) -> None:
    """Write beside a temperature the part of its std that all points share, and upper limits."""
    parts = {"systematic": estimate.systematic}
    if estimate.upper_limit is not None:
        parts["upper_limit"] = estimate.upper_limit
    name = value.name.rpartition("/")[2]
    for part, numbers in parts.items():
        dataset = value.parent.create_dataset(
            f"{name}_{part}", data=np.asarray(numbers, np.float64), maxshape=(None,)
        )
        dataset.attrs.update({"units": "K", "thermometer": thermometer})
        dataset.dims[0].attach_scale(value.parent["time"])


def _fill(dataset: h5py.Dataset, numbers: Any) -> None:
    dataset.resize(len(numbers), axis=0)
    dataset[...] = numbers

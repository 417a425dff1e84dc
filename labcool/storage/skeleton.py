"""Creates everything a run file will hold, before its first point.

The layout follows the NeXus definition NXoptical_spectroscopy (nexusformat.org). Axes are HDF5
dimension scales *and* named by NXdata attributes, so that netCDF readers and NeXus readers both
find them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import DTypeLike

import labcool
from labcool.storage import software
from labcool.storage.eventlog import CONTINUATION, EVENT_DTYPE
from labcool.storage.instruments import write_instruments
from labcool.storage.layout import (
    FLAGS_DTYPE,
    SCALAR_CHUNK_ROWS,
    STATUS_DTYPE,
    RunDescription,
    spectra_chunk_rows,
    thermometer_datasets,
)
from labcool.storage.sinks import GZIP_LEVEL
from labcool.storage.values import write_settings, write_value

_DEFINITION: Final = "NXoptical_spectroscopy"
_DEFINITION_VERSION: Final = "v2024.02"
_DEFINITION_URL: Final = (
    "https://fairmat-nfdi.github.io/nexus_definitions/classes/applications/"
    "NXoptical_spectroscopy.html"
)
_FILTERS: Final[dict[str, dict[str, Any]]] = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": GZIP_LEVEL, "shuffle": True},
}


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """The scalar datasets that grow by one row a point, in the order of a block's numbers."""

    time: h5py.Dataset
    columns: list[h5py.Dataset]
    temperatures: list[h5py.Dataset]
    temperature_errors: list[h5py.Dataset]
    flags: list[h5py.Dataset]
    events: h5py.Dataset

    @property
    def floats(self) -> list[h5py.Dataset]:
        """Every scalar stream that is handed over as float64."""
        return [*self.columns, *self.temperatures, *self.temperature_errors]


def create_skeleton(file: h5py.File, run: RunDescription, compression: str) -> Streams:
    """Create every group, dataset and attribute of a run that has no point yet."""
    _root(file)
    entry = nx_group(file, "entry", "NXentry")
    _head(entry, run)
    data = nx_group(entry, "data", "NXdata")
    time = _create_axes(data, run)
    _create_intensity(data, run, compression)
    values, errors, flags = create_temperatures(entry, run.thermometers, time)
    columns = _create_record(entry, run, time)
    instrument = nx_group(entry, "instrument", "NXinstrument")
    write_instruments(instrument, run, data["wavelength"])
    _write_sample(nx_group(entry, "sample", "NXsample"), run.sample)
    process = nx_group(entry, "process_temperature", "NXprocess")
    write_settings(process, {"program": "labcool", "version": labcool.__version__, **run.process})
    configuration = nx_group(entry, "configuration", "NXnote")
    configuration["type"] = "application/yaml"
    if run.configuration:
        configuration["data"] = np.bytes_(run.configuration)
    parameters = nx_group(entry, "parameters", "NXcollection")
    for name, quantity in run.parameters.items():
        write_value(parameters, name, quantity)
    used = software.versions() if run.software is None else run.software
    write_settings(nx_group(entry, "software", "NXcollection"), used)
    nx_group(entry, "reference", "NXcollection")
    events = _create_events(entry)
    return Streams(time, columns, values, errors, flags, events)


def _write_sample(group: h5py.Group, sample: Mapping[str, Any]) -> None:
    """Write what is known of the sample; ``temperature_env_K`` is where NeXus looks for it."""
    known = dict(sample)
    environment = known.pop("temperature_env_K", None)
    write_settings(group, known)
    if environment is not None:
        inner = nx_group(group, "temperature_env", "NXenvironment")
        write_value(inner, "value", (float(environment), "K"))


def nx_group(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    """Create a group with its NeXus class."""
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _root(file: h5py.File) -> None:
    file.attrs["NX_class"] = "NXroot"
    file.attrs["default"] = "entry"
    file.attrs["creator"] = "labcool"
    file.attrs["creator_version"] = labcool.__version__
    file.attrs["HDF5_Version"] = h5py.version.hdf5_version
    file.attrs["h5py_version"] = h5py.version.version


def _head(entry: h5py.Group, run: RunDescription) -> None:
    entry.attrs["default"] = "data"
    entry["definition"] = _DEFINITION
    entry["definition"].attrs["version"] = _DEFINITION_VERSION
    entry["definition"].attrs["URL"] = _DEFINITION_URL
    entry["experiment_type"] = run.experiment_type
    entry["title"] = run.title or run.procedure
    entry["procedure"] = run.procedure
    entry["start_time"] = run.start_date.isoformat()
    entry["identifier_experiment"] = run.identifier
    entry.create_dataset("status", data=np.array(b"running", dtype=STATUS_DTYPE))


def _create_axes(data: h5py.Group, run: RunDescription) -> h5py.Dataset:
    data.attrs["signal"] = "intensity"
    data.attrs["axes"] = ["time", "wavelength"]
    data.attrs["time_indices"] = 0
    data.attrs["wavelength_indices"] = 1
    data["title"] = run.title or run.procedure
    wavelength = data.create_dataset("wavelength", data=np.asarray(run.wavelengths, dtype="f8"))
    _describe(wavelength, "nm", "Wavelength of each pixel")
    wavelength.make_scale("wavelength")
    time = _growing(data, "time", "f8")
    _describe(time, "s", "Time since the start of the run")
    time.make_scale("time")
    return time


def _create_intensity(data: h5py.Group, run: RunDescription, compression: str) -> None:
    pixels = len(run.wavelengths)
    dtype = np.dtype(run.counts_dtype)
    rows = spectra_chunk_rows(pixels, dtype)
    intensity = data.create_dataset(
        "intensity",
        shape=(0, pixels),
        maxshape=(None, pixels),
        chunks=(rows, pixels),
        dtype=dtype,
        **_FILTERS[compression],
    )
    _describe(intensity, "counts", "Raw spectra, nothing subtracted")
    intensity.dims[0].attach_scale(data["time"])
    intensity.dims[1].attach_scale(data["wavelength"])


def create_temperatures(
    entry: h5py.Group, thermometers: Sequence[str], time: h5py.Dataset
) -> tuple[list[h5py.Dataset], list[h5py.Dataset], list[h5py.Dataset]]:
    """Create the group ``temperature``; return values, errors and flags, without rows as yet."""
    values: list[h5py.Dataset] = []
    errors: list[h5py.Dataset] = []
    flags: list[h5py.Dataset] = []
    names = thermometer_datasets(thermometers)
    if not names:
        return values, errors, flags
    group = nx_group(entry, "temperature", "NXdata")
    group["time"] = time
    group["title"] = f"Temperature by {thermometers[0]}"
    group.attrs.update({"signal": names[0], "axes": ["time"], "time_indices": 0})
    if names[1:]:
        group.attrs["auxiliary_signals"] = names[1:]
    for name, thermometer in zip(names, thermometers, strict=True):
        values.append(_growing(group, name, "f8", time))
        errors.append(_growing(group, f"{name}_errors", "f8", time))
        flags.append(_growing(group, f"{name}_flags", FLAGS_DTYPE, time))
        _describe(values[-1], "K", f"Temperature by {thermometer}")
        _describe(errors[-1], "K", f"One standard deviation of {thermometer}")
        flags[-1].attrs["long_name"] = f"Flags of {thermometer}"
        for dataset in (values[-1], errors[-1], flags[-1]):
            dataset.attrs["thermometer"] = thermometer
    return values, errors, flags


def _create_record(
    entry: h5py.Group, run: RunDescription, time: h5py.Dataset
) -> list[h5py.Dataset]:
    if not run.columns:
        return []
    group = nx_group(entry, "record", "NXdata")
    group["time"] = time
    group["title"] = f"Record of {run.procedure}"
    names = [column.name for column in run.columns]
    group.attrs.update({"signal": names[0], "axes": ["time"], "time_indices": 0})
    if names[1:]:
        group.attrs["auxiliary_signals"] = names[1:]
    datasets = []
    for column in run.columns:
        dataset = _growing(group, column.name, column.dtype, time)
        _describe(dataset, column.unit, column.description)
        datasets.append(dataset)
    return datasets


def _create_events(entry: h5py.Group) -> h5py.Dataset:
    group = nx_group(entry, "events", "NXcollection")
    log = group.create_dataset("log", (0,), EVENT_DTYPE, maxshape=(None,), chunks=(64,))
    log.attrs["continuation"] = CONTINUATION
    return log


def _growing(
    group: h5py.Group, name: str, dtype: DTypeLike, time: h5py.Dataset | None = None
) -> h5py.Dataset:
    dataset = group.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(SCALAR_CHUNK_ROWS,))
    if time is not None:
        dataset.dims[0].attach_scale(time)
    return dataset


def _describe(dataset: h5py.Dataset, unit: str, description: str) -> None:
    dataset.attrs["units"] = unit or "dimensionless"
    if description:
        dataset.attrs["long_name"] = description

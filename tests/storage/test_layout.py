"""The file, name by name and attribute by attribute, as any HDF5 reader sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

import labcool
from labcool.errors import LimitError
from labcool.storage.layout import Column, spectra_chunk_rows
from labcool.storage.writer import RunWriter


@pytest.fixture
def file(finished: Path) -> Iterator[h5py.File]:
    with h5py.File(finished, "r") as opened:
        yield opened


def test_root(file: h5py.File) -> None:
    assert dict(file.attrs) == {
        "NX_class": "NXroot",
        "default": "entry",
        "creator": "labcool",
        "creator_version": labcool.__version__,
        "HDF5_Version": h5py.version.hdf5_version,
        "h5py_version": h5py.__version__,
    }


def test_entry(file: h5py.File) -> None:
    entry = file["entry"]
    assert dict(entry.attrs) == {"NX_class": "NXentry", "default": "data"}
    texts = {
        "definition": "NXoptical_spectroscopy",
        "experiment_type": "photoluminescence",
        "title": "Cooling of a film",
        "procedure": "Cooling",
        "start_time": "2026-01-02T03:04:05+00:00",
        "end_time": "2026-01-02T03:34:05+00:00",
        "identifier_experiment": "00000000-0000-0000-0000-000000000000",
    }
    assert {name: entry[name].asstr()[()] for name in texts} == texts
    assert entry["definition"].attrs["version"]
    assert entry["definition"].attrs["URL"].startswith("https://")
    assert entry["status"].dtype == np.dtype("S32")
    assert entry["status"][()] == b"finished"


def test_every_group_has_its_class(file: h5py.File) -> None:
    classes = {
        "data": "NXdata",
        "temperature": "NXdata",
        "record": "NXdata",
        "instrument": "NXinstrument",
        "instrument/beam_pump": "NXbeam",
        "instrument/source_pump": "NXsource",
        "instrument/detector_spectrometer": "NXdetector",
        "instrument/detector_spectrometer/dark": "NXdata",
        "instrument/device_shutter": "NXcollection",
        "sample": "NXsample",
        "process_temperature": "NXprocess",
        "configuration": "NXnote",
        "parameters": "NXcollection",
        "software": "NXcollection",
        "events": "NXcollection",
        "reference": "NXcollection",
        "reference/start": "NXdata",
    }
    assert {name: file["entry"][name].attrs["NX_class"] for name in classes} == classes
    without: list[str] = []
    file.visititems(
        lambda name, item: (
            without.append(name)
            if isinstance(item, h5py.Group) and "NX_class" not in item.attrs
            else None
        )
    )
    assert without == []


def test_data(file: h5py.File) -> None:
    data = file["entry/data"]
    assert data.attrs["signal"] == "intensity"
    assert list(data.attrs["axes"]) == ["time", "wavelength"]
    assert (data.attrs["time_indices"], data.attrs["wavelength_indices"]) == (0, 1)
    assert data["title"].asstr()[()] == "Cooling of a film"
    intensity = data["intensity"]
    assert intensity.dtype == np.dtype("u2")
    assert intensity.shape == (40, 256)
    assert intensity.chunks == (256, 256)
    assert (intensity.compression, intensity.compression_opts, intensity.shuffle) == (
        "gzip",
        1,
        True,
    )
    units = {name: data[name].attrs["units"] for name in ("intensity", "time", "wavelength")}
    assert units == {"intensity": "counts", "time": "s", "wavelength": "nm"}
    assert [dim[0].name for dim in intensity.dims] == [
        "/entry/data/time",
        "/entry/data/wavelength",
    ]
    assert data["time"].is_scale
    assert data["wavelength"].is_scale
    assert np.all(np.diff(data["wavelength"][()]) > 0)


def test_temperature(file: h5py.File) -> None:
    group = file["entry/temperature"]
    assert group.attrs["signal"] == "temperature"
    assert list(group.attrs["axes"]) == ["time"]
    assert group.attrs["time_indices"] == 0
    assert list(group.attrs["auxiliary_signals"]) == ["tail"]
    assert group["title"].asstr()[()] == "Temperature by arrhenius"
    for name, thermometer in (("temperature", "arrhenius"), ("tail", "tail")):
        assert group[name].attrs["thermometer"] == thermometer
        assert group[name].attrs["units"] == group[f"{name}_errors"].attrs["units"] == "K"
        assert group[name].dtype == group[f"{name}_errors"].dtype == np.dtype("f8")
        assert group[f"{name}_flags"].dtype == np.dtype("i4")
        assert group[name].dims[0][0] == file["entry/data/time"]


def test_record(file: h5py.File) -> None:
    group = file["entry/record"]
    assert group.attrs["signal"] == "fluence"
    assert list(group.attrs["auxiliary_signals"]) == ["shots", "stage_temperature"]
    assert dict(group["fluence"].attrs)["units"] == "W/cm^2"
    assert group["fluence"].attrs["long_name"] == "Pump irradiance"
    assert group["shots"].attrs["units"] == "dimensionless"
    assert group["shots"].dtype == np.dtype("i4")


def test_time_is_one_dataset_with_three_names(file: h5py.File) -> None:
    time = file["entry/data/time"]
    assert file["entry/temperature/time"] == time
    assert file["entry/record/time"] == time
    detector = file["entry/instrument/detector_spectrometer"]
    assert detector["wavelength"] == file["entry/data/wavelength"]


def test_instruments(file: h5py.File) -> None:
    instrument = file["entry/instrument"]
    pump = instrument["source_pump"]
    assert pump.attrs["driver"] == "drivers.finesse.Finesse"
    assert pump.attrs["role"] == "Laser"
    assert pump["type"].asstr()[()] == "Laser"
    assert pump["associated_beam"].asstr()[()] == "/entry/instrument/beam_pump"
    assert pump["settings_before/wavelength_nm"].attrs["units"] == "nm"
    assert pump["settings_after/power_W"][()] == 1.25
    assert pump["settings_after/power_W"].attrs["units"] == "W"
    beam = instrument["beam_pump"]
    assert beam["parameter_reliability"].asstr()[()] == "nominal"
    assert beam["incident_wavelength"][()] == 532.0
    detector = instrument["detector_spectrometer"]
    assert detector["detector_channel_type"].asstr()[()] == "multichannel"


def test_parameters_keep_full_precision(file: h5py.File) -> None:
    exposure = file["entry/parameters/exposure"]
    assert exposure[()] == 0.1 + 0.2
    assert exposure.dtype == np.dtype("f8")
    assert exposure.attrs["units"] == "s"


def test_the_log_has_fixed_length_rows(file: h5py.File) -> None:
    log = file["entry/events/log"]
    assert log.dtype == np.dtype(
        [("time", "<f8"), ("level", "i1"), ("source", "S32"), ("text", "S200")]
    )


def test_configuration_is_bytes(file: h5py.File) -> None:
    note = file["entry/configuration"]
    assert h5py.check_string_dtype(note["data"].dtype).length == 19
    assert note["type"].asstr()[()] == "application/yaml"


def test_nothing_is_empty_in_a_finished_file(file: h5py.File) -> None:
    _assert_nothing_empty(file)


def test_a_run_without_a_point_has_no_empty_dataset_and_another_default(
    tmp_path: Path, describe, block, end
) -> None:
    for references in (0, 1):
        path = tmp_path / f"{references}.h5"
        writer = RunWriter(path, describe())
        if references:
            writer.add_spectra("start", block(0, 1).spectra)
        writer.finish("aborted", end)
        with h5py.File(path, "r") as file:
            _assert_nothing_empty(file)
            assert not {"data", "temperature", "record", "events"} & set(file["entry"])
            assert ("default" in file["entry"].attrs) == bool(references)
            if references:
                default = file["entry"][file["entry"].attrs["default"]]
                assert default[default.attrs["default"]].attrs["signal"] == "intensity"
        with labcool.open_run(path) as run:
            assert (run.status, run.rows) == ("aborted", 0)
            assert run.spectra.shape == (0, 256)
            assert run.time.shape == run.temperature()[0].shape == (0,)
            assert len(run.wavelengths) == 256
            assert len(run.record) == 0
            assert run.to_xarray().sizes["wavelength"] == 256


def _assert_nothing_empty(file: h5py.File) -> None:
    def check(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            assert item.size, name
            if h5py.check_string_dtype(item.dtype) is not None:
                assert item[()], name

    file.visititems(check)


@pytest.mark.parametrize(
    ("pixels", "dtype", "rows"),
    [(2048, "f4", 64), (3648, "f4", 32), (16, "u2", 256), (1 << 20, "f8", 16)],
)
def test_chunks_hold_between_16_and_256_spectra(pixels: int, dtype: str, rows: int) -> None:
    assert spectra_chunk_rows(pixels, dtype) == rows


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"wavelengths": np.array([3.0, 2.0])}, "wavelengths"),
        ({"wavelengths": np.array([])}, "wavelengths"),
        ({"wavelengths": np.array([1.0, np.nan])}, "wavelengths"),
        ({"start_date": datetime(2026, 1, 1)}, "start_date"),  # noqa: DTZ001
        ({"sample": {}}, "sample"),
        ({"counts_dtype": "S3"}, "counts_dtype"),
        ({"columns": (Column("time", "s"),)}, "column name"),
        ({"columns": (Column("a/b", "s"),)}, "column name"),
        ({"columns": (Column("a", "s"), Column("a", "s"))}, "column name"),
        ({"thermometers": ("tail", "temperature")}, "thermometer name"),
        ({"thermometers": ("tail", "temperature_errors")}, "thermometer name"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_once(describe, changes, field: str) -> None:
    with pytest.raises(LimitError, match=field):
        replace(describe(), **changes)

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import labcool
from labcool import open_run
from labcool.errors import RunFileError


def test_everything_said_comes_back(finished: Path) -> None:
    with open_run(str(finished)) as run:
        assert (run.title, run.procedure, run.status) == (
            "Cooling of a film",
            "Cooling",
            "finished",
        )
        assert run.start_date == "2026-01-02T03:04:05+00:00"
        assert run.parameters == {
            "exposure": (0.1 + 0.2, "s"),
            "averages": (3, ""),
            "note": ("", ""),
        }
        assert run.sample == {"name": "CsPbBr3 film", "chemical_formula": "CsPbBr3"}
        assert run.configuration == b"bench: table 2\r\n\x00\xff\x00"
        assert run.process["calibrations"] == {"c-1": {"energy_eV": 0.14}}
        assert run.software["labcool"] == labcool.__version__
        pump = run.instruments["pump"]
        assert (pump.role, pump.identity) == ("Laser", "Finesse")
        assert pump.settings_before == {"wavelength_nm": 532.0}
        assert pump.settings_after == {"power_W": 1.25}
        assert run.instruments["shutter"].settings_before == {"closed": True}
        assert set(run.instruments) == {"pump", "shutter", "spectrometer"}


def test_references_and_dark(finished: Path, block) -> None:
    with open_run(finished) as run:
        start = run.references["start"]
        assert np.array_equal(start.spectra, block(0, 3).spectra)
        assert np.array_equal(start.wavelengths, run.wavelengths)
        assert start.columns["fluence"] == (30.0, "W/cm^2")
        assert start.columns["temperature"].value.tolist() == [298.0, 298.5, 299.0]
        assert run.dark is not None
        assert run.dark.spectra.shape == (1, 256)
        assert run.dark.columns == {"exposure": (0.1, "s")}


def test_spectra_are_indexed_like_an_array(finished: Path) -> None:
    with open_run(finished) as run:
        whole = np.asarray(run.spectra)
        assert whole.shape == (40, 256)
        for key in (0, -1, slice(3, 9), slice(None, None, 7), slice(30, 99), slice(9, 3)):
            assert np.array_equal(run.spectra[key], whole[key])
        assert run.spectra[5, 7] == whole[5, 7]
        assert np.array_equal(run.spectra[2:4, 10:20], whole[2:4, 10:20])
        assert np.array_equal(run.spectra[..., 4], whole[..., 4])
        assert np.array_equal(run.spectra[run.time > 15], whole[run.time > 15])
        assert np.array_equal(run.spectra[[1, 4]], whole[[1, 4]])
        for key in (40, -41, [40]):
            with pytest.raises(IndexError, match="of 40"):
                run.spectra[key]
        with pytest.raises(IndexError, match="forward"):
            run.spectra[::-1]


def test_thermometers(finished: Path) -> None:
    with open_run(finished) as run:
        assert run.thermometers == ("arrhenius", "tail")
        assert np.array_equal(run.temperature()[0], run.temperature("arrhenius")[0])
        assert run.temperature("tail")[0][3] == 290.0
        assert run.flags("tail").tolist()[:4] == [0, 1, 2, 0]
        with pytest.raises(RunFileError, match="no thermometer 'raman'; there are: arrhenius"):
            run.temperature("raman")


def test_to_xarray(finished: Path) -> None:
    with open_run(finished) as run:
        data = run.to_xarray()
    assert dict(data.sizes) == {"time": 40, "wavelength": 256}
    assert data.intensity.sel(time=4.5).values[0] == 9
    assert data.temperature.attrs == {"units": "K", "thermometer": "arrhenius"}
    assert data.fluence.attrs["units"] == "W/cm^2"
    assert {"tail", "tail_errors", "tail_flags", "shots"} <= set(data.variables)
    assert data.attrs["status"] == "finished"


def test_h5netcdf_sees_labelled_axes(finished: Path) -> None:
    for group, sizes in (
        ("entry/data", {"time": 40, "wavelength": 256}),
        ("entry/temperature", {"time": 40}),
        ("entry/record", {"time": 40}),
        ("entry/reference/start", {"number": 3, "wavelength": 256}),
    ):
        with xarray.open_dataset(finished, group=group, engine="h5netcdf") as data:
            assert dict(data.sizes) == sizes
            assert set(sizes) <= set(data.coords)
    with xarray.open_dataset(finished, group="entry/record", engine="h5netcdf") as record:
        table = record.to_dataframe()
        assert table.loc[19.5, "shots"] == 39
        assert table.index.name == "time"


@pytest.mark.parametrize("content", [b"", b"time,counts\n1,2\n"])
def test_something_that_is_no_hdf5_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.h5"
    path.write_bytes(content)
    with pytest.raises(RunFileError, match=r"other\.h5: not an HDF5 file"):
        open_run(path)


def test_hdf5_of_something_else_is_told(tmp_path: Path, finished: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(RunFileError, match="not a run file"):
        open_run(path)
    with h5py.File(finished, "r+") as file:
        file["entry/definition"][()] = "NXxas"
    with pytest.raises(RunFileError, match="not a run file"):
        open_run(finished)


def test_what_is_missing_or_cut_is_told(tmp_path: Path, finished: Path) -> None:
    with pytest.raises(RunFileError, match="no such file"):
        open_run(tmp_path / "nothing.h5")
    with pytest.raises(RunFileError, match="no such file"):
        open_run(tmp_path)
    finished.write_bytes(finished.read_bytes()[:-1000])
    with pytest.raises(RunFileError, match="truncated"):
        open_run(finished)


def test_rows_that_cannot_be_read_are_named(finished: Path) -> None:
    with h5py.File(finished, "r") as file:
        chunk = file["entry/data/intensity"].id.get_chunk_info(0)
    data = bytearray(finished.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + 64] = bytes(64)
    finished.write_bytes(data)
    with open_run(finished) as run:
        assert len(run.time) == 40
        with pytest.raises(RunFileError, match=r"rows .* of /entry/data/intensity cannot be read"):
            run.spectra[3]


def test_a_closed_run_says_so(finished: Path) -> None:
    run = open_run(finished)
    time = run.time
    run.close()
    assert time[1] == 0.5
    with pytest.raises(RunFileError, match="closed"):
        run.record["fluence"]


def test_importing_labcool_imports_no_hdf5() -> None:
    code = "import sys, labcool; sys.exit('h5py' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0
    with pytest.raises(AttributeError, match="open_ruin"):
        labcool.open_ruin  # noqa: B018

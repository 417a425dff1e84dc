"""Plain files of spectra whose temperature is known, because it was put in by hand."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from labcool.analysis import (
    Analysis,
    Choices,
    analyse,
    default_output,
    read_measurement,
    read_references,
    write_analysis,
)
from labcool.calibration import (
    LINE_WIDTH,
    PEAK_ENERGY,
    CalibrationRecord,
    PolynomialCalibration,
    ResponseCalibration,
    WavelengthCalibration,
)
from labcool.errors import ConfigurationError, RunFileError

Floats = NDArray[np.float64]

KB, HC = 8.617333262e-5, 1239.8419843320026
NM = np.linspace(440.0, 620.0, 900)
EV = HC / NM
KELVIN = np.array([300.0, 290.0, 280.0, 270.0])
READ_NOISE = 5.0
DARK = 100.0 + 10.0 * np.sin(NM / 30.0)


def tail(kelvin: float) -> Floats:
    """Return counts per pixel of a thermal tail above 2.4 eV, which nothing precedes."""
    light = EV**2 * np.exp(-(EV - 2.4) / (KB * kelvin)) * (EV / NM)
    return np.where(EV > 2.4, 2.0e6 * light, 0.0)


def line(kelvin: float, *, width: float = 0.035) -> Floats:
    """Return counts per pixel of a Gaussian line at 2.4 eV that shifts by 0.3 meV/K."""
    sigma = width * kelvin / 300.0
    centre = 2.4 + 3e-4 * (kelvin - 300.0)
    return 3.0e4 * np.exp(-(((EV - centre) / sigma) ** 2) / 2) * (EV / NM) / (2.4 / 516.6)


def noisy(light: list[Floats], seed: int = 1) -> Floats:
    rng = np.random.default_rng(seed)
    read = rng.normal(0.0, READ_NOISE, (len(light), NM.size))
    return np.array([rng.poisson(each) for each in light]) + read + DARK


def write_csv(path: Path, spectra: Floats, *, head: str = "", across: bool = False) -> Path:
    names = [str(10.0 * i) for i in range(len(spectra) - 1)]
    rows: list[list[Any]]
    if across:
        rows = [["time_s", *NM]]
        rows += [[name, *each] for name, each in zip([*names, "dark"], spectra, strict=True)]
    else:
        rows = [["wavelength", *names, "dark"], *np.column_stack([NM, spectra.T]).tolist()]
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# read_noise_counts = {READ_NOISE}\n{head}")
        csv.writer(file).writerows(rows)
    return path


def with_dark(spectra: Floats) -> Floats:
    return np.vstack([spectra, DARK])


def analysed(path: Path, *references: str, kelvin: float | None = None, **choices: Any) -> Analysis:
    measured = read_references(read_measurement(path, temperature=kelvin), references)
    return analyse(measured, Choices(**choices))


def assert_true(analysis: Analysis, name: str, kelvin: Floats = KELVIN) -> None:
    estimate = analysis.readings[name]
    assert (np.abs(estimate.value - kelvin) < 4 * estimate.std).all(), estimate.value
    assert (estimate.std < 5).all()
    assert (estimate.flags == 0).all()


@pytest.mark.parametrize("across", [False, True])
def test_tails_from_a_table_either_way_round(tmp_path: Path, across: bool) -> None:
    spectra = with_dark(noisy([tail(kelvin) for kelvin in KELVIN]))
    path = write_csv(tmp_path / "t.csv", spectra, across=across, head="# exposure_s = 0.5\n")
    analysis = analysed(path, thermometers=("tail_slope", "tail_ratio"), kelvin=300.0,
                        window=(2.42, 2.6))  # fmt: skip
    assert_true(analysis, "tail_slope")
    assert analysis.readings["tail_ratio"].value[0] == pytest.approx(300.0, abs=1e-2)
    assert_true(analysis, "tail_ratio")
    assert analysis.measured.time.tolist() == [0.0, 10.0, 20.0, 30.0]
    assert "the first spectrum is the reference, at 300 K" in analysis.notes


def test_a_window_in_nanometres_is_the_same_window(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([tail(k) for k in KELVIN])))
    one = analysed(path, thermometers=("tail_slope",), window=(2.42, 2.6))
    other = analysed(path, thermometers=("tail_slope",), window=(HC / 2.6, HC / 2.42))
    assert np.array_equal(one.readings["tail_slope"].value, other.readings["tail_slope"].value)


def test_without_a_calibration_those_that_need_none_read(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([tail(k) for k in KELVIN])))
    analysis = analysed(path, window=(2.42, 2.6))
    assert list(analysis.readings) == ["tail_slope"]
    assert "no reference" in analysis.skipped["tail_ratio"]
    assert "wavelength of the laser" in analysis.skipped["raman"]


def test_a_tilted_response_is_taken_off(tmp_path: Path) -> None:
    seen = np.exp(8.0 * (EV - EV.max()))
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([tail(k) * seen for k in KELVIN])))
    response = ResponseCalibration(
        tuple(NM), tuple(seen), tuple(np.zeros(NM.size)), 0.1, date=date(2026, 1, 1),
        source="lamp", method="by hand", valid_range=(440.0, 620.0),
    )  # fmt: skip
    chosen: dict[str, Any] = {"thermometers": ("tail_slope",), "window": (2.42, 2.6)}
    assert_true(analysed(path, calibrations=(response,), **chosen), "tail_slope")
    # Without it the slope is wrong by 8/eV: T = 1/(kB (1/(kB T0) − 8)).
    wrong = analysed(path, **chosen).readings["tail_slope"]
    assert wrong.value[0] == pytest.approx(1 / (1 / 300.0 - 8 * KB), abs=4 * wrong.std[0])


def stage_curves() -> tuple[CalibrationRecord, ...]:
    """Return what a Gaussian of these numbers follows, without uncertainty."""
    common: dict[str, Any] = {
        "date": date(2026, 1, 1), "source": "by hand", "method": "exact",
        "valid_range": (250.0, 310.0),
    }  # fmt: skip
    none = ((0.0, 0.0), (0.0, 0.0))
    wide = 2.3548200450309493 * 0.035
    return (
        PolynomialCalibration(LINE_WIDTH, "eV", (wide, wide / 300.0), none, 300.0, **common),
        PolynomialCalibration(PEAK_ENERGY, "eV", (2.4, 3e-4), none, 300.0, **common),
    )


def test_width_and_position_of_a_line_against_curves_of_a_stage(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([line(k) for k in KELVIN])))
    analysis = analysed(path, calibrations=stage_curves())
    assert list(analysis.readings) == ["line_width", "peak_shift"]
    for name in analysis.readings:
        estimate = analysis.readings[name]
        # An EMG is fitted; a pure Gaussian is its limit, at which the tail is hardly determined.
        assert estimate.value == pytest.approx(KELVIN, abs=3.0), name
        assert (estimate.flags == 0).all()
    assert analysis.verdict.conclusion.value in ("consistent cooling", "inconsistent")


def silicon(kelvin: float) -> Floats:
    """Return a spectrum with both Raman lines of silicon, 532 nm, n = 3, 0.6 nm wide."""
    nu, laser = 520.0, 1e7 / 532.0
    ratio = ((laser + nu) / (laser - nu)) ** 3 * np.exp(-nu * 1.239841984e-4 / (KB * kelvin))
    light = np.full(NM.size, 200.0)
    for centre, area in ((1e7 / (laser - nu), 2.0e6), (1e7 / (laser + nu), 2.0e6 * ratio)):
        light += area * 0.3 / np.pi / ((NM - centre) ** 2 + 0.09) * np.gradient(NM)
    return light


def test_silicon_tells_its_temperature_by_itself(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "t.csv", with_dark(noisy([silicon(k) for k in KELVIN])), head="# laser_nm: 532\n"
    )
    analysis = analysed(path, thermometers=("raman",))
    assert analysis.used["raman"].settings["line_width_nm"] == pytest.approx(0.6, abs=0.02)
    assert_true(analysis, "raman")


def test_a_wavelength_calibration_replaces_the_axis(tmp_path: Path) -> None:
    spectra = with_dark(noisy([tail(k) for k in KELVIN]))
    path = tmp_path / "t.csv"
    write_csv(path, spectra)
    text = path.read_text().splitlines()
    body = (row.split(",", 1) for row in text[2:])
    shifted = [*text[:2], *(f"{float(nm) + 3.0},{counts}" for nm, counts in body)]
    path.write_text("\n".join(shifted))
    step = 180.0 / 899
    axis = WavelengthCalibration(
        (440.0, step), ((0.0, 0.0), (0.0, 0.0)), 0.0, date=date(2026, 1, 1), source="lamp",
        method="exact", valid_range=(0.0, 899.0),
    )  # fmt: skip
    analysis = analysed(
        path, thermometers=("tail_slope",), window=(2.42, 2.6), calibrations=(axis,)
    )
    assert analysis.measured.wavelengths == pytest.approx(NM)
    assert_true(analysis, "tail_slope")


def test_the_same_spectra_from_hdf5(tmp_path: Path) -> None:
    spectra = noisy([tail(k) for k in KELVIN])
    plain = tmp_path / "plain.h5"
    with h5py.File(plain, "w") as file:
        group = file.create_group("experiment")
        group["spectra"], group["wavelength"] = spectra.T[::-1], NM[::-1]
        group["dark"], group["time"] = DARK[::-1], [0.0, 1.0, 2.0, 3.0]
        group.attrs["exposure_s"], group.attrs["read_noise_counts"] = 2.0, READ_NOISE
    nexus = tmp_path / "nexus.h5"
    with h5py.File(nexus, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs["default"] = "scan"
        scan = entry.create_group("scan")
        scan.attrs["signal"], scan.attrs["axes"] = "light", ["t", "colour"]
        scan["light"], scan["t"], scan["colour"] = spectra, np.arange(4.0), NM
        scan["colour"].attrs["units"] = "nm"
        scan["dark"], scan["read_noise_counts"] = DARK, READ_NOISE
    table = write_csv(tmp_path / "t.csv", with_dark(spectra))
    chosen: dict[str, Any] = {"thermometers": ("tail_slope",), "window": (2.42, 2.6)}
    told = [analysed(path, **chosen) for path in (table, plain, nexus)]
    assert [a.measured.exposure[0] for a in told] == [1.0, 2.0, 1.0]
    assert told[1].measured.time.tolist() == [0.0, 1.0, 2.0, 3.0]
    for other in told[1:]:
        ours, theirs = told[0].readings["tail_slope"], other.readings["tail_slope"]
        assert theirs.value == pytest.approx(ours.value, rel=1e-12)


def test_the_sidecar_says_how_and_what(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([tail(k) for k in KELVIN])))
    before = path.read_bytes()
    analysis = analysed(path, thermometers=("tail_slope",), window=(2.42, 2.6))
    out = default_output(analysis.measured)
    assert out.name == "t_analysed.csv"
    write_analysis(analysis, out)
    assert path.read_bytes() == before
    lines = out.read_text(encoding="utf-8").splitlines()
    facts = dict(each[2:].split(": ", 1) for each in lines if each.startswith("#"))
    assert facts["analysed_from"] == "t.csv"
    assert json.loads(facts["thermometers"])["tail_slope"]["window_high_eV"] == 2.6
    rows = list(csv.DictReader(each for each in lines if not each.startswith("#")))
    estimate = analysis.readings["tail_slope"]
    assert [float(row["tail_slope_K"]) for row in rows] == estimate.value.tolist()
    assert [float(row["tail_slope_std_K"]) for row in rows] == estimate.std.tolist()
    with pytest.raises(ConfigurationError, match="is there already"):
        write_analysis(analysis, out)


def test_what_is_assumed_is_said(tmp_path: Path) -> None:
    spectra = noisy([tail(k) for k in KELVIN]) - DARK
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows(np.column_stack([NM, spectra.T]).tolist())
    notes = read_measurement(tmp_path / "t.csv").notes
    assert notes == (
        "electrons_per_count is not told: 1",
        "read_noise_counts is not told: 0",
        "no dark spectrum: the counts are taken as they are",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no spectra"),
        ("# exposure_s = 1\n", "there are no spectra"),
        ("a,b\n1,2\n3,4\n5,6\n", "there is no wavelength axis"),
        ("wavelength,1\n500,2\n501,x\n502,3\n", "not everything in the table is a number"),
        ("wavelength,1\n500,2\n501,3,4\n502,3\n", "row 3 of the table has 3 cells"),
        ("# exposure_s = long\nwavelength,1\n500,2\n501,3\n502,3\n", "exposure_s = 'long'"),
        ("# exposure_s = 0\nwavelength,1\n500,2\n501,3\n502,3\n", "is not above 0"),
        ("# date = June\nwavelength,1\n500,2\n501,3\n502,3\n", "is not YYYY-MM-DD"),
        ("# electrons_per_count = -1\nwavelength,1\n500,2\n501,3\n502,3\n", "above 0"),
        ("wavelength,1\n500,2\n502,3\n501,3\n", "there is no wavelength axis"),
    ],
)
def test_tables_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(RunFileError) as refusal:
        read_measurement(path)
    assert message in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_hdf5_files_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["something"] = np.arange(3.0)
    with pytest.raises(RunFileError, match="no spectra in this file"):
        read_measurement(path)
    with h5py.File(path, "w") as file:
        file["spectra"] = np.ones((4, 50))
    with pytest.raises(RunFileError, match="no wavelength axis beside /spectra"):
        read_measurement(path)
    with pytest.raises(RunFileError, match="there is no such file"):
        read_measurement(tmp_path / "b.h5")
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RunFileError, match="neither HDF5 nor a text file"):
        read_measurement(tmp_path / "b.bin")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["stored"], "there are no references in this file"),
        (["first"], "--reference-temperature"),
        (["nowhere.h5"], "neither 'stored', 'first' nor a file"),
    ],
)
def test_references_that_are_not_there(tmp_path: Path, words: list[str], message: str) -> None:
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([tail(k) for k in KELVIN])))
    with pytest.raises(ConfigurationError) as refusal:
        analysed(path, *words)
    assert message in str(refusal.value)


def test_decimal_commas_and_semicolons(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([tail(k) for k in KELVIN])))
    german = tmp_path / "g.csv"
    fact, table = path.read_text().split("\n", 1)
    german.write_text(f"{fact}\n" + table.replace(",", ";").replace(".", ","))
    one, other = read_measurement(path), read_measurement(german)
    assert np.array_equal(one.spectra, other.spectra)
    assert np.array_equal(one.wavelengths, other.wavelengths)


def test_light_without_a_line_has_no_window(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", with_dark(noisy([0 * NM] * 4)))
    with pytest.raises(ConfigurationError, match="line in the spectra"):
        analysed(path, thermometers=("tail_slope",))

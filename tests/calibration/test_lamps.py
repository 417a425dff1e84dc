"""Wavelength axis and spectral response from simulated lamps."""

from __future__ import annotations

import csv
from datetime import date
from importlib import resources

import numpy as np
import pytest
from numpy.typing import NDArray

from labcool.calibration import WavelengthCalibration
from labcool.calibration.fits import (
    Origin,
    calibrate_axis,
    response_from_blackbody,
    response_from_table,
)
from labcool.calibration.lamp_lines import lamp_lines
from labcool.errors import LimitError

Floats = NDArray[np.float64]

ORIGIN = Origin(date=date(2026, 3, 1), source="spectrometer FLMS12345")
PIXELS = np.arange(2048.0)
TRUE = 345.0 + 0.38 * PIXELS - 1.3e-5 * PIXELS**2 - 1.2e-9 * PIXELS**3
FWHM = 1.4


def lamp(lamps: list[str], seed: int, *, axis: Floats = TRUE, muons: int = 0) -> Floats:
    """Return a lamp spectrum: Gaussian lines of random brightness, shot and read noise, muons."""
    rng = np.random.default_rng(seed)
    light = np.full(axis.size, 30.0)
    for line in lamp_lines(lamps):
        height = 300.0 * line.brightness * rng.uniform(0.5, 2.0)
        light += height * np.exp(-4 * np.log(2) * ((axis - line.wavelength) / FWHM) ** 2)
    counts = rng.poisson(light) + rng.normal(0.0, 8.0, axis.size) - 30.0
    counts[rng.integers(0, axis.size, muons)] += 5000.0
    return np.asarray(counts, np.float64)


def rough(seed: int) -> Floats:
    """Return an axis that is off by some nanometres, stretched and bent."""
    rng = np.random.default_rng(100 + seed)
    away = TRUE - 600.0
    return TRUE + rng.uniform(-3.0, 3.0) + rng.uniform(-4e-3, 4e-3) * away + 1e-6 * away**2


@pytest.mark.parametrize("lamps", [["Hg", "Ar"], ["Ne"], ["Kr", "Hg"]])
def test_the_axis_is_found_though_it_was_only_roughly_known(lamps: list[str]) -> None:
    pulls = []
    for seed in range(6):
        found = calibrate_axis(lamp(lamps, seed, muons=3), rough(seed), lamps=lamps, origin=ORIGIN)
        first, last = found.valid_range
        inside = (first <= PIXELS) & (last >= PIXELS)
        error = found.wavelengths(PIXELS) - TRUE
        assert np.abs(error[inside]).max() < 0.03
        middle = int((first + last) / 2)
        pulls.append(error[middle] / found.std(PIXELS)[middle])
    assert np.sqrt(np.mean(np.square(pulls))) < 2.0
    assert found.method.startswith(f"{', '.join(lamps)} lamp, ")
    assert found.medium == "air"


def test_a_vacuum_axis_is_longer_by_the_index_of_air() -> None:
    spectrum = lamp(["Hg", "Ar"], 1)
    air, vacuum = (
        calibrate_axis(spectrum, TRUE, lamps=["Hg", "Ar"], origin=ORIGIN, medium=medium)
        for medium in ("air", "vacuum")
    )
    assert vacuum.wavelengths(1000) / air.wavelengths(1000) == pytest.approx(1.0002757, abs=1e-6)


def test_saturated_lines_are_left_out() -> None:
    spectrum = np.minimum(lamp(["Hg", "Ar"], 1), 9000.0)
    found = calibrate_axis(spectrum, rough(1), lamps=["Hg", "Ar"], origin=ORIGIN, saturation=9000.0)
    all_lines = calibrate_axis(lamp(["Hg", "Ar"], 1), rough(1), lamps=["Hg", "Ar"], origin=ORIGIN)
    assert found.degrees_of_freedom < all_lines.degrees_of_freedom
    middle = int(np.mean(found.valid_range))
    assert found.wavelengths(middle) == pytest.approx(TRUE[middle], abs=0.03)


def test_a_lamp_that_is_not_there_is_not_found() -> None:
    noise = np.random.default_rng(1).normal(0.0, 8.0, 2048)
    with pytest.raises(LimitError, match="lines of the lamp that are recognised"):
        calibrate_axis(noise, TRUE, lamps=["Hg"], origin=ORIGIN)
    with pytest.raises(LimitError, match="one or more of Ar, Hg, Kr, Ne"):
        calibrate_axis(noise, TRUE, lamps=["Xe"], origin=ORIGIN)
    with pytest.raises(LimitError, match="ascending"):
        calibrate_axis(noise, TRUE[::-1], lamps=["Hg"], origin=ORIGIN)


def test_wavelengths_in_vacuum_are_those_in_air_times_the_index() -> None:
    """Edlén 1966, another formula than that of the table, and within 1e-8 of it."""
    text = (resources.files("labcool.calibration") / "data" / "lamp_lines.csv").read_text("utf-8")
    rows = list(csv.DictReader(r for r in text.splitlines() if not r.startswith("#")))
    assert len(rows) > 100
    for row in rows:
        air, vacuum = float(row["air_nm"]), float(row["vacuum_nm"])
        s2 = (1e3 / vacuum) ** 2
        index = 1 + 1e-8 * (8342.13 + 2406030 / (130 - s2) + 15997 / (38.9 - s2))
        assert vacuum == pytest.approx(air * index, abs=1.5e-4), row


@pytest.mark.parametrize(
    ("lamps", "air", "vacuum"),
    [
        (["Hg"], 546.0735, 546.2253), (["Hg"], 435.8328, 435.9553), (["Ar"], 415.8590, 415.9762),
        (["Ar"], 696.5431, 696.7352), (["Ne"], 640.2248, 640.4018), (["Kr"], 587.0916, 587.2543),
    ],
)  # fmt: skip
def test_well_known_lines_are_in_the_table(lamps: list[str], air: float, vacuum: float) -> None:
    """Against the NIST Atomic Spectra Database."""
    assert air in [line.wavelength for line in lamp_lines(lamps)]
    inside = [line.wavelength for line in lamp_lines(lamps, "vacuum")]
    assert np.min(np.abs(np.array(inside) - vacuum)) < 5e-4


def test_a_wavelength_record_tells_the_std_of_its_axis() -> None:
    record = WavelengthCalibration(
        (500.0, 0.3), ((0.01, 0.0), (0.0, 1e-6)), 100, date=date(2026, 1, 1), method="m",
        source="s", valid_range=(0.0, 200.0),
    )  # fmt: skip
    assert record.wavelengths([100, 110]) == pytest.approx([500.0, 503.0])
    assert record.std(110) == pytest.approx(np.sqrt(0.01 + 100 * 1e-6))


NM = np.linspace(420.0, 700.0, 500)
EFFICIENCY = np.exp(-(((NM - 560.0) / 90.0) ** 2))


def photons(kelvin: float) -> Floats:
    return NM**-4.0 / (np.exp(1.4387768775e7 / (NM * kelvin)) - 1)


def counted(light: Floats) -> Floats:
    """Return counts of a lamp whose brightest pixel has 40000."""
    seen = light * EFFICIENCY * np.gradient(NM)
    return 4.0e4 * seen / seen.max()


def test_a_black_body_gives_back_the_response() -> None:
    record = response_from_blackbody(
        counted(photons(2856.0)), NM, counts_std=20.0, temperature=2856.0, temperature_std=40.0,
        origin=ORIGIN,
    )  # fmt: skip
    inside = (record.valid_range[0] <= NM) & (record.valid_range[1] >= NM)
    assert inside.sum() > 400
    ratio = record.at(NM)[inside] / EFFICIENCY[inside]
    assert ratio == pytest.approx(ratio[0], rel=1e-9)
    assert np.isnan(record.at(NM)[~inside]).all()
    assert record.std_at(600.0) == pytest.approx(
        20.0 / np.interp(600.0, NM, counted(photons(2856.0))), rel=1e-2
    )


def test_a_lamp_hotter_than_believed_tilts_the_response_by_its_slope_std() -> None:
    one, other = (
        response_from_blackbody(
            counted(photons(2856.0)), NM, counts_std=1.0, temperature=kelvin, temperature_std=40.0,
            origin=ORIGIN,
        )
        for kelvin in (2856.0, 2896.0)
    )  # fmt: skip
    ends = np.array([517.68, 547.14])
    changed = np.diff(np.log(other.at(ends) / one.at(ends)))[0]
    apart = -np.diff(1239.842 / ends)[0]
    assert abs(changed / apart) == pytest.approx(one.slope_std, rel=0.05)
    assert one.ratio_std(*ends) == pytest.approx(one.slope_std * apart, rel=0.01)


def test_a_certificate_in_watts_gives_the_response_for_photons() -> None:
    certified = np.arange(400.0, 721.0, 5.0)
    planck = certified**-5.0 / (np.exp(1.4387768775e7 / (certified * 2856.0)) - 1)
    record = response_from_table(
        counted(photons(2856.0)), NM, counts_std=20.0, lamp_wavelengths=certified,
        irradiance=planck, relative_std=0.02, origin=ORIGIN,
    )  # fmt: skip
    inside = (record.valid_range[0] <= NM) & (record.valid_range[1] >= NM)
    ratio = record.at(NM)[inside] / EFFICIENCY[inside]
    assert ratio == pytest.approx(ratio[0], rel=1e-3)
    assert record.std_at(560.0) == pytest.approx(0.02, rel=0.01)


def test_lamps_that_are_not_seen_are_refused() -> None:
    with pytest.raises(LimitError, match="Expose longer"):
        response_from_blackbody(
            np.ones(500), NM, counts_std=20.0, temperature=2856.0, temperature_std=0.0,
            origin=ORIGIN,
        )  # fmt: skip
    with pytest.raises(LimitError, match="irradiance"):
        response_from_table(
            np.ones(500), NM, counts_std=20.0, lamp_wavelengths=[400.0, 700.0],
            irradiance=[1.0, 0.0], relative_std=0.02, origin=ORIGIN,
        )  # fmt: skip

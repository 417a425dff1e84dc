"""A run file analysed again: the same numbers, in a copy that is a run file itself."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from labcool import open_run
from labcool.analysis import (
    Analysis,
    Choices,
    analyse,
    default_output,
    read_measurement,
    read_references,
    write_analysis,
)
from labcool.calibration import ArrheniusCalibration, SpotCalibration
from labcool.errors import ConfigurationError, RunFileError
from labcool.storage.lock import WriterLock
from labcool.thermometry.estimate import Flag
from procedures.cooling import Cooling


def analysed(path: Path, *references: str, **choices: Any) -> Analysis:
    return analyse(read_references(read_measurement(path), references), Choices(**choices))


def datasets(path: Path) -> dict[str, Any]:
    """Return every dataset outside the temperatures and their method, by name."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(
            ("entry/temperature", "entry/process_temperature")
        ):
            value = np.asarray(item[()])
            found[name] = value.tolist() if value.dtype.hasobject else value.tobytes()

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


def test_the_temperatures_of_a_default_run_come_out_bit_for_bit(default_run: Path) -> None:
    again = analysed(default_run, thermometers=("arrhenius",)).readings["arrhenius"]
    with open_run(default_run) as run:
        assert run.rows == 1080
        value, std = run.temperature()
        for name, one, other in (
            ("value", again.value, value),
            ("std", again.std, std),
            ("systematic", again.systematic, run.record["temperature_systematic"]),
            ("flags", again.flags, run.flags()),
        ):
            assert np.array_equal(one, other), name


def test_what_has_a_calibration_is_the_default(default_run: Path) -> None:
    assert list(analysed(default_run).readings) == ["arrhenius"]


def test_the_copy_is_a_run_file_and_the_original_is_untouched(run_file: Path) -> None:
    before = hashlib.sha256(run_file.read_bytes()).hexdigest()
    analysis = analysed(run_file, thermometers=("arrhenius", "tail_ratio"))
    out = default_output(analysis.measured)
    assert out.name == "run_analysed.h5"
    write_analysis(analysis, out)
    assert hashlib.sha256(run_file.read_bytes()).hexdigest() == before
    assert datasets(out) == datasets(run_file)
    assert [path.name for path in run_file.parent.iterdir()].count(out.name) == 1
    with open_run(out) as copy, open_run(run_file) as run:
        assert copy.status == "finished"
        assert copy.rows == run.rows
        assert copy.thermometers == ("arrhenius", "tail_ratio")
        for name in copy.thermometers:
            value, std = copy.temperature(name)
            assert np.array_equal(value, analysis.readings[name].value, equal_nan=True)
            assert np.array_equal(std, analysis.readings[name].std, equal_nan=True)
            assert np.array_equal(copy.flags(name), analysis.readings[name].flags)
        assert [c.id for c in copy.calibrations] == [c.id for c in run.calibrations]
        assert copy.process["analysed_from"] == "run.h5"
        assert copy.process["analysed_from_sha256"] == before
        assert copy.process["thermometers"]["tail_ratio"]["window_low_eV"] > 2.4
        assert copy.process["verdict"] == analysis.verdict.conclusion.value
        # What figure and results need of the run is still there.
        assert str(Cooling().results(copy)) == str(Cooling().results(run))


def test_the_temperatures_of_the_copy_lie_as_those_of_a_run(run_file: Path) -> None:
    analysis = analysed(run_file, thermometers=("arrhenius", "tail_slope"))
    out = run_file.with_name("out.h5")
    write_analysis(analysis, out)
    with h5py.File(out) as file, h5py.File(run_file) as run:
        group, original = file["entry/temperature"], run["entry/temperature"]
        assert group.attrs["NX_class"] == "NXdata"
        assert group.attrs["signal"] == "temperature"
        assert list(group.attrs["auxiliary_signals"]) == ["tail_slope"]
        assert group["time"] == file["entry/data/time"]
        for name in original:
            assert group[name].dtype == original[name].dtype
            assert group[name].shape == original[name].shape
        for name in group:
            if name not in ("time", "title"):
                assert group[name].shape == (1080,)
                assert group[name].dims[0][0] == file["entry/data/time"]
        assert group["tail_slope"].attrs["thermometer"] == "tail_slope"
        assert group["tail_slope"].attrs["units"] == "K"
        assert file["entry/process_temperature"].attrs["NX_class"] == "NXprocess"


def test_a_copy_can_be_analysed_again(run_file: Path) -> None:
    first, second = run_file.with_name("first.h5"), run_file.with_name("second.h5")
    write_analysis(analysed(run_file), first)
    write_analysis(analysed(first), second)
    with open_run(first) as one, open_run(second) as other:
        assert np.array_equal(one.temperature()[0], other.temperature()[0])
        assert other.process["analysed_from"] == "first.h5"


def test_the_first_spectrum_as_reference_reads_the_start_temperature(default_run: Path) -> None:
    estimate = analysed(default_run, "first").readings["arrhenius"]
    assert estimate.value[0] == pytest.approx(298.15, abs=1e-9)
    with open_run(default_run) as run:
        fluence = run.record["fluence"]
    other = fluence != fluence[0]
    assert other.any()
    assert ((estimate.flags[other] & Flag.OTHER_FLUENCE) != 0).all()
    assert ((estimate.flags[~other] & Flag.OTHER_FLUENCE) == 0).all()


def test_references_can_be_those_of_another_run(run_file: Path, default_run: Path) -> None:
    named = analysed(run_file, str(default_run)).readings["arrhenius"]
    assert np.array_equal(named.value, analysed(run_file).readings["arrhenius"].value)


def test_another_activation_energy_scales_the_drop(default_run: Path) -> None:
    with open_run(default_run) as run:
        own = run.calibrations[0]
        assert isinstance(own, ArrheniusCalibration)
    double = ArrheniusCalibration(
        0.28, 0.004, valid_range=own.valid_range, date=own.date, source="a test"
    )
    one = analysed(default_run).readings["arrhenius"].value
    two = analysed(default_run, calibrations=(double,)).readings["arrhenius"].value
    # 1/T − 1/T0 is inversely proportional to Ea.
    assert 1 / two - 1 / 298.15 == pytest.approx((1 / one - 1 / 298.15) / 2, abs=1e-12)


def test_an_old_calibration_is_flagged_and_told(default_run: Path) -> None:
    with open_run(default_run) as run:
        own = run.calibrations[0]
    old = ArrheniusCalibration(
        0.14,
        0.002,
        valid_range=(290.0, 303.15),
        date=own.date.replace(year=own.date.year - 2),
        source="two years ago",
        life_days=365.0,
    )
    analysis = analysed(default_run, calibrations=(old,))
    flags = analysis.readings["arrhenius"].flags
    assert ((flags & Flag.OUTDATED) != 0).all()
    cold = analysis.readings["arrhenius"].value < 290
    assert np.array_equal((flags & Flag.OUT_OF_RANGE) != 0, cold)
    assert any("days old, its life is 365 days" in note for note in analysis.notes)
    assert any(f"{cold.sum()} of 1080 temperatures lie outside" in note for note in analysis.notes)


def test_a_run_that_was_broken_off_gives_a_copy_of_its_whole_rows(run_file: Path) -> None:
    with h5py.File(run_file, "r+") as file:
        file["entry/status"][()] = np.array(b"running", "S32")
        file["entry/record/fluence"].resize(700, axis=0)
    out = run_file.with_name("out.h5")
    with open_run(run_file) as run:
        assert (run.status, run.rows) == ("interrupted", 700)
    write_analysis(analysed(run_file), out)
    with open_run(out) as copy:
        assert (copy.status, copy.rows) == ("interrupted", 700)
    with h5py.File(out) as file:
        for group in ("data", "record", "temperature"):
            for name, item in file["entry"][group].items():
                assert item.ndim == 0 or name == "wavelength" or item.shape[0] == 700, name


def test_a_file_that_is_being_written_is_refused(run_file: Path) -> None:
    with h5py.File(run_file, "r+") as file:
        file["entry/status"][()] = np.array(b"running", "S32")
    lock = WriterLock(run_file)
    try:
        with pytest.raises(RunFileError, match="a run is writing this file"):
            read_measurement(run_file)
    finally:
        lock.release()


def test_nothing_is_written_over(run_file: Path) -> None:
    analysis = analysed(run_file)
    content = run_file.read_bytes()
    with pytest.raises(ConfigurationError, match="is there already"):
        write_analysis(analysis, run_file)
    assert run_file.read_bytes() == content
    with pytest.raises(ConfigurationError, match=r"\*\.h5"):
        write_analysis(analysis, run_file.with_name("table.csv"))
    assert [path.name for path in run_file.parent.iterdir()] == ["run.h5"]


def test_a_calibration_that_was_changed_in_the_file_is_refused(run_file: Path) -> None:
    with h5py.File(run_file, "r+") as file:
        text = file["entry/process_temperature/calibrations"].asstr()[()]
        assert "0.14" in text
        file["entry/process_temperature/calibrations"][()] = text.replace("0.14", "0.15")
    with (
        open_run(run_file) as run,
        pytest.raises(RunFileError, match="has been changed"),
    ):
        _ = run.calibrations
    with pytest.raises(RunFileError, match=r"run\.h5: .*has been changed"):
        read_measurement(run_file)


def test_the_spot_of_a_run_is_among_its_calibrations(default_run: Path) -> None:
    with open_run(default_run) as run:
        kinds = [type(record) for record in run.calibrations]
        beam = run.calibrations[1]
    assert kinds == [ArrheniusCalibration, SpotCalibration]
    assert isinstance(beam, SpotCalibration)
    assert (beam.diameter_um, beam.method) == (100.0, "knife edge")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"thermometers": ("thermocouple",)}, "there are: arrhenius, tail_slope"),
        ({"thermometers": ("line_width",)}, "no calibration of the fwhm on a stage"),
        ({"thermometers": ("raman",)}, "no Raman line of silicon is seen"),
        ({"window": (2.6, 2.5)}, "lower and higher"),
        ({"window": (2.4, 500.0)}, "both in eV or both in nm"),
        ({"thermometers": ("tail_slope",), "window": (5.0, 6.0)}, "3 usable pixels or more"),
    ],
)
def test_what_cannot_be_done_is_told(
    default_run: Path, choices: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        analysed(default_run, **choices)
    assert message in str(refusal.value)


def test_a_spot_calibration_is_of_no_use_here(default_run: Path) -> None:
    with open_run(default_run) as run:
        spot = run.calibrations[1]
    with pytest.raises(ConfigurationError, match="the fluence is that of the file"):
        analysed(default_run, calibrations=(spot,))


def test_all_says_why_others_are_missing(default_run: Path) -> None:
    analysis = analysed(default_run, thermometers=("all",))
    assert set(analysis.readings) == {"arrhenius", "tail_slope", "tail_ratio"}
    assert set(analysis.skipped) == {"line_width", "peak_shift", "raman"}

"""The cooling procedure on the simulated bench, against a witness of blade, mount and exposures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from labcool import open_run
from labcool.bench.opening import attenuation_law
from labcool.engine.events import PhaseStarted, PointRecorded, Status
from labcool.errors import InstrumentRefused, LimitError
from labcool.storage.reader import Run
from labcool.storage.references import REFERENCES, stored_darks, stored_references
from labcool.thermometry import Arrhenius, DetectorNoise, Flag
from procedures.shared.arrhenius_reference import FIRST_SPECTRUM, plan_references

LIT = {0: (0.0, 10.0), 2: (16.0, 26.0)}
"""Planned begin and end (run s) of the lit segments of the programme below, by segment."""
PROGRAMME = {"programme": "10 s @ 300; 6 s dark; 10 s @ 30", "interval": 2.0}
EXPOSURE = 0.8
BLADE_TRAVEL = 0.03

WITHOUT_STAGE = """
bench: no stage
instruments:
  shutter: {driver: drivers.sc10.SC10, resource: ASRL/dev/ttyUSB0::INSTR}
  pump: {driver: drivers.finesse.Finesse, resource: ASRL/dev/ttyUSB1::INSTR, wavelength: 532.0}
  attenuator: {driver: drivers.elliptec.ELL14, resource: ASRL/dev/ttyUSB2::INSTR, address: "0"}
  spectrometer: {driver: drivers.ocean.OceanSpectrometer, serial: FLMS12345}
illumination:
  laser: pump
  power_W: 0.6
  shutter: shutter
  attenuator:
    mount: attenuator
    optic: {kind: graded_filter, table: [[0, 0.0], [300, 4.0]]}
  spot: {date: 2025-11-03, diameter_um: 100, path_transmission: 0.62, relative_std: 0.05, method: a}
  power_stability: 0.001
simulation: {sample: roman2020-film}
"""


def exposures_of(run: Any) -> list[tuple[float, float]]:
    """Return a list that will hold start (clock s) and duration (s) of every true exposure."""
    light_path = run.simulation.light_path
    expose, seen = light_path.expose, []

    def noted(start: float, duration: float, wavelengths: Any) -> Any:
        seen.append((start, duration))
        return expose(start, duration, wavelengths)

    light_path.expose = noted
    return seen


@pytest.fixture(scope="module")
def finished(trial_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of the programme above that has finished, with all its witnesses; only to be read."""
    run = trial_in(tmp_path_factory.mktemp("finished"), **PROGRAMME)
    run.exposures = exposures_of(run)
    run.outcome = run.run()
    assert run.outcome.status is Status.FINISHED
    run.zero = run.outcome.time_zero
    run.points = run.of(PointRecorded)
    yield run
    run.bench.close()


# Points and their times


def test_every_interval_of_a_lit_segment_has_a_point_and_no_dark_one(finished: Any) -> None:
    with open_run(finished.path) as file:
        segment, time = file.record["segment"], file.time
        assert np.unique(segment).tolist() == [0, 2]
        for index, (begin, end) in LIT.items():
            starts = time[segment == index] - EXPOSURE / 2
            assert len(starts) == 5
            assert starts[1:] == pytest.approx(begin + np.arange(2.0, 10.0, 2.0), abs=0.05)
            assert begin < starts[0] < begin + 2.0 - EXPOSURE
            assert starts[-1] + EXPOSURE <= end


def test_the_time_of_a_point_is_the_middle_of_its_exposure(finished: Any) -> None:
    middles = [start + duration / 2 - finished.zero for start, duration in finished.exposures]
    for point in finished.points:
        nearest = min(middles, key=lambda middle: abs(middle - point.time))
        assert point.time == pytest.approx(nearest, abs=0.005)


def test_points_are_exposed_with_the_shutter_open_all_the_while(finished: Any) -> None:
    spans = finished.beam.open_spans(finished.clock.now())
    for point in finished.points:
        begin = finished.zero + point.time - EXPOSURE / 2
        assert any(a <= begin + 0.005 and begin + EXPOSURE - 0.005 <= b for a, b in spans)


def test_a_segment_that_is_no_multiple_of_the_interval_is_not_overrun(trial: Any) -> None:
    run = trial(programme="5.5 s @ 300; 3 s dark")
    zero = run.run().time_zero
    last = run.of(PointRecorded)[-1]
    assert 4.0 <= last.time - EXPOSURE / 2 <= 5.5 - EXPOSURE
    (_, end) = run.beam.open_spans(run.clock.now())[-1]
    assert last.time + EXPOSURE / 2 <= end - zero <= 5.5 + BLADE_TRAVEL
    assert run.clock.now() == pytest.approx(zero + 8.5, abs=0.3)


# Light


def test_no_light_falls_in_a_dark_segment(finished: Any) -> None:
    dark = (finished.zero + 10.0 + BLADE_TRAVEL, finished.zero + 16.0)
    for begin, end in finished.beam.open_spans(finished.clock.now()):
        assert end <= dark[0] or begin >= dark[1]


def test_the_mount_turns_only_behind_the_closed_shutter(finished: Any) -> None:
    turns = finished.beam.angle.changes()
    assert len(turns) > 10
    for moment, _ in turns:
        assert not finished.beam.blade_open.at(moment)


def test_light_falls_only_for_references_and_lit_segments(finished: Any) -> None:
    spans = finished.beam.open_spans(finished.clock.now())
    assert len(spans) == 4
    assert all(end < finished.zero for _, end in spans[:2])
    assert all(begin > finished.zero for begin, _ in spans[2:])


def test_the_fluence_of_a_point_is_that_of_the_angle_read_back(finished: Any) -> None:
    spec = finished.bench.loaded.spec.illumination
    law = attenuation_law(spec.attenuator.optic)
    full = finished.bench.illumination.spot.fluence(spec.power_W)
    asked = {0: 300.0, 2: 30.0}
    for point in finished.points:
        true_angle = finished.beam.angle.at(finished.zero + point.time)
        fluence = point.values["fluence"]
        assert fluence == pytest.approx(full * law.transmission(true_angle), rel=1e-3)
        assert fluence == pytest.approx(asked[point.values["segment"]], rel=2e-3)
        assert fluence not in asked.values(), "what was asked for is not what was read back"


def test_laser_and_stage_are_read_with_every_point(finished: Any) -> None:
    with open_run(finished.path) as file:
        assert file.record["laser_power"] == pytest.approx(0.6, rel=0.02)
        assert file.record["stage_temperature"] == pytest.approx(298.15, abs=0.2)
        assert set(file.record["exposure"]) == {EXPOSURE}
        assert file.record.units["fluence"] == "W/cm^2"


def test_the_estimated_duration_is_about_what_it_takes(finished: Any) -> None:
    estimate = finished.procedure.estimate_duration()
    assert estimate == pytest.approx(finished.clock.now(), abs=5.0)
    assert estimate > 26.0


# References


def test_references_have_the_same_dose_up_to_a_frame() -> None:
    fluences = (0.5, 3.0, 30.0, 300.0, 3000.0)
    for plan in plan_references(fluences, dose=60.0, exposure=0.8, shortest=1e-3):
        dose = plan.fluence * plan.exposure * plan.frames
        frame = plan.fluence * plan.exposure
        assert dose == pytest.approx(60.0, rel=1e-4) or 60.0 - frame < dose <= 60.0
        assert 1e-3 <= plan.exposure <= 0.8


def test_a_reference_is_never_shorter_than_the_spectrometer_allows() -> None:
    (plan,) = plan_references([3000.0], dose=1.0, exposure=0.8, shortest=1e-3)
    assert (plan.exposure, plan.frames) == (1e-3, 1)


def test_each_fluence_has_a_reference_with_the_planned_dose(finished: Any) -> None:
    with open_run(finished.path) as file:
        kept = file.references[REFERENCES]
        fluence, exposure, frames, kelvin = (
            kept.columns[name].value for name in ("fluence", "exposure", "frames", "temperature")
        )
        assert fluence == pytest.approx([30.0, 300.0], rel=2e-3)
        assert exposure == pytest.approx([0.8, 0.2])
        assert frames.tolist() == [2, 1]
        assert kelvin == pytest.approx(298.15, abs=0.2)
        assert file.dark.columns["exposure"].value == pytest.approx([0.2, 0.8])
        assert set(file.dark.columns["frames"].value) == {2}


def test_the_sample_is_lit_for_the_reference_dose_and_little_more(finished: Any) -> None:
    dim, bright = finished.beam.open_spans(finished.clock.now())[:2]
    reading_and_blade = 0.1
    assert dim[1] - dim[0] < 2 * 0.8 + reading_and_blade
    assert bright[1] - bright[0] < 0.2 + reading_and_blade


def test_the_first_spectrum_can_be_the_reference(trial: Any) -> None:
    run = trial(**PROGRAMME, reference=FIRST_SPECTRUM)
    outcome = run.run()
    assert outcome.status is Status.FINISHED
    assert "reference spectra" not in [phase.name for phase in run.of(PhaseStarted)]
    with open_run(run.path) as file:
        kept = file.references[REFERENCES]
        assert kept.spectra.tolist() == [file.spectra[0].tolist()]
        assert kept.columns["temperature"].value.tolist() == [file.record["stage_temperature"][0]]
        assert file.temperature()[0][0] == pytest.approx(file.record["stage_temperature"][0])
        other = (file.flags() & Flag.OTHER_FLUENCE) != 0
        assert other.tolist() == (file.record["segment"] == 2).tolist()


def test_references_at_each_fluence_leave_no_point_flagged(finished: Any) -> None:
    with open_run(finished.path) as file:
        assert not np.any(file.flags())


def test_references_of_an_earlier_run_can_be_used_again(finished: Any, trial: Any) -> None:
    run = trial(**PROGRAMME, reference=str(finished.path))
    outcome = run.run()
    assert outcome.status is Status.FINISHED
    assert len(run.beam.open_spans(run.clock.now())) == 2, "light before the programme"
    with open_run(finished.path) as before, open_run(run.path) as file:
        old, new = before.references[REFERENCES], file.references[REFERENCES]
        assert np.array_equal(old.spectra, new.spectra)
        assert new.columns["fluence"].value.tolist() == old.columns["fluence"].value.tolist()
        assert not np.any(file.flags())
        assert estimated_again(file) == pytest.approx(file.temperature()[0], abs=1e-9)


@pytest.mark.parametrize("what", ["text", "other"])
def test_an_earlier_run_without_references_is_refused_before_anything_moves(
    trial: Any, tmp_path: Path, what: str
) -> None:
    path = tmp_path / "earlier.h5"
    if what == "text":
        path.write_text("no run file")
    else:
        first = trial(programme="3 s @ 300")
        first.at_phase("dark spectra", lambda: first.control.abort("before the references"))
        first.run()
        first.path.rename(path)
    run = trial(reference=str(path))
    with pytest.raises(LimitError, match=r"reference = .*earlier\.h5"):
        run.run()
    assert not run.path.exists()
    assert run.beam.angle.changes() == []


def test_a_reference_that_saturates_is_refused(trial: Any) -> None:
    run = trial(programme="20 s @ 300", exposure=5.0, interval=5.0, reference_dose=1500)
    outcome = run.run()
    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, InstrumentRefused)
    assert outcome.reason.startswith("spectrometer")
    assert "saturated at 5 s" in outcome.reason
    assert "shorter exposure" in outcome.reason
    assert not run.beam.blade_open.at(run.clock.now())


# Temperatures


def estimated_again(file: Run) -> Any:
    """Return the temperatures of a run, K, from what its file keeps and nothing else."""
    process = file.process
    (calibration,) = process["calibrations"]
    thermometer = Arrhenius(
        SimpleNamespace(**calibration),
        references=stored_references(file.references[REFERENCES]),
        dark=stored_darks(file.dark),
        band=(process["band_low_nm"], process["band_high_nm"]),
        wavelengths=file.wavelengths,
        noise=DetectorNoise(process["electrons_per_count"], process["read_noise_counts"]),
        fluence_relative_std=process["fluence_relative_std"],
    )
    parts = [
        thermometer.estimate(
            spectrum,
            fluence=fluence,
            exposure=exposure,
            saturated=bool(saturated),
            averages=int(file.parameters["averages"].value),
        )
        for spectrum, fluence, exposure, saturated in zip(
            np.asarray(file.spectra),
            file.record["fluence"],
            file.record["exposure"],
            file.record["saturated"],
            strict=True,
        )
    ]
    for name, kept in (
        ("std", file.temperature()[1]),
        ("systematic", file.record["temperature_systematic"]),
        ("flags", file.flags()),
    ):
        again = np.concatenate([getattr(part, name) for part in parts])
        assert again == pytest.approx(np.asarray(kept), rel=1e-12)
    return np.concatenate([part.value for part in parts])


def test_live_temperatures_are_those_that_the_file_gives_again(finished: Any) -> None:
    live = [point.values["arrhenius"] for point in finished.points]
    with open_run(finished.path) as file:
        assert file.temperature()[0].tolist() == live
        assert estimated_again(file) == pytest.approx(live, rel=1e-12)


def test_the_recorded_intensity_is_the_band_less_the_dark(finished: Any) -> None:
    with open_run(finished.path) as file:
        inside = (file.wavelengths >= 490.0) & (file.wavelengths <= 522.0)
        (dark,) = file.dark.spectra[np.asarray(file.dark.columns["exposure"].value) == EXPOSURE]
        expected = (np.asarray(file.spectra)[:, inside] - dark[inside]).sum(axis=1)
        assert file.record["intensity"] == pytest.approx(expected, rel=1e-6)


def test_averages_of_several_exposures(trial: Any) -> None:
    run = trial(**PROGRAMME, averages=4, exposure=0.2, reference_dose=30)
    exposures = exposures_of(run)
    outcome = run.run()
    assert outcome.status is Status.FINISHED
    with open_run(run.path) as file:
        spectra = np.asarray(file.spectra)
        assert spectra.dtype == np.float32
        assert np.array_equal(4 * spectra, np.round(4 * spectra)), "not means of four counts"
        assert not np.array_equal(spectra, np.round(spectra))
        assert estimated_again(file) == pytest.approx(file.temperature()[0], rel=1e-6)
        for middle in file.time + outcome.time_zero:
            four = [(a, d) for a, d in exposures if abs(a + d / 2 - middle) < 0.35]
            assert len(four) == 4
            assert np.mean([a + d / 2 for a, d in four]) == pytest.approx(middle, abs=0.01)


def test_a_bench_without_a_stage_takes_the_stated_start_temperature(
    trial: Any, tmp_path: Path
) -> None:
    bench = tmp_path / "bench.yaml"
    bench.write_text(WITHOUT_STAGE)
    run = trial(bench, start_temperature=301.0, start_temperature_std=0.5)
    assert run.run().status is Status.FINISHED
    with open_run(run.path) as file:
        kept = file.references[REFERENCES].columns
        assert set(kept["temperature"].value) == {301.0}
        assert set(kept["temperature_errors"].value) == {0.5}
        assert set(file.record["stage_temperature"]) == {301.0}
        value, std = file.temperature()
        assert value[0] == pytest.approx(301.0, abs=2.0)
        assert (std > 0.5 * 0.98).all()


def test_saturated_points_are_flagged_in_the_data(trial: Any) -> None:
    run = trial(
        programme="10 s @ 300; 3 s dark; 10 s @ 3",
        exposure=3.0,
        interval=4.0,
        reference_dose=30,
    )
    assert run.run().status is Status.FINISHED
    with open_run(run.path) as file:
        bright = np.asarray(file.record["segment"]) == 0
        assert bright.any()
        assert not bright.all()
        assert np.asarray(file.record["saturated"]).tolist() == bright.astype(float).tolist()
        assert ((file.flags() & Flag.SATURATED) != 0).tolist() == bright.tolist()
        assert np.asarray(file.spectra)[bright].max() == 65535


# What is refused before anything moves


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"programme": "10 s dark"}, ["programme", "light in at least one segment"]),
        ({"programme": "10 s @ 300000"}, ["fluence (W/cm²) = 300000", "4736"]),
        ({"programme": "10 s @ 0.001"}, ["fluence (W/cm²) = 0.001", "0.474"]),
        ({"programme": "0.5 s @ 30; 9 s @ 30"}, ["'0.5 s @ 30 W/cm2' = 0.5 s", "1 s"]),
        ({"exposure": 1.5}, ["interval (s) = 1", "1.5 s"]),
        ({"averages": 2}, ["interval (s) = 1", "1.6 s"]),
        ({"band_low": 300}, ["band_low", "300, 522", "350.0 to 1000"]),
        ({"band_high": 1500}, ["band_high", "490, 1500", "1000"]),
        ({"band_low": 522}, ["522, 522", "ascending"]),
        ({"reference": "no such file.h5"}, ["reference", "'no such file.h5'", "each fluence"]),
    ],
)
def test_what_cannot_be_carried_out_is_refused(
    trial: Any, settings: dict[str, object], words: list[str]
) -> None:
    run = trial(**settings)
    with pytest.raises(LimitError) as caught:
        run.run()
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert not run.path.exists()
    assert run.beam.angle.changes() == run.beam.power.changes() == []
    assert run.beam.blade_open.changes() == []

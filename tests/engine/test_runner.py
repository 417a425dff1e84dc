from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from labcool import open_run
from labcool.bench.illumination import Illumination
from labcool.bench.needs import Needs
from labcool.bench.roles import Spectrometer
from labcool.engine.events import (
    FileOpened,
    PointRecorded,
    Progress,
    ShutterMoved,
    Status,
    StatusChanged,
)
from labcool.engine.procedure import BenchProcedure
from labcool.engine.runner import Runner
from labcool.errors import ConfigurationError, InstrumentTimeout
from labcool.storage.layout import Column

STEPS = ("startup", "execute", "shutdown")


class Small(BenchProcedure):
    """Two spectra in the dark.

    More about it.
    """

    needs = Needs(illumination=Illumination, spectrometer=Spectrometer)
    columns: ClassVar[tuple[Column, ...]] = (Column("number", "", "counts up"),)
    spectrometer: Spectrometer

    @classmethod
    def procedure_name(cls) -> str:
        return "small"

    def check(self) -> None:
        pass

    def estimate_duration(self) -> float:
        return 12.0

    def execute(self) -> None:
        self.session.begin_record(
            wavelengths=self.spectrometer.wavelengths, counts_dtype=np.uint16, process={}
        )
        self.session.start_time_axis()
        for number in range(2):
            self.session.wait(1.0)
            spectrum = self.spectrometer.acquire()
            self.session.record(spectrum.counts, (self.session.time(), float(number)))


def statuses(trial: Any) -> list[str]:
    return [str(event.status) for event in trial.of(StatusChanged)]


def test_the_states_of_a_run_that_finishes(trial: Any) -> None:
    run = trial(procedure=Small())
    outcome = run.run()
    assert statuses(run) == ["starting", "running", "finishing", "finished"]
    assert (outcome.status, outcome.reason) == (Status.FINISHED, "")
    assert (outcome.problems, outcome.error) == ((), None)
    assert outcome.file == run.path
    with open_run(run.path) as file:
        assert file.status == "finished"
        assert file.title == "Two spectra in the dark."
        assert file.procedure == "small"
        assert file.record["number"].tolist() == [0, 1]
        assert file.time.tolist() == [event.time for event in run.of(PointRecorded)]


def test_the_states_of_a_run_that_is_stopped_before_it_began(trial: Any) -> None:
    run = trial(procedure=Small())
    run.control.abort("changed my mind")
    outcome = run.run()
    assert statuses(run) == ["starting", "finishing", "aborted"]
    assert outcome.reason == "changed my mind"
    assert outcome.file is None


def test_a_run_is_carried_out_once(trial: Any) -> None:
    run = trial(procedure=Small())
    runner = Runner(run.bench, run.procedure, make_path=lambda: run.path)
    runner.run()
    with pytest.raises(RuntimeError, match="from finished to starting"):
        runner.run()


def test_startup_and_shutdown_of_the_procedure_are_called_in_order(trial: Any) -> None:
    run = trial(procedure=Small())
    called: list[str] = []
    for step in STEPS:
        original = getattr(run.procedure, step)

        def noted(step: str = step, original: Any = original) -> None:
            called.append(step)
            original()

        setattr(run.procedure, step, noted)
    run.run()
    assert called == list(STEPS)


def test_every_run_begins_with_the_beam_blocked(trial: Any) -> None:
    run = trial(procedure=Small())
    run.bench.illumination.shutter.open()
    seen = []
    execute = run.procedure.execute

    def look_first() -> None:
        seen.append(run.beam.blade_open.at(run.clock.now()))
        execute()

    run.procedure.execute = look_first
    run.run()
    assert seen == [False]


def test_what_the_procedure_refuses_moves_nothing_and_leaves_nothing(trial: Any) -> None:
    class Refusing(Small):
        """Refuses."""

        def check(self) -> None:
            raise ConfigurationError("not on this bench")

    run = trial(procedure=Refusing())
    with pytest.raises(ConfigurationError, match="not on this bench"):
        run.run()
    assert not run.path.exists()
    assert run.beam.blade_open.changes() == []
    assert run.beam.angle.changes() == []
    assert run.beam.power.changes() == []


def test_an_instrument_that_fails_while_a_run_is_checked_is_told(trial: Any) -> None:
    class Asking(Small):
        """Asks an instrument before it runs."""

        def check(self) -> None:
            _ = self.illumination.laser.power

    run = trial(procedure=Asking())
    run.devices["pump"].silent = True
    with pytest.raises(InstrumentTimeout, match="pump"):
        run.run()
    assert not run.path.exists()


def test_time_zero_is_told(trial: Any) -> None:
    run = trial(procedure=Small())
    outcome = run.run()
    first, second = run.of(PointRecorded)
    assert first.time > 1.0
    assert outcome.time_zero + second.time <= run.clock.now()
    assert run.of(FileOpened) == [FileOpened(run.path, 12.0)]


def test_time_passes_in_the_progress(trial: Any) -> None:
    run = trial(procedure=Small())
    run.run()
    elapsed = [event.elapsed for event in run.of(Progress)]
    assert elapsed == sorted(elapsed)
    waits_and_two_exposures = 2 * 1.0 + 2 * 0.1
    assert elapsed[-1] > waits_and_two_exposures
    assert np.diff(elapsed).max() < 0.3


def test_the_shutter_is_told_as_it_moves(trial: Any) -> None:
    run = trial()
    run.run()
    told = [event.is_open for event in run.of(ShutterMoved)]
    changes = [b for a, b in zip([False, *told], told, strict=False) if a != b]
    assert changes == [is_open for _, is_open in run.beam.blade_open.changes()]


def test_who_watches_cannot_harm_a_run(trial: Any) -> None:
    run = trial(procedure=Small())
    calls = []

    def fall_over(event: Any) -> None:
        calls.append(event)
        if isinstance(event, PointRecorded):
            raise OSError("the window is gone")

    outcome = Runner(
        run.bench, run.procedure, make_path=lambda: run.path, listeners=[fall_over, run.listen]
    ).run()
    assert outcome.status is Status.FINISHED
    assert isinstance(calls[-1], PointRecorded), "it was called again"
    assert len(run.of(PointRecorded)) == 2, "the others were not called any more"
    with open_run(run.path) as file:
        (told,) = [event for event in file.events if event.level == logging.WARNING]
    assert told.text == "One who watched the run is gone: OSError: the window is gone."


def test_a_listener_that_always_fails_does_not_keep_the_beam_open(trial: Any) -> None:
    run = trial()

    def fall_over(_: Any) -> None:
        raise OSError("no terminal")

    outcome = Runner(
        run.bench, run.procedure, make_path=lambda: run.path, listeners=[fall_over]
    ).run()
    assert outcome.status is Status.FINISHED
    assert run.light_is_off()


def test_warnings_of_drivers_go_to_the_log_of_the_run(trial: Any) -> None:
    run = trial(procedure=Small())

    def warn() -> None:
        logging.getLogger("drivers.flame").warning("%s: asked again", "spectrometer")
        logging.getLogger("drivers.flame").info("of no interest")

    run.when(lambda event: isinstance(event, PointRecorded), warn)
    before = list(logging.getLogger().handlers)
    run.run()
    assert logging.getLogger().handlers == before
    with open_run(run.path) as file:
        told = [(event.source, event.text) for event in file.events]
        times = [event.time for event in file.events if event.source == "drivers.flame"]
    assert ("drivers.flame", "spectrometer: asked again") in told
    assert not any(text == "of no interest" for _, text in told)
    assert times == [pytest.approx(run.of(PointRecorded)[0].time, abs=0.2)]


def test_a_warning_from_another_thread_is_not_lost(trial: Any) -> None:
    run = trial(procedure=Small())

    def warn() -> None:
        log = logging.getLogger("another.thread")
        thread = threading.Thread(target=log.warning, args=("heard",))
        thread.start()
        thread.join()

    run.at_status(Status.FINISHING, warn)
    run.run()
    with open_run(run.path) as file:
        assert "heard" in [event.text for event in file.events]


def test_the_file_is_closed_whole_if_recording_cannot_begin(
    trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    run = trial(procedure=Small())
    monkeypatch.setattr("labcool.engine.session.Recorder", no_thread)
    outcome = run.run()
    assert outcome.status is Status.FAILED
    with open_run(run.path) as file:
        assert file.status == "failed"
        assert file.rows == 0


def test_a_path_that_cannot_be_written_fails_the_run(trial: Any, tmp_path: Path) -> None:
    run = trial()
    run.path = tmp_path / "not a folder" / "run.h5"
    run.path.parent.write_text("a file")
    outcome = run.run()
    assert outcome.status is Status.FAILED
    assert outcome.file is None
    assert str(run.path) in outcome.reason
    assert run.light_is_off()


def test_a_bench_without_illumination_can_be_run_on(trial: Any, tmp_path: Path) -> None:
    class Dark(Small):
        """Needs no light."""

        needs = Needs(spectrometer=Spectrometer)

    bench = tmp_path / "bench.yaml"
    bench.write_text(
        "bench: no light\n"
        "instruments:\n"
        "  spectrometer: {driver: drivers.ocean.OceanSpectrometer, serial: FLMS12345}\n"
        "simulation: {sample: roman2020-film}\n"
    )
    outcome = trial(bench, procedure=Dark()).run()
    assert outcome.status is Status.FINISHED
    with pytest.raises(ConfigurationError, match="illumination"):
        trial(bench, procedure=Small()).run()

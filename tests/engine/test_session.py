from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from labcool import open_run
from labcool.clock import VirtualClock
from labcool.engine.control import Control
from labcool.engine.events import FileOpened, Message, PhaseStarted, PointRecorded, Progress
from labcool.engine.parameters import make_procedure
from labcool.engine.registry import procedure_class
from labcool.engine.session import RunSession
from labcool.errors import RunAborted, RunFileError

NUMBERS = (1.5, 300.0, 0.8, 4e5, 0.0, 0.6, 298.0, 0.0, 0.05, 297.0, 0.2, 0.0)
COUNTS = np.arange(2048, dtype=np.uint16)


@pytest.fixture
def parts(trial: Any) -> Any:
    """A session with its file open, as a procedure has it after begin_record()."""
    run = trial()
    run.procedure.session = run.session = RunSession(
        bench=run.bench,
        procedure=run.procedure,
        control=run.control,
        emit=run.events.append,
        make_path=lambda: run.path,
        sample={"name": "test film"},
    )
    yield run
    if run.session.writer is not None and run.session.recorder is not None:
        finish(run)


def begin(run: Any) -> None:
    run.session.begin_record(
        wavelengths=run.bench.instruments["spectrometer"].wavelengths,
        counts_dtype=np.uint16,
        process={"method": "none"},
    )


def finish(run: Any) -> None:
    run.session.complete_log()
    run.session.recorder.close()
    run.session.writer.finish("finished", run.clock.date(), {})


def test_nothing_can_be_stored_before_the_record_has_begun(parts: Any) -> None:
    session = parts.session
    for store in (
        lambda: session.record(COUNTS, NUMBERS),
        lambda: session.store_darks(COUNTS[np.newaxis], {}),
        lambda: session.store_references("some", COUNTS[np.newaxis], {}),
        session.start_time_axis,
    ):
        with pytest.raises(RuntimeError, match="begin_record"):
            store()
    assert parts.events == []


def test_the_file_says_what_was_asked_for_and_with_what(parts: Any) -> None:
    begin(parts)
    finish(parts)
    assert parts.events[-1] == FileOpened(parts.path, parts.procedure.estimate_duration())
    with open_run(parts.path) as file:
        assert file.parameters["exposure"] == (0.8, "s")
        assert file.parameters["programme"].value == str(parts.procedure.programme)
        assert file.parameters["dark_frames"].value == 2
        assert file.sample["name"] == "test film"
        assert file.process["method"] == "none"
        assert file.configuration == parts.bench.loaded.source_bytes
        shutter = file.instruments["shutter"]
        assert (shutter.role, shutter.driver) == ("Shutter", "drivers.sc10.SC10")
        assert "SC10" in shutter.identity
        assert shutter.settings_before["closed"] is True


def test_times_count_from_the_start_of_the_axis(parts: Any) -> None:
    begin(parts)
    parts.clock.sleep(7.0)
    before = parts.clock.date()
    parts.session.start_time_axis()
    assert parts.session.time() == 0.0
    parts.clock.sleep(2.5)
    assert parts.session.time() == pytest.approx(2.5)
    assert parts.session.elapsed() == pytest.approx(9.5, abs=0.5)
    finish(parts)
    with open_run(parts.path) as file:
        assert file.start_date == before.isoformat()


def test_the_log_of_the_preparations_has_negative_times(parts: Any) -> None:
    parts.session.say("before the file", level=logging.INFO)
    begin(parts)
    parts.session.begin_phase("preparing", 7.0)
    parts.clock.sleep(7.0)
    parts.session.start_time_axis()
    parts.clock.sleep(2.0)
    parts.session.say("measuring", level=logging.WARNING, source="somebody")
    finish(parts)
    with open_run(parts.path) as file:
        first, second, last = file.events
    assert first.text == "before the file"
    assert first.time <= second.time == pytest.approx(-7.0)
    assert second.text == "preparing"
    assert (last.level, last.source, last.text) == (logging.WARNING, "somebody", "measuring")
    assert last.time == pytest.approx(2.0)


def test_the_log_of_a_run_that_never_got_to_its_time_axis_is_kept(parts: Any) -> None:
    begin(parts)
    parts.clock.sleep(3.0)
    parts.session.say("going nowhere", level=logging.INFO)
    finish(parts)
    with open_run(parts.path) as file:
        (line,) = file.events
    assert line.text == "going nowhere"
    assert line.time == pytest.approx(3.0, abs=0.5)


def test_a_point_is_told_by_the_names_of_its_columns(parts: Any) -> None:
    begin(parts)
    parts.session.record(COUNTS, NUMBERS)
    (point,) = [event for event in parts.events if isinstance(event, PointRecorded)]
    assert point.time == 1.5
    assert point.values["fluence"] == 300.0
    assert point.values["temperature_systematic"] == 0.05
    assert point.values["arrhenius"] == 297.0
    assert point.values["arrhenius_errors"] == 0.2
    assert point.values["arrhenius_flags"] == 0.0
    assert len(point.values) == len(NUMBERS)
    assert isinstance(parts.events[-1], Progress)


def test_a_point_of_the_wrong_length_is_refused(parts: Any) -> None:
    begin(parts)
    with pytest.raises(ValueError, match="12"):
        parts.session.record(COUNTS, NUMBERS[:-1])


def test_a_point_is_stored_before_a_stop_takes_effect(parts: Any) -> None:
    begin(parts)
    parts.control.abort("enough")
    with pytest.raises(RunAborted, match="enough"):
        parts.session.record(COUNTS, NUMBERS)
    finish(parts)
    with open_run(parts.path) as file:
        assert file.rows == 1


def test_a_phase_is_told_with_its_length_and_logged(parts: Any) -> None:
    parts.clock.sleep(4.0)
    parts.session.begin_phase("waiting for tea", 240.0)
    phase, message = parts.events
    assert phase == PhaseStarted("waiting for tea", parts.session.elapsed(), 240.0)
    assert isinstance(message, Message)
    assert (message.level, message.text) == (logging.INFO, "waiting for tea")


def test_references_of_an_earlier_run_are_found_by_name(parts: Any) -> None:
    begin(parts)
    spectra = np.array([COUNTS, COUNTS + 1])
    parts.session.store_references("each_fluence", spectra, {"fluence": ([30.0, 300.0], "W/cm^2")})
    parts.session.store_darks(spectra[:1], {"exposure": ([0.8], "s")})
    finish(parts)
    references, darks = parts.session.stored_spectra(parts.path, "each_fluence")
    assert references.spectra.tolist() == spectra.tolist()
    assert references.columns["fluence"].value.tolist() == [30.0, 300.0]
    assert darks.spectra.tolist() == spectra[:1].tolist()
    with pytest.raises(RunFileError, match="no reference spectra 'others'"):
        parts.session.stored_spectra(parts.path, "others")


def test_waiting_passes_exactly_its_time_and_warnings_are_told_in_it(trial: Any) -> None:
    run = trial()
    waiting = [("drivers.some", "asked again")]

    def take() -> list[tuple[str, str]]:
        taken, waiting[:] = list(waiting), []
        return taken

    session = RunSession(
        bench=run.bench,
        procedure=make_procedure(procedure_class("cooling")),
        control=Control(),
        emit=run.events.append,
        make_path=lambda: run.path,
        sample={},
        warnings=take,
    )
    assert isinstance(run.clock, VirtualClock)
    before = run.clock.now()
    session.wait(5.0)
    assert run.clock.now() - before == pytest.approx(5.0)
    told = [event for event in run.events if isinstance(event, Message)]
    assert [(m.level, m.source, m.text) for m in told] == [
        (logging.WARNING, "drivers.some", "asked again")
    ]

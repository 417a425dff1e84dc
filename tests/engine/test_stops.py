"""Whatever stops a run: the beam is blocked, the file is whole, and all say what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from labcool import open_run
from labcool.engine.control import Control, stop_on_signals
from labcool.engine.events import PhaseStarted, PointRecorded, Progress, ShutterMoved, Status
from labcool.engine.runner import BEAM_NOT_CONFIRMED_CLOSED
from labcool.errors import (
    InstrumentDisconnected,
    InstrumentTimeout,
    RecordingError,
    ShutterNotClosed,
)
from labcool.storage.writer import RunWriter

SIGNALS = {
    name: words
    for name, words in {
        "SIGINT": "Ctrl+C",
        "SIGTERM": "SIGTERM",
        "SIGHUP": "SIGHUP",
        "SIGBREAK": "Ctrl+Break",
    }.items()
    if hasattr(signal, name)
}


def send(name: str) -> Any:
    """Return what sends a signal to this very process."""
    return lambda: signal.raise_signal(getattr(signal, name))


def in_phase(trial: Any, name: str) -> Any:
    """Return a condition: time passes while the phase of this name lasts."""

    def happens(event: Any) -> bool:
        phases = trial.of(PhaseStarted)
        return isinstance(event, Progress) and bool(phases) and phases[-1].name == name

    return happens


def assert_left_in_order(trial: Any, outcome: Any, status: Status) -> None:
    assert outcome.status is status
    assert trial.light_is_off()
    with open_run(trial.path) as run:
        assert run.status == status
        assert run.end_date
        points = trial.of(PointRecorded)
        assert run.rows == len(points)
        assert run.time.tolist() == [point.time for point in points]
        assert len(run.spectra) == len(points)
        assert set(run.instruments) == set(trial.bench.instruments)


def assert_last_point_is_the_first_after(trial: Any, time: float) -> None:
    *before, last = [point.time for point in trial.of(PointRecorded)]
    assert max(before) < time <= last


def assert_blade_closed(trial: Any) -> None:
    assert trial.beam.blade_open.at(trial.clock.now()) is False
    moves = trial.of(ShutterMoved)
    assert moves[-1].is_open is False


# Signals, in each stage of a run


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_while_points_are_taken(trial: Any, name: str) -> None:
    run = trial()
    run.at_point(2.0, send(name))
    with stop_on_signals(run.control):
        outcome = run.run()
    assert_left_in_order(run, outcome, Status.ABORTED)
    assert_blade_closed(run)
    assert SIGNALS[name] in outcome.reason
    assert outcome.error is None
    assert_last_point_is_the_first_after(run, 2.0)


@pytest.mark.parametrize(
    "phase", ["laser to its power", "dark spectra", "reference spectra", "rest in the dark"]
)
def test_a_signal_before_the_first_point(trial: Any, phase: str) -> None:
    run = trial(rest=5)
    run.when(in_phase(run, phase), send("SIGTERM"))
    with stop_on_signals(run.control):
        outcome = run.run()
    assert_left_in_order(run, outcome, Status.ABORTED)
    assert_blade_closed(run)
    assert run.of(PhaseStarted)[-1].name == phase
    assert run.of(PointRecorded) == []


def test_a_signal_in_a_dark_segment_ends_it_at_once(trial: Any) -> None:
    run = trial(programme="5 s @ 300; 3000 s dark; 5 s @ 30")
    run.when(in_phase(run, "3000 s dark"), send("SIGINT"))
    with stop_on_signals(run.control):
        outcome = run.run()
    assert_left_in_order(run, outcome, Status.ABORTED)
    assert run.clock.now() < 100
    assert len(run.of(PointRecorded)) > 2


def test_a_signal_while_the_bench_is_opened_leaves_no_file(trial: Any) -> None:
    run = trial()
    with stop_on_signals(run.control):
        signal.raise_signal(signal.SIGINT)
        outcome = run.run()
    assert outcome.status is Status.ABORTED
    assert outcome.file is None
    assert not run.path.exists()
    assert run.beam.blade_open.changes() == []
    assert run.light_is_off()


def test_a_signal_while_the_run_is_finishing_changes_nothing(trial: Any) -> None:
    run = trial()
    run.at_status(Status.FINISHING, send("SIGINT"))
    with stop_on_signals(run.control):
        outcome = run.run()
    assert_left_in_order(run, outcome, Status.FINISHED)
    assert outcome.reason == ""


def test_a_second_signal_does_not_break_off_the_clean_up(trial: Any) -> None:
    run = trial()
    run.at_point(2.0, send("SIGINT"))
    run.at_status(Status.FINISHING, send("SIGTERM"))
    with stop_on_signals(run.control):
        outcome = run.run()
    assert_left_in_order(run, outcome, Status.ABORTED)
    assert outcome.reason == "Ctrl+C"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP on this system")
def test_a_hang_up_that_was_to_be_outlived_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        control = Control()
        with stop_on_signals(control):
            signal.raise_signal(signal.SIGHUP)
        assert control.stop_reason is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_spectrum_during_which_the_stop_came_is_kept(trial: Any) -> None:
    run = trial()
    spectrometer = run.bench.instruments["spectrometer"]
    taken = []
    acquire = spectrometer.acquire

    def acquire_and_stop() -> Any:
        spectrum = acquire()
        if len(run.of(PointRecorded)) == 1:
            taken.append(spectrum)
            run.control.abort("stopped during an exposure")
        return spectrum

    spectrometer.acquire = acquire_and_stop
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.ABORTED)
    with open_run(run.path) as file:
        assert file.spectra[-1].tolist() == taken[0].counts.tolist()


# Exceptions


class Broken(Exception):
    """Nothing labcool knows."""


@pytest.mark.parametrize("kind", [Broken, KeyboardInterrupt, SystemExit, MemoryError])
def test_an_exception_in_the_procedure(trial: Any, kind: type[BaseException]) -> None:
    run = trial()
    take_point = run.procedure.take_point

    def fail_at_the_third(*arguments: Any) -> None:
        if len(run.of(PointRecorded)) == 2:
            raise kind("what nobody thought of")
        take_point(*arguments)

    run.procedure.take_point = fail_at_the_third
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.FAILED)
    assert_blade_closed(run)
    assert outcome.reason == f"{kind.__name__}: what nobody thought of"
    assert isinstance(outcome.error, kind)
    assert outcome.problems == ()
    assert len(run.of(PointRecorded)) == 2


@pytest.mark.parametrize("kind", [Broken, KeyboardInterrupt])
def test_an_exception_in_clean_up_fails_the_run_and_ends_no_clean_up(
    trial: Any, kind: type[BaseException]
) -> None:
    run = trial()

    def fail() -> None:
        raise kind("cannot tidy up")

    run.procedure.shutdown = fail
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.FAILED)
    assert_blade_closed(run)
    assert run.beam.power.at(run.clock.now()) == 0
    problem = f"the procedure's own clean-up: {kind.__name__}: cannot tidy up"
    assert outcome.problems == (problem,)
    assert outcome.reason == problem
    with open_run(run.path) as file:
        assert problem in [event.text for event in file.events]


def test_a_stop_and_an_exception_in_clean_up_are_both_told(trial: Any) -> None:
    run = trial()

    def fail() -> None:
        raise Broken("cannot tidy up")

    run.procedure.shutdown = fail
    run.at_point(2.0, lambda: run.control.abort("Ctrl+C"))
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.FAILED)
    assert outcome.reason.startswith("Ctrl+C; then the procedure's own clean-up")


def test_a_procedure_that_opens_the_shutter_in_its_clean_up_is_put_right(trial: Any) -> None:
    run = trial()
    run.procedure.shutdown = lambda: run.bench.illumination.open()
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.FINISHED)
    assert_blade_closed(run)


# Instruments that stop answering


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("pump", "5 s @ 300 W/cm2"),
        ("stage", "5 s @ 300 W/cm2"),
        ("attenuator", "5 s dark"),
        ("spectrometer", "5 s @ 300 W/cm2"),
    ],
)
def test_a_silent_instrument(trial: Any, name: str, phase: str) -> None:
    run = trial()
    run.at_point(2.0, lambda: setattr(run.devices[name], "silent", True))
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.FAILED)
    assert_blade_closed(run)
    assert isinstance(outcome.error, InstrumentTimeout)
    assert outcome.reason.startswith(f"{name} (")
    assert phase in [started.name for started in run.of(PhaseStarted)]
    others = {"shutter", "pump", "attenuator", "spectrometer", "stage"} - {name}
    with open_run(run.path) as file:
        for other in others:
            assert file.instruments[other].settings_after, f"{other} was not read after the run"
        assert any(outcome.reason == event.text for event in file.events)


def test_a_silent_laser_is_told_although_the_shutter_closes(trial: Any) -> None:
    run = trial()
    run.at_point(2.0, lambda: setattr(run.devices["pump"], "silent", True))
    outcome = run.run()
    assert any(problem.startswith("making the laser safe: pump") for problem in outcome.problems)
    assert BEAM_NOT_CONFIRMED_CLOSED not in outcome.reason


def test_an_unplugged_spectrometer(trial: Any) -> None:
    run = trial()
    link = run.simulation.connection("spectrometer")["resource"]
    run.at_point(2.0, link.unplug)
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.FAILED)
    assert_blade_closed(run)
    assert isinstance(outcome.error, InstrumentDisconnected)
    assert_last_point_is_the_first_after(run, 2.0)


@pytest.mark.parametrize("fault", ["silent", "stuck"])
def test_a_shutter_that_cannot_be_confirmed_closed(trial: Any, fault: str) -> None:
    run = trial()
    cleaned_up = []
    run.procedure.shutdown = lambda: cleaned_up.append(True)
    run.at_point(2.0, lambda: setattr(run.devices["shutter"], fault, True))
    outcome = run.run()
    assert run.beam.blade_open.at(run.clock.now()) is True, "the fault was none"
    assert_left_in_order(run, outcome, Status.FAILED)
    assert run.of(ShutterMoved)[-1].is_open is True, "told closed without proof"
    assert run.beam.power.at(run.clock.now()) == 0, "the laser's own shutter was not closed"
    assert isinstance(outcome.error, ShutterNotClosed)
    assert outcome.reason.startswith(BEAM_NOT_CONFIRMED_CLOSED)
    assert "shutter (SC10)" in outcome.reason
    assert cleaned_up == [True]
    with open_run(run.path) as file:
        assert file.instruments["pump"].settings_after
        assert any(BEAM_NOT_CONFIRMED_CLOSED in event.text for event in file.events)


def test_a_shutter_that_sticks_only_at_the_end_fails_a_run_that_was_aborted(trial: Any) -> None:
    run = trial()
    run.at_point(2.0, lambda: run.control.abort("Ctrl+C"))
    run.at_point(2.0, lambda: setattr(run.devices["shutter"], "stuck", True))
    outcome = run.run()
    assert_left_in_order(run, outcome, Status.FAILED)
    assert outcome.reason.startswith(BEAM_NOT_CONFIRMED_CLOSED)


def test_an_instrument_that_is_silent_from_the_start_leaves_no_file(trial: Any) -> None:
    run = trial()
    run.devices["stage"].silent = True
    outcome = run.run()
    assert outcome.status is Status.FAILED
    assert outcome.file is None
    assert not run.path.exists()
    assert run.beam.blade_open.changes() == []


# Data that cannot be written


def wait_for_the_writer_to_give_up() -> None:
    for thread in threading.enumerate():
        if thread.name == "labcool recorder":
            thread.join(timeout=20)
            assert not thread.is_alive()


@pytest.mark.parametrize("what", ["append", "flush"])
def test_a_lost_write_fails_the_run_at_once(
    trial: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def lose(*_: Any) -> None:
        raise RecordingError("run.h5: the disk is gone")

    run = trial(programme="500 s @ 300")

    def break_the_disk() -> None:
        monkeypatch.setattr(RunWriter, what, lose)

    run.at_phase("500 s @ 300 W/cm2", break_the_disk)
    run.at_point(2.0, wait_for_the_writer_to_give_up)
    outcome = run.run()
    assert outcome.status is Status.FAILED
    assert outcome.reason == "run.h5: the disk is gone"
    assert outcome.problems == ()
    assert_last_point_is_the_first_after(run, 2.0)
    assert_blade_closed(run)
    assert run.light_is_off()
    with open_run(run.path) as file:
        assert file.status == "failed"


def test_a_write_lost_in_a_dark_segment_ends_it_at_once(
    trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: Any) -> None:
        raise RecordingError("run.h5: the disk is gone")

    def break_the_disk() -> None:
        monkeypatch.setattr(RunWriter, "flush", lose)
        wait_for_the_writer_to_give_up()

    run = trial(programme="5 s @ 300; 3000 s dark; 5 s @ 30")
    run.when(in_phase(run, "3000 s dark"), break_the_disk)
    outcome = run.run()
    assert outcome.status is Status.FAILED
    assert run.clock.now() < 100


FULL_DISK = """
import json, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Trial
from labcool.engine.events import FileOpened, PointRecorded

trial = Trial(Path(sys.argv[2]), {"programme": "400 s @ 300", "interval": 0.1, "exposure": 0.05,
    "rest": 0, "dark_frames": 2, "reference_dose": 1})

def fill_the_disk():
    size = trial.path.stat().st_size + 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

trial.when(lambda event: isinstance(event, PointRecorded), fill_the_disk)
outcome = trial.run()
print(json.dumps({"status": outcome.status, "reason": outcome.reason,
    "problems": outcome.problems, "off": trial.light_is_off(),
    "open": trial.beam.blade_open.at(trial.clock.now()),
    "points": [point.time for point in trial.of(PointRecorded)]}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_fails_the_run_and_keeps_what_was_flushed(tmp_path: Path) -> None:
    tests = str(Path(__file__).parents[1])
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tests, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["status"] == "failed"
    assert "run.h5" in told["reason"]
    assert told["open"] is False
    assert told["off"] is True
    with open_run(tmp_path / "run.h5") as run:
        assert run.status == "failed"
        assert 1 < run.rows <= len(told["points"]) < 4000
        assert run.time.tolist() == told["points"][: run.rows]
        assert run.spectra[run.rows - 1].max() > 1000


# True processes, signals from outside

CHILD = """
import signal, sys
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["labcool", *sys.argv[1:]]
from labcool.cli import main
main()
"""
REAL = ["--clock", "real", "--set", "programme=60 s @ 300", "--set", "interval=0.2"]
REAL += ["--set", "exposure=0.1", "--set", "dark_frames=1", "--set", "rest=0"]


def real_run(out: Path, **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, "run", "cooling", "--out", str(out), *REAL], **streams
    )


def only_file(out: Path) -> Path:
    (path,) = out.rglob("*.h5")
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent there like this")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_from_outside(tmp_path: Path, name: str) -> None:
    with real_run(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for line in child.stdout:
            if line.startswith(b"recording to"):
                break
        child.send_signal(getattr(signal, name))
        errors = child.stderr.read().decode()
        child.wait()
    assert child.returncode == 130, errors
    assert SIGNALS[name] in errors
    assert "Traceback" not in errors
    with open_run(only_file(tmp_path)) as run:
        assert run.status == "aborted"
        assert run.end_date


@pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo-terminal")
def test_a_closed_terminal_aborts_the_run(tmp_path: Path) -> None:
    import fcntl
    import termios

    ours, theirs = os.openpty()
    child = real_run(
        tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    shown = b""
    while b"laser to its power" not in shown:
        shown += os.read(ours, 4096)
    os.close(ours)
    assert child.wait() == 130
    with open_run(only_file(tmp_path)) as run:
        assert run.status == "aborted"
        assert "SIGHUP" in run.events[-1].text

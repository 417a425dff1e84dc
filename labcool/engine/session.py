"""What a running procedure is given: time, record, phases and the log, tied to one run file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from labcool.bench.bench import Bench
from labcool.bench.keep_alive import Heartbeat
from labcool.bench.roles import roles_of
from labcool.clock import Clock
from labcool.engine.control import Control
from labcool.engine.events import (
    Event,
    FileOpened,
    Message,
    PhaseStarted,
    PointRecorded,
    Progress,
    ShutterMoved,
)
from labcool.engine.procedure import BenchProcedure
from labcool.engine.recorder import Recorder
from labcool.errors import RunFileError
from labcool.storage.layout import InstrumentRecord, RunDescription
from labcool.storage.reader import open_run
from labcool.storage.spectra import SpectraSet
from labcool.storage.writer import RunWriter


class RunSession:
    """The session of one run; see :class:`labcool.engine.procedure.Session`.

    :param bench: the open bench.
    :param procedure: what is carried out.
    :param control: the run's stop flag.
    :param emit: where events go.
    :param make_path: returns the path of the run file (called once, when it is created).
    :param sample: what is known of the sample, for the file.
    :param warnings: returns, once, what has been logged since: (logger's name, text).
    :param compression: HDF5 filter of the spectra, ``"gzip"`` or ``"none"``.
    """

    def __init__(
        self,
        *,
        bench: Bench,
        procedure: BenchProcedure,
        control: Control,
        emit: Callable[[Event], None],
        make_path: Callable[[], Path],
        sample: Mapping[str, str],
        warnings: Callable[[], Iterable[tuple[str, str]]] = tuple,
        compression: str = "gzip",
    ) -> None:
        self.clock: Clock = bench.clock
        self.writer: RunWriter | None = None
        self.recorder: Recorder | None = None
        self._bench = bench
        self._procedure = procedure
        self._control = control
        self._emit = emit
        self._make_path = make_path
        self._sample = sample
        self._warnings = warnings
        self._compression = compression
        self._started = self.clock.now()
        self._zero = self._started
        self._said_early: list[tuple[float, int, str, str]] | None = []
        self._column_names = self._names_of_numbers()
        self._heartbeat = Heartbeat(self.clock, bench.instruments.values())
        if bench.illumination is not None:
            bench.illumination.on_shutter = lambda is_open: emit(ShutterMoved(is_open))

    @property
    def time_zero(self) -> float:
        """Clock time (s) at which the run's time axis begins."""
        return self._zero

    def begin_record(
        self,
        *,
        wavelengths: NDArray[Any],
        counts_dtype: DTypeLike,
        process: Mapping[str, object],
        environment_temperature: float | None = None,
    ) -> None:
        """Create the run file and start the recorder."""
        sample: dict[str, object] = dict(self._sample)
        if environment_temperature is not None:
            sample["temperature_env_K"] = environment_temperature
        procedure = self._procedure
        description = RunDescription(
            title=(procedure.__doc__ or procedure.procedure_name()).strip().splitlines()[0],
            procedure=procedure.procedure_name(),
            experiment_type=procedure.experiment_type,
            wavelengths=np.asarray(wavelengths),
            counts_dtype=np.dtype(counts_dtype),
            columns=procedure.columns,
            thermometers=procedure.thermometers,
            parameters=_parameters(procedure),
            instruments=self._instrument_records(),
            sample=sample,
            configuration=self._bench.loaded.source_bytes,
            process=process,
            beam=self._beam(),
            start_date=self.clock.date(),
        )
        path = self._make_path()
        self.writer = RunWriter(path, description, compression=self._compression)
        self.recorder = Recorder(
            self.writer,
            pixels=len(wavelengths),
            counts_dtype=counts_dtype,
            columns=len(procedure.columns),
            thermometers=len(procedure.thermometers),
        )
        self._emit(FileOpened(path, procedure.estimate_duration()))

    def start_time_axis(self) -> None:
        """Make this moment the zero of the run's time."""
        self._zero = self.clock.now()
        date = self.clock.date()
        recorder, writer = self._open()
        recorder.later(lambda: writer.set_start_date(date))
        self._write_what_was_said_early()

    def time(self) -> float:
        """Return the run's time, s; before :meth:`start_time_axis`, since the run began."""
        return self.clock.now() - self._zero

    def elapsed(self) -> float:
        """Return the clock's time since the run began, preparations included, s."""
        return self.clock.now() - self._started

    def store_darks(self, spectra: NDArray[Any], columns: Mapping[str, tuple[Any, str]]) -> None:
        """Write dark spectra, shape (n, pixel), counts, with their conditions to the run file."""
        recorder, writer = self._open()
        recorder.later(lambda: writer.add_dark(spectra, columns))

    def store_references(
        self, name: str, spectra: NDArray[Any], columns: Mapping[str, tuple[Any, str]]
    ) -> None:
        """Write reference spectra, shape (n, pixel), counts, with their conditions to the file."""
        recorder, writer = self._open()
        recorder.later(lambda: writer.add_spectra(name, spectra, columns))

    def stored_spectra(self, path: Path, name: str) -> tuple[SpectraSet, SpectraSet]:
        """Return the references of that name and the darks of an earlier run.

        :raises RunFileError: if it is no run file, or has no such references.
        """
        with open_run(path) as run:
            if name not in run.references or run.dark is None:
                raise RunFileError(f"{path}: this run holds no reference spectra '{name}'.")
            return run.references[name], run.dark

    def record(self, counts: NDArray[Any], numbers: Sequence[float]) -> None:
        """Write a row and tell those who watch; then raise if the run is to stop."""
        recorder, _ = self._open()
        recorder.record(counts, numbers)
        values = dict(zip(self._column_names, map(float, numbers), strict=True))
        self._emit(PointRecorded(values["time"], values))
        self.check()

    def wait(self, seconds: float) -> None:
        """Let time pass; a stop or a failed write ends the wait at once."""
        self._control.wait(self.clock, seconds, self.check)

    def check(self) -> None:
        """Tell those who watch how far the run is; raise if it is to stop or cannot be written.

        Instruments that go dark if the program hangs are shown that it does not.

        :raises labcool.errors.InstrumentError: if one of them says that it has gone dark.
        """
        self._emit(Progress(self.elapsed()))
        self._pass_warnings_on()
        if self.recorder is not None:
            self.recorder.check()
        self._control.check()
        self._heartbeat.beat()

    def begin_phase(self, name: str, duration: float) -> None:
        """Tell those who watch which part of the procedure begins, and log it."""
        self._emit(PhaseStarted(name, self.elapsed(), duration))
        self.say(name, level=logging.INFO)

    def say(self, text: str, *, level: int = logging.INFO, source: str = "procedure") -> None:
        """Write a line to the run's log and to those who watch."""
        self._emit(Message(self.time(), level, source, text))
        self._keep(self.clock.now(), level, source, text)

    def complete_log(self) -> None:
        """Write what the log still lacks, before the file is closed."""
        self._pass_warnings_on()
        if self.recorder is not None:
            self._write_what_was_said_early()

    def _keep(self, moment: float, level: int, source: str, text: str) -> None:
        """Write a line to the file, or keep it until the run's time of ``moment`` is known."""
        if self._said_early is not None:
            self._said_early.append((moment, level, source, text))
            return
        recorder, writer = self._open()
        time = moment - self._zero
        recorder.later(lambda: writer.log(time, level, source, text))

    def _write_what_was_said_early(self) -> None:
        """Write the lines of the preparations, now that it is known when time zero is."""
        lines, self._said_early = self._said_early, None
        for line in lines or ():
            self._keep(*line)

    def _pass_warnings_on(self) -> None:
        for source, text in self._warnings():
            self.say(text, level=logging.WARNING, source=source)

    def _open(self) -> tuple[Recorder, RunWriter]:
        if self.recorder is None or self.writer is None:
            raise RuntimeError("begin_record() comes before anything is stored")
        return self.recorder, self.writer

    def _beam(self) -> dict[str, object]:
        light = self._bench.illumination
        if light is None:
            return {}
        low, high = light.fluence_range
        return {
            "laser_power_W": light.power,
            "lowest_fluence_W_cm2": low,
            "highest_fluence_W_cm2": high,
            "power_stability": light.power_stability,
            "spot_calibration": {"id": light.spot.id, **light.spot.content()},
        }

    def _names_of_numbers(self) -> list[str]:
        procedure = self._procedure
        names = ["time", *(column.name for column in procedure.columns)]
        for suffix in ("", "_errors", "_flags"):
            names += [f"{thermometer}{suffix}" for thermometer in procedure.thermometers]
        return names

    def _instrument_records(self) -> dict[str, InstrumentRecord]:
        spec = self._bench.loaded.spec
        return {
            name: InstrumentRecord(
                role=next(iter(roles_of(type(instrument))), "Instrument"),
                driver=spec.instruments[name].driver,
                identity=instrument.identity,
                settings_before=instrument.settings(),
            )
            for name, instrument in self._bench.instruments.items()
        }


def _parameters(procedure: BenchProcedure) -> dict[str, tuple[object, str]]:
    return {
        name: (
            _storable(parameter.value) if parameter.is_set() else "",
            getattr(parameter, "units", None) or "",
        )
        for name, parameter in procedure.parameter_objects().items()
    }


def _storable(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) else str(value)

"""The base of every labcool procedure: a PyMeasure ``Procedure`` that is given a session.

A procedure never sleeps, opens a file, imports a driver or touches a window. It has what the
:class:`Session` offers: the bench's instruments by role, the clock, waits, phases and the record.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from numpy.typing import DTypeLike, NDArray
from pymeasure.experiment import Procedure

from labcool.bench.needs import Needs
from labcool.clock import Clock
from labcool.storage.layout import Column
from labcool.storage.reader import Run
from labcool.storage.spectra import SpectraSet
from labcool.thermometry.quantity import Quantity


class Session(Protocol):
    """What a running procedure may do besides asking its instruments."""

    clock: Clock

    def begin_record(
        self,
        *,
        wavelengths: NDArray[Any],
        counts_dtype: DTypeLike,
        process: Mapping[str, object],
        environment_temperature: float | None = None,
    ) -> None:
        """Create the run file.

        :param wavelengths: shape (pixel,), nm.
        :param process: how temperatures are made.
        :param environment_temperature: temperature of the sample's surroundings, K.
        """

    def start_time_axis(self) -> None:
        """Make this moment the zero of the run's time."""

    def time(self) -> float:
        """Return the run's time, s; before :meth:`start_time_axis`, since the run began."""

    def store_darks(self, spectra: NDArray[Any], columns: Mapping[str, tuple[Any, str]]) -> None:
        """Write dark spectra, shape (n, pixel), counts, with their conditions to the run file."""

    def store_references(
        self, name: str, spectra: NDArray[Any], columns: Mapping[str, tuple[Any, str]]
    ) -> None:
        """Write reference spectra, shape (n, pixel), counts, with their conditions to the file."""

    def stored_spectra(self, path: Path, name: str) -> tuple[SpectraSet, SpectraSet]:
        """Return the references of that name and the darks of an earlier run."""

    def record(self, counts: NDArray[Any], numbers: Sequence[float]) -> None:
        """Write a row; see :meth:`labcool.engine.recorder.Recorder.record`."""

    def wait(self, seconds: float) -> None:
        """Let ``seconds`` (s) pass; a stop ends the wait at once."""

    def check(self) -> None:
        """Raise if the run is to stop; call it between exposures."""

    def begin_phase(self, name: str, duration: float) -> None:
        """Tell those who watch which part of the procedure begins."""

    def say(self, text: str, *, level: int) -> None:
        """Write a line to the run's log."""


class BenchProcedure(Procedure):
    """A PyMeasure procedure on the roles of a bench.

    Subclasses declare ``needs``, ``columns`` and ``thermometers`` and write :meth:`check`,
    :meth:`estimate_duration` and :meth:`execute`. The runner sets each need as an attribute of the
    same name before :meth:`check`.
    """

    needs: ClassVar[Needs]
    columns: ClassVar[tuple[Column, ...]] = ()
    thermometers: ClassVar[tuple[str, ...]] = ()
    experiment_type: ClassVar[str] = "photoluminescence"

    session: Session

    @classmethod
    def procedure_name(cls) -> str:
        """Return the name on the command line: the last folder of the module's name."""
        return cls.__module__.split(".")[1]

    @abstractmethod
    def check(self) -> None:
        """Refuse whatever cannot be carried out on this bench, before anything moves.

        :raises labcool.errors.ConfigurationError: naming field, value and what is allowed.
        """

    @abstractmethod
    def estimate_duration(self) -> float:
        """Return how long the run will take, s."""

    @abstractmethod
    def execute(self) -> None:
        """Carry out the measurement."""

    def results(self, run: Run) -> dict[str, Quantity]:
        """Return what the run has shown, from its file alone."""
        raise NotImplementedError(f"{type(self).__name__} derives no results")

    def draw(self, run: Run, path: Path, results: Mapping[str, Quantity]) -> None:
        """Draw the run's figure to ``path`` (PNG), from its file alone."""
        raise NotImplementedError(f"{type(self).__name__} draws no figure")

    def get_estimates(self) -> float:
        """Return :meth:`estimate_duration` under PyMeasure's name."""
        return self.estimate_duration()

    @contextmanager
    def phase(self, name: str, duration: float) -> Iterator[None]:
        """Announce a part of the procedure.

        :param name: what is done, in a few words.
        :param duration: its planned length, s.
        """
        self.session.check()
        self.session.begin_phase(name, duration)
        yield

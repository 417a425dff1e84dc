"""An open bench: its instruments, its illumination, and the way to leave it safe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from labcool.bench._links import Links, used_last
from labcool.bench.bench_file import LoadedBench
from labcool.bench.illumination import Illumination
from labcool.bench.roles import Instrument
from labcool.clock import Clock
from labcool.errors import InstrumentError, LabcoolError

log = logging.getLogger(__name__)


class Simulation(Protocol):
    """What a simulated bench offers besides its instruments."""

    def write_truth(self, path: Path, time_zero: float) -> None:
        """Write the sample's true state against the run's time as CSV.

        :param time_zero: clock time (s) at which the run's time axis begins.
        """

    def close(self) -> None:
        """End the simulated devices and their links."""


class Bench:
    """Instruments by name, connected; a context manager that leaves all of them safe.

    Made by :func:`labcool.bench.open_bench`.
    """

    def __init__(
        self,
        loaded: LoadedBench,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        illumination: Illumination | None,
        simulation: Simulation | None,
        links: Links | None = None,
    ) -> None:
        self.loaded = loaded
        self.clock = clock
        self.instruments = instruments
        self.illumination = illumination
        self.simulation = simulation
        self._links = links or {}

    def block_beam(self) -> list[LabcoolError]:
        """Close the shutter, then make the laser safe; returns all failures."""
        return _each(self._beam(), lambda instrument: instrument.make_safe())

    def close(self) -> list[LabcoolError]:
        """End the use of every instrument, the beam's first; returns all failures.

        An instrument that others use is ended after them.

        Each is left in its safe state and its port is released. What a person has set by hand, and
        labcool has not touched (a stage that holds a temperature), stays as it is.
        """
        in_order = [self.instruments[name] for name in used_last(self.instruments, self._links)]
        others = [i for i in in_order if all(i is not b for b in self._beam())]
        try:
            return _each(self._beam() + others, lambda instrument: instrument.shutdown())
        finally:
            if self.simulation is not None:
                self.simulation.close()

    def _beam(self) -> list[Instrument]:
        if self.illumination is None:
            return []
        return [self.illumination.shutter, self.illumination.laser]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failures = self.close()
        if failures and error is None:
            raise failures[0]


def _each(
    instruments: Sequence[Instrument], action: Callable[[Instrument], None]
) -> list[LabcoolError]:
    failures: list[LabcoolError] = []
    for instrument in instruments:
        try:
            action(instrument)
        except LabcoolError as error:
            failures.append(error)
        except Exception as error:  # noqa: BLE001 - a driver's bug must not spare the others
            words = f"{type(error).__name__}: {error}"
            failures.append(InstrumentError(instrument.name, words))
    for failure in failures:
        log.error("%s", failure)
    return failures

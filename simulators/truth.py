"""What really happened to the sample; for tests and for the curious, never for a procedure."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.sample import State

TRUTH_INTERVAL_S: Final = 0.5

_COLUMNS: Final[dict[str, Callable[[State], float]]] = {
    "temperature": lambda state: state.temperature,
    "surroundings_temperature": lambda state: state.surroundings_temperature,
    "stage_temperature": lambda state: state.stage_temperature,
    "fluence": lambda state: state.fluence,
    "eqe": lambda state: state.eqe,
    "cooling_power": lambda state: state.cooling_power,
    "bleached": lambda state: state.bleached,
}


class Truth:
    """The sample's true states, one every :data:`TRUTH_INTERVAL_S` of the clock's time."""

    def __init__(self) -> None:
        self._moments: list[float] = []
        self._states: list[State] = []

    def record(self, moment: float, state: State) -> None:
        """Note the state at ``moment`` (clock s), later than all before."""
        self._moments.append(moment)
        self._states.append(state)

    def __len__(self) -> int:
        return len(self._moments)

    @property
    def time(self) -> NDArray[np.float64]:
        """Moments on the clock, shape (state,), s, ascending."""
        return np.array(self._moments, np.float64)

    def values(self, quantity: str) -> NDArray[np.float64]:
        """Return one quantity of all states, shape (state,).

        :param quantity: name of a field of :class:`simulators.sample.State`.
        """
        return np.array([getattr(state, quantity) for state in self._states], np.float64)

    def temperature_at(self, moments: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the spot's temperature (K) at moments of the clock (s), interpolated."""
        return np.interp(moments, self.time, self.values("temperature"))

    def write_csv(self, path: Path, time_zero: float) -> None:
        """Write all states as CSV, with every digit, in the units of :class:`State`.

        :param path: file to write; replaced if it exists.
        :param time_zero: moment (clock s) from which the column ``time`` (s) counts.
        """
        with path.open("w", newline="", encoding="ascii") as file:
            writer = csv.writer(file)
            writer.writerow(["time", *_COLUMNS])
            for moment, state in zip(self._moments, self._states, strict=True):
                values = (read(state) for read in _COLUMNS.values())
                writer.writerow([repr(float(value)) for value in (moment - time_zero, *values)])

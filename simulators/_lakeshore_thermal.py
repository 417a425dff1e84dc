"""A heated stage on a link to a cold (or warm) bath, its sensor, and its past.

One heat capacity ``C`` on a link ``G`` to a bath: ``C dT/dt = P + G (T_bath - T)``; the sensor
follows the stage with a lag of first order. The heater's power only changes ten times a second,
when the controller computes it, and both equations have exact solutions between; so the past is a
list of exponentials, and takes no numerical error from how often anybody looks.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from labcool.errors import LimitError
from simulators._lakeshore_curves import DIODE_SENSOR, Sensor

STEP_S: Final = 0.1
"""Time between two readings, and two outputs of the loop, s (ten readings a second)."""

_SAME_K: Final = 1e-7


@dataclass(frozen=True)
class ThermalLoad:
    """What hangs on an output, and the sensor on it; by default a small cryostat in nitrogen.

    :param heat_capacity: of the stage, J/K, above 0.
    :param link: conductance to the bath, W/K, above 0.
    :param bath: temperature of the bath, K: 77 for a nitrogen cryostat, 298 for a bare stage.
    :param start: temperature at the beginning, K; the bath's if None.
    :param sensor_lag: how far the sensor lags behind the stage, s, 0 or more.
    :param noise: standard deviation of one reading, K.
    :param sensor: what is glued to the stage.
    :raises LimitError: if one of them is not possible.
    """

    heat_capacity: float = 40.0
    link: float = 0.1
    bath: float = 77.0
    start: float | None = None
    sensor_lag: float = 1.5
    noise: float = 0.002
    sensor: Sensor = DIODE_SENSOR

    def __post_init__(self) -> None:
        positive = {
            "heat capacity (J/K)": self.heat_capacity,
            "link (W/K)": self.link,
            "bath (K)": self.bath,
            "start (K)": self.bath if self.start is None else self.start,
        }
        for name, value in positive.items():
            if not (math.isfinite(value) and value > 0):
                raise LimitError(name, value, "a finite number above 0")
        for name, value in {"lag (s)": self.sensor_lag, "noise (K)": self.noise}.items():
            if not (math.isfinite(value) and value >= 0):
                raise LimitError(name, value, "a finite number, 0 or more")

    @property
    def relaxation_s(self) -> float:
        """Time in which the stage comes to 1/e of its distance from where it goes, s."""
        return self.heat_capacity / self.link


class Stage:
    """The present and the past of one load, in steps of :data:`STEP_S` from ``begin`` (clock s)."""

    def __init__(self, load: ThermalLoad, begin: float) -> None:
        self.load = load
        start = load.bath if load.start is None else load.start
        self.stage_K = start
        self.sensor_K = start
        self.sensor_before_K = start
        self._factors: dict[int, tuple[float, float, float]] = {}
        self.moments = array("d", [begin])
        self.starts = array("d", [start])
        self.goals = array("d", [load.bath])

    def goal(self, watts: float) -> float:
        """Return where the stage would come to rest with ``watts`` (W) on the heater, K."""
        return self.load.bath + watts / self.load.link

    def relax(self, goal: float, steps: int) -> None:
        """Go towards ``goal`` (K) for some steps, 1 or more."""
        if steps > 1:
            self._relax(goal, steps - 1)
        self.sensor_before_K = self.sensor_K
        self._relax(goal, 1)

    def factors(self, steps: int) -> tuple[float, float, float]:
        """Return how much of each exponential is left after some steps, and the sensor's lead.

        The stage decays towards its goal with the first. The sensor leads (or follows) the
        decaying stage by the last, and forgets with the second how it stood to that.
        """
        if steps not in self._factors:
            slow, fast = self.load.relaxation_s, self.load.sensor_lag
            if math.isclose(slow, fast, rel_tol=1e-6):
                fast *= 1 + 1e-5
            passed = steps * STEP_S
            forget = math.exp(-passed / fast) if fast > 0 else 0.0
            self._factors[steps] = (math.exp(-passed / slow), forget, slow / (slow - fast))
        return self._factors[steps]

    def _relax(self, goal: float, steps: int) -> None:
        decay, forget, lead = self.factors(steps)
        excess = self.stage_K - goal
        led = lead * excess
        self.sensor_K = goal + led * decay + (self.sensor_K - goal - led) * forget
        self.stage_K = goal + excess * decay

    def log(self, moment: float, goal: float) -> None:
        """Remember that from ``moment`` (clock s) on the stage goes towards ``goal`` (K)."""
        if not abs(goal - self.goals[-1]) <= _SAME_K:
            self.moments.append(moment)
            self.starts.append(self.stage_K)
            self.goals.append(goal)

    def forget(self) -> None:
        """Start the past anew; for a copy that looks ahead."""
        self.moments, self.starts, self.goals = array("d"), array("d"), array("d")
        self.moments.append(-math.inf)
        self.starts.append(self.stage_K)
        self.goals.append(math.nan)

    def temperature_at(self, moment: float) -> float:
        """Return the temperature of the stage (K) at a moment that has been reached."""
        found = max(bisect_right(self.moments, moment) - 1, 0)
        passed = max(moment - self.moments[found], 0.0)
        goal = self.goals[found]
        excess = self.starts[found] - goal
        return goal + excess * math.exp(-passed / self.load.relaxation_s)

"""The control loop of a Lake Shore controller: set point, ramp, PID, heater.

Output in percent of full-scale current ``P [e + 1/t_I ∫e dt + t_D de/dt] + manual``, ``e`` in K,
``t_I = 1000 s / I``, and ``D`` in percent of a quarter of ``t_I`` (Lake Shore 331 and 335 manuals,
*manual tuning*); clipped to 0 to 100 %. The power is the full-scale power times the square of it.

UNVERIFIED on hardware: that ``P`` is in percent of current per kelvin; that the integral goes on
while the output is clipped, until it alone would be 0 or 100 % (so that a large step overshoots);
that the derivative acts on the reading only.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Final

from simulators._lakeshore_thermal import STEP_S, Stage, ThermalLoad

OFF, CLOSED, OPEN, WARM_UP = range(4)
FULL_PERCENT: Final = 100.0
_SECONDS_OVER_I: Final = 1000.0
_AT_REST_K: Final = 1e-7


@dataclass(frozen=True)
class Drive:
    """What the settings make an output do.

    :param mode: one of ``OFF``, ``CLOSED``, ``OPEN``, ``WARM_UP``.
    :param full_scale: heater power at 100 %, W.
    :param source: number of the output on whose stage the controlling sensor sits.
    :param manual: percent, added to the PID's output.
    """

    mode: int = OFF
    full_scale: float = 0.0
    source: int = 1
    p: float = 0.0
    i: float = 0.0
    d: float = 0.0
    manual: float = 0.0


class Loop:
    """One output with its stage; its time is a number of steps since ``begin`` (clock s)."""

    def __init__(self, load: ThermalLoad, begin: float) -> None:
        self.begin = begin
        self.steps = 0
        self.stage = Stage(load, begin)
        self.drive = Drive()
        self.percent = 0.0
        self.watts = 0.0
        self.setpoint_K = self.stage.sensor_K
        self.target_K = self.setpoint_K
        self.ramp_K_per_s = 0.0
        self.warmed_up = False
        self._integral = 0.0
        self._last_reading: float | None = None
        self._steady: Drive | None = None

    @property
    def is_ramping(self) -> bool:
        """True while the set point moves."""
        return self.setpoint_K != self.target_K

    def aim(self, target_K: float, ramp_K_per_s: float) -> None:
        """Let the set point go to ``target_K`` at a rate (K/s); at once if that is 0."""
        self.target_K = target_K
        self.ramp_K_per_s = ramp_K_per_s
        if ramp_K_per_s <= 0:
            self.setpoint_K = target_K

    def adopt(self, drive: Drive) -> None:
        """Obey new settings; a loop that was not closed starts with an empty integral."""
        if drive.mode != CLOSED or self.drive.mode != CLOSED or drive.source != self.drive.source:
            self._integral = 0.0
            self._last_reading = None
        if drive.mode != WARM_UP:
            self.warmed_up = False
        self.drive = drive

    def run(self, steps: int, reading: Stage) -> None:
        """Go on by a number of steps, controlled by the sensor of ``reading``."""
        if self.drive.mode == CLOSED:
            self._run_closed(steps, reading)
            return
        self._move_setpoint(steps)
        if self.drive.mode == WARM_UP and reading.sensor_K >= self.setpoint_K:
            self.warmed_up = True
        idle = self.drive.mode == OFF or self.warmed_up
        self._heat(0.0 if idle else self.drive.manual, steps)

    def _run_closed(self, steps: int, reading: Stage) -> None:
        drive = self.drive
        reset = drive.i * STEP_S / _SECONDS_OVER_I
        rate = drive.d / 100 * _SECONDS_OVER_I / drive.i / 4 / STEP_S if drive.i else 0.0
        last = reading.sensor_K if self._last_reading is None else self._last_reading
        if self._rests(last, reading):
            self._heat(self.percent, steps)
            return
        self._steady = drive
        p, manual, own = drive.p, drive.manual, self.stage
        most, full = FULL_PERCENT / p, drive.full_scale / FULL_PERCENT**2 / own.load.link
        bath, (decay, forget, lead) = own.load.bath, own.factors(1)
        integral, moment = self._integral, self.begin + self.steps * STEP_S
        wanted = self.percent
        for step in range(steps):
            if self.setpoint_K != self.target_K:
                self._move_setpoint()
            seen = reading.sensor_K
            error = self.setpoint_K - seen
            integral = min(max(integral + error * reset, 0.0), most)
            wanted = p * (error + integral - rate * (seen - last)) + manual
            last = seen
            wanted = min(max(wanted, 0.0), FULL_PERCENT)
            goal = bath + full * wanted * wanted
            own.log(moment + step * STEP_S, goal)
            excess = own.stage_K - goal
            led = lead * excess
            own.sensor_before_K = own.sensor_K
            own.sensor_K = goal + led * decay + (own.sensor_K - goal - led) * forget
            own.stage_K = goal + excess * decay
        self._integral, self._last_reading = integral, last
        self.percent = wanted
        self.watts = drive.full_scale * (wanted / FULL_PERCENT) ** 2
        self.steps += steps

    def _rests(self, last: float, reading: Stage) -> bool:
        """Return True if set point, reading and output have come to rest for good."""
        seen = reading.sensor_K
        return (
            0.0 < self.percent < FULL_PERCENT
            and self.setpoint_K == self.target_K
            and abs(self.setpoint_K - seen) < _AT_REST_K
            and abs(seen - last) < _AT_REST_K / 100
            and abs(self.stage.stage_K - self.stage.sensor_K) < _AT_REST_K
            and self._steady == self.drive
        )

    def _heat(self, percent: float, steps: int = 1) -> None:
        self.percent = percent
        self.watts = self.drive.full_scale * (percent / FULL_PERCENT) ** 2
        goal = self.stage.goal(self.watts)
        self.stage.log(self.begin + self.steps * STEP_S, goal)
        self.stage.relax(goal, steps)
        self.steps += steps

    def _move_setpoint(self, steps: int = 1) -> None:
        left = self.target_K - self.setpoint_K
        way = self.ramp_K_per_s * STEP_S * steps
        self.setpoint_K = (
            self.target_K if abs(left) <= way else self.setpoint_K + math.copysign(way, left)
        )

    def ahead(self) -> Loop:
        """Return a copy that can be run on without a trace."""
        other = copy.copy(self)
        other.stage = copy.copy(self.stage)
        other.stage.forget()
        return other


def tuned(
    load: ThermalLoad, drive: Drive, percent: float, terms: int
) -> tuple[float, float, float]:
    """Return P, I and D that suit a load, changing as many of them as ``terms`` (1 to 3) says.

    Skogestad's rules for a lag behind a slow first-order load, at the present output (percent).
    """
    delay = load.sensor_lag + STEP_S
    working_point = max(percent, 5.0)
    gain = 2 * drive.full_scale * working_point / FULL_PERCENT**2 / load.link
    p = load.relaxation_s / (2 * delay * max(gain, 1e-9))
    i = _SECONDS_OVER_I / min(load.relaxation_s, 8 * delay)
    found = (min(max(p, 0.1), 1000.0), min(max(i, 0.1), 1000.0), 100.0)
    return (
        round(found[0], 1),
        round(found[1], 1) if terms > 1 else drive.i,
        found[2] if terms > 2 else drive.d,
    )

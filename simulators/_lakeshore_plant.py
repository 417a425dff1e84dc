"""What a Lake Shore controller and its cryostat do by themselves, in steps of a tenth of a second.

Once a second the controller looks after temperature limits, heater faults, alarms, ramps, zones and
tuning. Settings act from the next step on; the past never changes.

UNVERIFIED on hardware: how soon it does each of these; that a heater fault sets the range to off;
that a closed loop heats nothing while its sensor has no valid reading; which conditions autotuning
demands (here: a heating closed loop with a valid sensor whose set point rests), how long it takes,
and what it finds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulators import _lakeshore_drives as drives
from simulators import _lakeshore_loop as loops
from simulators._lakeshore_curves import standard_curves
from simulators._lakeshore_fields import Settings
from simulators._lakeshore_inputs import Inputs, reading_number
from simulators._lakeshore_loop import Drive, Loop, tuned
from simulators._lakeshore_tables import Model
from simulators._lakeshore_thermal import STEP_S, Stage, ThermalLoad

OPEN_LOAD, SHORT = 1, 2
_STEPS_BETWEEN_CHECKS: Final = 10
_TUNING_STAGES: Final = 10


@dataclass(frozen=True)
class Tuning:
    """An autotuning: of which output, how many of P, I, D, and when it began and ends (steps)."""

    output: str
    terms: int
    begin: int
    end: int

    def stage(self, step: int) -> int:
        """Return the stage that has been reached at a step."""
        part = (step - self.begin) / (self.end - self.begin)
        return min(1 + int(part * _TUNING_STAGES), _TUNING_STAGES)


class Plant:
    """Loops, stages and inputs on the clock; ``settings`` are those of the present model."""

    def __init__(
        self,
        model: Model,
        loads: Mapping[str, ThermalLoad],
        begin: float,
        rng: np.random.Generator,
        tuning_s: float,
    ) -> None:
        self.begin = begin
        self.steps = 0
        self.loops = {output: Loop(loads[output], begin) for output in model.outputs}
        self.curves = standard_curves()
        self.sensor_open: frozenset[str] = frozenset()
        self.heater_open: frozenset[str] = frozenset()
        self.heater_short: frozenset[str] = frozenset()
        self._tuning_steps = max(round(tuning_s / STEP_S), 1)
        self._rng = rng
        self.become(model)

    def become(self, model: Model) -> None:
        """Start anew as a model, every setting at its default.

        Outputs 1 and 2 are in closed loop, each on its own input, with the heaters off. Stages,
        set points, faults and curves stay as they are.
        """
        self.model = model
        self.settings = Settings(model.table)
        stages = {int(output): loop.stage for output, loop in self.loops.items()}
        self.inputs = Inputs(model, self.settings, stages, self.curves, self._rng)
        for number, output in enumerate(model.outputs, 1):
            if model.old:
                self.settings["CSET", output][0] = model.inputs[number - 1]
            else:
                self.settings["OUTMODE", output][:2] = [int(number <= 2), number]
        self.heater_status = dict.fromkeys(model.outputs, 0)
        self.ramp_done = dict.fromkeys(model.outputs, False)
        self.tuning: Tuning | None = None
        self.tuning_failed_at: int | None = None
        self.tuning_done = False
        self.refresh()

    def restart(self) -> None:
        """Begin as after power-on: settings are stored, a ramp is not, and no heater is on.

        UNVERIFIED: an output whose settings say that it is on again after power-on stays off, too.
        """
        for output, loop in self.loops.items():
            self.switch_off(output)
            loop.aim(loop.setpoint_K, 0.0)
        self.heater_status = dict.fromkeys(self.model.outputs, 0)
        self.tuning = None
        self.refresh()

    def advance(self, now: float) -> None:
        """Go on to the step that reaches beyond ``now`` (clock s)."""
        goal = reading_number(now, self.begin) + 1
        while self.steps < goal:
            following = self.steps - self.steps % _STEPS_BETWEEN_CHECKS + _STEPS_BETWEEN_CHECKS
            self._run(self.loops, min(following, goal) - self.steps)
            self.steps = min(following, goal)
            if self.steps == following:
                self._check()

    def temperature_at(self, moment: float, output: str) -> float:
        """Return the temperature (K) of a stage; in future as the loops do if left alone."""
        missing = reading_number(moment, self.begin) + 1 - self.steps
        if missing <= 0:
            return self.loops[output].stage.temperature_at(moment)
        ahead = {name: loop.ahead() for name, loop in self.loops.items()}
        self._run(ahead, missing)
        return ahead[output].stage.temperature_at(moment)

    def refresh(self) -> None:
        """Let the settings and faults act."""
        self.inputs.open = self.sensor_open
        self.inputs.refresh()
        self._valid = [self.inputs.is_valid(name) for name in self.model.inputs]
        self._zoned = {
            output
            for output in self.model.outputs
            if drives.is_zone(self.model, self.settings, output)
        }
        self._limits: list[tuple[Stage, float]] = []
        if not self.model.old:
            limits = {name: self.settings.number("TLIMIT", name) for name in self.model.inputs}
            self._limits = [(self.inputs.stage(name), limits[name]) for name in limits]
        for output, loop in self.loops.items():
            loop.adopt(self._drive(output, loop))

    def switch_off(self, output: str) -> None:
        """Set the range of an output to off."""
        if not self.model.old:
            self.settings["RANGE", output][0] = 0
        elif output == "1":
            self.settings[("RANGE",)][0] = 0
        else:
            self.settings[("ANALOG",)][1] = 0

    def tune(self, output: str, terms: int) -> None:
        """Begin to tune P (1), P and I (2) or P, I and D (3), if the loop allows it."""
        self.tuning_done = False
        self.tuning, self.tuning_failed_at = None, None
        if self._can_be_tuned(output):
            self.tuning = Tuning(output, terms, self.steps, self.steps + self._tuning_steps)
        else:
            self.tuning_failed_at = 0

    def _can_be_tuned(self, output: str) -> bool:
        loop = self.loops[output]
        plain = drives.is_closed_loop(self.model, self.settings, output)
        return plain and loop.drive.mode == loops.CLOSED and not loop.is_ramping

    def _drive(self, output: str, loop: Loop) -> Drive:
        drive = drives.drive(self.model, self.settings, output, loop.setpoint_K)
        if drive.mode in (loops.CLOSED, loops.WARM_UP):
            source = self.model.inputs[drive.source - 1]
            if not self.inputs.is_valid(source):
                return replace(drive, mode=loops.OFF)
        if output in self.heater_open | self.heater_short:
            return replace(drive, full_scale=0.0)
        return drive

    @staticmethod
    def _run(all_loops: Mapping[str, Loop], steps: int) -> None:
        crossed = any(
            int(output) != loop.drive.source and loop.drive.mode in (loops.CLOSED, loops.WARM_UP)
            for output, loop in all_loops.items()
        )
        for _ in range(steps if crossed else 1):
            for loop in all_loops.values():
                loop.run(1 if crossed else steps, all_loops[str(loop.drive.source)].stage)

    def _check(self) -> None:
        changed = self.inputs.observe() != self._valid
        changed |= self._over_limit()
        for output, loop in self.loops.items():
            if self._has_failed(output, loop):
                self.heater_status[output] = OPEN_LOAD if output in self.heater_open else SHORT
                self.switch_off(output)
                changed = True
            if loop.setpoint_K == loop.target_K and loop.ramp_K_per_s > 0:
                self.ramp_done[output] = True
                loop.ramp_K_per_s = 0.0
            changed |= loop.is_ramping and output in self._zoned
        changed |= self._go_on_tuning()
        if changed:
            self.refresh()

    def _has_failed(self, output: str, loop: Loop) -> bool:
        faulty = output in self.heater_open or output in self.heater_short
        if not faulty:
            return False
        voltage = drives.is_voltage(self.model, self.settings, output)
        return not voltage and loop.drive.mode != loops.OFF

    def _over_limit(self) -> bool:
        if not any(limit and stage.sensor_before_K > limit for stage, limit in self._limits):
            return False
        for output in self.model.outputs:
            self.switch_off(output)
        return True

    def _go_on_tuning(self) -> bool:
        tuning = self.tuning
        if tuning is None:
            return False
        if not self._can_be_tuned(tuning.output):
            self.tuning, self.tuning_failed_at = None, tuning.stage(self.steps)
            return False
        if self.steps < tuning.end:
            return False
        loop = self.loops[tuning.output]
        found = tuned(loop.stage.load, loop.drive, loop.percent, tuning.terms)
        self.settings["PID", tuning.output][:] = found
        self.tuning, self.tuning_done = None, True
        return True

    def setpoint(self, output: str) -> float:
        """Return the set point (K) as it is now, on its way or arrived."""
        return self.loops[output].setpoint_K

    def monitor_percent(self, output: str, kelvin: float) -> float:
        """Return the voltage of a monitor output in percent of 10 V at a reading (K)."""
        _, units, high, low, bipolar = (float(v) for v in self.settings["ANALOG", output])
        source = drives.control_input(self.model, self.settings, output)
        if source is None or math.isclose(high, low):
            return 0.0
        value = self.inputs.from_kelvin(source, int(units), kelvin)
        lowest = -100.0 if bipolar else 0.0
        percent = lowest + (100.0 - lowest) * (value - low) / (high - low)
        return min(max(percent, lowest), 100.0)

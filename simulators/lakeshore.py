"""Lake Shore 331, 335 and 336 temperature controllers with a cryostat, as bytes.

Sources: remote-operation chapters of the Lake Shore 331, 335, 336 and 350 manuals and the maker's
public driver. RS-232 of the 331: 9600 7O1; USB of 335 and 336: 57600 7O1; Ethernet of the 336: TCP
port 7777 (a byte stream knows none of these). Lines and answers: ``_lakeshore_wire.py``; heaters:
``_lakeshore_drives.py``, ``_lakeshore_loop.py``; readings: ``_lakeshore_inputs.py``; what happens
by itself: ``_lakeshore_plant.py``; parameters that are only kept: ``_lakeshore_tables.py``.

The 331 differs: ``RANGE`` and ``HTR?`` know loop 1 only, so that ``RANGE 1,0`` *switches the
heater on, low*; ``CMODE`` and ``CSET`` stand for ``OUTMODE``; loop 2 is the analog output (on
while ``ANALOG`` mode is 3, its value ``AOUT?``) of 1 W; it loses messages that come within 50 ms of
the one before; it has no ``TLIMIT`` and no operation register. A 335 in emulation (``EMUL 1,0``)
answers as a 331 until ``EMUL 0,0``. There is no watchdog: a loop heats on when the host has gone.

UNVERIFIED on hardware: the digits of each answer (the manuals say ``±nnnnnn``); that reading
``HTRST?`` clears it (``heater_status_clears``); that a set point off the input's curve is refused;
that leaving or entering emulation puts all settings back; the settings after power-up; everything
listed so in the modules above. Not simulated: option cards, ``SCAL`` (it copies the standard
curve), the status byte's message-available bit, cubic splines. The loop controls on the true
temperature of its sensor, whatever curve the input has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators._lakeshore_commands import Commands
from simulators._lakeshore_plant import Plant
from simulators._lakeshore_tables import MODELS, Model
from simulators._lakeshore_thermal import ThermalLoad
from simulators._lakeshore_wire import LakeShoreWire
from simulators.device import Switch

__all__ = ["LakeShore", "ThermalLoad"]

_EMULATED: Final = {0: "335", 1: "331", 2: "331"}


class LakeShore(LakeShoreWire):
    """A controller with a stage on each output; input A is on the stage of output 1, and so on.

    Heaters are off at the start; each set point is the temperature of its stage.

    :param model: ``"331"``, ``"335"`` or ``"336"``.
    :param load: stage of output 1 (the sample's), or stages by output; the others are as the
        default one.
    :param rng: draws the noise of readings.
    :param emulating: a 335 that somebody has left in emulation of a 331.
    :param heater_status_clears: whether ``HTRST?`` is 0 once it has been read.
    :param setpoint_delay_s: for so long after ``SETP``, ``SETP?`` still answers the old one.
    :param tuning_s: time that autotuning takes, s.
    :param pace_s: silence needed between messages, s; that of the model if None.
    :raises LimitError: if there is no such model or output, or only a 335 could.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        model: str = "336",
        load: ThermalLoad | Mapping[int, ThermalLoad] | None = None,
        rng: np.random.Generator | None = None,
        emulating: bool = False,
        heater_status_clears: bool = True,
        setpoint_delay_s: float = 0.0,
        tuning_s: float = 300.0,
        pace_s: float | None = None,
    ) -> None:
        if model not in MODELS:
            raise LimitError("Lake Shore model", model, "one of " + ", ".join(MODELS))
        if emulating and model != "335":
            raise LimitError("emulating", emulating, f"False for a {model}")
        self._born = MODELS[model]
        super().__init__(clock, self._born.pace_s if pace_s is None else pace_s)
        self._paced_by_model = pace_s is None
        dice = np.random.default_rng(0) if rng is None else rng
        stages = _stages(self._born, load)
        self._plant = Plant(self._born, stages, clock.now(), dice, tuning_s)
        self._commands = Commands(
            self._plant,
            self.registers,
            clock,
            heater_status_clears=heater_status_clears,
            setpoint_delay_s=setpoint_delay_s,
        )
        if emulating:
            self._emulate(1)

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: all sensors or all heaters are broken off."""

        def break_sensors(broken: bool) -> None:
            self.sensor_open = self._plant.model.inputs if broken else ()

        def break_heaters(broken: bool) -> None:
            self.heater_open = [int(output) for output in self._born.outputs] if broken else ()

        return {"sensor_open": break_sensors, "heater_open": break_heaters}

    def _begin_anew(self) -> None:
        """Start with all heaters off and the set points of before; settings are stored."""
        self._catch_up()
        self._plant.restart()
        self.registers.restart()
        self._free_from = self.clock.now()

    @property
    def model(self) -> str:
        """The model as which it answers now: ``"331"``, ``"335"`` or ``"336"``."""
        return self._plant.model.name

    @property
    def sensor_open(self) -> frozenset[str]:
        """Control the inputs whose sensor is broken off, e.g. ``{"A"}``."""
        return self._plant.sensor_open

    @sensor_open.setter
    def sensor_open(self, inputs: Collection[str]) -> None:
        self._catch_up()
        self._plant.sensor_open = frozenset(_known("input", inputs, self._plant.model.inputs))
        self._plant.refresh()

    @property
    def heater_open(self) -> frozenset[int]:
        """Control the outputs whose heater is broken off, e.g. ``{1}``."""
        return frozenset(int(output) for output in self._plant.heater_open)

    @heater_open.setter
    def heater_open(self, outputs: Collection[int]) -> None:
        self._catch_up()
        self._plant.heater_open = frozenset(_known("output", outputs, self._born.outputs))
        self._plant.refresh()

    @property
    def heater_short(self) -> frozenset[int]:
        """Control the outputs whose heater is short-circuited, e.g. ``{1}``."""
        return frozenset(int(output) for output in self._plant.heater_short)

    @heater_short.setter
    def heater_short(self, outputs: Collection[int]) -> None:
        self._catch_up()
        self._plant.heater_short = frozenset(_known("output", outputs, self._born.outputs))
        self._plant.refresh()

    def temperature_at(self, moment: float, output: int = 1) -> float:
        """Return the true temperature (K) of a stage at ``moment`` (clock s).

        Before the present the past that was; after it what comes if no command comes before.
        """
        self._catch_up()
        return self._plant.temperature_at(moment, _known("output", [output], self._born.outputs)[0])

    def heater_power(self, output: int = 1) -> float:
        """Return the power (W) on the heater of an output now."""
        self._catch_up()
        return self._plant.loops[_known("output", [output], self._born.outputs)[0]].watts

    def _catch_up(self) -> None:
        self._plant.advance(self.clock.now())
        self._commands.note_operation()

    def _command(self, name: str, arguments: list[str]) -> None:
        self._catch_up()
        if name == "EMUL" and self._born.name == "335":
            self._emulate(self._commands.emulation(arguments))
        else:
            self._commands.obey(name, arguments)

    def _query(self, name: str, arguments: list[str]) -> str:
        self._catch_up()
        if name == "EMUL" and self._born.name == "335":
            return f"{int(self.model == '331')},0"
        return self._commands.answer(name, arguments)

    def _emulate(self, number: int) -> None:
        model = MODELS[_EMULATED[number]]
        if model is not self._plant.model:
            self._plant.become(model)
        if self._paced_by_model:
            self._pace_s = model.pace_s


def _stages(
    model: Model, load: ThermalLoad | Mapping[int, ThermalLoad] | None
) -> dict[str, ThermalLoad]:
    given = {1: load} if isinstance(load, ThermalLoad) else dict(load or {})
    _known("output", given, model.outputs)
    return {output: given.get(int(output), ThermalLoad()) for output in model.outputs}


def _known(what: str, names: Collection[object], known: tuple[str, ...]) -> list[str]:
    texts = [str(name) for name in names]
    for text in texts:
        if text not in known:
            raise LimitError(what, text, "one of " + ", ".join(known))
    return texts

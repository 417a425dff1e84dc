"""What each command of an SR830 does.

Source: SR830 user manual, remote programming (p. 5-4 to 5-20).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Final, TypeAlias

from simulators._sr830_queries import Queries
from simulators._sr830_settings import Settings
from simulators._sr830_tables import (
    AUX_CHANNELS,
    COARSEST_AT_100_MOHM,
    CURRENT_1_MOHM,
    CURRENT_100_MOHM,
    HIGHEST_HZ,
    INTEGERS,
    INTERFACE_INTEGERS,
    LOW_NOISE,
    REALS,
    RESERVES_DB,
    SENSITIVITIES_V,
    SLOWEST_ABOVE_200_HZ,
)
from simulators._sr830_words import BadParameterError, Command, UnknownCommandError

if TYPE_CHECKING:
    from simulators.sr830 import SR830

Action: TypeAlias = Callable[[Command], None]

_LARGEST_AUX_V: Final = 10.5
_AUX_RESOLUTION_DIGITS: Final = 3
_LARGEST_OFFSET_PERCENT: Final = 105.0
_MEMORIES: Final = 9
_START_DELAY_S: Final = 0.5
_FULL_AFTER_AUTO_GAIN: Final = 0.9
_SLOWEST_AUTO_GAIN_S: Final = 1.0
_AUTO_PHASE_S: Final = 0.1
_INTERNAL: Final = 1
_ENABLES: Final = ("*ESE", "*SRE", "LIAE", "ERRE")


class Commands:
    """The command set of one instrument; :meth:`obey` is all that is needed."""

    def __init__(self, device: SR830, serial: str) -> None:
        self._device = device
        self._queries = Queries(device, serial)
        self._memories: dict[int, Settings] = {}
        self.interface = self._queries.interface
        self._actions: dict[str, Action] = {
            **dict.fromkeys(INTEGERS, self._set_integer),
            **dict.fromkeys(INTERFACE_INTEGERS, self._set_interface),
            **dict.fromkeys(REALS, self._set_real),
            **dict.fromkeys(_ENABLES, self._set_enable),
            "AUXV": self._set_aux,
            "OEXP": self._set_offset,
            "DDEF": self._set_display,
            "FPOP": self._set_front,
            "SSET": self._save,
            "RSET": self._recall,
            "AOFF": self._auto_offset,
        }
        self._simple_actions: dict[str, Callable[[], None]] = {
            "*CLS": device.status.clear,
            "*RST": self._reset,
            "TRIG": device.take_trigger,
            "STRT": lambda: device.start_scan(0.0),
            "STRD": lambda: device.start_scan(_START_DELAY_S),
            "PAUS": device.scan.pause,
            "REST": device.scan.reset,
            "AGAN": self._auto_gain,
            "ARSV": self._auto_reserve,
            "APHS": lambda: device.be_busy(_AUTO_PHASE_S, self._auto_phase),
        }

    def obey(self, command: Command) -> str | bytes | None:
        """Carry out a command and return its answer, None if it has none.

        :raises UnknownCommandError: if there is no such command or query.
        :raises BadParameterError: if its parameters are not acceptable.
        """
        if command.is_query:
            return self._queries.answer(command)
        if command.name in self._simple_actions:
            command.require(0)
            self._simple_actions[command.name]()
        elif command.name in self._actions:
            self._actions[command.name](command)
        else:
            raise UnknownCommandError
        self._device.settings_changed()
        return None

    def start_up(self) -> None:
        """Do to the interface what power-on does."""
        self.interface.update(OUTX=1, FAST=0, LOCL=0)

    @property
    def _settings(self) -> Settings:
        return self._device.settings

    def _reset(self) -> None:
        self._device.scan.reset()
        self.interface["FAST"] = 0
        self._device.settings = Settings()

    def _save(self, command: Command) -> None:
        command.require(1)
        self._memories[command.integer(0, 1, _MEMORIES)] = deepcopy(self._settings)

    def _recall(self, command: Command) -> None:
        command.require(1)
        memory = command.integer(0, 1, _MEMORIES)
        if memory not in self._memories:
            raise BadParameterError
        self._device.settings = deepcopy(self._memories[memory])

    def _set_interface(self, command: Command) -> None:
        command.require(1)
        lowest, highest = INTERFACE_INTEGERS[command.name]
        self.interface[command.name] = command.integer(0, lowest, highest)

    def _set_integer(self, command: Command) -> None:
        command.require(1)
        lowest, highest, _ = INTEGERS[command.name]
        value = command.integer(0, lowest, highest)
        detector, integers = self._device.detector, self._settings.integers
        too_high = command.name == "HARM" and value * detector.reference_hz > HIGHEST_HZ
        too_slow = command.name == "OFLT" and value > SLOWEST_ABOVE_200_HZ
        if too_high or (too_slow and detector.is_in_upper_range):
            raise BadParameterError
        integers[command.name] = value
        if integers["ISRC"] == CURRENT_100_MOHM and integers["SENS"] > COARSEST_AT_100_MOHM:
            integers["ISRC"] = CURRENT_1_MOHM

    def _set_real(self, command: Command) -> None:
        command.require(1)
        lowest, highest, resolution, _ = REALS[command.name]
        value = command.real(0, lowest, highest)
        if command.name == "FREQ":
            integers = self._settings.integers
            if integers["FMOD"] != _INTERNAL or value * integers["HARM"] > HIGHEST_HZ:
                raise BadParameterError
            digits = 4 - math.floor(math.log10(value))
            resolution = max(resolution, 10.0**-digits)
        value = round(round(value / resolution) * resolution, 6)
        if command.name == "PHAS":
            value = wrapped(value)
        self._settings.reals[command.name] = value

    def _set_enable(self, command: Command) -> None:
        command.require(1, 2)
        status = self._device.status
        if len(command.parameters) == 1:
            status.enable(command.name, command.integer(0, 0, 255))
        else:
            bit, value = command.integer(0, 0, 7), command.integer(1, 0, 1)
            status.enable_bit(command.name, bit, value)

    def _set_aux(self, command: Command) -> None:
        command.require(2)
        channel = command.integer(0, 1, AUX_CHANNELS)
        volts = command.real(1, -_LARGEST_AUX_V, _LARGEST_AUX_V)
        self._settings.aux_out[channel - 1] = round(volts, _AUX_RESOLUTION_DIGITS)

    def _set_offset(self, command: Command) -> None:
        command.require(3)
        quantity = command.integer(0, 1, 3)
        percent = command.real(1, -_LARGEST_OFFSET_PERCENT, _LARGEST_OFFSET_PERCENT)
        expand = command.integer(2, 0, 2)
        self._settings.offsets[quantity - 1] = round(percent, 2)
        self._settings.expands[quantity - 1] = expand

    def _set_display(self, command: Command) -> None:
        command.require(3)
        channel, shown = command.integer(0, 1, 2), command.integer(1, 0, 4)
        self._settings.displays[channel - 1] = (shown, command.integer(2, 0, 2))

    def _set_front(self, command: Command) -> None:
        command.require(2)
        channel = command.integer(0, 1, 2)
        self._settings.front[channel - 1] = command.integer(1, 0, 1)

    def _auto_offset(self, command: Command) -> None:
        command.require(1)
        quantity = command.integer(0, 1, 3) - 1
        offsets = self._settings.offsets
        percent = self._device.detector.fraction(quantity) * 100 + offsets[quantity]
        largest = _LARGEST_OFFSET_PERCENT
        offsets[quantity] = round(min(max(percent, -largest), largest), 2)

    def _auto_phase(self) -> None:
        phase = self._settings.reals["PHAS"] + self._device.detector.theta()
        self._settings.reals["PHAS"] = wrapped(round(phase, 2))

    def _auto_gain(self) -> None:
        constant = self._settings.time_constant
        if constant <= _SLOWEST_AUTO_GAIN_S:
            self._device.be_busy(1.0 + 20 * constant, self._choose_sensitivity)

    def _auto_reserve(self) -> None:
        self._device.be_busy(1.0 + 5 * self._settings.time_constant, self._choose_reserve)

    def _choose_sensitivity(self) -> None:
        """Take the most sensitive scale that holds both the result and the input."""
        detector, integers = self._device.detector, self._settings.integers
        result, before = abs(detector.amplitude), self._settings.full_scale
        needed = detector.required_reserve() * before
        reserves = RESERVES_DB[integers["RMOD"]]
        scale = before / SENSITIVITIES_V[integers["SENS"]]
        for index, volts in enumerate(SENSITIVITIES_V):
            full_scale = volts * scale
            holds_input = needed <= full_scale * 10 ** (reserves[index] / 20)
            integers["SENS"] = index
            if result <= _FULL_AFTER_AUTO_GAIN * full_scale and holds_input:
                return

    def _choose_reserve(self) -> None:
        """Take the lowest reserve at which the input is not overloaded."""
        needed, integers = self._device.detector.required_reserve(), self._settings.integers
        for mode in range(LOW_NOISE, -1, -1):
            integers["RMOD"] = mode
            if needed <= self._settings.reserve:
                return


def wrapped(degrees: float) -> float:
    """Return the same angle within ±180 degrees."""
    return round(degrees - 360 * math.ceil((degrees - 180) / 360), 2)

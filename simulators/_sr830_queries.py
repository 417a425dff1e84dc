"""What each query of an SR830 answers.

Source: SR830 user manual, remote programming (p. 5-4 to 5-20).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from simulators._sr830_formats import text, trace_ieee, trace_lia, trace_text
from simulators._sr830_status import EVENTS
from simulators._sr830_tables import (
    AUX_CHANNELS,
    BUFFER_POINTS,
    INTEGERS,
    INTERFACE_INTEGERS,
    REALS,
)
from simulators._sr830_words import BadParameterError, Command, UnknownCommandError

if TYPE_CHECKING:
    from simulators._sr830_settings import Settings
    from simulators.sr830 import SR830

_DEFAULT_INTERFACE: Final = {"OUTX": 1, "OVRM": 1, "LOCL": 0, "FAST": 0, "*PSC": 1}
_SNAP_QUANTITIES: Final = 11


class Queries:
    """Everything that can be asked; only reading event bytes changes anything."""

    def __init__(self, device: SR830, serial: str) -> None:
        self._device = device
        self._identity = f"Stanford_Research_Systems,SR830,s/n{serial},ver1.07"
        self.interface = dict(_DEFAULT_INTERFACE)
        self._answers: dict[str, Callable[[Command], str | bytes]] = {
            **dict.fromkeys((*INTEGERS, *INTERFACE_INTEGERS, *REALS), self._tell_setting),
            **dict.fromkeys(EVENTS, self._tell_events),
            **dict.fromkeys((*EVENTS.values(), "*SRE"), self._tell_enable),
            "*IDN": self._identify,
            "*STB": self._tell_status,
            "OUTP": self._tell_output,
            "OUTR": self._tell_shown,
            "OAUX": self._tell_aux_in,
            "SNAP": self._tell_snapshot,
            "SPTS": self._tell_points,
            "TRCA": lambda command: trace_text(self._bins(command)),
            "TRCB": lambda command: trace_ieee(self._bins(command)),
            "TRCL": lambda command: trace_lia(self._bins(command)),
            "AUXV": self._tell_aux_out,
            "OEXP": self._tell_offset,
            "DDEF": self._tell_display,
            "FPOP": self._tell_front,
        }

    def answer(self, command: Command) -> str | bytes:
        """Return the answer, without its terminator.

        :raises UnknownCommandError: if it cannot be asked.
        :raises BadParameterError: if its parameters are not acceptable.
        """
        if command.name not in self._answers:
            raise UnknownCommandError
        return self._answers[command.name](command)

    @property
    def _settings(self) -> Settings:
        return self._device.settings

    @staticmethod
    def _index(command: Command, highest: int) -> int:
        command.require(1)
        return command.integer(0, 1, highest)

    def _identify(self, command: Command) -> str:
        command.require(0)
        return self._identity

    def _tell_setting(self, command: Command) -> str:
        command.require(0)
        if command.name == "FREQ":
            return text(self._device.detector.reference_hz)
        if command.name in REALS:
            return text(self._settings.reals[command.name])
        if command.name in INTERFACE_INTEGERS:
            return str(self.interface[command.name])
        return str(self._settings.integers[command.name])

    def _tell_events(self, command: Command) -> str:
        command.require(0, 1)
        self._device.detector.watch()
        bit = command.integer(0, 0, 7) if command.parameters else None
        return str(self._device.status.read(command.name, bit))

    def _tell_enable(self, command: Command) -> str:
        return self._byte_or_bit(command, self._device.status.enables[command.name])

    def _tell_status(self, command: Command) -> str:
        return self._byte_or_bit(command, self._device.status_byte())

    @staticmethod
    def _byte_or_bit(command: Command, byte: int) -> str:
        command.require(0, 1)
        return str(byte >> command.integer(0, 0, 7) & 1 if command.parameters else byte)

    def _tell_output(self, command: Command) -> str:
        return text(self._device.front.output(self._index(command, 4)))

    def _tell_shown(self, command: Command) -> str:
        return text(self._device.front.display(self._index(command, 2), self._device.now))

    def _tell_aux_in(self, command: Command) -> str:
        return text(self._device.front.aux(self._index(command, AUX_CHANNELS), self._device.now))

    def _tell_snapshot(self, command: Command) -> str:
        count = len(command.parameters)
        command.require(*range(2, 7))
        wanted = [command.integer(index, 1, _SNAP_QUANTITIES) for index in range(count)]
        return ",".join(text(self._device.front.snap(index, self._device.now)) for index in wanted)

    def _tell_points(self, command: Command) -> str:
        command.require(0)
        return str(len(self._device.scan.points))

    def _bins(self, command: Command) -> list[float]:
        command.require(3)
        channel = command.integer(0, 1, 2)
        first, count = (command.integer(index, 0, BUFFER_POINTS) for index in (1, 2))
        points = self._device.scan.bins(channel - 1, first, count)
        if points is None:
            raise BadParameterError
        return points

    def _tell_aux_out(self, command: Command) -> str:
        return text(self._settings.aux_out[self._index(command, AUX_CHANNELS) - 1])

    def _tell_offset(self, command: Command) -> str:
        quantity = self._index(command, 3) - 1
        return f"{self._settings.offsets[quantity]:.2f},{self._settings.expands[quantity]}"

    def _tell_display(self, command: Command) -> str:
        shown, ratio = self._settings.displays[self._index(command, 2) - 1]
        return f"{shown},{ratio}"

    def _tell_front(self, command: Command) -> str:
        return str(self._settings.front[self._index(command, 2) - 1])

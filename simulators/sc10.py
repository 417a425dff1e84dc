"""Thorlabs SC10 shutter controller with its shutter head, as bytes.

Source: Thorlabs SC10 user manual, serial interface and keyword table (p. 15). RS-232, 9600 8N1
(115200 after ``baud=1``), lower-case keywords ended by CR. Every character is echoed; the answer,
if any, ends with CR; then comes the prompt ``"> "``. ``ens`` *toggles*; ``rep`` is 1 to 99;
``open`` and ``shut`` are at most six digits, in ms.

UNVERIFIED on hardware: the wording of the error texts (the manual only says that an error string
comes; the words are those of the maker's sibling controllers) and that an empty command gives one;
that the answer of ``?`` has one keyword a line; the text of ``*idn?`` (not in the manual, sent by
a public adapter); that ``closed?`` follows the blade and not the controller; what happens to
``ens`` while the interlock is tripped (here: nothing, and no error text, which is the worst case
for a driver), and that the shutter stays disabled after the interlock is made again; that
changing the mode disables the shutter; the travel time of the blade. A line feed is not a
terminator: it spoils the next keyword. ``baud`` is remembered, but a byte stream has no speed.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from simulators.device import LineDevice, Switch

PROMPT: Final = b"> "
NOT_DEFINED: Final = "Command error CMD_NOT_DEFINED"
ARGUMENT_INVALID: Final = "Command error CMD_ARG_INVALID"
MANUAL, AUTO, SINGLE, REPEAT, GATE = 1, 2, 3, 4, 5

_ANSWER_TIME_S: Final = 0.005
_AUTO_CYCLES_AHEAD: Final = 50
_RANGES: Final = {
    "rep": (1, 99),
    "mode": (MANUAL, GATE),
    "trig": (0, 1),
    "xto": (0, 1),
    "open": (1, 999_999),
    "shut": (1, 999_999),
    "baud": (0, 1),
}
_SAVED_BY: Final = {"save": ("mode", "trig", "xto", "baud"), "savp": ("open", "shut", "rep")}
_SETTINGS: Final = [f"{key}{end}" for key in _RANGES for end in ("=n", "?")]
_KEYWORDS: Final = "\r".join(
    ["?", "id?", "ens", "ens?", *_SETTINGS, "closed?", "interlock?", "save", "savp", "resp"]
)


class Blade:
    """A shutter blade that arrives ``travel_time`` (s) after it was driven.

    :param moved: called with True (the beam passes) or False (blocked) and the clock's moment.
    """

    def __init__(self, moved: Callable[[bool, float], None], travel_time: float) -> None:
        self._moved = moved
        self._travel_time = travel_time
        self._moments: list[float] = []
        self._states: list[bool] = []

    def drive(self, is_open: bool, moment: float) -> None:
        """Drive the blade at ``moment``; what it would have done after that is forgotten."""
        self.place(is_open, moment + self._travel_time)

    def place(self, is_open: bool, moment: float) -> None:
        """Have the beam pass or blocked from ``moment`` on."""
        kept = bisect_left(self._moments, moment)
        del self._moments[kept:], self._states[kept:]
        if not self._states or self._states[-1] != is_open:
            self._moments.append(moment)
            self._states.append(is_open)
        self._moved(is_open, moment)

    def is_open(self, moment: float) -> bool:
        """Return True if the beam passes at ``moment``."""
        found = bisect_right(self._moments, moment)
        return found > 0 and self._states[found - 1]


class SC10(LineDevice):
    """Thorlabs SC10 with a normally closed shutter head; starts disabled, closed, in manual mode.

    :param moved: called with ``(is_open, moment)`` for the moment at which the beam really passes
        or is blocked; also once at the start. Later calls replace what was announced for their
        moment and after.
    :param travel_time: time the blade needs, s.
    :param serial: what ``*idn?`` ends with.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        moved: Callable[[bool, float], None],
        travel_time: float = 0.02,
        serial: str = "SC10-000001",
    ) -> None:
        super().__init__(clock, terminator=b"\r", limit=64)
        self._identity = "THORLABS SC10 VERSION 1.07"
        self._serial = serial
        self._values = dict.fromkeys(_RANGES, 0) | {"rep": 1, "mode": 1, "open": 100, "shut": 100}
        self._stored = dict(self._values)
        self._enabled = False
        self._interlock_tripped = False
        self._stuck = False
        self._trigger_input = False
        self._next_step: int | None = None
        self._blade = Blade(moved, travel_time)
        self._blade.place(False, clock.now())

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: blade and interlock."""
        return self._by_attribute(stuck="stuck", interlock_open="interlock_tripped")

    @property
    def interlock_tripped(self) -> bool:
        """Control whether the interlock circuit is broken; a tripped one closes and disables."""
        return self._interlock_tripped

    @interlock_tripped.setter
    def interlock_tripped(self, tripped: bool) -> None:
        self._keep_appointments()
        self._interlock_tripped = tripped
        if tripped:
            self._disable()

    @property
    def stuck(self) -> bool:
        """Control whether the blade is stuck where it is; freed, it goes where it is driven."""
        return self._stuck

    @stuck.setter
    def stuck(self, stuck: bool) -> None:
        self._keep_appointments()
        now = self.clock.now()
        if stuck and not self._stuck:
            self._blade.place(self._blade.is_open(now), now)
        freed = self._stuck and not stuck
        self._stuck = stuck
        if freed and self._enabled:
            self._start_cycle()
        elif freed:
            self._drive(False, now)

    @property
    def trigger_input(self) -> bool:
        """Control the level of the TTL input: trigger if ``trig`` is 1, gate in mode 5."""
        return self._trigger_input

    @trigger_input.setter
    def trigger_input(self, level: bool) -> None:
        self._keep_appointments()
        rises = level and not self._trigger_input
        self._trigger_input = level
        if not self._enabled:
            return
        if self._values["mode"] == GATE:
            self._drive(level, self.clock.now())
        elif rises and self._values["trig"]:
            self._run_cycle()

    def _begin_anew(self) -> None:
        """Start disabled, with the settings that were saved."""
        self._values = dict(self._stored)
        self._disable()

    def _accept(self, data: bytes) -> None:
        for byte in data:
            self._send(bytes([byte]))
            super()._accept(bytes([byte]))

    def _handle(self, line: bytes) -> None:
        answer = self._answer(line.decode("latin-1"))
        self._send((f"{answer}\r" if answer else "").encode() + PROMPT, _ANSWER_TIME_S)

    def _handle_overrun(self) -> None:
        self._handle(b"")

    def _answer(self, command: str) -> str:
        if command.endswith("?"):
            return self._query(command[:-1])
        keyword, equals, argument = command.partition("=")
        if equals and keyword in _RANGES:
            return self._set(keyword, argument)
        if command == "ens":
            self._toggle()
        elif command in _SAVED_BY:
            self._stored |= {key: self._values[key] for key in _SAVED_BY[command]}
        elif command == "resp":
            self._disable()
            self._values = dict(self._stored)
        else:
            return NOT_DEFINED
        return ""

    def _query(self, keyword: str) -> str:
        if keyword in self._values:
            return str(self._values[keyword])
        answers = {
            "": _KEYWORDS,
            "id": self._identity,
            "*idn": f"{self._identity} {self._serial}",
            "ens": f"{self._enabled:d}",
            "closed": f"{not self._blade.is_open(self.clock.now()):d}",
            "interlock": f"{self._interlock_tripped:d}",
        }
        return answers.get(keyword, NOT_DEFINED)

    def _set(self, keyword: str, argument: str) -> str:
        lowest, highest = _RANGES[keyword]
        if not re.fullmatch(r"[0-9]{1,6}", argument) or not lowest <= int(argument) <= highest:
            return ARGUMENT_INVALID
        if keyword == "mode":
            self._disable()
        self._values[keyword] = int(argument)
        return ""

    def _toggle(self) -> None:
        if self._enabled:
            self._disable()
        elif not self._interlock_tripped:
            self._enabled = True
            self._start_cycle()

    def _disable(self) -> None:
        self._cancel(self._next_step)
        self._enabled = False
        self._drive(False, self.clock.now())

    def _drive(self, is_open: bool, moment: float) -> None:
        if not self._stuck:
            self._blade.drive(is_open, moment)

    def _start_cycle(self) -> None:
        if self._values["mode"] == GATE:
            self._drive(self._trigger_input, self.clock.now())
        elif not self._values["trig"]:
            self._run_cycle()

    def _run_cycle(self) -> None:
        self._cancel(self._next_step)
        now = self.clock.now()
        match self._values["mode"]:
            case 1:
                self._drive(True, now)
            case 2:
                self._run_on(now)
            case 3:
                self._next_step = self._appoint(self._pulses(1, now), self._finish)
            case _:
                self._next_step = self._appoint(
                    self._pulses(self._values["rep"], now), self._finish
                )

    def _run_on(self, moment: float) -> None:
        self._next_step = self._appoint(self._pulses(_AUTO_CYCLES_AHEAD, moment), self._run_on)

    def _pulses(self, number: int, moment: float) -> float:
        """Drive the blade ``number`` times open and shut; return when the last shut time ends."""
        for _ in range(number):
            self._drive(True, moment)
            moment += self._values["open"] / 1000
            self._drive(False, moment)
            moment += self._values["shut"] / 1000
        return moment

    def _finish(self, _: float) -> None:
        self._enabled = False

"""Acton SpectraPro SP-2300i monochromator (Princeton Instruments), as bytes.

Source: the SpectraPro manuals' command list (SP-2300i, SP-750; Princeton Instruments/Acton) as
restated by public drivers (ScopeFoundry, MSL-Equipment, odemis, yaq). 9600 8N1. A line of words,
numbers before the word they belong to, ends with CR (a line feed beside it is ignored); it is
answered when all of it has been done, by ``" ok"`` after the values it asked for, or by ``" ? "``
at the first word that is not understood; then CRLF. The RS-232 port echoes what it is sent, the USB
port does not (``ECHO``, ``NO-ECHO``). A wavelength out of range is clamped and a grating that is
not there is ignored, both with ``ok``.

UNVERIFIED on hardware:

- all that takes time here: the speed of ``GOTO``, how long gratings, turrets, mirrors, slits,
  filters and the reset take; that every move by ``NM`` and ``>NM`` keeps the scan rate;
- that what arrives during a blocking move waits, and its echo with it; that a second move may
  replace one begun by ``>NM`` and not ended by ``MONO-STOP``;
- that the wavelength is kept, as far as it can be reached, when the grating changes; that gratings
  of another turret are ignored; that ``TURRET`` goes to that turret's first grating;
- the state after ``MONO-RESET`` (turret 1, grating 1, 0 nm, 100 nm/min), the range of the scan
  rate, and the text of ``MONO-EESTATUS``, ``?MIRROR`` and of words for motors that are absent;
- that an error ends the line and forgets the numbers; that upper and lower case are the same.

Not simulated: ``INSTALL``, ``UNINSTALL`` and the ``INIT-`` words, which are answered by ``" ? "``.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators._acton_drive import (
    GRATINGS_PER_TURRET,
    LAST_GRATING,
    TURRETS,
    Grating,
    Sweep,
    table,
)
from simulators.device import SimulatedDevice, Switch

GRATINGS: Final = {1: Grating(300, "500NM"), 2: Grating(600, "750NM"), 3: Grating(1200, "500NM")}
GOTO_NM_PER_S_AT_1200: Final = 100.0
"""Of ``GOTO`` with 1200 grooves/mm; the drive turns, so that others go in inverse proportion."""
GRATING_CHANGE_S: Final = 10.0
RESET_S: Final = 15.0

_ANSWER_TIME_S: Final = 0.01
_SETTLING_S: Final = 0.3
_MIRROR_S: Final = 1.0
_SLIT_UM_PER_S: Final = 500.0
_FILTER_S: Final = 2.0
_LOWEST_RATE, _HIGHEST_RATE = 0.1, 2000.0
_NARROWEST_UM, _WIDEST_UM = 10, 3000
_FILTERS: Final = 6
_ALL: Final = range(1, LAST_GRATING + 1)
_NO_MOTOR: Final = " no motor\r\n"
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})")
_LINE_LIMIT: Final = 256
_ANNOUNCED_STEP_S: Final = 0.05
_ANNOUNCED_AHEAD_S: Final = 10.0
_SLIT_WORDS: Final = ("SIDE-ENT-SLIT", "FRONT-ENT-SLIT", "SIDE-EXIT-SLIT", "FRONT-EXIT-SLIT")


class ActonSP2300i(SimulatedDevice):
    """SP-2300i; at the start it stands at 0 nm on the first grating and scans at 100 nm/min.

    :param wavelength_changed: called with ``(nm, moment)``; also once at the start. A move is
        announced as a staircase, at most 10 s ahead; NaN while a grating or turret changes. Later
        calls replace what was announced for their moment and after.
    :param gratings: by number: 1 to 3 on the first turret, 4 to 6 on the second, 7 to 9.
    :param slits: width, µm, at the start of each motorised slit, by its word.
    :param echo: True for the RS-232 port.
    :raises LimitError: if there is no first grating, or a number or a slit's word is wrong.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        wavelength_changed: Callable[[float, float], None],
        gratings: Mapping[int, Grating] = GRATINGS,
        slits: Mapping[str, int] | None = None,
        echo: bool = False,
        serial: str = "23001234",
    ) -> None:
        if 1 not in gratings or not set(gratings) <= set(range(1, 10)):
            raise LimitError("gratings", sorted(gratings), "numbered 1 to 9, with a first one")
        if not set(slits or ()) <= set(_SLIT_WORDS):
            raise LimitError("slits", sorted(slits or ()), f"of {', '.join(_SLIT_WORDS)}")
        super().__init__(clock)
        self._wavelength_changed = wavelength_changed
        self._gratings = dict(gratings)
        self._slits = dict(slits or {})
        self._echo = echo
        self._serial = serial
        self._stuck = False
        self._inbox: deque[str] = deque()
        self._line = self._answer = ""
        self._line_open = self._busy = False
        self._words: deque[str] = deque()
        self._numbers: list[float] = []
        self._moment = clock.now()
        self._blind_until = clock.now()
        self._announcing: int | None = None
        self._slit, self._mirror = _SLIT_WORDS[0], "EXIT-MIRROR"
        self._mirrors = {"ENT-MIRROR": "front", "EXIT-MIRROR": "front"}
        self._filter = 1
        self._power_up()
        self._queries: dict[str, Callable[[], str]] = {
            "?NM": lambda: f" {self._sweep.at(self._moment):.3f} nm ",
            "?NM/MIN": lambda: f" {self._rate:.3f} nm/min ",
            "?GRATING": lambda: f" {self._grating} ",
            "?GRATINGS": lambda: table(self._gratings, self._grating),
            "?TURRET": lambda: f" {self._turret} ",
            "?FILTER": lambda: f" {self._filter} ",
            "?MICRONS": self._slit_width,
            "?MIR": lambda: f" {self._mirrors[self._mirror] == 'side':d} ",
            "?MIRROR": lambda: f" {self._mirrors[self._mirror]} ",
            "MONO-?DONE": lambda: f" {self._is_done():d} ",
            "MONO-EESTATUS": self._memory,
            "MODEL": lambda: " SP-2-300i ",
            "SERIAL": lambda: f" {self._serial} ",
            "VER": lambda: " 2.63 ",
        }
        self._actions: dict[str, Callable[[], None]] = {
            "MONO-STOP": self._stop,
            "MONO-RESET": self._reset,
            "ECHO": lambda: self._set_echo(True),
            "NO-ECHO": lambda: self._set_echo(False),
            "FRONT": lambda: self._turn_mirror("front"),
            "SIDE": lambda: self._turn_mirror("side"),
            "SHOME": lambda: self._open_slit(_NARROWEST_UM),
            "FHOME": lambda: self._turn_filter(1),
        }
        self._setters: dict[str, Callable[[float], None]] = {
            "GOTO": lambda value: self._block_for(self._move(value, self._fastest)),
            "NM": lambda value: self._block_for(self._move(value, self._rate / 60)),
            ">NM": self._scan,
            "NM/MIN": self._set_rate,
            "GRATING": self._change_grating,
            "TURRET": self._change_turret,
            "MICRONS": self._open_slit,
            "FILTER": self._turn_filter,
        }
        self._setters |= {"<GOTO>": self._setters["GOTO"], "<NM>": self._setters["NM"]}
        self._wavelength_changed(0.0, clock.now())

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the drive."""
        return self._by_attribute(stuck="stuck")

    @property
    def stuck(self) -> bool:
        """Control whether the grating drive is stuck: it stops, and moves end where it stands."""
        return self._stuck

    @stuck.setter
    def stuck(self, stuck: bool) -> None:
        self._keep_appointments()
        self._stuck = stuck
        self._moment = self.clock.now()
        if stuck:
            self._stop()

    @property
    def grating(self) -> Grating:
        """Get the grating in the beam (the coming one while it changes)."""
        return self._gratings[self._grating]

    @property
    def exit_port(self) -> str:
        """Get where the exit mirror sends the light, ``front`` or ``side``."""
        return self._mirrors["EXIT-MIRROR"]

    def wavelength_at(self, moment: float) -> float:
        """Return the wavelength if no command comes before ``moment`` (clock s).

        In nm; NaN while the grating or the turret changes.
        """
        return math.nan if moment < self._blind_until else self._sweep.at(moment)

    def _begin_anew(self) -> None:
        """Go back to 0 nm and to the scan rate of power-up, deaf until the drive has got there."""
        self._inbox.clear()
        self._words.clear()
        self._numbers.clear()
        self._line = self._answer = ""
        self._line_open = self._busy = False
        self._moment = self.clock.now()
        self._reset()

    def _accept(self, data: bytes) -> None:
        self._inbox.extend(data.decode("latin-1"))
        self._read_on(self.clock.now())

    def _read_on(self, moment: float) -> None:
        """Work on what has been sent, at ``moment``, until a move blocks or nothing is left."""
        self._moment = moment
        while not self._busy:
            if not self._line_open:
                if not self._inbox:
                    return
                self._read(self._inbox.popleft())
            elif not self._words:
                self._end_line(f"{self._answer} ok\r\n")
            elif not self._obey(self._words.popleft()):
                self._end_line(" ? \r\n")

    def _read(self, character: str) -> None:
        if character == "\r":
            self._words.extend(self._line.upper().split())
            self._line_open = True
        elif character != "\n":
            self._line = (self._line + character)[-_LINE_LIMIT:]
            if self._echo:
                self._send(character.encode("latin-1"))

    def _end_line(self, text: str) -> None:
        self._send(text.encode("latin-1"), _ANSWER_TIME_S)
        self._line_open = False
        self._line = self._answer = ""
        self._words.clear()
        self._numbers.clear()

    def _obey(self, word: str) -> bool:
        """Do what a word says; return False if it is none."""
        if _NUMBER.fullmatch(word):
            self._numbers.append(float(word))
        elif word in self._queries:
            self._answer += self._queries[word]()
        elif word in self._actions:
            self._actions[word]()
        elif word in self._setters and self._numbers:
            self._setters[word](self._numbers.pop())
        elif word in _SLIT_WORDS:
            self._slit = word
        elif word in self._mirrors:
            self._mirror = word
        else:
            return False
        return True

    def _block_for(self, seconds: float) -> None:
        self._busy = True
        self._appoint(self._moment + seconds, self._go_on)

    def _go_on(self, moment: float) -> None:
        self._busy = False
        self._read_on(moment)

    def _power_up(self) -> None:
        self._turret = self._grating = 1
        self._rate = 100.0
        self._sweep = Sweep(self._moment, 0.0, 0.0, self._fastest)

    @property
    def _fastest(self) -> float:
        """Speed of ``GOTO`` with this grating, nm/s: the whole range takes 14 s."""
        return GOTO_NM_PER_S_AT_1200 * 1200 / self.grating.grooves

    def _move(self, target: float, speed: float) -> float:
        """Start to move at ``speed`` (nm/s); return how long it takes, s."""
        here = self._sweep.at(self._moment)
        end = here if self._stuck else self.grating.clamp(target)
        self._sweep = Sweep(self._moment, here, end, speed)
        self._announce_from(self._moment)
        return self._sweep.duration + _SETTLING_S

    def _scan(self, target: float) -> None:
        self._move(target, self._rate / 60)

    def _stop(self) -> None:
        here = self._sweep.at(self._moment)
        self._sweep = Sweep(self._moment, here, here, self._fastest)
        self._announce_from(self._moment)

    def _is_done(self) -> bool:
        return self._moment >= self._sweep.moment + self._sweep.duration

    def _announce_from(self, begin: float) -> None:
        self._cancel(self._announcing)
        self._announce(begin)

    def _announce(self, begin: float) -> None:
        """Tell the wavelength from ``begin`` on, as far ahead as is announced at once."""
        if begin < self._blind_until:
            self._wavelength_changed(math.nan, begin)
            self._wavelength_changed(self._sweep.at(self._blind_until), self._blind_until)
            return
        end = self._sweep.moment + self._sweep.duration
        horizon = min(end, begin + _ANNOUNCED_AHEAD_S)
        step = _ANNOUNCED_STEP_S
        for number in range(math.ceil((horizon - begin) / step)):
            moment = begin + number * step
            self._wavelength_changed(self._sweep.at(moment + step / 2), moment)
        if end > horizon:
            self._announcing = self._appoint(horizon, self._announce)
        else:
            self._wavelength_changed(self._sweep.end, max(begin, end))

    def _set_rate(self, rate: float) -> None:
        self._rate = min(max(rate, _LOWEST_RATE), _HIGHEST_RATE)

    def _set_echo(self, echo: bool) -> None:
        self._echo = echo

    def _change_grating(self, number: float) -> None:
        first = (self._turret - 1) * GRATINGS_PER_TURRET + 1
        if number in self._gratings and first <= number < first + GRATINGS_PER_TURRET:
            self._turn_to(self._turret, int(number))

    def _change_turret(self, number: float) -> None:
        first = (int(number) - 1) * GRATINGS_PER_TURRET + 1
        if number in range(1, TURRETS + 1) and first in self._gratings:
            self._turn_to(int(number), self._grating if number == self._turret else first)

    def _turn_to(self, turret: int, grating: int) -> None:
        if grating != self._grating:
            self._turn_away(GRATING_CHANGE_S)
            self._turret, self._grating = turret, grating
            self._settle_at(self._sweep.end)

    def _reset(self) -> None:
        self._turn_away(RESET_S)
        self._power_up()
        self._settle_at(0.0)

    def _turn_away(self, seconds: float) -> None:
        self._stop()
        self._blind_until = self._moment + seconds
        self._block_for(seconds)

    def _settle_at(self, wavelength: float) -> None:
        there = self.grating.clamp(wavelength)
        self._sweep = Sweep(self._moment, there, there, self._fastest)
        self._announce_from(self._moment)

    def _turn_mirror(self, port: str) -> None:
        self._mirrors[self._mirror] = port
        self._block_for(_MIRROR_S)

    def _turn_filter(self, number: float) -> None:
        if number in range(1, _FILTERS + 1):
            self._filter = int(number)
            self._block_for(_FILTER_S)

    def _slit_width(self) -> str:
        if self._slit not in self._slits:
            return _NO_MOTOR
        return f" {self._slits[self._slit]} um "

    def _open_slit(self, microns: float) -> None:
        if self._slit not in self._slits:
            self._answer += _NO_MOTOR
            return
        width = round(min(max(microns, _NARROWEST_UM), _WIDEST_UM))
        self._block_for(abs(width - self._slits[self._slit]) / _SLIT_UM_PER_S)
        self._slits[self._slit] = width

    def _memory(self) -> str:
        here = self._gratings
        columns = [f"{here[number].grooves:>6}" if number in here else "     0" for number in _ALL]
        return (
            f"\r\nSP-2-300i\r\nserial number {self._serial}\r\nturret {self._turret}\r\n"
            f"grating {self._grating}\r\ng/mm   {''.join(columns)}\r\n"
            f"offset {'     0' * len(_ALL)}\r\n"
            f"half angle   15.15\r\nfocal length   300.00\r\n"
        )

"""Thorlabs MC2000B optical chopper, as bytes.

Source: Thorlabs MC2000B manual (terminal interface, command list, blades, reference options; blade,
references and harmonics can be changed in standby only). USB serial port, 115200 8N1, lower-case
keywords ended by CR. Every character is echoed; the answer, if any, ends with CR; then comes the
prompt ``"> "``. There is no query for the phase lock: only the frequency tells.

UNVERIFIED on hardware:

- the error text for a bad argument or a setting that is refused while running (the manual names
  only CMD_NOT_DEFINED); that an empty command gives the prompt alone;
- whether ``freq`` takes decimals (here those the blade resolves) and for which ring it is on blades
  with two (here the one ``ref`` names, else the outer); what becomes of ``ref``, ``output`` and
  ``freq`` with a new blade (here 0, 0 and the nearest frequency allowed);
- how long it takes to lock; that a reference outside of the blade's range lets the wheel run down;
  that ``phase`` acts at once; that ``refoutfreq?`` with ``output`` 0 is the target even in standby;
- the ranges of ``oncycle`` and ``intensity``, and the form of ``restore``. ``oncycle`` and
  ``verbose`` are settings only.

The wheel stops where it happens to: then the beam may pass or not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, Literal

from labcool.clock import Clock
from simulators._chopper_wheel import (
    BLADES,
    FASTEST_TURNS_PER_S,
    SLOWEST_TURNS_PER_S,
    Blade,
    Motion,
)
from simulators._chopping import Chopping
from simulators.device import LineDevice, Switch

PROMPT: Final = b"> "
NOT_DEFINED: Final = "Command error CMD_NOT_DEFINED"
ARGUMENT_INVALID: Final = "Command error CMD_ARG_INVALID"

_ANSWER_TIME_S: Final = 0.003
_WITHIN_LOCK: Final = 1e-3
_OUT_OF_SYNC: Final = 0.93
_RANGES: Final = {
    "blade": (0, len(BLADES) - 1),
    "nharmonic": (1, 15),
    "dharmonic": (1, 15),
    "phase": (0, 360),
    "enable": (0, 1),
    "ref": (0, 3),
    "output": (0, 4),
    "oncycle": (0, 50),
    "intensity": (1, 10),
    "verbose": (0, 1),
}
_FACTORY: Final = {
    "blade": 6,
    "nharmonic": 1,
    "dharmonic": 1,
    "phase": 0,
    "enable": 0,
    "ref": 0,
    "output": 0,
    "oncycle": 50,
    "intensity": 10,
    "verbose": 0,
}
_FACTORY_HZ: Final = 500.0
_STANDBY_ONLY: Final = ("blade", "ref", "output", "nharmonic", "dharmonic")
_SETTINGS: Final = [f"{key}{end}" for key in ("freq", *_RANGES) for end in ("=n", "?")]
_TELLING: Final = ("phase", "output")
_KEYWORDS: Final = "\r".join(["?", "id?", *_SETTINGS, "input?", "refoutfreq?", "restore"])


def _nobody_looks(_chopping: Chopping, _moment: float) -> None:
    pass


class MC2000B(LineDevice):
    """MC2000B with its wheel; starts in standby, at rest, with the blade MC1F10HP.

    :param lock_time: time from standstill until the frequency is within 0.1 % of the target, s.
    :param beam_ring: the ring of the blade that the beam passes.
    :param identity: what ``id?`` answers.
    :param moved: called with ``(chopping, moment)`` for what happens from a moment on; also once at
        the start.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        lock_time: float = 5.0,
        beam_ring: Literal["outer", "inner"] = "outer",
        identity: str = "THORLABS MC2000B 1.1.1",
        moved: Callable[[Chopping, float], None] = _nobody_looks,
    ) -> None:
        super().__init__(clock, terminator=b"\r", limit=64)
        self.characters_to_lose = 0
        self._time_constant = lock_time / -math.log(_WITHIN_LOCK)
        self._beam_ring = beam_ring
        self._identity = identity
        self._values = dict(_FACTORY)
        self._freq = _FACTORY_HZ
        self._external_hz = 0.0
        self._stalled = False
        self._out_of_sync = False
        self._moved = moved
        self._wheel = Motion(clock.now())
        self._tell()

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the wheel."""
        return self._by_attribute(stuck="stalled")

    @property
    def external_hz(self) -> float:
        """Control the frequency at the external reference input, Hz; 0 without a signal."""
        return self._external_hz

    @external_hz.setter
    def external_hz(self, frequency: float) -> None:
        self._external_hz = frequency
        self._drive()

    @property
    def stalled(self) -> bool:
        """Control whether the wheel is blocked, which nothing but the frequency tells."""
        return self._stalled

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        self._stalled = stalled
        self._drive()

    @property
    def out_of_sync(self) -> bool:
        """Control whether the wheel has lost the lock and runs 7 % too slowly."""
        return self._out_of_sync

    @out_of_sync.setter
    def out_of_sync(self, lost: bool) -> None:
        self._out_of_sync = lost
        self._drive()

    @property
    def phase(self) -> float:
        """Phase adjustment, degrees."""
        return float(self._values["phase"])

    @property
    def target_hz(self) -> float:
        """Frequency (Hz) that the ring of the reference shall have; 0 without a reference."""
        if not self._reference().startswith("external"):
            return self._freq
        return self._external_hz * self._values["nharmonic"] / self._values["dharmonic"]

    def frequency_at(self, moment: float) -> float:
        """Return the true chopping frequency (Hz) of the ring that the reference sets."""
        return self._wheel.rate(moment) * self._blade().slots(self._reference())

    def is_locked(self, moment: float) -> bool:
        """Return True if the wheel runs within 0.1 % of its target at ``moment``."""
        target = self.target_hz
        runs = bool(self._values["enable"]) and target > 0
        return runs and abs(self.frequency_at(moment) / target - 1) <= _WITHIN_LOCK

    def cycles_at(self, moment: float) -> float:
        """Return how many chopping cycles the beam has seen by ``moment``, with the phase."""
        return self._chopping().cycles(moment)

    def passes(self, moment: float) -> bool:
        """Return True if a slot lets the beam pass at ``moment``, turning or not."""
        return self._chopping().passes(moment)

    def _begin_anew(self) -> None:
        """Start in standby, with the settings of before."""
        self._values["enable"] = 0
        self._drive()

    def _accept(self, data: bytes) -> None:
        lost = min(self.characters_to_lose, len(data))
        self.characters_to_lose -= lost
        for byte in data[lost:]:
            self._send(bytes([byte]))
            super()._accept(bytes([byte]))

    def _handle(self, line: bytes) -> None:
        answer = self._answer(line.decode("latin-1"))
        self._send((f"{answer}\r" if answer else "").encode() + PROMPT, _ANSWER_TIME_S)

    def _handle_overrun(self) -> None:
        self._send(f"{NOT_DEFINED}\r".encode() + PROMPT, _ANSWER_TIME_S)

    def _answer(self, command: str) -> str:
        if command in ("restore", "restore?"):
            self._values = dict(_FACTORY)
            self._freq = _FACTORY_HZ
            self._drive()
            return ""
        if command.endswith("?"):
            return self._query(command[:-1])
        keyword, equals, argument = command.partition("=")
        if equals and keyword == "freq":
            return self._set_freq(argument)
        if equals and keyword in _RANGES:
            return self._set(keyword, argument)
        return NOT_DEFINED if command else ""

    def _query(self, keyword: str) -> str:
        if keyword in self._values:
            return str(self._values[keyword])
        answers = {
            "": _KEYWORDS,
            "id": self._identity,
            "freq": self._number(self._freq),
            "input": self._number(self._external_hz),
            "refoutfreq": self._number(self._output_frequency()),
        }
        return answers.get(keyword, NOT_DEFINED)

    def _set(self, keyword: str, argument: str) -> str:
        lowest, highest = _RANGES[keyword]
        if keyword in ("ref", "output"):
            blade = self._blade()
            highest = len(blade.references if keyword == "ref" else blade.outputs) - 1
        if not re.fullmatch(r"[0-9]{1,3}", argument) or not lowest <= int(argument) <= highest:
            return ARGUMENT_INVALID
        if keyword in _STANDBY_ONLY and self._values["enable"]:
            return ARGUMENT_INVALID
        self._values[keyword] = int(argument)
        if keyword == "blade":
            self._values |= {"ref": 0, "output": 0}
        if keyword in ("blade", "ref"):
            lowest_hz, highest_hz = self._range()
            self._freq = min(max(self._freq, lowest_hz), highest_hz)
        if keyword in _TELLING:
            self._tell()
        else:
            self._drive()
        return ""

    def _set_freq(self, argument: str) -> str:
        if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,2})?", argument):
            return ARGUMENT_INVALID
        frequency = float(argument)
        lowest, highest = self._range()
        steps = frequency / self._blade().resolution
        if not lowest <= frequency <= highest or abs(steps - round(steps)) > 1e-6:
            return ARGUMENT_INVALID
        self._freq = frequency
        self._drive()
        return ""

    def _blade(self) -> Blade:
        return BLADES[self._values["blade"]]

    def _reference(self) -> str:
        return self._blade().references[self._values["ref"]]

    def _range(self) -> tuple[float, float]:
        slots = self._blade().slots(self._reference())
        return slots * SLOWEST_TURNS_PER_S, slots * FASTEST_TURNS_PER_S

    def _drive(self) -> None:
        lowest, highest = self._range()
        target = self.target_hz
        runs = self._values["enable"] and not self._stalled and lowest <= target <= highest
        rate = target / self._blade().slots(self._reference()) if runs else 0.0
        speed = _OUT_OF_SYNC if self._out_of_sync else 1.0
        self._wheel = self._wheel.driven(rate * speed, self._time_constant, self.clock.now())
        self._tell()

    def _tell(self) -> None:
        self._moved(self._chopping(), self.clock.now())

    def _chopping(self) -> Chopping:
        blade = self._blade()
        return Chopping(
            self._wheel,
            blade.inner if self._beam_ring == "inner" else blade.outer,
            self.phase,
            self._sensed_slots(),
            self.target_hz if self._values["enable"] else 0.0,
        )

    def _sensed_slots(self) -> int | None:
        """Return the slots to the turn that the reference output follows; None: the target."""
        blade = self._blade()
        slots = {
            "target": None,
            "actual": blade.outer,
            "outer": blade.outer,
            "inner": blade.inner,
            "sum": blade.outer + blade.inner,
            "difference": blade.outer - blade.inner,
        }
        return slots[blade.outputs[self._values["output"]]]

    def _output_frequency(self) -> float:
        slots = self._sensed_slots()
        return self.target_hz if slots is None else self._wheel.rate(self.clock.now()) * slots

    def _number(self, frequency: float) -> str:
        """Return a frequency in steps of the blade's resolution, without superfluous zeros."""
        resolution = self._blade().resolution
        text = f"{round(frequency / resolution) * resolution:.2f}"
        return text.rstrip("0").rstrip(".")

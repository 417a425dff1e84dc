"""Laser Quantum finesse laser (532 nm) with its FPU60 supply, as bytes.

Source: the public FPU60 driver of PyMeasure and the finesse driver of pylablib, which agree on the
words of the commands. RS-232, 19200 8N1; commands end with CR (a line feed beside it is ignored);
every command is answered, setters with an empty line; answers end with CRLF.

UNVERIFIED on hardware:

- whether an open shutter is reported as ``SHUTTER OPEN`` (PyMeasure) or ``SHUTTER OPENED``
  (pylablib): :attr:`Finesse.shutter_words`;
- the wording of refusals, which begin with ``Error`` here;
- that ``ENABLED`` is what ``INTERLOCK?`` says of a closed interlock;
- that ``ON`` and ``LASER=ON`` only release the emission button (PyMeasure says so of ``LASER=ON``)
  and a person has to press it (:meth:`Finesse.press_button`);
- that the power meter inside the head sits before the head's shutter;
- the time constant of the power, the relation between power and current, the temperatures and the
  duration of the shutter's movement (none here).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators.device import LineDevice, Switch

UNKNOWN_COMMAND: Final = "Error: unknown command"
OUT_OF_RANGE: Final = "Error: out of range"
INTERLOCK_OPEN: Final = "Error: interlock open"

_ANSWER_TIME_S: Final = 0.01
_STEPS_PER_LAG: Final = 20
_SETTLED_W: Final = 1e-4
_THRESHOLD_CURRENT_PERCENT: Final = 20.0
_FULL_CURRENT_PERCENT: Final = 90.0
_AMBIENT_CELSIUS: Final = 22.0


class Finesse(LineDevice):
    """Finesse 532 with FPU60; its head's shutter is closed at the start.

    :param power_changed: called with ``(watts, moment)`` for the power that leaves the head; also
        once at the start. A change is announced as a staircase of steps ahead of time; later calls
        replace what was announced for their moment and after.
    :param max_power: highest set point, W.
    :param setpoint: set point at the start, W; the power has settled there.
    :param emission: True if the laser emits at the start, as that of a running bench does.
    :param lag: time constant with which the power follows the set point, s.
    :raises LimitError: if the set point at the start is out of range.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        power_changed: Callable[[float, float], None],
        max_power: float = 6.0,
        setpoint: float = 0.1,
        emission: bool = True,
        lag: float = 1.0,
        serial: str = "F532-0001",
    ) -> None:
        if not 0 <= setpoint <= max_power:
            raise LimitError("set point (W)", setpoint, f"from 0 to {max_power}")
        super().__init__(clock, terminator=b"\r", limit=64)
        self.shutter_words = {True: "SHUTTER OPEN", False: "SHUTTER CLOSED"}
        self._power_changed = power_changed
        self._max_power = max_power
        self._setpoint = setpoint
        self._emission = emission
        self._lag = lag
        self._serial = serial
        self._shutter_open = False
        self._interlock_open = False
        self._button_released = not emission
        self._start_power = setpoint if emission else 0.0
        self._start_moment = clock.now()
        self._powered_since = clock.now()
        self._emission_s = {"enabled": 0.0, "threshold": 0.0}
        self._counted_until = clock.now()
        self._queries: dict[str, Callable[[], str]] = {
            "POWER": lambda: f" {self.power_in_head(self.clock.now()):06.3f}W",
            "SETPOWER": lambda: f" {self._setpoint:06.3f}W",
            "SHUTTER": lambda: self.shutter_words[self._shutter_open],
            "STATUS": lambda: "ENABLED" if self._emission else "DISABLED",
            "INTERLOCK": lambda: "DISABLED" if self._interlock_open else "ENABLED",
            "CURRENT": lambda: f"{self._current():05.1f}%",
            "HTEMP": lambda: f" {_AMBIENT_CELSIUS + 0.1 * self._current():06.3f}C",
            "PSUTEMP": lambda: f" {_AMBIENT_CELSIUS + 0.15 * self._current():06.3f}C",
            "TIMERS": self._timers,
            "SERIAL": lambda: self._serial,
            "SOFTVER": lambda: "FPU60 1.00",
            "CALDATE": lambda: "01/01/2020",
        }
        self._actions: dict[str, Callable[[], str]] = {
            "SHUTTER OPEN": lambda: self._move_shutter(True),
            "SHUTTER CLOSE": lambda: self._move_shutter(False),
            "LASER=OFF": self._stop,
            "OFF": self._stop,
            "LASER=ON": self._release_button,
            "ON": self._release_button,
        }
        self._power_changed(0.0, clock.now())

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the interlock."""
        return self._by_attribute(interlock_open="interlock_open")

    @property
    def interlock_open(self) -> bool:
        """Control whether the interlock circuit is broken; opening it stops the emission."""
        return self._interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._interlock_open = is_open
        if is_open:
            self._stop()

    def press_button(self) -> None:
        """Do as the person at the laser does to start emission; needs the button released."""
        if self._button_released and not self._interlock_open and not self._emission:
            self._follow(emission=True)

    def power_in_head(self, moment: float) -> float:
        """Return the power before the head's shutter, W, if no command comes until ``moment``."""
        target = self._setpoint if self._emission else 0.0
        passed = max(0.0, moment - self._start_moment)
        return target + (self._start_power - target) * math.exp(-passed / self._lag)

    def _begin_anew(self) -> None:
        """Start without emission, the head's shutter closed; the set point is stored."""
        self._shutter_open = self._button_released = False
        self._follow(emission=False)

    def _handle(self, line: bytes) -> None:
        answer = self._answer(line.replace(b"\n", b"").decode("latin-1"))
        self._send(answer.encode("ascii") + b"\r\n", _ANSWER_TIME_S)

    def _handle_overrun(self) -> None:
        self._handle(b"?")

    def _answer(self, command: str) -> str:
        if command.endswith("?") and command[:-1] in self._queries:
            return self._queries[command[:-1]]()
        if command in self._actions:
            return self._actions[command]()
        if command.startswith("POWER="):
            return self._set_power(command.removeprefix("POWER="))
        return UNKNOWN_COMMAND

    def _set_power(self, text: str) -> str:
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text) or float(text) > self._max_power:
            return OUT_OF_RANGE
        self._follow(setpoint=float(text))
        return ""

    def _move_shutter(self, is_open: bool) -> str:
        self._shutter_open = is_open
        self._announce()
        return ""

    def _stop(self) -> str:
        self._follow(emission=False)
        return ""

    def _release_button(self) -> str:
        if self._interlock_open:
            return INTERLOCK_OPEN
        self._button_released = True
        return ""

    def _follow(self, *, setpoint: float | None = None, emission: bool | None = None) -> None:
        """Let the power follow a new target from now on; without emission it is gone at once."""
        now = self.clock.now()
        self._count_emission(now)
        power = self.power_in_head(now)
        self._setpoint = self._setpoint if setpoint is None else setpoint
        if emission is not None:
            self._button_released = self._button_released and emission
            self._emission = emission
        self._start_power = power if self._emission else 0.0
        self._start_moment = now
        self._announce()

    def _announce(self) -> None:
        """Tell the power that leaves the head, from now on until it has settled."""
        now = self.clock.now()
        if not self._shutter_open:
            self._power_changed(0.0, now)
            return
        target = self._setpoint if self._emission else 0.0
        step = self._lag / _STEPS_PER_LAG
        moment = now
        while abs(self.power_in_head(moment) - target) > _SETTLED_W:
            self._power_changed(self.power_in_head(moment + step / 2), moment)
            moment += step
        self._power_changed(target, moment)

    def _current(self) -> float:
        """Return the diode current, % of its limit."""
        if not self._emission:
            return 0.0
        slope = (_FULL_CURRENT_PERCENT - _THRESHOLD_CURRENT_PERCENT) / self._max_power
        return _THRESHOLD_CURRENT_PERCENT + slope * self.power_in_head(self.clock.now())

    def _count_emission(self, now: float) -> None:
        passed, self._counted_until = now - self._counted_until, now
        if self._emission:
            self._emission_s["enabled"] += passed
            self._emission_s["threshold"] += passed if self._setpoint > 0 else 0.0

    def _timers(self) -> str:
        now = self.clock.now()
        self._count_emission(now)
        return (
            f"PSU Time = {(now - self._powered_since) // 60:07.0f} Mins\r\n"
            f"Laser Enabled Time = {self._emission_s['enabled'] // 60:07.0f} Mins\r\n"
            f"Laser Threshold Time = {self._emission_s['threshold'] // 60:07.0f} Mins\r\n"
        )

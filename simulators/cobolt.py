"""Cobolt 06 laser (Hübner Photonics; 532 nm and others), as bytes.

Source: the maker's adapter for Micro-Manager and its Python package, as far as public, and the
driver of DCC-Lab. 115200 8N1 (19200 on older units); commands end with CR (a line feed beside it is
ignored), answers with CRLF. Queries are answered by a value, commands by ``OK``, what is not
understood or not allowed by a line that begins with ``Syntax error``. Powers of the short commands
are in W, modulation powers (``slmp``) and those of the ``laser:`` tree in mW, currents in mA.

While autostart is on, the laser emits by itself after power-on and ``l1`` is refused; ``@cob1``
runs the same sequence at any time. ``ilk?`` is 0 for a closed interlock and 1 for an open one (the
maker's adapter; DCC-Lab's driver takes 1 for closed).

UNVERIFIED on hardware:

- the polarity of ``ilk?`` (:attr:`Cobolt06.interlock_digits`);
- that values out of range are refused, and the wording after ``Syntax error``;
- that ``l1`` emits at once but a start by itself takes ``start_up`` seconds; that ``l?`` is 1 only
  while light comes out; that faults stay until ``cf`` or a turn of the key, cause removed;
- that ``l1`` is refused by fault, open interlock and missing key; what ``gkses?`` is with the key
  in (1 here) and that the key matters only while ``@cobasks`` is on;
- in modulation mode with no input enabled the full modulation power comes out;
- the units and words of the ``laser:`` tree of generation 5, and that such units still know the
  short commands and say the number of ``gom?`` to ``state?``;
- ``ra?`` and ``rasp?``: their fields are those that the maker's adapter takes apart (current in mA,
  power in mW, on, mode, a number that it calls unknown, modulation; unknown, current, power), their
  decimals nobody's;
- direct control (``@cobasdr``) is remembered and does nothing here;
- currents and temperatures; the power follows its set point at once here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators import _cobolt_words as words
from simulators.device import LineDevice, Switch

POWER_TIMEOUT_S: Final = 10.0

_ANSWER_TIME_S: Final = 0.005
_THRESHOLD_MA: Final = 40.0
_W_PER_MA: Final = 0.001


class Cobolt06(LineDevice):
    """Cobolt 06-01; at the start its key is in, its interlock closed, and it is in constant power.

    :param power_changed: called with ``(watts, moment)`` for the emitted power; also once at the
        start. It announces the end of a start-up ahead; later calls replace what was announced for
        their moment and after.
    :param max_power: highest set point, W.
    :param generation: 5 adds the ``laser:`` tree.
    :param autostart: True if it emits by itself after power-on.
    :param start_up: how long a start by itself takes, s.
    :raises LimitError: if the maximum power is not above 0 or the generation neither 4 nor 5.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        power_changed: Callable[[float, float], None],
        max_power: float = 0.1,
        generation: int = 4,
        autostart: bool = False,
        start_up: float = 5.0,
        wavelength: int = 532,
        serial: str = "13204",
    ) -> None:
        if not max_power > 0:
            raise LimitError("maximum power (W)", max_power, "above 0")
        if generation not in (4, 5):
            raise LimitError("generation", generation, "4 or 5")
        super().__init__(clock, terminator=b"\r", limit=64)
        self.interlock_digits = {True: "1", False: "0"}
        self._power_changed = power_changed
        self._start_up = start_up
        self._mode = words.CONSTANT_POWER
        self._on_off_modulation = False
        self._flags = dict.fromkeys(words.FLAGS.values(), False) | {"autostart": autostart}
        self._setpoints = {"W": 0.0, "mA": 0.0, "mW": 0.0}
        milliwatts = 1000 * max_power
        self._highest = {"W": max_power, "mA": self._current_for(max_power), "mW": milliwatts}
        self._fault = words.NO_FAULT
        self._aborted = self._key_out = self._interlock_open = False
        self._over_temperature = self._weak = False
        self._modulation_input = 0.0
        self._emits_from: float | None = None
        self._timeout: int | None = None
        self._switched_on = clock.now()
        firmware = "3.2.6.0" if generation == 5 else "2.0.17.0"
        self._texts = {
            "?": words.OK,
            "sn?": serial,
            "gsn?": serial,
            "gfv?": firmware,
            "ver?": firmware,
            "glm?": f"{wavelength:04d}-06-01-{milliwatts:04.0f}-100",
            "gmlp?": f"{milliwatts:.3f}",
            "gmlc?": f"{self._highest['mA']:.3f}",
            "rtect?": "25.1",
            "rbpt?": "31.4",
        }
        self._readings: dict[str, Callable[[], str]] = {
            "l?": lambda: f"{self._emits():d}",
            "p?": lambda: words.watts_text(self._setpoints["W"]),
            "pa?": lambda: words.watts_text(self.power_at(self.clock.now())),
            "i?": lambda: f"{self._current():.3f}",
            "glc?": lambda: f"{self._setpoints['mA']:.3f}",
            "glmp?": lambda: f"{self._setpoints['mW']:.3f}",
            "ilk?": lambda: self.interlock_digits[self._interlock_open],
            "gkses?": lambda: f"{not self._key_out:d}",
            "f?": lambda: f"{self._fault}",
            "gom?": lambda: f"{self._state()}",
            "gam?": lambda: f"{self._mode}",
            "hrs?": lambda: f"{(self.clock.now() - self._switched_on) / 3600:.2f}",
            "ra?": self._read_all,
            "rasp?": lambda: f"0 {self._setpoints['mA']:.3f} {1000 * self._setpoints['W']:.3f}",
            "leds?": lambda: f"{1 + 2 * self._emits() + 8 * bool(self._fault)}",
        }
        self._actions: dict[str, Callable[[], str]] = {
            "l0": self._switch_off,
            "l1": self._switch_on,
            "@cob0": self._switch_off,
            "@cob1": self._restart,
            "cf": self._clear_fault,
            "cp": lambda: self._enter(words.CONSTANT_POWER),
            "ci": lambda: self._enter(words.CONSTANT_CURRENT),
            "em": lambda: self._enter(words.MODULATED),
            "eoom": lambda: self._set_on_off_modulation(True),
            "xoom": lambda: self._set_on_off_modulation(False),
        }
        self._units = {"p": "W", "@cobasp": "W", "slc": "mA", "slmp": "mW"}
        if generation == 5:
            self._grow_tree()
        self._power_changed(0.0, clock.now())
        self._start_by_itself()

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the interlock."""
        return self._by_attribute(interlock_open="interlock_open")

    @property
    def interlock_open(self) -> bool:
        """Control whether the interlock circuit is broken: fault 3, which ends the emission."""
        return self._interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._keep_appointments()
        self._interlock_open = is_open
        if is_open:
            self._fail(words.INTERLOCK)

    @property
    def key_out(self) -> bool:
        """Control whether the key is turned off; turning it on clears past faults."""
        return self._key_out

    @key_out.setter
    def key_out(self, is_out: bool) -> None:
        self._keep_appointments()
        turned_on = self._key_out and not is_out
        self._key_out = is_out
        if is_out and self._flags["key switch"]:
            self._follow(None)
        elif turned_on and self._flags["key switch"]:
            self._clear_fault()
            self._aborted = False
            self._start_by_itself()

    @property
    def over_temperature(self) -> bool:
        """Control whether a temperature is out of its range: fault 1, which ends the emission."""
        return self._over_temperature

    @over_temperature.setter
    def over_temperature(self, is_hot: bool) -> None:
        self._keep_appointments()
        self._over_temperature = is_hot
        if is_hot:
            self._fail(words.TEMPERATURE)

    @property
    def weak(self) -> bool:
        """Control whether half the power is missing: fault 4 after 10 s of constant power."""
        return self._weak

    @weak.setter
    def weak(self, is_weak: bool) -> None:
        self._keep_appointments()
        self._weak = is_weak
        self._follow(self._emits_from)

    @property
    def modulation_input(self) -> float:
        """Control the modulating signal, from 0 to 1; it acts in modulation mode only."""
        return self._modulation_input

    @modulation_input.setter
    def modulation_input(self, level: float) -> None:
        if not 0 <= level <= 1:
            raise LimitError("modulation input", level, "from 0 to 1")
        self._keep_appointments()
        self._modulation_input = level
        self._follow(self._emits_from)

    def power_at(self, moment: float) -> float:
        """Return the emitted power, W, if nothing happens until ``moment`` (clock s)."""
        if self._emits_from is None or moment < self._emits_from:
            return 0.0
        strength = 0.5 if self._weak else 1.0
        match self._mode:
            case words.CONSTANT_CURRENT:
                power = max(0.0, self._setpoints["mA"] - _THRESHOLD_MA) * _W_PER_MA
            case words.CONSTANT_POWER:
                power = self._setpoints["W"]
            case _:
                modulated = self._flags["digital"] or self._flags["analog"]
                level = self._modulation_input if modulated else 1.0
                power = self._setpoints["mW"] / 1000 * level
        return strength * power

    def _begin_anew(self) -> None:
        """Start dark, unless autostart is on; set points and switches are stored."""
        self._mode = words.CONSTANT_POWER
        self._on_off_modulation = self._aborted = False
        self._follow(None)
        self._clear_fault()
        self._start_by_itself()

    def _grow_tree(self) -> None:
        """Add what generation 5 knows beside the short commands."""
        self._readings |= {
            "state?": self._readings["gom?"],
            "fault?": self._readings["f?"],
            "laser:runmode?": lambda: words.RUN_MODE_NAMES[self._mode],
            "laser:cp:power:setpoint?": lambda: f"{1000 * self._setpoints['W']:.3f}",
            "laser:pm:power:setpoint?": self._readings["glmp?"],
            "laser:cc:current:setpoint?": self._readings["glc?"],
            "laser:cp:power:setpoint? max": lambda: self._texts["gmlp?"],
            "laser:pm:power:setpoint? max": lambda: self._texts["gmlp?"],
            "laser:cc:current:setpoint? max": lambda: self._texts["gmlc?"],
        }
        self._actions |= {
            "fault:clear": self._clear_fault,
            "abort": self._abort,
            "restart": self._restart,
        }
        self._units |= {"laser:pm:power:setpoint": "mW", "laser:cc:current:setpoint": "mA"}

    def _handle(self, line: bytes) -> None:
        text = line.replace(b"\n", b"").decode("latin-1").strip()
        self._send(f"{self._answer(text)}\r\n".encode("ascii"), _ANSWER_TIME_S)

    def _handle_overrun(self) -> None:
        self._handle(b"!")

    def _answer(self, text: str) -> str:
        text = words.short(text)
        if text in self._readings:
            return self._readings[text]()
        if text in self._actions:
            return self._actions[text]()
        if text in self._texts:
            return self._texts[text]
        if text in words.FLAG_QUERIES:
            return f"{self._flags[words.FLAG_QUERIES[text]]:d}"
        command, _, argument = text.partition(" ")
        argument = argument.strip()
        if command in words.FLAGS:
            return self._set_flag(words.FLAGS[command], argument)
        if command in self._units:
            return self._set_point(self._units[command], argument)
        if command == "laser:cp:power:setpoint" and "state?" in self._readings:
            return self._set_point("W", argument, scale=0.001)
        if command == "laser:runmode" and "state?" in self._readings:
            mode = words.RUN_MODES.get(argument)
            return words.OUT_OF_RANGE if mode is None else self._enter(mode)
        return words.ILLEGAL

    def _set_flag(self, flag: str, argument: str) -> str:
        if argument not in ("0", "1"):
            return words.OUT_OF_RANGE
        self._flags[flag] = argument == "1"
        if flag == "key switch" and self._flags[flag] and self._key_out:
            self._emits_from = None
        self._follow(self._emits_from)
        return words.OK

    def _set_point(self, unit: str, argument: str, scale: float = 1.0) -> str:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{0,12})?|\.[0-9]{1,12}", argument):
            return words.OUT_OF_RANGE
        value = float(argument) * scale
        if value > self._highest[unit] * (1 + 1e-9):
            return words.OUT_OF_RANGE
        self._setpoints[unit] = value
        self._follow(self._emits_from)
        return words.OK

    def _enter(self, mode: int) -> str:
        self._mode = mode
        self._follow(self._emits_from)
        return words.OK

    def _set_on_off_modulation(self, enabled: bool) -> str:
        self._on_off_modulation = enabled
        return words.OK

    def _has_key(self) -> bool:
        return not (self._key_out and self._flags["key switch"])

    def _may_emit(self) -> bool:
        return self._has_key() and self._fault == words.NO_FAULT and not self._aborted

    def _switch_on(self) -> str:
        if self._flags["autostart"] or not self._may_emit():
            return words.ILLEGAL
        if self._emits_from is None or self._emits_from > self.clock.now():
            self._follow(self.clock.now())
        return words.OK

    def _switch_off(self) -> str:
        self._follow(None)
        return words.OK

    def _abort(self) -> str:
        self._aborted = True
        return self._switch_off()

    def _restart(self) -> str:
        self._aborted = False
        if not self._may_emit():
            return words.ILLEGAL
        self._follow(self.clock.now() + self._start_up)
        return words.OK

    def _start_by_itself(self) -> None:
        if self._flags["autostart"] and self._may_emit():
            self._follow(self.clock.now() + self._start_up)

    def _clear_fault(self) -> str:
        self._fault = words.NO_FAULT
        if self._interlock_open:
            self._fail(words.INTERLOCK)
        if self._over_temperature:
            self._fail(words.TEMPERATURE)
        return words.OK

    def _fail(self, fault: int) -> None:
        self._fault = fault
        self._follow(None)

    def _follow(self, emits_from: float | None) -> None:
        """Emit from a moment on, or not at all, with the present settings; announce the power."""
        self._cancel(self._timeout)
        now = self.clock.now()
        self._emits_from = emits_from
        self._power_changed(self.power_at(now), now)
        if emits_from is None:
            return
        if emits_from > now:
            self._power_changed(self.power_at(emits_from), emits_from)
        if self._weak and self._mode == words.CONSTANT_POWER and self._setpoints["W"] > 0:
            moment = max(now, emits_from) + POWER_TIMEOUT_S
            self._timeout = self._appoint(moment, self._give_up_power)

    def _give_up_power(self, moment: float) -> None:
        self._fault = words.CONSTANT_POWER_TIMEOUT
        self._emits_from = None
        self._power_changed(0.0, moment)

    def _emits(self) -> bool:
        return self._emits_from is not None and self._emits_from <= self.clock.now()

    def _state(self) -> int:
        if self._fault:
            return words.FAULT
        if self._aborted:
            return words.ABORTED
        if self._emits_from is None:
            return words.OFF if self._has_key() else words.WAITING_FOR_KEY
        if self._mode == words.MODULATED:
            return words.MODULATION
        return words.ON_OFF_MODULATION if self._on_off_modulation else words.CONTINUOUS

    def _read_all(self) -> str:
        """Return current (mA), power (mW), on, mode, 0, and the modulation inputs, as ``ra?``."""
        inputs = self._flags["digital"] + 2 * self._flags["analog"]
        milliwatts = 1000 * self.power_at(self.clock.now())
        return f"{self._current():.3f} {milliwatts:.3f} {self._emits():d} {self._mode} 0 {inputs}"

    def _current(self) -> float:
        if not self._emits():
            return 0.0
        if self._mode == words.CONSTANT_CURRENT:
            return self._setpoints["mA"]
        return self._current_for(self.power_at(self.clock.now()))

    @staticmethod
    def _current_for(power: float) -> float:
        """Return the current (mA) for a power (W)."""
        return _THRESHOLD_MA + power / _W_PER_MA

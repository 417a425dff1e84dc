"""Coherent OBIS laser (785 nm, also 532 nm) on its USB or RS-232 port, as bytes.

Source: Coherent's OBIS operator's manual as restated by public clients (obis-laser of the Allen
Institute for Neural Dynamics, python-microscope, Micro-Manager's CoherentOBIS). SCPI words in long
or short form, ended by CR (a line feed beside it is ignored); powers in W. With handshaking, as at
power-on, a command is answered by ``OK``, a query by its value and then ``OK``, and an error by
``ERR`` and its code; answers end with CRLF. ``OK`` after ``SOURce:AM:STATe ON`` does not mean
light: the CDRH delay holds it back for 5 s, and the warm-up for as long as it lasts.

UNVERIFIED on hardware:

- the words of ``SYSTem:LOCK?`` (:attr:`Obis.lock_words`; ``OFF`` for open is what the emulator of
  ISIS's control group for the OBIS remote says) and of ``SYSTem:ERRor:NEXt?``;
- which code belongs to which mistake beyond -100 (unknown), and that without handshaking errors
  are only queued and commands not answered at all;
- that ``SOURce:AM:STATe ON`` is refused with ERR-200 while the key is out, the interlock open or a
  fault present (:attr:`Obis.refuses_when_blocked`; else it says OK and stays dark);
- that emission stops for good when key or interlock interrupt it, and that auto-start begins it
  again when the key is turned; that a fault stays until ``SYSTem:ERRor:CLEar`` or a turn of the
  key once its cause is gone;
- that a set point below the lower limit is refused; that *RST and auto-start do as they do here;
- the number of decimals, the current, the temperatures; power follows the set point at once here.

The prompt is remembered but never sent. Device numbers behind a remote (``SYSTem1``) are accepted
for the first device only.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators import _obis_words as words
from simulators.device import LineDevice, Switch

CDRH_DELAY_S: Final = 5.0

_ANSWER_TIME_S: Final = 0.01
_ERRORS_KEPT: Final = 20
_THRESHOLD_A: Final = 0.03
_SLOPE_W_PER_A: Final = 1.0
_DIODE_CELSIUS: Final = 24.9
_BASE_PLATE_CELSIUS: Final = 26.3
_HOT_CELSIUS: Final = 61.0


class Obis(LineDevice):
    """OBIS laser; at the start the key is in, nothing is emitted and the CDRH delay is on.

    :param power_changed: called with ``(watts, moment)`` for the power that leaves the head; also
        once at the start. It announces the end of a delay ahead; later calls replace what was
        announced for their moment and after.
    :param nominal_power: W; set points from 1 % to 110 % of it are accepted.
    :param warm_up: time from the start until it can emit, s.
    :param auto_start: True if it emits by itself when it is switched on or its key is turned.
    :raises LimitError: if the nominal power is not above 0.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        power_changed: Callable[[float, float], None],
        wavelength: int = 785,
        nominal_power: float = 0.1,
        warm_up: float = 0.0,
        auto_start: bool = False,
        serial: str = "78501234",
    ) -> None:
        if not nominal_power > 0:
            raise LimitError("nominal power (W)", nominal_power, "above 0")
        super().__init__(clock, terminator=b"\r", limit=128)
        self.lock_words = {True: "OFF", False: "ON"}
        self.refuses_when_blocked = True
        self._power_changed = power_changed
        self._low, self._high = 0.01 * nominal_power, 1.1 * nominal_power
        self._setpoint = self._low
        self._mode = "CWP"
        self._switches = dict.fromkeys(words.SWITCHES, False) | {
            "SOURce:TEMPerature:APRobe": True,
            "SYSTem:CDRH": True,
            "SYSTem:COMMunicate:HANDshaking": True,
            "SYSTem:INDicator:LASer": True,
            "SYSTem:AUTostart": auto_start,
        }
        self._switched_on = clock.now()
        self._warm_up = warm_up
        self._warm_at = clock.now() + warm_up
        self._delayed_until = clock.now()
        self._emits_from: float | None = None
        self._emission_s = 0.0
        self._key_out = self._interlock_open = self._over_temperature = False
        self._faults = 0
        self._modulation_input = 0.0
        self._errors: deque[int] = deque()
        self._texts = {
            "*IDN": f"Coherent, Inc - OBIS {wavelength}nm {1000 * nominal_power:.0f}mW C - V1.0.6",
            "*TST": "0",
            "SYSTem:INFormation:MODel": f"OBIS {wavelength}-{1000 * nominal_power:.0f} C",
            "SYSTem:INFormation:SNUMber": serial,
            "SYSTem:INFormation:WAVelength": f"{wavelength}",
            "SYSTem:INFormation:POWer": f"{nominal_power:.5f}",
            "SYSTem:INFormation:TYPe": "DDL",
            "SYSTem:INFormation:PNUMber": "1185055",
            "SYSTem:INFormation:FVERsion": "V1.0.6",
            "SYSTem:INFormation:PVERsion": "P1.0.4",
            "SYSTem:INFormation:MDATe": "01/15/2019",
            "SYSTem:INFormation:CDATe": "01/20/2019",
            "SYSTem:INFormation:FCDate": "",
            "SYSTem:INFormation:USER": "",
            "SYSTem:INFormation:AMODulation:TYPe": "2",
            "SYSTem:CYCLes": "12",
            "SOURce:POWer:LIMit:LOW": f"{self._low:.5f}",
            "SOURce:POWer:LIMit:HIGH": f"{self._high:.5f}",
            "SOURce:POWer:NOMinal": f"{nominal_power:.5f}",
            "SOURce:TEMPerature:DIODe": f"{_DIODE_CELSIUS:.1f}C",
            "SOURce:TEMPerature:DSETpoint": f"{_DIODE_CELSIUS:.1f}C",
        }
        self._readings: dict[str, Callable[[], str]] = {
            "SOURce:AM:SOURce": lambda: self._mode.upper(),
            "SOURce:POWer:LEVel:IMMediate:AMPLitude": lambda: f"{self._setpoint:.5f}",
            "SOURce:POWer:LEVel": lambda: f"{self.power_at(self.clock.now()):.5f}",
            "SOURce:POWer:CURRent": lambda: f"{self._current():.4f}",
            "SOURce:TEMPerature:BASeplate": lambda: f"{self._base_plate():.1f}C",
            "SOURce:TEMPerature:INTernal": lambda: f"{self._base_plate() + 1.5:.1f}C",
            "SYSTem:STATus": lambda: f"{self._status():08X}",
            "SYSTem:FAULt": lambda: f"{self._faults:08X}",
            "SYSTem:LOCK": lambda: self.lock_words[self._interlock_open],
            "SYSTem:ERRor:COUNt": lambda: f"{len(self._errors)}",
            "SYSTem:ERRor:NEXt": self._next_error,
            "SYSTem:HOURs": lambda: f"{(self.clock.now() - self._switched_on) / 3600:.2f}",
            "SYSTem:DIODe:HOURs": lambda: f"{self._emitted(self.clock.now()) / 3600:.2f}",
        }
        self._power_changed(0.0, clock.now())
        self._start_by_itself()

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the interlock."""
        return self._by_attribute(interlock_open="interlock_open")

    @property
    def interlock_open(self) -> bool:
        """Control whether the interlock circuit is broken; opening it ends the emission."""
        return self._interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._interlock_open = is_open
        if is_open:
            self._stop()

    @property
    def key_out(self) -> bool:
        """Control whether the key is turned off; turning it on again clears past faults."""
        return self._key_out

    @key_out.setter
    def key_out(self, is_out: bool) -> None:
        turned_on = self._key_out and not is_out
        self._key_out = is_out
        if is_out:
            self._stop()
        elif turned_on:
            self._clear_faults()
            self._start_by_itself()

    @property
    def over_temperature(self) -> bool:
        """Control whether the base plate is too hot: a fault, which ends the emission."""
        return self._over_temperature

    @over_temperature.setter
    def over_temperature(self, is_hot: bool) -> None:
        self._over_temperature = is_hot
        if is_hot:
            self._faults |= words.BASE_PLATE_TEMPERATURE
            self._stop()

    @property
    def modulation_input(self) -> float:
        """Control the modulating signal, from 0 to 1; it acts in the external modes only."""
        return self._modulation_input

    @modulation_input.setter
    def modulation_input(self, level: float) -> None:
        if not 0 <= level <= 1:
            raise LimitError("modulation input", level, "from 0 to 1")
        self._modulation_input = level
        self._announce()

    def power_at(self, moment: float) -> float:
        """Return the emitted power, W, if nothing happens until ``moment`` (clock s)."""
        if self._emits_from is None or moment < self._emits_from:
            return 0.0
        return self._setpoint * (self._modulation_input if self._is_external() else 1.0)

    def _handle(self, line: bytes) -> None:
        text = line.replace(b"\n", b"").decode("latin-1").strip()
        if not text:
            return
        shaking = self._switches["SYSTem:COMMunicate:HANDshaking"]
        header, _, argument = text.partition(" ")
        if header.endswith("?"):
            value, error = self._query(header[:-1])
        else:
            value, error = "", self._command(header, argument.strip())
            shaking = shaking or self._switches["SYSTem:COMMunicate:HANDshaking"]
        if error:
            self._remember(error)
        elif header.endswith("?"):
            self._send(f"{value}\r\n".encode("latin-1"), _ANSWER_TIME_S)
        if shaking:
            self._send(f"ERR{error}\r\n".encode() if error else b"OK\r\n", _ANSWER_TIME_S)

    def _handle_overrun(self) -> None:
        self._handle(b"!")

    def _query(self, header: str) -> tuple[str, int]:
        name = words.recognise(header, words.QUERIES)
        if name is None:
            return "", words.UNRECOGNIZED
        if name == "SOURce:AM:STATe":
            return "OFF" if self._emits_from is None else "ON", 0
        if name in self._switches:
            return "ON" if self._switches[name] else "OFF", 0
        if name in self._readings:
            return self._readings[name](), 0
        return self._texts[name], 0

    def _command(self, header: str, argument: str) -> int:
        name = words.recognise(header, words.COMMANDS)
        if name is None:
            return words.UNRECOGNIZED
        if name == "*RST":
            return self._boot()
        if name == "SYSTem:ERRor:CLEar":
            self._errors.clear()
            self._clear_faults()
            return 0
        if not argument:
            return words.MISSING
        if name in self._switches:
            return self._switch(name, argument.upper())
        if name in ("SOURce:AM:INTernal", "SOURce:AM:EXTernal"):
            return self._select(name, argument)
        if name == "SOURce:POWer:LEVel:IMMediate:AMPLitude":
            return self._set_power(argument)
        if name.endswith(":TYPe") and argument not in ("1", "2"):
            return words.INVALID
        self._texts[name] = argument
        return 0

    def _switch(self, name: str, argument: str) -> int:
        if argument not in ("ON", "OFF"):
            return words.INVALID
        if name == "SOURce:AM:STATe":
            return self._start() if argument == "ON" else self._stop()
        self._switches[name] = argument == "ON"
        if name == "SOURce:TEMPerature:APRobe" and argument == "OFF":
            self._stop()
        return 0

    def _select(self, name: str, argument: str) -> int:
        modes = words.INTERNAL_MODES if name.endswith("INTernal") else words.EXTERNAL_MODES
        mode = words.recognise_word(argument, modes)
        if mode is None:
            return words.INVALID
        self._mode = mode
        self._announce()
        return 0

    def _set_power(self, argument: str) -> int:
        if not re.fullmatch(r"[0-9]{0,3}\.?[0-9]{1,12}(E-?[0-9])?", argument, re.IGNORECASE):
            return words.INVALID
        tolerance = 1e-9
        if not self._low - tolerance <= float(argument) <= self._high + tolerance:
            return words.INVALID
        self._setpoint = float(argument)
        self._announce()
        return 0

    def _blocked(self) -> bool:
        cooled = self._switches["SOURce:TEMPerature:APRobe"]
        return self._key_out or self._interlock_open or bool(self._faults) or not cooled

    def _start(self) -> int:
        if self._blocked():
            return words.NOT_NOW if self.refuses_when_blocked else 0
        if self._emits_from is None:
            delay = CDRH_DELAY_S if self._switches["SYSTem:CDRH"] else 0.0
            self._delayed_until = self.clock.now() + delay
            self._emits_from = max(self._warm_at, self._delayed_until)
            self._announce()
        return 0

    def _start_by_itself(self) -> None:
        if self._switches["SYSTem:AUTostart"]:
            self._start()

    def _stop(self) -> int:
        self._emission_s = self._emitted(self.clock.now())
        self._emits_from = None
        self._announce()
        return 0

    def _boot(self) -> int:
        self._stop()
        self._errors.clear()
        self._clear_faults()
        self._start_by_itself()
        return 0

    def _begin_anew(self) -> None:
        """Start dark, unless autostart is on; set point, mode and switches are stored."""
        self._warm_at = self.clock.now() + self._warm_up
        self._boot()

    def _clear_faults(self) -> None:
        self._faults = words.BASE_PLATE_TEMPERATURE if self._over_temperature else 0

    def _announce(self) -> None:
        now = self.clock.now()
        self._power_changed(self.power_at(now), now)
        if self._emits_from is not None and self._emits_from > now:
            self._power_changed(self.power_at(self._emits_from), self._emits_from)

    def _is_external(self) -> bool:
        return self._mode in words.EXTERNAL_MODES

    def _emitted(self, moment: float) -> float:
        running = 0.0 if self._emits_from is None else max(0.0, moment - self._emits_from)
        return self._emission_s + running

    def _current(self) -> float:
        power = self.power_at(self.clock.now())
        return _THRESHOLD_A + power / _SLOPE_W_PER_A if power else 0.0

    def _base_plate(self) -> float:
        return _HOT_CELSIUS if self._over_temperature else _BASE_PLATE_CELSIUS

    def _status(self) -> int:
        now = self.clock.now()
        key = words.INTERLOCK_OPEN if self._interlock_open else words.KEY_ON
        word = words.KEY_OUT if self._key_out else key
        word |= words.EXTERNAL_MODE if self._is_external() else 0
        if self._emits_from is not None:
            word |= words.POWER_VOLTAGE
            if now >= self._emits_from:
                return word | words.EMISSION
            word |= words.CDRH_DELAY if now < self._delayed_until else 0
        if self._faults:
            return word | words.FAULT
        if now < self._warm_at:
            return word | words.WARM_UP
        return word if self._emits_from is not None else word | words.STANDBY

    def _remember(self, error: int) -> None:
        self._errors.append(error)
        if len(self._errors) > _ERRORS_KEPT:
            self._errors.pop()
            self._errors[-1] = words.OVERFLOW

    def _next_error(self) -> str:
        error = self._errors.popleft() if self._errors else 0
        return f'{error},"{words.ERROR_TEXTS[error]}"'

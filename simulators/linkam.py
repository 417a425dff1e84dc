"""Linkam T95 temperature controller with stage and LN2 pump, as bytes.

Source: the serial commands of the TMS 93/94 manual, which the T95 keeps (T95 LinkPad/LinkSys), as
public facility drivers use them (BLISS, GDA, SweepMe, Lewis' simulated T95). RS-232, 19200 8N1.
Commands end with CR; a line feed is not ignored and spoils the next command. Until the first ``T``
the controller is deaf. ``T`` is answered with eleven bytes (status, error, pump, three reserved,
four hexadecimal digits of a signed 16-bit temperature in 0.1 °C, CR), every other command with a
bare CR, except ``D`` (eight digits, CR) and ``0xEF S`` (text, CR). Rate (``R1``, 0.01 °C/min) and
limit (``L1``, 0.1 °C) cannot be read back. A new rate, limit or pump speed acts at once on a ramp
that has been started.

Status: 0x01 stopped, 0x10 heating, 0x20 cooling, 0x30 holding at the limit, 0x50 holding after
``O``; real controllers were also seen to send 0x11, 0x21 and 0x31 (``low_status_bit``). 0x40
(limit time) belongs to programmes of the front panel and is never sent here. Error bits, beside
bit 7 which is set in a healthy answer: 0 cooling too fast, 1 sensor open, 2 overload, 3 no exit,
5 serial error.

UNVERIFIED on hardware: that unknown commands get no answer and refused values a CR, both with the
serial-error bit in the next ``T``; what exactly raises *no exit* (here ``E`` above 300 °C, which
does stop the heater); the temperature sent with an open sensor; the answers to ``D`` without a DSC
stage and to ``0xEF S``; rates above 99.99 °C/min; how the automatic pump chooses its speed; the
time an answer takes. Motorised-stage commands are not simulated. The thermal constants are typical
of small stages and not those of one; a stage that warms by itself faster than its ramp is not
modelled.

While it regulates, the stage follows its set point as a damped oscillator of second order
(``T'' = w² (T_set - T) + 2 z w (-T')``, z = 0.6, 2 z / w = 1 s): it lags a second behind a ramp
and, when the set point has arrived, goes beyond it by 0.158 s times the rate: 0.26 K after a ramp
of 100 K/min, 0.03 K after one of 10 K/min. That real stages overshoot about so much is UNVERIFIED.
"""

from __future__ import annotations

import cmath
import math
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np

from labcool.clock import Clock
from labcool.units import celsius, kelvin
from simulators.device import LineDevice, Switch

STOPPED, HEATING, COOLING, AT_LIMIT, HOLDING = 0x01, 0x10, 0x20, 0x30, 0x50
TOO_FAST, SENSOR_OPEN, OVERLOAD, NO_EXIT, SERIAL_ERROR = 0x01, 0x02, 0x04, 0x08, 0x20
FULL_PUMP_SPEED: Final = 30

_NO_EXIT_ABOVE_C: Final = 300.0
_OPEN_SENSOR_READING: Final = 0x7FFF
_COLDEST_C: Final = -196.0
_PUMP_COOLING_C_PER_S: Final = 100 / 60
_RELAXATION_S: Final = 300.0
_CONTROL_LAG_S: Final = 1.0
_DAMPING: Final = 0.6
_FADING_S: Final = _CONTROL_LAG_S / (2 * _DAMPING**2)
_SWING_PER_S: Final = 2 * _DAMPING * math.sqrt(1 - _DAMPING**2) / _CONTROL_LAG_S
_AT_LIMIT_WITHIN_C: Final = 0.1
_ARRIVAL_STEP_S: Final = 0.05
_HALVINGS: Final = 20
_SCALE_TENTHS: Final = (-1960, 15000)
_ANSWER_TIME_S: Final = 0.02


@dataclass(frozen=True)
class Stage:
    """What the controller knows of the stage on its cable: temperatures in °C, rate in °C/min."""

    name: str
    lowest: float
    highest: float
    fastest: float
    has_pump: bool


THMS600: Final = Stage("THMS600", -196.0, 600.0, 150.0, has_pump=True)
TS1500: Final = Stage("TS1500", 0.0, 1500.0, 200.0, has_pump=False)


@dataclass(frozen=True)
class Piece:
    """Temperature (°C) ``base + slope·t + exp(-t/decay) (excess·cos(turn·t) + swing·sin(turn·t))``.

    ``t`` (s) after ``begin``; ``turn`` in rad/s.
    """

    begin: float
    base: float
    slope: float
    excess: float
    decay: float
    swing: float = 0.0
    turn: float = 0.0

    def temperature(self, moment: float) -> float:
        """Return the temperature at ``moment``, °C."""
        passed = moment - self.begin
        return max(self.base + self.slope * passed + self._fading(passed).real, _COLDEST_C)

    def rate(self, moment: float) -> float:
        """Return the change of temperature at ``moment``, °C/s."""
        change = complex(-1 / self.decay, self.turn) * self._fading(moment - self.begin)
        return self.slope + change.real

    def _fading(self, passed: float) -> complex:
        return complex(self.excess, -self.swing) * cmath.exp(
            complex(-1 / self.decay, self.turn) * passed
        )


@dataclass(frozen=True)
class Plan:
    """How the temperature will go on if nobody interferes.

    :param reached: moment at which the limit is reached, inf if never.
    :param too_fast: moments between which the stage cannot cool as fast as it should.
    """

    pieces: tuple[Piece, ...]
    reached: float = math.inf
    too_fast: tuple[float, float] = (math.inf, math.inf)


def relax(begin: float, start: float, sink: float) -> Plan:
    """Let go: the stage drifts from ``start`` to ``sink`` (°C) with nobody heating."""
    return Plan((Piece(begin, sink, 0.0, start - sink, _RELAXATION_S),))


def follow(begin: float, start: float, change: float, setpoint: float, slope: float) -> Piece:
    """Follow a set point (°C, now) that moves with ``slope`` (°C/s), from ``start`` (°C).

    :param change: how fast the stage moves now, °C/s.
    """
    base = setpoint - slope * _CONTROL_LAG_S
    excess = start - base
    swing = (change - slope + excess / _FADING_S) / _SWING_PER_S
    return Piece(begin, base, slope, excess, _FADING_S, swing, _SWING_PER_S)


def hold(begin: float, start: float, change: float, target: float, sink: float) -> Plan:
    """Settle at ``target`` (°C), or drift to ``sink`` if it takes more cooling than there is."""
    if target < sink:
        return relax(begin, start, sink)
    piece = follow(begin, start, change, target, 0.0)
    return Plan((piece,), begin + _time_to_arrive(piece))


def _time_to_arrive(piece: Piece) -> float:
    """Return after what time (s) the stage has come close to where it settles."""

    def is_close(passed: float) -> bool:
        return abs(piece.temperature(piece.begin + passed) - piece.base) <= _AT_LIMIT_WITHIN_C

    early, late = 0.0, 0.0
    while not is_close(late):
        early, late = late, late + _ARRIVAL_STEP_S
    for _ in range(_HALVINGS):
        middle = (early + late) / 2
        early, late = (early, middle) if is_close(middle) else (middle, late)
    return late


def ramp(begin: float, start: float, change: float, limit: float, rate: float, sink: float) -> Plan:
    """Go to ``limit`` (°C) at ``rate`` (°C/s, above 0), as far as the cooling can follow."""
    slope = math.copysign(rate, limit - start)
    slowest_cold = sink + rate * _RELAXATION_S
    corner = limit if slope > 0 else min(max(limit, slowest_cold), start)
    moment = begin + (corner - start) / slope
    followed = follow(begin, start, change, start, slope)
    reached = followed.temperature(moment)
    if corner == limit:
        rest = hold(moment, reached, followed.rate(moment), limit, sink)
        return Plan((followed, *rest.pieces), rest.reached)
    drift = relax(moment, reached, sink)
    if limit <= sink:
        return Plan((followed, *drift.pieces), too_fast=(moment, math.inf))
    # It is regulated again from where it would stand behind a set point that arrives as fast.
    above_sink = (limit - sink) / (1 - _CONTROL_LAG_S / _RELAXATION_S)
    arrival = moment + _RELAXATION_S * math.log(max((reached - sink) / above_sink, 1.0))
    drifting = drift.pieces[0]
    rest = hold(arrival, drifting.temperature(arrival), drifting.rate(arrival), limit, sink)
    return Plan((followed, *drift.pieces, *rest.pieces), rest.reached, (moment, arrival))


class LinkamT95(LineDevice):
    """T95 with a stage; starts stopped, at ambient temperature, the pump in automatic.

    :param ambient_K: temperature of the room and of the stage at the start, K.
    :param stage: :data:`THMS600` (LN2 pump) or :data:`TS1500` (no pump: it cools only by itself).
    :param noise_K: standard deviation of the sensor before it is rounded to 0.1 K, K.
    :param rng: draws the noise.
    :param low_status_bit: True for a controller that sends 0x11, 0x21, 0x31, 0x51.
    :param healthy: error byte without any error; 0x80, some drivers expect 0.
    """

    telltale = slice(-5, None)

    def __init__(
        self,
        clock: Clock,
        *,
        ambient_K: float = 298.15,
        stage: Stage = THMS600,
        noise_K: float = 0.02,
        rng: np.random.Generator | None = None,
        low_status_bit: bool = False,
        healthy: int = 0x80,
    ) -> None:
        super().__init__(clock, terminator=b"\r", limit=32)
        self.garbled_readings = 0
        self._ambient = celsius(ambient_K)
        self._stage = stage
        self._noise = noise_K
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._low_status_bit = low_status_bit
        self._healthy = healthy
        self._listening = False
        self._state = STOPPED
        self._ramp_limit: float | None = None
        self._ramp_rate: float | None = None
        self._held = self._ambient
        self._pump_is_automatic = True
        self._pump_speed = 0
        self._sensor_open = False
        self._overload = False
        self._serial_error = False
        self._exit_refused = False
        self._history: list[Piece] = []
        self._adopt(relax(clock.now(), self._ambient, self._ambient))

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the stage's sensor."""
        return self._by_attribute(sensor_open="sensor_open")

    @property
    def sensor_open(self) -> bool:
        """Control whether the stage's sensor is disconnected, which stops the heater."""
        return self._sensor_open

    @sensor_open.setter
    def sensor_open(self, is_open: bool) -> None:
        self._sensor_open = is_open
        if is_open:
            self._stop()

    @property
    def overload(self) -> bool:
        """Control whether the current protection has tripped, which stops the heater."""
        return self._overload

    @overload.setter
    def overload(self, tripped: bool) -> None:
        self._overload = tripped
        if tripped:
            self._stop()

    def temperature_at(self, moment: float) -> float:
        """Return the true stage temperature (K); for the future, if nobody interferes."""
        return kelvin(self._piece(moment).temperature(moment))

    def _begin_anew(self) -> None:
        """Start stopped, without rate or limit, the pump in automatic, deaf until ``T``."""
        self._listening = self._serial_error = self._exit_refused = False
        self._ramp_limit = self._ramp_rate = None
        self._pump_is_automatic, self._pump_speed = True, 0
        self._stop()

    def _handle(self, line: bytes) -> None:
        self._listening = self._listening or line == b"T"
        if not self._listening:
            return
        command = line.decode("latin-1")
        if command == "T":
            self._send(self._report(), _ANSWER_TIME_S)
        elif command == "D":
            self._send(self._reading() + b"0000\r", _ANSWER_TIME_S)
        elif command == "\xefS":
            self._send(self._stage.name.encode() + b"\r", _ANSWER_TIME_S)
        elif self._obey(command):
            self._send(b"\r", _ANSWER_TIME_S)
        else:
            self._serial_error = True

    def _handle_overrun(self) -> None:
        self._serial_error = self._listening

    def _obey(self, command: str) -> bool:
        """Carry out a command and return True, or False if it is none."""
        match command:
            case "S":
                self._start()
            case "E":
                self._exit_refused = self._temperature() > _NO_EXIT_ABOVE_C
                self._stop()
            case "O":
                self._hold()
            case "H" | "C":
                self._go_on(heating=command == "H")
            case "B":
                return True  # No DSC buffer to clear, and nothing on the trigger output.
            case _:
                return self._set(command)
        return True

    def _set(self, command: str) -> bool:
        if re.fullmatch(r"R1[0-9]{1,5}", command):
            self._set_rate(int(command[2:]) / 100)
        elif re.fullmatch(r"L1-?[0-9]{1,5}", command):
            self._set_limit(int(command[2:]) / 10)
        elif re.fullmatch(r"P[am]0?", command):
            self._set_pump(automatic=command[1] == "a", speed=self._pump_now())
        elif re.fullmatch(r"P.", command, re.DOTALL):
            self._set_pump_speed(ord(command[1]) - ord("0"))
        else:
            return False
        return True

    def _set_rate(self, rate: float) -> None:
        if 0 < rate <= self._stage.fastest:
            self._ramp_rate = rate
            self._replan()
        else:
            self._serial_error = True

    def _set_limit(self, limit: float) -> None:
        if self._stage.lowest <= limit <= self._stage.highest:
            self._ramp_limit = limit
            self._replan()
        else:
            self._serial_error = True

    def _set_pump_speed(self, speed: int) -> None:
        if not 0 <= speed <= FULL_PUMP_SPEED:
            self._serial_error = True
        elif not self._pump_is_automatic:
            self._set_pump(automatic=False, speed=speed)

    def _set_pump(self, *, automatic: bool, speed: int) -> None:
        self._pump_is_automatic = automatic
        self._pump_speed = speed
        self._replan()

    def _start(self) -> None:
        if (
            self._ramp_limit is None
            or self._ramp_rate is None
            or self._sensor_open
            or self._overload
        ):
            return
        self._exit_refused = False
        self._state = HEATING if self._ramp_limit >= self._temperature() else COOLING
        self._replan()

    def _go_on(self, *, heating: bool) -> None:
        if self._state != HOLDING or self._ramp_limit is None:
            return
        if heating == (self._ramp_limit >= self._temperature()):
            self._start()

    def _hold(self) -> None:
        if not (self._sensor_open or self._overload):
            self._state = HOLDING
            self._held = self._temperature()
            self._replan()

    def _stop(self) -> None:
        self._state = STOPPED
        self._replan()

    def _replan(self) -> None:
        now, here, sink = self.clock.now(), self._temperature(), self._sink()
        change = self._piece(now).rate(now)
        if self._state == STOPPED:
            self._adopt(relax(now, here, sink))
        elif self._state == HOLDING:
            self._adopt(hold(now, here, change, self._held, sink))
        elif self._ramp_limit is not None and self._ramp_rate is not None:
            self._state = HEATING if self._ramp_limit >= here else COOLING
            self._adopt(ramp(now, here, change, self._ramp_limit, self._ramp_rate / 60, sink))

    def _adopt(self, plan: Plan) -> None:
        self._plan = plan
        kept = bisect_left(self._history, plan.pieces[0].begin, key=lambda piece: piece.begin)
        self._history[kept:] = plan.pieces

    def _sink(self) -> float:
        """Return where the stage would drift to with the heater off, °C."""
        if not self._stage.has_pump:
            return self._ambient
        speed = self._pump_speed
        if self._pump_is_automatic:
            speed = 0 if self._state == STOPPED else FULL_PUMP_SPEED
        cooling = _PUMP_COOLING_C_PER_S * speed / FULL_PUMP_SPEED
        return self._ambient - cooling * _RELAXATION_S

    def _pump_now(self) -> int:
        """Return the speed at which the pump runs now."""
        if not self._stage.has_pump:
            return 0
        if not self._pump_is_automatic:
            return self._pump_speed
        if self._state == STOPPED:
            return 0
        now = self.clock.now()
        by_itself = (self._ambient - self._temperature()) / _RELAXATION_S
        needed = (by_itself - self._piece(now).rate(now)) / _PUMP_COOLING_C_PER_S
        return math.ceil(min(max(needed, 0.0), 1.0) * FULL_PUMP_SPEED - 1e-6)

    def _piece(self, moment: float) -> Piece:
        found = bisect_right(self._history, moment, key=lambda piece: piece.begin)
        return self._history[max(found - 1, 0)]

    def _temperature(self) -> float:
        now = self.clock.now()
        return self._piece(now).temperature(now)

    def _report(self) -> bytes:
        head = bytes([self._status(), self._errors(), 0x80 | self._pump_now(), 0x80, 0x80, 0x80])
        return head + self._reading() + b"\r"

    def _status(self) -> int:
        if self._state == STOPPED:
            return STOPPED
        ramping = self._state in (HEATING, COOLING)
        arrived = ramping and self.clock.now() >= self._plan.reached
        return (AT_LIMIT if arrived else self._state) | self._low_status_bit

    def _errors(self) -> int:
        begin, end = self._plan.too_fast
        self._exit_refused = self._exit_refused and self._temperature() > _NO_EXIT_ABOVE_C
        errors = {
            TOO_FAST: begin <= self.clock.now() < end,
            SENSOR_OPEN: self._sensor_open,
            OVERLOAD: self._overload,
            NO_EXIT: self._exit_refused,
            SERIAL_ERROR: self._serial_error,
        }
        self._serial_error = False
        return self._healthy | sum(bit for bit, is_set in errors.items() if is_set)

    def _reading(self) -> bytes:
        if self.garbled_readings > 0:
            self.garbled_readings -= 1
            return b"?\x00*~"
        noisy = self._temperature() + self._noise * float(self._rng.standard_normal())
        coldest, hottest = _SCALE_TENTHS
        on_scale = min(max(round(noisy * 10), coldest), hottest)
        tenths = _OPEN_SENSOR_READING if self._sensor_open else on_scale
        return f"{tenths & 0xFFFF:04X}".encode()

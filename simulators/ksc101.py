"""Thorlabs KSC101 solenoid controller with its shutter head, as bytes.

Source: Thorlabs "Motion Controllers Host-Controller Communications Protocol" (solenoid messages
0x04C0 to 0x04CD, K-Cube messages 0x0520 to 0x0525, status bits 0x0429) and the KSC101 manual (key
switch, interlock, operating modes); what the state request really answers is as public drivers
found it on firmware 1.0.6: 1 is open and 0 is closed, where the maker's text says 2.

The shutter opens only while the channel is enabled, the key switch is on and the interlock circuit
is closed (or not required). The controller has no sensor for the blade: what it reports is its own
output, some tens of ms late, so that a blade that is stuck is not noticed (``reports_blade`` makes
it follow the blade instead).

UNVERIFIED on hardware:

- bit 12 of the status (here set while the interlock circuit is broken; ``interlock_bit_is_closed``
  turns it round), and that bit 0 lags as the state does;
- that a tripped interlock, the key or disabling closes at once and for good; that opening is then
  ignored without a word;
- that changing the mode leaves the output as it is and ends a running cycle, so that a shutter that
  a cycle would have closed stays open (the worst case for a driver);
- that new cycle parameters count from the next cycle; that values out of range are ignored;
- that the trigger follows edges (one that is high already does not open); the travel time of the
  blade; what happens when USB is lost (here: nothing, the shutter stays as it is).

``silent`` is the lost cable. Trigger outputs and the display are settings only.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from labcool.clock import Clock
from simulators._apt import APTDevice, Code, Message
from simulators.device import Switch
from simulators.sc10 import Blade

MANUAL, SINGLE, AUTO, TRIGGERED = 1, 2, 3, 4
INTERLOCK_REQUIRED, INTERLOCK_NOT_REQUIRED = 1, 2
OPEN_BIT, INTERLOCK_BIT, KEY_BIT = 1 << 0, 1 << 12, 1 << 13

_OPEN, _CLOSE = 1, 2
_CHANNEL: Final = 1
_CYCLE: Final = struct.Struct("<Hiii")
_DISPLAY_LENGTH: Final = 36
_TRIGGER_FIELDS: Final = struct.Struct("<5H")
_TRIGGER_RESERVED: Final = bytes(12)
_SHORTEST_MS, _LONGEST_MS, _MOST_CYCLES = 10, 10_000_000, 1_000_000
_TRIGGER_MODES, _POLARITIES = (0, 1, 10), (1, 2)
_TRIGGER_INPUT, _ACTIVE_HIGH = 1, 1
_CYCLES_AHEAD: Final = 50


class Solenoid(IntEnum):
    """Messages of a solenoid controller."""

    SET_MODE = 0x04C0
    REQ_MODE = 0x04C1
    GET_MODE = 0x04C2
    SET_CYCLE = 0x04C3
    REQ_CYCLE = 0x04C4
    GET_CYCLE = 0x04C5
    SET_INTERLOCK = 0x04C6
    REQ_INTERLOCK = 0x04C7
    GET_INTERLOCK = 0x04C8
    SET_STATE = 0x04CB
    REQ_STATE = 0x04CC
    GET_STATE = 0x04CD
    SET_DISPLAY = 0x0520
    REQ_DISPLAY = 0x0521
    GET_DISPLAY = 0x0522
    SET_TRIGGERS = 0x0523
    REQ_TRIGGERS = 0x0524
    GET_TRIGGERS = 0x0525


class KSC101(APTDevice):
    """KSC101 with a normally closed shutter; starts closed, enabled and in manual mode.

    :param moved: called with ``(is_open, moment)`` for the moment at which the beam really passes
        or is blocked; also once at the start. Later calls replace what was announced for their
        moment and after.
    :param travel_time: time the blade needs, s.
    :param state_lag: time after which the reported state follows the output, s.
    :param reports_blade: True for a controller whose state follows the blade, without lag.
    :param closed_code: how a closed shutter is reported, 0 (as found) or 2 (as documented).
    :param interlock_bit_is_closed: True if status bit 12 is set while the circuit is closed.
    :param serial: serial number, eight digits.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        moved: Callable[[bool, float], None],
        travel_time: float = 0.015,
        state_lag: float = 0.03,
        reports_blade: bool = False,
        closed_code: int = 0,
        interlock_bit_is_closed: bool = False,
        serial: int = 68_000_001,
    ) -> None:
        super().__init__(clock, model="KSC101", serial=serial, firmware=(1, 0, 6))
        self._state_lag = state_lag
        self._reports_blade = reports_blade
        self._closed_code = closed_code
        self._interlock_bit_is_closed = interlock_bit_is_closed
        self._mode = MANUAL
        self._cycle = (500, 500, 10_000)
        self._interlock_mode = INTERLOCK_REQUIRED
        self._display = struct.pack("<H20x3H8x", _CHANNEL, 50, 5, 2)
        self._triggers = (1, 1, 10, 1)
        self._key_switch_on = True
        self._interlock_open = False
        self._stuck = False
        self._trigger_input = False
        self._next_cycles: int | None = None
        self._blade = Blade(moved, travel_time)
        self._blade.place(False, clock.now())
        self._output = [(clock.now(), False)]

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: blade and interlock."""
        return self._by_attribute(stuck="stuck", interlock_open="interlock_open")

    @property
    def key_switch_on(self) -> bool:
        """Control the key switch; turning it off closes the shutter, turning it on does nothing."""
        return self._key_switch_on

    @key_switch_on.setter
    def key_switch_on(self, is_on: bool) -> None:
        self._keep_appointments()
        self._key_switch_on = is_on
        self._close_unless_allowed()

    @property
    def interlock_open(self) -> bool:
        """Control whether the interlock circuit is broken, which closes if the mode requires it."""
        return self._interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._keep_appointments()
        self._interlock_open = is_open
        self._close_unless_allowed()

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
        if freed:
            self._blade.drive(self._output_at(now), now)
            for moment, is_open in self._output:
                if moment > now:
                    self._blade.drive(is_open, moment)

    @property
    def trigger_input(self) -> bool:
        """Control the level at TRIG 1; an edge acts in triggered mode, if TRIG 1 is an input."""
        return self._trigger_input

    @trigger_input.setter
    def trigger_input(self, level: bool) -> None:
        self._keep_appointments()
        changed = level != self._trigger_input
        self._trigger_input = level
        mode, polarity, _, _ = self._triggers
        if changed and self._mode == TRIGGERED and mode == _TRIGGER_INPUT:
            self._set_state(_OPEN if level == (polarity == _ACTIVE_HIGH) else _CLOSE)

    def turn_wheel(self, up: bool) -> None:
        """Turn the wheel on the front panel, up to open and down to close."""
        self._keep_appointments()
        self._set_state(_OPEN if up else _CLOSE)

    def _begin_anew(self) -> None:
        """Start closed and in manual mode; times and ports are stored."""
        super()._begin_anew()
        self._mode = MANUAL
        self._drive(False)

    def _handle(self, message: Message) -> None:
        if message.data is None:
            self._obey(message.code, message.second)
        else:
            self._configure(message.code, message.data)

    def _obey(self, code: int, value: int) -> None:
        match code:
            case Solenoid.SET_MODE if MANUAL <= value <= TRIGGERED:
                self._set_mode(value)
            case Solenoid.REQ_MODE:
                self._tell(Solenoid.GET_MODE, self._mode)
            case Solenoid.REQ_CYCLE:
                self._tell_data(Solenoid.GET_CYCLE, _CYCLE.pack(_CHANNEL, *self._cycle))
            case Solenoid.SET_INTERLOCK if value in (INTERLOCK_REQUIRED, INTERLOCK_NOT_REQUIRED):
                self._interlock_mode = value
                self._close_unless_allowed()
            case Solenoid.REQ_INTERLOCK:
                self._tell(Solenoid.GET_INTERLOCK, self._interlock_mode)
            case Solenoid.SET_STATE if self._mode != TRIGGERED or value == _CLOSE:
                self._set_state(value)
            case Solenoid.REQ_STATE:
                self._tell(Solenoid.GET_STATE, 1 if self._reported_open() else self._closed_code)
            case Code.MOT_REQ_STATUS_BITS:
                self._tell_data(
                    Code.MOT_GET_STATUS_BITS, struct.pack("<HI", _CHANNEL, self._status())
                )
            case Solenoid.REQ_DISPLAY:
                self._tell_data(Solenoid.GET_DISPLAY, self._display)
            case Solenoid.REQ_TRIGGERS:
                fields = _TRIGGER_FIELDS.pack(_CHANNEL, *self._triggers)
                self._tell_data(Solenoid.GET_TRIGGERS, fields + _TRIGGER_RESERVED)

    def _configure(self, code: int, data: bytes) -> None:
        if code == Solenoid.SET_CYCLE and len(data) == _CYCLE.size:
            _, on, off, count = _CYCLE.unpack(data)
            in_range = all(_SHORTEST_MS <= time <= _LONGEST_MS for time in (on, off))
            if in_range and 0 <= count <= _MOST_CYCLES:
                self._cycle = (on, off, count)
        elif code == Solenoid.SET_DISPLAY and len(data) == _DISPLAY_LENGTH:
            self._display = data
        elif code == Solenoid.SET_TRIGGERS and len(data) >= _TRIGGER_FIELDS.size:
            _, *ports = _TRIGGER_FIELDS.unpack_from(data)
            if set(ports[::2]) <= set(_TRIGGER_MODES) and set(ports[1::2]) <= set(_POLARITIES):
                self._triggers = (ports[0], ports[1], ports[2], ports[3])

    def _set_mode(self, mode: int) -> None:
        self._mode = mode
        now = self.clock.now()
        if self._next_cycles is not None or self._output[-1][0] > now:
            self._drive(self._output_at(now))

    def _set_state(self, state: int) -> None:
        if state == _CLOSE:
            self._drive(False)
        elif state == _OPEN and self._may_open():
            if self._mode in (MANUAL, TRIGGERED):
                self._drive(True)
            else:
                self._start_cycles()

    def _may_open(self) -> bool:
        interlocked = self._interlock_open and self._interlock_mode == INTERLOCK_REQUIRED
        return self._enabled and self._key_switch_on and not interlocked

    def _enable_changed(self) -> None:
        self._close_unless_allowed()

    def _close_unless_allowed(self) -> None:
        if not self._may_open():
            self._drive(False)

    def _start_cycles(self) -> None:
        self._cancel(self._next_cycles)
        count = 1 if self._mode == SINGLE else self._cycle[2]
        self._run_cycles(self.clock.now(), count or None)

    def _run_cycles(self, moment: float, left: int | None) -> None:
        """Announce the next cycles, of which ``left`` are left (None: endless)."""
        on, off, _ = self._cycle
        number = _CYCLES_AHEAD if left is None else min(left, _CYCLES_AHEAD)
        for _ in range(number):
            self._switch(True, moment)
            moment += on / 1000
            self._switch(False, moment)
            moment += off / 1000
        left = None if left is None else left - number
        self._next_cycles = None
        if left != 0:
            self._next_cycles = self._appoint(moment, lambda then: self._run_cycles(then, left))

    def _drive(self, is_open: bool) -> None:
        """End whatever cycle runs and switch the output now."""
        self._cancel(self._next_cycles)
        self._next_cycles = None
        self._switch(is_open, self.clock.now())

    def _switch(self, is_open: bool, moment: float) -> None:
        """Switch the output at ``moment``; what was planned for later is forgotten."""
        del self._output[bisect_left(self._output, moment, key=lambda step: step[0]) :]
        old = bisect_right(self._output, self.clock.now() - self._state_lag, key=lambda s: s[0]) - 1
        del self._output[: max(old, 0)]
        self._output.append((moment, is_open))
        if not self._stuck:
            self._blade.drive(is_open, moment)

    def _output_at(self, moment: float) -> bool:
        found = bisect_right(self._output, moment, key=lambda step: step[0])
        return found > 0 and self._output[found - 1][1]

    def _reported_open(self) -> bool:
        now = self.clock.now()
        if self._reports_blade:
            return self._blade.is_open(now)
        return self._output_at(now - self._state_lag)

    def _status(self) -> int:
        bits = OPEN_BIT if self._reported_open() else 0
        bits |= INTERLOCK_BIT if self._interlock_open != self._interlock_bit_is_closed else 0
        return bits | (KEY_BIT if self._key_switch_on else 0)

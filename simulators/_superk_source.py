"""Main module of a SuperK EXTREME (type 0x60) or Fianium (0x88): emission, interlock, watchdog.

Its light is a function of time. What is assumed of it is told in :mod:`simulators.superk`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from simulators._interbus_module import Module, Number, Register, Text, constant

EMISSION_OFF, EMISSION_STARTING, EMISSION_ON = 0, 1, 3
INTERLOCK_OPEN, INTERLOCK_WAITING, INTERLOCK_OK = 0, 1, 2
KEY, DOOR, DISABLED_BY_SOURCE = 1, 2, 7
EMITTING, RELAYS_OFF, LOOP_OPEN = 1 << 0, 1 << 1, 1 << 3
MODULE_TYPES: Final = {"EXTREME": b"\x60", "FIANIUM": b"\x88\x00"}

_INLET_DECIDEGREES: Final = 241
_LARGEST_RATIO: Final = 1000
_THRESHOLD_CURRENT: Final = 0.2
_CURRENT_MODES: Final = (0, 2)
_STEPS_OF_RAMP: Final = 20


class Source(Module):
    """Supercontinuum source; starts dark, at level 0, its interlock waiting for a reset.

    :param model: ``EXTREME`` or ``FIANIUM``.
    :param ramp_time: in which the output goes from 0 to 1, s.
    """

    def __init__(self, clock: Clock, *, model: str, serial: str, ramp_time: float) -> None:
        super().__init__(MODULE_TYPES[model], serial)
        self.nack_when_interlocked = True
        self.interlock_cause = DOOR
        self._clock = clock
        self._ramp_time = ramp_time
        self._door_open = False
        self._key_off = False
        self._relays_closed = False
        self._disabled = False
        self._emission = False
        self._fed = self._begin = self._running_from = clock.now()
        self._output_at_begin = 0.0
        self._ratio = Number(1, 2, _LARGEST_RATIO, lowest=1)
        self._watchdog = Number(0, 1, 255)
        self._power = Number(0, 2, 1000)
        self._current = Number(0, 2, 1000)
        self._follows_current = model == "EXTREME"
        self._mode = Number(1, 2, 4) if model == "EXTREME" else Number(0, 1, 4)
        self.registers |= {
            0x11: constant(_INLET_DECIDEGREES, 2, signed=True),
            0x30: Register(self._read_emission, self._write_emission),
            0x32: Register(self._read_interlock, self._write_interlock),
            0x34: Register(self._read_ratio, self._write_ratio),
            0x36: self._watchdog.register(),
            0x37: Register(self._power.read, self._retargeting(self._power.write)),
        }
        self.registers |= (
            self._registers_of_extreme() if model == "EXTREME" else self._registers_of_fianium()
        )

    def _registers_of_extreme(self) -> dict[int, Register]:
        return {
            0x31: Register(self._mode.read, self._retargeting(self._mode.write)),
            0x38: Register(self._current.read, self._retargeting(self._current.write)),
            0x39: Number(0, 2, 1023).register(),
            0x6B: constant(0, 1),
            0x6C: Text(20).register(),
        }

    def _registers_of_fianium(self) -> dict[int, Register]:
        return {
            0x31: Register(
                self._mode.read, lambda data: data in (b"\x00", b"\x04") and self._mode.write(data)
            ),
            0x3A: Number(0, 2, 1023).register(),
            0x3B: Number(0, 2, 0xFFFF).register(),
            0x3D: constant(_LARGEST_RATIO, 2),
            0x8D: Text(20).register(),
        }

    @property
    def door_open(self) -> bool:
        """Control whether the interlock loop is broken, for :attr:`interlock_cause`."""
        return self._door_open

    @door_open.setter
    def door_open(self, is_open: bool) -> None:
        self._door_open = is_open
        self._react_to_loop()

    @property
    def key_off(self) -> bool:
        """Control whether the key is turned off, which breaks the interlock loop too."""
        return self._key_off

    @key_off.setter
    def key_off(self, is_off: bool) -> None:
        self._key_off = is_off
        self._react_to_loop()

    @property
    def interlock_is_ok(self) -> bool:
        """True if the interlock relays are closed."""
        return self._relays_closed

    def reset_interlock(self) -> None:
        """Close the relays, if the loop is closed."""
        if not self._loop_is_open:
            self._relays_closed = True
            self._disabled = False

    def emit_fully(self) -> None:
        """Set the power level to 100 % and start the emission, if the relays are closed."""
        self._retargeting(self._power.write)((1000).to_bytes(2, "little"))
        self._write_emission(bytes([EMISSION_ON]))

    def restart(self) -> None:
        """Begin as after power-on: dark, the interlock to be reset, no watchdog."""
        self._emission = self._relays_closed = self._disabled = False
        self._watchdog.value = 0
        self._fed = self._begin = self._running_from = self._clock.now()
        self._output_at_begin = 0.0

    def hear(self) -> None:
        """Take note that the host lives, unless the watchdog has ended the emission before."""
        now = self._clock.now()
        if now >= self._deadline():
            self._emission = False
        self._fed = now

    def output_at(self, moment: float) -> float:
        """Return the output at ``moment`` (clock s), 0 to 1, if nothing is heard before."""
        if not self._emission or moment >= self._deadline():
            return 0.0
        output = self._target()
        if moment < self._ramp_end():
            way = output - self._output_at_begin
            passed = max(moment - self._begin, 0.0) / self._ramp_time
            output = self._output_at_begin + math.copysign(passed, way)
        return output / self._ratio.value

    def changes(self, now: float) -> list[float]:
        """Return the moments (clock s) after ``now`` at which the output changes by itself."""
        if not self._emission:
            return []
        end, dark = self._ramp_end(), self._deadline()
        step = (end - self._begin) / _STEPS_OF_RAMP
        moments = [self._begin + step * number for number in range(1, _STEPS_OF_RAMP)]
        moments += [end, dark]
        return [moment for moment in moments if now < moment <= dark and moment < math.inf]

    def status(self) -> int:
        """Return the bits for emission, relays and loop."""
        bits = {
            EMITTING: self._emits(),
            RELAYS_OFF: not self._relays_closed,
            LOOP_OPEN: self._loop_is_open,
        }
        return sum(bit for bit, is_set in bits.items() if is_set)

    @property
    def _loop_is_open(self) -> bool:
        return self._door_open or self._key_off

    def _react_to_loop(self) -> None:
        if self._loop_is_open:
            self._relays_closed = self._disabled = False
            self._emission = False

    def _deadline(self) -> float:
        """Return the moment at which the watchdog ends any emission, clock s."""
        seconds = self._watchdog.value
        return self._fed + seconds if seconds else math.inf

    def _emits(self) -> bool:
        return self._emission and self._clock.now() < self._deadline()

    def _target(self) -> float:
        if self._follows_current and self._mode.value in _CURRENT_MODES:
            above = self._current.value / 1000 - _THRESHOLD_CURRENT
            return max(above, 0.0) / (1 - _THRESHOLD_CURRENT)
        return self._power.value / 1000

    def _ramp_end(self) -> float:
        """Return the moment at which the output reaches, or has reached, its target, clock s."""
        return self._begin + abs(self._target() - self._output_at_begin) * self._ramp_time

    def _retargeting(self, write: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
        """Let the output start towards its new target from where it is."""

        def written(data: bytes) -> bool:
            now = self._clock.now()
            output = self.output_at(now) * self._ratio.value
            if not write(data):
                return False
            self._output_at_begin, self._begin = output, now
            return True

        return written

    def _read_emission(self) -> bytes:
        if not self._emits():
            return bytes([EMISSION_OFF])
        starting = self._clock.now() < self._running_from
        return bytes([EMISSION_STARTING if starting else EMISSION_ON])

    def _write_emission(self, data: bytes) -> bool:
        if data == bytes([EMISSION_OFF]):
            self._emission = False
            return True
        if data != bytes([EMISSION_ON]):
            return False
        if not self._relays_closed:
            return not self.nack_when_interlocked
        if not self._emission:
            self._emission = True
            self._output_at_begin, self._begin = 0.0, self._clock.now()
            self._running_from = self._begin + self._target() * self._ramp_time
        return True

    def _read_interlock(self) -> bytes:
        if self._loop_is_open:
            return bytes([INTERLOCK_OPEN, KEY if self._key_off else self.interlock_cause])
        if self._disabled:
            return bytes([INTERLOCK_OPEN, DISABLED_BY_SOURCE])
        return bytes([INTERLOCK_OK if self._relays_closed else INTERLOCK_WAITING, 0])

    def _write_interlock(self, data: bytes) -> bool:
        if len(data) != 2:
            return False
        if any(data):
            self.reset_interlock()
        else:
            self._relays_closed = False
            self._disabled = not self._loop_is_open
            self._emission = False
        return True

    def _read_ratio(self) -> bytes:
        return self._ratio.read().removesuffix(b"\x00")

    def _write_ratio(self, data: bytes) -> bool:
        return self._ratio.write(data + b"\x00" if len(data) == 1 else data)

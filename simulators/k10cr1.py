"""Thorlabs K10CR1 stepper rotation mount, as bytes.

Source: Thorlabs "Motion Controllers Host-Controller Communications Protocol" (motor messages) and
the K10CR1 manual (no end stops; ±43 turns until the counter overflows); scales (200 × 2048 × 120
microsteps a turn, velocity × 53.68, acceleration / 90.9), the largest velocity and acceleration
(10 degrees/s, 20 degrees/s²) and the defaults as in public drivers of the mount.

The mount has a step counter and no encoder: after power-up the counter is 0 wherever the optic
stands, and only homing makes it agree; a slip (``slipping``) is never noticed. Users of the mount
report that both moving bits are set whatever the direction (``true_direction_bits`` for others).

UNVERIFIED on hardware:

- that values out of range, moves of a disabled channel and targets beyond ±43 turns are ignored
  without a word; that moves are carried out without having homed;
- that a new move replaces the one that runs, which is then never answered, and starts from rest;
- the way of homing (to the switch in the direction set, then back by the offset), that a stop ends
  it un-homed, and that a move backwards overshoots by the backlash distance;
- that direction 1 of jogs and endless turns counts upwards, as documented: one public driver takes
  it for the direction that counts downwards;
- what a ``jammed`` mount does: here it stops, sets the bits for motion error (14) and current limit
  (24) until the next move, and never answers; what a limit switch does: here the move ends with
  MOVE_STOPPED;
- the last eight bytes but the status in a status update (here 0: no encoder), that updates come
  ten times a second and cease after fifty that nobody acknowledged.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from simulators._apt import APTDevice, Code, Message
from simulators._apt_motor import Motor, Status
from simulators._k10cr1_settings import STEPS_PER_DEGREE, Settings
from simulators._trapezoid import Motion, brake, rest, run, travel
from simulators.device import Switch

STEPS_PER_TURN: Final = 200 * 2048 * 120
LARGEST_TARGET: Final = 43 * STEPS_PER_TURN
SWITCH_DEG: Final = -4.0
"""True angle of the home switch; 0 is where the mount homes to with the offset it comes with."""

_CHANNEL: Final = 1
_UPDATE_S: Final = 0.1
_UNACKNOWLEDGED_MOST: Final = 50
_ANNOUNCED_STEP_S: Final = 0.02
_ANNOUNCED_AHEAD_S: Final = 10.0


class K10CR1(APTDevice):
    """K10CR1 with its optic; starts at rest, enabled and not homed.

    :param turned: called with ``(angle, moment)``, the true angle of the optic in degrees from the
        mount's own datum, 0 <= angle < 360; also once at the start. A motion is announced in steps
        ahead of time; later calls replace what was announced for their moment and after.
    :param power_up_angle: true angle at power-up, degrees.
    :param true_direction_bits: True if only the bit of the real direction is set while moving.
    :param serial: serial number, eight digits.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        turned: Callable[[float, float], None],
        power_up_angle: float = 0.0,
        true_direction_bits: bool = False,
        serial: int = 55_000_001,
    ) -> None:
        super().__init__(clock, model="K10CR1", serial=serial, firmware=(1, 0, 3))
        self._turned = turned
        self._true_direction_bits = true_direction_bits
        self._settings = Settings()
        self._counter_zero = power_up_angle * STEPS_PER_DEGREE
        self._optic_held: float | None = None
        self._motion = rest(0)
        self._ending: int | None = None
        self._announcing: int | None = None
        self._updating: int | None = None
        self._unacknowledged = 0
        self._is_homing = self._is_jogging = self._is_homed = False
        self._failed = self._jammed = False
        self._limits = {1: False, -1: False}
        self._announce(clock.now())

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the motor."""
        return self._by_attribute(stuck="jammed")

    @property
    def jammed(self) -> bool:
        """Control whether the motor is blocked: it stops, and reports errors with every move."""
        return self._jammed

    @jammed.setter
    def jammed(self, jammed: bool) -> None:
        self._keep_appointments()
        self._jammed = jammed
        if jammed and self._is_moving():
            self._halt()
            self._failed = True

    @property
    def slipping(self) -> bool:
        """Control whether the optic stays where it is while the motor and its counter go on."""
        return self._optic_held is not None

    @slipping.setter
    def slipping(self, slipping: bool) -> None:
        self._keep_appointments()
        now = self._present()
        here = self._optic(now)
        self._optic_held = here if slipping else None
        self._counter_zero = here - self._motion.position(now)
        self._announce(now)

    @property
    def forward_limit(self) -> bool:
        """Control whether the forward limit switch is made, which ends moves in its direction."""
        return self._limits[1]

    @forward_limit.setter
    def forward_limit(self, made: bool) -> None:
        self._set_limit(1, made)

    @property
    def reverse_limit(self) -> bool:
        """Control whether the reverse limit switch is made, which ends moves in its direction."""
        return self._limits[-1]

    @reverse_limit.setter
    def reverse_limit(self, made: bool) -> None:
        self._set_limit(-1, made)

    def angle_at(self, moment: float) -> float:
        """Return the true angle (degrees, from 0 to below 360) if no command comes before."""
        return (self._optic(moment) / STEPS_PER_DEGREE) % 360 % 360

    def _optic(self, moment: float) -> float:
        held = self._optic_held
        return self._counter_zero + self._motion.position(moment) if held is None else held

    def _begin_anew(self) -> None:
        """Stand where the power went off, not homed; that counts as 0 from now on."""
        super()._begin_anew()
        self._halt()
        self._counter_zero += self._motion.position(self._present())
        self._motion = rest(0)
        self._settings = Settings()
        self._is_homed = self._failed = False
        self._unacknowledged = 0

    def _handle(self, message: Message) -> None:
        if self._settings.set(message):
            return
        if (answer := self._settings.answer(message)) is not None:
            self._tell_data(*answer)
        elif message.code in (Motor.MOVE_RELATIVE, Motor.MOVE_ABSOLUTE):
            self._move(message)
        elif message.data is None:
            self._obey(message.code, message.second)
        elif message.code == Motor.SET_POSITION and len(message.data) == 6:
            self._set_counter(struct.unpack("<Hi", message.data)[1])

    def _obey(self, code: int, value: int) -> None:
        now = self._present()
        match code:
            case Code.MOT_REQ_STATUS_BITS:
                bits = struct.pack("<HI", _CHANNEL, self._status())
                self._tell_data(Code.MOT_GET_STATUS_BITS, bits)
            case Motor.REQ_POSITION:
                self._tell_data(Motor.GET_POSITION, struct.pack("<Hi", _CHANNEL, self._counter()))
            case Motor.REQ_ENCODER:
                self._tell_data(Motor.GET_ENCODER, struct.pack("<Hi", _CHANNEL, 0))
            case Motor.REQ_STATUS_UPDATE | Motor.REQ_U_STATUS_UPDATE:
                self._tell_data(code + 1, self._report())
            case Motor.MOVE_HOME:
                self._home()
            case Motor.MOVE_JOG if value in (1, 2):
                self._jog(1 if value == 1 else -1)
            case Motor.MOVE_VELOCITY if value in (1, 2):
                self._run(1 if value == 1 else -1)
            case Motor.MOVE_STOP if value in (1, 2):
                self._stop(profiled=value == 2)
            case Motor.START_UPDATES:
                self._cancel(self._updating)
                self._unacknowledged = 0
                self._updating = self._appoint(now + _UPDATE_S, self._update)
            case Motor.STOP_UPDATES:
                self._cancel(self._updating)
            case Motor.ACKNOWLEDGE:
                self._unacknowledged = 0

    def _move(self, message: Message) -> None:
        if message.data is None:
            relative, absolute = self._settings.targets()
            number = relative if message.code == Motor.MOVE_RELATIVE else absolute
        elif len(message.data) == 6:
            number = struct.unpack("<Hi", message.data)[1]
        else:
            return
        is_relative = message.code == Motor.MOVE_RELATIVE
        self._go_to(self._counter() + number if is_relative else number)

    def _go_to(self, target: int, *, jogging: bool = False) -> None:
        here = self._counter()
        if abs(target) > LARGEST_TARGET or not self._may_move(1 if target > here else -1):
            return
        speed, acceleration = self._settings.profile(jogging=jogging)
        overshoot = 0 if jogging or target >= here else self._settings.backlash()
        targets = [target - overshoot, target] if overshoot else [target]
        motion = travel(self._present(), here, targets, speed, acceleration)
        self._begin(motion, jogging=jogging)
        self._end_with(Motor.MOVE_COMPLETED)

    def _jog(self, way: int) -> None:
        step = self._settings.jog_step()
        if step is not None:
            self._go_to(self._counter() + way * step, jogging=True)
        else:
            self._run(way, jogging=True)

    def _run(self, way: int, *, jogging: bool = False) -> None:
        """Turn until stopped."""
        if self._may_move(way):
            speed, acceleration = self._settings.profile(jogging=jogging)
            motion = run(self._present(), self._counter(), way * speed, acceleration)
            self._begin(motion, jogging=jogging)

    def _home(self) -> None:
        way, speed, offset = self._settings.homing()
        if not self._may_move(way):
            return
        here = self._counter()
        switch = SWITCH_DEG * STEPS_PER_DEGREE - self._counter_zero
        distance = (way * (switch - here)) % STEPS_PER_TURN
        at_switch = round(here + way * distance)
        targets = [at_switch, at_switch - way * offset]
        _, acceleration = self._settings.profile()
        self._begin(travel(self._present(), here, targets, speed, acceleration))
        self._is_homing, self._is_homed = not self._jammed, False
        if self._is_homing:
            self._ending = self._appoint(self._motion.end, self._end_homing)

    def _may_move(self, way: int) -> bool:
        if self._enabled and self._limits[way]:
            self._halt()
            self._tell_data(Motor.MOVE_STOPPED, self._report())
        return self._enabled and not self._limits[way]

    def _begin(self, motion: Motion, *, jogging: bool = False) -> None:
        """Replace whatever runs by ``motion``, which a jammed motor does not carry out."""
        self._halt()
        self._failed = self._jammed
        if not self._jammed:
            self._motion = motion
            self._is_jogging = jogging
            self._announce(self._present())

    def _stop(self, *, profiled: bool) -> None:
        now = self._present()
        velocity = self._motion.velocity(now)
        self._halt()
        if profiled and velocity:
            _, acceleration = self._settings.profile()
            self._motion = brake(now, self._counter(), velocity, acceleration)
            self._announce(now)
        self._end_with(Motor.MOVE_STOPPED)

    def _halt(self) -> None:
        """End the motion, and the wait for its end, where it is now."""
        self._cancel(self._ending, self._announcing)
        self._is_homing = self._is_jogging = False
        now = self._present()
        counter = self._counter()
        self._counter_zero += round(self._motion.position(now)) - counter
        self._motion = rest(counter)
        self._announce(now)

    def _end_with(self, code: int) -> None:
        if not self._jammed or code == Motor.MOVE_STOPPED:
            moment = max(self._motion.end, self._present())
            self._ending = self._appoint(moment, lambda _: self._end(code))

    def _end(self, code: int) -> None:
        self._is_jogging = False
        self._tell_data(code, self._report())

    def _end_homing(self, _: float) -> None:
        self._counter_zero += self._motion.target
        self._motion = rest(0)
        self._is_homing, self._is_homed = False, True
        self._tell(Motor.MOVE_HOMED, 0)

    def _enable_changed(self) -> None:
        if not self._enabled:
            self._halt()

    def _set_counter(self, position: int) -> None:
        if not self._is_moving():
            self._counter_zero += self._motion.target - position
            self._motion = rest(position)

    def _set_limit(self, way: int, made: bool) -> None:
        self._keep_appointments()
        self._limits[way] = made
        if made and self._motion.velocity(self._present()) * way > 0:
            self._halt()
            self._tell_data(Motor.MOVE_STOPPED, self._report())

    def _present(self) -> float:
        """Return the moment of the appointment that is being kept, or else now."""
        return self.clock.now() if self._acting_at is None else self._acting_at

    def _is_moving(self) -> bool:
        return self._present() < self._motion.end

    def _counter(self) -> int:
        """Return the counter, which overflows as a signed number of 32 bits."""
        steps = round(self._motion.position(self._present()))
        return (steps + 2**31) % 2**32 - 2**31

    def _report(self) -> bytes:
        return struct.pack("<HiiI", _CHANNEL, self._counter(), 0, self._status())

    def _update(self, moment: float) -> None:
        self._tell_data(Motor.GET_STATUS_UPDATE, self._report())
        self._unacknowledged += 1
        if self._unacknowledged < _UNACKNOWLEDGED_MOST:
            self._updating = self._appoint(moment + _UPDATE_S, self._update)

    def _status(self) -> int:
        velocity = self._motion.velocity(self._present())
        moving, told = self._is_moving(), self._true_direction_bits
        forward = moving and (velocity > 0 or not told)
        reverse = moving and (velocity <= 0 or not told)
        bits = {
            Status.FORWARD_LIMIT: self._limits[1],
            Status.REVERSE_LIMIT: self._limits[-1],
            Status.MOVING_FORWARD: forward,
            Status.MOVING_REVERSE: reverse,
            Status.JOGGING_FORWARD: self._is_jogging and told and forward,
            Status.JOGGING_REVERSE: self._is_jogging and reverse,
            Status.CONNECTED: True,
            Status.HOMING: self._is_homing,
            Status.HOMED: self._is_homed,
            Status.MOTION_ERROR: self._failed,
            Status.CURRENT_LIMIT: self._failed,
            Status.ENABLED: self._enabled,
        }
        return sum(bit for bit, is_set in bits.items() if is_set)

    def _announce(self, begin: float) -> None:
        self._cancel(self._announcing)
        end = max(self._motion.end, begin)
        horizon = min(end, begin + _ANNOUNCED_AHEAD_S)
        steps = math.ceil((horizon - begin) / _ANNOUNCED_STEP_S)
        for moment in [begin + step * _ANNOUNCED_STEP_S for step in range(max(steps, 1))]:
            self._turned(self.angle_at(moment), moment)
        if end > begin:
            self._turned(self.angle_at(horizon), horizon)
        if end > horizon:
            self._announcing = self._appoint(horizon, self._announce)

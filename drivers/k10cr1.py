"""Thorlabs K10CR1 motorised rotation mount (USB, virtual COM port).

Messages are those of Thorlabs' *APT Communications Protocol*; framing and retries are described in
``drivers/_apt_instrument.py``. One turn is 200 full steps × 2048 microsteps × a gear of 120 =
49 152 000 microsteps, 136 533.333 in a degree.

The mount has no encoder: the angle is its step counter, which means something only after homing
(:meth:`K10CR1.home`) and does not notice slipping steps. So :meth:`K10CR1.turn_to` refuses to move
before the mount reports itself homed, and :attr:`K10CR1.angle` is NaN until then. Homing is never
started by itself: it sweeps the optic through its angles, so block the beam first.

The end of a movement is taken from the status bits and the step counter, both asked for; the
messages a mount sends of itself (0x0444, 0x0464) only confirm that it has begun. A mount that
stands beside its target is sent there once more (logged; an absolute move is safe to repeat). When
a movement fails or exceeds ``move_timeout`` the stop command is sent before the error goes on.

Checked: the bytes sent against those of the independent encoder of ``thorlabs_apt_device`` 0.3.8
(it has no 0x0429, whose bytes are those of public code); positions and status bits are read as
pylablib's source has them (a reading, not a run). UNVERIFIED on hardware: how long homing and
moving take; whether the status bits lag a command by more than 0.5 s; bit 16 (interlock), which is
not acted upon; whether a motion error or a current limit is cleared by anything but the power.
"""

from __future__ import annotations

import logging
import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Final, NamedTuple

from annotated_types import Interval

from drivers import _apt as apt
from drivers import _bench_advice
from drivers._apt_instrument import CHANNEL, AptInstrument
from drivers._wire import Resource
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
)
from labcool.numbers import real, within

log = logging.getLogger(__name__)

TURN_DEGREES: Final = 360
STEPS_PER_TURN: Final = 200 * 2048 * 120
CHANNEL_AND_POSITION: Final = struct.Struct("<Hi")
STOP: Final = apt.Message(apt.MOT_MOVE_STOP, CHANNEL, 2)
"""Stop with the usual deceleration (1 instead of 2: at once, which can lose steps)."""

PROFILE: Final = struct.Struct("<Hiii")
"""Channel, lowest speed (always 0), acceleration, speed."""
SPEED_SCALE: Final = 53.68
ACCELERATION_SCALE: Final = 1 / 90.9
"""Of what the mount calls speed and acceleration, to microsteps/s and microsteps/s²."""
MOVING: Final = 0xF0
HOMING: Final = 1 << 9
HOMED: Final = 1 << 10
FAULTS: Final = {1 << 14: "motion error", 1 << 24: "current limit reached"}
ENABLED: Final = 1 << 31
POLL_S: Final = 0.05
STARTING_S: Final = 0.5
STOPPING_S: Final = 5.0


class Status(NamedTuple):
    """The status bits of the mount."""

    bits: int

    @property
    def moving(self) -> bool:
        """Get whether it turns, jogs or homes (bool)."""
        return bool(self.bits & (MOVING | HOMING))

    @property
    def homing(self) -> bool:
        """Get whether it searches its home position (bool)."""
        return bool(self.bits & HOMING)

    @property
    def homed(self) -> bool:
        """Get whether it has found its home position since power-on (bool)."""
        return bool(self.bits & HOMED)

    @property
    def faults(self) -> str:
        """Get the faults in words, empty if there is none (str)."""
        return ", ".join(words for bit, words in FAULTS.items() if self.bits & bit)


class K10CR1(AptInstrument):
    """A Thorlabs K10CR1; fills the role RotationMount. Safe state: where it stands.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param move_timeout: longest time a movement or homing may take, s (a turn at 10°/s takes 36).
    :param tolerance: how far from its target the counter may stand, degrees.
    :raises WrongInstrument: if something else than a K10CR1 answers.
    """

    bench_advice = _bench_advice.K10CR1

    def __init__(
        self,
        resource: Resource,
        name: str = "K10CR1",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        move_timeout: Annotated[float, Interval(ge=1.0, le=600.0)] = 60.0,
        tolerance: Annotated[float, Interval(ge=0.0001, le=5.0)] = 0.005,
    ) -> None:
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 1.0, 600.0)
        self._tolerance = within(f"{name} tolerance (degrees)", tolerance, 0.0001, 5.0)
        super().__init__(
            resource,
            name,
            clock=clock or RealClock(),
            visa_library=visa_library,
            model="K10CR1",
            serial_type=55,
        )

    @property
    def resolution(self) -> float:
        """Get the angle of one microstep, degrees."""
        return TURN_DEGREES / STEPS_PER_TURN

    @property
    def position(self) -> int:
        """Get the step counter, microsteps; may be negative or more than a turn (int)."""
        answer = self._ask(apt.MOT_REQ_POSCOUNTER, apt.MOT_GET_POSCOUNTER)
        return int(CHANNEL_AND_POSITION.unpack(answer.data)[1])

    @property
    def angle(self) -> float:
        """Get the angle by the step counter, degrees, 0 <= angle < 360; NaN before homing."""
        if not self.is_homed:
            return math.nan
        return (self.position % STEPS_PER_TURN) * self.resolution

    @property
    def is_homed(self) -> bool:
        """Get whether the mount has found its home position since power-on (bool)."""
        return self.status.homed

    @property
    def status(self) -> Status:
        """Get the status bits."""
        return Status(self.status_bits)

    @property
    def speed(self) -> float:
        """Get the speed at which it turns, as set in the mount, degrees/s."""
        return self._profile()[0]

    @property
    def acceleration(self) -> float:
        """Get the acceleration and deceleration, as set in the mount, degrees/s²."""
        return self._profile()[1]

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the mount reports; ``angle_deg`` is left out before homing."""
        status, position = self.status, self.position
        speed, acceleration = self._profile()
        settings: dict[str, float | int | str | bool] = {
            "homed": status.homed,
            "moving": status.moving,
            "enabled": bool(status.bits & ENABLED),
            "faults": status.faults,
            "position_microsteps": position,
            "speed_deg_per_s": speed,
            "acceleration_deg_per_s2": acceleration,
            "status_bits": f"0x{status.bits:08X}",
        }
        if status.homed:
            settings["angle_deg"] = (position % STEPS_PER_TURN) * self.resolution
        return settings

    def turn_to(self, angle: float) -> None:
        """Turn to ``angle`` and return when the step counter confirms it within the tolerance.

        Block the beam first: angles on the way are passed. The counter never leaves one turn, so
        the way from 350° to 10° leads through 180°.

        :param angle: degrees, 0 <= angle < 360; rounded to the nearest microstep.
        :raises LimitError: outside this range; nothing moves.
        :raises InstrumentRefused: if the mount is not homed (nothing moves), reports a motion
            error or the current limit, or stands elsewhere.
        :raises InstrumentTimeout: if the movement does not end within ``move_timeout``.
        """
        field, allowed = f"{self.name} angle (degrees)", "at least 0 and below 360"
        angle = real(field, angle, allowed)
        if not 0 <= angle < TURN_DEGREES:
            raise LimitError(field, angle, allowed)
        status = self.status
        self._refuse_faults(status)
        if not status.homed:
            raise InstrumentRefused(
                self.name, "the mount is not homed since power-on. Block the beam and call home()."
            )
        target = round(angle / self.resolution) % STEPS_PER_TURN
        with self._stopped_on_failure():
            self._travel(target)
            if (missed_by := self._distance(target)) > self._tolerance:
                log.warning("%s: %.4g° beside %g°. Turning again.", self.name, missed_by, angle)
                self._travel(target)
                missed_by = self._distance(target)
            if missed_by > self._tolerance:
                raise InstrumentRefused(
                    self.name,
                    f"stands {missed_by:.4g}° beside {angle:g}°, more than the tolerance of "
                    f"{self._tolerance:g}°. Check that the optic turns freely.",
                )

    def home(self) -> None:
        """Search the home position; return when the mount reports its end. Block the beam first.

        :raises InstrumentRefused: if the mount reports a motion error or the current limit.
        :raises InstrumentTimeout: if the end is not reported within ``move_timeout``.
        """
        with self._stopped_on_failure():
            self._begin(apt.Message(apt.MOT_MOVE_HOME, CHANNEL))
            begun = False
            deadline = self._clock.now() + self._move_timeout
            while True:
                status = self.status
                self._refuse_faults(status)
                begun = begun or status.homing or apt.MOT_MOVE_HOMED in self._heard
                if begun and status.homed and not status.moving:
                    return
                self._refuse_late(deadline, "homing")

    def stop(self) -> None:
        """Stop a movement with its usual deceleration; return when the mount stands.

        :raises InstrumentTimeout: if it still turns after 5 s.
        """
        self._tell(STOP)
        deadline = self._clock.now() + STOPPING_S
        while self.status.moving:
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name, f"it still turns {STOPPING_S:g} s after the stop command."
                )
            self._clock.sleep(POLL_S)

    def make_safe(self) -> None:
        """Stop a movement, if there is one, and verify that the mount stands.

        The stop command is sent as well if the mount cannot be asked.

        :raises InstrumentTimeout: as :meth:`stop`.
        """
        try:
            status = self.status
        except InstrumentError:
            self._tell(STOP)
            raise
        if status.moving:
            log.warning("%s: stopping a movement.", self.name)
            self.stop()
        if status.faults:
            log.warning("%s: reports %s.", self.name, status.faults)

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        status = self.status
        told = [f"It reports: {status.faults}."] if status.faults else []
        if not status.homed:
            told.append("Not homed since power-on: block the beam, then call home().")
        return tuple(told)

    def shutdown(self) -> None:
        """Stop the mount and release the port, also if that fails; the first time only."""
        self.end_use(self.make_safe)

    def _profile(self) -> tuple[float, float]:
        """Return speed (degrees/s) and acceleration (degrees/s²)."""
        answer = self._ask(apt.MOT_REQ_VELPARAMS, apt.MOT_GET_VELPARAMS)
        _, _, acceleration, speed = PROFILE.unpack(answer.data)
        if min(acceleration, speed) < 0:
            raise GarbledAnswer(self.name, "its speed or acceleration is below 0.")
        return (
            speed / SPEED_SCALE * self.resolution,
            acceleration / ACCELERATION_SCALE * self.resolution,
        )

    def _begin(self, command: apt.Message) -> None:
        """Send a movement, after discarding the news of earlier ones."""
        self.drain()
        self._heard.clear()
        self._tell(command)

    def _travel(self, target: int) -> None:
        """Move to a position (microsteps) and return when the mount stands somewhere."""
        data = CHANNEL_AND_POSITION.pack(CHANNEL, target)
        self._begin(apt.Message(apt.MOT_MOVE_ABSOLUTE, data=data))
        started = self._clock.now()
        begun = False
        while True:
            status = self.status
            self._refuse_faults(status)
            begun = begun or status.moving or apt.MOT_MOVE_COMPLETED in self._heard
            begun = begun or self._clock.now() >= started + STARTING_S
            if not status.moving and (begun or self._distance(target) <= self._tolerance):
                return
            self._refuse_late(started + self._move_timeout, "the movement")

    def _distance(self, target: int) -> float:
        """Return how far the counter stands from a position, degrees."""
        return abs(self.position - target) * self.resolution

    def _refuse_faults(self, status: Status) -> None:
        if status.faults:
            raise InstrumentRefused(
                self.name,
                f"reports {status.faults} (status 0x{status.bits:08X}). Check that the optic turns "
                "freely, then switch the mount off and on, and home it.",
            )

    def _refuse_late(self, deadline: float, what: str) -> None:
        """Wait until it is time to ask again.

        :raises InstrumentTimeout: if the time limit has passed.
        """
        if self._clock.now() >= deadline:
            raise InstrumentTimeout(
                self.name,
                f"{what} has not ended within {self._move_timeout:g} s; the stop command is sent.",
            )
        self._clock.sleep(POLL_S)

    @contextmanager
    def _stopped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            try:
                self.stop()
            except InstrumentError as error:
                log.error("%s", error)
            raise

"""Thorlabs ELL14 rotation mount (Elliptec), as bytes.

Source: Thorlabs "ELLx modules protocol manual" (message list, status codes) and the ELL14
specification (143360 pulses a turn, 430 degrees/s at most). 9600 8N1. A packet is an address
(0 to 9, A to F), two lower-case letters and data of a fixed length in upper-case hexadecimal, with
no terminator; CR and LF between packets are ignored. Answers end with CRLF. Positions are eight
hexadecimal digits, two's complement. A move is answered when it ends, by ``PO`` and the position
read from the encoder, or by ``GS`` and a status.

UNVERIFIED on hardware:

- everything that takes time: how long a move settles, homes or searches, that homing runs at 30 %
  of the full speed, after what time a jammed mount gives up (02);
- that every command but ``gs``, ``gp`` and ``st`` is refused with 09 while the mount moves;
- that ``gs`` tells the last error once and then 00;
- that targets and steps of more than a turn are refused with 04, and that the counter is not
  folded into one turn by relative moves; the refusal with 03 of data that are no digits;
- the answer of ``st`` (here ``PO`` if it ended a move, else ``GS00``) and of ``fw``/``bw`` with a
  jog step of 0, which turn until ``st`` (here ``GS00`` at once);
- buttons: that pressing one is told by ``BS`` and the status 09, its end by ``BO`` and the
  position, that it jogs by the step of ``sj`` (here by 10 degrees if that is 0), and that another
  one is ignored meanwhile;
- the values in ``i1``/``i2``, and the lowest ``sv`` (here 1 %; a real mount stalls below about a
  third). ``s1``/``s2`` do not turn the mount here.

Not simulated, and refused with 03: the other messages of the manual (cleaning, optimising,
isolation, group address, motor periods).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators.device import SimulatedDevice, Switch

PULSES_PER_TURN: Final = 143_360
OK, COMMUNICATION_TIMEOUT, MECHANICAL_TIMEOUT, NOT_SUPPORTED, OUT_OF_RANGE, BUSY = 0, 1, 2, 3, 4, 9

_DATA_LENGTHS: Final = {
    **dict.fromkeys(("in", "gs", "gp", "go", "gj", "gv", "fw", "bw", "st", "us"), 0),
    **dict.fromkeys(("s1", "s2", "i1", "i2"), 0),
    **dict.fromkeys(("ho", "ca"), 1),
    "sv": 2,
    **dict.fromkeys(("ma", "mr", "so", "sj"), 8),
}
_ADDRESSES: Final = "0123456789ABCDEF"
_ANSWER_TIME_S: Final = 0.005
_PACKET_TIMEOUT_S: Final = 2.0
_MECHANICAL_TIMEOUT_S: Final = 2.0
_SETTLING_S: Final = 0.05
_SEARCH_S: Final = 1.0
_FULL_SPEED: Final = 430 / 360 * PULSES_PER_TURN
_HOMING_SPEED: Final = 0.3 * _FULL_SPEED
_ENDLESS_PULSES: Final = 2**30
_BUTTON_PULSES: Final = round(10 / 360 * PULSES_PER_TURN)
_ANNOUNCED_STEP_S: Final = 0.01
_ANNOUNCED_AHEAD_S: Final = 10.0


@dataclass(frozen=True)
class Motion:
    """A motion at constant speed from ``begin`` to ``end`` (pulses) that starts at ``moment``."""

    moment: float
    begin: int
    end: int
    speed: float

    @property
    def duration(self) -> float:
        """Time between the first and the last pulse, s."""
        return abs(self.end - self.begin) / self.speed

    def position(self, moment: float) -> float:
        """Return the position (pulses) at ``moment``."""
        passed = min(max(moment - self.moment, 0.0), self.duration)
        return self.begin + passed * (self.speed if self.end > self.begin else -self.speed)


class ELL14(SimulatedDevice):
    """ELL14 on its bus; the encoder's counter is 0 at power-up wherever the optic stands.

    :param turned: called with ``(angle, moment)``, the true angle of the optic in degrees from the
        mount's own datum, 0 <= angle < 360; also once at the start. A motion is announced in steps
        ahead of time; later calls replace what was announced for their moment and after.
    :param address: bus address, one upper-case hexadecimal digit.
    :param power_up_angle: true angle at power-up, degrees; only homing makes the counter agree.
    :param rng: draws where within ±2 pulses of its target the position loop stops.
    :param serial: serial number, eight digits.
    :raises LimitError: if address or serial number are malformed.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        turned: Callable[[float, float], None],
        address: str = "0",
        power_up_angle: float = 0.0,
        rng: np.random.Generator | None = None,
        serial: str = "11400123",
    ) -> None:
        if len(address) != 1 or address not in _ADDRESSES:
            raise LimitError("address", address, "one digit, 0 to 9 or A to F")
        if not re.fullmatch(r"[0-9]{8}", serial):
            raise LimitError("serial number", serial, "eight digits")
        super().__init__(clock)
        self._turned = turned
        self._address = address
        self._serial = serial
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._counter_zero = round(power_up_angle / 360 * PULSES_PER_TURN)
        self._motion = Motion(clock.now(), 0, 0, _FULL_SPEED)
        self._ending: int | None = None
        self._announcing: int | None = None
        self._speed_percent = 100
        self._jog_step = 0
        self._home_offset = 0
        self._status = OK
        self._jammed = False
        self._inbox = ""
        self._giving_up: int | None = None
        self._announce(clock.now())

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the optic."""
        return self._by_attribute(stuck="jammed")

    @property
    def jammed(self) -> bool:
        """Control whether the optic is blocked: it stops at once, and moves end with status 02."""
        return self._jammed

    @jammed.setter
    def jammed(self, jammed: bool) -> None:
        self._keep_appointments()
        self._jammed = jammed
        if jammed and self._ending is not None:
            self._stand_still()
            moment = self.clock.now() + _MECHANICAL_TIMEOUT_S
            self._ending = self._appoint(moment, self._end_jammed)

    def angle_at(self, moment: float) -> float:
        """Return the true angle (degrees, from 0 to below 360) if no command comes before."""
        pulses = self._counter_zero + self._motion.position(moment)
        return (pulses / PULSES_PER_TURN * 360) % 360 % 360

    def press_button(self, *, forward: bool = True) -> None:
        """Press one of the buttons on the board: it turns, and tells so without being asked."""
        self._keep_appointments()
        if self._ending is not None:
            return
        self._reply("BS", f"{BUSY:02X}")
        step = self._jog_step or _BUTTON_PULSES
        target = self._motion.end + (step if forward else -step)
        self._run(target, self._speed_percent / 100 * _FULL_SPEED, self._end_button)

    def _begin_anew(self) -> None:
        """Stand where the power went off, which counts as 0 from now on."""
        here = round(self._motion.position(self.clock.now()))
        self._counter_zero += here
        self._motion = Motion(self.clock.now(), 0, 0, _FULL_SPEED)
        self._ending = self._announcing = self._giving_up = None
        self._status, self._inbox = OK, ""
        self._announce(self.clock.now())

    def _accept(self, data: bytes) -> None:
        self._cancel(self._giving_up)
        self._inbox += data.decode("latin-1")
        while packet := self._next_packet():
            address, command, parameter = packet
            if address == self._address:
                self._obey(command, parameter)
        if self._inbox:
            self._giving_up = self._appoint(self.clock.now() + _PACKET_TIMEOUT_S, self._give_up)

    def _next_packet(self) -> tuple[str, str, str] | None:
        """Take a packet off the inbox; anything that is no address at its beginning is skipped."""
        self._inbox = re.sub(r"^[^0-9A-F]+", "", self._inbox)
        if len(self._inbox) < 3:
            return None
        address, command = self._inbox[0], self._inbox[1:3]
        length = _DATA_LENGTHS.get(command)
        if length is None:
            self._inbox = self._inbox[3:].lstrip(_ADDRESSES)
            return address, command, ""
        parameter, end, _ = self._inbox[3:].partition("\r")
        if len(parameter) < length and not end:
            return None
        self._inbox = self._inbox[3 + min(length, len(parameter)) :]
        return address, command, parameter[:length]

    def _give_up(self, _: float) -> None:
        ours = self._inbox.startswith(self._address)
        self._inbox = ""
        if ours:
            self._fail(COMMUNICATION_TIMEOUT)

    def _obey(self, command: str, parameter: str) -> None:
        if command not in _DATA_LENGTHS or not self._is_proper(command, parameter):
            self._fail(NOT_SUPPORTED)
        elif self._ending is not None and command not in ("gs", "gp", "st"):
            self._reply("GS", f"{BUSY:02X}")
        elif command in ("ma", "mr", "ho", "fw", "bw", "st", "s1", "s2"):
            self._move(command, parameter)
        elif command in ("so", "sj", "sv", "us", "ca"):
            self._configure(command, parameter)
        else:
            self._tell(command)

    @staticmethod
    def _is_proper(command: str, parameter: str) -> bool:
        if command == "ho":
            return parameter in ("", "0", "1")
        return re.fullmatch(f"[0-9A-F]{{{_DATA_LENGTHS[command]}}}", parameter) is not None

    def _tell(self, command: str) -> None:
        if command == "gs":
            status, self._status = self._status, OK
            self._reply("GS", f"{BUSY if self._ending is not None else status:02X}")
            return
        motor = "10" + "04A1" + "FFFF" * 2 + "00B2" + "00CB"
        word, value = {
            "gp": ("PO", self._digits(round(self._motion.position(self.clock.now())))),
            "go": ("HO", self._digits(self._home_offset)),
            "gj": ("GJ", self._digits(self._jog_step)),
            "gv": ("GV", f"{self._speed_percent:02X}"),
            "in": ("IN", f"0E{self._serial}20231701{360:04X}{PULSES_PER_TURN:08X}"),
            "i1": ("I1", motor),
            "i2": ("I2", motor),
        }[command]
        self._reply(word, value)

    def _configure(self, command: str, parameter: str) -> None:
        number = _signed(parameter) if len(parameter) == 8 else int(parameter or "0", 16)
        if command in ("so", "sj") and abs(number) > PULSES_PER_TURN:
            self._fail(OUT_OF_RANGE)
            return
        if command == "sv" and not 1 <= number <= 100:
            self._fail(OUT_OF_RANGE)
            return
        match command:
            case "so":
                self._home_offset = number
            case "sj":
                self._jog_step = number
            case "sv":
                self._speed_percent = number
            case "ca":
                self._address = parameter
        self._reply("GS", f"{OK:02X}")

    def _move(self, command: str, parameter: str) -> None:
        here = self._motion.end
        match command:
            case "ma" | "mr":
                number = _signed(parameter)
                if abs(number) > PULSES_PER_TURN:
                    self._fail(OUT_OF_RANGE)
                else:
                    self._start(number if command == "ma" else here + number)
            case "fw" | "bw":
                step = self._jog_step or _ENDLESS_PULSES
                if not self._jog_step:
                    self._reply("GS", f"{OK:02X}")
                self._start(here + (step if command == "fw" else -step))
            case "ho":
                self._start_homing(clockwise=parameter != "1")
            case "st":
                self._stop()
            case _:
                moment = self.clock.now() + _SEARCH_S
                self._ending = self._appoint(moment, self._end_search)

    def _start(self, target: int) -> None:
        percent = self._speed_percent / 100
        self._run(target + int(self._rng.integers(-2, 3)), percent * _FULL_SPEED, self._end_move)

    def _start_homing(self, *, clockwise: bool) -> None:
        here = self._motion.end
        way = (self._counter_zero + here - self._home_offset) % PULSES_PER_TURN
        miss = int(self._rng.integers(-2, 3))
        target = here - way if clockwise else here + (PULSES_PER_TURN - way)
        self._run(target + miss, _HOMING_SPEED, lambda moment: self._end_homing(moment, miss))

    def _run(self, target: int, speed: float, end: Callable[[float], None]) -> None:
        now = self.clock.now()
        if self._jammed:
            self._ending = self._appoint(now + _MECHANICAL_TIMEOUT_S, self._end_jammed)
            return
        self._motion = Motion(now, self._motion.end, target, speed)
        self._ending = self._appoint(now + self._motion.duration + _SETTLING_S, end)
        self._announce(now)

    def _stop(self) -> None:
        if self._ending is None:
            self._reply("GS", f"{OK:02X}")
            return
        self._stand_still()
        self._end_move(self.clock.now())

    def _stand_still(self) -> None:
        """End the motion, and the wait for its end, where the optic is now."""
        self._cancel(self._ending, self._announcing)
        self._ending = None
        now = self.clock.now()
        here = round(self._motion.position(now))
        self._motion = Motion(now, here, here, _FULL_SPEED)
        self._announce(now)

    def _announce(self, begin: float) -> None:
        end = self._motion.moment + self._motion.duration
        horizon = min(end, begin + _ANNOUNCED_AHEAD_S)
        steps = int((horizon - begin) / _ANNOUNCED_STEP_S)
        for moment in [begin + step * _ANNOUNCED_STEP_S for step in range(steps + 1)]:
            self._turned(self.angle_at(moment), moment)
        if end > begin:
            self._turned(self.angle_at(horizon), horizon)
        if end > horizon:
            self._announcing = self._appoint(horizon, self._announce)

    def _end_move(self, _: float) -> None:
        self._ending = None
        self._reply("PO", self._digits(self._motion.end))

    def _end_button(self, _: float) -> None:
        self._ending = None
        self._reply("BO", self._digits(self._motion.end))

    def _end_homing(self, moment: float, miss: int) -> None:
        self._counter_zero += self._motion.end - miss
        self._motion = Motion(moment, miss, miss, _FULL_SPEED)
        self._end_move(moment)

    def _end_search(self, _: float) -> None:
        self._ending = None
        self._reply("GS", f"{OK:02X}")

    def _end_jammed(self, _: float) -> None:
        self._ending = None
        self._fail(MECHANICAL_TIMEOUT)

    def _fail(self, status: int) -> None:
        self._status = status
        self._reply("GS", f"{status:02X}")

    def _reply(self, word: str, data: str) -> None:
        self._send(f"{self._address}{word}{data}\r\n".encode(), _ANSWER_TIME_S)

    @staticmethod
    def _digits(pulses: int) -> str:
        return f"{pulses & 0xFFFFFFFF:08X}"


def _signed(digits: str) -> int:
    return int.from_bytes(bytes.fromhex(digits), "big", signed=True)

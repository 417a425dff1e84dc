"""Thorlabs ELL14 rotation mount (Elliptec bus, 9600 8N1).

A command is the mount's address (one hexadecimal digit), two lower-case letters and upper-case
hexadecimal data, without a terminator; an answer has upper-case letters and ends with CRLF.
Positions are 32-bit two's complement in eight digits. Commands, answers and status codes are those
of Thorlabs' *ELLx modules protocol manual*.

A move is answered by ``PO`` and the final position, or by ``GS`` and a status. Status 09 (busy)
is followed by asking ``gs`` until the mount stands and then ``gp``. Button events (``BS``, ``BO``),
a late ``PO`` and answers of other addresses are logged and passed over.

What an exchange that never ended left on the line is discarded before the next.
Retries, each logged as a warning: a question with a broken or missing answer is asked once more; a
mount that stands beside its target is sent there once more (an absolute move is safe to repeat).

The optic passes every transmission between two angles: block the beam while the mount turns. That
is the duty of whoever combines shutter and mount, not of this class.

Checked against the protocol manual's examples (45° is 0x4600 of 0x23000 pulses) and identity
answers that public code reports from real mounts. UNVERIFIED on hardware: how long a move takes
(``move_timeout``), how far from its target a healthy mount stops (``tolerance``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple, get_args

from annotated_types import Interval
from pymeasure.instruments import Instrument

from drivers import _bench_advice
from drivers._wire import Resource, WiredInstrument, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.numbers import real, within

log = logging.getLogger(__name__)

Address = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "E", "F"]

MODELS: Final = {0x0E: "ELL14", 0x12: "ELL18"}
TURN_DEGREES: Final = 360
ANSWER_TIMEOUT_S: Final = 1.0
POLL_S: Final = 0.05
OK: Final = 0
BUSY: Final = 9
STATUS: Final = (
    "ok",
    "communication time-out",
    "mechanical time-out",
    "command not supported",
    "value out of range",
    "module isolated",
    "module out of isolation",
    "initialisation error",
    "thermal error",
    "busy",
    "sensor error",
    "motor error",
    "out of range",
    "over-current",
)
LINE: Final = re.compile(rb"(?P<address>[0-9A-F])(?P<kind>[A-Z]{2})(?P<data>[0-9A-Z]*)\r\n")
DATA: Final = {
    **dict.fromkeys(("GS", "GV"), "[0-9A-F]{2}"),
    **dict.fromkeys(("PO", "HO"), "[0-9A-F]{8}"),
    "IN": "[0-9A-Z]{30}",
}
UNSOLICITED: Final = ("BS", "BO", "PO")
INFORMATION: Final = re.compile(
    r"(?P<type>[0-9A-F]{2})(?P<serial>[0-9A-Z]{8})(?P<year>\d{4})(?P<firmware>[0-9A-F]{2})"
    r"(?P<thread>[0-9A-F]{2})(?P<travel>[0-9A-F]{4})(?P<pulses>[0-9A-F]{8})"
)


def to_hex(pulses: int) -> str:
    """Return a position as eight upper-case digits, two's complement.

    :param pulses: from -2³¹ to 2³¹ - 1.
    :raises LimitError: outside this range.
    """
    if not -(2**31) <= pulses < 2**31:
        raise LimitError("position (pulses)", pulses, "from -2**31 to 2**31 - 1")
    return f"{pulses % 2**32:08X}"


def from_hex(digits: str) -> int:
    """Return the position that eight digits of two's complement stand for, pulses."""
    return int.from_bytes(bytes.fromhex(digits), "big", signed=True)


class Message(NamedTuple):
    """One answer: its two letters and what follows them."""

    kind: str
    data: str


class Information(NamedTuple):
    """What ``in`` says of a mount."""

    model: str
    serial: str
    year: int
    firmware: str
    imperial_thread: bool
    pulses_per_turn: int


def status_words(code: int) -> str:
    """Return the meaning of a status code, as in the protocol manual."""
    return STATUS[code] if code < len(STATUS) else f"reserved status {code}"


class ELL14(WiredInstrument, Instrument):
    """A Thorlabs ELL14 (or ELL18) rotation mount. Safe state: where it stands.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param address: the mount's address on the bus, one digit 0 to F.
    :param move_timeout: longest time a movement may take, s.
    :param tolerance: how far from its target the mount may stand, degrees; the default is seven
        pulses of an ELL14.
    :raises WrongInstrument: if something else than such a mount answers.
    """

    bench_advice = _bench_advice.ELL14

    def __init__(
        self,
        resource: Resource,
        name: str = "ELL14",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        address: Address = "0",
        move_timeout: Annotated[float, Interval(ge=0.1, le=120.0)] = 10.0,
        tolerance: Annotated[float, Interval(ge=0.003, le=5.0)] = 0.02,
    ) -> None:
        if address not in get_args(Address):
            raise LimitError(f"{name} address", address, "one upper-case digit, 0 to F")
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 0.1, 120.0)
        self._tolerance = within(f"{name} tolerance (degrees)", tolerance, 0.003, 5.0)
        self._address = address
        self._clock = clock or RealClock()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="",
            read_termination="\r\n",
            timeout=ANSWER_TIMEOUT_S * 1000,
            asrl={"baud_rate": 9600},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            self._information = self._read_information()

    @property
    def identity(self) -> str:
        """Get maker, model, serial number, year and firmware as read on connecting (str)."""
        mount = self._information
        return (
            f"Thorlabs {mount.model}{'' if mount.imperial_thread else '/M'}, serial number "
            f"{mount.serial}, made {mount.year}, firmware {mount.firmware}"
        )

    @property
    def resolution(self) -> float:
        """Get the angle of one encoder pulse, degrees."""
        return TURN_DEGREES / self.pulses_per_turn

    @property
    def pulses_per_turn(self) -> int:
        """Get the number of encoder pulses in one turn, as the mount gave it (int)."""
        return self._information.pulses_per_turn

    @property
    def position(self) -> int:
        """Get the encoder's position, pulses; may be negative or more than a turn (int)."""
        return from_hex(self._setting("gp", "PO"))

    @property
    def angle(self) -> float:
        """Get the angle read back from the encoder, degrees, 0 <= angle < 360."""
        return (self.position % self.pulses_per_turn) * self.resolution

    @property
    def status(self) -> int:
        """Get the status code (int), 0 if all is well; reading it clears an error."""
        return int(self._ask("gs", "GS").data, 16)

    @property
    def speed(self) -> int:
        """Get the speed, % of the fastest (int).

        :raises InstrumentRefused: if this mount does not tell.
        """
        if (percent := int(self._setting("gv", "GV"), 16)) > 100:
            raise GarbledAnswer(self.name, f"'gv' was answered by {percent} %.")
        return percent

    @property
    def home_offset(self) -> float:
        """Get how far from its mechanical zero the mount has its home position, degrees.

        :raises InstrumentRefused: if this mount does not tell.
        """
        return from_hex(self._setting("go", "HO")) * self.resolution

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the mount reports: angle, status, speed, home offset, turn, and address.

        What it does not tell (older firmware) is left out.
        """
        told: dict[str, float | int | str | bool] = {}
        try:
            told["speed_percent"] = self.speed
            told["home_offset_deg"] = self.home_offset
        except InstrumentRefused as error:
            log.info("%s Left out.", error)
        return {
            **told,
            "angle_deg": self.angle,
            "status": status_words(self.status),
            "pulses_per_turn": self.pulses_per_turn,
            "address": self._address,
        }

    def turn_to(self, angle: float) -> None:
        """Turn to ``angle`` and return when the encoder confirms it within the tolerance.

        Block the beam first: every angle on the way is passed.

        :param angle: degrees, 0 <= angle < 360; rounded to the nearest pulse.
        :raises LimitError: outside this range; nothing moves.
        :raises InstrumentRefused: if the mount reports a fault, or stands elsewhere.
        :raises InstrumentTimeout: if the movement does not end within ``move_timeout``.
        """
        field, allowed = f"{self.name} angle (degrees)", "at least 0 and below 360"
        angle = real(field, angle, allowed)
        if not 0 <= angle < TURN_DEGREES:
            raise LimitError(field, angle, allowed)
        target = round(angle / self.resolution) % self.pulses_per_turn
        command = "ma" + to_hex(target)
        missed_by = self._distance(self._travel(command), target)
        if missed_by > self._tolerance:
            log.warning("%s: stands %.4g° beside %g°. Turning again.", self.name, missed_by, angle)
            missed_by = self._distance(self._travel(command), target)
        if missed_by > self._tolerance:
            raise InstrumentRefused(
                self.name,
                f"stands {missed_by:.4g}° beside {angle:g}°, more than the tolerance of "
                f"{self._tolerance:g}°. Check that the optic turns freely.",
            )

    def home(self) -> None:
        """Search the home position; return when the mount reports its end. Block the beam first.

        :raises InstrumentRefused, InstrumentTimeout: as :meth:`turn_to`.
        """
        self._travel("ho0")

    def make_safe(self) -> None:
        """Wait until the mount stands still; it moves nothing.

        :raises InstrumentTimeout: if it still turns after ``move_timeout``.
        """
        status = self._standing_status()
        if status != OK:
            log.warning("%s: stands, with status %r.", self.name, status_words(status))

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        status = self.status
        return () if status == OK else (f"It reports: {status_words(status)}.",)

    def shutdown(self) -> None:
        """Wait until the mount stands and release the port, also if that fails; once only."""
        self.end_use(self.make_safe)

    def _setting(self, question: str, kind: str) -> str:
        answer = self._ask(question, kind, "GS")
        if answer.kind == "GS":
            raise self._refusal(int(answer.data, 16))
        return answer.data

    def _read_information(self) -> Information:
        answer = self._ask("in", "IN").data
        parts = INFORMATION.fullmatch(answer)
        if parts is None:
            raise GarbledAnswer(self.name, f"'in' was answered by {answer!r}.")
        model = MODELS.get(int(parts["type"], 16))
        travel, pulses = int(parts["travel"], 16), int(parts["pulses"], 16)
        if model is None or travel != TURN_DEGREES or pulses == 0:
            raise WrongInstrument(
                self.name,
                f"an ELL{int(parts['type'], 16)} with a travel of {travel} in {pulses} pulses "
                "answers here, not an ELL14 or ELL18.",
            )
        imperial = bool(int(parts["thread"], 16) & 0x80)
        return Information(
            model, parts["serial"], int(parts["year"]), parts["firmware"], imperial, pulses
        )

    def _travel(self, command: str) -> int:
        """Send a movement, wait for its end and return the position, pulses."""
        answer = self._exchange(command, self._move_timeout, "PO", "GS")
        if answer.kind == "PO":
            return from_hex(answer.data)
        status = int(answer.data, 16)
        if status == BUSY:
            log.info("%s: busy; waiting until it stands.", self.name)
            status = self._standing_status()
            self.drain()
        if status != OK:
            raise self._refusal(status)
        return self.position

    def _standing_status(self) -> int:
        deadline = self._clock.now() + self._move_timeout
        while (status := self.status) == BUSY:
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name, f"still busy after {self._move_timeout:g} s. Is it blocked?"
                )
            self._clock.sleep(POLL_S)
        return status

    def _distance(self, position: int, target: int) -> float:
        """Return the shorter way between two positions, degrees."""
        apart = (position - target) % self.pulses_per_turn
        return min(apart, self.pulses_per_turn - apart) * self.resolution

    def _refusal(self, status: int) -> InstrumentRefused:
        return InstrumentRefused(self.name, f"reports {status_words(status)!r} ({status:02X}).")

    def _ask(self, command: str, *kinds: str) -> Message:
        def question() -> Message:
            return self._exchange(command, ANSWER_TIMEOUT_S, *kinds)

        return self.ask_twice(question, self._clock)

    def _exchange(self, command: str, limit: float, *kinds: str) -> Message:
        self.start_exchange()
        self.write(self._address + command)
        answer = self._receive(limit, *kinds)
        self._mind_surplus(kinds)
        self._unfinished = False
        return answer

    def _mind_surplus(self, kinds: tuple[str, ...]) -> None:
        """Pass over what came behind an answer: buttons, other addresses, the end of a move.

        :raises GarbledAnswer: if it could be the answer itself.
        """
        surplus = self.take_surplus()
        for line in surplus.splitlines(keepends=True):
            parts = LINE.fullmatch(line)
            mine = parts is None or parts["address"].decode() == self._address
            if mine and (parts is None or parts["kind"].decode() in kinds):
                raise GarbledAnswer(self.name, f"more came than one answer: {surplus!r} too.")
            log.info("%s: passed over %r.", self.name, line)

    def _receive(self, limit: float, *kinds: str) -> Message:
        """Return the next answer of this mount that is of one of these kinds.

        :param limit: longest waiting time, s.
        """
        deadline = self._clock.now() + limit
        while True:
            message = self._next_message()
            if message is not None and message.kind in kinds:
                return message
            if message is not None and message.kind not in UNSOLICITED:
                raise GarbledAnswer(self.name, f"{message} is no answer to what was asked.")
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name,
                    f"no {' or '.join(kinds)} from address {self._address} within {limit:g} s. "
                    "Check power, cable and address.",
                )

    def _next_message(self) -> Message | None:
        """Return what this mount sends next, None if that is nothing or not from this mount."""
        try:
            line = self.read_until(b"\r\n")
        except InstrumentTimeout:
            return None
        parts = LINE.fullmatch(line)
        if parts is None:
            raise GarbledAnswer(self.name, f"{line!r} is not an answer of an Elliptec module.")
        message = Message(parts["kind"].decode(), parts["data"].decode())
        if parts["address"].decode() != self._address:
            log.debug("%s: passed over %r of another address.", self.name, line)
            return None
        if not re.fullmatch(DATA.get(message.kind, ".*"), message.data):
            raise GarbledAnswer(self.name, f"{line!r} has data of a wrong form.")
        if message.kind in ("BS", "BO"):
            log.info("%s: a button was pressed (%r).", self.name, line)
        return message

"""A Thorlabs controller that speaks APT over its virtual COM port (115200 8N1, RTS/CTS).

Questions are answered by one message; commands are not answered, or much later. What a controller
sends of itself (the end of a move, status updates) is noted and passed over; a fault message is
raised as :class:`~labcool.errors.InstrumentRefused`.

A broken stream is brought back into step by the message headers (logged); a question whose answer
is broken or missing is asked once more (logged). An answer does not tell to which question it
belongs, so after a missing one the controller is first asked for its hardware information: whatever
comes before that is late and passed over. Commands are never repeated here, and are sent even while
the answers are out of step.
"""

from __future__ import annotations

import logging
import struct
from typing import Final, NamedTuple

from pymeasure.instruments import Instrument
from pyvisa.constants import ControlFlow

from drivers import _apt as apt
from drivers._wire import Resource, WiredInstrument, connect, released_on_failure
from labcool.clock import Clock
from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    WrongInstrument,
)

log = logging.getLogger(__name__)

CHANNEL: Final = 1
READ_TIMEOUT_S: Final = 0.5
ANSWER_TIMEOUT_S: Final = 1.0
MOST_MESSAGES: Final = 64
MOST_STRAY_BYTES: Final = 512
SERIALS_PER_TYPE: Final = 1_000_000
INFORMATION: Final = struct.Struct("<I8sH4B")
CHANNEL_AND_BITS: Final = struct.Struct("<HI")
RICH_RESPONSE: Final = struct.Struct("<HH64s")


class Hardware(NamedTuple):
    """What a controller says of itself."""

    model: str
    serial: int
    firmware: str


class AptInstrument(WiredInstrument, Instrument):
    """Base of the drivers of APT controllers with one channel.

    :param model: model name that the controller must give.
    :param serial_type: first two digits of its serial numbers.
    :raises WrongInstrument: if another model answers.
    """

    def __init__(
        self,
        resource: Resource,
        name: str,
        *,
        clock: Clock,
        visa_library: str,
        model: str,
        serial_type: int,
    ) -> None:
        self._clock = clock
        self._framer = apt.Framer()
        self._heard: set[int] = set()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="",
            read_termination="",
            timeout=READ_TIMEOUT_S * 1000,
            asrl={"baud_rate": 115200, "flow_control": ControlFlow.rts_cts},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            self.drain()
            self._hardware = self.ask_twice(self._meet, self._clock)
            self._require(model, serial_type)

    @property
    def identity(self) -> str:
        """Get maker, model, serial number and firmware as read on connecting (str)."""
        model, serial, firmware = self._hardware
        return f"Thorlabs {model}, serial number {serial}, firmware {firmware}"

    @property
    def status_bits(self) -> int:
        """Get the 32 status bits of the channel (int)."""
        answer = self._ask(apt.MOT_REQ_STATUSBITS, apt.MOT_GET_STATUSBITS)
        return int(CHANNEL_AND_BITS.unpack(answer.data)[1])

    def drain(self) -> None:
        """Discard whatever has arrived, a message that has begun included."""
        super().drain()
        self._framer.clear()

    def start_exchange(self) -> None:
        """Get back in step if the last exchange never ended; call before asking."""
        if self._unfinished:
            self.resynchronise(self._clock)
        self._hear_arrived()
        self._unfinished = True

    def resynchronise(self, clock: Clock) -> None:
        """Wait for the rest of a broken answer, and pass over all that is late.

        :raises GarbledAnswer, InstrumentTimeout: if the controller does not answer.
        """
        super().resynchronise(clock)
        self._meet()

    def _meet(self) -> Hardware:
        """Ask for the hardware information, and pass over everything that comes before it."""
        self._unfinished = True
        self.write_bytes(apt.pack(apt.Message(apt.HW_REQ_INFO)))
        data = self._receive(apt.HW_GET_INFO).data
        self._hear_arrived()
        self._unfinished = False
        serial, model, _, minor, interim, major, _ = INFORMATION.unpack_from(data)
        text = model.split(b"\0")[0].decode("ascii", "replace").strip()
        return Hardware(text, serial, f"{major}.{interim}.{minor}")

    def _require(self, model: str, serial_type: int) -> None:
        found = self._hardware
        if found.model != model or found.serial // SERIALS_PER_TYPE != serial_type:
            raise WrongInstrument(
                self.name,
                f"a {found.model!r} with serial number {found.serial} answers here, not a {model} "
                f"({serial_type}…).",
            )

    def _tell(self, message: apt.Message) -> None:
        """Send a command that is not answered at once."""
        self.write_bytes(apt.pack(message))

    def _ask(self, request: int, answer: int) -> apt.Message:
        """Send a header-only question and return its answer, which must be of the channel."""

        def question() -> apt.Message:
            self.start_exchange()
            self.write_bytes(apt.pack(apt.Message(request, CHANNEL)))
            received = self._receive(answer)
            if _channel_of(received) != CHANNEL:
                raise GarbledAnswer(self.name, f"{received} is not of channel {CHANNEL}.")
            skipped_before = self._framer.skipped
            if answer in self._hear_arrived():
                raise GarbledAnswer(self.name, f"0x{answer:04X} came more than once.")
            if self._framer.skipped > skipped_before or not self._framer.begins_message:
                # A byte too many within the data leaves the last one over.
                raise GarbledAnswer(self.name, f"stray bytes came behind {received}.")
            self._unfinished = False
            return received

        return self.ask_twice(question, self._clock)

    def _receive(self, wanted: int) -> apt.Message:
        """Return the next message of this kind; note and pass over the others."""
        deadline = self._clock.now() + ANSWER_TIMEOUT_S
        for _ in range(MOST_MESSAGES):
            message = self._next_message(deadline)
            if message.id == wanted:
                return message
            self._note(message)
        raise GarbledAnswer(self.name, f"{MOST_MESSAGES} messages, but no 0x{wanted:04X}.")

    def _hear_arrived(self) -> set[int]:
        """Note and pass over what has arrived by now; return the kinds of messages."""
        skipped_before = self._framer.skipped
        messages = self._framer.feed(self.take_surplus())
        for message in messages:
            self._note(message)
        if stray := self._framer.skipped - skipped_before:
            log.warning("%s: %d stray bytes.", self.name, stray)
        return {message.id for message in messages}

    def _next_message(self, deadline: float) -> apt.Message:
        skipped_before = self._framer.skipped
        while True:
            messages = self._framer.feed(self.read_bytes(self._framer.wanting))
            stray = self._framer.skipped - skipped_before
            if messages:
                if stray:
                    log.warning("%s: %d stray bytes before %s.", self.name, stray, messages[0])
                return messages[0]
            if stray > MOST_STRAY_BYTES:
                raise GarbledAnswer(self.name, f"no APT message in {stray} bytes.")
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(self.name, f"no answer within {ANSWER_TIMEOUT_S:g} s.")

    def _note(self, message: apt.Message) -> None:
        if message.id == apt.HW_DISCONNECT:
            raise InstrumentDisconnected(self.name, "the controller says that it disconnects.")
        if message.id == apt.HW_RESPONSE:
            raise InstrumentRefused(self.name, "the controller reports a fault.")
        if message.id == apt.HW_RICHRESPONSE:
            about, code, notes = RICH_RESPONSE.unpack(message.data)
            words = notes.split(b"\0")[0].decode("ascii", "replace")
            raise InstrumentRefused(
                self.name,
                f"the controller reports fault {code} (message 0x{about:04X}): {words!r}.",
            )
        expected = message.id in apt.UNASKED
        log.log(
            logging.DEBUG if expected else logging.WARNING,
            "%s: passed over %s.",
            self.name,
            message,
        )
        self._heard.add(message.id)


def _channel_of(message: apt.Message) -> int:
    if message.data:
        return int.from_bytes(message.data[:2], "little")
    return message.first

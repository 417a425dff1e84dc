from __future__ import annotations

import logging
from typing import Any, get_type_hints

import pytest
from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument
from pymeasure.instruments.validators import strict_range
from pyvisa.constants import StatusCode
from pyvisa.errors import InvalidSession, VisaIOError

from drivers._wire import WiredInstrument, connect, released_on_failure, wire_errors
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
)


class Tape(Adapter):
    """Plays bytes from a tape; a read beyond its end times out."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__()
        self.content = content
        self.written = b""
        self.closed = 0
        self.drained = 0

    def _write(self, command: str, **_: Any) -> None:
        self.written += command.encode()

    def _write_bytes(self, content: bytes, **_: Any) -> None:
        self.written += content

    def _read(self, **_: Any) -> str:
        taken, self.content = self.content, b""
        return taken.decode("ascii")

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:
        if not self.content:
            raise VisaIOError(StatusCode.error_timeout)
        taken, self.content = self.content[:count], self.content[count:]
        return taken

    def flush_read_buffer(self) -> None:
        self.content = b""
        self.drained += 1

    def close(self) -> None:
        self.closed += 1


class Thing(WiredInstrument, Instrument):
    def __init__(self, tape: Tape, clock: VirtualClock | None = None) -> None:
        self._clock = clock or VirtualClock()
        super().__init__(tape, "thing", includeSCPI=False)


class SlowTape(Tape):
    """A tape whose bytes come one by one, each just within the time-out."""

    def __init__(self, content: bytes, clock: VirtualClock) -> None:
        super().__init__(content)
        self.clock = clock

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:
        self.clock.sleep(0.4)
        return super()._read_bytes(count)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (VisaIOError(StatusCode.error_timeout), InstrumentTimeout),
        (VisaIOError(StatusCode.error_connection_lost), InstrumentDisconnected),
        (InvalidSession(), InstrumentDisconnected),
        (OSError("cable pulled"), InstrumentDisconnected),
        (UnicodeDecodeError("ascii", b"\xff", 0, 1, "no"), GarbledAnswer),
    ],
)
def test_what_the_transport_raises_becomes_an_error_with_the_name(
    raised: Exception, expected: type[InstrumentError]
) -> None:
    with pytest.raises(expected, match=r"^pump: ") as caught, wire_errors("pump"):
        raise raised
    assert caught.value.__cause__ is raised


def test_a_port_that_does_not_exist_is_named() -> None:
    with pytest.raises(InstrumentDisconnected, match=r"^pump: cannot open ASRL/dev/no-such-port"):
        connect("ASRL/dev/no-such-port::INSTR", "pump", visa_library="@py")


def test_a_link_that_cannot_be_opened_is_disconnected() -> None:
    class Broken:
        def open(self, **settings: Any) -> Adapter:
            raise ConnectionRefusedError("nobody listens")

    with pytest.raises(InstrumentDisconnected, match=r"^pump: .*nobody listens"):
        connect(Broken(), "pump")


def test_a_port_that_cannot_have_the_data_bits_is_disconnected() -> None:
    termios = pytest.importorskip("termios")

    class Terminal:
        def open(self, **settings: Any) -> Adapter:
            raise termios.error(22, "Invalid argument")

    with pytest.raises(InstrumentDisconnected, match=r"^pump: .*Invalid argument"):
        connect(Terminal(), "pump")


def test_an_open_adapter_is_used_as_it_is() -> None:
    tape = Tape()
    assert connect(tape, "pump") is tape


def test_read_until_stops_at_the_end_mark_and_leaves_the_rest() -> None:
    thing = Thing(Tape(b"one> two> "))
    assert thing.read_until(b"> ") == b"one> "
    assert thing.read_until(b"> ") == b"two> "


def test_read_until_gives_up_on_a_babbling_line() -> None:
    with pytest.raises(GarbledAnswer, match="no end of the answer"):
        Thing(Tape(b"x" * 300)).read_until(b"\r")


def test_read_until_gives_up_on_bytes_that_trickle_in() -> None:
    clock = VirtualClock()
    with pytest.raises(InstrumentTimeout, match="too slow"):
        Thing(SlowTape(b"7" * 200, clock), clock).read_until(b"\r")
    assert clock.now() < 3.0


def test_a_short_read_is_a_timeout_that_shows_what_came() -> None:
    with pytest.raises(InstrumentTimeout, match=r"only 2 of 4 bytes came: b'ab'"):
        Thing(Tape(b"ab")).read_bytes(4)


def test_the_port_is_closed_when_connecting_fails_and_only_then() -> None:
    tape = Tape()
    with released_on_failure(tape):
        pass
    assert tape.closed == 0
    with pytest.raises(KeyboardInterrupt), released_on_failure(tape):
        raise KeyboardInterrupt
    assert tape.closed == 1


def test_a_broken_answer_is_asked_for_once_more_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    thing, clock = Thing(tape := Tape(b"late rest")), VirtualClock()
    answers: list[str | Exception] = [GarbledAnswer("thing", "what?"), "yes"]

    def question() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with caplog.at_level(logging.WARNING):
        assert thing.ask_twice(question, clock) == "yes"
    assert tape.content == b""
    assert clock.now() > 0
    assert caplog.messages == ["thing: what? Asking once more."]


def test_a_second_broken_answer_and_a_refusal_are_not_repeated() -> None:
    asked = []

    def always(error: InstrumentError) -> str:
        asked.append(error)
        raise error

    thing = Thing(Tape())
    with pytest.raises(InstrumentTimeout):
        thing.ask_twice(lambda: always(InstrumentTimeout("thing", "none")), VirtualClock())
    assert len(asked) == 2
    with pytest.raises(InstrumentRefused):
        thing.ask_twice(lambda: always(InstrumentRefused("thing", "no")), VirtualClock())
    assert len(asked) == 3


def test_only_an_exchange_after_an_unfinished_one_drains() -> None:
    thing = Thing(tape := Tape())
    thing.start_exchange()
    assert tape.drained == 1
    thing.end_exchange()
    thing.start_exchange()
    assert tape.drained == 1
    thing.start_exchange()
    assert tape.drained == 2


def test_the_port_is_released_once_even_if_making_safe_fails() -> None:
    thing = Thing(tape := Tape())

    def fails() -> None:
        raise InstrumentTimeout("thing", "silent")

    with pytest.raises(InstrumentTimeout):
        thing.end_use(fails)
    assert tape.closed == 1
    thing.end_use(fails)
    assert tape.closed == 1


def test_a_drivers_annotations_can_be_evaluated_in_its_own_module() -> None:
    from drivers.sc10 import SC10

    hints = get_type_hints(SC10.__init__)
    assert Adapter in hints["resource"].__args__


def test_dynamic_properties_of_pymeasure_work_as_without_us() -> None:
    class Adjustable(Thing):
        level = Instrument.setting("L%g;", "", strict_range, (0, 1), dynamic=True)

    tape = Tape()
    thing = Adjustable(tape)
    with pytest.raises(ValueError, match="not in range"):
        thing.level = 3
    thing.level_values = (0, 5)
    thing.level = 3
    assert tape.written == b"L3;"
    with pytest.raises(AttributeError):
        _ = thing.level_values

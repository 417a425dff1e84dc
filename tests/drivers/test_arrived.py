"""What lies on a port that nobody waits for, and a socket whose other end has gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from pymeasure.adapters import Adapter, VISAAdapter
from pymeasure.instruments import Instrument

from drivers._arrived import discard_until_quiet, is_socket, take_arrived
from drivers._wire import WiredInstrument
from labcool.errors import GarbledAnswer, InstrumentDisconnected


class Thing(WiredInstrument, Instrument):
    def __init__(self, adapter: Adapter) -> None:
        super().__init__(adapter, "thing", includeSCPI=False)


@pytest.fixture
def ends() -> Iterator[tuple[Thing, socket.socket]]:
    """Yield an instrument on a socket, and the other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        adapter = VISAAdapter(
            f"TCPIP::127.0.0.1::{port}::SOCKET",
            visa_library="@py",
            read_termination="\n",
            timeout=500,
        )
        other, _ = listener.accept()
        with other:
            yield Thing(adapter), other
        adapter.close()


def send(end: socket.socket, thing: Thing, data: bytes) -> None:
    """Send and return once it has arrived, without taking it."""
    end.sendall(data)
    connection = thing.adapter.connection
    session = connection.visalib.sessions[connection.session]
    session.interface.recv(len(data), socket.MSG_PEEK | socket.MSG_WAITALL)


def test_what_has_arrived_is_taken_once_and_without_waiting(
    ends: tuple[Thing, socket.socket],
) -> None:
    thing, other = ends
    assert is_socket(thing.adapter)
    assert take_arrived(thing.adapter) == b""
    send(other, thing, b"one\ntwo\n")
    assert thing.read() == "one"
    assert take_arrived(thing.adapter) == b"two\n"
    assert take_arrived(thing.adapter) == b""


def test_an_exchange_that_has_two_answers_is_not_in_order(
    ends: tuple[Thing, socket.socket],
) -> None:
    thing, other = ends
    thing.start_exchange()
    send(other, thing, b"one\none\n")
    assert thing.read() == "one"
    with pytest.raises(GarbledAnswer, match=r"^thing: more came than one answer: b'one\\n'"):
        thing.end_exchange()
    thing.end_exchange()


def test_what_nobody_asked_for_is_discarded_before_the_next_question(
    ends: tuple[Thing, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    thing, other = ends
    thing.end_exchange()
    send(other, thing, b"hello\n")
    thing.start_exchange()
    assert caplog.messages == ["thing: discarded b'hello\\n', which nobody had asked for."]
    assert take_arrived(thing.adapter) == b""


def test_discarding_ends_when_it_is_quiet(ends: tuple[Thing, socket.socket]) -> None:
    thing, other = ends
    send(other, thing, b"x" * 9000)
    discard_until_quiet(thing.adapter)
    assert take_arrived(thing.adapter) == b""


def test_a_closed_connection_is_told_at_once_and_never_waited_for(
    ends: tuple[Thing, socket.socket],
) -> None:
    thing, other = ends
    other.close()
    for use in (thing.drain, thing.take_surplus, thing.start_exchange):
        with pytest.raises(InstrumentDisconnected, match=r"^thing: .*the other end has closed"):
            use()

"""The base of simulated devices: delays, order, appointments, whole commands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from simulators.device import LineDevice


class Parrot(LineDevice):
    """Repeats each command after 0.1 s, and squawks by itself when told ``later``."""

    def __init__(self, clock, **options):
        super().__init__(clock, **options)
        self.heard = []
        self.kept = []
        self.overruns = 0

    def _handle(self, line):
        self.heard.append(line)
        if line == b"later":
            self.ticket = self._appoint(self.clock.now() + 1.0, self._squawk)
        else:
            self._send(line + b";", 0.1)

    def _handle_overrun(self):
        self.overruns += 1

    def _squawk(self, moment):
        self.kept.append(moment)
        self._send(b"squawk;")


@pytest.fixture
def clock():
    return VirtualClock()


def test_an_answer_leaves_when_its_delay_is_over_and_only_once(clock):
    device = Parrot(clock)
    assert device.next_transmission() is None
    device.receive(b"hello\r")
    assert device.next_transmission() == pytest.approx(0.1)
    assert device.transmit() == b""
    clock.sleep(0.1)
    assert device.transmit() == b"hello;"
    assert device.transmit() == b""
    assert device.next_transmission() is None


def test_answers_keep_the_order_of_the_commands(clock):
    device = Parrot(clock)
    device._send(b"slow;", 1.0)
    device._send(b"quick;")
    clock.sleep(0.5)
    assert device.transmit() == b""
    clock.sleep(0.5)
    assert device.transmit() == b"slow;quick;"


def test_a_command_may_come_in_pieces_or_together_with_others(clock):
    device = Parrot(clock, terminator=b"\r\n")
    for piece in (b"on", b"e\r", b"\ntwo\r\nthr", b"ee\r\n"):
        device.receive(piece)
    assert device.heard == [b"one", b"two", b"three"]


def test_a_silent_device_does_not_act_and_what_it_sends_is_lost(clock):
    device = Parrot(clock)
    device.receive(b"before\r")
    device.silent = True
    device.receive(b"during\r")
    clock.sleep(1)
    assert device.next_transmission() is None
    assert device.transmit() == b""
    device.silent = False
    device.receive(b"after\r")
    clock.sleep(1)
    assert device.transmit() == b"after;"
    assert device.heard == [b"before", b"after"]


def test_what_was_due_during_the_silence_never_arrives(clock):
    device = Parrot(clock)
    device.receive(b"lost\rlater\r")
    device.silent = True
    clock.sleep(0.5)
    device.silent = False
    assert device.transmit() == b""
    clock.sleep(0.5)
    assert device.transmit() == b"squawk;"


def test_an_appointment_kept_late_still_answers_at_its_own_time(clock):
    device = Parrot(clock)
    device._appoint(1.0, lambda _: device._send(b"late;", 0.1))
    clock.sleep(1.05)
    assert device.transmit() == b""
    assert device.next_transmission() == pytest.approx(1.1)
    clock.sleep(0.05)
    assert device.transmit() == b"late;"
    clock.sleep(5)
    device.receive(b"now\r")
    assert device.transmit() == b""
    assert device.next_transmission() == pytest.approx(6.2)


def test_an_appointment_is_kept_with_its_own_moment_however_late_somebody_looks(clock):
    device = Parrot(clock)
    device.receive(b"later\r")
    assert device.next_transmission() == pytest.approx(1.0)
    clock.sleep(50)
    assert device.transmit() == b"squawk;"
    assert device.kept == [1.0]


def test_appointments_are_kept_in_the_order_of_their_moments(clock):
    device = Parrot(clock)
    kept = []
    for moment in (3.0, 1.0, 2.0):
        device._appoint(moment, kept.append)
    clock.sleep(2.5)
    device.transmit()
    assert kept == [1.0, 2.0]


def test_a_cancelled_appointment_is_not_kept(clock):
    device = Parrot(clock)
    device.receive(b"later\r")
    device._cancel(device.ticket, None, 12345)
    clock.sleep(2)
    assert device.transmit() == b""
    assert device.kept == []


@pytest.mark.parametrize(
    "pieces", [[b"x" * 20 + b"\r"], [b"x" * 5] * 4 + [b"\r"], [b"x"] * 20 + [b"\r"]]
)
def test_an_overlong_command_is_dropped_whole_however_it_arrives(clock, pieces):
    device = Parrot(clock, limit=8)
    for piece in pieces:
        device.receive(piece)
    device.receive(b"next\r")
    assert device.heard == [b"next"]
    assert device.overruns == 1


def test_the_terminator_of_an_overlong_command_is_found_though_it_comes_split(clock):
    device = Parrot(clock, terminator=b"\r\n", limit=8)
    for piece in (b"x" * 20 + b"\r", b"\nnext\r\n"):
        device.receive(piece)
    assert device.heard == [b"next"]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=12).filter(lambda line: b"\r" not in line)), st.data())
def test_how_the_bytes_are_cut_never_matters(lines, data):
    stream = b"".join(line + b"\r" for line in lines)
    device = Parrot(VirtualClock(), limit=6)
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        device.receive(stream[:size])
        stream = stream[size:]
    assert device.heard == [line for line in lines if len(line) <= 6]

"""Simulated devices on TCP ports and pseudo-terminals, as PyMeasure and pyvisa-py see them."""

from __future__ import annotations

import gc
import os
import socket
import struct
import sys
import threading

import pytest
from pymeasure.adapters import VISAAdapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from labcool.clock import RealClock, ScaledClock, VirtualClock
from labcool.errors import ConfigurationError, LimitError
from simulators.device import LineDevice
from simulators.link import PtyLink, TcpLink
from simulators.memory import MemoryLink

posix_only = pytest.mark.skipif(os.name != "posix", reason="no pseudo-terminals on this system")
SERVED = [TcpLink, pytest.param(PtyLink, marks=posix_only)]
PATIENCE_MS = 20_000
"""Longer than any delay of the machine: a test that runs into it has failed."""


class Parrot(LineDevice):
    """Says each line again with a carriage return, ``3.5 text`` after 3.5 s."""

    def __init__(self, clock):
        super().__init__(clock, limit=1 << 20)
        self.heard = []
        self.received = 0
        self.at_once = lambda: None

    def receive(self, data):
        self.at_once()
        super().receive(data)
        self.received += len(data)

    def _handle(self, line):
        self.heard.append(line)
        delay, _, text = line.rpartition(b" ")
        self._send(text + b"\r", float(delay or 0))

    def chatter(self, text, after):
        self._send(text, after)


def open_port(link, **settings):
    return VISAAdapter(
        link.resource,
        visa_library=link.visa_library,
        **{"write_termination": "\r", "read_termination": "\r", "timeout": PATIENCE_MS, **settings},
    )


def ask(link, *commands, **settings):
    adapter = open_port(link, **settings)
    try:
        answers = []
        for command in commands:
            adapter.write(command)
            answers.append(adapter.read())
        return answers
    finally:
        adapter.close()


@pytest.mark.parametrize("kind", SERVED)
class TestBothLinks:
    def test_lines_there_and_back(self, kind):
        clock = VirtualClock()
        device = Parrot(clock)
        with kind(device, clock) as link:
            assert ask(link, "one", "two", "three") == ["one", "two", "three"]
        assert device.heard == [b"one", b"two", b"three"]
        assert clock.now() == 0.0

    def test_every_byte_passes_as_it_is(self, kind):
        clock = VirtualClock()
        every = bytes(value for value in range(256) if value not in b"\r ")
        with kind(Parrot(clock), clock) as link:
            adapter = open_port(link)
            adapter.write_bytes(every + b"\r")
            assert adapter.read_bytes(len(every) + 1) == every + b"\r"
            adapter.close()

    def test_two_clients_one_after_the_other(self, kind):
        clock = VirtualClock()
        with kind(Parrot(clock), clock) as link:
            assert [ask(link, name) for name in ("first", "second")] == [["first"], ["second"]]

    def test_late_answer_moves_a_virtual_clock_to_its_moment(self, kind):
        clock = VirtualClock()
        with kind(Parrot(clock), clock) as link:
            assert ask(link, "3600 a", "0.5 b", "c") == ["a", "b", "c"]
        assert clock.now() == 3600.5

    def test_late_answer_takes_its_time_on_a_running_clock(self, kind):
        clock = ScaledClock(20.0)
        with kind(Parrot(clock), clock) as link:
            start = clock.now()
            assert ask(link, "1.0 late") == ["late"]
            assert clock.now() - start >= 1.0

    def test_device_hears_its_host_while_an_answer_is_due(self, kind):
        clock = RealClock()
        device = Parrot(clock)
        with kind(device, clock) as link:
            adapter = open_port(link)
            adapter.write("1000000 never")
            adapter.write("meanwhile")
            wait_until(lambda: device.heard == [b"1000000 never", b"meanwhile"])
            adapter.close()

    def test_unasked_words_come_but_do_not_move_a_virtual_clock(self, kind):
        clock = VirtualClock()
        device = Parrot(clock)
        with kind(device, clock) as link:
            adapter = open_port(link)
            adapter.write("ready")
            assert adapter.read() == "ready"
            device.chatter(b"now\r", 0.0)
            assert adapter.read() == "now"
            device.chatter(b"later\r", 5.0)
            adapter.timeout = 150
            adapter.connection.timeout = 150
            with pytest.raises(VisaIOError):
                adapter.read()
            assert clock.now() == 0.0
            clock.sleep(5.0)
            adapter.connection.timeout = PATIENCE_MS
            assert adapter.read() == "later"
            adapter.close()

    def test_answer_at_the_end_of_an_appointment_moves_a_virtual_clock(self, kind):
        clock = VirtualClock()
        device = Parrot(clock)
        device.at_once = lambda: device._appoint(7.0, lambda _: device.chatter(b"done\r", 0.25))
        with kind(device, clock) as link:
            adapter = open_port(link)
            adapter.write_bytes(b"\x05")
            assert adapter.read() == "done"
            adapter.close()
        assert clock.now() == 7.25

    def test_echo_then_a_late_answer_moves_a_virtual_clock(self, kind):
        clock = VirtualClock()
        device = Parrot(clock)
        device.at_once = lambda: device.chatter(b"echo\r", 0.0)
        with kind(device, clock) as link:
            adapter = open_port(link)
            adapter.write("2.5 late")
            assert (adapter.read(), adapter.read()) == ("echo", "late")
            adapter.close()
        assert clock.now() == 2.5

    def test_what_it_does_later_by_itself_does_not_move_a_virtual_clock(self, kind):
        clock = VirtualClock()
        device = Parrot(clock)
        kept = []
        device.at_once = lambda: device._appoint(1000.0, kept.append)
        with kind(device, clock) as link:
            assert ask(link, *"abcdefgh") == list("abcdefgh")
            assert clock.now() == 0.0
            clock.sleep(1000.0)
            assert ask(link, "i") == ["i"]
        assert kept == [1000.0] * 9

    def test_silent_device_is_a_visa_timeout(self, kind):
        clock = VirtualClock()
        device = Parrot(clock)
        device.silent = True
        with kind(device, clock) as link, pytest.raises(VisaIOError) as caught:
            ask(link, "hello", timeout=50)
        assert caught.value.error_code == StatusCode.error_timeout

    def test_long_answers_come_whole(self, kind):
        clock = VirtualClock()
        size = 3000 if kind is PtyLink else 300_000
        with kind(Parrot(clock), clock) as link:
            assert ask(link, "x" * size) == ["x" * size]

    def test_close_ends_the_thread_and_frees_the_port(self, kind):
        clock = VirtualClock()
        gc.collect()
        before, files = threading.active_count(), open_files()
        for _ in range(3):
            link = kind(Parrot(clock), clock)
            assert ask(link, "hello") == ["hello"]
            link.close()
            link.close()
        assert threading.active_count() == before
        assert open_files() == files

    def test_close_while_a_client_waits_for_an_answer(self, kind):
        clock = RealClock()
        device = Parrot(clock)
        before = threading.active_count()
        link = kind(device, clock)
        adapter = open_port(link)
        adapter.write("1000000 never")
        wait_until(lambda: device.heard)
        link.close()
        adapter.close()
        assert threading.active_count() == before


class TestTcp:
    def test_only_this_computer_can_reach_it(self):
        clock = VirtualClock()
        with TcpLink(Parrot(clock), clock) as link:
            assert link.resource == f"TCPIP::127.0.0.1::{link.port}::SOCKET"
            assert link._listener.getsockname()[0] == "127.0.0.1"

    def test_port_can_be_given_and_a_used_one_is_refused(self):
        clock = VirtualClock()
        with TcpLink(Parrot(clock), clock) as link:
            port = link.port
            with pytest.raises(ConfigurationError, match=str(port)):
                TcpLink(Parrot(clock), clock, port=port)
        with TcpLink(Parrot(clock), clock, port=port) as link:
            assert link.port == port
            assert ask(link, "hello") == ["hello"]

    @pytest.mark.parametrize("port", [-1, 65536])
    def test_impossible_port_is_refused(self, port):
        clock = VirtualClock()
        with pytest.raises(LimitError, match=str(port)):
            TcpLink(Parrot(clock), clock, port=port)

    @pytest.mark.parametrize("politely", [True, False])
    def test_half_a_command_of_a_vanished_client_stays_as_on_a_serial_line(self, politely):
        clock = VirtualClock()
        device = Parrot(clock)
        with TcpLink(device, clock) as link:
            vanish(link, b"half-a-", politely, once=lambda: device.received == 7)
            assert ask(link, "command") == ["half-a-command"]
        assert device.heard == [b"half-a-command"]

    @pytest.mark.parametrize("politely", [True, False])
    def test_client_that_vanishes_while_a_long_answer_is_sent(self, politely):
        clock = VirtualClock()
        device = Parrot(clock)
        with TcpLink(device, clock) as link:
            long = b"x" * 900_000 + b"\r"
            vanish(link, long, politely, once=lambda: device.heard)
            assert ask(link, "hello") == ["hello"]

    def test_client_that_vanishes_before_its_answer_is_due(self):
        clock = ScaledClock(50.0)
        device = Parrot(clock)
        with TcpLink(device, clock) as link:
            vanish(link, b"1 lost\r", politely=True, once=lambda: device.heard)
            wait_until(lambda: clock.now() > 2.0)
            assert ask(link, "hello") == ["hello"]

    def test_clients_that_come_and_go_at_once(self):
        clock = VirtualClock()
        with TcpLink(Parrot(clock), clock) as link:
            for politely in (True, False) * 10:
                vanish(link, b"", politely)
            assert ask(link, "hello") == ["hello"]

    def test_second_client_waits_for_the_first(self):
        clock = VirtualClock()
        with TcpLink(Parrot(clock), clock) as link:
            first, second = open_port(link), open_port(link)
            second.write("second")
            first.write("first")
            assert first.read() == "first"
            first.close()
            assert second.read() == "second"
            second.close()


@pytest.mark.skipif(os.name != "posix", reason="no pseudo-terminals on this system")
class TestPty:
    def test_resource_is_a_serial_port(self):
        clock = VirtualClock()
        with PtyLink(Parrot(clock), clock) as link:
            assert link.resource.startswith("ASRL/dev/")
            assert link.resource.endswith("::INSTR")
            assert ask(link, "hello", asrl={"baud_rate": 19200, "data_bits": 8}) == ["hello"]

    def test_what_nobody_read_is_gone_for_the_next_client(self):
        clock = VirtualClock()
        device = Parrot(clock)
        with PtyLink(device, clock) as link:
            adapter = open_port(link)
            adapter.write("unread")
            adapter.write("read-in-part")
            assert adapter.read_bytes(9) == b"unread\rre"
            adapter.close()
            assert ask(link, "hello") == ["hello"]


def test_windows_is_told_to_use_tcp(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    clock = VirtualClock()
    with pytest.raises(ConfigurationError, match="TCP"):
        PtyLink(Parrot(clock), clock)


class TestMemoryBehavesLikeARealPort:
    """The same scene in memory and through pyvisa-py over TCP."""

    @pytest.fixture(params=["memory", "tcp"])
    def port(self, request):
        clock = VirtualClock()
        device = Parrot(clock)
        settings = {"write_termination": "\r", "read_termination": "\r", "timeout": PATIENCE_MS}
        if request.param == "memory":
            adapter = MemoryLink(device, clock).open(**settings)
            yield adapter, lambda ms: setattr(adapter, "timeout", ms)
            return
        with TcpLink(device, clock) as link:
            adapter = open_port(link)
            yield adapter, lambda ms: setattr(adapter.connection, "timeout", ms)
            adapter.close()

    def test_exact_counts_then_a_line(self, port):
        adapter, _ = port
        adapter.write("abcdef")
        assert adapter.read_bytes(2) == b"ab"
        assert adapter.read() == "cdef"

    def test_count_can_span_lines(self, port):
        adapter, _ = port
        adapter.write("ab")
        adapter.write("cd")
        assert adapter.read_bytes(6) == b"ab\rcd\r"

    def test_stopping_at_the_terminator(self, port):
        adapter, _ = port
        adapter.write("ab")
        adapter.write("cdefgh")
        assert adapter.read_bytes(5, break_on_termchar=True) == b"ab\r"
        assert adapter.read_bytes(5, break_on_termchar=True) == b"cdefg"
        assert adapter.read() == "h"

    def test_part_that_came_before_a_timeout_is_lost(self, port):
        adapter, set_timeout = port
        adapter.write("abcdef")
        assert adapter.read_bytes(1) == b"a"
        set_timeout(50)
        with pytest.raises(VisaIOError) as caught:
            adapter.read_bytes(20)
        assert caught.value.error_code == StatusCode.error_timeout
        set_timeout(PATIENCE_MS)
        adapter.write("again")
        assert adapter.read() == "again"

    def test_reading_everything(self, port):
        adapter, set_timeout = port
        adapter.write("abc")
        assert adapter.read_bytes(1) == b"a"
        set_timeout(50)
        assert adapter.read_bytes(-1) == b"bc\r"


def wait_until(condition):
    """Wait for another thread; only a failure waits long."""
    turn = threading.Event()
    for _ in range(2000):
        if condition():
            return
        turn.wait(0.01)
    raise AssertionError("it did not happen")


def vanish(link, data, politely, once=lambda: True):
    """Say something over TCP and go, with a farewell or with a reset, once a condition holds."""
    with socket.create_connection(("127.0.0.1", link.port)) as client:
        client.sendall(data)
        wait_until(once)
        if not politely:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def open_files():
    """Return how many files this process has open, where the system tells."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208

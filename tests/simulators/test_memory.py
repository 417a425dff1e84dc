"""The wire in memory: the bytes and moments that PyMeasure's VISA adapter would give."""

from __future__ import annotations

import pytest
from pyvisa.constants import StatusCode
from pyvisa.errors import InvalidSession, VisaIOError

from labcool.clock import VirtualClock
from simulators.device import LineDevice
from simulators.memory import MemoryLink


class Parrot(LineDevice):
    """Says each line again; ``3.5 text`` after 3.5 s; ``a|b`` in two parts, 1 s apart."""

    def _handle(self, line):
        delay, _, text = line.rpartition(b" ")
        for number, part in enumerate(text.split(b"|")):
            self._send(part + b"\r" * part.endswith(b"."), float(delay or 0) + number)


def make(timeout=2000):
    clock = VirtualClock()
    device = Parrot(clock)
    adapter = MemoryLink(device, clock).open(
        write_termination="\r", read_termination="\r", timeout=timeout, asrl={"baud_rate": 9600}
    )
    return clock, device, adapter


def times_out(action):
    with pytest.raises(VisaIOError) as caught:
        action()
    return caught.value.error_code == StatusCode.error_timeout


def test_line_comes_without_its_terminator():
    _, _, adapter = make()
    adapter.write("hello.")
    assert adapter.read() == "hello."


def test_without_a_read_termination_a_line_ends_with_a_line_feed_and_keeps_it():
    clock = VirtualClock()
    adapter = MemoryLink(Parrot(clock, terminator=b";"), clock).open(write_termination=";")
    adapter.write("one\ntwo\n")
    assert (adapter.read(), adapter.read()) == ("one\n", "two\n")


def test_answers_wait_in_their_order():
    _, _, adapter = make()
    adapter.write("one.")
    adapter.write("two.")
    assert (adapter.read(), adapter.read()) == ("one.", "two.")


def test_reading_waits_for_a_late_answer_and_no_longer():
    clock, _, adapter = make()
    adapter.write("1.25 late.")
    assert adapter.read() == "late."
    assert clock.now() == 1.25


def test_answer_at_the_very_end_of_the_timeout_is_in_time():
    clock, _, adapter = make(timeout=2000)
    adapter.write("2 now.")
    assert adapter.read() == "now."
    assert clock.now() == 2.0


@pytest.mark.parametrize("command", ["2.001 late.", "silence|"])
def test_timeout_is_visas_and_at_its_moment(command):
    clock, _, adapter = make(timeout=1500)
    clock.sleep(10.0)
    adapter.write(command)
    assert times_out(adapter.read)
    assert clock.now() == 11.5


def test_silent_device_times_out():
    clock, device, adapter = make(timeout=500)
    device.silent = True
    adapter.write("hello.")
    assert times_out(lambda: adapter.read_bytes(1))
    assert clock.now() == 0.5


def test_timeout_can_be_changed():
    clock, _, adapter = make(timeout=100)
    adapter.timeout = 4000
    adapter.write("3 late.")
    assert adapter.read() == "late."
    assert clock.now() == 3.0


def test_exact_counts():
    clock, _, adapter = make()
    adapter.write("abcdef.")
    assert adapter.read_bytes(2) == b"ab"
    assert adapter.read_bytes(0) == b""
    assert adapter.read_bytes(5) == b"cdef."
    assert adapter.read_bytes(1) == b"\r"
    assert clock.now() == 0.0
    assert times_out(lambda: adapter.read_bytes(1))


def test_count_gathers_parts_until_it_is_full():
    clock, _, adapter = make()
    adapter.write("abc|def")
    assert adapter.read_bytes(5) == b"abcde"
    assert clock.now() == 1.0


def test_part_that_came_before_a_timeout_is_lost():
    clock, _, adapter = make(timeout=500)
    adapter.write("abc|def.")
    assert times_out(lambda: adapter.read_bytes(5))
    assert clock.now() == 0.5
    clock.sleep(1.0)
    assert adapter.read() == "def."


def test_counted_reading_can_stop_at_the_terminator():
    _, _, adapter = make()
    adapter.write("ab.")
    adapter.write("cdefgh.")
    assert adapter.read_bytes(5, break_on_termchar=True) == b"ab.\r"
    assert adapter.read_bytes(5, break_on_termchar=True) == b"cdefg"
    assert adapter.read_bytes(-1, break_on_termchar=True) == b"h.\r"


def test_reading_everything_goes_on_until_nothing_comes_for_one_timeout():
    clock, _, adapter = make(timeout=1500)
    adapter.write("a|b|c.")
    assert adapter.read_bytes(-1) == b"abc.\r"
    assert clock.now() == 3.5


def test_flush_discards_what_has_come_but_not_what_comes():
    clock, _, adapter = make()
    adapter.write("old|new.")
    clock.sleep(0.5)
    adapter.flush_read_buffer()
    assert adapter.read() == "new."


def test_bytes_pass_as_they_are():
    clock = VirtualClock()
    adapter = MemoryLink(Parrot(clock, terminator=b"\xff"), clock).open()
    adapter.write_bytes(b"\x00\x80\xfe\n\xff")
    assert adapter.read_bytes(4) == b"\x00\x80\xfe\n"


def test_closed_adapter_is_of_no_use():
    _, _, adapter = make()
    adapter.write("hello.")
    adapter.close()
    adapter.close()
    for action in (adapter.read, lambda: adapter.write("again."), lambda: adapter.read_bytes(-1)):
        with pytest.raises(InvalidSession):
            action()


def test_link_can_be_opened_again():
    clock, device, adapter = make()
    adapter.close()
    again = MemoryLink(device, clock).open(write_termination="\r", read_termination="\r")
    again.write("hello.")
    assert again.read() == "hello."

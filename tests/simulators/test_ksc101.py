"""The simulated KSC101: worked bytes, the blade, the interlocks, and a foreign codec."""

import struct
from bisect import bisect_right
from itertools import pairwise

import pytest
import thorlabs_apt_protocol as apt
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.ksc101 import (
    AUTO,
    INTERLOCK_BIT,
    KEY_BIT,
    KSC101,
    OPEN_BIT,
    SINGLE,
    TRIGGERED,
)

OPEN = bytes.fromhex("cb0401015001")
CLOSE = bytes.fromhex("cb0401025001")
ASK_STATE = bytes.fromhex("cc0401005001")
ASK_STATUS = bytes.fromhex("290401005001")
IS_OPEN = bytes.fromhex("cd0401010150")
IS_CLOSED = bytes.fromhex("cd0401000150")


class Light:
    """What the beam does according to the device's announcements."""

    def __init__(self):
        self.moments, self.states = [], []

    def __call__(self, is_open, moment):
        while self.moments and self.moments[-1] >= moment:
            self.moments.pop(), self.states.pop()
        self.moments.append(moment)
        self.states.append(is_open)

    def passes(self, moment):
        return self.states[bisect_right(self.moments, moment + 1e-9) - 1]

    def changes(self):
        announced = list(zip(self.moments, self.states, strict=True))
        return [
            (pytest.approx(at), new) for (_, old), (at, new) in pairwise(announced) if old != new
        ]


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def light():
    return Light()


@pytest.fixture
def device(clock, light):
    return KSC101(clock, moved=light, travel_time=0.015, state_lag=0.03)


def ask(device, command, wait=0.002):
    device.receive(command)
    device.clock.sleep(wait)
    return device.transmit()


def status(device):
    answer = ask(device, ASK_STATUS)
    assert answer[:8] == bytes.fromhex("2a04060081500100")
    return struct.unpack("<I", answer[8:])[0]


def state_of(device):
    return {IS_OPEN: "open", IS_CLOSED: "closed"}[ask(device, ASK_STATE)]


def set_mode(device, mode):
    device.receive(bytes([0xC0, 0x04, 1, mode, 0x50, 1]))


def set_cycle(device, on, off, count):
    device.receive(bytes.fromhex("c3040e00d001") + struct.pack("<Hiii", 1, on, off, count))


def test_the_worked_byte_strings(device):
    assert ask(device, ASK_STATE) == IS_CLOSED
    assert ask(device, OPEN, wait=0.1) == b""
    assert ask(device, ASK_STATE) == IS_OPEN
    assert ask(device, ASK_STATUS) == bytes.fromhex("2a0406008150010001200000")
    assert ask(device, CLOSE, wait=0.1) == b""
    assert ask(device, ASK_STATE) == IS_CLOSED
    assert ask(device, bytes.fromhex("c00401015001")) == b""
    assert ask(device, bytes.fromhex("c10401005001")) == bytes.fromhex("c20401010150")


def test_information_is_90_bytes_and_names_model_serial_number_and_firmware(device):
    answer = ask(device, bytes.fromhex("050000005001"))
    assert len(answer) == 90
    assert answer[:6] == bytes.fromhex("060054008150")
    assert struct.unpack_from("<I8s", answer, 6) == (68_000_001, b"KSC101\0\0")
    assert int.from_bytes(answer[20:24], "little") == 65542  # As read from firmware 1.0.6.


def test_a_channel_of_zero_is_accepted(device, clock):
    device.receive(bytes.fromhex("cb0400015001"))
    clock.sleep(0.1)
    assert ask(device, bytes.fromhex("cc0400005001")) == IS_OPEN


def test_the_beam_is_told_the_moment_and_the_state_follows_late(device, clock, light):
    clock.sleep(10)
    device.receive(OPEN)
    assert light.changes() == [(10.015, True)]
    clock.sleep(0.025)
    assert state_of(device) == "closed"
    assert light.passes(clock.now())
    clock.sleep(0.01)
    assert state_of(device) == "open"
    assert status(device) & OPEN_BIT


def test_a_controller_may_report_a_closed_shutter_as_documented(clock, light):
    device = KSC101(clock, moved=light, closed_code=2)
    assert ask(device, ASK_STATE) == bytes.fromhex("cd0401020150")


def test_single_mode_closes_after_the_on_time(device, clock, light):
    set_mode(device, SINGLE)
    set_cycle(device, 200, 100, 7)
    device.receive(OPEN)
    assert light.changes() == [(0.015, True), (0.215, False)]
    clock.sleep(0.4)
    assert state_of(device) == "closed"


def test_auto_mode_cycles_as_often_as_set_and_can_be_broken_off(device, clock, light):
    set_mode(device, AUTO)
    set_cycle(device, 100, 300, 3)
    device.receive(OPEN)
    assert [at for at, is_open in light.changes() if is_open] == [0.015, 0.415, 0.815]
    clock.sleep(0.45)
    device.receive(CLOSE)
    clock.sleep(5)
    assert state_of(device) == "closed"
    assert light.changes()[-1] == (0.465, False)


def test_auto_mode_with_a_count_of_zero_goes_on(device, clock, light):
    set_mode(device, AUTO)
    set_cycle(device, 100, 300, 0)
    device.receive(OPEN)
    clock.sleep(200)
    device.transmit()
    assert light.passes(400 * 0.4 + 0.05)
    assert not light.passes(400 * 0.4 + 0.2)


def test_more_cycles_than_are_announced_at_once_end_where_they_should(device, clock, light):
    set_mode(device, AUTO)
    set_cycle(device, 10, 10, 120)
    device.receive(OPEN)
    clock.sleep(10)
    device.transmit()
    assert sum(is_open for _, is_open in light.changes()) == 120
    assert light.changes()[-1] == (119 * 0.02 + 0.01 + 0.015, False)


def test_changing_the_mode_does_not_close_and_ends_a_cycle(device, clock, light):
    set_mode(device, SINGLE)
    set_cycle(device, 200, 100, 1)
    device.receive(OPEN)
    clock.sleep(0.1)
    set_mode(device, 1)
    clock.sleep(1)
    assert state_of(device) == "open"
    assert light.passes(clock.now())


def test_cycle_parameters_are_told_and_refused_out_of_range(device):
    set_cycle(device, 123, 456, 789)
    told = bytes.fromhex("c5040e008150") + struct.pack("<Hiii", 1, 123, 456, 789)
    assert ask(device, bytes.fromhex("c40401005001")) == told
    for wrong in [(9, 456, 1), (123, 10_000_001, 1), (123, 456, -1), (123, 456, 1_000_001)]:
        set_cycle(device, *wrong)
        assert ask(device, bytes.fromhex("c40401005001")) == told


def test_triggered_mode_follows_edges_and_the_host_can_only_close(device, clock, light):
    device.trigger_input = True
    set_mode(device, TRIGGERED)
    device.receive(OPEN)
    clock.sleep(1)
    assert state_of(device) == "closed"
    device.trigger_input = False
    device.trigger_input = True
    assert light.changes() == [(clock.now() + 0.015, True)]
    clock.sleep(1)
    device.trigger_input = False
    assert light.changes()[-1] == (clock.now() + 0.015, False)
    device.receive(bytes.fromhex("23051600d001") + struct.pack("<5H12x", 1, 1, 2, 10, 1))
    clock.sleep(1)
    device.trigger_input = True
    device.trigger_input = False
    assert light.passes(clock.now() + 0.015)
    device.receive(CLOSE)
    assert not light.passes(clock.now() + 0.015)


def test_trigger_configuration_and_display_are_told_as_set(device):
    fields = struct.pack("<5H12x", 1, 0, 2, 10, 1)
    device.receive(bytes.fromhex("23051600d001") + fields)
    assert ask(device, bytes.fromhex("240501005001")) == bytes.fromhex("250516008150") + fields
    device.receive(bytes.fromhex("23051600d001") + struct.pack("<5H12x", 1, 3, 2, 10, 1))
    assert ask(device, bytes.fromhex("240501005001")) == bytes.fromhex("250516008150") + fields
    display = struct.pack("<H20x3H8x", 1, 80, 3, 10)
    device.receive(bytes.fromhex("20052400d001") + display)
    assert ask(device, bytes.fromhex("210501005001")) == bytes.fromhex("220524008150") + display


@pytest.mark.parametrize("hazard", ["key", "interlock", "disabled"])
def test_what_forbids_opening_closes_and_keeps_closed_until_opened_anew(
    device, clock, light, hazard
):
    def set_hazard(is_set):
        if hazard == "key":
            device.key_switch_on = not is_set
        elif hazard == "interlock":
            device.interlock_open = is_set
        else:
            device.receive(bytes([0x10, 0x02, 1, 2 if is_set else 1, 0x50, 1]))

    device.receive(OPEN)
    clock.sleep(1)
    set_hazard(True)
    assert light.changes()[-1] == (clock.now() + 0.015, False)
    clock.sleep(1)
    device.receive(OPEN)
    clock.sleep(1)
    assert state_of(device) == "closed"
    set_hazard(False)
    clock.sleep(1)
    assert state_of(device) == "closed"
    device.receive(OPEN)
    clock.sleep(1)
    assert state_of(device) == "open"
    assert light.passes(clock.now())


def test_an_interlock_that_is_not_required_stops_nothing_until_it_is(device, clock):
    assert ask(device, bytes.fromhex("c70401005001")) == bytes.fromhex("c80401010150")
    device.receive(bytes.fromhex("c60401025001"))
    device.interlock_open = True
    device.receive(OPEN)
    clock.sleep(1)
    assert state_of(device) == "open"
    device.receive(bytes.fromhex("c60401015001"))
    clock.sleep(1)
    assert state_of(device) == "closed"


def test_status_shows_key_and_interlock(device, clock, light):
    assert status(device) == KEY_BIT
    device.interlock_open = True
    assert status(device) == KEY_BIT | INTERLOCK_BIT
    device.key_switch_on = False
    assert status(device) == INTERLOCK_BIT
    other = KSC101(clock, moved=light, interlock_bit_is_closed=True)
    assert status(other) == KEY_BIT | INTERLOCK_BIT


def test_enabling_is_told(device):
    assert ask(device, bytes.fromhex("110200005001")) == bytes.fromhex("120201010150")
    device.receive(bytes.fromhex("100200025001"))
    assert ask(device, bytes.fromhex("110200005001")) == bytes.fromhex("120201020150")


def test_a_stuck_blade_is_not_noticed_by_the_controller(device, clock, light):
    device.receive(OPEN)
    clock.sleep(1)
    device.stuck = True
    device.receive(CLOSE)
    clock.sleep(1)
    assert state_of(device) == "closed"
    assert light.passes(clock.now())
    device.stuck = False
    assert not light.passes(clock.now() + 0.015)


def test_a_controller_that_reports_the_blade_notices_it(clock, light):
    device = KSC101(clock, moved=light, reports_blade=True)
    device.receive(OPEN)
    clock.sleep(1)
    device.stuck = True
    device.receive(CLOSE)
    clock.sleep(1)
    assert state_of(device) == "open"


def test_a_blade_freed_in_the_middle_of_its_cycles_joins_them(device, clock, light):
    set_mode(device, AUTO)
    set_cycle(device, 100, 100, 5)
    device.stuck = True
    device.receive(OPEN)
    clock.sleep(0.45)
    assert light.changes() == []
    device.stuck = False
    assert light.changes() == [
        (0.465, True), (0.515, False), (0.615, True), (0.715, False), (0.815, True), (0.915, False)
    ]  # fmt: skip


def test_the_wheel_on_the_panel_opens_and_closes(device, clock):
    device.turn_wheel(up=True)
    clock.sleep(1)
    assert state_of(device) == "open"
    device.turn_wheel(up=False)
    clock.sleep(1)
    assert state_of(device) == "closed"


def test_a_lost_cable_leaves_the_shutter_as_it_is(device, clock, light):
    device.receive(OPEN)
    device.silent = True
    assert ask(device, CLOSE, wait=1) == b""
    assert light.passes(clock.now())


def test_messages_may_come_in_pieces_and_a_torn_one_is_given_up(device, clock):
    for byte in ASK_STATE[:-1]:
        assert ask(device, bytes([byte])) == b""
    assert ask(device, ASK_STATE[-1:]) == IS_CLOSED
    device.receive(ASK_STATE[:4])
    clock.sleep(0.6)
    assert ask(device, ASK_STATE + ASK_STATE) == IS_CLOSED * 2


def test_noise_before_a_message_is_skipped(device):
    assert ask(device, b"\xff\x00noise" + ASK_STATE) == IS_CLOSED


@pytest.mark.parametrize("serial", [0, 680_000, 680_000_010])
def test_a_serial_number_has_eight_digits(clock, light, serial):
    with pytest.raises(LimitError):
        KSC101(clock, moved=light, serial=serial)


def test_a_foreign_codec_commands_and_understands_it(device, clock):
    told = apt.Unpacker(on_error="raise")

    def converse(command, wait=0.05):
        told.feed(ask(device, command, wait))
        return next(told, None)

    information = converse(apt.hw_req_info(0x50, 1))
    assert information.model_number == b"KSC101\0\0"
    assert information.firmware_version == [1, 0, 6]
    assert converse(apt.mot_set_sol_operatingmode(0x50, 1, 1, 1)) is None
    assert converse(apt.mot_req_sol_operatingmode(0x50, 1, 1)).mode == 1
    assert converse(apt.mot_set_sol_state(0x50, 1, 1, True)) is None
    assert converse(apt.mot_req_sol_state(0x50, 1, 1)).state is True
    assert converse(apt.mot_set_sol_state(0x50, 1, 1, False)) is None
    assert converse(apt.mot_req_sol_state(0x50, 1, 1)).state is False
    assert converse(apt.mot_set_sol_interlockmode(0x50, 1, 1, False)) is None
    assert converse(apt.mot_req_sol_interlockmode(0x50, 1, 1)).mode is False
    assert converse(apt.mot_set_kcubetrigioconfig(0x50, 1, 1, 1, 2, 10, 1)) is None
    trigger = converse(apt.mot_req_kcubetrigconfig(0x50, 1, 1))
    assert (trigger.trig1_polarity, trigger.trig2_mode) == (2, 10)
    assert converse(apt.mod_req_chanenablestate(0x50, 1, 1)).enabled is True


CODES = [0x04C0, 0x04C1, 0x04C4, 0x04C6, 0x04CB, 0x04CC, 0x0429, 0x0005, 0x0210, 0x0524]
HEADERS = st.builds(
    lambda code, first, second: struct.pack("<HBBBB", code, first, second, 0x50, 1),
    st.sampled_from(CODES),
    st.integers(0, 3),
    st.integers(0, 5),
)
CYCLES = st.builds(
    lambda on, off, count: struct.pack("<HHBBHiii", 0x04C3, 14, 0xD0, 1, 1, on, off, count),
    st.integers(-1, 1000),
    st.integers(0, 1000),
    st.integers(-1, 1000),
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(HEADERS | CYCLES | st.binary(max_size=40), max_size=12), st.floats(0, 1))
def test_whatever_arrives_the_answers_stay_framed(pieces, wait):
    light = Light()
    device = KSC101(VirtualClock(), moved=light)
    sent = b"".join(ask(device, piece, wait) for piece in pieces) + ask(device, b"", 1)
    while sent:
        length = 6 + (int.from_bytes(sent[2:4], "little") if sent[4] & 0x80 else 0)
        assert sent[4] & 0x7F == 1
        assert sent[5] == 0x50
        assert len(sent) >= length
        sent = sent[length:]
    device.key_switch_on = False
    assert not light.passes(device.clock.now() + 0.015)

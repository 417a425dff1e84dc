"""The simulated K10CR1: worked bytes, the optic behind them, and a foreign codec."""

import struct
from bisect import bisect_right

import pytest
import thorlabs_apt_protocol as apt
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock, sleep_until
from simulators.k10cr1 import K10CR1

STEP = 360 / 49_152_000
VELOCITY = 7_329_109  # Device units of 1 degree/s and 1 degree/s², as public drivers have them.
ACCELERATION = 1502
HOME = bytes.fromhex("430401005001")
TO_45 = bytes.fromhex("53040600d0010100" + "00c05d00")
ASK_STATUS = bytes.fromhex("290401005001")
ASK_POSITION = bytes.fromhex("110401005001")
MOVING, JOGGING, CONNECTED, HOMING, HOMED = 0x30, 0xC0, 0x100, 0x200, 0x400
MOTION_ERROR, CURRENT_LIMIT, ENABLED = 1 << 14, 1 << 24, 1 << 31


class Optic:
    """The true angle according to the device's announcements."""

    def __init__(self):
        self.moments, self.angles = [], []

    def __call__(self, angle, moment):
        while self.moments and self.moments[-1] >= moment:
            self.moments.pop(), self.angles.pop()
        self.moments.append(moment)
        self.angles.append(angle)

    def angle(self, moment):
        return self.angles[bisect_right(self.moments, moment + 1e-9) - 1]


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def optic():
    return Optic()


@pytest.fixture
def device(clock, optic):
    return K10CR1(clock, turned=optic)


def ask(device, command, wait=0.002):
    device.receive(command)
    device.clock.sleep(wait)
    return device.transmit()


def short(code, second=0):
    return struct.pack("<HBBBB", code, 1, second, 0x50, 1)


def long(code, layout, *values):
    data = struct.pack(layout, 1, *values)
    return struct.pack("<HHBB", code, len(data), 0xD0, 1) + data


def absolute(degrees):
    return long(0x0453, "<Hi", round(degrees / STEP))


def relative(degrees):
    return long(0x0448, "<Hi", round(degrees / STEP))


def set_profile(device, velocity, acceleration):
    values = 0, round(acceleration * ACCELERATION), round(velocity * VELOCITY)
    device.receive(long(0x0413, "<Hiii", *values))


def status(device):
    answer = ask(device, ASK_STATUS)
    assert answer[:8] == bytes.fromhex("2a04060081500100")
    return struct.unpack("<I", answer[8:])[0]


def position(device):
    answer = ask(device, ASK_POSITION)
    assert answer[:8] == bytes.fromhex("1204060081500100")
    return struct.unpack("<i", answer[8:])[0] * STEP


def ended(answer, code=0x0464):
    """Return position (degrees) and status of a move's answer, in proof that it is the only one."""
    assert len(answer) == 20
    assert answer[:8] == struct.pack("<HHBBH", code, 14, 0x81, 0x50, 1)
    steps, _, bits = struct.unpack("<iiI", answer[8:])
    return steps * STEP, bits


def test_the_worked_byte_strings(device, clock, optic):
    assert ask(device, ASK_STATUS)[:8] == bytes.fromhex("2a04060081500100")
    assert ask(device, HOME, wait=60) == bytes.fromhex("440401000150")
    answer = ask(device, TO_45, wait=10)
    assert answer[:12] == bytes.fromhex("64040e0081500100" + "00c05d00")
    assert len(answer) == 6 + 14
    assert optic.angle(clock.now()) == pytest.approx(45.0, abs=STEP)
    assert ask(device, bytes.fromhex("650401025001"))[:2] == bytes.fromhex("6604")


def test_information_names_model_and_serial_number(device):
    answer = ask(device, bytes.fromhex("050000005001"))
    assert len(answer) == 90
    assert struct.unpack_from("<I8s", answer, 6) == (55_000_001, b"K10CR1\0\0")


def test_a_move_is_a_trapezoid_of_the_set_profile(device, clock, optic):
    set_profile(device, velocity=5, acceleration=10)
    device.receive(absolute(20))
    # 0.5 s to accelerate over 1.25 degrees, 17.5 degrees at 5 degrees/s, 0.5 s to brake.
    assert device.angle_at(0.25) == pytest.approx(10 * 0.25**2 / 2, rel=1e-3)
    assert device.angle_at(0.5) == pytest.approx(1.25, rel=1e-3)
    assert device.angle_at(2.5) == pytest.approx(1.25 + 5 * 2, rel=1e-3)
    assert device.angle_at(4.25) == pytest.approx(20 - 10 * 0.25**2 / 2, rel=1e-3)
    assert optic.angle(2.5) == pytest.approx(11.25, rel=1e-3)
    assert ask(device, b"", wait=4.49) == b""
    assert ended(ask(device, b"", wait=0.05))[0] == pytest.approx(20, abs=STEP)
    assert optic.angle(clock.now()) == pytest.approx(20, abs=STEP)


def test_a_short_move_is_a_triangle(device, clock):
    set_profile(device, velocity=10, acceleration=10)
    device.receive(absolute(2.5))
    assert device.angle_at(0.5) == pytest.approx(1.25, rel=1e-3)
    assert ask(device, b"", wait=0.99) == b""
    assert ended(ask(device, b"", wait=0.02))[0] == pytest.approx(2.5, abs=STEP)


def test_status_while_moving_and_after(device, clock):
    assert status(device) == CONNECTED | ENABLED
    device.receive(absolute(90))
    assert status(device) == CONNECTED | ENABLED | MOVING
    assert position(device) < 1
    clock.sleep(5)
    assert 10 < position(device) < 80
    clock.sleep(20)
    _, bits = ended(device.transmit())
    assert bits == CONNECTED | ENABLED == status(device)


@pytest.mark.parametrize(("way", "bit"), [(1, 0x10), (-1, 0x20)])
def test_a_mount_may_tell_the_true_direction(clock, optic, way, bit):
    device = K10CR1(clock, turned=optic, true_direction_bits=True)
    device.receive(relative(way * 10))
    clock.sleep(0.1)
    assert status(device) & MOVING == bit


def test_moving_backwards_overshoots_by_the_backlash_and_comes_back(device, clock, optic):
    ask(device, absolute(20), wait=10)
    device.receive(long(0x043A, "<Hi", round(2 / STEP)))
    device.receive(relative(-5))
    begin = clock.now()
    angles = [device.angle_at(begin + step / 100) for step in range(500)]
    assert min(angles) == pytest.approx(13, abs=0.01)
    assert angles[-1] == pytest.approx(15, abs=STEP)
    assert ended(ask(device, b"", wait=10))[0] == pytest.approx(15, abs=STEP)


def test_after_power_up_only_homing_makes_the_counter_agree(clock, optic):
    device = K10CR1(clock, turned=optic, power_up_angle=90.0)
    assert position(device) == 0
    ask(device, absolute(45), wait=20)
    assert optic.angle(clock.now()) == pytest.approx(135, abs=STEP)
    assert not status(device) & HOMED
    device.receive(HOME)
    clock.sleep(5)
    assert status(device) & (HOMING | HOMED | MOVING) == HOMING | MOVING
    assert 80 < optic.angle(clock.now()) < 135
    assert ask(device, b"", wait=60) == bytes.fromhex("440401000150")
    assert status(device) == CONNECTED | ENABLED | HOMED
    assert position(device) == 0
    assert optic.angle(clock.now()) == pytest.approx(0, abs=2 * STEP)


def test_homing_uses_its_own_velocity_direction_and_offset(clock, optic):
    device = K10CR1(clock, turned=optic, power_up_angle=346.0)
    device.receive(long(0x0440, "<HHHii", 1, 4, 2 * VELOCITY, round(6 / STEP)))
    device.receive(HOME)
    # 10 degrees forward to the switch at 356 degrees, and 6 degrees back.
    assert device.angle_at(4) == pytest.approx(346 + 2 * (4 - 0.1), rel=1e-4)
    ask(device, b"", wait=20)
    assert optic.angle(clock.now()) == pytest.approx(350, abs=2 * STEP)
    assert position(device) == 0


def test_stopping_at_once_and_with_the_profile(device, clock, optic):
    device.receive(absolute(90))
    clock.sleep(3)
    where = optic.angle(clock.now())
    stopped, bits = ended(ask(device, bytes.fromhex("650401015001")), 0x0466)
    assert stopped == pytest.approx(where, abs=0.25)
    assert not bits & MOVING
    clock.sleep(30)
    assert device.transmit() == b""
    device.receive(absolute(90))
    clock.sleep(3)
    where = device.angle_at(clock.now())
    assert ask(device, bytes.fromhex("650401025001"), wait=0.9) == b""
    stopped, _ = ended(ask(device, b"", wait=0.2), 0x0466)
    assert stopped == pytest.approx(where + 10**2 / (2 * 10), abs=0.01)
    assert optic.angle(clock.now()) == pytest.approx(stopped, abs=STEP)


def test_a_stop_ends_homing_unhomed(device, clock):
    ask(device, HOME, wait=60)
    device.receive(HOME)
    clock.sleep(0.2)
    ended(ask(device, bytes.fromhex("650401015001"), wait=60), 0x0466)
    assert not status(device) & (HOMING | HOMED)


def test_a_new_move_replaces_the_old_one_which_is_never_answered(device, clock, optic):
    device.receive(absolute(90))
    clock.sleep(3)
    assert ended(ask(device, absolute(10), wait=60))[0] == pytest.approx(10, abs=STEP)
    assert optic.angle(clock.now()) == pytest.approx(10, abs=STEP)


def test_moves_without_a_number_take_the_stored_ones(device):
    device.receive(long(0x0450, "<Hi", round(30 / STEP)) + long(0x0445, "<Hi", round(5 / STEP)))
    assert ended(ask(device, short(0x0453), wait=60))[0] == pytest.approx(30, abs=STEP)
    assert ended(ask(device, short(0x0448), wait=60))[0] == pytest.approx(35, abs=STEP)


def test_jogging_takes_its_own_step_and_profile(device, clock):
    profile = 0, 10 * ACCELERATION, 2 * VELOCITY
    device.receive(long(0x0416, "<HHiiiiH", 2, round(3 / STEP), *profile, 2))
    device.receive(short(0x046A, 1))
    clock.sleep(0.5)
    assert status(device) & (MOVING | JOGGING) == MOVING | 0x80
    assert device.angle_at(1.0) == pytest.approx(2 * (1 - 0.1), rel=1e-3)
    assert ended(ask(device, b"", wait=10))[0] == pytest.approx(3, abs=STEP)
    assert ended(ask(device, short(0x046A, 2), wait=10))[0] == pytest.approx(0, abs=STEP)


@pytest.mark.parametrize("command", [short(0x0457, 2), short(0x046A, 2)])
def test_turning_until_stopped(device, clock, optic, command):
    profile = 0, 10 * ACCELERATION, 10 * VELOCITY
    device.receive(long(0x0416, "<HHiiiiH", 1, 5, *profile, 2))
    device.receive(command)
    for _ in range(6):
        clock.sleep(5)
        assert device.transmit() == b""
    turned = -10 * (30 - 0.5)
    assert optic.angle(clock.now()) == pytest.approx(turned % 360, abs=0.25)
    assert position(device) == pytest.approx(turned, abs=0.1)
    ended(ask(device, bytes.fromhex("650401025001"), wait=3), 0x0466)


def test_parameters_are_told_as_set(device):
    for code, layout, values in [
        (0x0413, "<Hiii", (0, 3 * ACCELERATION, 4 * VELOCITY)),
        (0x0416, "<HHiiiiH", (2, 7, 0, ACCELERATION, VELOCITY, 1)),
        (0x0423, "<HHHiiH", (4, 1, 5, 6, 1)),
        (0x0426, "<HHH", (30, 90)),
        (0x043A, "<Hi", (1234,)),
        (0x0440, "<HHHii", (2, 1, VELOCITY, 99)),
        (0x0445, "<Hi", (-5,)),
        (0x0450, "<Hi", (77,)),
    ]:
        device.receive(long(code, layout, *values))
        data = struct.pack(layout, 1, *values)
        told = struct.pack("<HHBB", code + 2, len(data), 0x81, 0x50) + data
        assert ask(device, short(code + 1)) == told


@pytest.mark.parametrize(("velocity", "acceleration"), [(10.1, 10), (0, 10), (5, 20.1), (5, -1)])
def test_a_profile_out_of_range_leaves_the_old_one(device, velocity, acceleration):
    before = ask(device, short(0x0414))
    set_profile(device, velocity, acceleration)
    assert ask(device, short(0x0414)) == before
    set_profile(device, 10, 20)
    assert ask(device, short(0x0414)) != before


def test_the_counter_can_be_set_without_moving(device, clock, optic):
    ask(device, absolute(45), wait=20)
    device.receive(long(0x0410, "<Hi", 0))
    assert position(device) == 0
    assert optic.angle(clock.now()) == pytest.approx(45, abs=STEP)
    assert ask(device, short(0x040A)) == bytes.fromhex("0b0406008150" + "010000000000")


def test_targets_beyond_43_turns_are_ignored(device, clock, optic):
    for command in (absolute(43 * 360 + 1), relative(-43 * 360 - 1)):
        assert ask(device, command, wait=60) == b""
    assert optic.angle(clock.now()) == 0


def test_the_counter_overflows_as_32_bits_and_the_optic_does_not_notice(device, clock, optic):
    half_range = 2**31 * STEP
    device.receive(short(0x0457, 1))
    sleep_until(clock, half_range / 10 + 5)
    expected = 10 * (clock.now() - 0.5)
    assert position(device) == pytest.approx(expected - 2 * half_range, abs=0.1)
    assert optic.angle(clock.now()) == pytest.approx((expected + 0.02) % 360, abs=0.25)
    stopped, _ = ended(ask(device, bytes.fromhex("650401015001")), 0x0466)
    assert stopped == pytest.approx(expected + 0.02 - 2 * half_range, abs=0.1)
    assert device.angle_at(clock.now()) == pytest.approx((stopped + 2 * half_range) % 360, abs=0.1)


def test_a_disabled_channel_stops_and_does_not_move(device, clock, optic):
    device.receive(absolute(90))
    clock.sleep(3)
    device.receive(bytes.fromhex("100201025001"))
    where = device.angle_at(clock.now())
    assert ask(device, absolute(45), wait=60) == b""
    assert optic.angle(clock.now()) == pytest.approx(where, abs=STEP)
    assert not status(device) & ENABLED


def test_a_jammed_mount_stops_tells_errors_and_never_answers(device, clock, optic):
    device.receive(absolute(90))
    clock.sleep(3)
    device.jammed = True
    where = device.angle_at(clock.now())
    assert ask(device, b"", wait=60) == b""
    assert optic.angle(clock.now()) == pytest.approx(where, abs=STEP)
    assert status(device) == CONNECTED | ENABLED | MOTION_ERROR | CURRENT_LIMIT
    for command in (absolute(90), HOME):
        assert ask(device, command, wait=60) == b""
        assert status(device) & (MOTION_ERROR | HOMING) == MOTION_ERROR
    device.jammed = False
    assert ended(ask(device, absolute(90), wait=60))[1] == CONNECTED | ENABLED


def test_a_slipping_optic_is_not_noticed_by_the_counter(device, clock, optic):
    ask(device, absolute(20), wait=60)
    device.slipping = True
    told, bits = ended(ask(device, absolute(50), wait=60))
    assert told == pytest.approx(50, abs=STEP)
    assert bits == CONNECTED | ENABLED
    assert optic.angle(clock.now()) == pytest.approx(20, abs=STEP)
    device.slipping = False
    ask(device, absolute(60), wait=60)
    assert optic.angle(clock.now()) == pytest.approx(30, abs=STEP)


def test_a_limit_switch_ends_moves_in_its_direction_only(device, clock, optic):
    device.receive(absolute(90))
    clock.sleep(3)
    device.forward_limit = True
    clock.sleep(1)
    stopped, bits = ended(device.transmit(), 0x0466)
    assert bits & 3 == 1
    ended(ask(device, absolute(90), wait=60), 0x0466)
    assert device.angle_at(clock.now()) == pytest.approx(stopped, abs=STEP)
    assert ended(ask(device, relative(-5), wait=60))[0] == pytest.approx(stopped - 5, abs=STEP)
    device.reverse_limit = True
    assert status(device) & 3 == 3


def test_updates_come_ten_times_a_second_until_nobody_acknowledges(device, clock):
    device.receive(short(0x0011))
    clock.sleep(1.005)
    updates = device.transmit()
    assert len(updates) == 10 * 20
    assert updates[:8] == bytes.fromhex("81040e0081500100")
    clock.sleep(20)
    assert len(device.transmit()) == 40 * 20
    device.receive(short(0x0011))
    for _ in range(20):
        clock.sleep(1)
        device.receive(short(0x0492))
    clock.sleep(0.05)
    assert len(ask(device, short(0x0012))) == 200 * 20
    clock.sleep(5)
    assert device.transmit() == b""


def test_a_foreign_codec_commands_and_understands_it(clock, optic):
    device = K10CR1(clock, turned=optic, power_up_angle=33.0, true_direction_bits=True)
    told = apt.Unpacker(on_error="raise")

    def converse(command, wait=0.05):
        told.feed(ask(device, command, wait))
        return next(told, None)

    assert converse(apt.hw_req_info(0x50, 1)).model_number == b"K10CR1\0\0"
    assert converse(apt.mot_move_home(0x50, 1, 1)) is None
    assert converse(ASK_STATUS).homing
    assert converse(b"", wait=60).msg == "mot_move_homed"
    assert converse(apt.mot_move_absolute(0x50, 1, 1, 6_144_000)) is None
    assert converse(apt.mot_req_statusupdate(0x50, 1, 1)).moving_forward
    completed = converse(b"", wait=60)
    assert (completed.msg, completed.position) == ("mot_move_completed", 6_144_000)
    assert completed.homed
    assert completed.channel_enabled
    assert optic.angle(clock.now()) == pytest.approx(45, abs=2 * STEP)
    assert converse(apt.mot_set_velparams(0x50, 1, 1, 0, ACCELERATION, VELOCITY)) is None
    assert converse(apt.mot_req_velparams(0x50, 1, 1)).max_velocity == VELOCITY
    assert converse(apt.mot_move_relative(0x50, 1, 1, -1_000_000)) is None
    assert converse(ASK_STATUS).moving_reverse
    assert converse(apt.mot_move_stop(0x50, 1, 1, 2), wait=5).msg == "mot_move_stopped"
    for ask_parameters in (
        apt.mot_req_jogparams,
        apt.mot_req_homeparams,
        apt.mot_req_genmoveparams,
        apt.mot_req_limswitchparams,
        apt.mot_req_powerparams,
        apt.mot_req_poscounter,
        apt.mot_req_enccounter,
    ):
        assert converse(ask_parameters(0x50, 1, 1)).chan_ident == 1


CODES = [0x0443, 0x0448, 0x0453, 0x0457, 0x0465, 0x046A, 0x0429, 0x0411, 0x0011, 0x0210, 0x0414]
HEADERS = st.builds(short, st.sampled_from(CODES), st.integers(0, 3))
MOVES = st.builds(
    lambda code, number: long(code, "<Hi", number),
    st.sampled_from([0x0448, 0x0453, 0x0445, 0x0410, 0x043A]),
    st.integers(-(2**31), 2**31 - 1),
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(HEADERS | MOVES | st.binary(max_size=40), max_size=10), st.floats(0, 3))
def test_whatever_arrives_the_answers_stay_framed(pieces, wait):
    optic = Optic()
    device = K10CR1(VirtualClock(), turned=optic)
    sent = b"".join(ask(device, piece, wait) for piece in pieces) + ask(device, b"", 20)
    while sent:
        length = 6 + (int.from_bytes(sent[2:4], "little") if sent[4] & 0x80 else 0)
        assert sent[4] & 0x7F == 1
        assert sent[5] == 0x50
        assert len(sent) >= length
        sent = sent[length:]
    assert all(0 <= angle < 360 for angle in optic.angles)

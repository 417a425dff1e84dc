"""The simulated ELL14: bytes, the optic behind them, and the ``thorlabs_elliptec`` driver on it."""

import re
from bisect import bisect_right

import numpy as np
import pytest
import thorlabs_elliptec
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock, sleep_until
from labcool.errors import LimitError
from simulators.elliptec import ELL14, PULSES_PER_TURN

ANSWER = re.compile(
    rb"[0-9A-F](GS[0-9A-F]{2}|GV[0-9A-F]{2}|(PO|HO|GJ)[0-9A-F]{8}|IN[0-9A-F]{30}|I[12][0-9A-F]{22})"
)
PULSE_DEG = 360 / PULSES_PER_TURN


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


class Exactly:
    """A stand-in for the random generator that always misses the target by the same pulses."""

    def __init__(self, miss=0):
        self.miss = miss

    def integers(self, low, high):
        assert low <= self.miss < high
        return self.miss


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def optic():
    return Optic()


@pytest.fixture
def device(clock, optic):
    return ELL14(clock, turned=optic, rng=Exactly())


def ask(device, command, wait=0.005):
    device.receive(command)
    device.clock.sleep(wait)
    return device.transmit()


def test_the_worked_byte_strings(device):
    assert ask(device, b"0gs") == b"0GS00\r\n"
    assert ask(device, bytes.fromhex("306d613030303034363030"), wait=3) == b"0PO00004600\r\n"
    assert ask(device, b"0mrFFFFBA00", wait=3) == b"0PO00000000\r\n"
    assert ask(device, b"0mrFFFFBA00", wait=3) == b"0POFFFFBA00\r\n"


def test_information_has_33_characters_and_the_pulses_of_a_turn(device):
    answer = ask(device, b"0in")
    assert len(answer) == 33 + 2
    assert answer.startswith(b"0IN0E11400123")
    assert answer.endswith(b"01680002" + b"3000\r\n")


def test_the_optic_turns_at_430_degrees_per_second_and_the_answer_comes_at_the_end(
    device, clock, optic
):
    device.receive(b"0ma00011800")  # 180 degrees
    assert device.transmit() == b""
    assert device.angle_at(0.2) == pytest.approx(86.0, abs=PULSE_DEG)
    assert optic.angle(0.2) == pytest.approx(86.0, abs=PULSE_DEG)
    arrival = 180 / 430
    assert optic.angle(arrival) == pytest.approx(180.0)
    sleep_until(clock, arrival)
    assert device.transmit() == b""
    clock.sleep(0.06)
    assert device.transmit() == b"0PO00011800\r\n"


def test_a_slower_velocity_takes_longer(device, clock, optic):
    assert ask(device, b"0sv19") == b"0GS00\r\n"
    assert ask(device, b"0gv") == b"0GV19\r\n"
    begin = clock.now()
    device.receive(b"0ma00008C00")
    assert optic.angle(begin + 0.5) == pytest.approx(0.25 * 430 * 0.5, abs=PULSE_DEG)
    clock.sleep(60)
    assert device.transmit() == b"0PO00008C00\r\n"


def test_while_moving_it_is_busy_but_tells_its_position(device):
    device.receive(b"0ma00011800")
    assert ask(device, b"0gs", 0.1) == b"0GS09\r\n"
    assert ask(device, b"0ma00000000", 0.1) == b"0GS09\r\n"
    assert ask(device, b"0sv32", 0.1) == b"0GS09\r\n"
    position = int(ask(device, b"0gp")[3:11], 16)
    assert position == pytest.approx(0.3 * 430 / PULSE_DEG, abs=1)
    assert ask(device, b"", 1) == b"0PO00011800\r\n"
    assert ask(device, b"0gs") == b"0GS00\r\n"
    assert ask(device, b"0gv") == b"0GV64\r\n"


def test_the_position_loop_misses_by_up_to_two_pulses_and_says_so(clock, optic):
    device = ELL14(clock, turned=optic, rng=np.random.default_rng(7))
    misses = []
    for turn in range(60):
        target = 1000 * turn
        answer = ask(device, b"0ma%08X" % target, wait=3)
        told = int.from_bytes(bytes.fromhex(answer[3:11].decode()), "big", signed=True)
        assert ask(device, b"0gp") == answer
        assert optic.angle(clock.now()) == pytest.approx(told * PULSE_DEG % 360)
        misses.append(told - target)
    assert set(misses) == {-2, -1, 0, 1, 2}


def test_the_same_seed_gives_the_same_positions(clock, optic):
    def positions(seed):
        device = ELL14(clock, turned=optic, rng=np.random.default_rng(seed))
        return [ask(device, b"0ma00001000", wait=3) for _ in range(8)]

    assert positions(3) == positions(3) != positions(4)


def test_just_below_zero_is_reported_as_a_negative_count(clock, optic):
    device = ELL14(clock, turned=optic, rng=Exactly(-1))
    assert ask(device, b"0ma00000000", wait=3) == b"0POFFFFFFFF\r\n"
    assert optic.angle(clock.now()) == pytest.approx(360 - PULSE_DEG)


def test_after_power_up_the_counter_knows_nothing_until_homed(clock, optic):
    device = ELL14(clock, turned=optic, power_up_angle=90.0, rng=Exactly())
    assert optic.angle(0) == pytest.approx(90.0)
    assert ask(device, b"0gp") == b"0PO00000000\r\n"
    assert ask(device, b"0ma00004600", wait=3) == b"0PO00004600\r\n"
    assert optic.angle(clock.now()) == pytest.approx(135.0)
    assert ask(device, b"0ho0", wait=5) == b"0PO00000000\r\n"
    assert optic.angle(clock.now()) == pytest.approx(0.0)
    assert ask(device, b"0ma00004600", wait=3) == b"0PO00004600\r\n"
    assert optic.angle(clock.now()) == pytest.approx(45.0)


@pytest.mark.parametrize(("direction", "way"), [(b"0", 90), (b"1", 270)])
def test_homing_is_slow_and_goes_the_way_it_is_told(clock, optic, direction, way):
    device = ELL14(clock, turned=optic, power_up_angle=90.0, rng=Exactly())
    device.receive(b"0ho" + direction)
    duration = way / (0.3 * 430)
    sign = -1 if direction == b"0" else 1
    assert optic.angle(duration / 2) == pytest.approx((90 + sign * way / 2) % 360, abs=1.4)
    sleep_until(clock, duration)
    assert ask(device, b"0gs") == b"0GS09\r\n"
    clock.sleep(0.06)
    assert device.transmit() == b"0PO00000000\r\n"


def test_homing_uses_the_home_offset(device, clock, optic):
    assert ask(device, b"0so00004600") == b"0GS00\r\n"
    assert ask(device, b"0go") == b"0HO00004600\r\n"
    assert ask(device, b"0ho0", wait=5) == b"0PO00000000\r\n"
    assert optic.angle(clock.now()) == pytest.approx(45.0)


def test_jogging_moves_by_the_jog_step(device):
    assert ask(device, b"0sj00001000") == b"0GS00\r\n"
    assert ask(device, b"0gj") == b"0GJ00001000\r\n"
    assert ask(device, b"0fw", wait=3) == b"0PO00001000\r\n"
    assert ask(device, b"0fw", wait=3) == b"0PO00002000\r\n"
    assert ask(device, b"0bw", wait=3) == b"0PO00001000\r\n"


def test_with_no_jog_step_it_turns_until_stopped(device, clock, optic):
    assert ask(device, b"0fw") == b"0GS00\r\n"
    assert ask(device, b"0gs", wait=100 - clock.now()) == b"0GS09\r\n"
    assert optic.angle(clock.now()) == pytest.approx(430 * 100 % 360, abs=1)
    expected = round(430 / PULSE_DEG * 100)
    assert int(ask(device, b"0st")[3:11], 16) == pytest.approx(expected, abs=1)
    stopped = optic.angle(clock.now())
    clock.sleep(10)
    assert optic.angle(clock.now()) == stopped
    assert ask(device, b"0gs") == b"0GS00\r\n"


def test_a_stopped_move_is_answered_once_from_where_it_stands(device, clock, optic):
    device.receive(b"0ma00011800")
    clock.sleep(0.2)
    answer = ask(device, b"0st", wait=10)
    assert ANSWER.fullmatch(answer[:-2])
    assert int(answer[3:11], 16) * PULSE_DEG == pytest.approx(86.0, abs=PULSE_DEG)
    assert optic.angle(clock.now()) == pytest.approx(86.0, abs=PULSE_DEG)
    assert ask(device, b"0st") == b"0GS00\r\n"


def test_a_jammed_mount_times_out_and_tells_it_once_more_when_asked(device, clock, optic):
    device.jammed = True
    assert ask(device, b"0ma00004600", wait=1.9) == b""
    assert ask(device, b"", wait=0.2) == b"0GS02\r\n"
    assert optic.angle(clock.now()) == 0
    assert ask(device, b"0gs") == b"0GS02\r\n"
    assert ask(device, b"0gs") == b"0GS00\r\n"
    device.jammed = False
    assert ask(device, b"0ma00004600", wait=3) == b"0PO00004600\r\n"


def test_jamming_on_the_way_leaves_the_optic_there(device, clock, optic):
    device.receive(b"0ma00011800")
    clock.sleep(0.2)
    device.jammed = True
    assert ask(device, b"", wait=3) == b"0GS02\r\n"
    assert optic.angle(clock.now()) == pytest.approx(86.0, abs=PULSE_DEG)
    assert int(ask(device, b"0gp")[3:11], 16) * PULSE_DEG == pytest.approx(86.0, abs=PULSE_DEG)


@pytest.mark.parametrize(
    "command",
    [
        b"0ma00023001",
        b"0maFFFDCFFF",
        b"0mr7FFFFFFF",
        b"0so00023001",
        b"0sj80000000",
        b"0sv00",
        b"0sv65",
    ],
)
def test_values_out_of_range_are_refused_and_nothing_moves(device, clock, optic, command):
    assert ask(device, command, wait=5) == b"0GS04\r\n"
    assert optic.angle(clock.now()) == 0
    assert ask(device, b"0gs") == b"0GS04\r\n"
    assert ask(device, b"0gs") == b"0GS00\r\n"


@pytest.mark.parametrize("command", [b"0zz", b"0GS", b"0ma0000zzzz", b"0ho2", b"0ca!", b"0sv1\r\n"])
def test_what_is_not_understood_is_refused(device, command):
    assert ask(device, command) == b"0GS03\r\n"


def test_an_unfinished_packet_times_out(device, clock):
    assert ask(device, b"0ma0000", wait=1.9) == b""
    assert ask(device, b"", wait=0.2) == b"0GS01\r\n"
    assert ask(device, b"0gp") == b"0PO00000000\r\n"


def test_a_packet_may_come_in_pieces_and_with_line_ends_between(device, clock):
    for piece in (b"\r\n0", b"ma00", b"00460"):
        assert ask(device, piece, wait=1) == b""
    assert ask(device, b"0\r\n0gs", wait=3) == b"0GS09\r\n0PO00004600\r\n"


def test_only_its_own_address_is_answered(clock, optic):
    device = ELL14(clock, turned=optic, address="B", rng=Exactly())
    assert ask(device, b"0gs0ma000046001in", wait=5) == b""
    assert optic.angle(clock.now()) == 0
    assert ask(device, b"Bgs") == b"BGS00\r\n"


def test_a_changed_address_answers_from_then_on(device):
    assert ask(device, b"0caA") == b"AGS00\r\n"
    assert ask(device, b"0gs") == b""
    assert ask(device, b"Ags") == b"AGS00\r\n"


def test_searching_frequencies_takes_a_while(device):
    assert ask(device, b"0s1", wait=0.5) == b""
    assert ask(device, b"0gs") == b"0GS09\r\n"
    assert ask(device, b"", wait=1) == b"0GS00\r\n"
    assert ask(device, b"0us") == b"0GS00\r\n"
    for motor in (b"1", b"2"):
        assert ANSWER.fullmatch(ask(device, b"0i" + motor)[:-2])


@pytest.mark.parametrize("wrong", [{"address": "G"}, {"address": "10"}, {"serial": "12"}])
def test_a_malformed_address_or_serial_number_is_wrong_usage(clock, optic, wrong):
    with pytest.raises(LimitError):
        ELL14(clock, turned=optic, **wrong)


class FakePort:
    """What pyserial's ``Serial`` is to the foreign driver: here, a wire to the device."""

    def __init__(self, device):
        self.device = device
        self.name = "memory"
        self.timeout = 10.0
        self.is_open = True
        self._arrived = b""

    def write(self, data):
        self.device.receive(bytes(data))

    def flush(self):
        pass

    def read(self, count):
        clock = self.device.clock
        deadline = clock.now() + self.timeout
        while not self._arrived:
            self._arrived = self.device.transmit()
            due = self.device.next_transmission()
            if not self._arrived and (due is None or due > deadline):
                sleep_until(clock, deadline)
                return b""
            if not self._arrived:
                sleep_until(clock, due)
        first, self._arrived = self._arrived[:count], self._arrived[count:]
        return first

    def close(self):
        self.is_open = False


@pytest.fixture
def foreign(clock, optic, monkeypatch):
    device = ELL14(clock, turned=optic, power_up_angle=30.0, rng=np.random.default_rng(1))
    port = FakePort(device)
    monkeypatch.setattr(thorlabs_elliptec.ellx.serial, "Serial", lambda **_: port)
    driver = thorlabs_elliptec.ELLx("memory", x=14)
    yield driver
    driver._eventloop.call_soon_threadsafe(driver.close)
    driver._thread.join()
    assert not port.is_open


def test_the_foreign_driver_knows_the_mount(foreign):
    assert foreign.model_number == "ELL14/M"
    assert foreign.serial_number == "11400123"
    assert foreign.travel == 360
    assert foreign._pp == PULSES_PER_TURN


def test_the_foreign_driver_homes_and_turns(foreign, clock, optic):
    foreign.home(blocking=True)
    foreign.move_absolute(45.0, blocking=True)
    assert optic.angle(clock.now()) == pytest.approx(45.0, abs=4 * PULSE_DEG)
    assert foreign.get_position() == pytest.approx(45.0, abs=2.5 * PULSE_DEG)
    foreign.move_relative(-90.0, blocking=True)
    assert foreign.get_position() == pytest.approx(-45.0, abs=4.5 * PULSE_DEG)
    assert optic.angle(clock.now()) == pytest.approx(315.0, abs=7 * PULSE_DEG)


def test_the_foreign_driver_is_told_that_the_mount_is_jammed(foreign):
    foreign._port.device.jammed = True
    with pytest.raises(thorlabs_elliptec.ELLError, match="mechanical timeout"):
        foreign.move_absolute(45.0, blocking=True)


PIECES = st.lists(
    st.sampled_from([b"0ma00004600", b"0st", b"0gs", b"0ho0", b"0fw", b"0sv32", b"0ca1", b"\r\n"])
    | st.binary(max_size=20)
    | st.text("0123456789ABCDEFabghimoprsvw", max_size=16).map(str.encode),
    max_size=12,
)


@settings(deadline=None, derandomize=True)
@given(PIECES, st.floats(0, 1))
def test_whatever_arrives_the_answers_stay_framed(pieces, wait):
    optic = Optic()
    device = ELL14(VirtualClock(), turned=optic)
    sent = b"".join(ask(device, piece, wait) for piece in pieces) + ask(device, b"", 20)
    assert sent == b"" or sent.endswith(b"\r\n")
    assert all(ANSWER.fullmatch(answer) for answer in sent.split(b"\r\n")[:-1])
    assert all(0 <= angle < 360 for angle in optic.angles)


def test_a_button_tells_of_its_press_and_of_its_end():
    clock = VirtualClock()
    device = ELL14(clock, turned=Optic(), rng=Exactly(0))
    device.press_button()
    device.press_button()
    clock.sleep(0.1)
    assert device.transmit() == b"0BS09\r\n0BO00000F8E\r\n"
    device.receive(b"0sj00004600")
    clock.sleep(0.1)
    assert device.transmit() == b"0GS00\r\n"
    device.press_button(forward=False)
    clock.sleep(0.5)
    assert device.transmit() == b"0BS09\r\n0BOFFFFC98E\r\n"

"""The simulated finesse: bytes, the power behind them, and PyMeasure's own driver on it."""

import math
import re
from bisect import bisect_left, bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymeasure.instruments.novanta import Fpu60

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.finesse import INTERLOCK_OPEN, OUT_OF_RANGE, UNKNOWN_COMMAND, Finesse
from simulators.memory import MemoryLink


class Light:
    """The power that leaves the head, according to the device's announcements."""

    def __init__(self):
        self.moments, self.powers = [], []

    def __call__(self, watts, moment):
        while self.moments and self.moments[-1] >= moment:
            self.moments.pop(), self.powers.pop()
        self.moments.append(moment)
        self.powers.append(watts)

    def power(self, moment):
        return self.powers[bisect_right(self.moments, moment) - 1]


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def light():
    return Light()


@pytest.fixture
def device(clock, light):
    return Finesse(clock, power_changed=light, max_power=6.0, setpoint=0.5)


@pytest.fixture
def foreign(device, clock):
    adapter = MemoryLink(device, clock).open(write_termination="\r", read_termination="\r\n")
    return Fpu60(adapter)


def ask(device, command):
    device.receive(command)
    device.clock.sleep(0.01)
    return device.transmit()


def test_the_worked_byte_strings(device):
    assert ask(device, bytes.fromhex("504f5745523d302e3530300d")) == b"\r\n"
    assert ask(device, b"LASER=OFF\r") == b"\r\n"
    assert ask(device, bytes.fromhex("5354415455533f0d")) == b"DISABLED\r\n"


@pytest.mark.parametrize(
    ("query", "form"),
    [
        (b"POWER?", rb" 00\.500W"),
        (b"SETPOWER?", rb" 00\.500W"),
        (b"STATUS?", rb"ENABLED"),
        (b"SHUTTER?", rb"SHUTTER CLOSED"),
        (b"INTERLOCK?", rb"ENABLED"),
        (b"CURRENT?", rb"\d{3}\.\d%"),
        (b"HTEMP?", rb" \d\d\.\d{3}C"),
        (b"PSUTEMP?", rb" \d\d\.\d{3}C"),
        (b"TIMERS?", rb"(PSU|Laser Enabled|Laser Threshold) Time = \d{7} Mins(\r\n.*){3}"),
        (b"SERIAL?", rb"F532-0001"),
        (b"SOFTVER?", rb"FPU60 .*"),
    ],
)
def test_the_form_of_each_answer(device, query, form):
    answer = ask(device, query + b"\r")
    assert answer.endswith(b"\r\n")
    assert re.fullmatch(form, answer[:-2])


def test_an_answer_takes_its_time_and_a_line_feed_does_no_harm(device, clock):
    device.receive(b"STATUS?\r\n")
    assert device.transmit() == b""
    clock.sleep(0.01)
    assert device.transmit() == b"ENABLED\r\n"
    assert ask(device, b"POWER=00.25\r\n") == b"\r\n"
    assert ask(device, b"SETPOWER?\r\n") == b" 00.250W\r\n"


def test_the_power_follows_the_set_point_with_its_lag(device, clock):
    ask(device, b"POWER=1.500\r")  # acts at 0 s
    clock.sleep(0.99)
    expected = 1.5 - math.exp(-1.0)
    assert ask(device, b"POWER?\r") == f" {expected:06.3f}W\r\n".encode()
    clock.sleep(20)
    assert ask(device, b"POWER?\r") == b" 01.500W\r\n"


def test_power_leaves_the_head_only_through_its_own_open_shutter(device, clock, light):
    assert light.power(clock.now()) == 0
    clock.sleep(5)
    ask(device, b"SHUTTER OPEN\r")
    assert light.power(5.0) == pytest.approx(0.5)
    assert light.power(4.999) == 0
    clock.sleep(5)
    closed_at = clock.now()
    ask(device, b"SHUTTER CLOSE\r")
    assert light.power(closed_at) == 0
    assert light.power(closed_at - 0.001) == pytest.approx(0.5)
    assert ask(device, b"POWER?\r") == b" 00.500W\r\n"


def test_the_announced_power_is_the_exponential_and_ends_on_the_set_point(device, clock, light):
    ask(device, b"SHUTTER OPEN\r")
    begin = clock.now()
    ask(device, b"POWER=2.0\r")
    for passed in (0.013, 0.5, 1.7, 4.0):
        true = 2 - 1.5 * math.exp(-passed)
        assert light.power(begin + passed) == pytest.approx(true, abs=1.5 * 0.026)
    energy = sum(light.power(begin + step / 1000) / 1000 for step in range(10_000))
    assert energy == pytest.approx(2 * 10 - 1.5, rel=1e-3)
    assert light.power(begin + 100) == 2.0


def test_a_new_set_point_replaces_what_was_announced(device, clock, light):
    ask(device, b"SHUTTER OPEN\r")
    ask(device, b"POWER=6.0\r")
    begin = clock.now()
    ask(device, b"POWER=0.0\r")
    after = light.powers[bisect_left(light.moments, begin) :]
    assert after[0] < 0.5 + 5.5 * 0.01  # the power reached in the 10 ms since the set point of 6 W
    assert after == sorted(after, reverse=True)
    assert after[-1] == 0.0


@pytest.mark.parametrize("command", [b"LASER=OFF\r", b"OFF\r"])
def test_emission_stops_at_once_and_needs_a_person_to_start(device, clock, light, command):
    ask(device, b"SHUTTER OPEN\r")
    stopped_at = clock.now()
    ask(device, command)
    assert light.power(stopped_at) == 0
    assert ask(device, b"CURRENT?\r") == b"000.0%\r\n"
    device.press_button()
    assert ask(device, b"STATUS?\r") == b"DISABLED\r\n"
    assert ask(device, b"LASER=ON\r") == b"\r\n"
    assert ask(device, b"STATUS?\r") == b"DISABLED\r\n"
    device.press_button()
    assert ask(device, b"STATUS?\r") == b"ENABLED\r\n"
    assert light.power(clock.now() + 100) == 0.5


def test_an_open_interlock_stops_emission_and_is_told(device, clock, light):
    ask(device, b"SHUTTER OPEN\r")
    device.interlock_open = True
    assert light.power(clock.now()) == 0
    assert ask(device, b"INTERLOCK?\r") == b"DISABLED\r\n"
    assert ask(device, b"LASER=ON\r") == INTERLOCK_OPEN.encode() + b"\r\n"
    device.press_button()
    assert ask(device, b"STATUS?\r") == b"DISABLED\r\n"
    device.interlock_open = False
    device.press_button()
    assert ask(device, b"STATUS?\r") == b"DISABLED\r\n"


@pytest.mark.parametrize("value", [b"6.001", b"-1", b"", b"nan", b"1e0", b"0.0005", b"1,5"])
def test_a_set_point_out_of_range_is_refused_and_nothing_changes(device, value):
    assert ask(device, b"POWER=" + value + b"\r") == OUT_OF_RANGE.encode() + b"\r\n"
    assert ask(device, b"SETPOWER?\r") == b" 00.500W\r\n"


@pytest.mark.parametrize("command", [b"", b"power?", b"SHUTTER", b"SHUTTER AJAR", b"?", b"x" * 99])
def test_every_command_is_answered_even_what_is_none(device, command):
    assert ask(device, command + b"\r") == UNKNOWN_COMMAND.encode() + b"\r\n"


def test_the_other_reported_wording_of_the_shutter_can_be_had(device):
    device.shutter_words = {True: "SHUTTER OPENED", False: "SHUTTER CLOSED"}
    ask(device, b"SHUTTER OPEN\r")
    assert ask(device, b"SHUTTER?\r") == b"SHUTTER OPENED\r\n"


def test_timers_count_minutes_of_supply_and_of_emission(device, clock):
    clock.sleep(600)
    ask(device, b"OFF\r")
    clock.sleep(600)
    answer = ask(device, b"TIMERS?\r")
    assert [int(minutes) for minutes in re.findall(rb"\d{7}", answer)] == [20, 10, 10]


def test_a_start_outside_the_range_is_wrong_usage(clock, light):
    with pytest.raises(LimitError, match="set point"):
        Finesse(clock, power_changed=light, max_power=6.0, setpoint=7.0)


def test_pymeasures_driver_works_on_it(foreign, device, clock, light):
    assert foreign.emission_enabled is True
    assert foreign.interlock_enabled is True
    assert foreign.shutter_open is False
    foreign.shutter_open = True
    assert foreign.shutter_open is True
    foreign.power_setpoint = 1.25
    assert foreign.power_setpoint == 1.25
    assert 0.5 < foreign.power < 1.25
    clock.sleep(20)
    assert foreign.power == 1.25
    assert light.power(clock.now()) == 1.25
    assert 20 < foreign.current < 90
    assert 22 < foreign.head_temperature < foreign.psu_temperature < 50
    assert foreign.serial_number == "F532-0001"
    clock.sleep(120)
    assert foreign.get_operation_times() == {"psu": 2, "laser": 2, "laser_above_1A": 2}
    foreign.disable_emission()
    assert foreign.emission_enabled is False
    assert light.power(clock.now()) == 0


COMMANDS = [b"POWER=3", b"SHUTTER OPEN", b"POWER?", b"LASER=ON", b"LASER=OFF", b"CURRENT?"]
LINES = st.lists(
    st.sampled_from(COMMANDS) | st.binary(max_size=80).filter(lambda line: b"\r" not in line),
    max_size=10,
)


@settings(deadline=None, derandomize=True)
@given(LINES)
def test_whatever_arrives_is_answered_by_one_line(lines):
    device = Finesse(VirtualClock(), power_changed=Light())
    for line in lines:
        answer = ask(device, line + b"\r")
        assert answer.endswith(b"\r\n")
        assert answer.count(b"\r") == answer.count(b"\n") == 1

"""The simulated Cobolt 06: bytes, what may emit, and what stops it."""

from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.cobolt import Cobolt06

ILLEGAL = b"Syntax error: illegal command\r\n"
WRONG_VALUE = b"Syntax error: illegal value\r\n"


class Light:
    """The emitted power according to the device's announcements."""

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
    return Cobolt06(clock, power_changed=light)


@pytest.fixture
def modern(clock, light):
    return Cobolt06(clock, power_changed=light, generation=5)


def ask(device, command):
    device.receive(command + b"\r")
    device.clock.sleep(0.01)
    return device.transmit()


def test_the_worked_byte_strings(device):
    device.receive(bytes.fromhex("6c3f0d"))
    device.clock.sleep(0.01)
    assert device.transmit() == b"0\r\n"
    assert ask(device, bytes.fromhex("7020302e303530")) == b"OK\r\n"
    assert ask(device, b"l1") == b"OK\r\n"
    assert ask(device, b"pa?") == b"0.050\r\n"
    assert ask(device, b"l?") == b"1\r\n"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"?", b"OK"),
        (b"sn?", b"13204"),
        (b"glm?", b"0532-06-01-0100-100"),
        (b"gfv?", b"2.0.17.0"),
        (b"p?", b"0.000"),
        (b"pa?", b"0.000"),
        (b"ilk?", b"0"),
        (b"f?", b"0"),
        (b"gom?", b"0"),
        (b"gam?", b"1"),
        (b"@cobas?", b"0"),
        (b"@cobasks?", b"0"),
        (b"@cobasdr?", b"0"),
        (b"gkses?", b"1"),
        (b"gmlp?", b"100.000"),
        (b"i?", b"0.000"),
        (b"hrs?", b"0.00"),
        (b"leds?", b"1"),
    ],
)
def test_what_an_idle_laser_says(device, query, answer):
    assert ask(device, query) == answer + b"\r\n"


def test_an_answer_takes_its_time_and_a_line_feed_does_no_harm(device, clock):
    device.receive(b"p 0.0505\r\n")
    assert device.transmit() == b""
    clock.sleep(0.01)
    assert device.transmit() == b"OK\r\n"
    assert ask(device, b"\nP?") == b"0.0505\r\n"


def test_power_comes_and_goes_with_l1_and_l0(device, clock, light):
    ask(device, b"p 0.08")
    assert light.power(clock.now()) == 0
    begin = clock.now()
    ask(device, b"l1")
    assert light.power(begin) == pytest.approx(0.08)
    assert ask(device, b"gom?") == b"2\r\n"
    changed = clock.now()
    ask(device, b"p 0.02")
    assert light.power(changed) == pytest.approx(0.02)
    stopped = clock.now()
    ask(device, b"l0")
    assert light.power(stopped) == 0
    assert light.power(stopped - 0.001) == pytest.approx(0.02)


@pytest.mark.parametrize("value", [b"0.1001", b"-0.01", b"", b"nan", b"1e-2", b"0,05", b"1"])
def test_a_set_point_out_of_range_is_refused_and_nothing_changes(device, value):
    ask(device, b"p 0.05")
    assert ask(device, b"p " + value) == WRONG_VALUE
    assert ask(device, b"p?") == b"0.050\r\n"


def test_autostart_refuses_l1_and_emits_by_itself_after_power_on(clock, light):
    device = Cobolt06(clock, power_changed=light, autostart=True)
    assert ask(device, b"@cobas?") == b"1\r\n"
    assert ask(device, b"l1") == ILLEGAL
    ask(device, b"p 0.05")
    assert light.power(4.99) == 0
    assert light.power(5.0) == pytest.approx(0.05)
    clock.sleep(6)
    ask(device, b"l0")
    assert ask(device, b"l1") == ILLEGAL
    assert light.power(100) == 0
    assert ask(device, b"@cobas 0") == b"OK\r\n"
    assert ask(device, b"l1") == b"OK\r\n"
    assert light.power(100) == pytest.approx(0.05)


def test_cob1_runs_the_start_whether_autostart_is_on_or_not(device, clock, light):
    ask(device, b"p 0.05")
    begin = clock.now()
    assert ask(device, b"@cob1") == b"OK\r\n"
    assert ask(device, b"l?") == b"0\r\n"
    assert light.power(begin + 4.99) == 0
    assert light.power(begin + 5.0) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("trouble", "fault", "interlock"),
    [("interlock_open", b"3", b"1"), ("over_temperature", b"1", b"0")],
)
def test_a_fault_ends_the_emission_and_stays_until_cleared(
    device, clock, light, trouble, fault, interlock
):
    ask(device, b"p 0.05")
    ask(device, b"l1")
    setattr(device, trouble, True)
    assert light.power(clock.now()) == 0
    assert ask(device, b"f?") == fault + b"\r\n"
    assert ask(device, b"ilk?") == interlock + b"\r\n"
    assert ask(device, b"gom?") == b"5\r\n"
    assert ask(device, b"leds?") == b"9\r\n"
    assert ask(device, b"l1") == ILLEGAL
    ask(device, b"cf")
    assert ask(device, b"f?") == fault + b"\r\n"
    setattr(device, trouble, False)
    assert ask(device, b"l1") == ILLEGAL
    assert ask(device, b"cf") == b"OK\r\n"
    assert light.power(clock.now() + 100) == 0
    assert ask(device, b"l1") == b"OK\r\n"
    assert light.power(clock.now()) == pytest.approx(0.05)


def test_the_sequence_of_a_public_client(device, clock, light):
    for command in (b"@cobas 0", b"@cobasdr 0", b"@cob1", b"l1", b"@cobasp 0.0500"):
        assert ask(device, command) == b"OK\r\n"
    assert ask(device, b"l?") == b"1\r\n"
    assert ask(device, b"pa?") == b"0.050\r\n"
    assert ask(device, b"l0") == b"OK\r\n"
    assert light.power(clock.now() + 100) == 0


def test_the_other_reported_polarity_of_the_interlock_can_be_had(device):
    device.interlock_digits = {True: "0", False: "1"}
    assert ask(device, b"ilk?") == b"1\r\n"


def test_the_key_matters_only_while_it_is_enabled(device, clock, light):
    ask(device, b"p 0.05")
    ask(device, b"l1")
    device.key_out = True
    assert ask(device, b"gkses?") == b"0\r\n"
    assert light.power(clock.now()) == pytest.approx(0.05)
    assert ask(device, b"@cobasks 1") == b"OK\r\n"
    assert light.power(clock.now()) == 0
    assert ask(device, b"gom?") == b"1\r\n"
    assert ask(device, b"l1") == ILLEGAL
    ask(device, b"@cobas 1")
    turned = clock.now()
    device.key_out = False
    assert light.power(turned + 4.99) == 0
    assert light.power(turned + 5.0) == pytest.approx(0.05)


def test_a_power_that_cannot_be_reached_times_out(device, clock, light):
    ask(device, b"p 0.05")
    ask(device, b"l1")
    weakened = clock.now()
    device.weak = True
    assert light.power(weakened) == pytest.approx(0.025)
    clock.sleep(9.9)
    assert ask(device, b"f?") == b"0\r\n"
    clock.sleep(0.2)
    assert ask(device, b"f?") == b"4\r\n"
    assert light.power(weakened + 9.99) == pytest.approx(0.025)
    assert light.power(weakened + 10.0) == 0


def test_a_power_reached_again_in_time_does_not_time_out(device, clock):
    ask(device, b"p 0.05")
    ask(device, b"l1")
    device.weak = True
    clock.sleep(5)
    device.weak = False
    clock.sleep(20)
    assert ask(device, b"f?") == b"0\r\n"
    assert ask(device, b"pa?") == b"0.050\r\n"


def test_constant_current_is_linear_above_the_threshold(device, clock, light):
    ask(device, b"ci")
    ask(device, b"slc 100")
    ask(device, b"l1")
    assert ask(device, b"i?") == b"100.000\r\n"
    first = light.power(clock.now())
    ask(device, b"slc 120")
    assert light.power(clock.now()) - first == pytest.approx(0.020)
    ask(device, b"slc 30")
    assert light.power(clock.now()) == 0
    assert ask(device, b"gam?") == b"0\r\n"


def test_modulation_follows_its_input(device, clock, light):
    for command in (b"em", b"slmp 60", b"sdmes 1", b"l1"):
        assert ask(device, command) == b"OK\r\n"
    assert ask(device, b"gom?") == b"4\r\n"
    assert ask(device, b"gdmes?") == b"1\r\n"
    assert light.power(clock.now()) == 0
    device.modulation_input = 0.5
    assert light.power(clock.now()) == pytest.approx(0.03)
    ask(device, b"sdmes 0")
    assert light.power(clock.now()) == pytest.approx(0.06)
    with pytest.raises(LimitError, match="modulation"):
        device.modulation_input = -0.1


def test_generation_5_knows_a_tree_of_words(modern, clock, light):
    assert ask(modern, b"LASer:CP:POWer:SETPoint 40") == b"OK\r\n"
    assert ask(modern, b"p?") == b"0.040\r\n"
    assert ask(modern, b"laser:cp:power:setpoint?") == b"40.000\r\n"
    assert ask(modern, b"laser:cp:power:setpoint? max") == b"100.000\r\n"
    assert ask(modern, b"laser:runmode PowerModulation") == b"OK\r\n"
    assert ask(modern, b"LASer:RUNMode?") == b"PowerModulation\r\n"
    assert ask(modern, b"LASer:PowerModulation:POWer:SETPoint 30") == b"OK\r\n"
    assert ask(modern, b"glmp?") == b"30.000\r\n"
    assert ask(modern, b"laser:runmode Blinking") == WRONG_VALUE
    assert ask(modern, b"laser:runmode ConstantPower") == b"OK\r\n"
    ask(modern, b"l1")
    assert ask(modern, b"state?") == b"2\r\n"
    assert ask(modern, b"abort") == b"OK\r\n"
    assert light.power(clock.now()) == 0
    assert ask(modern, b"state?") == b"6\r\n"
    assert ask(modern, b"l1") == ILLEGAL
    begin = clock.now()
    assert ask(modern, b"restart") == b"OK\r\n"
    assert light.power(begin + 5) == pytest.approx(0.04)
    modern.interlock_open = True
    modern.interlock_open = False
    assert ask(modern, b"fault?") == b"3\r\n"
    assert ask(modern, b"fault:clear") == b"OK\r\n"
    assert ask(modern, b"fault?") == b"0\r\n"


@pytest.mark.parametrize(
    "command", [b"state?", b"fault?", b"fault:clear", b"abort", b"restart", b"laser:runmode?"]
)
def test_older_units_do_not_know_the_tree(device, command):
    assert ask(device, command) == ILLEGAL


@pytest.mark.parametrize("wrong", [{"max_power": 0.0}, {"generation": 3}])
def test_what_no_such_laser_has_is_wrong_usage(clock, light, wrong):
    with pytest.raises(LimitError):
        Cobolt06(clock, power_changed=light, **wrong)


COMMANDS = [b"l1", b"p 0.1", b"@cobas 1", b"@cob1", b"em", b"slmp 100", b"ci", b"slc 140", b"pa?"]
LINES = st.lists(
    st.sampled_from(COMMANDS) | st.binary(max_size=90).filter(lambda line: b"\r" not in line),
    max_size=12,
)


@settings(deadline=None, derandomize=True)
@given(LINES)
def test_whatever_arrives_is_answered_by_one_line(lines):
    light = Light()
    device = Cobolt06(VirtualClock(), power_changed=light, generation=5)
    for line in lines:
        answer = ask(device, line)
        assert answer.endswith(b"\r\n")
        assert answer.count(b"\r") == answer.count(b"\n") == 1
    assert all(0 <= power <= 0.1 + 1e-9 for power in light.powers)


def test_everything_at_once_has_the_fields_of_the_makers_adapter(device):
    assert ask(device, b"ra?") == b"0.000 0.000 0 1 0 0\r\n"
    for command in (b"p 0.025", b"slc 75", b"sdmes 1", b"sames 1", b"l1"):
        assert ask(device, command) == b"OK\r\n"
    assert ask(device, b"ra?") == b"65.000 25.000 1 1 0 3\r\n"
    assert ask(device, b"rasp?") == b"0 75.000 25.000\r\n"

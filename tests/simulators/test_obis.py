"""The simulated OBIS: bytes, the delays between OK and light, and what stops the emission."""

from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.memory import MemoryLink
from simulators.obis import Obis


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
    return Obis(clock, power_changed=light)


def ask(device, command):
    device.receive(command + b"\r\n")
    device.clock.sleep(0.05)
    return device.transmit()


def emitting(device):
    ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.08")
    ask(device, b"SOUR:AM:STAT ON")
    device.clock.sleep(6)


def test_the_worked_byte_strings(device):
    assert ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.08") == b"OK\r\n"
    assert ask(device, b"SOUR:AM:STAT ON") == b"OK\r\n"
    device.clock.sleep(6)
    assert ask(device, b"SYST:STAT?") == b"C8001002\r\nOK\r\n"


@pytest.mark.parametrize(
    "query",
    [
        b"SOUR:POW:LEV:IMM:AMPL?",
        b"SOURce:POWer:LEVel:IMMediate:AMPLitude?",
        b"sour:pow:level:imm:amplitude?",
        b":SOURce1:POWer:LEVel:IMMediate:AMPLitude?",
    ],
)
def test_long_and_short_words_in_any_case_are_the_same(device, query):
    ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.044")
    assert ask(device, query) == b"0.04400\r\nOK\r\n"


@pytest.mark.parametrize("query", [b"SOURC:POW:LEV?", b"SOUR:POW:LE?", b"SOUR:POW", b"POW:LEV?"])
def test_other_abbreviations_are_unknown(device, query):
    assert ask(device, query) == b"ERR-100\r\n"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"*IDN?", b"Coherent, Inc - OBIS 785nm 100mW C - V1.0.6"),
        (b"*TST?", b"0"),
        (b"SYST:INF:MOD?", b"OBIS 785-100 C"),
        (b"SYST:INF:SNUM?", b"78501234"),
        (b"SYST:INF:WAV?", b"785"),
        (b"SYST:INF:POW?", b"0.10000"),
        (b"SOUR:POW:LIM:LOW?", b"0.00100"),
        (b"SOUR:POW:LIM:HIGH?", b"0.11000"),
        (b"SOUR:POW:NOM?", b"0.10000"),
        (b"SOUR:TEMP:DIOD?", b"24.9C"),
        (b"SOUR:AM:SOUR?", b"CWP"),
        (b"SOUR:AM:STAT?", b"OFF"),
        (b"SYST:CDRH?", b"ON"),
        (b"SYST:AUT?", b"OFF"),
        (b"SYST:LOCK?", b"ON"),
        (b"SYST:FAUL?", b"00000000"),
        (b"SYST:ERR:COUN?", b"0"),
        (b"SYST:STAT?", b"C8000008"),
    ],
)
def test_what_an_idle_laser_says(device, query, answer):
    assert ask(device, query) == answer + b"\r\nOK\r\n"


def test_light_follows_ok_by_the_cdrh_delay(device, clock, light):
    ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.08")
    begin = clock.now()
    assert ask(device, b"SOUR:AM:STAT ON") == b"OK\r\n"
    assert ask(device, b"SYST:STAT?") == b"C8001010\r\nOK\r\n"
    assert ask(device, b"SOUR:POW:LEV?") == b"0.00000\r\nOK\r\n"
    assert light.power(begin + 4.999) == 0
    assert light.power(begin + 5.0) == pytest.approx(0.08)
    clock.sleep(5)
    assert ask(device, b"SOUR:POW:LEV?") == b"0.08000\r\nOK\r\n"


def test_without_the_cdrh_delay_light_comes_at_once(device, clock, light):
    ask(device, b"SYST:CDRH OFF")
    ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.05")
    begin = clock.now()
    ask(device, b"SOUR:AM:STAT ON")
    assert light.power(begin) == pytest.approx(0.05)


def test_emission_waits_for_the_warm_up(clock, light):
    device = Obis(clock, power_changed=light, warm_up=60.0)
    assert ask(device, b"SYST:STAT?") == b"C8000100\r\nOK\r\n"
    ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.05")
    assert ask(device, b"SOUR:AM:STAT ON") == b"OK\r\n"
    clock.sleep(10)
    assert ask(device, b"SYST:STAT?") == b"C8001100\r\nOK\r\n"
    assert light.power(59.9) == 0
    assert light.power(60.0) == pytest.approx(0.05)


def test_off_during_the_delay_means_that_light_never_comes(device, light):
    ask(device, b"SOUR:AM:STAT ON")
    ask(device, b"SOUR:AM:STAT OFF")
    assert light.power(100) == 0
    assert max(light.powers) == 0


@pytest.mark.parametrize(
    ("trouble", "status", "lock", "faults"),
    [
        ("interlock_open", b"CC000008", b"OFF", b"00000000"),
        ("key_out", b"CE000008", b"ON", b"00000000"),
        ("over_temperature", b"C8000001", b"ON", b"00000001"),
    ],
)
def test_trouble_ends_the_emission_and_is_told(device, clock, light, trouble, status, lock, faults):
    emitting(device)
    assert light.power(clock.now()) == pytest.approx(0.08)
    setattr(device, trouble, True)
    assert light.power(clock.now()) == 0
    assert ask(device, b"SYST:STAT?") == status + b"\r\nOK\r\n"
    assert ask(device, b"SYST:LOCK?") == lock + b"\r\nOK\r\n"
    assert ask(device, b"SYST:FAUL?") == faults + b"\r\nOK\r\n"
    assert ask(device, b"SOUR:AM:STAT ON") == b"ERR-200\r\n"
    device.refuses_when_blocked = False
    assert ask(device, b"SOUR:AM:STAT ON") == b"OK\r\n"
    assert ask(device, b"SOUR:AM:STAT?") == b"OFF\r\nOK\r\n"
    setattr(device, trouble, False)
    ask(device, b"SYST:ERR:CLE")
    assert light.power(clock.now() + 100) == 0
    emitting(device)
    assert light.power(clock.now()) == pytest.approx(0.08)


def test_a_fault_outlives_its_cause_until_it_is_cleared(device):
    device.over_temperature = True
    ask(device, b"SYST:ERR:CLE")
    assert ask(device, b"SYST:FAUL?") == b"00000001\r\nOK\r\n"
    device.over_temperature = False
    assert ask(device, b"SYST:FAUL?") == b"00000001\r\nOK\r\n"
    ask(device, b"SYST:ERR:CLE")
    assert ask(device, b"SYST:FAUL?") == b"00000000\r\nOK\r\n"


def test_auto_start_emits_when_switched_on_and_when_the_key_is_turned(clock, light):
    device = Obis(clock, power_changed=light, auto_start=True)
    assert light.power(4.9) == 0
    assert light.power(5.0) == pytest.approx(0.001)
    clock.sleep(10)
    device.key_out = True
    assert light.power(100) == 0
    clock.sleep(10)
    device.key_out = False
    assert light.power(24.9) == 0
    assert light.power(25.0) == pytest.approx(0.001)


@pytest.mark.parametrize("value", [b"0.1101", b"0.0009", b"-0.01", b"nan", b"80 mW", b"1E9", b"0"])
def test_a_set_point_out_of_range_is_refused_and_nothing_changes(device, value):
    ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.08")
    assert ask(device, b"SOUR:POW:LEV:IMM:AMPL " + value) == b"ERR-220\r\n"
    assert ask(device, b"SOUR:POW:LEV:IMM:AMPL?") == b"0.08000\r\nOK\r\n"


def test_a_new_set_point_acts_at_once_while_it_emits(device, clock, light):
    emitting(device)
    begin = clock.now()
    ask(device, b"SOUR:POW:LEV:IMM:AMPL 5.0E-2")
    assert light.power(begin) == pytest.approx(0.05)
    assert light.power(begin - 0.01) == pytest.approx(0.08)
    assert ask(device, b"SOUR:POW:CURR?") == b"0.0800\r\nOK\r\n"


def test_external_modes_follow_the_modulating_signal(device, clock, light):
    assert ask(device, b"SOUR:AM:EXT DIG") == b"OK\r\n"
    assert ask(device, b"SOUR:AM:SOUR?") == b"DIGITAL\r\nOK\r\n"
    emitting(device)
    assert ask(device, b"SYST:STAT?") == b"C8001402\r\nOK\r\n"
    assert light.power(clock.now()) == 0
    device.modulation_input = 0.5
    assert light.power(clock.now()) == pytest.approx(0.04)
    assert ask(device, b"SOUR:AM:INT CWC") == b"OK\r\n"
    assert light.power(clock.now()) == pytest.approx(0.08)
    assert ask(device, b"SOUR:AM:INT DIGITAL") == b"ERR-220\r\n"
    with pytest.raises(LimitError, match="modulation"):
        device.modulation_input = 1.5


def test_without_handshaking_only_values_are_sent_and_errors_queued(device):
    assert ask(device, b"SYST:COMM:HAND OFF") == b"OK\r\n"
    assert ask(device, b"SYST:INF:WAV?") == b"785\r\n"
    assert ask(device, b"SOUR:POW:LEV:IMM:AMPL 0.05") == b""
    assert ask(device, b"NONSENSE") == b""
    assert ask(device, b"SOUR:AM:STAT") == b""
    assert ask(device, b"SYST:ERR:COUN?") == b"2\r\n"
    assert ask(device, b"SYST:ERR:NEX?") == b'-100,"Unrecognized command/query"\r\n'
    assert ask(device, b"SYST:ERR:NEX?") == b'-109,"Parameter missing"\r\n'
    assert ask(device, b"SYST:ERR:NEX?") == b'0,"No error"\r\n'
    assert ask(device, b"SYST:COMM:HAND ON") == b"OK\r\n"


def test_the_error_queue_ends_with_its_overflow(device):
    for _ in range(30):
        ask(device, b"NONSENSE")
    assert ask(device, b"SYST:ERR:COUN?") == b"20\r\nOK\r\n"
    for _ in range(19):
        assert ask(device, b"SYST:ERR:NEX?").startswith(b"-100")
    assert ask(device, b"SYST:ERR:NEX?").startswith(b"-350")


def test_hours_of_the_diode_are_hours_of_light(device, clock):
    clock.sleep(3600)
    emitting(device)
    clock.sleep(7200)
    ask(device, b"SOUR:AM:STAT OFF")
    clock.sleep(3600)
    assert ask(device, b"SYST:DIOD:HOUR?") == b"2.00\r\nOK\r\n"
    assert ask(device, b"SYST:HOUR?") == b"4.00\r\nOK\r\n"


def test_an_answer_takes_its_time_and_cr_alone_ends_a_command(device, clock):
    adapter = MemoryLink(device, clock).open(write_termination="\r", read_termination="\r\n")
    device.receive(b"SYST:INF:WAV?\r")
    assert device.transmit() == b""
    assert (adapter.read(), adapter.read()) == ("785", "OK")


def test_the_sequence_of_a_public_client_that_sleeps_and_wakes_the_diode(device, clock, light):
    for command in (b"SOURce:AM:EXTernal DIGital", b"SOURce:TEMPerature:APRobe ON"):
        assert ask(device, command) == b"OK\r\n"
    device.modulation_input = 1.0
    assert ask(device, b"SOURce:POWer:LEVel:IMMediate:AMPLitude 0.04400") == b"OK\r\n"
    assert ask(device, b"SOURce:AM:STATe ON") == b"OK\r\n"
    assert ask(device, b"SOURce:AM:STATe?") == b"ON\r\nOK\r\n"
    clock.sleep(5)
    assert light.power(clock.now()) == pytest.approx(0.044)
    assert ask(device, b"SOURce:TEMPerature:APRobe OFF") == b"OK\r\n"
    assert light.power(clock.now()) == 0


def test_no_power_is_wrong_usage(clock, light):
    with pytest.raises(LimitError, match="nominal power"):
        Obis(clock, power_changed=light, nominal_power=0.0)


COMMANDS = [
    b"SOUR:AM:STAT ON",
    b"SYST:STAT?",
    b"SYST:CDRH OFF",
    b"SOUR:POW:LEV:IMM:AMPL 0.1",
    b"*RST",
]
LINES = st.lists(
    st.sampled_from(COMMANDS)
    | st.binary(max_size=200).filter(lambda line: b"\r" not in line and b"\n" not in line),
    max_size=10,
)


@settings(deadline=None, derandomize=True)
@given(LINES)
def test_whatever_arrives_each_line_ends_with_ok_or_an_error(lines):
    light = Light()
    device = Obis(VirtualClock(), power_changed=light)
    for line in lines:
        answer = ask(device, line)
        if line.decode("latin-1").strip():
            assert answer.endswith(b"OK\r\n") or answer.startswith(b"ERR-")
        else:
            assert answer == b""
    assert all(0 <= power <= 0.11 + 1e-9 for power in light.powers)

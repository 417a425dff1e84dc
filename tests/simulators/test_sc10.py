"""The simulated SC10: the manual's bytes, the blade behind them, and what goes wrong on a bench."""

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from simulators.sc10 import ARGUMENT_INVALID, NOT_DEFINED, SC10


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
        return self.states[bisect_right(self.moments, moment) - 1]

    def changes(self):
        announced = list(zip(self.moments, self.states, strict=True))
        steps = pairwise(announced)
        return [(pytest.approx(at), new) for (_, old), (at, new) in steps if old != new]


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def light():
    return Light()


@pytest.fixture
def device(clock, light):
    return SC10(clock, moved=light, travel_time=0.02)


def exchange(device, command, wait=0.005):
    device.receive(command)
    device.clock.sleep(wait)
    return device.transmit()


def ask(device, command):
    """Return the answer, in proof that it stands between echo and prompt."""
    raw = exchange(device, command + b"\r")
    assert raw.startswith(command + b"\r")
    assert raw.endswith(b"> ")
    return raw[len(command) + 1 : -2].removesuffix(b"\r").decode()


def test_the_worked_byte_strings(device, clock):
    assert exchange(device, bytes.fromhex("656e733f0d")) == b"ens?\r0\r> "
    assert exchange(device, b"closed?\r") == b"closed?\r1\r> "
    assert exchange(device, b"ens\r") == b"ens\r> "
    assert exchange(device, bytes.fromhex("656e733f0d")) == b"ens?\r1\r> "


def test_every_character_is_echoed_as_it_comes(device):
    assert exchange(device, b"en", wait=0) == b"en"
    assert exchange(device, b"s?", wait=0) == b"s?"
    assert exchange(device, b"\r", wait=0) == b"\r"
    assert exchange(device, b"") == b"0\r> "


def test_two_commands_in_one_write_are_answered_one_after_the_other(device):
    assert exchange(device, b"ens?\rmode?\r") == b"ens?\r0\r> mode?\r1\r> "


def test_ens_toggles(device):
    states = []
    for _ in range(3):
        ask(device, b"ens")
        states.append(ask(device, b"ens?"))
    assert states == ["1", "0", "1"]


def test_closed_follows_the_blade_and_lags_behind_ens(device, clock, light):
    ask(device, b"ens")  # acts at 0 s, answers at 0.005 s
    assert (ask(device, b"ens?"), ask(device, b"closed?")) == ("1", "1")
    clock.sleep(0.02)
    assert ask(device, b"closed?") == "0"
    assert not light.passes(0.0199)
    assert light.passes(0.0201)


def test_the_beam_is_told_the_moment_at_which_it_really_passes(device, clock, light):
    clock.sleep(10)
    ask(device, b"ens")
    clock.sleep(5)
    before = clock.now()
    ask(device, b"ens")
    assert light.changes() == [(10.02, True), (before + 0.02, False)]


def test_single_mode_opens_once_and_disables_itself(device, clock, light):
    for command in (b"mode=3", b"open=500", b"shut=250"):
        assert ask(device, command) == ""
    begin = clock.now()
    ask(device, b"ens")
    assert light.changes() == [(begin + 0.02, True), (begin + 0.52, False)]
    clock.sleep(0.7)
    assert ask(device, b"ens?") == "1"
    clock.sleep(0.1)
    assert ask(device, b"ens?") == "0"


def test_repeat_mode_opens_rep_times_and_can_be_broken_off(device, clock, light):
    for command in (b"mode=4", b"open=100", b"shut=100", b"rep=3"):
        ask(device, command)
    begin = clock.now()
    ask(device, b"ens")
    opened = [at for at, state in light.changes() if state]
    assert opened == [begin + 0.02, begin + 0.22, begin + 0.42]
    clock.sleep(0.245)  # 0.25 s after the start: open for the second time
    ask(device, b"ens")
    assert light.changes()[-1] == (begin + 0.27, False)
    assert len(light.changes()) == 4
    assert ask(device, b"ens?") == "0"
    clock.sleep(begin + 0.47 - clock.now())  # it would be open for the third time
    assert ask(device, b"closed?") == "1"


def test_auto_mode_goes_on_until_disabled(device, clock, light):
    for command in (b"mode=2", b"open=100", b"shut=300"):
        ask(device, command)
    begin = clock.now()
    ask(device, b"ens")
    clock.sleep(1000)
    ask(device, b"ens?")
    assert light.passes(begin + 900 * 0.4 + 0.05)
    assert not light.passes(begin + 900 * 0.4 + 0.2)
    ask(device, b"ens")
    clock.sleep(1)
    assert ask(device, b"closed?") == "1"
    assert max(light.moments) < clock.now()


def test_an_external_trigger_starts_what_ens_has_armed(device, clock, light):
    ask(device, b"trig=1")
    ask(device, b"ens")
    clock.sleep(1)
    assert ask(device, b"closed?") == "1"
    device.trigger_input = True
    clock.sleep(0.02)
    assert ask(device, b"closed?") == "0"


def test_the_external_gate_is_followed_while_enabled_only(device, clock, light):
    ask(device, b"mode=5")
    device.trigger_input = True
    clock.sleep(1)
    assert ask(device, b"closed?") == "1"
    ask(device, b"ens")
    clock.sleep(0.02)
    assert ask(device, b"closed?") == "0"
    device.trigger_input = False
    clock.sleep(0.02)
    assert ask(device, b"closed?") == "1"
    assert ask(device, b"ens?") == "1"


def test_changing_the_mode_closes(device, clock):
    ask(device, b"ens")
    clock.sleep(1)
    ask(device, b"mode=2")
    clock.sleep(0.02)
    assert (ask(device, b"ens?"), ask(device, b"closed?")) == ("0", "1")


def test_a_tripped_interlock_closes_and_keeps_closed(device, clock, light):
    ask(device, b"ens")
    clock.sleep(1)
    tripped_at = clock.now()
    device.interlock_tripped = True
    assert ask(device, b"interlock?") == "1"
    clock.sleep(0.02)
    assert (ask(device, b"ens?"), ask(device, b"closed?")) == ("0", "1")
    assert light.changes()[-1] == (tripped_at + 0.02, False)
    assert ask(device, b"ens") == ""
    clock.sleep(1)
    assert (ask(device, b"ens?"), ask(device, b"closed?")) == ("0", "1")
    device.interlock_tripped = False
    clock.sleep(1)
    assert (ask(device, b"interlock?"), ask(device, b"closed?")) == ("0", "1")
    ask(device, b"ens")
    clock.sleep(1)
    assert ask(device, b"closed?") == "0"


@pytest.mark.parametrize("was_open", [False, True])
def test_a_stuck_blade_stays_whatever_the_controller_says(device, clock, light, was_open):
    if was_open:
        ask(device, b"ens")
    clock.sleep(1)
    device.stuck = True
    ask(device, b"ens")
    clock.sleep(1)
    assert ask(device, b"ens?") == f"{not was_open:d}"
    assert ask(device, b"closed?") == f"{not was_open:d}"
    assert light.passes(clock.now()) is was_open
    device.stuck = False
    clock.sleep(0.02)
    assert ask(device, b"closed?") == f"{was_open:d}"


def test_a_blade_that_sticks_on_its_way_never_arrives(device, clock, light):
    ask(device, b"ens")
    device.stuck = True
    clock.sleep(1)
    assert ask(device, b"closed?") == "1"
    assert not light.passes(clock.now())


@pytest.mark.parametrize(
    ("keyword", "lowest", "highest"),
    [
        (b"rep", 1, 99),
        (b"mode", 1, 5),
        (b"trig", 0, 1),
        (b"xto", 0, 1),
        (b"open", 1, 999_999),
        (b"shut", 1, 999_999),
        (b"baud", 0, 1),
    ],
)
def test_settings_are_kept_within_their_range_and_refused_outside(device, keyword, lowest, highest):
    for value in (highest, lowest):
        assert ask(device, b"%s=%d" % (keyword, value)) == ""
        assert ask(device, keyword + b"?") == str(value)
    for refused in (b"%d" % (highest + 1), b"-1", b"", b"1.5", b"\xb2"):
        assert ask(device, keyword + b"=" + refused) == ARGUMENT_INVALID
    assert ask(device, keyword + b"?") == str(lowest)


@pytest.mark.parametrize(
    "command", [b"", b"ENS?", b"ens=1", b"\nens", b"closed", b"hello", b"x" * 99]
)
def test_what_is_no_keyword_gets_an_error_text_and_changes_nothing(device, command):
    assert ask(device, command) == NOT_DEFINED
    assert ask(device, b"ens?") == "0"


def test_a_line_feed_spoils_the_next_command(device):
    exchange(device, b"ens\r\n")
    assert exchange(device, b"ens\r\n").startswith(b"ens\r" + NOT_DEFINED.encode())
    assert ask(device, b"x") == NOT_DEFINED


def test_stored_settings_come_back(device):
    for command in (b"open=123", b"mode=3", b"savp", b"save", b"open=5", b"mode=1", b"resp"):
        assert ask(device, command) == ""
    assert (ask(device, b"open?"), ask(device, b"mode?")) == ("123", "3")


def test_it_says_what_it_is_and_what_it_knows(clock, light):
    device = SC10(clock, moved=light, serial="T0042")
    assert ask(device, b"id?").startswith("THORLABS SC10")
    assert ask(device, b"*idn?").endswith("T0042")
    known = ask(device, b"?").split("\r")
    assert {"ens", "closed?", "interlock?", "open=n"} <= set(known)
    for keyword in known:
        command = keyword.replace("=n", "=1").encode()
        assert "error" not in ask(device, command)


COMMANDS = [b"ens", b"ens?", b"closed?", b"mode=4", b"mode=2", b"open=1", b"rep=99", b"?", b"resp"]
LINES = st.lists(
    st.sampled_from(COMMANDS) | st.binary(max_size=90).filter(lambda line: b"\r" not in line),
    max_size=8,
)


@settings(deadline=None, derandomize=True)
@given(LINES)
def test_whatever_arrives_is_answered_by_echo_answer_prompt(lines):
    clock = VirtualClock()
    device = SC10(clock, moved=Light())
    for line in lines:
        raw = exchange(device, line + b"\r")
        assert raw.startswith(line + b"\r")
        answer = raw[len(line) + 1 :]
        assert answer.endswith(b"> ")
        assert answer == b"> " or answer.endswith(b"\r> ")

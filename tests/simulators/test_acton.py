"""The simulated SP-2300i: bytes with and without echo, and the wavelength behind them."""

import math
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators._acton_drive import Grating
from simulators.acton import ActonSP2300i


class Wavelength:
    """The wavelength according to the device's announcements."""

    def __init__(self):
        self.moments, self.values = [], []

    def __call__(self, nm, moment):
        while self.moments and self.moments[-1] >= moment:
            self.moments.pop(), self.values.pop()
        self.moments.append(moment)
        self.values.append(nm)

    def at(self, moment):
        return self.values[bisect_right(self.moments, moment) - 1]


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def seen():
    return Wavelength()


@pytest.fixture
def device(clock, seen):
    return ActonSP2300i(clock, wavelength_changed=seen)


def ask(device, command, wait=0.02):
    device.receive(command + b"\r")
    device.clock.sleep(wait)
    return device.transmit()


def test_the_worked_byte_strings(device):
    device.receive(bytes.fromhex("3534362e30373420474f544f0d"))
    device.clock.sleep(1.5)
    assert device.transmit() == b""
    device.clock.sleep(0.5)
    assert device.transmit() == bytes.fromhex("206f6b0d0a")
    device.receive(bytes.fromhex("3f4e4d0d"))
    device.clock.sleep(0.02)
    assert device.transmit() == bytes.fromhex("203534362e303734206e6d20206f6b0d0a")
    assert ask(device, b"600 >NM") == b" ok\r\n"
    assert ask(device, b"MONO-?DONE") == b" 0  ok\r\n"
    device.clock.sleep(60)
    assert ask(device, b"MONO-?DONE") == b" 1  ok\r\n"
    assert ask(device, b"MONO-STOP") == b" ok\r\n"
    assert ask(device, b"?NM") == b" 600.000 nm  ok\r\n"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"MODEL", b" SP-2-300i  ok\r\n"),
        (b"SERIAL", b" 23001234  ok\r\n"),
        (b"?NM", b" 0.000 nm  ok\r\n"),
        (b"?NM/MIN", b" 100.000 nm/min  ok\r\n"),
        (b"?GRATING", b" 1  ok\r\n"),
        (b"?TURRET", b" 1  ok\r\n"),
        (b"?FILTER", b" 1  ok\r\n"),
        (b"EXIT-MIRROR ?MIR", b" 0  ok\r\n"),
        (b"EXIT-MIRROR ?MIRROR", b" front  ok\r\n"),
        (b"MONO-?DONE", b" 1  ok\r\n"),
        (b"", b" ok\r\n"),
        (b"?NM\r\n?GRATING", b" 0.000 nm  ok\r\n 1  ok\r\n"),
        (b"?nm", b" 0.000 nm  ok\r\n"),
    ],
)
def test_what_it_says_at_the_start(device, query, answer):
    assert ask(device, query, 0.1) == answer


def test_the_serial_port_echoes_until_it_is_told_not_to(clock, seen):
    device = ActonSP2300i(clock, wavelength_changed=seen, echo=True)
    assert ask(device, b"?NM") == b"?NM 0.000 nm  ok\r\n"
    assert ask(device, b"NO-ECHO") == b"NO-ECHO ok\r\n"
    assert ask(device, b"?NM") == b" 0.000 nm  ok\r\n"
    assert ask(device, b"ECHO") == b" ok\r\n"
    assert ask(device, b"FOO") == b"FOO ? \r\n"


@pytest.mark.parametrize("command", [b"FOO", b"GOTO", b"5 FOO", b"1e3 GOTO", b"nan GOTO", b"5nm"])
def test_what_is_not_understood_is_questioned_and_moves_nothing(device, clock, seen, command):
    assert ask(device, command) == b" ? \r\n"
    assert ask(device, b"FOO ?NM") == b" ? \r\n"
    assert seen.at(clock.now() + 100) == 0
    assert ask(device, b"GOTO") == b" ? \r\n"


def test_goto_takes_its_time_and_the_wavelength_is_between(device, clock, seen):
    device.receive(b"500 GOTO\r")
    for moment in (0.1, 0.5, 1.0, 1.2):
        assert seen.at(moment) == pytest.approx(400 * moment, abs=12)
        assert device.wavelength_at(moment) == pytest.approx(400 * moment)
    assert seen.at(1.25) == 500
    assert seen.at(1000) == 500


def test_nm_moves_at_the_scan_rate_and_blocks(device, clock, seen):
    assert ask(device, b"600.0 NM/MIN") == b" ok\r\n"
    begin = clock.now()
    assert ask(device, b"300 NM", wait=29) == b""
    clock.sleep(5)
    assert device.transmit() == b" ok\r\n"
    assert seen.at(begin + 25) == pytest.approx(250, abs=0.6)
    assert seen.at(begin + 30) == 300


def test_a_long_scan_is_announced_to_its_end(device, clock, seen):
    ask(device, b"100 >NM")
    begin = clock.now() - 0.02
    for _ in range(70):
        clock.sleep(1)
        device.transmit()
        expected = min(100.0, (clock.now() - begin) * 100 / 60)
        assert seen.at(clock.now()) == pytest.approx(expected, abs=0.2)
    assert seen.at(clock.now()) == 100


def test_mono_stop_ends_a_scan_where_it_is(device, clock, seen):
    ask(device, b"1200 NM/MIN")
    ask(device, b"400 >NM", wait=10)
    assert ask(device, b"MONO-STOP") == b" ok\r\n"
    assert ask(device, b"MONO-?DONE") == b" 1  ok\r\n"
    assert ask(device, b"?NM") == b" 200.000 nm  ok\r\n"
    assert seen.at(clock.now() + 100) == pytest.approx(200.0)


def test_what_comes_during_a_blocking_move_waits_its_turn(device, clock):
    device.receive(b"200 GOTO\r?NM\r")
    assert ask(device, b"?GRATING", wait=0.5) == b""
    clock.sleep(1)
    assert device.transmit() == b" ok\r\n 200.000 nm  ok\r\n 1  ok\r\n"


@pytest.mark.parametrize(
    ("grating", "command", "reached"),
    [
        (3, b"1500 GOTO", 1400.0),
        (3, b"-10 GOTO", 0.0),
        (2, b"2900 GOTO", 2800.0),
        (1, b"9999 GOTO", 5600.0),
    ],
)
def test_out_of_range_is_clamped_silently(device, clock, seen, grating, command, reached):
    ask(device, b"%d GRATING" % grating, wait=15)
    assert ask(device, command, wait=100) == b" ok\r\n"
    assert ask(device, b"?NM") == b" %.3f nm  ok\r\n" % reached
    assert seen.at(clock.now()) == reached


def test_the_grating_list_marks_the_current_one(device):
    ask(device, b"2 GRATING", wait=15)
    lines = ask(device, b"?GRATINGS").split(b"\r\n")
    assert lines[1:4] == [
        b" 1  300 g/mm BLZ=  500NM ",
        b"\x1a2  600 g/mm BLZ=  750NM ",
        b" 3 1200 g/mm BLZ=  500NM ",
    ]
    assert lines[4:10] == [b" %d Not Installed    " % number for number in range(4, 10)]
    assert lines[10:] == [b" ok", b""]


def test_a_grating_change_takes_time_and_nothing_is_known_meanwhile(device, clock, seen):
    ask(device, b"3000 GOTO", wait=40)
    begin = clock.now()
    assert ask(device, b"3 GRATING", wait=9.9) == b""
    assert math.isnan(seen.at(begin + 5))
    assert math.isnan(device.wavelength_at(begin + 5))
    clock.sleep(0.2)
    assert device.transmit() == b" ok\r\n"
    assert ask(device, b"?GRATING") == b" 3  ok\r\n"
    assert device.grating == Grating(1200, "500NM")
    assert ask(device, b"?NM") == b" 1400.000 nm  ok\r\n"
    assert seen.at(begin + 10) == 1400


@pytest.mark.parametrize("command", [b"4 GRATING", b"0 GRATING", b"99 GRATING", b"1.5 GRATING"])
def test_a_grating_that_is_not_there_is_ok_and_ignored(device, clock, seen, command):
    assert ask(device, command) == b" ok\r\n"
    assert ask(device, b"?GRATING") == b" 1  ok\r\n"
    assert not any(map(math.isnan, seen.values))


def test_selecting_the_grating_that_is_in_place_disturbs_no_scan(device, clock, seen):
    ask(device, b"60 >NM")
    assert ask(device, b"1 GRATING") == b" ok\r\n"
    assert ask(device, b"MONO-?DONE") == b" 0  ok\r\n"


def test_a_turret_brings_its_own_gratings(clock, seen):
    gratings = {1: Grating(300, "500NM"), 4: Grating(150, "800NM"), 5: Grating(1800, "500NM")}
    device = ActonSP2300i(clock, wavelength_changed=seen, gratings=gratings)
    assert ask(device, b"5 GRATING") == b" ok\r\n"
    assert ask(device, b"2 TURRET", wait=11) == b" ok\r\n"
    assert ask(device, b"?TURRET") == b" 2  ok\r\n"
    assert ask(device, b"?GRATING") == b" 4  ok\r\n"
    assert ask(device, b"5 GRATING", wait=11) == b" ok\r\n"
    assert device.grating.grooves == 1800
    assert ask(device, b"3 TURRET") == b" ok\r\n"
    assert ask(device, b"?TURRET") == b" 2  ok\r\n"


def test_a_stuck_drive_says_ok_and_stays(device, clock, seen):
    device.receive(b"500 GOTO\r")
    clock.sleep(0.5)
    device.stuck = True
    clock.sleep(10)
    assert device.transmit() == b" ok\r\n"
    assert ask(device, b"?NM") == b" 200.000 nm  ok\r\n"
    assert ask(device, b"600 GOTO", wait=10) == b" ok\r\n"
    assert seen.at(clock.now()) == pytest.approx(200.0)
    device.stuck = False
    assert ask(device, b"600 GOTO", wait=10) == b" ok\r\n"
    assert seen.at(clock.now()) == 600


def test_a_reset_returns_to_the_state_of_power_on(device, clock, seen):
    ask(device, b"2 GRATING", wait=15)
    ask(device, b"500 GOTO 30 NM/MIN", wait=15)
    assert ask(device, b"MONO-RESET", wait=14.9) == b""
    clock.sleep(0.2)
    assert device.transmit() == b" ok\r\n"
    assert ask(device, b"?GRATING ?NM ?NM/MIN") == b" 1  0.000 nm  100.000 nm/min  ok\r\n"
    assert seen.at(clock.now()) == 0


def test_slits_with_and_without_a_motor(clock, seen):
    device = ActonSP2300i(clock, wavelength_changed=seen, slits={"SIDE-ENT-SLIT": 500})
    assert ask(device, b"SIDE-ENT-SLIT ?MICRONS") == b" 500 um  ok\r\n"
    assert ask(device, b"SIDE-ENT-SLIT 100 MICRONS", wait=0.7) == b""
    clock.sleep(0.2)
    assert device.transmit() == b" ok\r\n"
    assert ask(device, b"?MICRONS") == b" 100 um  ok\r\n"
    assert ask(device, b"9999 MICRONS ?MICRONS", wait=10) == b" 3000 um  ok\r\n"
    assert ask(device, b"SHOME ?MICRONS", wait=10) == b" 10 um  ok\r\n"
    assert ask(device, b"SIDE-EXIT-SLIT ?MICRONS") == b" no motor\r\n ok\r\n"
    assert ask(device, b"SIDE-EXIT-SLIT 50 MICRONS") == b" no motor\r\n ok\r\n"


def test_mirrors_and_filter_wheel(device):
    assert ask(device, b"EXIT-MIRROR SIDE", wait=0.9) == b""
    device.clock.sleep(0.2)
    assert device.transmit() == b" ok\r\n"
    assert device.exit_port == "side"
    assert ask(device, b"?MIR") == b" 1  ok\r\n"
    assert ask(device, b"ENT-MIRROR ?MIR") == b" 0  ok\r\n"
    assert ask(device, b"4 FILTER", wait=3) == b" ok\r\n"
    assert ask(device, b"?FILTER") == b" 4  ok\r\n"
    assert ask(device, b"7 FILTER") == b" ok\r\n"
    assert ask(device, b"FHOME", wait=3) == b" ok\r\n"
    assert ask(device, b"?FILTER") == b" 1  ok\r\n"


def test_the_memory_tells_the_optics(device):
    text = ask(device, b"MONO-EESTATUS")
    assert b"half angle   15.15\r\n" in text
    assert b"focal length   300.00\r\n" in text
    assert text.endswith(b"\r\n ok\r\n")


def test_the_exchange_of_a_public_driver_that_expects_the_echo(clock, seen):
    device = ActonSP2300i(clock, wavelength_changed=seen, echo=True)

    def exchange(command, wait):
        """Read up to the k of ok and two bytes more, then take off answer's end and echo."""
        answer = ask(device, command.encode(), wait).decode("latin-1")
        assert answer.endswith(" ok\r\n")
        text = answer[:-5].strip()
        assert text[: len(command)] == command
        return text[len(command) :]

    assert exchange("MODEL", 0.5).strip() == "SP-2-300i"
    listed = exchange("?GRATINGS", 1.0).splitlines()[1:-1]
    names = [line.strip("\x1a").split(maxsplit=1) for line in listed]
    assert [int(number) for number, _ in names] == list(range(1, 9))
    exchange("692.000 GOTO", 8)
    assert float(exchange("?NM", 0.5).split()[0]) == 692.0
    exchange("700.000 >NM", 0.5)
    assert bool(int(exchange("MONO-?DONE", 0.5))) is False
    clock.sleep(5)
    assert bool(int(exchange("MONO-?DONE", 0.5))) is True
    assert exchange("SIDE-ENT-SLIT ?MICRONS", 0.5).strip() == "no motor"


@pytest.mark.parametrize(
    "wrong", [{"gratings": {2: Grating(300, "500NM")}}, {"slits": {"BACK-SLIT": 10}}]
)
def test_what_no_such_monochromator_has_is_wrong_usage(clock, seen, wrong):
    with pytest.raises(LimitError):
        ActonSP2300i(clock, wavelength_changed=seen, **wrong)


PIECES = st.lists(
    st.sampled_from(
        [b"500 GOTO\r", b"2 GRATING\r", b"300 >NM\r", b"MONO-STOP\r", b"2000 NM/MIN\r", b"9 NM\r"]
    )
    | st.binary(max_size=40).map(lambda piece: piece + b"\r"),
    max_size=8,
)


@settings(deadline=None, derandomize=True)
@given(PIECES, st.floats(0, 20))
def test_whatever_arrives_each_line_is_answered_once(pieces, wait):
    seen = Wavelength()
    device = ActonSP2300i(VirtualClock(), wavelength_changed=seen)
    sent = b""
    for piece in pieces:
        device.receive(piece)
        device.clock.sleep(wait)
        sent += device.transmit()
    device.clock.sleep(1e7)
    sent += device.transmit()
    answers = sent.count(b" ok\r\n") + sent.count(b" ? \r\n")
    assert answers == b"".join(pieces).count(b"\r")
    assert all(math.isnan(value) or 0 <= value <= 5600 for value in seen.values)

"""The simulated SR830: its language, its status bytes and its silence."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from simulators._sr830_formats import fast_pair, lia_float, text, trace_ieee, trace_text
from simulators.sr830 import SR830

EXECUTION, ILLEGAL = 1 << 4, 1 << 5


@pytest.fixture
def clock():
    return VirtualClock()


def quiet(clock, **changes):
    """Return a lock-in with 0.5 mV at its input, no noise, on its internal reference."""
    options = {"signal": lambda _: 0.5e-3 + 0j, "reference": lambda _: None, "noise_density": 0.0}
    return SR830(clock, **(options | changes))


@pytest.fixture
def device(clock):
    device = quiet(clock)
    ask(device, "*CLS")
    return device


def ask(device, command, end=b"\n"):
    device.receive(command.encode("latin-1") + end)
    device.clock.sleep(0.01)
    return device.transmit().decode("latin-1")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.00123, "0.00123"),
        (-4.5e-5, "-4.5e-005"),
        (1000.0, "1000"),
        (-4.17234e-7, "-4.17234e-007"),
    ],
)
def test_the_worked_texts(value, written):
    assert text(value) == written


def test_the_worked_trace_formats():
    assert trace_text([-1.234567e-9, 7.654321e-9]) == "-1.234567e-009,+7.654321e-009,"
    assert trace_ieee([1.0, 1e-3]) == bytes.fromhex("0000803F 6F12833A")
    assert lia_float(1.0) == bytes.fromhex("00406E00")
    assert lia_float(1e-3) == bytes.fromhex("89416400")
    assert lia_float(-1e-3) == bytes.fromhex("77BE6400")
    assert fast_pair(1.0, -0.5) == np.array([30000, -15000], "<i2").tobytes()
    assert fast_pair(9.0, -9.0) == np.array([32767, -32768], "<i2").tobytes()


@given(st.floats(-1.0, 1.0).filter(lambda value: value == 0 or abs(value) > 1e-12))
def test_the_lia_format_keeps_fourteen_bits(value):
    mantissa, exponent = np.frombuffer(lia_float(value), "<i2")
    assert 0 <= exponent <= 248
    assert float(mantissa) * 2.0 ** (int(exponent) - 124) == pytest.approx(value, rel=2**-14)


def test_the_worked_questions(device, clock):
    clock.sleep(10)
    assert ask(device, "OUTP? 1") == "0.0005\n"
    assert ask(device, "SNAP? 1,2,9") == "0.0005,0,1000\n"
    assert ask(device, "*IDN?") == "Stanford_Research_Systems,SR830,s/n12345,ver1.07\n"


def test_answers_come_one_by_one_in_order(device):
    assert ask(device, "SENS?;OFLT ?; outx?;;FMOD?") == "26\n8\n1\n1\n"


def test_rs232_ends_with_return_and_accepts_both_ends_once_it_is_chosen(clock):
    device = quiet(clock, interface="rs232")
    assert ask(device, "SENS 5;SENS?", b"\r") == ""
    assert ask(device, "OUTX 0;SENS?", b"\r") == "5\r"
    assert ask(device, "SENS?", b"\n") == "5\r"
    assert ask(device, "SENS?", b"\r\n") == "5\r"


def test_a_serial_answer_takes_its_time_at_9600_baud(clock):
    device = quiet(clock, interface="rs232")
    device.receive(b"OUTX 0;*IDN?\r")
    clock.sleep(0.03)
    early = device.transmit()
    clock.sleep(0.03)
    assert 0 < len(early) < 49 == len(early + device.transmit())


def test_the_interface_that_was_not_chosen_is_deaf_to_nothing_but_mute(device):
    assert ask(device, "OUTX 0;SENS 7;SENS?") == ""
    assert ask(device, "OUTX 1;SENS?") == "7\n"


SETTINGS = [
    ("PHAS", -360, 729.99, -360.01, 730),
    ("FREQ", 0.001, 102000, 0.0009, 102001),
    ("SLVL", 0.004, 5, 0.003, 5.01),
    *[
        (name, lowest, highest, lowest - 1, highest + 1)
        for name, lowest, highest in [
            ("FMOD", 0, 1),
            ("RSLP", 0, 2),
            ("HARM", 1, 102),
            ("ISRC", 0, 3),
            ("IGND", 0, 1),
            ("ICPL", 0, 1),
            ("ILIN", 0, 3),
            ("SENS", 0, 26),
            ("RMOD", 0, 2),
            ("OFLT", 0, 13),
            ("OFSL", 0, 3),
            ("SRAT", 0, 14),
            ("SEND", 0, 1),
            ("TSTR", 0, 1),
            ("KCLK", 0, 1),
            ("ALRM", 0, 1),
            ("OVRM", 0, 1),
            ("LOCL", 0, 2),
            ("*PSC", 0, 1),
        ]
    ],
]


@pytest.mark.parametrize(("name", "lowest", "highest", "below", "above"), SETTINGS)
def test_settings_are_kept_within_their_range_and_refused_outside(
    device, name, lowest, highest, below, above
):
    wrapped = {-360: 0.0, 729.99: 9.99}
    ask(device, "SENS 0")
    for value in (highest, lowest):
        answer = ask(device, f"{name} {value};{name}?")
        assert float(answer) == (wrapped[value] if name == "PHAS" else value)
    assert ask(device, "*ESR?") == "0\n"
    for refused in (below, above, "", "x", "1,2,3,4", "nan", "1e999"):
        assert ask(device, f"{name} {refused}") == ""
        assert ask(device, "*ESR?") == f"{EXECUTION}\n"
    assert float(ask(device, f"{name}?")) == wrapped.get(lowest, lowest)


@pytest.mark.parametrize("written", ["11", "11.000000", "1.1E1", "+11"])
def test_integers_may_be_written_as_any_number(device, written):
    assert ask(device, f"SRAT{written};SRAT?") == "11\n"


@pytest.mark.parametrize(
    ("command", "question", "answer"),
    [
        ("AUXV 3,-10.5", "AUXV? 3", "-10.5"),
        ("OEXP 2,50,1", "OEXP? 2", "50.00,1"),
        ("DDEF 1,1,0", "DDEF?1", "1,0"),
        ("FPOP 2,0", "FPOP? 2", "0"),
        ("*ESE 48", "*ESE?", "48"),
        ("LIAE 2,1", "LIAE?", "4"),
        ("ERRE 255;ERRE 5,0", "ERRE? 5", "0"),
        ("PHAS 541", "PHAS?", "-179"),
        ("FREQ 12345.678", "FREQ?", "12346"),
    ],
)
def test_other_settings(device, command, question, answer):
    assert ask(device, f"{command};{question}") == f"{answer}\n"
    assert ask(device, "*ESR?") == "0\n"


BAD_PARAMETERS = [
    "AUXV 5,0",
    "AUXV 1,10.6",
    "OEXP 1,10,10",
    "OEXP 1,106,0",
    "OEXP 1,5",
    "DDEF 3,0,0",
    "DDEF 1,5,0",
    "SNAP? 1",
    "SNAP? 1,2,3,4,5,6,7",
    "SNAP? 1,12",
    "OUTP? 5",
    "OUTP?",
    "OAUX?",
    "TRCA? 1,0,1",
    "LIAS? 8",
    "*ESE 256",
    "RSET 1",
    "SSET 10",
    "HARM 103",
    "STRT 1",
    "SENS 1.5",
]


@pytest.mark.parametrize("command", BAD_PARAMETERS)
def test_a_bad_parameter_is_answered_by_silence_and_bit_four(device, command):
    assert ask(device, command) == ""
    assert device.error_lit
    assert ask(device, "*ESR? 4;*ESR?") == "1\n0\n"
    assert not device.error_lit


@pytest.mark.parametrize(
    "command", ["SENZ 1", "OUTP 1", "FREQQ?", "STRT?", "SNAP 1,2", "\xff", "?"]
)
def test_what_is_no_command_is_answered_by_silence_and_an_error(device, command):
    assert ask(device, command) == ""
    assert int(ask(device, "*ESR?")) & (ILLEGAL | EXECUTION)
    assert ask(device, "SENZ;SENS?") == "26\n"
    assert ask(device, "*ESR?") == f"{ILLEGAL}\n"


def test_a_frequency_is_only_set_on_the_internal_reference(device):
    ask(device, "FMOD 0;FREQ 500")
    assert ask(device, "*ESR?") == f"{EXECUTION}\n"


def test_the_input_buffer_holds_256_characters(device):
    ask(device, "SENS 3" + " " * 251)
    assert ask(device, "*ESR?;SENS?") == "1\n26\n"
    ask(device, "SENS 3" + " " * 250)
    assert ask(device, "*ESR?;SENS?") == "0\n3\n"


def test_unread_answers_overflow(device):
    device.receive(b"*IDN?\n" * 8)
    device.clock.sleep(1)
    device.transmit()
    assert ask(device, "*ESR?") == "4\n"


def test_power_on_and_keys_are_events(clock):
    device = quiet(clock)
    assert ask(device, "*ESR?;*ESR?") == "128\n0\n"
    device.press_key()
    assert ask(device, "*ESR?") == "64\n"


def test_the_serial_poll_byte_sums_up(device):
    assert ask(device, "*STB?") == "3\n"
    ask(device, "*ESE 32;*SRE 32;STRT;JUNK")
    assert ask(device, "*STB?;*STB? 6") == "98\n1\n"
    ask(device, "*CLS;PAUS")
    assert ask(device, "*STB?") == "2\n"
    ask(device, "REST")
    device.receive(b"SENS?\n")
    assert device.serial_poll() == 0x01 | 0x02 | 0x10


def test_setups_are_saved_and_recalled_and_reset(device):
    ask(device, "SENS 4;AUXV 1,2;OEXP 1,3,1;SSET 9;SENS 5;AUXV 1,0;OEXP 1,0,0")
    assert ask(device, "RSET 9;SENS?;AUXV? 1;OEXP? 1") == "4\n2\n3.00,1\n"
    assert ask(device, "*RST;SENS?;AUXV? 1;OEXP? 1;OFLT?;RMOD?") == "26\n0\n0.00,0\n8\n2\n"


def test_settings_survive_power_off_but_the_buffer_and_the_interface_do_not(device, clock):
    ask(device, "SENS 4;SLVL 2;AUXV 2,-1.5;*ESE 7;STRT;OUTX 0")
    clock.sleep(5)
    device.power_cycle()
    assert (device.sine_out, device.aux_out(2)) == (2.0, -1.5)
    assert ask(device, "SENS?;SPTS?;*ESE?;*ESR?") == "4\n0\n0\n128\n"
    ask(device, "*PSC 0;*ESE 7")
    device.power_cycle()
    assert ask(device, "*ESE?") == "7\n"


def test_it_says_nothing_while_it_is_cut_off(device):
    device.silent = True
    assert ask(device, "SENS 3;SENS?") == ""
    device.silent = False
    assert ask(device, "SENS?") == "26\n"


WORDS = ["SENS?", "OUTP?1", "AGAN", "*STB?", "STRT", "FAST 2", "SRAT 13", "STRD", "TRCA?1,0,1"]
WORDS += [
    "OFLT 0",
    "HARM 2",
    "FREQ 10",
    "FMOD 0",
    "*RST",
    "ISRC 3",
    "TRIG",
    "TSTR 1",
    "AOFF 1",
    "ARSV",
]
LINES = st.lists(st.sampled_from(WORDS).map(str.encode) | st.binary(max_size=40), max_size=8)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(LINES, st.sampled_from(["gpib", "rs232"]), st.floats(0, 1))
def test_whatever_arrives_it_lives_on(lines, interface, wait):
    clock = VirtualClock()
    device = quiet(clock, interface=interface, noise_density=1e-6, reference=lambda _: 137.0)
    end = b"\r" if interface == "rs232" else b"\n"
    for line in lines:
        device.receive(line + end)
        clock.sleep(wait)
        device.transmit()
    clock.sleep(30)
    device.receive(end + b"PAUS;FAST 0;OUTX %d" % (interface == "gpib") + end)
    clock.sleep(30)
    device.transmit()
    assert re.fullmatch(r"[0-9]+[\r\n]", ask(device, "SENS?", end))

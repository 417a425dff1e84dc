"""The lines of the simulated Lake Shore controllers: forms, registers, errors, the 331."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.lakeshore import LakeShore, ThermalLoad

QUIET = ThermalLoad(noise=0.0)
ROOM = ThermalLoad(bath=298.15, noise=0.0)


@pytest.fixture
def clock():
    return VirtualClock()


def make(clock, model="336", load=QUIET, **keywords):
    device = LakeShore(clock, model=model, load=load, **keywords)
    ask(device, "*ESR?")
    return device


def ask(device, line):
    """Return the answer to a line without its end, a tenth of a second later."""
    device.receive(line.encode("latin-1") + b"\n")
    device.clock.sleep(0.1)
    answer = device.transmit()
    assert answer == b"" or (answer.endswith(b"\r\n") and answer.count(b"\n") == 1)
    return answer.decode("latin-1").removesuffix("\r\n")


def test_the_worked_bytes(clock):
    device = make(clock, load=ThermalLoad(start=295.123, bath=295.123, noise=0.0))
    device.receive(bytes.fromhex("4B 52 44 47 3F 20 41 0D 0A"))
    clock.sleep(0.02)
    assert device.transmit() == bytes.fromhex("2B 32 39 35 2E 31 32 33 0D 0A")
    sent = "53 45 54 50 20 31 2C 32 38 30 2E 30 3B 2A 45 53 52 3F 0A"
    device.receive(bytes.fromhex(sent))
    clock.sleep(0.02)
    assert device.transmit() == bytes.fromhex("30 0D 0A")
    assert ask(device, "SETP? 1") == "+280.000"
    assert ask(device, "RDGST? A") == "000"
    assert ask(device, "INTYPE C,0;RDGST? C") == "001"


def test_after_power_up_the_event_register_says_so_once(clock):
    device = LakeShore(clock)
    assert ask(device, "*ESR?") == "128"
    assert ask(device, "*ESR?") == "0"


@pytest.mark.parametrize(
    ("model", "identity"),
    [("331", "LSCI,MODEL331S,"), ("335", "LSCI,MODEL335,"), ("336", "LSCI,MODEL336,")],
)
def test_each_model_says_what_it_is(clock, model, identity):
    answer = ask(make(clock, model), "*IDN?")
    assert answer.startswith(identity)
    assert answer.count(",") == 3


def test_answers_to_joined_queries_come_joined_and_in_order(clock):
    device = make(clock, load=ROOM)
    assert ask(device, "KRDG? A;:CRDG? A; RDGST? A;:*OPC?") == "+298.150;+025.000;000;1"


@pytest.mark.parametrize("line", [b"\n", b"\r\n", b";\n", b": ;:\r\n"])
def test_an_empty_line_is_no_error(clock, line):
    device = make(clock)
    device.receive(line)
    assert ask(device, "*ESR?") == "0"


@pytest.mark.parametrize("line", ["XYZ?", "KRDG", "RANGE1,3", "\xff\x00", "SETP", "LDAT? A", "=3"])
def test_what_it_does_not_know_is_silence_and_the_command_bit(clock, line):
    device = make(clock)
    assert ask(device, line) == ""
    expected = {"SETP": "16"}.get(line, "32")
    assert ask(device, "*ESR?;*ESR?") == f"{expected};0"


@pytest.mark.parametrize(
    "line",
    [
        "KRDG? E",
        "SETP 1,abc",
        "SETP 1,nan",
        "SETP 1,1e99",
        "SETP 5,20",
        "SETP 1,900",
        "SETP 1,-1",
        "PID 1,2000,1,0",
        "RANGE 1,4",
        "RANGE 3,2",
        "RANGE 1",
        "RAMP 1,1,101",
        "RAMP 1,1,-5",
        "MOUT 1,101",
        "OUTMODE 1,6,1,0",
        "HTRSET 1,0,1,0,1.0,1",
        "AOUT? 1",
        "HTR? 3",
        "MODE 3",
        "ZONE? 1,11",
        "ATUNE 1,3",
        "CRVPT? 1,201",
    ],
)
def test_what_it_does_not_allow_is_silence_and_the_execution_bit(clock, line):
    device = make(clock)
    assert ask(device, line) == ""
    assert ask(device, "*ESR?") == "16"


def test_the_good_commands_of_a_line_are_done_in_spite_of_a_bad_one(clock):
    device = make(clock)
    assert ask(device, "NONSENSE;SETP 1,150;SETP? 1;*ESR?") == "+150.000;32"


def test_a_line_that_never_ends_is_a_command_error(clock):
    device = make(clock)
    device.receive(b"A" * 5000 + b"\n")
    assert ask(device, "*ESR?") == "32"


def test_what_is_set_is_given_back(clock):
    device = make(clock)
    for command, answer in {
        "PID 1,40.5,27.3,50": "+0040.5,+0027.3,+0050.0",
        "PID 1,10,50": "+0010.0,+0050.0,+0050.0",
        "RAMP 2,1,10.5": "1,+010.5",
        "OUTMODE 3,4,2,1": "4,2,1",
        "MOUT 1,22.45": "+022.45",
        "HTRSET 1,2,0,0.5,2": "2,0,+00.500,2",
        "INTYPE A,1,0,0,0,2": "1,0,0,0,2",
        "TLIMIT B,320.5": "+320.5",
        "FILTER A,1,10,2": "1,10,02",
        'INNAME A,"Sample; hot"': "Sample; hot    ",
        "MODE 2": "2",
        "LOCK 1,321": "1,321",
        "WARMUP 3,1,50": "1,+050.00",
    }.items():
        name, keys = command.split(" ", 1)
        with_key = 0 if name in ("MODE", "LOCK") else 1
        query = f"{name}? {keys.split(',')[0] if with_key else ''}"
        assert ask(device, f"{command};{query};*ESR?") == f"{answer};0"


def test_a_335_has_one_more_field_in_its_heater_setup(clock):
    device = make(clock, "335")
    assert ask(device, "HTRSET 2,1,1,2,0,2;HTRSET? 2;*ESR?").endswith(",2;0")
    assert ask(device, "HTRSET? 2").split(",")[:3] == ["1", "1", "2"]
    assert len(ask(device, "HTRSET? 1").split(",")) == 5
    assert ask(device, "RANGE 2,2;*ESR?") == "16"
    assert ask(device, "KRDG? 0;*ESR?") == "16"


def test_all_inputs_of_a_336_in_one_answer(clock):
    device = make(clock, load={n: ThermalLoad(bath=70.0 + 10 * n, noise=0) for n in (1, 2, 3, 4)})
    assert ask(device, "KRDG? 0") == "+080.000,+090.000,+100.000,+110.000"


def test_the_331_knows_one_heater_only(clock):
    device = make(clock, "331")
    assert ask(device, "RANGE 2;RANGE?;*ESR?") == "2;0"
    ask(device, "CMODE 1,3;MOUT 1,100")
    clock.sleep(1)
    assert device.heater_power() == pytest.approx(5.0)
    assert ask(device, "HTR?;HTRST?") == "+100.0;0"
    assert ask(device, "CSET 1,A,1,0,2;MOUT 1,50;CSET? 1") == "A,1,0,2"
    clock.sleep(1)
    assert ask(device, "HTR?") == "+025.0"


def test_switching_off_a_331_as_if_it_were_a_336_switches_it_on(clock):
    device = make(clock, "331")
    ask(device, "SETP 1,200;RANGE 1,0")
    assert ask(device, "RANGE?") == "1"
    clock.sleep(5)
    assert device.heater_power() == pytest.approx(0.5)


@pytest.mark.parametrize(
    "line", ["OUTMODE? 1", "TLIMIT? A", "OPST?", "HTRSET? 1", "ATUNE 1,2", "EMUL?", "INNAME? A"]
)
def test_what_the_331_has_not_is_a_command_error(clock, line):
    device = make(clock, "331")
    assert ask(device, f"{line};*ESR?") == "32"


def test_the_331_reads_with_fewer_digits_and_has_its_own_forms(clock):
    device = make(clock, "331", load=ROOM)
    assert ask(device, "KRDG? A;CRDG? A;RDGST? A;SETP? 1") == "+298.15;+025.00;000;+298.15"
    assert ask(device, "INTYPE? A;TUNEST?;INCRV? A") == "0,0;0;01"
    assert ask(device, "ALARM B,1,1,270.0,0,0,1;ALARM? B") == "1,1,+270.00,+000.00,+000.00,1"
    assert ask(device, "LINEAR A,1,2.0,2,1,5.0;LDAT? A") == "+055.00"
    assert ask(device, "RAMP 1,1,0.05;*ESR?") == "16"


def test_loop_2_of_the_331_is_its_analog_output(clock):
    device = make(clock, "331")
    ask(device, "CMODE 2,3;MOUT 2,50")
    clock.sleep(1)
    assert device.heater_power(2) == 0
    ask(device, "ANALOG 0,3")
    clock.sleep(1)
    assert device.heater_power(2) == pytest.approx(0.25)
    assert ask(device, "AOUT?") == "+050.0"


def test_the_331_tunes_by_its_control_mode(clock):
    device = make(clock, "331", tuning_s=60.0)
    ask(device, "PID 1,3,1,0;SETP 1,90;RANGE 2;CMODE 1,5")
    assert ask(device, "TUNEST?") == "1"
    clock.sleep(70)
    assert ask(device, "TUNEST?;CMODE? 1") == "0;5"
    p, i, d = (float(value) for value in ask(device, "PID? 1").split(","))
    assert (p > 3, i > 1, d) == (True, True, 0)


def test_the_331_loses_messages_that_come_too_early(clock):
    device = make(clock, "331")
    device.receive(b"SETP 1,100\n")
    clock.sleep(0.04)
    device.receive(b"SETP 1,110\n")
    clock.sleep(0.02)
    device.receive(b"SETP? 1\n")
    clock.sleep(0.02)
    assert device.transmit() == b"+100.00\r\n"
    quick = make(clock, "331", pace_s=0.0)
    quick.receive(b"SETP 1,100\nSETP 1,110\nSETP? 1\n")
    clock.sleep(0.02)
    assert quick.transmit() == b"+110.00\r\n"


def test_a_335_in_emulation_answers_as_a_331_until_told_to_stop(clock):
    device = make(clock, "335", emulating=True)
    assert device.model == "331"
    assert ask(device, "*IDN?").startswith("LSCI,MODEL331")
    assert ask(device, "OUTMODE? 1;EMUL?;*ESR?") == "1,0;32"
    assert ask(device, "EMUL 0,0;*OPC?") == "1"
    assert ask(device, "*IDN?;EMUL?;OUTMODE? 1").split(";")[1:] == ["0,0", "1,1,0"]
    ask(device, "RANGE 1,2;EMUL 1,0;RANGE?")
    clock.sleep(1)
    assert ask(device, "RANGE?") == "0"


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "340"},
        {"model": "336", "emulating": True},
        {"model": "331", "load": {3: QUIET}},
    ],
)
def test_what_cannot_be_made_is_refused(clock, wrong):
    with pytest.raises(LimitError):
        LakeShore(clock, **wrong)


@pytest.mark.parametrize("wrong", [{"link": 0.0}, {"bath": math.nan}, {"sensor_lag": -1.0}])
def test_a_load_that_cannot_be_is_refused(wrong):
    with pytest.raises(LimitError):
        ThermalLoad(**wrong)


def test_a_fault_of_what_is_not_there_is_refused(clock):
    device = make(clock, "335")
    with pytest.raises(LimitError):
        device.sensor_open = {"C"}
    with pytest.raises(LimitError):
        device.heater_open = {3}


NAMES = """*IDN *ESR *CLS *RST
*STB KRDG CRDG SRDG RDGST SETP RAMP RAMPST RANGE PID HTR HTRST OUTMODE
MOUT ATUNE TUNEST ZONE WARMUP HTRSET INTYPE INCRV CRVHDR CRVPT CRVDEL SCAL INNAME FILTER TLIMIT
ALARM ALARMST ALMRST MODE LOCK OPST OPSTR EMUL CMODE CSET ANALOG AOUT LINEAR LDAT RELAY RELAYST
MDAT MNMXRST DFLT NET DISPLAY POLARITY"""
WORDS = """A B C D 0 1 2 3 21 99 -1 1e9 nan '' "a;b" 290.5"""
ARGUMENTS = st.lists(st.one_of(st.sampled_from(WORDS.split()), st.text()), max_size=9).map(",".join)
COMMANDS = st.builds(
    lambda name, mark, arguments: f"{name}{mark} {arguments}".encode("utf-8", "replace"),
    st.sampled_from(NAMES.split()),
    st.sampled_from(["", "?"]),
    ARGUMENTS,
)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["331", "335", "336"]),
    st.lists(st.one_of(st.binary(max_size=30), COMMANDS), max_size=12),
)
def test_no_bytes_crash_it(model, pieces):
    clock = VirtualClock()
    device = LakeShore(clock, model=model)
    for piece in pieces:
        device.receive(piece + b"\n")
        clock.sleep(1.3)
        device.transmit()
    device.receive(b"\n*IDN?\n")
    clock.sleep(0.1)
    assert device.transmit().startswith(b"LSCI,MODEL33")
    assert 0 < device.temperature_at(clock.now()) < 2000

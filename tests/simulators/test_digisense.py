"""The simulated Digi-Sense: the published bytes, addresses, units and refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.digisense import DigiSense


@pytest.fixture
def clock():
    return VirtualClock()


def ask(device, command):
    device.receive(command)
    device.clock.sleep(0.02)
    return device.transmit()


def test_the_worked_bytes(clock):
    device = DigiSense(clock)
    assert ask(device, bytes.fromhex("02 54 31 55 32 0D")) == b"\x06\r\n"
    answer = ask(device, bytes.fromhex("02 54 31 50 56 0D"))
    assert answer == bytes.fromhex("02 50 56 20 20 32 39 38 2E 30 0D 0A")
    version = ask(device, bytes.fromhex("02 54 31 56 0D"))
    assert version.startswith(b"\x02")
    assert version.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("units", "answer"),
    [(b"U0", b"\x02PV  -10.0\r\n"), (b"U1", b"\x02PV   14.0\r\n"), (b"U2", b"\x02PV  263.1\r\n")],
)
def test_the_process_value_comes_in_the_units_set(clock, units, answer):
    device = DigiSense(clock, temperature=lambda _: 263.149)
    assert ask(device, b"\x02T1" + units + b"\r") == b"\x06\r\n"
    assert device.units == units.decode()
    assert ask(device, b"\x02T1PV\r") == answer


def test_the_process_value_follows_the_temperature_at_the_moment_of_asking(clock):
    device = DigiSense(clock, temperature=lambda moment: 300.0 + moment)
    ask(device, b"\x02T1U2\r")
    clock.sleep(10 - clock.now())
    assert ask(device, b"\x02T1PV\r") == b"\x02PV  310.0\r\n"


def test_an_answer_takes_its_time(clock):
    device = DigiSense(clock)
    device.receive(b"\x02T1V\r")
    assert device.transmit() == b""
    assert device.next_transmission() == pytest.approx(0.02)


@pytest.mark.parametrize("frame", [b"T1PV\r", b"\x02T2PV\r", b"\x02X1PV\r", b"\x02T1PV\n", b"\r"])
def test_what_is_no_frame_for_this_address_is_passed_over(clock, frame):
    assert ask(DigiSense(clock), frame) == b""


def test_garbage_before_a_frame_does_not_spoil_it(clock):
    device = DigiSense(clock)
    assert ask(device, b"\xff\x02T1P\x02T1U2\r") == b"\x06\r\n"


@pytest.mark.parametrize("refusal", [b"\x15", b"\x0f"])
@pytest.mark.parametrize("command", [b"SP100", b"U3", b"", b"pv", b"PV "])
def test_anything_else_is_refused_by_the_byte_chosen(clock, refusal, command):
    device = DigiSense(clock, refusal=refusal)
    assert ask(device, b"\x02T1" + command + b"\r") == refusal + b"\r\n"
    assert device.units == "U0"


def test_an_open_sensor_gives_no_number(clock):
    device = DigiSense(clock)
    device.sensor_open = True
    assert ask(device, b"\x02T1PV\r") == b"\x02PV   OPEN\r\n"


def test_another_address(clock):
    device = DigiSense(clock, address="12")
    assert ask(device, b"\x02T12U2\r") == b"\x06\r\n"
    assert ask(device, b"\x02T1U2\r") == b""


def test_the_noise_is_drawn_from_the_dice(clock):
    def readings(seed):
        device = DigiSense(clock, noise=2.0, rng=np.random.default_rng(seed))
        return [float(ask(device, b"\x02T1PV\r")[3:-2]) for _ in range(200)]

    first = readings(1)
    assert first == readings(1)
    assert first != readings(2)
    assert np.std(first) == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("wrong", [{"address": "A"}, {"noise": -1.0}, {"refusal": b"!"}])
def test_what_cannot_be_is_refused(clock, wrong):
    with pytest.raises(LimitError):
        DigiSense(clock, **wrong)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=10))
def test_no_bytes_crash_it(pieces):
    device = DigiSense(VirtualClock())
    for piece in pieces:
        ask(device, piece)
    ask(device, b"\r")
    assert ask(device, b"\x02T1U2\r") == b"\x06\r\n"

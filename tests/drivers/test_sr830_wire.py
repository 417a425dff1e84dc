"""The SR830 driver when answers are missing, broken, late or too many."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError
from scripted_sr830 import Amplifier, connect

from drivers.sr830 import SR830
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
)
from simulators.memory import MemoryAdapter


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> Amplifier:
    return Amplifier(clock)


@pytest.fixture
def lock_in(device: Amplifier) -> SR830:
    return connect(device)


def test_silence_is_explained_by_the_standard_events(device: Amplifier, lock_in: SR830) -> None:
    with pytest.raises(InstrumentRefused, match="'NONE\\?' was refused: illegal command"):
        lock_in.ask("NONE?")
    assert device.heard[-2:] == [b"*IDN?", b"*ESR?"]
    assert lock_in.sine_voltage == 1.0


@pytest.mark.parametrize("spoilt", [None, b"", b"1.0,2.0", b"\xff1", b"abc", b"nan"])
def test_a_broken_answer_is_asked_for_once_more(
    device: Amplifier, lock_in: SR830, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    device.instead.append(spoilt)
    with caplog.at_level(logging.WARNING):
        assert lock_in.sine_voltage == 1.0
    assert [m for m in caplog.messages if "once more" in m]


def test_a_number_beyond_all_numbers_is_no_value(device: Amplifier, lock_in: SR830) -> None:
    device.instead.append(b"1e999")
    with pytest.raises(GarbledAnswer, match="beyond all numbers"):
        _ = lock_in.sine_voltage


def test_an_answer_later_than_the_time_out_never_passes_for_another(
    device: Amplifier, lock_in: SR830
) -> None:
    device.state[b"PHAS"] = b"77.00"
    device.delay = 2.3
    with pytest.raises(InstrumentTimeout):
        _ = lock_in.phase
    device.delay = 0.001
    assert lock_in.sine_voltage == 1.0
    assert lock_in.phase == 77.0


def test_a_surplus_line_on_a_serial_port_does_not_shift_the_answers(clock: VirtualClock) -> None:
    device = Amplifier(clock, b"\r")
    lock_in = connect(device, interface="rs232")
    device.instead.append(b"1.000\r9")
    assert lock_in.sine_voltage == 1.0
    assert lock_in.harmonic == 1


def test_a_status_byte_is_never_asked_for_twice(device: Amplifier, lock_in: SR830) -> None:
    device.lia = 8
    device.instead.append(b"?")
    with pytest.raises(GarbledAnswer):
        lock_in.lock_in_status()
    assert device.heard == [b"LIAS?"]


def test_an_interrupted_exchange_does_not_disturb_the_next(
    device: Amplifier, lock_in: SR830
) -> None:
    lock_in._send_in_step("FREQ?")
    assert lock_in.sine_voltage == 1.0


@pytest.mark.parametrize("supported", [True, False])
def test_a_device_clear_is_used_where_there_is_one(device: Amplifier, supported: bool) -> None:
    cleared = []

    class Session:
        def clear(self) -> None:
            cleared.append(device.clock.now())
            if not supported:
                raise VisaIOError(StatusCode.error_nonsupported_operation)

        def close(self) -> None: ...

    port = MemoryAdapter(device, device.clock, write_termination="\n", read_termination="\n")
    port.connection = Session()
    lock_in = SR830(port, clock=device.clock)
    assert len(cleared) == 1
    device.instead.append(None)
    assert lock_in.sine_voltage == 1.0
    assert len(cleared) == 2


def test_a_power_cycle_that_resets_the_interface_is_recovered(
    device: Amplifier, lock_in: SR830
) -> None:
    device.silent = True
    with pytest.raises(InstrumentTimeout):
        _ = lock_in.phase
    device.silent = False
    device.heard.clear()
    assert lock_in.phase == 0.0
    assert device.heard[0] == b"OUTX1"


@settings(max_examples=30, deadline=None)
@given(answers=st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_no_answer_whatever_raises_anything_but_our_errors(answers: list[bytes]) -> None:
    clock = VirtualClock()
    device = Amplifier(clock)
    lock_in = connect(device)
    device.instead.extend(answers)
    for request in (lock_in.read, lock_in.settings, lock_in.settle, lock_in.make_safe):
        begun = clock.now()
        with suppress(LabcoolError):
            request()
        assert clock.now() - begun < 300


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda a: a.sine_voltage, b"0.0"),
        (lambda a: a.sine_voltage, b"5000.0"),
        (lambda a: a.phase, b"999"),
        (lambda a: a.frequency, b"-1"),
        (lambda a: a.frequency, b"300000.0"),
        (lambda a: a.x, b"99999"),
        (lambda a: a.theta, b"1e5"),
        (lambda a: a.aux_input(1), b"12.5"),
        (lambda a: a.aux_output(1), b"-10.6"),
        (lambda a: a.offset("X"), b"106.0,0"),
        (lambda a: a.offset("X"), b"0.0,1.5"),
        (lambda a: a.snap("x", "y", "r", "theta"), b"0.1,0.2,1e9,0.0"),
    ],
)
def test_what_no_sr830_can_tell_is_garbled(
    device: Amplifier, lock_in: SR830, ask: Callable[[SR830], object], answer: bytes
) -> None:
    device.instead.append(answer)
    with pytest.raises(GarbledAnswer, match=r"^lock-in: "):
        ask(lock_in)

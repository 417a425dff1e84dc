"""The SR830 driver against the manual's bytes, spoken by a device scripted here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from pymeasure.instruments import srs
from scripted_sr830 import IDENTITY, SETTINGS, Amplifier, connect

from drivers._sr830_tables import (
    SENSITIVITIES_A,
)
from drivers.sr830 import SR830
from labcool.clock import VirtualClock
from labcool.errors import (
    InstrumentError,
    InstrumentRefused,
    LimitError,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter, MemoryLink


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> Amplifier:
    return Amplifier(clock)


@pytest.fixture
def lock_in(device: Amplifier) -> SR830:
    return connect(device)


class Script(LineDevice):
    """Plays exact answers to exact bytes, in order."""

    def __init__(self, clock: VirtualClock, *lines: tuple[bytes, bytes]) -> None:
        super().__init__(clock)
        self.lines = list(lines)

    def _accept(self, data: bytes) -> None:
        expected, answer = self.lines.pop(0)
        assert data == expected
        self._send(answer)

    def _handle(self, line: bytes) -> None:
        raise AssertionError("unused")


# Connecting


@pytest.mark.parametrize(
    ("interface", "first", "end"), [("gpib", b"OUTX1", b"\n"), ("rs232", b"OUTX0", b"\r")]
)
def test_the_answering_interface_is_chosen_before_the_first_question(
    clock: VirtualClock, interface: Any, first: bytes, end: bytes
) -> None:
    device = Amplifier(clock, end)
    lock_in = SR830(MemoryLink(device, clock), clock=clock, interface=interface)
    assert device.heard == [first, b"*IDN?", b"*ESR?"]
    assert lock_in.identity == lock_in.id == IDENTITY.decode()
    assert device.state == SETTINGS


def test_worked_bytes_of_the_manual(clock: VirtualClock) -> None:
    device = Script(
        clock,
        (b"OUTX1\n", b""),
        (b"*IDN?\n", IDENTITY + b"\n"),
        (b"*ESR?\n", b"0\n"),
        (b"OUTP?1\n", bytes.fromhex("302e30303132330a")),
        (b"LIAS?\n", b"0\n"),
        (bytes.fromhex("534e41503f20312c322c390a"), b"0.00123,-4.5e-005,1000\n"),
        (b"LIAS?\n", b"0\n"),
    )
    lock_in = SR830(MemoryLink(device, clock), clock=clock)
    assert lock_in.x == 0.00123
    assert lock_in.snap("x", "y", "frequency") == (0.00123, -4.5e-05, 1000.0)
    assert device.lines == []


def test_another_instrument_is_refused_and_its_port_released(device: Amplifier) -> None:
    device.identity = b"Stanford_Research_Systems,SR850,s/n1,ver1"
    closed = []

    class Port(MemoryAdapter):
        def close(self) -> None:
            closed.append(self)

    port = Port(device, device.clock, write_termination="\n", read_termination="\n")
    with pytest.raises(WrongInstrument, match="SR850"):
        SR830(port, clock=device.clock)
    assert closed


def test_what_a_former_program_left_unread_is_not_taken_for_an_answer(device: Amplifier) -> None:
    device.instead.extend([b"1.5e-003\n0.7"])
    assert connect(device).identity == IDENTITY.decode()


@pytest.mark.parametrize(
    "keywords",
    [{"interface": "lan"}, {"timeout": 0.0}, {"baud_rate": 115200}, {"parity": "mark"}],
)
def test_a_bad_keyword_is_refused_before_anything_is_sent(
    device: Amplifier, keywords: dict[str, Any]
) -> None:
    with pytest.raises(LimitError):
        connect(device, **keywords)
    assert device.heard == []


# The same bytes as PyMeasure's class, where that is right

SAME = [
    ("sine_voltage", 0.25, None),
    ("frequency", 1234.5, None),
    ("phase", -33.25, None),
    ("sensitivity", 5e-6, None),
    ("time_constant", 0.3, None),
    ("filter_slope", 24, None),
    ("filter_synchronous", True, None),
    ("harmonic", 7, None),
    ("input_config", "A-B", "A - B"),
    ("input_config", "I 100 MOhm", "I (100 MOhm)"),
    ("input_grounding", "ground", "Ground"),
    ("input_coupling", "DC", "DC"),
    ("line_filter", "2 x line", ("input_notch_config", "2 x Line")),
    ("reference_source", "external", "External"),
    ("reference_slope", "TTL falling", ("reference_source_trigger", "NEG EDGE")),
    ("reserve", "low noise", "Low Noise"),
]


@pytest.mark.parametrize(("name", "value", "theirs"), SAME)
def test_settings_have_the_bytes_and_values_of_pymeasure(
    device: Amplifier, lock_in: SR830, name: str, value: Any, theirs: Any
) -> None:
    setattr(lock_in, name, value)
    foreign = srs.SR830(
        MemoryAdapter(device, device.clock, write_termination="\n", read_termination="\n")
    )
    their_name, their_value = theirs if isinstance(theirs, tuple) else (name, theirs or value)
    ours = [line for line in device.heard if b"?" not in line]
    device.heard.clear()
    setattr(foreign, their_name, their_value)
    assert device.heard == ours
    assert getattr(foreign, their_name) == their_value
    assert getattr(lock_in, name) == value


def test_readings_and_offsets_are_those_of_pymeasure(device: Amplifier, lock_in: SR830) -> None:
    device.signal = 3.21e-7
    foreign = srs.SR830(
        MemoryAdapter(device, device.clock, write_termination="\n", read_termination="\n")
    )
    pairs: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (lambda: lock_in.x, lambda: foreign.x),
        (lambda: lock_in.y, lambda: foreign.y),
        (lambda: lock_in.magnitude, lambda: foreign.magnitude),
        (lambda: lock_in.theta, lambda: foreign.theta),
        (lambda: list(lock_in.snap("x", "y", "r")), lambda: foreign.snap("X", "Y", "R")),
    ]
    for ours, theirs in pairs:
        device.heard.clear()
        assert ours() == theirs()
        first, look, second = device.heard
        assert (first, look) == (second, b"LIAS?")
    lock_in.set_offset("Y", 12.5, 10)
    assert device.state[b"OEXP2"] == b"12.50,1"
    assert foreign.get_scaling("Y") == (12.5, 10) == lock_in.offset("Y")


# Settings


def test_displays_aux_channels_and_setups(device: Amplifier, lock_in: SR830) -> None:
    lock_in.set_display(2, "aux in 4", "aux in 3")
    assert device.state[b"DDEF2"] == b"4,1"
    assert lock_in.display(2) == ("aux in 4", "aux in 3")
    lock_in.set_aux_output(3, -1.25)
    assert device.state[b"AUXV3"] == b"-1.250"
    assert lock_in.aux_output(3) == -1.25
    assert lock_in.aux_input(2) == 0.00033
    device.heard.clear()
    lock_in.recall_setup(9)
    lock_in.auto_offset("R")
    assert device.heard == [b"RSET9", b"OUTX1", b"*ESR?", b"AOFF 3", b"*ESR?"]


def test_a_current_input_turns_the_sensitivity_into_amperes(
    device: Amplifier, lock_in: SR830
) -> None:
    lock_in.input_config = "I 1 MOhm"
    assert lock_in.input_unit == "A"
    lock_in.sensitivity = 2e-12
    assert device.state[b"SENS"] == b"9"
    assert lock_in.sensitivity == SENSITIVITIES_A[9] == 2e-12
    with pytest.raises(LimitError):
        lock_in.sensitivity = 1e-3
    assert lock_in.settings()["sensitivity_A"] == 2e-12


REFUSED = [
    ("sine_voltage", 0.0),
    ("sine_voltage", 5.001),
    ("sine_voltage", math.nan),
    ("phase", 730.0),
    ("frequency", 0.0),
    ("frequency", 102_001.0),
    ("harmonic", 0),
    ("harmonic", 103),
    ("harmonic", 20000),
    ("harmonic", 1.5),
    ("harmonic", True),
    ("sensitivity", 3e-9),
    ("sensitivity", True),
    ("time_constant", 0.2),
    ("filter_slope", 10),
    ("input_config", "B"),
    ("filter_synchronous", 2),
    ("event_mask", 256),
    ("sample_rate", 100),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_is_not_allowed_is_refused_and_never_sent(
    device: Amplifier, lock_in: SR830, name: str, value: Any
) -> None:
    with pytest.raises(LimitError, match=f"lock-in {name}"):
        setattr(lock_in, name, value)
    assert [line for line in device.heard if b"?" not in line] == []


@pytest.mark.parametrize(
    "request_",
    [
        lambda lock_in: lock_in.snap("x"),
        lambda lock_in: lock_in.snap(*["x"] * 7),
        lambda lock_in: lock_in.snap("x", "z"),
        lambda lock_in: lock_in.set_offset("X", 105.1),
        lambda lock_in: lock_in.set_offset("X", 0, 20),
        lambda lock_in: lock_in.set_offset("theta", 0),
        lambda lock_in: lock_in.set_aux_output(5, 0.0),
        lambda lock_in: lock_in.set_aux_output(1, 10.6),
        lambda lock_in: lock_in.set_display(1, "Y"),
        lambda lock_in: lock_in.set_display(1, "X", "aux in 3"),
        lambda lock_in: lock_in.aux_input(0),
        lambda lock_in: lock_in.recall_setup(10),
    ],
)
def test_requests_that_are_not_allowed_send_nothing(
    device: Amplifier, lock_in: SR830, request_: Any
) -> None:
    with pytest.raises(LimitError):
        request_(lock_in)
    assert device.heard == []


def test_harmonic_and_frequency_stay_below_the_highest_detection_frequency(
    device: Amplifier, lock_in: SR830
) -> None:
    lock_in.harmonic = 102
    with pytest.raises(LimitError, match=r"from 0\.001 to 1000"):
        lock_in.frequency = 1001.0
    device.state[b"FREQ"] = b"1.0"
    lock_in.harmonic = 19999
    assert lock_in.harmonic == 19999


def test_the_frequency_of_an_external_reference_is_not_set(
    device: Amplifier, lock_in: SR830
) -> None:
    device.state[b"FMOD"] = b"0"
    with pytest.raises(InstrumentRefused, match="external"):
        lock_in.frequency = 100.0
    assert device.state[b"FREQ"] == b"1000"


def test_a_command_the_instrument_does_not_accept_is_an_error(
    device: Amplifier, lock_in: SR830
) -> None:
    device.refuses.add(b"SLVL")
    with pytest.raises(InstrumentRefused, match=r"^lock-in: 'SLVL0.100' was refused: execution"):
        lock_in.sine_voltage = 0.1
    device.deaf.add(b"OFLT")
    with pytest.raises(InstrumentRefused, match=r"0.1 s although 100 s was set"):
        lock_in.time_constant = 100.0


# Safety


def test_making_safe_sets_all_outputs_to_their_least(device: Amplifier, lock_in: SR830) -> None:
    lock_in.make_safe()
    assert [float(device.state[b"AUXV%d" % n]) for n in range(1, 5)] == [0.0] * 4
    assert float(device.state[b"SLVL"]) == 0.004


def test_an_output_that_stays_is_an_error_but_the_others_are_set(
    device: Amplifier, lock_in: SR830
) -> None:
    device.deaf.add(b"AUXV1")
    with pytest.raises(InstrumentRefused, match=r"aux output 1 stays at 1\.5 V"):
        lock_in.make_safe()
    assert float(device.state[b"AUXV3"]) == 0.0
    assert float(device.state[b"SLVL"]) == 0.004


def test_shutdown_makes_safe_once_and_releases_the_port(device: Amplifier, lock_in: SR830) -> None:
    lock_in.shutdown()
    assert float(device.state[b"SLVL"]) == 0.004
    device.heard.clear()
    lock_in.shutdown()
    assert device.heard == []
    with pytest.raises(InstrumentError):
        _ = lock_in.x


def test_settings_tell_what_a_reading_means(device: Amplifier, lock_in: SR830) -> None:
    snapshot = lock_in.settings()
    assert snapshot["sensitivity_V"] == 10e-3
    assert snapshot["time_constant_s"] == 0.1
    assert snapshot["filter_slope_dB_per_octave"] == 12
    assert snapshot["aux_output_1_V"] == 1.5
    assert snapshot["expand_X"] == 1
    assert snapshot["reference_slope"] == "sine zero crossing"
    assert snapshot["sample_rate_Hz"] == 1.0
    assert (snapshot["display_1"], snapshot["display_2"]) == ("X", "Y")
    device.state |= {b"SRAT": b"14", b"DDEF1": b"1,2", b"RSLP": b"2"}
    changed = lock_in.settings()
    assert changed["reference_slope"] == "TTL falling"
    assert (changed["sample_rate_Hz"], changed["display_1"]) == ("trigger", "R / aux in 2")
    assert [line for line in device.heard if b"?" not in line] == []
    assert all(isinstance(value, float | int | str | bool) for value in snapshot.values())

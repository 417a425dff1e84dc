"""The SR830 driver against the manual's bytes, spoken by a device scripted here."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymeasure.instruments import srs
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from drivers._sr830_tables import (
    SENSITIVITIES_A,
    SENSITIVITIES_V,
    SETTLING_TIME_CONSTANTS,
    TIME_CONSTANTS_S,
)
from drivers.sr830 import SR830, LockInStatus
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    LimitError,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter, MemoryLink

IDENTITY = b"Stanford_Research_Systems,SR830,s/n12345,ver1.07"
SETTINGS = {
    b"PHAS": b"0.00", b"FMOD": b"1", b"FREQ": b"1000", b"RSLP": b"0", b"HARM": b"1",
    b"SLVL": b"1.000", b"ISRC": b"0", b"IGND": b"0", b"ICPL": b"0", b"ILIN": b"0",
    b"SENS": b"20", b"OFLT": b"8", b"OFSL": b"1", b"RMOD": b"1", b"SYNC": b"0", b"LOCL": b"0",
    b"OVRM": b"0", b"KCLK": b"1", b"ALRM": b"1", b"TSTR": b"0", b"SEND": b"0", b"SRAT": b"4",
    b"*ESE": b"0", b"*SRE": b"0", b"*PSC": b"1", b"ERRE": b"0", b"LIAE": b"0",
    b"OEXP1": b"0.00,0", b"OEXP2": b"0.00,0", b"OEXP3": b"0.00,0",
    b"DDEF1": b"0,0", b"DDEF2": b"0,0",
    b"AUXV1": b"1.5", b"AUXV2": b"0", b"AUXV3": b"-2", b"AUXV4": b"0",
}  # fmt: skip
INDEXED = (b"OEXP", b"DDEF", b"AUXV")


class Amplifier(LineDevice):
    """Answers as the manual says; bad commands are met by silence and a bit in ``*ESR?``.

    ``instead`` holds answers sent instead of the right ones (None: none); ``refuses`` holds
    commands that are an execution error.
    """

    def __init__(self, clock: VirtualClock, end: bytes = b"\n") -> None:
        super().__init__(clock, end)
        self.end = end
        self.state = dict(SETTINGS)
        self.heard: list[bytes] = []
        self.instead: deque[bytes | None] = deque()
        self.refuses: set[bytes] = set()
        self.deaf: set[bytes] = set()
        self.events = 128
        self.lia = 0
        self.signal = 0.0
        self.busy_until = 0.0
        self.auto_seconds = 3.0
        self.ready_bit = True
        self.changed = 0.0
        self.delay = 0.001
        self.identity = IDENTITY

    def _handle(self, line: bytes) -> None:
        self.heard.append(line)
        for command in line.replace(b" ", b"").split(b";"):
            answer = self.obey(command) if command else None
            if b"?" in command and self.instead:
                answer = self.instead.popleft()
            if answer is not None:
                wait = max(0.0, self.busy_until - self.clock.now())
                self._send(answer + self.end, wait + self.delay)

    def obey(self, command: bytes) -> bytes | None:
        mnemonic, query, argument = command[:4], b"?" in command, command[4:].lstrip(b"?")
        if mnemonic in self.refuses:
            self.events |= 16
            return None
        if query:
            return self.answer(mnemonic, argument)
        if mnemonic in (b"AGAN", b"ARSV", b"APHS"):
            self.busy_until = self.clock.now() + self.auto_seconds
        elif mnemonic in INDEXED:
            key, _, value = argument.partition(b",")
            if mnemonic + key in self.state and mnemonic + key not in self.deaf:
                self.state[mnemonic + key] = value
        elif mnemonic in self.state:
            self.changed = self.clock.now()
            if mnemonic not in self.deaf:
                self.state[mnemonic] = argument
        elif mnemonic not in (b"OUTX", b"AOFF", b"*CLS", b"*RST", b"SSET", b"RSET"):
            self.events |= 32
        return None

    def answer(self, mnemonic: bytes, argument: bytes) -> bytes | None:
        if mnemonic == b"*IDN":
            return self.identity
        if mnemonic == b"*ESR":
            events, self.events = self.events, 0
            return b"%d" % events
        if mnemonic == b"LIAS":
            lia, self.lia = self.lia | self.overload(), 0
            return b"%d" % lia
        if mnemonic == b"ERRS":
            return b"0"
        if mnemonic == b"*STB":
            return b"%d" % (1 + 2 * self.ready_bit)
        if mnemonic == b"SNAP":
            return b",".join(self.quantity(code) for code in argument.split(b","))
        if mnemonic in (b"OUTP", b"OUTR"):
            return self.quantity(argument)
        if mnemonic == b"OAUX":
            return b"0.00033"
        key = mnemonic + argument if mnemonic in INDEXED else mnemonic
        if key in self.state:
            return self.state[key]
        self.events |= 32
        return None

    @property
    def full_scale(self) -> float:
        return SENSITIVITIES_V[int(self.state[b"SENS"])]

    def overload(self) -> int:
        return 4 if self.signal > 1.09 * self.full_scale else 0

    def quantity(self, code: bytes) -> bytes:
        x, y = 0.6 * self.signal, 0.8 * self.signal
        theta = math.degrees(math.atan2(y, x))
        known = {b"1": x, b"2": y, b"3": self.signal, b"4": theta, b"9": 1000.0}
        return three_digits(known.get(code, 0.25))


def three_digits(value: float) -> bytes:
    """Return a number as the SR830 writes it, with three digits of exponent."""
    mantissa, _, exponent = f"{value:.6e}".partition("e")
    return f"{mantissa}e{int(exponent):+04d}".encode()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> Amplifier:
    return Amplifier(clock)


def connect(device: Amplifier, **keywords: Any) -> SR830:
    lock_in = SR830(MemoryLink(device, device.clock), "lock-in", clock=device.clock, **keywords)
    device.heard.clear()
    return lock_in


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
        (bytes.fromhex("534e41503f20312c322c390a"), b"0.00123,-4.5e-005,1000\n"),
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
        assert device.heard[0] == device.heard[1]
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


# Questions without a good answer


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


# Readings, settling and ranges


def test_a_reading_tells_of_overload_and_unlock(device: Amplifier, lock_in: SR830) -> None:
    device.signal = 5e-3
    reading = lock_in.read()
    assert reading[:4] == pytest.approx((3e-3, 4e-3, 5e-3, 53.1301), rel=1e-5)
    assert (reading.overload, reading.unlocked, reading.flags) == (False, False, LockInStatus(0))
    for bit in (1, 2, 4):
        device.lia = bit
        assert lock_in.read().overload is True
    device.lia = 8 + 64
    reading = lock_in.read()
    assert (reading.overload, reading.unlocked) == (False, True)
    assert reading.flags == LockInStatus.REFERENCE_UNLOCKED | LockInStatus.STORAGE_TRIGGERED


@pytest.mark.parametrize(("slope", "constants"), SETTLING_TIME_CONSTANTS.items())
def test_less_than_a_hundredth_of_a_step_is_left_after_settling(
    slope: int, constants: float
) -> None:
    poles = slope // 6
    left = math.exp(-constants) * sum(constants**k / math.factorial(k) for k in range(poles))
    assert 0.003 < left < 0.01


def test_settling_waits_on_the_clock_and_forgets_its_own_overload(
    device: Amplifier, lock_in: SR830
) -> None:
    device.state.update({b"OFSL": b"3", b"OFLT": b"10"})
    device.lia = 2
    begun = device.clock.now()
    lock_in.settle()
    assert device.clock.now() - begun == pytest.approx(11.0, abs=0.05)
    assert lock_in.read().overload is False
    device.state.update({b"SYNC": b"1", b"FREQ": b"10"})
    assert lock_in.settling_time == pytest.approx(11.0 + 0.2)
    device.state[b"FREQ"] = b"250"
    assert lock_in.settling_time == 11.0


@pytest.mark.parametrize("signal", [0.0, 1.1e-9, 3e-7, 4.4e-6, 0.02, 0.3, 0.86])
@pytest.mark.parametrize("start", [0, 13, 26])
def test_ranging_ends_on_the_most_sensitive_range_that_fits(
    device: Amplifier, lock_in: SR830, signal: float, start: int
) -> None:
    device.signal = signal
    device.state[b"SENS"] = b"%d" % start
    found = lock_in.auto_range()
    assert found == lock_in.sensitivity == device.full_scale
    assert lock_in.read().overload is False
    assert signal <= found
    below = [full for full in SENSITIVITIES_V if full < found]
    assert not below or below[-1] < 1.15 * signal or start == SENSITIVITIES_V.index(found)
    assert device.clock.now() < 24 * 0.75


def test_ranging_is_bounded_and_says_why_it_failed(device: Amplifier, lock_in: SR830) -> None:
    device.signal = 2.0
    with pytest.raises(InstrumentRefused, match="overload on 1"):
        lock_in.auto_range()
    device.signal = 1e-3
    device.lia = 0
    device.state[b"SENS"] = b"0"
    begun = device.clock.now()
    with pytest.raises(InstrumentRefused, match="no range was found within 2 s"):
        lock_in.auto_range(limit=2.0)
    assert device.clock.now() - begun < 3.0


def test_ranging_without_a_locked_reference_is_refused(
    device: Amplifier, lock_in: SR830, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "overload", lambda: 8)
    with pytest.raises(InstrumentRefused, match="not locked"):
        lock_in.auto_range()


@pytest.mark.parametrize("ready_bit", [True, False])
@pytest.mark.parametrize("function", ["auto_gain", "auto_reserve", "auto_phase"])
def test_automatic_functions_are_waited_for(
    device: Amplifier, lock_in: SR830, ready_bit: bool, function: str
) -> None:
    device.ready_bit = ready_bit
    device.auto_seconds = 7.0
    begun = device.clock.now()
    getattr(lock_in, function)()
    assert 7.0 <= device.clock.now() - begun < 10.0
    assert lock_in.harmonic == 1


def test_an_automatic_function_that_answers_that_it_is_busy_is_polled(
    device: Amplifier, lock_in: SR830
) -> None:
    device.auto_seconds = 0.0
    device.instead.extend([b"3", b"1", b"1", b"3"])
    lock_in.auto_phase()
    assert device.heard == [b"*STB?", b"APHS", *[b"*STB?"] * 3, b"*ESR?"]


def test_an_automatic_function_has_a_time_limit(device: Amplifier, lock_in: SR830) -> None:
    device.auto_seconds = 1000.0
    begun = device.clock.now()
    with pytest.raises(InstrumentTimeout, match="did not end in time"):
        lock_in.auto_gain(limit=20.0)
    assert device.clock.now() - begun < 25.0
    device.state[b"OFLT"] = b"%d" % TIME_CONSTANTS_S.index(3.0)
    device.busy_until = 0.0
    device.clock.sleep(1000.0)
    with pytest.raises(InstrumentRefused, match="time constant of 3 s"):
        lock_in.auto_gain()


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
    assert [line for line in device.heard if b"?" not in line] == []
    assert all(isinstance(value, float | int | str | bool) for value in snapshot.values())

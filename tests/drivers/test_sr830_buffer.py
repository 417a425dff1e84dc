"""The SR830's data buffer and its codecs, against the manual's bytes and PyMeasure's reader."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymeasure.instruments import srs

from drivers._sr830_codecs import decode_binary, decode_fast, decode_native, decode_text, numbers
from drivers.sr830 import SR830
from labcool.clock import VirtualClock
from labcool.errors import GarbledAnswer, InstrumentRefused, InstrumentTimeout, LimitError
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter, MemoryLink

NAME = "lock-in"
SETTINGS = {b"SEND": b"0", b"SRAT": b"9", b"ISRC": b"0", b"SENS": b"23"}


def native(value: float) -> bytes:
    """Encode a value as TRCL sends it: the largest mantissa that fits into 16 bits."""
    for exponent in range(249):
        mantissa = round(value * 2.0 ** (124 - exponent))
        if -32768 <= mantissa <= 32767:
            return struct.pack("<hH", mantissa, exponent)
    raise AssertionError("too large")


class Store(LineDevice):
    """An SR830 that has stored something; ``spoil`` changes the next transfers, one each."""

    def __init__(self, clock: VirtualClock, end: bytes = b"\n") -> None:
        super().__init__(clock, end)
        self.end = end
        self.state = dict(SETTINGS)
        self.heard: list[bytes] = []
        self.points = [np.linspace(-1e-3, 1e-3, 100), np.full(100, 2.5)]
        self.spoil: list[Any] = []
        self.expands = {b"1": b"0.00,0", b"2": b"0.00,0"}
        self.raw: list[tuple[int, int]] = []
        self.errors = 0
        self.troubles: list[int] = []
        self.fast = False
        self.byte_time = 0.0

    def _handle(self, line: bytes) -> None:
        self.heard.append(line)
        for command in line.replace(b" ", b"").split(b";"):
            self.obey(command)

    def obey(self, command: bytes) -> None:
        mnemonic, argument = command[:4], command[4:].lstrip(b"?")
        if mnemonic in (b"TRCA", b"TRCB", b"TRCL"):
            self.transfer(mnemonic, *map(int, argument.split(b",")))
        elif mnemonic == b"STRD":
            self.fast = True
            rate = 62.5e-3 * 2 ** int(self.state[b"SRAT"])
            for number, pair in enumerate(self.raw):
                self._appoint(self.clock.now() + 0.5 + number / rate, self.push(pair))
        elif mnemonic in (b"FAST", b"PAUS"):
            self.fast = False
        elif b"?" in command:
            known = {
                b"*IDN": b"Stanford_Research_Systems,SR830,s/n12345,ver1.07",
                b"*ESR": b"0",
                b"ERRS": b"%d" % self.errors,
                b"LIAS": b"%d" % self.troubles.pop(0) if self.troubles else b"0",
                b"SPTS": b"%d" % len(self.points[0]),
                b"OEXP": self.expands.get(argument, b""),
                **self.state,
            }
            self._send(known[mnemonic] + self.end)
        elif mnemonic in self.state:
            self.state[mnemonic] = argument

    def push(self, pair: tuple[int, int]) -> Any:
        return lambda _: self._send(struct.pack("<hh", *pair)) if self.fast else None

    def transfer(self, mnemonic: bytes, channel: int, first: int, count: int) -> None:
        values = self.points[channel - 1][first : first + count]
        if mnemonic == b"TRCA":
            data = b"".join(b"%+.6e," % value for value in values) + self.end
        elif mnemonic == b"TRCB":
            data = np.asarray(values, dtype="<f4").tobytes()
        else:
            data = b"".join(map(native, values))
        if self.spoil:
            data = self.spoil.pop(0)(data)
        self._send(data, after=len(data) * self.byte_time)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> Store:
    return Store(clock)


def connect(device: Store, **keywords: Any) -> SR830:
    lock_in = SR830(MemoryLink(device, device.clock), NAME, clock=device.clock, **keywords)
    device.heard.clear()
    return lock_in


# The codecs


def test_worked_bytes_of_the_manual() -> None:
    assert decode_text(b"+1.000000e-03,+2.000000e-03,+3.000000e-03,", 3, NAME).tolist() == [
        1e-3, 2e-3, 3e-3,
    ]  # fmt: skip
    assert decode_text(b"-1.234567e-009,+7.654321e-009,", 2, NAME).tolist() == [
        -1.234567e-9, 7.654321e-9,
    ]  # fmt: skip
    block = bytes.fromhex("00 40 6E 00  89 41 64 00  77 BE 64 00")
    assert decode_native(block, NAME) == pytest.approx([1.0, 1e-3, -1e-3], rel=4e-5)
    assert decode_native(block[:4], NAME)[0] == 1.0
    assert decode_binary(bytes.fromhex("0000803F 6F12833A"), NAME) == pytest.approx([1.0, 1e-3])
    assert decode_fast(bytes.fromhex("3075 D08A")).tolist() == [[1.0, -1.0]]


@given(st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=1, max_size=8))
def test_native_values_keep_fifteen_bits(values: list[float]) -> None:
    decoded = decode_native(b"".join(map(native, values)), NAME)
    assert decoded == pytest.approx(values, rel=2**-14, abs=2**-124)


@pytest.mark.parametrize(
    ("decode", "content"),
    [
        (lambda data: decode_native(data, NAME), bytes.fromhex("00 40 6E 01")),
        (lambda data: decode_binary(data, NAME), bytes.fromhex("0000807F")),
        (lambda data: decode_text(data, 2, NAME), b"1.0,"),
        (lambda data: decode_text(data, 2, NAME), b"1.0,,2.0"),
        (lambda data: numbers(data.decode(), 1, NAME), b"1_0"),
    ],
)
def test_impossible_content_is_garbled(decode: Any, content: bytes) -> None:
    with pytest.raises(GarbledAnswer, match="lock-in: "):
        decode(content)


# The buffer


@pytest.mark.parametrize(
    ("form", "question"),
    [("text", b"TRCA?1,0,100"), ("binary", b"TRCB?1,0,100"), ("native", b"TRCL?1,0,100")],
)
def test_all_forms_have_the_same_values_without_waiting(
    device: Store, form: Any, question: bytes
) -> None:
    lock_in = connect(device)
    begun = device.clock.now()
    values = lock_in.read_buffer(form=form)
    assert values == pytest.approx(device.points[0], rel=1e-4, abs=1e-9)
    assert device.clock.now() == begun
    assert question in device.heard


def test_the_values_are_those_that_pymeasure_reads(device: Store) -> None:
    ours = connect(device).read_buffer(2, 10, 5, "binary")
    foreign = srs.SR830(
        MemoryAdapter(device, device.clock, write_termination="\n", read_termination="\n")
    )
    device.heard.clear()
    assert ours.tolist() == foreign.get_buffer(2, 10, 15).tolist()
    assert device.heard == [b"TRCB?2,10,5"]


@pytest.mark.parametrize("form", ["text", "binary", "native"])
def test_on_a_serial_line_blocks_are_read_that_fit_the_time_out(
    clock: VirtualClock, form: Any
) -> None:
    device = Store(clock, b"\r")
    device.byte_time = 11 / 300
    lock_in = connect(device, interface="rs232", baud_rate=300)
    assert lock_in.read_buffer(1, 3, 20, form) == pytest.approx(device.points[0][3:23], rel=1e-4)
    assert len([line for line in device.heard if line.startswith(b"TRC")]) >= 3


SPOILT = {
    "first byte lost": lambda data: data[1:],
    "byte too many": lambda data: data + b"7",
    "byte before": lambda data: b"7" + data,
    "nothing": lambda data: b"",
}


@pytest.mark.parametrize("interface", ["gpib", "rs232"])
@pytest.mark.parametrize(
    ("form", "fault"),
    [(form, fault) for form in ("text", "binary", "native") for fault in SPOILT][1:],
)
def test_lost_and_surplus_bytes_are_noticed_and_the_block_is_read_again(
    clock: VirtualClock, form: Any, fault: str, interface: Any
) -> None:
    device = Store(clock, b"\n" if interface == "gpib" else b"\r")
    lock_in = connect(device, interface=interface, baud_rate=19200)
    device.spoil.append(SPOILT[fault])
    values = lock_in.read_buffer(1, 0, 4, form)
    assert values == pytest.approx(device.points[0][:4], rel=1e-4)
    device.spoil.extend([SPOILT[fault]] * 2)
    with pytest.raises((GarbledAnswer, InstrumentTimeout), match="lock-in: "):
        lock_in.read_buffer(2, 0, 4, form)
    assert lock_in.buffer_count == 100


@pytest.mark.parametrize(("start", "count"), [(0, 101), (100, 1), (-1, 1), (101, None), (5, -1)])
def test_points_that_are_not_stored_are_refused(device: Store, start: int, count: Any) -> None:
    with pytest.raises(LimitError, match=r"among the 100|at least 0"):
        connect(device).read_buffer(1, start, count)
    assert not [line for line in device.heard if line.startswith(b"TRC")]


def test_in_loop_mode_the_scan_is_paused_before_it_is_read(device: Store) -> None:
    lock_in = connect(device)
    lock_in.buffer_mode = "loop"
    device.heard.clear()
    lock_in.read_buffer(count=1)
    assert device.heard.index(b"PAUS") < device.heard.index(b"TRCL?1,0,1")


def test_scan_commands_and_sample_rates(device: Store) -> None:
    lock_in = connect(device)
    lock_in.sample_rate = 128
    assert device.state[b"SRAT"] == b"11"
    assert lock_in.sample_rate == 128.0
    lock_in.sample_rate = "trigger"
    assert (device.state[b"SRAT"], lock_in.sample_rate) == (b"14", "trigger")
    lock_in.sample_rate = 62.5e-3
    assert device.state[b"SRAT"] == b"0"
    device.heard.clear()
    for act in (lock_in.reset_buffer, lock_in.start_scan, lock_in.trigger, lock_in.pause_scan):
        act()
    assert [line for line in device.heard if b"?" not in line] == [
        b"REST",
        b"STRT",
        b"TRIG",
        b"PAUS",
    ]
    assert lock_in.buffer_count == 100


@settings(max_examples=30, deadline=None)
@given(garbage=st.lists(st.binary(max_size=60), min_size=1, max_size=4))
def test_no_transfer_whatever_raises_anything_but_our_errors(garbage: list[bytes]) -> None:
    clock = VirtualClock()
    device = Store(clock)
    lock_in = connect(device)
    device.spoil = [lambda _, data=data: data for data in garbage]
    for form in ("text", "binary", "native"):
        try:
            values = lock_in.read_buffer(1, 0, 5, form)
        except (GarbledAnswer, InstrumentTimeout):
            continue
        assert values.shape == (5,)
    assert clock.now() < 100


# The fast transfer


def test_a_fast_scan_undoes_offset_and_expand(device: Store) -> None:
    lock_in = connect(device)
    device.expands = {b"1": b"50.00,1", b"2": b"0.00,0"}
    device.raw = [(3000 * n, -30000) for n in range(6)] * 30
    scan = lock_in.fast_scan(180)
    expected = 0.1 * (0.5 + np.arange(6) / 100)
    assert scan.x == pytest.approx(np.tile(expected, 30))
    assert scan.y == pytest.approx(np.full(180, -0.1))
    assert scan.sample_rate == 32.0
    assert device.clock.now() >= 0.5 + 179 / 32
    assert b"FAST2;STRD" in device.heard
    assert device.heard.index(b"PAUS") < device.heard.index(b"FAST0")
    assert lock_in.buffer_count == 100


def test_a_fast_scan_starts_with_the_bytes_of_pymeasure(device: Store) -> None:
    lock_in = connect(device)
    device.raw = [(1, 2)] * 3
    lock_in.fast_scan(2)
    foreign = srs.SR830(
        MemoryAdapter(device, device.clock, write_termination="\n", read_termination="\n")
    )
    foreign.start_buffer()
    assert device.heard[-1] in device.heard[:-1]


def test_a_transfer_that_the_instrument_breaks_off_is_an_error(device: Store) -> None:
    lock_in = connect(device)
    device.raw = [(1, 2)] * 10
    device.errors = 32
    with pytest.raises(InstrumentRefused, match="broke the fast transfer off"):
        lock_in.fast_scan(20)
    device.errors = 0
    with pytest.raises(InstrumentTimeout):
        lock_in.fast_scan(20)
    assert device.heard.count(b"FAST0") == 2
    assert lock_in.buffer_count == 100


def test_a_fast_scan_needs_gpib_and_a_rate_that_fits_the_time_out(device: Store) -> None:
    serial = connect(Store(VirtualClock(), b"\r"), interface="rs232")
    with pytest.raises(LimitError, match="must be gpib"):
        serial.fast_scan(10)
    lock_in = connect(device)
    for rate in (b"14", b"3"):
        device.state[b"SRAT"] = rate
        with pytest.raises(LimitError, match="at least 1 Hz"):
            lock_in.fast_scan(10)
    with pytest.raises(LimitError, match="count"):
        lock_in.fast_scan(0)
    assert not [line for line in device.heard if line.startswith(b"FAST")]

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import _nkt_registers as registers
from drivers._interbus import Kind, Telegram, pack, unpack
from drivers._interbus_registers import Register
from drivers.superk import SuperK
from labcool.clock import VirtualClock
from labcool.errors import (
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    LimitError,
    ShutterNotClosed,
    WrongInstrument,
)
from simulators.device import SimulatedDevice
from simulators.memory import MemoryAdapter

MAIN = 15
INTERLOCK_OK = b"\x02\x00"


class Modules(SimulatedDevice):
    """Modules on an Interbus: registers as bytes; ``reacts`` work on writes, ``plays`` spoil."""

    def __init__(self, clock: VirtualClock, registers: dict[int, dict[int, bytes]]) -> None:
        super().__init__(clock)
        self.registers = registers
        self.heard: list[Telegram] = []
        self.reacts: dict[tuple[int, int], Callable[[bytes], Kind | None]] = {}
        self.plays: list[bytes | None] = []

    @property
    def written(self) -> list[tuple[int, int, bytes]]:
        writes = [t for t in self.heard if t.kind != Kind.READ]
        return [(t.destination, t.register, t.data) for t in writes]

    def _accept(self, data: bytes) -> None:
        asked = unpack(data)
        self.heard.append(asked)
        module = self.registers.get(asked.destination)
        if module is None:
            return
        kind, content = Kind.NACK, b""
        if asked.register in module and asked.kind == Kind.READ:
            kind, content = Kind.DATAGRAM, module[asked.register]
        elif asked.register in module and asked.kind == Kind.WRITE:
            kind = self._write(module, asked)
        played = self.plays.pop(0) if self.plays else None
        whole = pack(Telegram(asked.source, asked.destination, kind, asked.register, content))
        self._send(whole if played is None else played, after=0.01)

    def _write(self, module: dict[int, bytes], asked: Telegram) -> Kind:
        reaction = self.reacts.get((asked.destination, asked.register))
        kind = reaction(asked.data) if reaction else None
        if kind is None and reaction is None:
            module[asked.register] = asked.data
        return Kind.ACK if kind is None else kind


class Bench:
    def __init__(self, registers: dict[int, dict[int, bytes]]) -> None:
        self.clock = VirtualClock()
        self.device = Modules(self.clock, registers)
        self.closed_ports = 0
        self.settings: dict[str, Any] = {}

    def open(self, **settings: Any) -> MemoryAdapter:
        bench = self
        self.settings = settings

        class Counting(MemoryAdapter):
            def close(self) -> None:
                bench.closed_ports += not self._closed
                super().close()

        return Counting(self.device, self.clock, **settings)

    def connect(self, **keywords: Any) -> SuperK:
        source = SuperK(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return source


class Source(Bench):
    """An EXTREME whose emission follows register 0x30 after ``delay`` s, if its interlock is ok."""

    def __init__(self) -> None:
        self.main = {
            0x11: (235).to_bytes(2, "little"),
            0x30: b"\x00",
            0x31: b"\x01\x00",
            0x32: INTERLOCK_OK,
            0x34: b"\x01",
            0x36: b"\x00",
            0x37: b"\x20\x03",
            0x38: b"\x64\x00",
            0x39: b"\x00\x00",
            0x61: b"\x60",
            0x64: b"\x69\x00v1.05\x00",
            0x65: b"12345678",
            0x66: b"\x00\x00",
        }
        super().__init__({MAIN: self.main})
        self.delay = 0.5
        self.stuck = False
        self.device.reacts[MAIN, 0x30] = self.switch

    def switch(self, data: bytes) -> None:
        if self.stuck:
            return
        self.main[0x30] = data
        emits = data == b"\x03" and self.main[0x32] == INTERLOCK_OK

        def follow(moment: float) -> None:
            self.main[0x66] = b"\x01\x00" if emits else b"\x00\x00"

        self.device._appoint(self.clock.now() + self.delay, follow)

    @property
    def emits(self) -> bool:
        return bool(self.main[0x66][0] & 1)


@pytest.fixture
def bench() -> Source:
    return Source()


def frames(bench: Source) -> list[bytes]:
    """Return what was heard as if host 0xA2 had sent it."""
    return [pack(telegram._replace(source=0xA2)) for telegram in bench.device.heard]


def test_connecting_reads_only(bench: Source) -> None:
    source = SuperK(bench, clock=bench.clock)
    assert source.identity == (
        "NKT Photonics SuperK EXTREME, serial number 12345678, firmware 105 v1.05, address 15"
    )
    assert {telegram.kind for telegram in bench.device.heard} == {Kind.READ}
    assert frames(bench)[0] == bytes.fromhex("0D0FA20461B7510A")
    assert bench.settings["asrl"] == {"baud_rate": 115200}
    assert bench.settings["timeout"] == 250


def test_the_worked_telegrams_of_a_source(bench: Source) -> None:
    source = bench.connect()
    source.power_level = 80.0
    source.power_level = 1.0
    bench.device.reacts[MAIN, 0x32] = lambda data: None
    source.reset_interlock()
    assert bytes.fromhex("0D0FA2053720036111 0A") in frames(bench)
    assert bytes.fromhex("0D0FA205375E4A00B85F0A") in frames(bench)
    assert bytes.fromhex("0D0FA2053201008F550A") in frames(bench)
    assert bytes.fromhex("0D0FA20432DDC70A") in frames(bench)


def test_starting_arms_the_watchdog_first_and_waits_for_emission(bench: Source) -> None:
    source = bench.connect(watchdog=8)
    source.start_emission()
    assert bench.device.written == [(MAIN, 0x36, b"\x08"), (MAIN, 0x30, b"\x03")]
    assert bytes.fromhex("0D0FA2053003BCE10A") in frames(bench)
    assert bytes.fromhex("0D0FA20466C7B60A") in frames(bench)
    assert bench.clock.now() >= 0.5
    assert source.emission
    assert source.watchdog == 8


def test_stopping_confirms_by_register_and_status_and_restores_the_watchdog(bench: Source) -> None:
    bench.main[0x36] = b"\x3c"
    source = bench.connect()
    source.start_emission()
    bench.device.heard.clear()
    source.stop_emission()
    assert bench.device.written == [(MAIN, 0x30, b"\x00"), (MAIN, 0x36, b"\x3c")]
    assert frames(bench)[0] == bytes.fromhex("0D0FA20530008C820A")
    assert not bench.emits
    assert not source.emission


@pytest.mark.parametrize(
    ("register", "status"), [(b"\x03", b"\x00\x00"), (b"\x00", b"\x01\x00"), (b"\x02", b"\x00\x00")]
)
def test_emission_is_denied_only_if_register_and_status_deny_it(
    bench: Source, register: bytes, status: bytes
) -> None:
    source = bench.connect()
    assert not source.emission
    bench.main[0x30], bench.main[0x66] = register, status
    assert source.emission


@pytest.mark.parametrize(
    ("interlock", "words"),
    [
        (b"\x00\x01", r"open \(front panel or key\)"),
        (b"\x00\x02", r"open \(door\)"),
        (b"\x01\x00", "waiting for reset"),
        (b"\x00\xff", r"open \(circuit failure\)"),
    ],
)
def test_an_open_interlock_refuses_emission_before_anything_is_written(
    bench: Source, interlock: bytes, words: str
) -> None:
    source = bench.connect()
    bench.main[0x32] = interlock
    with pytest.raises(InstrumentRefused, match=words):
        source.start_emission()
    assert bench.device.written == []


def test_a_reported_fault_refuses_emission(bench: Source) -> None:
    source = bench.connect()
    bench.main[0x66] = b"\x40\x20"
    with pytest.raises(InstrumentRefused, match=r"temperature out of range, CRC error"):
        source.start_emission()
    assert bench.device.written == []


@pytest.mark.parametrize("answer", [Kind.NACK, None])
def test_emission_that_does_not_come_is_switched_off_again(
    bench: Source, answer: Kind | None
) -> None:
    source = bench.connect(emission_timeout=1.0)
    switch = bench.switch

    def ignore(data: bytes) -> Kind | None:
        return answer if data == b"\x03" else switch(data)

    bench.device.reacts[MAIN, 0x30] = ignore
    with pytest.raises(InstrumentRefused, match=r"0x30|no emission reported 1 s"):
        source.start_emission()
    assert bench.device.written[-2:] == [(MAIN, 0x30, b"\x00"), (MAIN, 0x36, b"\x00")]


def test_the_emission_command_is_never_repeated(
    bench: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source = bench.connect()
    bench.device.plays = [None] * 5 + [b""]
    source.start_emission()
    assert [w for w in bench.device.written if w[1] == 0x30] == [(MAIN, 0x30, b"\x03")]
    assert len([m for m in caplog.messages if "Not repeated" in m]) == 1
    assert bench.emits


def test_an_interlock_that_does_not_reset_is_refused(bench: Source) -> None:
    source = bench.connect()
    bench.main[0x32] = b"\x00\x02"
    bench.device.reacts[MAIN, 0x32] = lambda data: None
    with pytest.raises(InstrumentRefused, match=r"after a reset the interlock is open \(door\)"):
        source.reset_interlock()
    assert bench.device.written == [(MAIN, 0x32, b"\x01\x00")]


def test_keeping_alive_arms_again_and_tells_that_emission_has_ended(bench: Source) -> None:
    source = bench.connect()
    source.keep_alive()
    assert bench.device.written == []
    source.start_emission()
    bench.main[0x36] = b"\x00"
    source.keep_alive()
    assert bench.main[0x36] == b"\x0a"
    bench.main[0x66], bench.main[0x32] = b"\x08\x00", b"\x00\x02"
    with pytest.raises(
        InstrumentRefused, match=r"ended by itself: interlock open \(door\); .*loop"
    ):
        source.keep_alive()


@pytest.mark.parametrize("percent", [-0.1, 60.1, 1e9, float("nan"), float("inf")])
def test_levels_out_of_range_are_refused_and_nothing_is_sent(bench: Source, percent: float) -> None:
    source = bench.connect(max_power_level=60.0)
    with pytest.raises(LimitError, match=r"power_level.*from 0 to 60.*max_power_level"):
        source.power_level = percent
    assert bench.device.heard == []


def test_the_level_is_that_of_the_operating_mode(bench: Source) -> None:
    source = bench.connect()
    assert (source.mode, source.power_level) == ("constant power", 80.0)
    source.mode = "constant current"
    assert source.power_level == 10.0
    source.power_level = 25.5
    assert bench.device.written == [(MAIN, 0x31, b"\0\0"), (MAIN, 0x38, b"\xff\0")]


def test_a_level_that_is_not_taken_is_refused(bench: Source) -> None:
    source = bench.connect()
    bench.device.reacts[MAIN, 0x37] = lambda data: None
    with pytest.raises(InstrumentRefused, match=r"is 80 although 50 was set"):
        source.power_level = 50.0


def test_modes_are_checked_and_not_changed_while_emitting(bench: Source) -> None:
    source = bench.connect()
    with pytest.raises(LimitError, match="constant current, constant power"):
        source.mode = "turbo"
    source.start_emission()
    bench.device.heard.clear()
    with pytest.raises(InstrumentRefused, match="because the source emits"):
        source.mode = "constant current"
    assert bench.device.written == []


@pytest.mark.parametrize(("reading", "ratio"), [(b"\x02", 2), (b"\x00\x01", 256)])
def test_a_small_pulse_picker_ratio_comes_in_one_byte(
    bench: Source, reading: bytes, ratio: int
) -> None:
    source = bench.connect()
    bench.main[0x34] = reading
    assert source.pulse_picker_ratio == ratio
    with pytest.raises(LimitError, match="SuperK pulse_picker_ratio"):
        source.pulse_picker_ratio = 0
    source.pulse_picker_ratio = 300
    assert bench.device.written == [(MAIN, 0x34, b"\x2c\x01")]


def test_a_fianium_has_its_own_registers(bench: Source) -> None:
    bench.main |= {0x61: b"\x88\x00", 0x31: b"\x00", 0x3A: b"\x05\x00"}
    source = bench.connect()
    assert "FIANIUM" in source.identity
    assert source.mode == "constant power"
    source.power_level = 12.0
    source.nim_delay = 7
    assert bench.device.written == [(MAIN, 0x37, b"\x78\0"), (MAIN, 0x3A, b"\x07\0")]


def test_settings_are_what_the_source_reports(bench: Source) -> None:
    assert bench.connect().settings() == {
        "emission": False,
        "interlock": "ok",
        "status": "",
        "mode": "constant power",
        "power_level_percent": 80.0,
        "pulse_picker_ratio": 1,
        "nim_delay": 0,
        "watchdog_s": 0,
        "inlet_temperature_C": 23.5,
    }
    assert bench.device.written == []


@pytest.mark.parametrize(
    ("answer", "what"), [(b"\x68", "VARIA"), (b"\x66\x00", "RF driver"), (b"\x60\x41", "60 41")]
)
def test_another_module_is_the_wrong_instrument(bench: Source, answer: bytes, what: str) -> None:
    bench.main[0x61] = answer
    with pytest.raises(WrongInstrument, match=rf"{what}.* answers at address 15, not a SuperK"):
        SuperK(bench, clock=bench.clock)
    assert bench.closed_ports == 1
    assert bench.device.written == []


def test_nobody_at_the_address_is_a_timeout(bench: Source) -> None:
    with pytest.raises(InstrumentTimeout, match=r"^SuperK: no answer of module 9 .*and address"):
        SuperK(bench, clock=bench.clock, address=9)
    assert bench.closed_ports == 1
    assert bench.clock.now() < 3.6


@pytest.mark.parametrize("keyword", ["address", "watchdog", "max_power_level", "emission_timeout"])
@pytest.mark.parametrize("value", [-1, 1000])
def test_keywords_out_of_range_are_refused_before_connecting(
    bench: Source, keyword: str, value: int
) -> None:
    with pytest.raises(LimitError, match=keyword):
        SuperK(bench, clock=bench.clock, **{keyword: value})
    assert bench.device.heard == []


def test_making_safe_switches_off_what_somebody_else_switched_on(bench: Source) -> None:
    source = bench.connect()
    bench.main |= {0x30: b"\x03", 0x66: b"\x01\x00"}
    source.make_safe()
    assert not bench.emits
    assert bench.device.written == [(MAIN, 0x30, b"\0")]


def test_emission_that_cannot_be_stopped_is_said_and_the_port_released_once(bench: Source) -> None:
    source = bench.connect()
    source.start_emission()
    bench.stuck = True
    bench.device.heard.clear()
    with pytest.raises(ShutterNotClosed, match=r"not confirmed to be off.*front panel"):
        source.shutdown()
    assert bench.device.written == [(MAIN, 0x30, b"\0")] * 2
    assert bench.closed_ports == 1
    source.shutdown()
    assert bench.closed_ports == 1


def test_a_dead_bus_is_not_taken_for_darkness(bench: Source) -> None:
    source = bench.connect()
    bench.device.silent = True
    with pytest.raises(ShutterNotClosed):
        source.make_safe()


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60)), min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_whatever_is_answered_only_labcools_errors_come(answers: list[bytes | None]) -> None:
    logging.disable()
    bench = Source()
    source = bench.connect()
    for use in (source.start_emission, source.settings, source.keep_alive, source.make_safe):
        bench.device.plays = list(answers)
        with suppress(LabcoolError):
            use()
    bench.device.plays = []
    source.make_safe()
    logging.disable(logging.NOTSET)
    assert not bench.emits
    assert source.power_level == 80.0


@pytest.mark.parametrize(
    ("register", "data"),
    [
        (registers.POWER_LEVEL, b"\xec\x03"),
        (registers.PULSE_PICKER, b"\x00"),
        (registers.NIM_DELAY[registers.EXTREME], b"\x00\x04"),
        (registers.INLET_TEMPERATURE, b"\x00\x80"),
        (registers.HIGHEST_WAVELENGTH, b"\xff\xff\xff\xff"),
        (registers.ND_SETPOINT, b"\xff\xff"),
    ],
)
def test_what_no_module_holds_is_no_value(register: Register, data: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        register.decoded(data)

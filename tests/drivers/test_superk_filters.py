from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._interbus import Kind, Telegram, pack, unpack
from drivers.superk import SuperK
from drivers.superk_select import Channel, SuperKSelect
from drivers.superk_varia import SuperKVaria
from labcool.bench._shared_port import SharedPort
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

MAIN, RF, HOUSING, VARIA = 15, 16, 18, 17
CRYSTALS = {1: (500_000, 900_000), 2: (1_100_000, 2_000_000)}


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


def u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


class Table(Bench):
    """A source, a SELECT with a VIS and a NIR crystal, and a VARIA on one port."""

    def __init__(self) -> None:
        common = {0x64: u16(7), 0x65: b"1", 0x66: u16(0), 0x67: b"\0"}
        self.main = {**common, 0x61: b"\x60", 0x30: b"\0", 0x31: u16(1), 0x36: b"\0"}
        self.main |= {0x32: u16(2), 0x34: b"\1"}
        self.rf = {**common, 0x61: b"\x66", 0x30: b"\0", 0x75: b"\x01", 0x38: u16(215)}
        self.rf |= {0x34: u32(CRYSTALS[1][0]), 0x35: u32(CRYSTALS[1][1])}
        self.rf |= {0x90 + n: u32(600_000 + n) * 4 for n in range(8)}
        self.rf |= {0xB0 + n: u16(100 * n) * 2 for n in range(8)}
        self.housing = {**common, 0x61: b"\x67", 0x10: u16(31), 0x11: u16(0), 0x34: b"\0"}
        self.housing |= {0x90: u32(CRYSTALS[1][0]), 0x91: u32(CRYSTALS[1][1])}
        self.housing |= {0xA0: u32(CRYSTALS[2][0]), 0xA1: u32(CRYSTALS[2][1])}
        self.varia = {**common, 0x61: b"\x68", 0x13: u16(0), 0x32: u16(1000)}
        self.varia |= {0x33: u16(5600), 0x34: u16(5400)}
        modules = {MAIN: self.main, RF: self.rf, HOUSING: self.housing, VARIA: self.varia}
        super().__init__(modules)
        self.switch_time = 1.0
        self.move_time = 3.0
        self.device.reacts[MAIN, 0x30] = self.emission
        self.device.reacts[RF, 0x30] = self.power
        self.device.reacts[HOUSING, 0x34] = self.swap
        for number, bit in ((0x32, 12), (0x33, 13), (0x34, 14)):
            self.device.reacts[VARIA, number] = self.motor(number, bit)

    def emission(self, data: bytes) -> Kind | None:
        self.main[0x30], self.main[0x66] = data, u16(data[0] & 1)
        return None

    def power(self, data: bytes) -> Kind | None:
        self.rf[0x30], self.rf[0x66] = data, u16(data[0])
        return None

    def swap(self, data: bytes) -> Kind | None:
        if self.rf[0x30] != b"\0":
            return Kind.NACK
        self.housing[0x34] = data
        lowest, highest = CRYSTALS[data[0] + 1]

        def connect(moment: float) -> None:
            self.rf |= {0x75: bytes((data[0] + 1,)), 0x34: u32(lowest), 0x35: u32(highest)}

        self.device._appoint(self.clock.now() + self.switch_time, connect)
        return None

    def motor(self, number: int, bit: int) -> Callable[[bytes], Kind | None]:
        def status(set_bits: int, cleared: int) -> None:
            self.varia[0x66] = u16(int.from_bytes(self.varia[0x66], "little") & ~cleared | set_bits)

        def move(data: bytes) -> None:
            self.varia[number] = data
            start = self.clock.now() + 0.05
            self.device._appoint(start, lambda moment: status(1 << bit, 0))
            self.device._appoint(start + self.move_time, lambda moment: status(0, 1 << bit))

        return move

    def select(self, **keywords: Any) -> SuperKSelect:
        keywords.setdefault("select_address", HOUSING)
        found = SuperKSelect(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return found

    def filter(self, **keywords: Any) -> SuperKVaria:
        found = SuperKVaria(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return found


@pytest.fixture
def bench() -> Table:
    return Table()


def frames(bench: Table) -> list[bytes]:
    """Return what was heard as if host 0xA2 had sent it."""
    return [pack(telegram._replace(source=0xA2)) for telegram in bench.device.heard]


def test_connecting_to_the_filters_reads_only(bench: Table) -> None:
    select = SuperKSelect(bench, clock=bench.clock, select_address=HOUSING)
    varia = SuperKVaria(bench, clock=bench.clock)
    assert {telegram.kind for telegram in bench.device.heard} == {Kind.READ}
    assert select.identity.count("NKT Photonics SuperK") == 2
    assert "SuperK VARIA" in varia.identity


def test_the_worked_telegrams_of_the_filters(bench: Table) -> None:
    select, varia = bench.select(), bench.filter()
    select.start_emission()
    select.set_wavelength(0, 633.0)
    select.set_amplitude(0, 50.0)
    varia.set_band(540.0, 650.0)
    assert bytes.fromhex("0D10A205 30 01 FD00 0A") in frames(bench)
    assert bytes.fromhex("0D10A205 90 A8A80900 3CC3 0A") in frames(bench)
    assert bytes.fromhex("0D10A205 B0 F401 F9FD 0A") in frames(bench)
    assert bytes.fromhex("0D11A205 33 6419 5585 0A") in frames(bench)


def test_channels_are_read_from_the_first_number_of_the_table(bench: Table) -> None:
    select = bench.select(main_channel=3)
    assert select.channel(7) == Channel(600.007, 70.0)
    assert (select.wavelength, select.power_level) == (600.003, 30.0)
    select.wavelength = 812.3456
    select.power_level = 12.3
    assert bench.device.written == [(RF, 0x93, u32(812_346)), (RF, 0xB3, u16(123))]


@pytest.mark.parametrize("nanometres", [499.9, 900.1, 1000.0, 1064.0, 2000.1, 0.0, -633.0])
@pytest.mark.parametrize("present", [1, 2])
def test_wavelengths_that_no_crystal_can_diffract_are_refused(
    bench: Table, nanometres: float, present: int
) -> None:
    select = bench.select()
    select.select_crystal(present)
    bench.device.heard.clear()
    with pytest.raises(LimitError, match=r"must be from 500 to 900 or from 1100 to 2000\. No crys"):
        select.wavelength = nanometres
    assert bench.device.written == []


@pytest.mark.parametrize("nanometres", [math.nan, math.inf, True])
def test_wavelengths_that_are_no_numbers_are_refused_before_anything_is_sent(
    bench: Table, nanometres: float
) -> None:
    select = bench.select()
    with pytest.raises(LimitError, match=r"SuperK SELECT wavelength of channel 0 \(nm\)"):
        select.wavelength = nanometres
    assert bench.device.heard == []


def test_a_wavelength_of_the_other_crystal_connects_it_with_the_rf_power_off_only(
    bench: Table,
) -> None:
    select = bench.select()
    assert select.wavelength_ranges == ((500.0, 900.0), (1100.0, 2000.0))
    select.start_emission()
    bench.device.heard.clear()
    with pytest.raises(InstrumentRefused, match=r"1550 nm not set: it needs crystal 2.*RF power"):
        select.wavelength = 1550.0
    assert bench.device.written == []
    select.stop_emission()
    bench.device.heard.clear()
    select.wavelength = 1550.0
    assert bench.device.written == [(HOUSING, 0x34, b"\x01"), (RF, 0x90, u32(1_550_000))]
    assert select.crystal == 2


@pytest.mark.parametrize("channel", [-1, 8])
def test_there_are_eight_channels(bench: Table, channel: int) -> None:
    select = bench.select()
    with pytest.raises(LimitError, match=r"channel = .* from 0 to 7"):
        select.set_wavelength(channel, 633.0)
    with pytest.raises(LimitError, match="SuperK SELECT channel"):
        bench.select(main_channel=channel)


@pytest.mark.parametrize("percent", [-0.1, 100.1, float("nan")])
def test_amplitudes_out_of_range_are_refused(bench: Table, percent: float) -> None:
    select = bench.select()
    with pytest.raises(LimitError, match=r"SuperK SELECT amplitude of channel 0.*from 0 to 100"):
        select.power_level = percent
    assert bench.device.written == []


def test_another_crystal_is_selected_by_the_rf_switch_and_its_limits_awaited(bench: Table) -> None:
    select = bench.select()
    assert select.crystals == {1: (500.0, 900.0), 2: (1100.0, 2000.0)}
    select.select_crystal(2)
    assert bench.device.written == [(HOUSING, 0x34, b"\x01")]
    assert bench.clock.now() >= 1.0
    assert select.wavelength_range == (1100.0, 2000.0)
    select.wavelength = 1550.0
    select.select_crystal(2)
    select.select_crystal(1)
    assert bench.device.written[-1] == (HOUSING, 0x34, b"\x00")


def test_the_crystal_is_not_changed_under_rf_power(bench: Table) -> None:
    select = bench.select()
    select.start_emission()
    bench.device.heard.clear()
    with pytest.raises(InstrumentRefused, match="RF power is on"):
        select.select_crystal(2)
    with pytest.raises(LimitError, match="crystal = 3"):
        select.select_crystal(3)
    assert bench.device.written == []


def test_a_crystal_that_does_not_come_is_a_timeout(bench: Table) -> None:
    select = bench.select(switch_timeout=0.5)
    with pytest.raises(InstrumentTimeout, match=r"crystal 2 is not reported connected 0\.5 s"):
        select.select_crystal(2)


def test_without_a_crystal_nothing_is_set(bench: Table) -> None:
    select = bench.select()
    bench.rf[0x75] = b"\0"
    with pytest.raises(InstrumentRefused, match="no crystal"):
        select.wavelength = 633.0
    with pytest.raises(InstrumentRefused, match="no crystal"):
        select.select_crystal(2)
    assert bench.device.written == []


@pytest.mark.parametrize(("module", "status"), [("rf", 1 << 14), ("housing", 1 << 1)])
def test_rf_power_is_refused_on_faults(bench: Table, module: str, status: int) -> None:
    select = bench.select()
    getattr(bench, module)[0x66] = u16(status)
    with pytest.raises(InstrumentRefused, match=r"RF power refused: (no data|interlock off)"):
        select.start_emission()
    assert bench.device.written == []


def test_made_safe_the_rf_power_is_off_first_then_all_amplitudes_are_0(bench: Table) -> None:
    select = bench.select()
    select.start_emission()
    bench.device.heard.clear()
    select.make_safe()
    assert bench.device.written[0] == (RF, 0x30, b"\0")
    assert bench.device.written[1:] == [(RF, 0xB0 + n, u16(0)) for n in range(8)]
    assert not select.emission


def test_rf_power_that_stays_on_is_said_and_the_amplitudes_are_0_nevertheless(
    bench: Table,
) -> None:
    select = bench.select()
    select.start_emission()
    bench.device.reacts[RF, 0x30] = lambda data: None
    with pytest.raises(ShutterNotClosed, match=r"not confirmed to be off.*by hand"):
        select.shutdown()
    assert all(bench.rf[0xB0 + n] == u16(0) for n in range(8))
    assert bench.closed_ports == 1


def test_rf_power_that_does_not_come_is_switched_off(bench: Table) -> None:
    select = bench.select()
    bench.device.reacts[RF, 0x30] = lambda data: None
    with pytest.raises(InstrumentRefused, match="no RF power reported 2 s"):
        select.start_emission()
    assert bench.device.written == [(RF, 0x30, b"\x01"), (RF, 0x30, b"\0")]


def test_settings_of_the_select(bench: Table) -> None:
    settings = bench.select().settings()
    assert settings["rf_on"] is False
    assert settings["channel_7_amplitude_percent"] == 70.0
    assert settings["crystal_temperature_C"] == 21.5
    assert settings["monitor_1_percent"] == 3.1
    assert bench.device.written == []


def test_a_varia_moves_both_edges_and_waits_until_they_stand(bench: Table) -> None:
    varia = bench.filter()
    assert (varia.band, varia.wavelength, varia.bandwidth) == ((540.0, 560.0), 550.0, 20.0)
    varia.wavelength = 700.0
    assert bench.device.written == [(VARIA, 0x33, u16(7100)), (VARIA, 0x34, u16(6900))]
    assert bench.clock.now() >= 3.0
    assert not varia.is_moving
    varia.wavelength = 600.0
    assert bench.device.written[2:] == [(VARIA, 0x34, u16(5900)), (VARIA, 0x33, u16(6100))]
    varia.bandwidth = 10.0
    assert varia.band == (595.0, 605.0)
    assert varia.wavelength_range == (405.0, 835.0)


@given(st.floats(400, 840), st.floats(0.1, 440))
@settings(max_examples=40, deadline=None)
def test_the_edges_of_a_varia_never_cross(lower: float, width: float) -> None:
    bench = Table()
    bench.move_time = 0.0
    varia = bench.filter()
    upper = min(lower + width, 840.0)
    with suppress(LimitError):
        varia.set_band(lower, upper)
    edges = {0x33: 5600, 0x34: 5400}
    for _, register, data in bench.device.written:
        edges[register] = int.from_bytes(data, "little")
        assert edges[0x33] >= edges[0x34]


def test_bands_out_of_range_are_refused_and_nothing_moves(bench: Table) -> None:
    varia = bench.filter()
    for lower, upper in ((399.9, 500.0), (500.0, 840.1), (600.0, 600.0), (601.0, 600.0)):
        with pytest.raises(LimitError, match="edge"):
            varia.set_band(lower, upper)
    with pytest.raises(LimitError, match=r"wavelength .*finite number"):
        varia.wavelength = math.nan
    for wavelength in (409.9, 830.1):
        with pytest.raises(LimitError, match=r"wavelength.*from 410 to 830"):
            varia.wavelength = wavelength
    with pytest.raises(LimitError, match="bandwidth"):
        varia.bandwidth = 300.1
    with pytest.raises(LimitError, match="SuperK VARIA nd_setpoint"):
        varia.nd_setpoint = 100.1
    assert bench.device.written == []


def test_a_varia_that_does_not_stand_is_a_timeout(bench: Table) -> None:
    varia = bench.filter(move_timeout=1.0)
    with pytest.raises(InstrumentTimeout, match="still moves after 1 s"):
        varia.nd_setpoint = 50.0
    with pytest.raises(InstrumentTimeout, match="still moves after 1 s"):
        varia.make_safe()
    varia.make_safe()
    assert not varia.is_moving
    assert bench.device.written == [(VARIA, 0x32, u16(500)), *[(MAIN, 0x30, b"\0")] * 2]


def test_a_varia_with_a_fault_is_not_moved(bench: Table) -> None:
    varia = bench.filter()
    bench.varia[0x66] = u16(1 << 15)
    with pytest.raises(InstrumentRefused, match="move refused: error code present"):
        varia.wavelength = 600.0
    assert bench.device.written == []


def test_modules_are_not_mixed_up(bench: Table) -> None:
    with pytest.raises(WrongInstrument, match="SuperK VARIA answers at address 17, not a SuperK S"):
        SuperKSelect(bench, clock=bench.clock, select_address=VARIA)
    with pytest.raises(LimitError, match="another than rf_address"):
        SuperKSelect(bench, clock=bench.clock, select_address=RF)


@pytest.mark.parametrize("shared", ["port", "adapter"])
def test_three_instruments_share_one_port_which_the_last_closes(bench: Table, shared: str) -> None:
    resource: Any = SharedPort(bench) if shared == "port" else bench.open(timeout=250)
    source = SuperK(resource, clock=bench.clock)
    select = SuperKSelect(resource, clock=bench.clock, select_address=HOUSING)
    with pytest.raises(WrongInstrument):
        SuperKVaria(resource, clock=bench.clock, address=RF)
    varia = SuperKVaria(resource, clock=bench.clock)
    bench.device.heard.clear()
    for _ in range(3):
        assert not source.emission
        assert not select.emission
        assert varia.band == (540.0, 560.0)
    hosts = [telegram.source for telegram in bench.device.heard]
    assert all(one != next_one for one, next_one in pairwise(hosts))
    assert len(set(hosts[:16])) == 16
    source.shutdown()
    select.shutdown()
    assert bench.closed_ports == 0
    assert varia.band == (540.0, 560.0)
    varia.shutdown()
    assert bench.closed_ports == 1


def test_the_late_answer_to_one_instrument_is_not_taken_by_another(bench: Table) -> None:
    port: Any = SharedPort(bench)
    source = SuperK(port, clock=bench.clock)
    varia = SuperKVaria(port, clock=bench.clock)
    bench.device.plays = [b""]
    bench.main[0x66] = u16(1)
    assert source.emission
    late = bench.device.heard[-1]
    bench.main[0x66] = u16(0)
    frame = pack(Telegram(late.source, MAIN, Kind.DATAGRAM, 0x66, u16(1)))
    bench.device._send(frame)
    assert varia.status == ()
    bench.device._send(frame)
    assert not source.emission


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60)), min_size=1, max_size=10))
@settings(max_examples=40, deadline=None)
def test_whatever_is_answered_only_labcools_errors_come(answers: list[bytes | None]) -> None:
    logging.disable()
    bench = Table()
    bench.device.plays = list(answers)
    with suppress(LabcoolError):
        bench.select()
    bench.device.plays = []
    select, varia = bench.select(), bench.filter()
    for use in (
        select.start_emission,
        lambda: select.set_wavelength(0, 700.0),
        select.settings,
        lambda: varia.set_band(500.0, 600.0),
        varia.settings,
        select.make_safe,
    ):
        bench.device.plays = list(answers)
        with suppress(LabcoolError):
            use()
    bench.device.plays = []
    select.make_safe()
    logging.disable(logging.NOTSET)
    assert bench.rf[0x30] == b"\0"
    assert varia.band in ((540.0, 560.0), (500.0, 560.0), (500.0, 600.0), (540.0, 600.0))

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.obis import Obis
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    LimitError,
    ShutterNotClosed,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter


class Head(LineDevice):
    """An OBIS with handshaking; ``spoil`` replaces whole answers, once each."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock, terminator=b"\r\n")
        self.heard: list[bytes] = []
        self.key = 0xC8
        self.extra_bits = 0
        self.faults = 0
        self.handshake = True
        self.delay = 5.0
        self.commanded_at: float | None = None
        self.deaf = False
        self.takes_power = True
        self.answer_delay = 0.0
        self.values = {
            b"SYST:INF:MOD?": b"OBIS 785-100 LX",
            b"SYST:INF:SNUM?": b"VIN-1234",
            b"SYST:INF:FVER?": b"V2.3.1",
            b"SYST:INF:WAV?": b"785",
            b"SOUR:POW:LIM:LOW?": b"0.00100",
            b"SOUR:POW:LIM:HIGH?": b"0.11000",
            b"SOUR:POW:LEV?": b"0.04993",
            b"SOUR:POW:LEV:IMM:AMPL?": b"0.05000",
            b"SOUR:AM:SOUR?": b"CWP",
            b"SOUR:TEMP:DIOD?": b"24.9C",
            b"SYST:LOCK?": b"ON",
            b"SYST:AUT?": b"OFF",
            b"SYST:CDRH?": b"ON",
        }
        self.spoil: dict[bytes, list[bytes | None]] = {}

    @property
    def emits(self) -> bool:
        return self.commanded_at is not None and self.clock.now() >= self.commanded_at + self.delay

    def word(self) -> int:
        bits = 0x1000 | self.extra_bits
        if self.emits:
            bits |= 0x2
        elif self.commanded_at is not None:
            bits |= 0x10
        return self.key << 24 | bits

    def _handle(self, line: bytes) -> None:
        self.heard.append(line + b"\r\n")
        answer: bytes | None = self.obey(line)
        if self.spoil.get(line):
            answer = self.spoil[line].pop(0)
        if answer is not None:
            self._send(answer, after=self.answer_delay)

    def obey(self, line: bytes) -> bytes:
        done = b"OK\r\n" if self.handshake else b""
        if line == b"SYST:STAT?":
            return b"%08X\r\n" % self.word() + done
        if line == b"SYST:FAUL?":
            return b"%08X\r\n" % self.faults + done
        if line == b"SYST:COMM:HAND?":
            return (b"ON" if self.handshake else b"OFF") + b"\r\n" + done
        if line == b"SOUR:AM:STAT ON":
            self.commanded_at = self.clock.now()
            return done
        if line == b"SOUR:AM:STAT OFF":
            if not self.deaf:
                self.commanded_at = None
            return done
        if line.startswith(b"SOUR:POW:LEV:IMM:AMPL "):
            if self.takes_power:
                self.values[b"SOUR:POW:LEV:IMM:AMPL?"] = line.split()[1]
            return done
        if line in self.values:
            return self.values[line] + b"\r\n" + done
        return b"ERR-100\r\n"


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Head(self.clock)
        self.closed_ports = 0
        self.settings: dict[str, Any] = {}

    def open(self, **settings: Any) -> MemoryAdapter:
        bench = self
        self.settings = settings

        class Counting(MemoryAdapter):
            def close(self) -> None:
                bench.closed_ports += 1

        self.adapter = Counting(self.device, self.clock, **settings)
        return self.adapter

    def connect(self, **keywords: Any) -> Obis:
        laser = Obis(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return laser


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_connecting_only_asks(bench: Bench) -> None:
    laser = Obis(bench, clock=bench.clock, baud_rate=9600)
    assert all(line.endswith(b"?\r\n") for line in bench.device.heard)
    assert bench.settings["asrl"] == {"baud_rate": 9600}
    assert laser.identity == "Coherent OBIS 785-100 LX, serial number VIN-1234, firmware V2.3.1"
    assert laser.power_range == (0.001, 0.1)
    assert laser.emission is False


def test_the_published_status_words_are_read(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"SYST:STAT?"] = [b"C8001002\r\nOK\r\n"] * 2
    assert laser.emission is True
    assert bench.device.heard == [b"SYST:STAT?\r\n"]
    assert laser.status == ("key on", "emission", "power voltage")
    for word, names in {
        b"CE000008": ("key out", "standby"),
        b"CC000408": ("interlock open", "standby", "external mode"),
        b"C8001010": ("key on", "emission delay running", "power voltage"),
        b"C8001100": ("key on", "warming up", "power voltage"),
    }.items():
        bench.device.spoil[b"SYST:STAT?"] = [word + b"\r\nOK\r\n"] * 2
        assert laser.emission is False
        assert laser.status == names


def test_power_is_in_watts_and_read_back(bench: Bench) -> None:
    laser = bench.connect()
    assert laser.power == 0.04993
    laser.power_setpoint = 0.08
    assert bench.device.heard[1:] == [
        b"SOUR:POW:LEV:IMM:AMPL 0.080000\r\n",
        b"SOUR:POW:LEV:IMM:AMPL?\r\n",
    ]
    bench.device.takes_power = False
    with pytest.raises(InstrumentRefused, match=r"0\.08 W although 0\.02 W"):
        laser.power_setpoint = 0.02


@pytest.mark.parametrize("watts", [0.0, 0.0009, 0.1001, -0.05, float("nan"), float("inf")])
def test_a_set_point_outside_the_limits_sends_nothing(bench: Bench, watts: float) -> None:
    laser = bench.connect()
    with pytest.raises(LimitError, match=r"from 0\.001 to 0\.1"):
        laser.power_setpoint = watts
    assert bench.device.heard == []


def test_the_lasers_own_limit_holds_too(bench: Bench) -> None:
    assert bench.connect(max_power=1.0).power_range == (0.001, 0.11)
    with pytest.raises(LimitError, match="max_power"):
        bench.connect(max_power=0.0005)


def test_handshaking_off_is_refused(bench: Bench) -> None:
    bench.device.handshake = False
    with pytest.raises(InstrumentRefused, match="SYST:COMM:HAND ON"):
        bench.connect()
    assert bench.closed_ports == 1


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (b"SYST:COMM:HAND?", b"DISABLED\r\n"),
        (b"SYST:INF:MOD?", b"Verdi V6\r\nOK\r\n"),
        (b"SYST:INF:WAV?", b"532\r\nOK\r\n"),
    ],
)
def test_another_instrument_is_refused(bench: Bench, question: bytes, answer: bytes) -> None:
    bench.device.spoil[question] = [answer] * 2
    with pytest.raises(WrongInstrument, match=r"^OBIS"):
        bench.connect()
    assert bench.closed_ports == 1


def test_ok_is_not_light_the_delay_is_waited_for(bench: Bench) -> None:
    laser = bench.connect()
    began = bench.clock.now()
    laser.start_emission()
    assert 5.0 <= bench.clock.now() - began <= 5.2
    assert bench.device.emits
    assert laser.emission is True


def test_no_light_in_time_switches_off_again(bench: Bench) -> None:
    laser = bench.connect(emission_timeout=2.0)
    with pytest.raises(InstrumentTimeout, match=r"no emission 2 s .*emission delay running"):
        laser.start_emission()
    assert bench.device.commanded_at is None


def test_a_fault_during_the_delay_switches_off_again(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"SYST:FAUL?"] = [b"00000000\r\nOK\r\n", b"00000002\r\nOK\r\n"]
    with pytest.raises(InstrumentRefused, match="diode temperature"):
        laser.start_emission()
    assert bench.device.commanded_at is None


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("key", 0xCE, "key is out"),
        ("key", 0xCC, "interlock"),
        ("faults", 0x100001, "base plate temperature, over-power"),
        ("extra_bits", 0x1, "without a name"),
        ("extra_bits", 0x100, "warming up"),
    ],
)
def test_it_does_not_start_unless_ready(
    bench: Bench, attribute: str, value: int, reason: str
) -> None:
    laser = bench.connect()
    setattr(bench.device, attribute, value)
    with pytest.raises(InstrumentRefused, match=reason):
        laser.start_emission()
    assert b"SOUR:AM:STAT ON\r\n" not in bench.device.heard


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        (b"SYST:LOCK?", b"OFF", "interlock"),
        (b"SYST:LOCK?", b"who knows", "interlock"),
        (b"SOUR:AM:SOUR?", b"DIGITAL", "DIGITAL input"),
    ],
)
def test_it_does_not_start_on_these_answers(
    bench: Bench, question: bytes, answer: bytes, reason: str
) -> None:
    laser = bench.connect()
    bench.device.values[question] = answer
    with pytest.raises(InstrumentRefused, match=reason):
        laser.start_emission()
    assert b"SOUR:AM:STAT ON\r\n" not in bench.device.heard


def test_opening_the_output_never_starts_emission(bench: Bench) -> None:
    laser = bench.connect()
    with pytest.raises(InstrumentRefused, match="no emission"):
        laser.open_output()
    laser.power_setpoint = 0.02
    assert bench.device.commanded_at is None
    laser.start_emission()
    bench.device.heard.clear()
    laser.open_output()
    assert bench.device.heard == [b"SYST:STAT?\r\n"]


def test_making_safe_switches_off_and_sets_the_lowest_power(bench: Bench) -> None:
    laser = bench.connect()
    laser.start_emission()
    laser.make_safe()
    assert bench.device.commanded_at is None
    assert float(bench.device.values[b"SOUR:POW:LEV:IMM:AMPL?"]) == 0.001


def test_a_running_delay_is_not_dark(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.commanded_at = bench.clock.now()
    bench.device.deaf = True
    with pytest.raises(ShutterNotClosed, match="Turn the key"):
        laser.make_safe()
    assert bench.device.heard.count(b"SOUR:AM:STAT OFF\r\n") == 2


@pytest.mark.parametrize("spoilt", [None, b"O\r\n", b"ERR-102\r\n", b"\xff\r\n", b"OK"])
def test_a_broken_acknowledgement_does_not_keep_it_on(bench: Bench, spoilt: bytes | None) -> None:
    laser = bench.connect()
    laser.start_emission()
    bench.device.spoil[b"SOUR:AM:STAT OFF"] = [spoilt]
    laser.stop_emission()
    assert bench.device.commanded_at is None
    assert laser.emission is False


def test_a_silent_laser_is_still_told_to_stop(bench: Bench) -> None:
    laser = bench.connect()
    laser.start_emission()
    for question in (b"SYST:INF:MOD?", b"SYST:STAT?", b"SOUR:AM:STAT OFF"):
        bench.device.spoil[question] = [None] * 9
    laser._unfinished = True
    with pytest.raises(ShutterNotClosed):
        laser.stop_emission()
    assert bench.device.commanded_at is None


def test_an_answer_after_its_time_out_never_passes_for_a_newer_one(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.answer_delay = 1.05
    with pytest.raises(InstrumentTimeout, match=r"^OBIS:"):
        _ = laser.power
    bench.device.answer_delay = 0.0
    bench.device.values[b"SOUR:POW:LEV?"] = b"0.00200"
    assert laser.power == 0.002
    assert laser.emission is False


@pytest.mark.parametrize(
    "spoilt",
    [None, b"\r\nOK\r\n", b"0.05\r\n", b"nan\r\nOK\r\n", b"1e9\r\nOK\r\n", b"0.0x\r\nOK\r\n"],
)
def test_a_broken_power_is_asked_for_once_more_then_an_error(
    bench: Bench, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    laser = bench.connect()
    bench.device.spoil[b"SOUR:POW:LEV?"] = [spoilt] * 2
    with caplog.at_level(logging.WARNING), pytest.raises((GarbledAnswer, InstrumentTimeout)):
        _ = laser.power
    bench.device.spoil.clear()
    assert laser.power == 0.04993


def test_an_error_number_is_a_refusal(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"SOUR:POW:LEV?"] = [b"ERR-203\r\n"]
    with pytest.raises(InstrumentRefused, match=r"'SOUR:POW:LEV\?' was refused: 'ERR-203'"):
        _ = laser.power
    assert laser.power == 0.04993


def test_autostart_is_warned_of(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.device.values[b"SYST:AUT?"] = b"ON"
    with caplog.at_level(logging.WARNING):
        bench.connect()
    assert "autostart" in caplog.text


def test_settings_are_what_the_laser_reports(bench: Bench) -> None:
    del bench.device.values[b"SYST:CDRH?"]
    assert bench.connect().settings() == {
        "power_W": 0.04993,
        "power_setpoint_W": 0.05,
        "lowest_power_W": 0.001,
        "highest_power_W": 0.1,
        "wavelength_nm": 785.0,
        "emission": False,
        "source": "CWP",
        "status": "key on, power voltage",
        "faults": "",
        "interlock_closed": True,
        "diode_temperature_C": 24.9,
        "autostart": "OFF",
        "emission_delay": "",
        "errors_waiting": "",
    }


def test_shutdown_releases_the_port_once_whatever_happens(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.silent = True
    with pytest.raises(ShutterNotClosed):
        laser.shutdown()
    laser.shutdown()
    assert bench.closed_ports == 1


@given(st.lists(st.binary(max_size=30) | st.just(b"00000000\r\nOK\r\n"), min_size=1, max_size=4))
@hypothesis_settings(max_examples=60, deadline=None)
def test_whatever_comes_only_typed_errors_leave(answers: list[bytes]) -> None:
    bench = Bench()
    laser = bench.connect()
    bench.device.spoil = {b"SOUR:POW:LEV?": list(answers), b"SOUR:AM:STAT ON": list(answers)}
    with suppress(LabcoolError):
        assert abs(laser.power) <= 100.0
    with suppress(LabcoolError):
        laser.start_emission()
        assert bench.device.emits
    bench.device.spoil.clear()
    laser.make_safe()
    assert bench.device.commanded_at is None
    assert laser.power == 0.04993


@pytest.mark.parametrize(
    ("attribute", "question", "watts"),
    [
        ("power_setpoint", b"SOUR:POW:LEV:IMM:AMPL?", b"-0.001"),
        ("power", b"SOUR:POW:LEV?", b"-1"),
        ("power", b"SOUR:POW:LEV?", b"101"),
    ],
)
def test_a_power_that_no_laser_has_is_garbled(
    bench: Bench, attribute: str, question: bytes, watts: bytes
) -> None:
    laser = bench.connect()
    bench.device.values[question] = watts
    with pytest.raises(GarbledAnswer):
        getattr(laser, attribute)


def test_a_monitor_may_read_a_little_below_zero(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.values[b"SOUR:POW:LEV?"] = b"-0.00010"
    assert laser.power == -0.0001


def test_control_characters_are_no_name(bench: Bench) -> None:
    bench.device.values[b"SYST:INF:MOD?"] = b"OBIS\x00785"
    with pytest.raises(GarbledAnswer):
        bench.connect()

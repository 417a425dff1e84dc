from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.cobolt import Cobolt06
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
    """A Cobolt 06-01; ``spoil`` replaces whole answers, once each."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.on = False
        self.deaf = False
        self.never_on = False
        self.takes_power = True
        self.answer_delay = 0.0
        self.values = {
            b"sn?": b"12345",
            b"glm?": b"0532-06-01-0100",
            b"gfv?": b"50.070",
            b"p?": b"0.0500",
            b"pa?": b"0.0498",
            b"ilk?": b"0",
            b"f?": b"0",
            b"gom?": b"0",
            b"@cobas?": b"0",
            b"hrs?": b"120.5",
        }
        self.spoil: dict[bytes, list[bytes | None]] = {}

    def _handle(self, line: bytes) -> None:
        self.heard.append(line + b"\r")
        answer: bytes | None = self.obey(line) + b"\r\n"
        if self.spoil.get(line):
            answer = self.spoil[line].pop(0)
        if answer is not None:
            self._send(answer, after=self.answer_delay)

    def obey(self, line: bytes) -> bytes:
        if line == b"l?":
            return b"%d" % self.on
        if line in (b"l0", b"l1"):
            if not self.deaf:
                self.on = line == b"l1" and not self.never_on
            return b"OK"
        if line.startswith(b"p "):
            if self.takes_power:
                self.values[b"p?"] = line[2:]
            return b"OK"
        if line == b"cp":
            return b"OK"
        return self.values.get(line, b"Syntax error: illegal command")


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

    def connect(self, **keywords: Any) -> Cobolt06:
        laser = Cobolt06(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return laser


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_connecting_only_asks(bench: Bench) -> None:
    laser = Cobolt06(bench, clock=bench.clock)
    assert all(line.endswith(b"?\r") for line in bench.device.heard)
    assert bench.settings["asrl"] == {"baud_rate": 115200}
    assert laser.identity == "Cobolt 06-01 0532-06-01-0100, serial number 12345, firmware 50.070"


def test_the_worked_bytes(bench: Bench) -> None:
    laser = bench.connect()
    assert laser.emission is False
    assert bench.device.heard == [bytes.fromhex("6c3f0d")]
    bench.device.values[b"pa?"] = b"0.050"
    assert laser.power == 0.05
    bench.device.heard.clear()
    laser.power_setpoint = 0.05
    assert bench.device.heard == [b"p 0.05000\r", b"p?\r"]
    assert laser.power_setpoint == 0.05


@pytest.mark.parametrize("watts", [-0.001, 0.1001, float("nan"), float("inf")])
def test_a_set_point_outside_the_limits_sends_nothing(bench: Bench, watts: float) -> None:
    laser = bench.connect()
    with pytest.raises(LimitError, match=r"from 0 to 0\.1"):
        laser.power_setpoint = watts
    assert bench.device.heard == []


def test_a_set_point_that_is_not_taken_is_an_error(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.takes_power = False
    with pytest.raises(InstrumentRefused, match=r"0\.05 W although 0\.02 W"):
        laser.power_setpoint = 0.02


def test_starting_selects_constant_power_and_confirms(bench: Bench) -> None:
    laser = bench.connect()
    laser.start_emission()
    assert bench.device.heard[-3:] == [b"cp\r", b"l1\r", b"l?\r"]
    assert laser.emission is True
    laser.open_output()
    laser.make_safe()
    assert bench.device.on is False
    assert bench.device.heard[-2:] == [b"l0\r", b"l?\r"]


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        (b"ilk?", b"1", "interlock"),
        (b"ilk?", b"2", "interlock"),
        (b"ilk?", b"", "interlock"),
        (b"ilk?", b"Syntax error: illegal command", "interlock"),
        (b"f?", b"1", "temperature"),
        (b"f?", b"4", "constant power time-out"),
        (b"f?", b"9", "unknown fault 9"),
        (b"gom?", b"6", "aborted"),
        (b"@cobas?", b"1", "autostart"),
    ],
)
def test_it_does_not_start_on_these_answers(
    bench: Bench, question: bytes, answer: bytes, reason: str
) -> None:
    laser = bench.connect()
    bench.device.values[question] = answer
    with pytest.raises(InstrumentRefused, match=reason):
        laser.start_emission()
    assert b"l1\r" not in bench.device.heard


def test_autostart_is_warned_of(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.device.values[b"@cobas?"] = b"1"
    with caplog.at_level(logging.WARNING):
        bench.connect()
    assert "emits by itself" in caplog.text


def test_no_light_in_time_switches_off_again(bench: Bench) -> None:
    laser = bench.connect(emission_timeout=1.0)
    bench.device.never_on = True
    bench.device.values[b"gom?"] = b"1"
    with pytest.raises(InstrumentTimeout, match="waiting for the key"):
        laser.start_emission()
    assert b"l0\r" in bench.device.heard


def test_opening_the_output_never_starts_emission(bench: Bench) -> None:
    laser = bench.connect()
    with pytest.raises(InstrumentRefused, match="no emission"):
        laser.open_output()
    assert bench.device.heard == [b"l?\r"]


def test_a_laser_that_stays_on_is_reported(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.on = bench.device.deaf = True
    with pytest.raises(ShutterNotClosed, match="Turn the key"):
        laser.make_safe()
    assert bench.device.heard.count(b"l0\r") == 2


@pytest.mark.parametrize("spoilt", [None, b"O\r\n", b"\xff\r\n", b"OK", b"Error\r\n", b"1\r\n"])
def test_a_broken_acknowledgement_does_not_keep_it_on(bench: Bench, spoilt: bytes | None) -> None:
    laser = bench.connect()
    laser.start_emission()
    bench.device.spoil[b"l0"] = [spoilt]
    laser.make_safe()
    assert bench.device.on is False


def test_a_mute_laser_is_still_told_to_stop(bench: Bench) -> None:
    laser = bench.connect()
    laser.start_emission()
    for question in (b"sn?", b"l?", b"l0"):
        bench.device.spoil[question] = [None] * 9
    laser._unfinished = True
    with pytest.raises(ShutterNotClosed):
        laser.make_safe()
    assert bench.device.on is False


def test_an_answer_after_its_time_out_never_passes_for_a_newer_one(bench: Bench) -> None:
    laser = bench.connect()
    laser.start_emission()
    bench.device.answer_delay = 1.05
    with pytest.raises(InstrumentTimeout, match=r"^Cobolt06:"):
        _ = laser.emission
    bench.device.answer_delay = 0.0
    bench.device.on = False
    assert laser.emission is False
    assert laser.operating_hours == 120.5


@pytest.mark.parametrize("spoilt", [b"12345\r\n", b"OK\r\n", b"\r\n", b"0\r\n", b"nan\r\n", None])
def test_a_broken_power_is_asked_for_once_more_then_an_error(
    bench: Bench, spoilt: bytes | None
) -> None:
    laser = bench.connect()
    bench.device.spoil[b"pa?"] = [spoilt]
    assert laser.power == 0.0498
    bench.device.spoil[b"pa?"] = [spoilt] * 2
    with pytest.raises((GarbledAnswer, InstrumentTimeout)):
        _ = laser.power
    bench.device.spoil[b"hrs?"] = [b"12345\r\n"]
    assert laser.operating_hours == 120.5


@pytest.mark.parametrize("question", [b"sn?", b"l?", b"gom?"])
def test_another_instrument_is_refused(bench: Bench, question: bytes) -> None:
    bench.device.spoil[question] = [b"?\r\n"] * 2
    with pytest.raises(WrongInstrument):
        bench.connect()
    assert bench.closed_ports == 1


def test_settings_are_what_the_laser_reports(bench: Bench) -> None:
    assert bench.connect().settings() == {
        "power_W": 0.0498,
        "power_setpoint_W": 0.05,
        "wavelength_nm": 532.0,
        "emission": False,
        "mode": "off",
        "fault": "",
        "interlock_tripped": False,
        "autostart": False,
        "operating_hours_h": 120.5,
    }


def test_shutdown_releases_the_port_once_whatever_happens(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.silent = True
    with pytest.raises(ShutterNotClosed):
        laser.shutdown()
    laser.shutdown()
    assert bench.closed_ports == 1


@given(st.lists(st.binary(max_size=30) | st.just(b"1\r\n"), min_size=1, max_size=4))
@hypothesis_settings(max_examples=60, deadline=None)
def test_whatever_comes_only_typed_errors_leave(answers: list[bytes]) -> None:
    bench = Bench()
    laser = bench.connect()
    bench.device.spoil = {b"pa?": list(answers), b"l1": list(answers), b"f?": list(answers)}
    with suppress(LabcoolError):
        assert abs(laser.power) < 100.0
    with suppress(LabcoolError):
        laser.start_emission()
        assert bench.device.on
    bench.device.spoil.clear()
    laser.make_safe()
    assert bench.device.on is False
    assert laser.power == 0.0498


@pytest.mark.parametrize(
    ("attribute", "question", "watts"),
    [("power_setpoint", b"p?", b"-0.0010"), ("power", b"pa?", b"-1.0000")],
)
def test_a_power_that_no_laser_has_is_garbled(
    bench: Bench, attribute: str, question: bytes, watts: bytes
) -> None:
    laser = bench.connect()
    bench.device.values[question] = watts
    with pytest.raises(GarbledAnswer):
        getattr(laser, attribute)
    bench.device.values[b"pa?"] = b"-0.0001"
    assert laser.power == -0.0001

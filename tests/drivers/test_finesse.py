from __future__ import annotations

import logging
from typing import Any

import pytest

from drivers.finesse import Finesse
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    ShutterNotClosed,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter


class Supply(LineDevice):
    """An fpu60 that answers every command; ``spoil`` replaces answers, once each."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.answers = {
            b"STATUS?": b"DISABLED",
            b"INTERLOCK?": b"ENABLED",
            b"SERIAL?": b"1234",
            b"SOFTVER?": b"1.2.3",
            b"POWER?": b" 00.500W",
            b"SETPOWER?": b" 00.000W",
            b"CURRENT?": b"045.2%",
            b"HTEMP?": b" 25.100C",
            b"PSUTEMP?": b" 31.000C",
            b"TIMERS?": b"PSU 5000 min\r\nLaser 4000 min\r\nAbove 1A 3000 min\r\n",
        }
        self.open = False
        self.stuck = False
        self.set_power = True
        self.open_text = b"SHUTTER OPEN"
        self.closed_text = b"SHUTTER CLOSED"
        self.move_time = 0.0
        self.answer_delay = 0.0
        self.moved_at = -1.0
        self.spoil: dict[bytes, list[bytes | None]] = {}

    @property
    def shutter_is_open(self) -> bool:
        arrived = self.clock.now() - self.moved_at >= self.move_time
        return self.open == arrived

    def _handle(self, line: bytes) -> None:
        self.heard.append(line + b"\r")
        answer: bytes | None = self.obey(line) + b"\r\n"
        if self.spoil.get(line):
            answer = self.spoil[line].pop(0)
        if answer is not None:
            self._send(answer, after=self.answer_delay)

    def obey(self, line: bytes) -> bytes:
        if line in (b"SHUTTER OPEN", b"SHUTTER CLOSE"):
            wanted = line.endswith(b"OPEN")
            if not self.stuck and wanted != self.open:
                self.open = wanted
                self.moved_at = self.clock.now()
            return b""
        if line == b"SHUTTER?":
            return self.open_text if self.shutter_is_open else self.closed_text
        if line.startswith(b"POWER="):
            if self.set_power:
                self.answers[b"SETPOWER?"] = b" %06.3fW" % float(line[6:])
            return b""
        if line.startswith(b"LASER="):
            return b""
        return self.answers[line]


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Supply(self.clock)
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

    def connect(self, **keywords: Any) -> Finesse:
        laser = Finesse(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return laser


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_connecting_asks_and_changes_nothing(bench: Bench) -> None:
    laser = Finesse(bench, clock=bench.clock)
    assert bench.device.heard == [b"STATUS?\r", b"SERIAL?\r", b"SOFTVER?\r"]
    assert laser.identity.endswith("serial number 1234, software 1.2.3")
    assert bench.settings["asrl"] == {"baud_rate": 19200}
    assert bench.settings["write_termination"] == "\r"
    assert bench.settings["read_termination"] == "\r\n"


def test_the_worked_bytes_of_status_and_power(bench: Bench) -> None:
    laser = bench.connect()
    assert laser.emission is False
    assert bench.device.heard == [bytes.fromhex("5354415455533f0d")]
    assert laser.power == 0.5
    assert laser.current == 45.2
    bench.device.heard.clear()
    laser.power_setpoint = 0.5
    assert bench.device.heard == [bytes.fromhex("504f5745523d302e3530300d"), b"SETPOWER?\r"]
    assert laser.power_setpoint == 0.5


@pytest.mark.parametrize("watts", [-0.001, 1.0001, float("nan"), float("inf"), -1e9])
def test_a_set_point_outside_the_limits_sends_nothing(bench: Bench, watts: float) -> None:
    laser = bench.connect(max_power=1.0)
    with pytest.raises(LimitError, match=r"power_setpoint \(W\).*from 0 to 1.*max_power"):
        laser.power_setpoint = watts
    assert bench.device.heard == []


@pytest.mark.parametrize("watts", [0.0, -0.0, 1.0, 0.1234, 0.0004])
def test_set_points_are_sent_to_the_milliwatt(bench: Bench, watts: float) -> None:
    laser = bench.connect(max_power=1.0)
    laser.power_setpoint = watts
    assert bench.device.heard[0] == b"POWER=%.3f\r" % abs(watts)
    assert laser.power_setpoint == pytest.approx(watts, abs=0.0005)


def test_a_set_point_that_is_not_taken_is_an_error(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.set_power = False
    with pytest.raises(InstrumentRefused, match=r"is 0\.000 W although 0\.300 W was set"):
        laser.power_setpoint = 0.3


def test_a_setter_answered_by_text_was_refused(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"POWER=0.300"] = [b"ERROR 67\r\n"]
    with pytest.raises(InstrumentRefused, match="ERROR 67"):
        laser.power_setpoint = 0.3


@pytest.mark.parametrize(
    "spoilt",
    [b" -0.500W\r\n", b" 00500W\r\n", b" 00.500\r\n", b"\r\n", b" 00.5x0W\r\n", b" nan\r\n", None],
)
def test_a_broken_power_is_asked_for_once_more_then_an_error(
    bench: Bench, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    laser = bench.connect()
    bench.device.spoil[b"POWER?"] = [spoilt]
    with caplog.at_level(logging.WARNING):
        assert laser.power == 0.5
    assert len(caplog.messages) == 1
    bench.device.spoil[b"POWER?"] = [spoilt, spoilt]
    with pytest.raises(InstrumentTimeout if spoilt is None else GarbledAnswer, match=r"^Finesse:"):
        _ = laser.power


@pytest.mark.parametrize("question", ["STATUS?", "INTERLOCK?", "SHUTTER?", "HTEMP?", "CURRENT?"])
def test_no_unexpected_text_gets_past_the_properties(bench: Bench, question: str) -> None:
    laser = bench.connect()
    bench.device.spoil[question.encode()] = [b"WHAT?\r\n"] * 2
    with pytest.raises(GarbledAnswer, match="WHAT"):
        laser.settings()


def test_bytes_that_are_no_text_are_garbled(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"STATUS?"] = [b"\xffNABLED\r\n"] * 2
    with pytest.raises(GarbledAnswer):
        _ = laser.emission


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"SHUTTER OPEN", True),
        (b"OPEN", True),
        (b"SHUTTER OPENED", True),
        (b"SHUTTER CLOSED", False),
        (b"CLOSE", False),
        (b"CLOSED", False),
    ],
)
def test_all_known_texts_of_the_shutter_are_read(bench: Bench, text: bytes, expected: bool) -> None:
    laser = bench.connect()
    bench.device.open_text = bench.device.closed_text = text
    assert laser.shutter_open is expected


@pytest.mark.parametrize("text", [b"SHUTTER", b"OPEN CLOSED", b"CLOSED OPEN", b""])
def test_a_shutter_text_that_says_neither_or_both_is_garbled(bench: Bench, text: bytes) -> None:
    laser = bench.connect()
    bench.device.open_text = bench.device.closed_text = text
    with pytest.raises(GarbledAnswer):
        _ = laser.shutter_open


def test_opening_and_closing_are_confirmed_by_reading(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.move_time = 0.3
    laser.open_output()
    assert bench.device.shutter_is_open
    assert bench.device.heard[0] == b"SHUTTER OPEN\r"
    assert bench.clock.now() >= 0.3
    bench.device.heard.clear()
    laser.make_safe()
    assert not bench.device.shutter_is_open
    assert bench.device.heard[0] == b"SHUTTER CLOSE\r"
    assert set(bench.device.heard[1:]) == {b"SHUTTER?\r"}


def test_a_shutter_that_does_not_open_is_refused_and_told_to_close(bench: Bench) -> None:
    laser = bench.connect(confirm_timeout=0.5)
    bench.device.stuck = True
    with pytest.raises(InstrumentRefused, match="not reported open"):
        laser.open_output()
    assert b"SHUTTER CLOSE\r" in bench.device.heard


def test_a_stuck_open_shutter_is_reported_after_one_more_attempt(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.device.open = True
    bench.device.stuck = True
    laser = bench.connect(confirm_timeout=0.5)
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(ShutterNotClosed, match="Block the beam by hand"),
    ):
        laser.make_safe()
    assert bench.device.heard.count(b"SHUTTER CLOSE\r") == 2
    assert len(caplog.messages) == 1


def test_a_lost_answer_does_not_keep_the_shutter_open(bench: Bench) -> None:
    bench.device.open = True
    laser = bench.connect()
    bench.device.spoil[b"SHUTTER CLOSE"] = [None]
    laser.make_safe()
    assert not bench.device.shutter_is_open


def test_an_answer_that_comes_after_its_time_out_is_discarded(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.answer_delay = 1.05
    with pytest.raises(InstrumentTimeout):
        _ = laser.power
    bench.device.answer_delay = 0.0
    bench.clock.sleep(1.0)
    bench.device.answers[b"POWER?"] = b" 00.750W"
    assert laser.power == 0.75
    laser.open_output()
    assert laser.shutter_open is True


def test_operation_times_and_switching_emission_off(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.answers[b"TIMERS?"] = b"PSU 5000\r\nLaser 4000\r\nEnabled 3000\r\n"
    assert laser.get_operation_times() == {"psu": 5000, "laser": 4000, "laser_above_1A": 3000}
    bench.device.heard.clear()
    laser.disable_emission()
    assert bench.device.heard == [b"LASER=OFF\r", b"LASER=ON\r"]
    bench.device.answers[b"TIMERS?"] = b"PSU\r\nLaser 4000\r\nEnabled 3000\r\n"
    with pytest.raises(GarbledAnswer, match="TIMERS"):
        laser.get_operation_times()


def test_settings_are_what_the_supply_reports(bench: Bench) -> None:
    assert bench.connect(wavelength=532.2).settings() == {
        "power_W": 0.5,
        "power_setpoint_W": 0.0,
        "wavelength_nm": 532.2,
        "emission": False,
        "shutter_open": False,
        "interlock_enabled": True,
        "diode_current_percent": 45.2,
        "head_temperature_C": 25.1,
        "supply_temperature_C": 31.0,
    }


def test_something_else_on_the_port_is_refused_and_the_port_released(bench: Bench) -> None:
    bench.device.answers[b"STATUS?"] = b"C8001002"
    with pytest.raises(WrongInstrument, match="C8001002"):
        Finesse(bench, clock=bench.clock)
    assert bench.closed_ports == 1


def test_a_dead_port_is_released(bench: Bench) -> None:
    bench.device.silent = True
    with pytest.raises(InstrumentTimeout):
        Finesse(bench, clock=bench.clock)
    assert bench.closed_ports == 1


@pytest.mark.parametrize("keyword", ["wavelength", "max_power", "confirm_timeout"])
@pytest.mark.parametrize("value", [-1.0, 1e6, float("nan")])
def test_keywords_out_of_range_are_refused_before_connecting(
    bench: Bench, keyword: str, value: float
) -> None:
    with pytest.raises(LimitError, match=keyword):
        Finesse(bench, clock=bench.clock, **{keyword: value})
    assert bench.device.heard == []


def test_shutdown_closes_shutter_and_port_once_whatever_happens(bench: Bench) -> None:
    bench.device.open = True
    laser = bench.connect()
    bench.device.silent = True
    with pytest.raises(ShutterNotClosed):
        laser.shutdown()
    assert bench.closed_ports == 1
    laser.shutdown()
    assert bench.closed_ports == 1


@pytest.mark.parametrize("number", [b"9" * 400, b"123.456", b"-0.100"])
def test_a_power_that_no_finesse_has_is_garbled(bench: Bench, number: bytes) -> None:
    laser = bench.connect()
    power = number if b"." in number else number + b".0"
    bench.device.answers[b"POWER?"] = power + b"W"
    with pytest.raises(GarbledAnswer):
        _ = laser.power


def test_text_without_an_end_is_given_up_after_256_bytes(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"POWER?"] = [b"7" * 5000] * 2
    with pytest.raises(GarbledAnswer, match="no end of the answer") as caught:
        _ = laser.power
    assert len(str(caught.value)) < 400


def test_a_line_that_lost_its_carriage_return_is_no_answer(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"POWER?"] = [b"00.500W\n"] * 2
    with pytest.raises(InstrumentTimeout):
        _ = laser.power


def test_control_characters_are_no_text(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.spoil[b"SHUTTER?"] = [b"\x00SHUTTER CLOSED\r\n"] * 2
    with pytest.raises(GarbledAnswer):
        _ = laser.shutter_open


def test_a_comma_does_not_cut_the_serial_number(bench: Bench) -> None:
    laser = bench.connect()
    bench.device.answers[b"SERIAL?"] = b"F1,5-0001"
    assert laser.serial_number == "F1,5-0001"

"""The T95 driver against the manual's bytes, spoken by a device scripted here."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from scripted_linkam import HOLDING_MINUS_100_C_PUMP_5, STOPPED_25_C, ScriptedT95, connect

from drivers.linkam import LinkamT95
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.units import kelvin
from simulators.memory import MemoryLink


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> ScriptedT95:
    return ScriptedT95(clock)


@pytest.fixture
def stage(device: ScriptedT95, clock: VirtualClock) -> LinkamT95:
    return connect(device, clock)


def warnings_in(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)


# Connecting


def test_first_command_is_t_and_nothing_else_is_sent(
    device: ScriptedT95, clock: VirtualClock
) -> None:
    stage = LinkamT95(MemoryLink(device, clock), "stage", clock=clock)
    assert device.commands == ["T"]
    assert stage.identity == "Linkam T95 protocol, status 0x00 on connecting"


def test_silence_is_a_timeout_and_releases_the_port(
    device: ScriptedT95, clock: VirtualClock
) -> None:
    device.silent = True
    with pytest.raises(InstrumentTimeout, match="stage"):
        LinkamT95(MemoryLink(device, clock), "stage", clock=clock, timeout=0.5)
    assert 1.5 <= clock.now() < 2.5


def test_something_else_on_the_port(device: ScriptedT95, clock: VirtualClock) -> None:
    device.instead.extend([(b"SC10 VER 1.0", 0.0)] * 3)
    with pytest.raises(WrongInstrument, match="T95"):
        LinkamT95(MemoryLink(device, clock), "stage", clock=clock)


def test_missing_port() -> None:
    with pytest.raises(InstrumentDisconnected, match="stage"):
        LinkamT95("ASRL/dev/no-such-port::INSTR", "stage", visa_library="@py")


def test_stage_fault_on_connecting_does_not_keep_the_driver_from_opening(
    device: ScriptedT95, clock: VirtualClock
) -> None:
    device.errors = 0x82
    stage = connect(device, clock)
    assert stage.status.faults == ("no stage is connected, or its sensor is open",)
    assert device.commands == ["T"]


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({}, (kelvin(-196), kelvin(600))),
        ({"stage": "TS1500"}, (kelvin(20), kelvin(1500))),
        ({"temperature_range": [80.0, 373.0]}, (80.0, 373.0)),
        ({"stage": "other", "temperature_range": (250.0, 400.0)}, (250.0, 400.0)),
    ],
)
def test_temperature_range(
    device: ScriptedT95, clock: VirtualClock, keywords: dict[str, Any], expected: tuple[float, ...]
) -> None:
    assert connect(device, clock, **keywords).temperature_range == pytest.approx(expected)


@pytest.mark.parametrize(
    "keywords",
    [
        {"stage": "THMS601"},
        {"stage": "other"},
        {"temperature_range": [80.0, 900.0]},
        {"temperature_range": [373.0, 80.0]},
        {"temperature_range": [373.0]},
        {"ramp_rate": 151.0},
        {"stage": "other", "temperature_range": (250.0, 400.0), "ramp_rate": 31.0},
        {"fastest_rate": 0.0},
        {"command_interval": float("nan")},
        {"on_shutdown": "ramp"},
    ],
)
def test_bad_keywords_are_refused_before_anything_is_sent(
    device: ScriptedT95, clock: VirtualClock, keywords: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError):
        LinkamT95(MemoryLink(device, clock), "stage", clock=clock, **keywords)
    assert device.commands == []


# Ramps


def test_ramp_to_minus_100_degrees(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.ramp_rate = 20.0
    assert device.commands == []
    stage.go_to(173.15)
    assert device.commands == ["R12000", "L1-1000", "S", "T"]


def test_ramp_to_1500_degrees(device: ScriptedT95, clock: VirtualClock) -> None:
    stage = connect(device, clock, stage="TS1500", ramp_rate=200.0)
    stage.go_to(kelvin(1500.0))
    assert device.commands[:3] == ["R120000", "L115000", "S"]
    device.digits = b"3a98"
    assert stage.temperature == pytest.approx(1773.15)


def test_commands_keep_their_interval(device: ScriptedT95, clock: VirtualClock) -> None:
    stage = connect(device, clock, command_interval=0.3)
    stage.go_to(300.0)
    gaps = [b - a for a, b in zip(device.moments, device.moments[1:], strict=False)]
    assert len(gaps) == 4
    assert min(gaps) >= 0.3 - 1e-9
    assert max(gaps) < 0.5


@pytest.mark.parametrize("temperature", [77.0, 873.2, float("nan"), float("inf"), -1.0])
def test_set_points_outside_the_stage(
    stage: LinkamT95, device: ScriptedT95, temperature: float
) -> None:
    with pytest.raises(LimitError, match="THMS600"):
        stage.go_to(temperature)
    assert device.commands == []


@pytest.mark.parametrize("rate", [0.0, 0.009, -5.0, 150.01, float("nan")])
def test_rates_outside_the_stage(stage: LinkamT95, rate: float) -> None:
    with pytest.raises(LimitError):
        stage.ramp_rate = rate
    assert stage.ramp_rate == 10.0


def test_ramp_that_does_not_start(stage: LinkamT95, device: ScriptedT95) -> None:
    device.obeys = False
    with pytest.raises(InstrumentRefused, match="did not start"):
        stage.go_to(300.0)


def test_holding_needs_the_state_and_the_temperature(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.go_to(kelvin(-100.0))
    assert not stage.is_holding
    device.state = 0x31
    assert not stage.is_holding, "at 25 °C a hold at -100 °C cannot be"
    device.digits = b"FC1A"
    assert stage.is_holding
    device.state = 0x50
    assert not stage.is_holding, "somebody pressed hold on the panel"


def test_hold_asked_for(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.go_to(400.0)
    stage.hold()
    assert device.commands[-2:] == ["O", "T"]
    assert stage.is_holding


def test_hold_that_is_not_taken_is_an_error(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.go_to(400.0)
    device.obeys = False
    with pytest.raises(InstrumentRefused, match="told to hold, but is heating"):
        stage.hold()


def test_settings_say_what_is_only_remembered(stage: LinkamT95) -> None:
    stage.ramp_rate = 12.5
    stage.go_to(300.15)
    settings = stage.settings()
    assert settings["state"] == "heating"
    assert settings["ramp_rate_remembered_K_per_min"] == 12.5
    assert settings["limit_remembered_K"] == pytest.approx(300.15)
    assert settings["temperature_K"] == pytest.approx(298.15)


def test_settings_with_an_open_sensor_hold_no_number_that_is_none(
    stage: LinkamT95, device: ScriptedT95
) -> None:
    assert stage.settings()["sensor_open"] is False
    device.errors, device.digits = 0x82, b"7FFF"
    settings = stage.settings()
    assert settings["sensor_open"] is True
    assert "temperature_K" not in settings
    assert json.loads(json.dumps(settings, allow_nan=False)) == settings


# The pump


@pytest.mark.parametrize(
    ("speed", "command"), [(0, "P0"), (9, "P9"), (10, "P:"), (20, "PD"), (30, "PN")]
)
def test_pump_speeds(stage: LinkamT95, device: ScriptedT95, speed: int, command: str) -> None:
    stage.pump(speed)
    assert device.commands == ["Pm0", command]


def test_pump_automatic(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.pump("automatic")
    assert device.commands == ["Pa0"]


@pytest.mark.parametrize("speed", [-1, 31, 2.5, True, "fast"])
def test_pump_speeds_that_do_not_exist(stage: LinkamT95, device: ScriptedT95, speed: Any) -> None:
    with pytest.raises(LimitError):
        stage.pump(speed)
    assert device.commands == []


# Broken answers


def test_temperature_that_is_not_hexadecimal_is_asked_again(
    stage: LinkamT95, device: ScriptedT95, caplog: pytest.LogCaptureFixture
) -> None:
    device.instead.append((STOPPED_25_C[:6] + b"0?FA\r", 0.0))
    assert stage.temperature == pytest.approx(298.15)
    assert device.commands == ["T", "T"]
    assert warnings_in(caplog) == 1


@pytest.mark.parametrize("digits", [b"7FFF", b"8000"])
def test_temperature_that_cannot_be_is_asked_again(
    stage: LinkamT95, device: ScriptedT95, caplog: pytest.LogCaptureFixture, digits: bytes
) -> None:
    device.instead.append((STOPPED_25_C[:6] + digits + b"\r", 0.0))
    assert stage.temperature == pytest.approx(298.15)
    assert device.commands == ["T", "T"]
    assert warnings_in(caplog) == 1


def test_three_garbled_temperatures_are_an_error(stage: LinkamT95, device: ScriptedT95) -> None:
    device.instead.extend([(STOPPED_25_C[:6] + b"0?FA\r", 0.0)] * 3)
    with pytest.raises(GarbledAnswer, match="stage"):
        _ = stage.temperature
    assert device.commands == ["T", "T", "T"]


def test_receipt_left_unread_by_somebody_shifts_nothing(
    stage: LinkamT95, device: ScriptedT95, caplog: pytest.LogCaptureFixture
) -> None:
    device._send(b"\r")
    assert stage.temperature == pytest.approx(298.15)
    assert device.commands == ["T"]
    assert warnings_in(caplog) == 1


def test_receipt_that_comes_with_the_status(
    stage: LinkamT95, device: ScriptedT95, caplog: pytest.LogCaptureFixture
) -> None:
    device.instead.append((b"\r" + STOPPED_25_C, 0.0))
    assert stage.temperature == pytest.approx(298.15)
    assert device.commands == ["T", "T"]
    assert warnings_in(caplog) == 1


def test_late_status_is_not_taken_for_the_next(stage: LinkamT95, device: ScriptedT95) -> None:
    device.instead.append((HOLDING_MINUS_100_C_PUMP_5, 1.05))
    assert stage.temperature == pytest.approx(298.15)
    assert stage.temperature == pytest.approx(298.15)


def test_missing_receipt_is_asked_for_again(stage: LinkamT95, device: ScriptedT95) -> None:
    device.instead.append((b"", 0.0))
    stage.hold()
    assert device.commands == ["O", "O", "T"]


def test_wrong_receipts_are_an_error(stage: LinkamT95, device: ScriptedT95) -> None:
    device.instead.extend([(b"?", 0.0)] * 3)
    with pytest.raises(GarbledAnswer, match="receipt"):
        stage.hold()


def test_silence_in_a_run(stage: LinkamT95, device: ScriptedT95) -> None:
    device.silent = True
    with pytest.raises(InstrumentTimeout, match="stage"):
        _ = stage.temperature


# Faults


def test_cooling_too_fast_is_logged_once_and_stops_nothing(
    stage: LinkamT95, device: ScriptedT95, caplog: pytest.LogCaptureFixture
) -> None:
    device.errors = 0x81
    assert stage.temperature == pytest.approx(298.15)
    assert stage.temperature == pytest.approx(298.15)
    assert device.commands == ["T", "T"]
    assert warnings_in(caplog) == 1


@pytest.mark.parametrize(
    ("bit", "words"),
    [
        (1, "sensor is open"),
        (2, "current protection"),
        (3, "no exit"),
        (4, "undocumented"),
        (5, "serial line"),
        (6, "undocumented"),
    ],
)
def test_every_other_error_bit_stops_the_ramp(
    stage: LinkamT95, device: ScriptedT95, bit: int, words: str
) -> None:
    stage.go_to(300.0)
    device.errors = 0x80 | 1 << bit
    with pytest.raises(InstrumentRefused, match=words):
        _ = stage.temperature
    assert device.commands[-1] == "E"
    assert device.state == 0x01


def test_open_sensor_with_a_senseless_temperature_is_a_fault_not_garbage(
    stage: LinkamT95, device: ScriptedT95
) -> None:
    device.errors, device.digits = 0x82, b"----"
    with pytest.raises(InstrumentRefused, match="sensor is open"):
        _ = stage.is_holding
    assert device.commands == ["T", "E"]


def test_fault_whose_stop_is_not_acknowledged(stage: LinkamT95, device: ScriptedT95) -> None:
    device.errors = 0x84
    device.instead.extend([(device.status(), 0.0)] + [(b"", 0.0)] * 3)
    with pytest.raises(InstrumentRefused, match="STOP COMMAND FAILED"):
        _ = stage.temperature


# Making safe


def test_shutdown_without_having_moved_anything_sends_nothing(
    stage: LinkamT95, device: ScriptedT95
) -> None:
    _ = stage.temperature
    device.commands.clear()
    stage.shutdown()
    assert device.commands == []


def test_shutdown_after_a_ramp_stops_once(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.go_to(400.0)
    device.commands.clear()
    stage.shutdown()
    stage.shutdown()
    assert device.commands == ["E", "T"]
    assert device.state == 0x01


def test_a_fresh_connection_can_stop_what_another_started(
    stage: LinkamT95, device: ScriptedT95
) -> None:
    device.state = 0x10
    stage.make_safe()
    assert device.commands == ["E", "T"]


def test_make_safe_gives_a_manual_pump_back(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.pump(30)
    device.commands.clear()
    stage.make_safe()
    assert device.commands == ["E", "T", "Pa0"]


def test_stop_that_the_controller_ignores(
    stage: LinkamT95, device: ScriptedT95, clock: VirtualClock
) -> None:
    stage.go_to(400.0)
    device.obeys = False
    before = clock.now()
    with pytest.raises(InstrumentRefused, match="regulates on"):
        stage.make_safe()
    assert clock.now() - before == pytest.approx(2.0, abs=0.5)


@pytest.mark.parametrize(
    ("state", "commands"),
    [(0x11, ["T", "O", "T"]), (0x21, ["T", "O", "T"]), (0x30, ["T"]), (0x01, ["T"])],
)
def test_shutdown_that_holds_ends_ramps_only(
    device: ScriptedT95, clock: VirtualClock, state: int, commands: list[str]
) -> None:
    stage = connect(device, clock, on_shutdown="hold")
    stage.go_to(400.0)
    device.commands.clear()
    device.state = state
    stage.shutdown()
    assert device.commands == commands

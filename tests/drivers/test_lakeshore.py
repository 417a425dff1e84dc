"""Connecting to a Lake Shore controller and reading it, on a device scripted here."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_lakeshore import DRIVERS, IDENTITIES, Rig

from drivers.lakeshore import (
    LakeShore335,
)
from labcool.bench.roles import TemperatureController, missing_members
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    WrongInstrument,
)
from simulators.memory import MemoryAdapter, MemoryLink


@pytest.fixture(params=["331", "335", "336"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


@pytest.fixture
def rig335() -> Rig:
    return Rig("335")


def test_connecting_only_asks(rig: Rig) -> None:
    cryostat = rig.driver(MemoryLink(rig.device, rig.clock), clock=rig.clock)
    assert rig.device.messages == ["*IDN?", "*ESR?;*ESR?"]
    assert cryostat.identity == IDENTITIES[rig.device.model]
    assert missing_members(rig.driver, TemperatureController) == []


def test_serial_settings_are_those_of_the_manual() -> None:
    seen: list[dict[str, Any]] = []

    class Spy:
        def __init__(self, rig: Rig) -> None:
            self.rig = rig

        def open(self, **settings: Any) -> MemoryAdapter:
            seen.append(settings)
            return MemoryLink(self.rig.device, self.rig.clock).open(**settings)

    for model in DRIVERS:
        rig = Rig(model)
        rig.driver(Spy(rig), clock=rig.clock)
    assert [s["asrl"]["baud_rate"] for s in seen] == [9600, 57600, 57600]
    assert all(s["asrl"]["data_bits"] == 7 for s in seen)
    assert {s["asrl"]["parity"].name for s in seen} == {"odd"}
    assert {s["asrl"]["stop_bits"].name for s in seen} == {"one"}


@pytest.mark.parametrize("emulated", ["LSCI,MODEL331S,123456,020399", "LSCI,MODEL332S,1234,1.0"])
def test_a_335_in_emulation_is_refused_with_advice_and_not_switched_over(
    rig335: Rig, emulated: str
) -> None:
    rig335.device.identity = emulated
    with pytest.raises(WrongInstrument, match="EMUL 0,0 once by hand"):
        rig335.connect()
    assert rig335.device.messages == ["*IDN?"]


@pytest.mark.parametrize("other", ["LSCI,MODEL340,123456,020399", "LSCI,odd"])
def test_another_model_is_refused(rig: Rig, other: str) -> None:
    rig.device.identity = other
    with pytest.raises(WrongInstrument, match="cryostat"):
        rig.connect()


def test_something_else_and_silence_on_the_port(rig: Rig) -> None:
    rig.device.identity = "THORLABS SC10"
    with pytest.raises(GarbledAnswer):
        rig.connect()
    rig.device.silent = True
    before = rig.clock.now()
    with pytest.raises(InstrumentTimeout):
        rig.connect(timeout=0.5)
    assert rig.clock.now() - before < 2.0


def test_missing_port() -> None:
    with pytest.raises(InstrumentDisconnected, match="cryostat"):
        LakeShore335("ASRL/dev/no-such-port::INSTR", "cryostat", visa_library="@py")


@pytest.mark.parametrize(
    "keywords",
    [
        {"input": "C"},
        {"output": 3},
        {"output": True},
        {"heater_range": "off"},
        {"heater_range": "on"},
        {"setpoint_range": [300.0, 4.0]},
        {"setpoint_range": [4.0]},
        {"setpoint_range": [-1.0, 300.0]},
        {"setpoint_range": [4.0, float("nan")]},
        {"ramp_rate": 0.0},
        {"ramp_rate": 100.1},
        {"settled_within": 0.0},
        {"on_shutdown": "ramp"},
        {"timeout": 0.0},
        {"message_interval": -1.0},
    ],
)
def test_bad_keywords_are_refused_before_anything_is_sent(
    rig335: Rig, keywords: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="cryostat"):
        rig335.connect(**keywords)
    assert rig335.device.messages == []


def test_worked_bytes_of_a_reading() -> None:
    rig = Rig("336")
    cryostat = rig.connect()
    sent: list[bytes] = []
    receive = rig.device.receive
    rig.device.receive = lambda data: (sent.append(data), receive(data))[1]  # type: ignore[assignment]
    assert cryostat.temperature == pytest.approx(295.123, abs=1e-9)
    assert sent == [b"KRDG? A;RDGST? A;*ESR?\n"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("001", "invalid reading"),
        ("016", "below the range"),
        ("032", "above the range"),
        ("064", "sensor units zero"),
        ("128", "open sensor"),
        ("129", "invalid reading.*open sensor"),
        ("002", "old reading"),
        ("008", "unknown bit 8"),
    ],
)
def test_every_reading_is_checked(rig: Rig, status: str, words: str) -> None:
    cryostat = rig.connect()
    rig.device.status, rig.device.kelvin = status, "+000.000"
    with pytest.raises(InstrumentRefused, match=words):
        _ = cryostat.temperature
    with pytest.raises(InstrumentRefused, match=words):
        _ = cryostat.is_holding
    assert not any("RANGE " in message for message in rig.device.messages), "nothing was started"


def test_a_failing_sensor_switches_off_what_this_object_has_switched_on(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat.go_to(300.0)
    assert rig.device.on == {1}
    rig.device.status = "128"
    with pytest.raises(InstrumentRefused, match=r"open sensor.*All heaters were switched off"):
        _ = cryostat.temperature
    assert rig.device.on == set()


@pytest.mark.parametrize("kelvin", ["-001.000", "+2999.0"])
def test_a_valid_reading_must_be_a_temperature(rig: Rig, kelvin: str) -> None:
    cryostat = rig.connect()
    rig.device.kelvin = kelvin
    with pytest.raises(GarbledAnswer):
        _ = cryostat.temperature

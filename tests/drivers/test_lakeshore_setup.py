"""Setting up a Lake Shore controller, in the manuals' words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scripted_lakeshore import Rig

from drivers.lakeshore import (
    Alarm,
    Filter,
    HeaterSetup,
    InputType,
    InputType331,
    Loop331,
    OutputMode,
    Pid,
    Tuning,
    WarmUp,
    Zone,
)
from labcool.errors import (
    ConfigurationError,
    InstrumentRefused,
    LimitError,
)


@pytest.fixture(params=["331", "335", "336"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


@pytest.fixture
def rig335() -> Rig:
    return Rig("335")


def test_setting_up_a_335(rig335: Rig) -> None:
    cryostat = rig335.connect()
    assert cryostat.output_mode == OutputMode("closed loop", "A")
    cryostat.output_mode = OutputMode("zone", "B", powerup=True)
    assert cryostat.output_mode == OutputMode("zone", "B", powerup=True)
    cryostat.input_type = InputType("NTC RTD", True, 3, True)
    assert cryostat.input_type == InputType("NTC RTD", True, 0, True, "K")
    cryostat.temperature_limit = 330.0
    assert cryostat.temperature_limit == 330.0
    cryostat.manual_output = 22.45
    assert cryostat.manual_output == 22.45
    cryostat.curve = 21
    assert cryostat.curve == 21
    cryostat.input_name = "Sample"
    assert cryostat.input_name == "Sample"
    cryostat.averaging = Filter(True, 10, 2)
    assert cryostat.averaging == Filter(True, 10, 2)
    assert cryostat.alarm is None
    cryostat.alarm = Alarm(300.0, 4.0, 1.0, latched=True, audible=False)
    assert cryostat.alarm == Alarm(300.0, 4.0, 1.0, latched=True, audible=False)
    zone = Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium", "A", 2.5)
    cryostat.set_zone(1, zone)
    assert cryostat.zone(1) == zone
    cryostat.remote_mode = "remote"
    assert cryostat.remote_mode == "remote"
    assert cryostat.operation_status == "sensor overload; new reading"
    assert cryostat.operation_events == "alarm"
    assert cryostat.tuning == Tuning(True, False, 2)
    assert cryostat.heater_output == 12.5
    assert cryostat.sensor_value == 0.5189
    assert cryostat.reading_status == ""
    cryostat.reset_alarms()
    sent = [m.removesuffix(";*ESR?") for m in rig335.device.messages if "? " not in m]
    assert [m for m in sent if "?" not in m] == [
        "OUTMODE 1,2,2,1",
        "INTYPE A,3,1,0,1,1",
        "TLIMIT A,330.0",
        "MOUT 1,22.45",
        "INCRV A,21",
        'INNAME A,"Sample"',
        "FILTER A,1,10,2",
        "ALARM A,1,300.0,4.0,1.0,1,0,1",
        "ZONE 1,1,25.0,10.0,20.0,0.0,0.0,2,1,2.5",
        "MODE 1",
        "ALMRST",
    ]


def test_setting_up_a_331_in_its_own_words() -> None:
    rig = Rig("331")
    cryostat = rig.connect()
    cryostat.loop_mode = "autotune PID"
    assert cryostat.loop_mode == "autotune PID"
    cryostat.loop = Loop331("B", "K", powerup=False, power_display=True)
    assert cryostat.loop == Loop331("B", "K", powerup=False, power_display=True)
    cryostat.input_type = InputType331("1000 Ohm platinum", True)
    assert cryostat.input_type == InputType331("1000 Ohm platinum", True)
    cryostat.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium"))
    assert cryostat.zone(1) == Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium")
    cryostat.alarm = Alarm(270.0, 0.0, 0.0, latched=True)
    assert cryostat.alarm == Alarm(270.0, 0.0, 0.0, latched=True)
    cryostat.heater_range = "high"
    assert cryostat.heater_range == "high"
    assert cryostat.heater_output == 12.5
    assert cryostat.tuning == Tuning(True)
    sent = [m.removesuffix(";*ESR?") for m in rig.device.messages]
    assert [m for m in sent if "?" not in m] == [
        "CMODE 1,4",
        "CSET 1,B,1,0,2",
        "INTYPE A,4,1",
        "ZONE 1,1,25.0,10.0,20.0,0.0,0.0,2",
        "ALARM A,1,1,270.0,0.0,0.0,1",
        "RANGE 3",
    ]
    assert {"RANGE?", "HTR?"} <= set(sent)


def test_a_voltage_output_of_a_336_is_on_or_off() -> None:
    rig = Rig("336")
    with pytest.raises(LimitError, match="heater_range of output 3"):
        rig.connect(output=3, heater_range="high")
    rig.device.state["OUTMODE 3"] = "1,4,0"
    cryostat = rig.connect(input="D", output=3, heater_range="on")
    cryostat.go_to(280.0)
    assert "RANGE 3,1;*ESR?" in rig.device.messages
    assert cryostat.heater_range == "on"
    assert cryostat.is_holding is False
    assert not any("HTRST" in message for message in rig.device.messages)


def test_autotuning_that_does_not_begin(rig335: Rig) -> None:
    cryostat = rig335.connect()
    cryostat.autotune("PID")
    assert rig335.device.state["ATUNE"] == "1,2"
    work = rig335.device._work
    rig335.device._work = lambda part: "0,1,1,00" if part == "TUNEST?" else work(part)  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match="stage 0"):
        cryostat.autotune("PI")


@pytest.mark.parametrize("model", ["335", "336"])
def test_the_heater_on_an_output(model: str) -> None:
    rig = Rig(model)
    cryostat = rig.connect()
    assert cryostat.heater_setup == HeaterSetup(25, 1.0)
    cryostat.heater_setup = HeaterSetup(50, 0.85, shows_power=True)
    kind = "0," if model == "335" else ""
    assert rig.device.state["HTRSET 1"] == f"{kind}2,0,0.85,2"
    assert cryostat.heater_setup == HeaterSetup(50, 0.85, shows_power=True)
    rig.device.state["HTRSET 1"] = f"{kind}1,4,+0.500,1"
    assert cryostat.heater_setup.max_current == (1.732 if model == "335" else 2.0)
    with pytest.raises(ConfigurationError, match="output 1 is no voltage output"):
        cryostat.warm_up = WarmUp(False, 10.0)


def test_a_warm_up_supply_is_a_voltage_output() -> None:
    rig = Rig("336")
    cryostat = rig.connect(output=4, heater_range="on")
    cryostat.warm_up = WarmUp(False, 33.5)
    assert cryostat.warm_up == WarmUp(False, 33.5)
    with pytest.raises(ConfigurationError, match="output 4 has no heater"):
        _ = cryostat.heater_setup


NOT_TAKEN: list[tuple[str, str, str, object]] = [
    ("335", "TLIMIT", "temperature_limit", 330.0),
    ("335", "PID", "pid", Pid(60.0, 30.0, 10.0)),
    ("331", "PID", "pid", Pid(60.0, 30.0, 10.0)),
    ("335", "OUTMODE", "output_mode", OutputMode("zone", "B")),
    ("335", "INTYPE", "input_type", InputType("NTC RTD", True, 0, True)),
    ("335", "INTYPE", "input_type", InputType("diode", False, 2, False)),
    ("331", "INTYPE", "input_type", InputType331("1000 Ohm platinum", True)),
    ("331", "CMODE", "loop_mode", "zone"),
    ("331", "CSET", "loop", Loop331("B", "K")),
    ("335", "HTRSET", "heater_setup", HeaterSetup(50, 0.5)),
    ("336", "HTRSET", "heater_setup", HeaterSetup(25, 0.5)),
    ("336", "RANGE", "heater_range", "high"),
]


@pytest.mark.parametrize(("model", "verb", "attribute", "value"), NOT_TAKEN)
def test_a_setting_that_is_not_taken_is_an_error(
    model: str, verb: str, attribute: str, value: object
) -> None:
    rig = Rig(model)
    cryostat = rig.connect()
    rig.device.ignored = {verb}
    before = rig.clock.now()
    with pytest.raises(InstrumentRefused, match="does not take"):
        setattr(cryostat, attribute, value)
    assert rig.clock.now() - before < 3.0
    rig.device.ignored = set()
    setattr(cryostat, attribute, value)
    assert getattr(cryostat, attribute) == value


def test_a_limit_that_is_not_taken_says_what_that_means(rig335: Rig) -> None:
    cryostat = rig335.connect()
    rig335.device.ignored = {"TLIMIT"}
    with pytest.raises(InstrumentRefused, match=r"330 K\. NOTHING GUARDS THE SAMPLE"):
        cryostat.temperature_limit = 330.0


def test_a_setting_that_is_taken_late_is_taken(rig335: Rig) -> None:
    cryostat = rig335.connect()
    work, since = rig335.device._work, rig335.clock.now()

    def late(part: str) -> str | None:
        if part == "TLIMIT? A" and rig335.clock.now() < since + 0.5:
            return "+0000"
        return work(part)

    rig335.device._work = late  # type: ignore[method-assign]
    cryostat.temperature_limit = 330.0
    assert rig335.clock.now() >= since + 0.5


def refused(attribute: str, value: object) -> Callable[[Any], object]:
    return lambda cryostat: setattr(cryostat, attribute, value)


@pytest.mark.parametrize(
    "call",
    [
        refused("pid", Pid(0.0, 1.0, 1.0)),
        refused("pid", Pid(1.0, 1000.1, 1.0)),
        refused("pid", Pid(1.0, 1.0, float("nan"))),
        refused("manual_output", 100.1),
        refused("manual_output", -0.1),
        refused("temperature_limit", -1.0),
        refused("temperature_limit", float("inf")),
        refused("curve", 60),
        refused("curve", 1.5),
        refused("averaging", Filter(True, 65, 1)),
        refused("averaging", Filter(True, 2, 11)),
        refused("remote_mode", "lockout"),
        refused("heater_range", "on"),
        refused("output_mode", OutputMode("closed loop", "C")),
        refused("output_mode", OutputMode("closed", "A")),
        refused("input_type", InputType("diode", False, 9, False)),
        refused("input_type", InputType("diode", False, 0, False, "F")),
        refused("input_name", "sixteen letters!"),
        refused("input_name", 'a"b'),
        refused("input_name", "a;RANGE 1,3"),
        refused("alarm", Alarm(-1.0, 0.0)),
        lambda c: c.zone(0),
        lambda c: c.set_zone(11, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "low")),
        lambda c: c.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 101.0, "low")),
        lambda c: c.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "low", rate=0.0)),
        lambda c: c.autotune("D"),
        lambda c: c.wait_until_stable(0.0, 0.1, 1.0, 2.0, lambda: None),
    ],
)
def test_values_out_of_range_are_refused_before_anything_is_sent(
    rig335: Rig, call: Callable[[Any], object]
) -> None:
    cryostat = rig335.connect()
    cryostat._target = 280.0
    with pytest.raises(LimitError):
        call(cryostat)
    assert rig335.device.messages == []


def test_settings_are_scalars_and_say_what_is_missing(rig: Rig) -> None:
    cryostat = rig.connect()
    settings = cryostat.settings()
    assert settings["temperature_K"] == pytest.approx(295.123)
    assert settings["heater_range"] == "off"
    assert settings["heater_output_percent"] == 12.5
    assert settings["setpoint_unit"] == "K"
    assert (settings["ramp_on"], settings["ramp_rate_K_per_min"]) == (False, 5.0)
    assert settings["manual_output_percent"] == 0.0
    assert settings["sensor"] == ("silicon diode" if rig.device.model == "331" else "diode")
    assert settings["sensor_compensation"] is False
    filter_ = [settings[f"filter_{field}"] for field in ("on", "points", "window_percent")]
    assert filter_ == [False, 8, 5]
    if rig.device.model != "331":
        assert (settings["heater_resistance_Ohm"], settings["heater_max_current_A"]) == (25, 1.0)
    rig.device.state["RAMP 1"] = "1,+012.5"
    assert cryostat.settings()["ramp_on"] is True
    assert cryostat.settings()["ramp_rate_K_per_min"] == 12.5, "as somebody else has set it"
    rig.device.status = "128"
    faulty = cryostat.settings()
    assert faulty["temperature_K"] != faulty["temperature_K"]
    assert "open sensor" in faulty["reading_status"]
    assert all(isinstance(value, float | int | str | bool) for value in faulty.values())

"""The same requests as from the maker's own driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lakeshore
import pytest
from scripted_lakeshore import Rig

from drivers.lakeshore import (
    Alarm,
    Filter,
    HeaterSetup,
    InputType,
    OutputMode,
    Pid,
    WarmUp,
    Zone,
)


@pytest.fixture(params=["331", "335", "336"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


@pytest.fixture
def rig335() -> Rig:
    return Rig("335")


class Recorder:
    """What the maker's driver takes for a connection: it writes to the scripted device."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def clear(self) -> None:
        self.rig.device.transmit()

    def write(self, command: str) -> None:
        self.rig.device.receive(command.encode() + b"\n")

    def query(self, command: str) -> str:
        self.write(command)
        self.rig.clock.sleep(0.02)
        return self.rig.device.transmit().decode().strip()


def vendor(rig: Rig) -> Any:
    connection = Recorder(rig)
    if rig.device.model == "335":
        instrument = lakeshore.Model335(57600, connection=connection)
    else:
        instrument = lakeshore.Model336(connection=connection)
    rig.device.messages.clear()
    return instrument


@pytest.mark.parametrize("model", ["335", "336"])
def test_the_same_requests_go_out_as_from_the_makers_driver(model: str) -> None:
    theirs, ours = Rig(model), Rig(model)
    ours.device.esr = theirs.device.esr = 0
    maker, cryostat = vendor(theirs), ours.connect()
    settings = lakeshore.model_335 if model == "335" else lakeshore.model_336
    prefix = f"Model{model}"
    sensor = getattr(settings, f"{prefix}InputSensorSettings")(
        maker.InputSensorType.DIODE, False, True, maker.InputSensorUnits.KELVIN,
        maker.DiodeRange.TEN_VOLTS,
    )  # fmt: skip
    channels = maker.InputSensor if model == "335" else maker.InputChannel
    zone = getattr(settings, f"{prefix}ControlLoopZoneSettings")(
        25.0, 10.0, 20.0, 0.0, 0.0, maker.HeaterRange.MEDIUM, channels.CHANNEL_B, 2.5
    )
    alarm = lakeshore.temperature_controllers.AlarmSettings(300.0, 4.0, 1.0, True, False, True)
    asked: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (
            lambda: maker.set_control_setpoint(1, 280.0),
            lambda: cryostat._tell("SETP 1,280.0"),
        ),
        (lambda: maker.get_control_setpoint(1), lambda: cryostat._ask(float, "SETP? 1")),
        (
            lambda: maker.set_heater_pid(1, 50.0, 20.0, 0.0),
            lambda: setattr(cryostat, "pid", Pid(50.0, 20.0, 0.0)),
        ),
        (lambda: maker.get_heater_pid(1), lambda: cryostat.pid),
        (lambda: maker.get_setpoint_ramp_status(1), lambda: cryostat.is_ramping),
        (
            lambda: maker.set_heater_range(1, maker.HeaterRange.HIGH),
            lambda: setattr(cryostat, "heater_range", "high"),
        ),
        (
            lambda: maker.set_manual_output(1, 12.5),
            lambda: setattr(cryostat, "manual_output", 12.5),
        ),
        (lambda: maker.get_manual_output(1), lambda: cryostat.manual_output),
        (lambda: maker.get_heater_output(1), lambda: cryostat.heater_output),
        (lambda: maker.get_heater_status(1), lambda: cryostat.heater_status),
        (
            lambda: maker.set_heater_output_mode(
                1, maker.HeaterOutputMode.ZONE, channels.CHANNEL_B, True
            ),
            lambda: setattr(cryostat, "output_mode", OutputMode("zone", "B", powerup=True)),
        ),
        (lambda: maker.get_heater_output_mode(1), lambda: cryostat.output_mode),
        (
            lambda: maker.set_input_sensor("A", sensor),
            lambda: setattr(cryostat, "input_type", InputType("diode", False, 1, True)),
        ),
        (lambda: maker.get_input_sensor("A"), lambda: cryostat.input_type),
        (
            lambda: maker.set_temperature_limit("A", 330.0),
            lambda: setattr(cryostat, "temperature_limit", 330.0),
        ),
        (
            lambda: (
                maker.set_heater_setup_one(1, 0.9, 1)
                if model == "335"
                else maker.set_heater_setup(1, 1, 0.9, 1)
            ),
            lambda: setattr(cryostat, "heater_setup", HeaterSetup(25, 0.9)),
        ),
        (
            lambda: maker.get_heater_setup(1),
            lambda: cryostat.heater_setup,
        ),
        (lambda: maker.get_temperature_limit("A"), lambda: cryostat.temperature_limit),
        (
            lambda: maker.set_control_loop_zone_table(1, 1, zone),
            lambda: cryostat.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium", "B", 2.5)),
        ),
        (lambda: maker.get_control_loop_zone_table(1, 1), lambda: cryostat.zone(1)),
        (
            lambda: maker.set_filter("A", True, 10, 2),
            lambda: setattr(cryostat, "averaging", Filter(True, 10, 2)),
        ),
        (lambda: maker.get_filter("A"), lambda: cryostat.averaging),
        (
            lambda: maker.set_sensor_name("A", "Sample"),
            lambda: setattr(cryostat, "input_name", "Sample"),
        ),
        (
            lambda: maker.set_alarm_parameters("A", True, alarm),
            lambda: setattr(cryostat, "alarm", Alarm(300.0, 4.0, 1.0, latched=True, audible=False)),
        ),
        (lambda: maker.get_alarm_parameters("A"), lambda: cryostat.alarm),
        (
            lambda: maker.set_alarm_parameters("A", False),
            lambda: setattr(cryostat, "alarm", None),
        ),
        (
            lambda: maker.set_remote_interface_mode(maker.InterfaceMode.REMOTE),
            lambda: setattr(cryostat, "remote_mode", "remote"),
        ),
        (lambda: maker.get_operation_condition(), lambda: cryostat.operation_status),
        (lambda: maker.get_tuning_control_status(), lambda: cryostat.tuning),
        (lambda: maker.get_input_reading_status("A"), lambda: cryostat.reading_status),
        (lambda: maker.reset_alarm_status(), lambda: cryostat.reset_alarms()),
    ]
    for their_way, our_way in asked:
        theirs.device.messages.clear()
        ours.device.messages.clear()
        their_way()
        our_way()
        sent = len(theirs.device.messages)
        assert ours.device.messages[:sent] == theirs.device.messages
        more = [message.split()[0] for message in ours.device.messages[sent:]]
        assert all(verb.endswith("?") for verb in more), "beside it, ours only reads back"
        assert theirs.device.messages[0].endswith(";*ESR?")
    theirs.device.state.pop("EMUL", None)
    assert ours.device.state == theirs.device.state


def test_autotune_curve_and_all_off_as_the_makers_driver() -> None:
    theirs, ours = Rig("336"), Rig("336")
    maker, cryostat = vendor(theirs), ours.connect()
    maker.set_autotune(1, maker.AutotuneMode.P_I_D)
    cryostat.autotune("PID")
    assert ours.device.messages[1:] == theirs.device.messages
    theirs.device.messages.clear()
    ours.device.messages.clear()
    maker.all_heaters_off()
    cryostat.heaters_off()
    assert theirs.device.messages == ["RANGE 1,0;RANGE 2,0;RANGE 3,0;RANGE 4,0;*ESR?"]
    assert ours.device.messages[:1] == theirs.device.messages


def test_the_makers_driver_reads_what_ours_has_set() -> None:
    rig = Rig("335")
    cryostat = rig.connect()
    cryostat.ramp_rate = 7.5
    cryostat.go_to(280.0)
    maker = vendor(rig)
    assert maker.get_control_setpoint(1) == 280.0
    assert maker.get_setpoint_ramp_parameter(1) == {"ramp_enable": True, "rate_value": 7.5}
    assert rig.device.on == {1}


def test_the_outputs_of_a_335_are_set_up_as_by_the_makers_driver() -> None:
    theirs, ours = Rig("335"), Rig("335")
    maker, cryostat = vendor(theirs), ours.connect(output=2)
    maker.set_heater_setup_two(1, 2, 0.5, 2)
    maker.set_warmup_supply(1, 50.5)
    cryostat.heater_setup = HeaterSetup(50, 0.5, shows_power=True, voltage=True)
    cryostat.warm_up = WarmUp(True, 50.5)
    assert maker.get_heater_setup(2)["max_current"] == 0.5
    for setting in ("HTRSET 2", "WARMUP 2"):
        assert ours.device.state[setting] == theirs.device.state[setting]


def test_a_336_warms_up_as_by_the_makers_driver() -> None:
    theirs, ours = Rig("336"), Rig("336")
    maker, cryostat = vendor(theirs), ours.connect(output=3, heater_range="on")
    maker.set_warmup_supply_parameter(3, maker.ControlTypes.CONTINUOUS, 50.5)
    cryostat.warm_up = WarmUp(True, 50.5)
    assert cryostat.warm_up == WarmUp(True, 50.5)
    assert ours.device.messages[0] == theirs.device.messages[0] == "WARMUP 3,1,50.5;*ESR?"

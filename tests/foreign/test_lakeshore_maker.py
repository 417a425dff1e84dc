"""The maker's package (lakeshore 1.10) on a simulated 335 and 336, over TCP.

The package opens the 336 by its address; the 335, which has no Ethernet, is given a VISA socket in
the place of its USB port. Temperatures are the simulated load's; time is virtual.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lakeshore
import pytest
import pyvisa

from labcool.clock import VirtualClock
from simulators.lakeshore import LakeShore, ThermalLoad
from simulators.link import TcpLink


@pytest.fixture(params=["335", "336"])
def bench(request: pytest.FixtureRequest) -> Iterator[tuple[Any, LakeShore]]:
    clock = VirtualClock()
    device = LakeShore(clock, model=request.param, load=ThermalLoad(noise=0.0))
    with TcpLink(device, clock) as link:
        if request.param == "336":
            driver = lakeshore.Model336(ip_address="127.0.0.1", tcp_port=link.port)
            yield driver, device
            driver.disconnect_tcp()
            return
        ends = {"read_termination": "\n", "write_termination": "\n"}
        manager = pyvisa.ResourceManager("@py")
        with manager.open_resource(link.resource, **ends) as port:
            yield lakeshore.Model335(57600, connection=port), device
        manager.close()


def channel(driver: Any, name: str) -> Any:
    kinds = driver.InputSensor if hasattr(driver, "InputSensor") else driver.InputChannel
    return kinds[f"CHANNEL_{name}"]


def heat(driver: Any, setpoint: float) -> None:
    driver.set_heater_output_mode(1, driver.HeaterOutputMode.CLOSED_LOOP, channel(driver, "A"))
    driver.set_control_setpoint(1, setpoint)
    driver.set_heater_range(1, driver.HeaterRange.HIGH)


def test_the_setpoint_ramps_and_the_temperature_follows(bench: Any) -> None:
    driver, device = bench
    driver.set_control_setpoint(1, 77.0)
    driver.set_setpoint_ramp_parameter(1, True, 6.0)
    assert driver.get_setpoint_ramp_parameter(1) == {"ramp_enable": True, "rate_value": 6.0}
    heat(driver, 89.0)
    device.clock.sleep(60.0)
    assert driver.get_setpoint_ramp_status(1)
    assert driver.get_control_setpoint(1) == pytest.approx(83.0, abs=0.1)
    device.clock.sleep(900.0)
    assert not driver.get_setpoint_ramp_status(1)
    assert driver.get_kelvin_reading("A") == pytest.approx(89.0, abs=0.01)


def test_gains_come_back(bench: Any) -> None:
    driver, _ = bench
    driver.set_heater_pid(1, 37.5, 12.0, 3.0)
    assert driver.get_heater_pid(1) == {"gain": 37.5, "integral": 12.0, "derivative": 3.0}


@pytest.mark.parametrize("mode", ["OFF", "CLOSED_LOOP", "ZONE", "OPEN_LOOP"])
def test_output_modes_come_back(bench: Any, mode: str) -> None:
    driver, _ = bench
    wanted = driver.HeaterOutputMode[mode]
    driver.set_heater_output_mode(1, wanted, channel(driver, "B"), powerup_enable=True)
    found = driver.get_heater_output_mode(1)
    assert found["mode"] == wanted
    assert found["channel"] == channel(driver, "B")
    assert found["powerup_enable"] is True


def test_a_sensor_that_breaks_off_is_in_the_status_and_the_heater_goes_off(bench: Any) -> None:
    driver, device = bench
    whole = driver.get_input_reading_status("A")
    assert not any(vars(whole).values())
    heat(driver, 120.0)
    device.clock.sleep(5.0)
    assert driver.get_heater_output(1) > 0
    device.sensor_open = {"A"}
    device.clock.sleep(5.0)
    assert driver.get_input_reading_status("A").sensor_units_overrange
    assert driver.get_heater_output(1) == 0


def test_a_heater_that_breaks_off_is_told_as_such(bench: Any) -> None:
    driver, device = bench
    assert driver.get_heater_status(1) == driver.HeaterError.NO_ERROR
    device.heater_open = {1}
    heat(driver, 120.0)
    device.clock.sleep(5.0)
    assert driver.get_heater_status(1) == driver.HeaterError.HEATER_OPEN_LOAD


def test_above_the_temperature_limit_all_heaters_go_off(bench: Any) -> None:
    driver, device = bench
    driver.set_temperature_limit("A", 90.0)
    assert driver.get_temperature_limit("A") == 90.0
    heat(driver, 120.0)
    device.clock.sleep(900.0)
    assert driver.get_heater_range(1) == driver.HeaterRange.OFF
    assert driver.get_kelvin_reading("A") < 91.0


def test_input_types_come_back(bench: Any) -> None:
    driver, _ = bench
    kelvin = driver.InputSensorUnits.KELVIN
    model = "Model335" if hasattr(driver, "InputSensor") else "Model336"
    settings = getattr(
        lakeshore.model_335 if model == "Model335" else lakeshore.model_336,
        f"{model}InputSensorSettings",
    )
    kinds = driver.InputSensorType
    for kind, auto, compensated, given_range in (
        (kinds.DIODE, False, False, driver.DiodeRange.TWO_POINT_FIVE_VOLTS),
        (kinds.DIODE, False, False, driver.DiodeRange.TEN_VOLTS),
        (kinds.PLATINUM_RTD, True, True, None),
        # Resistors choose their range: the package cannot read a fixed one back from a 335.
        (kinds.NTC_RTD, True, False, None),
    ):
        driver.set_input_sensor("B", settings(kind, auto, compensated, kelvin, given_range))
        found = driver.get_input_sensor("B")
        assert (found.sensor_type, found.units) == (kind, kelvin)
        assert (bool(found.autorange_enable), bool(found.compensation)) == (auto, compensated)
        assert auto or found.input_range == given_range

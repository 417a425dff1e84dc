"""Foreign drivers on the simulated Lake Shore controllers: the maker's, and PyMeasure's."""

import math

import lakeshore as vendor
import pytest

from labcool.clock import VirtualClock
from simulators.lakeshore import LakeShore, ThermalLoad
from simulators.link import TcpLink
from simulators.memory import MemoryLink

QUIET = ThermalLoad(noise=0.0)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def vendor_336():
    device = LakeShore(VirtualClock(), load=QUIET)
    with TcpLink(device, device.clock) as link:
        driver = vendor.Model336(ip_address="127.0.0.1", tcp_port=link.port)
        yield driver, device
        driver.disconnect_tcp()


def test_the_makers_driver_controls_a_336_over_tcp(vendor_336):
    driver, device = vendor_336
    assert driver.model_number == "MODEL336"
    assert driver.get_kelvin_reading("A") == 77.0
    assert driver.get_all_kelvin_reading() == pytest.approx([77.0] * 4, abs=0.02)
    assert driver.get_celsius_reading("A") == pytest.approx(-196.15)
    driver.set_control_setpoint(1, 120.5)
    assert driver.get_control_setpoint(1) == 120.5
    driver.set_heater_pid(1, 40, 27, 10)
    assert driver.get_heater_pid(1) == {"gain": 40, "integral": 27, "derivative": 10}
    driver.set_heater_setup(1, driver.HeaterResistance.HEATER_50_OHM, 1.0, 1)
    assert driver.get_heater_setup(1)["max_current"] == 1.0
    driver.set_heater_output_mode(1, driver.HeaterOutputMode.CLOSED_LOOP, 1)
    driver.set_setpoint_ramp_parameter(1, True, 12.5)
    assert driver.get_setpoint_ramp_parameter(1)["rate_value"] == 12.5
    driver.set_heater_range(1, driver.HeaterRange.MEDIUM)
    assert driver.get_heater_range(1) == driver.HeaterRange.MEDIUM
    driver.set_temperature_limit("A", 300)
    assert driver.get_temperature_limit("A") == 300
    driver.all_heaters_off()
    assert driver.get_heater_range(1) == driver.HeaterRange.OFF
    assert driver.get_heater_status(1) == 0
    device.sensor_open = {"A"}
    status = driver.get_input_reading_status("A")
    assert (status.invalid_reading, status.sensor_units_overrange) == (True, True)
    assert driver.get_operation_condition().processor_communication_error is False


def test_the_makers_driver_sees_the_errors(vendor_336):
    driver, _ = vendor_336
    with pytest.raises(Exception, match="Command Error"):
        driver.command("NONSENSE")
    with pytest.raises(Exception, match="Execution Error"):
        driver.set_heater_pid(1, 5000, 1, 1)
    with pytest.raises(Exception, match="does not match"):
        driver.set_input_curve("A", 3)


def test_the_makers_driver_reads_every_setting_of_a_336(vendor_336):
    driver, _ = vendor_336
    assert driver.get_alarm_parameters("A").alarm_enable is False
    assert driver.get_alarm_status("A") == {"high_state_enabled": False, "low_state_enabled": False}
    assert driver.get_curve_header(1).curve_name.strip() == "DT-470"
    assert driver.get_curve_data_point(1, 2) == (0.50691, 305.0)
    assert driver.get_input_sensor("A").sensor_type == 1
    assert driver.get_control_loop_zone_table(1, 3).proportional == 50
    assert driver.get_tuning_control_status()["active_tuning_enable"] is False
    assert driver.get_monitor_output_heater(3)["channel"] == 0
    assert driver.get_warmup_supply_parameter(3)["percentage"] == 0
    assert driver.get_network_configuration()["ip_address"] == "192.168.0.12"
    assert driver.get_network_settings()["sub_mask"].strip() == "255.255.255.0"
    assert driver.get_display_setup()["mode"] == 0
    assert driver.get_filter("A")["data_points"] == 8
    assert driver.get_keypad_lock() == {"state": False, "code": 123}
    assert driver.get_remote_interface_mode() == 0
    assert driver.get_relay_control_mode(1) == 0
    assert driver.get_status_byte().event_status_summary_bit is False
    assert driver.get_min_max_data("A")["maximum"] <= 77.0
    assert driver.get_analog_output_percentage(3) == 0
    assert driver.get_thermocouple_junction_temp() == pytest.approx(298, abs=1)
    assert driver.get_self_test() is False


class Connection:
    """What the maker's driver takes in place of a port."""

    def __init__(self, device):
        self.device = device

    def clear(self):
        self.device.transmit()

    def write(self, text):
        self.device.receive(text.encode() + b"\n")

    def query(self, text):
        self.write(text)
        self.device.clock.sleep(0.1)
        return self.device.transmit().decode().rstrip()


def test_the_makers_driver_takes_a_335_out_of_emulation(clock):
    device = LakeShore(clock, model="335", emulating=True, load=QUIET)
    driver = vendor.Model335(57600, connection=Connection(device))
    assert device.model == "335"
    assert driver.get_all_kelvin_reading() == [77.0, pytest.approx(77.0, abs=0.02)]
    driver.set_heater_setup_two(1, driver.HeaterResistance.HEATER_25_OHM, 1.0, 1)
    assert driver.get_heater_setup(2)["output_type"] == 1
    driver.set_heater_range(2, driver.HeaterVoltageRange.VOLTAGE_ON)
    assert driver.get_heater_range(2) == driver.HeaterVoltageRange.VOLTAGE_ON
    driver.set_warmup_supply(driver.WarmupControl.CONTINUOUS, 40)
    assert driver.get_warmup_supply()["percentage"] == 40
    driver.set_output_two_polarity(1)
    assert driver.get_output_2_polarity() == 1
    driver.all_heaters_off()
    assert driver.get_heater_range(2) == driver.HeaterVoltageRange.VOLTAGE_OFF
    driver.set_control_setpoint(1, 90)
    driver.set_heater_range(1, driver.HeaterRange.HIGH)
    clock.sleep(900)
    assert driver.get_kelvin_reading("A") == pytest.approx(90, abs=0.01)


def test_pymeasure_reads_and_heats_a_336(clock):
    from pymeasure.instruments import Instrument
    from pymeasure.instruments.lakeshore.lakeshore_base import (
        LakeShoreHeaterChannel,
        LakeShoreTemperatureChannel,
    )

    class Controller(Instrument):
        sample = Instrument.ChannelCreator(LakeShoreTemperatureChannel, "A")
        heater = Instrument.ChannelCreator(LakeShoreHeaterChannel, 1)

    device = LakeShore(clock, load=QUIET)
    adapter = MemoryLink(device, clock).open(write_termination="\r\n", read_termination="\r\n")
    controller = Controller(adapter, "Lake Shore 336", includeSCPI=False)
    assert controller.sample.kelvin == 77.0
    assert controller.sample.celsius == -196.15
    assert controller.sample.sensor == pytest.approx(1.0232, abs=1e-3)
    controller.heater.setpoint = 100.0
    assert controller.heater.setpoint == 100.0
    controller.heater.range = "high"
    assert controller.heater.range == "high"
    clock.sleep(900)
    assert controller.sample.kelvin == pytest.approx(100.0, abs=0.01)
    assert controller.heater.output == pytest.approx(100 * math.sqrt(2.3 / 25), abs=0.2)
    controller.heater.range = "off"
    clock.sleep(1)
    assert controller.heater.output == 0

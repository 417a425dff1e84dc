"""pylablib's Thorlabs classes (1.4.5) on the simulated KSC101, K10CR1 and ELL14, over a socket.

A real mount's USB chip has hardware handshake lines; a socket has none, so that pyserial only notes
that pylablib sets them. How long anything takes on the wall is nothing to these tests: the devices'
time is virtual, and pylablib's own time-outs (3 s an answer, and those given here) end a failure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from pylablib.devices import Thorlabs

from labcool.clock import VirtualClock
from simulators.elliptec import ELL14, PULSES_PER_TURN
from simulators.k10cr1 import K10CR1
from simulators.ksc101 import KSC101
from simulators.link import TcpLink

PULSE_DEG = 360 / PULSES_PER_TURN
MICROSTEP_DEG = 360 / (200 * 2048 * 120)
OPERATING_MODE, STATE = 0x04C0, 0x04CB
OPEN, CLOSE = 1, 2


def nobody_looks(value: Any, moment: float) -> None:
    pass


def port_of(link: TcpLink) -> tuple[str, str]:
    return "serial", f"socket://{link.address}"


@pytest.fixture
def shutter() -> Iterator[tuple[Any, KSC101, list[tuple[float, bool]]]]:
    clock = VirtualClock()
    seen: list[tuple[float, bool]] = []
    device = KSC101(clock, moved=lambda is_open, moment: seen.append((moment, is_open)))
    with TcpLink(device, clock) as link:
        driver = Thorlabs.BasicKinesisDevice(port_of(link))
        yield driver, device, seen
        driver.close()


def select_manual_mode(driver: Any) -> None:
    driver.send_comm(OPERATING_MODE, 1, 1)
    assert driver.query(OPERATING_MODE + 1, 1).param2 == 1


def order(driver: Any, device: KSC101, state: int) -> None:
    """Send the order, see that it has arrived by an answer to what came behind it, and wait."""
    driver.send_comm(STATE, 1, state)
    driver.query(OPERATING_MODE + 1, 1)
    device.clock.sleep(1)


def is_open(driver: Any) -> bool:
    return bool(driver.query(STATE + 1, 1).param2)


def test_a_ksc101_tells_who_it_is(shutter: Any) -> None:
    driver, _, _ = shutter
    found = driver.get_device_info()
    assert (found.model_no, found.fw_ver, found.nchannels) == ("KSC101", "1.0.6", 1)
    assert str(found.serial_no).startswith("68")


def test_a_ksc101_opens_and_closes_and_says_so(shutter: Any) -> None:
    driver, device, seen = shutter
    select_manual_mode(driver)
    assert not is_open(driver)
    order(driver, device, OPEN)
    assert is_open(driver)
    assert seen[-1][1] is True
    order(driver, device, CLOSE)
    assert not is_open(driver)
    assert seen[-1][1] is False


def test_a_ksc101_takes_the_cycle_of_its_single_mode(shutter: Any) -> None:
    driver, _, _ = shutter
    driver.send_comm_data(0x04C3, struct.pack("<Hiii", 1, 500, 250, 7))
    answer = driver.query(0x04C4, 1)
    assert struct.unpack("<Hiii", answer.data) == (1, 500, 250, 7)


def test_a_ksc101_with_its_key_off_stays_closed(shutter: Any) -> None:
    driver, device, seen = shutter
    select_manual_mode(driver)
    device.key_switch_on = False
    order(driver, device, OPEN)
    assert not is_open(driver)
    assert not any(opened for _, opened in seen)


@pytest.fixture
def mount() -> Iterator[tuple[Any, K10CR1]]:
    clock = VirtualClock()
    device = K10CR1(clock, turned=nobody_looks, power_up_angle=33.0)
    with TcpLink(device, clock) as link:
        driver = Thorlabs.KinesisMotor(port_of(link), scale="stage")
        yield driver, device
        driver.close()


def test_a_k10cr1_is_recognised_and_counts_in_degrees(mount: Any) -> None:
    driver, _ = mount
    assert (driver.get_stage(), driver.get_scale_units()) == ("K10CR1", "deg")
    assert driver.get_device_info().model_no == "K10CR1"
    assert driver.get_scale()[0] == pytest.approx(1 / MICROSTEP_DEG)
    assert not driver.is_homed()


def test_a_k10cr1_is_homed_and_turned(mount: Any) -> None:
    driver, device = mount
    driver.home(timeout=20)
    assert driver.is_homed()
    assert driver.get_position() == pytest.approx(0, abs=2 * MICROSTEP_DEG)
    driver.move_to(45.0)
    driver.wait_move(timeout=20)
    assert driver.get_position() == pytest.approx(45, abs=2 * MICROSTEP_DEG)
    assert device.angle_at(device.clock.now()) == pytest.approx(45, abs=2 * MICROSTEP_DEG)
    driver.move_by(-90.0)
    driver.wait_move(timeout=20)
    assert driver.get_position() == pytest.approx(-45, abs=2 * MICROSTEP_DEG)
    assert device.angle_at(device.clock.now()) == pytest.approx(315, abs=2 * MICROSTEP_DEG)


def test_a_k10cr1_keeps_the_speed_and_the_homing_it_was_given(mount: Any) -> None:
    driver, _ = mount
    driver.setup_velocity(acceleration=5.0, max_velocity=4.0)
    given = driver.get_velocity_parameters()
    assert (given.acceleration, given.max_velocity) == pytest.approx((5, 4), rel=1e-3)
    driver.setup_homing(velocity=3.0)
    assert driver.get_homing_parameters().velocity == pytest.approx(3, rel=1e-6)
    driver.setup_jog(step_size=2.5)
    assert driver.get_jog_parameters().step_size == pytest.approx(2.5, abs=MICROSTEP_DEG)


def test_a_k10cr1_that_is_stuck_tells_a_motion_error(mount: Any) -> None:
    driver, device = mount
    device.jammed = True
    driver.move_to(45.0)
    driver.wait_for_status(["motion_error"], True, timeout=20)
    assert "current_limit" in driver.get_status()
    assert device.angle_at(device.clock.now()) == pytest.approx(33)


@pytest.fixture
def elliptec() -> Iterator[tuple[Any, ELL14]]:
    clock = VirtualClock()
    device = ELL14(clock, turned=nobody_looks, power_up_angle=30.0)
    with TcpLink(device, clock) as link:
        driver = Thorlabs.ElliptecMotor(port_of(link), addrs=[0])
        yield driver, device
        driver.close()


def test_an_ell14_is_recognised(elliptec: Any) -> None:
    driver, _ = elliptec
    found = driver.get_device_info()
    assert (found.model_no, found.travel, found.pulse) == (14, 360, PULSES_PER_TURN)
    assert driver.get_status() == "ok"
    motor = driver.get_motor_info(motor=1)
    assert motor.loop
    assert all(70e3 < frequency < 110e3 for frequency in (motor.fw_freq, motor.bk_freq))


def test_an_ell14_is_homed_and_turned(elliptec: Any) -> None:
    driver, device = elliptec
    assert driver.home() is True
    assert driver.move_to(45.0) is True
    assert driver.get_position() == pytest.approx(45, abs=2.5 * PULSE_DEG)
    assert device.angle_at(device.clock.now()) == pytest.approx(45, abs=4 * PULSE_DEG)
    assert driver.move_by(-90.0) is True
    assert driver.get_position() == pytest.approx(-45, abs=4.5 * PULSE_DEG)
    assert driver.set_velocity(60) == 60


def test_an_ell14_that_is_stuck_tells_a_mechanical_timeout(elliptec: Any) -> None:
    driver, device = elliptec
    device.jammed = True
    assert driver.move_to(45.0) is False
    device.jammed = False
    assert driver.get_status() == "mech_timeout"

"""QMI's Cobolt class (0.54) on the simulated Cobolt 06, over a socket and in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from foreign_qmi import Hubner_Cobolt0601, QMI_Context, QMI_InstrumentException

from labcool.clock import VirtualClock
from simulators.cobolt import Cobolt06
from simulators.link import TcpLink

OFF = 0


def nobody_looks(value: Any, moment: float) -> None:
    pass


@pytest.fixture
def laser() -> Iterator[tuple[Any, Cobolt06]]:
    clock = VirtualClock()
    device = Cobolt06(clock, power_changed=nobody_looks)
    with TcpLink(device, clock) as link:
        driver = Hubner_Cobolt0601(QMI_Context("test"), "laser", f"tcp:{link.address}")
        driver.open()
        yield driver, device
        driver.close()


def test_who_it_is_and_that_it_is_off(laser: Any) -> None:
    driver, _ = laser
    assert driver.get_idn().serial == "13204"
    assert (driver.get_laser_on_state(), driver.get_fault()) == (False, 0)
    assert (driver.get_interlock_state(), driver.get_operating_mode()) == (False, OFF)
    assert driver.get_operating_hours() == 0


def test_it_emits_what_it_is_told_to(laser: Any) -> None:
    driver, device = laser
    driver.set_autostart_state(False)
    driver.set_output_power_setpoint(0.05)
    assert driver.get_output_power_setpoint() == pytest.approx(0.05)
    driver.set_laser_on_state(True)
    device.clock.sleep(60)
    assert driver.get_laser_on_state() is True
    assert driver.get_output_power() == pytest.approx(0.05, rel=0.02)
    driver.set_laser_on_state(False)
    assert driver.get_laser_on_state() is False
    assert driver.get_output_power() == pytest.approx(0, abs=1e-4)


def test_a_laser_with_an_open_interlock_says_so_and_stays_dark(laser: Any) -> None:
    driver, device = laser
    device.interlock_open = True
    assert driver.get_interlock_state() is True
    driver.set_output_power_setpoint(0.05)
    with pytest.raises(QMI_InstrumentException, match="Expecting 'OK'"):
        driver.set_laser_on_state(True)
    assert driver.get_output_power() == pytest.approx(0, abs=1e-4)
    assert driver.FAULT_CODES[driver.get_fault()] == "interlock error"

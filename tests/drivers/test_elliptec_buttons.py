"""The ELL14 driver beside somebody who presses the mount's buttons, on the simulated mount."""

from __future__ import annotations

import pytest

from drivers.elliptec import ELL14
from labcool.clock import VirtualClock
from simulators import elliptec as simulated
from simulators.memory import MemoryLink


def test_what_a_button_says_is_taken_for_no_answer() -> None:
    clock = VirtualClock()
    device = simulated.ELL14(clock, turned=lambda *_: None)
    mount = ELL14(MemoryLink(device, clock), clock=clock)
    device.press_button()
    assert 0.0 <= mount.angle < 10.0
    clock.sleep(0.5)
    assert mount.angle == pytest.approx(10.0, abs=0.01)
    device.press_button(forward=False)
    clock.sleep(0.5)
    mount.turn_to(45.0)
    assert mount.angle == pytest.approx(45.0, abs=0.02)
    assert mount.settings()["speed_percent"] == 100
    assert mount.settings()["home_offset_deg"] == 0.0

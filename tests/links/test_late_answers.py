"""An answer that comes too late must not pass for the answer to a newer question."""

import logging

import pytest

import drivers.finesse
import drivers.sc10
import simulators.finesse
import simulators.sc10
from labcool.clock import VirtualClock
from simulators.memory import MemoryLink


class Late:
    """Mix-in: sends its next answer ``delay`` s late, once; ``meanwhile`` happens after it is made.

    ``ends`` tells an answer from an echo.
    """

    delay = 0.0
    ends = b""
    meanwhile = staticmethod(lambda: None)

    def _send(self, data, after=0.0):
        if not (self.delay and data.endswith(self.ends)):
            super()._send(data, after)
            return
        super()._send(data, after + self.delay)
        self.delay = 0.0
        self.meanwhile()


class LateSC10(Late, simulators.sc10.SC10):
    ends = b"> "


class LateFinesse(Late, simulators.finesse.Finesse):
    ends = b"\r\n"


@pytest.mark.parametrize("delay", [0.55, 0.65, 0.9])
def test_closed_from_before_the_blade_opened_is_not_believed(delay, caplog):
    clock = VirtualClock()
    device = LateSC10(clock, moved=lambda is_open, moment: None)
    shutter = drivers.sc10.SC10(MemoryLink(device, clock), clock=clock)
    assert shutter.is_closed

    device.delay = delay
    device.meanwhile = lambda: device._blade.place(True, clock.now())
    with caplog.at_level(logging.WARNING):
        assert not shutter.is_closed
    assert "Asking once more" in caplog.text


@pytest.mark.parametrize("delay", [1.05, 1.15, 1.6])
def test_closed_from_before_the_laser_opened_is_not_believed(delay, caplog):
    clock = VirtualClock()
    device = LateFinesse(clock, power_changed=lambda watts, moment: None)
    laser = drivers.finesse.Finesse(MemoryLink(device, clock), clock=clock)
    assert not laser.shutter_open

    def somebody_opens_it():
        device._shutter_open = True

    device.delay = delay
    device.meanwhile = somebody_opens_it
    with caplog.at_level(logging.WARNING):
        assert laser.shutter_open
    assert "Asking once more" in caplog.text

"""The simulated TTL shutter and the control lines of the port it hangs on."""

from bisect import bisect_right

import pytest
import serial
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from simulators.ttl_shutter import ControlLinePort, TTLShutter


class Light:
    """What the beam does according to the device's announcements."""

    def __init__(self):
        self.moments, self.states = [], []

    def __call__(self, is_open, moment):
        while self.moments and self.moments[-1] >= moment:
            self.moments.pop(), self.states.pop()
        self.moments.append(moment)
        self.states.append(is_open)

    def passes(self, moment):
        return self.states[bisect_right(self.moments, moment + 1e-9) - 1]


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def light():
    return Light()


@pytest.fixture
def shutter(clock, light):
    return TTLShutter(clock, moved=light, opening_time=0.02, closing_time=0.03)


def open_port(shutter, **wiring):
    """Open the port as a careful driver does: with both lines low."""
    port = ControlLinePort(shutter, None, **wiring)
    port.dtr = port.rts = False
    port.port = "memory"
    port.open()
    shutter.clock.sleep(1)
    return port


def test_it_opens_and_closes_after_its_delays_and_the_sensor_follows(shutter, clock, light):
    assert shutter.sensor_level(0)
    shutter.line_set(True, 0)
    assert not light.passes(0.0199)
    assert light.passes(0.0201)
    assert shutter.sensor_level(0.0199)
    assert not shutter.sensor_level(0.0201)
    clock.sleep(1)
    shutter.line_set(False, 1)
    assert light.passes(1.0299)
    assert not light.passes(1.0301)
    assert not shutter.sensor_level(1.0299)
    assert shutter.sensor_level(1.0301)


def test_a_line_set_ahead_of_time_acts_then(shutter, light):
    shutter.line_set(True, 5)
    assert not light.passes(5.0199)
    assert light.passes(5.0201)


def test_pulses_shorter_than_the_way_do_nothing(shutter, light):
    shutter.line_set(True, 0)
    shutter.line_set(False, 0.019)
    assert not any(light.passes(moment / 1000) for moment in range(200))
    shutter.line_set(True, 1)
    shutter.line_set(False, 2)
    shutter.line_set(True, 2.029)
    assert all(light.passes(1.021 + moment / 1000) for moment in range(2000))


def test_setting_the_line_again_does_not_delay_a_blade_on_its_way(shutter, light):
    shutter.line_set(True, 0)
    shutter.line_set(True, 0.015)
    assert light.passes(0.0201)


def test_an_earlier_rise_replaces_one_set_for_later(shutter, light):
    shutter.line_set(True, 5)
    shutter.line_set(True, 1)
    assert light.passes(1.0201)


@pytest.mark.parametrize("loss", ["powered", "silent"])
def test_without_power_or_cable_it_closes_and_comes_back(shutter, clock, light, loss):
    shutter.line_set(True, 0)
    clock.sleep(1)
    setattr(shutter, loss, loss == "silent")
    assert light.passes(1.0299)
    assert not light.passes(1.0301)
    clock.sleep(1)
    assert shutter.sensor_level(clock.now()) is (loss == "powered")
    shutter.line_set(True, clock.now())
    clock.sleep(1)
    assert not light.passes(clock.now())
    setattr(shutter, loss, loss == "powered")
    assert light.passes(clock.now() + 0.021)


def test_a_stuck_blade_stays_and_the_sensor_tells(shutter, clock, light):
    shutter.line_set(True, 0)
    clock.sleep(1)
    shutter.stuck = True
    shutter.line_set(False, 1)
    clock.sleep(1)
    assert light.passes(2)
    assert not shutter.sensor_level(2)
    shutter.stuck = False
    assert not light.passes(2.031)


def test_a_blade_that_sticks_on_its_way_never_arrives(shutter, clock, light):
    shutter.line_set(True, 0)
    clock.sleep(0.01)
    shutter.stuck = True
    assert not light.passes(1)


def test_a_broken_or_missing_sensor_never_says_closed(shutter, clock, light):
    shutter.sensor_broken = True
    assert not shutter.sensor_level(0)
    assert not TTLShutter(clock, moved=light, has_sensor=False).sensor_level(0)


def test_a_port_opened_by_its_name_opens_the_shutter(shutter, clock, light):
    port = ControlLinePort(shutter)
    clock.sleep(1)
    assert port.is_open
    assert port.dtr
    assert port.rts
    assert light.passes(clock.now())


def test_a_port_opened_with_its_lines_low_lets_no_light_pass(shutter, light):
    open_port(shutter)
    assert not any(light.passes(moment / 1000) for moment in range(1000))


def test_something_faster_than_a_blade_sees_the_lines_go_up_when_the_port_is_opened(clock, light):
    open_port(TTLShutter(clock, moved=light, opening_time=0, closing_time=0))
    assert light.passes(0.0005)
    assert not light.passes(0.0011)


@pytest.mark.parametrize("output", ["dtr", "rts"])
@pytest.mark.parametrize("sensor", ["cts", "dsr", "cd", "ri"])
def test_only_the_wired_lines_matter(shutter, clock, light, output, sensor):
    port = open_port(shutter, output=output, sensor=sensor)
    other = "rts" if output == "dtr" else "dtr"
    setattr(port, other, True)
    clock.sleep(1)
    assert not light.passes(clock.now())
    assert [line for line in ("cts", "dsr", "cd", "ri") if getattr(port, line)] == [sensor]
    setattr(port, output, True)
    clock.sleep(1)
    assert light.passes(clock.now())
    assert not getattr(port, sensor)
    setattr(port, output, False)
    clock.sleep(1)
    assert getattr(port, sensor)


def test_closing_the_port_closes_the_shutter(shutter, clock, light):
    with open_port(shutter) as port:
        port.dtr = True
        clock.sleep(1)
        assert light.passes(clock.now())
    assert not light.passes(clock.now() + 0.031)
    port.close()
    with pytest.raises(serial.PortNotOpenError):
        _ = port.cts
    port.open()
    clock.sleep(1)
    assert light.passes(clock.now())  # pyserial remembers what the line was set to.


def test_inverted_wiring_is_open_while_the_port_is_closed(shutter, clock, light):
    port = open_port(shutter, inverted=True)
    assert light.passes(clock.now())
    port.dtr = True
    clock.sleep(1)
    assert not light.passes(clock.now())
    port.close()
    assert light.passes(clock.now() + 0.021)


def test_a_pulled_cable_raises_and_closes(shutter, clock, light):
    port = open_port(shutter)
    port.dtr = True
    clock.sleep(1)
    shutter.silent = True
    for use in (lambda: port.cts, lambda: setattr(port, "dtr", False), lambda: port.in_waiting):
        with pytest.raises(serial.SerialException):
            use()
    assert not light.passes(clock.now() + 0.031)
    port.close()
    with pytest.raises(serial.SerialException):
        port.open()
    assert not port.is_open
    shutter.silent = False
    port.open()


def test_it_behaves_as_pyserials_class_where_that_needs_no_hardware(shutter):
    real, simulated = serial.Serial(), ControlLinePort(shutter, None)
    for port in (real, simulated):
        assert (port.is_open, port.port, port.name) == (False, None, None)
        assert port.dtr
        assert port.rts
        with pytest.raises(serial.PortNotOpenError):
            _ = port.cts
        with pytest.raises(serial.SerialException):
            port.open()
        port.dtr = False
        assert not port.dtr
    for name in ("dtr", "rts", "cts", "dsr", "cd", "ri", "open", "close", "in_waiting", "timeout"):
        assert hasattr(serial.Serial, name)
        assert hasattr(ControlLinePort, name) or hasattr(simulated, name)


def test_a_port_cannot_be_opened_twice(shutter):
    with pytest.raises(serial.SerialException):
        open_port(shutter).open()


STEPS = st.lists(
    st.tuples(st.sampled_from(["line", "powered", "silent", "stuck"]), st.booleans()), max_size=20
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(STEPS, st.floats(0, 0.05), st.binary(max_size=20))
def test_light_passes_only_with_line_power_and_cable(steps, wait, noise):
    clock, light = VirtualClock(), Light()
    shutter = TTLShutter(clock, moved=light)
    for what, value in steps:
        if what == "line":
            shutter.line_set(value, clock.now())
        else:
            setattr(shutter, what, value)
        shutter.receive(noise)
        clock.sleep(wait)
        assert light.passes(clock.now()) == shutter.is_open(clock.now())
        assert shutter.transmit() == b""
    shutter.stuck = False
    driven = shutter._line and shutter.powered and not shutter.silent
    clock.sleep(1)
    assert light.passes(clock.now()) == driven

"""What a chopper does to the beam, and its reference."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from labcool.clock import VirtualClock
from simulators._chopper_wheel import Motion
from simulators._chopping import Chopping
from simulators.mc2000b import MC2000B


def turning(hertz, slots=100, **more):
    rate = hertz / slots
    return Chopping(Motion(0.0, 0.0, rate, rate, 1.0), slots, **more)


def obey(device, *commands):
    for command in commands:
        device.receive(command + b"\r")
    device.transmit()


@pytest.mark.parametrize("hertz", [0.3, 7.0, 4000.0])
@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.25), (0.1, 0.13), (1.234, 7.891)])
def test_duty_is_the_part_of_the_time_in_which_the_beam_passes(hertz, begin, end):
    chopping = turning(hertz, phase=40.0)
    moments = np.linspace(begin, end, 100_001)
    seen = np.mean([chopping.passes(moment) for moment in moments])
    assert chopping.duty(begin, end) == pytest.approx(seen, abs=1e-3)


def test_duty_is_a_half_over_many_cycles_and_all_or_nothing_at_rest():
    assert turning(4000.0).duty(0.0, 0.25) == 0.5
    assert turning(4321.0).duty(0.0, 0.25) == pytest.approx(0.5, abs=5e-4)
    assert turning(0.0, phase=0.0).duty(0.0, 10.0) == 1.0
    assert turning(0.0, phase=200.0).duty(0.0, 10.0) == 0.0


def test_fundamental_of_the_chopped_beam():
    chopping = turning(100.0, sensed_slots=100)
    moments = (np.arange(100_000) + 0.5) / 100_000 / 100.0
    beam = np.array([chopping.passes(moment) for moment in moments], float)
    # The beam passes in the first half of each cycle: its fundamental is a sine.
    fundamental = 2 * np.mean(beam * np.sin(2 * np.pi * 100.0 * moments))
    assert abs(chopping.in_step(0.0)) == pytest.approx(fundamental / math.sqrt(2), rel=1e-4)
    assert abs(chopping.in_step(0.0)) == pytest.approx(0.4502, abs=1e-4)


def test_reference_follows_the_blade_until_it_is_too_slow():
    clock = VirtualClock()
    told = []
    chopper = MC2000B(clock, moved=lambda chopping, moment: told.append((chopping, moment)))
    assert told[0][0].reference_hz(0.0) is None
    obey(chopper, b"output=1", b"freq=4000", b"enable=1")
    clock.sleep(10.0)
    assert told[-1][0].reference_hz(clock.now()) == pytest.approx(4000.0, rel=1e-5)
    clock.sleep(1.0)
    obey(chopper, b"enable=0")
    stopping, began = told[-1]
    assert began == clock.now()
    seen = [stopping.reference_hz(began + s) for s in (0.0, 1.0, 2.0, 20.0)]
    assert seen[0] == pytest.approx(4000.0, rel=1e-5)
    assert seen[0] > seen[1] > seen[2] > 100.0
    assert seen[3] is None
    assert stopping.in_step(began + 20.0) == 0


def test_reference_that_follows_the_target_does_not_tell_of_a_blade_that_stands():
    clock = VirtualClock()
    told = []
    chopper = MC2000B(clock, moved=lambda chopping, _: told.append(chopping))
    obey(chopper, b"output=0", b"freq=4000", b"enable=1")
    clock.sleep(10.0)
    assert abs(told[-1].in_step(clock.now())) == pytest.approx(0.4502, abs=1e-4)
    chopper.stalled = True
    clock.sleep(10.0)
    assert told[-1].reference_hz(clock.now()) == 4000.0
    assert told[-1].in_step(clock.now()) == 0
    obey(chopper, b"enable=0")
    assert told[-1].reference_hz(clock.now()) is None


def test_phase_is_that_of_the_blade_against_the_target():
    clock = VirtualClock()
    told = []
    chopper = MC2000B(clock, moved=lambda chopping, _: told.append(chopping))
    obey(chopper, b"output=0", b"enable=1", b"phase=90")
    clock.sleep(10.0)
    assert math.degrees(cmath.phase(told[-1].in_step(clock.now()))) == pytest.approx(90.0)
    obey(chopper, b"enable=0")
    clock.sleep(10.0)
    obey(chopper, b"output=1", b"enable=1")
    clock.sleep(10.0)
    assert cmath.phase(told[-1].in_step(clock.now())) == 0.0


def test_another_ring_s_reference_is_not_in_step_with_the_beam():
    chopping = turning(1000.0, slots=100, sensed_slots=10)
    assert chopping.reference_hz(0.0) == pytest.approx(100.0)
    assert chopping.in_step(0.0) == 0

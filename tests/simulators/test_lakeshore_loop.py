"""The control loops of the simulated Lake Shore controllers on their stages."""

import time

import numpy as np
import pytest

from labcool.clock import VirtualClock
from simulators.lakeshore import LakeShore, ThermalLoad

QUIET = ThermalLoad(noise=0.0)
ROOM = ThermalLoad(bath=298.15, noise=0.0)


@pytest.fixture
def clock():
    return VirtualClock()


def make(clock, model="336", load=QUIET, **keywords):
    device = LakeShore(clock, model=model, load=load, **keywords)
    ask(device, "*ESR?")
    return device


def ask(device, line):
    """Return the answer to a line without its end, a tenth of a second later."""
    device.receive(line.encode("latin-1") + b"\n")
    device.clock.sleep(0.1)
    answer = device.transmit()
    assert answer == b"" or (answer.endswith(b"\r\n") and answer.count(b"\n") == 1)
    return answer.decode("latin-1").removesuffix("\r\n")


def course(device, begin, end, step=0.1):
    return np.array([device.temperature_at(moment) for moment in np.arange(begin, end, step)])


def test_unheated_the_stage_relaxes_to_its_bath_as_it_must(clock):
    load = ThermalLoad(heat_capacity=40.0, link=0.1, bath=77.0, start=300.0, noise=0.0)
    device = make(clock, load=load)
    clock.sleep(1000)
    moments = np.arange(0, 1000, 7.3)
    expected = 77 + 223 * np.exp(-moments * 0.1 / 40)
    assert [device.temperature_at(moment) for moment in moments] == pytest.approx(
        expected, abs=1e-6
    )


def test_an_open_loop_heats_with_the_square_of_its_current(clock):
    device = make(clock, load=ThermalLoad(heat_capacity=1.0, noise=0.0))
    ask(device, "HTRSET 1,2,2,0,1;OUTMODE 1,3,1,0;MOUT 1,30;RANGE 1,2")
    clock.sleep(300)
    assert device.heater_power() == pytest.approx(50 / 10 * 0.3**2)  # 1 A in 50 Ω, medium
    assert device.temperature_at(clock.now()) == pytest.approx(77 + 0.45 / 0.1, abs=1e-6)
    assert ask(device, "HTR? 1") == "+030.0"
    assert ask(device, "HTRSET 1,2,2,0,2;HTR? 1") == "+009.0"


@pytest.mark.parametrize(("step", "watts"), [(1, 1.0), (2, 10.0), (3, 100.0)])
def test_the_ranges_are_decades_of_power(clock, step, watts):
    device = make(clock)
    ask(device, f"HTRSET 1,1,4,0,1;OUTMODE 1,3,1,0;MOUT 1,100;RANGE 1,{step}")
    clock.sleep(1)
    assert device.heater_power() == pytest.approx(watts)


def test_a_closed_loop_overshoots_and_settles_on_its_set_point(clock):
    device = make(clock)
    ask(device, "SETP 1,200;RANGE 1,3")
    clock.sleep(2400)
    seen = course(device, 0, 2400, 0.5)
    assert 200.3 < seen.max() < 205
    assert abs(seen[-600:] - 200).max() < 2e-3
    assert device.heater_power() == pytest.approx((200 - 77) * 0.1, rel=1e-3)
    assert ask(device, "KRDG? A") == "+200.000"


def test_without_integral_the_loop_stays_below_by_what_its_gain_needs(clock):
    device = make(clock)
    ask(device, "PID 1,5,0,0;SETP 1,200;RANGE 1,3")
    clock.sleep(6000)
    reached = device.temperature_at(clock.now())
    percent = 5 * (200 - reached)
    assert (reached - 77) * 0.1 == pytest.approx(25 * (percent / 100) ** 2, rel=1e-4)


def test_with_the_range_off_it_never_heats(clock):
    device = make(clock)
    ask(device, "SETP 1,200")
    clock.sleep(600)
    assert device.heater_power() == 0
    assert ask(device, "HTR? 1;KRDG? A") == "+000.0;+077.000"


def test_the_past_does_not_depend_on_who_looks_and_when(clock):
    def run(pauses):
        clock = VirtualClock()
        device = LakeShore(clock, load=ThermalLoad(noise=0.0))
        device.receive(b"SETP 1,150;RANGE 1,3\n")
        for pause in pauses:
            clock.sleep(pause)
            device.temperature_at(clock.now())
            device.temperature_at(clock.now() + 3)
        return course(device, 0, 400, 3.7)

    assert run([400]) == pytest.approx(run([0.37] * 1100), abs=1e-6)


def test_what_is_foretold_happens_if_nobody_interferes(clock):
    device = make(clock)
    ask(device, "RAMP 1,1,30;SETP 1,120;RANGE 1,3")
    clock.sleep(20)
    foretold = course(device, clock.now(), clock.now() + 200, 1.3)
    begin = clock.now()
    clock.sleep(200)
    assert course(device, begin, begin + 200, 1.3)[: len(foretold)] == pytest.approx(foretold)
    before = course(device, 0, clock.now(), 0.7)
    ask(device, "SETP 1,80;RANGE 1,0")
    clock.sleep(60)
    assert np.array_equal(course(device, 0, len(before) * 0.7 - 0.35, 0.7), before)


def test_an_hour_of_a_closed_loop_costs_little(clock):
    def cost():
        device = make(clock)
        ask(device, "RAMP 1,1,1.0;SETP 1,200;RANGE 1,3")
        clock.sleep(3600)
        begin = time.process_time()
        device.temperature_at(clock.now())
        return time.process_time() - begin

    assert min(cost() for _ in range(3)) < 0.3


def test_a_ramp_moves_the_set_point_and_the_stage_follows(clock):
    device = make(clock)
    ask(device, "RANGE 1,3;RAMP 1,1,6;SETP 1,127")
    begin = clock.now()
    assert ask(device, "RAMPST? 1;OPST?") == "1;016"
    clock.sleep(100 + begin - clock.now())
    assert float(ask(device, "SETP? 1")) == pytest.approx(87.0, abs=0.03)
    clock.sleep(350)
    rate = (device.temperature_at(begin + 450) - device.temperature_at(begin + 400)) / 50
    assert rate == pytest.approx(0.1, rel=0.02)
    clock.sleep(60)
    assert ask(device, "RAMPST? 1;SETP? 1") == "0;+127.000"
    assert int(ask(device, "OPST?")) & 8
    assert int(ask(device, "OPSTR?")) & 8
    assert not int(ask(device, "OPSTR?")) & 8


def test_a_set_point_written_during_a_ramp_turns_it_round(clock):
    device = make(clock)
    ask(device, "RANGE 1,3;RAMP 1,1,60;SETP 1,177")
    clock.sleep(30)
    ask(device, "SETP 1,90")
    turned = float(ask(device, "SETP? 1"))
    assert 105 < turned < 108.2
    clock.sleep(10)
    assert float(ask(device, "SETP? 1")) == pytest.approx(turned - 10.1, abs=0.3)
    ask(device, "RAMP 1,0,60")
    assert ask(device, "SETP? 1;RAMPST? 1") == "+090.000;0"


def test_a_ramp_switched_on_after_the_set_point_comes_too_late(clock):
    device = make(clock)
    ask(device, "SETP 1,200;RAMP 1,1,10")
    assert ask(device, "SETP? 1;RAMPST? 1") == "+200.000;0"


def test_the_set_point_is_in_the_units_of_the_controlling_sensor(clock):
    device = make(clock, load=ROOM)
    assert ask(device, "INTYPE A,1,0,0,0,2;SETP? 1") == "+025.000"
    assert ask(device, "SETP 1,40;INTYPE A,1,0,0,0,1;SETP? 1") == "+313.150"
    assert ask(device, "INTYPE A,1,0,0,0,3;SETP 1,0.50691;SETP? 1;*ESR?") == "+000.507;0"
    assert ask(device, "INTYPE A,1,0,0,0,1;SETP? 1") == "+305.000"


def test_the_set_point_may_be_seen_late(clock):
    device = make(clock, setpoint_delay_s=0.5)
    ask(device, "SETP 1,80")
    assert ask(device, "SETP? 1") == "+077.000"
    clock.sleep(0.5)
    assert ask(device, "SETP? 1") == "+080.000"


def test_autotuning_takes_its_time_and_finds_what_settles_sooner(clock):
    device = make(clock, tuning_s=100.0)
    ask(device, "PID 1,5,1,0;SETP 1,120;RANGE 1,3;ATUNE 1,2")
    assert ask(device, "TUNEST?") == "1,1,0,01"
    clock.sleep(50)
    assert ask(device, "TUNEST?;PID? 1") == "1,1,0,06;+0005.0,+0001.0,+0000.0"
    clock.sleep(60)
    assert ask(device, "TUNEST?") == "0,1,0,00"
    assert int(ask(device, "OPST?")) & 32
    p, i, d = (float(value) for value in ask(device, "PID? 1").split(","))
    assert p > 5
    assert i > 1
    assert d == 100
    clock.sleep(200)
    begin = clock.now()
    ask(device, "SETP 1,125")
    clock.sleep(300)
    assert abs(course(device, begin + 150, begin + 300) - 125).max() < 0.01


@pytest.mark.parametrize("spoiled", ["RANGE 1,0", "OUTMODE 1,3,1,0", "RAMP 1,1,1;SETP 1,100"])
def test_autotuning_fails_where_it_cannot_begin(clock, spoiled):
    device = make(clock)
    ask(device, f"SETP 1,80;RANGE 1,1;{spoiled};ATUNE 1,1")
    assert ask(device, "TUNEST?;PID? 1") == "0,1,1,00;+0050.0,+0020.0,+0000.0"


def test_a_zone_gives_the_loop_its_parameters(clock):
    device = make(clock, load=ThermalLoad(heat_capacity=4.0, noise=0.0))
    ask(device, "ZONE 1,1,100,5,0,0,0,1,1,0;ZONE 1,2,400,5,0,0,0,3,1,0")
    ask(device, "OUTMODE 1,2,1,0;SETP 1,90;RANGE 1,1")
    clock.sleep(1)
    assert device.heater_power() == pytest.approx(25 / 100 * (5 * 12.8 / 100) ** 2, rel=0.05)
    ask(device, "SETP 1,200")
    clock.sleep(1)
    assert device.heater_power() == pytest.approx(25.0)


def test_a_warm_up_supply_switches_itself_off_at_the_set_point(clock):
    load = ThermalLoad(heat_capacity=0.1, link=0.01, noise=0.0)
    device = make(clock, load={3: load})
    ask(device, "OUTMODE 3,5,3,0;WARMUP 3,0,50;SETP 3,87;RANGE 3,1")
    clock.sleep(1)
    assert device.heater_power(3) == pytest.approx(0.25)
    clock.sleep(30)
    assert device.heater_power(3) == 0
    assert ask(device, "AOUT? 3") == "+000.0"


def test_a_monitor_output_follows_its_reading_and_heats_nothing(clock):
    device = make(clock)
    ask(device, "OUTMODE 4,4,1,0;ANALOG 4,1,1,100,50,0;RANGE 4,1")
    clock.sleep(1)
    assert ask(device, "AOUT? 4") == "+054.0"
    assert device.heater_power(4) == 0

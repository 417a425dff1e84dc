"""The simulated Lake Shore controllers: sensors, limits, alarms and faults."""

import math

import numpy as np
import pytest

from labcool.clock import VirtualClock
from simulators._lakeshore_curves import PLATINUM_SENSOR
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


def test_readings_scatter_by_the_noise_and_a_filter_calms_them(clock):
    device = make(clock, load=ThermalLoad(bath=250.0, noise=0.05))

    def scatter():
        return np.std([float(ask(device, "KRDG? A")) for _ in range(300)])

    assert scatter() == pytest.approx(0.05, rel=0.2)
    ask(device, "FILTER A,1,25,10")
    assert scatter() == pytest.approx(0.01, rel=0.2)


def test_two_questions_within_a_tenth_of_a_second_get_the_same_reading(clock):
    device = make(clock, load=ThermalLoad(bath=250.0, noise=1.0))
    first, second = ask(device, "KRDG? A;KRDG? A").split(";")
    assert first == second != ask(device, "KRDG? A")


@pytest.mark.parametrize(("kelvin", "volts"), [(77.35, 1.02032), (305.0, 0.50691)])
def test_the_diode_reads_as_the_makers_typical_one(clock, kelvin, volts):
    device = make(clock, load=ThermalLoad(bath=kelvin, noise=0))
    assert float(ask(device, "SRDG? A")) == pytest.approx(volts, abs=1e-5)


@pytest.mark.parametrize(
    ("in_celsius", "ohms"), [(-200, 18.52), (-100, 60.26), (0, 100.0), (100, 138.51), (400, 247.09)]
)
def test_the_platinum_resistor_reads_as_the_table_of_iec_60751(clock, in_celsius, ohms):
    load = ThermalLoad(bath=in_celsius + 273.15, sensor=PLATINUM_SENSOR, noise=0)
    device = make(clock, load={2: load})
    assert float(ask(device, "SRDG? B")) == pytest.approx(ohms, abs=0.006)
    assert ask(device, "INTYPE? B;INCRV? B") == "2,0,0,0,1;06"
    assert float(ask(device, "CRDG? B")) == pytest.approx(in_celsius, abs=0.02)


def test_a_user_curve_serves_an_input(clock):
    device = make(clock, load=ROOM)
    ask(device, 'CRVHDR 21,"Mine","S1",2,400.0,1;CRVPT 21,1,0.2,400;CRVPT 21,2,1.2,100')
    assert ask(device, "CRVHDR? 21") == "Mine           ,S1        ,2,+400.000,1"
    assert ask(device, "CRVPT? 21,2;CRVPT? 21,3") == "+01.20000,+100.000;+00.00000,+000.000"
    volts = float(ask(device, "SRDG? A"))
    assert float(ask(device, "INCRV A,21;KRDG? A")) == pytest.approx(460 - 300 * volts, abs=0.01)
    ask(device, "CRVDEL 21")
    assert ask(device, "RDGST? A;KRDG? A") == "001;+000.000"
    assert ask(device, "INCRV A,2;INCRV? A") == "00"


@pytest.mark.parametrize(("kelvin", "bits"), [(480.0, 33), (1.2, 17), (300.0, 0)])
def test_off_its_curve_a_reading_is_not_valid(clock, kelvin, bits):
    device = make(clock, load=ThermalLoad(bath=kelvin, noise=0.0))
    assert int(ask(device, "RDGST? A")) == bits


def test_an_open_sensor_reads_zero_and_stops_the_heating(clock):
    device = make(clock)
    ask(device, "SETP 1,200;RANGE 1,3")
    clock.sleep(20)
    assert device.heater_power() > 20
    device.sensor_open = {"A"}
    clock.sleep(0.2)
    assert device.heater_power() == 0
    assert ask(device, "KRDG? A;SRDG? A;RDGST? A") == "+000.000;+0.00000;129"
    assert int(ask(device, "OPST?")) & 2
    device.sensor_open = set()
    clock.sleep(0.2)
    assert device.heater_power() > 20
    assert ask(device, "RDGST? A;RANGE? 1") == "000;3"


@pytest.mark.parametrize(("fault", "code"), [("heater_open", "1"), ("heater_short", "2")])
@pytest.mark.parametrize("clears", [True, False])
def test_a_heater_fault_is_reported_and_switches_off(clock, fault, code, clears):
    device = make(clock, heater_status_clears=clears)
    setattr(device, fault, {1})
    clock.sleep(5)
    assert ask(device, "HTRST? 1") == "0"
    ask(device, "SETP 1,200;RANGE 1,3")
    clock.sleep(2)
    assert ask(device, "RANGE? 1;HTRST? 1") == f"0;{code}"
    assert ask(device, "HTRST? 1") == ("0" if clears else code)
    assert course(device, 0, clock.now()).max() == pytest.approx(77.0)


def test_a_temperature_limit_shuts_off_all_outputs(clock):
    device = make(clock)
    ask(device, "TLIMIT A,100;SETP 1,200;RANGE 1,3;SETP 2,90;RANGE 2,2;OUTMODE 3,3,3,0;RANGE 3,1")
    assert ask(device, "RANGE? 1;RANGE? 2;RANGE? 3") == "3;2;1"
    clock.sleep(120)
    assert ask(device, "RANGE? 1;RANGE? 2;RANGE? 3;*ESR?") == "0;0;0;0"
    assert 100 < course(device, 0, clock.now()).max() < 102
    ask(device, "TLIMIT A,0;RANGE 1,3")
    clock.sleep(30)
    assert ask(device, "RANGE? 1") == "3"


def test_an_alarm_comes_goes_with_its_deadband_and_may_latch(clock):
    load = ThermalLoad(bath=77.0, start=110.0, noise=0.0)
    device = make(clock, load=load)
    ask(device, "ALARM A,1,105,50,3,0,0,0")
    clock.sleep(1)
    assert ask(device, "ALARMST? A;RELAYST? 1") == "1,0;0"
    assert ask(device, "RELAY 1,2,A,1;RELAYST? 1") == "1"
    assert int(ask(device, "OPST?")) & 1
    below_high = 400 * math.log((110 - 77) / (104 - 77))
    clock.sleep(below_high)
    assert ask(device, "ALARMST? A") == "1,0"
    clock.sleep(40)
    assert ask(device, "ALARMST? A;RELAYST? 1") == "0,0;0"
    ask(device, "ALARM A,1,90,50,0,1,0,0")
    clock.sleep(600)
    assert float(ask(device, "KRDG? A")) < 90
    assert ask(device, "ALARMST? A") == "1,0"
    ask(device, "ALMRST")
    assert ask(device, "ALARMST? A") == "0,0"
    assert ask(device, "ALARM A,0,,,,,,;ALARM? A;*ESR?").startswith("0,+090.000,")


def test_extremes_are_kept_until_reset(clock):
    device = make(clock, load=ThermalLoad(start=200.0, noise=0.0))
    clock.sleep(400)
    lowest, highest = (float(value) for value in ask(device, "MDAT? A").split(","))
    assert (lowest, highest) == (
        pytest.approx(77 + 123 / math.e, abs=0.5),
        pytest.approx(200, abs=1),
    )
    ask(device, "MNMXRST")
    clock.sleep(2)
    assert float(ask(device, "MDAT? A").split(",")[1]) < 123


def test_the_status_byte_sums_up_what_is_enabled(clock):
    device = make(clock)
    ask(device, "*ESE 32;*SRE 32;OPSTE 2")
    assert ask(device, "*STB?") == "0"
    ask(device, "NONSENSE")
    assert ask(device, "*STB?") == str(32 + 64)
    device.sensor_open = {"B"}
    assert ask(device, "*STB?") == str(32 + 64 + 128)
    ask(device, "*CLS")
    assert ask(device, "*STB?;*ESE?;*SRE?;OPSTE?") == "0;32;32;002"


def test_a_reset_forgets_settings_but_neither_curves_nor_what_is_broken(clock):
    device = make(clock)
    device.sensor_open = {"B"}
    ask(device, "CRVPT 21,1,0.5,300;PID 1,1,1,1;RANGE 1,3;*RST")
    assert ask(device, "RANGE? 1;PID? 1") == "0;+0050.0,+0020.0,+0000.0"
    assert ask(device, "CRVPT? 21,1;RDGST? B") == "+00.50000,+300.000;129"

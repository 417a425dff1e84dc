"""The simulated PM100D: its language, and what light and settings do to its readings."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymeasure.instruments.thorlabs import ThorlabsPM100USB

from labcool.clock import VirtualClock
from simulators._pm100d_sensor import responsivity
from simulators.memory import MemoryLink
from simulators.pm100d import OVER_RANGE, PM100D

DARK = 1e-9


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def device(clock):
    return meter(clock, 1.234e-3)


def meter(clock, watts, wavelength=532.0, **options):
    power = watts if callable(watts) else lambda _: watts
    dark = {"dark_current": 0.0, "noise": 0.0}
    device = PM100D(clock, power=power, wavelength=wavelength, **(dark | options))
    device.receive(b"SENS:CORR:WAV 532\n*CLS\n")
    return device


def ask(device, command, wait=0.02):
    device.receive(command.encode("latin-1") + b"\n")
    device.clock.sleep(wait)
    return device.transmit().decode()


def power(device):
    return float(ask(device, "MEAS:POW?"))


def error(device):
    return int(ask(device, "SYST:ERR?").split(",")[0])


def test_the_worked_bytes(device):
    device.receive(bytes.fromhex("4d4541533a504f573f0a"))
    device.clock.sleep(0.01)
    assert device.transmit() == b"1.234000E-03\n"
    device.receive(bytes.fromhex("53454e533a434f52523a574156203533320a"))
    device.clock.sleep(1)
    assert device.transmit() == b""
    assert ask(device, "SYST:SENS:IDN?") == "S121C,12345678,01-JAN-2026,1,18,289\n"


@pytest.mark.parametrize(
    "header",
    [
        "SENS:CORR:WAV",
        "SENSE:CORR:WAV",
        "sense:correction:wavelength",
        ":corr:wav",
        "Corr:Wavelength",
    ],
)
def test_headers_may_be_short_or_long(device, header):
    assert float(ask(device, f"{header} 785;{header.split(':')[-1]}?")) == 785
    assert float(ask(device, f"{header}? MIN\r")) == 400
    assert float(ask(device, f"{header}? MAX")) == 1100


def test_a_command_line_goes_on_from_where_it_was(device):
    assert ask(device, "SENS:CORR:WAV 600;LOSS 3;:SENS:AVER 7") == ""
    assert ask(device, "SENS:CORR:WAV?;LOSS?;:AVER:COUN?") == ("6.000000E+02\n3.000000E+00\n7\n")
    assert error(device) == 0


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("SENS:CORR:WAVE 500", -113),
        ("MEAS:ENER?", -113),
        ("SYST:SENS:IDN", -113),
        ("SENS:CORR:WAV", -109),
        ("SENS:CORR:WAV blue", -104),
        ("SENS:CORR:WAV 399", -222),
        ("SENS:CORR:WAV 1101", -222),
        ("SENS:CORR:WAV? 5", -224),
        ("SENS:AVER:COUN 0", -222),
        ("SENS:POW:UNIT J", -224),
        ("SENS:POW:RANG 10", -222),
        ("SENS:CORR:COLL:ZERO:INIT 1", -108),
        ("*IDN? 1", -108),
    ],
)
def test_a_mistake_is_answered_by_silence_and_queued(device, command, code):
    assert ask(device, command) == ""
    assert int(ask(device, "*STB?")) & 4
    assert int(ask(device, "*ESR?")) == (16 if code <= -200 else 32)
    assert error(device) == code
    assert error(device) == 0
    assert float(ask(device, "SENS:CORR:WAV?")) == 532


def test_the_error_queue_keeps_the_order_and_overflows(device):
    ask(device, "X\nSENS:CORR:WAV 1")
    assert (error(device), error(device)) == (-113, -222)
    for _ in range(30):
        ask(device, "X")
    codes = [error(device) for _ in range(21)]
    assert codes == [-113] * 19 + [-350, 0]
    ask(device, "X;*CLS")
    ask(device, "*CLS")
    assert error(device) == 0


def test_a_number_may_have_a_unit(device):
    ask(device, "SENS:CORR:WAV 633.5 nm")
    assert float(ask(device, "SENS:CORR:WAV?")) == 633.5
    ask(device, "SENS:POW:RANG 1mW")
    assert float(ask(device, "SENS:POW:RANG?")) == pytest.approx(50e-6 / responsivity(633.5))


def test_an_average_takes_three_milliseconds_a_sample(device, clock):
    begin = clock.now()
    ask(device, "SENS:AVER:COUN 100")
    device.receive(b"MEAS:POW?\nSENS:AVER:COUN?\n")
    begin = clock.now()
    clock.sleep(0.299)
    assert device.transmit() == b""
    clock.sleep(begin + 0.303 - clock.now())
    assert device.transmit() == b"1.234000E-03\n100\n"


def test_it_averages_the_light_of_that_time(clock):
    device = meter(clock, lambda moment: 1e-3 if moment < 10.3 else 0.0)
    ask(device, "SENS:AVER:COUN 320")
    clock.sleep(10 - clock.now())
    assert float(ask(device, "MEAS:POW?", 2)) == pytest.approx(1e-3 * 0.3 / 0.96, rel=0.05)


@pytest.mark.parametrize(("true", "told"), [(532.0, 785.0), (785.0, 532.0), (1030.0, 532.0)])
def test_a_wrong_wavelength_makes_the_reading_wrong_by_the_responsivities(clock, true, told):
    device = meter(clock, 1e-3, true)
    ask(device, f"SENS:CORR:WAV {told}")
    wrong = responsivity(true) / responsivity(told)
    assert power(device) == pytest.approx(1e-3 * wrong, rel=1e-6)
    assert abs(wrong - 1) > 0.3
    ask(device, f"SENS:CORR:WAV {true}")
    assert power(device) == pytest.approx(1e-3, rel=1e-6)


def test_zero_with_the_beam_blocked_removes_the_offset(clock):
    light = {"on": False}
    device = meter(clock, lambda _: 1e-6 if light["on"] else 0.0, dark_current=DARK)
    assert power(device) == pytest.approx(DARK / responsivity(532), rel=1e-6)
    ask(device, "SENS:CORR:COLL:ZERO:INIT")
    assert ask(device, "SENS:CORR:COLL:ZERO:STAT?") == "1\n"
    clock.sleep(1)
    assert ask(device, "SENS:CORR:COLL:ZERO:STAT?") == "0\n"
    assert float(ask(device, "SENS:CORR:COLL:ZERO:MAGN?")) == pytest.approx(DARK)
    assert power(device) == pytest.approx(0.0, abs=1e-15)
    light["on"] = True
    assert power(device) == pytest.approx(1e-6, rel=1e-6)


def test_zero_with_the_beam_open_spoils_the_readings(device, clock):
    ask(device, "SENS:CORR:COLL:ZERO")
    clock.sleep(2)
    assert power(device) == pytest.approx(0.0, abs=1e-15)


def test_zeroing_may_be_given_up(device, clock):
    ask(device, "SENS:CORR:COLL:ZERO:INIT;ABOR")
    clock.sleep(2)
    assert power(device) == pytest.approx(1.234e-3)


def test_the_automatic_range_follows_the_light(clock):
    light = {"watts": 0.0}
    device = meter(clock, lambda _: light["watts"])
    for watts, top in ((1e-6, 50e-9), (1e-4, 500e-9), (1e-2, 50e-6), (1.0, 5e-3)):
        light["watts"] = watts
        assert power(device) == pytest.approx(watts)
        assert float(ask(device, "SENS:POW:RANG?")) == pytest.approx(top / responsivity(532))
    assert ask(device, "STAT:QUES:COND?") == "0\n"
    light["watts"] = 2.0
    assert power(device) == OVER_RANGE == 9.9e37
    assert ask(device, "STAT:QUES:COND?") == "8\n"


def test_a_fixed_range_is_rounded_up_and_overflows(device):
    ask(device, "SENS:POW:RANG:UPP 0.0002")
    assert ask(device, "SENS:POW:RANG:AUTO?") == "0\n"
    assert power(device) == 9.9e37
    ask(device, "SENS:POW:RANG:UPP MAX")
    assert power(device) == pytest.approx(1.234e-3)
    ask(device, "SENS:POW:RANG:UPP MIN;AUTO ON")
    assert power(device) == pytest.approx(1.234e-3)


def test_noise_falls_with_the_range_and_the_average(clock):
    def spread(setting):
        device = meter(clock, 1e-6, noise=1e-3, rng=np.random.default_rng(5))
        ask(device, setting)
        return np.std([power(device) for _ in range(300)])

    assert spread("SENS:POW:RANG MAX") == pytest.approx(5e-6 / responsivity(532), rel=0.15)
    assert spread("SENS:POW:RANG MIN") == pytest.approx(5e-11 / responsivity(532), rel=0.15)
    averaged = spread("SENS:POW:RANG MIN;:SENS:AVER 4")
    assert averaged == pytest.approx(2.5e-11 / responsivity(532), rel=0.15)


def test_loss_and_unit(device):
    ask(device, "SENS:CORR:LOSS 10")
    assert power(device) == pytest.approx(1.234e-2)
    ask(device, "SENS:POW:UNIT DBM")
    assert power(device) == pytest.approx(10 * np.log10(12.34), rel=1e-6)
    assert ask(device, "*RST;SENS:POW:UNIT?") == "W\n"


def test_without_a_sensor_it_measures_nothing(device):
    device.sensor_connected = False
    assert ask(device, "SYST:SENS:IDN?").startswith("no sensor,")
    assert ask(device, "MEAS:POW?") == ""
    assert error(device) == -241


def test_answers_that_nobody_reads_come_before_the_next(device):
    device.receive(b"SENS:AVER:COUN?\n")
    assert ask(device, "SENS:CORR:WAV?") == "1\n5.320000E+02\n"


def test_pymeasure_drives_it(clock):
    device = meter(clock, 2e-3, 785.0)
    link = MemoryLink(device, clock)
    adapter = link.open(write_termination="\n", read_termination="\n")
    with pytest.warns(FutureWarning, match="SCPI"):
        driver = ThorlabsPM100USB(adapter)
    assert (driver.sensor_name, driver.is_power_sensor, driver.wavelength_settable) == (
        "S121C",
        True,
        True,
    )
    assert driver.has_temperature_sensor
    assert not driver.is_energy_sensor
    assert driver.id == "Thorlabs,PM100D,P0000001,2.7.0"
    assert driver.power == pytest.approx(2e-3 * responsivity(785) / responsivity(532))
    driver.wavelength = 785
    assert driver.wavelength == 785
    assert driver.power == pytest.approx(2e-3)
    assert driver.next_error == [0, '"No error"']


WORDS = ["MEAS:POW?", "SENS:CORR:WAV 600", "SENS:CORR:COLL:ZERO:INIT", "INIT", "SENS:AVER 9"]
WORDS += ["SENS:POW:RANG MIN", "SENS:POW:UNIT DBM", ";;:", "*RST", "*OPC?", "SENS:CORR:LOSS -60"]
LINES = st.lists(st.sampled_from(WORDS).map(str.encode) | st.binary(max_size=60), max_size=8)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(LINES, st.floats(0, 2))
def test_whatever_arrives_it_lives_on(lines, wait):
    device = meter(VirtualClock(), 1e-3, dark_current=DARK, noise=1e-4)
    for line in lines:
        device.receive(line + b"\n")
        device.clock.sleep(wait)
        device.transmit()
    device.clock.sleep(10)
    device.transmit()
    assert re.fullmatch(r"[0-9]+\n", ask(device, "*RST;:SENS:AVER:COUN?"))

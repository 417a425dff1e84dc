"""The simulated SR830 under PyMeasure's own driver, where that one speaks as the manual says."""

from types import SimpleNamespace

import numpy as np
import pytest
from pymeasure.instruments import srs

from labcool.clock import VirtualClock
from simulators.memory import MemoryLink
from simulators.sr830 import SR830


@pytest.fixture
def clock(monkeypatch):
    clock = VirtualClock()
    monkeypatch.setattr(srs.sr830, "time", SimpleNamespace(sleep=clock.sleep))
    return clock


@pytest.fixture
def device(clock):
    return SR830(
        clock,
        signal=lambda _: 0.6e-3 + 0.8e-3j,
        reference=lambda _: 137.0,
        noise_density=0.0,
        aux_in=lambda channel, _: 0.1 * channel,
    )


@pytest.fixture
def driver(device, clock):
    link = MemoryLink(device, clock)
    return srs.SR830(link.open(write_termination="\n", read_termination="\n", timeout=1000))


def test_identity_and_settings_go_there_and_back(driver):
    assert driver.id == "Stanford_Research_Systems,SR830,s/n12345,ver1.07"
    for name, value in {
        "sine_voltage": 0.5,
        "frequency": 432.1,
        "phase": -45.5,
        "sensitivity": 5e-3,
        "time_constant": 0.3,
        "filter_slope": 24,
        "filter_synchronous": False,
        "harmonic": 2,
        "input_config": "A - B",
        "input_grounding": "Ground",
        "input_coupling": "DC",
        "input_notch_config": "Both",
        "reference_source": "External",
        "reference_source_trigger": "POS EDGE",
        "aux_out_3": -2.5,
        "reserve": "High Reserve",
    }.items():
        setattr(driver, name, value)
        assert getattr(driver, name) == value
    assert driver.ask("*ESR?").strip() == "128"


def test_it_measures_what_is_there(driver, clock):
    driver.reference_source = "External"
    driver.sensitivity = 2e-3
    clock.sleep(5)
    assert (driver.x, driver.y) == pytest.approx((0.6e-3, 0.8e-3))
    assert (driver.magnitude, driver.theta) == pytest.approx((1e-3, 53.1301))
    assert driver.snap("X", "Frequency", "Aux In 4") == pytest.approx([0.6e-3, 137.0, 0.4])
    assert driver.aux_in_2 == pytest.approx(0.2)
    assert driver.get_scaling("X") == (0.0, 1)
    driver.auto_offset("X")
    assert driver.get_scaling("X") == (30.0, 1)
    assert driver.output_conversion("X")(driver.x) == pytest.approx(0.6e-3)


def test_quick_range_ends_where_the_signal_fits(driver, clock):
    driver.reference_source = "External"
    driver.reserve = "High Reserve"
    driver.sensitivity = 1e-6
    clock.sleep(2)
    assert driver.is_out_of_range()
    driver.quick_range()
    assert driver.sensitivity == 2e-3
    assert not driver.is_out_of_range()


def test_the_buffer_is_read_back(driver, clock):
    driver.reference_source = "External"
    clock.sleep(5)
    driver.sample_frequency = 64
    driver.reset_buffer()
    driver.start_scan()
    clock.sleep(1.005)
    driver.pause_scan()
    assert driver.buffer_count == 64
    assert driver.get_buffer(1, 4, 10) == pytest.approx(np.full(6, 0.6e-3))
    assert driver.get_buffer(2) == pytest.approx(np.full(64, 0.8e-3))


def test_its_set_scaling_is_refused_as_by_the_instrument(driver):
    driver.ask("*ESR?")
    driver.set_scaling("X", 10, 10)
    assert driver.ask("*ESR?").strip() == "16"
    assert driver.get_scaling("X") == (0.0, 1)

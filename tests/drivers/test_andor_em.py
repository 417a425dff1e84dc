"""The EM gain of the Andor driver: its limits, the light it needs to have seen, its noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from andor_double import AndorDouble, connected
from hypothesis import given
from hypothesis import strategies as st

from drivers._andor_readout import excess_noise
from drivers.andor import AndorSpectrometer
from labcool.clock import VirtualClock
from labcool.errors import InstrumentRefused, LimitError

Connect = Callable[..., AndorSpectrometer]


@pytest.fixture
def double() -> Iterator[AndorDouble]:
    made = AndorDouble(VirtualClock(), pixels=64)
    made.light[:] = 200
    yield made
    assert made.crashes == []


@pytest.fixture
def connect(double: AndorDouble) -> Connect:
    return partial(connected, double, amplifier="em")


def test_gain_is_real_and_begins_off(double: AndorDouble, connect: Connect) -> None:
    double.gain = 100
    assert connect().em_gain == 1
    assert double.times("SetEMGainMode") == [(3,)]


def test_gain_is_set_and_read_back(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    spectrometer.acquire()
    spectrometer.em_gain = 40
    assert (double.gain, spectrometer.em_gain) == (40, 40)
    assert spectrometer.electrons_per_count == 4.0 / 40
    assert spectrometer.read_noise == 6.0 / 4.0
    spectrometer.em_gain = 1
    assert (double.gain, spectrometer.em_gain) == (0, 1)
    double._SetEMCCDGain = lambda gain: setattr(double, "gain", 7 if gain else 0)  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match="gain is 7 although 40 was set"):
        spectrometer.em_gain = 40
    assert double.gain == 0


@pytest.mark.parametrize("gain", [0, -1, 301, 1000, 2.5, True, math.nan, "5"])
def test_gain_out_of_range_is_never_sent(double: AndorDouble, connect: Connect, gain: Any) -> None:
    double.values["GetEMGainRange"] = (2, 1000)
    spectrometer = connect()
    spectrometer.acquire()
    sent = len(double.orders)
    with pytest.raises(LimitError, match="camera em_gain") as caught:
        spectrometer.em_gain = gain
    assert "300" in caught.value.allowed
    assert len(double.orders) == sent
    assert (1,) not in double.times("SetEMAdvanced")


def test_conventional_amplifier_has_no_gain(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(amplifier="conventional")
    spectrometer.acquire()
    assert not double.times("SetEMGainMode")
    assert (spectrometer.em_gain, spectrometer.excess_noise_factor) == (1, 1.0)
    with pytest.raises(LimitError, match="camera em_gain"):
        spectrometer.em_gain = 2


def test_camera_without_real_gain_is_refused(double: AndorDouble, connect: Connect) -> None:
    double.codes["SetEMGainMode"] = 20991
    with pytest.raises(InstrumentRefused, match="no real EM gain"):
        connect()


def test_minimum_of_the_range_where_zero_is_refused(double: AndorDouble, connect: Connect) -> None:
    double.values["GetEMGainRange"] = (1, 300)
    spectrometer = connect()

    def real_only(gain: int) -> int | None:
        if gain < 1:
            return 20066
        double.gain = gain
        return None

    double._SetEMCCDGain = real_only  # type: ignore[method-assign]
    spectrometer.acquire()
    spectrometer.em_gain = 30
    spectrometer.make_safe()
    assert (double.gain, spectrometer.em_gain) == (1, 1)


def test_gain_needs_to_have_seen_the_light(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    with pytest.raises(InstrumentRefused, match="needs a spectrum"):
        spectrometer.em_gain = 2
    spectrometer.shutter = "closed"
    spectrometer.acquire()
    with pytest.raises(InstrumentRefused, match="needs a spectrum"):
        spectrometer.em_gain = 2
    spectrometer.shutter = "auto"
    spectrometer.acquire()
    spectrometer.em_gain = 2
    assert double.gain == 2


def test_gain_is_refused_with_bright_light(double: AndorDouble, connect: Connect) -> None:
    double.light[20:40] += 1000
    spectrometer = connect(exposure=0.1)
    spectrometer.acquire()
    # 201 counts without light, 1000 with it: 63 times that stays below 64 224.
    with pytest.raises(InstrumentRefused, match=r"EM gain 65 .* 65201 counts.*64224"):
        spectrometer.em_gain = 65
    spectrometer.em_gain = 63
    with pytest.raises(InstrumentRefused, match=r"EM gain 63 with 0.11 s is too much"):
        spectrometer.exposure = 0.11
    assert spectrometer.exposure == 0.1
    spectrometer.exposure = 0.05
    assert double.gain == 63


def test_cosmic_ray_is_no_bright_light(double: AndorDouble, connect: Connect) -> None:
    double.light[[3, 4, 5, 6]] = 60_000
    spectrometer = connect()
    spectrometer.acquire()
    spectrometer.em_gain = 100
    assert spectrometer.acquire().saturated is False
    double.light[[3, 4, 5, 6]] = 65_000
    assert spectrometer.acquire().saturated is True
    assert double.gain == 100


def test_saturation_switches_the_gain_off_until_it_is_set_again(
    double: AndorDouble, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    spectrometer = connect()
    spectrometer.acquire()
    spectrometer.em_gain = 100
    double.light[20:40] = 65_000
    spectrum = spectrometer.acquire()
    assert spectrum.saturated is True
    assert double.gain == 0
    assert "saturates at EM gain 100; the gain is switched off" in caplog.text
    double.light[20:40] = 300
    with pytest.raises(InstrumentRefused, match="camera: the EM gain was switched off"):
        spectrometer.acquire()
    with pytest.raises(InstrumentRefused, match="too much for this light"):
        spectrometer.em_gain = 2
    spectrometer.em_gain = 1
    assert spectrometer.acquire().saturated is False
    spectrometer.em_gain = 100


def test_light_of_each_frame_counts(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(averages=100)
    double.light[20:40] = 64_100
    spectrometer.acquire()
    spectrometer.averages = 200
    spectrometer.acquire()
    with pytest.raises(InstrumentRefused, match="too much for this light"):
        spectrometer.em_gain = 2


def test_another_axis_is_another_light(connect: Connect) -> None:
    spectrometer = connect()
    spectrometer.acquire()
    spectrometer.wavelength_coefficients = [700.0, 1.0]
    with pytest.raises(InstrumentRefused, match="needs a spectrum"):
        spectrometer.em_gain = 2


def test_excess_noise_is_that_of_a_register_simulated_stage_by_stage() -> None:
    rng = np.random.default_rng(8)
    stages, gain, inputs = 536, 50.0, 40_000
    electrons = np.ones(inputs, dtype=np.int64)
    for _ in range(stages):
        electrons += rng.binomial(electrons, gain ** (1 / stages) - 1)
    # One electron at the input: variance/mean² of the output is F² - 1.
    simulated = math.sqrt(1 + electrons.var() / electrons.mean() ** 2)
    assert electrons.mean() == pytest.approx(gain, rel=0.02)
    assert simulated == pytest.approx(excess_noise(gain), rel=0.01)


@given(st.floats(min_value=1.0, max_value=300.0))
def test_excess_noise_is_between_one_and_root_two(gain: float) -> None:
    assert 1.0 <= excess_noise(gain) < math.sqrt(2)
    assert excess_noise(300.0) == pytest.approx(math.sqrt(2), rel=0.01)
    assert excess_noise(1.0) == 1.0


def test_register_may_be_full_before_the_converter(
    double: AndorDouble, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    double.values["GetSensitivity"] = (16.0,)
    spectrometer = connect()
    assert spectrometer.saturation_level == 50_000.0
    double.light[3] = 49_100
    assert spectrometer.acquire().saturated is True
    assert connect(amplifier="conventional").saturation_level == 65_535.0
    assert connect(saturation_level=60_000.0).saturation_level == 60_000.0
    assert not caplog.records
    double._GetHeadModel = AndorDouble._GetControllerCardModel.__get__(double)  # type: ignore[method-assign]
    assert connect().saturation_level == 65_535.0
    assert "what the register of a USB holds" in caplog.text

"""What the roles of detection promise: spectrometers, power meters, lock-in amplifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labcool.errors import ConfigurationError, InstrumentRefused
from labcool.spectrum import Spectrum

NAME = "the one under test"
ELECTRONS = 50_000.0
LIGHT_W = 2e-3


class TestSpectrometer:
    CASES = ("Flame-S", "USB2000+", "USB4000", "Andor iXon")

    def test_wavelengths_are_those_of_the_pixels(self, rig: Any) -> None:
        wavelengths = rig.connect().wavelengths
        assert wavelengths.dtype == np.float64
        assert (np.diff(wavelengths) > 0).all()
        np.testing.assert_allclose(wavelengths, rig.device.wavelengths, rtol=1e-12)

    def test_exposure_is_set_in_the_device(self, rig: Any) -> None:
        spectrometer = rig.connect()
        low, high = spectrometer.exposure_range
        assert 0 < low < high
        for seconds in (low, 0.123456, 2.0):
            spectrometer.exposure = seconds
            assert spectrometer.exposure == seconds
            assert rig.device.integration_time == seconds

    @pytest.mark.parametrize("averages", [1, 4])
    def test_spectrum_is_of_light_after_the_call(self, rig: Any, averages: int) -> None:
        spectrometer = rig.connect()
        spectrometer.averages = averages
        assert spectrometer.averages == averages
        for exposure in (0.05, 0.2):
            spectrometer.exposure = exposure
            called = rig.clock.now()
            spectrum = spectrometer.acquire()
            returned = rig.clock.now()
            assert isinstance(spectrum, Spectrum)
            assert (spectrum.exposure, spectrum.averages) == (exposure, averages)
            assert spectrum.counts.shape == spectrometer.wavelengths.shape
            assert np.issubdtype(spectrum.counts.dtype, np.integer) == (averages == 1)
            used = rig.device.lamp.exposures[-averages:]
            assert all(start >= called and duration == exposure for start, duration in used)
            assert exposure * averages <= returned - called < exposure * (averages + 1) + 0.1

    def test_gain_and_read_noise_are_those_of_the_detector(self, rig: Any) -> None:
        spectrometer = rig.connect()
        spectrometer.exposure = 0.01
        lit = [spectrometer.acquire().counts.astype(float) for _ in range(20)]
        rig.device.lamp.electrons = np.zeros_like(rig.device.lamp.electrons)
        dark = [spectrometer.acquire().counts.astype(float) for _ in range(20)]
        inside = slice(*rig.device.model.illuminated)
        counts = (np.mean(lit, axis=0) - np.mean(dark, axis=0))[inside].mean()
        assert counts * spectrometer.electrons_per_count == pytest.approx(ELECTRONS, rel=2e-3)
        assert np.std(dark, axis=0, ddof=1).mean() == pytest.approx(
            spectrometer.read_noise, rel=0.05
        )

    def test_too_much_light_is_saturation(self, rig: Any) -> None:
        spectrometer = rig.connect()
        assert spectrometer.acquire().saturated is False
        rig.device.lamp.electrons[100] = 1e7
        spectrum = spectrometer.acquire()
        assert spectrum.saturated is True
        assert (
            spectrum.counts.max() == spectrometer.saturation_level == rig.device.detector.saturation
        )


class TestPowerMeter:
    CASES = ("PM100D",)

    def test_power_is_that_of_the_light(self, rig: Any) -> None:
        meter = rig.connect()
        meter.wavelength = 532.0
        assert meter.wavelength == 532.0
        meter.averages = 100
        assert meter.averages == rig.device._count == 100
        assert meter.power == pytest.approx(LIGHT_W, rel=1e-4)

    def test_no_power_without_the_wavelength(self, rig: Any) -> None:
        meter = rig.connect()
        with pytest.raises(ConfigurationError, match=NAME):
            _ = meter.power
        meter.wavelength = 532.0
        rig.interfere()
        with pytest.raises(InstrumentRefused, match=NAME):
            _ = meter.power

    def test_power_out_of_range_is_an_error(self, rig: Any) -> None:
        meter = rig.connect()
        meter.wavelength = 532.0
        rig.device._power = lambda _: 10.0
        with pytest.raises(InstrumentRefused, match=NAME):
            _ = meter.power

    def test_zero_takes_what_there_is_for_darkness(self, rig: Any) -> None:
        meter = rig.connect()
        meter.wavelength = 532.0
        rig.device._power = lambda _: 5e-6
        before = len(rig.received)
        with pytest.raises(ConfigurationError, match=NAME):
            meter.zero(beam_blocked=False)
        assert len(rig.received) == before
        assert meter.zero(beam_blocked=True) == pytest.approx(rig.device._zero, rel=1e-5)
        assert rig.device._zero > 0.0
        rig.device._power = lambda _: LIGHT_W
        assert meter.power == pytest.approx(LIGHT_W - 5e-6, rel=1e-4)


class TestLockIn:
    CASES = ("SR830",)

    def prepared(self, rig: Any) -> Any:
        lock_in = rig.connect()
        lock_in.sensitivity = 0.01
        lock_in.time_constant = 0.03
        assert lock_in.sensitivity == rig.device.settings.full_scale == 0.01
        assert lock_in.time_constant == rig.device.settings.time_constant == 0.03
        lock_in.settle()
        return lock_in

    def test_reading_is_the_signal(self, rig: Any) -> None:
        reading = self.prepared(rig).read()
        assert (reading.x, reading.y) == pytest.approx((3e-3, 4e-3), rel=0.02)
        assert reading.r == pytest.approx(5e-3, rel=0.02)
        assert reading.theta == pytest.approx(np.degrees(np.arctan2(4, 3)), abs=0.5)
        assert (reading.overload, reading.unlocked) == (False, False)

    def test_settling_is_waited_for(self, rig: Any) -> None:
        lock_in = self.prepared(rig)
        lock_in.time_constant = 1.0
        rig.device.detector._signal = lambda _: 8e-3
        asked = rig.clock.now()
        lock_in.settle()
        assert lock_in.settling_time <= rig.clock.now() - asked < lock_in.settling_time + 0.5
        assert lock_in.read().x == pytest.approx(8e-3, rel=0.011)

    def test_overload_is_told_once_and_not_hidden(self, rig: Any) -> None:
        lock_in = self.prepared(rig)
        lock_in.sensitivity = 1e-3
        rig.clock.sleep(1.0)
        assert lock_in.read().overload is True
        lock_in.sensitivity = 0.01
        lock_in.settle()
        assert lock_in.read().overload is False

    def test_reference_that_is_not_there_is_told(self, rig: Any) -> None:
        lock_in = self.prepared(rig)
        assert lock_in.reference_frequency == rig.device.settings.reals["FREQ"]
        lock_in.reference_source = "external"
        rig.clock.sleep(1.0)
        assert lock_in.read().unlocked is True
        with pytest.raises(InstrumentRefused, match=NAME):
            lock_in.auto_range()

    @pytest.mark.parametrize("start", [2e-9, 0.01, 1.0])
    def test_auto_range_ends_on_the_smallest_that_holds_the_signal(
        self, rig: Any, start: float
    ) -> None:
        lock_in = self.prepared(rig)
        lock_in.sensitivity = start
        assert lock_in.auto_range() == 0.01
        assert rig.device.settings.full_scale == 0.01
        assert lock_in.read().overload is False

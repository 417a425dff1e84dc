"""What detectors get from a chopped pump and a probe: physics, without any instrument's noise."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from labcool.clock import VirtualClock
from labcool.models import arrhenius_factor
from labcool.units import HC_EV_NM
from simulators._chopper_wheel import Motion
from simulators._chopping import Chopping
from simulators._excitation import Excitation
from simulators._light_history import LightHistory
from simulators._pass_band import PassBand, band_width
from simulators._photothermal import PhotothermalResponse
from simulators._sr830_signal import harmonic_of
from simulators.detection import Detection
from simulators.light_path import LightPath, Optics
from simulators.presets import preset
from simulators.sample import JOULE_PER_EV, Sample

ROMAN, ZHANG = preset("roman2020-film"), preset("zhang2024-film")
ROOM = 298.15
QUIET = Optics(power_noise=0.0, power_drift=0.0)
CHARGE = 1.602176634e-19


class Table:
    """A light path whose devices do what the test says, and its detectors."""

    def __init__(self, sample=ZHANG, *, stage=ROOM, at_lock_in="photothermal", meter_at="sample"):
        self.clock = VirtualClock()
        self.path = LightPath(
            self.clock,
            Sample(sample),
            optics=QUIET,
            rng=np.random.default_rng(1),
            stage_temperature=lambda _: stage,
            history=LightHistory(),
        )
        self.detection = Detection(self.path, at_lock_in=at_lock_in, meter_at=meter_at)
        self.path.shutter_moved(True, 0.0)
        self.path.probe_power_changed(0.05, 0.0)
        self.chop(4000.0)

    def chop(self, hertz, slots=100):
        motion = Motion(self.clock.now(), 0.0, hertz / slots, hertz / slots, 1.0)
        chopping = Chopping(motion, slots, sensed_slots=slots)
        self.path.chopper_moved(chopping, self.clock.now())

    def shine(self, fluence, wavelength):
        """Light of ``fluence`` (W/cm²) and a wavelength (nm) on the sample."""
        watts = fluence * QUIET.spot_area_cm2 / QUIET.path_transmission
        self.path.tunable_light_changed([(wavelength, watts)], self.clock.now())

    def later(self, seconds=0.01):
        self.clock.sleep(seconds)
        return self.clock.now()

    def signal(self):
        return self.detection.lock_in_input(self.later())


class TestPhotothermal:
    def test_absolute_size(self):
        """All factors by hand: 50 mW probe, 3.33 W/cm² at 500 nm, 4 kHz, 100 µm of glass."""
        table = Table()
        table.shine(3.33, 500.0)
        emitted, energy = 0.84 * ZHANG.line.mean_energy(ROOM), HC_EV_NM / 500.0
        heat = 3.33 * 0.150 * (1 - emitted / energy)
        warmer = heat * 1e4 * 50e-6 * math.sqrt(math.pi / 2) / 1.0
        corner = 1 / (2 * math.pi * (50e-6**2 / (4 * 0.5e-6)))
        assert corner == pytest.approx(127.3, abs=0.1)
        volts = 0.05 * 0.1 * 0.7 * 785.0 / HC_EV_NM * 1e3
        assert volts == pytest.approx(2.2, abs=0.05)
        expected = volts * 1e-3 * warmer * (math.sqrt(2) / math.pi) / math.hypot(1, 4000 / corner)
        assert abs(table.signal()) == pytest.approx(expected, rel=5e-3)
        assert abs(table.signal()) == pytest.approx(1.7e-6, rel=0.05)

    def test_proportional_to_the_probe(self):
        table = Table()
        table.shine(1.0, 500.0)
        full = table.signal()
        for part in (0.5, 0.1, 0.0):
            table.path.probe_power_changed(0.05 * part, table.clock.now())
            assert table.signal() == pytest.approx(part * full, rel=1e-4, abs=1e-15)

    def test_saturated_photodiode_shows_no_modulation(self):
        table = Table()
        table.shine(1.0, 500.0)
        table.path.probe_power_changed(0.24, table.clock.now())
        assert table.signal() == 0

    def test_proportional_to_the_absorbed_pump(self):
        signals, absorbed = [], []
        for fluence in (0.1, 0.3, 1.0, 3.0):
            table = Table()
            table.shine(fluence, 490.0)
            signals.append(abs(table.signal()))
            absorbed.append(table.path.sample.absorbed_power(fluence, ROOM))
        ratios = np.array(signals) / absorbed
        assert np.ptp(ratios) / ratios.mean() < 5e-3

    @pytest.mark.parametrize("hertz", [4.0, 40.0, 127.3, 400.0, 4000.0])
    def test_against_the_chopping_frequency_it_is_a_low_pass(self, hertz):
        table = Table()
        table.shine(1.0, 500.0)
        table.chop(1.0, slots=1)
        slow = table.signal()
        table.chop(hertz, slots=1)
        ratio = table.signal() / slow
        expected = (1 + 1j / 127.324) / (1 + 1j * hertz / 127.324)
        assert abs(ratio) == pytest.approx(abs(expected), rel=1e-3)
        lag = math.degrees(cmath.phase(expected / ratio))
        assert lag == pytest.approx(0.0, abs=0.01)

    def test_cooling_is_half_a_turn_from_heating(self):
        table = Table(ROMAN)
        table.shine(300.0, 532.0)
        cooling = table.signal()
        table.shine(1.0, 532.0)
        heating = table.signal()
        assert table.path.at(table.clock.now()).heat > 0
        turn = math.degrees(cmath.phase(cooling / heating))
        assert abs(turn) == pytest.approx(180.0, abs=1e-6)
        corner = table.detection.response.corner_hz
        lag = math.degrees(math.atan(4000.0 / corner))
        assert math.degrees(cmath.phase(heating)) == pytest.approx(-lag, abs=1e-6)

    @pytest.mark.parametrize("kelvin", [80.0, ROOM])
    def test_a_scan_gives_absorptance_times_heat_per_photon(self, kelvin):
        scan = np.arange(470.0, 540.0, 2.5)
        table = Table(ZHANG, stage=kelvin)
        measured = []
        for wavelength in scan:
            table.shine(0.01, wavelength)
            measured.append(table.signal())
        # The same pump *power* everywhere: photons are as many as the wavelength is long.
        expected = []
        for wavelength in scan:
            light = Excitation(ZHANG, wavelength)
            kept = 0.84 * light.upconversion(kelvin) * ZHANG.line.mean_energy(kelvin)
            expected.append(light.absorptance(kelvin) * (light.energy - kept) / light.energy)
        expected = np.array(expected)
        measured = np.real(np.array(measured) / measured[0]) * expected[0]
        np.testing.assert_allclose(measured, expected, rtol=0.01, atol=1e-9)
        half = np.interp(0.5, measured[::-1] / measured.max(), scan[::-1])
        gap = ZHANG.gap + ZHANG.gap_slope * (kelvin - ROOM)
        assert half == pytest.approx(HC_EV_NM / gap, abs=3.0)

    def test_odd_harmonics_pass_the_same_low_pass(self):
        response = PhotothermalResponse.of(ZHANG, 100.0)
        hertz = 100.0
        for sign in (1, -1):
            fundamental = sign * response.at(hertz)
            for number in (3, 5, 7):
                found = harmonic_of(fundamental, number, response.harmonic(number, hertz))
                assert found == pytest.approx(sign * response.at(number * hertz) / number)
        assert response.harmonic(2, hertz) == 0

    def test_shot_noise_of_the_probe(self):
        table = Table()
        amperes = 0.05 * 0.1 * 0.7 * 785.0 / HC_EV_NM
        johnson = 4 * 1.380649e-23 * ROOM * 1e3
        expected = math.sqrt(2 * CHARGE * amperes * 1e6 + johnson)
        assert table.detection.lock_in_noise(table.later()) == pytest.approx(expected, rel=1e-6)
        assert expected == pytest.approx(27e-9, rel=0.02)
        table.path.probe_power_changed(0.0, table.clock.now())
        dark = table.detection.lock_in_noise(table.later())
        assert dark == pytest.approx(math.sqrt(johnson), rel=1e-6)


class TestNothingIsModulated:
    @pytest.mark.parametrize("at_lock_in", ["photothermal", "luminescence"])
    def test_without_pump_or_with_the_shutter_closed_or_the_blade_at_rest(self, at_lock_in):
        table = Table(at_lock_in=at_lock_in)
        assert table.signal() == 0
        table.shine(1.0, 500.0)
        assert table.signal() != 0
        table.path.shutter_moved(False, table.clock.now())
        assert table.signal() == 0
        table.path.shutter_moved(True, table.clock.now())
        table.chop(0.0)
        assert table.signal() == 0
        assert table.detection.reference(table.clock.now()) is None

    def test_without_a_chopper_nothing_is_connected_to_the_lock_in(self):
        table = Table()
        table.shine(1.0, 500.0)
        table.path.chopper_moved(None, table.clock.now())
        assert table.signal() == 0
        assert table.detection.lock_in_noise(table.clock.now()) == 0.0
        assert table.detection.reference(table.clock.now()) is None

    def test_past_moments_are_as_they_were(self):
        table = Table()
        table.shine(1.0, 500.0)
        before = table.later(1.0)
        lit = table.detection.lock_in_input(before)
        table.path.shutter_moved(False, table.later(1.0))
        table.chop(0.0)
        table.later(5.0)
        assert table.signal() == 0
        assert table.detection.lock_in_input(before) == pytest.approx(lit, rel=1e-3)
        assert table.detection.reference(before) == pytest.approx(4000.0)


class TestLuminescence:
    def test_current_is_that_of_the_collected_photons(self):
        table = Table(ROMAN, at_lock_in="luminescence")
        table.shine(300.0, 532.0)
        sample = table.path.sample
        photons = sample.emission(300.0, ROOM) * QUIET.spot_area_cm2
        grid = np.arange(490.0, 522.0, 0.01)
        line = ROMAN.line.per_wavelength(grid, ROOM) * QUIET.filter_transmission(grid)
        passed = float(line.sum() * 0.01)
        volts = photons * passed * 0.01 * 0.7 * CHARGE * 1e6
        assert abs(table.signal()) == pytest.approx(0.4502 * volts, rel=0.01)
        assert cmath.phase(table.signal()) == 0.0

    @pytest.mark.parametrize("fluence", [30.0, 300.0])
    def test_arrhenius_plot_in_the_published_band_gives_the_published_energy(self, fluence):
        """R-Ea: 140 meV between 10 and 24 °C, of which the absorption itself has 120."""
        kelvin = np.linspace(283.15, 297.15, 8)
        signals = []
        for stage in kelvin:
            table = Table(ROMAN, stage=stage, at_lock_in="luminescence")
            table.shine(fluence, 532.0)
            signals.append(abs(table.signal()))
        slope = np.polyfit(-1 / (8.617333262e-5 * kelvin), np.log(signals), 1)[0]
        assert slope == pytest.approx(0.140, abs=1.5e-3)

    def test_without_filters_it_is_that_of_the_absorption(self):
        kelvin = (283.15, 297.15)
        signals = []
        for stage in kelvin:
            table = Table(ROMAN, stage=stage, at_lock_in="luminescence")
            table.path.optics = Optics(notch_density=0.0, scatter=0.0)
            detection = Detection(table.path, at_lock_in="luminescence")
            table.path.monochromator_moved(PassBand(0.0, 1.0), 0.0)
            table.shine(300.0, 532.0)
            signals.append(abs(detection.lock_in_input(table.later())))
        assert signals[1] / signals[0] == pytest.approx(
            arrhenius_factor(kelvin[1], kelvin[0], 0.120), rel=2e-3
        )

    def test_monochromator_scans_the_line(self):
        table = Table(ROMAN, at_lock_in="luminescence")
        table.shine(300.0, 532.0)
        scan = np.arange(495.0, 522.0, 1.0)
        seen = []
        for wavelength in scan:
            table.path.monochromator_moved(PassBand(wavelength, 1.3), table.clock.now())
            seen.append(abs(table.signal()))
        expected = ROMAN.line.per_wavelength(scan, ROOM) * QUIET.filter_transmission(scan)
        np.testing.assert_allclose(
            np.array(seen) / max(seen), expected / expected.max(), rtol=0.02, atol=1e-3
        )
        table.path.monochromator_moved(PassBand(math.nan, 1.3), table.clock.now())
        assert table.signal() == 0

    def test_monochromator_at_the_pump_sees_what_the_notch_filter_lets_pass(self):
        table = Table(ROMAN, at_lock_in="luminescence")
        table.path.optics = Optics(notch_density=0.0)
        detection = Detection(table.path, at_lock_in="luminescence")
        table.path.monochromator_moved(PassBand(532.0, 1.3), 0.0)
        table.shine(300.0, 532.0)
        seen = abs(detection.lock_in_input(table.later()))
        watts = 300.0 * QUIET.spot_area_cm2 * QUIET.scatter * 0.6
        photons = watts / (HC_EV_NM / 532.0 * JOULE_PER_EV)
        pump = 0.4502 * photons * 0.01 * 0.7 * CHARGE * 1e6
        assert seen == pytest.approx(pump, rel=1e-3)
        table.path.optics = QUIET
        closed = Detection(table.path, at_lock_in="luminescence")
        assert abs(closed.lock_in_input(table.later())) < 1e-3 * pump

    def test_shot_noise_is_that_of_the_mean_current(self):
        table = Table(ROMAN, at_lock_in="luminescence")
        table.shine(30.0, 506.0)
        current = abs(table.signal()) / 0.4502 / 1e6
        johnson = 4 * 1.380649e-23 * ROOM * 1e6
        expected = math.sqrt(2 * CHARGE * current / 2 * 1e12 + johnson)
        assert table.detection.lock_in_noise(table.clock.now()) == pytest.approx(expected, rel=1e-3)


class TestPassBand:
    def test_width_from_slit_and_dispersion(self):
        """The maker's figure for 1200 grooves/mm and 300 mm is 2.7 nm/mm at 435.8 nm."""
        assert band_width(435.8, 1200, 1.0) == pytest.approx(2.7, rel=0.04)
        assert band_width(500.0, 300, 0.5) == pytest.approx(4 * band_width(500.0, 1200, 0.5), 0.2)
        assert band_width(500.0, 1200, 0.5) == pytest.approx(0.5 * band_width(500.0, 1200, 1.0))

    def test_is_a_triangle(self):
        band = PassBand(500.0, 2.0, peak=0.6)
        seen = band.transmission(np.array([497.9, 499.0, 500.0, 501.0, 501.5, 502.1]))
        np.testing.assert_allclose(seen, [0.0, 0.3, 0.6, 0.3, 0.15, 0.0], atol=1e-12)


class TestPower:
    def test_monitor_is_linear_in_the_power_and_does_not_see_the_chopper(self):
        table = Table()
        seen = []
        for watts in (0.0, 1e-3, 1e-2, 1e-1):
            table.path.tunable_light_changed([(532.0, watts)], table.clock.now())
            seen.append(table.detection.aux_input(1, table.later()))
        dark, *lit = np.array(seen)
        per_watt = 0.62 * 0.01 * 0.7 * 532.0 / HC_EV_NM * 5e3
        np.testing.assert_allclose((np.array(lit) - dark) / [1e-3, 1e-2, 1e-1], per_watt, rtol=1e-6)
        assert dark == 0.002
        table.chop(0.0)
        assert table.detection.aux_input(1, table.later()) == pytest.approx(seen[-1])
        table.path.shutter_moved(False, table.clock.now())
        assert table.detection.aux_input(1, table.later()) == 0.002
        assert table.detection.aux_input(2, table.clock.now()) == 0.0

    def test_monitor_saturates(self):
        table = Table()
        table.path.tunable_light_changed([(532.0, 10.0)], table.clock.now())
        assert table.detection.aux_input(1, table.later()) == pytest.approx(10.002)

    def test_meter_at_the_sample_sees_the_mean_of_the_chopped_light(self):
        table = Table()
        table.path.laser_power_changed(0.1, 0.0)
        assert table.detection.metered(table.later()) == pytest.approx(0.1 * 0.62 / 2, rel=1e-3)
        table.chop(0.0)
        assert table.detection.metered(table.later()) == pytest.approx(0.1 * 0.62, rel=1e-6)
        table.path.shutter_moved(False, table.clock.now())
        assert table.detection.metered(table.later()) == 0.0

    def test_meter_behind_the_laser_sees_all_of_it(self):
        table = Table(meter_at="laser")
        table.path.laser_power_changed(0.1, 0.0)
        table.path.shutter_moved(False, 0.0)
        assert table.detection.metered(table.later()) == pytest.approx(0.1, rel=1e-6)

    def test_each_wavelength_counts_with_its_responsivity(self):
        table = Table(meter_at="laser")
        table.path.tunable_light_changed([(450.0, 1e-3), (600.0, 2e-3), (1500.0, 1.0)], 0.0)
        expected = (1e-3 * 2.6e-3 + 2e-3 * 5.4e-3) / 4.2e-3
        assert table.detection.metered(table.later()) == pytest.approx(expected, rel=1e-6)

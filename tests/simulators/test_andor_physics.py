"""What the simulated sensor does to light: gain, noise, dark current, cosmic rays, geometry."""

from __future__ import annotations

from ctypes import c_float, c_int

import numpy as np
import pytest
from andor_library import Rig
from scipy import stats

from simulators._andor_detector import dark_current_at, excess_noise

EM, CONVENTIONAL = 0, 1


def conventional(rate=0.0, speed=1, preamp=0, **settings):
    rig = Rig(rate, **settings)
    rig.sdk.done("SetOutputAmplifier", CONVENTIONAL)
    rig.sdk.done("SetHSSpeed", CONVENTIONAL, speed)
    rig.sdk.done("SetPreAmpGain", preamp)
    return rig


def multiplying(gain, rate=0.0, **settings):
    rig = Rig(rate, **settings)
    rig.sdk.done("SetEMAdvanced", 1)
    rig.sdk.done("SetEMGainMode", 3)
    rig.sdk.done("SetEMCCDGain", gain)
    return rig


def temporal(images):
    """Return mean and variance of the pixels over time, averaged over the pixels."""
    counts = images.astype(float)
    return counts.mean(), counts.var(axis=0, ddof=1).mean()


class TestPhotonTransfer:
    @pytest.mark.parametrize(("preamp", "speed", "noise"), [(0, 1, 6.0), (2, 0, 10.0)])
    def test_variance_over_mean_gives_the_sensitivity_and_the_read_noise(
        self, preamp, speed, noise
    ):
        rates = np.array([0.0, 2e4, 5e4, 1e5, 2e5])
        points = []
        for rate in rates:
            rig = conventional(rate, speed, preamp)
            points.append(temporal(rig.kinetic(300, 0.1)))
        mean, variance = np.array(points).T
        told = rig.sdk.done("GetSensitivity", 0, speed, CONVENTIONAL, preamp, c_float)
        slope, intercept = np.polyfit(mean - mean[0], variance, 1, w=1 / variance)
        assert 1 / slope == pytest.approx(told, rel=0.02)
        # Rounding to whole counts adds 1/12; 300 values of 512 pixels know a variance to 0.4 %.
        read_noise = told * np.sqrt(intercept - 1 / 12)
        assert read_noise == pytest.approx(noise, rel=0.02)

    def test_the_mean_is_linear(self):
        means = [temporal(conventional(rate).kinetic(20, 0.1))[0] for rate in (0, 1e4, 1e5, 4e5)]
        assert np.array(means) - 200 == pytest.approx([0, 250, 2500, 10000], abs=1.0, rel=2e-3)


class TestMultiplication:
    @pytest.mark.parametrize("gain", [2, 10, 100, 300, 1000])
    def test_the_gain_is_real_and_its_noise_is_that_of_the_theory(self, gain):
        electrons = 20_000.0 / gain
        rig = multiplying(gain, electrons / 0.1)
        dark = multiplying(gain).kinetic(100, 0.1)
        mean, variance = temporal(rig.kinetic(400, 0.1))
        base, read = temporal(dark)
        signal = (mean - base) * 15.0
        assert signal == pytest.approx(electrons * gain, rel=0.01)
        factor = (variance - read) * 15.0**2 / (gain**2 * electrons)
        assert factor == pytest.approx(excess_noise(gain), rel=0.03)

    def test_the_excess_noise_goes_from_1_to_2(self):
        assert excess_noise(1.0) == pytest.approx(1.0)
        assert excess_noise(1000.0) == pytest.approx(2.0, abs=0.03)
        factors = [excess_noise(gain) for gain in (1, 1.5, 3, 10, 100)]
        assert factors == sorted(factors)

    def test_single_electrons_come_out_exponentially_distributed(self):
        rig = multiplying(1000, 0.02 / 0.1)
        counts = rig.kinetic(300, 0.1).astype(float).ravel()
        seen = counts[counts > 200 + 6 * 89 / 15] - (200 + 6 * 89 / 15)
        # Two electrons in one pixel are 1 % of the events.
        assert seen.size > 1500
        assert stats.kstest(seen, stats.expon(scale=1000 / 15).cdf).statistic < 0.05

    def test_gain_divides_the_read_noise(self):
        plain = np.sqrt(temporal(multiplying(0).kinetic(200, 0.01))[1]) * 15.0
        multiplied = np.sqrt(temporal(multiplying(300).kinetic(200, 0.01))[1]) * 15.0 / 300
        assert plain == pytest.approx(89.0, rel=0.02)
        assert multiplied < 0.35

    def test_converter_numbers_are_not_gains(self):
        rig = Rig(5e4)
        rig.sdk.done("SetEMCCDGain", 255)
        rig.sdk.done("SetEMAdvanced", 0)
        high = temporal(rig.kinetic(20, 0.01))[0] - 200
        assert high * 15 / 500 == pytest.approx(300, rel=0.02)
        rig.sdk.done("SetEMCCDGain", 100)
        low = temporal(rig.kinetic(20, 0.01))[0] - 200
        assert low * 15 / 500 == pytest.approx(300 ** (100 / 255), rel=0.05)

    def test_the_conventional_amplifier_does_not_multiply(self):
        rig = multiplying(300, 1e5)
        rig.sdk.done("SetOutputAmplifier", CONVENTIONAL)
        assert temporal(rig.kinetic(20, 0.1))[0] == pytest.approx(200 + 1e4 / 4, rel=0.01)


class TestDark:
    def test_clock_induced_charge(self):
        """512 rows of 0.005 electrons are 2.56 in a column of full vertical binning."""
        rig = multiplying(300, clock_induced_charge=0.005)
        spectra = rig.kinetic(400, 1e-3)
        column = (temporal(spectra)[0] - 200) * 15 / 300
        assert column == pytest.approx(2.56, rel=0.02)
        longer = rig.kinetic(400, 0.02)
        assert (temporal(longer)[0] - 200) * 15 / 300 == pytest.approx(2.56, rel=0.03)

    @pytest.mark.parametrize("celsius", [-20.0, -40.0, -60.0])
    def test_dark_current_grows_with_temperature_and_time(self, celsius):
        rig = conventional(room=celsius)
        rig.sdk.done("SetShutter", 0, 2, 0, 0)
        expected = dark_current_at(celsius, 400.0) * 512
        for seconds in (500 / expected, 2000 / expected):
            counts = temporal(rig.kinetic(5, seconds))[0] - 200
            assert counts * 4 == pytest.approx(expected * seconds, rel=0.03)

    def test_the_law_gives_what_data_sheets_say(self):
        assert dark_current_at(20.0, 400.0) == pytest.approx(400.0, rel=0.03)
        assert dark_current_at(-80.0, 400.0) == pytest.approx(0.0014, rel=0.1)

    def test_pixels_differ_in_their_dark_current_always_in_the_same_way(self):
        rig = conventional(room=0.0)
        first, second = rig.kinetic(2, 1.0).astype(float)
        pattern = (0.4**2 / 512) * (first.mean() * 4 - 800) ** 2
        shot = first.mean() * 4 - 800 + 6.0**2
        expected = pattern / (pattern + shot)
        assert np.corrcoef(first, second)[0, 1] == pytest.approx(expected, abs=0.05)
        assert expected > 0.8

    def test_cosmic_rays_have_their_rate(self):
        rate = 2.0
        rig = conventional(cosmic_rate=rate, room=-100.0)
        rig.sdk.done("SetReadMode", 4)
        rig.sdk.done("SetImage", 1, 1, 1, 512, 1, 512)
        images = rig.kinetic(40, 1.0).reshape(-1, 512, 512)
        area = (512 * 16e-4) ** 2
        bright = images > 200 + 8 * 6 / 4
        starts = bright.copy()
        starts[:, 1:] &= ~bright[:, :-1]
        starts[:, :, 1:] &= ~bright[:, :, :-1]
        expected = rate * area * 40.0
        assert abs(starts.sum() - expected) < 4 * np.sqrt(expected)

    def test_cosmic_rays_stay_away_if_there_are_none(self):
        rig = conventional(room=-100.0)
        assert rig.kinetic(5, 100.0).max() < 240

    def test_the_baseline_drifts_slowly_unless_it_is_clamped(self):
        spreads = {}
        for clamped in (0, 1):
            rig = conventional(bias_drift=3.0, room=-100.0)
            rig.sdk.done("SetBaselineClamp", clamped)
            rig.sdk.done("SetKineticCycleTime", 60.0)
            means = rig.kinetic(200, 1e-3).mean(axis=1)
            spreads[clamped] = means.std()
            assert np.abs(np.diff(means)).mean() < 0.6 * means.std() + 0.15
        assert 1.5 < spreads[0] < 4.5
        assert 0.15 < spreads[1] < 0.45

    def test_baseline_offset(self):
        rig = conventional()
        rig.sdk.done("SetBaselineOffset", 300)
        assert temporal(rig.kinetic(5, 0.01))[0] == pytest.approx(500, abs=0.5)


class TestSaturation:
    def test_the_converter_ends_at_16_bits(self):
        rig = conventional(1e8, preamp=2)
        images = rig.kinetic(2, 0.1)
        assert (images == 65535).all()

    def test_a_full_well_ends_below(self):
        """180 000 electrons of an unbinned pixel, 4 electrons a count."""
        rig = conventional(1e9)
        rig.sdk.done("SetReadMode", 4)
        rig.sdk.done("SetImage", 1, 1, 1, 512, 250, 270)
        images = rig.kinetic(2, 0.1).reshape(2, 21, 512)
        assert images[:, 8].mean() == pytest.approx(200 + 180_000 / 4, rel=1e-3)

    def test_the_multiplying_register_ends_at_its_capacity(self):
        rig = multiplying(300, 1e6)
        assert temporal(rig.kinetic(3, 0.1))[0] == pytest.approx(200 + 800_000 / 15, rel=1e-3)


class TestGeometry:
    RAMP = np.linspace(1e5, 3e5, 512)

    def frame(self, rig, mode, *parameters):
        name = {1: "SetMultiTrack", 2: "SetRandomTracks", 3: "SetSingleTrack", 4: "SetImage"}
        rig.sdk.done("SetReadMode", mode)
        if mode:
            rig.sdk.done(name[mode], *parameters)
        return rig.kinetic(1, 0.1)[0].astype(float) - 200

    def test_all_read_modes_see_the_same_light(self):
        rig = conventional(self.RAMP)
        whole = self.frame(rig, 0).reshape(1, 512)
        band = self.frame(rig, 3, 257, 20).reshape(1, 512)
        image = self.frame(rig, 4, 1, 1, 1, 512, 1, 512).reshape(512, 512)
        binned = self.frame(rig, 4, 4, 8, 1, 512, 1, 512).reshape(64, 128)
        tracks = self.frame(rig, 2, 2, (c_int * 4)(1, 246, 247, 512)).reshape(2, 512)
        multi = self.frame(rig, 1, 4, 128, 0, c_int, c_int).reshape(4, 512)
        expected = self.RAMP * 0.1 / 4
        for counts in (whole, band, tracks[1:], multi.sum(axis=0, keepdims=True)):
            assert counts[0] == pytest.approx(expected, rel=0.12)
            assert counts.mean() == pytest.approx(expected.mean(), rel=0.005)
        assert image.sum(axis=0).mean() == pytest.approx(expected.mean(), rel=0.05)
        assert binned.sum() == pytest.approx(expected.sum(), rel=0.02)
        assert tracks[0].mean() == pytest.approx(0.0, abs=1.0)
        lit = np.flatnonzero(image.mean(axis=1) > expected.mean() / 40)
        assert (lit[0], lit[-1]) == (246, 265)

    def test_half_a_band_is_half_the_light(self):
        rig = conventional(self.RAMP)
        half = self.frame(rig, 3, 252, 10)
        assert half.mean() == pytest.approx(self.RAMP.mean() * 0.1 / 4 / 2, rel=0.01)

    def test_the_multiplying_amplifier_mirrors(self):
        straight = conventional(self.RAMP).kinetic(20, 0.1).mean(axis=0)
        mirrored = Rig(self.RAMP).kinetic(20, 0.1).mean(axis=0)
        assert np.polyfit(np.arange(512), straight - 200, 1)[0] * 4 > 0
        assert np.polyfit(np.arange(512), mirrored - 200, 1)[0] * 15 == pytest.approx(
            -0.1 * (self.RAMP[1] - self.RAMP[0]), rel=0.05
        )

    def test_the_library_can_turn_images_round(self):
        rig = Rig(self.RAMP)
        rig.sdk.done("SetImageFlip", 1, 0)
        assert rig.sdk.done("GetImageFlip", c_int, c_int) == (1, 0)
        flipped = rig.kinetic(20, 0.1).mean(axis=0)
        assert flipped[-100:].mean() > flipped[:100].mean()

    def test_a_part_of_the_columns_is_cut_from_the_image_as_it_comes_out(self):
        spot = np.zeros(512)
        spot[10] = 1e6
        rig = Rig(spot)
        part = self.frame(rig, 4, 1, 20, 491, 512, 247, 266)
        assert part.argmax() == 512 - 1 - 10 - 490

    def test_binning_in_the_register_reads_once(self):
        rig = conventional(room=-100.0)
        rig.sdk.done("SetReadMode", 4)
        rig.sdk.done("SetImage", 8, 512, 1, 512, 1, 512)
        _mean, variance = temporal(rig.kinetic(300, 1e-3))
        assert np.sqrt(variance - 1 / 12) * 4 == pytest.approx(6.0, rel=0.05)


class TestDice:
    def test_the_same_seed_gives_the_same_counts(self):
        first, second, other = (
            multiplying(
                100, 1e3, seed=seed, cosmic_rate=5.0, clock_induced_charge=0.01, bias_drift=1.0
            ).kinetic(20, 0.1)
            for seed in (1, 1, 2)
        )
        assert (first == second).all()
        assert (first != other).any()

    def test_counts_do_not_depend_on_who_asks_when(self):
        images = []
        for step in (0.01, 9.0):
            rig = conventional(1e4, cosmic_rate=5.0, bias_drift=1.0, room=-20.0)
            rig.sdk.done("SetTemperature", -80)
            rig.sdk.done("CoolerON")
            rig.sdk.done("SetAcquisitionMode", 5)
            rig.sdk.done("SetKineticCycleTime", 0.3)
            rig.sdk.done("StartAcquisition")
            end = rig.clock.now() + 9.0
            while rig.clock.now() < end:
                rig.clock.sleep(min(step, end - rig.clock.now()))
                rig.sdk.done("GetStatus", c_int)
            images.append(rig.images(1, 29))
        assert (images[0] == images[1]).all()

    def test_light_that_cannot_be_is_refused(self):
        rig = Rig(-1.0)
        rig.sdk.done("StartAcquisition")
        rig.clock.sleep(1.0)
        with pytest.raises(ValueError, match="not negative"):
            rig.sdk("GetStatus", c_int)

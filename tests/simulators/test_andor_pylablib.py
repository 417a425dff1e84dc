"""pylablib's camera class (1.4.5) on the simulated library, with the traps it is known for."""

from __future__ import annotations

import numpy as np
import pytest
from andor_library import Rig
from andor_pylablib import install

from simulators.andor import AndorLink


class Bench(Rig):
    """A rig on which pylablib opens the camera itself."""

    def __init__(self, monkeypatch, rate=0.0, **settings):
        super().__init__(rate, **settings)
        self.sdk.done("ShutDown")
        self.link = AndorLink(self.camera, self.spectrograph)
        self.module = install(monkeypatch, self.link).sdk2
        self.opened = []

    def open(self, **settings):
        camera = self.module.AndorSDK2Camera(**settings)
        self.opened.append(camera)
        return camera


@pytest.fixture
def bench(monkeypatch):
    made = Bench(monkeypatch, room=25.0)
    yield made
    for camera in made.opened:
        camera.close()


def conventional(bench, camera):
    """Use the conventional amplifier, and wait for the shutter, which pylablib does not."""
    camera.set_amp_mode(channel=0, oamp=1, hsspeed=1, preamp=0)
    camera.setup_shutter("open")
    bench.clock.sleep(0.1)


class TestOpening:
    def test_who_it_is(self, bench):
        camera = bench.open(fan_mode="full")
        assert tuple(camera.get_device_info()) == ("USB", "DU897_BV", 12345)
        assert camera.get_detector_size() == (512, 512)
        assert camera.get_pixel_size() == pytest.approx((16e-6, 16e-6))
        assert bench.module.get_cameras_number() == 1
        assert bench.module.get_SDK_version() == "2.104.30064.0"

    def test_the_whole_table_of_amplifiers(self, bench):
        modes = bench.open(fan_mode="full").get_all_amp_modes()
        assert len(modes) == (4 + 3) * 3
        assert {mode.oamp_kind for mode in modes} == {"Electron Multiplying", "Conventional"}
        assert bench.camera.setup.vertical_index == 1

    def test_capabilities(self, bench):
        capabilities = bench.open(fan_mode="full").get_capabilities()
        assert capabilities["cam_type"] == "AC_CAMERATYPE_IXONULTRA"
        assert "AC_READMODE_FVB" in capabilities["read_mode"]
        assert "AC_EMGAIN_REAL12" in capabilities["EM_gain"]

    def test_everything_it_can_tell(self, bench):
        info = bench.open(fan_mode="full").get_full_info()
        assert info["amp_mode"].hsspeed_MHz == 17.0
        assert info["acq_status"] == "idle"
        assert info["roi"] == (0, 512, 0, 512, 1, 1)
        assert info["shutter"][0] == "closed"

    def test_a_camera_that_somebody_else_has(self, bench):
        bench.camera.in_use_elsewhere = True
        with pytest.raises(bench.module.AndorSDK2LibError, match=r"Initialize.*20992"):
            bench.open()


class TestAcquiring:
    def test_full_vertical_spectra_run_till_abort(self, bench):
        bench.lamp.rate = 1e6
        camera = bench.open(fan_mode="full")
        conventional(bench, camera)
        camera.set_read_mode("fvb")
        camera.set_exposure(2e-3)
        frames = camera.grab(100)
        assert len(frames) == 100
        assert frames[0].shape == (1, 512)
        assert frames[0].dtype == np.uint16
        assert camera.get_frames_status().skipped == 0

    def test_a_kinetic_series_by_setup_acquisition(self, bench):
        camera = bench.open(fan_mode="full")
        camera.set_read_mode("fvb")
        camera.set_exposure(2e-3)
        camera.setup_acquisition(mode="kinetic", nframes=30)
        camera.start_acquisition()
        camera.wait_for_frame(since="start", nframes=30)
        frames = camera.read_multiple_images()
        assert bench.camera.setup.acquisition_mode == 3
        assert len(frames) == 30
        assert camera.get_status() == "idle"
        assert camera.get_acquisition_progress().frames_done == 30

    def test_single_track_counts_rows_from_1(self, bench):
        camera = bench.open(fan_mode="full")
        camera.setup_single_track_mode(104, 10)
        assert bench.camera.setup.layout.tracks == ((99, 109),)
        assert camera.snap().shape == (1, 512)

    def test_an_image_with_a_region(self, bench):
        bench.lamp.rate = 1e6
        camera = bench.open(fan_mode="full")
        conventional(bench, camera)
        camera.set_exposure(0.01)
        camera.set_roi(100, 200, 240, 280, 2, 2)
        image = camera.snap()
        assert image.shape == (20, 50)
        light = 1e6 * 0.01 / 20 * 4 / 4
        assert image[10].mean() - image[0].mean() == pytest.approx(light, rel=0.03)

    def test_gain_out_of_range_and_temperature_while_acquiring(self, bench):
        camera = bench.open(fan_mode="full")
        with pytest.raises(bench.module.AndorSDK2LibError, match="20066"):
            camera.set_EMCCD_gain(900)
        camera.start_acquisition()
        with pytest.raises(bench.module.AndorSDK2LibError, match="20072"):
            camera.get_temperature()
        camera.stop_acquisition()

    def test_images_not_fetched_in_time_are_counted_as_skipped(self, monkeypatch):
        bench = Bench(monkeypatch, buffer_bytes=2**20)
        camera = bench.open(fan_mode="full")
        camera.set_read_mode("fvb")
        camera.set_exposure(1e-3)
        camera.setup_acquisition(mode="cont")
        camera.start_acquisition()
        camera.wait_for_frame()
        bench.clock.sleep(10.0)
        camera.wait_for_frame()
        frames = camera.read_multiple_images()
        status = camera.get_frames_status()
        assert len(frames) == int(512 * 0.9)
        assert status.skipped == status.acquired - len(frames) > 5000
        camera.close()

    def test_the_cable_is_pulled(self, bench):
        camera = bench.open(fan_mode="full")
        bench.camera.unplugged = True
        with pytest.raises(bench.module.AndorSDK2LibError, match="20089"):
            camera.get_status()
        bench.opened.clear()
        with pytest.raises(bench.module.AndorSDK2LibError, match="20089"):
            camera.close()


class TestTraps:
    def test_1_a_number_as_temperature_is_ignored_and_the_cooler_stays_off(self, bench):
        camera = bench.open(temperature=-60, fan_mode="full")
        assert camera.get_temperature_setpoint() is None
        assert not bench.camera.cooler.is_on

    def test_2_without_arguments_the_cooler_runs_with_the_fan_off_and_overheats(self, bench):
        camera = bench.open()
        assert camera.get_temperature_setpoint() == -98
        assert bench.camera.cooler.is_on
        assert bench.camera.cooler.fan == 2
        bench.clock.sleep(600.0)
        camera.get_status()
        assert bench.camera.cooler.overheated
        assert camera.get_temperature_status() == "not_reached"

    def test_3_set_acquisition_mode_is_off_by_one(self, bench):
        camera = bench.open(fan_mode="full")
        got = {}
        for mode in ("single", "accum", "kinetic", "cont"):
            camera.set_acquisition_mode(mode)
            got[mode] = int(bench.camera.setup.acquisition_mode)
        assert got == {"single": 2, "accum": 3, "kinetic": 4, "cont": 5}
        with pytest.raises(TypeError, match="setup_cont_mode"):
            camera.set_acquisition_mode("fast_kinetic")

    def test_4_closing_neither_closes_the_shutter_nor_waits_for_the_sensor(self, bench):
        camera = bench.open(fan_mode="full")
        camera.setup_shutter("open")
        bench.clock.sleep(600.0)
        before = bench.clock.now()
        camera.close()
        assert bench.clock.now() == before
        assert bench.camera.shutter_is_open
        assert bench.camera.sensor_temperature < -70

    def test_5_accumulated_counts_do_not_fit_its_default_type(self, monkeypatch):
        bench = Bench(monkeypatch, 3e5 * 4)
        camera = bench.open(fan_mode="full")
        conventional(bench, camera)
        camera.set_read_mode("fvb")
        camera.set_exposure(0.1)
        means = {}
        for kind in ("<u2", "<u4"):
            camera._default_image_dtype = kind
            camera.setup_kinetic_mode(1, num_acc=5)
            camera.start_acquisition(mode=None)
            camera.wait_for_frame()
            means[kind] = camera.read_newest_image().mean()
            camera.stop_acquisition()
        assert means["<u4"] == pytest.approx(5 * (200 + 3e4), rel=0.01)
        assert means["<u2"] < 65536
        camera.close()

    def test_6_the_swapped_names_of_the_cooler_are_harmless(self, bench):
        camera = bench.open(temperature="off", fan_mode="full")
        assert not camera.is_cooler_on()
        assert camera.set_cooler(True)
        assert bench.camera.cooler.is_on

"""Acquisitions of the simulated camera: modes, times, triggers, shutter, circular buffer."""

from __future__ import annotations

import ctypes
import threading
from ctypes import c_float, c_int, c_long

import numpy as np
import pytest
from andor_library import Rig

from labcool.clock import ScaledClock
from simulators.andor import START_S, UNLIMITED_S

FVB_READOUT = 512 * 0.3e-6 + 512 / 17e6
SWEEP = 512 * 0.3e-6


@pytest.fixture
def rig() -> Rig:
    return Rig()


def timings(rig):
    return rig.sdk.done("GetAcquisitionTimings", c_float, c_float, c_float)


class TestTimes:
    @pytest.mark.parametrize(
        ("vertical", "speed", "rate"),
        [(0, 0, 5443), (1, 0, 3495), (2, 0, 2037), (3, 0, 1110), (4, 0, 581), (0, 1, 4883)],
    )
    def test_full_vertical_read_out_has_the_rates_of_the_table(self, rig, vertical, speed, rate):
        rig.sdk.done("SetVSSpeed", vertical)
        rig.sdk.done("SetHSSpeed", 0, speed)
        assert 1 / rig.sdk.done("GetReadOutTime", c_float) == pytest.approx(rate, abs=1)

    def test_the_larger_camera_has_them_too(self):
        rig = Rig(model="iXon Ultra 888")
        for vertical, rate in enumerate((1542, 839, 437, 224)):
            rig.sdk.done("SetVSSpeed", vertical)
            assert 1 / rig.sdk.done("GetReadOutTime", c_float) == pytest.approx(rate, abs=1)

    def test_a_kinetic_cycle_has_exposure_read_out_and_cleaning(self, rig):
        rig.sdk.done("SetExposureTime", 0.01)
        rig.sdk.done("SetAcquisitionMode", 3)
        assert timings(rig) == pytest.approx(
            (0.01, 0.01 + FVB_READOUT, 0.01 + FVB_READOUT + SWEEP), rel=1e-6
        )
        assert rig.sdk.done("GetKeepCleanTime", c_float) == pytest.approx(SWEEP)
        rig.sdk.done("EnableKeepCleans", 0)
        assert timings(rig)[2] == pytest.approx(0.01 + FVB_READOUT, rel=1e-6)
        rig.sdk.done("SetKineticCycleTime", 0.5)
        assert timings(rig)[2] == pytest.approx(0.5)

    def test_full_vertical_binning_limits_the_exposure(self, rig):
        rig.sdk.done("SetExposureTime", 0.0)
        assert timings(rig)[0] == pytest.approx(SWEEP)
        rig.sdk.done("SetReadMode", 4)
        rig.sdk.done("SetImage", 1, 1, 1, 512, 1, 512)
        assert timings(rig)[0] == pytest.approx(1e-5)

    def test_frame_transfer_exposes_while_it_reads(self, rig):
        rig.sdk.done("SetReadMode", 4)
        rig.sdk.done("SetImage", 1, 1, 1, 512, 1, 512)
        rig.sdk.done("SetAcquisitionMode", 5)
        rig.sdk.done("SetExposureTime", 0.02)
        apart = timings(rig)[2]
        rig.sdk.done("SetFrameTransferMode", 1)
        assert timings(rig)[2] == pytest.approx(0.02)
        assert apart == pytest.approx(0.02 + SWEEP + 512 * 512 / 17e6 + SWEEP, rel=1e-6)
        rig.sdk.done("SetExposureTime", 0.001)
        assert timings(rig)[0] == pytest.approx(rig.sdk.done("GetReadOutTime", c_float))
        rig.sdk.done("SetExposureTime", 0.02)
        rig.sdk.done("StartAcquisition")
        rig.clock.sleep(0.1)
        rig.sdk.done("GetStatus", c_int)
        starts = np.array([start for start, _ in rig.lamp.exposures])
        assert np.diff(starts) == pytest.approx(0.02)

    def test_a_mode_whose_parameters_were_never_set(self, rig):
        rig.sdk.done("SetReadMode", 2)
        assert rig.sdk("GetAcquisitionTimings", c_float, c_float, c_float)[0] == 20078
        assert rig.sdk("StartAcquisition") == 20078

    def test_one_driver_fears_that_the_exposure_is_forgotten(self):
        for forgets, expected in ((False, 0.03), (True, 0.1)):
            rig = Rig(forgets_exposure=forgets)
            rig.sdk.done("SetExposureTime", 0.03)
            rig.sdk.done("SetAcquisitionMode", 3)
            assert timings(rig)[0] == pytest.approx(expected)


class TestModes:
    def test_single_waits_for_one_image(self, rig):
        rig.sdk.done("SetExposureTime", 0.25)
        before = rig.clock.now()
        rig.sdk.done("StartAcquisition")
        assert rig.sdk("GetStatus", c_int) == (20002, 20072)
        assert rig.sdk("WaitForAcquisition") == 20002
        assert rig.clock.now() - before == pytest.approx(START_S + 0.25 + FVB_READOUT)
        assert rig.sdk("GetStatus", c_int) == (20002, 20073)
        assert rig.sdk("GetAcquiredData", (c_int * 512)(), 512) == 20002
        assert rig.sdk("GetAcquiredData", (c_int * 511)(), 511) == 20067

    def test_a_kinetic_series_ends_idle_and_keeps_its_data(self, rig):
        rig.kinetic(5, 0.01)
        rig.clock.sleep(1000.0)
        assert rig.sdk("GetStatus", c_int) == (20002, 20073)
        assert rig.sdk("GetAcquisitionProgress", c_long, c_long) == (20002, 0, 5)
        assert rig.sdk("GetTotalNumberImagesAcquired", c_long) == (20002, 5)
        assert rig.images(3, 5).shape == (3, 512)
        rig.sdk.done("FreeInternalMemory")
        assert rig.sdk("GetNumberAvailableImages", c_long, c_long)[0] == 20024

    def test_accumulated_counts_need_more_than_16_bits(self):
        rig = Rig(3e5 * 15)
        rig.sdk.done("SetAcquisitionMode", 2)
        rig.sdk.done("SetExposureTime", 0.1)
        rig.sdk.done("SetNumberAccumulations", 5)
        rig.sdk.done("StartAcquisition")
        assert rig.sdk("WaitForAcquisitionTimeOut", 5000) == 20002
        wide = rig.images(1, 1, "").astype(float)
        narrow = rig.images(1, 1).astype(float)
        assert wide.mean() == pytest.approx(5 * (200 + 3e5 * 0.1), rel=0.01)
        assert wide.min() > 65535
        assert (narrow == wide % 65536).all()
        assert len(rig.lamp.exposures) == 5

    def test_progress_within_an_image_and_prescans(self, rig):
        rig.sdk.done("SetAcquisitionMode", 3)
        rig.sdk.done("SetExposureTime", 1.0)
        rig.sdk.done("SetNumberAccumulations", 3)
        rig.sdk.done("SetNumberKinetics", 2)
        rig.sdk.done("SetNumberPrescans", 2)
        rig.sdk.done("SetAccumulationCycleTime", 2.0)
        rig.sdk.done("SetKineticCycleTime", 10.0)
        rig.sdk.done("StartAcquisition")
        began = rig.clock.now()
        rig.clock.sleep(9.0)
        assert rig.sdk("GetAcquisitionProgress", c_long, c_long) == (20002, 2, 0)
        rig.clock.sleep(0.1)
        assert rig.sdk("GetAcquisitionProgress", c_long, c_long) == (20002, 0, 1)
        rig.clock.sleep(20.0)
        assert rig.sdk("GetAcquisitionProgress", c_long, c_long) == (20002, 0, 2)
        starts = [start - began for start, _ in rig.lamp.exposures]
        assert starts == pytest.approx([0, 2, 4, 6, 8, 14, 16, 18], abs=1e-9)

    def test_run_till_abort(self, rig):
        rig.sdk.done("SetAcquisitionMode", 5)
        rig.sdk.done("SetKineticCycleTime", 0.2)
        rig.sdk.done("StartAcquisition")
        rig.clock.sleep(10.0)
        assert rig.sdk("AbortAcquisition") == 20002
        total = rig.sdk.done("GetTotalNumberImagesAcquired", c_long)
        assert total == 50
        assert rig.sdk("GetAcquisitionProgress", c_long, c_long) == (20002, 0, 50)
        assert rig.images(1, 50).shape == (50, 512)

    def test_fast_kinetics_are_read_out_at_once(self):
        rig = Rig(1e7, light_rows=(1, 20))
        rig.sdk.done("SetAcquisitionMode", 4)
        assert rig.sdk("PrepareAcquisition") == 20078
        rig.sdk.done("SetFastKinetics", 20, 8, 1e-3, 0, 1, 1)
        cycle = timings(rig)[2]
        assert cycle == pytest.approx(1e-3 + 20 * 0.3e-6)
        rig.sdk.done("StartAcquisition")
        rig.clock.sleep(8 * cycle)
        assert rig.sdk("GetTotalNumberImagesAcquired", c_long) == (20002, 0)
        rig.clock.sleep(0.01)
        images = rig.images(1, 8)
        assert images.shape == (8, 512)
        assert images.mean() == pytest.approx(200 + 1e4 / 15, rel=0.02)
        starts = np.array([start for start, _ in rig.lamp.exposures])
        assert np.diff(starts) == pytest.approx(cycle)

    @pytest.mark.parametrize(
        "call",
        ["SetExposureTime", "SetReadMode", "SetEMCCDGain", "SetTriggerMode", "StartAcquisition",
         "CoolerON", "FreeInternalMemory", "PrepareAcquisition", "SetAcquisitionMode"],
    )  # fmt: skip
    def test_a_busy_camera_refuses_settings(self, rig, call):
        rig.sdk.done("SetAcquisitionMode", 5)
        rig.sdk.done("StartAcquisition")
        number = () if call.endswith(("Acquisition", "ON", "Memory")) else (1,)
        assert rig.sdk(call, *number) == 20072
        assert rig.sdk("GetTemperatureF", c_float)[0] == 20072


class TestRing:
    @pytest.fixture
    def small(self):
        """A camera whose buffer holds 512 spectra, 100 spectra a second."""
        rig = Rig(buffer_bytes=2**20)
        rig.sdk.done("SetAcquisitionMode", 5)
        rig.sdk.done("SetExposureTime", 0.005)
        rig.sdk.done("SetKineticCycleTime", 0.01)
        assert rig.sdk.done("GetSizeOfCircularBuffer", c_long) == 512
        rig.sdk.done("StartAcquisition")
        return rig

    def test_new_images_are_those_that_nobody_has_read(self, small):
        small.clock.sleep(0.1)
        assert small.sdk("GetNumberNewImages", c_long, c_long) == (20002, 1, 10)
        small.images(1, 4)
        small.images(1, 1)
        assert small.sdk("GetNumberNewImages", c_long, c_long) == (20002, 5, 10)
        assert small.sdk("GetNumberAvailableImages", c_long, c_long) == (20002, 1, 10)
        assert small.sdk("GetMostRecentImage", (c_int * 512)(), 512) == 20002
        assert small.sdk("GetNumberNewImages", c_long, c_long)[0] == 20024

    def test_old_images_are_overwritten_and_gone(self, small):
        small.clock.sleep(6.0)
        assert small.sdk("GetNumberNewImages", c_long, c_long) == (20002, 89, 600)
        buffer = (ctypes.c_uint16 * 512)()
        assert small.sdk("GetImages16", 88, 88, buffer, 512, c_long, c_long)[0] == 20049
        assert small.sdk("GetImages16", 601, 601, buffer, 512, c_long, c_long)[0] == 20049
        assert small.sdk("GetImages16", 89, 89, buffer, 512, c_long, c_long) == (20002, 89, 89)
        assert small.sdk("GetImages16", 90, 91, buffer, 512, c_long, c_long)[0] == 20069
        assert small.sdk("GetNumberNewImages", c_long, c_long) == (20002, 90, 600)

    def test_what_nobody_could_have_read_is_only_counted(self, small):
        small.clock.sleep(24 * 3600.0)
        last = 24 * 3600 * 100
        first = last - 511
        assert small.sdk("GetNumberAvailableImages", c_long, c_long) == (20002, first, last)
        assert len(small.lamp.exposures) < 600
        assert small.images(first, last).mean() == pytest.approx(200, abs=1)

    def test_a_full_image_has_four_bytes_a_pixel(self):
        rig = Rig()
        rig.sdk.done("SetReadMode", 4)
        rig.sdk.done("SetImage", 1, 1, 1, 512, 1, 512)
        assert rig.sdk.done("GetSizeOfCircularBuffer", c_long) == 48


class TestWaiting:
    def test_a_wait_without_image_takes_its_time(self, rig):
        before = rig.clock.now()
        assert rig.sdk("WaitForAcquisitionTimeOut", 700) == 20024
        assert rig.clock.now() - before == pytest.approx(0.7)
        assert rig.sdk("WaitForAcquisition") == 20024
        assert rig.clock.now() - before == pytest.approx(0.7 + UNLIMITED_S)

    def test_an_image_that_came_before_is_noticed_once(self, rig):
        rig.sdk.done("SetAcquisitionMode", 5)
        rig.sdk.done("StartAcquisition")
        rig.clock.sleep(5.0)
        before = rig.clock.now()
        assert rig.sdk("WaitForAcquisitionByHandleTimeOut", 100, 1000) == 20002
        assert rig.clock.now() == before
        assert rig.sdk("WaitForAcquisitionByHandleTimeOut", 100, 1000) == 20002
        assert 0 < rig.clock.now() - before < 0.2
        assert rig.sdk("WaitForAcquisitionByHandleTimeOut", 101, 1000) == 20066

    def test_a_wait_can_be_cancelled_from_another_thread(self):
        rig = Rig(initialise_time=0.0)
        rig.camera.clock = ScaledClock(20.0)
        answers = []
        waiting = threading.Thread(
            target=lambda: answers.append(rig.sdk("WaitForAcquisitionTimeOut", 30_000))
        )
        waiting.start()
        rig.sdk.done("CancelWait")
        waiting.join(timeout=10.0)
        assert answers == [20024]


class TestTriggers:
    def start(self, rig, mode, **settings):
        rig.sdk.done("SetTriggerMode", mode)
        rig.sdk.done("SetExposureTime", 0.1)
        for name, value in settings.items():
            rig.sdk.done(name, value)
        return rig.sdk("StartAcquisition")

    def test_external_trigger_and_full_vertical_binning_exclude_each_other(self, rig):
        assert self.start(rig, 1, SetAcquisitionMode=5) == 20017
        assert self.start(rig, 9, SetAcquisitionMode=5) == 20002

    def test_every_pulse_gives_one_exposure_if_the_camera_waits_for_it(self, rig):
        self.start(rig, 9, SetAcquisitionMode=5)
        rig.clock.sleep(100.0)
        assert rig.sdk("WaitForAcquisitionTimeOut", 500) == 20024
        rig.camera.trigger()
        rig.clock.sleep(0.05)
        rig.camera.trigger()
        assert rig.sdk("WaitForAcquisitionTimeOut", 500) == 20002
        assert rig.sdk("WaitForAcquisitionTimeOut", 500) == 20024
        rig.camera.trigger()
        assert rig.sdk("WaitForAcquisitionTimeOut", 500) == 20002
        assert rig.sdk("GetTotalNumberImagesAcquired", c_long) == (20002, 2)

    def test_external_start_begins_the_series(self, rig):
        self.start(rig, 6, SetAcquisitionMode=3, SetNumberKinetics=4)
        rig.clock.sleep(100.0)
        assert rig.sdk("GetTotalNumberImagesAcquired", c_long) == (20002, 0)
        rig.camera.trigger()
        rig.clock.sleep(1.0)
        assert rig.sdk("GetTotalNumberImagesAcquired", c_long) == (20002, 4)

    def test_software_trigger(self, rig):
        assert self.start(rig, 10, SetAcquisitionMode=3) == 20078
        assert self.start(rig, 10, SetAcquisitionMode=5) == 20002
        rig.camera.trigger()
        rig.clock.sleep(1.0)
        assert rig.sdk("GetTotalNumberImagesAcquired", c_long) == (20002, 0)
        rig.sdk.done("SendSoftwareTrigger")
        rig.clock.sleep(1.0)
        assert rig.sdk("GetTotalNumberImagesAcquired", c_long) == (20002, 1)


class TestShutter:
    def test_closed_gives_dark_images_and_no_exposure_of_the_light_path(self):
        rig = Rig(1e6)
        rig.sdk.done("SetShutter", 0, 2, 0, 0)
        rig.clock.sleep(1.0)
        assert not rig.camera.shutter_is_open
        assert rig.kinetic(3, 0.01).mean() == pytest.approx(200, abs=1)
        assert rig.lamp.exposures == []

    def test_light_passes_only_once_it_has_opened(self):
        rig = Rig(1e6)
        rig.sdk.done("SetShutter", 0, 2, 0, 0)
        rig.clock.sleep(1.0)
        rig.sdk.done("SetShutter", 0, 1, 0, 55)
        set_at = rig.clock.now()
        rig.kinetic(1, 0.2)
        (start, duration), *_ = rig.lamp.exposures
        assert start == pytest.approx(set_at + 0.055)
        assert duration == pytest.approx(0.2 + START_S - 0.055)

    def test_automatic_opens_for_the_acquisition_and_delays_it(self):
        rig = Rig(1e6)
        rig.sdk.done("SetShutter", 0, 0, 30, 40)
        rig.clock.sleep(1.0)
        assert not rig.camera.shutter_is_open
        rig.sdk.done("SetExposureTime", 0.5)
        rig.sdk.done("StartAcquisition")
        began = rig.clock.now()
        rig.clock.sleep(0.2)
        assert rig.camera.shutter_is_open
        rig.clock.sleep(1.0)
        rig.sdk.done("GetStatus", c_int)
        rig.clock.sleep(0.1)
        assert not rig.camera.shutter_is_open
        assert rig.lamp.exposures == [(pytest.approx(began + 0.04), pytest.approx(0.5))]

    def test_shutting_down_leaves_it_as_it_is(self, rig):
        rig.sdk.done("ShutDown")
        assert rig.camera.shutter_is_open

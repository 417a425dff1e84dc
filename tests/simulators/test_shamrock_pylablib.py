"""pylablib's spectrograph class (1.4.5) on the simulated library."""

from __future__ import annotations

import numpy as np
import pytest
from andor_library import Rig
from andor_pylablib import install

from simulators.andor import AndorLink


@pytest.fixture
def rig(monkeypatch):
    made = Rig()
    made.sdk.done("ShutDown")
    made.modules = install(monkeypatch, AndorLink(made.camera, made.spectrograph))
    made.module = made.modules.shamrock
    return made


@pytest.fixture
def spectrograph(rig):
    device = rig.module.ShamrockSpectrograph()
    yield device
    device.close()


def test_listing_homes_and_closes_again(rig):
    assert rig.module.list_spectrographs() == ["SR-0001"]
    assert rig.clock.now() == pytest.approx(26.0)


def test_everything_it_can_tell(spectrograph):
    info = spectrograph.get_full_info()
    assert info["device_info"] == ("SR-0001",)
    assert [grating.lines for grating in info["grating_infos"]] == [150.0, 600.0, 1200.0]
    assert info["slits_present"] == [False, True, False, False]
    assert info["shutter_mode"] == "closed"
    assert info["wavelength_present"]
    assert not info["zero_order"]


def test_wavelengths_in_metres(spectrograph):
    assert spectrograph.set_wavelength(692e-9) == pytest.approx(692e-9)
    assert spectrograph.set_grating(3) == 3
    spectrograph.set_number_pixels(512)
    spectrograph.set_pixel_width(16e-6)
    calibration = spectrograph.get_calibration()
    assert calibration.shape == (512,)
    assert calibration.mean() == pytest.approx(692e-9, rel=1e-3)
    assert (np.diff(calibration) > 0).all()


def test_moves_of_parts(spectrograph):
    assert spectrograph.set_slit_width("input_direct", 50e-6) == pytest.approx(50e-6)
    assert spectrograph.set_shutter("opened") == "opened"
    assert spectrograph.reset_slit(2) == pytest.approx(10e-6)
    assert spectrograph.goto_zero_order()


def test_errors_have_their_numbers(rig, spectrograph):
    with pytest.raises(rig.module.ShamrockLibError, match=r"20267.*P2INVALID"):
        spectrograph.set_wavelength(9e-6)
    spectrograph.set_number_pixels(512)
    spectrograph.set_pixel_width(16e-6)
    spectrograph.goto_zero_order()
    with pytest.raises(rig.module.ShamrockLibError, match="20249"):
        spectrograph.get_calibration()


def test_pixels_from_the_camera(rig, spectrograph):
    camera = rig.modules.sdk2.AndorSDK2Camera(fan_mode="full")
    width, pixels = spectrograph.setup_pixels_from_camera(camera)
    assert (width, pixels) == (pytest.approx(16e-6), 512)
    camera.close()

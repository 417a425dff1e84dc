"""The spectrograph library by its C functions, and where it sends which wavelength."""

from __future__ import annotations

import ctypes
from ctypes import c_float, c_int

import numpy as np
import pytest
from andor_library import SPECTROGRAPH, TEXT, Calls, Lamp, Rig

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.andor import AndorCamera, AndorLink
from simulators.shamrock import RuledGrating, Shamrock


class Bench:
    """A spectrograph with its library loaded and initialised."""

    def __init__(self, **settings):
        self.clock = VirtualClock()
        self.announced = []
        self.shamrock = Shamrock(
            self.clock, moved=lambda *news: self.announced.append(news), **settings
        )
        camera = AndorCamera(self.clock, expose=Lamp(), rng=np.random.default_rng(1))
        self.link = AndorLink(camera, self.shamrock)
        self.cif = Calls(self.link.load(SPECTROGRAPH))
        assert self.cif("ShamrockInitialize", b"") == 20202

    def calibration(self, pixels=512, width=16.0):
        self.cif.done("ShamrockSetNumberPixels", 0, pixels)
        self.cif.done("ShamrockSetPixelWidth", 0, width)
        values = (c_float * pixels)()
        self.cif.done("ShamrockGetCalibration", 0, values, pixels)
        return np.array(values)


@pytest.fixture
def bench() -> Bench:
    return Bench(flippers=(1, 2), has_filter=True, has_accessory=True)


class TestOptics:
    @pytest.mark.parametrize("grating", [1, 2, 3])
    def test_the_middle_is_where_the_drive_stands_and_wavelengths_ascend(self, bench, grating):
        bench.cif.done("ShamrockSetGrating", 0, grating)
        bench.cif.done("ShamrockSetWavelength", 0, 692.0)
        values = bench.calibration()
        assert (values[255] + values[256]) / 2 == pytest.approx(692.0, abs=1e-3)
        assert (np.diff(values) > 0).all()
        assert bench.shamrock.wavelengths == pytest.approx(values, abs=1e-4)

    def test_dispersion_follows_the_grating_equation(self, bench):
        """dλ/dx = d cos β/f in the middle, with sin α + sin β = λ/d and α - β = 24°."""
        for grating, lines in ((1, 150), (2, 600), (3, 1200)):
            bench.cif.done("ShamrockSetGrating", 0, grating)
            bench.cif.done("ShamrockSetWavelength", 0, 520.0)
            spacing = 1e6 / lines
            middle = np.arcsin(520.0 / (2 * spacing * np.cos(np.radians(12.0))))
            alpha, beta = middle + np.radians(12.0), middle - np.radians(12.0)
            assert spacing * (np.sin(alpha) + np.sin(beta)) == pytest.approx(520.0)
            expected = spacing * np.cos(beta) / 0.303e6 * 16.0
            tilted = expected * np.cos(np.radians(2.5))
            values = bench.calibration()
            assert values[256] - values[255] == pytest.approx(tilted, rel=3e-3)

    def test_the_303i_has_about_the_dispersion_of_its_data_sheet(self, bench):
        """600 lines/mm: about 5.4 nm/mm."""
        values = bench.calibration()
        assert (values[-1] - values[0]) / (511 * 0.016) == pytest.approx(5.4, rel=0.05)

    def test_a_longer_spectrograph_spreads_more(self):
        spans = [np.ptp(Bench(model=name).calibration()) for name in ("Shamrock 163",
                 "Shamrock 303i", "Kymera 328i", "Shamrock 500i")]  # fmt: skip
        assert spans == sorted(spans, reverse=True)
        assert spans[1] / spans[3] == pytest.approx(500 / 303, rel=0.01)

    def test_offsets_move_the_light_and_not_the_calibration(self, bench):
        before, told = bench.shamrock.wavelengths, bench.calibration()
        bench.cif.done("ShamrockSetDetectorOffset", 0, 100)
        shift = bench.shamrock.wavelengths - before
        assert (bench.calibration() == told).all()
        assert shift == pytest.approx(2 * 1e6 / 600 * 100 * 2e-6, rel=0.05)
        bench.cif.done("ShamrockSetGratingOffset", 0, 2, -100)
        assert bench.shamrock.wavelengths == pytest.approx(before)
        assert bench.cif.done("ShamrockGetGratingOffset", 0, 2, c_int) == -100


class TestMoves:
    def test_times(self, bench):
        began = bench.clock.now()
        assert began == 20.0
        bench.cif.done("ShamrockSetGrating", 0, 3)
        assert bench.clock.now() - began == 12.0
        bench.cif.done("ShamrockSetGrating", 0, 3)
        assert bench.clock.now() - began == 13.0
        bench.cif.done("ShamrockSetWavelength", 0, 725.0)
        assert bench.clock.now() - began == pytest.approx(15.2)
        assert bench.cif.done("ShamrockGetGrating", 0, c_int) == 3
        assert bench.cif.done("ShamrockGetWavelength", 0, c_float) == 725.0

    def test_moves_are_announced(self, bench):
        bench.announced.clear()
        bench.cif.done("ShamrockSetWavelength", 0, 625.0)
        (nothing, left), (wavelengths, arrived) = bench.announced
        assert nothing is None
        assert arrived - left == pytest.approx(1.2)
        assert wavelengths == pytest.approx(bench.shamrock.wavelengths)

    def test_zero_order_has_no_calibration(self, bench):
        told = bench.calibration()
        bench.cif.done("ShamrockGotoZeroOrder", 0)
        assert bench.cif.done("ShamrockAtZeroOrder", 0, c_int) == 1
        assert bench.cif("ShamrockGetCalibration", 0, (c_float * 512)(), 512) == 20249
        assert bench.announced[-1][0] is None
        bench.cif.done("ShamrockSetWavelength", 0, 525.0)
        assert bench.cif.done("ShamrockAtZeroOrder", 0, c_int) == 0
        assert bench.calibration() == pytest.approx(told)
        bench.cif.done("ShamrockWavelengthReset", 0)
        assert bench.cif.done("ShamrockGetWavelength", 0, c_float) == 0.0

    def test_a_grating_that_does_not_reach_so_far(self):
        bench = Bench(gratings=(RuledGrating(150, "800"), RuledGrating(2400, "250")), grating=1)
        bench.cif.done("ShamrockSetWavelength", 0, 900.0)
        limit = bench.cif.done("ShamrockGetWavelengthLimits", 0, 2, c_float, c_float)[1]
        bench.cif.done("ShamrockSetGrating", 0, 2)
        assert bench.cif.done("ShamrockGetWavelength", 0, c_float) == limit < 900


class TestCodes:
    def test_nothing_works_before_it_is_initialised(self):
        clock = VirtualClock()
        camera = AndorCamera(clock, expose=Lamp(), rng=np.random.default_rng(1))
        cif = Calls(AndorLink(camera, Shamrock(clock)).load(SPECTROGRAPH))
        assert cif("ShamrockGetNumberDevices", c_int)[0] == 20275
        assert cif("ShamrockGetGrating", 0, c_int)[0] == 20275
        assert cif("ShamrockClose") == 20275
        code, text = cif("ShamrockGetFunctionReturnDescription", 20275, TEXT, 256)
        assert (code, text) == (20202, b"SHAMROCK_NOT_INITIALISED")

    @pytest.mark.parametrize(
        ("call", "code"),
        [
            (("ShamrockGetGrating", 1, c_int), 20266),
            (("ShamrockSetGrating", 0, 0), 20267),
            (("ShamrockSetGrating", 0, 4), 20267),
            (("ShamrockGetGratingInfo", 0, 9, c_float, TEXT, c_int, c_int), 20267),
            (("ShamrockSetWavelength", 0, -1.0), 20267),
            (("ShamrockSetWavelength", 0, 5000.0), 20267),
            (("ShamrockSetWavelength", 0, float("nan")), 20267),
            (("ShamrockGetWavelength", 0, None), 20267),
            (("ShamrockGetWavelengthLimits", 0, 1, c_float, None), 20269),
            (("ShamrockSetGratingOffset", 0, 1, 20001), 20268),
            (("ShamrockSetDetectorOffset", 0, -240001), 20267),
            (("ShamrockAutoSlitIsPresent", 0, 5, c_int), 20267),
            (("ShamrockSetAutoSlitWidth", 0, 2, 9.0), 20268),
            (("ShamrockSetAutoSlitWidth", 0, 2, 2501.0), 20268),
            (("ShamrockSetAutoSlitWidth", 0, 1, 100.0), 20292),
            (("ShamrockSetShutter", 0, 3), 20267),
            (("ShamrockSetFilter", 0, 7), 20267),
            (("ShamrockSetFlipperMirror", 0, 2, 2), 20268),
            (("ShamrockSetAccessory", 0, 1, 2), 20268),
            (("ShamrockSetNumberPixels", 0, 0), 20267),
            (("ShamrockSetPixelWidth", 0, 0.0), 20267),
            (("ShamrockGetCalibration", 0, None, 512), 20267),
            (("ShamrockGetCalibration", 0, (c_float * 512)(), 512), 20268),
        ],
    )
    def test_what_cannot_be_is_named_by_its_code(self, bench, call, code):
        result = bench.cif(*call)
        assert (result[0] if isinstance(result, tuple) else result) == code

    def test_parts_that_are_not_built_in(self):
        bench = Bench(has_shutter=False, slits=())
        for name in ("Shutter", "Filter", "Accessory"):
            assert bench.cif.done(f"Shamrock{name}IsPresent", 0, c_int) == 0
        assert bench.cif("ShamrockGetShutter", 0, c_int)[0] == 20292
        assert bench.cif("ShamrockGetFilter", 0, c_int)[0] == 20292
        assert bench.cif("ShamrockGetFlipperMirror", 0, 1, c_int)[0] == 20292
        assert bench.cif("ShamrockGetAccessoryState", 0, 1, c_int)[0] == 20292
        assert bench.cif("ShamrockGetAutoSlitWidth", 0, 2, c_float)[0] == 20292
        assert bench.shamrock.throughput == 1.0

    def test_parts_keep_what_they_are_told(self, bench):
        for setter, getter, keys, value, kind in (
            ("SetFilter", "GetFilter", (), 3, c_int),
            ("SetFlipperMirror", "GetFlipperMirror", (2,), 1, c_int),
            ("SetAccessory", "GetAccessoryState", (2,), 1, c_int),
            ("SetShutter", "GetShutter", (), 1, c_int),
            ("SetAutoSlitWidth", "GetAutoSlitWidth", (2,), 250.0, c_float),
            ("SetTurret", "GetTurret", (), 2, c_int),
        ):
            bench.cif.done(f"Shamrock{setter}", 0, *keys, value)
            assert bench.cif.done(f"Shamrock{getter}", 0, *keys, kind) == value
        bench.cif.done("ShamrockAutoSlitReset", 0, 2)
        assert bench.cif.done("ShamrockGetAutoSlitWidth", 0, 2, c_float) == 10.0
        bench.cif.done("ShamrockFlipperMirrorReset", 0, 2)
        assert bench.cif.done("ShamrockGetFlipperMirror", 0, 2, c_int) == 0
        bench.cif.done("ShamrockSetFilterInfo", 0, 3, b"LP550")
        assert bench.cif.done("ShamrockGetFilterInfo", 0, 3, TEXT) == b"LP550"

    def test_spurious_errors_pass_and_a_pulled_cable_does_not(self, bench):
        bench.shamrock.spurious_errors = 2
        codes = [bench.cif("ShamrockGetGrating", 0, c_int)[0] for _ in range(3)]
        assert codes == [20201, 20201, 20202]
        bench.shamrock.unplugged = True
        assert bench.cif("ShamrockGetGrating", 0, c_int)[0] == 20201
        assert bench.cif("ShamrockGetNumberDevices", c_int) == (20202, 0)

    def test_on_the_cameras_socket_the_two_disturb_each_other(self):
        rig = Rig()
        shamrock = Shamrock(rig.clock, camera_is_busy=lambda: rig.camera.acquiring)
        link = AndorLink(rig.camera, shamrock)
        cif = Calls(link.load(SPECTROGRAPH))
        assert cif("ShamrockInitialize", b"") == 20202
        rig.sdk.done("SetAcquisitionMode", 5)
        rig.sdk.done("StartAcquisition")
        assert cif("ShamrockGetGrating", 0, c_int)[0] == 20201
        rig.sdk.done("AbortAcquisition")
        assert cif("ShamrockGetGrating", 0, c_int) == (20202, 2)

    @pytest.mark.parametrize(
        ("settings", "field"),
        [
            ({"model": "Shamrock 750"}, "spectrograph model"),
            ({"serial": ""}, "serial number"),
            ({"grating": 4}, "grating"),
            ({"wavelength": -1.0}, "wavelength"),
        ],
    )
    def test_a_spectrograph_that_cannot_be_is_refused(self, settings, field):
        with pytest.raises(LimitError, match=field):
            Bench(**settings)


class TestLight:
    def test_shutter_slit_and_mirror_stand_before_the_detector(self, bench):
        lamp = Lamp(1000.0)
        behind = bench.shamrock.behind(lamp)

        def seen():
            return behind(bench.clock.now(), 1.0)().mean()

        assert seen() == 0.0
        bench.cif.done("ShamrockSetShutter", 0, 1)
        assert seen() == pytest.approx(100.0)
        bench.cif.done("ShamrockSetAutoSlitWidth", 0, 2, 50.0)
        assert seen() == pytest.approx(500.0)
        bench.cif.done("ShamrockSetAutoSlitWidth", 0, 2, 400.0)
        assert seen() == pytest.approx(1000.0)
        bench.cif.done("ShamrockSetFlipperMirror", 0, 2, 1)
        assert seen() == 0.0
        assert len(lamp.exposures) == 5


def test_optical_parameters_and_identity(bench):
    focal, deviation, tilt = bench.cif.done(
        "ShamrockEepromGetOpticalParams", 0, c_float, c_float, c_float
    )
    assert (focal, deviation, tilt) == (pytest.approx(0.303), 24.0, -2.5)
    assert bench.cif.done("ShamrockGetSerialNumber", 0, TEXT) == b"SR-0001"
    assert bench.cif.done("ShamrockGetNumberGratings", 0, c_int) == 3
    info = bench.cif.done("ShamrockGetGratingInfo", 0, 3, c_float, TEXT, c_int, c_int)
    assert info == (1200.0, b"500", 0, 0)


def test_calibration_of_another_number_of_pixels_writes_nothing(bench):
    bench.calibration(256)
    values = (c_float * 512)(*[7.0] * 512)
    assert bench.cif("ShamrockGetCalibration", 0, values, 512) == 20268
    assert set(values) == {7.0}
    assert ctypes.sizeof(values) == 2048

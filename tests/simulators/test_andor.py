"""The camera library by its C functions: worked calls, codes, strings, structures."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_float, c_int, c_long, c_uint, c_ulong

import numpy as np
import pytest
from andor_library import CAMERA, SPECTROGRAPH, TEXT, Calls, Rig

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators.andor import HANDLE, AndorCamera, AndorLink


@pytest.fixture
def rig() -> Rig:
    return Rig()


class TestWorkedCalls:
    def test_single_track_of_rows_100_to_109(self, rig):
        rig.sdk.done("SetReadMode", 3)
        rig.sdk.done("SetSingleTrack", 105, 10)
        assert rig.camera.setup.layout.tracks == ((99, 109),)

    def test_thousand_full_vertical_spectra_of_2_ms(self, rig):
        sdk = rig.sdk
        for name, value in [
            ("SetReadMode", 0),
            ("SetAcquisitionMode", 3),
            ("SetExposureTime", 0.002),
            ("SetNumberKinetics", 1000),
            ("SetKineticCycleTime", 0.0),
        ]:
            assert sdk(name, value) == 20002
        exposure, _accumulate, kinetic = sdk.done("GetAcquisitionTimings", *[c_float] * 3)
        assert exposure == pytest.approx(0.002)
        assert sdk("StartAcquisition") == 20002
        rig.clock.sleep(1000 * kinetic)
        assert sdk("GetAcquisitionProgress", c_long, c_long) == (20002, 0, 1000)
        spectra = rig.images(1, 1000)
        assert spectra.shape == (1000, 512)
        assert spectra.dtype == np.uint16

    def test_temperature_codes_on_the_way_down(self):
        rig = Rig(room=25.0)
        assert rig.sdk("GetTemperatureF", c_float) == (20034, 25.0)
        rig.sdk.done("SetTemperature", -60)
        rig.sdk.done("CoolerON")
        rig.clock.sleep(30.0)
        assert rig.sdk("GetTemperatureF", c_float)[0] == 20037
        rig.clock.sleep(600.0)
        code, celsius = rig.sdk("GetTemperatureF", c_float)
        assert code == 20036
        assert celsius == pytest.approx(-60.0, abs=0.01)
        assert rig.sdk("GetTemperature", c_int) == (20036, -60)

    def test_images_with_nothing_taken(self, rig):
        buffer = (ctypes.c_uint16 * 512)()
        code = rig.sdk("GetImages16", 1, 1, buffer, 512, c_long, c_long)[0]
        assert code == 20024
        assert rig.sdk("GetNumberNewImages", c_long, c_long)[0] == 20024

    def test_too_much_gain(self, rig):
        assert rig.sdk("SetEMCCDGain", 900) == 20066


class TestInitialisation:
    def test_nothing_but_the_early_functions_works_before_it(self):
        clock = VirtualClock()
        camera = AndorCamera(clock, expose=None, rng=np.random.default_rng(1))
        sdk = Calls(AndorLink(camera).load(CAMERA))
        assert sdk("GetDetector", c_int, c_int)[0] == 20075
        assert sdk("ShutDown") == 20075
        assert sdk("GetVersionInfo", 0x40000000, TEXT, 256)[0] == 20002
        assert sdk("GetAvailableCameras", c_long) == (20002, 1)
        assert sdk("GetCameraHandle", 0, c_long) == (20002, HANDLE)
        assert sdk("GetCameraHandle", 1, c_long)[0] == 20066
        assert sdk("SetCurrentCamera", HANDLE) == 20002
        assert clock.now() == 0.0
        assert sdk("Initialize", b"") == 20002
        assert clock.now() == 5.0
        assert sdk("GetDetector", c_int, c_int) == (20002, 512, 512)

    def test_another_program_does_not_get_a_camera_that_is_in_use(self, rig):
        other = Calls(AndorLink(rig.camera).load(CAMERA))
        assert other("Initialize", b"") == 20992
        assert other("GetStatus", c_int)[0] == 20075
        rig.sdk.done("ShutDown")
        assert other("Initialize", b"") == 20002
        assert rig.sdk("GetStatus", c_int)[0] == 20075

    def test_a_camera_that_the_makers_own_program_has(self, rig):
        rig.sdk.done("ShutDown")
        rig.camera.in_use_elsewhere = True
        assert rig.sdk("Initialize", b"") == 20992

    def test_it_forgets_the_settings_and_loading_again_does_not(self, rig):
        rig.sdk.done("SetOutputAmplifier", 1)
        again = Calls(rig.link.load(CAMERA))
        assert again("GetStatus", c_int) == (20002, 20073)
        assert rig.camera.setup.amplifier_index == 1
        again.done("Initialize", b"")
        assert rig.camera.setup.amplifier_index == 0


class TestCable:
    def test_everything_fails_until_it_is_initialised_again(self, rig):
        rig.sdk.done("SetAcquisitionMode", 5)
        rig.sdk.done("StartAcquisition")
        rig.camera.unplugged = True
        assert rig.sdk("GetStatus", c_int)[0] == 20089
        assert rig.sdk("WaitForAcquisitionTimeOut", 100) == 20089
        assert rig.sdk("GetTemperatureF", c_float) == (20034, -999.0)
        assert rig.sdk("GetAvailableCameras", c_long) == (20002, 0)
        assert rig.sdk("Initialize", b"") == 20990
        rig.camera.unplugged = False
        assert rig.sdk("GetDetector", c_int, c_int)[0] == 20089
        assert rig.sdk("ShutDown") == 20002
        assert rig.sdk("Initialize", b"") == 20002
        assert rig.sdk("GetStatus", c_int) == (20002, 20073)

    def test_the_cooler_goes_on_without_it(self, rig):
        rig.sdk.done("SetTemperature", -90)
        rig.sdk.done("CoolerON")
        rig.camera.unplugged = True
        rig.sdk.done("ShutDown")
        assert rig.camera.cooler.is_on

    def test_other_states_can_be_put_in_its_mouth(self, rig):
        for code in (20018, 20022, 20023, 20074):
            rig.camera.status_fault = code
            assert rig.sdk("GetStatus", c_int) == (20002, code)


class TestFiles:
    def test_the_first_that_is_there_is_loaded(self, rig):
        assert hasattr(rig.link.load(SPECTROGRAPH), "ShamrockInitialize")
        assert hasattr(rig.link.load([r"C:\Program Files\Andor SDK\atmcd64d.dll"]), "Initialize")
        assert hasattr(rig.link.load(["libandor.so.2"]), "Initialize")

    @pytest.mark.parametrize("names", [["atspectrograph.dll"], ["atcore.dll"], []])
    def test_what_is_not_there_is_an_oserror(self, rig, names):
        with pytest.raises(OSError, match="cannot open"):
            rig.link.load(names)

    def test_without_a_spectrograph_its_library_is_not_installed(self, rig):
        with pytest.raises(OSError, match="Shamrock"):
            AndorLink(rig.camera).load(SPECTROGRAPH)

    def test_a_function_that_it_does_not_have_is_no_attribute(self, rig):
        assert not hasattr(rig.sdk.library, "SetSpool")


class TestCtypes:
    def test_prototypes_can_be_set_as_for_any_library(self, rig):
        function = rig.sdk.library.GetVSSpeed
        function.argtypes = [c_int, ctypes.POINTER(c_float)]
        function.restype = c_uint
        seen = []
        function.errcheck = lambda code, called, arguments: seen.append(called.__name__) or code
        speed = c_float()
        assert function(1, ctypes.byref(speed)) == 20002
        assert speed.value == 0.5
        assert seen == ["GetVSSpeed"]
        with pytest.raises(ctypes.ArgumentError):
            function("one", ctypes.byref(speed))

    def test_strings_end_with_a_zero_and_within_their_buffer(self, rig):
        rig.sdk.library.GetAmpDesc.argtypes = [c_int, c_char_p, c_int]
        buffer = ctypes.create_string_buffer(b"x" * 20, 20)
        assert rig.sdk("GetAmpDesc", 1, buffer, 6) == 20002
        assert buffer.raw == b"Conve\0" + b"x" * 14
        assert rig.sdk("GetHeadModel", TEXT) == (20002, b"DU897_BV")

    def test_null_pointers_are_invalid_parameters(self, rig):
        assert rig.sdk("GetVSSpeed", 0, None) == 20067
        assert rig.sdk("GetAcquisitionTimings", c_float, c_float, None)[0] == 20068
        assert rig.sdk("GetCapabilities", None) == 20066

    @pytest.mark.parametrize("count", [12, 13])
    def test_capabilities_of_both_sizes(self, rig, count):
        fields = (c_ulong * 14)(*[7] * 14)
        fields[0] = count * ctypes.sizeof(c_ulong)
        assert rig.sdk("GetCapabilities", fields) == 20002
        assert fields[0] == count * ctypes.sizeof(c_ulong)
        assert fields[4] == 21
        assert fields[count:] == [7] * (14 - count)

    @pytest.mark.parametrize("size", [0, 8, 11 * ctypes.sizeof(c_ulong), 53])
    def test_capabilities_of_another_size_are_refused(self, rig, size):
        fields = (c_ulong * 14)(size)
        assert rig.sdk("GetCapabilities", fields) == 20066

    def test_an_exception_of_the_simulation_comes_out_of_the_call(self, rig):
        rig.lamp.columns = 17
        rig.sdk.done("StartAcquisition")
        rig.clock.sleep(1.0)
        with pytest.raises(ValueError, match="shape"):
            rig.sdk("GetStatus", c_int)
        rig.lamp.columns = 512
        assert rig.sdk("GetStatus", c_int) == (20002, 20072)


class TestTables:
    def test_amplifiers_speeds_and_gains(self, rig):
        sdk = rig.sdk
        assert sdk.done("GetNumberADChannels", c_int) == 1
        assert sdk.done("GetBitDepth", 0, c_int) == 16
        assert sdk.done("GetNumberAmp", c_int) == 2
        found = [
            [sdk.done("GetHSSpeed", 0, amplifier, index, c_float) for index in range(number)]
            for amplifier in range(2)
            for number in [sdk.done("GetNumberHSSpeeds", 0, amplifier, c_int)]
        ]
        assert found == [[17.0, 10.0, 5.0, 1.0], [3.0, 1.0, pytest.approx(0.08)]]
        assert sdk.done("IsReadoutFlippedByAmplifier", 0, c_int) == 1
        assert sdk.done("IsReadoutFlippedByAmplifier", 1, c_int) == 0
        assert sdk.done("IsPreAmpGainAvailable", 0, 1, 2, 2, c_int) == 1
        first, last = (sdk.done("GetSensitivity", 0, 0, 1, index, c_float) for index in (0, 2))
        assert first / last == pytest.approx(5.0)
        assert sdk.done("GetFastestRecommendedVSSpeed", c_int, c_float) == (1, 0.5)

    @pytest.mark.parametrize(
        ("call", "code"),
        [
            (("GetBitDepth", 1, c_int), 20066),
            (("GetHSSpeed", 0, 2, 0, c_float), 20067),
            (("GetHSSpeed", 0, 1, 3, c_float), 20068),
            (("IsPreAmpGainAvailable", 0, 0, 0, 3, c_int), 20069),
            (("SetHSSpeed", 2, 0), 20066),
            (("SetHSSpeed", 0, 4), 20067),
            (("SetTemperature", -121), 20066),
            (("SetFanMode", 3), 20066),
            (("SetShutter", 0, 3, 0, 0), 20067),
            (("SetShutter", 0, 1, -1, 0), 20068),
            (("SetTriggerMode", 7), 20066),
            (("IsTriggerModeAvailable", 12), 20078),
            (("GetTriggerLevelRange", c_float, c_float), 20991),
            (("SetAcquisitionMode", 6), 20066),
            (("SetReadMode", 5), 20066),
            (("SetExposureTime", -1.0), 20066),
            (("SetExposureTime", float("nan")), 20066),
            (("SetSingleTrack", 0, 1), 20066),
            (("SetSingleTrack", 3, 10), 20067),
            (("SetMultiTrack", 2, 257, 0, c_int, c_int), 20067),
            (("SetMultiTrack", 1, 512, 1, c_int, c_int), 20068),
            (("SetRandomTracks", 1, (c_int * 2)(5, 4)), 20094),
            (("SetRandomTracks", 2, (c_int * 4)(1, 5, 5, 9)), 20094),
            (("SetImage", 0, 1, 1, 512, 1, 512), 20066),
            (("SetImage", 3, 1, 1, 512, 1, 512), 20069),
            (("SetImage", 1, 1, 1, 512, 1, 513), 20077),
            (("AbortAcquisition",), 20073),
            (("SendSoftwareTrigger",), 20078),
            (("SetBaselineOffset", 50), 20066),
        ],
    )
    def test_what_cannot_be_is_named_by_its_code(self, rig, call, code):
        result = rig.sdk(*call)
        assert (result[0] if isinstance(result, tuple) else result) == code

    @pytest.mark.parametrize(
        ("mode", "advanced", "highest"),
        [(0, 0, 255), (1, 0, 4095), (2, 0, 300), (3, 0, 300), (2, 1, 1000), (3, 1, 1000)],
    )
    def test_gain_modes_and_their_limits(self, rig, mode, advanced, highest):
        rig.sdk.done("SetEMAdvanced", advanced)
        rig.sdk.done("SetEMGainMode", mode)
        assert rig.sdk.done("GetEMGainRange", c_int, c_int)[1] == highest
        assert rig.sdk("SetEMCCDGain", highest + 1) == 20066
        rig.sdk.done("SetEMCCDGain", highest)
        assert rig.sdk.done("GetEMCCDGain", c_int) == highest
        rig.sdk.done("SetEMCCDGain", 0)
        assert rig.camera.setup.real_gain == 1.0

    def test_a_larger_camera(self):
        rig = Rig(model="iXon Ultra 888")
        assert rig.sdk.done("GetDetector", c_int, c_int) == (1024, 1024)
        assert rig.sdk.done("GetPixelSize", c_float, c_float) == (13.0, 13.0)
        assert rig.kinetic(2, 0.01).shape == (2, 1024)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"model": "Newton"}, "camera model"),
        ({"serial": 0}, "serial number"),
        ({"light_rows": (500, 513)}, "light_rows"),
        ({"buffer_bytes": 10}, "buffer_bytes"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(settings, field):
    with pytest.raises(LimitError, match=field):
        Rig(**settings)

"""The Andor driver on a double of the SDK: opening, the role, closing. pylablib is real."""

from __future__ import annotations

import inspect
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from andor_double import AndorDouble, connected

from drivers import _andor_library
from drivers.andor import AndorSpectrometer
from labcool.bench.driver_settings import check_settings, settings_model
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)

Connect = Callable[..., AndorSpectrometer]
RISING = [500.0, 1.0]


@pytest.fixture
def double() -> Iterator[AndorDouble]:
    made = AndorDouble(VirtualClock())
    yield made
    assert made.crashes == []


@pytest.fixture
def connect(double: AndorDouble) -> Connect:
    return partial(connected, double)


def test_fan_is_full_first_and_the_cooler_is_left_alone(
    double: AndorDouble, connect: Connect
) -> None:
    spectrometer = connect()
    assert double.orders[1] == ("SetFanMode", 0)
    assert double.times("SetFanMode") == [(0,), (0,)]
    told = {call[0] for call in double.calls}
    assert not told & {"SetTemperature", "CoolerON", "CoolerOFF"}
    assert spectrometer.temperature_setpoint is None


def test_temperature_is_set_with_the_fan_full(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(temperature=213.15)
    assert double.orders[-3:] == [("SetFanMode", 0), ("SetTemperature", -60), ("CoolerON",)]
    assert spectrometer.temperature_setpoint == 213.15
    assert spectrometer.settings()["cooler_on"] is True


def test_shutter_is_closed_and_gain_off_on_connecting(
    double: AndorDouble, connect: Connect
) -> None:
    double.gain = 200
    connect()
    assert double.gain == 0
    assert double.times("SetShutter")[-1] == (0, 2, 27, 27)
    assert (1,) not in double.times("SetEMAdvanced")


def test_fan_that_cannot_be_set_is_refused_and_the_camera_released(
    double: AndorDouble, connect: Connect
) -> None:
    double.capabilities &= ~0x80  # AC_FEATURES_FANCONTROL
    with pytest.raises(InstrumentRefused, match="camera: its fan"):
        connect(temperature=213.15)
    assert double.orders[-1] == ("ShutDown",)
    assert double.cooler == 0


@pytest.mark.parametrize(
    ("settings", "found"), [({"serial": 1}, "4711 answers"), ({"model": "DU888"}, "DU897_BV")]
)
def test_another_camera_is_told_and_released(
    double: AndorDouble, connect: Connect, settings: dict[str, Any], found: str
) -> None:
    with pytest.raises(WrongInstrument, match=f"camera: .*{found}"):
        connect(**settings)
    assert double.orders[-1] == ("ShutDown",)


def test_no_camera_is_there(double: AndorDouble, connect: Connect) -> None:
    double.values["GetAvailableCameras"] = (0,)
    with pytest.raises(InstrumentDisconnected, match="camera: camera index 0 is not available"):
        connect()


def test_no_library_is_there(double: AndorDouble, connect: Connect) -> None:
    double.absent.add("atmcd64d.dll")
    with pytest.raises(ConfigurationError, match=r"camera: .*cannot be loaded.*Install"):
        connect()


def test_initialize_that_fails_gives_the_sdk_back(double: AndorDouble, connect: Connect) -> None:
    double.codes["Initialize"] = 20089
    with pytest.raises(InstrumentDisconnected, match=r"USB.*Initialize answered 20089"):
        connect()
    assert double.orders[-1] == ("ShutDown",)


def test_pylablib_that_is_missing_is_told_with_the_command(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pylablib.devices.Andor", None)
    with pytest.raises(ConfigurationError, match=r'camera: .*pip install "labcool\[andor\]"'):
        connect()


def test_importing_the_drivers_does_not_import_pylablib() -> None:
    program = "import sys, drivers.andor, drivers.shamrock; print('pylablib' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def test_bench_file_can_give_every_setting() -> None:
    given = {
        "serial": 4711,
        "model": "DU897",
        "temperature": 213.15,
        "cooling_timeout": 1800.0,
        "on_shutdown": "keep cold",
        "read_mode": "single track",
        "first_row": 100,
        "last_row": 109,
        "amplifier": "em",
        "wavelength_coefficients": [500.0, 0.1],
    }
    assert check_settings(AndorSpectrometer, given) == (given, [])
    parameters = inspect.signature(AndorSpectrometer).parameters.values()
    settable = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} - {"clock"}
    offered = {field.alias for field in settings_model(AndorSpectrometer).model_fields.values()}
    assert offered == settable
    for wrong in ({"camera_index": 8}, {"shutter": "ajar"}, {"serial": "4711"}, {"gain": 3}):
        assert check_settings(AndorSpectrometer, wrong)[1]
    assert check_settings(AndorSpectrometer, {}, resource="USB0")[1]


def test_real_cameras_on_windows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_andor_library.os, "name", "posix")
    with pytest.raises(ConfigurationError, match="64 bits on Linux"):
        AndorSpectrometer(None, "camera", wavelength_coefficients=RISING)
    with pytest.raises(ConfigurationError, match="means nothing to Andor's libraries"):
        AndorSpectrometer("USB0", "camera")  # type: ignore[arg-type]


def test_pylablib_is_as_before_and_two_cameras_do_not_meet(connect: Connect) -> None:
    from pylablib.devices.Andor import AndorSDK2, Shamrock, atmcd32d_lib

    before = (AndorSDK2.lib, AndorSDK2.libctl, Shamrock.lib, atmcd32d_lib.load_lib)
    first = connect()
    assert (AndorSDK2.lib, AndorSDK2.libctl, Shamrock.lib, atmcd32d_lib.load_lib) == before
    other = AndorDouble(VirtualClock())
    other.values["GetCameraSerialNumber"] = (12,)
    second = AndorSpectrometer(
        other, "other", clock=other.clock, wavelength_coefficients=RISING, require_cold=False
    )
    assert (first.identity, second.identity) == ("Andor DU897_BV 4711", "Andor DU897_BV 12")
    started = len(other.times("StartAcquisition"))
    first.acquire()
    assert len(other.times("StartAcquisition")) == started
    second.shutdown()
    assert other.orders[-1] == ("ShutDown",)
    first.acquire()
    first.shutdown()
    assert (AndorSDK2.lib, AndorSDK2.libctl, Shamrock.lib, atmcd32d_lib.load_lib) == before
    assert atmcd32d_lib.wlib._initialized is False


def test_call_that_does_not_come_back_is_left_behind(
    double: AndorDouble, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    spectrometer = connect()
    libraries = spectrometer._camera.libraries
    release = threading.Event()
    with libraries.selected("camera"), pytest.raises(InstrumentTimeout, match="camera: moving"):
        libraries.bounded("camera", "moving", 0.01, lambda: release.wait(30))
    with pytest.raises(InstrumentDisconnected, match="moving has not come back"):
        spectrometer.acquire()
    release.set()
    assert libraries._busy is not None
    libraries._busy[1].join(30)
    spectrometer.acquire()


def test_axis_is_needed_once(connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match="wavelength_coefficients or spectrograph"):
        connect(wavelength_coefficients=None)
    with pytest.raises(ConfigurationError, match="wavelength_coefficients or spectrograph"):
        connect(spectrograph=True, wavelength_coefficients=RISING)
    for setting in ({"grating": 1}, {"spectrograph_serial": "SR-0815"}, {"slit_width": 50.0}):
        with pytest.raises(ConfigurationError, match="those of a spectrograph"):
            connect(**setting)


def test_settings_and_gain(connect: Connect) -> None:
    spectrometer = connect(preamp_gain=2, electrons_per_count=3.0)
    settings = spectrometer.settings()
    assert settings["preamp_gain"] == 2.0
    assert settings["horizontal_speed_MHz"] == 1.0
    assert settings["vertical_speed_us"] == 0.5
    assert (spectrometer.electrons_per_count, spectrometer.read_noise) == (3.0, 2.0)
    assert connect().electrons_per_count == 4.0


def test_sensitivity_and_noise_that_nobody_knows(
    double: AndorDouble, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    assert connect(read_noise_electrons=None).read_noise == 6.0 / 4.0
    assert "typical, not measured" in caplog.text
    double.codes["GetSensitivity"] = 20991
    with pytest.raises(ConfigurationError, match="electrons_per_count"):
        connect()


@pytest.mark.parametrize(
    "settings",
    [
        {"serial": True},
        {"camera_index": -1},
        {"camera_index": 1.5},
        {"exposure": 0.001},
        {"exposure": 1001.0},
        {"averages": 0},
        {"averages": True},
        {"temperature": 100.0},
        {"temperature": float("nan")},
        {"cooling_timeout": -1.0},
        {"on_shutdown": "hot"},
        {"shutter": "ajar"},
        {"read_mode": "image"},
        {"first_row": 2},
        {"read_mode": "single track", "first_row": 0, "last_row": 2},
        {"read_mode": "single track", "first_row": 3, "last_row": 2},
        {"read_mode": "single track", "first_row": 3, "last_row": 7},
        {"amplifier": "photomultiplier"},
        {"horizontal_speed": 2.0},
        {"vertical_speed": 2.0},
        {"preamp_gain": 3.0},
        {"saturation_level": 65536.0},
        {"electrons_per_count": 0.0},
        {"read_noise_electrons": -1.0},
        {"wavelength_coefficients": [500.0]},
        {"wavelength_coefficients": [500.0, 0.0]},
        {"wavelength_coefficients": [500.0, 1.0, -0.2]},
        {"wavelength_coefficients": [500.0, float("inf")]},
        {"mirrored_amplifier": "both"},
        {"require_cold": 1},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(
    double: AndorDouble, connect: Connect, settings: dict[str, Any]
) -> None:
    with pytest.raises(LimitError, match="camera"):
        connect(**settings)
    assert not double.times("StartAcquisition")
    assert double.cooler == 0
    assert double.orders == [] or double.orders[-1] == ("ShutDown",)


def test_shutdown_leaves_it_warm_closed_and_released(
    double: AndorDouble, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spectrometer = connect(temperature=213.15, shutter="open")
    spectrometer.acquire()
    assert double.times("SetShutter")[-1] == (0, 1, 27, 27)
    double.gain = 50
    spectrometer.shutdown()
    assert double.times("SetShutter")[-1] == (0, 2, 27, 27)
    assert (double.gain, double.cooler) == (0, 0)
    assert double.times("SetCoolerMode") == [(0,)]
    assert double.orders[-3:] == [("CoolerOFF",), ("FreeInternalMemory",), ("ShutDown",)]
    assert "camera: the cooler is off." in caplog.text
    told = len(double.calls)
    spectrometer.shutdown()
    assert len(double.calls) == told
    with pytest.raises(InstrumentDisconnected, match="its use has ended"):
        spectrometer.acquire()


def test_shutdown_keeps_it_cold_if_asked(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(temperature=213.15, on_shutdown="keep cold")
    spectrometer.shutdown()
    assert double.cooler == 1
    assert double.times("SetCoolerMode") == [(1,)]
    assert double.times("SetFanMode")[-1] == (0,)


def test_shutdown_waits_until_it_is_warm_for_a_stated_time(
    double: AndorDouble, connect: Connect
) -> None:
    spectrometer = connect(temperature=213.15, warm_up_timeout=60.0)
    double.temperature = -60.0
    start = double.clock.now()
    with pytest.raises(InstrumentTimeout, match=r"after 60 s .* 213\.1 K.*Leave the camera"):
        spectrometer.shutdown()
    assert 60.0 <= double.clock.now() - start < 62.0
    assert double.orders[-1] == ("ShutDown",)
    assert double.cooler == 0


def test_everything_is_tried_whatever_fails(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(temperature=213.15)
    double.codes["SetEMCCDGain"] = 20089
    with pytest.raises(InstrumentDisconnected, match="SetEMCCDGain answered 20089"):
        spectrometer.shutdown()
    assert double.times("SetShutter")[-1] == (0, 2, 27, 27)
    assert double.cooler == 0
    assert double.orders[-1] == ("ShutDown",)


def test_gain_and_cooler_that_do_not_obey_are_told(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(temperature=213.15)
    double._GetEMCCDGain = lambda gain: gain.__setitem__(0, 200)  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match="EM gain stays at 200"):
        spectrometer.make_safe()
    double._IsCoolerOn = lambda on: on.__setitem__(0, 1)  # type: ignore[method-assign]
    del double._GetEMCCDGain
    with pytest.raises(InstrumentRefused, match="cooler does not go off"):
        spectrometer.shutdown()
    assert double.orders[-1] == ("ShutDown",)


def test_wavelengths_can_be_set_after_another_spectrograph_has_moved(connect: Connect) -> None:
    spectrometer = connect()
    np.testing.assert_allclose(spectrometer.wavelengths, 500.0 + np.arange(8))
    spectrometer.wavelength_coefficients = (700.0, -2.0)
    np.testing.assert_allclose(spectrometer.wavelengths, 686.0 + 2.0 * np.arange(8))
    with pytest.raises(LimitError, match="all rise, or all fall"):
        spectrometer.wavelength_coefficients = (700.0, 1.0, -1.0)
    assert spectrometer.wavelength_coefficients == (700.0, -2.0)

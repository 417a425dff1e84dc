"""Cooler, fan and temperature of the simulated camera."""

from __future__ import annotations

from ctypes import c_float, c_int

import numpy as np
import pytest
from andor_library import CAMERA, Calls, Rig

from simulators.andor import AndorLink


@pytest.fixture
def rig() -> Rig:
    return Rig(room=25.0)


def cool(rig, celsius, fan=0):
    rig.sdk.done("SetFanMode", fan)
    rig.sdk.done("SetTemperature", celsius)
    rig.sdk.done("CoolerON")


def code(rig):
    return rig.sdk("GetTemperatureF", c_float)[0]


def test_the_library_begins_with_the_cooler_off(rig):
    assert rig.sdk.done("IsCoolerOn", c_int) == 0
    assert rig.sdk.done("GetTemperatureRange", c_int, c_int) == (-120, -10)
    assert rig.sdk("GetTemperatureF", c_float) == (20034, 25.0)


def test_cooling_is_exponential(rig):
    cool(rig, -60)
    seconds = np.arange(30, 181, 30)
    distance = []
    for _ in seconds:
        rig.clock.sleep(30.0)
        distance.append(rig.camera.sensor_temperature + 60)
    ratios = np.array(distance[1:]) / np.array(distance[:-1])
    assert ratios == pytest.approx(np.exp(-30 / 60), rel=1e-6)


def test_codes_follow_one_another(rig):
    cool(rig, -60)
    codes = []
    for _ in range(600):
        rig.clock.sleep(1.0)
        if not codes or codes[-1] != code(rig):
            codes.append(code(rig))
    assert codes == [20037, 20035, 20036]
    rig.sdk.done("SetTemperature", -70)
    assert code(rig) == 20037
    rig.sdk.done("CoolerOFF")
    assert code(rig) == 20034


def test_a_cooler_that_drifts(rig):
    cool(rig, -60)
    rig.clock.sleep(900.0)
    rig.camera.cooler_drift = 5.0
    rig.clock.sleep(20.0)
    assert code(rig) == 20036
    rig.clock.sleep(300.0)
    assert code(rig) == 20040
    assert rig.camera.sensor_temperature == pytest.approx(-55.0, abs=0.1)


def test_the_state_does_not_depend_on_who_asks_when(rig):
    other = Rig(room=25.0)
    for each in (rig, other):
        cool(each, -70)
    for _ in range(1000):
        rig.clock.sleep(0.7)
        code(rig)
    other.clock.sleep(700.0)
    assert rig.camera.sensor_temperature == pytest.approx(other.camera.sensor_temperature)


@pytest.mark.parametrize(("fan", "lowest"), [(0, -80.0), (1, -74.0)])
def test_air_cooling_ends_where_the_fan_lets_it(rig, fan, lowest):
    cool(rig, -120, fan)
    rig.clock.sleep(7200.0)
    assert rig.camera.sensor_temperature == pytest.approx(lowest, abs=0.5)
    assert code(rig) == 20037
    assert rig.sdk.done("GetTECStatus", c_int) == 0


def test_with_the_fan_off_the_hot_side_overheats_and_the_sensor_warms_up(rig):
    cool(rig, -60, 2)
    rig.clock.sleep(180.0)
    assert rig.sdk.done("GetTECStatus", c_int) == 0
    coldest = rig.camera.sensor_temperature
    seen = set()
    for _ in range(120):
        rig.clock.sleep(10.0)
        seen.add(rig.sdk.done("GetTECStatus", c_int))
        if seen == {0, 1} or 1 in seen:
            break
    assert 1 in seen
    assert rig.camera.cooler.hot_side > 60.0
    rig.clock.sleep(60.0)
    assert rig.camera.sensor_temperature > coldest + 5
    assert code(rig) in (20037, 20040)
    assert rig.sdk.done("IsCoolerOn", c_int) == 1
    rig.sdk.done("SetFanMode", 0)
    rig.clock.sleep(1800.0)
    assert rig.sdk.done("GetTECStatus", c_int) == 0
    assert rig.camera.sensor_temperature == pytest.approx(-60.0, abs=0.1)


def test_a_busy_camera_tells_no_temperature(rig):
    rig.sdk.done("SetAcquisitionMode", 5)
    rig.sdk.done("StartAcquisition")
    assert code(rig) == 20072
    assert rig.sdk("GetTemperature", c_int)[0] == 20072
    rig.sdk.done("AbortAcquisition")
    assert code(rig) == 20034


@pytest.mark.parametrize(("mode", "after"), [(0, 25.0), (1, -60.0)])
def test_what_happens_when_the_library_is_shut_down(rig, mode, after):
    cool(rig, -60)
    rig.sdk.done("SetCoolerMode", mode)
    rig.clock.sleep(900.0)
    rig.sdk.done("ShutDown")
    rig.clock.sleep(30.0)
    assert rig.camera.sensor_temperature < -50
    rig.clock.sleep(3600.0)
    assert rig.camera.sensor_temperature == pytest.approx(after, abs=0.1)


def test_a_program_that_dies_leaves_the_camera_as_it_is(rig):
    cool(rig, -60)
    rig.clock.sleep(900.0)
    other = Calls(AndorLink(rig.camera).load(CAMERA))
    assert other("Initialize", b"") == 20992
    assert rig.camera.sensor_temperature == pytest.approx(-60.0, abs=0.1)

"""The cooler of the Andor driver: what counts as cold, what is waited for, what ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from andor_double import AndorDouble, connected

from drivers.andor import AndorSpectrometer
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
)

Connect = Callable[..., AndorSpectrometer]
OFF, NOT_STABLE, STABLE, NOT_REACHED, DRIFT = 20034, 20035, 20036, 20037, 20040


@pytest.fixture
def double() -> Iterator[AndorDouble]:
    made = AndorDouble(VirtualClock())
    yield made
    assert made.crashes == []


@pytest.fixture
def connect(double: AndorDouble) -> Connect:
    return partial(connected, double, require_cold=True)


def cools_down(double: AndorDouble, seconds: float) -> None:
    """Let the sensor reach -60 °C at this moment, and be stable at once."""
    begin = double.clock.now()

    def read(temperature: object) -> int:
        done = double.clock.now() - begin >= seconds
        temperature[0] = -60.0 if done else -10.0  # type: ignore[index]
        return STABLE if done else NOT_REACHED

    double._GetTemperatureF = read  # type: ignore[method-assign]


def test_set_point_is_in_whole_degrees(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    spectrometer.temperature_setpoint = 213.0
    assert double.setpoint == -60
    assert spectrometer.temperature_setpoint == 213.15
    told = len(double.calls)
    for kelvin in (153.0, 293.3, float("nan"), True):
        with pytest.raises(LimitError, match="camera temperature"):
            spectrometer.temperature_setpoint = kelvin
    assert len(double.calls) == told


def test_cooler_that_does_not_go_on_is_told(double: AndorDouble, connect: Connect) -> None:
    double._CoolerON = lambda: None  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match="camera: the cooler does not go on"):
        connect(temperature=213.15)
    assert double.orders[-1] == ("ShutDown",)


@pytest.mark.parametrize("code", [OFF, NOT_REACHED, NOT_STABLE])
def test_no_spectrum_before_the_sensor_is_cold(
    double: AndorDouble, connect: Connect, code: int
) -> None:
    spectrometer = connect(temperature=213.15)
    double.temperature, double.temperature_code = -30.0, code
    with pytest.raises(InstrumentRefused, match=r"camera: the sensor is at 243.1 K .* 213.15 K"):
        spectrometer.acquire()
    assert not double.times("StartAcquisition")
    double.temperature, double.temperature_code = -60.0, STABLE
    spectrometer.acquire()
    assert connect(require_cold=False).acquire().counts.max() == 1


def test_cold_without_stabilised_after_two_minutes_within_a_kelvin(
    double: AndorDouble, connect: Connect
) -> None:
    spectrometer = connect(temperature=213.15)
    double.temperature, double.temperature_code = -59.2, NOT_STABLE
    start = double.clock.now()
    spectrometer.wait_until_cold()
    assert double.clock.now() - start == pytest.approx(120.0, abs=1.5)
    spectrometer.acquire()
    double.temperature = -58.9
    with pytest.raises(InstrumentRefused, match="camera: the sensor is at"):
        spectrometer.acquire()
    double.temperature = -59.2
    with pytest.raises(InstrumentRefused, match="camera: the sensor is at"):
        spectrometer.acquire()


def test_drift_is_warned_of_and_marked(
    double: AndorDouble, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    spectrometer = connect(temperature=213.15)
    double.temperature, double.temperature_code = -58.0, DRIFT
    spectrometer.acquire()
    assert "camera: the sensor's temperature drifts: 215.1 K" in caplog.text
    settings = spectrometer.settings()
    assert settings["temperature_drifted"] is True
    assert settings["temperature_status"] == spectrometer.temperature_status == "drift"
    double.temperature_code = STABLE
    spectrometer.acquire()
    assert spectrometer.settings()["temperature_drifted"] is False


def test_acquire_waits_if_it_may(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(temperature=213.15, cooling_timeout=600.0)
    cools_down(double, 300.0)
    start = double.clock.now()
    spectrometer.acquire()
    assert double.clock.now() - start == pytest.approx(300.0, abs=2.0)
    assert spectrometer.sensor_temperature == pytest.approx(213.15)


def test_waiting_ends(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(temperature=213.15)
    cools_down(double, 300.0)
    start = double.clock.now()
    with pytest.raises(InstrumentTimeout, match=r"camera: after 60 s the sensor is at 263.1 K"):
        spectrometer.wait_until_cold(60.0)
    assert double.clock.now() - start == pytest.approx(60.0, abs=1.5)
    with pytest.raises(LimitError, match="camera timeout"):
        spectrometer.wait_until_cold(-1.0)


def test_cooler_that_is_off_is_not_waited_for(double: AndorDouble, connect: Connect) -> None:
    start = double.clock.now()
    with pytest.raises(InstrumentRefused, match="Set temperature_setpoint"):
        connect(cooling_timeout=600.0).acquire()
    assert double.clock.now() - start < 0.1


def test_temperature_waits_for_the_end_of_an_acquisition(
    double: AndorDouble, connect: Connect
) -> None:
    spectrometer = connect()
    free_at = double.clock.now() + 0.5

    def busy(temperature: object) -> int:
        temperature[0] = -60.0  # type: ignore[index]
        return 20072 if double.clock.now() < free_at else STABLE

    double._GetTemperatureF = busy  # type: ignore[method-assign]
    assert spectrometer.sensor_temperature == pytest.approx(213.15)
    free_at = double.clock.now() + 60.0
    with pytest.raises(InstrumentTimeout, match="camera: no temperature"):
        _ = spectrometer.sensor_temperature


@pytest.mark.parametrize(("code", "degrees"), [(OFF, -999.0), (20024, -60.0), (20089, -60.0)])
def test_camera_that_is_gone(
    double: AndorDouble, connect: Connect, code: int, degrees: float
) -> None:
    spectrometer = connect(require_cold=False)
    double.temperature, double.temperature_code = degrees, code
    with pytest.raises(InstrumentDisconnected, match=r"^camera: "):
        _ = spectrometer.sensor_temperature
    with pytest.raises(InstrumentDisconnected, match=r"^camera: "):
        spectrometer.settings()


@pytest.mark.parametrize(
    ("code", "degrees"), [(STABLE, float("nan")), (STABLE, -300.0), (STABLE, 101.0), (20002, 1.0)]
)
def test_temperature_that_is_none(
    double: AndorDouble, connect: Connect, code: int, degrees: float
) -> None:
    spectrometer = connect()
    double.temperature, double.temperature_code = degrees, code
    with pytest.raises(GarbledAnswer, match=r"^camera: "):
        _ = spectrometer.sensor_temperature


@pytest.mark.parametrize("require_cold", [True, False])
def test_overheating_makes_safe(double: AndorDouble, connect: Connect, require_cold: bool) -> None:
    spectrometer = connect(temperature=213.15, require_cold=require_cold, shutter="open")
    double.temperature, double.temperature_code = -60.0, STABLE
    spectrometer.acquire()
    double.gain = 100
    double.values["GetTECStatus"] = (1,)
    with pytest.raises(InstrumentRefused, match="camera: its cooler overheats"):
        spectrometer.acquire()
    assert (double.cooler, double.gain) == (0, 0)
    assert double.times("SetShutter")[-1][1] == 2
    assert double.times("SetFanMode")[-1] == (0,)


def test_camera_that_cannot_tell_of_overheating_works(
    double: AndorDouble, connect: Connect
) -> None:
    double.codes["GetTECStatus"] = 20991
    connect(require_cold=False).acquire()


def test_camera_that_cannot_stay_cold_says_so(
    double: AndorDouble, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    spectrometer = connect(temperature=213.15, on_shutdown="keep cold")
    double.codes["SetCoolerMode"] = 20991
    spectrometer.shutdown()
    assert "cannot stay cold once it is released" in caplog.text
    assert double.cooler == 1


def test_warming_up_is_waited_for(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(temperature=213.15, warm_up_timeout=3600.0)
    begin = double.clock.now()

    def warms(temperature: object) -> int:
        temperature[0] = -60.0 + (double.clock.now() - begin) / 10  # type: ignore[index]
        return OFF

    double._GetTemperatureF = warms  # type: ignore[method-assign]
    spectrometer.shutdown()
    assert double.clock.now() - begin == pytest.approx(400.0, abs=2.0)
    assert double.orders[-1] == ("ShutDown",)

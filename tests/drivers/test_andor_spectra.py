"""Spectra and series of the Andor driver, on a double of the SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from andor_double import AndorDouble, connected

from drivers.andor import AndorSpectrometer
from labcool.clock import VirtualClock
from labcool.errors import (
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
)

Connect = Callable[..., AndorSpectrometer]
RISING, FALLING = [500.0, 1.0], [507.0, -1.0]


@pytest.fixture
def double() -> Iterator[AndorDouble]:
    made = AndorDouble(VirtualClock())
    yield made
    assert made.crashes == []


@pytest.fixture
def connect(double: AndorDouble) -> Connect:
    return partial(connected, double)


def test_spectrum_is_a_kinetic_series_with_the_exposure_sent_after_the_mode(
    double: AndorDouble, connect: Connect
) -> None:
    spectrometer = connect(exposure=0.25, averages=4)
    called, told = double.clock.now(), len(double.orders)
    spectrum = spectrometer.acquire()
    np.testing.assert_array_equal(spectrum.counts, np.full(8, 2.5))
    assert (spectrum.exposure, spectrum.averages, spectrum.saturated) == (0.25, 4, False)
    assert double.started is not None
    assert double.started >= called
    assert double.clock.now() - called == pytest.approx(4 * 0.251, abs=0.05)
    orders = [order for order in double.orders[told:] if order[0] != "SetShutter"]
    assert orders[0] == ("SetAcquisitionMode", 3)
    assert ("SetNumberKinetics", 4) in orders
    assert orders[-2:] == [("SetExposureTime", 0.25), ("StartAcquisition",)]


def test_single_spectrum_is_of_whole_counts(connect: Connect) -> None:
    counts = connect().acquire().counts
    assert np.issubdtype(counts.dtype, np.signedinteger)
    np.testing.assert_array_equal(counts, np.ones(8))


def test_counts_below_zero_and_above_16_bits(double: AndorDouble, connect: Connect) -> None:
    double.light[:] = -5
    assert connect().acquire().counts.min() == -4
    double.light[:] = 100_000
    assert connect().acquire().counts.max() == 100_001


def test_exposure_is_what_the_camera_realises(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    assert spectrometer.exposure_range == (pytest.approx(0.002), 1000.0)
    spectrometer.exposure = 0.123456
    assert spectrometer.exposure == 0.123456
    double._SetExposureTime = (  # type: ignore[method-assign]
        lambda seconds: setattr(double, "exposure", round(seconds, 2))
    )
    spectrometer.exposure = 0.123456
    assert spectrometer.exposure == pytest.approx(0.12)
    assert spectrometer.acquire().exposure == pytest.approx(0.12)
    told = len(double.calls)
    for seconds in (0.0, 0.001, 1001.0, float("nan"), "1", True):
        with pytest.raises(LimitError, match="camera exposure"):
            spectrometer.exposure = seconds  # type: ignore[assignment]
    assert len(double.calls) == told


@pytest.mark.parametrize("mirrored", ["em", "conventional", "none"])
@pytest.mark.parametrize("amplifier", ["em", "conventional"])
@pytest.mark.parametrize("coefficients", [RISING, FALLING])
def test_counts_go_with_ascending_wavelengths(
    double: AndorDouble, connect: Connect, mirrored: str, amplifier: str, coefficients: list[float]
) -> None:
    # The calibration's pixel 0 is lit; the read-out of a mirrored amplifier brings it last.
    double.light[-1 if mirrored == amplifier else 0] = 1000
    spectrometer = connect(
        amplifier=amplifier, mirrored_amplifier=mirrored, wavelength_coefficients=coefficients
    )
    assert (np.diff(spectrometer.wavelengths) > 0).all()
    lit = spectrometer.wavelengths[np.argmax(spectrometer.acquire().counts)]
    assert lit == coefficients[0]
    series = spectrometer.acquire_series(3)
    assert (spectrometer.wavelengths[np.argmax(series.counts, axis=1)] == coefficients[0]).all()


@pytest.mark.parametrize(
    ("rows", "track"), [((100, 109), (105, 10)), ((100, 108), (104, 9)), ((7, 7), (7, 1))]
)
def test_single_track_is_that_of_the_manual(rows: tuple[int, int], track: tuple[int, int]) -> None:
    double = AndorDouble(VirtualClock(), rows=512)
    AndorSpectrometer(
        double,
        "camera",
        clock=double.clock,
        read_mode="single track",
        first_row=rows[0],
        last_row=rows[1],
        wavelength_coefficients=RISING,
    )
    assert double.times("SetReadMode")[-1] == (3,)
    assert double.times("SetSingleTrack")[-1] == track


def test_all_rows_are_binned_else(double: AndorDouble, connect: Connect) -> None:
    connect()
    assert double.times("SetReadMode")[-1] == (0,)


def test_saturated_pixel_is_told(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    double.light[3] = 64_223
    assert spectrometer.acquire().saturated is False
    double.light[3] = 64_224
    assert spectrometer.acquire().saturated is True
    double.light[3] = 49_998
    limited = connect(saturation_level=51_020.0, averages=3)
    assert limited.acquire().saturated is True
    np.testing.assert_array_equal(limited.acquire_series(3).saturated, [False, True, True])


def test_series_has_every_frame_and_its_period(double: AndorDouble, connect: Connect) -> None:
    double.ring = 10
    spectrometer = connect(exposure=0.002)
    series = spectrometer.acquire_series(1000, period=0.01)
    np.testing.assert_array_equal(series.counts[:, 0], np.arange(1, 1001))
    assert (series.exposure, series.period) == (0.002, 0.01)
    fast = spectrometer.acquire_series(20)
    assert fast.counts.shape == (20, 8)
    assert fast.period == pytest.approx(0.003)


def test_period_that_cannot_be_kept_is_refused(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    for period, number in ((0.05, 5), (0.0, 5), (-1.0, 5), (float("nan"), 5), (0.5, 0)):
        with pytest.raises(LimitError, match="camera"):
            spectrometer.acquire_series(number, period=period)
    assert not double.times("StartAcquisition")


def test_overwritten_frames_are_an_error(double: AndorDouble, connect: Connect) -> None:
    double.ring = 10
    spectrometer = connect(exposure=0.002)
    slow = double.clock
    original = double._GetStatus

    def late(status: Any) -> None:
        slow.sleep(1.0)
        original(status)

    double._GetStatus = late  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match=r"camera: frames 1 to .* were overwritten"):
        spectrometer.acquire_series(5000, period=0.01)
    assert double.orders[-1] == ("AbortAcquisition",)


def test_frames_that_are_not_delivered_are_an_error(double: AndorDouble, connect: Connect) -> None:
    double.delivered_from = 3
    with pytest.raises(InstrumentRefused, match="camera: frames 1 to 2 were overwritten"):
        connect(averages=5, exposure=0.002).acquire()
    double.delivered_from = 1
    for code in (20024, 20049, 20066, 20067):
        double.codes["GetImages"] = code
        with pytest.raises(InstrumentRefused, match=r"camera: frames 1 to .* were overwritten"):
            connect(averages=5).acquire()


def test_series_that_ends_early_is_an_error(double: AndorDouble, connect: Connect) -> None:
    double.stops_after = 3
    with pytest.raises(InstrumentRefused, match="camera: the series ended after 3 of 5 frames"):
        connect(averages=5).acquire()


def test_series_that_never_comes_is_a_timeout(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    double.fastest = 1000.0
    called = double.clock.now()
    double._GetAcquisitionTimings = (  # type: ignore[method-assign]
        lambda *pointers: [pointer.__setitem__(0, 0.1) for pointer in pointers] and None
    )
    with pytest.raises(InstrumentTimeout, match="camera: only 0 of 1 frames"):
        spectrometer.acquire()
    assert double.clock.now() - called < 0.2 + 5.1
    assert double.started is None
    double.fastest = 0.0
    assert spectrometer.acquire().counts.max() == 1


@pytest.mark.parametrize(
    "function", ["StartAcquisition", "GetStatus", "GetTotalNumberImagesAcquired", "GetImages"]
)
def test_lost_camera_is_told(double: AndorDouble, connect: Connect, function: str) -> None:
    spectrometer = connect()
    double.codes[function] = 20089
    with pytest.raises(InstrumentDisconnected, match=f"camera: .*{function} answered 20089"):
        spectrometer.acquire()
    del double.codes[function]
    assert spectrometer.acquire().counts.max() == 1


@pytest.mark.parametrize("code", [20018, 20022, 20099, 20075, 1, 0])
@pytest.mark.parametrize("function", ["StartAcquisition", "GetStatus", "SetExposureTime"])
def test_every_code_is_an_error_with_the_name(
    double: AndorDouble, connect: Connect, function: str, code: int
) -> None:
    spectrometer = connect()
    double.codes[function] = code
    with pytest.raises(InstrumentError, match=f"^camera: .*{code}"):
        spectrometer.acquire()


def test_acquisition_left_behind_is_stopped_first(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    double.number, double.fastest = 100, 10.0
    double._StartAcquisition()
    double.fastest = 0.0
    spectrum = spectrometer.acquire()
    assert double.times("AbortAcquisition") == [()]
    assert spectrum.counts.max() == 1


def test_dark_spectrum_keeps_the_shutter_closed(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    spectrometer.acquire()
    assert double.times("SetShutter")[-1][1] == 0
    spectrometer.shutter = "closed"
    assert double.times("SetShutter")[-1][1] == 2
    spectrometer.acquire()
    assert double.times("SetShutter")[-1][1] == 2
    spectrometer.shutter = "open"
    assert double.times("SetShutter")[-1][1] == 2
    spectrometer.acquire()
    assert double.times("SetShutter")[-1][1] == 1
    begin = double.clock.now()
    spectrometer.make_safe()
    assert double.times("SetShutter")[-1][1] == 2
    assert double.clock.now() - begin >= 0.027
    with pytest.raises(LimitError, match="camera shutter"):
        spectrometer.shutter = "ajar"  # type: ignore[assignment]

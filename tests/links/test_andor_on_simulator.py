"""The Andor drivers through real pylablib on the simulated SDK2 and Shamrock libraries."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.andor import AndorSpectrometer
from drivers.shamrock import Shamrock
from labcool.clock import VirtualClock
from labcool.errors import (
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.units import kelvin
from simulators._andor_codes import FanMode, ShutterMode
from simulators.andor import AndorCamera, AndorLink
from simulators.shamrock import Shamrock as SimulatedShamrock

COLD_K = kelvin(-60)
LAMP_NM, NARROW_NM, RATE = 546.1, 1.0, 1e5
PEAK = RATE / (NARROW_NM * np.sqrt(2 * np.pi))


class Bench:
    """A camera behind a spectrograph, lit by one spectral line of ``rate`` electrons/s."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.rate = RATE
        self.exposures: list[tuple[float, float]] = []
        quiet = {"cosmic_rate": 0.0, "bias_drift": 0.0, "clock_induced_charge": 0.0}
        self.camera = AndorCamera(
            self.clock,
            expose=self.expose,
            rng=np.random.default_rng(3),
            **{**quiet, **settings},
        )
        self.light: NDArray[Any] | None = None
        self.spectrograph = SimulatedShamrock(self.clock, moved=self.moved)
        self.link = AndorLink(self.camera, self.spectrograph)

    def moved(self, wavelengths: NDArray[Any] | None, _: float) -> None:
        self.light = wavelengths

    def expose(self, start: float, duration: float) -> Callable[[], NDArray[Any]]:
        self.exposures.append((start, duration))

        def electrons() -> NDArray[Any]:
            if self.light is None:
                return np.zeros(self.camera.columns)
            line = np.exp(-0.5 * ((self.light - LAMP_NM) / NARROW_NM) ** 2)
            return self.rate * duration * line * np.gradient(self.light) * PEAK / RATE

        return electrons

    def connect(self, **settings: Any) -> AndorSpectrometer:
        usual = {"spectrograph": True, "temperature": COLD_K, "centre_wavelength": 546.0}
        return AndorSpectrometer(
            self.link,
            "camera",
            clock=self.clock,
            **{**usual, "read_noise_electrons": 6.0, **settings},
        )

    def cold(self, **settings: Any) -> AndorSpectrometer:
        spectrometer = self.connect(**settings)
        spectrometer.wait_until_cold()
        return spectrometer


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_camera_is_cooled_with_the_fan_full_and_used_once_cold(bench: Bench) -> None:
    spectrometer = bench.connect()
    assert bench.camera.cooler.fan is FanMode.FULL
    assert bench.camera.cooler.is_on
    assert bench.camera.cooler.setpoint == -60
    assert not bench.camera.shutter_is_open
    with pytest.raises(InstrumentRefused, match=r"camera: the sensor is at .*not reached"):
        spectrometer.acquire()
    assert bench.exposures == []
    with pytest.raises(InstrumentTimeout, match="camera: after 10 s the sensor"):
        spectrometer.wait_until_cold(10.0)
    spectrometer.wait_until_cold()
    assert bench.camera.sensor_temperature == pytest.approx(-60.0, abs=1.0)
    assert spectrometer.temperature_status == "stabilized"
    spectrometer.acquire()
    assert not bench.camera.cooler.overheated


def test_nothing_is_cooled_unless_asked(bench: Bench) -> None:
    bench.connect(temperature=None)
    assert not bench.camera.cooler.is_on
    bench.clock.sleep(600.0)
    assert bench.camera.sensor_temperature == pytest.approx(25.0, abs=0.5)


@pytest.mark.parametrize(("amplifier", "speed"), [("conventional", 1.0), ("em", 1.0)])
def test_known_line_is_at_its_wavelength_and_of_its_size(
    bench: Bench, amplifier: str, speed: float
) -> None:
    spectrometer = bench.cold(amplifier=amplifier, horizontal_speed=speed, exposure=0.2)
    spectrometer.averages = 10
    called = bench.clock.now()
    spectrum = spectrometer.acquire()
    assert all(start >= called for start, _ in bench.exposures[-10:])
    assert all(duration == pytest.approx(0.2) for _, duration in bench.exposures[-10:])
    wavelengths = spectrometer.wavelengths
    assert (np.diff(wavelengths) > 0).all()
    near = np.abs(wavelengths - LAMP_NM) < 4 * NARROW_NM
    dark = spectrum.counts[~near].mean()
    signal = (spectrum.counts[near] - dark) * spectrometer.electrons_per_count
    centre = (signal * wavelengths[near]).sum() / signal.sum()
    assert centre == pytest.approx(LAMP_NM, abs=0.05)
    assert signal.sum() == pytest.approx(RATE * 0.2, rel=0.03)


def test_line_follows_the_grating(bench: Bench) -> None:
    spectrometer = bench.cold()
    assert spectrometer.spectrograph is not None
    for centre in (540.0, 555.0):
        spectrometer.spectrograph.go_to(centre)
        counts = spectrometer.acquire().counts
        assert spectrometer.wavelengths[np.argmax(counts)] == pytest.approx(LAMP_NM, abs=0.3)
        assert spectrometer.wavelengths.mean() == pytest.approx(centre, abs=1.0)
    spectrometer.spectrograph.grating = 3
    spectrometer.spectrograph.go_to(546.0)
    assert np.ptp(spectrometer.wavelengths) < 25.0
    counts = spectrometer.acquire().counts
    assert spectrometer.wavelengths[np.argmax(counts)] == pytest.approx(LAMP_NM, abs=0.3)
    spectrometer.spectrograph.go_to_zero_order()
    with pytest.raises(InstrumentRefused, match="camera: it stands at zero order"):
        spectrometer.acquire()


def test_single_track_is_where_the_light_falls() -> None:
    bench = Bench(light_rows=(100, 109))
    lit = bench.cold(read_mode="single track", first_row=100, last_row=109)
    on = lit.acquire().counts
    lit.shutdown()
    beside = bench.cold(read_mode="single track", first_row=110, last_row=119)
    off = beside.acquire().counts
    assert on.max() - np.median(on) > 80
    assert off.max() - np.median(off) < 20


def test_gain_multiplies_and_is_guarded(bench: Bench) -> None:
    bench.rate = 5e4
    spectrometer = bench.cold(amplifier="em", horizontal_speed=10.0, averages=50, exposure=0.01)
    with pytest.raises(InstrumentRefused, match="needs a spectrum"):
        spectrometer.em_gain = 100
    spectrometer.acquire()
    spectrometer.em_gain = 100
    assert bench.camera.setup.real_gain == 100.0
    counts = spectrometer.acquire().counts
    near = np.abs(spectrometer.wavelengths - LAMP_NM) < 4 * NARROW_NM
    signal = (counts[near] - counts[~near].mean()) * spectrometer.electrons_per_count
    assert signal.sum() == pytest.approx(5e4 * 0.01, rel=0.05)
    assert spectrometer.spectrograph is not None
    with pytest.raises(InstrumentRefused, match="does not move while the EM gain is 100"):
        spectrometer.spectrograph.go_to(600.0)
    with pytest.raises(LimitError, match="em_gain"):
        spectrometer.em_gain = 301
    assert not bench.camera.setup.gain_advanced
    bench.rate = 1e9
    assert spectrometer.acquire().saturated is True
    assert bench.camera.setup.real_gain == 1.0
    with pytest.raises(InstrumentRefused, match="was switched off"):
        spectrometer.acquire()


def test_noise_of_multiplied_light_is_the_excess_noise(bench: Bench) -> None:
    bench.rate = 5e5
    spectrometer = bench.cold(amplifier="em", horizontal_speed=10.0, exposure=0.01)
    spectrometer.acquire()
    spectrometer.em_gain = 200
    frames = spectrometer.acquire_series(2000).counts.astype(float)
    lit = frames.mean(axis=0) - np.median(frames) > 100
    electrons = (frames[:, lit] - np.median(frames)) * spectrometer.electrons_per_count
    factor = np.sqrt(electrons.var(axis=0).sum() / electrons.mean(axis=0).sum())
    assert lit.sum() > 10
    assert factor == pytest.approx(spectrometer.excess_noise_factor, rel=0.05)


def test_series_is_complete_and_as_fast_as_the_camera(bench: Bench) -> None:
    spectrometer = bench.cold(horizontal_speed=3.0)
    spectrometer.exposure = spectrometer.exposure_range[0]
    first = len(bench.exposures)
    series = spectrometer.acquire_series(3000)
    assert series.counts.shape == (3000, 512)
    starts = np.array([start for start, _ in bench.exposures[first:]])
    assert len(starts) == 3000
    np.testing.assert_allclose(np.diff(starts), series.period, rtol=1e-3)
    paced = spectrometer.acquire_series(50, period=0.02)
    assert paced.period == 0.02
    with pytest.raises(LimitError, match=r"camera period \(s\)"):
        spectrometer.acquire_series(50, period=series.period / 2)


def test_frames_that_are_overwritten_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(buffer_bytes=2**20)
    spectrometer = bench.cold(horizontal_speed=3.0)
    spectrometer.exposure = spectrometer.exposure_range[0]
    assert len(spectrometer.acquire_series(3000).counts) == 3000
    unhurried = SimpleNamespace(
        now=bench.clock.now, sleep=lambda seconds: bench.clock.sleep(seconds + 1.0)
    )
    monkeypatch.setattr(spectrometer, "_clock", unhurried)
    with pytest.raises(InstrumentRefused, match=r"camera: frames .* were overwritten"):
        spectrometer.acquire_series(3000)
    assert not bench.camera.acquiring


def test_exposure_is_not_lost_with_the_mode() -> None:
    bench = Bench(forgets_exposure=True)
    spectrometer = bench.cold(exposure=0.3)
    spectrometer.averages = 3
    assert spectrometer.acquire().exposure == 0.3
    assert [duration for _, duration in bench.exposures[-3:]] == pytest.approx([0.3] * 3)


def test_unplugged_camera_is_told_and_found_by_a_new_object(bench: Bench) -> None:
    spectrometer = bench.cold()
    bench.camera.unplugged = True
    for call in (spectrometer.acquire, spectrometer.make_safe, spectrometer.shutdown):
        with pytest.raises(InstrumentDisconnected, match=r"^camera: "):
            call()
    with pytest.raises(InstrumentDisconnected, match=r"^camera: "):
        bench.connect()
    bench.camera.unplugged = False
    bench.cold().acquire()


def test_cable_that_is_pulled_during_a_series(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    spectrometer = bench.cold(exposure=1.0)
    begin = bench.clock.now()

    def sleep(seconds: float) -> None:
        bench.clock.sleep(seconds)
        if bench.clock.now() - begin > 3.0:
            bench.camera.unplugged = True

    monkeypatch.setattr(spectrometer, "_clock", SimpleNamespace(now=bench.clock.now, sleep=sleep))
    with pytest.raises(InstrumentDisconnected, match=r"^camera: "):
        spectrometer.acquire_series(10)


def test_drift_is_warned_of(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    spectrometer = bench.cold()
    bench.camera.cooler_drift = 8.0
    bench.clock.sleep(600.0)
    spectrometer.acquire()
    assert "camera: the sensor's temperature drifts" in caplog.text
    assert spectrometer.settings()["temperature_drifted"] is True


def test_overheating_makes_safe(bench: Bench) -> None:
    spectrometer = bench.cold(shutter="open")
    spectrometer.acquire()
    assert bench.camera.shutter_is_open
    # Somebody blocks the fan.
    bench.camera.cooler.fan = FanMode.OFF
    waited_from = bench.clock.now()
    while not bench.camera.cooler.overheated and bench.clock.now() - waited_from < 3600.0:
        bench.clock.sleep(10.0)
        assert bench.camera.sensor_temperature < 30.0
    assert bench.camera.cooler.overheated
    with pytest.raises(InstrumentRefused, match="camera: its cooler overheats"):
        spectrometer.acquire()
    assert not bench.camera.cooler.is_on
    assert not bench.camera.shutter_is_open


def test_shutdown_leaves_it_as_promised(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    spectrometer = bench.cold(shutter="open", warm_up_timeout=3600.0)
    spectrometer.acquire()
    spectrometer.shutdown()
    assert not bench.camera.shutter_is_open
    assert bench.camera.shutter.mode is ShutterMode.CLOSED
    assert bench.camera.cooler.fan is FanMode.FULL
    assert not bench.camera.cooler.is_on
    assert bench.camera.sensor_temperature > -20.0
    assert bench.camera.owner is None
    assert "camera: the cooler is off." in caplog.text


def test_shutdown_keeps_it_cold(bench: Bench) -> None:
    spectrometer = bench.cold(on_shutdown="keep cold")
    spectrometer.shutdown()
    bench.clock.sleep(3600.0)
    assert bench.camera.cooler.fan is FanMode.FULL
    assert bench.camera.sensor_temperature == pytest.approx(-60.0, abs=1.0)
    again = bench.connect(temperature=None)
    assert bench.camera.cooler.is_on
    again.acquire()


def test_two_benches_do_not_meet(bench: Bench) -> None:
    other = Bench(serial=777)
    first, second = bench.cold(), other.cold()
    assert (first.identity, second.identity) == ("Andor DU897_BV 12345", "Andor DU897_BV 777")
    taken = len(other.exposures)
    first.acquire()
    assert len(other.exposures) == taken
    first.shutdown()
    second.acquire()
    with pytest.raises(WrongInstrument, match="camera 777 answers instead of 1"):
        Bench(serial=777).connect(serial=1)


def test_camera_of_another_program_is_not_taken(bench: Bench) -> None:
    bench.camera.in_use_elsewhere = True
    with pytest.raises(InstrumentRefused, match=r"camera: .*in use.*20992"):
        bench.connect()


def test_spectrograph_alone(bench: Bench) -> None:
    shamrock = Shamrock(bench.link, "spectrograph", clock=bench.clock, slit="input direct")
    assert shamrock.identity == "Andor spectrograph SR-0001"
    shamrock.go_to(692.0)
    assert shamrock.wavelength == pytest.approx(692.0, abs=0.01)
    shamrock.slit_width = 50.0
    assert shamrock.settings()["slit_width_um"] == 50.0
    wavelengths = shamrock.calibration(512, 16.0)
    np.testing.assert_allclose(wavelengths, bench.light, atol=0.02)
    low, high = shamrock.wavelength_range
    with pytest.raises(LimitError, match="spectrograph wavelength"):
        shamrock.go_to(high + 1.0)
    assert 0.0 <= low < 692.0 < high
    shamrock.grating = 1
    assert bench.spectrograph.grating == 1
    shamrock.shutdown()
    with pytest.raises(InstrumentDisconnected, match="its use has ended"):
        shamrock.go_to(500.0)

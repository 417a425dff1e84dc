"""The Ocean driver against a double of ``seabreeze.spectrometers.Spectrometer`` written here.

The double scales its counts by the saturation level in its EEPROM, and keeps a spectrum that was
asked for and not read in its pipe, as the USB devices below seabreeze do.
"""

from __future__ import annotations

import errno
import logging
import struct
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import usb.core
from hypothesis import given
from hypothesis import strategies as st
from seabreeze.pyseabreeze.transport import USBTransportDeviceInUse, USBTransportError
from seabreeze.spectrometers import SeaBreezeError

from drivers import _ocean_devices
from drivers._ocean_counts import is_saturated, raw_counts
from drivers._ocean_errors import ocean_errors
from drivers.ocean import OceanSpectrometer
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)

DARK = {"FLAMES": list(range(6, 21)), "USB2000PLUS": list(range(6, 21)), "USB4000": [range(5, 16)]}
PIXELS = {"FLAMES": 2048, "USB2000PLUS": 2048, "USB4000": 3840}
LIMITS_US = {
    "FLAMES": (1000, 655_350_000),
    "USB2000PLUS": (1000, 655_350_000),
    "USB4000": (10, 65_535_000),
}
TIMEOUT = usb.core.USBTimeoutError("Operation timed out", -7, 110)
HALF_A_SPECTRUM = -1
UNPLUGGED = usb.core.USBError("No such device", -4, 19)


class FakeSpectrometer:
    """A spectrometer whose n-th spectrum is n counts everywhere, plus ``light``."""

    def __init__(self, model: str = "FLAMES", saturation: int = 55000) -> None:
        self.model, self.serial_number = model, "FLMS12345"
        self.integration_time_micros_limits = LIMITS_US[model]
        self.saturation = saturation
        self.slots = {14: b"1", 6: b"9.5e-01", 7: b"2e-06"}
        self.slots[17] = struct.pack("<4xH", saturation)
        self.calls: list[str] = []
        self.light = np.zeros(PIXELS[model], dtype=int)
        self.taken = 0
        self.problems: deque[BaseException | None] = deque()
        self.pipe: deque[int] = deque()
        self.pyusb_device = SimpleNamespace(default_timeout=1000)
        self.margins: list[int] = []
        self._answer = b""
        transport = SimpleNamespace(
            _device=SimpleNamespace(pyusb_device=self.pyusb_device), read=self._read_pipe
        )
        self.f = SimpleNamespace(
            raw_usb_bus_access=SimpleNamespace(
                raw_usb_write=self._raw_write, raw_usb_read=self._raw_read
            ),
            spectrometer=SimpleNamespace(
                protocol=SimpleNamespace(transport=transport),
                get_electric_dark_pixel_indices=lambda: DARK[model],
            ),
        )

    def wavelengths(self) -> np.ndarray:
        return 340.0 + 0.3 * np.arange(PIXELS[self.model])

    def integration_time_micros(self, microseconds: int) -> None:
        self.calls.append(f"integrate {microseconds}")

    def trigger_mode(self, mode: int) -> None:
        self.calls.append(f"trigger {mode}")

    def intensities(self) -> np.ndarray:
        self.calls.append("spectrum")
        self.margins.append(self.pyusb_device.default_timeout)
        self.taken += 1
        self.pipe.append(self.taken)
        problem = self.problems.popleft() if self.problems else None
        if problem is not None:
            raise problem
        number = self.pipe.popleft()
        if number == HALF_A_SPECTRUM:
            raise ValueError("could not broadcast (2048,) into (4097,)")
        counts = self.light + number
        return counts * (65535.0 / self.saturation if self.saturation else 1.0)

    def close(self) -> None:
        self.calls.append("close")

    def open(self) -> None:
        self.calls.append("open")

    def _read_pipe(self, size: int, timeout_ms: int, mode: str) -> bytes:
        assert mode in ("low_speed", "high_speed") or self.model == "USB4000"
        if mode == "low_speed" or not self.pipe:
            raise TIMEOUT
        self.pipe.popleft()
        return b"any"

    def _raw_write(self, data: bytes, endpoint: str) -> None:
        assert endpoint == "primary_out"
        if data[0] == 0x05:
            self._answer = (data + self.slots.get(data[1], b"")).ljust(17, b"\x00")
        elif data == b"\x6c":
            self._answer = bytes.fromhex("08811f")

    def _raw_read(self, endpoint: str, buffer_length: int) -> bytes:
        assert endpoint == "primary_in"
        return self._answer[:buffer_length]


class FakeLink:
    def __init__(self, fake: FakeSpectrometer) -> None:
        self.fake = fake

    def open(self, **_settings: Any) -> FakeSpectrometer:
        return self.fake


@pytest.fixture
def fake() -> FakeSpectrometer:
    return FakeSpectrometer()


def connect(fake: FakeSpectrometer, **keywords: Any) -> OceanSpectrometer:
    keywords.setdefault("clock", VirtualClock())
    return OceanSpectrometer(FakeLink(fake), "spec", **keywords)


@pytest.fixture
def spec(fake: FakeSpectrometer) -> OceanSpectrometer:
    spectrometer = connect(fake)
    fake.calls.clear()
    return spectrometer


# Connecting


def test_integration_time_is_set_before_anything_else(fake: FakeSpectrometer) -> None:
    connect(fake, exposure=0.02)
    assert fake.calls == ["integrate 20000", "trigger 0"]


@pytest.mark.parametrize(
    ("model", "identity", "dark", "gain", "longest"),
    [
        ("FLAMES", "Ocean Optics Flame-S FLMS12345", (6, 20), 2.44, 655.35),
        ("USB2000PLUS", "Ocean Optics USB2000+ FLMS12345", (6, 20), 2.44, 655.35),
        ("USB4000", "Ocean Optics USB4000 FLMS12345", (5, 15), 1.53, 65.535),
    ],
)
def test_models(
    model: str, identity: str, dark: tuple[int, int], gain: float, longest: float
) -> None:
    spec = connect(FakeSpectrometer(model))
    assert spec.identity == identity
    assert spec.dark_pixels.tolist() == list(range(dark[0], dark[1] + 1))
    assert spec.electrons_per_count == pytest.approx(gain, abs=0.01)
    assert spec.read_noise == 50.0
    assert spec.exposure_range[1] == longest
    assert spec.wavelengths.shape == spec.acquire().counts.shape == (PIXELS[model],)
    assert np.all(np.diff(spec.wavelengths) > 0)


@pytest.mark.parametrize("keywords", [{"serial": "OTHER"}, {"model": "USB4000"}])
def test_another_spectrometer_than_expected_is_released(
    fake: FakeSpectrometer, keywords: dict[str, Any]
) -> None:
    with pytest.raises(WrongInstrument, match="spec"):
        connect(fake, **keywords)
    assert fake.calls[-1] == "close"


def test_unknown_model(fake: FakeSpectrometer) -> None:
    fake.model, fake.integration_time_micros_limits = "STS", (10, 85_000_000)
    with pytest.raises(WrongInstrument, match="STS"):
        connect(fake)


def test_spoilt_wavelength_calibration(fake: FakeSpectrometer) -> None:
    fake.wavelengths = lambda: np.full(2048, 340.0)  # type: ignore[method-assign]
    with pytest.raises(GarbledAnswer, match="ascend"):
        connect(fake)


@pytest.mark.parametrize(
    "keywords",
    [
        {"exposure": 0.0},
        {"averages": 0},
        {"averages": True},
        {"backend": "other"},
        {"discard_stale": "sometimes"},
        {"saturation_level": -1.0},
        {"electrons_per_count": float("nan")},
    ],
)
def test_bad_keywords(fake: FakeSpectrometer, keywords: dict[str, Any]) -> None:
    with pytest.raises(LimitError):
        connect(fake, **keywords)
    assert "integrate" not in " ".join(fake.calls)


def test_resource_that_is_a_port() -> None:
    with pytest.raises(ConfigurationError, match="serial"):
        OceanSpectrometer("ASRL1::INSTR", "spec")  # type: ignore[arg-type]


# Counts


@pytest.mark.parametrize("saturation", [55000, 30000, 65535, 0])
def test_counts_are_what_the_converter_gave(saturation: int) -> None:
    fake = FakeSpectrometer(saturation=saturation)
    spec = connect(fake, discard_stale=False)
    fake.light[:] = np.arange(2048) * 9
    spectrum = spec.acquire()
    assert spectrum.counts.dtype == np.uint16
    assert spectrum.counts.tolist() == (np.arange(2048) * 9 + 1).tolist()
    assert spec.saturation_level == (saturation or 65535)


@given(st.integers(1, 65535), st.lists(st.integers(0, 65535), min_size=1, max_size=50))
def test_scaling_of_seabreeze_is_undone_exactly(saturation: int, counts: list[int]) -> None:
    intensities = np.array(counts) * (65535 / saturation)
    assert raw_counts(intensities, saturation, "spec").tolist() == counts


def test_intensities_that_are_no_counts() -> None:
    with pytest.raises(GarbledAnswer, match="whole counts"):
        raw_counts(np.array([1000.0, 1000.4]), 65535, "spec")
    with pytest.raises(GarbledAnswer):
        raw_counts(np.array([70000.0]), 65535, "spec")
    with pytest.raises(GarbledAnswer):
        raw_counts(np.array([np.nan]), 65535, "spec")


def test_mean_of_several_exposures(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    spec.acquire()
    first = fake.taken + 1
    spec.averages = 4
    spectrum = spec.acquire()
    assert spectrum.counts.dtype == np.float64
    assert np.all(spectrum.counts == first + 1.5)
    assert (spectrum.averages, spectrum.exposure) == (4, 0.1)


@pytest.mark.parametrize(
    ("light", "saturated"),
    [
        ({700: 53897}, False),
        ({700: 53899}, True),
        ({700: 40000, 701: 40000, 702: 40000, 703: 40000}, False),
        (dict.fromkeys(range(700, 705), 40000), True),
        (dict.fromkeys(range(2043, 2048), 40000), True),
        (dict.fromkeys(range(700, 710, 2), 40000), False),
        (dict.fromkeys(range(700, 705), 20000), False),
        ({}, False),
    ],
)
def test_saturation(
    spec: OceanSpectrometer, fake: FakeSpectrometer, light: dict[int, int], saturated: bool
) -> None:
    for pixel, counts in light.items():
        fake.light[pixel] = counts
    assert spec.acquire().saturated is saturated


@given(st.integers(0, 2**32 - 1))
def test_shot_noise_makes_no_flat_top(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 50, 2048)
    peak = 40000 * np.exp(-(((np.arange(2048) - 900) / 300) ** 2))
    assert not is_saturated(np.rint(1000 + peak + np.abs(noise)).astype(np.uint16), 55000)


def test_one_saturated_exposure_marks_the_mean(
    spec: OceanSpectrometer, fake: FakeSpectrometer
) -> None:
    spec.acquire()
    spec.averages = 3
    fake.light[5] = 53900 - fake.taken - 3
    assert spec.acquire().saturated
    assert not connect(FakeSpectrometer(), averages=3).acquire().saturated


def test_saturation_level_from_the_bench_file_does_not_change_the_counts(
    fake: FakeSpectrometer,
) -> None:
    spec = connect(fake, saturation_level=20000.0, discard_stale=False)
    fake.light[5] = 19999
    spectrum = spec.acquire()
    assert spectrum.counts[5] == 20000
    assert spectrum.saturated


# Exposure


@pytest.mark.parametrize("seconds", [0.0, 0.0009, 655.35, 1e6, -1.0, float("nan"), float("inf")])
def test_exposures_outside_the_device(
    spec: OceanSpectrometer, fake: FakeSpectrometer, seconds: float
) -> None:
    with pytest.raises(LimitError, match="exposure"):
        spec.exposure = seconds
    assert fake.calls == []
    assert spec.exposure == 0.1


def test_longest_and_shortest_exposure(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    spec.exposure = 655.349999
    spec.exposure = 0.001
    assert fake.calls == ["integrate 655349999", "integrate 1000"]
    assert spec.exposure == 0.001


def test_stale_spectra_are_discarded_once(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    assert spec.acquire().counts[0] == 2
    assert spec.acquire().counts[0] == 3
    spec.exposure = 0.2
    assert spec.acquire().counts[0] == 5
    spec.exposure = 0.2
    assert spec.acquire().counts[0] == 6


@pytest.mark.parametrize(("policy", "expected"), [(False, [1, 2]), ("always", [2, 4])])
def test_other_policies(fake: FakeSpectrometer, policy: Any, expected: list[int]) -> None:
    spec = connect(fake, discard_stale=policy)
    assert [spec.acquire().counts[0] for _ in range(2)] == expected


def test_reads_are_bounded_and_leave_time_for_the_exposure_before(
    spec: OceanSpectrometer, fake: FakeSpectrometer
) -> None:
    spec.exposure = 10.0
    spec.acquire()
    fake.margins.clear()
    spec.exposure = 0.1
    spec.acquire()
    assert fake.margins == [12000, 2000]


# Errors


@pytest.mark.parametrize(
    ("below", "above"),
    [
        (TIMEOUT, InstrumentTimeout),
        (usb.core.USBError("timeout", None, errno.ETIMEDOUT), InstrumentTimeout),
        (usb.core.USBError("timeout", None, 10060), InstrumentTimeout),
        (UNPLUGGED, InstrumentDisconnected),
        (usb.core.USBError("Access denied", -3, errno.EACCES), InstrumentDisconnected),
        (usb.core.USBError("Overflow", -8, errno.EOVERFLOW), GarbledAnswer),
        (USBTransportError("no device", errno=19), InstrumentDisconnected),
        (USBTransportDeviceInUse("busy"), InstrumentDisconnected),
        (SeaBreezeError("Data transfer error"), InstrumentDisconnected),
        (SeaBreezeError("read_eeprom_slot_raw: wrong answer: b''"), GarbledAnswer),
        (SeaBreezeError("Integration not in [1000, 655350000]"), InstrumentRefused),
        (RuntimeError("device not opened"), InstrumentDisconnected),
        (RuntimeError("No pyusb backend found"), InstrumentDisconnected),
        (OSError("gone"), InstrumentDisconnected),
        (ValueError("could not broadcast (512,) into (4097,)"), GarbledAnswer),
        (struct.error("unpack requires 16 bytes"), GarbledAnswer),
        (IndexError("index out of range"), GarbledAnswer),
    ],
)
def test_everything_from_below_has_a_type(below: Exception, above: type[InstrumentError]) -> None:
    with pytest.raises(above, match=r"^spec: ") as caught, ocean_errors("spec"):
        raise below
    assert caught.value.__cause__ is below


def test_own_mistakes_are_not_dressed_up() -> None:
    with pytest.raises(LimitError), ocean_errors("spec"):
        raise LimitError("exposure", 1, "less")
    with pytest.raises(TypeError), ocean_errors("spec"):
        raise TypeError


@pytest.mark.parametrize("model", ["FLAMES", "USB4000"])
def test_a_late_spectrum_is_never_taken_for_the_next(
    model: str, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeSpectrometer(model)
    spec = connect(fake)
    spec.acquire()
    fake.problems.append(TIMEOUT)
    with pytest.raises(InstrumentTimeout, match="spec"):
        spec.acquire()
    assert len(fake.pipe) == 1, "the spectrum comes after all"
    fake.calls.clear()
    fresh = spec.acquire()
    assert fresh.counts[0] == fake.taken
    assert fake.calls[:4] == ["close", "open", "integrate 100000", "trigger 0"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    fake.calls.clear()
    assert spec.acquire().counts[0] == fake.taken
    assert fake.calls == ["spectrum"]


def test_a_spectrum_later_than_the_reset_is_not_taken_either(
    spec: OceanSpectrometer, fake: FakeSpectrometer
) -> None:
    spec.acquire()
    fake.problems.append(TIMEOUT)
    with pytest.raises(InstrumentTimeout):
        spec.acquire()
    late = fake.pipe.popleft()
    take = fake.intensities

    def intensities() -> np.ndarray:
        fake.pipe.append(late)
        fake.intensities = take  # type: ignore[method-assign]
        return take()

    fake.intensities = intensities  # type: ignore[method-assign]
    assert spec.acquire().counts[0] == fake.taken


def test_half_a_spectrum_left_in_the_pipe(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    fake.problems.append(TIMEOUT)
    with pytest.raises(InstrumentTimeout):
        spec.acquire()
    fake.pipe = deque([HALF_A_SPECTRUM])
    assert spec.acquire().counts[0] == fake.taken


def test_recovery_waits_for_an_exposure_on_the_clock(fake: FakeSpectrometer) -> None:
    clock = VirtualClock()
    spec = connect(fake, clock=clock, exposure=5.0)
    fake.problems.append(TIMEOUT)
    with pytest.raises(InstrumentTimeout):
        spec.acquire()
    assert clock.now() == 0
    spec.acquire()
    assert clock.now() >= 5.0


def test_unplugged_stays_an_error(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    fake.problems.append(UNPLUGGED)
    with pytest.raises(InstrumentDisconnected, match="cable"):
        spec.acquire()

    def gone() -> None:
        raise UNPLUGGED

    fake.open = gone  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(InstrumentDisconnected):
            spec.acquire()
    with pytest.raises(InstrumentDisconnected):
        spec.exposure = 0.2


def test_incomplete_spectrum(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    fake.light = fake.light[:1024]
    with pytest.raises(GarbledAnswer, match="1024 pixels"):
        spec.acquire()


# The rest


def test_settings(fake: FakeSpectrometer) -> None:
    spec = connect(fake, read_noise=30.0)
    fake.calls.clear()
    settings = spec.settings()
    assert settings["exposure_s"] == 0.1
    assert settings["read_noise_counts"] == spec.read_noise == 30.0
    assert settings["saturation_level_counts"] == 55000.0
    assert (settings["nonlinearity_0"], settings["nonlinearity_1"]) == (0.95, 2e-6)
    assert fake.calls == []


def test_device_without_nonlinearity(fake: FakeSpectrometer) -> None:
    fake.slots[14] = b"\xff" * 15
    assert connect(fake).nonlinearity == ()


def test_board_temperature(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    assert spec.board_temperature == pytest.approx(273.15 + 0x1F81 * 0.003906)
    fake.f.raw_usb_bus_access = None
    with pytest.raises(InstrumentRefused):
        _ = spec.board_temperature


def test_shutdown_closes_once(spec: OceanSpectrometer, fake: FakeSpectrometer) -> None:
    spec.make_safe()
    spec.shutdown()
    spec.shutdown()
    assert fake.calls == ["close"]
    with pytest.raises(InstrumentDisconnected, match="ended"):
        spec.acquire()


# The list of devices


class FakeBus:
    """Devices that appear on the bus, and how often it was listed."""

    def __init__(self, *serials: str) -> None:
        self.serials = list(serials)
        self.lists = 0

    def list(self, _usb_backend: str | None) -> list[FakeSpectrometer]:
        self.lists += 1
        devices = [FakeSpectrometer() for _ in self.serials]
        for device, serial in zip(devices, self.serials, strict=True):
            device.serial_number = serial
        return devices


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> FakeBus:
    fake_bus = FakeBus("A1", "B2")
    monkeypatch.setattr(_ocean_devices, "_listed", {})
    monkeypatch.setattr(_ocean_devices, "_in_use", set())
    monkeypatch.setattr(_ocean_devices, "_choose", lambda *_: None)
    monkeypatch.setattr(_ocean_devices, "_list_pyusb", fake_bus.list)
    monkeypatch.setattr("seabreeze.spectrometers.Spectrometer", lambda device: device)
    return fake_bus


def test_bus_is_listed_once(bus: FakeBus) -> None:
    first = OceanSpectrometer(name="one", serial="A1")
    OceanSpectrometer(name="two", serial="B2")
    first.shutdown()
    assert OceanSpectrometer(name="one again", serial="A1").identity.endswith("A1")
    assert bus.lists == 1


def test_bus_is_not_listed_again_while_a_spectrometer_is_in_use(bus: FakeBus) -> None:
    first = OceanSpectrometer(name="one", serial="A1")
    bus.serials.append("C3")
    with pytest.raises(InstrumentDisconnected, match="C3"):
        OceanSpectrometer(name="three", serial="C3")
    assert bus.lists == 1
    first.shutdown()
    assert OceanSpectrometer(name="three", serial="C3").identity.endswith("C3")
    assert bus.lists == 2


def test_a_spectrometer_has_one_user(bus: FakeBus) -> None:
    OceanSpectrometer(name="one", serial="A1")
    with pytest.raises(InstrumentDisconnected, match="in use"):
        OceanSpectrometer(name="two", serial="A1")


def test_without_a_serial_number_there_must_be_one_only(bus: FakeBus) -> None:
    with pytest.raises(ConfigurationError, match="A1, B2"):
        OceanSpectrometer(name="any")
    bus.serials.clear()
    _ocean_devices._listed.clear()
    with pytest.raises(InstrumentDisconnected, match="no spectrometer is connected"):
        OceanSpectrometer(name="any")
    bus.serials.append("A1")
    assert OceanSpectrometer(name="any").identity.endswith("A1")


def test_failed_start_releases_the_spectrometer(bus: FakeBus) -> None:
    with pytest.raises(LimitError):
        OceanSpectrometer(name="one", serial="A1", exposure=0.0)
    assert OceanSpectrometer(name="one", serial="A1").identity.endswith("A1")


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        *((14, text) for text in (b"inf", b"nan", b"-1", b"8", b"1_0", b"1e999", b"\xd9\xa3")),
        *((6, text) for text in (b"nan", b"inf", b"1_0.5", b"")),
    ],
)
def test_a_polynomial_with_senseless_numbers_counts_as_not_stored(slot: int, text: bytes) -> None:
    fake = FakeSpectrometer("FLAMES")
    fake.slots[slot] = text
    assert connect(fake).nonlinearity == ()

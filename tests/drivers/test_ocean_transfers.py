"""What the spectrometer driver makes of transfers whose defects seabreeze does not notice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import seabreeze.pyseabreeze.protocol

from drivers.ocean import OceanSpectrometer
from labcool.clock import VirtualClock
from labcool.errors import GarbledAnswer, InstrumentDisconnected, InstrumentError
from simulators.faults import Fault, FaultyFlameLink
from simulators.flame import Flame


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


class Bench:
    def __init__(self, model: str = "FLAME-S", saturation: int = 65535) -> None:
        self.clock = VirtualClock()
        pixels = 3840 if model == "USB4000" else 2048
        self.device = Flame(
            self.clock,
            expose=lambda _start, _duration: lambda: np.full(pixels, 40_000.0),
            rng=np.random.default_rng(3),
            model=model,
            saturation=saturation,
        )
        self.link = FaultyFlameLink(self.device)

    def connect(self, **settings: Any) -> OceanSpectrometer:
        return OceanSpectrometer(self.link, "flame", clock=self.clock, **settings)


@pytest.mark.parametrize("saturation", [65535, 55000])
@pytest.mark.parametrize("model", ["FLAME-S", "USB2000+", "USB4000"])
def test_the_byte_behind_a_lost_spectrum_is_no_spectrum(model: str, saturation: int) -> None:
    bench = Bench(model, saturation)
    spectrometer = bench.connect()
    right = spectrometer.acquire()
    lost = 1 if model == "USB4000" else 0
    bench.link.faulty.inject(Fault("dropped", after=lost))
    with pytest.raises(GarbledAnswer, match=r"^flame: no spectrum, only the byte came"):
        spectrometer.acquire()
    again = spectrometer.acquire()
    assert abs(float(again.counts.mean()) / float(right.counts.mean()) - 1) < 0.01


def test_a_spectrum_of_equal_pixels_is_one() -> None:
    bench = Bench()
    bench.device.detector.read_out = lambda *_: np.full(2048, 65535, dtype="<u2")  # type: ignore[method-assign]
    assert bench.connect().acquire().saturated


def test_an_answer_of_another_kind_while_connecting_is_an_error_with_the_name() -> None:
    bench = Bench()
    bench.connect().shutdown()
    bench.link.faulty.inject(Fault("shifted"))
    with pytest.raises(InstrumentError, match=r"^flame: "):
        bench.connect()
    bench.connect().shutdown()


def test_a_connection_that_fails_half_way_leaves_the_device_free() -> None:
    bench = Bench()
    bench.link.faulty.inject(Fault("dropped", after=3))
    with pytest.raises(InstrumentError, match=r"^flame: "):
        bench.connect()
    assert bench.connect().acquire().counts.size == 2048


def test_an_answer_that_a_program_before_has_not_fetched_is_discarded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    spectrometer = bench.connect()
    bench.device.board_temperature = 20.0
    bench.device._read_temperature()
    bench.device.board_temperature = 40.0
    assert spectrometer.board_temperature == pytest.approx(313.15, abs=0.01)
    assert caplog.messages == ["flame: discarded an answer that nobody had fetched."]


def test_a_device_that_is_not_there_is_disconnected() -> None:
    bench = Bench()
    bench.link.unplug()
    with pytest.raises(InstrumentDisconnected, match=r"^flame: "):
        bench.connect()


class Packets(FaultyFlameLink):
    """A spectrometer whose answers can be replaced by others, by the command that asks."""

    def __init__(self, device: Flame) -> None:
        super().__init__(device)
        self.instead: dict[bytes, bytes] = {}
        self.raised: Exception | None = None
        self.asked = b""
        receive, transmit = self.faulty.receive, self.faulty.transmit

        def hear(data: bytes) -> None:
            self.asked = data
            receive(data)

        def answer(endpoint: int) -> bytes:
            sent = transmit(endpoint)
            if sent and self.raised is not None:
                raise self.raised
            return self.instead.get(self.asked, sent) if sent else sent

        self.faulty.receive, self.faulty.transmit = hear, answer  # type: ignore[method-assign]


def slot(number: int, text: bytes) -> tuple[bytes, bytes]:
    question = bytes((5, number))
    return question, (question + text).ljust(17, b"\0")


@pytest.fixture
def packets() -> Packets:
    return Packets(Bench().device)


def connect_to(packets: Packets) -> OceanSpectrometer:
    return OceanSpectrometer(packets, "flame", clock=packets.faulty.device.clock)


@pytest.mark.parametrize("byte", [b"\x41", b"\x00"])
def test_a_single_byte_is_no_spectrum(packets: Packets, byte: bytes) -> None:
    spectrometer = connect_to(packets)
    spectrometer.acquire()
    packets.instead[b"\x09"] = byte
    with pytest.raises(GarbledAnswer, match=r"^flame: no spectrum"):
        spectrometer.acquire()


def test_a_number_that_seabreeze_cannot_take_is_an_error_of_the_instrument(
    packets: Packets,
) -> None:
    question, answer = slot(14, b"inf")
    packets.instead[question] = answer
    with pytest.raises(InstrumentError, match=r"^flame: seabreeze cannot go on"):
        connect_to(packets)


@pytest.mark.parametrize("text", [b"-350.0", b"99999"])
def test_wavelengths_that_no_spectrometer_has_are_garbled(packets: Packets, text: bytes) -> None:
    question, answer = slot(1, text)
    packets.instead[question] = answer
    with pytest.raises(GarbledAnswer, match="wavelength calibration"):
        connect_to(packets)


def test_control_characters_are_no_serial_number(packets: Packets) -> None:
    question, answer = slot(0, b"FLMS\x1b12345")
    packets.instead[question] = answer
    with pytest.raises(GarbledAnswer, match="no serial number"):
        connect_to(packets)


@pytest.mark.parametrize(
    "trouble",
    [
        TypeError("'NoneType' object is not subscriptable"),
        AttributeError("'NoneType' object has no attribute 'read'"),
        KeyError("high_speed"),
        OverflowError("cannot convert float infinity to integer"),
    ],
)
def test_what_seabreeze_stumbles_over_is_an_error_of_the_instrument(
    packets: Packets, trouble: Exception
) -> None:
    spectrometer = connect_to(packets)
    packets.raised = trouble
    with pytest.raises(InstrumentError, match=r"^flame: seabreeze cannot go on") as caught:
        spectrometer.acquire()
    assert caught.value.__cause__ is trouble
    packets.raised = None
    assert spectrometer.acquire().counts.size == 2048

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ksc101 import KSC101
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    ShutterNotClosed,
    WrongInstrument,
)
from simulators.device import SimulatedDevice
from simulators.memory import MemoryAdapter

OPEN = bytes.fromhex("cb0401015001")
CLOSE = bytes.fromhex("cb0401025001")
REQUEST_STATE = bytes.fromhex("cc0401005001")
REQUEST_STATUS = bytes.fromhex("290401005001")
REQUEST_MODE = bytes.fromhex("c10401005001")
SELECT_MANUAL = bytes.fromhex("c00401015001")
REQUEST_INTERLOCK = bytes.fromhex("c70401005001")
REQUEST_INFO = bytes.fromhex("050000005001")


def information(model: bytes = b"KSC101", serial: int = 68000123) -> bytes:
    data = struct.pack("<I8sH4B60s3H", serial, model, 16, 6, 0, 1, 0, b"", 1, 0, 1)
    return bytes.fromhex("060054008150") + data


class Cube(SimulatedDevice):
    """A KSC101 with faults for the tests.

    ``spoil`` maps a request to answers that are sent, once each, instead of the right ones (None:
    no answer).
    """

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.inbox = bytearray()
        self.commanded_open = False
        self.moved_at = -1.0
        self.lag = 0.03
        self.mode = 1
        self.key_unlocked = True
        self.interlock_open = False
        self.stuck_open = False
        self.stuck_closed = False
        self.status_lies_closed = False
        self.closed_code = 0
        self.stays_in_mode = False
        self.answer_delay = 0.0
        self.info = information()
        self.spoil: dict[bytes, list[bytes | None]] = {}

    @property
    def is_open(self) -> bool:
        if self.stuck_open or self.stuck_closed:
            return self.stuck_open
        if self.interlock_open:
            return False
        arrived = self.clock.now() - self.moved_at >= self.lag
        return self.commanded_open == arrived

    def _accept(self, data: bytes) -> None:
        self.inbox += data
        while len(self.inbox) >= 6:
            frame = bytes(self.inbox[:6])
            del self.inbox[:6]
            self.heard.append(frame)
            answer: bytes | None = self.obey(frame)
            if self.spoil.get(frame):
                answer = self.spoil[frame].pop(0)
            if answer:
                self._send(answer, after=self.answer_delay)

    def obey(self, frame: bytes) -> bytes:
        if frame in (OPEN, CLOSE):
            if (frame == OPEN) != self.commanded_open:
                self.commanded_open = frame == OPEN
                self.moved_at = self.clock.now()
            return b""
        if frame == SELECT_MANUAL:
            self.mode = self.mode if self.stays_in_mode else 1
            return b""
        bits = (self.is_open and not self.status_lies_closed) | self.key_unlocked << 13
        return {
            REQUEST_INFO: self.info,
            REQUEST_STATE: bytes((0xCD, 4, 1, 1 if self.is_open else self.closed_code, 1, 0x50)),
            REQUEST_STATUS: bytes.fromhex("2a04060081500100") + struct.pack("<I", bits),
            REQUEST_MODE: bytes((0xC2, 4, 1, self.mode, 1, 0x50)),
            REQUEST_INTERLOCK: bytes((0xC8, 4, 1, 1, 1, 0x50)),
        }[frame]


@contextmanager
def suppress_errors_of(name: str) -> Iterator[None]:
    """Let labcool's errors of this instrument pass; any other exception fails the test."""
    try:
        yield
    except InstrumentError as error:
        if error.instrument != name:
            raise


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Cube(self.clock)
        self.settings: dict[str, Any] = {}
        self.closed_ports = 0

    def open(self, **settings: Any) -> MemoryAdapter:
        bench = self
        self.settings = settings

        class Counting(MemoryAdapter):
            def close(self) -> None:
                bench.closed_ports += 1

        self.adapter = Counting(self.device, self.clock, **settings)
        return self.adapter

    def connect(self, **keywords: Any) -> KSC101:
        shutter = KSC101(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return shutter


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_connecting_asks_who_it_is_and_nothing_else(bench: Bench) -> None:
    bench.device.commanded_open = True
    bench.device.mode = 3
    shutter = KSC101(bench, clock=bench.clock)
    assert bench.device.heard == [REQUEST_INFO]
    assert shutter.identity == "Thorlabs KSC101, serial number 68000123, firmware 1.0.6"
    assert bench.settings["asrl"]["baud_rate"] == 115200
    assert bench.settings["asrl"]["flow_control"].name == "rts_cts"


def test_open_and_close_send_the_worked_bytes_and_wait_for_both_answers(bench: Bench) -> None:
    shutter = bench.connect()
    shutter.open()
    assert bench.device.is_open
    assert bench.device.heard[:4] == [REQUEST_STATUS, REQUEST_MODE, OPEN, REQUEST_STATE]
    assert bench.device.heard[-2:] == [REQUEST_STATE, REQUEST_STATUS]
    assert 0.03 <= bench.clock.now() < 0.1
    shutter.close()
    assert not bench.device.is_open
    assert bench.device.heard.count(CLOSE) == 1
    assert shutter.is_closed is True


@pytest.mark.parametrize("code", [0, 2])
def test_both_codes_for_closed_are_understood(bench: Bench, code: int) -> None:
    bench.device.closed_code = code
    shutter = bench.connect()
    assert shutter.is_closed is True
    assert shutter.solenoid_state == "closed"


def test_another_code_is_garbled(bench: Bench) -> None:
    bench.device.closed_code = 3
    with pytest.raises(GarbledAnswer, match=r"^KSC101: 3 is no solenoid state"):
        _ = bench.connect().is_closed


def test_closed_by_one_answer_only_is_not_closed(bench: Bench) -> None:
    bench.device.stuck_open = True
    bench.device.status_lies_closed = True
    shutter = bench.connect()
    assert shutter.is_closed is False
    with pytest.raises(ShutterNotClosed):
        shutter.close()


def test_a_lagging_state_is_polled_within_the_time_limit(bench: Bench) -> None:
    bench.device.lag = 0.45
    shutter = bench.connect()
    shutter.open()
    assert 0.45 <= bench.clock.now() <= 0.5


def test_a_locked_key_refuses_before_anything_moves(bench: Bench) -> None:
    bench.device.key_unlocked = False
    with pytest.raises(InstrumentRefused, match="KSC101: the key switch is locked"):
        bench.connect().open()
    assert bench.device.heard == [REQUEST_STATUS]


def test_an_open_interlock_is_named_and_the_command_taken_back(bench: Bench) -> None:
    bench.device.interlock_open = True
    with pytest.raises(InstrumentRefused, match=r"not reported open.*interlock is required"):
        bench.connect().open()
    assert bench.device.commanded_open is False
    bench.clock.sleep(0.1)
    bench.device.interlock_open = False
    assert not bench.device.is_open


@pytest.mark.parametrize("mode", [2, 3, 4])
def test_other_modes_are_left_closed_before_opening(bench: Bench, mode: int) -> None:
    bench.device.mode = mode
    shutter = bench.connect()
    shutter.open()
    heard = bench.device.heard
    assert heard.index(CLOSE) < heard.index(SELECT_MANUAL) < heard.index(OPEN)
    assert bench.device.mode == 1
    assert bench.device.is_open


def test_making_safe_ends_a_cycle_that_would_open_again(bench: Bench) -> None:
    bench.device.mode = 3
    bench.device.commanded_open = True
    bench.connect().make_safe()
    assert bench.device.mode == 1
    assert not bench.device.is_open


def test_a_controller_that_stays_in_its_mode_is_not_safe(bench: Bench) -> None:
    bench.device.mode = 4
    bench.device.stays_in_mode = True
    with pytest.raises(ShutterNotClosed, match="triggered"):
        bench.connect().close()


def test_a_stuck_shutter_raises_after_one_logged_retry(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.device.stuck_open = True
    shutter = bench.connect()
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(ShutterNotClosed, match=r"KSC101: .*Block it by hand"),
    ):
        shutter.close()
    assert bench.device.heard.count(CLOSE) == 2
    assert len([m for m in caplog.messages if "Trying once more to close" in m]) == 1


def test_a_failure_while_opening_ends_closed(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.spoil[REQUEST_STATE] = [None, None]
    with pytest.raises(InstrumentTimeout):
        shutter.open()
    assert bench.device.heard.count(OPEN) == 1
    assert not bench.device.is_open


def test_a_user_who_breaks_off_opening_finds_it_closed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutter = bench.connect()

    def interrupted(seconds: float) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.clock, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shutter.open()
    assert bench.device.commanded_open is False
    assert not bench.device.is_open


@pytest.mark.parametrize(
    "spoilt",
    [
        None,
        b"\xcd\x04\x01",
        bytes.fromhex("cd0402000150"),
        bytes.fromhex("cd0401000151"),
        bytes(20),
    ],
)
def test_a_broken_answer_is_asked_again_once(
    bench: Bench, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    shutter = bench.connect()
    bench.device.spoil[REQUEST_STATE] = [spoilt]
    with caplog.at_level(logging.WARNING):
        assert shutter.is_closed is True
    assert bench.device.heard.count(REQUEST_STATE) == 2
    assert [m for m in caplog.messages if "Asking once more" in m]


@pytest.mark.parametrize("stray", [b"\x00", b"\xcd\x04", bytes.fromhex("cd0401015001")])
def test_stray_bytes_before_an_answer_are_passed_over_and_logged(
    bench: Bench, stray: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    shutter = bench.connect()
    bench.device.spoil[REQUEST_STATE] = [stray + bytes.fromhex("cd0401010150")]
    with caplog.at_level(logging.WARNING):
        assert shutter.solenoid_state == "open"
    assert [m for m in caplog.messages if f"{len(stray)} stray bytes" in m]
    assert shutter.solenoid_state == "closed"


def test_a_late_answer_never_passes_for_a_newer_one(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.answer_delay = 0.55
    with pytest.raises(InstrumentTimeout):
        _ = shutter.solenoid_state
    bench.device.answer_delay = 0.0
    bench.device.stuck_open = True
    assert shutter.solenoid_state == "open"


def test_a_fault_message_is_a_refusal_in_its_own_words(bench: Bench) -> None:
    shutter = bench.connect()
    fault = bytes.fromhex("810044008150") + struct.pack("<HH64s", 0x04CC, 7, b"supply too low")
    bench.device.spoil[REQUEST_STATE] = [fault]
    with pytest.raises(InstrumentRefused, match=r"fault 7 \(message 0x04CC\): 'supply too low'"):
        _ = shutter.is_closed


def test_a_controller_that_says_goodbye_is_disconnected(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.spoil[REQUEST_STATE] = [bytes.fromhex("020000000150")]
    with pytest.raises(InstrumentDisconnected):
        _ = shutter.is_closed


def test_a_silent_controller_times_out_and_is_not_confirmed_closed(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.silent = True
    started = bench.clock.now()
    with pytest.raises(InstrumentTimeout):
        _ = shutter.is_closed
    assert bench.clock.now() - started <= 1.2
    with pytest.raises(ShutterNotClosed):
        shutter.close()


def test_settings_say_what_the_controller_reports(bench: Bench) -> None:
    assert bench.connect().settings() == {
        "closed": True,
        "mode": "manual",
        "key_unlocked": True,
        "interlock_required": True,
        "interlock_bit": False,
    }


@pytest.mark.parametrize(
    ("model", "serial"), [(b"K10CR1", 55000001), (b"KSC101", 55000001), (b"\xff" * 8, 68000001)]
)
def test_another_instrument_is_refused_and_its_port_released(
    bench: Bench, model: bytes, serial: int
) -> None:
    bench.device.info = information(model, serial)
    with pytest.raises(WrongInstrument, match=str(serial)):
        KSC101(bench, clock=bench.clock)
    assert bench.closed_ports == 1
    assert bench.device.heard == [REQUEST_INFO]


def test_closing_is_commanded_even_while_no_answer_comes(bench: Bench) -> None:
    shutter = bench.connect()
    shutter.open()
    for request in (REQUEST_STATE, REQUEST_STATUS, REQUEST_MODE, REQUEST_INFO):
        bench.device.spoil[request] = [None] * 20
    with pytest.raises(ShutterNotClosed):
        shutter.close()
    assert bench.device.heard.count(CLOSE) == 2
    assert not bench.device.is_open


@pytest.mark.parametrize("seconds", [0.0, -1.0, 5.1, float("nan")])
def test_a_time_limit_out_of_range_is_refused_before_connecting(
    bench: Bench, seconds: float
) -> None:
    with pytest.raises(LimitError, match="move_timeout"):
        KSC101(bench, clock=bench.clock, move_timeout=seconds)
    assert bench.device.heard == []


def test_shutdown_closes_the_shutter_then_the_port_and_only_once(bench: Bench) -> None:
    shutter = bench.connect()
    shutter.open()
    shutter.shutdown()
    shutter.shutdown()
    assert not bench.device.is_open
    assert bench.closed_ports == 1


def test_shutdown_releases_the_port_even_if_the_shutter_is_stuck(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.stuck_open = True
    with pytest.raises(ShutterNotClosed):
        shutter.shutdown()
    assert bench.closed_ports == 1


@given(st.lists(st.one_of(st.none(), st.binary(max_size=120)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_whatever_is_answered_only_labcools_errors_come(answers: list[bytes | None]) -> None:
    bench = Bench()
    shutter = bench.connect()
    for request in (REQUEST_STATE, REQUEST_STATUS, REQUEST_MODE):
        bench.device.spoil[request] = list(answers)
    for use in (shutter.open, lambda: shutter.is_closed, shutter.settings, shutter.make_safe):
        with suppress_errors_of("KSC101"):
            use()
    bench.device.spoil.clear()
    shutter.make_safe()
    assert not bench.device.is_open


def test_a_byte_too_many_within_the_data_is_noticed(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    shutter = bench.connect()
    longer = bytes.fromhex("2a0406008150 0100 00 00200000")
    bench.device.spoil[REQUEST_STATUS] = [longer]
    assert shutter.status_bits == 1 << 13
    assert any("stray bytes came behind" in message for message in caplog.messages)
    bench.device.spoil[REQUEST_STATUS] = [longer, longer]
    with pytest.raises(GarbledAnswer, match="stray bytes"):
        _ = shutter.status_bits

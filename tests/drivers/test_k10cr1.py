from __future__ import annotations

import logging
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.k10cr1 import K10CR1
from labcool.clock import VirtualClock
from labcool.errors import (
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from simulators.device import SimulatedDevice
from simulators.memory import MemoryAdapter

TURN = 49_152_000
HOME = bytes.fromhex("430401005001")
TO_45_DEGREES = bytes.fromhex("53040600d001" + "0100" + "00c05d00")
STOP = bytes.fromhex("650401025001")
REQUEST_POSITION = bytes.fromhex("110401005001")
REQUEST_STATUS = bytes.fromhex("290401005001")
REQUEST_INFO = bytes.fromhex("050000005001")
REQUEST_SPEED = bytes.fromhex("140401005001")
QUESTIONS = (REQUEST_POSITION, REQUEST_STATUS, REQUEST_INFO)


def information(model: bytes = b"K10CR1", serial: int = 55000042) -> bytes:
    data = struct.pack("<I8sH4B60s3H", serial, model, 16, 4, 0, 1, 0, b"", 1, 0, 1)
    return bytes.fromhex("060054008150") + data


class Mount(SimulatedDevice):
    """A K10CR1 that turns at 10°/s; ``spoil`` as in the other tests."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.start = self.end = 1000.0
        self.begins = self.ends = -1.0
        self.homing = False
        self.homed = True
        self.start_delay = 0.0
        self.slips: list[int] = []
        self.extra_bits = 0
        self.obeys_stop = True
        self.deaf_to_moves = 0
        self.tells_end = True
        self.info = information()
        self.spoil: dict[bytes, list[bytes | None]] = {}

    @property
    def moving(self) -> bool:
        return self.begins <= self.clock.now() < self.ends

    @property
    def position(self) -> int:
        now = self.clock.now()
        if now >= self.ends:
            return round(self.end)
        part = max(0.0, now - self.begins) / (self.ends - self.begins)
        return round(self.start + (self.end - self.start) * part)

    def go(self, target: float, seconds: float | None = None) -> None:
        self.start = self.position
        self.end = target
        self.begins = self.clock.now() + self.start_delay
        duration = abs(target - self.start) / TURN * 36 if seconds is None else seconds
        self.ends = self.begins + duration

    def _accept(self, data: bytes) -> None:
        self.heard.append(data)
        answer: bytes | None = self.obey(data)
        if self.spoil.get(data):
            answer = self.spoil[data].pop(0)
        if answer:
            self._send(answer)

    def bits(self) -> int:
        if self.homing and not self.moving and self.clock.now() >= self.ends:
            self.homing, self.homed = False, True
        bits = 0x8000_0000 | self.homed << 10 | self.extra_bits
        if self.moving:
            bits |= 1 << 9 if self.homing else 1 << 4
        return bits

    def news(self, header: str) -> bytes:
        return bytes.fromhex(header) + struct.pack("<HiHHI", 1, self.position, 0, 0, self.bits())

    def obey(self, data: bytes) -> bytes:
        if data == HOME:
            self.homed, self.homing = False, True
            self.go(0.0, 8.0)
            self._appoint(self.ends, lambda _: self._send(bytes.fromhex("440401000150")))
        elif data[:6] == bytes.fromhex("53040600d001"):
            channel, target = struct.unpack("<Hi", data[6:])
            assert channel == 1
            if self.deaf_to_moves:
                self.deaf_to_moves -= 1
                return b""
            self.go(target + (self.slips.pop(0) if self.slips else 0))
            if self.tells_end:
                self._appoint(self.ends, lambda _: self._send(self.news("64040e008150")))
        elif data == STOP:
            if self.obeys_stop:
                self.start = self.end = self.position
                self.ends = self.clock.now()
                self._agenda.clear()
                return self.news("66040e008150")
        elif data == REQUEST_STATUS:
            return bytes.fromhex("2a0406008150") + struct.pack("<HI", 1, self.bits())
        elif data == REQUEST_POSITION:
            return bytes.fromhex("120406008150") + struct.pack("<Hi", 1, self.position)
        elif data == REQUEST_INFO:
            return self.info
        elif data == REQUEST_SPEED:
            # 5 degrees/s² and 10 degrees/s, in units of 1502.0 and of 7 329 109.3 to the degree.
            return bytes.fromhex("15040e008150") + struct.pack("<Hiii", 1, 0, 7510, 73_291_093)
        else:
            raise AssertionError(data)
        return b""


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
        self.device = Mount(self.clock)
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

    def connect(self, **keywords: Any) -> K10CR1:
        mount = K10CR1(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return mount

    @property
    def commands(self) -> list[bytes]:
        return [data for data in self.device.heard if data not in QUESTIONS]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_connecting_asks_who_it_is_and_moves_nothing(bench: Bench) -> None:
    mount = K10CR1(bench, clock=bench.clock)
    assert bench.device.heard == [REQUEST_INFO]
    assert mount.identity == "Thorlabs K10CR1, serial number 55000042, firmware 1.0.4"
    assert bench.settings["asrl"]["baud_rate"] == 115200
    assert bench.settings["asrl"]["flow_control"].name == "rts_cts"


def test_a_turn_has_the_steps_of_motor_and_gear(bench: Bench) -> None:
    assert 1 / bench.connect().resolution == pytest.approx(136_533.333, abs=1e-3)


def test_45_degrees_is_the_worked_command_and_is_waited_for(bench: Bench) -> None:
    mount = bench.connect()
    mount.turn_to(45.0)
    assert bench.commands == [TO_45_DEGREES]
    assert bench.device.position == 6_144_000
    assert mount.angle == pytest.approx(45.0, abs=1e-9)
    assert 4.4 < bench.clock.now() < 4.7


@pytest.mark.parametrize("angle", [0.0, 123.456, 359.99])
def test_any_angle_of_the_turn_is_reached(bench: Bench, angle: float) -> None:
    mount = bench.connect()
    mount.turn_to(angle)
    assert mount.angle == pytest.approx(angle, abs=4e-6)


def test_an_angle_just_below_the_turn_is_zero(bench: Bench) -> None:
    mount = bench.connect()
    mount.turn_to(359.9999999)
    assert bench.device.position == 0


@pytest.mark.parametrize("counts", [-136_533, 49_152_000 + 6_144_000])
def test_counters_outside_a_turn_are_read_as_angles(bench: Bench, counts: int) -> None:
    bench.device.end = counts
    assert bench.connect().angle == pytest.approx(counts / TURN * 360 % 360, abs=1e-6)


@pytest.mark.parametrize("angle", [-0.001, 360.0, 720.0, math.nan, math.inf])
def test_angles_outside_the_turn_are_refused_before_anything_is_sent(
    bench: Bench, angle: float
) -> None:
    mount = bench.connect()
    with pytest.raises(LimitError, match="K10CR1 angle"):
        mount.turn_to(angle)
    assert bench.device.heard == []


def test_before_homing_nothing_moves_and_no_angle_is_told(bench: Bench) -> None:
    bench.device.homed = False
    mount = bench.connect()
    with pytest.raises(InstrumentRefused, match=r"K10CR1: the mount is not homed.*home\(\)"):
        mount.turn_to(10.0)
    assert bench.commands == []
    assert math.isnan(mount.angle)
    assert "angle_deg" not in mount.settings()
    assert mount.settings()["homed"] is False


def test_homing_waits_for_its_end_and_makes_the_angle_known(bench: Bench) -> None:
    bench.device.homed = False
    mount = bench.connect()
    mount.home()
    assert bench.commands == [HOME]
    assert 8.0 <= bench.clock.now() <= 8.2
    assert mount.is_homed
    mount.turn_to(1.0)
    assert mount.settings()["angle_deg"] == pytest.approx(1.0, abs=4e-6)
    assert mount.settings()["speed_deg_per_s"] == pytest.approx(10.0)
    assert (mount.speed, mount.acceleration) == pytest.approx((10.0, 5.0), rel=1e-4)


def test_homing_again_is_not_taken_for_done_at_once(bench: Bench) -> None:
    mount = bench.connect()
    mount.home()
    bench.device.start_delay = 0.3
    before = bench.clock.now()
    mount.home()
    assert bench.clock.now() - before >= 8.0


def test_a_move_that_starts_late_is_not_taken_for_done(bench: Bench) -> None:
    bench.device.start_delay = 0.4
    mount = bench.connect()
    mount.turn_to(90.0)
    assert bench.device.position == TURN // 4
    assert len(bench.commands) == 1


def test_the_message_of_an_earlier_move_is_no_end_of_this_one(bench: Bench) -> None:
    mount = bench.connect()
    bench.device._send(bench.device.news("64040e008150"))
    bench.device.start_delay = 0.3
    mount.turn_to(90.0)
    assert bench.device.position == TURN // 4
    assert len(bench.commands) == 1


def test_a_mount_that_never_tells_the_end_is_understood_by_its_status(bench: Bench) -> None:
    bench.device.tells_end = False
    bench.connect().turn_to(20.0)
    assert bench.device.position == round(20 * TURN / 360)


def test_a_mount_beside_its_target_is_sent_there_once_more(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.device.slips = [5000]
    mount = bench.connect()
    with caplog.at_level(logging.WARNING):
        mount.turn_to(30.0)
    assert len(bench.commands) == 2
    assert [m for m in caplog.messages if "Turning again" in m]


def test_a_lost_command_is_repeated(bench: Bench) -> None:
    bench.device.deaf_to_moves = 1
    bench.connect().turn_to(30.0)
    assert bench.device.position == round(30 * TURN / 360)


def test_a_mount_that_misses_twice_is_refused(bench: Bench) -> None:
    bench.device.slips = [5000, 5000]
    with pytest.raises(InstrumentRefused, match=r"stands 0\.03662° beside 30°"):
        bench.connect().turn_to(30.0)


@pytest.mark.parametrize(("bit", "words"), [(14, "motion error"), (24, "current limit reached")])
def test_a_fault_during_a_move_is_told_and_the_motor_stopped(
    bench: Bench, bit: int, words: str
) -> None:
    mount = bench.connect()
    bench.device._appoint(2.0, lambda _: setattr(bench.device, "extra_bits", 1 << bit))
    with pytest.raises(InstrumentRefused, match=words):
        mount.turn_to(300.0)
    assert bench.commands[-1] == STOP
    assert not bench.device.moving
    bench.device.heard.clear()
    with pytest.raises(InstrumentRefused, match=words):
        mount.turn_to(10.0)
    assert bench.commands == []


def test_the_time_limit_runs_on_the_clock_and_stops_the_motor(bench: Bench) -> None:
    mount = bench.connect(move_timeout=5.0)
    with pytest.raises(InstrumentTimeout, match="has not ended within 5 s"):
        mount.turn_to(300.0)
    assert 5.0 <= bench.clock.now() <= 5.2
    assert bench.commands[-1] == STOP
    assert not bench.device.moving


def test_homing_has_the_same_time_limit(bench: Bench) -> None:
    with pytest.raises(InstrumentTimeout, match="homing has not ended within 2 s"):
        bench.connect(move_timeout=2.0).home()
    assert bench.commands == [HOME, STOP]


def test_making_safe_stops_a_moving_mount_and_leaves_a_standing_one(bench: Bench) -> None:
    mount = bench.connect()
    mount.make_safe()
    assert bench.commands == []
    bench.device.go(TURN / 2)
    mount.make_safe()
    assert bench.commands == [STOP]
    assert not bench.device.moving


def test_a_mount_that_does_not_stop_is_told(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.obeys_stop = False
    bench.device.go(TURN)
    with pytest.raises(InstrumentTimeout, match="still turns 5 s after the stop command"):
        mount.make_safe()


def test_a_mount_that_cannot_be_asked_is_told_to_stop(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.go(TURN / 2)
    bench.device.spoil[REQUEST_STATUS] = [None] * 5
    with pytest.raises(InstrumentTimeout):
        mount.make_safe()
    assert not bench.device.moving


def test_shutdown_stops_and_releases_the_port_once(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.go(TURN / 2)
    mount.shutdown()
    mount.shutdown()
    assert bench.commands == [STOP]
    assert bench.closed_ports == 1


@pytest.mark.parametrize(
    "spoilt",
    [
        None,
        bytes.fromhex("2a04060081500100"),
        bytes.fromhex("2a0406008150" + "0200" + "00000080"),
        bytes.fromhex("120406008150010000000000"),
    ],
)
def test_a_broken_status_is_asked_again_once(bench: Bench, spoilt: bytes | None) -> None:
    mount = bench.connect()
    bench.device.spoil[REQUEST_STATUS] = [spoilt]
    assert mount.status.homed is True
    assert bench.device.heard == [REQUEST_STATUS, REQUEST_INFO, REQUEST_STATUS]


def test_a_silent_mount_times_out(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.silent = True
    with pytest.raises(InstrumentTimeout, match=r"^K10CR1: "):
        _ = mount.angle
    assert bench.clock.now() <= 1.2


def test_another_instrument_is_refused_and_its_port_released(bench: Bench) -> None:
    bench.device.info = information(b"KSC101", 68000001)
    with pytest.raises(WrongInstrument, match="KSC101"):
        K10CR1(bench, clock=bench.clock)
    assert bench.closed_ports == 1


@pytest.mark.parametrize(
    "keyword", [{"move_timeout": 0.5}, {"move_timeout": math.nan}, {"tolerance": 0.0}]
)
def test_keywords_out_of_range_are_refused_before_connecting(
    bench: Bench, keyword: dict[str, float]
) -> None:
    with pytest.raises(LimitError, match=next(iter(keyword))):
        K10CR1(bench, clock=bench.clock, **keyword)
    assert bench.device.heard == []


@given(st.lists(st.one_of(st.none(), st.binary(max_size=100)), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_whatever_is_answered_only_labcools_errors_come(answers: list[bytes | None]) -> None:
    bench = Bench()
    mount = bench.connect(move_timeout=10.0)
    for request in (REQUEST_STATUS, REQUEST_POSITION):
        bench.device.spoil[request] = list(answers)
    for use in (lambda: mount.turn_to(10.0), mount.home, mount.settings, mount.make_safe):
        with suppress_errors_of("K10CR1"):
            use()
    bench.device.spoil.clear()
    mount.make_safe()
    assert not bench.device.moving

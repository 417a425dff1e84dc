from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.elliptec import ELL14, STATUS, from_hex, status_words, to_hex
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from simulators.device import SimulatedDevice
from simulators.memory import MemoryAdapter

TURN = 143360
INFORMATION = b"IN0E1140051720231701016800023000\r\n"


class Mount(SimulatedDevice):
    """An ELL14; ``plays`` gives a command's answers as lists of (delay in s, bytes), once each."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.address = b"0"
        self.information = INFORMATION
        self.position = 0
        self.move_time = 0.4
        self.slips = 0
        self.plays: dict[bytes, list[list[tuple[float, bytes]]]] = {}

    def _accept(self, data: bytes) -> None:
        self.heard.append(data)
        if data[:1] != self.address:
            return
        command = data[1:3]
        if command == b"ma":
            self.position = int.from_bytes(bytes.fromhex(data[3:].decode()), signed=True)
            self.position += self.slips
        if self.plays.get(command):
            for after, answer in self.plays[command].pop(0):
                self._send(answer, after=after)
            return
        if command == b"ho":
            self.position = 0
        where = b"PO%08X\r\n" % (self.position % 2**32)
        after, answer = {
            b"in": (0.0, self.information),
            b"gs": (0.0, b"GS00\r\n"),
            b"gv": (0.0, b"GV3C\r\n"),
            b"go": (0.0, b"HOFFFFBA00\r\n"),
            b"gp": (0.0, where),
            b"ma": (self.move_time, where),
            b"ho": (self.move_time, where),
        }[command]
        self._send(self.address + answer, after=after)


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Mount(self.clock)
        self.closed_ports = 0
        self.settings: dict[str, Any] = {}

    def open(self, **settings: Any) -> MemoryAdapter:
        bench = self
        self.settings = settings

        class Counting(MemoryAdapter):
            def close(self) -> None:
                bench.closed_ports += 1

        self.adapter = Counting(self.device, self.clock, **settings)
        return self.adapter

    def connect(self, **keywords: Any) -> ELL14:
        mount = ELL14(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return mount


@pytest.fixture
def bench() -> Bench:
    return Bench()


@given(st.integers(-(2**31), 2**31 - 1))
def test_twos_complement_there_and_back(pulses: int) -> None:
    digits = to_hex(pulses)
    assert len(digits) == 8
    assert digits == digits.upper()
    assert from_hex(digits) == pulses
    assert (int(digits, 16) - pulses) % 2**32 == 0


@pytest.mark.parametrize("pulses", [-(2**31) - 1, 2**31])
def test_positions_beyond_32_bits_are_refused(pulses: int) -> None:
    with pytest.raises(LimitError, match="position"):
        to_hex(pulses)


def test_the_manuals_relative_move_of_minus_45_degrees() -> None:
    assert b"0mr" + to_hex(-TURN // 8).encode() == b"0mrFFFFBA00"
    assert from_hex("FFFFBA00") == -17920


def test_the_manuals_absolute_move_to_45_degrees(bench: Bench) -> None:
    mount = bench.connect()
    mount.turn_to(45.0)
    assert bench.device.heard == [bytes.fromhex("306d613030303034363030")]
    assert bench.device.heard == [b"0ma00004600"]
    assert mount.angle == 45.0


def test_connecting_reads_the_identity_only(bench: Bench) -> None:
    mount = ELL14(bench, clock=bench.clock)
    assert bench.device.heard == [b"0in"]
    assert mount.identity == "Thorlabs ELL14/M, serial number 11400517, made 2023, firmware 17"
    assert mount.pulses_per_turn == TURN
    assert mount.resolution == 360 / TURN
    assert bench.settings["asrl"] == {"baud_rate": 9600}
    assert bench.settings["write_termination"] == ""


def test_pulses_per_turn_come_from_the_mount(bench: Bench) -> None:
    bench.device.information = b"IN121140051720231781016800046000\r\n"
    mount = bench.connect()
    assert mount.identity.startswith("Thorlabs ELL18, ")
    mount.turn_to(90.0)
    assert bench.device.heard == [b"0ma00011800"]


def test_status_zero_as_in_the_manual(bench: Bench) -> None:
    mount = bench.connect()
    assert mount.status == 0
    assert bench.device.heard == [b"0gs"]
    assert mount.settings() == {
        "speed_percent": 60,
        "home_offset_deg": -45.0,
        "angle_deg": 0.0,
        "status": "ok",
        "pulses_per_turn": TURN,
        "address": "0",
    }


def test_settings_that_an_older_mount_does_not_tell_are_left_out(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.plays[b"gv"] = [[(0.0, b"0GS03\r\n")]]
    assert set(mount.settings()) == {"angle_deg", "status", "pulses_per_turn", "address"}
    bench.device.plays[b"gv"] = [[(0.0, b"0GS03\r\n")]]
    with pytest.raises(InstrumentRefused, match="command not supported"):
        _ = mount.speed


@pytest.mark.parametrize(
    ("position", "angle"), [(0, 0.0), (-TURN // 4, 270.0), (TURN, 0.0), (TURN + 35840, 90.0)]
)
def test_angles_are_read_modulo_a_turn(bench: Bench, position: int, angle: float) -> None:
    bench.device.position = position
    assert bench.connect().angle == angle


@given(st.floats(0, 360, exclude_max=True))
def test_any_angle_is_reached_to_half_a_pulse(angle: float) -> None:
    mount = Bench().connect()
    mount.turn_to(angle)
    apart = abs(mount.angle - angle)
    assert min(apart, 360 - apart) <= mount.resolution / 2 + 1e-9
    assert 0 <= mount.angle < 360


@pytest.mark.parametrize("angle", [-0.001, 360.0, 1e9, float("nan"), float("inf")])
def test_angles_outside_a_turn_are_refused_and_nothing_moves(bench: Bench, angle: float) -> None:
    mount = bench.connect()
    with pytest.raises(LimitError, match="at least 0 and below 360"):
        mount.turn_to(angle)
    assert bench.device.heard == []


def test_a_slow_move_is_waited_for(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.move_time = 9.5
    mount.turn_to(10.0)
    assert bench.clock.now() == pytest.approx(9.5)


def test_a_move_beyond_the_time_limit_is_an_error_and_its_late_answer_discarded(
    bench: Bench,
) -> None:
    mount = bench.connect()
    bench.device.move_time = 12.5
    with pytest.raises(InstrumentTimeout, match="no PO or GS from address 0 within 10 s"):
        mount.turn_to(10.0)
    bench.clock.sleep(5.0)
    bench.device.position = TURN // 2
    assert mount.angle == 180.0
    assert mount.angle == 180.0


@pytest.mark.parametrize("code", [c for c in range(1, 15) if c != 9])
def test_a_fault_is_reported_in_words(bench: Bench, code: int) -> None:
    mount = bench.connect()
    bench.device.plays[b"ma"] = [[(0.1, b"0GS%02X\r\n" % code)]]
    with pytest.raises(InstrumentRefused, match=f"{status_words(code)}.*{code:02X}"):
        mount.turn_to(10.0)


def test_the_table_of_faults_is_that_of_the_manual() -> None:
    assert STATUS.index("mechanical time-out") == 2
    assert STATUS.index("thermal error") == 8
    assert STATUS.index("over-current") == 13
    assert status_words(14) == "reserved status 14"


def test_busy_is_polled_until_the_mount_stands(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.plays[b"ma"] = [[(0.0, b"0GS09\r\n")]]
    bench.device.plays[b"gs"] = [[(0.0, b"0GS09\r\n")]] * 3 + [
        [(0.0, b"0PO00004600\r\n0GS00\r\n0PO00000007\r\n")]
    ]
    mount.turn_to(45.0)
    assert bench.device.heard == [b"0ma00004600"] + [b"0gs"] * 4 + [b"0gp"]


def test_a_move_refused_as_busy_is_repeated_once_the_mount_stands(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    mount = bench.connect()
    bench.device.plays[b"ma"] = [[(0.0, b"0GS09\r\n")]]
    bench.device.plays[b"gp"] = [[(0.0, b"0PO00000000\r\n")]]
    with caplog.at_level(logging.WARNING):
        mount.turn_to(45.0)
    assert bench.device.heard == [b"0ma00004600", b"0gs", b"0gp", b"0ma00004600"]
    assert len(caplog.messages) == 1


def test_busy_for_ever_is_a_timeout(bench: Bench) -> None:
    mount = bench.connect(move_timeout=1.0)
    bench.device.plays[b"gs"] = [[(0.0, b"0GS09\r\n")]] * 1000
    with pytest.raises(InstrumentTimeout, match="still busy after 1 s"):
        mount.make_safe()
    assert bench.clock.now() == pytest.approx(1.0, abs=0.1)


def test_button_events_and_other_addresses_are_passed_over(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    mount = bench.connect()
    bench.device.plays[b"gp"] = [
        [(0.0, b"0BS09\r\n0BO00001000\r\n3PO00009999\r\n"), (0.2, b"0PO00004600\r\n")]
    ]
    with caplog.at_level(logging.INFO):
        assert mount.angle == 45.0
    assert len([m for m in caplog.messages if "button" in m]) == 2


def test_stopping_beside_the_target_is_tried_again_then_refused(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    mount = bench.connect()
    bench.device.slips = 7
    mount.turn_to(359.999)
    assert bench.device.heard == [b"0ma00000000"]
    assert caplog.messages == []
    bench.device.slips = 40
    with pytest.raises(InstrumentRefused, match=r"stands 0\.1004° beside 45°"):
        mount.turn_to(45.0)
    assert bench.device.heard[-2:] == [b"0ma00004600"] * 2


@pytest.mark.parametrize(
    "spoilt",
    [b"0PO000046\r\n", b"0PO0000460G\r\n", b"0P\x8000004600\r\n", b"\r\n", b"0PO0000", b""],
)
def test_a_broken_position_is_asked_for_once_more_then_an_error(
    bench: Bench, spoilt: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    mount = bench.connect()
    bench.device.position = 17920
    bench.device.plays[b"gp"] = [[(0.0, spoilt)]]
    with caplog.at_level(logging.WARNING):
        assert mount.angle == 45.0
    assert len(caplog.messages) == 1
    bench.device.plays[b"gp"] = [[(0.0, spoilt)]] * 2
    with pytest.raises((GarbledAnswer, InstrumentTimeout), match=r"^ELL14: "):
        _ = mount.angle
    assert mount.angle == 45.0


def test_a_garbled_end_of_a_move_is_an_error_and_moves_nothing_more(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.plays[b"ma"] = [[(0.1, b"0PX00004600\r\n")]]
    with pytest.raises(GarbledAnswer):
        mount.turn_to(45.0)
    assert bench.device.heard == [b"0ma00004600"]


def test_a_fault_in_place_of_a_position_is_a_refusal(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.plays[b"gp"] = [[(0.0, b"0GS0A\r\n")]]
    with pytest.raises(InstrumentRefused, match="sensor error"):
        _ = mount.angle


def test_homing(bench: Bench) -> None:
    bench.device.position = 999
    mount = bench.connect()
    mount.home()
    assert bench.device.heard == [b"0ho0"]
    assert mount.angle == 0.0


def test_another_address_is_used_throughout(bench: Bench) -> None:
    bench.device.address = b"A"
    mount = bench.connect(address="A")
    mount.turn_to(45.0)
    assert bench.device.heard == [b"Ama00004600"]


@pytest.mark.parametrize("address", ["", "a", "G", "10", 0])
def test_addresses_that_cannot_be_are_refused(bench: Bench, address: Any) -> None:
    with pytest.raises(LimitError, match="address"):
        ELL14(bench, clock=bench.clock, address=address)


@pytest.mark.parametrize("keyword", ["move_timeout", "tolerance"])
@pytest.mark.parametrize("value", [0.0, 1e6, float("nan")])
def test_keywords_out_of_range_are_refused_before_connecting(
    bench: Bench, keyword: str, value: float
) -> None:
    with pytest.raises(LimitError, match=keyword):
        ELL14(bench, clock=bench.clock, **{keyword: value})
    assert bench.device.heard == []


@pytest.mark.parametrize(
    "information",
    [
        b"IN091140051720231701001F00000000\r\n",
        b"IN0E1140051720231701001F00023000\r\n",
        b"IN0E1140051720231701016800000000\r\n",
    ],
)
def test_a_slider_or_a_stage_is_not_a_rotation_mount(bench: Bench, information: bytes) -> None:
    bench.device.information = information
    with pytest.raises(WrongInstrument, match="not an ELL14"):
        ELL14(bench, clock=bench.clock)
    assert bench.closed_ports == 1


@pytest.mark.parametrize(
    "information", [b"IN0E114005172023170101680002300\r\n", b"IN0E11400517YEAR1701016800023000\r\n"]
)
def test_a_broken_identity_is_garbled_and_the_port_released(
    bench: Bench, information: bytes
) -> None:
    bench.device.information = information
    with pytest.raises(GarbledAnswer):
        ELL14(bench, clock=bench.clock)
    assert bench.closed_ports == 1


def test_nobody_at_this_address_is_a_timeout_that_says_so(bench: Bench) -> None:
    with pytest.raises(InstrumentTimeout, match=r"from address 7.*cable and address"):
        ELL14(bench, clock=bench.clock, address="7")
    assert bench.closed_ports == 1


def test_making_safe_waits_for_standing_still_and_moves_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    mount = bench.connect()
    bench.device.plays[b"gs"] = [[(0.0, b"0GS09\r\n")], [(0.0, b"0GS08\r\n")]]
    with caplog.at_level(logging.WARNING):
        mount.make_safe()
    assert bench.device.heard == [b"0gs", b"0gs"]
    assert "thermal error" in caplog.messages[0]


def test_shutdown_releases_the_port_once_even_if_the_mount_is_dead(bench: Bench) -> None:
    mount = bench.connect()
    bench.device.silent = True
    with pytest.raises(InstrumentTimeout):
        mount.shutdown()
    assert bench.closed_ports == 1
    mount.shutdown()
    assert bench.closed_ports == 1

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.acton import ActonSP2300
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    LimitError,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter

GRATINGS = (
    b"\r\n\x1a1  300 g/mm BLZ=  750NM \r\n 2  600 g/mm BLZ=  1.0UM \r\n 3  MIRROR \r\n"
    b" 4 1800 g/mm BLZ= H-VIS  \r\n 5  Not Installed     \r\n"
)


class Controller(LineDevice):
    """An SP-2300i that clamps silently; ``spoil`` replaces whole answers, once each."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.echo = False
        self.position = 500.0
        self.end = 1400.0
        self.grating = 1
        self.stuck_grating = False
        self.rate = 100.0
        self.slit: int | None = None
        self.port = b"front"
        self.move_time = 5.0
        self.answer_delay = 0.0
        self.scan_ends = 0.0
        self.spoil: dict[bytes, list[bytes | None]] = {}

    def _handle(self, line: bytes) -> None:
        self.heard.append(line + b"\r")
        line = line.upper()
        slow = line.endswith((b" GOTO", b" GRATING"))
        body = self.obey(line)
        answer: bytes | None = b" ? \r\n" if body is None else body + b" ok\r\n"
        if self.spoil.get(line):
            answer = self.spoil[line].pop(0)
        if answer is not None:
            self._send(
                (line if self.echo else b"") + answer,
                after=self.move_time if slow else self.answer_delay,
            )

    def obey(self, line: bytes) -> bytes | None:
        value, _, word = line.rpartition(b" ")
        if word in (b"GOTO", b">NM"):
            wanted = min(max(float(value), 0.0), self.end)
            self.scan_ends = self.clock.now() + abs(wanted - self.position) / self.rate * 60.0
            self.position = wanted
        elif word == b"GRATING":
            self.grating = self.grating if self.stuck_grating else int(value)
        elif word == b"NM/MIN":
            self.rate = float(value)
        elif word == b"MICRONS":
            self.slit = int(value)
        elif word in (b"FRONT", b"SIDE"):
            self.port = word.lower()
        elif word.endswith(b"-SLIT"):
            return b"" if self.slit is not None else b" no motor\r\n"
        elif word not in (b"EXIT-MIRROR", b"MONO-STOP"):
            return {
                b"MODEL": b" SP-2-300i ",
                b"SERIAL": b" 23500123 ",
                b"?NM": b" %.3f nm " % self.position,
                b"?GRATING": b" %d " % self.grating,
                b"?GRATINGS": GRATINGS,
                b"?TURRET": b" 1 ",
                b"?NM/MIN": b" %.3f nm/min " % self.rate,
                b"?MICRONS": b" %d um " % (self.slit or 0),
                b"?MIR": b" 1 " if self.port == b"side" else b" 0 ",
                b"MONO-?DONE": b" %d " % (self.clock.now() >= self.scan_ends),
            }.get(word)
        return b""


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Controller(self.clock)
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

    def connect(self, **keywords: Any) -> ActonSP2300:
        spectrograph = ActonSP2300(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return spectrograph


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("echo", [False, True])
def test_the_worked_bytes_with_and_without_echo(bench: Bench, echo: bool) -> None:
    bench.device.echo = echo
    spectrograph = ActonSP2300(bench, clock=bench.clock)
    assert bench.device.heard == [b"MODEL\r", b"SERIAL\r", b"?GRATINGS\r"]
    assert bench.settings["asrl"] == {"baud_rate": 9600}
    assert spectrograph.identity == "Princeton Instruments SP-2-300i, serial number 23500123"
    spectrograph.go_to(546.074)
    assert bench.device.heard[-2:] == [
        bytes.fromhex("3534362e30373420474f544f0d"),
        bytes.fromhex("3f4e4d0d"),
    ]
    assert bench.clock.now() >= 5.0
    assert spectrograph.wavelength == 546.074


def test_the_gratings_are_read(bench: Bench) -> None:
    gratings = bench.connect().gratings
    assert [(g.number, g.grooves_per_mm, g.blaze, g.turret) for g in gratings] == [
        (1, 300.0, "750NM", 1),
        (2, 600.0, "1.0UM", 1),
        (3, 0.0, "", 1),
        (4, 1800.0, "H-VIS", 2),
    ]
    assert [round(g.longest_wavelength, 1) for g in gratings] == [5600.0, 2800.0, 0.0, 933.3]


@pytest.mark.parametrize("nm", [-0.1, 5600.1, float("nan"), float("inf")])
def test_a_wavelength_out_of_reach_moves_nothing(bench: Bench, nm: float) -> None:
    spectrograph = bench.connect()
    for move in (spectrograph.go_to, spectrograph.scan_to):
        with pytest.raises(LimitError, match=r"from 0 to 5600|finite number"):
            move(nm)
    assert set(bench.device.heard) <= {b"?GRATING\r"}


def test_a_silently_clamped_move_is_noticed(bench: Bench) -> None:
    spectrograph = bench.connect()
    with pytest.raises(InstrumentRefused, match=r"stands at 1400\.000 nm although 2000\.000 nm"):
        spectrograph.go_to(2000.0)
    with pytest.raises(InstrumentRefused, match=r"1400\.000 nm"):
        spectrograph.scan_to(2000.0)


def test_a_scan_is_polled_stopped_and_read_back(bench: Bench) -> None:
    spectrograph = bench.connect()
    spectrograph.scan_rate = 600.0
    assert bench.device.heard[0] == b"600.00 NM/MIN\r"
    began = bench.clock.now()
    spectrograph.scan_to(520.0)
    assert 2.0 <= bench.clock.now() - began <= 2.5
    assert bench.device.heard[-2:] == [b"MONO-STOP\r", b"?NM\r"]
    for rate in (0.0, 2001.0, float("nan")):
        with pytest.raises(LimitError, match="scan_rate"):
            spectrograph.scan_rate = rate


def test_gratings_are_changed_and_read_back(bench: Bench) -> None:
    spectrograph = bench.connect()
    spectrograph.grating = 2
    assert bench.device.grating == 2
    bench.device.stuck_grating = True
    with pytest.raises(InstrumentRefused, match="grating 2 is in the beam, not 1"):
        spectrograph.grating = 1
    bench.device.heard.clear()
    for number in (0, 4, 5, 9):
        with pytest.raises(LimitError, match=r"on turret 1|from 1 to 9"):
            spectrograph.grating = number
    with pytest.raises(LimitError, match="shorter wavelength"):
        spectrograph.grating = 3
    assert all(line.startswith(b"?") for line in bench.device.heard)


def test_a_turret_that_is_not_taken_is_an_error(bench: Bench) -> None:
    spectrograph = bench.connect()
    with pytest.raises(LimitError, match="from 1 to 3"):
        spectrograph.turret = 4
    assert bench.device.heard == []
    with pytest.raises(InstrumentRefused):
        spectrograph.turret = 2


def test_slits_and_exit_mirror(bench: Bench) -> None:
    spectrograph = bench.connect()
    with pytest.raises(InstrumentRefused, match="no motor"):
        spectrograph.slit_width("SIDE-ENT-SLIT")
    bench.device.slit = 10
    spectrograph.set_slit_width("SIDE-ENT-SLIT", 50.0)
    assert spectrograph.slit_width("SIDE-ENT-SLIT") == 50.0
    with pytest.raises(LimitError, match="10 to 3000"):
        spectrograph.set_slit_width("SIDE-ENT-SLIT", 5.0)
    spectrograph.exit_port = "side"
    assert bench.device.port == b"side"
    with pytest.raises(InstrumentRefused, match="not understood"):
        _ = spectrograph.filter_position


def test_a_move_that_never_answers_is_stopped_and_the_next_answer_is_right(bench: Bench) -> None:
    spectrograph = bench.connect(move_timeout=10.0)
    bench.device.move_time = 11.0
    began = bench.clock.now()
    with pytest.raises(InstrumentTimeout, match=r"^SP-2300i: no 'ok' within 10\.2 s"):
        spectrograph.go_to(600.0)
    assert 10.0 <= bench.clock.now() - began <= 10.6
    bench.device.heard.clear()
    assert spectrograph.wavelength == 600.0
    assert bench.device.heard == [b"MONO-STOP\r", b"MODEL\r", b"?NM\r"]


def test_making_safe_stops_a_broken_move_and_else_nothing(bench: Bench) -> None:
    spectrograph = bench.connect()
    spectrograph.make_safe()
    assert bench.device.heard == []
    bench.device.spoil[b"600.000 GOTO"] = [b"garbled ok\r\n"]
    with pytest.raises(GarbledAnswer):
        spectrograph.go_to(600.0)
    spectrograph.make_safe()
    assert bench.device.heard[-2:] == [b"MONO-STOP\r", b"MODEL\r"]


def test_an_answer_after_its_time_out_never_passes_for_a_newer_one(bench: Bench) -> None:
    spectrograph = bench.connect()
    bench.device.answer_delay = 2.6
    with pytest.raises(InstrumentTimeout):
        _ = spectrograph.wavelength
    bench.device.answer_delay = 0.0
    bench.device.position = 700.0
    assert spectrograph.wavelength == 700.0


@pytest.mark.parametrize(
    "spoilt", [None, b" 5x0.0 nm  ok\r\n", b" ok\r\n", b" 500.000", b"\xff ok\r\n"]
)
def test_a_broken_wavelength_is_asked_for_once_more(bench: Bench, spoilt: bytes | None) -> None:
    spectrograph = bench.connect()
    bench.device.spoil[b"?NM"] = [spoilt]
    assert spectrograph.wavelength == 500.0
    bench.device.spoil[b"?NM"] = [spoilt] * 2
    with pytest.raises((GarbledAnswer, InstrumentTimeout)):
        _ = spectrograph.wavelength


def test_lower_case_is_sent_where_it_is_wanted(bench: Bench) -> None:
    spectrograph = bench.connect(case="lower")
    spectrograph.go_to(600.0)
    assert b"600.000 goto\r" in bench.device.heard
    with pytest.raises(LimitError, match="case"):
        bench.connect(case="Title")


def test_another_instrument_is_refused(bench: Bench) -> None:
    bench.device.spoil[b"MODEL"] = [b" AM-505 ok\r\n"]
    with pytest.raises(WrongInstrument, match="AM-505"):
        bench.connect()
    assert bench.closed_ports == 1


def test_settings_and_shutdown(bench: Bench) -> None:
    spectrograph = bench.connect()
    assert spectrograph.settings() == {
        "wavelength_nm": 500.0,
        "grating": 1,
        "grooves_per_mm": 300.0,
        "blaze": "750NM",
        "turret": 1,
        "scan_rate_nm_per_min": 100.0,
        "side_entrance_slit_um": "no motor",
        "front_entrance_slit_um": "no motor",
        "side_exit_slit_um": "no motor",
        "front_exit_slit_um": "no motor",
        "exit_port": "front",
        "filter_position": "no motor",
    }
    spectrograph.shutdown()
    spectrograph.shutdown()
    assert bench.closed_ports == 1


@given(st.lists(st.binary(max_size=30) | st.just(b" ok\r\n"), min_size=1, max_size=4))
@hypothesis_settings(max_examples=60, deadline=None)
def test_whatever_comes_only_typed_errors_leave(answers: list[bytes]) -> None:
    bench = Bench()
    spectrograph = bench.connect()
    bench.device.spoil = {b"?NM": list(answers), b"600.000 GOTO": list(answers)}
    with suppress(LabcoolError):
        assert abs(spectrograph.wavelength) < 1e5
    with suppress(LabcoolError):
        spectrograph.go_to(600.0)
        assert bench.device.position == 600.0
    bench.device.spoil.clear()
    spectrograph.make_safe()
    assert spectrograph.wavelength == bench.device.position


@pytest.mark.parametrize("nanometres", [b"99999.000", b"-10.5000"])
def test_a_wavelength_beyond_the_scale_is_garbled(bench: Bench, nanometres: bytes) -> None:
    monochromator = bench.connect()
    bench.device.spoil[b"?NM"] = [b" " + nanometres + b" nm  ok\r\n"]
    with pytest.raises(GarbledAnswer):
        _ = monochromator.wavelength
    assert monochromator.wavelength == 500.0

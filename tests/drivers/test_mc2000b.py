from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._mc2000b_blades import BLADES
from drivers.mc2000b import MC2000B
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter

STANDING_ONLY = (b"blade", b"ref", b"output", b"nharmonic", b"dharmonic")


class Chopper(LineDevice):
    """An MC2000B; ``spoil`` maps a command to answers sent, once each, instead of the right ones.

    The command is carried out all the same.
    """

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.name = b"THORLABS MC2000B 1.1.1"
        self.state = {
            b"freq": 317,
            b"blade": 1,
            b"ref": 0,
            b"output": 0,
            b"enable": 0,
            b"phase": 0,
            b"nharmonic": 1,
            b"dharmonic": 1,
        }
        self.external = 100
        self.enabled_at = 0.0
        self.spin_up = 4.0
        self.locks = True
        self.deaf = False
        self.answer_delay = 0.0
        self.spoil: dict[bytes, list[bytes | None]] = {}

    @property
    def target(self) -> float:
        external = BLADES[self.state[b"blade"]].references[self.state[b"ref"]].startswith("ext")
        if not external:
            return self.state[b"freq"]
        return self.external * self.state[b"nharmonic"] / self.state[b"dharmonic"]

    @property
    def measured(self) -> int:
        if self.state[b"output"] == 0:
            return round(self.target)
        if not self.state[b"enable"]:
            return 0
        part = min(1.0, (self.clock.now() - self.enabled_at) / self.spin_up)
        return round(self.target * part * (1.0 if self.locks else 0.9))

    def _handle(self, line: bytes) -> None:
        self.heard.append(line)
        value = self.obey(line)
        answer: bytes | None = line + b"\r" + (b"" if value is None else value + b"\r") + b"> "
        if self.spoil.get(line):
            answer = self.spoil[line].pop(0)
        if answer is not None:
            self._send(answer, after=self.answer_delay)

    def obey(self, line: bytes) -> bytes | None:
        key, _, value = line.partition(b"=")
        if value and key in self.state:
            if key in STANDING_ONLY and self.state[b"enable"]:
                return b"Command error CMD_ARG_INVALID"
            if key == b"enable" and int(value) and not self.state[key]:
                self.enabled_at = self.clock.now()
            if not self.deaf:
                self.state[key] = int(value)
            return None
        if line == b"id?":
            return self.name
        if line == b"refoutfreq?":
            return b"%d" % self.measured
        if line == b"input?":
            return b"%d" % self.external
        if line.endswith(b"?") and line[:-1] in self.state:
            return b"%d" % self.state[line[:-1]]
        return b"Command error CMD_NOT_DEFINED"


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Chopper(self.clock)
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

    def connect(self, **keywords: Any) -> MC2000B:
        chopper = MC2000B(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return chopper

    @property
    def settings_sent(self) -> list[bytes]:
        return [line for line in self.device.heard if b"=" in line]


@pytest.fixture
def bench() -> Bench:
    return Bench()


class Script(LineDevice):
    """Plays exact answers to exact bytes, in order."""

    def __init__(self, clock: VirtualClock, *lines: tuple[bytes, bytes]) -> None:
        super().__init__(clock)
        self.lines = list(lines)

    def _accept(self, data: bytes) -> None:
        expected, answer = self.lines.pop(0)
        assert data == expected
        self._send(answer)

    def _handle(self, line: bytes) -> None:
        raise AssertionError("unused")


def test_the_worked_bytes_are_sent_and_understood() -> None:
    clock = VirtualClock()
    device = Script(
        clock,
        (b"\r", b"\rCommand error CMD_NOT_DEFINED\r> "),
        (b"id?\r", b"id?\rTHORLABS MC2000B 1.1.1\r> "),
        (b"id?\r", b"id?\rTHORLABS MC2000B 1.1.1\r> "),
        (b"blade?\r", b"blade?\r1\r> "),
        (b"ref?\r", b"ref?\r0\r> "),
        (bytes.fromhex("667265713d3331370d"), bytes.fromhex("667265713d3331370d3e20")),
        (b"freq?\r", b"freq?\r317\r> "),
    )
    adapter = MemoryAdapter(device, clock, write_termination="\r", read_termination="\r")
    MC2000B(adapter, clock=clock).frequency = 317
    assert device.lines == []


def test_connecting_reads_the_identity_and_changes_nothing(bench: Bench) -> None:
    before = dict(bench.device.state)
    chopper = MC2000B(bench, clock=bench.clock)
    assert chopper.identity == "THORLABS MC2000B 1.1.1"
    assert set(bench.device.heard) == {b"", b"id?"}
    assert bench.device.state == before
    assert bench.settings["asrl"] == {"baud_rate": 115200}


def test_start_selects_the_measured_output_and_returns_when_locked(bench: Bench) -> None:
    chopper = bench.connect()
    chopper.start()
    assert bench.settings_sent == [b"output=1", b"enable=1"]
    assert 3.9 <= bench.clock.now() <= 5.2
    assert chopper.is_locked is True
    assert chopper.output_frequency == 317


@pytest.mark.parametrize(
    ("blade", "reference", "output"), [(6, 0, 1), (6, 1, 2), (6, 3, 2), (10, 0, 1), (4, 1, 1)]
)
def test_the_output_follows_the_ring_of_the_reference(
    bench: Bench, blade: int, reference: int, output: int
) -> None:
    bench.device.state |= {b"blade": blade, b"ref": reference, b"freq": 500}
    bench.device.external = 500
    bench.connect().start()
    assert bench.device.state[b"output"] == output


def test_a_blade_that_does_not_lock_is_stopped_and_told(bench: Bench) -> None:
    bench.device.locks = False
    with pytest.raises(InstrumentTimeout, match=r"not locked 30 s .*285 Hz instead of 317 Hz"):
        bench.connect().start()
    assert bench.device.state[b"enable"] == 0
    assert 30.0 <= bench.clock.now() <= 31.0


def test_the_target_at_the_output_is_no_proof_of_a_lock(bench: Bench) -> None:
    bench.device.state[b"enable"] = 1
    chopper = bench.connect()
    assert chopper.output_frequency == chopper.frequency
    assert chopper.is_locked is False
    with pytest.raises(InstrumentRefused, match="does not follow the blade"):
        chopper.start()
    assert bench.settings_sent == []


@pytest.mark.parametrize(("deviation", "locked"), [(0, True), (3, True), (4, False)])
def test_locked_is_within_the_tolerance(bench: Bench, deviation: int, locked: bool) -> None:
    bench.device.state |= {b"output": 1, b"enable": 1}
    chopper = bench.connect(lock_tolerance=0.01)
    bench.device.spoil[b"refoutfreq?"] = [b"refoutfreq?\r%d\r> " % (317 + deviation)] * 5
    assert chopper.is_locked is locked


def test_one_good_reading_is_no_lock(bench: Bench) -> None:
    bench.device.state |= {b"output": 1, b"enable": 1}
    chopper = bench.connect()
    bench.device.spoil[b"refoutfreq?"] = [
        b"refoutfreq?\r317\r> ",
        b"refoutfreq?\r317\r> ",
        b"refoutfreq?\r300\r> ",
    ]
    assert chopper.is_locked is False


def test_a_standing_blade_is_not_locked(bench: Bench) -> None:
    assert bench.connect().is_locked is False


@pytest.mark.parametrize(
    ("blade", "reference", "limits"),
    [
        (1, 0, (20.0, 1000.0)),
        (4, 0, (120.0, 6000.0)),
        (5, 0, (200.0, 10000.0)),
        (6, 0, (200.0, 10000.0)),
        (6, 1, (20.0, 1000.0)),
        (0, 1, (4.0, 200.0)),
        (8, 0, (12.0, 600.0)),
        (14, 0, (120.0, 6000.0)),
    ],
)
def test_the_range_is_that_of_blade_and_ring(
    bench: Bench, blade: int, reference: int, limits: tuple[float, float]
) -> None:
    bench.device.state |= {b"blade": blade, b"ref": reference}
    chopper = bench.connect()
    assert chopper.frequency_range == limits
    for wrong in (limits[0] - 1, limits[1] + 1, float("nan"), float("inf"), limits[0] + 0.5):
        with pytest.raises(LimitError, match="frequency"):
            chopper.frequency = wrong
    assert bench.settings_sent == []
    chopper.frequency = limits[1]
    assert bench.device.state[b"freq"] == limits[1]


def test_with_an_external_reference_the_frequency_follows_its_harmonics(bench: Bench) -> None:
    chopper = bench.connect()
    chopper.reference = "external"
    chopper.harmonics = (3, 2)
    assert chopper.frequency == 150.0
    with pytest.raises(InstrumentRefused, match="external"):
        chopper.frequency = 200
    chopper.start()
    assert chopper.output_frequency == 150
    bench.device.external = 0
    assert chopper.is_locked is False


def test_blade_reference_and_harmonics_change_only_while_the_blade_stands(bench: Bench) -> None:
    chopper = bench.connect()
    chopper.blade = "MC1F10HP"
    assert bench.device.state[b"blade"] == 6
    chopper.reference = "internal-inner"
    assert chopper.reference == "internal-inner"
    chopper.start()
    bench.device.heard.clear()
    for attribute, value in (
        ("blade", "MC1F10"),
        ("reference", "internal-outer"),
        ("harmonics", (1, 2)),
    ):
        with pytest.raises(InstrumentRefused, match="only while the blade stands"):
            setattr(chopper, attribute, value)
    assert bench.settings_sent == []
    chopper.frequency = 400
    chopper.phase = 90
    assert bench.settings_sent == [b"freq=400", b"phase=90"]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("blade", "MC1F11"),
        ("reference", "internal-inner"),
        ("phase", 361),
        ("phase", -1),
        ("phase", 1.5),
        ("phase", True),
        ("harmonics", (0, 1)),
        ("harmonics", (1, 16)),
        ("harmonics", (1,)),
    ],
)
def test_values_out_of_range_are_refused_before_anything_is_set(
    bench: Bench, attribute: str, value: Any
) -> None:
    chopper = bench.connect()
    with pytest.raises(LimitError, match=attribute):
        setattr(chopper, attribute, value)
    assert bench.settings_sent == []


def test_a_setting_that_does_not_take_is_told(bench: Bench) -> None:
    chopper = bench.connect()
    bench.device.deaf = True
    with pytest.raises(InstrumentRefused, match="'freq' is 317 although it was set to 400"):
        chopper.frequency = 400


def test_an_error_text_is_a_refusal(bench: Bench) -> None:
    chopper = bench.connect()
    bench.device.spoil[b"phase?"] = [b"phase?\rCommand error CMD_NOT_DEFINED\r> "]
    with pytest.raises(InstrumentRefused, match="CMD_NOT_DEFINED"):
        _ = chopper.phase


@pytest.mark.parametrize(
    "spoilt",
    [
        b"freq\r317\r> ",
        b"freq?\r> ",
        b"freq?\r3x7\r> ",
        b"freq?\r-317\r> ",
        b"freq?\r317",
        b"> ",
        b"\xff\r> ",
        None,
    ],
)
def test_a_broken_answer_is_asked_again_once(
    bench: Bench, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    chopper = bench.connect()
    bench.device.spoil[b"freq?"] = [spoilt]
    with caplog.at_level(logging.WARNING):
        assert chopper.frequency == 317
    assert bench.device.heard.count(b"freq?") == 2
    assert len(caplog.messages) == 1


def test_twice_garbled_is_a_typed_error(bench: Bench) -> None:
    chopper = bench.connect()
    bench.device.spoil[b"freq?"] = [b"fre?\r317\r> "] * 2
    with pytest.raises(GarbledAnswer, match=r"^MC2000B: wrong echo"):
        _ = chopper.frequency


def test_a_late_answer_never_passes_for_a_newer_one(bench: Bench) -> None:
    chopper = bench.connect()
    bench.device.answer_delay = 0.65
    with pytest.raises(InstrumentTimeout):
        _ = chopper.is_running
    bench.device.answer_delay = 0.0
    bench.device.state[b"enable"] = 1
    assert chopper.is_running is True


def test_a_number_that_is_no_blade_is_garbled(bench: Bench) -> None:
    bench.device.state[b"blade"] = 15
    with pytest.raises(GarbledAnswer, match="15 is no blade"):
        _ = bench.connect().blade


def test_stopping_is_confirmed_and_tried_once_more(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    chopper = bench.connect()
    bench.device.state[b"enable"] = 1
    bench.device.deaf = True
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(InstrumentRefused, match="'enable' is 1 although it was set to 0"),
    ):
        chopper.make_safe()
    assert [m for m in caplog.messages if "Trying once more to stop" in m]


def test_stopping_is_commanded_even_while_no_answer_comes(bench: Bench) -> None:
    chopper = bench.connect()
    bench.device.state[b"enable"] = 1
    chopper.start_exchange()
    for command in (b"id?", b"enable?", b"enable=0", b""):
        bench.device.spoil[command] = [None] * 20
    with pytest.raises(InstrumentTimeout):
        chopper.make_safe()
    assert bench.device.state[b"enable"] == 0


def test_a_silent_chopper_times_out(bench: Bench) -> None:
    chopper = bench.connect()
    bench.device.silent = True
    before = bench.clock.now()
    with pytest.raises(InstrumentTimeout, match=r"^MC2000B: "):
        _ = chopper.frequency
    assert bench.clock.now() - before <= 1.3


def test_settings_say_what_the_controller_reports(bench: Bench) -> None:
    assert bench.connect().settings() == {
        "running": False,
        "blade": "MC1F10",
        "reference": "internal",
        "output": "target",
        "frequency_Hz": 317.0,
        "output_frequency_Hz": 317.0,
        "phase_deg": 0,
        "harmonic_multiplier": 1,
        "harmonic_divider": 1,
    }


def test_shutdown_leaves_what_somebody_else_has_started(bench: Bench) -> None:
    bench.device.state[b"enable"] = 1
    bench.connect().shutdown()
    assert bench.settings_sent == []
    assert bench.closed_ports == 1


def test_shutdown_stops_what_this_object_has_started_and_only_once(bench: Bench) -> None:
    chopper = bench.connect()
    chopper.start()
    chopper.shutdown()
    chopper.shutdown()
    assert bench.device.state[b"enable"] == 0
    assert bench.closed_ports == 1


def test_another_instrument_is_refused_and_its_port_released(bench: Bench) -> None:
    bench.device.name = b"THORLABS SC10 VERSION 1.07"
    with pytest.raises(WrongInstrument, match="SC10"):
        MC2000B(bench, clock=bench.clock)
    assert bench.closed_ports == 1


@pytest.mark.parametrize("keyword", [{"lock_timeout": 0.0}, {"lock_tolerance": float("nan")}])
def test_keywords_out_of_range_are_refused_before_connecting(
    bench: Bench, keyword: dict[str, float]
) -> None:
    with pytest.raises(LimitError, match=next(iter(keyword))):
        MC2000B(bench, clock=bench.clock, **keyword)
    assert bench.device.heard == []


@given(st.lists(st.one_of(st.none(), st.binary(max_size=80)), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_whatever_is_answered_only_labcools_errors_come(answers: list[bytes | None]) -> None:
    bench = Bench()
    chopper = bench.connect(lock_timeout=5.0)
    for question in (b"enable?", b"blade?", b"ref?", b"output?", b"freq?", b"id?", b"enable=1"):
        bench.device.spoil[question] = list(answers)
    for use in (chopper.start, lambda: chopper.is_locked, chopper.settings, chopper.make_safe):
        try:
            use()
        except InstrumentError as error:
            if error.instrument != "MC2000B":
                raise
    bench.device.spoil.clear()
    chopper.make_safe()
    assert bench.device.state[b"enable"] == 0


@pytest.mark.parametrize(
    ("attribute", "question", "value"),
    [
        ("harmonics", b"nharmonic?", b"0"),
        ("harmonics", b"dharmonic?", b"999991"),
        ("phase", b"phase?", b"361"),
        ("frequency", b"freq?", b"99999"),
        ("output_frequency", b"refoutfreq?", b"20001"),
    ],
)
def test_a_number_that_no_chopper_has_is_asked_for_once_more(
    bench: Bench, attribute: str, question: bytes, value: bytes
) -> None:
    chopper = bench.connect()
    right = getattr(chopper, attribute)
    wrong = question + b"\r" + value + b"\r> "
    bench.device.spoil[question] = [wrong]
    assert getattr(chopper, attribute) == right
    bench.device.spoil[question] = [wrong, wrong]
    with pytest.raises(GarbledAnswer, match="was answered by"):
        getattr(chopper, attribute)

from __future__ import annotations

import logging
from typing import Any

import pytest

from drivers.sc10 import SC10
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    ShutterNotClosed,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter

ID = b"id?\rTHORLABS SC10 VERSION 1.07\r> "


class Controller(LineDevice):
    """An SC10 as its manual describes it, with faults for the tests.

    ``spoil`` maps a command to answers that are sent, once each, instead of the right ones (None:
    no answer); the command is carried out all the same.
    """

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []
        self.enabled = False
        self.mode = 1
        self.tripped = False
        self.trigger = 0
        self.stuck_open = False
        self.stuck_closed = False
        self.deaf_to_toggle = False
        self.move_time = 0.02
        self.moved_at = -1.0
        self.answer_delay = 0.0
        self.name = b"THORLABS SC10 VERSION 1.07"
        self.spoil: dict[bytes, list[bytes | None]] = {}

    @property
    def closed(self) -> bool:
        if self.stuck_open or self.stuck_closed:
            return self.stuck_closed
        if self.tripped:
            return True
        arrived = self.clock.now() - self.moved_at >= self.move_time
        return self.enabled != arrived

    def _handle(self, line: bytes) -> None:
        self.heard.append(line + b"\r")
        value = self.obey(line)
        answer: bytes | None = line + b"\r" + (b"" if value is None else value + b"\r") + b"> "
        if self.spoil.get(line):
            answer = self.spoil[line].pop(0)
        if answer is not None:
            self._send(answer, after=self.answer_delay)

    def obey(self, line: bytes) -> bytes | None:
        if line == b"ens":
            if not self.deaf_to_toggle:
                self.enabled = not self.enabled
                self.moved_at = self.clock.now()
            return None
        if line.startswith(b"mode="):
            self.mode = int(line[5:])
            return None
        return {
            b"id?": self.name,
            b"ens?": b"%d" % self.enabled,
            b"closed?": b"%d" % self.closed,
            b"interlock?": b"%d" % self.tripped,
            b"mode?": b"%d" % self.mode,
            b"trig?": b"%d" % self.trigger,
            b"open?": b"250",
            b"shut?": b"100",
            b"rep?": b"7",
        }.get(line, b"Command error CMD_NOT_DEFINED")

    @property
    def toggles(self) -> int:
        return self.heard.count(b"ens\r")


class Bench:
    """A controller, its clock, and a link that remembers its adapter."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Controller(self.clock)
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

    def connect(self, **keywords: Any) -> SC10:
        shutter = SC10(self, clock=self.clock, **keywords)
        self.device.heard.clear()
        return shutter


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


def test_the_worked_bytes_of_the_manual_are_sent_and_understood() -> None:
    clock = VirtualClock()
    device = Script(
        clock,
        (b"id?\r", ID),
        (b"interlock?\r", b"interlock?\r0\r> "),
        (b"mode?\r", b"mode?\r1\r> "),
        (bytes.fromhex("656e733f0d"), b"ens?\r0\r> "),
        (b"ens\r", b"ens\r> "),
        (b"closed?\r", b"closed?\r0\r> "),
        (b"interlock?\r", b"interlock?\r0\r> "),
        (b"closed?\r", b"closed?\r1\r> "),
    )
    adapter = MemoryAdapter(device, clock, write_termination="\r", read_termination="\r")
    shutter = SC10(adapter, clock=clock)
    shutter.open()
    assert shutter.is_closed is True
    assert device.lines == []


def test_connecting_reads_the_identity_and_touches_nothing_else(bench: Bench) -> None:
    bench.device.enabled = True
    bench.device.mode = 5
    shutter = SC10(bench, clock=bench.clock)
    assert shutter.identity == "THORLABS SC10 VERSION 1.07"
    assert bench.device.heard == [b"id?\r"]
    assert bench.settings["write_termination"] == "\r"
    assert bench.settings["asrl"] == {"baud_rate": 9600}


def test_open_and_close_toggle_once_each_and_are_confirmed(bench: Bench) -> None:
    shutter = bench.connect()
    shutter.open()
    assert not bench.device.closed
    assert bench.device.toggles == 1
    shutter.close()
    assert bench.device.closed
    assert bench.device.toggles == 2
    assert bench.device.heard[-1] == b"ens?\r"


def test_no_toggle_is_sent_when_the_state_is_right_already(bench: Bench) -> None:
    shutter = bench.connect()
    shutter.close()
    shutter.make_safe()
    assert bench.device.toggles == 0
    bench.device.enabled = True
    shutter.open()
    assert bench.device.toggles == 0


def test_closing_waits_for_the_blade_within_its_time_limit(bench: Bench) -> None:
    bench.device.enabled = True
    shutter = bench.connect(move_timeout=0.3)
    bench.device.move_time = 0.25
    shutter.close()
    assert 0.25 <= bench.clock.now() <= 0.3
    assert bench.device.toggles == 1


def test_a_tripped_interlock_refuses_opening_before_anything_moves(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.tripped = True
    with pytest.raises(InstrumentRefused, match="SC10: the interlock is tripped"):
        shutter.open()
    assert bench.device.heard == [b"interlock?\r"]


def test_an_interlock_that_trips_while_opening_is_noticed_and_disables(bench: Bench) -> None:
    shutter = bench.connect()

    def trip_after_toggle(line: bytes) -> bytes | None:
        value = Controller.obey(bench.device, line)
        bench.device.tripped = bench.device.tripped or line == b"ens"
        return value

    bench.device.obey = trip_after_toggle  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match="interlock"):
        shutter.open()
    assert bench.device.enabled is False


def test_a_shutter_that_does_not_open_is_refused_and_left_disabled(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.stuck_closed = True
    with pytest.raises(InstrumentRefused, match="not reported open"):
        shutter.open()
    assert bench.device.enabled is False


def test_a_stuck_blade_raises_and_is_never_toggled_open_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.device.enabled = True
    bench.device.stuck_open = True
    shutter = bench.connect()
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(ShutterNotClosed, match=r"SC10: .*Block it by hand"),
    ):
        shutter.close()
    assert bench.device.toggles == 1
    assert bench.device.enabled is False
    assert [m for m in caplog.messages if "Trying once more to close" in m]
    assert bench.clock.now() >= 2 * 0.5


def test_a_controller_that_stays_enabled_is_toggled_again_only_after_reading(
    bench: Bench,
) -> None:
    bench.device.enabled = True
    bench.device.deaf_to_toggle = True
    shutter = bench.connect()
    with pytest.raises(ShutterNotClosed):
        shutter.make_safe()
    toggled = [i for i, line in enumerate(bench.device.heard) if line == b"ens\r"]
    assert len(toggled) == 2
    assert all(bench.device.heard[i - 1] == b"ens?\r" for i in toggled)


def test_closed_for_the_moment_but_still_enabled_is_not_safe(bench: Bench) -> None:
    bench.device.enabled = True
    bench.device.deaf_to_toggle = True
    bench.device.stuck_closed = True
    with pytest.raises(ShutterNotClosed, match="stays enabled"):
        bench.connect().close()


@pytest.mark.parametrize("spoilt", [b"enx\r> ", b"en", None, b"\xff\xfe\r> "])
def test_a_toggle_with_a_broken_answer_is_not_repeated_blindly(
    bench: Bench, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    bench.device.enabled = True
    shutter = bench.connect()
    bench.device.spoil[b"ens"] = [spoilt]
    with caplog.at_level(logging.WARNING):
        shutter.close()
    assert bench.device.toggles == 1
    assert bench.device.closed
    assert caplog.messages


def test_a_broken_toggle_while_opening_ends_closed(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.spoil[b"ens"] = [b"#\r> "]
    with pytest.raises(GarbledAnswer):
        shutter.open()
    assert bench.device.closed
    assert bench.device.enabled is False
    assert bench.device.toggles == 2


@pytest.mark.parametrize(
    "spoilt",
    [
        b"closed\r1\r> ",
        b"ens?\r1\r> ",
        b"closed?\r2\r> ",
        b"closed?\r> ",
        b"> ",
        b"closed?\r1\r",
        b"closed?\r\x801\r> ",
        None,
    ],
)
def test_a_broken_answer_to_a_question_is_asked_again_once(
    bench: Bench, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    shutter = bench.connect()
    bench.device.spoil[b"closed?"] = [spoilt]
    with caplog.at_level(logging.WARNING):
        assert shutter.is_closed is True
    assert bench.device.heard == [b"closed?\r", b"id?\r", b"closed?\r"]
    assert len(caplog.messages) == 1


def test_twice_garbled_is_a_typed_error(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.spoil[b"closed?"] = [b"x\r1\r> "] * 2
    with pytest.raises(GarbledAnswer, match=r"^SC10: wrong echo"):
        _ = shutter.is_closed


def test_answers_later_than_the_time_out_never_pass_for_newer_ones(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.answer_delay = 0.55
    with pytest.raises(InstrumentTimeout):
        _ = shutter.is_closed
    bench.device.answer_delay = 0.0
    shutter.open()
    assert shutter.is_closed is False


def test_an_exchange_broken_off_by_the_user_does_not_disturb_making_safe(bench: Bench) -> None:
    shutter = bench.connect()
    shutter.open()
    shutter.start_exchange()
    shutter.write("closed?")
    shutter.make_safe()
    assert bench.device.closed
    assert shutter.is_closed is True


def test_a_silent_controller_times_out_and_closing_is_not_confirmed(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.silent = True
    with pytest.raises(InstrumentTimeout):
        _ = shutter.is_closed
    with pytest.raises(ShutterNotClosed):
        shutter.close()


def test_other_modes_are_left_for_manual_only_once_closed(bench: Bench) -> None:
    bench.device.mode = 5
    bench.device.enabled = True
    shutter = bench.connect()
    shutter.open()
    heard = bench.device.heard
    assert heard.index(b"ens\r") < heard.index(b"closed?\r") < heard.index(b"mode=1\r")
    assert bench.device.mode == 1
    assert not bench.device.closed


def test_an_error_text_is_a_refusal(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.spoil[b"mode?"] = [b"mode?\rCommand error CMD_NOT_DEFINED\r> "]
    with pytest.raises(InstrumentRefused, match="CMD_NOT_DEFINED"):
        _ = shutter.mode


def test_settings_report_what_the_controller_says(bench: Bench) -> None:
    bench.device.mode, bench.device.trigger = 4, 1
    shutter = bench.connect()
    assert [words[:14] for words in shutter.attention()] == ["Its mode is 'r", "Its trigger is"]
    assert shutter.settings() == {
        "closed": True,
        "enabled": False,
        "mode": "repeat",
        "trigger": "external",
        "open_time_ms": 250,
        "shut_time_ms": 100,
        "repetitions": 7,
        "interlock_tripped": False,
    }


def test_another_instrument_is_refused_and_its_port_released(bench: Bench) -> None:
    bench.device.name = b"THORLABS TSC001"
    with pytest.raises(WrongInstrument, match="TSC001"):
        SC10(bench, clock=bench.clock)
    assert bench.closed_ports == 1


def test_a_dead_port_is_released(bench: Bench) -> None:
    bench.device.silent = True
    with pytest.raises(InstrumentTimeout):
        SC10(bench, clock=bench.clock)
    assert bench.closed_ports == 1


@pytest.mark.parametrize("seconds", [0.0, -1.0, 11.0, float("nan")])
def test_a_time_limit_out_of_range_is_refused_before_connecting(
    bench: Bench, seconds: float
) -> None:
    with pytest.raises(LimitError, match="move_timeout"):
        SC10(bench, clock=bench.clock, move_timeout=seconds)
    assert bench.device.heard == []


def test_shutdown_closes_the_blade_then_the_port_and_only_once(bench: Bench) -> None:
    shutter = bench.connect()
    shutter.open()
    shutter.shutdown()
    assert bench.device.closed
    assert bench.closed_ports == 1
    bench.device.heard.clear()
    shutter.shutdown()
    assert bench.device.heard == []
    assert bench.closed_ports == 1


def test_shutdown_releases_the_port_even_if_the_blade_is_stuck(bench: Bench) -> None:
    shutter = bench.connect()
    bench.device.stuck_open = True
    with pytest.raises(InstrumentError):
        shutter.shutdown()
    assert bench.closed_ports == 1

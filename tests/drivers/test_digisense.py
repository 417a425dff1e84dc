"""The Digi-Sense probe against the worked bytes of the one public driver."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.digisense import DigiSense
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryLink


class ScriptedDigiSense(LineDevice):
    def __init__(self, clock: VirtualClock, address: int = 1) -> None:
        super().__init__(clock, b"\r")
        self.heard: list[bytes] = []
        self.instead: deque[tuple[bytes, float]] = deque()
        prefix = f"\x02T{address}".encode()
        self.answers = {
            prefix + b"V": b"\x02V2.07\r\n",
            prefix + b"U2": b"\x06\r\n",
            prefix + b"PV": b"\x02PV  298.0\r\n",
        }

    def _handle(self, line: bytes) -> None:
        self.heard.append(line + b"\r")
        answer, delay = self.answers.get(line, b"\x15\r\n"), 0.02
        if self.instead:
            answer, delay = self.instead.popleft()
        if answer:
            self._send(answer, delay)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> ScriptedDigiSense:
    return ScriptedDigiSense(clock)


def connect(device: ScriptedDigiSense, **keywords: Any) -> DigiSense:
    clock = device.clock
    return DigiSense(MemoryLink(device, clock), "probe", clock=clock, **keywords)


def test_worked_bytes(device: ScriptedDigiSense) -> None:
    probe = connect(device)
    assert probe.temperature == 298.0
    assert device.heard == [
        bytes.fromhex("02 54 31 56 0D"),
        bytes.fromhex("02 54 31 55 32 0D"),
        bytes.fromhex("02 54 31 50 56 0D"),
    ]
    assert probe.identity == "Digi-Sense protocol, firmware V2.07"
    assert probe.settings() == {"address": 1, "temperature_K": 298.0}


def test_another_address(clock: VirtualClock) -> None:
    device = ScriptedDigiSense(clock, address=7)
    assert connect(device, address=7).temperature == 298.0


@pytest.mark.parametrize("nak", [b"\x15\r\n", b"\x0f\r\n"])
def test_both_codes_of_nak_are_a_refusal(device: ScriptedDigiSense, nak: bytes) -> None:
    probe = connect(device)
    device.instead.append((nak, 0.0))
    with pytest.raises(InstrumentRefused, match="probe"):
        _ = probe.temperature
    assert probe.temperature == 298.0


@pytest.mark.parametrize(
    "spoilt",
    [
        b"PV  298.0\r\n",
        b"\x06PV  298.0\r\n",
        b"\x02PV  29x.0\r\n",
        b"\x02PV\r\n",
        b"\x02SP  298.0\r\n",
        b"\x02PV  025.0\r\n",
        b"\x02PV  298.0",
        b"\x02PV  \xff98.0\r\n",
        b"\x02" + b"0" * 100,
        b"",
    ],
)
def test_a_spoilt_answer_is_asked_again_once(
    device: ScriptedDigiSense, spoilt: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    probe = connect(device)
    device.heard.clear()
    device.instead.append((spoilt, 0.0))
    assert probe.temperature == 298.0
    assert len(device.heard) == 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_unit_changed_on_the_panel_is_not_taken_for_kelvin(device: ScriptedDigiSense) -> None:
    probe = connect(device)
    device.answers[b"\x02T1PV"] = b"\x02PV   24.9\r\n"
    with pytest.raises(GarbledAnswer, match="still kelvin"):
        _ = probe.temperature


def test_a_late_answer_is_not_taken_for_the_next(device: ScriptedDigiSense) -> None:
    probe = connect(device)
    device.instead.append((b"\x02PV  111.0\r\n", 0.55))
    device.instead.append((b"\x02PV  298.0\r\n", 0.02))
    assert probe.temperature == 298.0


def test_something_else_on_the_port(device: ScriptedDigiSense) -> None:
    device.answers[b"\x02T1V"] = b"LSCI,MODEL331S\r\n"
    with pytest.raises(WrongInstrument, match="no Digi-Sense"):
        connect(device)


def test_silence(device: ScriptedDigiSense) -> None:
    probe = connect(device)
    device.silent = True
    before = device.clock.now()
    with pytest.raises(InstrumentTimeout, match="probe"):
        _ = probe.temperature
    assert device.clock.now() - before < 1.3
    with pytest.raises(InstrumentTimeout):
        connect(device)


@pytest.mark.parametrize(
    "keywords",
    [
        {"address": 0},
        {"address": 10},
        {"address": True},
        {"plausible_range": [300.0, 200.0]},
        {"plausible_range": [300.0]},
        {"timeout": 0.0},
    ],
)
def test_bad_keywords_are_refused_before_anything_is_sent(
    device: ScriptedDigiSense, keywords: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="probe"):
        connect(device, **keywords)
    assert device.heard == []


def test_shutdown_sends_nothing_and_releases_the_port(device: ScriptedDigiSense) -> None:
    probe = connect(device)
    device.heard.clear()
    probe.make_safe()
    probe.shutdown()
    probe.shutdown()
    assert device.heard == []
    with pytest.raises(InstrumentDisconnected):
        _ = probe.temperature


@given(st.lists(st.binary(max_size=30) | st.just(b"\x02PV  \r\n"), max_size=3))
@hypothesis_settings(max_examples=50, deadline=None)
def test_whatever_comes_only_typed_errors_leave(answers: list[bytes]) -> None:
    clock = VirtualClock()
    device = ScriptedDigiSense(clock)
    probe = connect(device)
    device.instead.extend((answer, 0.0) for answer in answers)
    with suppress(LabcoolError):
        assert 173.15 <= probe.temperature <= 2000.0
    device.instead.clear()
    assert probe.temperature == 298.0

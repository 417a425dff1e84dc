"""The line to a Lake Shore controller: pace, late and broken answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scripted_lakeshore import DRIVERS, Rig, warnings_in

from drivers.lakeshore import (
    Pid,
)
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    LimitError,
)


@pytest.fixture(params=["331", "335", "336"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


@pytest.fixture
def rig335() -> Rig:
    return Rig("335")


def test_a_331_keeps_50_ms_after_every_message() -> None:
    rig = Rig("331")
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    gaps = [b - a for a, b in zip(rig.device.moments, rig.device.moments[1:], strict=False)]
    # The answer takes 10 ms; the silence counts from its end.
    assert len(gaps) == 10
    assert min(gaps) >= 0.06 - 1e-9
    with pytest.raises(LimitError):
        rig.connect(message_interval=0.01)


@pytest.mark.parametrize(
    ("esr", "words"),
    [(32, "does not know this command"), (16, "out of range"), (4, "query error"), (8, "device")],
)
def test_what_the_controller_refuses_is_said_in_words(rig: Rig, esr: int, words: str) -> None:
    cryostat = rig.connect()
    rig.device.esr = esr
    with pytest.raises(InstrumentRefused, match=words):
        cryostat.pid = Pid(50.0, 20.0, 0.0)
    cryostat.pid = Pid(60.0, 20.0, 0.0)
    assert cryostat.pid == Pid(60.0, 20.0, 0.0)


def test_an_unknown_question_answers_the_event_register_only(rig335: Rig) -> None:
    cryostat = rig335.connect()
    del rig335.device.state["TLIMIT A"]
    with pytest.raises(InstrumentRefused, match="does not know"):
        _ = cryostat.temperature_limit


def test_a_power_cut_is_logged(rig335: Rig, caplog: pytest.LogCaptureFixture) -> None:
    cryostat = rig335.connect()
    rig335.device.esr = 128
    assert cryostat.temperature == pytest.approx(295.123)
    assert "switched on since" in caplog.text


@pytest.mark.parametrize(
    "spoilt",
    [
        b"+295.123;000\r\n",
        b"+295.123;0\r\n",
        b"+295.123\r\n",
        b"+29x.123;000;0\r\n",
        b"+295.123;000;999\r\n",
        b"\xff\xfe;000;0\r\n",
        b"000;+295.123;0\r\n",
        b"+295.123;000;0",
        b"\r\n",
        b"x" * 300,
        b"",
    ],
)
def test_a_spoilt_answer_is_asked_again_once(
    rig: Rig, spoilt: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    cryostat = rig.connect()
    rig.device.instead.append((spoilt, 0.0))
    assert cryostat.temperature == pytest.approx(295.123)
    asked = [m for m in rig.device.messages if m.startswith("KRDG?")]
    assert len(asked) == 2
    assert warnings_in(caplog) >= 1


def test_twice_spoilt_is_an_error(rig: Rig) -> None:
    cryostat = rig.connect()
    rig.device.instead.extend([(b"x;000;0\r\n", 0.0), (b"", 0.0), (b"y;000;0\r\n", 0.0)])
    with pytest.raises((GarbledAnswer, InstrumentTimeout), match="cryostat"):
        _ = cryostat.temperature
    assert cryostat.temperature == pytest.approx(295.123)


@pytest.mark.parametrize("delay", [2.05, 2.15, 2.3, 3.0, 4.5])
def test_late_answers_never_pass_for_newer_ones(rig: Rig, delay: float) -> None:
    cryostat = rig.connect()
    rig.device.instead.append((b"+111.111;000;0\r\n", delay))
    values = []
    for _ in range(4):
        try:
            values.append(cryostat.temperature)
        except (GarbledAnswer, InstrumentTimeout):
            rig.clock.sleep(1.0)
    assert values
    assert set(values) == {295.123}


def test_an_exchange_broken_off_by_the_user_shifts_nothing(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat._in_step = False
    cryostat.write("KRDG? B;RDGST? B;*ESR?")
    rig.device.kelvin = "+100.000"
    assert cryostat.temperature == pytest.approx(100.0)


def test_starting_a_heater_is_not_sent_twice(rig: Rig) -> None:
    cryostat = rig.connect()
    rig.device.instead.append((b"", 0.0))
    with pytest.raises(InstrumentTimeout):
        cryostat.heater_range = "high"
    assert len([m for m in rig.device.messages if "RANGE" in m]) == 1


def test_silence_in_a_run(rig: Rig) -> None:
    cryostat = rig.connect()
    rig.device.silent = True
    before = rig.clock.now()
    with pytest.raises(InstrumentTimeout, match="cryostat"):
        _ = cryostat.temperature
    assert rig.clock.now() - before < 5.0


def test_a_dribbling_answer_ends_with_the_time_out(rig: Rig) -> None:
    cryostat = rig.connect(timeout=1.0)
    send = rig.device._send

    def dribble(data: bytes, after: float = 0.0) -> None:
        for position, byte in enumerate(data):
            send(bytes([byte]), 0.9 * (position + 1))

    rig.device._send = dribble  # type: ignore[method-assign]
    before = rig.clock.now()
    with pytest.raises(InstrumentTimeout):
        _ = cryostat.temperature
    assert rig.clock.now() - before < 5.0


USES: list[Callable[[Any], object]] = [
    lambda c: c.temperature,
    lambda c: c.is_holding,
    lambda c: c.go_to(280.0),
    lambda c: c.make_safe(),
    lambda c: c.settings(),
    lambda c: c.alarm,
    lambda c: c.zone(1),
    lambda c: c.tuning,
    lambda c: c.input_type,
]


@given(
    st.sampled_from(sorted(DRIVERS)),
    st.sampled_from(USES),
    st.lists(
        st.binary(max_size=40) | st.from_regex(rb"[+0-9,;. ]{0,20}\r\n", fullmatch=True),
        max_size=6,
    ),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_whatever_comes_only_typed_errors_leave(
    model: str, use: Callable[[Any], object], answers: list[bytes]
) -> None:
    rig = Rig(model)
    cryostat = rig.connect()
    rig.device.instead.extend((answer, 0.0) for answer in answers)
    before = rig.clock.now()
    with suppress(LabcoolError):
        use(cryostat)
    assert rig.clock.now() - before < 60.0
    rig.device.instead.clear()
    try:
        value = cryostat.temperature
    except LabcoolError:
        value = cryostat.temperature
    assert value == pytest.approx(295.123)


@pytest.mark.parametrize(
    ("attribute", "state", "answer"),
    [
        ("setpoint", "SETP 1", "-500.000"),
        ("pid", "PID 1", "+9999999,+20.0,+0.0"),
        ("pid", "PID 1", "+50.0,+20.0,+201.0"),
        ("manual_output", "MOUT 1", "+101.0"),
        ("curve", "INCRV A", "60"),
        ("averaging", "FILTER A", "1,01,05"),
        ("averaging", "FILTER A", "1,08,11"),
        ("temperature_limit", "TLIMIT A", "-0010"),
        ("heater_setup", "HTRSET 1", "0,2,+1.000,1"),
        ("heater_setup", "HTRSET 1", "1,0,+9.000,1"),
        ("heater_setup", "HTRSET 1", "1,2,+f01.00,1"),
        ("input_type", "INTYPE A", "1,0,9,0,1"),
        ("input_name", "INNAME A", "a name of many letters"),
        ("alarm", "ALARM A", "1,-1.0,+0.0,+0.0,0,1,1"),
        ("alarm", "ALARM A", "0,nan,+0.0,+0.0,0,1,1"),
        ("alarm", "ALARM A", "0,\x0b0.0,+0.0,+0.0,0,1,1"),
    ],
)
def test_what_the_controller_cannot_hold_is_garbled(
    attribute: str, state: str, answer: str
) -> None:
    rig = Rig("336")
    cryostat = rig.connect()
    getattr(cryostat, attribute)
    rig.device.state[state] = answer
    with pytest.raises(GarbledAnswer, match=r"^cryostat: "):
        getattr(cryostat, attribute)


def test_a_zone_beyond_all_temperatures_is_garbled() -> None:
    rig = Rig("335")
    cryostat = rig.connect()
    rig.device.state["ZONE 1,3"] = "+5000.0,+50.0,+20.0,+0.0,+0.0,1,0,+5.0"
    with pytest.raises(GarbledAnswer):
        cryostat.zone(3)

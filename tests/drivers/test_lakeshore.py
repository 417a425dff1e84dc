"""The Lake Shore drivers against the manuals' words, spoken by a device scripted here."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.lakeshore import (
    Alarm,
    Filter,
    InputType,
    InputType331,
    LakeShore331,
    LakeShore335,
    LakeShore336,
    Loop331,
    OutputMode,
    Pid,
    Tuning,
    Zone,
)
from labcool.bench.roles import TemperatureController, missing_members
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    LimitError,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter, MemoryLink

IDENTITIES = {
    "331": "LSCI,MODEL331S,123456,020399",
    "335": "LSCI,MODEL335,1234567/1234567,1.0",
    "336": "LSCI,MODEL336,LSA12BC/#######,2.7",
}
DRIVERS: dict[str, Any] = {"331": LakeShore331, "335": LakeShore335, "336": LakeShore336}


class ScriptedLakeShore(LineDevice):
    """Stores what commands set, answers what questions ask, joins by ``;``, keeps an ESR.

    An answer put on ``instead`` (bytes, delay in s) replaces the next one.
    """

    def __init__(self, clock: VirtualClock, model: str) -> None:
        super().__init__(clock, b"\n")
        self.model = model
        self.identity = IDENTITIES[model]
        self.messages: list[str] = []
        self.moments: list[float] = []
        self.instead: deque[tuple[bytes, float]] = deque()
        self.kelvin, self.status, self.heater, self.ramping = "+295.123", "000", "0", "0"
        self.esr, self.obeys_ranges = 128, True
        self.state: dict[str, str] = {}
        for output in "1234":
            self.state[f"RANGE {output}"] = "0"
            self.state[f"SETP {output}"] = "+0.0000"
            self.state[f"RAMP {output}"] = "0,+5.0"
            self.state[f"OUTMODE {output}"] = "1,1,0"
            self.state[f"PID {output}"] = "+50.0,+20.0,+0.0"
            self.state[f"MOUT {output}"] = "+0.0"
            self.state[f"CMODE {output}"] = "1"
            self.state[f"CSET {output}"] = "A,1,0,1"
        for name in "ABCD":
            self.state[f"INTYPE {name}"] = "0,0" if model == "331" else "1,0,0,0,1"
            self.state[f"TLIMIT {name}"] = "+0000"
            self.state[f"INCRV {name}"] = "02"
            self.state[f"FILTER {name}"] = "0,08,05"
            self.state[f"INNAME {name}"] = "Cold finger    "
            self.state[f"ALARM {name}"] = "0,+0.0,+0.0,+0.0,0,1,1"

    @property
    def on(self) -> set[int]:
        return {n for n in range(1, 5) if self.state[f"RANGE {n}"] != "0"}

    def _handle(self, line: bytes) -> None:
        message = line.rstrip(b"\r").decode("latin-1")
        if not message:
            return
        self.messages.append(message)
        self.moments.append(self.clock.now())
        answers = [self._work(part.strip().lstrip(":")) for part in message.split(";")]
        text = ";".join(answer for answer in answers if answer is not None)
        answer, delay = (text + "\r\n").encode(), 0.01
        if self.instead:
            answer, delay = self.instead.popleft()
        if answer and text:
            self._send(answer, delay)

    def _work(self, part: str) -> str | None:
        verb, _, rest = part.partition(" ")
        fixed = {
            "*IDN?": self.identity,
            "*OPC?": "1",
            "KRDG?": self.kelvin,
            "RDGST?": self.status,
            "HTRST?": self.heater,
            "RAMPST?": self.ramping,
            "HTR?": "+012.5",
            "SRDG?": "+0.5189",
            "MODE?": self.state.get("MODE", "0"),
            "TUNEST?": "1" if self.model == "331" else "1,1,0,02",
            "OPST?": "018",
            "OPSTR?": "001",
        }
        if verb == "*ESR?":
            events, self.esr = self.esr, 0
            return str(events)
        if verb in fixed:
            return fixed[verb]
        if verb in ("RANGE", "RANGE?") and self.model == "331":
            rest = f"1,{rest}" if verb == "RANGE" else "1"
        if verb.endswith("?"):
            key = f"{verb[:-1]} {rest}"
            if key not in self.state:
                self.esr |= 32
                return None
            return self.state[key]
        if verb in ("MODE", "ALMRST", "ATUNE", "EMUL"):
            self.state[verb] = rest
            return None
        subject, _, value = rest.partition(",")
        if verb == "ZONE":
            line, _, value = value.partition(",")
            subject += f",{line}"
        elif f"{verb} {subject}" not in self.state:
            self.esr |= 32
            return None
        if verb != "RANGE" or self.obeys_ranges:
            self.state[f"{verb} {subject}"] = value
        return None


class Rig:
    def __init__(self, model: str) -> None:
        self.clock = VirtualClock()
        self.device = ScriptedLakeShore(self.clock, model)
        self.driver = DRIVERS[model]

    def connect(self, **keywords: Any) -> Any:
        link = MemoryLink(self.device, self.clock)
        instrument = self.driver(link, "cryostat", clock=self.clock, **keywords)
        self.device.messages.clear()
        self.device.moments.clear()
        return instrument


@pytest.fixture(params=["331", "335", "336"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


@pytest.fixture
def rig335() -> Rig:
    return Rig("335")


def warnings_in(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)


# Connecting


def test_connecting_only_asks(rig: Rig) -> None:
    cryostat = rig.driver(MemoryLink(rig.device, rig.clock), clock=rig.clock)
    assert rig.device.messages == ["*IDN?", "*ESR?;*ESR?"]
    assert cryostat.identity == IDENTITIES[rig.device.model]
    assert missing_members(rig.driver, TemperatureController) == []


def test_serial_settings_are_those_of_the_manual() -> None:
    seen: list[dict[str, Any]] = []

    class Spy:
        def __init__(self, rig: Rig) -> None:
            self.rig = rig

        def open(self, **settings: Any) -> MemoryAdapter:
            seen.append(settings)
            return MemoryLink(self.rig.device, self.rig.clock).open(**settings)

    for model in DRIVERS:
        rig = Rig(model)
        rig.driver(Spy(rig), clock=rig.clock)
    assert [s["asrl"]["baud_rate"] for s in seen] == [9600, 57600, 57600]
    assert all(s["asrl"]["data_bits"] == 7 for s in seen)
    assert {s["asrl"]["parity"].name for s in seen} == {"odd"}
    assert {s["asrl"]["stop_bits"].name for s in seen} == {"one"}


@pytest.mark.parametrize("emulated", ["LSCI,MODEL331S,123456,020399", "LSCI,MODEL332S,1234,1.0"])
def test_a_335_in_emulation_is_refused_with_advice_and_not_switched_over(
    rig335: Rig, emulated: str
) -> None:
    rig335.device.identity = emulated
    with pytest.raises(WrongInstrument, match="EMUL 0,0 once by hand"):
        rig335.connect()
    assert rig335.device.messages == ["*IDN?"]


@pytest.mark.parametrize("other", ["LSCI,MODEL340,123456,020399", "LSCI,odd"])
def test_another_model_is_refused(rig: Rig, other: str) -> None:
    rig.device.identity = other
    with pytest.raises(WrongInstrument, match="cryostat"):
        rig.connect()


def test_something_else_and_silence_on_the_port(rig: Rig) -> None:
    rig.device.identity = "THORLABS SC10"
    with pytest.raises(GarbledAnswer):
        rig.connect()
    rig.device.silent = True
    before = rig.clock.now()
    with pytest.raises(InstrumentTimeout):
        rig.connect(timeout=0.5)
    assert rig.clock.now() - before < 2.0


def test_missing_port() -> None:
    with pytest.raises(InstrumentDisconnected, match="cryostat"):
        LakeShore335("ASRL/dev/no-such-port::INSTR", "cryostat", visa_library="@py")


@pytest.mark.parametrize(
    "keywords",
    [
        {"input": "C"},
        {"output": 3},
        {"output": True},
        {"heater_range": "off"},
        {"heater_range": "on"},
        {"setpoint_range": [300.0, 4.0]},
        {"setpoint_range": [4.0]},
        {"setpoint_range": [-1.0, 300.0]},
        {"setpoint_range": [4.0, float("nan")]},
        {"ramp_rate": 0.0},
        {"ramp_rate": 100.1},
        {"settled_within": 0.0},
        {"on_shutdown": "ramp"},
        {"timeout": 0.0},
        {"message_interval": -1.0},
    ],
)
def test_bad_keywords_are_refused_before_anything_is_sent(
    rig335: Rig, keywords: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="cryostat"):
        rig335.connect(**keywords)
    assert rig335.device.messages == []


# Readings


def test_worked_bytes_of_a_reading() -> None:
    rig = Rig("336")
    cryostat = rig.connect()
    sent: list[bytes] = []
    receive = rig.device.receive
    rig.device.receive = lambda data: (sent.append(data), receive(data))[1]  # type: ignore[assignment]
    assert cryostat.temperature == pytest.approx(295.123, abs=1e-9)
    assert sent == [b"KRDG? A;RDGST? A;*ESR?\n"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("001", "invalid reading"),
        ("016", "below the range"),
        ("032", "above the range"),
        ("064", "sensor units zero"),
        ("128", "open sensor"),
        ("129", "invalid reading.*open sensor"),
        ("002", "old reading"),
        ("008", "unknown bit 8"),
    ],
)
def test_every_reading_is_checked(rig: Rig, status: str, words: str) -> None:
    cryostat = rig.connect()
    rig.device.status, rig.device.kelvin = status, "+000.000"
    with pytest.raises(InstrumentRefused, match=words):
        _ = cryostat.temperature
    with pytest.raises(InstrumentRefused, match=words):
        _ = cryostat.is_holding
    assert not any("RANGE " in message for message in rig.device.messages), "nothing was started"


def test_a_failing_sensor_switches_off_what_this_object_has_switched_on(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat.go_to(300.0)
    assert rig.device.on == {1}
    rig.device.status = "128"
    with pytest.raises(InstrumentRefused, match=r"open sensor.*All heaters were switched off"):
        _ = cryostat.temperature
    assert rig.device.on == set()


@pytest.mark.parametrize("kelvin", ["-001.000", "+2999.0"])
def test_a_valid_reading_must_be_a_temperature(rig: Rig, kelvin: str) -> None:
    cryostat = rig.connect()
    rig.device.kelvin = kelvin
    with pytest.raises(GarbledAnswer):
        _ = cryostat.temperature


# Ramps

START = {
    "331": [
        "CMODE? 1;CSET? 1",
        "KRDG? A;RDGST? A",
        "RANGE?",
        "RAMP 1,0,12.5",
        "SETP 1,295.123",
        "SETP? 1",
        "RAMP 1,1,12.5",
        "RAMP? 1",
        "SETP 1,280.0",
        "RANGE 2",
        "RANGE?",
    ],
    "335": [
        "OUTMODE? 1;INTYPE? A",
        "KRDG? A;RDGST? A",
        "RANGE? 1",
        "RAMP 1,0,12.5",
        "SETP 1,295.123",
        "SETP? 1",
        "RAMP 1,1,12.5",
        "RAMP? 1",
        "SETP 1,280.0",
        "RANGE 1,2",
        "RANGE? 1",
    ],
}
START["336"] = START["335"]


def test_a_ramp_starts_at_the_present_temperature_with_the_ramp_on_before_the_set_point(
    rig: Rig,
) -> None:
    cryostat = rig.connect(heater_range="medium")
    cryostat.ramp_rate = 12.5
    assert rig.device.messages == []
    called = rig.clock.now()
    cryostat.go_to(280.0)
    assert rig.device.messages == [f"{text};*ESR?" for text in START[rig.device.model]]
    assert rig.clock.now() - called < 1.0


def test_a_new_ramp_of_a_heated_loop_starts_at_its_set_point(rig335: Rig) -> None:
    cryostat = rig335.connect()
    cryostat.go_to(280.0)
    rig335.device.messages.clear()
    cryostat.go_to(290.0)
    setpoints = [m for m in rig335.device.messages if m.startswith("SETP ")]
    assert setpoints == ["SETP 1,290.0;*ESR?"]


@pytest.mark.parametrize("temperature", [1.39, 325.01, -1.0, float("nan"), float("inf")])
def test_set_points_outside_the_range(rig: Rig, temperature: float) -> None:
    cryostat = rig.connect()
    with pytest.raises(LimitError, match="setpoint_range"):
        cryostat.go_to(temperature)
    assert rig.device.messages == []


def test_the_ends_of_the_range_can_be_set(rig: Rig) -> None:
    cryostat = rig.connect(setpoint_range=[77.3, 400.0])
    assert cryostat.temperature_range == (77.3, 400.0)
    for end in cryostat.temperature_range:
        cryostat.go_to(end)
        assert float(rig.device.state["SETP 1"]) == end


@pytest.mark.parametrize("rate", [0.0, 0.09, -5.0, 100.1, float("nan"), float("inf")])
def test_ramp_rates_outside_the_range(rig: Rig, rate: float) -> None:
    cryostat = rig.connect()
    with pytest.raises(LimitError, match="ramp rate"):
        cryostat.ramp_rate = rate
    assert cryostat.ramp_rate == 5.0


@pytest.mark.parametrize(
    ("outmode", "intype", "words"),
    [
        ("3,1,0", "1,0,0,0,1", "open loop"),
        ("0,1,0", "1,0,0,0,1", "'off'"),
        ("1,2,0", "1,0,0,0,1", "controlled by input B"),
        ("1,0,0", "1,0,0,0,1", "controlled by input none"),
        ("1,1,0", "1,0,0,0,2", "degC, not K"),
        ("1,1,0", "1,0,0,0,3", "sensor, not K"),
    ],
)
def test_a_loop_that_would_not_regulate_in_kelvin_is_refused_before_anything_is_set(
    rig335: Rig, outmode: str, intype: str, words: str
) -> None:
    cryostat = rig335.connect()
    rig335.device.state |= {"OUTMODE 1": outmode, "INTYPE A": intype}
    with pytest.raises(InstrumentRefused, match=words):
        cryostat.go_to(280.0)
    assert rig335.device.messages == ["OUTMODE? 1;INTYPE? A;*ESR?"]


@pytest.mark.parametrize(
    ("cmode", "cset", "words"),
    [("3", "A,1,0,1", "open loop"), ("1", "B,1,0,1", "input B"), ("4", "A,2,0,1", "degC")],
)
def test_a_331_loop_that_would_not_regulate_in_kelvin(cmode: str, cset: str, words: str) -> None:
    rig = Rig("331")
    cryostat = rig.connect()
    rig.device.state |= {"CMODE 1": cmode, "CSET 1": cset}
    with pytest.raises(InstrumentRefused, match=words):
        cryostat.go_to(280.0)
    assert rig.device.messages == ["CMODE? 1;CSET? 1;*ESR?"]


def test_a_heater_range_that_is_not_taken(rig: Rig) -> None:
    cryostat = rig.connect()
    rig.device.obeys_ranges = False
    with pytest.raises(InstrumentRefused, match="heater range 'low'"):
        cryostat.go_to(280.0)


@pytest.mark.parametrize("kept", ["1,+100.0", "0,+12.5"])
def test_a_ramp_that_is_not_taken_comes_to_no_set_point(rig: Rig, kept: str) -> None:
    cryostat = rig.connect(ramp_rate=12.5)
    work = rig.device._work
    rig.device._work = lambda part: kept if part == "RAMP? 1" else work(part)  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match=r"ramp of 12\.5 K/min"):
        cryostat.go_to(280.0)
    assert "SETP 1,280.0;*ESR?" not in rig.device.messages
    assert rig.device.on == set()


def test_holding_needs_the_end_of_the_ramp_and_the_temperature(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    assert cryostat.is_holding is False, "295 K are not 280 K"
    rig.device.kelvin = "+280.499"
    rig.device.ramping = "1"
    assert cryostat.is_holding is False
    rig.device.ramping = "0"
    assert cryostat.is_holding is True
    rig.device.kelvin = "+280.501"
    assert cryostat.is_holding is False


def test_a_heater_that_went_off_by_itself_is_a_fault_not_an_endless_wait(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    rig.device.state["RANGE 1"] = "0"
    with pytest.raises(InstrumentRefused, match="temperature limit"):
        _ = cryostat.is_holding


@pytest.mark.parametrize(("code", "words"), [("1", "open load"), ("2", "short")])
def test_heater_faults(rig: Rig, code: str, words: str) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    rig.device.heater = code
    assert cryostat.heater_status == words
    with pytest.raises(InstrumentRefused, match=words):
        _ = cryostat.is_holding
    assert rig.device.on == set()


@pytest.mark.parametrize(
    ("slope", "expected"),
    [
        # 5 K halve every 20 s: within 0.1 K after 112.9 s, and then 30 s more.
        (0.5, 142.9),
        # 10.4 K/min at first; in the middle of the 30 s it is 0.05 K/min after 154.1 s.
        (0.05, 169.1),
    ],
)
def test_waiting_for_stability(rig: Rig, slope: float, expected: float) -> None:
    cryostat = rig.connect()
    with pytest.raises(ConfigurationError, match="go_to"):
        cryostat.wait_until_stable(0.1, 0.1, 30.0, 600.0, lambda: None)
    cryostat.go_to(290.0)
    begun = rig.clock.now()
    checks = []

    def approach() -> None:
        checks.append(rig.clock.now())
        rig.device.kelvin = f"+{290.0 + 5.0 * 0.5 ** ((rig.clock.now() - begun) / 20.0):.3f}"

    reached = cryostat.wait_until_stable(0.1, slope, 30.0, 600.0, approach)
    assert expected - 1.0 < rig.clock.now() - begun < expected + 3.0
    assert abs(reached.last - 290.0) < 0.05
    assert len(checks) > 100


def test_waiting_ends_with_what_was_reached(rig335: Rig) -> None:
    cryostat = rig335.connect()
    cryostat.go_to(290.0)
    with pytest.raises(InstrumentTimeout, match=r"at 290\.000 K: last 295\.123 K.*5\.123 K away"):
        cryostat.wait_until_stable(0.1, 0.05, 30.0, 60.0, lambda: None)


# Safe states


def test_make_safe_switches_all_outputs_off_and_reads_it_back(rig: Rig) -> None:
    cryostat = rig.connect()
    outputs = rig.driver.OUTPUTS
    for output in outputs:
        rig.device.state[f"RANGE {output}"] = "1"
    cryostat.go_to(280.0)
    rig.device.messages.clear()
    cryostat.make_safe()
    assert rig.device.on == set()
    assert cryostat.is_holding is False, "switched off on purpose is no fault"
    del rig.device.messages[2:]
    assert [m.count("RANGE") for m in rig.device.messages] == [len(outputs)] * 2
    assert "?" in rig.device.messages[1].removesuffix("*ESR?")


def test_make_safe_of_a_331_never_sends_an_output() -> None:
    rig = Rig("331")
    cryostat = rig.connect()
    cryostat.make_safe()
    assert rig.device.messages == ["RANGE 0;*ESR?", "RANGE?;*ESR?"]


def test_heaters_that_stay_on_are_told(rig: Rig) -> None:
    cryostat = rig.connect()
    rig.device.state["RANGE 1"] = "3"
    rig.device.obeys_ranges = False
    with pytest.raises(InstrumentRefused, match="NOT confirmed to be off"):
        cryostat.make_safe()


def test_switching_off_goes_out_even_if_no_answer_comes_back(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    rig.device.instead.extend([(b"", 0.0)] * 50)
    with pytest.raises(InstrumentTimeout):
        _ = cryostat.temperature
    before = rig.clock.now()
    with pytest.raises(InstrumentRefused, match="NOT confirmed"):
        cryostat.make_safe()
    assert rig.device.on == set()
    assert rig.clock.now() - before < 10.0


def test_switching_off_survives_a_garbled_answer(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    rig.device.instead.append((b"\x7f#\r\n", 0.0))
    cryostat.make_safe()
    assert rig.device.on == set()
    assert warnings_in(caplog) == 1


def test_shutdown_leaves_alone_what_it_has_not_touched(rig: Rig) -> None:
    cryostat = rig.connect()
    rig.device.state["RANGE 1"] = "2"
    _ = cryostat.temperature
    rig.device.messages.clear()
    cryostat.shutdown()
    cryostat.shutdown()
    assert rig.device.messages == []
    assert rig.device.on == {1}
    with pytest.raises(InstrumentDisconnected):
        _ = cryostat.temperature


def test_shutdown_switches_off_what_it_has_started_and_only_once(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    cryostat.shutdown()
    assert rig.device.on == set()
    rig.device.messages.clear()
    cryostat.shutdown()
    assert rig.device.messages == []


def test_hold_on_shutdown_ends_the_ramp_where_it_is(rig: Rig) -> None:
    cryostat = rig.connect(on_shutdown="hold")
    cryostat.go_to(280.0)
    rig.device.ramping, rig.device.kelvin = "1", "+288.000"
    cryostat.shutdown()
    assert float(rig.device.state["SETP 1"]) == 288.0
    assert rig.device.on == {1}


# The line


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


# Setting up


def test_setting_up_a_335(rig335: Rig) -> None:
    cryostat = rig335.connect()
    assert cryostat.output_mode == OutputMode("closed loop", "A")
    cryostat.output_mode = OutputMode("zone", "B", powerup=True)
    assert cryostat.output_mode == OutputMode("zone", "B", powerup=True)
    cryostat.input_type = InputType("NTC RTD", True, 3, True)
    assert cryostat.input_type == InputType("NTC RTD", True, 0, True, "K")
    cryostat.temperature_limit = 330.0
    assert cryostat.temperature_limit == 330.0
    cryostat.manual_output = 22.45
    assert cryostat.manual_output == 22.45
    cryostat.curve = 21
    assert cryostat.curve == 21
    cryostat.input_name = "Sample"
    assert cryostat.input_name == "Sample"
    cryostat.averaging = Filter(True, 10, 2)
    assert cryostat.averaging == Filter(True, 10, 2)
    assert cryostat.alarm is None
    cryostat.alarm = Alarm(300.0, 4.0, 1.0, latched=True, audible=False)
    assert cryostat.alarm == Alarm(300.0, 4.0, 1.0, latched=True, audible=False)
    zone = Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium", "A", 2.5)
    cryostat.set_zone(1, zone)
    assert cryostat.zone(1) == zone
    cryostat.remote_mode = "remote"
    assert cryostat.remote_mode == "remote"
    assert cryostat.operation_status == "sensor overload; new reading"
    assert cryostat.operation_events == "alarm"
    assert cryostat.tuning == Tuning(True, False, 2)
    assert cryostat.heater_output == 12.5
    assert cryostat.sensor_value == 0.5189
    assert cryostat.reading_status == ""
    cryostat.reset_alarms()
    sent = [m.removesuffix(";*ESR?") for m in rig335.device.messages if "? " not in m]
    assert [m for m in sent if "?" not in m] == [
        "OUTMODE 1,2,2,1",
        "INTYPE A,3,1,0,1,1",
        "TLIMIT A,330.0",
        "MOUT 1,22.45",
        "INCRV A,21",
        'INNAME A,"Sample"',
        "FILTER A,1,10,2",
        "ALARM A,1,300.0,4.0,1.0,1,0,1",
        "ZONE 1,1,25.0,10.0,20.0,0.0,0.0,2,1,2.5",
        "MODE 1",
        "ALMRST",
    ]


def test_setting_up_a_331_in_its_own_words() -> None:
    rig = Rig("331")
    cryostat = rig.connect()
    cryostat.loop_mode = "autotune PID"
    assert cryostat.loop_mode == "autotune PID"
    cryostat.loop = Loop331("B", "K", powerup=False, power_display=True)
    assert cryostat.loop == Loop331("B", "K", powerup=False, power_display=True)
    cryostat.input_type = InputType331("1000 Ohm platinum", True)
    assert cryostat.input_type == InputType331("1000 Ohm platinum", True)
    cryostat.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium"))
    assert cryostat.zone(1) == Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium")
    cryostat.alarm = Alarm(270.0, 0.0, 0.0, latched=True)
    assert cryostat.alarm == Alarm(270.0, 0.0, 0.0, latched=True)
    cryostat.heater_range = "high"
    assert cryostat.heater_range == "high"
    assert cryostat.heater_output == 12.5
    assert cryostat.tuning == Tuning(True)
    sent = [m.removesuffix(";*ESR?") for m in rig.device.messages]
    assert [m for m in sent if "?" not in m] == [
        "CMODE 1,4",
        "CSET 1,B,1,0,2",
        "INTYPE A,4,1",
        "ZONE 1,1,25.0,10.0,20.0,0.0,0.0,2",
        "ALARM A,1,1,270.0,0.0,0.0,1",
        "RANGE 3",
    ]
    assert {"RANGE?", "HTR?"} <= set(sent)


def test_a_voltage_output_of_a_336_is_on_or_off() -> None:
    rig = Rig("336")
    with pytest.raises(LimitError, match="heater_range of output 3"):
        rig.connect(output=3, heater_range="high")
    rig.device.state["OUTMODE 3"] = "1,4,0"
    cryostat = rig.connect(input="D", output=3, heater_range="on")
    cryostat.go_to(280.0)
    assert "RANGE 3,1;*ESR?" in rig.device.messages
    assert cryostat.heater_range == "on"
    assert cryostat.is_holding is False
    assert not any("HTRST" in message for message in rig.device.messages)


def test_autotuning_that_does_not_begin(rig335: Rig) -> None:
    cryostat = rig335.connect()
    cryostat.autotune("PID")
    assert rig335.device.state["ATUNE"] == "1,2"
    work = rig335.device._work
    rig335.device._work = lambda part: "0,1,1,00" if part == "TUNEST?" else work(part)  # type: ignore[method-assign]
    with pytest.raises(InstrumentRefused, match="stage 0"):
        cryostat.autotune("PI")


def refused(attribute: str, value: object) -> Callable[[Any], object]:
    return lambda cryostat: setattr(cryostat, attribute, value)


@pytest.mark.parametrize(
    "call",
    [
        refused("pid", Pid(0.0, 1.0, 1.0)),
        refused("pid", Pid(1.0, 1000.1, 1.0)),
        refused("pid", Pid(1.0, 1.0, float("nan"))),
        refused("manual_output", 100.1),
        refused("manual_output", -0.1),
        refused("temperature_limit", -1.0),
        refused("temperature_limit", float("inf")),
        refused("curve", 60),
        refused("curve", 1.5),
        refused("averaging", Filter(True, 65, 1)),
        refused("averaging", Filter(True, 2, 11)),
        refused("remote_mode", "lockout"),
        refused("heater_range", "on"),
        refused("output_mode", OutputMode("closed loop", "C")),
        refused("output_mode", OutputMode("closed", "A")),
        refused("input_type", InputType("diode", False, 9, False)),
        refused("input_type", InputType("diode", False, 0, False, "F")),
        refused("input_name", "sixteen letters!"),
        refused("input_name", 'a"b'),
        refused("input_name", "a;RANGE 1,3"),
        refused("alarm", Alarm(-1.0, 0.0)),
        lambda c: c.zone(0),
        lambda c: c.set_zone(11, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "low")),
        lambda c: c.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 101.0, "low")),
        lambda c: c.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "low", rate=0.0)),
        lambda c: c.autotune("D"),
        lambda c: c.wait_until_stable(0.0, 0.1, 1.0, 2.0, lambda: None),
    ],
)
def test_values_out_of_range_are_refused_before_anything_is_sent(
    rig335: Rig, call: Callable[[Any], object]
) -> None:
    cryostat = rig335.connect()
    cryostat._target = 280.0
    with pytest.raises(LimitError):
        call(cryostat)
    assert rig335.device.messages == []


def test_settings_are_scalars_and_say_what_is_missing(rig: Rig) -> None:
    cryostat = rig.connect()
    settings = cryostat.settings()
    assert settings["temperature_K"] == pytest.approx(295.123)
    assert settings["heater_range"] == "off"
    assert settings["heater_output_percent"] == 12.5
    assert settings["setpoint_unit"] == "K"
    rig.device.status = "128"
    faulty = cryostat.settings()
    assert faulty["temperature_K"] != faulty["temperature_K"]
    assert "open sensor" in faulty["reading_status"]
    assert all(isinstance(value, float | int | str | bool) for value in faulty.values())


# The maker's own driver


class Recorder:
    """What the maker's driver takes for a connection: it writes to the scripted device."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def clear(self) -> None:
        self.rig.device.transmit()

    def write(self, command: str) -> None:
        self.rig.device.receive(command.encode() + b"\n")

    def query(self, command: str) -> str:
        self.write(command)
        self.rig.clock.sleep(0.02)
        return self.rig.device.transmit().decode().strip()


def vendor(rig: Rig) -> Any:
    lakeshore = pytest.importorskip("lakeshore")
    connection = Recorder(rig)
    if rig.device.model == "335":
        instrument = lakeshore.Model335(57600, connection=connection)
    else:
        instrument = lakeshore.Model336(connection=connection)
    rig.device.messages.clear()
    return instrument


@pytest.mark.parametrize("model", ["335", "336"])
def test_the_same_requests_go_out_as_from_the_makers_driver(model: str) -> None:
    theirs, ours = Rig(model), Rig(model)
    ours.device.esr = theirs.device.esr = 0
    maker, cryostat = vendor(theirs), ours.connect()
    lakeshore = pytest.importorskip("lakeshore")
    settings = lakeshore.model_335 if model == "335" else lakeshore.model_336
    prefix = f"Model{model}"
    sensor = getattr(settings, f"{prefix}InputSensorSettings")(
        maker.InputSensorType.DIODE, False, True, maker.InputSensorUnits.KELVIN,
        maker.DiodeRange.TEN_VOLTS,
    )  # fmt: skip
    channels = maker.InputSensor if model == "335" else maker.InputChannel
    zone = getattr(settings, f"{prefix}ControlLoopZoneSettings")(
        25.0, 10.0, 20.0, 0.0, 0.0, maker.HeaterRange.MEDIUM, channels.CHANNEL_B, 2.5
    )
    alarm = lakeshore.temperature_controllers.AlarmSettings(300.0, 4.0, 1.0, True, False, True)
    asked: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (
            lambda: maker.set_control_setpoint(1, 280.0),
            lambda: cryostat._tell("SETP 1,280.0"),
        ),
        (lambda: maker.get_control_setpoint(1), lambda: cryostat._ask(float, "SETP? 1")),
        (
            lambda: maker.set_heater_pid(1, 50.0, 20.0, 0.0),
            lambda: setattr(cryostat, "pid", Pid(50.0, 20.0, 0.0)),
        ),
        (lambda: maker.get_heater_pid(1), lambda: cryostat.pid),
        (lambda: maker.get_setpoint_ramp_status(1), lambda: cryostat.is_ramping),
        (
            lambda: maker.set_heater_range(1, maker.HeaterRange.HIGH),
            lambda: setattr(cryostat, "heater_range", "high"),
        ),
        (
            lambda: maker.set_manual_output(1, 12.5),
            lambda: setattr(cryostat, "manual_output", 12.5),
        ),
        (lambda: maker.get_manual_output(1), lambda: cryostat.manual_output),
        (lambda: maker.get_heater_output(1), lambda: cryostat.heater_output),
        (lambda: maker.get_heater_status(1), lambda: cryostat.heater_status),
        (
            lambda: maker.set_heater_output_mode(
                1, maker.HeaterOutputMode.ZONE, channels.CHANNEL_B, True
            ),
            lambda: setattr(cryostat, "output_mode", OutputMode("zone", "B", powerup=True)),
        ),
        (lambda: maker.get_heater_output_mode(1), lambda: cryostat.output_mode),
        (
            lambda: maker.set_input_sensor("A", sensor),
            lambda: setattr(cryostat, "input_type", InputType("diode", False, 1, True)),
        ),
        (lambda: maker.get_input_sensor("A"), lambda: cryostat.input_type),
        (
            lambda: maker.set_temperature_limit("A", 330.0),
            lambda: setattr(cryostat, "temperature_limit", 330.0),
        ),
        (lambda: maker.get_temperature_limit("A"), lambda: cryostat.temperature_limit),
        (
            lambda: maker.set_control_loop_zone_table(1, 1, zone),
            lambda: cryostat.set_zone(1, Zone(25.0, Pid(10.0, 20.0, 0.0), 0.0, "medium", "B", 2.5)),
        ),
        (lambda: maker.get_control_loop_zone_table(1, 1), lambda: cryostat.zone(1)),
        (
            lambda: maker.set_filter("A", True, 10, 2),
            lambda: setattr(cryostat, "averaging", Filter(True, 10, 2)),
        ),
        (lambda: maker.get_filter("A"), lambda: cryostat.averaging),
        (
            lambda: maker.set_sensor_name("A", "Sample"),
            lambda: setattr(cryostat, "input_name", "Sample"),
        ),
        (
            lambda: maker.set_alarm_parameters("A", True, alarm),
            lambda: setattr(cryostat, "alarm", Alarm(300.0, 4.0, 1.0, latched=True, audible=False)),
        ),
        (lambda: maker.get_alarm_parameters("A"), lambda: cryostat.alarm),
        (
            lambda: maker.set_alarm_parameters("A", False),
            lambda: setattr(cryostat, "alarm", None),
        ),
        (
            lambda: maker.set_remote_interface_mode(maker.InterfaceMode.REMOTE),
            lambda: setattr(cryostat, "remote_mode", "remote"),
        ),
        (lambda: maker.get_operation_condition(), lambda: cryostat.operation_status),
        (lambda: maker.get_tuning_control_status(), lambda: cryostat.tuning),
        (lambda: maker.get_input_reading_status("A"), lambda: cryostat.reading_status),
        (lambda: maker.reset_alarm_status(), lambda: cryostat.reset_alarms()),
    ]
    for their_way, our_way in asked:
        theirs.device.messages.clear()
        ours.device.messages.clear()
        their_way()
        our_way()
        assert ours.device.messages == theirs.device.messages
        assert theirs.device.messages[0].endswith(";*ESR?")
    theirs.device.state.pop("EMUL", None)
    assert ours.device.state == theirs.device.state


def test_autotune_curve_and_all_off_as_the_makers_driver() -> None:
    theirs, ours = Rig("336"), Rig("336")
    maker, cryostat = vendor(theirs), ours.connect()
    maker.set_autotune(1, maker.AutotuneMode.P_I_D)
    cryostat.autotune("PID")
    assert ours.device.messages[1:] == theirs.device.messages
    theirs.device.messages.clear()
    ours.device.messages.clear()
    maker.all_heaters_off()
    cryostat.heaters_off()
    assert theirs.device.messages == ["RANGE 1,0;RANGE 2,0;RANGE 3,0;RANGE 4,0;*ESR?"]
    assert ours.device.messages[:1] == theirs.device.messages


def test_the_makers_driver_reads_what_ours_has_set() -> None:
    rig = Rig("335")
    cryostat = rig.connect()
    cryostat.ramp_rate = 7.5
    cryostat.go_to(280.0)
    maker = vendor(rig)
    assert maker.get_control_setpoint(1) == 280.0
    assert maker.get_setpoint_ramp_parameter(1) == {"ramp_enable": True, "rate_value": 7.5}
    assert rig.device.on == {1}

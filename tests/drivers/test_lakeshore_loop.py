"""Ramps, holds and safe states of a Lake Shore controller, on a scripted device."""

from __future__ import annotations

import pytest
from scripted_lakeshore import Rig, warnings_in

from labcool.errors import (
    ConfigurationError,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
)


@pytest.fixture(params=["331", "335", "336"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


@pytest.fixture
def rig335() -> Rig:
    return Rig("335")


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
    rig.device.ignored = {"RANGE"}
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
    with pytest.raises(
        InstrumentTimeout,
        match=r"^cryostat: .*at 290\.000 K: last 295\.123 K.*5\.123 K away"
        r".* The heater is at 12\.5 % of range low\.$",
    ):
        cryostat.wait_until_stable(0.1, 0.05, 30.0, 60.0)


def test_a_heater_that_cannot_be_asked_is_no_reason_to_say_nothing(rig335: Rig) -> None:
    cryostat = rig335.connect()
    cryostat.go_to(290.0)
    work = rig335.device._work
    rig335.device._work = lambda part: "x" if part.startswith("HTR?") else work(part)  # type: ignore[method-assign]
    with pytest.raises(InstrumentTimeout, match=r"5\.123 K away.*heater does is not known"):
        cryostat.wait_until_stable(0.1, 0.05, 30.0, 60.0)


def test_the_time_out_of_a_voltage_output_says_its_range() -> None:
    rig = Rig("336")
    rig.device.state["OUTMODE 3"] = "1,4,0"
    cryostat = rig.connect(input="D", output=3, heater_range="on")
    cryostat.go_to(290.0)
    with pytest.raises(InstrumentTimeout, match=r"Output 3 is on\.$"):
        cryostat.wait_until_stable(0.1, 0.05, 30.0, 60.0)


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
    rig.device.ignored = {"RANGE"}
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
    rig.device.messages.clear()
    cryostat.shutdown()
    assert float(rig.device.state["SETP 1"]) == 288.0
    assert rig.device.state["RAMP 1"] == "0,5.0"
    assert rig.device.on == {1}
    assert "RAMP 1,0,5.0;SETP 1,288.0;*ESR?" in rig.device.messages


def test_hold_on_shutdown_does_nothing_with_the_heater_off(rig: Rig) -> None:
    cryostat = rig.connect(on_shutdown="hold")
    cryostat.go_to(280.0)
    rig.device.ramping, rig.device.state["RANGE 1"] = "1", "0"
    before = dict(rig.device.state)
    cryostat.shutdown()
    assert rig.device.state == before


def test_hold_with_the_heater_off_is_refused_and_changes_nothing(rig: Rig) -> None:
    cryostat = rig.connect()
    before = dict(rig.device.state)
    with pytest.raises(InstrumentRefused, match="output 1 is off: it cannot hold"):
        cryostat.hold()
    assert rig.device.state == before
    assert cryostat.is_holding is False, "nothing was wanted, so that nothing is missing"
    with pytest.raises(ConfigurationError):
        cryostat.wait_until_stable(0.1, 0.1, 10.0, 20.0)


@pytest.mark.parametrize("deaf_to", ["SETP", "RAMP"])
def test_a_hold_that_is_not_taken_is_an_error(rig: Rig, deaf_to: str) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    rig.device.ramping, rig.device.kelvin = "1", "+288.000"
    rig.device.ignored = {deaf_to}
    if deaf_to == "RAMP":
        work = rig.device._work
        rig.device._work = lambda part: "1" if part == "RAMPST? 1" else work(part)  # type: ignore[method-assign]
    before = rig.clock.now()
    with pytest.raises(InstrumentRefused, match="it does not hold"):
        cryostat.hold()
    assert rig.clock.now() - before < 4.0


def test_the_ramp_is_on_again_after_a_hold(rig: Rig) -> None:
    cryostat = rig.connect()
    cryostat.go_to(280.0)
    cryostat.hold()
    rig.device.messages.clear()
    cryostat.go_to(270.0)
    sent = [m.removesuffix(";*ESR?") for m in rig.device.messages if "? " not in m]
    assert [m for m in sent if m.startswith(("RAMP", "SETP"))] == ["RAMP 1,1,5.0", "SETP 1,270.0"]

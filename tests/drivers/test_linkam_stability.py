"""Waiting for a stable temperature of a T95, on a device scripted here."""

from __future__ import annotations

import pytest
from scripted_linkam import ScriptedT95, connect

from drivers.linkam import LinkamT95
from labcool.clock import VirtualClock
from labcool.errors import ConfigurationError, InstrumentRefused, InstrumentTimeout, LimitError
from labcool.units import kelvin


class Approach:
    """Lets the stage come to 100.0 °C from 40 K below it, which halve every 20 s."""

    def __init__(self, device: ScriptedT95, clock: VirtualClock) -> None:
        self.device, self.clock = device, clock
        self.begun = clock.now()
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        distance = 40.0 * 0.5 ** ((self.clock.now() - self.begun) / 20.0)
        self.device.digits = f"{round((100.0 - distance) * 10):04X}".encode()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def device(clock: VirtualClock) -> ScriptedT95:
    return ScriptedT95(clock)


@pytest.fixture
def stage(device: ScriptedT95, clock: VirtualClock) -> LinkamT95:
    return connect(device, clock)


def test_the_limit_is_reached_and_kept(
    stage: LinkamT95, device: ScriptedT95, clock: VirtualClock
) -> None:
    stage.go_to(kelvin(100.0))
    approach = Approach(device, clock)
    reached = stage.wait_until_stable(0.25, 1.0, 30.0, 600.0, approach)
    # 40 K halve every 20 s: below 0.25 K (seen as 0.2 K) after 147 s, and then 30 s more.
    assert 175.0 < clock.now() - approach.begun < 182.0
    assert reached.stable
    assert reached.deviation <= 0.25
    assert approach.calls > 150


def test_what_is_held_is_the_temperature_of_that_moment(
    stage: LinkamT95, device: ScriptedT95, clock: VirtualClock
) -> None:
    stage.go_to(400.0)
    device.digits = b"0200"
    stage.hold()
    before = clock.now()
    reached = stage.wait_until_stable(0.2, 0.1, 20.0, 60.0)
    assert 20.0 <= clock.now() - before < 22.0
    assert reached.mean == pytest.approx(kelvin(51.2))
    device.digits = b"0203"
    with pytest.raises(InstrumentTimeout, match=r"at 324\.350 K: last 324\.650 K"):
        stage.wait_until_stable(0.2, 0.1, 20.0, 60.0)


def test_the_time_out_names_the_stage_and_how_far_it_is(
    stage: LinkamT95, device: ScriptedT95, clock: VirtualClock
) -> None:
    stage.go_to(kelvin(100.0))
    before = clock.now()
    with pytest.raises(
        InstrumentTimeout, match=r"^stage: not stable in time at 373\.150 K.*75\.000 K away"
    ):
        stage.wait_until_stable(0.2, 0.1, 30.0, 60.0)
    assert 60.0 <= clock.now() - before < 62.0


def test_without_a_set_point_there_is_nothing_to_wait_for(
    stage: LinkamT95, device: ScriptedT95
) -> None:
    with pytest.raises(ConfigurationError, match="stage: nothing to wait for"):
        stage.wait_until_stable(0.2, 0.1, 30.0, 60.0)
    stage.go_to(kelvin(100.0))
    stage.stop()
    device.commands.clear()
    with pytest.raises(ConfigurationError, match="stage: nothing to wait for"):
        stage.wait_until_stable(0.2, 0.1, 30.0, 60.0)
    assert device.commands == []


def test_a_bad_criterion_names_the_stage(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.go_to(kelvin(100.0))
    device.commands.clear()
    with pytest.raises(LimitError, match="stage band_K"):
        stage.wait_until_stable(0.0, 0.1, 30.0, 60.0)
    with pytest.raises(LimitError, match="stage timeout_s"):
        stage.wait_until_stable(0.2, 0.1, 30.0, 29.0)
    assert device.commands == []


def test_a_fault_ends_the_wait_and_the_ramp(stage: LinkamT95, device: ScriptedT95) -> None:
    stage.go_to(kelvin(100.0))
    device.errors = 0x82
    with pytest.raises(InstrumentRefused, match="sensor is open"):
        stage.wait_until_stable(0.2, 0.1, 30.0, 60.0)
    assert device.commands[-1] == "E"

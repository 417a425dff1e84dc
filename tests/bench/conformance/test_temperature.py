"""What the roles of temperature promise: controllers and probes."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import pytest

from labcool.bench.limited_stage import LimitedStage
from labcool.errors import (
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    RunAborted,
)

NAME = "the one under test"
ROOM_K = 293.15


class TestTemperatureController:
    CASES = ("LinkamT95", "LakeShore331", "LakeShore335", "LakeShore336")

    def test_temperature_is_that_of_the_stage(self, rig: Any) -> None:
        stage = rig.connect()
        assert type(stage.temperature) is float
        for _ in range(5):
            rig.interfere()
            rig.clock.sleep(30.0)
            truth = rig.device.temperature_at(rig.clock.now())
            assert stage.temperature == pytest.approx(truth, abs=0.15)

    def test_ramp_is_started_at_its_rate_and_ends_in_a_hold(self, rig: Any) -> None:
        stage = rig.connect()
        rate, target = rig.look.ramp
        begin = rig.device.temperature_at(rig.clock.now())
        stage.ramp_rate = rate
        assert stage.ramp_rate == rate
        called = rig.clock.now()
        stage.go_to(target)
        assert rig.clock.now() - called < 1.0
        assert stage.is_holding is False
        rig.clock.sleep(60.0)
        after_a_minute = begin + math.copysign(rate, target - begin)
        assert rig.device.temperature_at(rig.clock.now()) == pytest.approx(after_a_minute, abs=1.0)
        assert stage.is_holding is False
        rig.clock.sleep(180.0)
        assert stage.is_holding is True
        assert rig.device.temperature_at(rig.clock.now()) == pytest.approx(target, abs=0.1)

    @pytest.mark.parametrize("limited", [False, True])
    def test_it_waits_until_the_temperature_is_reached_and_kept(
        self, rig: Any, limited: bool
    ) -> None:
        stage = rig.connect()
        if limited:
            stage = LimitedStage(stage, stage.temperature_range)
        rate, target = rig.look.ramp
        band, slope, duration = 0.3, 0.5, 60.0
        stage.ramp_rate = rate
        called, begin = rig.clock.now(), rig.device.temperature_at(rig.clock.now())
        stage.go_to(target)
        looked: list[float] = []
        reached = stage.wait_until_stable(
            band, slope, duration, 3600.0, lambda: looked.append(rig.clock.now())
        )
        now = rig.clock.now()
        ramped = abs(target - begin) / rate * 60.0
        assert ramped + duration - 5.0 < now - called < ramped + duration + 120.0
        past = [now - duration + second for second in range(int(duration))]
        assert all(abs(rig.device.temperature_at(t) - target) <= band for t in past)
        assert reached.deviation <= band
        assert abs(reached.slope) <= slope
        assert abs(reached.mean - target) <= band
        gaps = [later - earlier for earlier, later in pairwise(looked)]
        assert max(gaps) < 1.5
        assert stage.is_holding is True

    def test_a_temperature_that_is_not_reached_in_time_is_an_error(self, rig: Any) -> None:
        stage = rig.connect()
        rate, target = rig.look.ramp
        stage.ramp_rate = rate
        called = rig.clock.now()
        stage.go_to(target)
        with pytest.raises(InstrumentTimeout, match=rf"^{NAME}: .* K away") as caught:
            stage.wait_until_stable(0.3, 0.5, 10.0, 20.0)
        assert 20.0 <= rig.clock.now() - called < 24.0
        last = float(re.findall(r"last ([\d.]+) K", str(caught.value))[0])
        assert last == pytest.approx(rig.device.temperature_at(rig.clock.now()), abs=0.6)

    @pytest.mark.parametrize(
        "criterion",
        [(0.0, 1.0, 10.0, 20.0), (1.0, math.nan, 10.0, 20.0), (1.0, 1.0, 10.0, 9.0)],
    )
    def test_a_criterion_that_is_none_is_refused(self, rig: Any, criterion: Any) -> None:
        stage = rig.connect()
        stage.go_to(rig.look.ramp[1])
        told = len(rig.received)
        with pytest.raises(LimitError, match=NAME):
            stage.wait_until_stable(*criterion)
        assert len(rig.received) == told

    def test_waiting_ends_when_the_caller_wants(self, rig: Any) -> None:
        stage = rig.connect()
        stage.go_to(rig.look.ramp[1])

        def stop() -> None:
            raise RunAborted("enough")

        with pytest.raises(RunAborted):
            stage.wait_until_stable(0.3, 0.5, 10.0, 20.0, stop)

    def test_ends_of_the_range_can_be_set(self, rig: Any) -> None:
        stage = rig.connect()
        for end in stage.temperature_range:
            stage.go_to(end)
            assert rig.look.target(rig.device) == pytest.approx(end, abs=0.05)

    def test_start_that_is_not_taken_is_an_error(
        self, rig: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage = rig.connect()
        monkeypatch.setattr(rig.device, rig.look.start, lambda *_: None)
        with pytest.raises(InstrumentRefused, match=NAME):
            stage.go_to(rig.look.ramp[1])

    def test_shutdown_leaves_alone_what_it_has_not_touched(self, rig: Any) -> None:
        rig.interfere()
        stage = rig.connect()
        before = rig.state()
        stage.shutdown()
        assert rig.state() == before
        assert not rig.is_safe


class TestTemperatureProbe:
    CASES = ("DigiSense",)

    def test_temperature_is_that_of_the_sensor(self, rig: Any) -> None:
        probe = rig.connect()
        for kelvin in (ROOM_K, 400.0, 233.0):
            rig.device._temperature = lambda _, kelvin=kelvin: kelvin
            assert type(probe.temperature) is float
            assert probe.temperature == pytest.approx(kelvin, abs=0.051)

    def test_other_units_are_no_kelvin(self, rig: Any) -> None:
        probe = rig.connect()
        rig.device.receive(b"\x02T1U0\r")
        rig.clock.sleep(1.0)
        rig.device.transmit()
        with pytest.raises(InstrumentError, match=NAME):
            _ = probe.temperature

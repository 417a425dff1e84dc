"""What the roles of light of a chosen wavelength promise: sources, filters, monochromators."""

from __future__ import annotations

import math
from typing import Any

import pytest

from labcool.errors import (
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    ShutterNotClosed,
)

NAME = "the one under test"


class TestWhatEmits:
    """A supercontinuum source, or a tunable one."""

    CASES = ("SuperK", "SuperKSelect", "SuperKVaria")

    def test_light_begins_and_ends_on_request_only(self, rig: Any) -> None:
        source = rig.connect()
        source.power_level = 50.0
        assert source.power_level == 50.0
        source.settings()
        source.keep_alive()
        assert rig.is_safe
        assert source.emission is False
        source.start_emission()
        assert not rig.is_safe
        assert source.emission is True
        source.stop_emission()
        assert rig.is_safe
        assert source.emission is False
        source.stop_emission()

    def test_emission_that_is_on_is_told_and_left_alone(self, rig: Any) -> None:
        rig.interfere()
        source = rig.connect()
        assert source.emission is True
        assert source.attention() != ()
        source.shutdown()
        assert not rig.is_safe

    def test_emission_that_cannot_be_confirmed_to_be_off_is_an_error(self, rig: Any) -> None:
        source = rig.connect()
        source.start_emission()
        rig.device.ignored_requests = 10**6
        for call in (source.stop_emission, source.make_safe, source.shutdown):
            with pytest.raises(ShutterNotClosed, match=f"^{NAME}: "):
                call()

    def test_interlock_that_is_open_keeps_it_dark(self, rig: Any) -> None:
        source = rig.connect()
        rig.device.interlock_open = True
        with pytest.raises(InstrumentRefused, match=f"^{NAME}: .*interlock"):
            source.start_emission()
        assert rig.is_safe
        assert any("nterlock" in words for words in source.attention())


class TestSupercontinuumSource:
    CASES = ("SuperK",)

    def test_interlock_in_words(self, rig: Any) -> None:
        source = rig.connect()
        assert source.interlock == "ok"
        rig.device.interlock_open = True
        assert source.interlock == "open (door)"
        rig.device.interlock_cause = 3
        assert source.interlock == "open (external module)"
        rig.device.interlock_open = False
        assert source.interlock == "waiting for reset"

    def test_watchdog_ends_emission_that_nobody_keeps_alive(self, rig: Any) -> None:
        source = rig.connect()
        source.start_emission()
        for _ in range(5):
            rig.clock.sleep(8.0)
            source.keep_alive()
        rig.clock.sleep(11.0)
        assert rig.is_safe
        with pytest.raises(InstrumentRefused, match="ended by itself"):
            source.keep_alive()

    def test_pulses_are_picked(self, rig: Any) -> None:
        source = rig.connect()
        for ratio in (2, 255, 256, 1000, 1):
            source.pulse_picker_ratio = ratio
            assert source.pulse_picker_ratio == ratio
            assert rig.device._source._ratio.value == ratio


class TestTunableSource:
    CASES = ("SuperKSelect", "SuperKVaria")

    def test_every_wavelength_of_its_ranges_can_be_set(self, rig: Any) -> None:
        source = rig.connect()
        assert source.wavelength_ranges == rig.look.ranges
        for nanometres in rig.look.targets:
            source.wavelength = nanometres
            assert source.wavelength == pytest.approx(nanometres, abs=0.05)
            source.start_emission()
            source.power_level = 100.0
            assert rig.look.tuned(rig.device) == [pytest.approx(nanometres, abs=0.05)]
            source.stop_emission()

    def test_setters_return_when_it_has_settled(self, rig: Any) -> None:
        source = rig.connect()
        source.start_emission()
        first, *_ = rig.look.targets
        source.wavelength = first
        source.power_level = 12.5
        before = rig.device.light_at(rig.clock.now())
        rig.clock.sleep(1.0)
        assert [nm for nm, _ in rig.device.light_at(rig.clock.now())] == [nm for nm, _ in before]
        assert rig.look.level(rig.device) == 12.5

    def test_gaps_are_refused_with_the_ranges_and_nothing_is_tuned(self, rig: Any) -> None:
        source = rig.connect()
        source.start_emission()
        before = rig.state()
        for nanometres in (rig.look.ranges[0][0] - 0.2, rig.look.ranges[-1][1] + 0.2):
            with pytest.raises(LimitError) as caught:
                source.wavelength = nanometres
            for lowest, highest in rig.look.ranges:
                assert f"from {lowest:g} to {highest:g}" in caught.value.allowed
        assert rig.state() == before

    def test_bandwidth_is_a_width_or_unknown(self, rig: Any) -> None:
        width = rig.connect().bandwidth
        assert type(width) is float
        assert width > 0 or math.isnan(width)

    def test_light_that_has_ended_by_itself_is_told(self, rig: Any) -> None:
        source = rig.connect()
        source.start_emission()
        source.keep_alive()
        rig.look.end_it(rig.device)
        assert not rig.look.emits(rig.device)
        with pytest.raises(InstrumentRefused, match="ended by itself"):
            source.keep_alive()


class TestMonochromator:
    CASES = ("ActonSP2300",)

    def test_stands_where_it_says(self, rig: Any) -> None:
        monochromator = rig.connect()
        for nanometres in (532.0, 500.25, 0.0, 785.1):
            monochromator.go_to(nanometres)
            assert rig.is_safe
            truth = rig.device.wavelength_at(rig.clock.now())
            assert abs(truth - nanometres) <= monochromator.wavelength_tolerance
            assert monochromator.wavelength == pytest.approx(truth, abs=1e-3)

    def test_range_is_that_of_the_grating(self, rig: Any) -> None:
        monochromator = rig.connect()
        for number, longest in rig.look.longest.items():
            monochromator.grating = number
            assert monochromator.grating == rig.device._grating == number
            assert monochromator.wavelength_range == (0.0, longest)
            monochromator.go_to(1400.0)
            assert monochromator.wavelength == pytest.approx(1400.0, abs=0.01)
            with pytest.raises(LimitError):
                monochromator.go_to(longest + 1.0)
            monochromator.go_to(500.0)

    def test_move_that_ends_elsewhere_is_an_error(self, rig: Any) -> None:
        monochromator = rig.connect()
        monochromator.go_to(500.0)
        rig.device.stuck = True
        with pytest.raises((InstrumentRefused, InstrumentTimeout), match=NAME):
            monochromator.go_to(600.0)
        assert rig.device.wavelength_at(rig.clock.now()) == pytest.approx(500.0, abs=0.01)

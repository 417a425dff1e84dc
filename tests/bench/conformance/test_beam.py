"""What the roles of the pump beam promise: shutters, lasers, mounts, attenuators, choppers."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from labcool.errors import (
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    ShutterNotClosed,
)
from simulators._chopper_wheel import BLADES

NAME = "the one under test"


def beside(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


class TestShutter:
    CASES = ("SC10", "KSC101", "KSC101 that reports its blade", "TTLShutter")

    def test_open_and_close_return_when_the_blade_is_there(self, rig: Any) -> None:
        shutter = rig.connect()
        for _ in range(3):
            shutter.open()
            assert rig.blade_is_open
            assert shutter.is_closed is False
            shutter.close()
            assert not rig.blade_is_open
            assert shutter.is_closed is True

    def test_open_twice_and_close_twice(self, rig: Any) -> None:
        shutter = rig.connect()
        shutter.open()
        shutter.open()
        assert rig.blade_is_open
        shutter.close()
        shutter.close()
        assert not rig.blade_is_open

    def test_closed_is_what_is_reported_and_not_what_was_sent(self, rig: Any) -> None:
        shutter = rig.connect()
        shutter.close()
        rig.interfere()
        assert shutter.is_closed is False
        shutter.close()
        assert not rig.blade_is_open

    def test_what_holds_it_closed_is_told(self, rig: Any) -> None:
        shutter = rig.connect()
        rig.look.hold(rig.device)
        with pytest.raises(InstrumentRefused, match=NAME):
            shutter.open()
        rig.clock.sleep(0.1)
        assert not rig.blade_is_open


class TestShutterWithASensor:
    """A KSC101 that reports its own output cannot know of a stuck blade."""

    CASES = ("SC10", "KSC101 that reports its blade", "TTLShutter")

    def test_stuck_blade_is_reported(self, rig: Any) -> None:
        shutter = rig.connect()
        shutter.open()
        rig.device.stuck = True
        for call in (shutter.close, shutter.make_safe, shutter.shutdown):
            with pytest.raises(ShutterNotClosed, match=NAME):
                call()


class TestLaser:
    CASES = ("Finesse",)

    def test_power_follows_its_set_point_in_watts(self, rig: Any) -> None:
        laser = rig.connect()
        assert type(laser.wavelength) is float
        assert laser.wavelength == 532.0
        for watts in (0.25, 0.0, 1.0):
            laser.power_setpoint = watts
            assert laser.power_setpoint == watts
            assert rig.device._setpoint == watts
            rig.clock.sleep(20.0)
            assert laser.power == pytest.approx(watts, abs=1e-3)
            assert type(laser.power) is float

    def test_power_is_measured_and_not_the_set_point(self, rig: Any) -> None:
        laser = rig.connect()
        laser.power_setpoint = 1.0
        in_head = rig.device.power_in_head(rig.clock.now())
        assert laser.power == pytest.approx(in_head, abs=0.02)
        assert laser.power < 0.2

    def test_set_point_that_is_not_taken_is_an_error(
        self, rig: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        laser = rig.connect()
        monkeypatch.setattr(rig.device, "_set_power", lambda _: "")
        with pytest.raises(InstrumentRefused, match=NAME):
            laser.power_setpoint = 0.7

    def test_nothing_starts_emission(self, rig: Any) -> None:
        rig.device.receive(b"OFF\r")
        rig.clock.sleep(0.1)
        rig.device.transmit()
        laser = rig.connect()
        assert laser.emission is False
        laser.power_setpoint = 0.3
        laser.open_output()
        rig.clock.sleep(10.0)
        laser.make_safe()
        assert laser.emission is False
        assert not rig.device._button_released
        assert rig.device.power_in_head(rig.clock.now()) == 0.0

    def test_open_output_opens_the_head(self, rig: Any) -> None:
        laser = rig.connect()
        assert laser.emission is True
        assert not rig.device._shutter_open
        laser.open_output()
        assert rig.device._shutter_open
        laser.make_safe()
        assert not rig.device._shutter_open
        assert laser.emission is True


class TestRotationMount:
    CASES = ("ELL14", "K10CR1")

    @pytest.mark.parametrize("angle", [0.0, 45.0, 180.0, 299.99, 359.99, 359.9999, 0.001])
    def test_turns_and_returns_when_the_encoder_confirms(self, rig: Any, angle: float) -> None:
        mount = rig.connect()
        mount.turn_to(77.0)
        mount.turn_to(angle)
        assert rig.is_safe
        truth = rig.device.angle_at(rig.clock.now())
        assert beside(truth, angle) <= 0.02
        assert 0 <= mount.angle < 360
        assert beside(mount.angle, truth) < 1e-9

    def test_resolution_is_one_step(self, rig: Any) -> None:
        mount = rig.connect()
        assert mount.resolution == rig.look.step
        rig.look.place(rig.device, 1)
        assert mount.angle == mount.resolution

    def test_angle_just_below_zero_counts_from_the_turn(self, rig: Any) -> None:
        mount = rig.connect()
        rig.look.place(rig.device, -2)
        assert mount.angle == pytest.approx(360 - 2 * mount.resolution, abs=1e-9)

    def test_blocked_mount_is_an_error(self, rig: Any) -> None:
        mount = rig.connect()
        rig.device.jammed = True
        with pytest.raises(InstrumentError, match=NAME):
            mount.turn_to(90.0)
        assert beside(rig.device.angle_at(rig.clock.now()), 0.0) < 1e-6


class TestMountWithAnEncoder:
    """A K10CR1 only counts steps, and cannot know that it stands elsewhere."""

    CASES = ("ELL14",)

    def test_turn_that_ends_elsewhere_is_an_error(
        self, rig: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mount = rig.connect()
        monkeypatch.setattr(rig.device, "_rng", SimpleNamespace(integers=lambda *_: 100))
        with pytest.raises(InstrumentRefused, match=NAME):
            mount.turn_to(90.0)


class TestAttenuator:
    CASES = ("RotaryAttenuator of ELL14", "RotaryAttenuator of K10CR1")

    def test_every_transmission_of_the_range_can_be_set(self, rig: Any) -> None:
        attenuator = rig.connect()
        low, high = attenuator.transmission_range
        assert (low, high) == pytest.approx((1e-3, 1.0))
        for wanted in (low, 0.00123, 0.1, 0.5, high):
            attenuator.transmission = wanted
            stands_at = rig.device.angle_at(rig.clock.now())
            # A degree is 0.01 of a decade, and the mount stops within 0.005° of its target.
            assert beside(stands_at, -100 * math.log10(wanted)) < 0.0075
            assert attenuator.transmission == pytest.approx(wanted, rel=2e-4)
            assert attenuator.transmission <= high

    def test_transmission_is_that_of_the_encoder(self, rig: Any) -> None:
        attenuator = rig.connect()
        rig.interfere()
        rig.clock.sleep(30.0)
        at_180 = 10 ** -(180 / 100)
        assert attenuator.transmission == pytest.approx(at_180, rel=2e-4)

    def test_no_number_is_made_up_beside_the_gradient(self, rig: Any) -> None:
        attenuator = rig.connect()
        attenuator.mount.turn_to(330.0)
        assert math.isnan(attenuator.transmission)
        attenuator.transmission = 0.1
        assert attenuator.transmission == pytest.approx(0.1, rel=2e-4)

    def test_blocked_mount_is_an_error(self, rig: Any) -> None:
        attenuator = rig.connect()
        attenuator.transmission = 0.5
        rig.device.jammed = True
        with pytest.raises(InstrumentError, match=NAME):
            attenuator.transmission = 0.01
        assert attenuator.transmission == pytest.approx(0.5, rel=2e-4)


class TestChopper:
    CASES = ("MC2000B",)

    def test_start_returns_when_the_blade_is_locked(self, rig: Any) -> None:
        chopper = rig.connect()
        assert (chopper.is_running, chopper.is_locked) == (False, False)
        for hertz in (300.0, 725.0):
            chopper.frequency = hertz
            assert chopper.frequency == hertz
            chopper.start()
            turns_at = rig.device.frequency_at(rig.clock.now())
            assert turns_at == pytest.approx(hertz, rel=0.011)
            assert (chopper.is_running, chopper.is_locked) == (True, True)

    def test_locked_is_measured(self, rig: Any) -> None:
        chopper = rig.connect()
        chopper.start()
        rig.device.out_of_sync = True
        rig.clock.sleep(10.0)
        assert chopper.is_running is True
        assert chopper.is_locked is False

    def test_blade_that_does_not_lock_is_stopped(self, rig: Any) -> None:
        chopper = rig.connect()
        rig.device.stalled = True
        with pytest.raises(InstrumentTimeout, match=NAME):
            chopper.start()
        assert rig.is_safe

    def test_stop_returns_when_the_motor_is_off(self, rig: Any) -> None:
        chopper = rig.connect()
        chopper.start()
        chopper.stop()
        assert rig.is_safe
        assert chopper.is_running is False
        rig.clock.sleep(60.0)
        assert rig.device.frequency_at(rig.clock.now()) == pytest.approx(0.0, abs=0.01)

    def test_ends_of_the_range_can_be_set(self, rig: Any) -> None:
        chopper = rig.connect()
        for end in chopper.frequency_range:
            chopper.frequency = end
            assert rig.device.target_hz == end

    def test_every_blade_has_the_range_of_the_device(self, rig: Any) -> None:
        chopper = rig.connect()
        for blade in BLADES:
            chopper.blade = blade.name
            for reference in blade.references:
                chopper.reference = reference
                assert chopper.frequency_range == pytest.approx(rig.device._range())

    def test_shutdown_leaves_alone_what_it_has_not_started(self, rig: Any) -> None:
        rig.interfere()
        rig.connect().shutdown()
        assert not rig.is_safe

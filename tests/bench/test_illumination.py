from datetime import date

import pytest

from labcool.bench.attenuator import RotaryAttenuator
from labcool.bench.illumination import Illumination
from labcool.calibration import SpotCalibration
from labcool.clock import VirtualClock
from labcool.errors import InstrumentRefused, LimitError, ShutterNotClosed
from labcool.models.attenuation import GradedFilter


class Log(list):
    pass


class Shutter:
    name = "shutter"

    def __init__(self, log):
        self.log, self.is_closed, self.stuck = log, True, False

    def open(self):
        self.log.append("open")
        self.is_closed = False

    def close(self):
        self.log.append("close")
        if self.stuck:
            raise ShutterNotClosed(self.name, "stuck")
        self.is_closed = True


class Mount:
    name = "attenuator"
    identity = "mount"
    resolution = 0.01

    def __init__(self, log, shutter):
        self.log, self.shutter, self.angle = log, shutter, 0.0

    def turn_to(self, angle):
        assert self.shutter.is_closed, "the mount turned in the open beam"
        self.log.append(f"turn {angle:.2f}")
        self.angle = round(angle / self.resolution) * self.resolution


class Laser:
    name = "pump"

    def __init__(self, clock):
        self.clock, self.emission, self.power_setpoint = clock, True, 0.0
        self.changed = 0.0
        self.settles = True

    @property
    def power(self):
        return self.power_setpoint if self.settles and self.clock.now() > 2 else 0.0

    def open_output(self):
        pass


@pytest.fixture
def parts():
    clock, log = VirtualClock(), Log()
    shutter = Shutter(log)
    laser = Laser(clock)
    spot = SpotCalibration(
        date=date(2026, 11, 2),
        diameter_um=100,
        path_transmission=0.5,
        relative_std=0.05,
        method="knife edge",
    )
    illumination = Illumination(
        laser=laser,
        attenuator=RotaryAttenuator(
            Mount(log, shutter), GradedFilter(table=((0.0, 0.0), (300.0, 4.0)))
        ),
        shutter=shutter,
        spot=spot,
        power=0.1,
        limits=(0.0, 500.0),
        power_stability=0.001,
        clock=clock,
    )
    return illumination, clock, log


def test_fluence_is_power_at_the_sample_over_the_area_of_the_spot(parts):
    illumination, _, _ = parts
    # 0.1 W × 0.5 over π/4 (0.01 cm)² = 636.6 W/cm² at full transmission.
    assert illumination.spot.fluence(0.1) == pytest.approx(636.62, rel=1e-5)
    illumination.set_fluence(63.662)
    assert illumination.attenuator.transmission == pytest.approx(0.1, rel=2e-4)
    assert illumination.fluence == pytest.approx(63.662, rel=2e-4)


def test_the_range_is_cut_to_the_limits_of_the_bench(parts):
    illumination, _, _ = parts
    low, high = illumination.fluence_range
    assert low == pytest.approx(636.62e-4, rel=1e-4)
    assert high == 500.0


@pytest.mark.parametrize("fluence", [600.0, 0.01, -1.0, float("nan"), float("inf"), True, "5"])
def test_a_fluence_out_of_range_is_refused_before_anything_moves(parts, fluence):
    illumination, _, log = parts
    with pytest.raises(LimitError, match="fluence") as caught, illumination.at(fluence):
        pass
    assert log == []
    assert "500" in str(caught.value)


def test_the_mount_turns_behind_the_closed_shutter(parts):
    illumination, _, log = parts
    with illumination.at(300):
        assert not illumination.shutter.is_closed
        illumination.set_fluence(30)
        assert illumination.shutter.is_closed
    assert log[-1] == "close"


def test_an_error_inside_closes_the_shutter(parts):
    illumination, _, _ = parts
    with pytest.raises(ZeroDivisionError), illumination.at(300):
        raise ZeroDivisionError
    assert illumination.shutter.is_closed


def test_a_shutter_that_fails_while_opening_is_closed_again(parts, monkeypatch):
    illumination, _, _ = parts
    shutter = illumination.shutter

    def half_open():
        shutter.is_closed = False
        raise InstrumentRefused("shutter", "did not confirm")

    monkeypatch.setattr(shutter, "open", half_open)
    with pytest.raises(InstrumentRefused), illumination.at(300):
        pass
    assert shutter.is_closed


def test_preparing_waits_for_the_laser_with_the_shutter_closed(parts):
    illumination, clock, log = parts
    illumination.prepare(clock.sleep)
    assert 2 < clock.now() < 3
    assert log == ["close"]


def test_a_laser_that_does_not_emit_is_named(parts):
    illumination, clock, _ = parts
    illumination.laser.emission = False
    with pytest.raises(InstrumentRefused, match=r"pump: no emission"):
        illumination.prepare(clock.sleep)


def test_a_laser_that_never_settles_ends_in_an_error(parts):
    illumination, clock, _ = parts
    illumination.laser.settles = False
    with pytest.raises(InstrumentRefused, match=r"pump: the power is 0 W and does not settle"):
        illumination.prepare(clock.sleep)
    assert clock.now() < 60

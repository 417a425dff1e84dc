"""What the roles promise, asked of every class that fills one, with its simulated device behind it.

The witness is always the simulated device: the blade, the encoder, the heater, the bytes received.
"""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import seabreeze.pyseabreeze.protocol

import drivers
from drivers.elliptec import ELL14
from drivers.finesse import Finesse
from drivers.linkam import LinkamT95
from drivers.ocean import OceanSpectrometer
from drivers.sc10 import SC10
from labcool.bench.attenuator import RotaryAttenuator
from labcool.bench.roles import (
    Attenuator,
    Laser,
    RotationMount,
    Shutter,
    Spectrometer,
    TemperatureController,
    missing_members,
    roles_of,
)
from labcool.clock import VirtualClock
from labcool.errors import (
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    ShutterNotClosed,
)
from labcool.models import GradedFilter
from labcool.spectrum import Spectrum
from simulators import elliptec as ell14_device
from simulators import finesse as finesse_device
from simulators import linkam as linkam_device
from simulators import sc10 as sc10_device
from simulators.flame import Flame
from simulators.memory import MemoryLink
from simulators.usb_backend import FlameLink

NAME = "the one under test"
FILTER = GradedFilter(((0.0, 0.0), (300.0, 3.0)))
ELECTRONS = 50_000.0
NOT_NUMBERS = [math.nan, math.inf, -math.inf]


class Lamp:
    """Light on the detector, and a record of the exposures."""

    def __init__(self, pixels: int) -> None:
        self.electrons = np.full(pixels, ELECTRONS)
        self.exposures: list[tuple[float, float]] = []

    def expose(self, start: float, duration: float) -> Callable[[], Any]:
        self.exposures.append((start, duration))
        return lambda: self.electrons


def flame(model: str, pixels: int) -> Callable[[VirtualClock], Flame]:
    def build(clock: VirtualClock) -> Flame:
        lamp = Lamp(pixels)
        device = Flame(clock, expose=lamp.expose, rng=np.random.default_rng(5), model=model)
        device.lamp = lamp  # type: ignore[attr-defined]
        return device

    return build


def ignore(*_: object) -> None:
    """Nobody looks at the light."""


@dataclass(frozen=True)
class Case:
    """One class, the device behind it, and how to look at that device.

    :param bystander: bytes by which somebody else brings the device into an unsafe state.
    :param state: what connecting and reading must not change.
    :param act: use of the role after which the device is not safe.
    :param ask: a question that goes over the wire.
    :param patience: longest time until a silent device is an error, virtual s.
    :param refused: calls outside the allowed range.
    """

    role: type
    driver: type
    device: Callable[[VirtualClock], Any]
    bystander: tuple[bytes, ...]
    state: Callable[[Any], object]
    is_safe: Callable[[Any], bool]
    act: Callable[[Any], object]
    ask: Callable[[Any], object]
    patience: float
    refused: dict[str, Callable[[Any], object]] = field(default_factory=dict)
    wrap: Callable[[Any], Any] = lambda instrument: instrument


def setting(attribute: str, value: Any) -> Callable[[Any], object]:
    return lambda instrument: setattr(instrument, attribute, value)


def settings_of(attribute: str, *values: Any) -> dict[str, Callable[[Any], object]]:
    return {f"{attribute}={value}": setting(attribute, value) for value in values}


def calls_of(method: str, *values: Any) -> dict[str, Callable[[Any], object]]:
    return {f"{method}({v})": (lambda i, v=v: getattr(i, method)(v)) for v in values}


def blade_is_open(device: sc10_device.SC10) -> bool:
    return device._blade.is_open(device.clock.now())


def stands(device: ell14_device.ELL14) -> bool:
    return device._ending is None


MOUNT: dict[str, Any] = {
    "device": lambda clock: ell14_device.ELL14(clock, turned=ignore),
    "bystander": (b"0ma00011800",),
    "state": lambda d: (
        *(d._motion.end, d._counter_zero, d._speed_percent, d._jog_step, d._home_offset),
        d._address,
    ),
    "is_safe": stands,
    "patience": 2.2,
}
SPECTROMETER: dict[str, Any] = {
    "role": Spectrometer,
    "driver": OceanSpectrometer,
    "bystander": (b"\x03\x01\x00",),
    "state": lambda d: (d.lamp_on, dict(d._slots), dict(d._registers)),
    "is_safe": lambda d: d._running is None,
    "act": lambda s: s.acquire(),
    "ask": lambda s: s.acquire(),
    "patience": 2.3,
    "refused": {
        **settings_of("exposure", 0.0, -0.1, 1e-7, 1e4, *NOT_NUMBERS),
        **settings_of("averages", 0, -1, 1.5, True),
    },
}
CASES = {
    "SC10": Case(
        role=Shutter,
        driver=SC10,
        device=lambda clock: sc10_device.SC10(clock, moved=ignore),
        bystander=(b"ens\r",),
        state=lambda d: (d._enabled, dict(d._values), d._interlock_tripped, blade_is_open(d)),
        is_safe=lambda d: not blade_is_open(d) and not d._enabled,
        act=lambda s: s.open(),
        ask=lambda s: s.is_closed,
        patience=1.2,
    ),
    "Finesse": Case(
        role=Laser,
        driver=Finesse,
        device=lambda clock: finesse_device.Finesse(clock, power_changed=ignore),
        bystander=(b"POWER=0.5\r", b"SHUTTER OPEN\r"),
        state=lambda d: (d._setpoint, d._emission, d._shutter_open, d._button_released),
        is_safe=lambda d: not d._shutter_open,
        act=lambda s: s.open_output(),
        ask=lambda s: s.power,
        patience=2.2,
        refused=settings_of("power_setpoint", -0.001, 1.001, 1e9, *NOT_NUMBERS),
    ),
    "ELL14": Case(
        role=RotationMount,
        driver=ELL14,
        act=lambda m: m.turn_to(123.0),
        ask=lambda m: m.angle,
        refused=calls_of("turn_to", -0.001, 360.0, 720.0, *NOT_NUMBERS),
        **MOUNT,
    ),
    "RotaryAttenuator": Case(
        role=Attenuator,
        driver=ELL14,
        wrap=lambda mount: RotaryAttenuator(mount, FILTER),
        act=setting("transmission", 0.1),
        ask=lambda a: a.transmission,
        refused=settings_of("transmission", 0.0, 0.00099, 1.001, -0.1, *NOT_NUMBERS),
        **MOUNT,
    ),
    "LinkamT95": Case(
        role=TemperatureController,
        driver=LinkamT95,
        device=linkam_device.LinkamT95,
        bystander=(b"T\r", b"R11000\r", b"L1500\r", b"S\r"),
        state=lambda d: (
            *(d._state, d._ramp_limit, d._ramp_rate, d._held),
            *(d._pump_is_automatic, d._pump_speed, tuple(d._history)),
        ),
        is_safe=lambda d: d._state == linkam_device.STOPPED,
        act=lambda s: s.go_to(350.0),
        ask=lambda s: s.temperature,
        patience=3.5,
        refused={
            **calls_of("go_to", 70.0, 880.0, -1.0, *NOT_NUMBERS),
            **settings_of("ramp_rate", 0.0, -5.0, 150.1, *NOT_NUMBERS),
        },
    ),
    "Flame-S": Case(device=flame("FLAME-S", 2048), **SPECTROMETER),
    "USB2000+": Case(device=flame("USB2000+", 2048), **SPECTROMETER),
    "USB4000": Case(device=flame("USB4000", 3840), **SPECTROMETER),
}
SPECTROMETERS = ["Flame-S", "USB2000+", "USB4000"]
REFUSALS = [(case, call) for case, spec in CASES.items() for call in spec.refused]


class Rig:
    """A case set up: the clock, the device, what it has received, and the instrument."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.clock = VirtualClock()
        self.device = case.device(self.clock)
        link = FlameLink if isinstance(self.device, Flame) else MemoryLink
        self.link: Any = link(self.device, self.clock)
        self.received: list[bytes] = []
        receive = self.device.receive

        def record(data: bytes) -> None:
            self.received.append(data)
            receive(data)

        self.device.receive = record

    def connect(self, **settings: Any) -> Any:
        driver = self.case.driver(self.link, NAME, clock=self.clock, **settings)
        return self.case.wrap(driver)

    def interfere(self) -> None:
        """Let somebody else bring the device into an unsafe state."""
        for command in self.case.bystander:
            self.device.receive(command)
            self.clock.sleep(0.05)
        if not isinstance(self.device, Flame):
            self.device.transmit()

    def state(self) -> object:
        return self.case.state(self.device)

    @property
    def is_safe(self) -> bool:
        return self.case.is_safe(self.device)


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def rig(case: Case) -> Rig:
    return Rig(case)


def of(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [CASES[n] for n in names], ids=names)


def test_every_class_of_the_drivers_that_fills_a_role_is_here() -> None:
    modules = [
        importlib.import_module(f"drivers.{found.name}")
        for found in pkgutil.iter_modules(drivers.__path__)
        if not found.name.startswith("_")
    ]
    filling = {
        candidate
        for module in modules
        for candidate in vars(module).values()
        if isinstance(candidate, type) and candidate.__module__ == module.__name__
        if roles_of(candidate)
    }
    assert filling == {case.driver for case in CASES.values()}


class TestEveryInstrument:
    def test_fills_one_role_whole(self, rig: Rig) -> None:
        instrument = rig.connect()
        assert missing_members(type(instrument), rig.case.role) == []
        assert roles_of(type(instrument)) == [rig.case.role.__name__]
        assert instrument.name == NAME

    def test_says_who_it_is(self, rig: Rig) -> None:
        identity = rig.connect().identity
        assert type(identity) is str
        assert re.search(r"\w", identity)
        assert identity == identity.strip()

    def test_connecting_changes_nothing(self, rig: Rig) -> None:
        rig.interfere()
        if not stands_by(rig):
            rig.clock.sleep(5.0)  # a mount is asked for its name only while it stands
        before = rig.state()
        instrument = rig.connect()
        assert rig.state() == before
        instrument.settings()
        assert instrument.identity
        assert rig.state() == before

    def test_settings_are_a_snapshot_of_plain_values(self, rig: Rig) -> None:
        settings = rig.connect().settings()
        assert settings
        for key, value in settings.items():
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[A-Za-z0-9]+)*", key)
            assert type(value) in (float, int, str, bool), key
        assert json.loads(json.dumps(dict(settings), allow_nan=False)) == settings

    def test_make_safe_at_any_time(self, rig: Rig) -> None:
        instrument = rig.connect()
        instrument.make_safe()
        assert rig.is_safe
        rig.interfere()
        instrument.make_safe()
        assert rig.is_safe
        rig.case.act(instrument)
        instrument.make_safe()
        instrument.make_safe()
        assert rig.is_safe
        assert rig.case.ask(instrument) is not None

    def test_shutdown_leaves_the_device_safe_and_the_second_does_nothing(self, rig: Rig) -> None:
        instrument = rig.connect()
        rig.case.act(instrument)
        instrument.shutdown()
        assert rig.is_safe
        rig.interfere()
        before, told = rig.state(), len(rig.received)
        instrument.shutdown()
        assert len(rig.received) == told
        assert rig.state() == before

    def test_shutdown_gives_the_port_back(self, rig: Rig) -> None:
        first = rig.connect()
        first.shutdown()
        second = rig.connect()
        with pytest.raises(InstrumentDisconnected, match=NAME):
            rig.case.ask(first)
        first.shutdown()
        rig.case.ask(second)
        second.shutdown()

    def test_shutdown_gives_the_port_back_even_if_nothing_answers(self, rig: Rig) -> None:
        instrument = rig.connect()
        rig.case.act(instrument)
        rig.device.silent = True
        if rig.case.role is Spectrometer:
            instrument.shutdown()  # idle without being told
        else:
            with pytest.raises(InstrumentError, match=f"^{NAME}: "):
                instrument.shutdown()
        instrument.shutdown()
        rig.device.silent = False
        with pytest.raises(InstrumentDisconnected):
            rig.case.ask(instrument)
        rig.connect().make_safe()
        assert rig.is_safe

    def test_silence_is_a_timeout_with_its_name_in_the_stated_time(self, rig: Rig) -> None:
        instrument = rig.connect()
        rig.case.ask(instrument)
        rig.device.silent = True
        start = rig.clock.now()
        with pytest.raises(InstrumentTimeout, match=f"^{NAME}: ") as caught:
            rig.case.ask(instrument)
        assert caught.value.instrument == NAME
        assert 0.1 < rig.clock.now() - start <= rig.case.patience

    def test_works_again_once_it_answers_again(self, rig: Rig) -> None:
        instrument = rig.connect()
        rig.device.silent = True
        with pytest.raises(InstrumentTimeout):
            rig.case.ask(instrument)
        rig.device.silent = False
        rig.case.act(instrument)
        rig.case.ask(instrument)
        instrument.make_safe()
        assert rig.is_safe

    def test_nothing_there_is_an_error_on_connecting(self, rig: Rig) -> None:
        rig.device.silent = True
        with pytest.raises(InstrumentError, match=NAME):
            rig.connect()
        rig.device.silent = False
        rig.connect().shutdown()

    @pytest.mark.parametrize(
        ("case", "call"), [(CASES[case], call) for case, call in REFUSALS], ids=map(str, REFUSALS)
    )
    def test_what_is_not_allowed_is_refused_before_anything_is_sent(
        self, rig: Rig, call: str
    ) -> None:
        instrument = rig.connect()
        rig.case.ask(instrument)
        before, values = rig.state(), dict(instrument.settings())
        told = len(rig.received)
        with pytest.raises(LimitError, match=NAME) as caught:
            rig.case.refused[call](instrument)
        assert caught.value.allowed
        assert len(rig.received) == told
        assert rig.state() == before
        assert stable(instrument.settings()) == stable(values)


def stands_by(rig: Rig) -> bool:
    return not isinstance(rig.device, ell14_device.ELL14) or stands(rig.device)


def stable(settings: Any) -> dict[str, Any]:
    """Settings without what a sensor's noise changes."""
    return {key: value for key, value in settings.items() if not key.startswith("temperature")}


@of("SC10")
class TestShutter:
    def test_open_and_close_return_when_the_blade_is_there(self, rig: Rig) -> None:
        shutter = rig.connect()
        for _ in range(3):
            shutter.open()
            assert blade_is_open(rig.device)
            assert shutter.is_closed is False
            shutter.close()
            assert not blade_is_open(rig.device)
            assert shutter.is_closed is True

    def test_open_twice_and_close_twice(self, rig: Rig) -> None:
        shutter = rig.connect()
        shutter.open()
        shutter.open()
        assert blade_is_open(rig.device)
        shutter.close()
        shutter.close()
        assert not blade_is_open(rig.device)

    def test_closed_is_what_is_reported_and_not_what_was_sent(self, rig: Rig) -> None:
        shutter = rig.connect()
        shutter.close()
        rig.interfere()
        assert shutter.is_closed is False
        shutter.close()
        assert not blade_is_open(rig.device)

    def test_interlock_refuses(self, rig: Rig) -> None:
        shutter = rig.connect()
        rig.device.interlock_tripped = True
        with pytest.raises(InstrumentRefused, match=NAME):
            shutter.open()
        assert not blade_is_open(rig.device)

    def test_stuck_blade_is_reported(self, rig: Rig) -> None:
        shutter = rig.connect()
        shutter.open()
        rig.device.stuck = True
        for call in (shutter.close, shutter.make_safe, shutter.shutdown):
            with pytest.raises(ShutterNotClosed, match=NAME):
                call()


@of("Finesse")
class TestLaser:
    def test_power_follows_its_set_point_in_watts(self, rig: Rig) -> None:
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

    def test_power_is_measured_and_not_the_set_point(self, rig: Rig) -> None:
        laser = rig.connect()
        laser.power_setpoint = 1.0
        in_head = rig.device.power_in_head(rig.clock.now())
        assert laser.power == pytest.approx(in_head, abs=0.02)
        assert laser.power < 0.2

    def test_set_point_that_is_not_taken_is_an_error(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        laser = rig.connect()
        monkeypatch.setattr(rig.device, "_set_power", lambda _: "")
        with pytest.raises(InstrumentRefused, match=NAME):
            laser.power_setpoint = 0.7

    def test_nothing_starts_emission(self, rig: Rig) -> None:
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

    def test_open_output_opens_the_head(self, rig: Rig) -> None:
        laser = rig.connect()
        assert laser.emission is True
        assert not rig.device._shutter_open
        laser.open_output()
        assert rig.device._shutter_open
        laser.make_safe()
        assert not rig.device._shutter_open
        assert laser.emission is True


@of("ELL14")
class TestRotationMount:
    @pytest.mark.parametrize("angle", [0.0, 45.0, 180.0, 299.99, 359.99, 359.9999, 0.001])
    def test_turns_and_returns_when_the_encoder_confirms(self, rig: Rig, angle: float) -> None:
        mount = rig.connect()
        mount.turn_to(77.0)
        mount.turn_to(angle)
        assert stands(rig.device)
        truth = rig.device.angle_at(rig.clock.now())
        assert beside(truth, angle) <= 0.02
        assert 0 <= mount.angle < 360
        assert beside(mount.angle, truth) < 1e-9

    def test_resolution_is_one_step_of_the_encoder(self, rig: Rig) -> None:
        mount = rig.connect()
        assert mount.resolution == 360 / ell14_device.PULSES_PER_TURN
        rig.device._motion = ell14_device.Motion(0.0, 0, 1, 1e9)
        rig.clock.sleep(1.0)
        assert mount.angle == mount.resolution

    def test_angle_just_below_zero_counts_from_the_turn(self, rig: Rig) -> None:
        mount = rig.connect()
        rig.device._motion = ell14_device.Motion(0.0, 0, -2, 1e9)
        rig.clock.sleep(1.0)
        assert mount.angle == pytest.approx(360 - 2 * mount.resolution, abs=1e-9)

    def test_turn_that_ends_elsewhere_is_an_error(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mount = rig.connect()
        monkeypatch.setattr(rig.device, "_rng", SimpleNamespace(integers=lambda *_: 100))
        with pytest.raises(InstrumentRefused, match=NAME):
            mount.turn_to(90.0)

    def test_blocked_mount_is_an_error(self, rig: Rig) -> None:
        mount = rig.connect()
        rig.device.jammed = True
        with pytest.raises(InstrumentError, match=NAME):
            mount.turn_to(90.0)
        assert rig.device.angle_at(rig.clock.now()) == 0.0


@of("RotaryAttenuator")
class TestAttenuator:
    def test_every_transmission_of_the_range_can_be_set(self, rig: Rig) -> None:
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

    def test_transmission_is_that_of_the_encoder(self, rig: Rig) -> None:
        attenuator = rig.connect()
        rig.interfere()
        rig.clock.sleep(5.0)
        at_180 = 10 ** -(180 / 100)
        assert attenuator.transmission == pytest.approx(at_180, rel=2e-4)

    def test_no_number_is_made_up_beside_the_gradient(self, rig: Rig) -> None:
        attenuator = rig.connect()
        attenuator.mount.turn_to(330.0)
        assert math.isnan(attenuator.transmission)
        attenuator.transmission = 0.1
        assert attenuator.transmission == pytest.approx(0.1, rel=2e-4)

    def test_blocked_mount_is_an_error(self, rig: Rig) -> None:
        attenuator = rig.connect()
        attenuator.transmission = 0.5
        rig.device.jammed = True
        with pytest.raises(InstrumentError, match=NAME):
            attenuator.transmission = 0.01
        assert attenuator.transmission == pytest.approx(0.5, rel=2e-4)


def beside(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


@of(*SPECTROMETERS)
class TestSpectrometer:
    def test_wavelengths_are_those_of_the_pixels(self, rig: Rig) -> None:
        wavelengths = rig.connect().wavelengths
        assert wavelengths.dtype == np.float64
        assert (np.diff(wavelengths) > 0).all()
        np.testing.assert_allclose(wavelengths, rig.device.wavelengths, rtol=1e-12)

    def test_exposure_is_set_in_the_device(self, rig: Rig) -> None:
        spectrometer = rig.connect()
        low, high = spectrometer.exposure_range
        assert 0 < low < high
        for seconds in (low, 0.123456, 2.0):
            spectrometer.exposure = seconds
            assert spectrometer.exposure == seconds
            assert rig.device.integration_time == seconds

    @pytest.mark.parametrize("averages", [1, 4])
    def test_spectrum_is_of_light_after_the_call(self, rig: Rig, averages: int) -> None:
        spectrometer = rig.connect()
        spectrometer.averages = averages
        assert spectrometer.averages == averages
        for exposure in (0.05, 0.2):
            spectrometer.exposure = exposure
            called = rig.clock.now()
            spectrum = spectrometer.acquire()
            returned = rig.clock.now()
            assert isinstance(spectrum, Spectrum)
            assert (spectrum.exposure, spectrum.averages) == (exposure, averages)
            assert spectrum.counts.shape == spectrometer.wavelengths.shape
            assert np.issubdtype(spectrum.counts.dtype, np.integer) == (averages == 1)
            used = rig.device.lamp.exposures[-averages:]
            assert all(start >= called and duration == exposure for start, duration in used)
            assert exposure * averages <= returned - called < exposure * (averages + 1) + 0.1

    def test_gain_and_read_noise_are_those_of_the_detector(self, rig: Rig) -> None:
        spectrometer = rig.connect()
        spectrometer.exposure = 0.01
        lit = [spectrometer.acquire().counts.astype(float) for _ in range(20)]
        rig.device.lamp.electrons = np.zeros_like(rig.device.lamp.electrons)
        dark = [spectrometer.acquire().counts.astype(float) for _ in range(20)]
        inside = slice(*rig.device.model.illuminated)
        counts = (np.mean(lit, axis=0) - np.mean(dark, axis=0))[inside].mean()
        assert counts * spectrometer.electrons_per_count == pytest.approx(ELECTRONS, rel=2e-3)
        assert np.std(dark, axis=0, ddof=1).mean() == pytest.approx(
            spectrometer.read_noise, rel=0.05
        )

    def test_too_much_light_is_saturation(self, rig: Rig) -> None:
        spectrometer = rig.connect()
        assert spectrometer.acquire().saturated is False
        rig.device.lamp.electrons[1000] = 1e7
        spectrum = spectrometer.acquire()
        assert spectrum.saturated is True
        assert (
            spectrum.counts.max() == spectrometer.saturation_level == rig.device.detector.saturation
        )


@of("LinkamT95")
class TestTemperatureController:
    def test_temperature_is_that_of_the_stage(self, rig: Rig) -> None:
        stage = rig.connect()
        assert type(stage.temperature) is float
        for _ in range(5):
            rig.interfere()
            rig.clock.sleep(30.0)
            truth = rig.device.temperature_at(rig.clock.now())
            assert stage.temperature == pytest.approx(truth, abs=0.15)

    def test_ramp_is_started_at_its_rate_and_ends_in_a_hold(self, rig: Rig) -> None:
        stage = rig.connect()
        stage.ramp_rate = 30.0
        assert stage.ramp_rate == 30.0
        called = rig.clock.now()
        stage.go_to(223.15)
        assert rig.clock.now() - called < 1.0
        assert stage.is_holding is False
        rig.clock.sleep(60.0)
        assert rig.device.temperature_at(rig.clock.now()) == pytest.approx(298.15 - 30.0, abs=1.0)
        assert stage.is_holding is False
        rig.clock.sleep(120.0)
        assert stage.is_holding is True
        assert rig.device.temperature_at(rig.clock.now()) == pytest.approx(223.15, abs=0.1)

    def test_ends_of_the_range_can_be_set(self, rig: Rig) -> None:
        stage = rig.connect()
        for end in stage.temperature_range:
            stage.go_to(end)
            assert rig.device._ramp_limit == pytest.approx(end - 273.15, abs=0.05)

    def test_start_that_is_not_taken_is_an_error(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage = rig.connect()
        monkeypatch.setattr(rig.device, "_start", lambda: None)
        with pytest.raises(InstrumentRefused, match=NAME):
            stage.go_to(350.0)

    def test_shutdown_leaves_alone_what_it_has_not_touched(self, rig: Rig) -> None:
        rig.interfere()
        stage = rig.connect()
        before = rig.state()
        stage.shutdown()
        assert rig.state() == before
        assert not rig.is_safe

"""A driver with its simulated device behind it, and how to look at that device.

The witness is always the simulated device: the blade, the encoder, the heater, the bytes received.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from labcool.clock import VirtualClock
from labcool.errors import InstrumentTimeout
from simulators import elliptec as ell14_device
from simulators import ttl_shutter as ttl_device
from simulators.flame import Flame
from simulators.memory import MemoryLink
from simulators.usb_backend import FlameLink

NAME = "the one under test"
NOT_NUMBERS = [math.nan, math.inf, -math.inf]


def ignore(*_: object) -> None:
    """Nobody looks at the light."""


@dataclass(frozen=True)
class Case:
    """One class, the device behind it, and how to look at that device.

    :param bystander: bytes (or what is done to the device) by which somebody else brings it into
        an unsafe state.
    :param state: what connecting and reading must not change.
    :param act: use of the role after which the device is not safe.
    :param ask: a question that goes over the wire.
    :param patience: longest time until a silent device is an error, virtual s.
    :param refused: calls outside the allowed range.
    :param keywords: for the driver's constructor.
    :param limits_are_asked: the device knows the allowed range, so that questions come first.
    :param is_question: whether bytes that were sent only ask.
    :param ends_in_silence: shutting down needs no answer, because nothing has to be made safe.
    :param connecting_makes_safe: the way to the device is unsafe unless it is taken.
    :param silence: what a silent device is.
    :param look: what the tests of the role need to see or do, by name.
    """

    role: type
    driver: type
    device: Callable[[VirtualClock], Any]
    bystander: tuple[bytes | Callable[[Any], None], ...]
    state: Callable[[Any], object]
    is_safe: Callable[[Any], bool]
    act: Callable[[Any], object]
    ask: Callable[[Any], object]
    patience: float
    refused: dict[str, Callable[[Any], object]] = field(default_factory=dict)
    wrap: Callable[[Any], Any] = lambda instrument: instrument
    keywords: Mapping[str, Any] = field(default_factory=dict)
    limits_are_asked: bool = False
    is_question: Callable[[bytes], bool] = lambda text: b"?" in text
    ends_in_silence: bool = False
    connecting_makes_safe: bool = False
    silence: type[Exception] = InstrumentTimeout
    look: Mapping[str, Any] = field(default_factory=dict)


def setting(attribute: str, value: Any) -> Callable[[Any], object]:
    return lambda instrument: setattr(instrument, attribute, value)


def settings_of(attribute: str, *values: Any) -> dict[str, Callable[[Any], object]]:
    return {f"{attribute}={value}": setting(attribute, value) for value in values}


def calls_of(method: str, *values: Any) -> dict[str, Callable[[Any], object]]:
    return {f"{method}({v})": (lambda i, v=v: getattr(i, method)(v)) for v in values}


def blade_is_open(device: Any) -> bool:
    return bool(getattr(device, "_blade", device).is_open(device.clock.now()))


def switch(attribute: str, value: bool) -> Callable[[Any], None]:
    return lambda device: setattr(device, attribute, value)


def ell14_stands(device: ell14_device.ELL14) -> bool:
    return device._ending is None


class Rig:
    """A case set up: the clock, the device, what it has received, and the instrument."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.clock = VirtualClock()
        self.device = case.device(self.clock)
        self.look = SimpleNamespace(**case.look)
        self.received: list[bytes] = []
        if isinstance(self.device, ttl_device.TTLShutter):
            self.link: Any = ttl_device.ControlLinePort(self.device, None)
            self.link.port = "lines"
            self._record("line_set")
        elif hasattr(self.device, "load"):
            self.link = self.device
            self._record("receive")
        else:
            link = FlameLink if isinstance(self.device, Flame) else MemoryLink
            self.link = link(self.device, self.clock)
            if hasattr(self.device, "receive"):
                self._record("receive")

    def _record(self, method: str) -> None:
        original = getattr(self.device, method)

        def record(data: Any, *more: Any) -> None:
            self.received.append(data)
            original(data, *more)

        setattr(self.device, method, record)

    def connect(self, **settings: Any) -> Any:
        keywords = {**self.case.keywords, **settings}
        driver = self.case.driver(self.link, NAME, clock=self.clock, **keywords)
        return self.case.wrap(driver)

    def interfere(self) -> None:
        """Let somebody else bring the device into an unsafe state."""
        for command in self.case.bystander:
            self.clock.sleep(0.06)
            if callable(command):
                command(self.device)
            else:
                self.device.receive(command)
        self.clock.sleep(0.06)
        if not isinstance(self.device, Flame):
            self.device.transmit()

    def state(self) -> object:
        return self.case.state(self.device)

    @property
    def is_safe(self) -> bool:
        return self.case.is_safe(self.device)

    @property
    def blade_is_open(self) -> bool:
        return blade_is_open(self.device)

    @property
    def is_busy(self) -> bool:
        """Whether it is a mount that is asked for its name only while it stands, and turns."""
        return isinstance(self.device, ell14_device.ELL14) and not ell14_stands(self.device)

"""A stand-in for NI's package nidaqmx: the documented calls, and a card with lines and inputs.

Not on this computer is a card, nor NI's driver; what is asserted with it are calls, not hardware.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class Error(Exception):
    """Base of the package's errors."""


class DaqNotFoundError(Error):
    """NI's driver is not installed."""


class DaqError(Error):
    """What any call may raise."""

    def __init__(self, message: str, error_code: int) -> None:
        super().__init__(message)
        self.error_code = error_code


class TerminalConfiguration(enum.Enum):
    DEFAULT = -1
    DIFF = 10106
    NRSE = 10078
    RSE = 10083


class Rack:
    """The cards of a computer: ``Dev1`` alone, a USB-6001.

    ``fails`` is raised by the next call of any task; ``sensor`` and ``volts`` are what is read.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.fails: Exception | None = None
        self.sensor: Callable[[], bool] = lambda: True
        self.volts: Any = 1.25
        self.levels: dict[str, bool] = {}
        self.open_tasks = 0

    def called(self, *call: Any) -> None:
        self.calls.append(call)
        if self.fails is not None:
            raise self.fails


class Task:
    """A task, of one kind of channels."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self._kind = self._places = ""
        rack.open_tasks += 1
        adds = {"do": "add_do_chan", "di": "add_di_chan", "ai": "add_ai_voltage_chan"}
        for kind, method in adds.items():
            channels = SimpleNamespace(**{method: self._adding(kind)})
            setattr(self, f"{kind}_channels", channels)

    def _adding(self, kind: str) -> Callable[..., None]:
        def add(places: str, **how: Any) -> None:
            self._rack.called(kind, places, how)
            if "line9" in places:
                raise DaqError("Physical channel does not exist on this device.", -200170)
            self._kind, self._places = kind, places

        return add

    def write(self, value: bool, auto_start: bool = False) -> int:
        assert self._kind == "do"
        assert auto_start
        self._rack.called("write", self._places, value)
        self._rack.levels[self._places] = value
        return 1

    def read(self) -> Any:
        self._rack.called("read", self._places)
        return self._rack.sensor() if self._kind == "di" else self._rack.volts

    def close(self) -> None:
        self._rack.open_tasks -= 1


def installed(monkeypatch: pytest.MonkeyPatch) -> Rack:
    """Make the stand-in the package that ``import nidaqmx`` finds, and return its cards."""
    rack = Rack()

    def device(name: str) -> SimpleNamespace:
        if name != "Dev1":
            raise DaqError("Device identifier is invalid.", -200220)
        return SimpleNamespace(product_type="USB-6001")

    def module(name: str, **content: Any) -> ModuleType:
        made = ModuleType(name)
        vars(made).update(content)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    parts = {
        "constants": module("nidaqmx.constants", TerminalConfiguration=TerminalConfiguration),
        "errors": module("nidaqmx.errors", Error=Error, DaqError=DaqError),
        "system": module("nidaqmx.system", Device=device),
    }
    module("nidaqmx", Task=lambda: Task(rack), **parts)
    return rack

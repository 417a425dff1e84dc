"""One driver in front of a fuzzed port: connecting, calling, and what is asserted of every call."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from fuzz_bytes import KEEP, Change
from fuzz_case import FuzzCase
from fuzz_port import FuzzedDevice, FuzzLink
from instrument_rig import NAME

from labcool.clock import VirtualClock
from labcool.errors import LabcoolError

Script = tuple[tuple[Change, ...], Change]


class FuzzRig:
    """A driver and its device with a fuzzed port between them.

    :ivar outcomes: what came of each call: "value", or the name of the error.
    """

    def __init__(self, fuzz: FuzzCase) -> None:
        self.fuzz = fuzz
        self.clock = VirtualClock()
        self.port = FuzzedDevice(fuzz.case.device(self.clock), fuzz.reseal)
        self.link = FuzzLink(self.port, self.clock)
        self.outcomes: list[str] = []

    def connect(self) -> Any:
        """Return the driver connected to its healthy device."""
        self.port.play(())
        instrument = self._open()
        self.fuzz.prepare(instrument)
        return instrument

    def connect_to(self, script: Script) -> Any:
        """Return the driver, or None, after connecting to a device that answers like this."""
        self.port.play(*script)
        return self.call(self._open, self.fuzz.longest * 2)

    def play(self, script: Script) -> None:
        """Have the next answers changed so."""
        self.port.play(*script)

    def heal(self) -> None:
        """Let the device answer as it should again."""
        self.port.play((), KEEP)

    def call(self, act: Callable[[], Any], longest: float) -> Any:
        """Return what a call returns, None if it raises one of labcool's errors.

        :raises AssertionError: if it raises anything else, reads too much or takes too long.
        """
        began, taken, self.port.looks = self.clock.now(), self.taken, 0
        value = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyVISA, seabreeze and numpy have their own doubts
            try:
                value = act()
                self.outcomes.append("value")
            except LabcoolError as error:
                self.outcomes.append(type(error).__name__)
                _require_name(error)
        took, read = self.clock.now() - began, self.taken - taken
        assert took <= longest, f"took {took:.1f} s, more than {longest:g} s"
        assert read <= self.fuzz.most_bytes, f"read {read} bytes"
        return value

    @property
    def raised(self) -> bool:
        """Whether the last call has raised."""
        return self.outcomes[-1] != "value"

    @property
    def taken(self) -> int:
        """Number of bytes that have been read so far."""
        return self.link.taken

    @property
    def log(self) -> Any:
        """What was written and what came since the script began."""
        return self.port.log

    def told(self) -> str:
        """Return what has been said on the line, for the message of a failure."""
        lines = [f"  {e.asked!r} -> {bytes(e.answered[:200])!r}" for e in self.log[-12:]]
        return "\n".join(lines)

    def _open(self) -> Any:
        case = self.fuzz.case
        keywords = {**case.keywords, **self.fuzz.keywords}
        return case.driver(self.link, NAME, clock=self.clock, **keywords)

    @property
    def is_released(self) -> bool:
        """Whether the driver has closed its port."""
        return all(adapter._closed for adapter in self.link.adapters)


def _require_name(error: LabcoolError) -> None:
    assert NAME in str(error), f"an error without the instrument's name: {error!r}"
    assert getattr(error, "instrument", NAME) == NAME, repr(error)

"""What the fuzz needs of a driver: its device, what can be asked and done, and an oracle for each.

An oracle is written from the instrument's protocol, not from its driver: it looks at the bytes that
were sent and that came, and says whether a value is what they mean. It knows nothing of retries: it
takes the last answer to a question, and the whole of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fuzz_bytes import CHANGES, Change
from fuzz_port import Exchange
from hypothesis import strategies as st
from instrument_rig import Case

Log = Sequence[Exchange]


class Oracle(Protocol):
    """Says whether a value is what has come."""

    def __call__(self, log: Log, value: Any) -> bool: ...


@dataclass(frozen=True)
class Said:
    """The whole answer to one question, and the value that it stands for.

    :param question: the bytes that ask, terminator included.
    :param pattern: of the whole answer, as bytes; anything else is none.
    :param value: made of the match; ValueError: there is no such value.
    :param lowest: smallest number that the instrument can have.
    :param highest: largest number that it can have.
    :param anywhere: whether any answer counts instead of the last, where a question comes often.
    """

    question: bytes
    pattern: bytes
    value: Callable[[re.Match[bytes]], Any]
    lowest: float = -math.inf
    highest: float = math.inf
    anywhere: bool = False

    def __call__(self, log: Log, value: Any) -> bool:
        answers = [bytes(e.answered) for e in log if e.asked == self.question]
        if not self.anywhere:
            answers = answers[-1:]
        return any(same(value, meant) for answer in answers for meant in self.meant(answer))

    def meant(self, answer: bytes) -> list[Any]:
        """Return the value of an answer, none if it is no answer to this question."""
        found = re.fullmatch(self.pattern, answer, re.DOTALL)
        if found is None:
            return []
        try:
            value = self.value(found)
        except ValueError:
            return []
        inside = not isinstance(value, float | int) or self.lowest <= value <= self.highest
        return [value] if inside else []

    def last(self, log: Log) -> Any:
        """Return the value of the last answer; None if there is none or it has no value."""
        answers = [bytes(e.answered) for e in log if e.asked == self.question]
        meant = self.meant(answers[-1]) if answers else []
        return meant[0] if meant else None


@dataclass(frozen=True)
class Reading:
    """Something that returns a value.

    :param ask: asks the driver.
    :param accepts: the oracle.
    """

    ask: Callable[[Any], Any]
    accepts: Oracle


@dataclass(frozen=True)
class Action:
    """Something that changes the instrument.

    :param do: has the driver do it.
    :param promise: what the bytes must show if it has returned without an error.
    """

    do: Callable[[Any], Any]
    promise: Callable[[Log], bool] = lambda _: True


@dataclass(frozen=True)
class FuzzCase:
    """A driver as the fuzz needs it.

    :param case: the driver and its simulated device.
    :param readings: by name: of a property, or of a method with its arguments in brackets.
    :param actions: by name: of a method with its arguments, or of a property with ``=``.
    :param identity: what a driver that has connected must have been told.
    :param settings: for each key of ``settings()`` the oracle; None: it cannot change.
    :param is_safe: what the bytes must show if ``make_safe()`` has returned without an error.
    :param kept: public names that are known without asking, or change only the driver.
    :param longest: longest time of a call that waits for nothing but answers, virtual s.
    :param longest_action: longest time of any call, virtual s.
    :param prepare: brings a connected driver to where fuzzing begins.
    :param reseal: makes a change inside an answer and a right checksum.
    :param keywords: for the driver's constructor, besides those of the case.
    :param changes: what can become of an answer.
    :param most_bytes: that a call may read.
    :param rig: class that sets it up, if not a plain ``FuzzRig``.
    """

    case: Case
    readings: Mapping[str, Reading]
    actions: Mapping[str, Action]
    identity: Callable[[Log, Any], bool]
    settings: Mapping[str, Oracle | None] = field(default_factory=dict)
    is_safe: Callable[[Log], bool] = lambda _: True
    kept: frozenset[str] = frozenset()
    longest: float = 60.0
    longest_action: float = 300.0
    prepare: Callable[[Any], object] = lambda _: None
    reseal: Callable[[bytes, Callable[[bytes], bytes]], bytes] | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)
    changes: st.SearchStrategy[Change] = CHANGES
    most_bytes: int = 1 << 17
    rig: Any = None


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same; NaN is like NaN, True is not like 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, float) and isinstance(other, float | int):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)


def attribute(name: str, accepts: Oracle) -> Reading:
    """Return the reading of a property."""
    return Reading(lambda instrument: getattr(instrument, name), accepts)


def assigned(name: str, value: Any, promise: Callable[[Log], bool] = lambda _: True) -> Action:
    """Return the setting of a property."""
    return Action(lambda instrument: setattr(instrument, name, value), promise)


def called(name: str, *values: Any, promise: Callable[[Log], bool] = lambda _: True) -> Action:
    """Return the call of a method."""
    return Action(lambda instrument: getattr(instrument, name)(*values), promise)


def within(value: Any, lowest: float, highest: float) -> bool:
    """Return whether a value is a finite number of that range."""
    return isinstance(value, float | int) and lowest <= value <= highest

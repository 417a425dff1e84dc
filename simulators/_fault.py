"""What can go wrong with a simulated instrument, as data: which fault, when, and for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from labcool.errors import ConfigurationError, LimitError

DEFAULT_DELAY_S: Final = 2.0
BOOT_S: Final = 2.0
"""How long a device is silent while it is switched off and on, unless ``for_s`` says otherwise."""

ANSWER_FAULTS: Final[Mapping[str, str]] = {
    "late": "the answer comes delay_s later, and whatever follows it does not overtake it",
    "dropped": "the answer is lost",
    "duplicated": "the answer comes twice",
    "shifted": "the answer before, or the same if it is the first, comes once more in front of it",
    "truncated": "the end of the answer is missing",
    "garbled": "one bit of the answer is wrong, where the protocol can tell",
}
"""Faults of one answer, which can happen more than once."""

STATE_FAULTS: Final[Mapping[str, str]] = {
    "disconnect": "the port vanishes from the computer, and comes back after for_s",
    "power_cycle": "it is switched off and on, and is silent for for_s (2 s)",
    "wrong_device": "something else answers on the port",
    "interlock_open": "its interlock is open",
    "stuck": "what it moves is stuck: a blade, a grating, an optic, a wheel",
    "sensor_open": "its sensor is broken off",
    "heater_open": "its heater is broken off",
    "saturation": "its detector gets far too much",
    "cooler_drift": "its cooler does not hold the temperature",
}
"""Faults that begin once, and last ``for_s`` or for good."""

KINDS: Final[Mapping[str, str]] = {**ANSWER_FAULTS, **STATE_FAULTS}
"""All faults by name, in words. Which of them a device can have, it tells itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, to be put into one device.

    :param kind: one of :data:`KINDS`.
    :param after: how many answers of the device pass before it, counted from when it is put in.
    :param from_s: how long after it is put in it can happen first, s.
    :param probability: with which it happens, diced for each answer.
    :param times: how many answers it hits; None: one, or with ``probability`` or ``for_s`` as many
        as those say. Only for :data:`ANSWER_FAULTS`.
    :param for_s: how long it can hit answers, or how long it lasts, s; None: for good.
    :param delay_s: how much later a late answer comes, s; None: :data:`DEFAULT_DELAY_S`.
    :raises ConfigurationError: if there is no such fault, or it does not have such a parameter.
    :raises LimitError: if a parameter is out of its range.
    """

    kind: str
    after: int = 0
    from_s: float = 0.0
    probability: float = 1.0
    times: int | None = None
    for_s: float | None = None
    delay_s: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigurationError(
                f"there is no fault '{self.kind}'. There are: {', '.join(KINDS)}."
            )
        self._check_whole("after (answers)", self.after, 0)
        self._check("from_s (s)", self.from_s, 0.0, "a finite number, 0 or more")
        self._check("probability", self.probability, 1e-9, "above 0 and at most 1", 1.0)
        for field, value in (("for_s (s)", self.for_s), ("delay_s (s)", self.delay_s)):
            if value is not None:
                self._check(field, value, 1e-9, "a finite number above 0")
        if self.times is not None:
            self._check_whole("times (answers)", self.times, 1)
        for field, owners in (("times", tuple(ANSWER_FAULTS)), ("delay_s", ("late",))):
            if getattr(self, field) is not None and self.kind not in owners:
                raise ConfigurationError(
                    f"the fault '{self.kind}' has no {field}: only {', '.join(owners)} can have it."
                )

    @property
    def hits_answers(self) -> bool:
        """Whether it is a fault of single answers, not a state of the device."""
        return self.kind in ANSWER_FAULTS

    @property
    def most_hits(self) -> float:
        """How many answers it hits at most; inf: no limit."""
        if self.times is not None:
            return self.times
        return 1 if self.for_s is None and self.probability == 1.0 else math.inf

    @property
    def lasts(self) -> float:
        """How long it lasts or can hit answers, s; inf: for good."""
        if self.for_s is None:
            return BOOT_S if self.kind == "power_cycle" else math.inf
        return self.for_s

    def _check(
        self, field: str, value: float, lowest: float, allowed: str, highest: float = math.inf
    ) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and math.isfinite(value) and lowest <= value <= highest):
            raise LimitError(f"fault '{self.kind}': {field}", value, allowed)

    def _check_whole(self, field: str, value: int, lowest: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise LimitError(
                f"fault '{self.kind}': {field}", value, f"a whole number of at least {lowest}"
            )


PARAMETERS: Final = tuple(field.name for field in fields(Fault) if field.name != "kind")

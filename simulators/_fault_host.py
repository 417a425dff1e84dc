"""Faults that have been put into a device: when they begin, whom they hit, and when they end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

import numpy as np

from labcool.clock import Clock
from labcool.errors import ConfigurationError
from simulators._fault import ANSWER_FAULTS, KINDS, Fault
from simulators.device import Switch


class Injection:
    """A fault in a device, and what has become of it."""

    def __init__(self, fault: Fault, moment: float) -> None:
        self.fault = fault
        self.hits = 0
        """Number of answers it has hit, or 1 if it has begun."""
        self.concerns: tuple[bytes, ...] = ()
        """The last answer that it has hit, as it should have been, and the one before."""
        self.is_over = False
        self._seen = 0
        self._diced_for = -1
        self._earliest = moment + fault.from_s
        self._began: float | None = None

    @property
    def acts(self) -> bool:
        """Whether it has begun and is not over; what hits answers begins with the first."""
        return self._began is not None and not self.is_over

    def see_answer(self) -> None:
        """Take note that the device is about to answer."""
        self._seen += 1

    def strikes(self, now: float, rng: np.random.Generator) -> bool:
        """Dice, once for each answer, whether the fault hits it, or begins now."""
        self.expire(now)
        if self.is_over or now < self._earliest or self._diced_for == self._seen:
            return False
        if self._seen < self.fault.after + self.fault.hits_answers:
            return False
        self._diced_for = self._seen
        if self._began is None and self.fault.hits_answers:
            self._began = now
        if rng.random() >= self.fault.probability:
            return False
        self._began = now if self._began is None else self._began
        self.hits += 1
        self.is_over = self.fault.hits_answers and self.hits >= self.fault.most_hits
        return True

    def expire(self, now: float) -> None:
        """Be over if the time is."""
        if self._began is not None and now >= self._began + self.fault.lasts:
            self.is_over = True


class FaultHost(ABC):
    """A simulated device that faults can be put into.

    :param clock: that of the device.
    :param rng: dice for the faults.
    """

    def __init__(self, clock: Clock, rng: np.random.Generator | None) -> None:
        self._fault_clock = clock
        self._fault_rng = np.random.default_rng(0) if rng is None else rng
        self._injections: list[Injection] = []
        self._lasting: list[Injection] = []

    @abstractmethod
    def states(self) -> Mapping[str, Switch]:
        """Return the lasting faults that this device can have, by name, and what they do."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the faults that this device can have, in the order of :data:`KINDS`."""
        states = self.states()
        answers = self._answer_faults
        return tuple(kind for kind in KINDS if kind in states or kind in answers)

    _answer_faults: Collection[str] = tuple(ANSWER_FAULTS)
    """Which faults can hit its answers."""

    def inject(self, fault: Fault) -> Injection:
        """Put a fault in; it counts answers and time from now on.

        :raises ConfigurationError: if this device cannot have it; the message lists what it can.
        """
        if fault.kind not in self.kinds:
            raise ConfigurationError(
                f"the fault '{fault.kind}' does not apply to this instrument. It can have: "
                f"{', '.join(self.kinds)}."
            )
        injection = Injection(fault, self._fault_clock.now())
        self._injections.append(injection)
        self.poke()
        return injection

    def clear(self) -> None:
        """End all faults; an answer that is late is still on its way."""
        for injection in self._injections:
            injection.is_over = True
        self.poke()

    def poke(self) -> None:
        """Begin and end what is due by now; called whenever somebody speaks or listens."""
        if not self._injections:
            return
        now = self._fault_clock.now()
        for injection in self._lasting.copy():
            injection.expire(now)
            if injection.is_over:
                self._lasting.remove(injection)
                self.states()[injection.fault.kind](False)
        for injection in self._injections:
            if not injection.fault.hits_answers and not injection.acts:
                self._begin_if_due(injection, now)
        self._injections = [each for each in self._injections if not each.is_over]

    def _begin_if_due(self, injection: Injection, now: float) -> None:
        if injection.strikes(now, self._fault_rng):
            self._lasting.append(injection)
            self.states()[injection.fault.kind](True)

    def _hits(self, *, answer: bytes, before: bytes) -> list[Fault]:
        """Count one answer and return the faults that hit it; ``before`` was sent before it."""
        if not self._injections:
            return []
        now = self._fault_clock.now()
        for injection in self._injections:
            injection.see_answer()
        hitting = [
            injection
            for injection in self._injections
            if injection.fault.hits_answers and injection.strikes(now, self._fault_rng)
        ]
        for injection in hitting:
            injection.concerns = (answer, before)
        return [injection.fault for injection in hitting]

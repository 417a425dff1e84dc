"""What a chopper does to the beam that passes it, and the reference it gives to a lock-in.

Slots are as wide as what is between them and wide against the beam: the beam is chopped into a
symmetric square wave, whose fundamental has ``√2/π`` (rms) of the height.

UNVERIFIED on hardware: that the reference output is dead while the motor is off or the blade turns
less than once a second, and that a blade locked to ``target`` has the phase that was set.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Final

from simulators._chopper_wheel import Motion

OPEN_PART: Final = 0.5
RMS_OF_SQUARE: Final = math.sqrt(2) / math.pi
"""Rms of the fundamental of a symmetric square wave from 0 to 1."""

_IN_STEP: Final = 1e-3
_SLOWEST_SENSED_TURNS_PER_S: Final = 1.0
_FEWEST_CYCLES: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Chopping:
    """A chopper from some moment on.

    :param motion: of its wheel.
    :param slots: of the ring that the beam passes.
    :param phase: adjustment, degrees.
    :param sensed_slots: slots to the turn of the reference output, if that follows the blade.
    :param target_hz: of the reference output, if that follows the set frequency; 0: it is dead.
    """

    motion: Motion
    slots: int
    phase: float = 0.0
    sensed_slots: int | None = None
    target_hz: float = 0.0

    def cycles(self, moment: float) -> float:
        """Return how many cycles the beam has seen by ``moment`` (clock s)."""
        return self.motion.turns(moment) * self.slots + self.phase / 360

    def passes(self, moment: float) -> bool:
        """Return True if the beam passes at ``moment``, with the wheel turning or not."""
        return self.cycles(moment) % 1.0 < OPEN_PART

    def duty(self, begin: float, end: float) -> float:
        """Return for which part of the time the beam passes, between two moments (clock s)."""
        first, last = self.cycles(begin), self.cycles(end)
        if last - first < _FEWEST_CYCLES:
            return float(self.passes(begin))
        return (_open_cycles(last) - _open_cycles(first)) / (last - first)

    def frequency(self, moment: float) -> float:
        """Return how often the beam is chopped, Hz."""
        return self.motion.rate(moment) * self.slots

    def reference_hz(self, moment: float) -> float | None:
        """Return the frequency at the reference output, Hz; None while that is dead."""
        if self.sensed_slots is None:
            return self.target_hz or None
        rate = self.motion.rate(moment)
        return rate * self.sensed_slots if rate >= _SLOWEST_SENSED_TURNS_PER_S else None

    def in_step(self, moment: float) -> complex:
        """Return rms and phase of the fundamental against the reference, for a beam of 1.

        0 if there is no reference, or the beam is chopped at another frequency than that.
        """
        reference = self.reference_hz(moment)
        if reference is None or abs(self.frequency(moment) / reference - 1) > _IN_STEP:
            return 0j
        lead = self.phase if self.sensed_slots is None else 0.0
        return cmath.rect(RMS_OF_SQUARE, math.radians(lead))


def _open_cycles(cycles: float) -> float:
    """Return the time, in cycles, during which the beam has passed."""
    whole = math.floor(cycles)
    return whole * OPEN_PART + min(cycles - whole, OPEN_PART)

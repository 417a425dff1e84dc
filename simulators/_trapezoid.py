"""Motion of one axis in pieces of constant acceleration.

A move is a trapezoid of speed against time: it accelerates, cruises and brakes; a short one is a
triangle. Positions are in steps, times are clock moments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Constant ``acceleration`` (steps/s²) from ``moment`` on for ``duration`` (s, may be inf)."""

    moment: float
    position: float
    velocity: float
    acceleration: float
    duration: float

    @property
    def end(self) -> float:
        """Clock moment at which the piece ends."""
        return self.moment + self.duration

    def position_at(self, moment: float) -> float:
        """Return the position (steps); the piece's own begin or end outside of it."""
        passed = min(max(moment - self.moment, 0.0), self.duration)
        return self.position + self.velocity * passed + self.acceleration * passed * passed / 2

    def velocity_at(self, moment: float) -> float:
        """Return the velocity (steps/s) within the piece."""
        return self.velocity + self.acceleration * min(max(moment - self.moment, 0), self.duration)


@dataclass(frozen=True)
class Motion:
    """Pieces one after the other, and then rest at ``target`` (steps)."""

    pieces: Sequence[Piece]
    target: int

    @property
    def end(self) -> float:
        """Clock moment from which the axis rests; inf if it never does."""
        return self.pieces[-1].end if self.pieces else -math.inf

    def position(self, moment: float) -> float:
        """Return the position (steps) at ``moment``."""
        if moment >= self.end:
            return self.target
        return self._piece(moment).position_at(moment)

    def velocity(self, moment: float) -> float:
        """Return the velocity (steps/s) at ``moment``."""
        return 0.0 if moment >= self.end else self._piece(moment).velocity_at(moment)

    def _piece(self, moment: float) -> Piece:
        return next((piece for piece in self.pieces if moment < piece.end), self.pieces[-1])


def rest(position: int) -> Motion:
    """Return no motion at all."""
    return Motion((), position)


def travel(
    moment: float, begin: float, targets: Sequence[int], speed: float, acceleration: float
) -> Motion:
    """Return a motion from rest at ``begin`` to each target in turn, with a stop at each."""
    pieces: list[Piece] = []
    here = begin
    for target in targets:
        distance, way = abs(target - here), math.copysign(1.0, target - here)
        ramp = min(speed / acceleration, math.sqrt(distance / acceleration))
        top = acceleration * ramp
        cruise = (distance - top * ramp) / top if top else 0.0
        pieces.append(Piece(moment, here, 0.0, way * acceleration, ramp))
        along = here + way * top * ramp / 2
        pieces.append(Piece(moment + ramp, along, way * top, 0.0, cruise))
        braking = moment + ramp + cruise
        along += way * top * cruise
        pieces.append(Piece(braking, along, way * top, -way * acceleration, ramp))
        moment, here = braking + ramp, target
    return Motion(pieces, int(here))


def run(moment: float, begin: float, velocity: float, acceleration: float) -> Motion:
    """Return a motion from rest that reaches ``velocity`` (steps/s, signed) and never ends."""
    ramp = abs(velocity) / acceleration
    speeding = Piece(moment, begin, 0.0, math.copysign(acceleration, velocity), ramp)
    along = begin + velocity * ramp / 2
    return Motion((speeding, Piece(moment + ramp, along, velocity, 0.0, math.inf)), round(along))


def brake(moment: float, begin: float, velocity: float, deceleration: float) -> Motion:
    """Return a motion that begins with ``velocity`` (steps/s, signed) and comes to rest."""
    time = abs(velocity) / deceleration
    piece = Piece(moment, begin, velocity, -math.copysign(deceleration, velocity), time)
    return Motion((piece,), round(piece.position_at(piece.end)))

"""What comes to a lock-in's input, and how it is sampled without missing a step.

A signal is known at any moment but not as a formula. Between two moments it is taken as a chain of
straight pieces, short against the filter's time constant; where it changes a lot within a piece the
change is hunted down by bisection, so that a shutter that opens is in time to a thousandth of the
time constant.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

Signal: TypeAlias = Callable[[float], complex]
"""Amplitude (V rms, in-phase + i·quadrature to the reference) at a moment (s)."""

Harmonics: TypeAlias = Callable[[int, float], complex]
"""Amplitude of a harmonic at a moment (s) relative to the fundamental."""

_PIECES_PER_TIME_CONSTANT: Final = 4
_SMALL_CHANGE: Final = 0.01
_SHORTEST: Final = 1e-3


def pure_sine(harmonic: int, _moment: float) -> complex:
    """Return the amplitude of a harmonic relative to the fundamental: a sine has no others."""
    return complex(harmonic == 1)


def square_wave(harmonic: int, _moment: float) -> complex:
    """Return the amplitude of a harmonic of a symmetric square wave (a chopped beam)."""
    return complex(1 / harmonic if harmonic % 2 else 0.0)


def harmonic_of(fundamental: complex, harmonic: int, content: complex) -> complex:
    """Return the amplitude of a harmonic; its phase runs ``harmonic`` times as fast."""
    if harmonic == 1:
        return fundamental * content
    return abs(fundamental) * content * cmath.exp(1j * harmonic * cmath.phase(fundamental))


def sample(
    signal: Signal, begin: float, end: float, time_constant: float
) -> Iterator[tuple[float, complex]]:
    """Yield ``(moment, amplitude)`` from ``begin`` to ``end``, both included, in order.

    :param time_constant: sets how far apart the points may be, s.
    """
    count = max(1, int((end - begin) * _PIECES_PER_TIME_CONSTANT / time_constant))
    here, value = begin, signal(begin)
    yield here, value
    for index in range(1, count + 1):
        there = end if index == count else begin + (end - begin) * index / count
        arrival = signal(there)
        yield from _between(signal, (here, value), (there, arrival), _SHORTEST * time_constant)
        here, value = there, arrival
        yield here, value


def _between(
    signal: Signal, begin: tuple[float, complex], end: tuple[float, complex], shortest: float
) -> Iterator[tuple[float, complex]]:
    """Yield points around the steepest change between two points, if it is worth while."""
    later: list[tuple[float, complex]] = []
    while _differ(begin[1], end[1]) and end[0] - begin[0] > shortest:
        moment = (begin[0] + end[0]) / 2
        middle = (moment, signal(moment))
        if abs(middle[1] - begin[1]) >= abs(end[1] - middle[1]):
            later.append(middle)
            end = middle
        else:
            yield middle
            begin = middle
    yield from reversed(later)


def _differ(one: complex, other: complex) -> bool:
    return abs(one - other) > _SMALL_CHANGE * max(abs(one), abs(other))

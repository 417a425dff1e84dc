"""What the faults of single answers make of the bytes.

An answer is a list of pieces, each with the moment (clock s) at which it leaves.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from simulators._fault import DEFAULT_DELAY_S, Fault

Answer: TypeAlias = list[tuple[float, bytes]]

_WRONG_BIT = 0x80
"""In no character of a text protocol, so that text shows it."""


def whole(answer: Answer) -> bytes:
    """Return the bytes of an answer."""
    return b"".join(piece for _, piece in answer)


def altered(
    answer: Answer, fault: Fault, before: bytes, telltale: slice, rng: np.random.Generator
) -> Answer:
    """Return what a fault leaves of an answer.

    :param before: the answer before; empty if there was none.
    :param telltale: the bytes in which an error shows.
    """
    match fault.kind:
        case "late":
            delay = DEFAULT_DELAY_S if fault.delay_s is None else fault.delay_s
            return [(moment + delay, piece) for moment, piece in answer]
        case "dropped":
            return []
        case "duplicated":
            return [*answer, (answer[-1][0], whole(answer))]
        case "shifted":
            return [(answer[0][0], before or whole(answer)), *answer]
        case "truncated":
            # Less than fills it up at its end: that would not be missed.
            return _first(answer, int(rng.integers(len(whole(answer).rstrip(b"\0")) or 1)))
        case _:
            return _with_wrong_bit(answer, telltale, rng)


def _first(answer: Answer, count: int) -> Answer:
    kept: Answer = []
    for moment, piece in answer:
        if count > 0:
            kept.append((moment, piece[:count]))
        count -= len(piece)
    return kept


def _with_wrong_bit(answer: Answer, telltale: slice, rng: np.random.Generator) -> Answer:
    content = bytearray(whole(answer))
    candidates = range(len(content))[telltale] or range(len(content))
    content[candidates[int(rng.integers(len(candidates)))]] ^= _WRONG_BIT
    changed: Answer = []
    for moment, piece in answer:
        changed.append((moment, bytes(content[: len(piece)])))
        del content[: len(piece)]
    return changed

"""The run's log: fixed-length rows, so that it can grow while others read.

A text longer than a row goes on in the following rows; a negative level marks such a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError

EVENT_DTYPE: Final = np.dtype(
    [("time", "<f8"), ("level", "i1"), ("source", "S32"), ("text", "S200")]
)
CONTINUATION: Final = "a negative level continues the text of the row before"


class Event(NamedTuple):
    """One entry of the log: s since the start, a :mod:`logging` level, who, and what."""

    time: float
    level: int
    source: str
    text: str


def to_rows(event: Event) -> list[tuple[float, int, bytes, bytes]]:
    """Return the rows that hold an event; a source that is too long is kept in the text.

    :raises LimitError: if the level is not one of 1 to 127.
    """
    if not 1 <= event.level <= 127:
        raise LimitError("level of a log entry", event.level, "from 1 to 127", "DEBUG is 10.")
    source, text = event.source.replace("\0", "\\0"), event.text.replace("\0", "\\0")
    if len(source.encode()) > EVENT_DTYPE["source"].itemsize:
        text = f"{source}: {text}"
    name = _pieces(source, EVENT_DTYPE["source"].itemsize)[0]
    pieces = _pieces(text, EVENT_DTYPE["text"].itemsize)
    levels = [event.level] + [-event.level] * (len(pieces) - 1)
    return [(event.time, level, name, piece) for level, piece in zip(levels, pieces, strict=True)]


def from_rows(rows: NDArray[Any]) -> list[Event]:
    """Return the events that rows hold, long texts joined again."""
    events: list[Event] = []
    for time, level, source, text in rows:
        if level < 0 and events:
            events[-1] = events[-1]._replace(text=events[-1].text + text.decode())
        else:
            events.append(Event(float(time), abs(int(level)), source.decode(), text.decode()))
    return events


def as_array(rows: Iterable[tuple[float, int, bytes, bytes]]) -> NDArray[Any]:
    """Return rows as a structured array."""
    return np.array(list(rows), dtype=EVENT_DTYPE)


def _pieces(text: str, size: int) -> list[bytes]:
    """Cut a text into UTF-8 pieces of at most ``size`` bytes, never within a character."""
    data = text.encode()
    pieces: list[bytes] = []
    while len(data) > size:
        end = size
        while data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[:end])
        data = data[end:]
    return [*pieces, data]

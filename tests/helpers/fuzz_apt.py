"""APT messages in the bytes that came, found by their headers (Thorlabs' protocol description)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from fuzz_case import Log, Oracle

HOST, CONTROLLER = b"\x01", b"\x50"
CHANNEL = 1


def answered(log: Log, request: str) -> bytes:
    """Return all that has come since a question was last asked; its channel is 1."""
    question = bytes.fromhex(request) + bytes((CHANNEL, 0)) + CONTROLLER + HOST
    asked = [index for index, exchange in enumerate(log) if exchange.asked == question]
    return b"".join(bytes(e.answered) for e in log[asked[-1] :]) if asked else b""


def channel_of(log: Log, request: str, answer: str) -> list[tuple[int, int]]:
    """Return channel and second parameter of each header-only answer to a question."""
    came, head = answered(log, request), bytes.fromhex(answer)
    frames = [came[at : at + 6] for at in range(len(came) - 5) if came[at : at + 2] == head]
    return [(f[2], f[3]) for f in frames if f[4:] == HOST + CONTROLLER]


def header_value(request: str, answer: str, values: Mapping[int, Any]) -> Oracle:
    """Return the oracle of a code in an answer without data, which must be of channel 1."""

    def accepts(log: Log, value: Any) -> bool:
        codes = [code for channel, code in channel_of(log, request, answer) if channel == CHANNEL]
        return any(code in values and values[code] == value for code in codes)

    return accepts


def data_of(log: Log, request: str, answer: str, form: str) -> list[tuple[Any, ...]]:
    """Return the data of each answer to a question, unpacked; the first number is the channel."""
    came, layout = answered(log, request), struct.Struct("<H" + form)
    head = bytes.fromhex(answer) + layout.size.to_bytes(2, "little") + b"\x81" + CONTROLLER
    found = []
    for at in range(len(came) - 5 - layout.size):
        if came.startswith(head, at):
            channel, *rest = layout.unpack_from(came, at + 6)
            found += [tuple(rest)] if channel == CHANNEL else []
    return found


def status_bits(log: Log) -> list[int]:
    """Return the status words that came since they were last asked for."""
    return [bits for (bits,) in data_of(log, "29 04", "2A 04", "I")]


def positions(log: Log) -> list[int]:
    """Return the step counters that came since they were last asked for."""
    return [steps for (steps,) in data_of(log, "11 04", "12 04", "i")]

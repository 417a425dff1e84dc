"""Interbus telegrams in the bytes that went and came, and what is known of the SuperK modules."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fuzz_case import Log, Oracle

START, END, ESCAPE, SHIFT = 0x0D, 0x0A, 0x5E, 0x40
READ, DATAGRAM = 4, 8
SOURCE, RF, HOUSING, VARIA = 15, 16, 18, 17
MODES = (
    *("constant current", "constant power", "externally modulated current"),
    *("externally modulated power", "external feedback"),
)
CURRENT_MODES = (0, 2)
INTERLOCK = ("open", "waiting for reset", "ok")
LONGEST_NM = 5000.0
ABSOLUTE_ZERO_C = -273.15


class Telegram(NamedTuple):
    """What stands between start and CRC."""

    destination: int
    source: int
    kind: int
    register: int
    data: bytes


def telegrams(stream: bytes) -> Iterator[Telegram]:
    """Yield every telegram with a right CRC, each from the last start byte before its end."""
    for piece in stream.split(bytes((END,)))[:-1]:
        _, start, stuffed = piece.rpartition(bytes((START,)))
        content = unstuffed(stuffed)
        if start and content and len(content) >= 6 and not binascii.crc_hqx(content, 0):
            yield Telegram(*content[:4], content[4:-2])


def unstuffed(stuffed: bytes) -> bytes | None:
    """Return the bytes behind the escapes, None for a wrong escape."""
    content, waiting = bytearray(), iter(stuffed)
    for byte in waiting:
        plain = byte if byte != ESCAPE else next(waiting, 0) - SHIFT
        if byte == ESCAPE and plain not in (START, END, ESCAPE):
            return None
        content.append(plain)
    return bytes(content)


def resealed(answer: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the data of a telegram and give it a right CRC again."""
    found = next(telegrams(answer), None)
    if found is None:
        return change(answer)
    content = bytes(found[:4]) + change(found.data)[:240]
    content += binascii.crc_hqx(content, 0).to_bytes(2, "big")
    special = {START, END, ESCAPE}
    stuffed = b"".join(bytes((ESCAPE, b + SHIFT) if b in special else (b,)) for b in content)
    return bytes((START, *stuffed, END))


def data(log: Log, module: int, register: int) -> bytes | None:
    """Return the data of the answer to the last read of a register, None if there is none.

    Only what is addressed to the host address of that request counts.
    """
    asked = None
    for index, exchange in enumerate(log):
        for request in telegrams(exchange.asked):
            if (request.destination, request.kind, request.register) == (module, READ, register):
                asked = index, request.source
    if asked is None:
        return None
    came = b"".join(bytes(exchange.answered) for exchange in log[asked[0] :])
    wanted = (asked[1], module, DATAGRAM, register)
    return next((t.data for t in telegrams(came) if tuple(t[:4]) == wanted), None)


def number(
    *address: int,
    size: int = 2,
    scale: float = 1.0,
    signed: bool = False,
    sizes: tuple[int, ...] = (),
    lowest: float = -1e9,
    highest: float = 1e9,
) -> Callable[[Log], float | None]:
    """Return what reads the number in a register from the log."""

    def read(log: Log) -> float | None:
        found = data(log, *address)
        if found is None or len(found) not in (sizes or (size,)):
            return None
        value = int.from_bytes(found[:size], "little", signed=signed) * scale
        return value if lowest <= value <= highest else None

    return read


def is_number(read: Callable[[Log], float | None]) -> Oracle:
    def accepts(log: Log, value: Any) -> bool:
        found = read(log)
        return found is not None and abs(value - found) < 1e-6

    return accepts


def flag_of(read: Callable[[Log], float | None], mask: int) -> Oracle:
    def accepts(log: Log, value: Any) -> bool:
        found = read(log)
        return found is not None and bool(int(found) & mask) is value

    return accepts


def statuses(*modules: int) -> Oracle:
    """Accept words for as many bits as are set in all status words."""

    def accepts(log: Log, value: Any) -> bool:
        told = [
            words for words in (value.split(", ") if isinstance(value, str) else value) if words
        ]
        found = [status(module)(log) for module in modules]
        return None not in found and len(told) == sum(int(f or 0).bit_count() for f in found)

    return accepts


def status(module: int) -> Callable[[Log], float | None]:
    return number(module, 0x66, sizes=(1, 2, 4))


def emits(module: int) -> Oracle:
    """On if status bit or register say so; off only if both do."""
    switch = number(module, 0x30, size=1)

    def accepts(log: Log, value: bool) -> bool:
        bit, register = status(module)(log), switch(log)
        if bit is not None and int(bit) & 1:
            return value is True
        return bit is not None and register is not None and value is (register != 0)

    return accepts


def dark(module: int) -> Callable[[Log], bool]:
    return lambda log: emits(module)(log, False)


def lit(module: int) -> Callable[[Log], bool]:
    switch = number(module, 0x30, size=1)
    return lambda log: bool(int(status(module)(log) or 0) & 1 and switch(log))

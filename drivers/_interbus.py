"""Telegrams of the NKT Photonics Interbus, as bytes.

A telegram is ``0D | destination | source | type | register | data (at most 240 bytes) | CRC | 0A``.
The CRC is CRC-16/XMODEM over everything between, high byte first; all numbers in the data are
little-endian. Between start and end the bytes 0A, 0D and 5E are replaced by 5E and the byte plus
0x40, after the CRC is appended. Modules have the addresses 1 to 160, hosts 161 to 255.

Source: *Software Development Kit for NKT Photonics Instruments, Instruction manual*, chapter
"Interbus protocol". (It has nothing to do with INTERBUS of Phoenix Contact.)

Checked against the manual's own example (a write of 5000 to register 0x23 of module 10), a dozen
published telegrams, and the encoder and decoder of QMI (QuTech), with random telegrams.
"""

from __future__ import annotations

import binascii
from enum import IntEnum
from typing import Final, NamedTuple

START: Final = 0x0D
END: Final = 0x0A
ESCAPE: Final = 0x5E
SHIFT: Final = 0x40
HEADER_BYTES: Final = 4
CRC_BYTES: Final = 2
MOST_DATA: Final = 240
LONGEST_FRAME: Final = 2 + 2 * (HEADER_BYTES + MOST_DATA + CRC_BYTES)
MODULES: Final = range(1, 161)
HOSTS: Final = range(161, 256)

_SPECIAL: Final = (START, END, ESCAPE)


class Kind(IntEnum):
    """The type of a telegram."""

    NACK = 0
    CRC_ERROR = 1
    BUSY = 2
    ACK = 3
    READ = 4
    WRITE = 5
    SET_BITS = 6
    CLEAR_BITS = 7
    DATAGRAM = 8
    TOGGLE_BITS = 9


class Telegram(NamedTuple):
    """One telegram; the addresses, the register number and each data byte are 0 to 255."""

    destination: int
    source: int
    kind: Kind
    register: int
    data: bytes = b""

    def __str__(self) -> str:
        """Return the telegram in words, as for a log."""
        data = f" [{self.data.hex(' ')}]" if self.data else ""
        return (
            f"{self.kind.name} 0x{self.register:02X}{data} from {self.source} to {self.destination}"
        )


def pack(telegram: Telegram) -> bytes:
    """Return the bytes of a telegram.

    :raises ValueError: if an address or the register is no byte, or there is too much data.
    """
    if len(telegram.data) > MOST_DATA:
        raise ValueError(f"{len(telegram.data)} bytes of data, more than {MOST_DATA}")
    header = bytes((telegram.destination, telegram.source, telegram.kind, telegram.register))
    content = header + telegram.data
    content += binascii.crc_hqx(content, 0).to_bytes(CRC_BYTES, "big")
    return bytes((START, *_stuffed(content), END))


def unpack(frame: bytes) -> Telegram:
    """Return the telegram of a frame, start and end included.

    :raises ValueError: if start, end, escapes, length, CRC or type are not those of a telegram.
    """
    if len(frame) < 2 or frame[0] != START or frame[-1] != END:
        raise ValueError("no start or no end")
    content = _unstuffed(frame[1:-1])
    if not HEADER_BYTES + CRC_BYTES <= len(content) <= HEADER_BYTES + MOST_DATA + CRC_BYTES:
        raise ValueError(f"{len(content)} bytes between start and end")
    if binascii.crc_hqx(content, 0) != 0:
        raise ValueError("wrong CRC")
    destination, source, kind, register = content[:HEADER_BYTES]
    return Telegram(destination, source, Kind(kind), register, content[HEADER_BYTES:-CRC_BYTES])


def _stuffed(content: bytes) -> bytes:
    stuffed = bytearray()
    for byte in content:
        stuffed += bytes((ESCAPE, byte + SHIFT)) if byte in _SPECIAL else bytes((byte,))
    return bytes(stuffed)


def _unstuffed(stuffed: bytes) -> bytes:
    content = bytearray()
    waiting = iter(stuffed)
    for byte in waiting:
        if byte in (START, END):
            raise ValueError(f"0x{byte:02X} inside the telegram")
        if byte == ESCAPE:
            byte = next(waiting, SHIFT) - SHIFT
            if byte not in _SPECIAL:
                raise ValueError("wrong escape")
        content.append(byte)
    return bytes(content)

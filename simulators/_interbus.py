"""Telegrams of the NKT Photonics Interbus, as a module on the bus sees them.

Source: "Software Development Kit for NKT Photonics Instruments, Instruction Manual", chapter 2, and
the public drivers that follow it (QMI, pylablib). Not the INTERBUS of Phoenix Contact. On the wire:
0x0D, destination, sender, type, register, up to 240 bytes of data, CRC (high byte first), 0x0A. The
CRC is CRC-16/XMODEM over all from destination to data. Between the frame's ends 0x0A, 0x0D and
0x5E, also those of the CRC, go as 0x5E and the byte plus 0x40. Numbers in the data are
little-endian.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

LONGEST_DATA: Final = 240

_START, _END, _ESCAPE, _SHIFT = 0x0D, 0x0A, 0x5E, 0x40
_HEAD_LENGTH: Final = 4
_CRC_LENGTH: Final = 2
_LONGEST_FRAME: Final = 2 * (_HEAD_LENGTH + LONGEST_DATA + _CRC_LENGTH)


class Kind(IntEnum):
    """Type of a telegram: the first five answer, the others ask."""

    NACK = 0
    CRC_ERROR = 1
    BUSY = 2
    ACK = 3
    DATAGRAM = 8
    READ = 4
    WRITE = 5
    SET_BITS = 6
    CLEAR_BITS = 7
    TOGGLE_BITS = 9


ANSWERS: Final = frozenset({Kind.NACK, Kind.CRC_ERROR, Kind.BUSY, Kind.ACK, Kind.DATAGRAM})


@dataclass(frozen=True)
class Telegram:
    """One message; ``kind`` may be no known :class:`Kind` in what arrives."""

    destination: int
    sender: int
    kind: int
    register: int
    data: bytes = b""

    def frame(self, crc_mask: int = 0) -> bytes:
        """Return the bytes on the wire.

        :param crc_mask: bits of the CRC that are sent wrong.
        """
        head = bytes([self.destination, self.sender, self.kind, self.register])
        message = head + self.data
        crc = binascii.crc_hqx(message, 0) ^ crc_mask
        content = bytearray()
        for byte in message + crc.to_bytes(_CRC_LENGTH, "big"):
            special = byte in (_START, _END, _ESCAPE)
            content += bytes([_ESCAPE, byte + _SHIFT]) if special else bytes([byte])
        return bytes([_START, *content, _END])

    def answer(self, kind: Kind, data: bytes = b"") -> Telegram:
        """Return the answer of the module that was addressed."""
        return Telegram(self.sender, self.destination, kind, self.register, data)


class TelegramReader:
    """Cuts a stream of bytes into telegrams; whatever is none is passed over."""

    def __init__(self) -> None:
        self._content: bytearray | None = None

    def feed(self, data: bytes) -> Iterator[tuple[Telegram, bool]]:
        """Yield each telegram that ends in ``data``, and whether its CRC is right."""
        for byte in data:
            if byte == _START:
                self._content = bytearray()
            elif self._content is None:
                continue
            elif byte == _END:
                content, self._content = bytes(self._content), None
                if (message := _unescaped(content)) is not None:
                    yield message
            elif len(self._content) < _LONGEST_FRAME:
                self._content.append(byte)
            else:
                self._content = None


def _unescaped(content: bytes) -> tuple[Telegram, bool] | None:
    message = bytearray()
    stream = iter(content)
    for byte in stream:
        if byte == _ESCAPE:
            message.append((next(stream, _SHIFT) - _SHIFT) & 0xFF)
        else:
            message.append(byte)
    if not 0 <= len(message) - _HEAD_LENGTH - _CRC_LENGTH <= LONGEST_DATA:
        return None
    body, crc = bytes(message[:-_CRC_LENGTH]), bytes(message[-_CRC_LENGTH:])
    destination, sender, kind, register = body[:_HEAD_LENGTH]
    telegram = Telegram(destination, sender, kind, register, body[_HEAD_LENGTH:])
    return telegram, binascii.crc_hqx(body, 0) == int.from_bytes(crc, "big")

"""Thorlabs' APT messages as bytes: packing, unpacking, and finding them in a stream of bytes.

Every message begins with six bytes, little-endian: identifier (2), then either two parameters (1
each) or the length of the data that follow (2), destination (1) and source (1). Bit 7 of the
destination says that data follow. The host is 0x01, a controller on its own USB port 0x50. There is
no checksum and no terminator (Thorlabs, *APT Communications Protocol*, chapter "Description of the
Message Header").

A stream is therefore brought back into step by the header alone: destination, source, a known
identifier, and the length that belongs to it must all fit; else one byte is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

HEADER: Final = struct.Struct("<HBBBB")
HOST: Final = 0x01
CONTROLLER: Final = 0x50
DATA_FOLLOW: Final = 0x80
LONGEST_DATA: Final = 0xFFFF

HW_DISCONNECT: Final = 0x0002
HW_REQ_INFO: Final = 0x0005
HW_GET_INFO: Final = 0x0006
HW_RESPONSE: Final = 0x0080
HW_RICHRESPONSE: Final = 0x0081
MOD_GET_CHANENABLESTATE: Final = 0x0212
MOT_REQ_POSCOUNTER: Final = 0x0411
MOT_GET_POSCOUNTER: Final = 0x0412
MOT_REQ_VELPARAMS: Final = 0x0414
MOT_GET_VELPARAMS: Final = 0x0415
MOT_REQ_STATUSBITS: Final = 0x0429
MOT_GET_STATUSBITS: Final = 0x042A
MOT_MOVE_HOME: Final = 0x0443
MOT_MOVE_HOMED: Final = 0x0444
MOT_MOVE_ABSOLUTE: Final = 0x0453
MOT_MOVE_COMPLETED: Final = 0x0464
MOT_MOVE_STOP: Final = 0x0465
MOT_MOVE_STOPPED: Final = 0x0466
MOT_GET_STATUSUPDATE: Final = 0x0481
SOL_SET_OPERATINGMODE: Final = 0x04C0
SOL_REQ_OPERATINGMODE: Final = 0x04C1
SOL_GET_OPERATINGMODE: Final = 0x04C2
SOL_GET_CYCLEPARAMS: Final = 0x04C5
SOL_REQ_INTERLOCKMODE: Final = 0x04C7
SOL_GET_INTERLOCKMODE: Final = 0x04C8
SOL_SET_STATE: Final = 0x04CB
SOL_REQ_STATE: Final = 0x04CC
SOL_GET_STATE: Final = 0x04CD

DATA_LENGTHS: Final[Mapping[int, int]] = {
    HW_DISCONNECT: 0,
    HW_GET_INFO: 84,
    HW_RESPONSE: 0,
    HW_RICHRESPONSE: 68,
    MOD_GET_CHANENABLESTATE: 0,
    MOT_GET_POSCOUNTER: 6,
    MOT_GET_VELPARAMS: 14,
    MOT_GET_STATUSBITS: 6,
    MOT_MOVE_HOMED: 0,
    MOT_MOVE_COMPLETED: 14,
    MOT_MOVE_STOPPED: 14,
    MOT_GET_STATUSUPDATE: 14,
    SOL_GET_OPERATINGMODE: 0,
    SOL_GET_CYCLEPARAMS: 14,
    SOL_GET_INTERLOCKMODE: 0,
    SOL_GET_STATE: 0,
}
"""The messages a controller sends, and how many bytes of data each has (0: header only)."""

UNASKED: Final = frozenset(
    {MOT_MOVE_HOMED, MOT_MOVE_COMPLETED, MOT_MOVE_STOPPED, MOT_GET_STATUSUPDATE}
)
"""What a controller sends of itself."""


class Message(NamedTuple):
    """One message.

    :param id: message identifier.
    :param first: first parameter of a header-only message (mostly the channel), 0 to 255.
    :param second: its second parameter, 0 to 255.
    :param data: what follows the header; empty for a header-only message.
    """

    id: int
    first: int = 0
    second: int = 0
    data: bytes = b""
    destination: int = CONTROLLER
    source: int = HOST


def pack(message: Message) -> bytes:
    """Return the bytes of a message.

    :raises ValueError: if a number does not fit its field, or a message with data has parameters.
    """
    first, second, destination = message.first, message.second, message.destination
    if destination & DATA_FOLLOW:
        raise ValueError(f"bit 7 of the destination 0x{destination:02X} is set by the data alone")
    if message.data:
        if first or second or len(message.data) > LONGEST_DATA:
            raise ValueError(
                f"a message with data has no parameters, and 65535 bytes at most: {message}"
            )
        second, first = divmod(len(message.data), 256)
        destination |= DATA_FOLLOW
    try:
        return HEADER.pack(message.id, first, second, destination, message.source) + message.data
    except struct.error as error:
        raise ValueError(f"{message} does not fit an APT header: {error}") from error


def unpack(frame: bytes) -> Message:
    """Return the message that exactly these bytes are.

    :raises ValueError: if they are fewer or more than the header says.
    """
    if len(frame) < HEADER.size:
        raise ValueError(f"{frame!r} is shorter than an APT header")
    identifier, first, second, destination, source = HEADER.unpack_from(frame)
    data = frame[HEADER.size :]
    expected = first + 256 * second if destination & DATA_FOLLOW else 0
    if len(data) != expected:
        raise ValueError(f"{len(data)} bytes of data in {frame!r} instead of {expected}")
    if destination & DATA_FOLLOW:
        first = second = 0
    return Message(identifier, first, second, data, destination & ~DATA_FOLLOW, source)


class Framer:
    """Finds the messages in the bytes that a controller sends to the host.

    :ivar skipped: how many bytes have been passed over so far, because no message began there.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self.skipped = 0

    @property
    def wanting(self) -> int:
        """Get how many more bytes the message that has begun needs at least (int, > 0)."""
        if len(self._pending) < HEADER.size:
            return HEADER.size - len(self._pending)
        return (self._length() or 1) - len(self._pending)

    def feed(self, arrived: bytes) -> list[Message]:
        """Take bytes and return the messages they complete.

        Fed with no more than :attr:`wanting` bytes at a time it returns one message at most.
        """
        self._pending += arrived
        messages = []
        while len(self._pending) >= HEADER.size:
            length = self._length()
            if length is None:
                del self._pending[0]
                self.skipped += 1
            elif len(self._pending) < length:
                break
            else:
                messages.append(unpack(bytes(self._pending[:length])))
                del self._pending[:length]
        return messages

    @property
    def begins_message(self) -> bool:
        """Get whether what is left over can be the beginning of a message, or is nothing (bool)."""
        left = bytes(self._pending[:2])
        return any(number.to_bytes(2, "little").startswith(left) for number in DATA_LENGTHS)

    def clear(self) -> None:
        """Forget a message that has begun."""
        self._pending.clear()

    def _length(self) -> int | None:
        """Return the length of the message that begins here, None if none does."""
        identifier, first, second, destination, source = HEADER.unpack_from(self._pending)
        data = DATA_LENGTHS.get(identifier)
        if data is None or source != CONTROLLER or destination & ~DATA_FOLLOW != HOST:
            return None
        if bool(destination & DATA_FOLLOW) != bool(data):
            return None
        if data and first + 256 * second != data:
            return None
        return HEADER.size + data

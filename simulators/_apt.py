"""The device's end of Thorlabs' APT protocol: messages in, messages out.

Source: Thorlabs "Motion Controllers Host-Controller Communications Protocol" (message list and
generic system control messages). 115200 8N1. A message is a header of six bytes, little-endian:
code (u16), then two parameters, destination and source; or, with bit 7 of the destination set,
code, length of the data (u16), destination and source, and the data. The host is 0x01, a USB device
on its own 0x50.

UNVERIFIED on hardware: what a device does with bytes that are no message (here: it skips bytes
until a header is addressed to it and announces no more than 255 bytes of data) and with a message
that never ends (here: given up after 0.5 s); that it never answers what it does not know.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators.device import SimulatedDevice

HOST: Final = 0x01
DEVICE: Final = 0x50
HEADER_LENGTH: Final = 6

_ENABLED, _DISABLED = 1, 2
_LONGEST_DATA: Final = 255
_ANSWER_TIME_S: Final = 0.002
_GIVE_UP_S: Final = 0.5
_LONG: Final = 0x80
_MOTION_CONTROLLER: Final = 16


class Code(IntEnum):
    """Messages that every device of the family knows."""

    HW_REQ_INFO = 0x0005
    HW_GET_INFO = 0x0006
    MOD_SET_ENABLE = 0x0210
    MOD_REQ_ENABLE = 0x0211
    MOD_GET_ENABLE = 0x0212
    MOT_REQ_STATUS_BITS = 0x0429
    MOT_GET_STATUS_BITS = 0x042A


@dataclass(frozen=True)
class Message:
    """One message, whoever sends it.

    ``data`` is None in a message that is a header only; otherwise both parameters are 0.
    """

    code: int
    first: int = 0
    second: int = 0
    data: bytes | None = None

    def encode(self, destination: int, source: int) -> bytes:
        """Return the bytes on the wire."""
        if self.data is None:
            return struct.pack("<HBBBB", self.code, self.first, self.second, destination, source)
        head = struct.pack("<HHBB", self.code, len(self.data), destination | _LONG, source)
        return head + self.data


def take_message(inbox: bytearray) -> Message | None:
    """Take the first message to the device off ``inbox``; bytes that begin none are dropped.

    :return: None if no complete message has arrived yet.
    """
    while len(inbox) >= HEADER_LENGTH:
        code, length, destination, _ = struct.unpack_from("<HHBB", inbox)
        is_long = bool(destination & _LONG)
        if destination & ~_LONG != DEVICE or (is_long and length > _LONGEST_DATA):
            del inbox[0]
            continue
        end = HEADER_LENGTH + (length if is_long else 0)
        if len(inbox) < end:
            return None
        header, data = bytes(inbox[:HEADER_LENGTH]), bytes(inbox[HEADER_LENGTH:end])
        del inbox[:end]
        return Message(code, data=data) if is_long else Message(code, header[2], header[3])
    return None


class APTDevice(SimulatedDevice):
    """What all devices of the family do alike: framing, identity, the enable state.

    :param model: up to eight characters.
    :param serial: serial number; its first two digits tell the model.
    :param firmware: major, interim and minor number.
    :raises LimitError: if the serial number does not have eight digits.
    """

    telltale = slice(0, 2)

    def __init__(
        self, clock: Clock, *, model: str, serial: int, firmware: tuple[int, int, int]
    ) -> None:
        if not 10_000_000 <= serial <= 99_999_999:
            raise LimitError("serial number", serial, "of eight digits")
        super().__init__(clock)
        self._model = model
        self._serial = serial
        self._firmware = firmware
        self._enabled = True
        self._inbox = bytearray()
        self._giving_up: int | None = None

    def _begin_anew(self) -> None:
        """Start enabled."""
        self._inbox.clear()
        self._enabled = True

    def _accept(self, data: bytes) -> None:
        self._cancel(self._giving_up)
        self._inbox += data
        while (message := take_message(self._inbox)) is not None:
            self._dispatch(message)
        if self._inbox:
            self._giving_up = self._appoint(self.clock.now() + _GIVE_UP_S, self._give_up)

    def _give_up(self, _: float) -> None:
        self._inbox.clear()

    def _dispatch(self, message: Message) -> None:
        match message.code:
            case Code.HW_REQ_INFO:
                self._tell_data(Code.HW_GET_INFO, self._information())
            case Code.MOD_SET_ENABLE if message.second in (_ENABLED, _DISABLED):
                self._enabled = message.second == _ENABLED
                self._enable_changed()
            case Code.MOD_REQ_ENABLE:
                self._tell(Code.MOD_GET_ENABLE, _ENABLED if self._enabled else _DISABLED)
            case _:
                self._handle(message)

    def _information(self) -> bytes:
        major, interim, minor = self._firmware
        return struct.pack(
            "<I8sH4B60sHHH",
            self._serial,
            self._model.encode(),
            _MOTION_CONTROLLER,
            minor,
            interim,
            major,
            0,
            b"",
            1,
            0,
            1,
        )

    def _tell(self, code: int, second: int, first: int = 1) -> None:
        """Send a message without data; ``first`` is the channel."""
        self._send(Message(code, first, second).encode(HOST, DEVICE), _ANSWER_TIME_S)

    def _tell_data(self, code: int, data: bytes) -> None:
        self._send(Message(code, data=data).encode(HOST, DEVICE), _ANSWER_TIME_S)

    def _enable_changed(self) -> None:
        """React to the channel having been enabled or disabled; by default not at all."""

    @abstractmethod
    def _handle(self, message: Message) -> None:
        """Work on a message that is not common to all devices."""

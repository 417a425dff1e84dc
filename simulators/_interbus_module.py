"""A module on an Interbus: its registers, and what it answers to a telegram.

Registers that all modules have: 0x61 type, 0x64 firmware (number and text), 0x65 serial number,
0x66 status bits, 0x67 error code. UNVERIFIED on hardware: that numbers outside a register's range,
and data of another length than the register's, are answered with NACK.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulators._interbus import Kind, Telegram

TYPE, FIRMWARE, SERIAL, STATUS, ERROR_CODE = 0x61, 0x64, 0x65, 0x66, 0x67
ERROR_PRESENT: Final = 1 << 15

_FIRMWARE_NUMBER: Final = 0x0105


def _nowhere(_: bytes) -> bool:
    return False


@dataclass(frozen=True)
class Register:
    """How a register is read, and written: ``write`` returns False for what is not allowed."""

    read: Callable[[], bytes]
    write: Callable[[bytes], bool] = _nowhere


class Number:
    """A number that a module keeps, little-endian and unsigned.

    :param value: at the start.
    :param size: bytes.
    :param highest: largest number allowed.
    :param lowest: smallest number allowed.
    """

    def __init__(self, value: int, size: int, highest: int, lowest: int = 0) -> None:
        self.value = value
        self._size = size
        self._range = range(lowest, highest + 1)

    def read(self) -> bytes:
        """Return the bytes of the number."""
        return self.value.to_bytes(self._size, "little")

    def write(self, data: bytes) -> bool:
        """Take the number in ``data``, or return False if it is not allowed."""
        if len(data) != self._size or int.from_bytes(data, "little") not in self._range:
            return False
        self.value = int.from_bytes(data, "little")
        return True

    def register(self) -> Register:
        """Return a register that may be read and written."""
        return Register(self.read, self.write)


class Text:
    """A text that a user may leave in a module: printable ASCII, ``longest`` characters."""

    def __init__(self, longest: int) -> None:
        self.value = b""
        self._longest = longest

    def register(self) -> Register:
        """Return a register that may be read and written."""
        return Register(lambda: self.value, self._write)

    def _write(self, data: bytes) -> bool:
        if len(data) > self._longest or not all(0x20 <= byte < 0x7F for byte in data):
            return False
        self.value = data
        return True


def constant(value: int, size: int, *, signed: bool = False) -> Register:
    """Return a register that always reads as ``value``."""
    content = value.to_bytes(size, "little", signed=signed)
    return Register(lambda: content)


def computed(value: Callable[[], int], size: int, *, signed: bool = False) -> Register:
    """Return a register that reads as what ``value()`` is by then."""
    return Register(lambda: value().to_bytes(size, "little", signed=signed))


class Module:
    """Base of all modules.

    :param module_type: content of register 0x61, one byte, or two in newer modules.
    :param serial: content of register 0x65.
    """

    def __init__(self, module_type: bytes, serial: str) -> None:
        self.error_code = 0
        self.fault_bits = 0
        self.registers: dict[int, Register] = {
            TYPE: Register(lambda: module_type),
            FIRMWARE: Register(self._firmware),
            SERIAL: Register(serial.encode),
            STATUS: computed(self._status_word, 2),
            ERROR_CODE: computed(lambda: self.error_code, 1),
        }

    def status(self) -> int:
        """Return the status bits that follow from what the module does; by default none."""
        return 0

    def answer(self, request: Telegram) -> tuple[Kind, bytes]:
        """Carry out a request and return the type and the data of the answer."""
        register = self.registers.get(request.register)
        if register is None:
            return Kind.NACK, b""
        match request.kind:
            case Kind.READ:
                return Kind.DATAGRAM, register.read()
            case Kind.WRITE:
                allowed = register.write(request.data)
            case Kind.SET_BITS | Kind.CLEAR_BITS | Kind.TOGGLE_BITS:
                allowed = _change_bits(register, request.kind, request.data)
            case _:
                allowed = False
        return (Kind.ACK if allowed else Kind.NACK), b""

    def _status_word(self) -> int:
        error = ERROR_PRESENT if self.error_code else 0
        return self.status() | self.fault_bits | error

    @staticmethod
    def _firmware() -> bytes:
        number = _FIRMWARE_NUMBER
        return number.to_bytes(2, "little") + f"{number >> 8}.{number & 0xFF:02}\0".encode()


def _change_bits(register: Register, kind: int, mask: bytes) -> bool:
    before = register.read()
    if len(mask) != len(before):
        return False
    pairs = zip(before, mask, strict=True)
    if kind == Kind.SET_BITS:
        return register.write(bytes(byte | bits for byte, bits in pairs))
    if kind == Kind.CLEAR_BITS:
        return register.write(bytes(byte & ~bits for byte, bits in pairs))
    return register.write(bytes(byte ^ bits for byte, bits in pairs))

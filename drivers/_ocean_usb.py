"""The few things labcool asks of an Ocean spectrometer past seabreeze's ``Spectrometer``.

Raw commands go through seabreeze's ``raw_usb_bus_access``, which both backends offer. What belongs
to pyseabreeze alone (read time-outs, discarding what the device has sent) is left out, silently,
where there is no pyusb device below.
"""

from __future__ import annotations

import logging
import math
import re
import struct
from collections.abc import Iterable
from typing import Any, Final

import usb.core

from labcool.errors import GarbledAnswer, InstrumentRefused
from labcool.units import kelvin

log = logging.getLogger(__name__)

READ_SLOT: Final = 0x05
READ_TEMPERATURE: Final = 0x6C
ANSWERS_PIPE: Final = "low_speed"
SATURATION_SLOT: Final = 17
NONLINEARITY_ORDER_SLOT: Final = 14
NONLINEARITY_SLOTS: Final = range(6, 14)
NUMBER: Final = re.compile(rb"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
CELSIUS_PER_STEP: Final = 0.003906
FLUSH_TIMEOUT_MS: Final = 20
FLUSH_READS: Final = 64
LARGEST_TRANSFER: Final = 8192


def ask(spectrometer: Any, command: bytes, length: int, name: str) -> bytes:
    """Send a raw command and return its answer of ``length`` bytes.

    :raises InstrumentRefused: if seabreeze offers no raw access to this device.
    :raises GarbledAnswer: if the answer has another length.
    """
    bus = getattr(spectrometer.f, "raw_usb_bus_access", None)
    if bus is None:
        raise InstrumentRefused(name, "seabreeze offers no raw USB access to this device.")
    if flush(spectrometer, (ANSWERS_PIPE,)):
        log.warning("%s: discarded an answer that nobody had fetched.", name)
    bus.raw_usb_write(command, "primary_out")
    answer = bytes(bus.raw_usb_read("primary_in", buffer_length=length))
    if len(answer) != length:
        raise GarbledAnswer(name, f"{answer!r} instead of {length} bytes for {command.hex()}.")
    return answer


def read_slot(spectrometer: Any, slot: int, name: str) -> bytes:
    """Return the 15 bytes of an EEPROM slot."""
    answer = ask(spectrometer, bytes([READ_SLOT, slot]), 17, name)
    if answer[:2] != bytes([READ_SLOT, slot]):
        raise GarbledAnswer(name, f"{answer!r} is not EEPROM slot {slot}.")
    return answer[2:]


def saturation_slot(spectrometer: Any, name: str) -> int:
    """Return the saturation level stored in the device, counts; 0 if none is."""
    (level,) = struct.unpack_from("<H", read_slot(spectrometer, SATURATION_SLOT, name), 4)
    return int(level)


def nonlinearity(spectrometer: Any, name: str) -> list[float]:
    """Return the stored nonlinearity polynomial, lowest order first; empty if there is none."""
    try:
        order = _number(spectrometer, NONLINEARITY_ORDER_SLOT, name)
        if order not in range(len(NONLINEARITY_SLOTS)):
            raise ValueError(f"the order is given as {order:g}")
        slots = NONLINEARITY_SLOTS[: int(order) + 1]
        return [_number(spectrometer, slot, name) for slot in slots]
    except ValueError as error:
        log.warning("%s: no nonlinearity coefficients are stored (%s).", name, error)
        return []


def _number(spectrometer: Any, slot: int, name: str) -> float:
    """Return the number in an EEPROM slot.

    :raises ValueError: if there is none, or it is not finite.
    """
    text = read_slot(spectrometer, slot, name).split(b"\x00")[0]
    if not NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        raise ValueError(f"slot {slot} holds {text!r}")
    return number


def board_temperature(spectrometer: Any, name: str) -> float:
    """Return the temperature of the circuit board, K."""
    _, steps = struct.unpack("<Bh", ask(spectrometer, bytes([READ_TEMPERATURE]), 3, name))
    return kelvin(steps * CELSIUS_PER_STEP)


def bound_reads(spectrometer: Any, margin: float) -> bool:
    """Let pyseabreeze wait for a spectrum for its integration time plus ``margin`` (s).

    Returns whether that was possible. pyseabreeze adds pyusb's default time-out to the integration
    time it believes in; cseabreeze has a time-out of its own that cannot be set.
    """
    device = getattr(getattr(_transport(spectrometer), "_device", None), "pyusb_device", None)
    if device is None:
        return False
    device.default_timeout = round(margin * 1000)
    return True


def flush(spectrometer: Any, pipes: Iterable[str]) -> int:
    """Discard what the device has sent into ``pipes`` and nobody has read (pyseabreeze only).

    Returns how many bytes that were.
    """
    discarded = 0
    transport = _transport(spectrometer)
    if transport is None:
        return discarded
    for pipe in pipes:
        for _ in range(FLUSH_READS):
            try:
                discarded += len(
                    transport.read(size=LARGEST_TRANSFER, timeout_ms=FLUSH_TIMEOUT_MS, mode=pipe)
                )
            except usb.core.USBTimeoutError:
                break
    return discarded


def _transport(spectrometer: Any) -> Any:
    protocol = getattr(spectrometer.f.spectrometer, "protocol", None)
    return getattr(protocol, "transport", None)

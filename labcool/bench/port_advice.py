"""What to check on the bench, by the kind of port and by what is wrong; texts for people.

What is special about an instrument, its driver says in its class attribute ``bench_advice``
(:mod:`labcool.bench.diagnosis`).
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from serial.tools import list_ports

from labcool.bench.failure_kinds import FailureKind

PortKind = Literal["serial", "GPIB", "USB", "network", "library"]

LINUX_SERIAL_GROUP: Final = (
    "Your account may not open serial ports. Once: sudo usermod -aG dialout $USER (on Arch: uucp), "
    "then log out and in again."
)
WRONG_ORDER: Final = (
    "Compare with the other entries of the bench file: two instruments may have changed places."
)
POWER_AND_CABLE: Final = "Is it switched on, and is the cable in at both ends?"
USB_RULE: Final = (
    "Your account may not open USB devices. Linux needs a udev rule for this one (vendor and "
    "product number are in the resource); then plug it in again."
)

_SERIAL: Final[Mapping[FailureKind, tuple[str, ...]]] = {
    FailureKind.NOT_FOUND: (
        "The port's name is wrong, or its USB cable or converter is not plugged in, or the "
        "converter's driver is not installed. Names change when plugs are moved; on Linux, those "
        "under /dev/serial/by-id do not.",
    ),
    FailureKind.IN_USE: (
        "Another program has the port open: a terminal, the maker's software, another labcool, "
        "LabVIEW. End it. If none is left, unplug the USB cable for a moment.",
    ),
    FailureKind.FORBIDDEN: (LINUX_SERIAL_GROUP,),
    FailureKind.SILENT: (
        POWER_AND_CABLE,
        "Is this its port, and are baud rate, data bits and parity the same at both ends?",
        "RS-232: straight cable or null modem, as the manual says?",
    ),
    FailureKind.GARBLED: (
        "The baud rate, data bits or parity differ at both ends, or the instrument echoes or "
        "comments what it is sent, or this is the port of something else.",
        "No other program may talk on the same port.",
    ),
    FailureKind.WRONG: (WRONG_ORDER,),
    FailureKind.LOST: ("Was a cable pulled, or the instrument switched off?",),
}
_GPIB: Final[Mapping[FailureKind, tuple[str, ...]]] = {
    FailureKind.NOT_FOUND: (
        "Is the address in the bench file (GPIB0::8::INSTR: 8) the one on its front panel, and "
        "does no other instrument have it?",
        "Does the computer see the GPIB interface (NI-MAX, or gpib_config on Linux)?",
    ),
    FailureKind.IN_USE: ("Another program uses the GPIB interface: end it.",),
    FailureKind.FORBIDDEN: (
        "Your account may not open the GPIB interface. Linux: the group gpib, or a udev rule.",
    ),
    FailureKind.MISSING: (
        "Windows: install NI-VISA or Keysight's IO Libraries. Linux: linux-gpib, then python -m "
        "pip install gpib-ctypes.",
    ),
    FailureKind.SILENT: (
        POWER_AND_CABLE,
        "Is the address in the bench file (GPIB0::8::INSTR: 8) the one on its front panel, and "
        "does no other instrument have it?",
        "Does its front panel send answers to GPIB, and not to RS-232?",
    ),
    FailureKind.GARBLED: ("Do two instruments have this address?",),
    FailureKind.WRONG: ("Is the address in the bench file that of this instrument?", WRONG_ORDER),
    FailureKind.LOST: (
        POWER_AND_CABLE,
        "Is the address right, and at least half of the instruments on the GPIB bus switched on?",
    ),
}
_USB: Final[Mapping[FailureKind, tuple[str, ...]]] = {
    FailureKind.NOT_FOUND: (
        POWER_AND_CABLE,
        "Is the serial number in the resource that of this instrument?",
        "Windows: is it among the USB test and measurement devices of the Device Manager? The "
        "maker's own driver hides it from VISA.",
    ),
    FailureKind.IN_USE: ("Another program, or a driver of the system, has it open: end that.",),
    FailureKind.FORBIDDEN: (USB_RULE,),
    FailureKind.MISSING: (
        "Windows: install NI-VISA. Otherwise libusb 1.0: python -m pip install libusb-package.",
    ),
    FailureKind.SILENT: (POWER_AND_CABLE, "Unplug the USB cable, and plug it in again."),
    FailureKind.GARBLED: ("Unplug the USB cable, and plug it in again.",),
    FailureKind.WRONG: ("Is the serial number in the resource that of this instrument?",),
    FailureKind.LOST: (POWER_AND_CABLE,),
}
_ADDRESS: Final = (
    "Are the IP address and the port number those that the instrument's menu shows, and does the "
    "computer reach it (ping)?"
)
_ONE_AT_A_TIME: Final = (
    "Most instruments serve one connection at a time: another program or computer may have it."
)
_NETWORK: Final[Mapping[FailureKind, tuple[str, ...]]] = {
    FailureKind.NOT_FOUND: (_ADDRESS, POWER_AND_CABLE),
    FailureKind.IN_USE: (_ONE_AT_A_TIME,),
    FailureKind.SILENT: (_ONE_AT_A_TIME, _ADDRESS),
    FailureKind.GARBLED: (_ONE_AT_A_TIME, "Is the port number right?"),
    FailureKind.WRONG: ("Is the IP address that of this instrument?", WRONG_ORDER),
    FailureKind.LOST: (_ADDRESS, _ONE_AT_A_TIME),
}
_LIBRARY: Final[Mapping[FailureKind, tuple[str, ...]]] = {
    FailureKind.NOT_FOUND: (POWER_AND_CABLE,),
    FailureKind.SILENT: (POWER_AND_CABLE,),
    FailureKind.LOST: (POWER_AND_CABLE, "No other program may have it open."),
}
_BY_PORT: Final[Mapping[PortKind, Mapping[FailureKind, tuple[str, ...]]]] = {
    "serial": _SERIAL,
    "GPIB": _GPIB,
    "USB": _USB,
    "network": _NETWORK,
    "library": _LIBRARY,
}
_PREFIXES: Final[Mapping[str, PortKind]] = {
    "ASRL": "serial",
    "COM": "serial",
    "/dev/": "serial",
    "GPIB": "GPIB",
    "USB": "USB",
    "TCPIP": "network",
}


def port_kind(resource: str | None) -> PortKind:
    """Return the kind of port that a bench file names; "library" if it names none."""
    written = (resource or "").upper()
    kinds = (kind for start, kind in _PREFIXES.items() if written.startswith(start.upper()))
    return next(kinds, "library")


def port_advice(resource: str | None, failure: FailureKind) -> tuple[str, ...]:
    """Return what to check at any instrument on such a port, the most likely first."""
    return _BY_PORT[port_kind(resource)].get(failure, ())


def serial_ports() -> str:
    """Return a sentence that names the serial ports of this computer."""
    ports = sorted(list_ports.comports(), key=lambda port: _natural(port.device))
    if not ports:
        return "This computer has no serial ports now."
    named = (_resource(port.device) + _described(port) for port in ports)
    return f"This computer has these serial ports: {', '.join(named)}."


def _resource(device: str) -> str:
    if platform.system() == "Windows" and (found := re.fullmatch(r"COM(\d+)", device)):
        return f"ASRL{found[1]}::INSTR = {device}"
    return f"ASRL{device}::INSTR"


def _described(port: Any) -> str:
    """Return what the system knows of a serial port, with the number that tells two alike apart."""
    known = [port.description] if port.description not in (None, "n/a") else []
    known += [f"serial number {port.serial_number}"] if port.serial_number else []
    return f" ({', '.join(known)})" if known else ""


def _natural(device: str) -> list[tuple[int, str]]:
    return [(int(part or 0), rest) for rest, part in re.findall(r"(\D*)(\d*)", device)]

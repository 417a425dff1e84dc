"""Why a port cannot be opened: what system, pyserial, PyVISA and its backends raise, told apart.

pyserial puts the system's error number into its own errors on Linux and only its text on Windows,
where "access denied" means that another program has the port. pyvisa-py raises a ValueError for a
library that is not installed, and a bare Exception for a host whose name nobody knows.
"""

from __future__ import annotations

import errno
import platform
import re
import sys
from collections.abc import Iterator
from typing import Final

import pyvisa
from pyvisa.constants import StatusCode

from labcool.errors import (
    InstrumentDisconnected,
    PortForbidden,
    PortInUse,
    PortNotFound,
    PortSoftwareMissing,
)

CANNOT_OPEN: tuple[type[Exception], ...] = (pyvisa.errors.Error, OSError, ValueError)
if sys.platform != "win32":
    import termios

    # No OSError; raised by a port that cannot have the data bits or parity asked for.
    CANNOT_OPEN = (*CANNOT_OPEN, termios.error)

NOT_THERE: Final = {
    errno.ENOENT,
    errno.ENXIO,
    errno.ENODEV,
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ETIMEDOUT,
    StatusCode.error_resource_not_found,
}
TAKEN: Final = {
    errno.EBUSY,
    errno.EWOULDBLOCK,
    StatusCode.error_resource_busy,
    StatusCode.error_resource_locked,
}
DENIED: Final = {errno.EACCES, errno.EPERM}
IN_WORDS: Final = re.compile(r"\[Errno (\d+)\]|(?:Permission|FileNotFound|OS)Error\((\d+)")
SAID_TWICE: Final = re.compile(r"^\[Errno \d+\] (?=.*\[Errno)")
SOFTWARE: Final = re.compile(r"\binstall|VISA (library|implementation)", re.IGNORECASE)
NOTHING_FOUND: Final = re.compile(r"no device found|could not connect|not known", re.IGNORECASE)

ADVICE: Final[dict[type[InstrumentDisconnected], str]] = {
    PortNotFound: "Check the cable and the power, and that the port's name is right.",
    PortInUse: "Another program has it open: end that.",
    PortForbidden: "This user may not open it.",
    PortSoftwareMissing: "Install the library that it asks for.",
    InstrumentDisconnected: (
        "Check the cable and the power, that the port's name is right, and that no other program "
        "has it open."
    ),
}


def is_of_opening(error: Exception) -> bool:
    """Return whether an error is one of those that opening a port can raise."""
    return isinstance(error, CANNOT_OPEN) or type(error) is Exception


def cannot_open(name: str, port: object, error: Exception) -> InstrumentDisconnected:
    """Return the error that says why a port cannot be opened, with the instrument's name in it."""
    kind = _kind(error)
    words = SAID_TWICE.sub("", " ".join(str(error).split()))
    return kind(name, f"cannot open {port} ({words}). {ADVICE[kind]}")


def _kind(error: Exception) -> type[InstrumentDisconnected]:
    codes = set(_codes(error))
    if codes & DENIED:
        return PortInUse if platform.system() == "Windows" else PortForbidden
    if codes & TAKEN:
        return PortInUse
    if codes & NOT_THERE or NOTHING_FOUND.search(str(error)):
        return PortNotFound
    return PortSoftwareMissing if SOFTWARE.search(str(error)) else InstrumentDisconnected


def _codes(error: BaseException | None) -> Iterator[int]:
    """Yield the error numbers of an error, of what it was made from, and those in its text."""
    while error is not None:
        for number in (getattr(error, "errno", None), getattr(error, "error_code", None)):
            if isinstance(number, int):
                yield number
        yield from (int(found[1] or found[2]) for found in IN_WORDS.finditer(str(error)))
        error = error.__cause__ or error.__context__

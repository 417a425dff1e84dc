"""What seabreeze and the USB library below it raise, as labcool's errors.

seabreeze wraps only part of it: a time-out or an unplugged cable comes up as ``usb.core.USBError``,
a short answer as ``ValueError`` or ``struct.error``, one of another kind as ``AssertionError``, a
closed device as ``RuntimeError``.
"""

from __future__ import annotations

import errno
import struct
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import usb.core
from seabreeze.pyseabreeze.transport import USBTransportDeviceInUse, USBTransportError
from seabreeze.spectrometers import SeaBreezeError

from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    PortForbidden,
    PortInUse,
    PortSoftwareMissing,
)

LINUX_TIMEOUT: Final = 110
WINDOWS_TIMEOUT: Final = 10060
TIMEOUTS: Final = {errno.ETIMEDOUT, LINUX_TIMEOUT, WINDOWS_TIMEOUT}
LOST_WORDS: Final = ("transfer", "no device", "no such device", "not open", "closed", "no unopened")


@contextmanager
def ocean_errors(name: str) -> Iterator[None]:
    """Turn whatever comes up from seabreeze into an error with the instrument's name in it."""
    try:
        yield
    except LabcoolError:
        raise
    except usb.core.USBTimeoutError as error:
        raise _timeout(name) from error
    except (usb.core.USBError, USBTransportError) as error:
        raise _usb_error(name, error.errno, str(error)) from error
    except USBTransportDeviceInUse as error:
        raise PortInUse(name, "another program has the spectrometer open. End it.") from error
    except SeaBreezeError as error:
        raise _seabreeze_error(name, str(error)) from error
    except RuntimeError as error:
        if "pyusb backend" in str(error):
            raise PortSoftwareMissing(
                name,
                f"the connection failed ({error}). Install libusb 1.0, or use the backend "
                "cseabreeze.",
            ) from error
        raise InstrumentDisconnected(name, f"the connection failed ({error}).") from error
    except OSError as error:
        raise InstrumentDisconnected(name, f"the connection failed ({error}).") from error
    except (ValueError, IndexError, AssertionError, struct.error) as error:
        raise GarbledAnswer(name, f"an answer is incomplete or senseless ({error}).") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        if not _comes_from_below(error):
            raise
        raise InstrumentError(
            name, f"seabreeze cannot go on after an answer ({error!r}). Connect again."
        ) from error


def _comes_from_below(error: BaseException) -> bool:
    """Return whether seabreeze or pyusb have raised an error, and not a mistake in here."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    modules = [str(frame.f_globals.get("__name__", "")) for frame in frames]
    return any(module.partition(".")[0] in ("seabreeze", "usb") for module in modules)


def _timeout(name: str) -> InstrumentTimeout:
    return InstrumentTimeout(
        name, "no complete answer in time. If it happens again, unplug the spectrometer and wait."
    )


def _usb_error(name: str, number: int | None, text: str) -> InstrumentError:
    if number in TIMEOUTS:
        return _timeout(name)
    if number == errno.EOVERFLOW:
        return GarbledAnswer(name, f"more data came than were asked for ({text}).")
    if number == errno.EACCES:
        return PortForbidden(
            name,
            "this user may not open the USB device. Run seabreeze_os_setup once, then plug the "
            "spectrometer in again.",
        )
    return InstrumentDisconnected(name, f"the USB connection failed ({text}). Check the cable.")


def _seabreeze_error(name: str, text: str) -> InstrumentError:
    lower = text.lower()
    if "wrong answer" in lower:
        return GarbledAnswer(name, f"{text}.")
    if any(words in lower for words in LOST_WORDS):
        return InstrumentDisconnected(name, f"the connection failed ({text}).")
    return InstrumentRefused(name, f"seabreeze refused: {text}.")

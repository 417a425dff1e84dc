"""What pylablib and Andor's libraries report, as labcool's errors.

Every function of the SDK2 (camera) and Shamrock (spectrograph) libraries returns a status code. The
codes are those in the headers, as pylablib lists them; what to do about each is put here in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
)

NO_NEW_DATA: Final = 20024
GENERAL_ERROR: Final = 20049
FIRST_PARAMETER: Final = 20066
SECOND_PARAMETER: Final = 20067
ACQUIRING: Final = 20072
NOT_INITIALIZED: Final = 20075
NOT_SUPPORTED: Final = 20991
SHAMROCK_COMMUNICATION: Final = 20201

_CABLE: Final = "Check USB cable and power, then connect again."
_OPEN_AGAIN: Final = "Connect again."
_PROGRAM: Final = "This is a fault of the driver: please report it."
_BUFFER: Final = "Ask for fewer or slower spectra, or give the computer less to do."
_ANSWERS: Final[dict[int, tuple[type[InstrumentError], str]]] = {
    20001: (InstrumentRefused, f"the library reports an error without saying which. {_OPEN_AGAIN}"),
    20003: (InstrumentDisconnected, "the camera's kernel driver is not installed. Install SDK2."),
    20008: (InstrumentDisconnected, "the camera's kernel driver does not start. Restart Windows."),
    20006: (InstrumentDisconnected, "the camera's firmware file cannot be loaded. Reinstall SDK2."),
    20013: (InstrumentDisconnected, f"the camera does not answer. {_CABLE}"),
    20017: (InstrumentRefused, f"the acquisition failed. {_BUFFER}"),
    20018: (InstrumentRefused, f"data came faster than they could be taken. {_BUFFER}"),
    20019: (InstrumentRefused, f"the camera's buffer is full. {_BUFFER}"),
    20022: (InstrumentRefused, "the period of the series could not be kept. Choose a longer one."),
    20023: (InstrumentRefused, "the accumulation period could not be kept. Choose a longer one."),
    NO_NEW_DATA: (InstrumentDisconnected, f"no data come: the camera is gone. {_CABLE}"),
    20034: (InstrumentRefused, "the cooler is off."),
    20038: (InstrumentRefused, "the temperature is out of the camera's range."),
    20039: (InstrumentRefused, "the camera has no cooler that can be controlled."),
    GENERAL_ERROR: (InstrumentRefused, f"a general error. {_OPEN_AGAIN}"),
    20053: (InstrumentDisconnected, f"the camera's cable is not right. {_CABLE}"),
    FIRST_PARAMETER: (InstrumentRefused, "the first parameter is not allowed."),
    SECOND_PARAMETER: (InstrumentRefused, "the second parameter is not allowed."),
    20068: (InstrumentRefused, "the third parameter is not allowed."),
    20069: (InstrumentRefused, "the fourth parameter is not allowed."),
    20070: (InstrumentDisconnected, "the camera's ini file cannot be read. Reinstall SDK2."),
    20071: (InstrumentDisconnected, "the camera's firmware cannot be loaded. Reinstall SDK2."),
    ACQUIRING: (InstrumentRefused, "an acquisition is still going on."),
    20073: (InstrumentRefused, "no acquisition is going on."),
    20074: (InstrumentRefused, "the camera is in a temperature cycle. Wait."),
    NOT_INITIALIZED: (
        InstrumentDisconnected,
        f"the camera is not initialized: it was switched off or another program took it. {_CABLE}",
    ),
    20076: (InstrumentRefused, "the fifth parameter is not allowed."),
    20077: (InstrumentRefused, "the sixth parameter is not allowed."),
    20078: (InstrumentRefused, f"the mode is not allowed. {_PROGRAM}"),
    20089: (InstrumentDisconnected, f"the USB connection failed. {_CABLE}"),
    20090: (InstrumentDisconnected, f"the USB driver failed. {_CABLE}"),
    20093: (InstrumentDisconnected, f"the USB connection failed (interrupts). {_CABLE}"),
    20095: (InstrumentRefused, "the trigger mode is not allowed in this read mode."),
    20096: (InstrumentDisconnected, f"the camera's firmware did not load. {_CABLE}"),
    20099: (InstrumentRefused, f"the binning is not allowed. {_PROGRAM}"),
    20100: (InstrumentRefused, "the camera has no such amplifier."),
    20102: (InstrumentDisconnected, f"the USB connection timed out. {_CABLE}"),
    20115: (InstrumentRefused, f"memory could not be mapped. {_BUFFER}"),
    20119: (InstrumentRefused, f"the buffer has the wrong size. {_PROGRAM}"),
    20121: (InstrumentDisconnected, f"no handle of the camera. {_OPEN_AGAIN}"),
    20990: (InstrumentDisconnected, f"no camera is found. {_CABLE}"),
    NOT_SUPPORTED: (InstrumentRefused, "this camera cannot do that."),
    20992: (InstrumentRefused, "this is not available now: it is in use or not fitted."),
    SHAMROCK_COMMUNICATION: (
        InstrumentDisconnected,
        f"the spectrograph does not answer, also when asked again. {_CABLE}",
    ),
    20249: (InstrumentRefused, "the spectrograph cannot do that now (zero order?)."),
    20266: (InstrumentRefused, "there is no such spectrograph, or the first value is wrong."),
    20267: (InstrumentRefused, "the second value is out of the spectrograph's range."),
    20268: (InstrumentRefused, "the third value is out of the spectrograph's range."),
    20269: (InstrumentRefused, "the fourth value is out of the spectrograph's range."),
    20270: (InstrumentRefused, "the fifth value is out of the spectrograph's range."),
    20275: (InstrumentDisconnected, f"the spectrograph is not initialized. {_CABLE}"),
    20292: (InstrumentRefused, "this part is not fitted to the spectrograph."),
}


def status_of(error: BaseException) -> int | None:
    """Return the status code that an error of pylablib carries; None if it carries none."""
    code = getattr(error, "code", None)
    return None if code is None else int(code)


@contextmanager
def andor_errors(name: str) -> Iterator[None]:
    """Turn whatever comes up from pylablib into an error with the instrument's name in it.

    pylablib must have been imported before.
    """
    from pylablib.core.devio.comm_backend import DeviceError
    from pylablib.devices.Andor import base

    try:
        yield
    except LabcoolError:
        raise
    except base.AndorTimeoutError as error:
        raise InstrumentTimeout(name, f"the library gave up waiting ({error}).") from error
    except base.AndorNotSupportedError as error:
        raise InstrumentRefused(name, f"the device cannot do that ({error}).") from error
    except DeviceError as error:
        raise _device_error(name, error) from error
    except OSError as error:
        raise InstrumentDisconnected(name, f"the library failed ({error}). {_CABLE}") from error
    except TypeError as error:  # pylablib has None for a function that the library lacks
        raise InstrumentRefused(
            name, f"the library lacks a function that is needed ({error}). Install present SDK2."
        ) from error
    except (ValueError, IndexError, KeyError) as error:
        raise GarbledAnswer(name, f"the library answered what makes no sense ({error}).") from error


def _device_error(name: str, error: Exception) -> InstrumentError:
    code = status_of(error)
    if code is None:
        text = str(error)
        if "not available" in text or "not opened" in text:
            return InstrumentDisconnected(name, f"{text}. {_CABLE}")
        return GarbledAnswer(name, f"pylablib could not make sense of the answer ({text}).")
    function = str(getattr(error, "func", "a function"))
    if code not in _ANSWERS:
        return GarbledAnswer(name, f"{function} answered {code}, which is no known status.")
    kind, words = _ANSWERS[code]
    return kind(name, f"{words} ({function} answered {code}.)")

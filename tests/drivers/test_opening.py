"""Why a port cannot be opened, from what is raised on each system."""

from __future__ import annotations

import errno
import platform

import pytest
import serial
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from drivers._opening import cannot_open, is_of_opening
from drivers._wire import connect
from labcool.errors import (
    InstrumentDisconnected,
    PortForbidden,
    PortInUse,
    PortNotFound,
    PortSoftwareMissing,
)

LINUX = [
    (serial.SerialException(errno.ENOENT, "could not open port /dev/ttyUSB0"), PortNotFound),
    (serial.SerialException(errno.EACCES, "could not open port /dev/ttyUSB0"), PortForbidden),
    (serial.SerialException(errno.EBUSY, "could not open port /dev/ttyUSB0"), PortInUse),
    (
        serial.SerialException(
            "Could not exclusively lock port /dev/ttyUSB0: "
            f"[Errno {errno.EWOULDBLOCK}] Resource temporarily unavailable"
        ),
        PortInUse,
    ),
]
WINDOWS = [
    (
        serial.SerialException(
            "could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)"
        ),
        PortInUse,
    ),
    (
        serial.SerialException(
            "could not open port 'COM9': FileNotFoundError(2, 'The system cannot find the file "
            "specified.', None, 2)"
        ),
        PortNotFound,
    ),
]
ANYWHERE = [
    (VisaIOError(StatusCode.error_resource_not_found), PortNotFound),
    (VisaIOError(StatusCode.error_resource_busy), PortInUse),
    (VisaIOError(StatusCode.error_resource_locked), PortInUse),
    (VisaIOError(StatusCode.error_invalid_resource_name), InstrumentDisconnected),
    (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), PortNotFound),
    (ValueError("No device found."), PortNotFound),
    (Exception("could not connect: [Errno -2] Name or service not known"), PortNotFound),
    (ValueError("Please install linux-gpib (Linux) or gpib-ctypes"), PortSoftwareMissing),
    (OSError("Could not open VISA library:"), PortSoftwareMissing),
    (ValueError("'parity' is no attribute of such a port"), InstrumentDisconnected),
]


@pytest.mark.parametrize(
    ("system", "error", "kind"),
    [("Linux", *case) for case in LINUX + ANYWHERE]
    + [("Windows", *case) for case in WINDOWS + ANYWHERE],
)
def test_the_reason_is_the_kind_of_the_error(
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    error: Exception,
    kind: type[InstrumentDisconnected],
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    assert is_of_opening(error)
    found = cannot_open("stage", "ASRL3::INSTR", error)
    assert type(found) is kind
    assert str(found).startswith("stage: cannot open ASRL3::INSTR (")
    assert "\n" not in str(found)


def test_a_reason_further_down_counts() -> None:
    outer = OSError("it did not work")
    outer.__cause__ = PermissionError(errno.EBUSY, "Device or resource busy")
    assert type(cannot_open("stage", "port", outer)) is PortInUse


def test_a_host_that_nobody_knows_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyvisa_py import tcpip

    def unknown(self: object) -> None:
        raise Exception("could not connect: [Errno -2] Name or service not known")

    monkeypatch.setattr(tcpip.TCPIPSocketSession, "_connect", unknown)
    with pytest.raises(PortNotFound, match=r"^stage: cannot open TCPIP0::nowhere"):
        connect(
            "TCPIP0::nowhere.invalid::7777::SOCKET",
            "stage",
            visa_library="@py",
            read_termination="\n",
        )


def test_a_fault_of_the_program_stays_what_it_is() -> None:
    class Broken:
        def open(self, **settings: object) -> None:
            raise TypeError("a wrong argument")

    with pytest.raises(TypeError, match="a wrong argument"):
        connect(Broken(), "stage")  # type: ignore[arg-type]

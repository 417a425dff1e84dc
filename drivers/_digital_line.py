"""One digital output line with one sensor input: the handshake lines of a serial port, or a card.

pyserial raises DTR and RTS when it opens a port unless it is told not to; here both are lowered
before. Some systems raise them for the moment of opening all the same: UNVERIFIED how long; look at
the line with an oscilloscope before a laser depends on it.
"""

from __future__ import annotations

import platform
import re
from typing import Final, Literal, Protocol, runtime_checkable

import serial

from drivers._opening import cannot_open
from labcool.errors import ConfigurationError

Output = Literal["DTR", "RTS"]
Input = Literal["CTS", "DSR", "CD"]

VISA_SERIAL: Final = re.compile(r"ASRL(?P<port>.+?)(::INSTR)?", re.IGNORECASE)


@runtime_checkable
class DigitalLine(Protocol):
    """A digital output and the sensor that belongs to it, however they are wired.

    The methods may raise OSError or an error of :mod:`labcool.errors`.
    """

    def drive(self, high: bool) -> None:
        """Set the level of the output."""

    def is_high(self) -> bool:
        """Return the level of the output (as read back, or as last driven)."""

    def sensor_is_high(self) -> bool:
        """Return the level of the sensor input."""

    def release(self) -> None:
        """Give the hardware back; the output goes (or stays) low."""


class SerialPort(Protocol):
    """What is used of pyserial's ``Serial``; it need not be open yet."""

    dtr: bool
    rts: bool
    is_open: bool

    @property
    def cts(self) -> bool: ...

    @property
    def dsr(self) -> bool: ...

    @property
    def cd(self) -> bool: ...

    def open(self) -> None: ...

    def close(self) -> None: ...


class SerialLine:
    """DTR or RTS of a serial port as the output, CTS, DSR or CD as the sensor.

    High means asserted, in pyserial's words ``True``.

    :param port: what pyserial opens: ``COM3``, ``/dev/ttyUSB0``, a pyserial URL; or a port of its
        kind, which is opened if it is not.
    :param sensor: the sensor's input; None: there is no sensor.
    :raises InstrumentDisconnected: if it cannot be opened; which of its kinds says why.
    """

    def __init__(
        self, port: str | SerialPort, name: str, output: Output, sensor: Input | None
    ) -> None:
        self._output, self._sensor = output, sensor
        try:
            self._port: SerialPort = (
                serial.serial_for_url(port, do_not_open=True) if isinstance(port, str) else port
            )
            self._port.dtr = False
            self._port.rts = False
            if not self._port.is_open:
                self._port.open()
        except (OSError, ValueError) as error:
            raise cannot_open(name, port, error) from error

    def drive(self, high: bool) -> None:
        """Assert the output, or not."""
        setattr(self._port, self._output.lower(), high)

    def is_high(self) -> bool:
        """Return the level last driven; a serial port cannot read its own outputs back."""
        return bool(getattr(self._port, self._output.lower()))

    def sensor_is_high(self) -> bool:
        """Return whether the sensor's input is asserted; False without a sensor."""
        return self._sensor is not None and bool(getattr(self._port, self._sensor.lower()))

    def release(self) -> None:
        """Close the port; both outputs are low then."""
        self._port.close()


def port_name(resource: str) -> str:
    """Return pyserial's name of a port that may be given as a VISA resource.

    ``ASRL/dev/ttyUSB0::INSTR`` is ``/dev/ttyUSB0``, on Windows ``ASRL3::INSTR`` is ``COM3``.

    :raises ConfigurationError: for a VISA number on other systems, where it names no port.
    """
    visa = VISA_SERIAL.fullmatch(resource)
    if visa is None:
        return resource
    port = visa["port"]
    if not port.isdecimal():
        return port
    if platform.system() != "Windows":
        raise ConfigurationError(
            f"{resource} names no serial port on this system. Give its device, like /dev/ttyUSB0."
        )
    return f"COM{port}"

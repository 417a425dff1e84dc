"""A beam shutter that opens while a digital line is high, with or without a position sensor.

The line is DTR or RTS of a serial port (through a USB adapter and the shutter's own driver), or any
object with the four methods of :class:`drivers._digital_line.DigitalLine`. It is at its closed
level before the port is opened, after connecting, and after the port is released.

Promise of the role Shutter
    *With a sensor* :attr:`TTLShutter.is_closed` is what the sensor says, and :meth:`open` and
    :meth:`close` return only once the sensor confirms them; closing is tried once more (logged).
    *Without one* nobody can confirm anything: ``is_closed`` is then the commanded level of the
    line, unverified: no sensor. The role forbids that, so the person who writes the bench file must
    take it over in words: ``sensor: none`` is refused unless ``accept_unverified: true`` stands
    beside it. It is logged as a warning on connecting, and :meth:`settings` says
    ``"unverified: no sensor"`` in the run file. A blade that is stuck is not noticed then.

Fail-safe wiring, which no program can replace: a shutter that closes by itself without power or
signal; a sensor whose input is *high when closed*, so that a broken or unplugged cable reads as
"not closed" (with ``sensor_closed_high: false`` it reads as closed). Closing the program, pulling
the plug and switching the computer off all let the line of a serial port go low; a shutter that
opens on low (``active_high: false``) is therefore refused there and possible only with a line that
keeps its level when released.

A line cannot be asked what is connected to it: nothing here can notice the wrong port.

Checked against pyserial 3.5 (order of opening, its ``loop://`` port). UNVERIFIED on hardware:
everything that belongs to one lab's wiring; how long a shutter takes (``move_timeout``; measure it
once); whether the operating system raises the line for a moment when the port is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from annotated_types import Interval

from drivers._digital_line import (
    DigitalLine,
    Input,
    Output,
    SerialLine,
    SerialPort,
    port_name,
)
from drivers._wire import wire_errors, within
from labcool.clock import Clock, RealClock
from labcool.errors import (
    ConfigurationError,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    LimitError,
    ShutterNotClosed,
)

log = logging.getLogger(__name__)

UNVERIFIED: Final = "unverified: no sensor"
POLL_S: Final = 0.005


class TTLShutter:
    """A shutter on a digital line; fills the role Shutter. Safe state: closed.

    :param resource: serial port (``COM3``, ``/dev/ttyUSB0``, VISA's ``ASRL…::INSTR``, or an object
        like pyserial's ``Serial``), or a :class:`~drivers._digital_line.DigitalLine`.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: has no effect; pyserial is used, because VISA raises DTR and RTS.
    :param line: the output of a serial port that opens the shutter.
    :param active_high: whether the shutter opens on a high line. False: refused for serial ports.
    :param sensor: the input of a serial port to which the position sensor is wired (any of them
        for a DigitalLine); none: there is no sensor.
    :param sensor_closed_high: whether the sensor's input is high while the shutter is closed.
    :param accept_unverified: must be True if there is no sensor.
    :param move_timeout: longest time until the sensor confirms a movement, s; without a sensor,
        the time that is waited after each.
    :raises ConfigurationError: if there is no sensor and that is not accepted, or the line of a
        serial port would open the shutter when it is released.
    :raises InstrumentDisconnected: if the port cannot be opened, or has no such line.
    """

    def __init__(
        self,
        resource: str | SerialPort | DigitalLine,
        name: str = "TTL shutter",
        *,
        clock: Clock | None = None,
        visa_library: str = "",  # noqa: ARG002 (every driver takes it)
        line: Literal["DTR", "RTS"] = "DTR",
        active_high: bool = True,
        sensor: Literal["CTS", "DSR", "CD", "none"] | None = "CTS",
        sensor_closed_high: bool = True,
        accept_unverified: bool = False,
        move_timeout: Annotated[float, Interval(ge=0.005, le=10.0)] = 0.2,
    ) -> None:
        self.name = name
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 0.005, 10.0)
        self._clock: Clock = clock or RealClock()
        self._output, self._sensor = _checked_names(name, line, sensor)
        self._active_high, self._sensor_closed_high = active_high, sensor_closed_high
        self._ended = self._released = False
        if self._sensor is None:
            _require_acceptance(name, accept_unverified)
        self._line, self._where = self._connected(resource)
        try:
            self._drive(opened=False)
        except BaseException:
            self._line.release()
            raise

    @property
    def identity(self) -> str:
        """Get how the shutter is wired (str); the line itself has no identity to ask for."""
        sensor = "no sensor" if self._sensor is None else f"sensor on {self._sensor}"
        return f"TTL shutter on {self._output} of {self._where}, {sensor}"

    @property
    def verification(self) -> str:
        """Get what confirms the shutter's state: the sensor, or "unverified: no sensor" (str)."""
        return UNVERIFIED if self._sensor is None else f"sensor on {self._sensor}"

    @property
    def is_closed(self) -> bool:
        """Get whether the sensor reports the beam blocked (bool).

        Unverified: no sensor — then this is the *commanded* level of the line and says nothing of
        the blade.

        :raises InstrumentDisconnected: after :meth:`shutdown`.
        """
        if self._released:
            # The line may still be readable, but somebody else may have it.
            raise InstrumentDisconnected(self.name, "it has been shut down.")
        return self._reports_closed()

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return the line, what the sensor says, and by what the state is verified."""
        return {
            "closed": self.is_closed,
            "verification": self.verification,
            "commanded_closed": self._commanded_closed(),
            "line": self._output,
            "active_high": self._active_high,
            "move_timeout_s": self._move_timeout,
        }

    def open(self) -> None:
        """Let the beam pass; return once the sensor confirms it (without: after the time-out).

        On any failure the shutter is closed again before the error goes on.

        :raises InstrumentRefused: if the sensor does not confirm it within ``move_timeout``.
        :raises ShutterNotClosed: if, after a failure, closing cannot be confirmed.
        """
        try:
            self._drive(opened=True)
            if not self._reaches(closed=False):
                raise InstrumentRefused(
                    self.name,
                    f"the sensor does not report it open {self._move_timeout:g} s after the line "
                    "was switched. Check the shutter's power, interlock and cable.",
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Block the beam; return once the sensor confirms it (without: after the time-out).

        :raises ShutterNotClosed: if that is not confirmed after one more attempt, or the line
            cannot be switched.
        """
        try:
            self._close_and_confirm()
        except InstrumentError as error:
            log.warning("%s Trying once more to close.", error)
            self._close_again()

    def make_safe(self) -> None:
        """Close the shutter and verify it, as :meth:`close`."""
        self.close()

    def shutdown(self) -> None:
        """Close the shutter and release the line, also if closing fails; the first time only."""
        if self._ended:
            return
        self._ended = True
        try:
            self.close()
        finally:
            self._released = True
            with wire_errors(self.name):
                self._line.release()

    def _connected(self, resource: str | SerialPort | DigitalLine) -> tuple[DigitalLine, str]:
        if isinstance(resource, DigitalLine):
            if self._sensor is None:
                log.warning("%s: %s.", self.name, UNVERIFIED)
            return resource, "a digital line"
        if not self._active_high:
            raise ConfigurationError(
                f"{self.name}: active_high: false is not possible with a serial port, because its "
                f"{self._output} goes low, which would open the shutter, whenever the port is "
                "released or unplugged. Put an inverter between the line and the shutter."
            )
        port = port_name(resource) if isinstance(resource, str) else resource
        line = SerialLine(port, self.name, self._output, self._sensor)
        if self._sensor is None:
            log.warning("%s: %s.", self.name, UNVERIFIED)
        return line, port if isinstance(port, str) else "a serial port"

    def _reports_closed(self) -> bool:
        if self._sensor is None:
            return self._commanded_closed()
        with wire_errors(self.name):
            return self._line.sensor_is_high() == self._sensor_closed_high

    def _commanded_closed(self) -> bool:
        with wire_errors(self.name):
            return self._line.is_high() != self._active_high

    def _drive(self, *, opened: bool) -> None:
        if opened and self._ended:
            raise InstrumentDisconnected(self.name, "it has been shut down.")
        with wire_errors(self.name):
            self._line.drive(opened == self._active_high)

    def _close_again(self) -> None:
        try:
            self._close_and_confirm()
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"the beam is not confirmed to be blocked ({error.problem}) Block it by hand.",
            ) from error

    def _close_and_confirm(self) -> None:
        self._drive(opened=False)
        if not self._commanded_closed():
            raise ShutterNotClosed(self.name, "the line stays at the level that opens the shutter.")
        if not self._reaches(closed=True):
            raise ShutterNotClosed(
                self.name,
                f"the sensor does not report it closed {self._move_timeout:g} s after the command.",
            )

    def _reaches(self, *, closed: bool) -> bool:
        if self._sensor is None:
            self._clock.sleep(self._move_timeout)
            return True
        deadline = self._clock.now() + self._move_timeout
        while self._reports_closed() != closed:
            if self._clock.now() >= deadline:
                return False
            self._clock.sleep(POLL_S)
        return True


def _checked_names(
    name: str, line: Output, sensor: Input | Literal["none"] | None
) -> tuple[Output, Input | None]:
    if line not in get_args(Output):
        raise LimitError(f"{name} line", line, "'DTR' or 'RTS'")
    if sensor is None or sensor == "none":
        return line, None
    if sensor not in get_args(Input):
        raise LimitError(f"{name} sensor", sensor, "'CTS', 'DSR', 'CD' or 'none'")
    return line, sensor


def _require_acceptance(name: str, accepted: bool) -> None:
    if accepted is not True:
        raise ConfigurationError(
            f"{name}: without a sensor nobody can tell whether the beam is blocked. Wire a "
            "position sensor (sensor: CTS, DSR or CD), or write accept_unverified: true to answer "
            "for it yourself."
        )

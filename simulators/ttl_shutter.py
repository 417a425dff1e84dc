"""A shutter on a digital line, with a position sensor, and the serial port that carries both.

Open while the line is high; closed by its spring while the line is low, undriven, or the shutter
has no power. A pulse shorter than the blade's way does not let light pass. The sensor, if there is
one, is high while the blade is fully closed, so that a broken wire reads as "not closed".

:class:`ControlLinePort` stands in for pyserial's ``Serial`` where the line hangs on DTR or RTS of a
port and the sensor on CTS, DSR, CD or RI. Source: pyserial's documentation of ``dtr`` and ``rts``
(both are True from the start and applied when the port is opened) and the manual page of the Linux
terminal interface (the driver raises both lines when a port is opened, and drops them when it is
closed).

UNVERIFIED: everything about a real shutter of this kind is the laboratory's own: delays, levels,
the sensor's place; how long the lines are up when a port is opened (here 1 ms).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from types import TracebackType
from typing import Final, Literal

import serial

from labcool.clock import Clock
from simulators.device import SimulatedDevice, Switch

OutputLine = Literal["dtr", "rts"]
InputLine = Literal["cts", "dsr", "cd", "ri"]

_OPENING_PULSE_S: Final = 0.001


class TTLShutter(SimulatedDevice):
    """A normally closed shutter on a line; starts with power, line low and closed.

    It hears no bytes; :attr:`silent` is its cable pulled, which leaves the line undriven.

    :param moved: called with ``(is_open, moment)`` for the moment at which the beam really passes
        or is blocked; also once at the start. Later calls replace what was announced for their
        moment and after.
    :param opening_time: time from the line's rise until the beam passes, s.
    :param closing_time: time from the line's fall until the beam is blocked, s.
    :param has_sensor: whether there is a position sensor.
    :param sensor_high_when_closed: False for a sensor that is low while the blade is fully closed;
        then a broken wire reads as "closed".
    """

    def __init__(
        self,
        clock: Clock,
        *,
        moved: Callable[[bool, float], None],
        opening_time: float = 0.02,
        closing_time: float = 0.02,
        has_sensor: bool = True,
        sensor_high_when_closed: bool = True,
    ) -> None:
        super().__init__(clock)
        self._moved = moved
        self._times = {True: opening_time, False: closing_time}
        self._has_sensor = has_sensor
        self._sensor_high_when_closed = sensor_high_when_closed
        self._line = False
        self._powered = True
        self._stuck = False
        self.sensor_broken = False
        self._moments = [clock.now()]
        self._states = [False]
        moved(False, clock.now())

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: blade, sensor, and power, without which it closes."""

        def cut_power(off: bool) -> None:
            self.powered = not off

        return {
            **self._by_attribute(stuck="stuck", sensor_open="sensor_broken"),
            "power_cycle": cut_power,
        }

    @property
    def powered(self) -> bool:
        """Control whether the shutter has power; without, the spring closes it."""
        return self._powered

    @powered.setter
    def powered(self, powered: bool) -> None:
        self._powered = powered
        self._follow(self.clock.now())

    @property
    def stuck(self) -> bool:
        """Control whether the blade is stuck where it is; freed, it goes where it is driven."""
        return self._stuck

    @stuck.setter
    def stuck(self, stuck: bool) -> None:
        now = self.clock.now()
        if stuck and not self._stuck:
            self._place(self.is_open(now), now)
        self._stuck = stuck
        self._follow(now)

    @property
    def silent(self) -> bool:
        """Control whether the cable is pulled, which leaves the line undriven and the sensor dark.

        Plugged in again, the line has the level that was last set.
        """
        return self._silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._silent = silent
        self._follow(self.clock.now())

    def line_set(self, level: bool, moment: float) -> None:
        """Set the line high (True) or low from ``moment`` (clock s, not in the past) on.

        It replaces what was set for that moment or later.
        """
        self._line = level
        self._follow(moment)

    def sensor_level(self, moment: float) -> bool:
        """Return the level of the sensor's line: high while closed, low without a sensor."""
        reads = self._has_sensor and not self.sensor_broken and not self._silent
        return reads and self.is_open(moment) != self._sensor_high_when_closed

    def is_open(self, moment: float) -> bool:
        """Return True if the beam really passes at ``moment`` (clock s)."""
        return self._states[max(bisect_right(self._moments, moment) - 1, 0)]

    def _accept(self, data: bytes) -> None:
        """Ignore bytes: nothing is connected to the data lines."""

    def _follow(self, moment: float) -> None:
        """Drive the blade as line and power want it from ``moment`` on."""
        wanted = self._line and self._powered and not self._silent
        if self._stuck:
            return
        if self.is_open(moment) == wanted:
            self._place(wanted, moment)
        else:
            self._place(wanted, moment + self._times[wanted])

    def _place(self, is_open: bool, moment: float) -> None:
        kept = bisect_right(self._moments, moment)
        if kept and self._moments[kept - 1] == moment:
            kept -= 1
        del self._moments[kept:], self._states[kept:]
        if not self._states or self._states[-1] != is_open:
            self._moments.append(moment)
            self._states.append(is_open)
        self._moved(is_open, moment)


class ControlLinePort:
    """What pyserial's ``Serial`` is to a driver that uses only the control lines of a port.

    :param shutter: what hangs on the lines.
    :param port: name of the port; it is opened at once. None: opened by :meth:`open`.
    :param output: the line that opens the shutter.
    :param sensor: the line on which the sensor is read.
    :param inverted: True if the shutter's line is low while the output is set; such a shutter opens
        when the port is closed.
    """

    def __init__(
        self,
        shutter: TTLShutter,
        port: str | None = "memory",
        *,
        output: OutputLine = "dtr",
        sensor: InputLine = "cts",
        inverted: bool = False,
    ) -> None:
        self._shutter = shutter
        self._output = output
        self._sensor = sensor
        self._inverted = inverted
        self.before_use: Callable[[], None] = lambda: None
        """Called before a line is looked at or driven."""
        self._lines = {"dtr": True, "rts": True}
        self._is_lost = False
        self.port = port
        self.timeout: float | None = None
        self.is_open = False
        if port is not None:
            self.open()

    @property
    def name(self) -> str | None:
        """Name of the port."""
        return self.port

    @property
    def in_waiting(self) -> int:
        """Number of bytes that have arrived: always 0."""
        self._require_open()
        return 0

    @property
    def dtr(self) -> bool:
        """Control the line DTR; set before the port is open, it is applied when it is opened."""
        return self._lines["dtr"]

    @dtr.setter
    def dtr(self, level: bool) -> None:
        self._set("dtr", level)

    @property
    def rts(self) -> bool:
        """Control the line RTS; set before the port is open, it is applied when it is opened."""
        return self._lines["rts"]

    @rts.setter
    def rts(self, level: bool) -> None:
        self._set("rts", level)

    @property
    def cts(self) -> bool:
        """Level of the line CTS."""
        return self._read("cts")

    @property
    def dsr(self) -> bool:
        """Level of the line DSR."""
        return self._read("dsr")

    @property
    def cd(self) -> bool:
        """Level of the line CD."""
        return self._read("cd")

    @property
    def ri(self) -> bool:
        """Level of the line RI."""
        return self._read("ri")

    def open(self) -> None:
        """Open the port: both lines go up for a moment, and then to what they were set to.

        :raises serial.SerialException: if it is open already, has no name or the cable is pulled.
        """
        if self.port is None:
            raise serial.SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise serial.SerialException("Port is already open.")
        self.is_open, self._is_lost = True, False
        try:
            self._require_open()
        except serial.SerialException:
            self.is_open = False
            raise
        now = self._shutter.clock.now()
        self._drive(True, now)
        if not self._lines[self._output]:
            self._drive(False, now + _OPENING_PULSE_S)

    def close(self) -> None:
        """Close the port, which drops its lines; a second call does nothing."""
        if self.is_open:
            self.is_open = False
            self._drive(False, self._shutter.clock.now())

    def vanish(self) -> None:
        """Be unplugged from the computer: until it is opened anew, using it fails."""
        self._is_lost = True

    def reset_input_buffer(self) -> None:
        """Discard what has arrived: nothing."""
        self._require_open()

    def reset_output_buffer(self) -> None:
        """Discard what has not been sent: nothing."""
        self._require_open()

    def __enter__(self) -> ControlLinePort:
        if self.port is not None and not self.is_open:
            self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _set(self, line: OutputLine, level: bool) -> None:
        self._lines[line] = bool(level)
        if self.is_open:
            self._require_open()
            if line == self._output:
                self._drive(bool(level), self._shutter.clock.now())

    def _drive(self, asserted: bool, moment: float) -> None:
        self._shutter.line_set(asserted != self._inverted, moment)

    def _read(self, line: InputLine) -> bool:
        self._require_open()
        return line == self._sensor and self._shutter.sensor_level(self._shutter.clock.now())

    def _require_open(self) -> None:
        self.before_use()
        if not self.is_open:
            raise serial.PortNotOpenError
        if self._shutter.silent or self._is_lost:
            raise serial.SerialException("device reports readiness but is disconnected")

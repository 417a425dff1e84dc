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

from typing import Annotated, Literal, get_args

from annotated_types import Interval

from drivers import _bench_advice
from drivers._digital_line import (
    DigitalLine,
    Input,
    Output,
    SerialLine,
    SerialPort,
    port_name,
)
from drivers._line_shutter import LineShutter
from labcool.clock import Clock
from labcool.errors import ConfigurationError, LimitError


class TTLShutter(LineShutter):
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

    bench_advice = _bench_advice.TTL_SHUTTER

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
        output, input_ = _checked_names(name, line, sensor)
        super().__init__(
            name,
            clock,
            output=output,
            sensor=input_,
            sensor_advice="sensor: CTS, DSR or CD",
            active_high=active_high,
            sensor_closed_high=sensor_closed_high,
            accept_unverified=accept_unverified,
            move_timeout=move_timeout,
        )
        if isinstance(resource, DigitalLine):
            self._take(resource, f"{output} of a digital line")
            return
        if not active_high:
            raise ConfigurationError(
                f"{name}: active_high: false is not possible with a serial port, because its "
                f"{output} goes low, which would open the shutter, whenever the port is "
                "released or unplugged. Put an inverter between the line and the shutter."
            )
        port = port_name(resource) if isinstance(resource, str) else resource
        where = port if isinstance(port, str) else "a serial port"
        self._take(SerialLine(port, name, output, input_), f"{output} of {where}")


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

"""A beam shutter on a digital line of a data-acquisition card (NI-DAQmx), with or without a sensor.

    shutter:
      driver: drivers.daq_shutter.DAQShutter
      resource: Dev1/port0/line0
      sensor: Dev1/port0/line1

It opens while the line is high. The line is driven low on connecting, on any failure and at the
end. What holds for a shutter on a line of a serial port holds here too, see
:mod:`drivers.ttl_shutter`: a sensor confirms every movement, or ``accept_unverified: true`` says
that nobody does.

Safety, which no program can replace
    Other than a serial port, a card *keeps* the level of its output if the program is killed or the
    computer hangs, and many cards pull lines up that nobody drives: after power-on, the shutter may
    stand open. Set the line's power-up state to low in NI MAX, or pull it down by a resistor, and
    try both before a laser depends on it.

Needs the extra ``labcool[daq]`` and NI's driver. UNVERIFIED on hardware: everything; checked are
the calls of nidaqmx's documentation against a stand-in.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Interval

from drivers import _bench_advice
from drivers._daq import CardLine, device_of
from drivers._digital_line import DigitalLine
from drivers._line_shutter import LineShutter
from labcool.clock import Clock

NO_SENSOR = "none"


class DAQShutter(LineShutter):
    """A shutter on a line of a card; fills the role Shutter. Safe state: closed, the line low.

    :param resource: the output, as NI MAX names it, or a
        :class:`~drivers._digital_line.DigitalLine`.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: has no effect; the card is reached through NI's own driver.
    :param sensor: the input to which the position sensor is wired; none: there is no sensor.
    :param sensor_closed_high: whether the sensor's input is high while the shutter is closed.
    :param accept_unverified: must be True if there is no sensor.
    :param move_timeout: longest time until the sensor confirms a movement, s; without a sensor,
        the time that is waited after each.
    :raises ConfigurationError: if there is no sensor and that is not accepted, or a name is no
        line's.
    :raises InstrumentDisconnected: if a line cannot be had; which of its kinds says why.
    """

    bench_advice = _bench_advice.DAQ

    def __init__(
        self,
        resource: str | DigitalLine,
        name: str = "DAQ shutter",
        *,
        clock: Clock | None = None,
        visa_library: str = "",  # noqa: ARG002 (every driver takes it)
        sensor: str,
        sensor_closed_high: bool = True,
        accept_unverified: bool = False,
        move_timeout: Annotated[float, Interval(ge=0.005, le=10.0)] = 0.2,
    ) -> None:
        wired = None if sensor == NO_SENSOR else sensor
        if wired is not None:
            device_of(name, "sensor", wired)
        output = resource if isinstance(resource, str) else "its output"
        super().__init__(
            name,
            clock,
            output=output,
            sensor=wired,
            sensor_advice="sensor: Dev1/port0/line1",
            active_high=True,
            sensor_closed_high=sensor_closed_high,
            accept_unverified=accept_unverified,
            move_timeout=move_timeout,
        )
        if isinstance(resource, DigitalLine):
            self._take(resource, "a digital line")
        else:
            line = CardLine(name, resource, wired)
            self._take(line, f"{output} of a {line.product}")

"""Lake Shore temperature controllers: Models 335 and 336, and the older 331.

Protocol: the makers' user manuals of the Models 331, 335 and 336, chapter "Interface Commands", and
the maker's own Python driver ``lakeshore`` (MIT). Serial: 57600 baud (331: 9600), 7 data bits, odd
parity, 1 stop bit. The 336 also listens on TCP port 7777 (``TCPIP::host::7777::SOCKET``).
Commands end with a line feed, answers with CR LF; how the line is kept in step is described in
``_lakeshore_wire``.

Temperatures are read in K (``KRDG?``), each with its status (``RDGST?``) in the same message. Set
points are in the controller's *preferred unit*: if that is not kelvin, :meth:`go_to` refuses.

Safety
    The controller has no watchdog on the line: it heats on when the computer dies. Set
    :attr:`temperature_limit` (335, 336), which ends all heating by itself.
    Connecting only reads. Before a ramp the output must be in closed loop (or zone) on the chosen
    input; this driver does not change that by itself. ``make_safe()`` switches *all* heater outputs
    off and reads it back; ``shutdown()`` does so only if this object has started a heater.
    A 335 that emulates a 331 or 332 is recognised by ``*IDN?`` and refused, never switched over.

Differences of the 331: ``RANGE``, ``HTR?``, ``HTRST?`` have no output field and mean loop 1 (on a
331, ``RANGE 1,0`` could select the lowest range, so it is never sent); ``CMODE`` and ``CSET``
instead of ``OUTMODE``; ``INTYPE`` with three fields; 50 ms between messages. It has no temperature
limit. Its loop 2, on the analogue output, is not driven here, nor switched off.

Checked against the manuals' worked examples, and byte by byte against what ``lakeshore`` 1.10 sends
for the same requests. UNVERIFIED on hardware: messages of several questions on a 331; the shortest
interval between messages of a 335 and 336; whether ``SETP?`` moves along with a ramp; a new set
point during a ramp; what the set point does between ``RAMP`` off and ``SETP`` (they are sent in one
message); whether reading ``HTRST?`` clears it; how many clients TCP port 7777 takes; ``HTRST?`` of
a 335's output 2 in voltage mode (there, ``heater_range`` "low" means on).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal

from annotated_types import Interval

from drivers import _bench_advice
from drivers._lakeshore_33x import LakeShore33x
from drivers._lakeshore_setup import LakeShoreSetup, _pid
from drivers._lakeshore_words import (
    LOOP_MODES_331,
    RANGES,
    SENSORS_331,
    UNITS,
    Alarm,
    Filter,
    HeaterSetup,
    InputType,
    InputType331,
    Loop331,
    OutputMode,
    Pid,
    Tuning,
    WarmUp,
    Zone,
    believable,
    fields,
    flag,
    name_of,
    number,
    percent,
    whole,
    words,
)
from drivers._wire import Resource
from labcool.clock import Clock
from labcool.errors import LimitError
from labcool.numbers import truth, within
from labcool.numbers import whole as checked_whole

__all__ = [
    "Alarm",
    "Filter",
    "HeaterSetup",
    "InputType",
    "InputType331",
    "LakeShore331",
    "LakeShore335",
    "LakeShore336",
    "Loop331",
    "OutputMode",
    "Pid",
    "Tuning",
    "WarmUp",
    "Zone",
]

SILICON_DIODE_K: Final = (1.4, 325.0)
PACE_331_S: Final = 0.05


class LakeShore335(LakeShore33x):
    """One loop of a Model 335 (USB serial); fills the role TemperatureController.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param input: the sensor that is read and controlled on.
    :param output: the heater output, 1 or 2.
    :param setpoint_range: lowest and highest set point, K; default: a silicon diode's.
    :param heater_range: range that :meth:`go_to` switches on.
    :param ramp_rate: rate until another is set, K/min, by 0.1.
    :param settled_within: greatest distance of the sensor from the set point for a hold, K.
    :param on_shutdown: the safe state. ``"stop"``: all heaters off. ``"hold"``: a ramp is ended,
        but the temperature it has reached is held.
    :param timeout: longest wait for an answer, s.
    :param message_interval: shortest time between two messages, s.
    :raises LimitError: if a keyword is out of range; nothing has been sent.
    :raises WrongInstrument: if another model answers, or a 335 that emulates one.
    """

    MODEL: ClassVar[str] = "335"
    CURRENTS_A: ClassVar[dict[int, float]] = {1: 0.707, 2: 1.0, 3: 1.414, 4: 1.732}
    WARM_UP_OUTPUTS: ClassVar[tuple[int, ...]] = (2,)
    OUTPUTS_OF_EITHER_KIND: ClassVar[tuple[int, ...]] = (2,)
    EMULATIONS: ClassVar[tuple[str, ...]] = ("331", "332")
    INPUTS: ClassVar[tuple[str, ...]] = ("A", "B")
    OUTPUTS: ClassVar[tuple[int, ...]] = (1, 2)

    def __init__(
        self,
        resource: Resource,
        name: str = "Lake Shore 335",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        input: Literal["A", "B"] = "A",  # noqa: A002 (the controller's word)
        output: Literal[1, 2] = 1,
        setpoint_range: Sequence[float] = SILICON_DIODE_K,
        heater_range: Literal["low", "medium", "high"] = "low",
        ramp_rate: Annotated[float, Interval(ge=0.1, le=100.0)] = 5.0,
        settled_within: Annotated[float, Interval(ge=0.001, le=50.0)] = 0.5,
        on_shutdown: Literal["stop", "hold"] = "stop",
        timeout: Annotated[float, Interval(ge=0.05, le=10.0)] = 2.0,
        message_interval: Annotated[float, Interval(ge=0.0, le=5.0)] = 0.0,
    ) -> None:
        super().__init__(
            resource,
            name,
            clock=clock,
            visa_library=visa_library,
            control_input=input,
            output=output,
            setpoint_range=setpoint_range,
            heater_range=heater_range,
            ramp_rate=ramp_rate,
            settled_within=settled_within,
            on_shutdown=on_shutdown,
            timeout=timeout,
            message_interval=message_interval,
        )


class LakeShore336(LakeShore33x):
    """One loop of a Model 336 (USB serial or TCP); fills the role TemperatureController.

    Keywords as for :class:`LakeShore335`, but inputs A to D, and outputs 1 to 4. Outputs 3 and 4
    are voltages with one range only, ``heater_range: "on"``.
    """

    MODEL: ClassVar[str] = "336"
    CURRENTS_A: ClassVar[dict[int, float]] = {1: 0.707, 2: 1.0, 3: 1.414, 4: 2.0}
    WARM_UP_OUTPUTS: ClassVar[tuple[int, ...]] = (3, 4)
    INPUTS: ClassVar[tuple[str, ...]] = ("A", "B", "C", "D")
    OUTPUTS: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)
    VOLTAGE_OUTPUTS: ClassVar[tuple[int, ...]] = (3, 4)

    def __init__(
        self,
        resource: Resource,
        name: str = "Lake Shore 336",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        input: Literal["A", "B", "C", "D"] = "A",  # noqa: A002 (the controller's word)
        output: Literal[1, 2, 3, 4] = 1,
        setpoint_range: Sequence[float] = SILICON_DIODE_K,
        heater_range: Literal["low", "medium", "high", "on"] = "low",
        ramp_rate: Annotated[float, Interval(ge=0.1, le=100.0)] = 5.0,
        settled_within: Annotated[float, Interval(ge=0.001, le=50.0)] = 0.5,
        on_shutdown: Literal["stop", "hold"] = "stop",
        timeout: Annotated[float, Interval(ge=0.05, le=10.0)] = 2.0,
        message_interval: Annotated[float, Interval(ge=0.0, le=5.0)] = 0.0,
    ) -> None:
        super().__init__(
            resource,
            name,
            clock=clock,
            visa_library=visa_library,
            control_input=input,
            output=output,
            setpoint_range=setpoint_range,
            heater_range=heater_range,
            ramp_rate=ramp_rate,
            settled_within=settled_within,
            on_shutdown=on_shutdown,
            timeout=timeout,
            message_interval=message_interval,
        )


class LakeShore331(LakeShoreSetup):
    """Loop 1 of a Model 331S or 331E (RS-232); fills the role TemperatureController.

    Keywords as for :class:`LakeShore335`. Messages keep 50 ms distance or more. A 335 in emulation
    cannot be told from a 331, and answers as one.
    """

    bench_advice = _bench_advice.LAKESHORE_331

    MODEL: ClassVar[str] = "331"
    BAUD_RATE: ClassVar[int] = 9600
    INPUTS: ClassVar[tuple[str, ...]] = ("A", "B")
    OUTPUTS: ClassVar[tuple[int, ...]] = (1,)

    def __init__(
        self,
        resource: Resource,
        name: str = "Lake Shore 331",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        input: Literal["A", "B"] = "A",  # noqa: A002 (the controller's word)
        output: Literal[1] = 1,
        setpoint_range: Sequence[float] = SILICON_DIODE_K,
        heater_range: Literal["low", "medium", "high"] = "low",
        ramp_rate: Annotated[float, Interval(ge=0.1, le=100.0)] = 5.0,
        settled_within: Annotated[float, Interval(ge=0.001, le=50.0)] = 0.5,
        on_shutdown: Literal["stop", "hold"] = "stop",
        timeout: Annotated[float, Interval(ge=0.05, le=10.0)] = 2.0,
        message_interval: Annotated[float, Interval(ge=PACE_331_S, le=5.0)] = PACE_331_S,
    ) -> None:
        within(f"{name} message_interval (s)", message_interval, PACE_331_S, 5.0)
        super().__init__(
            resource,
            name,
            clock=clock,
            visa_library=visa_library,
            control_input=input,
            output=output,
            setpoint_range=setpoint_range,
            heater_range=heater_range,
            ramp_rate=ramp_rate,
            settled_within=settled_within,
            on_shutdown=on_shutdown,
            timeout=timeout,
            message_interval=message_interval,
        )

    def _range_question(self, output: int) -> str:  # noqa: ARG002 (loop 1 is the only one)
        return "RANGE?"

    def _range_command(self, output: int, code: int) -> str:  # noqa: ARG002
        return f"RANGE {code}"

    def _heater_output_question(self) -> str:
        return "HTR?"

    def _heater_status_question(self) -> str:
        return "HTRST?"

    def _loop_mode_and_unit(self) -> tuple[str, str, str]:
        def parse(mode: str, loop: str) -> tuple[str, str, str]:
            found = _loop(loop)
            return name_of(mode, LOOP_MODES_331), found.input, found.unit

        return self._ask(parse, f"CMODE? {self._output}", f"CSET? {self._output}")

    @property
    def loop_mode(self) -> str:
        """Control ``CMODE``: closed loop, zone, open loop, autotune PID, PI or P; read back.

        Whoever looks after autotuning has ended finds another mode.

        :raises InstrumentRefused: if the controller does not take it.
        """
        return self._ask(lambda text: name_of(text, LOOP_MODES_331), f"CMODE? {self._output}")

    @loop_mode.setter
    def loop_mode(self, wanted: str) -> None:
        code = self._code("loop mode", wanted, LOOP_MODES_331)
        self._tell(f"CMODE {words(self._output, code)}")
        self._confirm(lambda: self.loop_mode == wanted, f"it does not take the mode {wanted!r}")

    @property
    def loop(self) -> Loop331:
        """Control input, unit, state after a power cut, and display, ``CSET``; read back.

        :raises InstrumentRefused: if the controller does not take it.
        """
        return self._ask(_loop, f"CSET? {self._output}")

    @loop.setter
    def loop(self, wanted: Loop331) -> None:
        wanted = self._a(Loop331, "loop", wanted)
        if wanted.input not in self.INPUTS:
            raise self._refusal("control input", wanted.input, self.INPUTS)
        unit = self._code("unit", wanted.unit, UNITS)
        powerup = truth(f"{self.name} loop powerup", wanted.powerup)
        display = 1 + truth(f"{self.name} loop power_display", wanted.power_display)
        self._tell(f"CSET {words(self._output, wanted.input, unit, powerup, display)}")
        self._confirm(lambda: self.loop == wanted, f"it does not take {wanted}")

    @property
    def input_type(self) -> InputType331:
        """Control the sensor of the input, ``INTYPE``; read back.

        :raises InstrumentRefused: if the controller does not take it.
        """
        return self._ask(_input_type, f"INTYPE? {self._input}")

    @input_type.setter
    def input_type(self, wanted: InputType331) -> None:
        wanted = self._a(InputType331, "input_type", wanted)
        sensor = self._code("sensor", wanted.sensor, SENSORS_331)
        compensation = truth(f"{self.name} input_type compensation", wanted.compensation)
        if compensation and "diode" in wanted.sensor:
            raise LimitError(f"{self.name} input_type compensation", True, "False for a diode")
        self._tell(f"INTYPE {words(self._input, sensor, compensation)}")
        self._confirm(lambda: self.input_type == wanted, f"it does not take {wanted}")

    def _sensor_settings(self) -> dict[str, int | str | bool]:
        sensor = self.input_type
        return {"sensor": sensor.sensor, "sensor_compensation": sensor.compensation}

    @property
    def tuning(self) -> Tuning:
        """Get whether the loop is being tuned, ``TUNEST?``; a 331 reports no failure."""
        return Tuning(self._ask(flag, "TUNEST?"))

    def zone(self, number_: int) -> Zone:
        """Return line 1 to 10 of the zone table, ``ZONE?``; input and rate mean nothing."""
        number_ = checked_whole(f"{self.name} zone", number_, 1, 10)
        return self._ask(_zone, f"ZONE? {self._output},{number_}")

    def set_zone(self, number_: int, zone: Zone) -> None:
        """Set line 1 to 10 of the zone table, ``ZONE``; input and rate are not sent."""
        number_ = checked_whole(f"{self.name} zone", number_, 1, 10)
        zone = self._a(Zone, "zone", zone)
        upper = self._checked_temperature("zone upper", zone.upper)
        pid = self._checked_pid(zone.pid, "zone pid")
        manual = self._checked_percent("zone manual", zone.manual)
        self._checked_rate(zone.rate, "zone rate")
        heater_range = self._code("heater range", zone.heater_range, RANGES)
        line = words(self._output, number_, upper, *pid, manual, heater_range)
        self._tell(f"ZONE {line}")

    @property
    def alarm(self) -> Alarm | None:
        """Control the alarm of the input in K, ``ALARM``; None: off, or not in K."""
        return self._ask(_alarm, f"ALARM? {self._input}")

    @alarm.setter
    def alarm(self, wanted: Alarm | None) -> None:
        if wanted is None:
            self._tell(f"ALARM {self._input},0")
            return
        wanted = self._a(Alarm, "alarm", wanted)
        high = self._checked_temperature("alarm high", wanted.high)
        low = self._checked_temperature("alarm low", wanted.low)
        deadband = self._checked_temperature("alarm deadband", wanted.deadband)
        latched = truth(f"{self.name} alarm latched", wanted.latched)
        for field in ("audible", "visible"):
            if getattr(wanted, field) is not True:
                allowed = "True: a 331 has no choice for one input"
                raise LimitError(f"{self.name} alarm {field}", getattr(wanted, field), allowed)
        self._tell(f"ALARM {words(self._input, True, 1, high, low, deadband, latched)}")


def _loop(text: str) -> Loop331:
    control_input, unit, powerup, display = fields(text, 4)
    if control_input not in LakeShore331.INPUTS:
        raise ValueError(f"{control_input!r} is no input")
    shown = name_of(display, {1: "current", 2: "power"})
    return Loop331(control_input, name_of(unit, UNITS), flag(powerup), shown == "power")


def _input_type(text: str) -> InputType331:
    sensor, compensation = fields(text, 2)
    return InputType331(name_of(sensor, SENSORS_331), flag(compensation))


def _zone(text: str) -> Zone:
    upper, p, i, d, manual, heater_range = fields(text, 6)
    pid = _pid(f"{p},{i},{d}")
    return Zone(believable(upper), pid, percent(manual), name_of(heater_range, RANGES))


def _alarm(text: str) -> Alarm | None:
    on, source, high, low, deadband, latched = fields(text, 6)
    in_kelvin = whole(source, 3) == 1
    level = believable if in_kelvin else number
    alarm = Alarm(level(high), level(low), level(deadband), flag(latched))
    return alarm if flag(on) and in_kelvin else None

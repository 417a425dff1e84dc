"""The commands of the Lake Shore controllers that do more than keep a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from labcool.clock import Clock
from labcool.units import celsius
from simulators import _lakeshore_drives as drives
from simulators import _lakeshore_registers as registers
from simulators._lakeshore_curve_commands import CurveCommands
from simulators._lakeshore_fields import Choice, ExecutionError, Number, Whole
from simulators._lakeshore_inputs import KELVIN, OVERLOAD, reading_number
from simulators._lakeshore_loop import Loop
from simulators._lakeshore_plant import Plant
from simulators._lakeshore_registers import Registers
from simulators._lakeshore_wire import UnknownCommandError

_BYTE: Final = Whole(0, 255)
_EMULATIONS: Final = Whole(0, 2)
_JUNCTION_K: Final = 298.15
_ONLY_331: Final = frozenset({"LDAT", "REV", "KEYST"})
_NOT_331: Final = frozenset({"OPST", "OPSTR", "OPSTE", "NETID", "ATUNE"})
_OLD_TUNING_MODES: Final = {4: 3, 5: 2, 6: 1}


class Commands:
    """Obeys commands and answers queries on a plant that has been brought up to the present."""

    def __init__(
        self,
        plant: Plant,
        registers_: Registers,
        clock: Clock,
        *,
        heater_status_clears: bool,
        setpoint_delay_s: float,
    ) -> None:
        self._plant = plant
        self._registers = registers_
        self._clock = clock
        self._heater_status_clears = heater_status_clears
        self._setpoint_delay_s = setpoint_delay_s
        self._old_setpoints: dict[str, tuple[float, str]] = {}
        self._obeyed: dict[str, Callable[[list[str]], None]] = {
            "*CLS": lambda _: registers_.clear(),
            "*RST": lambda _: plant.become(plant.model),
            "*OPC": self._complete,
            "*WAI": lambda _: None,
            "*ESE": self._enable_events,
            "*SRE": self._enable_service,
            "OPSTE": self._enable_operation,
            "SETP": self._set_setpoint,
            "ATUNE": self._tune,
            "ALMRST": lambda _: plant.inputs.acknowledge_alarms(),
            "MNMXRST": lambda _: plant.inputs.forget_extremes(),
            "DFLT": self._restore,
        }
        self._answered: dict[str, Callable[[list[str]], str]] = {
            "*IDN": lambda _: plant.model.identity,
            "*OPC": lambda _: "1",
            "*TST": lambda _: "0",
            "*ESR": lambda _: str(registers_.take_event()),
            "*ESE": lambda _: str(registers_.event_enable),
            "*SRE": lambda _: str(registers_.service_enable),
            "*STB": lambda _: str(registers_.status_byte()),
            "OPST": lambda _: f"{self._operation():03d}",
            "OPSTR": lambda _: f"{registers_.take_operation_event():03d}",
            "OPSTE": lambda _: f"{registers_.operation_enable:03d}",
            "KRDG": lambda arguments: self._readings(arguments, self._kelvin),
            "CRDG": lambda arguments: self._readings(arguments, self._celsius),
            "SRDG": lambda arguments: self._readings(arguments, self._sensor),
            "RDGST": lambda arguments: f"{plant.inputs.status(self._input(arguments)):03d}",
            "LDAT": self._linear,
            "MDAT": self._extremes,
            "ALARMST": self._alarm_state,
            "RELAYST": self._relay_state,
            "SETP": self._setpoint,
            "RAMPST": lambda arguments: f"{self._loop(arguments).is_ramping:d}",
            "HTR": self._heater_percent,
            "HTRST": self._heater_state,
            "AOUT": self._analog_percent,
            "TUNEST": self._tuning,
            "TEMP": lambda _: self._shown(_JUNCTION_K),
            "REV": lambda _: "1.0",
            "KEYST": lambda _: "0",
            "NETID": lambda _: (
                "0,192.168.0.12,255.255.255.0,0.0.0.0,0.0.0.0,0.0.0.0,"
                "00:00:00:00:00:01,LSCI-336,local"
            ),
        }

    def obey(self, name: str, arguments: list[str]) -> None:
        """Obey a command; raises UnknownCommandError or ExecutionError."""
        self._require(name)
        if name in self._obeyed:
            self._obeyed[name](arguments)
        elif name in self._plant.settings:
            self._write(name, arguments)
        elif not self._curves.obey(name, arguments):
            raise UnknownCommandError
        self._plant.refresh()

    def answer(self, name: str, arguments: list[str]) -> str:
        """Answer a query; raises UnknownCommandError or ExecutionError."""
        self._require(name)
        if name in self._answered:
            return self._answered[name](arguments)
        if name in self._plant.settings:
            only_output = name == "POLARITY" and not arguments
            return self._plant.settings.read(name, ["2"] if only_output else arguments)
        answer = self._curves.answer(name, arguments)
        if answer is None:
            raise UnknownCommandError
        return answer

    def emulation(self, arguments: list[str]) -> int:
        """Return which model a 335 is told to emulate."""
        return _EMULATIONS.parse(arguments[0] if arguments else "")

    def note_operation(self) -> None:
        """Let the operation event register see what has happened."""
        self._registers.note(self._operation())

    @property
    def _curves(self) -> CurveCommands:
        return CurveCommands(self._plant.inputs, self._plant.model)

    def _require(self, name: str) -> None:
        if name in (_NOT_331 if self._plant.model.old else _ONLY_331):
            raise UnknownCommandError
        if name == "NETID" and self._plant.model.name != "336":
            raise UnknownCommandError

    def _write(self, name: str, arguments: list[str]) -> None:
        settings, model = self._plant.settings, self._plant.model
        if name == "INCRV":
            self._curves.check_choice(arguments)
        if name == "RANGE" and not model.old and arguments:
            output = self._output(arguments)
            top = 1 if drives.is_voltage(model, settings, output) else 3
            Whole(0, top).parse(arguments[1] if len(arguments) > 1 else "")
        if name == "HTRSET" and model.name == "335" and arguments[:1] == ["1"]:
            Whole(0, 0).parse(arguments[1] if len(arguments) > 1 else "")
        keys = settings.write(name, arguments)
        if name == "RAMP":
            self._change_ramp(keys[0])
        if name == "CMODE" and (mode := int(settings.number(name, *keys))) in _OLD_TUNING_MODES:
            self._plant.refresh()
            self._plant.tune(keys[0], _OLD_TUNING_MODES[mode])

    def _complete(self, _: list[str]) -> None:
        self._registers.event |= registers.OPERATION_COMPLETE

    def _enable_events(self, arguments: list[str]) -> None:
        self._registers.event_enable = _BYTE.parse("".join(arguments[:1]))

    def _enable_service(self, arguments: list[str]) -> None:
        self._registers.service_enable = _BYTE.parse("".join(arguments[:1]))

    def _enable_operation(self, arguments: list[str]) -> None:
        self._registers.operation_enable = _BYTE.parse("".join(arguments[:1]))

    def _restore(self, arguments: list[str]) -> None:
        if arguments[:1] != ["99"]:
            raise ExecutionError
        self._plant.become(self._plant.model)

    def _input(self, arguments: list[str]) -> str:
        return Choice(self._plant.model.inputs).parse("".join(arguments[:1]))

    def _output(self, arguments: list[str]) -> str:
        return Choice(self._plant.model.outputs).parse("".join(arguments[:1]))

    def _loop(self, arguments: list[str]) -> Loop:
        return self._plant.loops[self._output(arguments)]

    def _step(self) -> int:
        return reading_number(self._clock.now(), self._plant.begin)

    def _shown(self, value: float) -> str:
        return format(value, self._plant.model.reading_style)

    def _kelvin(self, name: str) -> float:
        return self._plant.inputs.kelvin(name, self._step())

    def _celsius(self, name: str) -> float:
        return celsius(self._kelvin(name)) if self._plant.inputs.status(name) == 0 else 0.0

    def _sensor(self, name: str) -> float:
        return self._plant.inputs.sensor(name, self._step())

    def _readings(self, arguments: list[str], read: Callable[[str], float]) -> str:
        model = self._plant.model
        everything = arguments[:1] == ["0"] and model.name == "336"
        names = model.inputs if everything else (self._input(arguments),)
        shown = "+08.5f" if read == self._sensor else model.reading_style
        return ",".join(self._fitted(read(name), shown) for name in names)

    @staticmethod
    def _fitted(value: float, style: str) -> str:
        """Return a number with as many decimals as its field of digits has room for."""
        width, decimals = int(style[1:-3]), int(style[-2])
        whole = len(str(int(abs(value))))
        return f"{value:+0{width}.{max(min(decimals, width - 2 - whole), 1)}f}"

    def _linear(self, arguments: list[str]) -> str:
        name = self._input(arguments)
        equation, m, source, b_source, b = (
            float(value) for value in self._plant.settings["LINEAR", name]
        )
        reads = {1: self._kelvin, 2: self._celsius, 3: self._sensor}
        if b_source > 1:
            setpoint = self._plant.setpoint(self._plant.model.outputs[int(b_source - 2) // 2])
            shown = self._plant.inputs.from_kelvin(name, int(source), setpoint)
            b = shown if b_source in (2, 4) else -shown
        x = reads[int(source)](name)
        return self._shown(m * x + b if equation == 1 else m * (x + b))

    def _extremes(self, arguments: list[str]) -> str:
        watch = self._plant.inputs.watch(self._input(arguments))
        if watch.lowest > watch.highest:
            return f"{self._shown(0.0)},{self._shown(0.0)}"
        return f"{self._shown(watch.lowest)},{self._shown(watch.highest)}"

    def _alarm_state(self, arguments: list[str]) -> str:
        watch = self._plant.inputs.watch(self._input(arguments))
        return f"{watch.high_alarm:d},{watch.low_alarm:d}"

    def _relay_state(self, arguments: list[str]) -> str:
        number = Choice(("1", "2")).parse("".join(arguments[:1]))
        mode, source, kind = self._plant.settings["RELAY", number]
        watch = self._plant.inputs.watch(str(source))
        alarms = (watch.low_alarm, watch.high_alarm, watch.low_alarm or watch.high_alarm)
        return f"{alarms[int(kind)] if mode == 2 else mode == 1:d}"

    def _units(self, output: str) -> tuple[str, int]:
        """Return the input that an output follows and the units of its set point."""
        model, settings = self._plant.model, self._plant.settings
        name = drives.control_input(model, settings, output)
        if name is None:
            return model.inputs[0], KELVIN
        if model.old:
            return name, int(settings.number("CSET", output, field=1))
        return name, int(settings.number("INTYPE", name, field=4))

    def _present_setpoint(self, output: str) -> str:
        name, units = self._units(output)
        value = self._plant.inputs.from_kelvin(name, units, self._plant.setpoint(output))
        return self._shown(value)

    def _setpoint(self, arguments: list[str]) -> str:
        output = self._output(arguments)
        until, old = self._old_setpoints.get(output, (0.0, ""))
        return old if self._clock.now() < until else self._present_setpoint(output)

    def _set_setpoint(self, arguments: list[str]) -> None:
        output = self._output(arguments)
        value = Number(style="+.6f").parse("".join(arguments[1:2]))
        name, units = self._units(output)
        kelvin = self._plant.inputs.to_kelvin(name, units, value)
        curve = self._plant.inputs.curve(name)
        if kelvin is None or not 0 <= kelvin <= curve.limit:
            raise ExecutionError
        until = self._clock.now() + self._setpoint_delay_s
        self._old_setpoints[output] = (until, self._present_setpoint(output))
        loop = self._plant.loops[output]
        on, rate = (float(entry) for entry in self._plant.settings["RAMP", output])
        loop.aim(kelvin, rate / 60 if on else 0.0)
        if loop.is_ramping:
            self._plant.ramp_done[output] = False

    def _change_ramp(self, output: str) -> None:
        on, rate = (float(entry) for entry in self._plant.settings["RAMP", output])
        loop = self._plant.loops[output]
        if loop.is_ramping:
            loop.aim(loop.target_K, rate / 60 if on else 0.0)

    def _heater_percent(self, arguments: list[str]) -> str:
        model, settings = self._plant.model, self._plant.settings
        output = "1" if model.old else Choice(tuple(model.largest)).parse("".join(arguments[:1]))
        percent = self._plant.loops[output].percent
        if model.old:
            in_watts = settings.number("CSET", output, field=3) == 2
        else:
            in_watts = float(settings["HTRSET", output][-1]) == 2
        return f"{percent**2 / 100 if in_watts else percent:+06.1f}"

    def _heater_state(self, arguments: list[str]) -> str:
        model = self._plant.model
        output = "1" if model.old else Choice(tuple(model.largest)).parse("".join(arguments[:1]))
        state = self._plant.heater_status[output]
        if self._heater_status_clears:
            self._plant.heater_status[output] = 0
        return str(state)

    def _analog_percent(self, arguments: list[str]) -> str:
        model, settings = self._plant.model, self._plant.settings
        output = "2" if model.old else self._output(arguments)
        if not drives.is_voltage(model, settings, output):
            raise ExecutionError
        percent = self._plant.loops[output].percent
        if drives.monitors(model, settings, output):
            source = drives.control_input(model, settings, output)
            reading = self._kelvin(source) if source else 0.0
            percent = self._plant.monitor_percent(output, reading)
        return f"{percent:+06.1f}"

    def _tune(self, arguments: list[str]) -> None:
        terms = Whole(0, 2).parse("".join(arguments[1:2])) + 1
        self._plant.tune(self._output(arguments), terms)

    def _tuning(self, _: list[str]) -> str:
        tuning, failed = self._plant.tuning, self._plant.tuning_failed_at
        if self._plant.model.old:
            return f"{tuning is not None:d}"
        if tuning is not None:
            return f"1,{tuning.output},0,{tuning.stage(self._plant.steps):02d}"
        return f"0,1,{failed is not None:d},{failed or 0:02d}"

    def _operation(self) -> int:
        inputs, plant = self._plant.inputs, self._plant
        watches = [inputs.watch(name) for name in plant.model.inputs]
        overload = any(inputs.status(name) & OVERLOAD for name in plant.model.inputs)
        return (
            registers.ALARM * any(watch.high_alarm or watch.low_alarm for watch in watches)
            | registers.SENSOR_OVERLOAD * overload
            | registers.LOOP_1_RAMP_DONE * plant.ramp_done["1"]
            | registers.LOOP_2_RAMP_DONE * plant.ramp_done["2"]
            | registers.NEW_READING
            | registers.AUTOTUNE_DONE * plant.tuning_done
        )

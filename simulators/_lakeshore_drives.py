"""From the settings of a Lake Shore controller to what its outputs do."""

from __future__ import annotations

from typing import Final

from simulators import _lakeshore_loop as loop
from simulators._lakeshore_fields import Settings
from simulators._lakeshore_loop import Drive
from simulators._lakeshore_tables import Model

VOLTAGE_OUTPUT_W: Final = 1.0
_OFF, _CLOSED, _ZONE, _OPEN, _MONITOR, _WARM_UP = range(6)
_RANGE_STEP: Final = 10.0
_OLD_MODES: Final = {1: _CLOSED, 2: _ZONE, 3: _OPEN, 4: _CLOSED, 5: _CLOSED, 6: _CLOSED}
_OLD_ANALOG_MANUAL, _OLD_ANALOG_LOOP = 2, 3


def is_voltage(model: Model, settings: Settings, output: str) -> bool:
    """Return True if an output drives up to 10 V instead of a heater current."""
    if output not in model.largest:
        return True
    return model.name == "335" and output == "2" and settings.number("HTRSET", output) == 1


def control_input(model: Model, settings: Settings, output: str) -> str | None:
    """Return the input whose reading an output follows, None if none."""
    if model.old:
        return str(settings["CSET", output][0])
    number = int(settings.number("OUTMODE", output, field=1))
    return model.inputs[number - 1] if 1 <= number <= len(model.inputs) else None


def heater_range(model: Model, settings: Settings, output: str) -> int:
    """Return the range that an output is on, 0 if off."""
    if not model.old:
        return int(settings.number("RANGE", output))
    if output == "1":
        return int(settings.number("RANGE"))
    return int(settings.number("ANALOG", field=1) in (_OLD_ANALOG_MANUAL, _OLD_ANALOG_LOOP))


def full_scale(model: Model, settings: Settings, output: str, step: int) -> float:
    """Return the heater power at 100 % on a range (0 off, 1 low, 2 medium, 3 high), W."""
    if step == 0:
        return 0.0
    if is_voltage(model, settings, output):
        return VOLTAGE_OUTPUT_W
    highest = model.largest[output]
    if not model.old:
        highest = min(highest, _largest_power(model, settings, output))
    return highest / _RANGE_STEP ** (3 - step)


def _largest_power(model: Model, settings: Settings, output: str) -> float:
    resistance, current, users, _ = settings["HTRSET", output][-4:]
    amperes = model.currents[int(current) - 1] if int(current) else float(users)
    return amperes**2 * (25.0, 50.0)[int(resistance) - 1]


def drive(model: Model, settings: Settings, output: str, setpoint_K: float) -> Drive:
    """Return what an output does with these settings and its set point (K)."""
    source = control_input(model, settings, output)
    mode = _mode(model, settings, output)
    step = heater_range(model, settings, output)
    p, i, d = (float(value) for value in settings["PID", output])
    manual = settings.number("MOUT", output)
    if mode == _ZONE and (zone := _zone(settings, output, setpoint_K)):
        p, i, d, manual = zone[1:5]
        step = min(step, 1) * int(zone[5] or 1)
        if len(zone) > 6 and 1 <= zone[6] <= len(model.inputs):
            source = model.inputs[int(zone[6]) - 1]
    if mode == _WARM_UP:
        manual = settings.number("WARMUP", output, field=1)
    if model.old and output == "2" and settings.number("ANALOG", field=1) == _OLD_ANALOG_MANUAL:
        mode, manual = _OPEN, max(settings.number("ANALOG", field=6), 0.0)
    kinds = {_CLOSED: loop.CLOSED, _ZONE: loop.CLOSED, _OPEN: loop.OPEN, _WARM_UP: loop.WARM_UP}
    kind = kinds.get(mode, loop.OFF) if step else loop.OFF
    if source is None and kind in (loop.CLOSED, loop.WARM_UP):
        kind = loop.OFF
    number = model.inputs.index(source) + 1 if source else int(output)
    watts = full_scale(model, settings, output, step)
    return Drive(kind, watts, number, p, i, d, manual)


def is_zone(model: Model, settings: Settings, output: str) -> bool:
    """Return True if an output takes its parameters from the zone table."""
    return _mode(model, settings, output) == _ZONE


def is_closed_loop(model: Model, settings: Settings, output: str) -> bool:
    """Return True if an output is in a closed-loop mode without zones."""
    return _mode(model, settings, output) == _CLOSED


def monitors(model: Model, settings: Settings, output: str) -> bool:
    """Return True if an output shows a reading as a voltage and heats nothing."""
    return not model.old and _mode(model, settings, output) == _MONITOR


def _mode(model: Model, settings: Settings, output: str) -> int:
    if model.old:
        return _OLD_MODES[int(settings.number("CMODE", output))]
    return int(settings.number("OUTMODE", output))


def _zone(settings: Settings, output: str, setpoint_K: float) -> list[float]:
    """Return the first zone that reaches up to the set point; empty if there is none."""
    for number in range(1, 11):
        zone = [float(value) for value in settings["ZONE", output, str(number)]]
        if zone[0] >= setpoint_K > 0:
            return zone
    return []

"""Where drivers take numbers, found by their annotations, and what is no number there.

Only what a call needs besides the value under test is written down.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from instrument_rig import NAME

from drivers._sr830_parameters import Flag, Parameter
from drivers.lakeshore import (
    Alarm,
    Filter,
    HeaterSetup,
    InputType,
    InputType331,
    Loop331,
    OutputMode,
    Pid,
    WarmUp,
    Zone,
)

BAD = {"True": True, "NaN": math.nan, "inf": math.inf, "'5'": "5", "None": None}
PLUMBING = ("drivers._wire", "drivers._in_step", "pymeasure")
NO_NUMBERS = {"ask", "read", "write", "end_use"}
GOOD: dict[type, Any] = {
    Alarm: Alarm(300.0, 80.0),
    Filter: Filter(True, 10, 2),
    HeaterSetup: HeaterSetup(25, 1.0),
    InputType: InputType("diode", False, 0, False),
    InputType331: InputType331("100 Ohm platinum/250", False),
    Loop331: Loop331("A", "K"),
    OutputMode: OutputMode("closed loop", "A"),
    Pid: Pid(50.0, 20.0, 0.0),
    WarmUp: WarmUp(False, 10.0),
    Zone: Zone(100.0, Pid(50.0, 20.0, 0.0), 0.0, "low"),
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "set_aux_output": {"number": 1, "volts": 0.0},
    "set_offset": {"output": "X", "percent": 0.0},
    "set_display": {"channel": 1, "quantity": "X"},
    "set_slit_width": {"slit": "SIDE-ENT-SLIT", "micrometres": 100.0},
    "set_wavelength": {"channel": 0, "nanometres": 600.0},
    "set_amplitude": {"channel": 0, "percent": 10.0},
    "set_band": {"lower": 500.0, "upper": 600.0},
    "set_zone": {"number_": 1, "zone": GOOD[Zone]},
    "fast_scan": {"count": 10},
    "record": {"duration": 1.0, "rate": 16.0},
    "acquire_series": {"number": 2},
    "calibration": {"pixels": 100, "pixel_width": 16.0},
    "wait_until_stable": {
        "band_K": 1.0, "slope_K_per_min": 1.0, "for_s": 10.0, "timeout_s": 60.0,
    },
}  # fmt: skip
FIELDS = {
    "channel": ("display",),
    "main_channel": ("channel",),
    "number": ("setup",),
    "temperature_setpoint": ("temperature",),
    "power_level": ("nd_setpoint", "amplitude"),
}
"""Words of the error's field where neither the member's nor the parameter's name is in it."""
PAIRS: dict[str, tuple[float, ...]] = {
    "temperature_range": (250.0, 300.0),
    "setpoint_range": (80.0, 300.0),
    "plausible_range": (200.0, 400.0),
    "harmonics": (1, 2),
}
ELSEWHERE = {"wavelength_coefficients", "responsivity"}
"""Tables, which the tests of their drivers try."""
NEEDS = {
    "warm_up": {"LakeShore335": {"output": 2}, "LakeShore336": {"output": 3, "heater_range": "on"}}
}


class Spot(NamedTuple):
    """One place where a driver takes a number.

    :param put: puts a value there; its arguments are a rig and the value.
    :param keywords: with which the driver is connected before; None: it is not.
    """

    words: str
    hint: Any
    put: Callable[[Any, Any], object]
    keywords: dict[str, Any] | None


def parts(hint: Any) -> Iterator[Any]:
    """Yield the types, and the values of Literals, that a hint consists of."""
    origin = get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        for part in get_args(hint):
            yield from parts(part)
    elif origin is Literal:
        yield from get_args(hint)
    else:
        yield origin or hint


def bad_for(hint: Any) -> dict[str, Any]:
    """Return the values that nobody may give where the hint says what is taken."""
    taken = list(parts(hint))
    kinds = {part for part in taken if isinstance(part, type)}
    literals = [part for part in taken if not isinstance(part, type)]
    allowed = {
        "True": bool in kinds or any(value is True for value in literals),
        "'5'": str in kinds or "5" in literals,
        "None": type(None) in kinds,
    }
    return {label: value for label, value in BAD.items() if not allowed.get(label)}


def is_number(hint: Any) -> bool:
    return any(part in (int, float, bool) or isinstance(part, int | float) for part in parts(hint))


def holds_numbers(hint: Any) -> bool:
    """Return whether a hint, or a part of it, is a sequence of numbers, or of such sequences."""
    inside = [arg for arg in get_args(hint) if arg is not Ellipsis]
    if get_origin(hint) in (Sequence, tuple, list):
        return any(is_number(arg) or holds_numbers(arg) for arg in inside)
    return get_origin(hint) is not Literal and any(holds_numbers(arg) for arg in inside)


def values_for(hint: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield bad values for a hint, with what is wrong with them; none if it takes no numbers."""
    shapes = [part for part in parts(hint) if isinstance(part, type)]
    for kind in (part for part in shapes if is_dataclass(part)):
        good, hints = GOOD[kind], get_type_hints(kind)
        yield from bad_for(hint).items()
        for field in fields(kind):
            for what, value in values_for(hints[field.name], field.name):
                yield f"{field.name}={what}", replace(good, **{field.name: value})
    if is_number(hint):
        yield from bad_for(hint).items()
    elif holds_numbers(hint) and name not in ELSEWHERE:
        yield from bad_for(hint).items()
        for position in range(2):
            for what, value in BAD.items():
                pair = list(PAIRS[name])
                pair[position] = value
                yield f"[{position}]={what}", tuple(pair)


def constructor(driver: type) -> Iterator[Spot]:
    for name, hint in get_type_hints(driver.__init__).items():
        yield Spot(name, hint, lambda rig, value, n=name: rig.connect(**{n: value}), None)


def members(driver: type) -> Iterator[tuple[str, Any]]:
    for name in dir(driver):
        member = inspect.getattr_static(driver, name)
        function = getattr(member, "fset", None) or member
        module = getattr(function, "__module__", "") or ""
        if not name.startswith("_") and name not in NO_NUMBERS and not module.startswith(PLUMBING):
            yield name, member


def settings_of(driver: type, name: str, member: Any) -> Iterator[Spot]:
    keywords = NEEDS.get(name, {}).get(driver.__name__, {})

    def put(rig: Any, value: Any) -> None:
        setattr(rig.instrument, name, value)

    if isinstance(member, property) and member.fset is not None:
        (hint,) = [h for n, h in get_type_hints(member.fset).items() if n != "return"]
        yield Spot(name, hint, put, keywords)
    elif isinstance(member, Flag):
        yield Spot(name, bool, put, keywords)
    elif isinstance(member, Parameter):
        allowed = getattr(member, "_allowed", (0.0,))
        if not isinstance(allowed[0], str):
            yield Spot(name, float, put, keywords)


def arguments_of(name: str, member: Any) -> Iterator[Spot]:
    if not inspect.isfunction(member):
        return
    for parameter, hint in get_type_hints(member).items():
        if parameter == "return" or parameter.startswith("_"):
            continue

        def put(rig: Any, value: Any, parameter: str = parameter) -> None:
            given = {**ARGUMENTS.get(name, {}), parameter: value}
            getattr(rig.instrument, name)(**given)

        yield Spot(f"{name} {parameter}", hint, put, {})


def spots(driver: type) -> Iterator[Spot]:
    yield from constructor(driver)
    for name, member in members(driver):
        yield from settings_of(driver, name, member)
        yield from arguments_of(name, member)


def names(field: str, words: str) -> bool:
    """Return whether an error's field tells which argument is meant."""
    wanted = [*words.split(), words.split()[0].removeprefix("set_")]
    wanted += [other for word in wanted for other in FIELDS.get(word, ())]
    plain = field.removeprefix(NAME).replace("_", " ")
    return any(word.strip("_").replace("_", " ") in plain for word in wanted)

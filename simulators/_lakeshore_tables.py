"""The Lake Shore models: what they are, and every setting that they only keep and give back.

Sources: remote-operation chapters of the Lake Shore 331, 335, 336 and 350 manuals and the maker's
public driver (PyPI ``lakeshore`` 1.10), which fixes the number and the order of the parameters.

The 336 reaches 2 A with ``HTRSET`` current 4, the 335 1.732 A; the current written as 1.141 A in
manual and driver is taken as √2 A, which makes it half the power of the largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulators._lakeshore_fields import Choice, Field, Number, Setting, Text, Whole

OFF_ON: Final = Whole(0, 1)
_UNITS: Final = Whole(1, 3, 1)
_ONE_TWO: Final = Choice(("1", "2"))
_ZONES: Final = Choice(tuple(str(n) for n in range(1, 11)))


@dataclass(frozen=True)
class Model:
    """One model.

    :param identity: answer to ``*IDN?``.
    :param inputs: names of the inputs, ``outputs`` their numbers; input ``n`` is on stage ``n``.
    :param pace_s: silence it needs after a message, s; what comes earlier is lost.
    :param old: True for the 331, whose heater commands know one loop and whose loop 2 is analog.
    :param currents: largest heater current (A) by its number in ``HTRSET``; 0 is the user's.
    :param largest: what the heater outputs can deliver, W.
    """

    name: str
    identity: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    pace_s: float
    old: bool
    currents: tuple[float, ...]
    largest: dict[str, float]
    reading_style: str
    user_curves: range
    table: tuple[Setting, ...]


def _pid(style: str) -> tuple[Field, ...]:
    gain = Number(0.1, 1000, 50, style)
    return gain, Number(0, 1000, 20, style), Number(0, 200, 0, style)


def _common(
    inputs: tuple[str, ...], outputs: tuple[str, ...], style: str, curves: int, slowest: float
) -> list[Setting]:
    value = Number(style=style)
    channel, output = Choice(inputs), Choice(outputs)
    return [
        Setting("PID", (output,), _pid("+07.1f")),
        Setting("RAMP", (output,), (OFF_ON, Number(slowest, 100, 10, "+06.1f"))),
        Setting("MOUT", (output,), (Number(0, 100, 0, "+07.2f"),)),
        Setting("FILTER", (channel,), (OFF_ON, Whole(2, 64, 8, 2), Whole(1, 10, 10, 2))),
        Setting("INCRV", (channel,), (Whole(0, curves, 0, 2),)),
        Setting("LOCK", (), (OFF_ON, Whole(0, 999, 123, 3))),
        Setting("MODE", (), (Whole(0, 2),)),
        Setting("BRIGT", (), (Whole(0, 3, 2),)),
        Setting("RELAY", (_ONE_TWO,), (Whole(0, 2), Choice(inputs, "A"), Whole(0, 2))),
        Setting("ZONE", (output, _ZONES), _zone(value)),
    ]


def _zone(value: Number) -> tuple[Field, ...]:
    return (value, *_pid("+07.1f"), Number(0, 100, 0, "+07.2f"), Whole(0, 3))


def _new(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> list[Setting]:
    """Return what the 335 and the 336 have in common."""
    channel, output = Choice(inputs), Choice(outputs)
    source = Whole(0, 8 if len(inputs) > 2 else 2)
    kelvin = Number()
    common = _common(inputs, outputs, "+08.3f", 59, 0.0)
    zone = (*_zone(kelvin), source, Number(0, 100, 0, "+06.1f"))
    return [
        *(setting for setting in common if setting.name != "ZONE"),
        Setting("ZONE", (output, _ZONES), zone),
        Setting("RANGE", (output,), (Whole(0, 3),)),
        Setting("OUTMODE", (output,), (Whole(0, 5), source, OFF_ON)),
        Setting(
            "INTYPE",
            (channel,),
            (Whole(0, 5, 1), OFF_ON, Whole(0, 8), OFF_ON, _UNITS),
        ),
        Setting("TLIMIT", (channel,), (Number(0, 2000, 0, "+06.1f"),)),
        Setting("ALARM", (channel,), (OFF_ON, kelvin, kelvin, kelvin, OFF_ON, OFF_ON, OFF_ON)),
        Setting("INNAME", (channel,), (Text(15),)),
        Setting("DIOCUR", (channel,), (OFF_ON,)),
        Setting("ANALOG", (output,), (source, _UNITS, kelvin, kelvin, OFF_ON)),
        Setting("WARMUP", (output,), (OFF_ON, Number(0, 100, 0, "+07.2f"))),
        Setting("LEDS", (), (Whole(0, 1, 1),)),
        Setting("IEEE", (), (Whole(0, 30, 12, 2),)),
        Setting("DISPFLD", (_field_numbers(8),), (Whole(0, 8), Whole(1, 6, 1))),
        Setting("EMUL", (), (Whole(0, 2), OFF_ON)),
    ]


def _field_numbers(last: int) -> Choice:
    return Choice(tuple(str(n) for n in range(1, last + 1)))


def _table_331() -> tuple[Setting, ...]:
    inputs, loops = ("A", "B"), ("1", "2")
    channel, loop = Choice(inputs), Choice(loops)
    value = Number(style="+07.2f")
    return (
        *_common(inputs, loops, "+07.2f", 41, 0.1),
        Setting("RANGE", (), (Whole(0, 3),)),
        Setting("CMODE", (loop,), (Whole(1, 6, 1),)),
        Setting("CSET", (loop,), (Choice(inputs, "A"), _UNITS, OFF_ON, Whole(1, 2, 1))),
        Setting("INTYPE", (channel,), (Whole(0, 9), OFF_ON)),
        Setting("ALARM", (channel,), (OFF_ON, Whole(1, 4, 1), value, value, value, OFF_ON)),
        Setting(
            "ANALOG",
            (),
            (
                OFF_ON,
                Whole(0, 3),
                Choice(inputs, "A"),
                Whole(1, 4, 1),
                value,
                value,
                Number(-100, 100, 0, "+07.2f"),
            ),
        ),
        Setting("LINEAR", (channel,), (Whole(1, 2, 1), value, _UNITS, Whole(1, 5, 1), value)),
        Setting("MNMX", (channel,), (Whole(1, 4, 1),)),
        Setting("BEEP", (), (OFF_ON,)),
        Setting("BAUD", (), (Whole(0, 2, 2),)),
        Setting("IEEE", (), (Whole(0, 3), OFF_ON, Whole(1, 30, 12, 2))),
        Setting("DISPFLD", (_field_numbers(4),), (Whole(0, 3), Whole(1, 6, 1))),
    )


def _table_335() -> tuple[Setting, ...]:
    current = Number(0, 1.732, 1.0, "+07.3f")
    heater = (OFF_ON, Whole(1, 2, 1), Whole(0, 4, 2), current, Whole(1, 2, 1))
    return (
        *_new(("A", "B"), ("1", "2")),
        Setting("HTRSET", (_ONE_TWO,), heater),
        Setting("DISPLAY", (), (Whole(0, 7),)),
        Setting("POLARITY", (Choice(("2",)),), (OFF_ON,)),
    )


def _table_336() -> tuple[Setting, ...]:
    current = Number(0, 2.0, 1.0, "+07.3f")
    heater = (Whole(1, 2, 1), Whole(0, 4, 2), current, Whole(1, 2, 1))
    address = Text(15, "192.168.0.12")
    names = (address, Text(15, "255.255.255.0"), Text(15, "0.0.0.0"))
    return (
        *(setting for setting in _new(tuple("ABCD"), tuple("1234")) if setting.name != "EMUL"),
        Setting("HTRSET", (_ONE_TWO,), heater),
        Setting("DISPLAY", (), (Whole(0, 10), Whole(0, 2), Whole(1, 4, 1))),
        Setting("INTSEL", (), (Whole(0, 2),)),
        Setting(
            "NET",
            (),
            (OFF_ON, OFF_ON, *names, Text(15), Text(15), Text(15), Text(64), Text(32)),
        ),
        Setting("WEBLOG", (), (Text(15), Text(15))),
    )


MODELS: Final[dict[str, Model]] = {
    "331": Model(
        "331",
        "LSCI,MODEL331S,123456,020399",
        ("A", "B"),
        ("1", "2"),
        0.05,
        True,
        (),
        {"1": 50.0},
        "+07.2f",
        range(21, 42),
        _table_331(),
    ),
    "335": Model(
        "335",
        "LSCI,MODEL335,335A1BC/#######,2.0",
        ("A", "B"),
        ("1", "2"),
        0.0,
        False,
        (0.707, 1.0, 2**0.5, 1.732),
        {"1": 75.0, "2": 25.0},
        "+08.3f",
        range(21, 60),
        _table_335(),
    ),
    "336": Model(
        "336",
        "LSCI,MODEL336,336A1BC/#######,2.9",
        tuple("ABCD"),
        tuple("1234"),
        0.0,
        False,
        (0.707, 1.0, 2**0.5, 2.0),
        {"1": 100.0, "2": 50.0},
        "+08.3f",
        range(21, 60),
        _table_336(),
    ),
}

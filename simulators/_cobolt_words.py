"""The words of the Cobolt 06: its flags, states, faults, run modes and spellings."""

from __future__ import annotations

import re
from typing import Final

OK: Final = "OK"
ILLEGAL: Final = "Syntax error: illegal command"
OUT_OF_RANGE: Final = "Syntax error: illegal value"
NO_FAULT, TEMPERATURE, INTERLOCK, CONSTANT_POWER_TIMEOUT = 0, 1, 3, 4
OFF, WAITING_FOR_KEY, CONTINUOUS, ON_OFF_MODULATION, MODULATION, FAULT, ABORTED = range(7)
CONSTANT_CURRENT, CONSTANT_POWER, MODULATED = 0, 1, 2
RUN_MODES: Final = {
    "constantcurrent": CONSTANT_CURRENT,
    "constantpower": CONSTANT_POWER,
    "powermodulation": MODULATED,
}
RUN_MODE_NAMES: Final = ("ConstantCurrent", "ConstantPower", "PowerModulation")
FLAGS: Final = {
    "@cobas": "autostart",
    "@cobasks": "key switch",
    "@cobasky": "key switch",
    "@cobasdr": "direct control",
    "sdmes": "digital",
    "sames": "analog",
    "salis": "50 ohm",
}
FLAG_QUERIES: Final = {
    "@cobas?": "autostart",
    "@cobasks?": "key switch",
    "@cobasky?": "key switch",
    "@cobasdr?": "direct control",
    "gdmes?": "digital",
    "games?": "analog",
    "galis?": "50 ohm",
}


def watts_text(power: float) -> str:
    """Return a power (W) with three decimals, or four if there is a tenth of a milliwatt."""
    return f"{power:.4f}".removesuffix("0")


def short(text: str) -> str:
    """Return a command in the short words and the lower case by which it is looked up."""
    text = text.lower()
    if not text.startswith(("laser:", "las:")):
        return text
    for spelling, word in (
        (r"^las:", "laser:"),
        (r":runm\b", ":runmode"),
        (r":(powermodulation|pmod)\b", ":pm"),
        (r":(constantpower)\b", ":cp"),
        (r":(constantcurrent)\b", ":cc"),
        (r":pow\b", ":power"),
        (r":curr\b", ":current"),
        (r":setp\b", ":setpoint"),
    ):
        text = re.sub(spelling, word, text)
    return text

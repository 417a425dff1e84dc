"""The words of the Coherent OBIS: SCPI headers in long and short form, error codes, status bits."""

from __future__ import annotations

import re
from typing import Final

UNRECOGNIZED, MISSING, INVALID, NOT_NOW, OVERFLOW = -100, -109, -220, -200, -350
ERROR_TEXTS: Final = {
    0: "No error",
    UNRECOGNIZED: "Unrecognized command/query",
    MISSING: "Parameter missing",
    NOT_NOW: "Execution error",
    INVALID: "Invalid parameter",
    OVERFLOW: "Queue overflow",
}

FAULT, EMISSION, STANDBY, CDRH_DELAY, WARM_UP = 0x1, 0x2, 0x8, 0x10, 0x100
EXTERNAL_MODE, POWER_VOLTAGE = 0x400, 0x1000
KEY_ON, INTERLOCK_OPEN, KEY_OUT = 0xC8000000, 0xCC000000, 0xCE000000
BASE_PLATE_TEMPERATURE: Final = 0x1

INTERNAL_MODES: Final = ("CWP", "CWC")
EXTERNAL_MODES: Final = ("DIGital", "ANALog", "MIXed", "DIGSO", "MIXSO")

SWITCHES: Final = (
    "SOURce:AM:STATe",
    "SOURce:TEMPerature:APRobe",
    "SYSTem:CDRH",
    "SYSTem:AUTostart",
    "SYSTem:COMMunicate:HANDshaking",
    "SYSTem:COMMunicate:PROMpt",
    "SYSTem:INDicator:LASer",
)
QUERIES: Final = (
    "*IDN",
    "*TST",
    *SWITCHES,
    "SOURce:AM:SOURce",
    "SOURce:POWer:LEVel:IMMediate:AMPLitude",
    "SOURce:POWer:LEVel",
    "SOURce:POWer:LIMit:LOW",
    "SOURce:POWer:LIMit:HIGH",
    "SOURce:POWer:NOMinal",
    "SOURce:POWer:CURRent",
    "SOURce:TEMPerature:DIODe",
    "SOURce:TEMPerature:BASeplate",
    "SOURce:TEMPerature:INTernal",
    "SOURce:TEMPerature:DSETpoint",
    "SYSTem:STATus",
    "SYSTem:FAULt",
    "SYSTem:LOCK",
    "SYSTem:ERRor:COUNt",
    "SYSTem:ERRor:NEXt",
    "SYSTem:CYCLes",
    "SYSTem:HOURs",
    "SYSTem:DIODe:HOURs",
    "SYSTem:INFormation:MODel",
    "SYSTem:INFormation:SNUMber",
    "SYSTem:INFormation:WAVelength",
    "SYSTem:INFormation:POWer",
    "SYSTem:INFormation:TYPe",
    "SYSTem:INFormation:PNUMber",
    "SYSTem:INFormation:FVERsion",
    "SYSTem:INFormation:PVERsion",
    "SYSTem:INFormation:MDATe",
    "SYSTem:INFormation:CDATe",
    "SYSTem:INFormation:FCDate",
    "SYSTem:INFormation:USER",
    "SYSTem:INFormation:AMODulation:TYPe",
)
COMMANDS: Final = (
    "*RST",
    *SWITCHES,
    "SOURce:AM:INTernal",
    "SOURce:AM:EXTernal",
    "SOURce:POWer:LEVel:IMMediate:AMPLitude",
    "SYSTem:ERRor:CLEar",
    "SYSTem:INFormation:USER",
    "SYSTem:INFormation:FCDate",
    "SYSTem:INFormation:AMODulation:TYPe",
)


def pattern(header: str) -> re.Pattern[str]:
    """Return what matches a header, its words short (the capitals) or long, in any case.

    A digit may follow a word: it names the device behind a remote.
    """
    words = []
    for word in header.split(":"):
        short = re.match(r"[*A-Z]+", word)
        end = short.end() if short else 0
        rest = word[end:]
        words.append(re.escape(word[:end]) + (f"(?:{rest})?" if rest else "") + "[01]?")
    return re.compile(":?" + ":".join(words), re.IGNORECASE)


_PATTERNS: Final = {header: pattern(header) for header in dict.fromkeys(QUERIES + COMMANDS)}


def recognise(header: str, among: tuple[str, ...]) -> str | None:
    """Return the full name, as listed in ``among``, of a header as sent; None if it is none."""
    return next((name for name in among if _PATTERNS[name].fullmatch(header)), None)


def recognise_word(word: str, among: tuple[str, ...]) -> str | None:
    """Return the listed word that ``word`` is, short or long, in any case; None if none."""
    return next((name for name in among if pattern(name).fullmatch(word)), None)

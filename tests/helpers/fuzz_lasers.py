"""What the fuzz knows of the lasers Finesse, OBIS and Cobolt 06."""

from __future__ import annotations

import re
from typing import Any

from cases_of_light import CASES
from fuzz_case import Action, FuzzCase, Log, Reading, Said, assigned, attribute, called

LARGEST_W = 100.0
DARK_OFFSET_W = 0.01
"""A monitor without light may read a little below zero; a set point never does."""


def text(found: re.Match[bytes]) -> str:
    return found[1].decode().strip()


def number(found: re.Match[bytes]) -> float:
    return float(found[1])


def finesse(question: str, pattern: bytes, value: Any = number, **limits: float) -> Said:
    return Said(question.encode() + b"\r", rb"\s*" + pattern + rb"\s*\r\n", value, **limits)


def finesse_shutter(found: re.Match[bytes]) -> bool:
    opened, closed = b"OPEN" in found[1], b"CLOS" in found[1]
    if opened == closed:
        raise ValueError("neither or both")
    return opened


def enabled(found: re.Match[bytes]) -> bool:
    return found[1] == b"ENABLED"


WORD = rb"([ -~]*[!-~][ -~]*)"
POWER = finesse("POWER?", rb"(\d{1,3}\.\d+)W", highest=LARGEST_W)
SETPOWER = finesse("SETPOWER?", rb"(\d{1,3}\.\d+)W", highest=LARGEST_W)
CURRENT = finesse("CURRENT?", rb"(\d{1,3}\.\d+)%")
HEAD = finesse("HTEMP?", rb"(-?\d{1,3}\.\d+)C", lowest=-273.15)
SUPPLY = finesse("PSUTEMP?", rb"(-?\d{1,3}\.\d+)C", lowest=-273.15)
STATUS = finesse("STATUS?", b"(ENABLED|DISABLED)", enabled)
INTERLOCK = finesse("INTERLOCK?", b"(ENABLED|DISABLED)", enabled)
SHUTTER = finesse("SHUTTER?", WORD, finesse_shutter)
SERIAL = finesse("SERIAL?", WORD, text)
SOFTWARE = finesse("SOFTVER?", WORD, text)


def finesse_times(log: Log, times: dict[str, int]) -> bool:
    """Three lines with one number each, and an empty one."""
    (answer,) = [bytes(e.answered) for e in log if e.asked == b"TIMERS?\r"][-1:]
    lines = answer.split(b"\r\n")
    numbers = [re.findall(rb"\d+", line) for line in lines[:3]]
    return (
        len(lines) == 5
        and not (lines[3] + lines[4]).strip()
        and [len(found) for found in numbers] == [1, 1, 1]
        and list(times.values()) == [int(found[0]) for found in numbers]
    )


def set_to(said: Said, watts: float, tolerance: float) -> Any:
    def promise(log: Log) -> bool:
        kept = said.last(log)
        return kept is not None and abs(kept - watts) <= tolerance

    return promise


def finesse_is_shut(log: Log) -> bool:
    return SHUTTER.last(log) is False


FINESSE = FuzzCase(
    CASES["Finesse"],
    readings={
        "power": attribute("power", POWER),
        "power_setpoint": attribute("power_setpoint", SETPOWER),
        "current": attribute("current", CURRENT),
        "head_temperature": attribute("head_temperature", HEAD),
        "psu_temperature": attribute("psu_temperature", SUPPLY),
        "emission": attribute("emission", STATUS),
        "emission_enabled": attribute("emission_enabled", STATUS),
        "interlock_enabled": attribute("interlock_enabled", INTERLOCK),
        "shutter_open": attribute("shutter_open", SHUTTER),
        "serial_number": attribute("serial_number", SERIAL),
        "software_version": attribute("software_version", SOFTWARE),
        "get_operation_times": Reading(lambda s: s.get_operation_times(), finesse_times),
    },
    actions={
        "power_setpoint=": assigned("power_setpoint", 0.3, set_to(SETPOWER, 0.3, 1e-3)),
        "open_output": called("open_output", promise=lambda log: SHUTTER.last(log) is True),
        "close_output": called("close_output", promise=finesse_is_shut),
        "disable_emission": called("disable_emission"),
        "attention": called("attention"),
    },
    identity=lambda log, laser: (
        STATUS.last(log) is not None
        and f"number {SERIAL.last(log)}, software {SOFTWARE.last(log)}" in laser.identity
    ),
    settings={
        "power_W": POWER,
        "power_setpoint_W": SETPOWER,
        "wavelength_nm": None,
        "emission": STATUS,
        "shutter_open": SHUTTER,
        "interlock_enabled": INTERLOCK,
        "diode_current_percent": CURRENT,
        "head_temperature_C": HEAD,
        "supply_temperature_C": SUPPLY,
    },
    is_safe=finesse_is_shut,
    kept=frozenset({"wavelength", "max_power"}),
)

DECIMAL = rb"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"


def obis(question: str, pattern: bytes, value: Any = number, **limits: float) -> Said:
    whole = rb"\s*" + pattern + rb"\s*\r\n\s*OK\s*\r\n"
    return Said(question.encode() + b"\r\n", whole, value, **limits)


def obis_optional(question: str, pattern: bytes) -> Any:
    """Return the oracle of what not every model knows: empty if it is refused."""
    said, refused = obis(question, pattern, text), (question + "\r\n").encode()

    def accepts(log: Log, value: str) -> bool:
        if value:
            return said(log, value)
        return any(re.match(rb"\s*ERR-?\d", e.answered) for e in log if e.asked == refused)

    return accepts


def word(found: re.Match[bytes]) -> int:
    return int(found[1], 16)


OBIS_POWER = obis("SOUR:POW:LEV?", DECIMAL, lowest=-DARK_OFFSET_W, highest=LARGEST_W)
OBIS_SETPOINT = obis("SOUR:POW:LEV:IMM:AMPL?", DECIMAL, lowest=0.0, highest=LARGEST_W)
OBIS_STATUS = obis("SYST:STAT?", b"([0-9A-Fa-f]{8})", word)
OBIS_FAULTS = obis("SYST:FAUL?", b"([0-9A-Fa-f]{8})", word)
OBIS_DIODE = obis("SOUR:TEMP:DIOD?", rb"(-?\d{1,3}(?:\.\d+)?)\s?C?", lowest=-273.15)
OBIS_SOURCE = obis("SOUR:AM:SOUR?", b"(CWP|CWC|DIGITAL|ANALOG|MIXED|DIGSO|MIXSO)", text)
OBIS_LOCK = obis("SYST:LOCK?", WORD, text)
OBIS_MODEL = obis("SYST:INF:MOD?", rb"([ -~]*OBIS[ -~]*)", text)
OBIS_ERRORS = obis("SYST:ERR:COUN?", rb"(\d{1,4})", lambda found: int(found[1]))
OBIS_WAVELENGTH = obis("SYST:INF:WAV?", rb"(\d{3,4}(?:\.\d+)?)(?:\s?nm)?")


def obis_emits(log: Log, value: bool) -> bool:
    status = OBIS_STATUS.last(log)
    return status is not None and bool(status & 2) is value


def obis_interlock(log: Log, closed: bool) -> bool:
    """Closed needs both: a key byte that is not CC, and one of the texts for closed."""
    lock = str(OBIS_LOCK.last(log)).upper()
    status = OBIS_STATUS.last(log)
    return not closed or (
        status is not None and status >> 24 != 0xCC and lock in ("OK", "ON", "CLOSED")
    )


def obis_count(said: Said, extra: int, mask: int) -> Any:
    """Accept words for as many bits as are set in the last answer."""

    def accepts(log: Log, told: Any) -> bool:
        names = told.split(", ") if isinstance(told, str) else list(told)
        bits = said.last(log)
        return (
            bits is not None and len([n for n in names if n]) == extra + (bits & mask).bit_count()
        )

    return accepts


def obis_is_dark(log: Log) -> bool:
    """Neither emission (bit 1) nor a running delay (bit 4)."""
    status = OBIS_STATUS.last(log)
    return status is not None and not status & 0x12


OBIS = FuzzCase(
    CASES["Obis"],
    readings={
        "power": attribute("power", OBIS_POWER),
        "power_setpoint": attribute("power_setpoint", OBIS_SETPOINT),
        "emission": attribute("emission", obis_emits),
        "status": attribute("status", obis_count(OBIS_STATUS, 1, 0xFFFFFF)),
        "faults": attribute("faults", obis_count(OBIS_FAULTS, 0, 0xFFFFFFFF)),
        "interlock_closed": attribute("interlock_closed", obis_interlock),
        "source": attribute("source", OBIS_SOURCE),
        "diode_temperature": attribute("diode_temperature", OBIS_DIODE),
        "errors_waiting": attribute("errors_waiting", OBIS_ERRORS),
        "take_errors": Reading(
            lambda laser: laser.take_errors(),
            lambda log, told: len(told) == min(OBIS_ERRORS.last(log), 100),
        ),
    },
    actions={
        "power_setpoint=": assigned("power_setpoint", 0.02, set_to(OBIS_SETPOINT, 0.02, 1e-4)),
        "open_output": called("open_output", promise=lambda log: obis_emits(log, True)),
        "start_emission": called("start_emission", promise=lambda log: obis_emits(log, True)),
        "stop_emission": called("stop_emission", promise=obis_is_dark),
        "attention": called("attention"),
    },
    identity=lambda log, laser: (
        f"Coherent {OBIS_MODEL.last(log)}," in laser.identity
        and abs(float(OBIS_WAVELENGTH.last(log)) - 785.0) <= 15.0
    ),
    settings={
        "power_W": OBIS_POWER,
        "power_setpoint_W": OBIS_SETPOINT,
        "lowest_power_W": None,
        "highest_power_W": None,
        "wavelength_nm": None,
        "emission": lambda log, value: value in (True, False) and bool(log),
        "source": OBIS_SOURCE,
        "status": lambda log, value: bool(value) and bool(log),
        "faults": obis_count(OBIS_FAULTS, 0, 0xFFFFFFFF),
        "interlock_closed": obis_interlock,
        "diode_temperature_C": OBIS_DIODE,
        "autostart": obis_optional("SYST:AUT?", WORD),
        "emission_delay": obis_optional("SYST:CDRH?", WORD),
        "errors_waiting": obis_optional("SYST:ERR:COUN?", rb"(\d{1,4})"),
    },
    is_safe=obis_is_dark,
    kept=frozenset({"wavelength", "power_range"}),
)


def cobolt(question: str, pattern: bytes, value: Any = number, **limits: float) -> Said:
    return Said(question.encode() + b"\r", pattern + rb"\r\n", value, **limits)


def flag(found: re.Match[bytes]) -> bool:
    return found[1] == b"1"


COBOLT_W = rb"\s*(-?\d{1,2}\.\d{1,9})\s*"
COBOLT_POWER = cobolt("pa?", COBOLT_W, lowest=-DARK_OFFSET_W)
COBOLT_SETPOINT = cobolt("p?", COBOLT_W, lowest=0.0)
COBOLT_ON = cobolt("l?", rb"\s*([01])\s*", flag)
COBOLT_AUTOSTART = cobolt("@cobas?", rb"\s*([01])\s*", flag)
COBOLT_INTERLOCK = cobolt("ilk?", rb"\s*([ -~]*?)\s*", lambda found: found[1] != b"0")
COBOLT_HOURS = cobolt("hrs?", rb"\s*(\d{1,7}(?:\.\d+)?)\s*")
COBOLT_SERIAL = cobolt("sn?", rb"\s*([0-9A-Za-z-]{3,20})\s*", text)
FAULTS = {"0": "", "1": "temperature", "3": "interlock", "4": "constant power time-out"}
MODES = ("off", "waiting for the key", "continuous", "on/off modulation", "modulation", "fault")


def cobolt_fault(found: re.Match[bytes]) -> str:
    code = found[1].decode()
    return FAULTS.get(code, f"unknown fault {code}")


def cobolt_mode(found: re.Match[bytes]) -> str:
    code = found[1].decode()
    known = {str(number): words for number, words in enumerate((*MODES, "aborted"))}
    return known.get(code, f"unknown mode {code}")


COBOLT_FAULT = cobolt("f?", rb"\s*(\d{1,2})\s*", cobolt_fault)
COBOLT_MODE = cobolt("gom?", rb"\s*(\d{1,2})\s*", cobolt_mode)


def cobolt_tripped(log: Log, value: bool) -> bool:
    """Only the answer 0 means closed; a refusal does not."""
    return value is True or COBOLT_INTERLOCK.last(log) is False


def cobolt_is_dark(log: Log) -> bool:
    return COBOLT_ON.last(log) is False


COBOLT = FuzzCase(
    CASES["Cobolt06"],
    readings={
        "power": attribute("power", COBOLT_POWER),
        "power_setpoint": attribute("power_setpoint", COBOLT_SETPOINT),
        "emission": attribute("emission", COBOLT_ON),
        "autostart": attribute("autostart", COBOLT_AUTOSTART),
        "interlock_tripped": attribute("interlock_tripped", cobolt_tripped),
        "fault": attribute("fault", COBOLT_FAULT),
        "mode": attribute("mode", COBOLT_MODE),
        "operating_hours": attribute("operating_hours", COBOLT_HOURS),
    },
    actions={
        "power_setpoint=": assigned("power_setpoint", 0.02, set_to(COBOLT_SETPOINT, 0.02, 2e-5)),
        "open_output": called("open_output", promise=lambda log: COBOLT_ON.last(log) is True),
        "start_emission": called("start_emission", promise=lambda log: COBOLT_ON.last(log) is True),
        "stop_emission": called("stop_emission", promise=cobolt_is_dark),
        "attention": Action(lambda laser: laser.attention()),
    },
    identity=lambda log, laser: f"serial number {COBOLT_SERIAL.last(log)}," in laser.identity,
    settings={
        "power_W": COBOLT_POWER,
        "power_setpoint_W": COBOLT_SETPOINT,
        "wavelength_nm": None,
        "emission": COBOLT_ON,
        "mode": COBOLT_MODE,
        "fault": COBOLT_FAULT,
        "interlock_tripped": cobolt_tripped,
        "autostart": COBOLT_AUTOSTART,
        "operating_hours_h": COBOLT_HOURS,
    },
    is_safe=cobolt_is_dark,
    kept=frozenset({"wavelength", "max_power"}),
)

LASERS = {"Finesse": FINESSE, "Obis": OBIS, "Cobolt06": COBOLT}

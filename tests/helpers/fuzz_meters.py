"""What the fuzz knows of the power meter PM100D and the thermocouple reader Digi-Sense."""

from __future__ import annotations

import re
from typing import Any

from cases_of_detection import CASES as DETECTION
from cases_of_temperature import CASES as TEMPERATURE
from fuzz_case import FuzzCase, Log, Reading, Said, assigned, attribute

DECIMAL = rb"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"
WHOLE = rb"\s*\+?(\d{1,6})\s*"
MOST_POWER_W = 1e4
"""Far above the largest sensor (some hundred watts); 9.9E37 is the meter's "out of range"."""
WAVELENGTHS_NM = (100.0, 30_000.0)


def pm(question: str, pattern: bytes = DECIMAL, value: Any = None, **limits: float) -> Said:
    """Return the answer to a question; a number must be finite."""
    take = value or (lambda found: float(found[1]))
    bounds = {"lowest": -1e300, "highest": 1e300, **limits}
    return Said(question.encode() + b"\n", pattern + rb"\n", take, **bounds)


def whole(found: re.Match[bytes]) -> int:
    return int(found[1])


def flag(found: re.Match[bytes]) -> bool:
    return found[1] == b"1"


def words(found: re.Match[bytes]) -> str:
    return found[1].decode().strip()


NM = dict(zip(("lowest", "highest"), WAVELENGTHS_NM, strict=True))
WAVELENGTH = pm("SENSE:CORR:WAV?", **NM)
SHORTEST, LONGEST = pm("SENS:CORR:WAV? MIN", **NM), pm("SENS:CORR:WAV? MAX", **NM)
POWER = pm("MEAS:POW?", lowest=-MOST_POWER_W, highest=MOST_POWER_W)
AVERAGES = pm("SENS:AVER:COUN?", WHOLE, whole, lowest=1)
AUTOMATIC = pm("SENS:POW:RANG:AUTO?", rb"\s*([01])\s*", flag)
RANGE = pm("SENS:POW:RANG:UPP?", lowest=1e-30, highest=MOST_POWER_W)
LOSS = pm("SENS:CORR:LOSS?", lowest=-60.0, highest=60.0)
ZERO = pm("SENS:CORR:COLL:ZERO:MAGN?")
ZEROING = pm("SENS:CORR:COLL:ZERO:STAT?", rb"\s*([01])\s*", flag)
UNIT = pm("SENS:POW:UNIT?", rb"\s*([wW]|[dD][bB][mM])\s*", words)
CONDITION = pm("STAT:QUES:COND?", rb"\s*\+?(\d{1,5})\s*", whole)
IDENTITY = pm("*IDN?", rb"([Tt][Hh][Oo][Rr][Ll][Aa][Bb][Ss],\s*PM100[ -~]*)", words)
SENSOR = pm(
    "SYST:SENSOR:IDN?",
    rb"\s*([^,]+,[^,]*,[^,]*),\s*\d{1,5}\s*,\s*\d{1,5}\s*,\s*(\d{1,3})\s*",
    lambda found: int(found[2]),
    highest=511,
)


def power(log: Log, watts: float) -> bool:
    """In watts, at the wavelength that was set, and a power that there can be."""
    unit, at = UNIT.last(log), WAVELENGTH.last(log)
    known = unit in ("W", "w") and at is not None and abs(at - 532.0) <= 0.5
    return known and doubts(log, ()) and POWER(log, watts)


def wavelength_range(log: Log, limits: tuple[float, float]) -> bool:
    return SHORTEST(log, limits[0]) and LONGEST(log, limits[1])


def sensor_serial(log: Log, _: str) -> bool:
    return not log


def took(said: Said, value: float, tolerance: float) -> Any:
    def promise(log: Log) -> bool:
        kept = said.last(log)
        return kept is not None and abs(kept - value) <= tolerance

    return promise


def pm_identity(log: Log, meter: Any) -> bool:
    """A PM100 with a power sensor (bit 0 of the flags); what comes behind who it is, is old."""
    flags = SENSOR.last(log)
    (who,) = [bytes(e.answered) for e in log if e.asked == IDENTITY.question][-1:]
    name = IDENTITY.meant(who.partition(b"\n")[0] + b"\n")
    return bool(name) and meter.identity.startswith(name[0]) and bool(flags and flags & 1)


DOUBTS = {1: "voltage", 2: "current", 8: "power"}


def doubts(log: Log, told: tuple[str, ...]) -> bool:
    bits = CONDITION.last(log)
    return bits is not None and told == tuple(w for bit, w in DOUBTS.items() if bits & bit)


PM100D = FuzzCase(
    DETECTION["PM100D"],
    keywords={"wavelength": 532.0},
    readings={
        "power": attribute("power", power),
        "wavelength": attribute("wavelength", WAVELENGTH),
        "wavelength_min": attribute("wavelength_min", SHORTEST),
        "wavelength_max": attribute("wavelength_max", LONGEST),
        "wavelength_range": attribute("wavelength_range", wavelength_range),
        "averages": attribute("averages", AVERAGES),
        "auto_range": attribute("auto_range", AUTOMATIC),
        "power_range": attribute("power_range", RANGE),
        "attenuation": attribute("attenuation", LOSS),
        "zero_offset": attribute("zero_offset", ZERO),
        "doubts": attribute("doubts", doubts),
        "energy": attribute("energy", lambda log, value: False),
        "zero": Reading(lambda m: m.zero(beam_blocked=True), ZERO),
        "ask": Reading(lambda m: m.ask("SENS:POW:UNIT?"), UNIT),
    },
    actions={
        "wavelength=": assigned("wavelength", 600.0, took(WAVELENGTH, 600.0, 0.5)),
        "averages=": assigned("averages", 7, took(AVERAGES, 7, 0)),
        "auto_range=": assigned("auto_range", True, lambda log: AUTOMATIC.last(log) is True),
        "power_range=": assigned("power_range", 1e-3, lambda log: RANGE.last(log) >= 0.999e-3),
        "attenuation=": assigned("attenuation", 3.0, took(LOSS, 3.0, 0.01)),
    },
    identity=pm_identity,
    settings={
        "sensor": None,
        "sensor_serial": None,
        "sensor_calibration": None,
        "wavelength_nm": WAVELENGTH,
        "wavelength_set_by_program": None,
        "unit": UNIT,
        "averages": AVERAGES,
        "auto_range": AUTOMATIC,
        "power_range_W": RANGE,
        "attenuation_dB": LOSS,
        "zero_offset": ZERO,
    },
    kept=frozenset({"sensor_serial"}),
    longest=90.0,
)

PLAUSIBLE_K = (173.15, 2000.0)
PROCESS_VALUE = Said(
    b"\x02T1PV\r",
    rb"\x02PV +([+-]?\d{1,4}(?:\.\d{1,2})?) *\r\n",
    lambda found: float(found[1]),
    *PLAUSIBLE_K,
)
FIRMWARE = Said(b"\x02T1V\r", rb"\x02([ -~]{1,40})\r\n", words)
KELVIN = Said(b"\x02T1U2\r", rb"(\x06).*\r\n", lambda found: found[1])

DIGISENSE = FuzzCase(
    TEMPERATURE["DigiSense"],
    readings={"temperature": attribute("temperature", PROCESS_VALUE)},
    actions={},
    identity=lambda log, probe: (
        probe.identity == f"Digi-Sense protocol, firmware {FIRMWARE.last(log)}"
        and KELVIN.last(log) == b"\x06"
    ),
    settings={"address": None, "temperature_K": PROCESS_VALUE},
)

METERS = {"PM100D": PM100D, "DigiSense": DIGISENSE}

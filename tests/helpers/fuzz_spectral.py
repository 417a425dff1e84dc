"""What the fuzz knows of the monochromator Acton SP-2300i."""

from __future__ import annotations

import re
from typing import Any

from cases_of_spectral import CASES
from fuzz_case import FuzzCase, Log, Reading, Said, assigned, attribute, called

REACH = 1400.0 * 1200.0
"""nm times grooves in a mm: 1400 nm with a grating of 1200 in a mm."""
LONGEST_NM = REACH / 300
"""Of the coarsest grating of the simulated one."""
BESIDE_NM = 10.0
TOLERANCE_NM = 0.2
PORTS = {"0": "front", "1": "side", "front": "front", "side": "side"}
SLIT = "SIDE-ENT-SLIT"


def said(question: str, pattern: bytes, value: Any, **limits: float) -> Said:
    """An echo, perhaps, the text, and ``ok``."""
    echo = rb"\s*(?:" + re.escape(question.encode()) + rb")?\s*"
    whole = rb"(?i)" + echo + pattern + rb"\s*[^!-~]ok\s*\n"
    return Said(question.encode() + b"\r", whole, value, **limits)


def decimal(found: re.Match[bytes]) -> float:
    return float(found[1])


def text(found: re.Match[bytes]) -> str:
    return found[1].decode()


WAVELENGTH = said(
    *("?NM", rb"(-?\d{1,5}\.\d{1,4})\s*nm", decimal),
    lowest=-BESIDE_NM,
    highest=LONGEST_NM + BESIDE_NM,
)
RATE = said("?NM/MIN", rb"(\d{1,5}\.\d{1,4})\s*nm/min", decimal)
GRATING = said("?GRATING", b"([1-9])", lambda found: int(found[1]))
TURRET = said("?TURRET", b"([1-3])", lambda found: int(found[1]))
MIRROR = said("?MIR", b"(front|side|[01])", lambda found: PORTS[text(found).lower()])
FILTER = said("?FILTER", b"([1-6])", lambda found: int(found[1]))
MICRONS = said("?MICRONS", rb"(\d{1,5})\s*(?:um|microns?)?", decimal)
SERIAL = said("SERIAL", rb"([\w-]+)", text)
GROOVES = {1: 300.0, 2: 600.0, 3: 1200.0}


def stands_at(nanometres: float) -> Any:
    def promise(log: Log) -> bool:
        found = WAVELENGTH.last(log)
        return found is not None and abs(found - nanometres) <= TOLERANCE_NM

    return promise


def reach(log: Log, limits: tuple[float, float]) -> bool:
    grating = GRATING.last(log)
    return grating is not None and limits[0] == 0.0 and limits[1] > 0.0


def accessories(log: Log, found: dict[str, Any]) -> bool:
    return len(found) == 6 and bool(log)


def identity(log: Log, monochromator: Any) -> bool:
    said_who = re.fullmatch(
        r"Princeton Instruments (SP-?2-?3\d\d\w*), serial number ([\w-]+)",
        monochromator.identity,
        re.ASCII | re.IGNORECASE,
    )
    return said_who is not None and SERIAL(log, said_who[2])


CASE = FuzzCase(
    CASES["ActonSP2300"],
    readings={
        "wavelength": attribute("wavelength", WAVELENGTH),
        "wavelength_range": attribute("wavelength_range", reach),
        "grating": attribute("grating", GRATING),
        "turret": attribute("turret", TURRET),
        "scan_rate": attribute("scan_rate", RATE),
        "exit_port": attribute("exit_port", MIRROR),
        "filter_position": attribute("filter_position", FILTER),
        "slit_width": Reading(lambda m: m.slit_width(SLIT), MICRONS),
        "accessories": Reading(lambda m: m.accessories(), accessories),
    },
    actions={
        "go_to": called("go_to", 500.0, promise=stands_at(500.0)),
        "scan_to": called("scan_to", 520.0, promise=stands_at(520.0)),
        "grating=": assigned("grating", 2, lambda log: GRATING.last(log) == 2),
        "turret=": assigned("turret", 1, lambda log: TURRET.last(log) == 1),
        # A drive may round its rate; within 0.1 nm/min it is the one that was set.
        "scan_rate=": assigned(
            "scan_rate", 50.0, lambda log: abs((RATE.last(log) or 0.0) - 50.0) <= 0.1
        ),
        "exit_port=": assigned("exit_port", "front", lambda log: MIRROR.last(log) == "front"),
        "filter_position=": assigned("filter_position", 2, lambda log: FILTER.last(log) == 2),
        "set_slit_width": called("set_slit_width", SLIT, 50.0),
    },
    identity=identity,
    settings={
        "wavelength_nm": WAVELENGTH,
        "grating": GRATING,
        "grooves_per_mm": lambda log, value: GRATING.last(log) is not None,
        "blaze": lambda log, value: GRATING.last(log) is not None,
        "turret": TURRET,
        "scan_rate_nm_per_min": RATE,
        **{
            f"{place}_slit_um": lambda log, value: bool(log)
            for place in ("side_entrance", "front_entrance", "side_exit", "front_exit")
        },
        "exit_port": lambda log, value: bool(log),
        "filter_position": lambda log, value: bool(log),
    },
    kept=frozenset({"gratings", "wavelength_tolerance"}),
    longest=120.0,
    longest_action=400.0,
)

MONOCHROMATORS = {"ActonSP2300": CASE}

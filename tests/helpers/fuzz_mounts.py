"""What the fuzz knows of the rotation mounts ELL14 and K10CR1."""

from __future__ import annotations

import math
import re

from cases_of_light import CASES
from fuzz_apt import data_of, positions, status_bits
from fuzz_case import FuzzCase, Log, Oracle, attribute, called, same

ELL14_PULSES = 143_360
K10CR1_STEPS = 200 * 2048 * 120
STATUSES = (
    *("ok", "communication time-out", "mechanical time-out", "command not supported"),
    *("value out of range", "module isolated", "module out of isolation", "initialisation error"),
    *("thermal error", "busy", "sensor error", "motor error", "out of range", "over-current"),
)
"""Status codes 0 to 13 of the ELLx protocol manual."""
EARLIER_MOVES_OR_BUTTONS = (b"PO", b"BS", b"BO")


def ell14_answer(log: Log, command: bytes, kind: bytes, digits: int) -> int | None:
    """Return the number that mount 0 answered last to a command; None: nothing else may be told.

    Other mounts may speak between, and buttons and the end of a move may be told; two answers are
    none.
    """
    answers = [bytes(e.answered) for e in log if e.asked == b"0" + command]
    lines = answers[-1].split(b"\r\n") if answers else [b"?"]
    if lines.pop():
        return None
    own = [line for line in lines if line[:1] == b"0" or not re.match(rb"[0-9A-F][A-Z]{2}", line)]
    told = [line for line in own if line[1:3] not in EARLIER_MOVES_OR_BUTTONS or line[1:3] == kind]
    pattern = rb"0%s([0-9A-F]{%d})" % (kind, digits)
    if len(told) != 1 or not (found := re.fullmatch(pattern, told[0])):
        return None
    return int(found[1], 16)


def ell14_position(log: Log) -> int | None:
    raw = ell14_answer(log, b"gp", b"PO", 8)
    return None if raw is None else (raw ^ 1 << 31) - (1 << 31)


def ell14_angle(log: Log, angle: float) -> bool:
    pulses = ell14_position(log)
    return pulses is not None and same(angle, pulses % ELL14_PULSES * 360 / ELL14_PULSES)


def ell14_status(log: Log, code: int) -> bool:
    return ell14_answer(log, b"gs", b"GS", 2) == code


def ell14_status_words(log: Log, words: str) -> bool:
    code = ell14_answer(log, b"gs", b"GS", 2)
    named = code is not None and code < len(STATUSES) and STATUSES[code] == words
    return named or words == f"reserved status {code}"


def ell14_speed(log: Log, percent: int) -> bool:
    return ell14_answer(log, b"gv", b"GV", 2) == percent <= 100


def ell14_offset(log: Log, degrees: float) -> bool:
    raw = ell14_answer(log, b"go", b"HO", 8)
    pulses = None if raw is None else (raw ^ 1 << 31) - (1 << 31)
    return pulses is not None and same(degrees, pulses * 360 / ELL14_PULSES)


def ell14_identity(log: Log, mount: object) -> bool:
    answers = [bytes(e.answered) for e in log if e.asked == b"0in"]
    found = re.search(rb"0IN(0E|12)([0-9A-Z]{8})(\d{4})[0-9A-F]{4}0168([0-9A-F]{8})", answers[-1])
    return found is not None and f"serial number {found[2].decode()}, made" in mount.identity  # type: ignore[attr-defined]


ELL14 = FuzzCase(
    CASES["ELL14"],
    readings={
        "position": attribute("position", lambda log, value: value == ell14_position(log)),
        "angle": attribute("angle", ell14_angle),
        "status": attribute("status", ell14_status),
        "speed": attribute("speed", ell14_speed),
        "home_offset": attribute("home_offset", ell14_offset),
    },
    actions={
        "turn_to": called("turn_to", 123.0),
        "home": called("home"),
        "attention": called("attention"),
    },
    identity=ell14_identity,
    settings={
        "angle_deg": ell14_angle,
        "status": ell14_status_words,
        "speed_percent": ell14_speed,
        "home_offset_deg": ell14_offset,
        "pulses_per_turn": None,
        "address": None,
    },
    is_safe=lambda log: ell14_answer(log, b"gs", b"GS", 2) not in (None, 9),
    kept=frozenset({"pulses_per_turn", "resolution"}),
)


def k10cr1_bit(place: int, log: Log, value: bool) -> bool:
    return any(bool(bits >> place & 1) is value for bits in status_bits(log))


def k10cr1_profile(place: int, scale: float) -> Oracle:
    """Return the oracle of a number in the speed parameters: lowest speed, acceleration, speed."""

    def accepts(log: Log, value: float) -> bool:
        profiles = data_of(log, "14 04", "15 04", "iii")
        told = (one[place] / scale * 360 / K10CR1_STEPS for one in profiles)
        return value >= 0 and any(same(value, one) for one in told)

    return accepts


K10CR1_ACCELERATION, K10CR1_SPEED = k10cr1_profile(1, 1 / 90.9), k10cr1_profile(2, 53.68)


def k10cr1_angle(log: Log, angle: float) -> bool:
    if math.isnan(angle):
        return k10cr1_bit(10, log, False)
    turned = (steps % K10CR1_STEPS * 360 / K10CR1_STEPS for steps in positions(log))
    return k10cr1_bit(10, log, True) and any(same(angle, one) for one in turned)


def k10cr1_faults(log: Log, words: str) -> bool:
    names = {14: "motion error", 24: "current limit reached"}
    return any(
        words == ", ".join(name for place, name in names.items() if bits >> place & 1)
        for bits in status_bits(log)
    )


def k10cr1_moving(log: Log, moving: bool) -> bool:
    return any(bool(bits & 0x2F0) is moving for bits in status_bits(log))


def stood_at(degrees: float, tolerance: float) -> object:
    def promise(log: Log) -> bool:
        angles = (steps * 360 / K10CR1_STEPS for steps in positions(log))
        return any(abs(angle - degrees) <= tolerance for angle in angles)

    return promise


K10CR1 = FuzzCase(
    CASES["K10CR1"],
    readings={
        "position": attribute("position", lambda log, steps: steps in positions(log)),
        "angle": attribute("angle", k10cr1_angle),
        "is_homed": attribute("is_homed", lambda log, value: k10cr1_bit(10, log, value)),
        "status_bits": attribute("status_bits", lambda log, bits: bits in status_bits(log)),
        "status": attribute("status", lambda log, value: value.bits in status_bits(log)),
        "speed": attribute("speed", K10CR1_SPEED),
        "acceleration": attribute("acceleration", K10CR1_ACCELERATION),
    },
    actions={
        "turn_to": called("turn_to", 123.0, promise=stood_at(123.0, 0.005)),  # type: ignore[arg-type]
        "home": called("home", promise=lambda log: k10cr1_bit(10, log, True)),
        "stop": called("stop", promise=lambda log: k10cr1_moving(log, False)),
        "attention": called("attention"),
    },
    identity=lambda _, mount: mount.identity.startswith("Thorlabs K10CR1, serial number 55"),
    settings={
        "homed": lambda log, value: k10cr1_bit(10, log, value),
        "moving": k10cr1_moving,
        "enabled": lambda log, value: k10cr1_bit(31, log, value),
        "faults": k10cr1_faults,
        "speed_deg_per_s": K10CR1_SPEED,
        "acceleration_deg_per_s2": K10CR1_ACCELERATION,
        "position_microsteps": lambda log, steps: steps in positions(log),
        "status_bits": lambda log, text: int(text, 16) in status_bits(log),
        "angle_deg": k10cr1_angle,
    },
    is_safe=lambda log: k10cr1_moving(log, False),
    kept=frozenset({"resolution"}),
)

MOUNTS = {"ELL14": ELL14, "K10CR1": K10CR1}

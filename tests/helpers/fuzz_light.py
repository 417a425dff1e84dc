"""What the fuzz knows of shutters on a controller of their own: SC10 and KSC101."""

from __future__ import annotations

from cases_of_light import CASES
from fuzz_apt import channel_of, header_value, status_bits
from fuzz_case import Action, FuzzCase, Log, Reading, Said, attribute, called

MODES_SC10 = dict(enumerate(("manual", "auto", "single", "repeat", "external gate"), 1))
"""``mode?`` of the SC10."""


def sc10_flag(command: str) -> Said:
    question = command.encode()
    pattern = question.replace(b"?", rb"\?") + rb"\r([01])\r> "
    return Said(question + b"\r", pattern, lambda found: found[1] == b"1")


CLOSED, ENABLED, TRIPPED = map(sc10_flag, ("closed?", "ens?", "interlock?"))
SC10_MODE = Said(b"mode?\r", rb"mode\?\r([1-5])\r> ", lambda found: MODES_SC10[int(found[1])])
SC10_TRIGGERS = {False: "internal", True: "external"}


def sc10_number(command: str) -> Said:
    pattern = command.replace("?", r"\?").encode() + rb"\r(\d{1,6})\r> "
    return Said(command.encode() + b"\r", pattern, lambda found: int(found[1]))


def sc10_trigger(log: Log, words: str) -> bool:
    return SC10_TRIGGERS.get(sc10_flag("trig?").last(log)) == words


SC10_IDENTITY = Said(b"id?\r", rb"id\?\r([ -~]*SC10[ -~]*)\r> ", lambda f: f[1].decode())


def sc10_is_shut(log: Log) -> bool:
    return CLOSED.last(log) is True and ENABLED.last(log) is False


SC10 = FuzzCase(
    CASES["SC10"],
    readings={
        "is_closed": attribute("is_closed", CLOSED),
        "is_enabled": attribute("is_enabled", ENABLED),
        "interlock_tripped": attribute("interlock_tripped", TRIPPED),
        "mode": attribute("mode", SC10_MODE),
        "trigger": attribute("trigger", sc10_trigger),
    },
    actions={
        "open": called("open", promise=lambda log: CLOSED.last(log) is False),
        "close": called("close", promise=sc10_is_shut),
        "attention": called("attention"),
    },
    identity=lambda log, shutter: SC10_IDENTITY(log, shutter.identity),
    settings={
        "closed": CLOSED,
        "enabled": ENABLED,
        "mode": SC10_MODE,
        "trigger": sc10_trigger,
        "open_time_ms": sc10_number("open?"),
        "shut_time_ms": sc10_number("shut?"),
        "repetitions": sc10_number("rep?"),
        "interlock_tripped": TRIPPED,
    },
    is_safe=sc10_is_shut,
)

STATE = header_value("CC 04", "CD 04", {0: "closed", 1: "open", 2: "closed"})
MODE = header_value("C1 04", "C2 04", {1: "manual", 2: "single", 3: "auto", 4: "triggered"})
INTERLOCK = header_value("C7 04", "C8 04", {1: True, 2: False})


def ksc101_says(log: Log, closed: bool) -> bool:
    """Return whether solenoid state and status bit 0 both say closed, or both open."""
    state = STATE(log, "closed" if closed else "open")
    return state and any(bool(bits & 1) is not closed for bits in status_bits(log))


def ksc101_is_shut(log: Log) -> bool:
    return ksc101_says(log, True) and MODE(log, "manual")


def ksc101_closed(log: Log, value: bool) -> bool:
    """Accept "closed" only if both answers say so."""
    return ksc101_says(log, True) if value else not ksc101_said_nothing(log)


def ksc101_said_nothing(log: Log) -> bool:
    return not status_bits(log) or not channel_of(log, "CC 04", "CD 04")


def status_flag(bit: int) -> Reading:
    return Reading(
        lambda s: bool(s.status_bits >> bit & 1),
        lambda log, value: any(bool(bits >> bit & 1) is value for bits in status_bits(log)),
    )


KSC101 = FuzzCase(
    CASES["KSC101"],
    readings={
        "is_closed": attribute("is_closed", ksc101_closed),
        "solenoid_state": attribute("solenoid_state", STATE),
        "mode": attribute("mode", MODE),
        "interlock_required": attribute("interlock_required", INTERLOCK),
        "status_bits": attribute("status_bits", lambda log, bits: bits in status_bits(log)),
    },
    actions={
        "open": called("open", promise=lambda log: ksc101_says(log, False)),
        "close": called("close", promise=ksc101_is_shut),
        "attention": Action(lambda s: s.attention()),
    },
    identity=lambda log, shutter: shutter.identity.startswith("Thorlabs KSC101, serial number 68"),
    settings={
        "closed": ksc101_closed,
        "mode": MODE,
        "key_unlocked": status_flag(13).accepts,
        "interlock_required": INTERLOCK,
        "interlock_bit": status_flag(12).accepts,
    },
    is_safe=ksc101_is_shut,
)

SHUTTERS = {"SC10": SC10, "KSC101": KSC101}

"""What the table of faults asks of shutters, lasers, mounts, the chopper and the monochromator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cases_of_light import CASES
from fault_rig import Exchange, FaultRig, Subject
from instrument_rig import Case, ignore

from drivers.acton import ActonSP2300
from simulators.acton import ActonSP2300i
from simulators.faults import ANSWER_FAULTS


def tell(*commands: bytes, wait: float = 0.0) -> Any:
    """Return what has somebody else send commands to the device, and time pass."""

    def vary(rig: FaultRig) -> None:
        for command in commands:
            rig.device.receive(command)
            rig.clock.sleep(0.06)
        rig.clock.sleep(wait)
        rig.device.transmit()

    return vary


def interfered(wait: float) -> Any:
    """Return what lets the bystander of the case act, and time pass."""

    def vary(rig: FaultRig) -> None:
        rig.interfere()
        rig.clock.sleep(wait)
        rig.device.transmit()

    return vary


def shutter_subject(case: Case, exclusions: Mapping[str, str] | None = None) -> Subject:
    return Subject(
        case,
        {
            "question": Exchange(
                lambda s: s.is_closed, lambda rig, v: v is not rig.blade_is_open, case.patience
            ),
            "setting": Exchange(lambda s: s.close(), lambda rig, _: rig.is_safe, 12.0),
            "action": Exchange(lambda s: s.open(), lambda rig, _: rig.blade_is_open, 20.0),
        },
        exclusions=exclusions or {},
    )


def laser_subject(
    case: Case, power: Any, turned_on: Any, watts: float, action: str, **more: Any
) -> Subject:
    def is_on(rig: FaultRig, _: object) -> bool:
        return bool(turned_on(rig.device))

    return Subject(
        case,
        {
            "question": Exchange(
                lambda s: s.power_setpoint, lambda rig, v: v == setpoint(rig), case.patience
            ),
            "reading": Exchange(
                lambda s: s.power,
                lambda rig, v: rig.lay(lambda when: power(rig.device, when), v, 1e-3),
                case.patience,
            ),
            "setting": Exchange(
                lambda s: setattr(s, "power_setpoint", watts),
                lambda rig, _: setpoint(rig) == watts,
                12.0,
            ),
            "action": Exchange(lambda s: getattr(s, action)(), is_on, 40.0),
        },
        vary=interfered(20.0),
        **more,
    )


def setpoint(rig: FaultRig) -> float:
    kept = getattr(rig.device, "_setpoint", None)
    return float(rig.device._setpoints["W"] if kept is None else kept)


def beside(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


def mount_subject(case: Case, tolerance: float, **more: Any) -> Subject:
    def at(angle: float) -> Any:
        def stands_there(rig: FaultRig, _: object) -> bool:
            return beside(rig.device.angle_at(rig.clock.now()), angle) <= tolerance

        return stands_there

    return Subject(
        case,
        {
            "question": Exchange(
                lambda m: m.angle,
                angle_is_right,
                case.patience,
            ),
            "action": Exchange(lambda m: m.turn_to(123.0), at(123.0), 60.0, late_s=15.0),
            "homing": Exchange(lambda m: m.home(), at(0.0), 80.0, late_s=15.0),
        },
        vary=interfered(60.0),
        **more,
    )


def angle_is_right(rig: FaultRig, angle: float) -> bool:
    if not getattr(rig.device, "_is_homed", True):
        return math.isnan(angle)
    begin, end = counter_angle(rig, rig.asked_at), counter_angle(rig, rig.clock.now())
    return beside(angle, begin) + beside(angle, end) < beside(begin, end) + 1e-3


def homed_again(_rig: FaultRig, mount: Any) -> Any:
    mount.home()
    return mount


def counter_angle(rig: FaultRig, moment: float) -> float:
    counter = rig.device._motion.position(moment)
    return float(counter) * float(rig.look.step) % 360


ACTON = Case(
    role=object,
    driver=ActonSP2300,
    device=lambda clock: ActonSP2300i(clock, wavelength_changed=ignore),
    bystander=(b"600.0 GOTO\r",),
    state=lambda d: (d._grating, d._rate),
    is_safe=lambda d: d._is_done(),
    act=lambda m: m.go_to(500.0),
    ask=lambda m: m.wavelength,
    patience=5.0,
)

SUBJECTS = {
    "SC10": shutter_subject(CASES["SC10"]),
    "KSC101": shutter_subject(
        CASES["KSC101"],
        exclusions={"stuck": "it reports its own output and has no sensor for the blade"},
    ),
    "KSC101 that reports its blade": shutter_subject(CASES["KSC101 that reports its blade"]),
    "TTLShutter": shutter_subject(
        CASES["TTLShutter"],
        exclusions={
            **dict.fromkeys(ANSWER_FAULTS, "it hangs on control lines, which carry no answers"),
            "wrong_device": "a line cannot be asked what is connected to it",
        },
    ),
    "Finesse": laser_subject(
        CASES["Finesse"],
        lambda d, now: d.power_in_head(now),
        lambda d: d._shutter_open,
        0.3,
        "open_output",
        told=frozenset({"interlock_open"}),
    ),
    "Obis": laser_subject(
        CASES["Obis"],
        lambda d, now: d.power_at(now),
        lambda d: d._emits_from is not None,
        0.02,
        "start_emission",
    ),
    "Cobolt06": laser_subject(
        CASES["Cobolt06"],
        lambda d, now: d.power_at(now),
        lambda d: d._emits_from is not None,
        0.02,
        "start_emission",
    ),
    "ELL14": mount_subject(CASES["ELL14"], 0.02),
    "K10CR1": mount_subject(
        CASES["K10CR1"],
        0.005,
        revive=homed_again,
        asides=(b"\x44\x04", b"\x64\x04", b"\x66\x04"),
    ),
    "MC2000B": Subject(
        CASES["MC2000B"],
        {
            "question": Exchange(
                lambda c: c.frequency,
                lambda rig, v: v == rig.device._freq,
                CASES["MC2000B"].patience,
            ),
            "setting": Exchange(
                lambda c: setattr(c, "frequency", 370.0),
                lambda rig, _: rig.device._freq == 370.0,
                12.0,
            ),
            "action": Exchange(
                lambda c: c.start(),
                lambda rig, _: (
                    rig.device.frequency_at(rig.clock.now()) > 0.98 * rig.device.target_hz
                ),
                60.0,
            ),
        },
        vary=tell(b"freq=350\r"),
        asides=(b"\r",),
    ),
    "ActonSP2300": Subject(
        ACTON,
        {
            "question": Exchange(
                lambda m: m.wavelength,
                lambda rig, v: abs(v - rig.device.wavelength_at(rig.clock.now())) < 1e-3,
                ACTON.patience,
            ),
            "setting": Exchange(
                lambda m: setattr(m, "scan_rate", 50.0),
                lambda rig, _: rig.device._rate == 50.0,
                12.0,
            ),
            "action": Exchange(
                lambda m: m.go_to(500.0),
                lambda rig, _: abs(rig.device.wavelength_at(rig.clock.now()) - 500.0) < 0.2,
                75.0,
                late_s=45.0,
            ),
        },
        vary=interfered(30.0),
    ),
}

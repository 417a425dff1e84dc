"""What the table of faults asks of temperature controllers and probes."""

from __future__ import annotations

from typing import Any

from cases_of_temperature import CASES
from fault_rig import Exchange, FaultRig, Subject
from instrument_rig import Case

from drivers.lakeshore import Pid

LINKAM_LATE_S = 1.9
"""Less than two time-outs: a status that is later still cannot be told from a new one."""


def lakeshore_subject(case: Case) -> Subject:
    def target(rig: FaultRig) -> float:
        return float(rig.look.target(rig.device))

    return Subject(
        case,
        {
            "question": Exchange(
                lambda s: s.pid,
                lambda rig, v: [v.p, v.i, v.d] == pid(rig),
                case.patience,
            ),
            "reading": Exchange(
                lambda s: s.temperature,
                lambda rig, v: abs(v - rig.device._plant.loops["1"].stage.sensor_K) < 0.5,
                case.patience,
            ),
            "holding": Exchange(lambda s: s.is_holding, lambda _, v: v is False, 12.0),
            "setting": Exchange(
                lambda s: setattr(s, "pid", Pid(60.0, 25.0, 5.0)),
                lambda rig, _: pid(rig) == [60.0, 25.0, 5.0],
                12.0,
            ),
            "action": Exchange(lambda s: s.go_to(100.0), lambda rig, _: target(rig) == 100.0, 40.0),
        },
        vary=vary_lakeshore,
    )


def pid(rig: FaultRig) -> list[float]:
    return [float(value) for value in rig.device._plant.settings["PID", "1"]]


def vary_lakeshore(rig: FaultRig) -> None:
    rig.device.receive(b"PID 1,33,44,0\n")
    rig.clock.sleep(0.06)
    rig.interfere()
    rig.clock.sleep(60.0)
    rig.device.transmit()


def status_is_right(rig: FaultRig, value: Any) -> bool:
    if rig.device.sensor_open:
        return bool(value.faults)
    return (
        rig.lay(rig.device.temperature_at, value.temperature, 0.15)
        and value.state == rig.device._status() & 0xF0
    )


def pump_runs(rig: FaultRig, _: object) -> bool:
    return not rig.device._pump_is_automatic and rig.device._pump_speed == 12


def in_kelvin_again(rig: FaultRig, probe: Any) -> Any:
    probe.shutdown()
    return rig.connect()


def vary_digisense(rig: FaultRig) -> None:
    rig.device._temperature = lambda _: 321.5


SUBJECTS = {
    "LinkamT95": Subject(
        CASES["LinkamT95"],
        exclusions={"heater_open": "the T95 has no word for a broken heater"},
        exchanges={
            "question": Exchange(lambda s: s.status, status_is_right, 3.5, LINKAM_LATE_S),
            "reading": Exchange(
                lambda s: s.temperature,
                lambda rig, v: rig.lay(rig.device.temperature_at, v, 0.15),
                3.5,
                LINKAM_LATE_S,
            ),
            "setting": Exchange(lambda s: s.pump(12), pump_runs, 12.0, LINKAM_LATE_S),
            "action": Exchange(
                lambda s: s.go_to(350.0),
                lambda rig, _: abs(rig.look.target(rig.device) - 350.0) < 0.06,
                20.0,
                LINKAM_LATE_S,
            ),
        },
    ),
    **{f"LakeShore{n}": lakeshore_subject(CASES[f"LakeShore{n}"]) for n in (331, 335, 336)},
    "DigiSense": Subject(
        CASES["DigiSense"],
        {
            "question": Exchange(
                lambda p: p.temperature,
                lambda rig, v: abs(v - rig.device._temperature(0.0)) < 0.06,
                CASES["DigiSense"].patience,
            ),
        },
        vary=vary_digisense,
        revive=in_kelvin_again,
    ),
}

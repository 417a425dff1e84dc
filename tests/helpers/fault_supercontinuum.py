"""What the table of faults asks of a supercontinuum source and its filters."""

from __future__ import annotations

from typing import Any

from cases_of_spectral import CASES, EXCHANGE_S
from fault_rig import Exchange, FaultRig, Subject


def vary_source(rig: FaultRig) -> None:
    rig.device._source._power.value = 555
    rig.device._source._ratio.value = 7


def vary_select(rig: FaultRig) -> None:
    rig.device._rf._wavelengths[0][0] = 600_000
    rig.device._rf._amplitudes[0][0] = 333


def vary_varia(rig: FaultRig) -> None:
    for number, tenths in ((0x33, 6200), (0x34, 6100)):
        assert rig.device._varia.registers[number].write(tenths.to_bytes(2, "little"))
    rig.clock.sleep(30.0)


def band(rig: FaultRig) -> tuple[float, float]:
    targets = rig.device._varia._travels
    return targets["lwp"].target / 10, targets["swp"].target / 10


def stands(rig: FaultRig, low: float, high: float) -> bool:
    return band(rig) == (low, high) and not rig.device._varia.status()


def reset_again(rig: FaultRig, instrument: Any) -> Any:
    rig.device.press_reset()
    return instrument


SUBJECTS = {
    "SuperK": Subject(
        CASES["SuperK"],
        {
            "question": Exchange(
                lambda s: s.power_level,
                lambda rig, v: v == rig.device._source._power.value / 10,
                2 * EXCHANGE_S,
            ),
            "reading": Exchange(
                lambda s: s.pulse_picker_ratio,
                lambda rig, v: v == rig.device._source._ratio.value,
                EXCHANGE_S,
            ),
            "setting": Exchange(
                lambda s: setattr(s, "power_level", 40.0),
                lambda rig, _: rig.device._source._power.value == 400,
                4 * EXCHANGE_S,
            ),
            "action": Exchange(
                lambda s: s.start_emission(), lambda rig, _: rig.device._source._emits(), 60.0
            ),
        },
        vary=vary_source,
        revive=reset_again,
    ),
    "SuperKSelect": Subject(
        CASES["SuperKSelect"],
        {
            "question": Exchange(
                lambda s: s.wavelength,
                lambda rig, v: v == rig.device._rf._wavelengths[0][0] / 1000,
                2 * EXCHANGE_S,
            ),
            "reading": Exchange(
                lambda s: s.power_level,
                lambda rig, v: v == rig.device._rf._amplitudes[0][0] / 10,
                2 * EXCHANGE_S,
            ),
            "setting": Exchange(
                lambda s: setattr(s, "wavelength", 532.0),
                lambda rig, _: rig.device._rf._wavelengths[0][0] == 532_000,
                8 * EXCHANGE_S,
            ),
            "action": Exchange(
                lambda s: s.start_emission(), lambda rig, _: rig.device._rf.is_on, 60.0
            ),
        },
        vary=vary_select,
        revive=reset_again,
    ),
    "SuperKVaria": Subject(
        CASES["SuperKVaria"],
        {
            "question": Exchange(lambda s: s.band, lambda rig, v: v == band(rig), 2 * EXCHANGE_S),
            "reading": Exchange(
                lambda s: s.wavelength, lambda rig, v: v == sum(band(rig)) / 2, 2 * EXCHANGE_S
            ),
            "action": Exchange(
                lambda s: s.set_band(520.0, 540.0),
                lambda rig, _: stands(rig, 520.0, 540.0),
                80.0,
            ),
        },
        vary=vary_varia,
        exclusions={
            "interlock_open": "filters move whatever the interlock; emission is tried with SuperK"
        },
    ),
}

"""What the table of faults asks of spectrometers, the power meter and the lock-in amplifier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from cases_of_detection import CASES
from fault_rig import Exchange, FaultRig, Subject
from instrument_rig import Case

from simulators import sr830 as sr830_device
from simulators._pm100d_sensor import responsivity

BRIGHT_W = 5e-3


def spectrometer_subject(case: Case) -> Subject:
    return Subject(
        replace(case, keywords={"serial": "FLMS12345"}),
        {
            "question": Exchange(lambda s: s.acquire(), spectrum_is_right, 12.0, late_s=6.0),
            "reading": Exchange(
                lambda s: s.board_temperature,
                lambda rig, v: abs(v - rig.device.board_temperature - 273.15) < 0.01,
                12.0,
                late_s=6.0,
            ),
            "setting": Exchange(
                lambda s: (setattr(s, "exposure", 0.2), s.acquire())[1],
                lambda rig, v: rig.device.integration_time == 0.2 and spectrum_is_right(rig, v),
                20.0,
                late_s=6.0,
            ),
        },
        vary=brighten,
        # What a program before has not fetched is the only old answer that a USB device can have.
        only={"shifted": ("connecting",)},
        dies_of=frozenset({"disconnect", "power_cycle", "wrong_device"}),
        told=frozenset({"saturation"}),
        exclusions=dict.fromkeys(
            ("garbled", "duplicated"), "USB itself numbers its packets and checks them"
        ),
    )


def spectrum_is_right(rig: FaultRig, spectrum: Any) -> bool:
    if rig.device._surplus:
        return bool(spectrum.saturated)
    first, last = rig.device.model.illuminated
    mean = float(np.mean(spectrum.counts[first:last]))
    expected = 1500.0 + 65535.0 * rig.device.lamp.electrons[0] / rig.device.model.well_depth
    return abs(mean / expected - 1) < 0.05 and spectrum.exposure == rig.device.integration_time


def brighten(rig: FaultRig) -> None:
    rig.device.lamp.electrons[:] *= 1.5
    rig.device.board_temperature = 44.4


def brighten_meter(rig: FaultRig) -> None:
    rig.device._power = lambda _: BRIGHT_W


def tuned_again(_rig: FaultRig, meter: Any) -> Any:
    meter.wavelength = 532.0
    return meter


def power_is_right(rig: FaultRig, watts: float) -> bool:
    """Return whether a power is that of the light, less the zero, as the meter converts it."""
    here, set_to = responsivity(rig.device.wavelength), responsivity(rig.device._set_wavelength)
    expected = (rig.device._power(0.0) * here - rig.device._zero) / set_to
    return bool(abs(watts - expected) < 0.01 * rig.device._power(0.0))


def lock_in_subject(case: Case) -> Subject:
    return Subject(
        case,
        {
            "question": Exchange(
                lambda s: s.frequency,
                lambda rig, v: abs(v - rig.device.settings.reals["FREQ"]) < 1e-3,
                case.patience,
            ),
            "reading": Exchange(lambda s: s.read(), reading_is_right, 9.0),
            "setting": Exchange(
                lambda s: setattr(s, "time_constant", 0.3),
                lambda rig, _: rig.device.settings.integers["OFLT"] == 9,
                12.0,
            ),
            "action": Exchange(
                lambda s: s.set_aux_output(2, 1.5),
                lambda rig, _: rig.device.aux_out(2) == 1.5,
                12.0,
            ),
        },
        prepare=lambda s: s._clock.sleep(5.0),
        vary=vary_lock_in,
        told=frozenset({"saturation"}),
    )


def vary_lock_in(rig: FaultRig) -> None:
    rig.device.detector._signal = lambda _: 6e-3 + 1e-3j
    rig.device.settings.reals["FREQ"] = 777.0
    rig.device.settings_changed()
    rig.clock.sleep(10.0)


def reading_is_right(rig: FaultRig, reading: Any) -> bool:
    if rig.device.overloaded or (rig.fault == "saturation" and reading.overload):
        return bool(reading.overload)
    signal = rig.device.detector._signal(0.0)
    return abs(complex(reading.x, reading.y) - signal) < 1e-4


def serial_lock_in() -> Case:
    return replace(
        CASES["SR830"],
        device=lambda clock: sr830_device.SR830(
            clock,
            signal=lambda _: 3e-3 + 4e-3j,
            reference=lambda _: None,
            rng=np.random.default_rng(4),
            interface="rs232",
        ),
        keywords={"interface": "rs232"},
    )


SUBJECTS = {
    "Flame-S": spectrometer_subject(CASES["Flame-S"]),
    "USB2000+": spectrometer_subject(CASES["USB2000+"]),
    "USB4000": spectrometer_subject(CASES["USB4000"]),
    "PM100D": Subject(
        CASES["PM100D"],
        {
            "question": Exchange(
                lambda m: m.wavelength, lambda rig, v: v == rig.device._set_wavelength, 4.4
            ),
            "reading": Exchange(lambda m: m.power, power_is_right, 14.0),
            "setting": Exchange(
                lambda m: setattr(m, "wavelength", 600.0),
                lambda rig, _: rig.device._set_wavelength == 600.0,
                20.0,
            ),
            "action": Exchange(
                lambda m: m.zero(beam_blocked=True),
                lambda rig, v: abs(v - rig.device._zero) <= 1e-6 * max(1.0, abs(v)),
                30.0,
            ),
        },
        prepare=lambda m: setattr(m, "wavelength", 532.0),
        vary=brighten_meter,
        revive=tuned_again,
    ),
    "SR830 on GPIB": lock_in_subject(CASES["SR830"]),
    "SR830 on RS-232": lock_in_subject(serial_lock_in()),
}

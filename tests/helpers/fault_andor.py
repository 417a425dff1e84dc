"""What the table of faults asks of an Andor camera and its spectrograph (they need pylablib)."""

from __future__ import annotations

from typing import Any

import numpy as np
from andor_library import Lamp
from fault_rig import Exchange, FaultRig, Subject
from instrument_rig import Case

from drivers.andor import AndorSpectrometer
from drivers.shamrock import Shamrock
from simulators.andor import AndorCamera, AndorLink
from simulators.faults import FaultyAndor, FaultyShamrock
from simulators.shamrock import Shamrock as ShamrockDevice

RATE = 20_000.0
"""Electrons in a column and a second."""
BIAS = 317.0
ELECTRONS_PER_COUNT = 4.0
COLD_K = 230.0
EXCLUSIONS = {
    **dict.fromkeys(
        ("duplicated", "shifted", "truncated", "garbled"),
        "the library checks by itself what comes from the device",
    ),
    "late": "a call comes back when it is done; how long that may take is told on the wall's time",
}


def camera(clock: Any) -> AndorCamera:
    lamp = Lamp(RATE)
    device = AndorCamera(
        clock,
        expose=lamp,
        rng=np.random.default_rng(5),
        cosmic_rate=0.0,
        bias_drift=0.0,
        initialise_time=1.0,
    )
    lamp.columns = device.columns
    device.lamp = lamp  # type: ignore[attr-defined]
    return device


def case(driver: type, device: Any, serial: Any, **keywords: Any) -> Case:
    return Case(
        role=object,
        driver=driver,
        device=device,
        bystander=(),
        state=lambda _: (),
        is_safe=lambda _: True,
        act=lambda s: s.settings(),
        ask=lambda s: s.identity,
        patience=10.0,
        keywords={"serial": serial, "allow_linux": True, **keywords},
    )


class AndorRig(FaultRig):
    """The library of a camera, with its faults in the calls."""

    def _host(self) -> Any:
        self.link = AndorLink(self.device)
        return FaultyAndor(self.link)


class ShamrockRig(FaultRig):
    """The library of a spectrograph, with its faults in the calls."""

    def _host(self) -> Any:
        self.link = AndorLink(camera(self.clock), self.device)
        return FaultyShamrock(self.link)


def spectrum_is_right(rig: FaultRig, spectrum: Any) -> bool:
    if spectrum.saturated:
        return rig.fault == "saturation"
    counts = float(np.median(spectrum.counts)) - BIAS
    expected = rig.device.lamp.rate * spectrum.exposure / ELECTRONS_PER_COUNT
    return bool(abs(counts / expected - 1) < 0.1)


def brighten(rig: FaultRig) -> None:
    rig.device.lamp.rate *= 1.5


def cold(spectrometer: Any) -> None:
    spectrometer.temperature_setpoint = COLD_K
    spectrometer.wait_until_cold()


def move_away(rig: FaultRig) -> None:
    rig.device.turn_to(610.0)
    rig.device.set_slit(2, 120.0)


SUBJECTS = {
    "Andor": Subject(
        case(
            AndorSpectrometer,
            camera,
            12345,
            exposure=1.0,
            temperature=COLD_K,
            wavelength_coefficients=[400.0, 0.5],
            read_noise_electrons=3.4,
        ),
        {
            "question": Exchange(lambda s: s.acquire(), spectrum_is_right, 60.0),
            "reading": Exchange(
                lambda s: s.sensor_temperature,
                lambda rig, v: abs(v - rig.device.sensor_temperature - 273.15) < 1.0,
                10.0,
            ),
            "setting": Exchange(
                lambda s: setattr(s, "exposure", 0.5),
                lambda rig, _: abs(rig.device.setup.exposure - 0.5) < 1e-3,
                60.0,
            ),
            "action": Exchange(
                lambda s: setattr(s, "temperature_setpoint", COLD_K + 5.0),
                lambda rig, _: abs(rig.device.cooler.setpoint + 273.15 - COLD_K - 5.0) < 0.6,
                60.0,
            ),
        },
        prepare=cold,
        vary=brighten,
        rig=AndorRig,
        dies_of=frozenset({"disconnect", "power_cycle", "wrong_device"}),
        exclusions=EXCLUSIONS,
        told=frozenset({"saturation"}),
    ),
    "Shamrock": Subject(
        case(
            Shamrock,
            lambda clock: ShamrockDevice(clock, homing_time=2.0),
            "SR-0001",
            slit="input direct",
        ),
        {
            "question": Exchange(
                lambda s: s.wavelength,
                lambda rig, v: abs(v - rig.device.wavelength) < 0.01,
                10.0,
            ),
            "reading": Exchange(
                lambda s: s.slit_width,
                lambda rig, v: abs(v - rig.device.slit_widths[2]) < 0.01,
                10.0,
            ),
            "setting": Exchange(
                lambda s: setattr(s, "slit_width", 200.0),
                lambda rig, _: rig.device.slit_widths[2] == 200.0,
                60.0,
            ),
            "action": Exchange(
                lambda s: s.go_to(500.0),
                lambda rig, _: abs(rig.device.wavelength - 500.0) < 0.1,
                60.0,
            ),
        },
        vary=move_away,
        rig=ShamrockRig,
        dies_of=frozenset(),
        exclusions=EXCLUSIONS,
    ),
}

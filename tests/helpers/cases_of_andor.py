"""Cases of the Andor camera: the driver through pylablib on the simulated library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from instrument_rig import NOT_NUMBERS, Case, settings_of
from numpy.typing import NDArray

from drivers.andor import AndorSpectrometer
from labcool.bench.roles import Spectrometer
from labcool.clock import VirtualClock
from labcool.errors import InstrumentDisconnected
from simulators._andor_codes import ShutterMode
from simulators.andor import AndorCamera, AndorLink

ELECTRONS = 50_000.0
USB_ERROR = 20089
AXIS = [500.0, 0.2]


def shortest(number: float) -> float:
    """What a number of 32 bits stands for."""
    return float(str(np.float32(number)))


class Lamp:
    """Light on the sensor, electrons in a column, and a record of the exposures."""

    def __init__(self, columns: int) -> None:
        self.electrons = np.full(columns, ELECTRONS)
        self.exposures: list[tuple[float, float]] = []

    def __call__(self, start: float, duration: float) -> Callable[[], NDArray[Any]]:
        self.exposures.append((start, shortest(duration)))
        return lambda: self.electrons


class _Function:
    """A function of the library through a cable that can be cut."""

    def __init__(self, function: Any, device: AndorOnCable) -> None:
        self.__dict__.update(function=function, device=device)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.function, name, value)

    def __call__(self, *arguments: Any) -> Any:
        self.device.receive(self.function.__name__.encode())
        if self.device.silent:
            return self.function.errcheck(USB_ERROR, self.function, arguments)
        return self.function(*arguments)


class AndorOnCable:
    """The simulated camera and its library; every call is received, or answered by 20089."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.silent = False
        self.lamp = Lamp(512)
        self.camera = AndorCamera(
            clock,
            expose=self.lamp,
            rng=np.random.default_rng(6),
            bias_drift=0.0,
            clock_induced_charge=0.0,
            cosmic_rate=0.0,
            room=-80.0,
        )
        self._link = AndorLink(self.camera)
        self.model = SimpleNamespace(illuminated=(0, 512))
        self.detector = SimpleNamespace(saturation=65535.0)
        self.wavelengths = AXIS[0] + AXIS[1] * np.arange(512)

    def receive(self, call: bytes) -> None:
        """Be told to do something."""

    def transmit(self) -> None:
        """Have nothing to say by itself."""

    def load(self, names: Sequence[str]) -> object:
        library = self._link.load(names)
        exported = (name for name in dir(library) if not name.startswith("_"))
        return SimpleNamespace(
            **{name: _Function(getattr(library, name), self) for name in exported}
        )

    @property
    def integration_time(self) -> float:
        return shortest(self.camera.timings().exposure)

    @property
    def is_safe(self) -> bool:
        dark = not self.camera.shutter_is_open and self.camera.shutter.mode is ShutterMode.CLOSED
        return dark and not self.camera.acquiring and self.camera.setup.real_gain <= 1


def _expose_it(device: AndorOnCable) -> None:
    camera = device.camera
    camera.shutter.set(ShutterMode.OPEN, 0.0, 0.0, device.clock.now())
    camera.setup.gain_setting = 100


CASES = {
    "Andor iXon": Case(
        role=Spectrometer,
        driver=AndorSpectrometer,
        device=AndorOnCable,
        bystander=(_expose_it,),
        state=lambda d: (
            *(d.camera.cooler.is_on, d.camera.setup.gain_setting, d.camera.shutter.mode),
            d.camera.acquiring,
        ),
        is_safe=lambda d: d.is_safe,
        act=lambda s: s.acquire(),
        ask=lambda s: s.acquire(),
        patience=6.0,
        connecting_makes_safe=True,
        silence=InstrumentDisconnected,
        keywords={
            "wavelength_coefficients": AXIS,
            "require_cold": False,
            "shutter": "open",
            "preamp_gain": 2.4,
            "read_noise_electrons": 3.5,
        },
        refused={
            **settings_of("exposure", 0.0, -0.1, 1e-7, 1e6, *NOT_NUMBERS),
            **settings_of("averages", 0, -1, 1.5, True),
            **settings_of("em_gain", 0, -1, 2, 301, 1000, 1.5, True, *NOT_NUMBERS),
            **settings_of("temperature_setpoint", 0.0, 77.0, 400.0, *NOT_NUMBERS),
        },
    ),
}

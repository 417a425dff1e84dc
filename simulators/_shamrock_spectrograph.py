"""The simulated spectrograph itself: what the functions of its library act on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators._andor_camera import Exposure
from simulators._shamrock_optics import (
    Arms,
    RuledGrating,
    dispersed,
    grating_angle,
    longest,
    pixel_positions,
)

MODELS: Final = {
    "Shamrock 163": Arms(0.163, 24.0, 0.0),
    "Shamrock 303i": Arms(0.303, 24.0, -2.5),
    "Kymera 328i": Arms(0.328, 24.0, -2.5),
    "Shamrock 500i": Arms(0.500, 24.0, -2.5),
}
GRATINGS: Final = (
    RuledGrating(150.0, "500"), RuledGrating(600.0, "500"), RuledGrating(1200.0, "500"),
)  # fmt: skip
INPUT_SIDE, INPUT_DIRECT, OUTPUT_SIDE, OUTPUT_DIRECT = 1, 2, 3, 4
INPUT_FLIPPER, OUTPUT_FLIPPER = 1, 2
DIRECT, SIDE = 0, 1
CLOSED, OPEN, BNC = 0, 1, 2
NARROWEST_UM, WIDEST_UM = 10.0, 2500.0
GRATING_CHANGE_S: Final = 12.0
SAME_GRATING_S: Final = 1.0
NM_PER_S: Final = 100.0

_SETTLING_S: Final = 0.2
_SLIT_UM_PER_S: Final = 500.0
_PART_S: Final = 1.0
_SHUTTER_S: Final = 0.05
_RAD_PER_STEP: Final = 2e-6


class Shamrock:
    """A spectrograph with its power on; it stands where it was when it was last used.

    :param model: one of :data:`MODELS`.
    :param serial: 1 to 60 ASCII characters.
    :param detector: pixels in a row and their width (µm) of the camera behind it.
    :param gratings: on the turret; the first has the number 1.
    :param grating: number of the one in the light.
    :param wavelength: in the middle of the detector, nm; 0 is zero order.
    :param moved: called with ``(wavelengths, moment)``, :attr:`wavelengths` from that moment
        (clock s) on, None at zero order and while it turns; also once at the start.
    :param slits: numbers of the motorised slits: 1, 2 input and 3, 4 output, side and direct.
    :param flippers: numbers of the flipper mirrors: 1 input, 2 output.
    :param light_on_slit: width of the light on the input slit, µm; a narrower slit cuts.
    :param homing_time: how long ``ShamrockInitialize`` takes, s.
    :param camera_is_busy: for a spectrograph on the camera's I²C socket: whether the camera is
        acquiring, when the two disturb each other; None: on a USB port of its own.
    :raises LimitError: for a model, serial number, grating or wavelength that cannot be.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        model: str = "Shamrock 303i",
        serial: str = "SR-0001",
        detector: tuple[int, float] = (512, 16.0),
        gratings: Sequence[RuledGrating] = GRATINGS,
        grating: int = 2,
        wavelength: float = 525.0,
        moved: Callable[[NDArray[np.float64] | None, float], None] | None = None,
        slits: Collection[int] = (INPUT_DIRECT,),
        flippers: Collection[int] = (),
        has_shutter: bool = True,
        has_filter: bool = False,
        has_accessory: bool = False,
        light_on_slit: float = 100.0,
        homing_time: float = 20.0,
        camera_is_busy: Callable[[], bool] | None = None,
    ) -> None:
        if model not in MODELS:
            raise LimitError("spectrograph model", model, f"one of {', '.join(MODELS)}")
        if not (serial.isascii() and 1 <= len(serial) <= 60):
            raise LimitError("serial number", serial, "1 to 60 ASCII characters")
        if not 1 <= grating <= len(gratings):
            raise LimitError("grating", grating, f"1 to {len(gratings)}")
        self.clock = clock
        self.model = model
        self.arms = MODELS[model]
        self.serial = serial
        self.detector = detector
        self.gratings = tuple(gratings)
        if not 0 <= wavelength <= self.longest(grating):
            raise LimitError("wavelength (nm)", wavelength, f"0 to {self.longest(grating)}")
        self.grating = grating
        self.wavelength = wavelength
        """What the drive says is in the middle of the detector, nm; 0 at zero order."""
        self.turret = 1
        self.grating_offsets = dict.fromkeys(range(1, len(gratings) + 1), 0)
        self.detector_offset = 0
        self.slit_widths = dict.fromkeys(slits, NARROWEST_UM)
        self.flipper_ports = dict.fromkeys(flippers, DIRECT)
        self.shutter: int | None = CLOSED if has_shutter else None
        """Mode of its shutter: 0 closed, 1 open, 2 by its BNC socket (low: closed)."""
        self.filter: int | None = 1 if has_filter else None
        self.filter_texts = {number: f"Filter {number}" for number in range(1, 7)}
        self.accessory: dict[int, int] | None = {1: 0, 2: 0} if has_accessory else None
        self.homing_time = homing_time
        self.light_on_slit = light_on_slit
        self.unplugged = False
        """Control whether its cable is out: every function answers 20201."""
        self.spurious_errors = 0
        """Control how many of the next functions answer 20201 for no reason."""
        self.lock = threading.RLock()
        self._camera_is_busy = camera_is_busy
        self._moved = moved
        self._tell()

    @property
    def at_zero_order(self) -> bool:
        """Whether undispersed light falls on the detector."""
        return self.wavelength == 0.0

    @property
    def wavelengths(self) -> NDArray[np.float64]:
        """What falls on the pixels, shape (pixel,), nm, ascending as the conventional amplifier
        reads them; of no meaning at zero order. Offsets count, which the library's own calibration
        leaves out.
        """
        angle = self._angle() + _RAD_PER_STEP * (
            self.detector_offset + self.grating_offsets[self.grating]
        )
        lines = self.gratings[self.grating - 1].lines
        return dispersed(angle, lines, self.arms, pixel_positions(*self.detector))

    @property
    def disturbed(self) -> bool:
        """Whether the spectrograph cannot be reached now; counts spurious errors down."""
        if self.spurious_errors > 0:
            self.spurious_errors -= 1
            return True
        busy = self._camera_is_busy is not None and self._camera_is_busy()
        return self.unplugged or busy

    @property
    def throughput(self) -> float:
        """Part of the light at its direct input that arrives at its direct output now."""
        if self.shutter in (CLOSED, BNC) or SIDE in self.flipper_ports.values():
            return 0.0
        widths = [self.slit_widths.get(slit) for slit in (INPUT_DIRECT, OUTPUT_DIRECT)]
        parts = [min(width / self.light_on_slit, 1.0) for width in widths if width is not None]
        return min(parts, default=1.0)

    def behind(self, expose: Exposure) -> Exposure:
        """Return the light that a detector behind the spectrograph sees.

        Shutter, slits and mirrors are taken as they are when an exposure begins.
        """

        def exposed(start: float, duration: float) -> Callable[[], NDArray[Any]]:
            part = self.throughput
            light = expose(start, duration)
            return lambda: light() * part

        return exposed

    def calibration(self, pixels: int, width: float) -> NDArray[np.float64]:
        """Return what the library computes for a detector, shape (pixel,), nm."""
        lines = self.gratings[self.grating - 1].lines
        return dispersed(self._angle(), lines, self.arms, pixel_positions(pixels, width))

    def longest(self, grating: int) -> float:
        """Return the longest wavelength (nm) of a grating."""
        return longest(self.gratings[grating - 1].lines, self.arms)

    def turn_to(self, wavelength: float) -> None:
        """Turn the grating; takes its time."""
        self._turning()
        self.clock.sleep(_SETTLING_S + abs(wavelength - self.wavelength) / NM_PER_S)
        self.wavelength = wavelength
        self._tell()

    def change_grating(self, grating: int) -> None:
        """Bring a grating into the light, at the same wavelength if it reaches it."""
        self._turning()
        self.clock.sleep(SAME_GRATING_S if grating == self.grating else GRATING_CHANGE_S)
        self.grating = grating
        self.wavelength = min(self.wavelength, self.longest(grating))
        self._tell()

    def offset_changed(self) -> None:
        """Tell where the wavelengths are after an offset has been set; takes its time."""
        self.clock.sleep(_SETTLING_S)
        self._tell()

    def set_slit(self, slit: int, width: float) -> None:
        """Move a slit to a width (µm); takes its time."""
        self.clock.sleep(abs(width - self.slit_widths[slit]) / _SLIT_UM_PER_S)
        self.slit_widths[slit] = width

    def set_shutter(self, mode: int) -> None:
        """Set the mode of the shutter; takes its time."""
        self.clock.sleep(_SHUTTER_S)
        self.shutter = mode

    def move_part(self) -> None:
        """Let the time pass that a filter wheel or a flipper mirror needs."""
        self.clock.sleep(_PART_S)

    def _angle(self) -> float:
        return grating_angle(self.wavelength, self.gratings[self.grating - 1].lines, self.arms)

    def _turning(self) -> None:
        if self._moved is not None:
            self._moved(None, self.clock.now())

    def _tell(self) -> None:
        if self._moved is not None:
            shown = None if self.at_zero_order else self.wavelengths
            self._moved(shown, self.clock.now())

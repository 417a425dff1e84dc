"""Andor Shamrock and Kymera spectrographs, through pylablib (``pip install "labcool[andor]"``).

Not on PyMeasure's ``Instrument``: the vendor's Shamrock library owns the connection, and pylablib
wraps it. Mended here: the spurious 20201 (communication error) is asked again up to five times,
which is logged; every move is read back; spectra at zero order have no wavelengths, and are
refused; what the library does not come back from is left behind in a thread after a stated time
(of the wall, because nothing can interrupt it), and nothing more is asked meanwhile.

Safety
    Connecting homes the drives (up to two minutes; the library does that) and changes no setting.
    During a move any wavelength, and the zero order, can cross the detector: keep the shutter
    closed and an EMCCD's gain off. :class:`drivers.andor.AndorSpectrometer` with
    ``spectrograph: true`` sees to that for its own camera; a spectrograph that is an instrument of
    its own cannot. One that is connected through the camera (I²C) must have that camera open, and
    be used only while it is idle.

Checked with pylablib 1.4.5 on doubles of the library and on ``simulators/shamrock.py``. UNVERIFIED
on hardware: everything, above all whether the library of a present Kymera (``atspectrograph.dll``)
still has the ``Shamrock…`` functions that pylablib calls, the limits of the slits (10 to 2500 µm,
the library's constants), and whether the calibration is that of the detector's first pixel on the
left. Linux: see ``drivers/_andor_library.py``. An object is for one thread.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from drivers import _bench_advice
from drivers._andor_camera import as_told
from drivers._andor_errors import SHAMROCK_COMMUNICATION, andor_errors, status_of
from drivers._andor_library import SdkLibraries, libraries
from drivers._with_block import WithBlock
from labcool.clock import Clock, RealClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
)
from labcool.numbers import above_zero, one_of, whole, within

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

OPENING_S: Final = 180.0
CLOSING_S: Final = 30.0
ATTEMPTS: Final = 6
PAUSE_S: Final = 0.1
TOLERANCE_NM: Final = 0.1
SLIT_TOLERANCE_UM: Final = 1.0
NARROWEST_SLIT_UM: Final = 10.0
WIDEST_SLIT_UM: Final = 2500.0
Slit: TypeAlias = Literal["input side", "input direct", "output side", "output direct"]
SLITS: Final[dict[Slit, str]] = {
    "input side": "input_side",
    "input direct": "input_direct",
    "output side": "output_side",
    "output direct": "output_direct",
}


@dataclass(frozen=True, slots=True)
class ShamrockGrating:
    """A grating, as stored in the spectrograph.

    :param number: 1 or more.
    :param lines_per_mm: 0: a mirror.
    :param blaze: as the maker wrote it, e.g. ``"500"`` (nm).
    """

    number: int
    lines_per_mm: float
    blaze: str


class Shamrock(WithBlock):
    """A Shamrock or Kymera spectrograph. Safe state: standing still.

    :param resource: None (the vendor's library), or libraries to load from instead.
    :param clock: runs the pauses; default: the wall's time.
    :param serial: serial number, as on the case; None: the only spectrograph connected.
    :param slit: the slit that :attr:`slit_width` is about.
    :param move_timeout: longest time of a move or a change of grating, s of the wall's time.
    :param allow_linux: try the vendor's library on another system than Windows.
    :raises ConfigurationError: if pylablib or the library is missing, or it is not clear which
        spectrograph is meant.
    :raises InstrumentDisconnected: if the spectrograph is not there.
    """

    bench_advice = _bench_advice.ANDOR

    def __init__(
        self,
        resource: SdkLibraries | None = None,
        name: str = "Shamrock",
        *,
        clock: Clock | None = None,
        serial: str | None = None,
        slit: Slit = "input side",
        move_timeout: Annotated[float, Interval(ge=10.0, le=600.0)] = 120.0,
        allow_linux: bool = False,
    ) -> None:
        self.name = name
        self._clock: Clock = clock or RealClock()
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 10.0, 600.0)
        self._slit = SLITS[one_of(f"{name} slit", slit, tuple(SLITS))]
        self._libraries = libraries(name, resource, allow_linux)
        self._device: Any = None
        self._device = self._open(serial)
        try:
            self._learn()
        except BaseException:
            self.shutdown()
            raise

    @property
    def identity(self) -> str:
        """Get maker and serial number (str)."""
        return f"Andor spectrograph {self._serial}"

    @property
    def gratings(self) -> tuple[ShamrockGrating, ...]:
        """Get the gratings as stored in the spectrograph."""
        return self._gratings

    @property
    def grating(self) -> int:
        """Control the grating in the beam, by its number in :attr:`gratings`; 10 to 20 s.

        :raises LimitError: if there is none of that number; nothing moves.
        :raises InstrumentRefused: if another grating is read back.
        """
        number = int(self._ask(lambda device: device.get_grating()))
        if not 1 <= number <= len(self._gratings):
            raise GarbledAnswer(self.name, f"grating {number} is none of {len(self._gratings)}.")
        return number

    @grating.setter
    def grating(self, number: int) -> None:
        wanted = whole(f"{self.name} grating", number, 1, len(self._gratings))
        self._move(f"the change to grating {wanted}", lambda device: device.set_grating(wanted))
        if (found := self.grating) != wanted:
            raise InstrumentRefused(self.name, f"grating {found} is in the beam, not {wanted}.")

    @property
    def wavelength(self) -> float:
        """Get the wavelength at the centre of the detector, nm; 0 at zero order."""
        return self._nanometres(self._ask(lambda device: device.get_wavelength()))

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Get the wavelengths that the present grating reaches, nm."""
        low, high = self._ask(lambda device: device.get_wavelength_limits())
        return self._nanometres(low), self._nanometres(high)

    @property
    def at_zero_order(self) -> bool:
        """Get whether the grating reflects like a mirror (bool); there is no spectrum then."""
        return bool(self._ask(lambda device: device.is_at_zero_order()))

    def go_to(self, wavelength: float) -> None:
        """Turn to a centre wavelength (nm); return once it is read back.

        :raises LimitError: if the present grating does not reach it; nothing moves. Zero order is
            gone to by :meth:`go_to_zero_order` only.
        :raises InstrumentTimeout: if the move is not done within ``move_timeout``.
        :raises InstrumentRefused: if another wavelength is read back.
        """
        low, high = self.wavelength_range
        field = f"{self.name} wavelength (nm)"
        advice = "The limit is that of the grating in the beam."
        wanted = within(field, wavelength, max(low, TOLERANCE_NM), high, advice)
        self._move(f"the move to {wanted:g} nm", lambda device: device.set_wavelength(wanted / 1e9))
        if abs((found := self.wavelength) - wanted) > TOLERANCE_NM:
            raise InstrumentRefused(
                self.name, f"stands at {found:.2f} nm although {wanted:.2f} nm was asked for."
            )

    def go_to_zero_order(self) -> None:
        """Turn the grating so that all light goes straight to the centre of the detector.

        :raises InstrumentRefused: if zero order is not read back.
        """
        self._move("the move to zero order", lambda device: device.goto_zero_order())
        if not self.at_zero_order:
            raise InstrumentRefused(self.name, "it does not stand at zero order.")

    @property
    def slit_width(self) -> float:
        """Control the width of the motorised slit, µm, from 10 to 2500.

        :raises LimitError: outside this range; nothing moves.
        :raises InstrumentRefused: if there is no such slit, or another width is read back.
        """
        return self._finite("width", self._ask(lambda d: d.get_slit_width(self._slit)) * 1e6)

    @slit_width.setter
    def slit_width(self, micrometres: float) -> None:
        field = f"{self.name} slit_width (µm)"
        wanted = within(field, micrometres, NARROWEST_SLIT_UM, WIDEST_SLIT_UM)
        self._move(
            f"the slit's move to {wanted:g} µm",
            lambda device: device.set_slit_width(self._slit, wanted / 1e6),
        )
        if abs((found := self.slit_width) - wanted) > SLIT_TOLERANCE_UM:
            raise InstrumentRefused(
                self.name, f"the slit is {found:.0f} µm wide although {wanted:.0f} µm was set."
            )

    def calibration(self, pixels: int, pixel_width: float) -> NDArray[np.float64]:
        """Return the wavelength of each pixel of a detector, shape (pixel,), nm, in its order.

        :param pixel_width: µm.
        :raises InstrumentRefused: at zero order.
        """
        pixels = whole(f"{self.name} pixels", pixels, 2)
        pixel_width = above_zero(f"{self.name} pixel_width (µm)", pixel_width)
        if self.at_zero_order:
            raise InstrumentRefused(
                self.name, "it stands at zero order, where no pixel has a wavelength. Use go_to."
            )
        self._ask(lambda device: device.set_number_pixels(pixels))
        self._ask(lambda device: device.set_pixel_width(pixel_width / 1e6))
        answer = self._ask(lambda device: device.get_calibration())
        nanometres = np.asarray(answer, dtype=np.float64) * 1e9
        if nanometres.shape != (pixels,) or not np.all(np.isfinite(nanometres)):
            raise GarbledAnswer(self.name, f"the calibration is not of {pixels} wavelengths.")
        return nanometres

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return grating, wavelength and slit as the spectrograph reports them."""
        grating = self._gratings[self.grating - 1]
        settings: dict[str, float | int | str | bool] = {
            "serial": self._serial,
            "wavelength_nm": self.wavelength,
            "at_zero_order": self.at_zero_order,
            "grating": grating.number,
            "lines_per_mm": grating.lines_per_mm,
            "blaze": grating.blaze,
            "focal_length_m": self._focal_length,
        }
        if self._has_slit:
            settings["slit_width_um"] = self.slit_width
        return settings

    def make_safe(self) -> None:
        """Do nothing: a move cannot be stopped, and nothing moves by itself."""

    def shutdown(self) -> None:
        """Release the spectrograph; a second call does nothing."""
        device, self._device = self._device, None
        if device is None:
            return
        with self._libraries.selected(self.name), andor_errors(self.name):
            self._libraries.bounded(self.name, "closing", CLOSING_S, device.close)

    def _before_move(self) -> None:
        """Raise if nothing may move now."""

    def _after_move(self) -> None:
        """Take note of a move that may have happened."""

    def _open(self, serial: str | None) -> Any:
        with self._libraries.selected(self.name) as modules, andor_errors(self.name):
            try:
                modules.Shamrock.libctl.preinit()
            except OSError as error:
                raise ConfigurationError(
                    f"{self.name}: Andor's spectrograph library (atspectrograph.dll or "
                    f"ShamrockCIF64.dll) cannot be loaded ({error}). Install Andor SDK2 or Solis."
                ) from error

            def find_and_open() -> Any:
                # Open meanwhile, so that the drives are not homed twice.
                with modules.Shamrock.libctl.temp_open():
                    found = list(modules.Shamrock.list_spectrographs())
                    return modules.Shamrock.ShamrockSpectrograph(self._index(found, serial))

            return self._libraries.bounded(
                self.name,
                "opening the spectrograph",
                OPENING_S,
                lambda: self._patiently(find_and_open),
            )

    def _index(self, found: list[str], serial: str | None) -> int:
        if serial is None and len(found) > 1:
            raise ConfigurationError(
                f"{self.name}: several spectrographs are connected ({', '.join(found)}); name one "
                "by serial."
            )
        if not found or (serial is not None and serial not in found):
            others = f" {', '.join(found)} is." if found else ""
            raise InstrumentDisconnected(
                self.name,
                f"no spectrograph {serial or ''} is connected.{others} Check cable and power; one "
                "that is connected through a camera needs that camera open.",
            )
        return 0 if serial is None else found.index(serial)

    def _learn(self) -> None:
        self._serial = str(self._ask(lambda device: device.get_device_info()).serial_number)
        self._focal_length = self._finite(
            "focal length", self._ask(lambda device: device.get_optical_parameters()).focal_length
        )
        self._has_slit = bool(self._ask(lambda device: device.is_slit_present(self._slit)))
        number = int(self._ask(lambda device: device.get_gratings_number()))
        if number < 1:
            raise GarbledAnswer(self.name, "it has no grating at all.")
        self._gratings = tuple(self._grating(index) for index in range(1, number + 1))

    def _grating(self, number: int) -> ShamrockGrating:
        info = self._ask(lambda device: device.get_grating_info(number))
        lines = self._finite("number of lines", info.lines)
        return ShamrockGrating(number, lines, str(info.blaze_wavelength).strip())

    def _move(self, what: str, call: Callable[[Any], Any]) -> None:
        self._before_move()
        try:
            self._ask(
                lambda device: self._libraries.bounded(
                    self.name, what, self._move_timeout, lambda: call(device)
                )
            )
        finally:
            self._after_move()

    def _ask(self, question: Callable[[Any], Answer]) -> Answer:
        device = self._device
        if device is None:
            raise InstrumentDisconnected(self.name, "its use has ended. Connect again.")
        with self._libraries.selected(self.name), andor_errors(self.name):
            return self._patiently(lambda: question(device))

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        for attempt in range(1, ATTEMPTS):
            try:
                return call()
            except Exception as error:
                if status_of(error) != SHAMROCK_COMMUNICATION:
                    raise
                log.warning(
                    "%s: communication error 20201, asking again (%d of %d).",
                    self.name,
                    attempt,
                    ATTEMPTS - 1,
                )
                self._clock.sleep(PAUSE_S)
        return call()

    def _nanometres(self, metres: float) -> float:
        """Undo pylablib's conversion into metres."""
        return self._finite("wavelength", metres * 1e9)

    def _finite(self, what: str, value: float) -> float:
        if not math.isfinite(value):
            raise GarbledAnswer(self.name, f"{value} is no {what}.")
        return as_told(value)

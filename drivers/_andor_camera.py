"""The connection to one Andor camera: pylablib's camera object, opened, selected, and closed."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from drivers._andor_errors import NOT_INITIALIZED, NOT_SUPPORTED, andor_errors, status_of
from drivers._andor_library import SdkLibraries, libraries
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    WrongInstrument,
)
from labcool.numbers import whole

log = logging.getLogger(__name__)

OPENING_S: Final = 60.0
"""Initializing an iXon takes up to 10 s, and pylablib tries many settings after it."""
CLOSING_S: Final = 30.0
LARGEST_SENSOR: Final = 16384
MOST_CAMERAS: Final = 8


class AndorCamera:
    """A camera, opened; whoever uses it takes it by :meth:`talking`.

    pylablib 1.4.5 opens a camera with the fan off and, unless told otherwise, the cooler on. Here
    the fan is set to full before anything else, and cooler and set point are not touched.

    :param index: which of the cameras, in the order in which the SDK lists them.
    :param serial: serial number expected; None: any.
    :param model: beginning of the head's model expected, e.g. ``"DU897"``; None: any.
    :raises InstrumentDisconnected: if there is no such camera, or no library.
    :raises WrongInstrument: if it is another one than expected.
    """

    def __init__(
        self,
        name: str,
        resource: SdkLibraries | None,
        *,
        index: int,
        serial: int | None,
        model: str | None,
        allow_linux: bool,
    ) -> None:
        self.name = name
        index = whole(f"{name} camera_index", index, 0, MOST_CAMERAS - 1)
        expected = None if serial is None else whole(f"{name} serial", serial, 0)
        self.libraries = libraries(name, resource, allow_linux)
        self._device: Any = None
        with self.libraries.selected(name) as modules, andor_errors(name):
            self._load(modules)
            try:
                self._device = self.libraries.bounded(
                    name, "opening the camera", OPENING_S, lambda: _open(modules, index)
                )
            except BaseException:
                self._shut_down_if_unused(modules)
                raise
        try:
            self._learn(expected, model)
        except BaseException:
            self.close()
            raise

    def _load(self, modules: Any) -> None:
        try:
            modules.AndorSDK2.libctl.preinit()
        except OSError as error:
            raise ConfigurationError(
                f"{self.name}: Andor's camera library (atmcd64d.dll) cannot be loaded ({error}). "
                "Install Andor SDK2 or Solis."
            ) from error

    def _learn(self, serial: int | None, model: str | None) -> None:
        with self.talking() as (device, library):
            self.controller, self.model, self.serial = device.get_device_info()
            self.pixels, self.rows = device.get_detector_size()
            self.pixel_width_um = as_told(library.GetPixelSize()[0])
            if not (
                0 < self.pixels <= LARGEST_SENSOR
                and 0 < self.rows <= LARGEST_SENSOR
                and 0 < self.pixel_width_um < math.inf
            ):
                raise GarbledAnswer(
                    self.name,
                    f"{self.pixels} x {self.rows} pixels of {self.pixel_width_um} µm is no sensor.",
                )
            if device.get_fan_mode() != "full":
                raise InstrumentRefused(
                    self.name, "its fan could not be set to full. Do not cool it; check the camera."
                )
        if serial not in (None, self.serial):
            raise WrongInstrument(
                self.name,
                f"camera {self.serial} answers instead of {serial}. Correct serial, or "
                "camera_index if several cameras are connected.",
            )
        if model is not None and not self.model.startswith(model):
            raise WrongInstrument(self.name, f"the camera's head is {self.model}, not {model}.")

    @property
    def is_open(self) -> bool:
        """Whether the camera has not been released yet."""
        return self._device is not None

    @contextmanager
    def talking(self) -> Iterator[tuple[Any, Any]]:
        """Yield pylablib's camera and SDK functions, this camera being the one they act on.

        :raises InstrumentDisconnected: if the use of the camera has ended.
        """
        if self._device is None:
            raise InstrumentDisconnected(self.name, "its use has ended. Connect again.")
        with self.libraries.selected(self.name) as modules, andor_errors(self.name):
            self._device._select_camera()
            yield self._device, modules.AndorSDK2.lib

    def optional(self, function: str, *arguments: Any) -> Any:
        """Return what a function of the SDK answers, None if library or camera lack it."""
        with self.talking() as (_, library):
            call = getattr(library, function)
            if call is None:
                return None
            try:
                return call(*arguments)
            except Exception as error:
                if status_of(error) == NOT_SUPPORTED:
                    return None
                raise

    def do_optional(self, function: str, *arguments: Any) -> bool:
        """Call a function of the SDK that answers nothing; return whether there is one."""
        with self.talking() as (_, library):
            call = getattr(library, function)
            if call is None:
                return False
            try:
                call(*arguments)
            except Exception as error:
                if status_of(error) == NOT_SUPPORTED:
                    return False
                raise
            return True

    def is_acquiring(self) -> bool:
        """Return whether an acquisition is going on."""
        with self.talking() as (device, _):
            return bool(device.get_status() == "acquiring")

    def abort(self) -> None:
        """Stop an acquisition, if one is going on."""
        if self.is_acquiring():
            with self.talking() as (_, library):
                library.AbortAcquisition()

    def abort_quietly(self) -> None:
        """Stop an acquisition after an error; that is the one to be told."""
        try:
            self.abort()
        except InstrumentError as error:
            log.info("%s: stopping the acquisition failed, too (%s).", self.name, error)

    def close(self) -> None:
        """Release the camera, also if it does not answer; a second call does nothing."""
        device, self._device = self._device, None
        if device is None:
            return
        with self.libraries.selected(self.name), andor_errors(self.name):
            self.libraries.bounded(self.name, "closing the camera", CLOSING_S, device.close)

    def _shut_down_if_unused(self, modules: Any) -> None:
        """Give the SDK's resources back, which stay taken until Windows restarts otherwise."""
        if modules.AndorSDK2.libctl.get_opened_num():
            return
        try:
            modules.AndorSDK2.lib.ShutDown()
        except modules.AndorSDK2.AndorSDK2LibError as error:
            if status_of(error) != NOT_INITIALIZED:
                log.info("%s: ShutDown failed, too (%s).", self.name, error)


def as_told(number: float) -> float:
    """Return what a 32-bit number of Andor's libraries stands for: 0.002, not 0.00200000009."""
    return float(str(np.float32(number)))


def _open(modules: Any, index: int) -> Any:
    class Camera(modules.AndorSDK2.AndorSDK2Camera):
        """pylablib's camera, which does not touch the cooler when it is opened."""

        def _initial_setup_temperature(self) -> None:
            self.set_fan_mode("full")

    return Camera(index, fan_mode="full")

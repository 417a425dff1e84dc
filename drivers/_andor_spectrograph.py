"""A spectrograph in front of a camera: it moves only while the camera can bear it."""

from __future__ import annotations

from collections.abc import Callable

from drivers._andor_library import SdkLibraries
from drivers.shamrock import Shamrock, Slit
from labcool.clock import Clock
from labcool.errors import ConfigurationError


class GuardedShamrock(Shamrock):
    """A Shamrock that asks before each move, and tells of it afterwards.

    :param before: raises if nothing may move now.
    :param after: called after each move, also after one that failed.
    """

    def __init__(
        self,
        resource: SdkLibraries | None,
        name: str,
        *,
        clock: Clock,
        serial: str | None,
        slit: Slit,
        allow_linux: bool,
        before: Callable[[], None],
        after: Callable[[], None],
    ) -> None:
        self._before, self._after = before, after
        super().__init__(
            resource, name, clock=clock, serial=serial, slit=slit, allow_linux=allow_linux
        )

    def _before_move(self) -> None:
        self._before()

    def _after_move(self) -> None:
        self._after()


def moved_to(
    spectrograph: Shamrock | None,
    name: str,
    serial: str | None,
    grating: int | None,
    centre_wavelength: float | None,
    slit_width: float | None,
) -> None:
    """Bring a spectrograph to where the bench file wants it; what is None stays.

    :param serial: the spectrograph's, as in the bench file.
    :raises ConfigurationError: if something is given and there is no spectrograph.
    """
    if spectrograph is None:
        if (serial, grating, centre_wavelength, slit_width) != (None,) * 4:
            raise ConfigurationError(
                f"{name}: spectrograph_serial, grating, centre_wavelength and slit_width are "
                "those of a spectrograph. Remove them, or set spectrograph: true."
            )
        return
    if grating is not None:
        spectrograph.grating = grating
    if centre_wavelength is not None:
        spectrograph.go_to(centre_wavelength)
    if slit_width is not None:
        spectrograph.slit_width = slit_width

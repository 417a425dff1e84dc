"""The wavelength of each pixel of a camera, ascending, and the counts in the same order.

The camera's image may be mirrored (that of an iXon Ultra is with one of its amplifiers), and a
calibration may descend. Both are told apart here: first the counts are brought into the order of
the calibration's pixels, then both into that of ascending wavelengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.shamrock import Shamrock
from labcool.errors import ConfigurationError, GarbledAnswer, LimitError
from labcool.numbers import real


class WavelengthAxis:
    """Where the wavelengths come from: a spectrograph's calibration, or a polynomial.

    :param mirrored: whether the counts come in the reverse order of the calibration's pixels.
    :param pixel_width: µm.
    :param coefficients: of a polynomial in the pixel's number (from 0), nm, lowest order first.
    :raises ConfigurationError: if there is neither a spectrograph nor a polynomial, or both.
    """

    def __init__(
        self,
        name: str,
        *,
        pixels: int,
        pixel_width: float,
        mirrored: bool,
        spectrograph: Shamrock | None,
        coefficients: Sequence[float] | None,
    ) -> None:
        if (spectrograph is None) == (coefficients is None):
            raise ConfigurationError(
                f"{name}: give either wavelength_coefficients or spectrograph: true. One of them "
                "must say which wavelength falls on which pixel."
            )
        self._name = name
        self._pixels, self._pixel_width = pixels, pixel_width
        self._mirrored = mirrored
        self._spectrograph = spectrograph
        self._known: tuple[NDArray[Any], bool] | None = None
        if coefficients is not None:
            self.coefficients = coefficients

    @property
    def coefficients(self) -> tuple[float, ...] | None:
        """Polynomial in the pixel's number, nm, lowest order first; None with a spectrograph."""
        return None if self._spectrograph is not None else self._coefficients

    @coefficients.setter
    def coefficients(self, values: Sequence[float]) -> None:
        field = f"{self._name} wavelength_coefficients (nm)"
        if self._spectrograph is not None:
            raise ConfigurationError(
                f"{self._name}: the spectrograph calibrates the wavelengths; there are no "
                "wavelength_coefficients to be set."
            )
        allowed = "at least two numbers, lowest order first"
        if not isinstance(values, (list, tuple)) or len(values) < 2:
            raise LimitError(field, values, allowed)
        given = tuple(real(field, value) for value in values)
        nanometres = np.polynomial.polynomial.polyval(np.arange(self._pixels), given)
        steps = np.diff(nanometres)
        if not (np.all(nanometres > 0) and (np.all(steps > 0) or np.all(steps < 0))):
            raise LimitError(
                field, values, "such that all wavelengths are above 0 and all rise, or all fall"
            )
        self._coefficients = given
        self._known = self._ascending(nanometres)

    @property
    def wavelengths(self) -> NDArray[Any]:
        """Wavelength of each pixel, shape (pixel,), nm, ascending; read-only."""
        return self._both()[0]

    def in_order(self, counts: NDArray[Any]) -> NDArray[Any]:
        """Return counts, shape (…, pixel), as read out, in the order of the wavelengths."""
        return counts[..., ::-1] if self._both()[1] else counts

    def forget(self) -> None:
        """Forget the calibration of a spectrograph that has moved."""
        if self._spectrograph is not None:
            self._known = None

    def _both(self) -> tuple[NDArray[Any], bool]:
        if self._known is None:
            assert self._spectrograph is not None
            self._known = self._ascending(
                self._spectrograph.calibration(self._pixels, self._pixel_width)
            )
        return self._known

    def _ascending(self, calibration: NDArray[Any]) -> tuple[NDArray[Any], bool]:
        falls = bool(calibration[0] > calibration[-1])
        wavelengths = np.array(calibration[::-1] if falls else calibration, dtype=np.float64)
        if wavelengths.shape != (self._pixels,) or not np.all(np.diff(wavelengths) > 0):
            raise GarbledAnswer(
                self._name, "the calibration of the wavelengths neither rises nor falls throughout."
            )
        wavelengths.setflags(write=False)
        return wavelengths, falls != self._mirrored

"""Temperature from the high-energy tail of the photoluminescence.

Carriers in thermal equilibrium emit ``I(E) ∝ E² α(E) exp(−E/kB T)``; where the absorption α hardly
changes, the slope of ``ln(I/E²)`` against E is ``−1/kB T`` (Yamada et al. 2024, Fig. 4a). It needs
neither a reference nor the fluence, but every slope of α, of the filter or of the response inside
the window enters the temperature: ``δT/T = kB T · d ln(response)/dE``. Against a reference
(:mod:`labcool.thermometry.tail_reference`) all of that cancels.

The statistical limit is ``σ_T = kB T²/(σ_E √N)`` for N photoelectrons in the window with a standard
deviation σ_E of their energies.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.thermometry.estimate import Estimate
from labcool.thermometry.inverse import checked_range, from_inverse
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark
from labcool.thermometry.spectral_window import SpectralWindow, finite_or_nothing
from labcool.thermometry.window_thermometer import WindowThermometer
from labcool.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]


class TailSlope(WindowThermometer):
    """Thermometer that fits the slope of the high-energy tail of each spectrum by itself.

    Statistical is the noise of the spectrum. Systematic is what all points share: the noise of the
    dark, and ``slope_std``.

    :param wavelengths: shape (pixel,), nm, ascending.
    :param window: lowest and highest photon energy of the tail, eV; above the peak by about kB T.
    :param noise: of the detector.
    :param dark: one dark for every exposure, or one for each exposure (s).
    :param response: relative efficiency of optics and detector, shape (pixel,), above 0; None: the
        same for all.
    :param slope_offset: slope of ``ln α`` (or of whatever else is known) in the window, 1/eV, which
        is taken off; from a stage calibration.
    :param slope_std: standard uncertainty of that slope, 1/eV.
    :param valid_range: temperatures in which the result is trusted, K.
    :param calibration_id: identity of the calibration that gave ``slope_offset`` or the response.
    :param good: True for pixels that may be used, shape (pixel,); None: all.
    :raises LimitError: if a shape does not fit, the window holds fewer than three pixels, or a
        number is out of range.
    """

    name = "tail_slope"

    def __init__(
        self,
        wavelengths: ArrayLike,
        window: tuple[float, float],
        *,
        noise: DetectorNoise,
        dark: Dark | Mapping[float, Dark],
        response: ArrayLike | None = None,
        slope_offset: float = 0.0,
        slope_std: float = 0.0,
        valid_range: tuple[float, float] = (1.0, 1000.0),
        calibration_id: str = "",
        good: ArrayLike | None = None,
    ) -> None:
        self._window = SpectralWindow(wavelengths, window, noise=noise, dark=dark, good=good)
        if not (np.isfinite(slope_std) and slope_std >= 0 and np.isfinite(slope_offset)):
            raise LimitError(
                "slope and its std (1/eV)", (slope_offset, slope_std), "finite, std >= 0"
            )
        self.valid_range = checked_range(valid_range)
        self.calibration_id = calibration_id
        self.slope_offset = slope_offset
        self.slope_std = slope_std
        self._middle = float(self._window.energies.mean())
        self._scale = self._shape(response)

    def _estimate(self, spectra: ArrayLike, exposure: float, averages: int) -> Estimate:
        from labcool.thermometry._tail_kernels import fit_tail  # compiled: only where it is used

        cut = self._window.cut(spectra, exposure=exposure, averages=averages)
        found = np.empty((len(cut.counts), 4))
        fit_tail(
            self._window.energies - self._middle,
            self._scale,
            cut.light,
            finite_or_nothing(cut.counts),
            cut.shot,
            cut.floor,
            cut.dark_variance,
            found,
        )
        inverse = BOLTZMANN_EV_PER_K * (found[:, 0] + self.slope_offset)
        shared = found[:, 2] + self.slope_std**2
        return from_inverse(inverse, found[:, 1], shared, found[:, 3], cut.flags, self.valid_range)

    def _shape(self, response: ArrayLike | None) -> Floats:
        window = self._window
        shape = window.energies**2 * window.widths
        if response is not None:
            efficiency = np.asarray(response, np.float64)
            if efficiency.shape != (window.pixel_count,):
                raise LimitError(
                    "response", f"shape {efficiency.shape}", f"({window.pixel_count},)"
                )
            shape = shape * efficiency[window.pixels]
        if not (np.isfinite(shape) & (shape > 0)).all():
            raise LimitError("response", "not above 0 in the window", "finite and above 0")
        return np.ascontiguousarray(shape / shape.mean())

"""Temperature from the high-energy tail against a spectrum taken at a known temperature.

``ln(I/I_ref) = c − (E/kB)(1/T − 1/T_ref)`` (Yamada et al. 2024, Fig. 4b and 5b): absorption, filter
and response are the same in both and cancel, and so does everything that scales the whole spectrum
(fluence, focus, bleaching). Photoluminescence whose line shifts or changes its width breaks the
law; keep the window in the tail.

Spectrum and reference are both noisy, and the true reference is not known better than it was
measured: the fit treats it so (see :mod:`labcool.thermometry._tail_kernels`), instead of dividing
by it, which biases the slope at low counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from labcool.errors import LimitError
from labcool.thermometry.estimate import Estimate
from labcool.thermometry.inverse import checked_range, from_inverse
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark, Reference
from labcool.thermometry.smoothing import mean_of_neighbours
from labcool.thermometry.spectral_window import SpectralWindow, finite_or_nothing
from labcool.thermometry.window_thermometer import WindowThermometer
from labcool.units import BOLTZMANN_EV_PER_K


class TailRatio(WindowThermometer):
    """Thermometer that compares the tail of each spectrum with that of a reference.

    Statistical is the noise of the spectrum itself. Systematic is what all points share: the noise
    of the reference and of the dark, and the std of its temperature.

    :param wavelengths: shape (pixel,), nm, ascending.
    :param window: lowest and highest photon energy, eV.
    :param reference: spectrum at a known temperature; its fluence does not matter here.
    :param noise: of the detector.
    :param dark: one dark for every exposure, or one for each exposure (s), the reference's too.
    :param valid_range: temperatures in which the result is trusted, K.
    :param calibration_id: identity of whatever gave the reference's temperature.
    :param good: True for pixels that may be used, shape (pixel,); None: all.
    :raises LimitError: if a shape does not fit, the window holds fewer than three pixels, or the
        reference has no light there.
    """

    name = "tail_ratio"

    def __init__(
        self,
        wavelengths: ArrayLike,
        window: tuple[float, float],
        *,
        reference: Reference,
        noise: DetectorNoise,
        dark: Dark | Mapping[float, Dark],
        valid_range: tuple[float, float] = (1.0, 1000.0),
        calibration_id: str = "",
        good: ArrayLike | None = None,
    ) -> None:
        self._window = SpectralWindow(wavelengths, window, noise=noise, dark=dark, good=good)
        self.valid_range = checked_range(valid_range)
        self.calibration_id = calibration_id
        self.reference = reference
        cut = self._window.cut(
            reference.spectrum, exposure=reference.exposure, averages=reference.frames
        )
        self._counts = cut.counts[0]
        smooth = mean_of_neighbours(self._counts)
        if not self._counts.sum() > 0 or cut.bad.any():
            raise LimitError(
                "reference spectrum in the window (counts)",
                float(self._counts.sum()),
                "above the dark, and finite",
                "Take a brighter reference or widen the window.",
            )
        self._smooth = np.maximum(smooth, 1e-3 * smooth.max())
        self._variance = cut.shot * (self._counts + cut.light) + cut.floor
        self._smooth_variance = cut.shot * (self._smooth + cut.light) + cut.floor
        self._dark_variance = cut.dark_variance
        self._dark = cut.dark
        self._middle = float(np.average(self._window.energies, weights=self._smooth))

    def _estimate(self, spectra: ArrayLike, exposure: float, averages: int) -> Estimate:
        from labcool.thermometry._tail_kernels import fit_tail_ratio  # compiled: only where used

        cut = self._window.cut(spectra, exposure=exposure, averages=averages)
        same_dark = cut.dark is self._dark
        of_other_dark = 0.0 if same_dark else self._dark_variance
        found = np.empty((len(cut.counts), 4))
        fit_tail_ratio(
            self._window.energies - self._middle,
            self._counts,
            self._variance + of_other_dark,
            self._smooth,
            self._smooth_variance + of_other_dark,
            cut.light,
            finite_or_nothing(cut.counts),
            cut.shot,
            cut.floor,
            cut.dark_variance,
            same_dark,
            found,
        )
        known = self.reference.temperature
        inverse = 1 / known + BOLTZMANN_EV_PER_K * found[:, 0]
        of_reference = self.reference.temperature_std / (known * known * BOLTZMANN_EV_PER_K)
        shared = found[:, 2] + of_reference**2
        return from_inverse(inverse, found[:, 1], shared, found[:, 3], cut.flags, self.valid_range)

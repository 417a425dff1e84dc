"""The line detector inside a simulated spectrometer: from photoelectrons to counts.

Counts here and in the constructor are those of a 16-bit full scale (0 to 65535), which is what the
host sees after it has scaled the raw converter values by 65535 / saturation level.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 65535
DARK_CURRENT_SPREAD = 0.2
"""Standard deviation of the pixels' dark currents, as a fraction of their mean."""
BIAS_SPREAD = 8.0
"""Standard deviation of the pixels' offsets, counts."""
_SMOOTHING_READ_NOISE = 10.0


class LineDetector:
    """A charge-coupled line with shot noise, dark current, offset, read noise and a converter.

    *Noise.* The electrons of a pixel are a Poisson number with mean m, seen through Gaussian read
    noise of s electrons. For s >= 10 their sum is drawn as one normal number with mean m and
    variance m + s²: both are exact for every m down to 0, and the skewness left out,
    m/(m + s²)^1.5, is at most 0.385/s (0.3 % for the 122 electrons of a Flame-S). For quieter
    detectors the Poisson number itself is drawn.

    :param rng: draws the fixed pattern now and the noise of every exposure later.
    :param pixels: number of pixels returned.
    :param illuminated: first and last + 1 pixel that light can reach.
    :param saturation: raw converter value at which a full well is read, 1 to 65535.
    :param well_depth: photoelectrons at full scale.
    :param read_noise: standard deviation of one pixel in one exposure, counts.
    :param dark_current: mean over the pixels, electrons/s.
    :param bias: mean reading without light and dark current, counts.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        pixels: int,
        illuminated: tuple[int, int],
        saturation: int,
        well_depth: float,
        read_noise: float,
        dark_current: float,
        bias: float,
    ) -> None:
        self.electrons_per_count = well_depth / FULL_SCALE
        self.saturation = saturation
        spread = DARK_CURRENT_SPREAD**-2
        pattern = rng.gamma(spread, 1 / spread, pixels)
        offsets = bias + rng.normal(0.0, BIAS_SPREAD, pixels)
        self.dark_current: NDArray[np.float32] = (dark_current * pattern).astype(np.float32)
        """Electrons/s of each pixel, shape (pixel,)."""
        self.offsets: NDArray[np.float64] = offsets
        """Mean reading of each pixel in no time and no light, shape (pixel,), counts."""
        self._rng = rng
        self._shape = (pixels,)
        self._illuminated = slice(*illuminated)
        self._read_electrons = read_noise * self.electrons_per_count
        self._raw_per_electron = saturation / well_depth
        self._raw_offsets = (offsets * (saturation / FULL_SCALE)).astype(np.float32)
        self._electrons, self._noise, self._spread = np.empty((3, pixels), np.float32)

    def read_out(self, light: NDArray[Any], duration: float) -> NDArray[np.uint16]:
        """Return the raw converter values of one exposure, shape (pixel,), little-endian.

        :param light: expected photoelectrons, shape (pixel,); those that fall on pixels which no
            light can reach are ignored.
        :param duration: exposure, s.
        :raises ValueError: if the light has another shape, or is negative or not finite.
        """
        if light.shape != self._shape:
            raise ValueError(f"light of shape {light.shape} falls on {self._shape[0]} pixels")
        seen = light[self._illuminated]
        if not (seen.min() >= 0.0 and seen.max() < math.inf):
            raise ValueError("the expected photoelectrons must be finite and not negative")
        electrons = self._electrons
        np.multiply(self.dark_current, duration, out=electrons)
        electrons[self._illuminated] += seen
        self._make_noisy(electrons)
        electrons *= self._raw_per_electron
        electrons += self._raw_offsets
        np.rint(electrons, out=electrons)
        np.clip(electrons, 0, self.saturation, out=electrons)
        return electrons.astype("<u2")

    def _make_noisy(self, electrons: NDArray[np.float32]) -> None:
        noise = self._rng.standard_normal(dtype=np.float32, out=self._noise)
        if self._read_electrons >= _SMOOTHING_READ_NOISE:
            np.add(electrons, self._read_electrons**2, out=self._spread)
            noise *= np.sqrt(self._spread, out=self._spread)
        else:
            noise *= self._read_electrons
            electrons[:] = self._rng.poisson(electrons)
        electrons += noise

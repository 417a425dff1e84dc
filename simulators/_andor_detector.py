"""The electron-multiplying sensor of the camera: from photoelectrons to counts.

What falls into a track (light on its rows, dark current, clock-induced charge) is one Poisson
number, to which cosmic rays add theirs. In the multiplying register n electrons become a
gamma-distributed number with mean n·g and the excess noise of Robbins and Hadwen (IEEE Trans.
Electron Devices 50, 1227, 2003), F² = 2(g - 1)g^(-(N+1)/N) + 1/g, which is 1 at g = 1 and nearly 2
at high gain. Then come the capacity of the register, read noise, and the converter.

Dark current follows the usual law of these sensors, D(T) = D(20 °C)·122·T³·exp(-6400 K/T) (e2v
data sheets); it differs from pixel to pixel. Rows are never read out one by one where they are
binned: the sums have the same statistics.

Simplifications: no smear while rows are shifted, no loss of charge at fast vertical speeds, no
blooming, no ageing of the register; cosmic rays arrive during exposures only. UNVERIFIED: the
number of stages, the rate of clock-induced charge (the same at all vertical speeds here), size
and charge of cosmic-ray hits, the drift of the baseline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators._andor_layout import Layout
from simulators._andor_models import CameraModel

STAGES: Final = 536
DARK_SPREAD: Final = 0.4
"""Standard deviation of the pixels' dark currents, as a fraction of their mean."""

_FIXED_PATTERN_COUNTS: Final = 0.3
_DRIFT_TIME_S: Final = 600.0
_CLAMPED: Final = 0.1
_HIT_ELECTRONS: Final = 1500.0
_HIT_SPREAD: Final = 0.7
_HIT_STOPS: Final = 0.35


@dataclass(frozen=True, slots=True)
class Chain:
    """What stands between the register and the counts.

    :param gain: real gain of the multiplying register; 1 without it.
    :param sensitivity: electrons per count.
    :param read_noise: electrons.
    :param capacity: electrons that one read-out pixel holds at the end of the register.
    :param mirrored: whether columns come out in reverse order.
    :param offset: counts to be added to the baseline.
    :param clamped: whether the baseline's drift is taken out.
    """

    gain: float
    sensitivity: float
    read_noise: float
    capacity: float
    mirrored: bool
    offset: int
    clamped: bool


def dark_current_at(celsius: float, at_20_degrees: float) -> float:
    """Return the mean dark current of a pixel, electrons/s."""
    kelvin = celsius + 273.15
    return at_20_degrees * 122 * kelvin**3 * math.exp(-6400 / kelvin)


def excess_noise(gain: float) -> float:
    """Return F², how much the register multiplies the variance beyond gain²."""
    return 2 * (gain - 1) * math.pow(gain, -(STAGES + 1) / STAGES) + 1 / gain


class EmSensor:
    """The sensor with its own dice.

    :param rng: split into streams: fixed patterns now, noise, cosmic rays and drift later.
    :param row_profile: part of a column's light that falls on each row, shape (row,).
    :param bias: mean reading without light, counts.
    :param bias_drift: standard deviation of its slow drift, counts.
    :param clock_induced_charge: electrons per pixel and exposure.
    :param cosmic_rate: hits per cm² and second.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        model: CameraModel,
        *,
        row_profile: NDArray[np.float64],
        bias: float,
        bias_drift: float,
        clock_induced_charge: float,
        cosmic_rate: float,
    ) -> None:
        pattern, self._noise, self._cosmic, self._baseline = rng.spawn(4)
        spread = DARK_SPREAD**-2
        self.dark_pattern = pattern.gamma(spread, 1 / spread, (model.rows, model.columns))
        """Dark current of each pixel over the mean, shape (row, column)."""
        self._columns = pattern.normal(0.0, _FIXED_PATTERN_COUNTS, model.columns)
        self.model = model
        self.row_profile = row_profile
        self.bias = bias
        self.bias_drift = bias_drift
        self.clock_induced_charge = clock_induced_charge
        self.cosmic_rate = cosmic_rate
        self._drift = 0.0
        self._drifted_at: float | None = None
        self._layout: Layout | None = None

    def read_out(
        self,
        light: NDArray[Any] | None,
        layout: Layout,
        chain: Chain,
        *,
        duration: float,
        moment: float,
        celsius: float,
    ) -> NDArray[np.int32]:
        """Return the counts of one exposure, shape (track, column).

        :param light: expected photoelectrons of each column, shape (column,); None: no light.
        :param duration: exposure, s.
        :param moment: when it ended, clock s.
        :param celsius: temperature of the sensor.
        :raises ValueError: if the light has another shape, or is negative or not finite.
        """
        self._prepare(layout)
        dark = dark_current_at(celsius, self.model.warm_dark_current) * duration
        mean = self._dark * dark
        mean += self._rows[:, None] * self.clock_induced_charge
        if light is not None:
            mean += self._lit(light, layout)
        electrons = self._noise.poisson(mean).astype(np.float64)
        self._add_cosmic_rays(electrons, duration)
        if chain.mirrored:
            electrons = electrons[:, ::-1]
        first, end = layout.columns
        lines, width = layout.shape
        electrons = electrons[:, first:end].reshape(lines, width, layout.binning).sum(axis=2)
        return self._digitise(self._multiply(electrons, chain.gain), layout, chain, moment)

    def _prepare(self, layout: Layout) -> None:
        if layout == self._layout:
            return
        self._layout = layout
        starts, ends = np.array(layout.tracks).T
        self._rows = (ends - starts).astype(np.float64)
        self._light_part = np.array([self.row_profile[a:b].sum() for a, b in layout.tracks])
        self._dark = np.array([self.dark_pattern[a:b].sum(axis=0) for a, b in layout.tracks])
        self._track_of_row = np.full(self.model.rows, -1)
        for track, (a, b) in enumerate(layout.tracks):
            self._track_of_row[a:b] = track

    def _lit(self, light: NDArray[Any], layout: Layout) -> NDArray[np.float64]:
        if light.shape != (self.model.columns,):
            raise ValueError(f"light of shape {light.shape} on {self.model.columns} columns")
        if not (light.min() >= 0.0 and light.max() < math.inf):
            raise ValueError("the expected photoelectrons must be finite and not negative")
        well = self.model.well_depth
        if light.max() * self.row_profile.max() <= well:
            return np.outer(self._light_part, light)
        pixels = np.minimum(np.outer(self.row_profile, light), well)
        return np.array([pixels[a:b].sum(axis=0) for a, b in layout.tracks])

    def _add_cosmic_rays(self, electrons: NDArray[np.float64], duration: float) -> None:
        hits = self._cosmic.poisson(self.cosmic_rate * self.model.area_cm2 * duration)
        for _ in range(hits):
            row, column = (
                self._cosmic.integers(self.model.rows),
                self._cosmic.integers(self.model.columns),
            )
            charge = round(self._cosmic.lognormal(math.log(_HIT_ELECTRONS), _HIT_SPREAD))
            pixels = int(self._cosmic.geometric(_HIT_STOPS))
            along_row = self._cosmic.random() < 0.5
            for step in range(pixels):
                at = (row, column + step) if along_row else (row + step, column)
                if at[0] < self.model.rows and at[1] < self.model.columns:
                    track = self._track_of_row[at[0]]
                    if track >= 0:
                        electrons[track, at[1]] += charge // pixels

    def _multiply(self, electrons: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
        if gain <= 1.0:
            return electrons
        shape = 1 / (excess_noise(gain) - 1)
        return self._noise.standard_gamma(electrons * shape) * (gain / shape)

    def _digitise(
        self, electrons: NDArray[np.float64], layout: Layout, chain: Chain, moment: float
    ) -> NDArray[np.int32]:
        np.minimum(electrons, chain.capacity, out=electrons)
        electrons += self._noise.normal(0.0, chain.read_noise, electrons.shape)
        electrons /= chain.sensitivity
        baseline = self.bias + chain.offset
        baseline += self._drift_at(moment) * (_CLAMPED if chain.clamped else 1.0)
        first, end = layout.columns
        electrons += baseline + self._columns[first : end : layout.binning]
        np.rint(electrons, out=electrons)
        np.clip(electrons, 0, 2**self.model.bit_depth - 1, out=electrons)
        return electrons.astype(np.int32)

    def _drift_at(self, moment: float) -> float:
        """Return the baseline's drift, counts: a random walk with a restoring force."""
        if self._drifted_at is None:
            kept = 0.0
        else:
            kept = math.exp(-max(moment - self._drifted_at, 0.0) / _DRIFT_TIME_S)
        kick = self.bias_drift * math.sqrt(1 - kept**2)
        self._drift = self._drift * kept + self._baseline.normal(0.0, 1.0) * kick
        self._drifted_at = moment
        return self._drift

"""Spectra of a known temperature, made from the published equations and nothing of labcool.

Everything here is written out a second time on purpose: constants, line shapes, noise. A world
gives the expected counts of each pixel for a set of parameters, the first of which is the
temperature, draws what a detector would count, and says how well anybody could know the
temperature (the Cramér–Rao bound with all its other parameters unknown).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import erfc, erfcx

KB_EV = 8.617333262e-5
HC = 1239.841984
PIXELS = np.linspace(480.0, 570.0, 480)
ENERGY = HC / PIXELS
WIDTH = HC / PIXELS**2 * (PIXELS[1] - PIXELS[0])
ROOM_K = 298.15
GAIN_E_PER_COUNT = 1.8
READ_NOISE_COUNTS = 1.5
BIAS_COUNTS = 200.0

Expect = Callable[..., np.ndarray]


@dataclass(frozen=True)
class World:
    """Expected counts above the bias, shape (pixel,), by ``expect(temperature, *nuisance)``."""

    expect: Expect
    nuisance: tuple[float, ...]
    window: tuple[float, float] = (-np.inf, np.inf)

    @property
    def inside(self) -> np.ndarray:
        return (self.window[0] <= ENERGY) & (self.window[1] >= ENERGY)

    def draw(self, kelvin: float, n: int, rng: np.random.Generator, frames: int = 1) -> np.ndarray:
        """Return n raw spectra: photoelectrons, read noise, bias; means over ``frames``."""
        electrons = self.expect(kelvin, *self.nuisance) * GAIN_E_PER_COUNT
        counts = rng.poisson(electrons * frames, (n, PIXELS.size)) / frames / GAIN_E_PER_COUNT
        read = rng.normal(0, READ_NOISE_COUNTS / np.sqrt(frames), counts.shape)
        return BIAS_COUNTS + counts + read

    def bound(self, kelvin: float) -> float:
        """Return the Cramér–Rao bound of the temperature, K."""
        values = np.array([kelvin, *self.nuisance])
        rows = []
        for index, value in enumerate(values):
            step = np.zeros(values.size)
            step[index] = 1e-4 * abs(value) if value else 1e-4
            high, low = self.expect(*(values + step)), self.expect(*(values - step))
            rows.append((high - low)[self.inside] / (2 * step[index]))
        derivative = np.array(rows)
        scale = np.linalg.norm(derivative, axis=1, keepdims=True)
        expected = self.expect(*values)[self.inside]
        variance = expected / GAIN_E_PER_COUNT + READ_NOISE_COUNTS**2
        information = (derivative / scale / variance) @ (derivative / scale).T
        return float(np.sqrt(np.linalg.inv(information)[0, 0]) / scale[0, 0])


def emg(energy: np.ndarray, centre: float, sigma: float, tail: float) -> np.ndarray:
    """Gaussian folded with an exponential that leans to low energies; area 1 (eV⁻¹)."""
    d = centre - energy
    a = (sigma / tail - d / sigma) / np.sqrt(2)
    near = np.exp(-(d**2) / (2 * sigma**2)) * erfcx(np.maximum(a, 0))
    far = np.exp(np.where(a < 0, sigma**2 / (2 * tail**2) - d / tail, 0)) * erfc(np.minimum(a, 0))
    return np.where(a < 0, far, near) / (2 * tail)


LINE_CENTRE_EV, LINE_SLOPE, LINE_TAIL_EV = 2.42, 3.0e-4, 0.020


def line_centre(kelvin: float) -> float:
    return LINE_CENTRE_EV + LINE_SLOPE * (kelvin - ROOM_K)


def line_sigma(kelvin: float) -> float:
    return (0.020 + 0.03 / (np.exp(0.0165 / (KB_EV * kelvin)) - 1)) / 2.3548200450309493


def line_counts(kelvin: float) -> np.ndarray:
    return emg(ENERGY, line_centre(kelvin), line_sigma(kelvin), LINE_TAIL_EV) * WIDTH


def at_peak(shape: np.ndarray, peak: float) -> float:
    """Return what to multiply a spectrum by for ``peak`` counts in its brightest pixel."""
    return float(peak / shape.max())


ACTIVATION_EV = 0.140
BAND_EV = (2.34, 2.46)


def arrhenius_world(peak: float) -> World:
    shape = line_counts(ROOM_K)
    height = at_peak(shape, peak)

    def expect(kelvin: float) -> np.ndarray:
        return height * shape * np.exp(-ACTIVATION_EV / KB_EV * (1 / kelvin - 1 / ROOM_K))

    return World(expect, (), BAND_EV)


TAIL_WINDOW_EV = (2.44, 2.56)


def tail_world(peak: float) -> World:
    """``E² exp(−E/kB T)`` in the tail; the height is unknown."""
    bare = ENERGY**2 * WIDTH * np.exp(-(ENERGY - TAIL_WINDOW_EV[0]) / (KB_EV * ROOM_K))
    inside = (TAIL_WINDOW_EV[0] <= ENERGY) & (TAIL_WINDOW_EV[1] >= ENERGY)
    height = at_peak(bare[inside], peak)

    def expect(kelvin: float, scale: float) -> np.ndarray:
        away = (ENERGY - TAIL_WINDOW_EV[0]) / KB_EV
        return scale * height * ENERGY**2 * WIDTH * np.exp(-away / kelvin) * inside

    return World(expect, (1.0,), TAIL_WINDOW_EV)


LINE_WINDOW_EV = (2.22, 2.57)


@cache
def unit_line(ratio: float) -> tuple[float, float]:
    """Return FWHM and maximum of a line of sigma 1 and tail ``ratio``, read off a fine plot."""
    x = np.linspace(-6 - 8 * ratio, 6, 200_001)
    density = emg(x, 0.0, 1.0, ratio)
    top = int(density.argmax())
    before, here, after = density[top - 1 : top + 2]
    apart = 0.5 * (before - after) / (before - 2 * here + after)
    highest = here - 0.25 * (before - after) * apart
    low = np.interp(highest / 2, density[:top], x[:top])
    high = np.interp(-highest / 2, -density[top:], x[top:])
    return float(high - low), float(x[top] + apart * (x[1] - x[0]))


LINE_RATIO = 0.8


def line_fwhm(kelvin: float) -> float:
    return unit_line(LINE_RATIO)[0] * line_sigma(kelvin)


def line_of_width(peak: float) -> World:
    """A line whose FWHM tells the temperature; area, place, asymmetry, background are unknown."""
    height = at_peak(line_counts(ROOM_K), peak)

    def expect(kelvin: float, area: float, centre: float, ratio: float, floor: float) -> np.ndarray:
        sigma = line_fwhm(kelvin) / unit_line(ratio)[0]
        return area * height * emg(ENERGY, centre, sigma, ratio * sigma) * WIDTH + floor

    nuisance = (1.0, LINE_CENTRE_EV, LINE_RATIO, 0.02 * peak + 0.5)
    return World(expect, nuisance, LINE_WINDOW_EV)


def line_of_position(peak: float) -> World:
    """A line whose maximum tells the temperature; all else about it is unknown."""
    height = at_peak(line_counts(ROOM_K), peak)
    width = line_sigma(ROOM_K)

    def expect(kelvin: float, area: float, sigma: float, ratio: float, floor: float) -> np.ndarray:
        centre = line_centre(kelvin) - unit_line(ratio)[1] * sigma
        return area * height * emg(ENERGY, centre, sigma, ratio * sigma) * WIDTH + floor

    return World(expect, (1.0, width, LINE_RATIO, 0.02 * peak + 0.5), LINE_WINDOW_EV)


LASER_NM, SILICON_PER_CM, RAMAN_FWHM_NM = 532.0, 520.0, 0.8
ANTI_STOKES_NM = 1e7 / (1e7 / LASER_NM + SILICON_PER_CM)
STOKES_NM = 1e7 / (1e7 / LASER_NM - SILICON_PER_CM)


def lorentzian(centre: float) -> np.ndarray:
    half = RAMAN_FWHM_NM / 2
    return half / np.pi / ((PIXELS - centre) ** 2 + half**2) * (PIXELS[1] - PIXELS[0])


def raman_world(area: float) -> World:
    """Both silicon lines; under them a cubic polynomial of its own each."""
    quantum = HC * SILICON_PER_CM / 1e7
    factor = ((1e7 / LASER_NM + SILICON_PER_CM) / (1e7 / LASER_NM - SILICON_PER_CM)) ** 3
    level = 0.002 * area

    def expect(kelvin: float, stokes: float, *under: float) -> np.ndarray:
        ratio = factor * np.exp(-quantum / (KB_EV * kelvin))
        lines = stokes * area * (lorentzian(STOKES_NM) + ratio * lorentzian(ANTI_STOKES_NM))
        background = np.zeros(PIXELS.size)
        for centre, c in ((ANTI_STOKES_NM, under[:4]), (STOKES_NM, under[4:])):
            u = (PIXELS - centre) / 5.0
            here = np.abs(u) <= 1
            background[here] = (c[0] + c[1] * u + c[2] * u**2 + c[3] * u**3)[here]
        return lines + background

    hump = (level, 0.2 * level, -0.1 * level, 0.05 * level)
    return World(expect, (1.0, *hump, *hump))

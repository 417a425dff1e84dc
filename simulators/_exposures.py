"""From emitted photons and scattered pump light to photoelectrons in pixels."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float64]
NODE_K: Final = 0.25
"""Distance of the temperatures at which the line is computed; linear in between, which is good to
5e-5 of the value even four widths up the blue side."""


class LineTable:
    """The line on the detector's pixels at any temperature, computed once for each node.

    :param spectrum_at: spectrum at a temperature (K), shape (pixel,).
    """

    def __init__(self, spectrum_at: Callable[[float], Spectrum]) -> None:
        self._spectrum_at = spectrum_at
        self._rows: dict[int, Spectrum] = {}

    def row(self, node: int) -> Spectrum:
        """Return the spectrum at ``node · NODE_K``."""
        if node not in self._rows:
            self._rows[node] = self._spectrum_at(node * NODE_K)
        return self._rows[node]


class Exposure:
    """What falls on the detector between two moments: photons by temperature, and pump light.

    :param start: clock s.
    :param end: clock s.
    """

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.end = end
        self._photons: defaultdict[int, float] = defaultdict(float)
        self._pump: defaultdict[float, float] = defaultdict(float)

    def add(
        self, photons: float, temperature: float, pump: float, lines: Sequence[tuple[float, float]]
    ) -> None:
        """Add what a short step brings.

        :param photons: emitted, per cm².
        :param temperature: mean over the step, K.
        :param pump: pump light on the sample, J/cm².
        :param lines: wavelength (nm) and share of the pump light's parts.
        """
        lower = math.floor(temperature / NODE_K)
        upper_part = temperature / NODE_K - lower
        self._photons[lower] += photons * (1 - upper_part)
        self._photons[lower + 1] += photons * upper_part
        for wavelength, share in lines:
            self._pump[wavelength] += pump * share

    def electrons(self, line: LineTable, scatter: Callable[[float], Spectrum]) -> Spectrum:
        """Return the expected photoelectrons, shape (pixel,).

        :param line: electrons per photon per cm².
        :param scatter: electrons per J/cm² of pump light of a wavelength (nm), shape (pixel,).
        """
        scattered = [scatter(wavelength) * pump for wavelength, pump in self._pump.items()]
        total: Spectrum = np.sum(scattered, axis=0)
        for node, photons in self._photons.items():
            if photons:
                total += photons * line.row(node)
        return total

"""The displays, inputs and outputs of an SR830: everything that is read from it as a number.

Source: SR830 user manual, display, aux and data transfer commands (p. 5-8 to 5-16).

UNVERIFIED on hardware: how much an X or Y noise reading scatters; what a ratio shows when the aux
input is at zero (here: as if it were one step of the converter).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from simulators._sr830_detector import Detector
from simulators._sr830_settings import Settings

_AUX_STEPS_PER_VOLT: Final = 3000
_LARGEST_AUX_V: Final = 10.5
_NOISE_READING_SCATTER: Final = 0.1
_X, _Y, _R = 0, 1, 2


class Front:
    """What can be read at the present moment of the detector.

    :param aux_in: voltage (V) at aux input 1 to 4 by moment (s).
    """

    def __init__(
        self,
        settings: Settings,
        detector: Detector,
        aux_in: Callable[[int, float], float],
        rng: np.random.Generator,
    ) -> None:
        self.settings = settings
        self._detector = detector
        self._aux_in = aux_in
        self._rng = rng

    def output(self, index: int) -> float:
        """Return X (1), Y (2), R (3) in V or A, or θ (4) in degrees."""
        return self._detector.theta() if index == 4 else self._detector.output(index - 1)

    def aux(self, channel: int, moment: float) -> float:
        """Return the voltage at an aux input (1 to 4) in the converter's steps of 1/3 mV."""
        steps = round(self._aux_in(channel, moment) * _AUX_STEPS_PER_VOLT)
        largest = _LARGEST_AUX_V * _AUX_STEPS_PER_VOLT
        return float(min(max(steps, -largest), largest)) / _AUX_STEPS_PER_VOLT

    def display(self, index: int, moment: float) -> float:
        """Return what CH1 (1) or CH2 (2) shows."""
        quantity, ratio = self.settings.displays[index - 1]
        first_aux = 2 * index - 1
        if quantity == 0:
            value = self._detector.output(_X if index == 1 else _Y)
        elif quantity == 1:
            value = self._detector.output(_R) if index == 1 else self._detector.theta()
        elif quantity == 2:
            scatter = 1 + _NOISE_READING_SCATTER * float(self._rng.standard_normal())
            value = self._detector.noise_density * max(scatter, 0.0)
        else:
            value = self.aux(first_aux + quantity - 3, moment)
        if ratio == 0:
            return value
        return value / (self.aux(first_aux + ratio - 1, moment) or 1 / _AUX_STEPS_PER_VOLT)

    def snap(self, index: int, moment: float) -> float:
        """Return a quantity by its index in ``SNAP?``: 1 to 11."""
        if index <= 4:
            return self.output(index)
        if index <= 8:
            return self.aux(index - 4, moment)
        if index == 9:
            return self._detector.reference_hz
        return self.display(index - 9, moment)

    def fast_sample(self) -> tuple[float, float]:
        """Return X and Y over full scale, offset taken off and expanded."""
        x, y = (
            self._detector.fraction(quantity) * 10 ** self.settings.expands[quantity]
            for quantity in (_X, _Y)
        )
        return x, y

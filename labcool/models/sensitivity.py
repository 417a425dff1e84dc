"""How good an optical thermometer can be."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.units import BOLTZMANN_EV_PER_K

Values = TypeVar("Values", float, NDArray[np.float64])


def relative_sensitivity(temperature: ArrayLike, signal: ArrayLike) -> NDArray[np.float64]:
    """Return ``S_r = |dI/dT|/I`` of a measured signal, %/K, shape (n,).

    The derivative is taken by central differences, one-sided at the ends. Source: Pokryshkin et al.
    2023, section 3.

    :param temperature: K, shape (n,), ascending or descending, at least two.
    :param signal: I, shape (n,), above 0; an intensity, a ratio of intensities, a width.
    :raises LimitError: if the shapes differ, a temperature is repeated or a signal not above 0.
    """
    kelvin, value = np.asarray(temperature, np.float64), np.asarray(signal, np.float64)
    if kelvin.ndim != 1 or kelvin.shape != value.shape or kelvin.size < 2:
        raise LimitError(
            "shapes of temperature and signal", f"{kelvin.shape}, {value.shape}", "(n,), n >= 2"
        )
    steps = np.diff(kelvin)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise LimitError("temperature (K)", "in no order", "ascending or descending")
    if not (value > 0).all():
        raise LimitError("signal", float(value.min()), "above 0")
    sensitivity: NDArray[np.float64] = 100 * np.abs(np.gradient(value, kelvin)) / value
    return sensitivity


def arrhenius_sensitivity(temperature: Values, activation_energy: float) -> Values:
    """Return ``S_r = Ea/(kB T²)`` of the Arrhenius law, %/K, same shape as ``temperature``.

    :param temperature: K, above 0.
    :param activation_energy: Ea, eV.
    """
    return 100 * activation_energy / (BOLTZMANN_EV_PER_K * temperature * temperature)

"""Activation energy from an Arrhenius plot: ln(intensity) against 1/T, errors in both axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from labcool.calibration._determined import determined
from labcool.calibration.arrhenius import ArrheniusCalibration
from labcool.calibration.origin import Origin
from labcool.errors import LimitError
from labcool.fitting.both_axes import fit_both_axes
from labcool.units import BOLTZMANN_EV_PER_K


def fit_arrhenius_plot(
    temperature: ArrayLike,
    intensity: ArrayLike,
    *,
    temperature_std: ArrayLike,
    intensity_std: ArrayLike,
    origin: Origin,
    offset_std: float = 0.0,
) -> ArrheniusCalibration:
    """Fit ``ln I = c − Ea/(kB T)`` and return the record of Ea.

    The range of validity is that of the temperatures. A scatter beyond the stated errors makes the
    std of Ea larger (by √(χ²/degrees of freedom)), a smaller one does not make it smaller.

    :param temperature: K, shape (n,), three or more.
    :param intensity: at constant pump, any unit, shape (n,), above 0.
    :param temperature_std: of each temperature by itself, K, one number or shape (n,).
    :param intensity_std: in the unit of the intensity, one number or shape (n,), above 0.
    :param origin: when and where they were measured.
    :param offset_std: standard uncertainty that all temperatures share (of the sensor), K.
    :raises LimitError: if a number is outside its range, or the points do not determine Ea.
    """
    kelvin, light = np.asarray(temperature, np.float64), np.asarray(intensity, np.float64)
    if kelvin.ndim != 1 or kelvin.shape != light.shape:
        raise LimitError("temperatures and intensities", (kelvin.shape, light.shape), "(n,) both")
    for field, values in (("temperature (K)", kelvin), ("intensity", light)):
        if not (np.isfinite(values) & (values > 0)).all():
            raise LimitError(field, float(np.min(values)), "finite and above 0")
    if not offset_std >= 0:
        raise LimitError("shared std of the temperatures (K)", offset_std, "0 or more")
    if not np.ptp(kelvin) > 0:
        raise LimitError("temperatures of the Arrhenius plot (K)", kelvin[0], "not all the same")
    inverse, log_light = 1 / kelvin, np.log(light)
    slope = np.polynomial.polynomial.polyfit(inverse, log_light, 1)[1]
    fit = determined(
        fit_both_axes(
            lambda x, level, energy: level - energy / BOLTZMANN_EV_PER_K * (x - inverse.mean()),
            inverse,
            log_light,
            x_std=np.asarray(temperature_std, np.float64) / kelvin**2,
            y_std=np.asarray(intensity_std, np.float64) / light,
            start={"level": float(log_light.mean()), "energy": -slope * BOLTZMANN_EV_PER_K},
        ),
        "Arrhenius plot",
    )
    energy = fit["energy"]
    # A shift δ of all temperatures stretches 1/T by 2δ/T, and with it Ea.
    shared = 2 * energy * offset_std / float(kelvin.mean())
    return ArrheniusCalibration(
        energy,
        float(np.hypot(fit.std("energy"), shared)),
        valid_range=(float(kelvin.min()), float(kelvin.max())),
        **origin.stated("Arrhenius plot", fit),
    )

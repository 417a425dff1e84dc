"""Size of a Gaussian spot from the power that a blade lets pass, in two directions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from labcool.calibration._determined import determined
from labcool.calibration.origin import Origin
from labcool.calibration.spot import SpotCalibration
from labcool.errors import LimitError
from labcool.fitting.both_axes import fit_both_axes
from labcool.fitting.curve import CurveFit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KnifeEdge:
    """What a blade that is drawn through the beam in one direction tells.

    :param diameter_um: 1/e² diameter of the beam in that direction, µm, with ``diameter_std``.
    :param centre_um: position at which half of the power passes, µm.
    :param power: of the whole beam, in the unit of the readings.
    :param background: reading with the beam blocked, same unit.
    :param fit: of the curve; in its χ² a beam that is not Gaussian shows.
    """

    diameter_um: float
    diameter_std: float
    centre_um: float
    power: float
    background: float
    fit: CurveFit


def fit_knife_edge(
    position_um: ArrayLike,
    power: ArrayLike,
    *,
    position_std_um: ArrayLike,
    power_std: ArrayLike,
) -> KnifeEdge:
    """Fit ``P = background + power/2 (1 ± erf(√2 (x − centre)/w))``, diameter = 2 w.

    :param position_um: of the blade, µm, shape (n,), in either direction.
    :param power: that passes it, any unit, shape (n,).
    :param position_std_um: standard deviation of each position, µm, one number or (n,); 0: none.
    :param power_std: one number or shape (n,), above 0.
    :raises LimitError: if a number is outside its range, or the points do not determine the width:
        several have to lie on the flank and some at either end.
    """
    x, readings = np.asarray(position_um, np.float64), np.asarray(power, np.float64)
    if x.ndim != 1 or x.shape != readings.shape or len(x) < 5:
        raise LimitError(
            "positions and powers", (x.shape, readings.shape), "(n,) both, n 5 or more"
        )
    order = np.argsort(x)
    x, readings = x[order], readings[order]
    spreads = [
        np.broadcast_to(np.asarray(std, np.float64), x.shape)[order]
        for std in (position_std_um, power_std)
    ]
    rising = 1.0 if readings[-1] > readings[0] else -1.0

    def passed(x: Floats, background: float, power: float, centre: float, width: float) -> Floats:
        part: Floats = (1 + rising * erf(math.sqrt(2) * (x - centre) / width)) / 2
        return background + power * part

    low, high = float(readings.min()), float(readings.max())
    # Between 16 and 84 % of the power lies one beam radius.
    at = np.interp(
        [0.16, 0.5, 0.84], *_rising_part((readings - low) / max(high - low, 1e-300), x, rising)
    )
    start = {
        "background": low,
        "power": high - low,
        "centre": float(at[1]),
        "width": max(abs(float(at[2] - at[0])), float(np.ptp(x)) / len(x)),
    }
    fit = determined(
        fit_both_axes(passed, x, readings, x_std=spreads[0], y_std=spreads[1], start=start),
        "knife edge",
    )
    if not (fit["width"] > 0 and fit["power"] > 0):
        raise LimitError("width of the knife edge (µm)", fit["width"], "above 0, like the power")
    return KnifeEdge(
        2 * fit["width"],
        2 * fit.std("width"),
        fit["centre"],
        fit["power"],
        fit["background"],
        fit,
    )


def spot_from_knife_edges(
    x: KnifeEdge,
    y: KnifeEdge,
    *,
    path_transmission: float,
    transmission_relative_std: float,
    origin: Origin,
) -> SpotCalibration:
    """Return the record of a spot that was measured in two perpendicular directions.

    The area of the ellipse is that of a circle with the geometric mean of the two diameters.

    :param path_transmission: power at the sample over power at the reference point, 0 to 1.
    :param transmission_relative_std: its relative standard uncertainty, which has to contain that
        of the power meter.
    :param origin: when and where they were measured.
    :raises LimitError: as :class:`SpotCalibration`.
    """
    relative = [edge.diameter_std / edge.diameter_um for edge in (x, y)]
    sizes = [f"{edge.diameter_um:.1f} ± {edge.diameter_std:.1f} µm" for edge in (x, y)]
    return SpotCalibration(
        math.sqrt(x.diameter_um * y.diameter_um),
        path_transmission,
        math.hypot(*relative, transmission_relative_std),
        **origin.stated(f"knife edge, {sizes[0]} by {sizes[1]}", x.fit, y.fit),
    )


def _rising_part(part: Floats, x: Floats, rising: float) -> tuple[Floats, Floats]:
    """Return the passed part, made monotonic against noise, and where, for interpolation."""
    forward, where = (part, x) if rising > 0 else (part[::-1], x[::-1])
    return np.maximum.accumulate(forward), where

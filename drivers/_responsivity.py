"""What a photodiode with its amplifier gives for a watt, at the wavelengths of a calibration."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Literal

from labcool.errors import ConfigurationError, LimitError
from labcool.numbers import above_zero, one_of, within

Unit = Literal["V/W", "A/W"]
Row = tuple[float, float]

SINGLE_WAVELENGTH_NM: Final = 1.0
"""How far beside its one wavelength a calibration at one wavelength holds."""


class Responsivity:
    """Volts per watt against the wavelength, linear between the wavelengths of the calibration.

    :param name: of the instrument, for errors.
    :param rows: wavelength (nm) and responsivity (above 0), in ascending order of the wavelength.
    :param unit: of the responsivities: of diode and amplifier (V/W), or of the diode alone (A/W).
    :param transimpedance: of the amplifier, V/A; needed with A/W, else not allowed.
    :raises LimitError: if a number is out of its range.
    :raises ConfigurationError: if the transimpedance is missing or there is one too many.
    """

    def __init__(
        self,
        name: str,
        rows: Sequence[Sequence[float]],
        unit: Unit,
        transimpedance: float | None,
    ) -> None:
        one_of(f"{name} responsivity_unit", unit, ("V/W", "A/W"))
        factor = _volts_per_unit(name, unit, transimpedance)
        if not rows or any(len(row) != 2 for row in rows):
            raise LimitError(f"{name} responsivity", list(rows), f"rows [nm, {unit}], at least one")
        field = f"{name} wavelength of the calibration (nm)"
        self._wavelengths = [within(field, row[0], 100.0, 30_000.0) for row in rows]
        if self._wavelengths != sorted(set(self._wavelengths)):
            raise LimitError(field, self._wavelengths, "in ascending order")
        self._values = [
            above_zero(f"{name} responsivity ({unit})", row[1]) * factor for row in rows
        ]

    @property
    def range(self) -> tuple[float, float]:
        """Shortest and longest wavelength for which it is known, nm."""
        shortest, longest = self._wavelengths[0], self._wavelengths[-1]
        beside = SINGLE_WAVELENGTH_NM if len(self._wavelengths) == 1 else 0.0
        return shortest - beside, longest + beside

    def at(self, wavelength: float) -> float:
        """Return the responsivity at a wavelength (nm) within :attr:`range`, V/W."""
        after = bisect_right(self._wavelengths, wavelength)
        if after in (0, len(self._wavelengths)):
            return self._values[min(after, len(self._values) - 1)]
        low, high = self._wavelengths[after - 1 : after + 1]
        part = (wavelength - low) / (high - low)
        return self._values[after - 1] + part * (self._values[after] - self._values[after - 1])


def _volts_per_unit(name: str, unit: Unit, transimpedance: float | None) -> float:
    if unit == "A/W":
        if transimpedance is None:
            raise ConfigurationError(
                f"{name}: a responsivity in A/W needs the transimpedance of the amplifier (V/A)."
            )
        return above_zero(f"{name} transimpedance (V/A)", transimpedance)
    if transimpedance is not None:
        raise ConfigurationError(
            f"{name}: a responsivity in V/W has the transimpedance in it. Leave that out, or state "
            "the responsivity in A/W."
        )
    return 1.0

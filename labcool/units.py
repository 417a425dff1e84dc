"""Units labcool stores, and the few conversions between what people say and what the code uses.

Inside the code: temperatures in K, energies in eV, wavelengths in nm, times in s, irradiance at the
sample (called *fluence*, as the literature of the field does) in W/cm², spectra in counts.
Unit texts are written so that pint and NeXus readers parse them.
"""

from __future__ import annotations

from typing import Final

KELVIN: Final = "K"
SECOND: Final = "s"
NANOMETRE: Final = "nm"
COUNTS: Final = "counts"
FLUENCE: Final = "W/cm^2"
ELECTRONVOLT: Final = "eV"
WATT: Final = "W"
PERCENT: Final = "%"
DIMENSIONLESS: Final = ""

ZERO_CELSIUS_K: Final = 273.15
BOLTZMANN_EV_PER_K: Final = 8.617333262e-5
HC_EV_NM: Final = 1239.8419843320026


def kelvin(celsius: float) -> float:
    """Convert °C to K."""
    return celsius + ZERO_CELSIUS_K


def celsius(kelvin_value: float) -> float:
    """Convert K to °C."""
    return kelvin_value - ZERO_CELSIUS_K

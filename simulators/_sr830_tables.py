"""Ranges and tables of the Stanford Research SR830: what its indices mean.

Source: SR830 user manual, remote programming (p. 5-4 to 5-14), read together with the tables that
the public drivers of PyMeasure and QCoDeS use. UNVERIFIED on hardware: the dynamic reserves.
"""

from __future__ import annotations

from typing import Final

SENSITIVITIES_V: Final = tuple(
    float(f"{(2, 5, 10)[index % 3]}e{index // 3 - 9}") for index in range(27)
)
"""Full scale, V rms; with a current input the same in µA."""

TIME_CONSTANTS_S: Final = tuple(
    float(f"{(1, 3)[index % 2]}e{index // 2 - 5}") for index in range(20)
)
SAMPLE_RATES_HZ: Final = tuple(0.0625 * 2**index for index in range(14))

_HIGH_RESERVE_DB: Final = (
    *(174, 166, 160, 154, 146, 140, 134, 126, 120, 114, 106, 100, 94, 86, 80, 74, 66, 60),
    *(54, 46, 40, 34, 26, 20, 14, 6, 0),
)
_NORMAL_RESERVE_DB: Final = (
    *(154, 146, 140, 134, 126, 120, 114, 106, 100, 94, 86, 80, 74, 66, 60, 54, 46, 40),
    *(34, 26, 20, 24, 16, 10, 14, 6, 0),
)
_LOW_NOISE_DB: Final = (
    *(124, 116, 110, 104, 96, 90, 84, 76, 70, 64, 56, 50, 44, 36, 30, 24, 16, 10),
    *(4, 6, 0, 4, 6, 0, 4, 6, 0),
)
RESERVES_DB: Final = (_HIGH_RESERVE_DB, _NORMAL_RESERVE_DB, _LOW_NOISE_DB)
"""Dynamic reserve by RMOD and SENS, dB."""

HIGH_RESERVE, NORMAL_RESERVE, LOW_NOISE = 0, 1, 2
CURRENT_1_MOHM, CURRENT_100_MOHM = 2, 3
COARSEST_AT_100_MOHM: Final = 20
"""Highest SENS (10 nA) of the current gain for small currents."""

ON_TRIGGER: Final = 14
"""SRAT that takes a sample at each trigger."""

SLOWEST_ABOVE_200_HZ: Final = 13
"""Highest OFLT (30 s) above 200 Hz."""

HIGHEST_HZ: Final = 102_000.0
BUFFER_POINTS: Final = 16383
AUX_CHANNELS: Final = 4

INTEGERS: Final[dict[str, tuple[int, int, int]]] = {
    "FMOD": (0, 1, 1),
    "RSLP": (0, 2, 0),
    "HARM": (1, 19999, 1),
    "ISRC": (0, 3, 0),
    "IGND": (0, 1, 0),
    "ICPL": (0, 1, 0),
    "ILIN": (0, 3, 0),
    "SENS": (0, 26, 26),
    "RMOD": (0, 2, LOW_NOISE),
    "OFLT": (0, 19, 8),
    "OFSL": (0, 3, 1),
    "SYNC": (0, 1, 0),
    "SRAT": (0, 14, 4),
    "SEND": (0, 1, 1),
    "TSTR": (0, 1, 0),
    "KCLK": (0, 1, 1),
    "ALRM": (0, 1, 1),
}
"""Commands with one integer that ``*RST`` resets: lowest, highest, standard setting."""

INTERFACE_INTEGERS: Final[dict[str, tuple[int, int]]] = {
    "OUTX": (0, 1),
    "OVRM": (0, 1),
    "LOCL": (0, 2),
    "FAST": (0, 2),
    "*PSC": (0, 1),
}
"""Commands with one integer that concern the interface: lowest, highest."""

REALS: Final[dict[str, tuple[float, float, float, float]]] = {
    "PHAS": (-360.0, 729.99, 0.01, 0.0),
    "FREQ": (0.001, HIGHEST_HZ, 0.0001, 1000.0),
    "SLVL": (0.004, 5.0, 0.002, 1.0),
}
"""Commands with one real number: lowest, highest, resolution, standard setting."""

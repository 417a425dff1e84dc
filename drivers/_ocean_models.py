"""What is known of the Ocean Optics spectrometers that labcool drives.

Pixels, dark pixels: seabreeze's device tables (``FLAMES``, ``USB2000PLUS``, ``USB4000``).
Flame-S: user manual 225-00000-000-11, page 53: a well of about 160 000 photoelectrons (a
signal-to-noise ratio of 400 from the light alone, ~275 of the whole system). It is spread over
65 535 counts. The USB2000+ has the same detector, Sony's ILX511B. USB4000 (Toshiba TCD1304AP):
100 000 electrons is the figure commonly given, not checked against a document.
Read noise: about 50 counts rms, the dark noise of the data sheets. All of these are typical values
(a photon-transfer curve of one's own instrument is better) and can be set in the bench file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FULL_SCALE: Final = 65535


@dataclass(frozen=True, slots=True)
class OceanModel:
    """Typical properties of a model.

    :param name: as printed on the case.
    :param spectrum_pipes: seabreeze's names of the USB pipes a spectrum comes through.
    :param dark_pixels: first and last pixel that light does not reach.
    :param electrons_per_count: gain, photoelectrons per ADC count.
    :param read_noise: counts (standard deviation).
    """

    name: str
    spectrum_pipes: tuple[str, ...]
    dark_pixels: tuple[int, int]
    electrons_per_count: float
    read_noise: float


MODELS: Final[dict[str, OceanModel]] = {
    "FLAMES": OceanModel("Flame-S", ("high_speed",), (6, 20), 160_000 / FULL_SCALE, 50.0),
    "USB2000PLUS": OceanModel("USB2000+", ("high_speed",), (6, 20), 160_000 / FULL_SCALE, 50.0),
    "USB4000": OceanModel(
        "USB4000", ("high_speed_alt", "high_speed"), (5, 15), 100_000 / FULL_SCALE, 50.0
    ),
}
"""Models by the name seabreeze gives them. A Flame-T answers as USB4000."""

"""What tells one camera from another: sensor, amplifiers, speeds, ranges.

Sizes, pixel pitch, well depths and speeds are those of the makers' public data sheets. UNVERIFIED:
read noise and sensitivity (of typical test sheets), the pre-amplifier gains, the recommended
vertical speed, the limits of temperature, the shutter's times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Amplifier:
    """An output amplifier with its read-out speeds.

    :param name: as ``GetAmpDesc`` writes it.
    :param speeds: MHz, fastest first.
    :param read_noise: of each speed, electrons at the amplifier.
    :param sensitivity: electrons per count at a pre-amplifier gain of 1.
    :param capacity: electrons that one read-out pixel holds at the end of the register.
    :param multiplies: whether its register has the electron-multiplying stages.
    """

    name: str
    speeds: tuple[float, ...]
    read_noise: tuple[float, ...]
    sensitivity: float
    capacity: float
    multiplies: bool


@dataclass(frozen=True, slots=True)
class CameraModel:
    """A camera.

    :param head: as ``GetHeadModel`` writes it.
    :param columns: pixels in a row.
    :param rows: rows of the image area.
    :param pixel: pitch, µm.
    :param vertical_speeds: times to shift by one row, µs.
    :param recommended_vertical_speed: index of the fastest that needs no raised clock voltage.
    :param well_depth: electrons that a pixel holds.
    :param warm_dark_current: electrons/s in a pixel at 20 °C.
    :param temperature_range: lowest and highest set temperature, °C.
    :param shutter_times: shortest closing and opening time of the internal shutter, ms.
    """

    head: str
    columns: int
    rows: int
    pixel: float
    amplifiers: tuple[Amplifier, ...]
    preamp_gains: tuple[float, ...]
    vertical_speeds: tuple[float, ...]
    recommended_vertical_speed: int
    well_depth: float
    warm_dark_current: float
    temperature_range: tuple[int, int] = (-120, -10)
    bit_depth: int = 16
    shutter_times: tuple[int, int] = (27, 27)

    @property
    def area_cm2(self) -> float:
        """Area of the image, cm²."""
        return self.columns * self.rows * (self.pixel * 1e-4) ** 2


MODELS: Final = {
    "iXon Ultra 897": CameraModel(
        "DU897_BV", 512, 512, 16.0,
        (
            Amplifier("Electron Multiplying", (17.0, 10.0, 5.0, 1.0), (89.0, 65.0, 45.0, 24.0),
                      15.0, 800_000.0, True),
            Amplifier("Conventional", (3.0, 1.0, 0.08), (10.0, 6.0, 3.5),
                      4.0, 400_000.0, False),
        ),
        (1.0, 2.4, 5.0), (0.3, 0.5, 0.9, 1.7, 3.3), 1, 180_000.0, 400.0,
    ),
    "iXon Ultra 888": CameraModel(
        "DU888_BV", 1024, 1024, 13.0,
        (
            Amplifier("Electron Multiplying", (30.0, 20.0, 10.0, 1.0), (130.0, 80.0, 40.0, 12.0),
                      16.0, 730_000.0, True),
            Amplifier("Conventional", (1.0, 0.1), (6.0, 3.5), 3.5, 250_000.0, False),
        ),
        (1.0, 2.0), (0.6, 1.13, 2.2, 4.33), 1, 80_000.0, 260.0,
    ),
}  # fmt: skip
"""By name; both have one 16-bit converter, a frame-transfer sensor and an internal shutter."""

"""How an Andor camera reads its sensor out: amplifier, speeds, gain, and what a count is worth.

Electrons per count come from the camera's own table (``GetSensitivity``). The SDK tells no read
noise: take it from the performance sheet that came with the camera. The values here are typical of
an iXon 897 and from memory, UNVERIFIED, and so are the capacities of the registers.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from drivers._andor_camera import AndorCamera, as_told
from drivers._andor_errors import status_of
from labcool.errors import ConfigurationError, GarbledAnswer, LimitError
from labcool.numbers import above_zero, within

log = logging.getLogger(__name__)

Amplifier: TypeAlias = Literal["em", "conventional"]

SPEED_TOLERANCE: Final = 0.02
SMALLEST_BITS, LARGEST_BITS = 8, 32
EM_STAGES: Final = 536
TYPICAL_READ_NOISE: Final[dict[Amplifier, dict[float, float]]] = {
    "em": {1.0: 25.0, 5.0: 37.0, 10.0: 65.0, 17.0: 89.0},
    "conventional": {0.08: 3.4, 1.0: 6.0, 3.0: 10.0},
}
"""Electrons (standard deviation) by amplifier and horizontal speed, MHz."""


REGISTER_CAPACITY: Final = {"DU897": 800_000.0, "DU888": 730_000.0}
"""Electrons that a pixel of the multiplying register holds, by the beginning of the model."""


@dataclass(frozen=True, slots=True)
class Readout:
    """What has been chosen among the camera's readout modes.

    :param bits: resolution of the converter.
    :param horizontal_speed: MHz.
    :param vertical_speed: µs per row.
    :param preamp_gain: dimensionless factor.
    :param sensitivity: electrons per count before multiplication; None: the camera tells none.
    """

    amplifier: Amplifier
    bits: int
    horizontal_speed: float
    vertical_speed: float
    preamp_gain: float
    sensitivity: float | None


def choose_readout(
    camera: AndorCamera,
    amplifier: Amplifier,
    horizontal_speed: float | None,
    vertical_speed: float | None,
    preamp_gain: float | None,
) -> Readout:
    """Set the readout mode, and return it.

    :param horizontal_speed: MHz; None: the slowest, which has the least noise.
    :param vertical_speed: µs per row; None: the fastest that the camera recommends.
    :param preamp_gain: None: the lowest.
    :raises LimitError: if the camera does not offer it; the message lists what it does.
    """
    name = camera.name
    with camera.talking() as (device, _):
        modes = [_as_told(mode) for mode in device.get_all_amp_modes()]
        shifts = [as_told(period) for period in device.get_all_vsspeeds()]
        fastest = int(device.get_max_vsspeed())
    if not 0 <= fastest < len(shifts):
        raise GarbledAnswer(name, f"vertical speed {fastest} is none of {len(shifts)}.")
    fitting = [mode for mode in modes if _kind(mode) == amplifier]
    if not fitting:
        raise LimitError(
            f"{name} amplifier", amplifier, " or ".join(sorted({_kind(mode) for mode in modes}))
        )
    speeds = {mode.hsspeed_MHz for mode in fitting}
    speed = _one(f"{name} horizontal_speed (MHz)", horizontal_speed, speeds)
    fitting = [mode for mode in fitting if mode.hsspeed_MHz == speed]
    gain = _one(f"{name} preamp_gain", preamp_gain, {mode.preamp_gain for mode in fitting})
    mode = max(
        (mode for mode in fitting if mode.preamp_gain == gain),
        key=lambda mode: mode.channel_bitdepth,
    )
    if not SMALLEST_BITS <= mode.channel_bitdepth <= LARGEST_BITS:
        raise GarbledAnswer(name, f"{mode.channel_bitdepth} bits is no converter.")
    shift = fastest
    if vertical_speed is not None:
        wanted = _one(f"{name} vertical_speed (µs/row)", vertical_speed, set(shifts))
        shift = shifts.index(wanted)
    with camera.talking() as (device, _):
        device.set_amp_mode(mode.channel, mode.oamp, mode.hsspeed, mode.preamp)
        device.set_vsspeed(shift)
    return Readout(
        amplifier,
        int(mode.channel_bitdepth),
        speed,
        shifts[shift],
        gain,
        _sensitivity(camera, mode),
    )


def read_noise_of(readout: Readout, given: float | None, name: str) -> float:
    """Return the read noise of a pixel in electrons, before multiplication.

    :param given: as in the bench file; None: typical of the amplifier and its speed.
    :raises ConfigurationError: if none is given and none is typical.
    """
    if given is not None:
        return above_zero(f"{name} read_noise_electrons", given)
    for speed, noise in TYPICAL_READ_NOISE[readout.amplifier].items():
        if math.isclose(speed, readout.horizontal_speed, rel_tol=SPEED_TOLERANCE):
            log.warning(
                "%s: the read noise of %g electrons is typical, not measured. Give "
                "read_noise_electrons from the camera's performance sheet.",
                name,
                noise,
            )
            return noise
    raise ConfigurationError(
        f"{name}: no typical read noise is known for {readout.horizontal_speed:g} MHz. Give "
        "read_noise_electrons from the camera's performance sheet."
    )


def sensitivity_of(readout: Readout, given: float | None, name: str) -> float:
    """Return the electrons per count before multiplication.

    :param given: as in the bench file; None: the camera's own.
    :raises ConfigurationError: if there is neither.
    """
    if given is not None:
        return above_zero(f"{name} electrons_per_count", given)
    if readout.sensitivity is None:
        raise ConfigurationError(
            f"{name}: the camera tells no sensitivity. Give electrons_per_count from its "
            "performance sheet."
        )
    return readout.sensitivity


def saturation_of(
    readout: Readout, sensitivity: float, model: str, given: float | None, name: str
) -> float:
    """Return the counts at which a pixel saturates: the converter's end, or the register's.

    With low gain of the pre-amplifier a multiplying register is full before the converter is at
    its end.

    :param sensitivity: electrons per count before multiplication.
    :param model: of the camera's head.
    :param given: as in the bench file; None: as the data sheet says of the model.
    """
    full_scale = 2.0**readout.bits - 1
    if given is not None:
        return within(f"{name} saturation_level (counts)", given, 1.0, full_scale)
    if readout.amplifier == "conventional":
        return full_scale
    for beginning, capacity in REGISTER_CAPACITY.items():
        if model.startswith(beginning):
            return min(full_scale, capacity / sensitivity)
    log.warning(
        "%s: it is not known what the register of a %s holds; it may saturate below %g counts. "
        "Give saturation_level.",
        name,
        model,
        full_scale,
    )
    return full_scale


def excess_noise(gain: float) -> float:
    """Return the factor by which multiplication widens the shot noise, 1 to √2.

    F² = 2 (G - 1) G^(-(N + 1)/N) + 1/G for N = 536 multiplication stages (Robbins and Hadwen, IEEE
    Trans. Electron Devices 50, 1227 (2003), equation 16); 536 as in the CCD97 of the iXon 897.

    :param gain: EM gain G, 1 or more.
    """
    if gain <= 1:
        return 1.0
    return math.sqrt(2 * (gain - 1) * gain ** (-(EM_STAGES + 1) / EM_STAGES) + 1 / gain)


def _as_told(mode: Any) -> Any:
    speed, gain = as_told(mode.hsspeed_MHz), as_told(mode.preamp_gain)
    return mode._replace(hsspeed_MHz=speed, preamp_gain=gain)


def _kind(mode: Any) -> Amplifier:
    text = str(mode.oamp_kind).lower()
    return "em" if "electron" in text or "em" in text.split() else "conventional"


def _one(field: str, wanted: float | None, offered: set[float]) -> float:
    if wanted is None:
        return min(offered)
    above_zero(field, wanted)
    for value in offered:
        if math.isclose(value, wanted, rel_tol=SPEED_TOLERANCE):
            return value
    raise LimitError(field, wanted, "one of " + ", ".join(f"{v:g}" for v in sorted(offered)))


def _sensitivity(camera: AndorCamera, mode: Any) -> float | None:
    with camera.talking() as (_, library):
        if library.GetSensitivity is None:
            return None
        try:
            value = library.GetSensitivity(mode.channel, mode.hsspeed, mode.oamp, mode.preamp)
        except Exception as error:
            if status_of(error) in UNKNOWN_SENSITIVITY:
                return None
            raise
    if not (math.isfinite(value) and value > 0):
        raise GarbledAnswer(camera.name, f"{value} electrons per count is no sensitivity.")
    return as_told(value)


UNKNOWN_SENSITIVITY: Final = (20991, 20992)

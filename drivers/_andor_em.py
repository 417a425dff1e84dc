"""The electron multiplication of an EMCCD, and the light that it can bear.

Gain above 300 needs the SDK's advanced mode, in which light destroys the register; that mode is
never entered. Below, too much light at a high gain ages it. So the gain goes up only after a
spectrum has shown that the light, multiplied, stays below saturation, and it is switched off as
soon as a spectrum saturates.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers._andor_camera import AndorCamera
from drivers._andor_errors import FIRST_PARAMETER, status_of
from labcool.errors import GarbledAnswer, InstrumentRefused
from labcool.numbers import whole

log = logging.getLogger(__name__)

LARGEST_GAIN: Final = 300
REAL_GAIN_MODE: Final = 3
COSMIC_PIXELS: Final = 4
"""So many pixels may be bright by themselves: a cosmic ray hits no more."""
LARGEST_BASELINE: Final = 1000.0
"""Counts that a pixel without light may have; anything above is taken for light."""


@dataclass(frozen=True, slots=True)
class Brightness:
    """What the last spectrum tells of the light.

    :param baseline: counts without light.
    :param signal: counts above it of the brightest pixel, cosmic rays apart.
    """

    baseline: float
    signal: float
    exposure: float
    gain: int
    saturated: bool


class ElectronMultiplication:
    """The EM gain of one camera; off to begin with.

    :param available: whether the amplifier in use multiplies.
    :param saturated: counts from which on a pixel is saturated.
    """

    def __init__(self, camera: AndorCamera, *, available: bool, saturated: float) -> None:
        self._camera = camera
        self._name = camera.name
        self._level = saturated
        self._seen: Brightness | None = None
        self._tripped = False
        self._lowest, self.highest = 1, 1
        if available:
            self._learn_range()
        self.switch_off()

    def _learn_range(self) -> None:
        if not self._camera.do_optional("SetEMGainMode", REAL_GAIN_MODE):
            raise InstrumentRefused(
                self._name,
                "this camera has no real EM gain, so that nobody could say what its counts are "
                "worth. Use the conventional amplifier.",
            )
        with self._camera.talking() as (_, library):
            low, high = library.GetEMGainRange()
        self._lowest, self.highest = int(low), min(int(high), LARGEST_GAIN)
        if not 0 <= self._lowest < self.highest:
            raise GarbledAnswer(self._name, f"{low} to {high} is no range of EM gains.")

    @property
    def gain(self) -> int:
        """Gain as the camera reports it; 1 if it is off."""
        return max(1, self._reported())

    def set(self, gain: float, exposure: float) -> None:
        """Set the gain; 1 switches it off.

        :param exposure: of the spectra to come, s.
        :raises LimitError: outside the range (300 is the most); nothing is sent.
        :raises InstrumentRefused: if the last spectrum is missing or too bright for it, or the
            camera reports another gain; in the latter case it is switched off.
        """
        field = f"{self._name} em_gain"
        wanted = whole(field, gain, 1, self.highest, "Gains above 300 age the sensor.")
        if wanted == 1:
            self.switch_off()
            self._tripped = False
            return
        wanted = whole(field, gain, self._lowest, self.highest, "1 switches it off.")
        self.check_light(wanted, exposure)
        with self._camera.talking() as (_, library):
            library.SetEMCCDGain(wanted)
        if (found := self._reported()) != wanted:
            self.switch_off()
            raise InstrumentRefused(
                self._name, f"the EM gain is {found} although {wanted} was set. It is off now."
            )
        self._tripped = False

    def switch_off(self) -> None:
        """Bring the gain to its minimum; returns once the camera reports it.

        :raises InstrumentRefused: if it reports another.
        """
        if self._camera.optional("GetEMCCDGain") is None:
            return
        with self._camera.talking() as (_, library):
            try:
                library.SetEMCCDGain(0)
            except Exception as error:
                if status_of(error) != FIRST_PARAMETER:
                    raise
                library.SetEMCCDGain(self._lowest)
        if (found := self._reported()) > self._lowest:
            raise InstrumentRefused(
                self._name, f"the EM gain stays at {found}. Block the light, switch the camera off."
            )

    def check_light(self, gain: int, exposure: float) -> None:
        """Raise if the light of the last spectrum would saturate at this gain and exposure (s).

        :raises InstrumentRefused: if so, or if there is no spectrum to judge by.
        """
        if gain <= 1:
            return
        seen = self._seen
        if seen is None:
            raise InstrumentRefused(
                self._name,
                "the EM gain needs a spectrum of the same light taken before, with the gain off: "
                "nobody knows yet whether the light is too bright for it.",
            )
        expected = seen.baseline + seen.signal * (gain / seen.gain) * (exposure / seen.exposure)
        if seen.saturated or expected >= self._level:
            raise InstrumentRefused(
                self._name,
                f"EM gain {gain} with {exposure:g} s is too much for this light: {expected:.0f} "
                f"counts are to be expected, {self._level:g} saturate. Take less light, a "
                "shorter exposure or a lower gain, and a new spectrum first.",
            )

    def require_not_tripped(self) -> None:
        """Raise if the gain has been switched off by a spectrum that was too bright.

        :raises InstrumentRefused: until the gain is set again.
        """
        if self._tripped:
            raise InstrumentRefused(
                self._name,
                "the EM gain was switched off, because the last spectrum saturated. Take less "
                "light and set em_gain again (1: go on without).",
            )

    def judge(self, counts: NDArray[Any], exposure: float, gain: int) -> None:
        """Remember how bright a spectrum is; switch the gain off if it saturates.

        :param counts: shape (pixel,) or (frame, pixel).
        :param gain: with which it was taken.
        """
        frames = np.atleast_2d(counts)
        order = max(frames.shape[1] - 1 - COSMIC_PIXELS, 0)
        brightest = float(np.partition(frames, order, axis=1)[:, order].max())
        baseline = min(float(frames.min()), LARGEST_BASELINE)
        saturated = brightest >= self._level
        self._seen = Brightness(baseline, brightest - baseline, exposure, gain, saturated)
        if saturated and gain > 1:
            self.switch_off()
            self._tripped = True
            log.warning(
                "%s: a spectrum saturates at EM gain %d; the gain is switched off.",
                self._name,
                gain,
            )

    def forget(self) -> None:
        """Forget the last spectrum: the light is another now."""
        self._seen = None

    def _reported(self) -> int:
        gain = self._camera.optional("GetEMCCDGain")
        if gain is None:
            return 0
        if not 0 <= int(gain) <= LARGEST_GAIN:
            raise GarbledAnswer(self._name, f"{gain} is no EM gain below {LARGEST_GAIN}.")
        return int(gain)
